/** Margins, thresholds and Greeks of accounts, derived again from their books, and the sums over a batch. */
import type { ProvableMargin } from '../../portfolio/accountMargin.ts'
import type { AccountMargin } from '../../portfolio/margin.ts'
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
import { isLater } from './ledger.ts'
import { auditedLegs, worstOf } from './legs.ts'
import type { BatchEvent, MarginEvent, MarginSkippedEvent, ProofEvent } from './record.ts'
import { contextOf, judgeRound, judgeStatement, type Scene, type UsedModel, useModel } from './scene.ts'

/** Margins every account of a submission again, and explains each leg by leg. */
export async function judgeMargins(scene: Scene, call: MarginsCall, events: readonly ProofEvent[]): Promise<void> {
  const { ledger } = scene
  const { batch, round, accounts } = call
  const model = useModel(scene, batch.marginModelId, 'portfolioMargin')
  const scope = judgeRound(scene, round)
  const reader = readBooks(scene, call, batch.bookModelId)
  const folded: Folded[] = []
  for (const item of accounts) folded.push(await foldAccount(scene, item, scope.roundId, round.asOf, reader))
  const reported = accounts.map(
    ({ account }): ReportedAccount => ({ account, sequence: ledger.reports.get(account)?.sequence ?? 0n }),
  )
  const subject = subjectOf(scope.roundId, reported)
  const shared: ClaimResult[] = [
    ...model.claims,
    ...scope.claims,
    ...judgeBookCount(reader),
    ...judgeBatchEvent(events.at(-1), round.asOf, subject, batch.batchWords),
    ...accounts.slice(1).map(({ account }, i) => {
      const before = accounts[i]?.account ?? ''
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
  const isNext = ({ account, sequence }: Item) => isLater({ asOf: round.asOf, sequence }, ledger.margins.get(account))
  // A batch that puts nothing in force is refused: of a record that has one each account is told of.
  const applied = items.some(isNext) ? items.filter(isNext) : items
  for (const each of items.filter((one) => !applied.includes(one))) shared.push(...judgeSkipped(each, round.asOf))
  for (const each of applied) tellMargin(scene, call, each, [isNextClaim(isNext(each), each), ...shared])
  for (const { account, sequence, item } of applied) {
    const { margins, thresholds } = item
    ledger.accept(account, { asOf: round.asOf, sequence, margins, thresholds })
  }
}

/** One account of a submission: what was said of it, and what follows. */
type Item = ReportedAccount & {
  readonly item: AccountItem
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
const compareMargin = (margin: AccountMargin, item: AccountItem): readonly ClaimResult[] => [
  ...compareWord(claimOfMargin, 'margins', 'accountMargins', margin.margins, item.margins),
  ...compareWord(claimOfMargin, 'thresholds', 'accountThresholds', margin.thresholds, item.thresholds),
  ...compareWord('L4', 'spotGreeks', 'spotGreeks', margin.spotGreeks, item.spotGreeks),
  ...compareWord('L4', 'timeGreeks', 'timeGreeks', margin.timeGreeks, item.timeGreeks),
]

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
    const { batchRisk, spotGreeks, timeGreeks } = result.aggregates
    const [risk = 0n, spot = 0n, time = 0n] = batch.batchWords
    claims.push(
      ...compareWord(claimOfMargin, 'batchRisk', 'batchRisk', batchRisk, risk),
      ...compareWord('L4', 'batchSpotGreeks', 'spotGreeks', spotGreeks, spot),
      ...compareWord('L4', 'batchTimeGreeks', 'timeGreeks', timeGreeks, time),
    )
    const empty = accounts.length
    if (empty < result.margins.length) {
      const names = ['margins', 'thresholds', 'spotGreeks', 'timeGreeks'] as const
      const expected = names.map((name) => result.stated.sections[name]?.[empty] ?? 0n)
      claims.push(...compareLists('L9', 'emptyMargins', expected, batch.emptyMargins))
    }
    claims.push(
      ...(await judgeStatement(scene, 'batch', result.stated, batch.commitment, marginProof, verificationKey)),
    )
    return result
  } catch (error) {
    claims.push(failed('L9', 'margins', error))
    return undefined
  }
}

function judgeBatchEvent(
  event: ProofEvent | undefined,
  asOf: bigint,
  subject: string,
  batchWords: readonly bigint[],
): readonly ClaimResult[] {
  const found: Partial<BatchEvent> = event?.name === 'PortfolioAccepted' ? event : {}
  return [
    compare('J1', 'PortfolioAccepted.asOf', asOf, found.asOf),
    compare('J1', 'PortfolioAccepted.subject', subject, found.subject),
    ...compareLists('J1', 'PortfolioAccepted.batchWords', batchWords, found.batchWords ?? []),
  ]
}

/** Of an account whose margins were in force already, or later ones: it is a part of what was proven all the same. */
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
  item: AccountItem,
): readonly ClaimResult[] {
  const found: Partial<MarginEvent> = event?.name === 'MarginProven' ? event : {}
  const names = ['account', 'margins', 'thresholds', 'spotGreeks', 'timeGreeks'] as const
  return [
    ...names.map((name) => compare('J1', `MarginProven.${name}`, item[name], found[name])),
    compare('J1', 'MarginProven.asOf', asOf, found.asOf),
    compare('R29', 'MarginProven.sequence', sequence, found.sequence),
  ]
}
