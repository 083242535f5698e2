import {
  clamp,
  max,
  min,
  mulUp,
  saturate,
  shiftRightDown,
  shiftRightUp,
  sqrtUp,
  subtractOrZero,
} from '../math/index.ts'

export type MarketPolicy = {
  readonly maxReturnX16: bigint
  readonly volatilityFloorX16: bigint
  readonly volatilityCeilingX16: bigint
  readonly stressVolatilityX16: bigint
  readonly liquidationCostX16: bigint
  readonly maintenanceMarginFloorX16: bigint
  readonly maintenanceMarginCeilingX16: bigint
  readonly liquidationBonusX16: bigint
  readonly scanRangeFloorX16: bigint
  readonly scanRangeCeilingX16: bigint
}

export type MarginPolicy = {
  readonly impliedWeightX10: bigint
  readonly stressWeightX10: bigint
  readonly scanMultipleX8: bigint
  readonly loosenPerSecondX32: bigint
  readonly tightenPerSecondX32: bigint
  readonly initialMarginBufferX10: bigint
}

export type Margins = { readonly initialMarginX24: bigint; readonly maintenanceMarginX24: bigint }

/** Fractions of notional are X24 and below 1. */
const FRACTION_BITS = 24
const ONE_X24 = 1n << 24n
const ONE_X10 = 1n << 10n
const fromX16 = (valueX16: bigint): bigint => valueX16 << 8n

/**
 * Volatility used: clamp(max(√variance, weight·implied), floor, ceiling), rounded up.
 *
 * Twin of `circuits/parameters/UsedVolatility.circom`.
 *
 * @param varianceX38 - what the volatility model says to use
 */
export function usedVolatilityUp(
  varianceX38: bigint,
  impliedVolatilityX16: bigint,
  impliedWeightX10: bigint,
  policy: MarketPolicy,
): bigint {
  const realised = sqrtUp(varianceX38 << 10n)
  const implied = mulUp(fromX16(impliedVolatilityX16), impliedWeightX10, 10)
  return clamp(max(realised, implied), fromX16(policy.volatilityFloorX16), fromX16(policy.volatilityCeilingX16))
}

/** Predicted move over one horizon, multiplier·σ·√horizon, rounded up; saturates just below a log return of 1. */
export function horizonMoveUp(multiplierX18: bigint, volatilityX24: bigint, sqrtHorizonX24: bigint): bigint {
  return saturate(shiftRightUp(multiplierX18 * volatilityX24 * sqrtHorizonX24, 42), FRACTION_BITS)
}

/** Spot scan range: clamp(scanMultiple·move, bounds), rounded up. */
export function scanRangeUp(moveX24: bigint, scanMultipleX8: bigint, policy: MarketPolicy): bigint {
  const range = mulUp(moveX24, scanMultipleX8, 8)
  return clamp(range, fromX16(policy.scanRangeFloorX16), fromX16(policy.scanRangeCeilingX16))
}

/**
 * Margins the market asks for before dampers.
 *
 * The margin's variance is max(σ², w·σ_stress² + (1 − w)·σ²): a share of stressed observations keeps margins from
 * falling to calm levels and then rising in the crash (EU 153/2013, Article 28). Twin of
 * `circuits/parameters/TargetMargins.circom`; rounded up.
 */
export function targetMarginsUp(
  volatilityX24: bigint,
  multiplierX18: bigint,
  sqrtHorizonX24: bigint,
  market: MarketPolicy,
  margin: MarginPolicy,
): Margins {
  const stressedX24 = max(volatilityX24, fromX16(market.stressVolatilityX16))
  const weight = margin.stressWeightX10
  const varianceX58 = weight * stressedX24 ** 2n + (ONE_X10 - weight) * volatilityX24 ** 2n
  const moveX24 = saturate(shiftRightUp(multiplierX18 * sqrtUp(varianceX58) * sqrtHorizonX24, 47), FRACTION_BITS)
  const maintenanceMarginX24 = clamp(
    moveX24 + fromX16(market.liquidationCostX16),
    fromX16(market.maintenanceMarginFloorX16),
    fromX16(market.maintenanceMarginCeilingX16),
  )
  const initialMarginX24 = mulUp(maintenanceMarginX24, ONE_X10 + margin.initialMarginBufferX10, 10)
  return { initialMarginX24, maintenanceMarginX24 }
}

/**
 * Dampers: the initial margin tightens at once, so new positions are safe; the maintenance margin tightens on a ramp,
 * so existing positions are not all liquidated by the risk engine itself; both loosen slowly. The allowances are
 * rounded down: a speed limit is never exceeded.
 *
 * Twin of `circuits/parameters/Dampers.circom`.
 */
export function dampen(previous: Margins, target: Margins, elapsedSeconds: bigint, policy: MarginPolicy): Margins {
  const allowance = (perSecondX32: bigint): bigint =>
    saturate(shiftRightDown(elapsedSeconds * perSecondX32, 8), FRACTION_BITS)
  const loosen = allowance(policy.loosenPerSecondX32)
  const tighten = allowance(policy.tightenPerSecondX32)
  const lowest = (margin: bigint): bigint => subtractOrZero(margin, loosen)
  return {
    initialMarginX24: max(target.initialMarginX24, lowest(previous.initialMarginX24)),
    maintenanceMarginX24: min(
      max(target.maintenanceMarginX24, lowest(previous.maintenanceMarginX24)),
      previous.maintenanceMarginX24 + tighten,
    ),
  }
}

/** Loan-to-value limit 1 − margin − bonus, never below 0; exact. */
export function loanToValue(marginX24: bigint, liquidationBonusX16: bigint): bigint {
  return subtractOrZero(ONE_X24, marginX24 + fromX16(liquidationBonusX16))
}
