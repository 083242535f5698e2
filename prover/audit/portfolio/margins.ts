/** Margins, thresholds, Greeks and expected shortfall of accounts, derived again from their books; which of them are counted. */
import type { ProvableMargin } from '../../portfolio/accountMargin.ts'
import type { AccountMargin } from '../../portfolio/margin.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import type { ReportedAccount } from '../../registry/index.ts'
import { subjectOf } from '../../registry/portfolio/calldata.ts'
import { stateArrayMargin } from '../../statement/arrayMargin.ts'
import type { StatementContext } from '../../statement/challenge.ts'
import { type StatedMargins, stateMargins } from '../../statement/portfolioMargin.ts'
import type { AccountInArrays } from '../../statement/scenarioWitness.ts'
import type { ClaimId } from '../claimTitles.ts'
import { failed, summarise } from '../findings.ts'
import { type Folded, foldAccount, foldArrays, judgeBookCount, readArrays, readBooks } from './books.ts'
import {
  type AccountItem,
  type HeldItem,
  isFromArrays,
  marginPolicyOf,
  type MarginsCall,
  pricingPolicyOf,
  type RoundArgument,
  roundMarketOf,
} from './calls.ts'
import { compareLists, compareWord, holdsIf } from './comparisons.ts'
import { isLater, NO_THRESHOLDS } from './ledger.ts'
import { auditedLegs, worstOf } from './legs.ts'
import type {
  AloneEvent,
  BatchEvent,
  MarginEvent,
  MarginsEvent,
  MarginSkippedEvent,
  ProofEvent,
  ReportRecord,
} from './record.ts'
import { contextOf, judgeRound, judgeScale, judgeStatement, type Scene, type UsedModel, useModel } from './scene.ts'

/** Margins every account of a submission again, and explains each leg by leg. */
export async function judgeMargins(scene: Scene, call: MarginsCall, events: readonly ProofEvent[]): Promise<void> {
  const { ledger } = scene
  const { batch, round, accounts } = call
  const isAlone = call.method === 'submitMargins'
  const model = useModel(scene, batch.marginModelId, statementOf(call))
  const scope = judgeRound(scene, round)
  const counted = isAlone ? [] : accounts.map(({ held }) => reportToCount(scene, round.asOf, held))
  const { folded, inArrays, claims } = await foldAll(scene, call, model, scope.roundId, counted)
  const reported = accounts.map(({ held: { account, sequence } }): ReportedAccount => ({ account, sequence }))
  const subject = subjectOf(scope.roundId, reported)
  const mask = counted.reduce((bits, report, i) => (report === undefined ? bits : bits | (1n << BigInt(i))), 0n)
  // What is counted may be of a round that is not fresh any more; nothing of that is put in force.
  const isFresh = scope.freshness.every(({ holds }) => holds)
  const shared: ClaimResult[] = [
    ...model.claims,
    ...scope.claims,
    ...(mask === 0n ? scope.freshness : []),
    ...claims,
    ...accounts.map(({ held: { account } }) => judgeScale(scene, account)),
    ...judgeBatchEvent(events.at(-1), round.asOf, subject, isAlone ? undefined : mask),
    ...accounts.slice(1).map(({ held: { account } }, i) => {
      const before = accounts[i]?.held.account ?? ''
      return holdsIf(BigInt(account) > BigInt(before), 'R29', `accounts[${i + 1}]`, `above ${before}`, account)
    }),
  ]
  const context = contextOf(scene, batch.marginModelId, subject)
  const stated = await stateBatch(scene, call, { folded, inArrays }, model, context, shared)
  const items = accounts.map(
    (item, i): Item => ({
      item,
      ...(reported[i] as ReportedAccount),
      isCounted: counted[i] !== undefined,
      own: folded[i] as Folded,
      margin: stated?.margins[i],
      event: events[i],
    }),
  )
  const isNext = ({ account, sequence }: Item) => {
    if (!isFresh || sequence !== ledger.reports.get(account)?.sequence) return false
    const known = ledger.margins.get(account)
    const isSame = known?.asOf === round.asOf && known.sequence === sequence
    return isLater({ asOf: round.asOf, sequence }, known) || (!isAlone && isSame && known.thresholds === NO_THRESHOLDS)
  }
  // A batch that puts nothing in force and counts nothing is refused: of a record that has one each account is told of.
  const isRefused = mask === 0n && !items.some(isNext)
  const applied = isRefused ? items : items.filter(isNext)
  const skipped = items.filter((one) => !applied.includes(one))
  for (const each of skipped) shared.push(...judgeSkipped(each, round.asOf))
  for (const each of skipped.filter(({ isCounted }) => isCounted)) tellMargin(scene, call, each, shared)
  for (const each of applied) tellMargin(scene, call, each, [isNextClaim(isNext(each), each), ...shared])
  for (const { account, sequence, item } of applied) {
    const { margins, thresholds = NO_THRESHOLDS } = item
    ledger.accept(account, { asOf: round.asOf, sequence, margins, thresholds })
  }
  countItems(
    scene,
    items.filter(({ isCounted }) => isCounted),
  )
}

/** What a submission's proof of margins is of. */
function statementOf(call: MarginsCall) {
  if (call.method === 'submitMargins') return 'marginsAlone'
  return isFromArrays(call) ? 'arrayMargin' : 'portfolioMargin'
}

/** The accounts of a submission, folded over their books, or one straight from arrays. */
type FoldedAll = {
  readonly folded: readonly Folded[]
  /** Undefined with books, and if it cannot be derived. */
  readonly inArrays: AccountInArrays | undefined
}

async function foldAll(
  scene: Scene,
  call: MarginsCall,
  model: UsedModel,
  roundId: string,
  counted: readonly (ReportRecord | undefined)[],
): Promise<FoldedAll & { readonly claims: readonly ClaimResult[] }> {
  const { batch, round, accounts, bookWords } = call
  const [first] = accounts
  if (isFromArrays(call) && first !== undefined) {
    const { held } = first
    const read = readArrays(scene, held, bookWords, model, round.asOf)
    const report = counted[0] ?? scene.ledger.reports.get(held.account)
    return { folded: [foldArrays(read, held, report)], inArrays: read.account, claims: [] }
  }
  const reader = readBooks(scene, call, batch.bookModelId)
  const folded: Folded[] = []
  for (const [i, { held }] of accounts.entries()) {
    folded.push(await foldAccount(scene, held, roundId, round.asOf, reader, counted[i]))
  }
  return { folded, inArrays: undefined, claims: judgeBookCount(reader) }
}

/** The report that the count under way needs of an account, if a submission is about that. */
function reportToCount({ ledger }: Scene, asOf: bigint, { account, sequence }: HeldItem): ReportRecord | undefined {
  const needed = ledger.counts.needs(account, asOf, ledger.policy?.version)
  return needed?.sequence === sequence ? needed : undefined
}

function countItems({ ledger }: Scene, items: readonly Item[]): void {
  for (const { account, item } of items) {
    const { margins, held, thresholds = 0n, spotGreeks = 0n, risk = 0n } = item
    ledger.counts = ledger.counts.add(account, { holdings: held.holdings, margins, thresholds, spotGreeks, risk })
  }
  ledger.counts = ledger.counts.completed()
}

/** One account of a submission: what was said of it, and what follows. */
type Item = ReportedAccount & {
  readonly item: MarginsCall['accounts'][number]
  readonly isCounted: boolean
  readonly own: Folded
  readonly margin: AccountMargin | undefined
  readonly event: ProofEvent | undefined
}

const isNextClaim = (isNext: boolean, { sequence }: Item): ClaimResult =>
  holdsIf(isNext, 'R29', 'margin', 'a later one', sequence)

function tellMargin(
  scene: Scene,
  { round }: MarginsCall,
  { item, isCounted, account, sequence, own, margin, event }: Item,
  shared: readonly ClaimResult[],
): void {
  const { ledger, transaction, found } = scene
  const derived = margin === undefined ? undefined : deriveMargin(scene, round, own, margin)
  const judged = summarise([
    ...own.claims,
    ...(event?.name === 'MarginSkipped' ? [] : judgeMarginEvent(event, round.asOf, sequence, item)),
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
    ...(isCounted ? { isCounted: true } : {}),
    ...(event?.name === 'MarginSkipped' ? { isCountedAlone: true } : {}),
    ...judged,
    ...(margin === undefined ? {} : { initialE8: margin.initialE8, maintenanceE8: margin.maintenanceE8 }),
    ...(derived === undefined
      ? { legs: [] }
      : { ...worstOf(derived), legs: auditedLegs(account, derived, Number(ledger.priceScale)) }),
  })
}

/** The claim that a field of what is proven of an account is of, Greeks aside; the two margins are of L9. */
export function claimOfMargin(field: string): ClaimId {
  if (field === 'worstScenario') return 'L8'
  if (field === 'defaultProbabilityX32') return 'L11'
  if (field === 'expectedShortfallE8') return 'L20'
  if (field === 'thetaE8' || field === 'rhoE8') return 'L4'
  return /^(?:liquidation|default)(?:Down|Up)E8$/.test(field) ? 'L10' : 'L9'
}

/** Every field of what was proven of an account. */
const compareMargin = (margin: AccountMargin, item: Item['item']): readonly ClaimResult[] => [
  ...compareWord(claimOfMargin, 'margins', 'accountMargins', margin.margins, item.margins),
  ...(isFull(item)
    ? [
        ...compareWord(claimOfMargin, 'thresholds', 'accountThresholds', margin.thresholds, item.thresholds),
        ...compareWord('L4', 'spotGreeks', 'spotGreeks', margin.spotGreeks, item.spotGreeks),
        ...compareWord(claimOfMargin, 'risk', 'accountRisk', margin.risk, item.risk),
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
  { folded, inArrays }: FoldedAll,
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
    const marginPolicy = marginPolicyOf(policy.words)
    const result = await (inArrays === undefined
      ? stateMargins(build, context, states, market, marginPolicy)
      : stateArrayMargin(build, context, inArrays, market, marginPolicy))
    const empty = accounts.length
    if (empty < result.margins.length) {
      const names = ['margins', 'thresholds', 'spotGreeks', 'risk'] as const
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

/** @param counted - accounts, a bit each; undefined of margins alone */
function judgeBatchEvent(
  event: ProofEvent | undefined,
  asOf: bigint,
  subject: string,
  counted: bigint | undefined,
): readonly ClaimResult[] {
  const name = counted === undefined ? 'MarginsAccepted' : 'PortfolioAccepted'
  const found: Partial<BatchEvent | MarginsEvent> = event?.name === name ? event : {}
  const told = 'counted' in found ? found.counted : undefined
  return [
    compare('J1', `${name}.asOf`, asOf, found.asOf),
    compare('J1', `${name}.subject`, subject, found.subject),
    ...(counted === undefined ? [] : [compare('R91', `${name}.counted`, counted, told)]),
  ]
}

/**
 * Of an account whose margins were in force already, or later ones, or that the venue had reported anew, or of a round that is not
 * fresh: it is a part of what was proven all the same.
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
      ? (['thresholds', 'spotGreeks', 'risk'] as const).map((each) =>
          compare('J1', `${name}.${each}`, item[each], told[each]),
        )
      : []),
    compare('J1', `${name}.asOf`, asOf, found.asOf),
    compare('R29', `${name}.sequence`, sequence, found.sequence),
  ]
}
