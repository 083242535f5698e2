import { ProverError } from '../errors.ts'
import { lnDown, max, min, mulDown, saturate, shiftRightDown, sqrtDown } from '../math/index.ts'
import { TOTAL_VOLATILITY_BITS } from './black.ts'
import type { VolatilityKind } from './grid.ts'
import type { Skew, Tenor } from './tenor.ts'
import type { ExpiryMarket } from './terms.ts'

/** Total variance saturates at 20, as in Derive's own answers. */
const LARGEST_VARIANCE_X48 = 20n << 48n

/**
 * SVI total variance at a strike, at the tenor the surface was fitted at. Twin of `circuits/options/SviVariance.circom`.
 *
 * @param lnStrikeX36 - ln of the strike at 1e-8
 * @returns X48, at most 20
 * @throws {@link NegativeVarianceError}
 */
export function sviVariance(market: ExpiryMarket, strikeE8: bigint, lnStrikeX36: bigint): bigint {
  const { sviAX48: a, sviBX48: b, sviSX40: s } = market
  const logMoneynessX44 = (lnStrikeX36 - lnDown(market.forwardRefE8, 36)) << 8n
  const wingX88 = (a << 40n) + b * s
  if (wingX88 < 0n) throw new NegativeVarianceError(market.expiry, strikeE8)
  const largestX44 = 4n * sqrtDown(wingX88)
  const magnitude = min(logMoneynessX44 < 0n ? -logMoneynessX44 : logMoneynessX44, largestX44)
  const distanceX44 = (logMoneynessX44 < 0n ? -magnitude : magnitude) - (market.sviMX40 << 4n)
  const rootX44 = sqrtDown(distanceX44 ** 2n + ((s ** 2n) << 8n))
  const varianceX132 = (a << 84n) + b * (market.sviRhoX40 * distanceX44 + (rootX44 << 40n))
  if (varianceX132 < 0n) throw new NegativeVarianceError(market.expiry, strikeE8)
  return min(shiftRightDown(varianceX132, 84), LARGEST_VARIANCE_X48)
}

/**
 * Total volatilities σ√τ of a strike, unshocked and under every shock. Twin of `circuits/options/TotalVolatilities.circom`.
 *
 * @param varianceX48 - SVI total variance at the fitted tenor
 * @param logMoneynessX36 - ln(K/F) on the current forward
 * @returns X40, below 16
 */
export function totalVolatilities(
  varianceX48: bigint,
  logMoneynessX36: bigint,
  tenor: Tenor,
): Record<VolatilityKind, bigint> {
  const none = saturated(shiftRightDown(sqrtDown(varianceX48 * tenor.ratioX40), 4))
  return {
    none,
    up: saturated(max(tenor.floorUpX40, mulDown(none, tenor.upX40, 40))),
    down: mulDown(none, tenor.downX40, 40),
    linear: skewed(none, logMoneynessX36, tenor.linear, logMoneynessX36 < 0n),
    absolute: skewed(none, logMoneynessX36, tenor.absolute, false),
  }
}

/**
 * v·max(0, 1 ± y), where y is the cap times |k| over the width, bounded by the cap from above: a negative cap is reached at
 * the forward and passed beyond the width.
 */
function skewed(volatilityX40: bigint, logMoneynessX36: bigint, skew: Skew, isMirrored: boolean): bigint {
  const distance = logMoneynessX36 < 0n ? -logMoneynessX36 : logMoneynessX36
  const within = skew.isNegative ? max(distance, skew.widthX36) : min(distance, skew.widthX36)
  const changeX80 = within * skew.slopeX44
  const factorX80 = (1n << 80n) + (skew.isNegative === isMirrored ? changeX80 : -changeX80)
  return factorX80 < 0n ? 0n : saturated((volatilityX40 * factorX80) >> 80n)
}

function saturated(volatilityX40: bigint): bigint {
  return saturate(volatilityX40, TOTAL_VOLATILITY_BITS)
}

/** The surface's total variance is negative at a strike, or where it is cut off. */
export class NegativeVarianceError extends ProverError {
  readonly code = 'options.negative-variance'
  readonly expiry: bigint
  readonly strikeE8: bigint

  constructor(expiry: bigint, strikeE8: bigint) {
    super(
      `Expected a surface with variance of at least 0, got less at expiry ${new Date(Number(expiry) * 1000).toISOString().slice(0, 10)}, strike ${Number(strikeE8) / 1e8}. Fit it again.`,
    )
    this.expiry = expiry
    this.strikeE8 = strikeE8
  }
}
