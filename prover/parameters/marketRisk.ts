import type { Fields, marketState } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import { rangeOfCode } from '../market/range.ts'
import { lnDown, max } from '../math/index.ts'
import type { ModelInForce, PriceMove, Variances, VolatilityModel } from '../volatility/model.ts'
import type { Verdict } from './confidence.ts'
import { learn, testPrediction } from './confidence.ts'
import type { Margins } from './margins.ts'
import { dampen, horizonMoveUp, loanToValue, scanRangeUp, targetMarginsUp, usedVolatilityUp } from './margins.ts'

export type Observation = Fields<'observation'>
export type VolatilityState = Fields<'volatilityState'>
export type AnchorState = Fields<'anchorState'>
export type Parameters = Fields<'parameters'>

/** Everything the registry remembers of one market between two batches. */
export type MarketState = { readonly [P in keyof typeof marketState]: Fields<(typeof marketState)[P]> }

export type Policy = {
  readonly learning: Fields<'learningPolicy'>
  readonly margin: Fields<'marginPolicy'>
  readonly market: Fields<'marketPolicy'>
}

export type MarketUpdate = {
  readonly state: MarketState
  readonly parameters: Parameters
  /** One per observation, for backtests. */
  readonly verdicts: readonly Verdict[]
}

/** Log prices are X26. */
const LN_FRACTION_BITS = 26

/**
 * One market's step under a volatility model: observations in, next state and risk parameters out.
 *
 * A prediction is tried at the first observation at or after its horizon, and a new one starts there. The result does
 * not depend on how observations are cut into batches, except that the dampers' allowances are rounded down per batch
 * (at most one unit each), so nobody gains by batching. Twin of `circuits/parameters/MarketStep.circom`, bit for bit.
 *
 * @param observations - oldest first, strictly later than the state and than each other, n ≥ 1
 * @throws {@link NoObservationError} if there is none
 * @throws {@link ObservationNotNewerError} if times do not increase strictly
 * @throws {@link ObservationPriceError} if a price is 0
 * @example
 * const model = volatilityModel('ewma')
 * const [first, ...later] = readBars('btc.csv')
 * const state = initialState(model, first, 6n << 20n, 3n << 18n, defaultPolicy)
 * const { parameters } = updateMarket(model, state, later.slice(0, 2), defaultPolicy)
 * parameters.maintenanceMarginX24 <= parameters.initialMarginX24 // → true
 */
export function updateMarket(
  model: VolatilityModel,
  previous: MarketState,
  observations: readonly Observation[],
  policy: Policy,
): MarketUpdate {
  if (observations.length === 0) throw new NoObservationError()
  const { learning } = policy
  const inForce = underPolicy(model, policy)
  const verdicts: Verdict[] = []
  let { volatility, anchor } = previous
  let volatilityX24 = 0n
  let moves = { down: 0n, up: 0n }

  for (const [index, observation] of observations.entries()) {
    const move = moveOf(observation, index, volatility)
    const { lnPriceX26 } = move
    const { asOf } = observation
    const variances = inForce.step(variancesOf(volatility), move)
    volatility = volatilityState(variances, lnPriceX26, asOf)
    const verdict = testPrediction(anchor, lnPriceX26, asOf, learning.horizonSeconds)
    verdicts.push(verdict)
    anchor = { ...anchor, ...learn(anchor, verdict, learning) }

    if (!(verdict.due || index === observations.length - 1)) continue
    volatilityX24 = usedVolatilityUp(
      inForce.usedX38(variances, asOf),
      observation.impliedVolatilityX16,
      policy.margin.impliedWeightX10,
      policy.market,
    )
    moves = {
      down: horizonMoveUp(anchor.multiplierDownX18, volatilityX24, learning.sqrtHorizonX24),
      up: horizonMoveUp(anchor.multiplierUpX18, volatilityX24, learning.sqrtHorizonX24),
    }
    if (verdict.due) {
      const prediction = { anchorMoveDownX24: moves.down, anchorMoveUpX24: moves.up }
      anchor = { ...anchor, anchorLnPriceX26: lnPriceX26, anchorAsOf: asOf, ...prediction }
    }
  }

  const elapsed = volatility.asOf - previous.volatility.asOf
  const { margins, parameters } = publish(volatility.asOf, anchor, volatilityX24, moves, elapsed, policy)
  return { state: { volatility, anchor: { ...anchor, ...margins } }, parameters, verdicts }
}

/** The variances of a state, as models have them. */
const variancesOf = (state: VolatilityState): Variances => [
  state.variance0X36,
  state.variance1X36,
  state.variance2X36,
  state.variance3X36,
]

const volatilityState = (
  [variance0X36, variance1X36, variance2X36, variance3X36]: Variances,
  lnPriceX26: bigint,
  asOf: bigint,
): VolatilityState => ({ lnPriceX26, asOf, variance0X36, variance1X36, variance2X36, variance3X36 })

/** A model with the words of a policy that it reads. */
function underPolicy(model: VolatilityModel, { learning, market }: Policy): ModelInForce {
  const { decayRateX36, horizonSeconds } = learning
  return model.underPolicy({ decayRateX36, horizonSeconds, ...market })
}

function moveOf({ priceE8, asOf, rangeCode }: Observation, index: number, before: VolatilityState): PriceMove {
  if (priceE8 === 0n) throw new ObservationPriceError(index)
  if (asOf <= before.asOf) throw new ObservationNotNewerError(index, asOf, before.asOf)
  return {
    previousAsOf: before.asOf,
    previousLnPriceX26: before.lnPriceX26,
    lnPriceX26: lnDown(priceE8, LN_FRACTION_BITS),
    elapsedSeconds: asOf - before.asOf,
    rangeX26: rangeOfCode(rangeCode),
  }
}

function publish(
  asOf: bigint,
  anchor: AnchorState,
  volatilityX24: bigint,
  moves: { readonly down: bigint; readonly up: bigint },
  elapsed: bigint,
  policy: Policy,
): { readonly margins: Margins; readonly parameters: Parameters } {
  const target = targetMarginsUp(
    volatilityX24,
    max(anchor.multiplierDownX18, anchor.multiplierUpX18),
    policy.learning.sqrtHorizonX24,
    policy.market,
    policy.margin,
  )
  const margins = dampen(anchor, target, elapsed, policy.margin)
  const bonus = policy.market.liquidationBonusX16
  const parameters = {
    ...margins,
    liquidationThresholdX24: loanToValue(margins.maintenanceMarginX24, bonus),
    maxLoanToValueX24: loanToValue(margins.initialMarginX24, bonus),
    scanRangeX24: scanRangeUp(max(moves.down, moves.up), policy.margin.scanMultipleX8, policy.market),
    volatilityX24,
    horizonMoveDownX24: moves.down,
    horizonMoveUpX24: moves.up,
    asOf,
  }
  return { margins, parameters }
}

/**
 * How many of the waiting observations one batch may take.
 *
 * The live build tries a prediction only in its last slot, so a batch ends at the first observation that is due; the
 * catch-up build tries it in every slot.
 */
export function batchLength(
  state: MarketState,
  waiting: readonly Observation[],
  slots: number,
  testEverySlot: boolean,
  horizonSeconds: bigint,
): number {
  const most = Math.min(slots, waiting.length)
  if (testEverySlot) return most
  const due = waiting.slice(0, most).findIndex(({ asOf }) => asOf >= state.anchor.anchorAsOf + horizonSeconds)
  return due === -1 ? most : due + 1
}

/**
 * As {@link batchLength} for a shadow, of which a batch may try one prediction only, since its loss is read from the states
 * before and after.
 */
export function shadowBatchLength(
  state: MarketState,
  waiting: readonly Observation[],
  slots: number,
  testEverySlot: boolean,
  horizonSeconds: bigint,
): number {
  const most = batchLength(state, waiting, slots, testEverySlot, horizonSeconds)
  const first = waiting.find(({ asOf }) => asOf >= state.anchor.anchorAsOf + horizonSeconds)
  if (first === undefined) return most
  const second = waiting.slice(0, most).findIndex(({ asOf }) => asOf >= first.asOf + horizonSeconds)
  return second === -1 ? most : second
}

/**
 * State of a market before its first proof, from a first price and a volatility that governance believes, at which each of
 * the model's variances starts.
 *
 * @example
 * const first = { priceE8: 795_000_000_000n, asOf: 1_583_971_200n }
 * const state = initialState(volatilityModel('ewma'), first, 6n << 20n, 3n << 18n, defaultPolicy)
 * state.volatility.asOf // → 1_583_971_200n
 */
export function initialState(
  model: VolatilityModel,
  first: Pick<Observation, 'priceE8' | 'asOf'>,
  volatilityX24: bigint,
  multiplierX18: bigint,
  policy: Policy,
): MarketState {
  const lnPriceX26 = lnDown(first.priceE8, LN_FRACTION_BITS)
  const { sqrtHorizonX24 } = policy.learning
  const varianceX36 = (volatilityX24 * volatilityX24 + 4095n) >> 12n
  const moveX24 = horizonMoveUp(multiplierX18, volatilityX24, sqrtHorizonX24)
  const place = (index: number): bigint => (index < model.variances.length ? varianceX36 : 0n)
  return {
    volatility: volatilityState([place(0), place(1), place(2), place(3)], lnPriceX26, first.asOf),
    anchor: {
      anchorLnPriceX26: lnPriceX26,
      anchorAsOf: first.asOf,
      anchorMoveDownX24: moveX24,
      anchorMoveUpX24: moveX24,
      multiplierDownX18: multiplierX18,
      multiplierUpX18: multiplierX18,
      ...targetMarginsUp(volatilityX24, multiplierX18, sqrtHorizonX24, policy.market, policy.margin),
    },
  }
}

/**
 * State of a shadow before its first proof: the latest observation begins a prediction under the shadow's model, with what
 * its market has learned and with the market's margins. Shadows that begin together are tried on the same horizons.
 *
 * @param market - state in force of the market
 * @param volatilityX24 - at which each of the model's variances starts
 */
export function shadowState(
  model: VolatilityModel,
  latest: Pick<Observation, 'priceE8' | 'asOf'>,
  market: MarketState,
  volatilityX24: bigint,
  policy: Policy,
): MarketState {
  const { multiplierDownX18, multiplierUpX18, initialMarginX24, maintenanceMarginX24 } = market.anchor
  const { volatility, anchor } = initialState(model, latest, volatilityX24, multiplierDownX18, policy)
  const moveUp = horizonMoveUp(multiplierUpX18, volatilityX24, policy.learning.sqrtHorizonX24)
  const kept = { multiplierUpX18, initialMarginX24, maintenanceMarginX24 }
  return { volatility, anchor: { ...anchor, ...kept, anchorMoveUpX24: moveUp } }
}

/** A market is updated by at least one observation. */
export class NoObservationError extends ProverError {
  readonly code = 'parameters.no-observation'

  constructor() {
    super('Expected at least one new observation, got none. Leave the market out of the batch.')
  }
}

/** Observations are out of order, repeated, or older than the state. */
export class ObservationNotNewerError extends ProverError {
  readonly code = 'parameters.observation-not-newer'
  readonly index: number
  readonly asOf: bigint
  readonly previousAsOf: bigint

  constructor(index: number, asOf: bigint, previousAsOf: bigint) {
    super(`Expected observation ${index} to be later than ${previousAsOf}, got ${asOf}.`)
    this.index = index
    this.asOf = asOf
    this.previousAsOf = previousAsOf
  }
}

/** A price of zero has no logarithm. */
export class ObservationPriceError extends ProverError {
  readonly code = 'parameters.observation-price'
  readonly index: number

  constructor(index: number) {
    super(`Expected a positive price in observation ${index}, got 0.`)
    this.index = index
  }
}
