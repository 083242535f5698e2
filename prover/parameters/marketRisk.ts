import type { Fields } from '../../circuits/statements.ts'
import { ProverError } from '../errors.ts'
import { lnDown, max } from '../math/index.ts'
import { ewmaStep } from '../volatility/ewma.ts'
import type { Verdict } from './confidence.ts'
import { learn, testPrediction } from './confidence.ts'
import { dampen, horizonMoveUp, loanToValue, scanRangeUp, targetMarginsUp, usedVolatilityUp } from './margins.ts'

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

export type MarketUpdate = {
  readonly state: MarketState
  readonly parameters: Parameters
  /** One per observation, for backtests. */
  readonly verdicts: readonly Verdict[]
}

/** Log prices are X26. */
export const LN_FRACTION_BITS = 26

/**
 * One market's step: observations in, next state and risk parameters out.
 *
 * A prediction is tried at the first observation at or after its horizon, and a new one starts there. The result does
 * not depend on how observations are cut into batches, except that the dampers' allowances are rounded down per batch
 * (at most one unit each), so nobody gains by batching.
 *
 * Twin of `circuits/statement/MarketRisk.circom` for one market, bit for bit.
 *
 * @param observations - oldest first, strictly later than the state and than each other, n ≥ 1
 * @throws {@link NoObservationError} if there is none
 * @throws {@link ObservationNotNewerError} if times do not increase strictly
 * @throws {@link ObservationPriceError} if a price is 0
 */
export function updateMarket(
  previous: MarketState,
  observations: readonly Observation[],
  policy: Policy,
): MarketUpdate {
  if (observations.length === 0) throw new NoObservationError()
  const { learning } = policy
  const verdicts: Verdict[] = []
  let { volatility, anchor } = previous
  let volatilityX24 = 0n
  let moves = { down: 0n, up: 0n }

  for (const [index, observation] of observations.entries()) {
    if (observation.priceE8 === 0n) throw new ObservationPriceError(index)
    if (observation.asOf <= volatility.asOf) {
      throw new ObservationNotNewerError(index, observation.asOf, volatility.asOf)
    }
    const lnPriceX26 = lnDown(observation.priceE8, LN_FRACTION_BITS)
    const elapsed = observation.asOf - volatility.asOf
    const ewma = ewmaStep(volatility, lnPriceX26, elapsed, learning.decayRateX36, policy.market.maxReturnX16)
    const isLast = index === observations.length - 1
    const verdict = testPrediction(anchor, lnPriceX26, observation.asOf, learning.horizonSeconds)
    verdicts.push(verdict)
    const multipliers = learn(volatility, verdict, learning)
    volatility = { ...ewma, ...multipliers, asOf: observation.asOf }

    if (!(verdict.due || isLast)) continue
    volatilityX24 = usedVolatilityUp(
      ewma.varianceFastX36,
      ewma.varianceSlowX36,
      observation.impliedVolatilityX24,
      policy.margin.impliedWeightX10,
      policy.market,
    )
    moves = {
      down: horizonMoveUp(multipliers.multiplierDownX18, volatilityX24, learning.sqrtHorizonX24),
      up: horizonMoveUp(multipliers.multiplierUpX18, volatilityX24, learning.sqrtHorizonX24),
    }
    if (verdict.due) {
      anchor = {
        ...anchor,
        anchorLnPriceX26: lnPriceX26,
        anchorAsOf: observation.asOf,
        anchorMoveDownX24: moves.down,
        anchorMoveUpX24: moves.up,
      }
    }
  }

  const target = targetMarginsUp(
    volatilityX24,
    max(volatility.multiplierDownX18, volatility.multiplierUpX18),
    learning.sqrtHorizonX24,
    policy.market,
    policy.margin,
  )
  const margins = dampen(anchor, target, volatility.asOf - previous.volatility.asOf, policy.margin)
  const bonus = policy.market.liquidationBonusX16
  return {
    state: { volatility, anchor: { ...anchor, ...margins } },
    parameters: {
      ...margins,
      liquidationThresholdX24: loanToValue(margins.maintenanceMarginX24, bonus),
      maxLoanToValueX24: loanToValue(margins.initialMarginX24, bonus),
      scanRangeX24: scanRangeUp(max(moves.down, moves.up), policy.margin.scanMultipleX8, policy.market),
      volatilityX24,
      horizonMoveDownX24: moves.down,
      horizonMoveUpX24: moves.up,
      asOf: volatility.asOf,
    },
    verdicts,
  }
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
