import { SLOW_HALF_LIFE_SHIFT } from '../../circuits/statements.ts'
import { absoluteDifference, divUp, EXP2_SCALE, exp2Negative, min, saturate, shiftRightUp } from '../math/index.ts'

/** Actual/365 Fixed. */
export const YEAR_SECONDS = 31_536_000n

/** Variances are X36 and saturate at 2^46 − 1, a volatility of 3,200 %. */
export const VARIANCE_BITS = 46

/** Two logarithms that are each rounded down differ from the true return by less than 2 units of X26. */
const RETURN_SLACK_X26 = 2n

export type EwmaState = {
  readonly varianceFastX36: bigint
  readonly varianceSlowX36: bigint
  readonly lnPriceX26: bigint
}

/**
 * Exponentially weighted variance on irregular times: v′ = ω·v + (1 − ω)·r²/y with ω = 2^(−Δt/half-life), for a fast
 * and a slow half-life side by side.
 *
 * As Δt → 0 the new term tends to r²·ln 2·Year/half-life, so a burst of ticks is as harmless as one. The return is
 * winsorised: an outlier moves the estimate by a bounded amount. Twin of `circuits/volatility/EwmaStep.circom`.
 *
 * @param lnPriceX26 - log of the new price, rounded down
 * @param elapsedSeconds - Δt ≥ 1
 * @param decayRateX36 - fast half-lives per second
 * @param maxReturnX16 - winsorising bound of |r|
 * @returns the next state; the absolute return, the period's variance and both averages are rounded up
 */
export function ewmaStep(
  state: EwmaState,
  lnPriceX26: bigint,
  elapsedSeconds: bigint,
  decayRateX36: bigint,
  maxReturnX16: bigint,
): EwmaState {
  const returnX26 = min(absoluteDifference(lnPriceX26, state.lnPriceX26) + RETURN_SLACK_X26, maxReturnX16 << 10n)
  const periodVarianceX36 = divUp(returnX26 ** 2n * YEAR_SECONDS, elapsedSeconds << 16n)
  const decayX36 = elapsedSeconds * decayRateX36
  return {
    varianceFastX36: blendUp(state.varianceFastX36, periodVarianceX36, exp2Negative(decayX36, 36)),
    varianceSlowX36: blendUp(
      state.varianceSlowX36,
      periodVarianceX36,
      exp2Negative(decayX36, 36 + SLOW_HALF_LIFE_SHIFT),
    ),
    lnPriceX26,
  }
}

/** weight·old + (1 − weight)·new, rounded up, saturating. */
function blendUp(oldX36: bigint, newX36: bigint, weight: bigint): bigint {
  const blended = weight * oldX36 + ((1n << BigInt(EXP2_SCALE)) - weight) * newX36
  return saturate(shiftRightUp(blended, EXP2_SCALE), VARIANCE_BITS)
}
