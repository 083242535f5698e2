/** Judges a {@link DeployedRecord}: every contract is ours and stands where the others say, and consumers are told what follows. */
import { keccak256 } from 'ethers'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { type Judged, summarise } from '../findings.ts'
import type { AuditPins } from '../pins.ts'
import type { RegistryPart } from './collect.ts'
import { type Authority, judgeAuthority } from './authority.ts'
import {
  argumentsOf,
  type ConstructorArguments,
  contractOf,
  contractsFor,
  judgeCode,
  judgeCreation,
  judgeImmutables,
  isMade,
  madeIn,
  sourcesOfMedian,
} from './code.ts'
import { type Committee, judgeCommittee } from './committee.ts'
import type { CommitteeChange, ContractRecord, DeployedRecord, Part, ReadRecord } from './record.ts'

/** One contract of a deployment. */
export type ContractReport = Judged & {
  readonly name: string
  readonly address: string
  /** Which contract made it, of those that others make: each has its own. */
  readonly madeBy?: string
  /** Who attests, where signers do. */
  readonly committee?: Committee & {
    /** Since its constructor's. */
    readonly changes: readonly CommitteeChange[]
  }
}

export type DeployedReport = {
  readonly contracts: readonly ContractReport[]
  readonly authority: Authority
  readonly reads: Judged & { readonly asked: number }
}

/** What the rest of a record says of its place. */
export type ExpectedPlace = {
  readonly chainId: bigint
  readonly part: RegistryPart
  readonly registry: string
  readonly modelRegistry: string
  readonly sources: readonly { readonly part: 'source' | 'rounds' | 'riskArrays'; readonly address: string }[]
  /** What the registry's constructor must have been given besides, by parameter. */
  readonly given?: Readonly<Record<string, unknown>>
  /** The same of a contract by its address, where there are several of a kind. */
  readonly givenTo?: ReadonlyMap<string, Readonly<Record<string, unknown>>>
  /** Sources that rounds came from at first, by default the first one. */
  readonly firstRounds?: readonly string[]
  /** Answers that follow from the history. */
  readonly reads: readonly ExpectedRead[]
}

/** An answer that follows from the history, or the error that does. */
export type ExpectedRead = {
  readonly method: string
  readonly of: string
  /** As people call the market or account. */
  readonly name: string
  readonly answer: readonly { readonly name: string; readonly value: unknown }[] | string
}

export function judgeDeployed(record: DeployedRecord, place: ExpectedPlace, pins: AuditPins): DeployedReport {
  return {
    contracts: [
      ...missingContracts(record, place),
      ...record.contracts.map((each) => judgeContract(each, record, place, pins)),
    ],
    authority: judgeAuthority(record, place.chainId, pins),
    reads: { ...summarise(judgeReads(record.reads, place.reads)), asked: record.reads.length },
  }
}

/** Subjects of a deployment as verdicts list them. */
export const deployedSubjects = ({ contracts, authority, reads }: DeployedReport) => [
  ...contracts.map((each) => ({ of: `${contractText(each)} ${each.address}`, claims: each.claims })),
  { of: 'the council', claims: authority.claims },
  { of: 'what consumers read', claims: reads.claims },
]

/** A record leaves out no contract that the history rests on. */
function missingContracts({ contracts, council }: DeployedRecord, place: ExpectedPlace): readonly ContractReport[] {
  const wanted: readonly (readonly [Part, string])[] = [
    [place.part, place.registry],
    ['modelRegistry', place.modelRegistry],
    ['council', council.address],
    ...place.sources.map(({ part, address }) => [part, address] as const),
    ...contracts.flatMap(askedBy),
  ]
  return wanted
    .filter(([part, address]) => !contracts.some((each) => each.part === part && each.address === address))
    .map(([part, address]) => {
      const field = `deployed.${contractsFor[part][0]}`
      const claims = [{ claim: 'A7', holds: false, field, expected: `its code at ${address}`, found: 'nothing' }]
      return { name: contractsFor[part][0], address, ...summarise(claims) }
    })
}

/** Contracts whose answers one of ours takes. */
function askedBy(record: ContractRecord): readonly (readonly [Part, string])[] {
  const contract = contractOf(record)
  const made = madeIn(contract, record.code)
  if (made.length > 0) return made.map(({ part, address }) => [part, address])
  const given = contract === 'MedianFeed' ? argumentsOf(contract, record.creation) : undefined
  return given === undefined ? [] : sourcesOfMedian(given).map((address) => ['source', address])
}

function judgeContract(
  record: ContractRecord,
  deployed: DeployedRecord,
  place: ExpectedPlace,
  pins: AuditPins,
): ContractReport {
  const { address, part } = record
  if (part === 'source' && pins.trustedCode?.includes(keccak256(record.code)) === true) {
    return { name: 'source', address, ...summarise([{ claim: 'A7', holds: true }]) }
  }
  const contract = contractOf(record)
  const at = `deployed.${contract}`
  const given = argumentsOf(contract, record.creation)
  const claims = [
    judgeCode(at, contract, record),
    ...(isMade(part) ? [] : judgeCreation(at, contract, record)),
    ...judgeImmutables(at, contract, record, place.chainId, isMade(part) ? givenByMaker(place) : {}),
    ...judgeArguments(at, address, given, deployed, place),
    ...judgeCommittee(at, record, given, pins),
    ...judgePinned(at, record, place, pins),
  ]
  const { committee, committeeChanges } = record
  const attested = committee === null ? {} : { committee: { ...committee, changes: committeeChanges.slice(1) } }
  const maker = deployed.contracts.find((each) =>
    madeIn(contractOf(each), each.code).some((made) => made.address === address),
  )
  const madeBy = maker === undefined ? {} : { madeBy: contractOf(maker) }
  return { name: contract, address, ...madeBy, ...attested, ...summarise(claims) }
}

/** What the registry gives a contract that it makes. */
function givenByMaker({ registry, sources }: ExpectedPlace): Readonly<Record<string, bigint>> {
  const arrays = sources.find(({ part }) => part === 'riskArrays')?.address
  return {
    'OpenInterest.registry': BigInt(registry),
    ...(arrays === undefined ? {} : { 'OpenInterest.arrays': BigInt(arrays) }),
  }
}

/** What people call a contract: `BatchVerifier of RiskArrays`. */
export const contractText = ({ name, madeBy }: Pick<ContractReport, 'name' | 'madeBy'>): string =>
  madeBy === undefined ? name : `${name} of ${madeBy}`

/** A8: constructors were given each other’s addresses, so that no contract asks a stranger. */
function judgeArguments(
  at: string,
  address: string,
  given: ConstructorArguments | undefined,
  { council }: DeployedRecord,
  { modelRegistry, sources, given: further, givenTo }: ExpectedPlace,
): readonly ClaimResult[] {
  const expected: Readonly<Record<string, unknown>> = {
    ...further,
    authority: council.address,
    models_: modelRegistry,
    rounds_: sources.find(({ part }) => part === 'rounds')?.address,
    arrays_: sources.find(({ part }) => part === 'riskArrays')?.address,
    ...givenTo?.get(address),
  }
  return Object.entries(expected).flatMap(([name, value]) =>
    given?.[name] === undefined || value === undefined
      ? []
      : [compare('A8', `${at}.${name}`, value, told(given[name]))],
  )
}

/** Lists of addresses as one text. */
const told = (value: unknown): unknown => (Array.isArray(value) ? [...value].join() : value)

/** A3: what stands where, as the auditor's file says; a source of rounds that governance has set since is in no file of before. */
function judgePinned(
  at: string,
  { part, address }: ContractRecord,
  {
    sources,
    firstRounds = sources
      .filter(({ part: of }) => of === 'rounds')
      .slice(0, 1)
      .map((each) => each.address),
  }: ExpectedPlace,
  { deployment }: AuditPins,
): readonly ClaimResult[] {
  if (deployment === undefined) return []
  const pinned: Partial<Record<Part, string>> = { council: deployment.council, modelRegistry: deployment.modelRegistry }
  if (part === 'rounds') {
    if (!firstRounds.includes(address)) return []
    const known = deployment.sources.map((source) => source.address)
    return known.length === 0
      ? []
      : [compare('A3', `${at}.address`, address, known.find((each) => each === address) ?? known.join(' or '))]
  }
  return pinned[part] === undefined ? [] : [compare('A3', `${at}.address`, pinned[part], address)]
}

/** A12: field by field. */
function judgeReads(found: readonly ReadRecord[], expected: readonly ExpectedRead[]): readonly ClaimResult[] {
  const count = compare('A12', 'deployed.reads', expected.length, found.length)
  return [
    count,
    ...expected.flatMap((each, i) => {
      const at = `reads.${each.method}(${each.name})`
      const read = found[i]
      if (read?.method !== each.method || read.of !== each.of) {
        return [compare('A12', at, 'an answer', 'none')]
      }
      if (typeof each.answer === 'string' || read.answer === null) {
        const [wanted, got] = [outcomeOf(each.answer), outcomeOf(read.answer ?? read.reverted ?? 'none')]
        return [compare('A12', at, wanted, got)]
      }
      const { answer } = read
      const names = compare(
        'A12',
        at,
        each.answer.map(({ name }) => name).join(),
        answer.map(({ name }) => name).join(),
      )
      return [
        names,
        ...each.answer.map(({ name, value }, j) => compare('A12', `${at}.${name}`, String(value), answer[j]?.value)),
      ]
    }),
  ]
}

const outcomeOf = (answer: ExpectedRead['answer'] | NonNullable<ReadRecord['answer']>): string =>
  typeof answer === 'string' ? `reverts with ${answer}` : 'an answer'
