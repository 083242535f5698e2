import { absoluteDifference, divUp, EXP2_SCALE, exp2Negative, min, saturate, shiftRightUp } from '../math/index.ts'

/** Actual/365 Fixed. */
export const YEAR_SECONDS = 31_536_000n

/** Variances are X36 and saturate at 2^46 − 1, a volatility of 3,200 %. */
export const VARIANCE_BITS = 46

/** Two logarithms that are each rounded down differ from the true difference by less than 2 units of X26. */
const LOGARITHM_SLACK_X26 = 2n

/** |b − a| of two log prices that were rounded down, never below the true difference. */
export function logDifferenceUp(aX26: bigint, bX26: bigint): bigint {
  return absoluteDifference(aX26, bX26) + LOGARITHM_SLACK_X26
}

/** Absolute log return, winsorised. Twin of `circuits/volatility/WinsorisedReturn.circom`. */
export function winsorisedReturnUp(lnPriceX26: bigint, previousLnPriceX26: bigint, maxReturnX16: bigint): bigint {
  return min(logDifferenceUp(lnPriceX26, previousLnPriceX26), maxReturnX16 << 10n)
}

/**
 * What one period alone says of the annualised variance, rounded up. Twin of
 * `circuits/volatility/PeriodVariance.circom`.
 *
 * @param annualisedX52 - squared move times seconds a year
 * @param elapsed - Δt ≥ 1, with `scaleBits` fraction bits
 */
export function periodVarianceUp(annualisedX52: bigint, elapsed: bigint, scaleBits = 0): bigint {
  return divUp(annualisedX52, elapsed << BigInt(16 - scaleBits))
}

/** Decay weight 2^(−Δt·rate), the rate divided by 2^shift, scale {@link EXP2_SCALE}. */
export function decayWeight(elapsedSeconds: bigint, rateX36: bigint, shift = 0): bigint {
  return exp2Negative(elapsedSeconds * rateX36, 36 + shift)
}

/** weight·old + (1 − weight)·new, rounded up, saturating. Twin of `circuits/volatility/BlendUp.circom`. */
export function blendUp(oldX36: bigint, newX36: bigint, weight: bigint): bigint {
  const blended = weight * oldX36 + ((1n << BigInt(EXP2_SCALE)) - weight) * newX36
  return saturate(shiftRightUp(blended, EXP2_SCALE), VARIANCE_BITS)
}
