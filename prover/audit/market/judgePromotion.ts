/** R37: every promotion is weighed again, from what the ledger holds where it stands. */
import { marketStateWords, type WordName } from '../../../circuits/statements/index.ts'
import { marketNameOf, modelIdOfShadow, shadowIdOf, volatilityModelName } from '../../market/marketId.ts'
import type { Score } from '../../parameters/shadowScore.ts'
import { compare } from '../../registry/claims.ts'
import type { ClaimResult } from '../../registry/index.ts'
import { stateWordsOf } from '../../statement/marketState.ts'
import { pack, unpack } from '../../statement/words.ts'
import { failed, summarise } from '../findings.ts'
import type { ChainRecord, PromotionRecord } from './chainRecord.ts'
import { compareActive, comparePolicies, compareScoreFields } from './judgeShadows.ts'
import { fittingFields, type HeldMarket, type Ledger } from './ledger.ts'
import { meanScoreOf, type PromotionReport } from './report.ts'

/** What the registry held of everybody concerned right before. */
type Scene = {
  readonly event: PromotionRecord
  readonly market: HeldMarket
  readonly shadow: HeldMarket
  readonly control: HeldMarket | undefined
}

/** Judges a promotion and brings the ledger's policies up to it; states are left as they were. */
export function judgePromotion(
  event: PromotionRecord,
  ledger: Ledger,
  record: ChainRecord,
): Omit<PromotionReport, 'number'> {
  const { marketId, volatilityModel, previousModel, block } = event
  // The event right before sets the market's policy to the shadow's.
  ledger.advanceTo({ block, logIndex: event.logIndex - 1 })
  const policyBefore = ledger.policy('market', marketId) ?? 0n
  ledger.advanceTo(event)
  // The registry takes the model in force from itself, not from what it then tells.
  const modelInForce = ledger.markets.get(marketId)?.volatilityModel ?? previousModel
  const control = ledger.markets.get(shadowIdOf(marketId, modelInForce))
  let claims: readonly ClaimResult[]
  try {
    claims = judgeParties(event, ledger, (market, shadow) => {
      const scene: Scene = { event, market, shadow, control }
      return [
        compareActive('R37', 'family', event, record.models),
        compare('R37', 'shadow.source', ledger.sources.get(marketId), shadow.inbox.source),
        ...judgeProgress(scene, ledger),
        ...judgeComparison(scene),
        ...judgeMargins(scene, ledger),
        ...judgePolicies(scene, policyBefore, ledger, record),
        ...judgeState(scene),
      ]
    })
  } catch (error) {
    claims = [failed('R37', 'promotion', error)]
  }
  const learning = ledger.learning()
  return {
    block,
    market: marketNameOf(marketId),
    asOf: fittingFields('volatilityState', event.volatilityState).asOf,
    from: volatilityModelName(previousModel),
    to: volatilityModelName(volatilityModel),
    score: meanScoreOf(fittingFields('score', event.score), learning),
    ...(control === undefined ? {} : { control: meanScoreOf(fittingFields('score', event.controlScore), learning) }),
    ...summarise(claims),
  }
}

/** There is such a market, proven, under the model that the event says, and such a shadow of another model. */
function judgeParties(
  { marketId, volatilityModel, previousModel }: PromotionRecord,
  ledger: Ledger,
  judgeFurther: (market: HeldMarket, shadow: HeldMarket) => readonly ClaimResult[],
): readonly ClaimResult[] {
  const market = modelIdOfShadow(marketId) === 0 ? ledger.markets.get(marketId) : undefined
  if (market === undefined || market.parameters === 0n) {
    return [refused('marketId', 'a proven market', marketNameOf(marketId))]
  }
  const models = [
    compare('R37', 'previousModel', market.volatilityModel, previousModel),
    volatilityModel === market.volatilityModel
      ? refused('volatilityModel', 'another than that in force', volatilityModelName(volatilityModel))
      : HOLDS,
  ]
  const shadow = ledger.markets.get(shadowIdOf(marketId, volatilityModel))
  if (volatilityModel === 0 || shadow === undefined) {
    return [...models, refused('volatilityModel', 'a shadow', marketNameOf(shadowIdOf(marketId, volatilityModel)))]
  }
  return [...models, ...judgeFurther(market, shadow)]
}

/** Tried often enough, not behind its market, and not out of date. */
function judgeProgress({ event, market, shadow }: Scene, ledger: Ledger): readonly ClaimResult[] {
  const { leastPredictions } = ledger.promotionPolicy
  const { predictions } = shadow.score
  const { asOf } = unpack('volatilityState', shadow.volatilityState)
  const oldest = BigInt(event.timestamp) - (ledger.policy('maxParameterAgeSeconds') ?? 0n)
  return [
    atLeast('score.predictions', leastPredictions, predictions),
    atLeast('shadow.asOf', unpack('parameters', market.parameters).asOf, asOf),
    atLeast('shadow.asOf', oldest, asOf),
  ]
}

/** The scores are the twin's, over the same hours as the control's, which lost no less; without a control there is no comparison. */
function judgeComparison({ event, shadow, control }: Scene): readonly ClaimResult[] {
  const ofShadow = compareScoreFields('R37', 'score', shadow.score, event.score)
  if (control === undefined) return [...ofShadow, compare('R37', 'controlScore', 0n, event.controlScore)]
  return [
    ...ofShadow,
    ...compareScoreFields('R37', 'controlScore', control.score, event.controlScore),
    compare('R37', 'control.source', shadow.inbox.source, control.inbox.source),
    ...(['inboxHead', 'anchorAsOf'] as const).map((field) =>
      compare('R37', `control.beginning.${field}`, shadow.beginning[field], control.beginning[field]),
    ),
    compare('R37', 'control.predictions', shadow.score.predictions, control.score.predictions),
    compare('R37', 'control.anchorAsOf', anchorOf(shadow), anchorOf(control)),
    atMost('lossX44', lossOf(control.score), lossOf(shadow.score)),
  ]
}

const anchorOf = ({ anchorState }: HeldMarket): bigint => unpack('anchorState', anchorState).anchorAsOf
const lossOf = ({ lossDownX44, lossUpX44 }: Score): bigint => lossDownX44 + lossUpX44

/** Neither margin would be moved further than the policy allows. */
function judgeMargins({ market, shadow }: Scene, ledger: Ledger): readonly ClaimResult[] {
  const [inForce, ofShadow] = [market, shadow].map(({ parameters }) => unpack('parameters', parameters))
  const { maxMarginStepX24 } = ledger.promotionPolicy
  return (['initialMarginX24', 'maintenanceMarginX24'] as const).map((field) => {
    const [a, b] = [inForce?.[field] ?? 0n, ofShadow?.[field] ?? 0n]
    return atMost(`${field}, step`, maxMarginStepX24, a > b ? a - b : b - a)
  })
}

/** The market takes over the shadow's policy, which differed in nothing that all models read, by an event right before. */
function judgePolicies(
  { event, shadow }: Scene,
  before: bigint,
  ledger: Ledger,
  { policies }: ChainRecord,
): readonly ClaimResult[] {
  const { block, logIndex, marketId } = event
  const ofShadow = ledger.policy('market', shadow.marketId) ?? 0n
  const set = policies.find(
    (policy) =>
      policy.block === block &&
      policy.logIndex === logIndex - 1 &&
      policy.kind === 'market' &&
      policy.marketId === marketId,
  )
  return [
    ...comparePolicies('R37', 'shadow.policy', before, ofShadow),
    ...(set === undefined
      ? [refused('policy', 'an event right before', 'none')]
      : compareWords('policy', 'marketPolicy', ofShadow, set.value)),
  ]
}

/** What goes on is the shadow's, with the margins in force in place of its own. */
function judgeState({ event, market, shadow }: Scene): readonly ClaimResult[] {
  const { initialMarginX24, maintenanceMarginX24 } = unpack('parameters', market.parameters)
  const anchor = { ...unpack('anchorState', shadow.anchorState), initialMarginX24, maintenanceMarginX24 }
  const expected = { ...stateWordsOf(shadow), anchorState: pack('anchorState', anchor) }
  return [
    ...marketStateWords.flatMap((word) => compareWords(word, word, expected[word], event[word])),
    compare('R37', 'inboxHead', shadow.inbox.head, event.inboxHead),
    compare('R37', 'inboxCount', shadow.inbox.count, event.inboxCount),
  ]
}

function compareWords(at: string, word: WordName, expected: bigint, found: bigint): readonly ClaimResult[] {
  const given: Readonly<Record<string, bigint>> = unpack(word, found)
  return Object.entries<bigint>(unpack(word, expected)).map(([field, value]) =>
    compare('R37', `${at}.${field}`, value, given[field]),
  )
}

const HOLDS: ClaimResult = { claim: 'R37', holds: true }
const refused = (field: string, expected: string, found: string): ClaimResult => ({
  claim: 'R37',
  holds: false,
  field,
  expected,
  found,
})
const atLeast = (field: string, least: bigint, found: bigint): ClaimResult =>
  found >= least ? HOLDS : refused(field, `at least ${least}`, String(found))
const atMost = (field: string, most: bigint, found: bigint): ClaimResult =>
  found <= most ? HOLDS : refused(field, `at most ${most}`, String(found))
