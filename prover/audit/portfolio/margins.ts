/** Margins, thresholds and Greeks of accounts, derived again from their books, and the sums over a batch. */
import type { ProvableMargin } from '../../portfolio/accountMargin.ts'
import type { AccountMargin, BatchAggregates } from '../../portfolio/margin.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import type { ReportedAccount } from '../../registry/index.ts'
import { subjectOf } from '../../registry/portfolio/calldata.ts'
import type { StatementContext } from '../../statement/challenge.ts'
import { type StatedMargins, stateMargins } from '../../statement/portfolioMargin.ts'
import type { ClaimId } from '../claimTitles.ts'
import { failed, summarise } from '../findings.ts'
import { type Folded, foldAccount, judgeBookCount, readBooks } from './books.ts'
import {
  type AccountItem,
  marginPolicyOf,
  type MarginsCall,
  pricingPolicyOf,
  type RoundArgument,
  roundMarketOf,
} from './calls.ts'
import { compareLists, compareWord, holdsIf } from './comparisons.ts'
import { isLater, NO_THRESHOLDS } from './ledger.ts'
import { auditedLegs, worstOf } from './legs.ts'
import type { AloneEvent, BatchEvent, MarginEvent, MarginsEvent, MarginSkippedEvent, ProofEvent } from './record.ts'
import { contextOf, judgeRound, judgeStatement, type Scene, type UsedModel, useModel } from './scene.ts'

/** Margins every account of a submission again, and explains each leg by leg. */
export async function judgeMargins(scene: Scene, call: MarginsCall, events: readonly ProofEvent[]): Promise<void> {
  const { ledger } = scene
  const { batch, round, accounts } = call
  const isAlone = call.method === 'submitMargins'
  const model = useModel(scene, batch.marginModelId, isAlone ? 'marginsAlone' : 'portfolioMargin')
  const scope = judgeRound(scene, round)
  const reader = readBooks(scene, call, batch.bookModelId)
  const folded: Folded[] = []
  for (const { held } of accounts) folded.push(await foldAccount(scene, held, scope.roundId, round.asOf, reader))
  const reported = accounts.map(({ held: { account, sequence } }): ReportedAccount => ({ account, sequence }))
  const subject = subjectOf(scope.roundId, reported)
  const isLast = ({ account, sequence }: ReportedAccount) => sequence === ledger.reports.get(account)?.sequence
  // Sums with an account of an earlier report in them are not told: the registry cannot hold it to that.
  const told = reported.every(isLast) ? batch.batchWords : batch.batchWords?.map(() => 0n)
  const shared: ClaimResult[] = [
    ...model.claims,
    ...scope.claims,
    ...judgeBookCount(reader),
    ...judgeBatchEvent(events.at(-1), round.asOf, subject, isAlone ? undefined : told),
    ...accounts.slice(1).map(({ held: { account } }, i) => {
      const before = accounts[i]?.held.account ?? ''
      return holdsIf(BigInt(account) > BigInt(before), 'R29', `accounts[${i + 1}]`, `above ${before}`, account)
    }),
  ]
  const context = contextOf(scene, batch.marginModelId, subject)
  const stated = await stateBatch(scene, call, folded, model, context, shared)
  const items = accounts.map(
    (item, i): Item => ({
      item,
      ...(reported[i] as ReportedAccount),
      own: folded[i] as Folded,
      margin: stated?.margins[i],
      event: events[i],
    }),
  )
  const isNext = ({ account, sequence }: Item) => {
    if (!isLast({ account, sequence })) return false
    const known = ledger.margins.get(account)
    const isSame = known?.asOf === round.asOf && known.sequence === sequence
    return isLater({ asOf: round.asOf, sequence }, known) || (!isAlone && isSame && known.thresholds === NO_THRESHOLDS)
  }
  // A batch that puts nothing in force is refused: of a record that has one each account is told of.
  const applied = items.some(isNext) ? items.filter(isNext) : items
  for (const each of items.filter((one) => !applied.includes(one))) shared.push(...judgeSkipped(each, round.asOf))
  for (const each of applied) tellMargin(scene, call, each, [isNextClaim(isNext(each), each), ...shared])
  for (const { account, sequence, item } of applied) {
    const { margins, thresholds = NO_THRESHOLDS } = item
    ledger.accept(account, { asOf: round.asOf, sequence, margins, thresholds })
  }
}

/** One account of a submission: what was said of it, and what follows. */
type Item = ReportedAccount & {
  readonly item: MarginsCall['accounts'][number]
  readonly own: Folded
  readonly margin: AccountMargin | undefined
  readonly event: ProofEvent | undefined
}

const isNextClaim = (isNext: boolean, { sequence }: Item): ClaimResult =>
  holdsIf(isNext, 'R29', 'margin', 'a later one', sequence)

function tellMargin(
  scene: Scene,
  { round }: MarginsCall,
  { item, account, sequence, own, margin, event }: Item,
  shared: readonly ClaimResult[],
): void {
  const { transaction, found } = scene
  const derived = margin === undefined ? undefined : deriveMargin(scene, round, own, margin)
  const judged = summarise([
    ...own.claims,
    ...judgeMarginEvent(event, round.asOf, sequence, item),
    ...shared,
    ...(margin === undefined ? [] : compareMargin(margin, item)),
  ])
  found.margins.push({
    account,
    sequence,
    asOf: round.asOf,
    block: transaction.block,
    transactionHash: transaction.hash,
    books: own.books,
    ...(isFull(item) ? {} : { isAlone: true }),
    ...judged,
    ...(margin === undefined ? {} : { initialE8: margin.initialE8, maintenanceE8: margin.maintenanceE8 }),
    ...(derived === undefined ? { legs: [] } : { ...worstOf(derived), legs: auditedLegs(account, derived) }),
  })
}

/** The claim that a field of margins, thresholds or sums over a batch is of; the two margins are of L9. */
export function claimOfMargin(field: string): ClaimId {
  if (field === 'worstScenario') return 'L8'
  if (field === 'defaultProbabilityX32' || field === 'expectedShortfallE8') return 'L11'
  return /^(?:liquidation|default)(?:Down|Up)E8$/.test(field) ? 'L10' : 'L9'
}

/** Every field of what was proven of an account. */
const compareMargin = (margin: AccountMargin, item: Item['item']): readonly ClaimResult[] => [
  ...compareWord(claimOfMargin, 'margins', 'accountMargins', margin.margins, item.margins),
  ...(isFull(item)
    ? [
        ...compareWord(claimOfMargin, 'thresholds', 'accountThresholds', margin.thresholds, item.thresholds),
        ...compareWord('L4', 'spotGreeks', 'spotGreeks', margin.spotGreeks, item.spotGreeks),
        ...compareWord('L4', 'timeGreeks', 'timeGreeks', margin.timeGreeks, item.timeGreeks),
      ]
    : []),
]

/** Whether everything was proven of an account, and not its margins alone. */
const isFull = (item: Item['item']): item is AccountItem => item.thresholds !== undefined

/** All that explains a margin; undefined if it could not be derived. */
function deriveMargin(
  { ledger: { policy } }: Scene,
  { marketWords }: RoundArgument,
  { account, arrays, positions, shards }: Folded,
  margin: AccountMargin,
): ProvableMargin | undefined {
  if (account === undefined || policy === undefined) return undefined
  return {
    pricingPolicy: pricingPolicyOf(policy.words),
    marginPolicy: marginPolicyOf(policy.words),
    round: roundMarketOf(marketWords),
    arrays,
    positions,
    chain: { shards, final: account.book },
    account,
    margin,
  }
}

/** States the batch with the twin and holds what belongs to no single account to it; undefined if it cannot be stated. */
async function stateBatch(
  scene: Scene,
  { batch, round, accounts, marginProof }: MarginsCall,
  folded: readonly Folded[],
  { build, verificationKey }: UsedModel,
  context: StatementContext,
  claims: ClaimResult[],
): Promise<StatedMargins | undefined> {
  const states = folded.flatMap(({ account }) => (account === undefined ? [] : [account]))
  const { policy } = scene.ledger
  if (build === undefined || verificationKey === undefined || policy === undefined || states.length < folded.length) {
    claims.push(compare('J1', 'margins', 'margins that can be derived', 'an account without a book, key or policy'))
    return undefined
  }
  try {
    const market = roundMarketOf(round.marketWords)
    const result = await stateMargins(build, context, states, market, marginPolicyOf(policy.words))
    if (batch.batchWords !== undefined) claims.push(...compareAggregates(result.aggregates, batch.batchWords))
    const empty = accounts.length
    if (empty < result.margins.length) {
      const names = ['margins', 'thresholds', 'spotGreeks', 'timeGreeks'] as const
      const expected = names.flatMap((name) => result.stated.sections[name]?.[empty] ?? [])
      claims.push(...compareLists('L9', 'emptyMargins', expected, [batch.emptyMargins].flat()))
    }
    claims.push(...(await judgeStatement('batch', result.stated, batch.commitment, marginProof, verificationKey)))
    return result
  } catch (error) {
    claims.push(failed('L9', 'margins', error))
    return undefined
  }
}

/** Sums over a batch. */
function compareAggregates(
  { batchRisk, spotGreeks, timeGreeks }: BatchAggregates,
  [risk = 0n, spot = 0n, time = 0n]: readonly bigint[],
): readonly ClaimResult[] {
  return [
    ...compareWord(claimOfMargin, 'batchRisk', 'batchRisk', batchRisk, risk),
    ...compareWord('L4', 'batchSpotGreeks', 'spotGreeks', spotGreeks, spot),
    ...compareWord('L4', 'batchTimeGreeks', 'timeGreeks', timeGreeks, time),
  ]
}

/** @param batchWords - undefined of margins alone */
function judgeBatchEvent(
  event: ProofEvent | undefined,
  asOf: bigint,
  subject: string,
  batchWords: readonly bigint[] | undefined,
): readonly ClaimResult[] {
  const name = batchWords === undefined ? 'MarginsAccepted' : 'PortfolioAccepted'
  const found: Partial<BatchEvent | MarginsEvent> = event?.name === name ? event : {}
  const told = 'batchWords' in found ? (found.batchWords ?? []) : []
  return [
    compare('J1', `${name}.asOf`, asOf, found.asOf),
    compare('J1', `${name}.subject`, subject, found.subject),
    ...(batchWords === undefined ? [] : compareLists('J1', `${name}.batchWords`, batchWords, told)),
  ]
}

/**
 * Of an account whose margins were in force already, or later ones, or that the venue had reported anew: it is a part of what was
 * proven all the same.
 */
function judgeSkipped({ account, sequence, item, own, margin, event }: Item, asOf: bigint): readonly ClaimResult[] {
  const found: Partial<MarginSkippedEvent> = event?.name === 'MarginSkipped' ? event : {}
  return [
    ...own.claims,
    compare('R29', 'MarginSkipped.account', account, found.account),
    compare('R29', 'MarginSkipped.asOf', asOf, found.asOf),
    compare('R29', 'MarginSkipped.sequence', sequence, found.sequence),
    ...(margin === undefined ? [] : compareMargin(margin, item)),
  ]
}

function judgeMarginEvent(
  event: ProofEvent | undefined,
  asOf: bigint,
  sequence: bigint,
  item: Item['item'],
): readonly ClaimResult[] {
  const name = isFull(item) ? 'MarginProven' : 'MarginProvenAlone'
  const found: Partial<MarginEvent | AloneEvent> = event?.name === name ? event : {}
  const told: Partial<MarginEvent> = found.name === 'MarginProven' ? found : {}
  return [
    compare('J1', `${name}.account`, item.held.account, found.account),
    compare('J1', `${name}.margins`, item.margins, found.margins),
    ...(isFull(item)
      ? (['thresholds', 'spotGreeks', 'timeGreeks'] as const).map((each) =>
          compare('J1', `${name}.${each}`, item[each], told[each]),
        )
      : []),
    compare('J1', `${name}.asOf`, asOf, found.asOf),
    compare('R29', `${name}.sequence`, sequence, found.sequence),
  ]
}
