import type { Fields } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import { lnDown, max } from '../math/index.ts'
import { ewma } from '../volatility/ewma.ts'
import type { ModelInForce, PriceMove, Variances, VolatilityModel } from '../volatility/model.ts'
import type { Verdict } from './confidence.ts'
import { learn, testPrediction } from './confidence.ts'
import type { Margins } from './margins.ts'
import { dampen, horizonMoveUp, loanToValue, scanRangeUp, targetMarginsUp, volatilityOfUp } from './margins.ts'

export type Observation = Fields<'observation'>
export type VolatilityState = Fields<'volatilityState'>
export type AnchorState = Fields<'anchorState'>
export type Parameters = Fields<'parameters'>

/** Everything the registry remembers of one market between two batches. */
export type MarketState = { readonly volatility: VolatilityState; readonly anchor: AnchorState }

export type Policy = {
  readonly learning: Fields<'learningPolicy'>
  readonly margin: Fields<'marginPolicy'>
  readonly market: Fields<'marketPolicy'>
}

/** Lowest and highest price since the observation before; an observation without them says nothing of what lay between. */
export type RangedObservation = Observation & { readonly lowE8?: bigint; readonly highE8?: bigint }

/** What all models share of a market's state. */
export type LearnedState = { readonly volatility: SharedState; readonly anchor: AnchorState }

/** A market's state under any model. */
export type ModelledState = LearnedState & { readonly variancesX36: Variances }

type SharedState = Pick<VolatilityState, 'lnPriceX26' | 'asOf' | 'multiplierDownX18' | 'multiplierUpX18'>

export type MarketUpdate<State = MarketState> = {
  readonly state: State
  readonly parameters: Parameters
  /** One per observation, for backtests. */
  readonly verdicts: readonly Verdict[]
}

/** Log prices are X26. */
const LN_FRACTION_BITS = 26

/**
 * One market's step under the proven model, EWMA: observations in, next state and risk parameters out.
 *
 * Twin of `circuits/parameters/MarketStep.circom`, bit for bit.
 *
 * @param observations - oldest first, strictly later than the state and than each other, n ≥ 1
 * @throws the errors of {@link updateModelled}
 */
export function updateMarket(
  previous: MarketState,
  observations: readonly Observation[],
  policy: Policy,
): MarketUpdate {
  const { varianceFastX36, varianceSlowX36, ...shared } = previous.volatility
  const before = {
    variancesX36: [varianceFastX36, varianceSlowX36, 0n, 0n] as const,
    volatility: shared,
    anchor: previous.anchor,
  }
  const { state, ...published } = updateModelled(ewma, before, observations, policy)
  const [nextFastX36, nextSlowX36] = state.variancesX36
  const volatility = { varianceFastX36: nextFastX36, varianceSlowX36: nextSlowX36, ...state.volatility }
  return { ...published, state: { volatility, anchor: state.anchor } }
}

/**
 * One market's step under any volatility model: observations in, next state and risk parameters out.
 *
 * A prediction is tried at the first observation at or after its horizon, and a new one starts there. The result does
 * not depend on how observations are cut into batches, except that the dampers' allowances are rounded down per batch
 * (at most one unit each), so nobody gains by batching.
 *
 * @param observations - oldest first, strictly later than the state and than each other, n ≥ 1
 * @throws {@link NoObservationError} if there is none
 * @throws {@link ObservationNotNewerError} if times do not increase strictly
 * @throws {@link ObservationPriceError} if a price is 0
 */
export function updateModelled(
  model: VolatilityModel,
  previous: ModelledState,
  observations: readonly RangedObservation[],
  policy: Policy,
): MarketUpdate<ModelledState> {
  if (observations.length === 0) throw new NoObservationError()
  const { learning } = policy
  const inForce = underPolicy(model, policy)
  const verdicts: Verdict[] = []
  let { variancesX36, volatility, anchor } = previous
  let volatilityX24 = 0n
  let moves = { down: 0n, up: 0n }

  for (const [index, observation] of observations.entries()) {
    const move = moveOf(observation, index, volatility)
    const { lnPriceX26 } = move
    const { asOf } = observation
    variancesX36 = inForce.step(variancesX36, move)
    const verdict = testPrediction(anchor, lnPriceX26, asOf, learning.horizonSeconds)
    verdicts.push(verdict)
    volatility = { lnPriceX26, asOf, ...learn(volatility, verdict, learning) }

    if (!(verdict.due || index === observations.length - 1)) continue
    volatilityX24 = volatilityOfUp(
      inForce.usedX38(variancesX36),
      observation.impliedVolatilityX24,
      policy.margin.impliedWeightX10,
      policy.market,
    )
    moves = {
      down: horizonMoveUp(volatility.multiplierDownX18, volatilityX24, learning.sqrtHorizonX24),
      up: horizonMoveUp(volatility.multiplierUpX18, volatilityX24, learning.sqrtHorizonX24),
    }
    if (verdict.due) {
      const prediction = { anchorMoveDownX24: moves.down, anchorMoveUpX24: moves.up }
      anchor = { ...anchor, anchorLnPriceX26: lnPriceX26, anchorAsOf: asOf, ...prediction }
    }
  }

  const elapsed = volatility.asOf - previous.volatility.asOf
  const { margins, parameters } = publish(volatility, anchor, volatilityX24, moves, elapsed, policy)
  return { state: { variancesX36, volatility, anchor: { ...anchor, ...margins } }, parameters, verdicts }
}

/** A model with the words of a policy that it reads. */
function underPolicy(model: VolatilityModel, { learning, market }: Policy): ModelInForce {
  const { decayRateX36, horizonSeconds } = learning
  return model.underPolicy({ decayRateX36, horizonSeconds, maxReturnX16: market.maxReturnX16 })
}

function moveOf(observation: RangedObservation, index: number, before: SharedState): PriceMove {
  const { priceE8, asOf, lowE8, highE8 } = observation
  if (priceE8 === 0n || lowE8 === 0n) throw new ObservationPriceError(index)
  if (asOf <= before.asOf) throw new ObservationNotNewerError(index, asOf, before.asOf)
  const ln = (valueE8: bigint): bigint => lnDown(valueE8, LN_FRACTION_BITS)
  const hasRange = lowE8 !== undefined && highE8 !== undefined
  return {
    previousLnPriceX26: before.lnPriceX26,
    lnPriceX26: ln(priceE8),
    elapsedSeconds: asOf - before.asOf,
    range: hasRange ? { lnHighX26: ln(highE8), lnLowX26: ln(lowE8) } : undefined,
  }
}

function publish(
  volatility: SharedState,
  anchor: AnchorState,
  volatilityX24: bigint,
  moves: { readonly down: bigint; readonly up: bigint },
  elapsed: bigint,
  policy: Policy,
): { readonly margins: Margins; readonly parameters: Parameters } {
  const target = targetMarginsUp(
    volatilityX24,
    max(volatility.multiplierDownX18, volatility.multiplierUpX18),
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
    asOf: volatility.asOf,
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

/** State of a market before its first proof, from a first price and a volatility that governance believes. */
export function initialState(
  first: Pick<Observation, 'priceE8' | 'asOf'>,
  volatilityX24: bigint,
  multiplierX18: bigint,
  policy: Policy,
): MarketState {
  const lnPriceX26 = lnDown(first.priceE8, LN_FRACTION_BITS)
  const { sqrtHorizonX24 } = policy.learning
  const varianceX36 = (volatilityX24 * volatilityX24 + 4095n) >> 12n
  const moveX24 = horizonMoveUp(multiplierX18, volatilityX24, sqrtHorizonX24)
  return {
    volatility: {
      varianceFastX36: varianceX36,
      varianceSlowX36: varianceX36,
      lnPriceX26,
      asOf: first.asOf,
      multiplierDownX18: multiplierX18,
      multiplierUpX18: multiplierX18,
    },
    anchor: {
      anchorLnPriceX26: lnPriceX26,
      anchorAsOf: first.asOf,
      anchorMoveDownX24: moveX24,
      anchorMoveUpX24: moveX24,
      ...targetMarginsUp(volatilityX24, multiplierX18, sqrtHorizonX24, policy.market, policy.margin),
    },
  }
}

/** {@link initialState} under a model: each of its variances starts at the volatility believed. */
export function initialModelled(
  model: VolatilityModel,
  first: Pick<Observation, 'priceE8' | 'asOf'>,
  volatilityX24: bigint,
  multiplierX18: bigint,
  policy: Policy,
): ModelledState {
  const { volatility, anchor } = initialState(first, volatilityX24, multiplierX18, policy)
  const { varianceFastX36, varianceSlowX36: _, ...shared } = volatility
  const place = (index: number): bigint => (index < model.variances.length ? varianceFastX36 : 0n)
  return { variancesX36: [place(0), place(1), place(2), place(3)], volatility: shared, anchor }
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
