import { expFineDown, mulDown, mulUp, shiftRightUp } from '../math/index.ts'
import { atMostOne, clampExponent, type Tenor } from './tenor.ts'
import type { ExpiryMarket, PricingPolicy } from './terms.ts'

const ONE_X40 = 1n << 40n

/** What an expiry's value is multiplied by. */
export type Discounts = {
  readonly discountX40: bigint
  /** Of what the expiry is worth to the account under a shock, discounted. */
  readonly longFactorX40: bigint
  /** Of what it costs the account, discounted. */
  readonly shortFactorX40: bigint
  readonly basisFactorX40: bigint
  readonly shortfallX40: bigint
}

/**
 * Discounts of one expiry, the factors rounded against the account. Twin of `circuits/options/Discounts.circom`.
 *
 * A negative rate counts as 0. At expiry both static factors are exactly 1.
 */
export function discountsOf(market: ExpiryMarket, policy: PricingPolicy, tenor: Tenor): Discounts {
  const { longDiscount: long, shortDiscount: short } = policy
  const { tauX40, tauX56 } = tenor
  const rate = market.rateX40 < 0n ? 0n : market.rateX40
  const discountX40 = expFineDown(clampExponent(-shiftRightUp(tauX40 * rate, 40)))
  const isExpiring = tenor.secondsToExpiry === 0n

  const longRateX80 = (rate << 40n) + rate * long.rateMultipleX40 + (long.rateAddX40 << 40n)
  // A unit more makes up for the year fraction, which is rounded down.
  const longExponent = clampExponent(-shiftRightUp(tauX56 * longRateX80, 96) - 1n)
  const shortRateX80 = rate * short.rateMultipleX40 + (short.rateAddX40 << 40n) - (rate << 40n)
  const shortExponent = clampExponent(-((-tauX56 * shortRateX80) >> 96n) + 1n)
  // The exponential lies below e^x by less than 2^-38 of it and two units.
  const shortX78 = expFineDown(shortExponent) * ((1n << 38n) + 1n) + (1n << 39n)

  const confidence = market.confidenceX40 < market.spotConfidenceX40 ? market.confidenceX40 : market.spotConfidenceX40
  return {
    discountX40,
    longFactorX40: isExpiring ? ONE_X40 : mulDown(long.baseX40, expFineDown(longExponent), 40),
    shortFactorX40: isExpiring ? ONE_X40 : atMostOne(shiftRightUp(short.baseX40 * shortX78, 78)),
    // The discount is short by less than 4 units, the year fraction by less than one.
    basisFactorX40: mulUp(
      discountX40 + 4n,
      (policy.scenarios.basisAddX40 << 40n) + short.basisSlopeX40 * (tauX40 + 1n),
      80,
    ),
    shortfallX40: confidence < short.confidenceThresholdX40 && confidence < ONE_X40 ? ONE_X40 - confidence : 0n,
  }
}
