/**
 * Judges a {@link PortfolioRecord}: walks over its transactions, each with the ledger as it then stood, has every array,
 * book, margin and witness derived again, and says what differs first.
 */
import { emptyBook } from '../../portfolio/book.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { portfolioStatementNames } from '../../registry/layouts.ts'
import { netGreeksOf, type OpenInterest } from '../../registry/portfolio/openInterest.ts'
import { hashOfHashes, roundIdOfHashes } from '../../registry/portfolio/rounds.ts'
import { stateRoot } from '../../statement/optionBook.ts'
import type { ClaimId } from '../claimTitles.ts'
import { deployedSubjects, type ExpectedPlace, judgeDeployed } from '../deployed/judge.ts'
import { firstFailureOf, summarise } from '../findings.ts'
import { judgeModel, type UsableKey } from '../models.ts'
import { isBefore, type Place } from '../nodeReads.ts'
import { type AuditPins, isPinned, judgePlace } from '../pins.ts'
import { judgeArrays } from './arrays.ts'
import { decodeProvingCall, eventCount, isWitness } from './calls.ts'
import { compareLists, compareWord, holdsIf } from './comparisons.ts'
import { judgeComplete } from './counts.ts'
import { NO_THRESHOLDS, PortfolioLedger } from './ledger.ts'
import { judgeMargins } from './margins.ts'
import { bookHashIn, expectedPortfolioReads } from './reads.ts'
import type { PortfolioRecord, ProofEvent, TransactionRecord } from './record.ts'
import type { AccountReport, MarginReport, OpenInterestReport, PortfolioAuditReport, WitnessReport } from './report.ts'
import type { Audited, Found, Scene } from './scene.ts'
import { judgeSignatures } from './signatures.ts'
import { judgeWitness } from './witness.ts'

/**
 * Judges a record. Never throws for a false one; says what is false first.
 *
 * @example
 * import { Wallet } from 'ethers'
 * const { addresses } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const council = new Wallet(process.env.COUNCIL_KEY, provider)
 * const { provable } = await marginOf(readAccount('portfolio.json', {}))
 * const { registry, block } = await deployPortfolio(council, {
 *   council: addresses.council,
 *   modelRegistry: addresses.modelRegistry,
 *   market: 'BTC-USD',
 *   rounds: { signers: [council.address], threshold: 1 },
 *   policy: policyOf(provable),
 *   venue: council.address,
 *   models: [],
 * })
 * const { record } = await auditPortfolio({ provider, registry, fromBlock: block, keys: await portfolioAuditKeys() })
 * (await judgePortfolio(record, { chainId: 31337n, registry })).accepted // → true
 */
export async function judgePortfolio(
  record: PortfolioRecord,
  pins: AuditPins = {},
  onProgress?: (done: number, total: number) => void,
): Promise<PortfolioAuditReport> {
  const { context } = record
  const { models, audited } = beginAudit(record, pins)
  const { ledger, found, unexplained } = audited
  const transactions = [...record.transactions].sort((a, b) => (isBefore(placeIn(a), placeIn(b)) ? -1 : 1))
  for (const [i, transaction] of transactions.entries()) {
    await judgeTransaction(transaction, audited)
    onProgress?.(i + 1, transactions.length)
  }
  ledger.advanceTo({ block: Number.POSITIVE_INFINITY, logIndex: 0 })
  const policy = { ...summarise(judgePolicies(record)), versions: record.policies.length }
  const signed = record.rounds.flatMap((round, i) => judgeSignatures(round, i, record))
  const rounds = { ...summarise([...judgeRounds(record), ...signed]), published: record.rounds.length }
  const accounts = judgeAccounts(record, ledger)
  const openInterest = judgeOpenInterest(record, ledger)
  const deployed = judgeDeployed(record.deployed, placeOf(record, ledger), pins)
  const emptyState = compare('R28', 'context.emptyState', await stateRoot(emptyBook), context.emptyState)
  const failure = firstFailureOf([
    {
      of: 'the record',
      claims: [...judgePlace(context, pins), emptyState, ...judgeEnds('R27', record), ...unexplained],
    },
    ...models.map(({ name, claims }) => ({ of: `model ${name}`, claims })),
    { of: 'policy', claims: policy.claims },
    { of: 'rounds', claims: rounds.claims },
    ...found.arrays.map(({ number, claims }) => ({ of: `array ${number}`, claims })),
    ...found.margins.flatMap((margin) => subjectsOf('margin of', margin)),
    ...found.witnesses.flatMap((witness) => subjectsOf('witness against', witness)),
    ...accounts.map(({ account, claims }) => ({ of: `account ${account}`, claims })),
    { of: 'the open interest', claims: openInterest.claims },
    ...deployedSubjects(deployed),
  ])
  return {
    kind: 'portfolio',
    accepted: failure === undefined,
    chainId: context.chainId,
    registry: context.registry,
    fromBlock: context.fromBlock,
    toBlock: context.toBlock,
    pinned: isPinned(pins),
    models,
    policy,
    rounds,
    ...found,
    accounts,
    openInterest,
    deployed,
    ...(failure === undefined ? {} : { failure }),
  }
}

/** Counts are opened as the registry opens them, and complete with the last account that they need. */
function judgeOpenInterest({ counts, openInterests }: PortfolioRecord, ledger: PortfolioLedger): OpenInterestReport {
  const { claims, complete } = ledger.counts
  const last = complete.at(-1)
  return {
    opened: counts.length,
    complete: complete.length,
    ...(last === undefined ? {} : { last: { ...last, ...netGreeks(last) } }),
    ...summarise([...claims, ...judgeComplete(complete, openInterests)]),
  }
}

function netGreeks(last: OpenInterest & { readonly priceScale: bigint }) {
  const { netDelta, netGamma, netVegaPerPointE10 } = netGreeksOf(last, Number(last.priceScale))
  return { netDelta, netGamma, netVegaPerPoint: Number(netVegaPerPointE10) / 1e10 }
}

/** Where the contracts must stand, and what they must answer, as the history has it. */
export function placeOf(record: PortfolioRecord, ledger: PortfolioLedger): ExpectedPlace {
  const { chainId, registry, arrays, modelRegistry, marketId, emptyState } = record.context
  const roundSources = new Set(record.roundSources.map(({ source }) => source))
  return {
    part: 'portfolioRegistry',
    ...{ chainId, registry, modelRegistry },
    sources: [
      { part: 'riskArrays', address: arrays },
      ...[...roundSources].map((address) => ({ part: 'rounds' as const, address })),
    ],
    given: { marketId_: marketId, emptyState_: emptyState },
    reads: expectedPortfolioReads(record, ledger),
  }
}

export const subjectsOf = (title: string, { account, books, claims }: MarginReport | WitnessReport) => [
  ...books.map((book) => ({ of: `book ${book.number} of ${account}`, claims: book.claims })),
  { of: `${title} ${account}`, claims },
]

/** Judges the models of a record, and stands before its first transaction. */
export function beginAudit(record: PortfolioRecord, pins: AuditPins = {}) {
  const keys = new Map<string, UsableKey>()
  const { chainId } = record.context
  const models = record.models.map((model) => judgeModel(model, chainId, pins, keys, portfolioStatementNames))
  const found: Found = { arrays: [], margins: [], witnesses: [] }
  const ledger = PortfolioLedger.of(record)
  return { models, audited: { record, ledger, keys, found, unexplained: [] } satisfies Audited }
}

/** An audit that stands at the same place, has found nothing yet, and goes its own way from here. */
export const branchOf = ({ record, ledger, keys }: Audited): Audited => ({
  record,
  ledger: ledger.copy(),
  keys,
  found: { arrays: [], margins: [], witnesses: [] },
  unexplained: [],
})

/** Versions count up from 1; the last one is in force. */
export function judgePolicies({
  policies,
  final,
}: Pick<PortfolioRecord, 'policies'> & InForce): readonly ClaimResult[] {
  return [
    ...policies.map(({ version }, i) => compare('R25', `policies[${i}].version`, BigInt(i + 1), version)),
    compare('R25', 'final.policy.version', BigInt(policies.length), final.policy.version),
    ...compareLists('R25', 'final.policy.words', policies.at(-1)?.words ?? [], final.policy.words),
  ]
}

type InForce = { readonly final: Pick<PortfolioRecord['final'], 'policy'> }
type PublishedRounds = Pick<PortfolioRecord, 'rounds' | 'roundSources'> & {
  readonly context: Pick<PortfolioRecord['context'], 'chainId' | 'marketId' | 'rounds'>
}

/** Each round's id is the hash of what its event says, times go up, and the last source is the one that is asked at the end. */
export function judgeRounds({ rounds, roundSources, context }: PublishedRounds): readonly ClaimResult[] {
  const last = compare('R112', 'context.rounds', roundSources.at(-1)?.source, context.rounds)
  const ofRounds = rounds.flatMap((round, i) => {
    const { chainId, marketId } = context
    const id = roundIdOfHashes(chainId, round.source, { ...round, marketId }, hashOfHashes(round.expiryHashes))
    const before = rounds.slice(0, i).findLast(({ source }) => source === round.source)?.asOf ?? 0n
    return [
      compare('R24', `rounds[${i}].roundId`, id, round.roundId),
      holdsIf(round.asOf > before, 'R24', `rounds[${i}].asOf`, `after ${before}`, round.asOf),
    ]
  })
  return [last, ...ofRounds]
}

/** Of every account that was reported, and of each once, the record says where it stands at the end. */
export function judgeEnds(
  claim: ClaimId,
  {
    reports,
    final,
  }: { readonly reports: readonly OfAccount[]; readonly final: { readonly accounts: readonly OfAccount[] } },
): readonly ClaimResult[] {
  const reported = [...new Set(reports.map(({ account }) => account))]
  return compareLists(
    claim,
    'final.accounts',
    reported,
    final.accounts.map(({ account }) => account),
  )
}

type OfAccount = { readonly account: string }

/** Where accounts stand at the end: reports count up, the last ones and the last margins are what the registry holds. */
function judgeAccounts({ reports, final }: PortfolioRecord, ledger: PortfolioLedger): readonly AccountReport[] {
  return final.accounts.map(({ account, sequence, bookHash, margin, liquidatable }) => {
    const own = reports.filter((each) => each.account === account)
    const last = own.at(-1)
    const proven = ledger.margins.get(account)
    const claims = [
      ...own.map((each, i) => compare('R27', `reports[${i}].sequence`, BigInt(i + 1), each.sequence)),
      compare('R27', 'final.sequence', BigInt(own.length), sequence),
      last === undefined
        ? compare('R27', 'final.bookHash', 'a report', 'none')
        : compare('R27', 'final.bookHash', bookHashIn(last), bookHash),
      compare('R50', 'final.liquidatable', ledger.unhealthy.has(account), liquidatable === true),
      compare('R31', 'final.margin.asOf', proven?.asOf, margin?.asOf),
      compare('R31', 'final.margin.sequence', proven?.sequence, margin?.sequence),
    ]
    if (proven !== undefined && margin !== null) {
      const { initialE8, maintenanceE8 } = margin
      claims.push(...compareWord('R31', 'final.margin', 'accountMargins', { initialE8, maintenanceE8 }, proven.margins))
    }
    return { account, sequence, ...summarise(claims) }
  })
}

export const placeIn = ({ block, events }: TransactionRecord): Place => ({ block, logIndex: events[0]?.logIndex ?? 0 })

/** The calls of a transaction one after the other, each with its events; events that no call explains are told of. */
export async function judgeTransaction(transaction: TransactionRecord, audited: Audited): Promise<void> {
  const left = [...transaction.events]
  for (const calldata of transaction.calls ?? []) {
    const call = decodeProvingCall(calldata)
    // A submission about nobody leaves no event: what it is said to have left is not its own.
    if (call === undefined || ('accounts' in call && call.accounts.length === 0)) continue
    const events = left.splice(0, eventCount(call))
    const place = { block: transaction.block, logIndex: events[0]?.logIndex ?? 0 }
    const scene: Scene = { ...audited, transaction, place }
    audited.ledger.advanceTo(place)
    if (call.method === 'submitArrays') await judgeArrays(scene, call, events)
    else if (isWitness(call)) await judgeWitness(scene, call, events)
    else await judgeMargins(scene, call, events)
  }
  tellUnexplained(left, transaction, audited)
}

/** An event without a call. */
export const UNEXPLAINED: ClaimResult = {
  ...{ claim: 'J1', holds: false, field: 'calldata' },
  ...{ expected: 'the call that left this event', found: 'none' },
}

/** Events whose calldata cannot be read, or is not what left them. */
function tellUnexplained(
  events: readonly ProofEvent[],
  transaction: TransactionRecord,
  { ledger, found, unexplained }: Audited,
): void {
  const landed = { block: transaction.block, transactionHash: transaction.hash, ...summarise([UNEXPLAINED]) }
  for (const event of events) {
    if (event.name === 'ArrayAccepted') {
      const { arrayRoot, asOf, expiry, policyVersion } = event
      ledger.arrays.set(arrayRoot, { asOf, expiry, policyVersion, modelId: '', priced: undefined })
      found.arrays.push({ ...landed, number: found.arrays.length + 1, arrayRoot, asOf, expiry, strikesE8: [] })
    } else if (event.name === 'MarginProven' || event.name === 'MarginProvenAlone') {
      ledger.accept(event.account, { thresholds: NO_THRESHOLDS, ...event })
      found.margins.push({
        ...landed,
        account: event.account,
        sequence: event.sequence,
        asOf: event.asOf,
        books: [],
        legs: [],
      })
    } else if (event.name === 'AccountUnhealthy') {
      ledger.mark(event.account, event)
      found.witnesses.push({ ...landed, account: event.account, sequence: event.sequence, asOf: event.asOf, books: [] })
    } else {
      unexplained.push(UNEXPLAINED)
    }
  }
}
