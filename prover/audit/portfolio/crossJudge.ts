/** Judges a {@link CrossRecord}: arrays of each market and margins over all of them, each with the ledger as it then stood. */
import { marketNameOf } from '../../market/marketId.ts'
import { emptyBook } from '../../portfolio/book.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { crossBookHashOf } from '../../registry/portfolio/cross.ts'
import { crossStatementNames } from '../../registry/portfolio/crossDeploy.ts'
import { stateRoot } from '../../statement/optionBook.ts'
import { deployedSubjects, type ExpectedPlace, judgeDeployed } from '../deployed/judge.ts'
import { firstFailureOf, summarise } from '../findings.ts'
import { judgeModel, type UsableKey } from '../models.ts'
import { isBefore, type Place } from '../nodeReads.ts'
import { type AuditPins, isPinned, judgePlace } from '../pins.ts'
import { compareLists, compareWord } from './comparisons.ts'
import { decodeCrossCall } from './crossCalls.ts'
import { sourcesOf } from './crossCollect.ts'
import { CrossLedger } from './crossLedger.ts'
import { type CrossScene, judgeCrossMargins } from './crossMargins.ts'
import { expectedCrossReads } from './crossReads.ts'
import type { CrossEvent, CrossMarketRecord, CrossRecord } from './crossRecord.ts'
import type { CrossAuditReport, CrossMarginReport } from './crossReport.ts'
import { judgeEnds, judgePolicies, judgeRounds, judgeTransaction, UNEXPLAINED } from './judge.ts'
import type { TransactionRecord } from './record.ts'
import type { AccountReport } from './report.ts'
import type { Audited } from './scene.ts'
import { judgeSignatures } from './signatures.ts'

type CrossAudited = Omit<CrossScene, 'transaction' | 'place'> & Pick<Audited, 'unexplained'>

/** Judges a record. Never throws for a false one; says what is false first. */
export async function judgeCross(
  record: CrossRecord,
  pins: AuditPins = {},
  onProgress?: (done: number, total: number) => void,
): Promise<CrossAuditReport> {
  const { context } = record
  const keys = new Map<string, UsableKey>()
  const models = record.models.map((model) => judgeModel(model, context.chainId, pins, keys, crossStatementNames))
  const audited = begin(record, keys)
  const { ledger, margins, unexplained } = audited
  const steps = stepsOf(audited)
  for (const [i, step] of steps.entries()) {
    await step.judge()
    onProgress?.(i + 1, steps.length)
  }
  ledger.advanceTo({ block: Number.POSITIVE_INFINITY, logIndex: 0 })
  const crossPolicy = { ...summarise(judgeCrossPolicy(record)), versions: record.crossPolicies.length }
  const markets = record.markets.map((market, m) => judgeMarket(record, market, audited.markets[m] as Audited))
  const accounts = judgeAccounts(record, ledger)
  const deployed = judgeDeployed(record.deployed, placeIn(record, ledger), pins)
  const emptyState = compare('R103', 'context.emptyState', await stateRoot(emptyBook), context.emptyState)
  const failure = firstFailureOf([
    {
      of: 'the record',
      claims: [...judgePlace(context, pins), emptyState, ...judgeEnds('R101', record), ...unexplained],
    },
    ...models.map(({ name, claims }) => ({ of: `model ${name}`, claims })),
    { of: 'the policy of all markets', claims: crossPolicy.claims },
    ...markets.flatMap(({ market, policy, rounds, arrays }) => [
      { of: `policy of ${market}`, claims: policy.claims },
      { of: `rounds of ${market}`, claims: rounds.claims },
      ...arrays.map(({ number, claims }) => ({ of: `array ${number} of ${market}`, claims })),
    ]),
    ...margins.flatMap(subjectsOf),
    ...accounts.map(({ account, claims }) => ({ of: `account ${account}`, claims })),
    ...deployedSubjects(deployed),
  ])
  const { chainId, registry, fromBlock, toBlock } = context
  return {
    kind: 'cross',
    accepted: failure === undefined,
    ...{ chainId, registry, fromBlock, toBlock, pinned: isPinned(pins) },
    ...{ models, crossPolicy, markets, margins, accounts, deployed },
    ...(failure === undefined ? {} : { failure }),
  }
}

const subjectsOf = ({ account, books, claims }: CrossMarginReport) => [
  ...books.map((book) => ({ of: `book ${book.number} of ${account} in ${book.market}`, claims: book.claims })),
  { of: `margin of ${account}`, claims },
]

/** Stands before the first transaction. */
function begin(record: CrossRecord, keys: ReadonlyMap<string, UsableKey>): CrossAudited {
  const ledger = new CrossLedger(record)
  const unexplained: ClaimResult[] = []
  const { chainId, registry } = record.context
  const markets = record.markets.map(
    ({ arrays, marketId }, m): Audited => ({
      record: { context: { chainId, registry, arrays, marketId } },
      ledger: ledger.markets[m] as Audited['ledger'],
      keys,
      found: { arrays: [], margins: [], witnesses: [] },
      unexplained,
    }),
  )
  return { record, ledger, keys, markets, margins: [], unexplained }
}

/** All transactions in the order of the chain. */
function stepsOf(audited: CrossAudited): readonly { readonly place: Place; judge(): Promise<void> }[] {
  const { record, markets } = audited
  return [
    ...record.markets.flatMap(({ transactions }, m) =>
      transactions.map((each) => ({
        place: placeOf(each),
        judge: () => judgeTransaction(each, markets[m] as Audited),
      })),
    ),
    ...record.transactions.map((each) => ({ place: placeOf(each), judge: () => judgeSubmissions(each, audited) })),
  ].toSorted((a, b) => (isBefore(a.place, b.place) ? -1 : 1))
}

const placeOf = ({ block, events }: TransactionRecord<{ readonly logIndex: number }>): Place => ({
  block,
  logIndex: events[0]?.logIndex ?? 0,
})

/** The submissions of a transaction one after the other, each with its events; events that none explains are told of. */
async function judgeSubmissions(transaction: TransactionRecord<CrossEvent>, audited: CrossAudited): Promise<void> {
  const left = [...transaction.events]
  for (const calldata of transaction.calls ?? []) {
    const call = decodeCrossCall(calldata)
    // A submission about nobody leaves no event: what it is said to have left is not its own.
    if (call === undefined || call.accounts.length === 0) continue
    const events = left.splice(0, call.accounts.length + 1)
    const place = { block: transaction.block, logIndex: events[0]?.logIndex ?? 0 }
    audited.ledger.advanceTo(place)
    await judgeCrossMargins({ ...audited, transaction, place }, call, events)
  }
  for (const event of left) {
    if (event.name !== 'CrossMarginProven') {
      audited.unexplained.push(UNEXPLAINED)
      continue
    }
    const { account, asOf, sequence, margins } = event
    audited.ledger.margins.set(account, { asOf, sequence, margins })
    audited.margins.push({
      ...{ account, sequence, asOf, block: transaction.block, transactionHash: transaction.hash },
      ...{ books: [], parts: [], ...summarise([UNEXPLAINED]) },
    })
  }
}

/** The last one is in force. */
function judgeCrossPolicy({ crossPolicies, final }: CrossRecord): readonly ClaimResult[] {
  const { words = [], maxRoundsApartSeconds } = crossPolicies.at(-1) ?? {}
  return [
    ...compareLists('R100', 'final.crossPolicy.words', words, final.crossPolicy.words),
    compare(
      'R100',
      'final.crossPolicy.maxRoundsApartSeconds',
      maxRoundsApartSeconds,
      final.crossPolicy.maxRoundsApartSeconds,
    ),
  ]
}

/** What governance set of one market, and its rounds with their signatures. */
function judgeMarket({ context, deployed }: CrossRecord, market: CrossMarketRecord, { found }: Audited) {
  const { policies, rounds, marketId, source, policy } = market
  const of = { ...market, context: { chainId: context.chainId, marketId, rounds: source }, deployed }
  const signed = rounds.flatMap((round, i) => judgeSignatures(round, i, of))
  return {
    market: marketNameOf(marketId),
    policy: { ...summarise(judgePolicies({ policies, final: { policy } })), versions: policies.length },
    rounds: { ...summarise([...judgeRounds(of), ...signed]), published: rounds.length },
    arrays: found.arrays,
  }
}

/** Where accounts stand at the end: reports count up, the last ones and the last margins are what the registry holds. */
function judgeAccounts({ reports, final }: CrossRecord, ledger: CrossLedger): readonly AccountReport[] {
  return final.accounts.map(({ account, sequence, bookHash, margin }) => {
    const own = reports.filter((each) => each.account === account)
    const last = own.at(-1)
    const proven = ledger.margins.get(account)
    const claims = [
      ...own.map((each, i) => compare('R101', `reports[${i}].sequence`, BigInt(i + 1), each.sequence)),
      compare('R101', 'final.sequence', BigInt(own.length), sequence),
      compare('R101', 'final.bookHash', last === undefined ? 'a report' : crossBookHashOf(last), bookHash),
      compare('R105', 'final.margin.asOf', proven?.asOf, margin?.asOf),
      compare('R105', 'final.margin.sequence', proven?.sequence, margin?.sequence),
    ]
    if (proven !== undefined && margin !== null) {
      const { asOf: _, sequence: __, ...stored } = margin
      claims.push(...compareWord('R105', 'final.margin', 'crossMargins', stored, proven.margins))
    }
    return { account, sequence, ...summarise(claims) }
  })
}

/** Where the contracts must stand, what they were given, and what they must answer, as the history has it. */
function placeIn(record: CrossRecord, ledger: CrossLedger): ExpectedPlace {
  const { chainId, registry, modelRegistry, emptyState } = record.context
  const { markets, crossPolicies } = record
  const [first] = crossPolicies
  const firstSource = ({ roundSources }: CrossMarketRecord): string => roundSources[0]?.source ?? ''
  return {
    part: 'crossRegistry',
    ...{ chainId, registry, modelRegistry },
    sources: sourcesOf(markets),
    firstRounds: markets.map(firstSource),
    given: { emptyState_: emptyState },
    givenTo: new Map<string, Readonly<Record<string, unknown>>>([
      ...markets.map(
        (market) => [market.arrays, { marketId_: market.marketId, rounds_: firstSource(market) }] as const,
      ),
      [
        registry,
        {
          markets: markets.map(({ arrays }) => arrays).join(),
          words: first?.words.join(),
          maxRoundsApartSeconds: first?.maxRoundsApartSeconds,
        },
      ] as const,
    ]),
    reads: expectedCrossReads(record, ledger),
  }
}
