import { lnDown } from '../math/index.ts'

/** Log prices and ranges are X26. */
const LN_FRACTION_BITS = 26
/** A code holds X22: four bits less. */
const CODE_SHIFT = 4n
const MANTISSA_BITS = 8n
const HIDDEN = 1n << MANTISSA_BITS
const MOST_EXPONENT = 15n
const LARGEST = (MOST_EXPONENT << MANTISSA_BITS) | (HIDDEN - 1n)

/**
 * Code of ln(high/low), 12 bits, as floating-point numbers are written: 8 bits of X22 below 4 bits of exponent; with an
 * exponent e above 0 a ninth bit stands before the 8, and all are shifted up by e − 1. Rounded up by less than 1/256 of
 * itself; a range beyond 1.99 is the largest code. Never 0, which says that no range was attested.
 *
 * @param highE8 - at least `lowE8`, which is at least 1
 */
export function rangeCodeUp(highE8: bigint, lowE8: bigint): bigint {
  // Two logarithms that are each rounded down differ from the true difference by less than 2 units.
  const rangeX26 = lnDown(highE8, LN_FRACTION_BITS) - lnDown(lowE8, LN_FRACTION_BITS) + 2n
  let digits = (rangeX26 + (1n << CODE_SHIFT) - 1n) >> CODE_SHIFT
  if (digits < HIDDEN) return digits
  let exponent = 1n
  while (digits >= 2n * HIDDEN) {
    digits = (digits + 1n) >> 1n
    exponent++
  }
  return exponent > MOST_EXPONENT ? LARGEST : (exponent << MANTISSA_BITS) | (digits - HIDDEN)
}

/** ln(high/low) of a code, X26; 0 if none was attested. Twin of `AttestedRange` in `circuits/volatility/RangeMixture.circom`. */
export function rangeOfCode(code: bigint): bigint {
  const [exponent, digits] = [code >> MANTISSA_BITS, code & (HIDDEN - 1n)]
  return exponent === 0n ? digits << CODE_SHIFT : (digits + HIDDEN) << (exponent - 1n + CODE_SHIFT)
}
