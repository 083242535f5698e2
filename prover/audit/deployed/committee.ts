/** A10: who attests, and how they came to: a source's signers from its constructor on, change by change. */
import { logsBetween } from '../../registry/chain.ts'
import { interfaceOf } from '../../registry/artifacts.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { ask, ContractRevertError } from '../../registry/contractErrors.ts'
import { inTurns, isBefore, type Place, stampOf } from '../nodeReads.ts'
import type { AuditPins, PinnedSource } from '../pins.ts'
import { argumentsOf, type ConstructorArguments, contractOf } from './code.ts'
import { type DeployedSource, readOf } from './reading.ts'
import type { CommitteeChange, ContractRecord } from './record.ts'

/** k of n signers. */
export type Committee = { readonly threshold: number; readonly signers: readonly string[] }

type Uncollected = Pick<ContractRecord, 'part' | 'address' | 'code' | 'creation'>
type Collected = Pick<ContractRecord, 'committee' | 'committeeChanges' | 'signers'>

const NOBODY: Collected = { committee: null, committeeChanges: [], signers: [] }

const givenSigners = (given: ConstructorArguments | undefined): readonly string[] | undefined =>
  given?.signers_ === undefined ? undefined : [...(given.signers_ as Iterable<string>)]

/** Nothing of a contract whose constructor took no signers. */
export async function collectCommittee(source: DeployedSource, contract: Uncollected): Promise<Collected> {
  const named = givenSigners(argumentsOf(contractOf(contract), contract.creation))
  if (named === undefined) return NOBODY
  const committeeChanges = await changesOf(source, contract)
  const set = committeeChanges.flatMap((change) => (change.kind === 'set' ? change.signers : []))
  const committee = await committeeNow(source, contract.address)
  const accounts = new Set([...named, ...set, ...(committee?.signers ?? [])])
  const signers = await inTurns([...accounts], async (account) => ({
    account,
    isSigner: await isSigner(source, contract.address, account),
    isContract: (await ask('Reading a signer', () => source.provider.getCode(account, source.end))) !== '0x',
  }))
  return { committee, committeeChanges, signers }
}

/** From its creation on, which may lie before the registry's. */
async function changesOf(
  { provider, fromBlock, end }: DeployedSource,
  { address, creation }: Uncollected,
): Promise<CommitteeChange[]> {
  const events = interfaceOf('AttestedFeed')
  const topics = [['CommitteeSet', 'SignerRevoked'].map((event) => events.getEvent(event)?.topicHash ?? '')]
  const logs = await logsBetween(provider, { address, topics }, creation?.block ?? fromBlock, end)
  return inTurns(logs, async (log) => {
    const { signers, threshold, signer } = events.parseLog(log)?.args.toObject() ?? {}
    const stamp = await stampOf(provider, log)
    return signers === undefined
      ? { kind: 'revoked' as const, ...stamp, signer }
      : { kind: 'set' as const, ...stamp, signers: [...signers], threshold: Number(threshold) }
  })
}

async function committeeNow(source: DeployedSource, address: string): Promise<ContractRecord['committee']> {
  try {
    const signers = await readOf<Iterable<string>>(source, 'AttestedFeed', address, 'signers')
    const threshold = await readOf<bigint>(source, 'AttestedFeed', address, 'threshold')
    return { threshold: Number(threshold), signers: [...signers] }
  } catch (error) {
    if (error instanceof ContractRevertError) return null
    throw error
  }
}

async function isSigner(source: DeployedSource, address: string, account: string): Promise<boolean> {
  try {
    return await readOf<boolean>(source, 'AttestedFeed', address, 'isSigner', account)
  } catch (error) {
    if (error instanceof ContractRevertError) return false
    throw error
  }
}

/** The committees that a source has had, each from a change on. */
function committeesOf({ committeeChanges }: ContractRecord): readonly (Committee & { readonly from: Place })[] {
  const had: (Committee & { readonly from: Place })[] = []
  for (const change of committeeChanges.toSorted((a, b) => (isBefore(a, b) ? -1 : 1))) {
    const { signers = [], threshold = 0 } = had.at(-1) ?? {}
    had.push(
      change.kind === 'set'
        ? { from: change, signers: change.signers, threshold: change.threshold }
        : { from: change, signers: signers.filter((signer) => signer !== change.signer), threshold },
    )
  }
  return had
}

/** Who attested at a place of the chain; undefined before the source stood. */
export const committeeAt = (record: ContractRecord, place: Place): Committee | undefined =>
  committeesOf(record).findLast(({ from }) => isBefore(from, place))

/**
 * Those who attest are where the changes led that began with those whom the constructor named. The auditor's file may name any
 * committee that the source has had: how it went on is told.
 */
export function judgeCommittee(
  at: string,
  record: ContractRecord,
  given: ConstructorArguments | undefined,
  { deployment }: AuditPins,
): readonly ClaimResult[] {
  const named = givenSigners(given)
  if (named === undefined) return []
  const had = committeesOf(record)
  const [first, last] = [had[0], had.at(-1)]
  const still = record.signers.filter(({ isSigner: is }) => is).map(({ account }) => account)
  const { committee } = record
  const pinned = deployment?.sources.find(({ address }) => address === record.address)
  return [
    compare('A10', `${at}.committeeChanges[0].signers`, listed(named), listed(first?.signers ?? [])),
    compare('A10', `${at}.committeeChanges[0].threshold`, Number(given?.threshold_), first?.threshold),
    ...judgeRevocations(at, record),
    compare('A10', `${at}.signers`, listed(last?.signers ?? []), listed(committee?.signers ?? [])),
    compare('A10', `${at}.signers`, listed(last?.signers ?? []), listed(still)),
    compare('A10', `${at}.threshold`, last?.threshold, committee?.threshold),
    ...(pinned === undefined ? [] : judgePinned(at, pinned, had, given)),
  ]
}

/** Nobody is revoked who does not attest. */
function judgeRevocations(at: string, record: ContractRecord): readonly ClaimResult[] {
  return record.committeeChanges.flatMap((change, i) => {
    if (change.kind === 'set') return []
    const isThere = committeeAt(record, change)?.signers.includes(change.signer) === true
    return [
      compare(
        'A10',
        `${at}.committeeChanges[${i}].signer`,
        'one of the signers',
        isThere ? 'one of the signers' : change.signer,
      ),
    ]
  })
}

function judgePinned(
  at: string,
  pinned: PinnedSource,
  had: readonly Committee[],
  given: ConstructorArguments | undefined,
): readonly ClaimResult[] {
  const last = had.at(-1)
  const { signers = last?.signers ?? [], threshold = last?.threshold } = pinned
  const known = had.find((each) => listed(each.signers) === listed(signers) && each.threshold === threshold) ?? last
  const bound = given?.maxConfidenceBps_
  return [
    compare('A10', `${at}.signers`, listed(signers), listed(known?.signers ?? [])),
    compare('A10', `${at}.threshold`, threshold, known?.threshold),
    ...(bound === undefined
      ? []
      : [compare('A10', `${at}.maxConfidenceBps`, String(pinned.maxConfidenceBps ?? bound), String(bound))]),
  ]
}

const listed = (accounts: readonly string[]): string =>
  accounts.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1)).join(' ') || 'nobody'
