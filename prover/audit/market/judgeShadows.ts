/** Shadows as strictly as markets: how they begin and end, that no prediction of theirs is passed over, and their scores. */
import { marketStateWords, words } from '../../../circuits/statements/index.ts'
import { marketNameOf, modelIdOfShadow, ownMarketOf } from '../../market/marketId.ts'
import { addLoss, type Score } from '../../parameters/shadowScore.ts'
import { compare } from '../../registry/claims.ts'
import type { ClaimResult, InboxPosition } from '../../registry/index.ts'
import { extendHead, type SubmitCall, type UpdateCall } from '../../registry/market/calldata.ts'
import { layoutHash } from '../../statement/layout.ts'
import { unpack, wordBits } from '../../statement/words.ts'
import { isBefore, type Place } from '../nodeReads.ts'
import type { BatchRecord, ChainRecord, MarketRecord, RemovalRecord, ScoredRecord } from './chainRecord.ts'
import { fittingFields, type HeldMarket, inOrder, type Ledger, observationOf } from './ledger.ts'

export const isShadow = (marketId: string): boolean => modelIdOfShadow(marketId) !== 0

/** The claim about the model of a market, or of a shadow. */
export const bindingOf = (marketId: string) => (isShadow(marketId) ? 'R35' : 'R34')

/** `shadow BTC-USD~garch`, as reports head a line. */
export const subjectOf = (marketId: string): string =>
  `${isShadow(marketId) ? 'shadow' : 'market'} ${marketNameOf(marketId)}`

/** The policies of a shadow and of its market agree in whatever all models read. */
export function comparePolicies(claim: string, at: string, ofMarket: bigint, ofShadow: bigint): readonly ClaimResult[] {
  const fields: readonly { readonly name: string; readonly optional?: boolean }[] = words.marketPolicy.fields
  const [expected, found]: Readonly<Record<string, bigint>>[] = [ofMarket, ofShadow].map((word) =>
    unpack('marketPolicy', word),
  )
  return fields
    .filter(({ optional }) => optional !== true)
    .map(({ name }) => compare(claim, `${at}.${name}`, expected?.[name], found?.[name]))
}

/** Nothing begins under a family, or goes on under it, of which no model was active there. */
export function compareActive(
  claim: string,
  at: string,
  { volatilityModel, ...place }: Place & { readonly volatilityModel: number },
  models: ChainRecord['models'],
): ClaimResult {
  const isThere = models.some(
    (model) =>
      model.layoutHash === layoutHash('marketRisk') &&
      model.volatilityModel === volatilityModel &&
      isBefore(model.registered, place) &&
      (model.disabled === null || isBefore(place, model.disabled)),
  )
  return compare(claim, at, 'of an active model', isThere ? 'of an active model' : 'of none')
}

/** R35: a shadow begins beside its market, over the same inbox, under the same policy but for what its model alone reads. */
export function judgeAddition(
  added: MarketRecord,
  ledger: Ledger,
  { markets, models }: ChainRecord,
): readonly ClaimResult[] {
  const { marketId, source, volatilityModel } = added
  const active = compareActive(bindingOf(marketId), 'added.family', added, models)
  const once = compare(
    bindingOf(marketId),
    'added.marketId',
    'a new one',
    ledger.markets.has(marketId) ? 'one in force' : 'a new one',
  )
  if (!isShadow(marketId)) return [once, active]
  const ownId = ownMarketOf(marketId)
  const own = ledger.markets.get(ownId)
  const first = markets.find((market) => market.marketId === ownId)
  if (own === undefined || first === undefined) {
    return [{ claim: 'R35', holds: false, field: 'added.marketId', expected: 'a market', found: marketNameOf(ownId) }]
  }
  const [ofMarket, ofShadow] = [ownId, marketId].map((id) => ledger.policy('market', id) ?? 0n)
  return [
    once,
    active,
    compare('R35', 'added.volatilityModel', modelIdOfShadow(marketId), volatilityModel),
    compare('R35', 'added.source', ledger.sources.get(ownId), source),
    ...comparePolicies('R35', 'added.policy', ofMarket ?? 0n, ofShadow ?? 0n),
    ...judgeStartInInbox(added, first, ledger),
  ]
}

/** It stands at an observation that its market's inbox then had: the one of its state's time. */
function judgeStartInInbox(added: MarketRecord, first: MarketRecord, ledger: Ledger): readonly ClaimResult[] {
  const { source, marketId } = added
  const { asOf } = unpack('volatilityState', added.volatilityState)
  const { anchorAsOf } = unpack('anchorState', added.anchorState)
  const anchor = compare(
    'R35',
    'added.anchorState.anchorAsOf',
    anchorAsOf > asOf ? `at most ${asOf}` : anchorAsOf,
    anchorAsOf,
  )
  const start = ledger.startIn(source, marketId)
  if (added.inboxCount < start.count) return [anchor, ...judgeLead(added, start, ledger)]
  const before = ledger.wordsAfter(start, marketId, Number.POSITIVE_INFINITY, added)
  const times = before.map((word) => observationOf(word).asOf)
  const startAsOf = first.source === source ? unpack('volatilityState', first.volatilityState).asOf : undefined
  const place = asOf === startAsOf ? 0 : times.indexOf(asOf) + 1
  if (place === 0 && asOf !== startAsOf) {
    return [
      anchor,
      compare('R35', 'added.volatilityState.asOf', `of an observation up to ${times.at(-1) ?? startAsOf}`, asOf),
    ]
  }
  return [
    anchor,
    compare('R7', 'added.inboxCount', start.count + BigInt(place), added.inboxCount),
    compare('R7', 'added.inboxHead', extendHead(start.head, before.slice(0, place)), added.inboxHead),
  ]
}

/** What came after an earlier observation than its market began at leads to where that did. */
function judgeLead({ inboxCount, inboxHead, marketId }: MarketRecord, to: InboxPosition, ledger: Ledger) {
  const length = Number(to.count - inboxCount)
  const between = ledger.wordsAfter({ ...to, count: inboxCount }, marketId, length)
  return [
    compare('R7', 'added.inboxCount', to.count, inboxCount + BigInt(between.length)),
    compare('R7', 'added.inboxHead', to.head, extendHead(inboxHead, between)),
  ]
}

export function judgeRemoval({ shadowId }: RemovalRecord, ledger: Ledger): readonly ClaimResult[] {
  const isThere = isShadow(shadowId) && ledger.markets.has(shadowId)
  return [compare('R35', 'removed.shadowId', 'a shadow', isThere ? 'a shadow' : marketNameOf(shadowId))]
}

/**
 * R36: the prediction that a shadow's batch tried is the running one, where it first came due. Had another been tried after it,
 * its loss would be lost.
 */
export function judgeTried(
  { updates }: SubmitCall,
  taken: readonly (readonly bigint[])[],
  ledger: Ledger,
): readonly ClaimResult[] {
  const { horizonSeconds } = ledger.learning()
  return updates.flatMap((update, i): readonly ClaimResult[] => {
    const { marketId, previousAnchorState, anchorState } = update
    if (!isShadow(marketId) || isSkipped(update, ledger)) return []
    const dueFrom = anchorTime(previousAnchorState) + horizonSeconds
    const dueAt = (taken[i] ?? []).map((word) => observationOf(word).asOf).find((asOf) => asOf >= dueFrom)
    if (dueAt === undefined) return [{ claim: 'R36', holds: true }]
    return [compare('R36', `updates[${i}].anchorState.anchorAsOf`, dueAt, anchorTime(anchorState))]
  })
}

/** When a state's prediction was made; of a word that no registry takes, never. */
const anchorTime = (anchorState: bigint): bigint =>
  anchorState >> BigInt(wordBits('anchorState')) === 0n ? unpack('anchorState', anchorState).anchorAsOf : 0n

/** A shadow's score after an update, by the twin; that of a market stays empty. */
export function scoreAfter(held: HeldMarket, { anchorState }: UpdateCall, ledger: Ledger): Score {
  // No registry takes a wider word: the batch is false, and says so elsewhere.
  const isWord = (held.anchorState | anchorState) >> BigInt(wordBits('anchorState')) === 0n
  if (!isShadow(held.marketId) || !isWord) return held.score
  const [before, next] = [unpack('anchorState', held.anchorState), unpack('anchorState', anchorState)]
  return addLoss(held.score, before, next, ledger.learning())
}

/** Events of scores, handed out batch by batch. */
export class ScoreEvents {
  private readonly ordered: readonly ScoredRecord[]
  private next = 0

  constructor(record: ChainRecord) {
    this.ordered = inOrder(record.scores)
  }

  /** Those before a place that no batch has had yet. */
  takeBefore(place: Place): readonly ScoredRecord[] {
    const from = this.next
    while (this.next < this.ordered.length && isBefore(this.ordered[this.next] as ScoredRecord, place)) this.next++
    return this.ordered.slice(from, this.next)
  }
}

/** Whether a market had been moved by an update's sequence before: nothing was done for it. */
export const isSkipped = ({ marketId, sequence }: UpdateCall, ledger: Ledger): boolean =>
  ledger.markets.has(marketId) && sequence <= ledger.sequenceOf(marketId)

/** A shadow whose prediction a batch tried: its score then, and its place among the batch's updates. */
export type Tried = { readonly marketId: string; readonly score: Score; readonly index: number }

/** Shadows whose predictions a batch tries, before the ledger is moved by it. */
export const triedBy = (call: SubmitCall, ledger: Ledger): readonly Tried[] =>
  call.updates.flatMap((update, index) => {
    const held = ledger.markets.get(update.marketId)
    const score = held === undefined || isSkipped(update, ledger) ? undefined : scoreAfter(held, update, ledger)
    return score === undefined || score === held?.score ? [] : [{ marketId: update.marketId, score, index }]
  })

/** R36: a batch left exactly the events of scores that the twin expects, each at its place, with its every field. */
export function judgeScores(
  batch: BatchRecord,
  call: SubmitCall,
  tried: readonly Tried[],
  found: readonly ScoredRecord[],
): readonly ClaimResult[] {
  // Each score stands right behind the parameters of its shadow, and the batch's own event behind all.
  const first = batch.logIndex - call.updates.length - tried.length
  const known = new Set<ScoredRecord>()
  const claims = tried.flatMap(({ marketId, score, index }, i) => {
    const event = found.find((each) => each.shadowId === marketId)
    if (event === undefined) return [missingScore(marketId, score)]
    known.add(event)
    const place = { block: batch.block, logIndex: first + index + 1 + i }
    return compareScore(event, score, place)
  })
  return [...claims, ...unexpectedScores(found.filter((event) => !known.has(event)))]
}

/** Scores that no batch accounts for. */
export const unexpectedScores = (events: readonly ScoredRecord[]): readonly ClaimResult[] =>
  events.map(({ shadowId, score }) => ({
    claim: 'R36',
    holds: false,
    field: `scores.${marketNameOf(shadowId)}`,
    expected: 'no event',
    found: `${fittingFields('score', score).predictions} predictions`,
  }))

function missingScore(shadowId: string, { predictions }: Score): ClaimResult {
  const field = `scores.${marketNameOf(shadowId)}`
  return { claim: 'R36', holds: false, field, expected: `${predictions} predictions`, found: 'no event' }
}

function compareScore(event: ScoredRecord, score: Score, place: Place): readonly ClaimResult[] {
  const at = `scores.${marketNameOf(event.shadowId)}`
  return [
    ...compareScoreFields('R36', at, score, event.score),
    compare('R36', `${at}.block`, place.block, event.block),
    compare('R36', `${at}.logIndex`, place.logIndex, event.logIndex),
  ]
}

/** Field by field. */
export function compareScoreFields(claim: string, at: string, expected: Score, word: bigint): readonly ClaimResult[] {
  if (word >> BigInt(wordBits('score')) !== 0n) {
    return [{ claim, holds: false, field: at, expected: `${wordBits('score')} bits`, found: String(word) }]
  }
  const found = unpack('score', word)
  return (['predictions', 'lossDownX44', 'lossUpX44'] as const).map((field) =>
    compare(claim, `${at}.${field}`, expected[field], found[field]),
  )
}

/** What the registry holds of a shadow at the end; nothing of a market, or of a shadow that is gone. */
export function judgeHeldShadow(
  marketId: string,
  { shadow }: MarketRecord['final'],
  held: HeldMarket | undefined,
): readonly ClaimResult[] {
  if (!isShadow(marketId) && shadow === null) return []
  const isHeld = isShadow(marketId) && held !== undefined
  const named = (there: boolean) => (there ? 'a shadow' : 'none')
  const claims = [compare('R35', 'final.shadow', named(isHeld), named(shadow !== null))]
  if (!isHeld || shadow === null) return claims
  return [
    ...claims,
    ...marketStateWords.map((word) => compare('R35', `final.shadow.${word}`, held[word], shadow[word])),
    compare('R35', 'final.shadow.inboxHead', held.inbox.head, shadow.inboxHead),
    compare('R35', 'final.shadow.inboxCount', held.inbox.count, shadow.inboxCount),
    ...compareScoreFields('R36', 'final.shadow.score', held.score, shadow.score),
  ]
}
