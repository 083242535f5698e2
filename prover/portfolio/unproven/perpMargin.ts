/**
 * Margin of linear contracts: a venue without options, or the perpetuals of one with them.
 *
 * Quantities are E12 and signed (long above 0), prices E8, money E20 (the exact product of the two), fractions X40.
 */
import { divDown, divUp, shiftRightUp } from '../../math/index.ts'

/** Fraction bits of every fraction of notional. */
const FRACTION_BITS = 40
const magnitude = (x: bigint): bigint => (x < 0n ? -x : x)

/**
 * Unrealised profit quantity·(price − entry), exact.
 *
 * @example
 * perpPnl(2n * 10n ** 12n, 71_000n * 10n ** 8n, 70_000n * 10n ** 8n) // → 2_000n * 10n ** 20n
 */
export function perpPnl(quantityE12: bigint, priceE8: bigint, entryPriceE8: bigint): bigint {
  return quantityE12 * (priceE8 - entryPriceE8)
}

/**
 * Unsettled funding, exact. Indices count what one long contract has paid since the beginning.
 *
 * @example
 * unsettledFunding(10n ** 12n, 3n * 10n ** 8n, 5n * 10n ** 8n) // → -2n * 10n ** 20n
 */
export function unsettledFunding(quantityE12: bigint, accountIndexE8: bigint, indexE8: bigint): bigint {
  return quantityE12 * (accountIndexE8 - indexE8)
}

/**
 * Requirement |quantity|·price·fraction, rounded up.
 *
 * @example
 * linearMarginUp(-(10n ** 12n), 70_000n * 10n ** 8n, 1n << 37n) // → 8_750n * 10n ** 20n
 */
export function linearMarginUp(quantityE12: bigint, priceE8: bigint, fractionX40: bigint): bigint {
  return shiftRightUp(magnitude(quantityE12) * priceE8 * fractionX40, FRACTION_BITS)
}

/**
 * Price at which an order fills where the venue's own skew moves it:
 * index·(1 + (skewBefore + skewAfter)/2/skewScale), rounded against the trader.
 *
 * @param quantityE12 - of the order; a buy is above 0
 * @param skewE12 - longs less shorts before the order
 * @param skewScaleE12 - skew that moves the price by 100 %
 * @throws DivisionByZeroError if the scale is 0, OutOfDomainError if so large a skew makes the price negative
 * @example
 * skewedFillPrice(10n * 10n ** 12n, 100n * 10n ** 8n, 0n, 1_000n * 10n ** 12n) // → 10_050_000_000n
 */
export function skewedFillPrice(quantityE12: bigint, indexE8: bigint, skewE12: bigint, skewScaleE12: bigint): bigint {
  const numerator = indexE8 * (2n * skewScaleE12 + 2n * skewE12 + quantityE12)
  return quantityE12 > 0n ? divUp(numerator, 2n * skewScaleE12) : divDown(numerator, 2n * skewScaleE12)
}
