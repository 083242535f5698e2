import { OutOfDomainError } from './fixedPoint.ts'
import { argumentBits, evaluatePiecewise } from './piecewisePolynomial.ts'
import { exp2 } from './tables.generated.ts'

/** Bits of the integer part; from x = 2^INTEGER_BITS on the weight is 0. */
const INTEGER_BITS = 4

/** Fraction bits of {@link exp2Negative}'s result. */
export const EXP2_SCALE = exp2.resultBits + 2 ** INTEGER_BITS - 1

/**
 * Decay weight 2^-x, untruncated: multiply first, truncate the product once. Twin of
 * `circuits/math/Exp2Negative.circom`.
 *
 * @param x - exponent at scale 2^fractionBits
 * @param fractionBits - at least 32, of which the upper 32 are used
 * @returns weight × 2^EXP2_SCALE: exactly 2^EXP2_SCALE at 0, never above; 0 from 16 on; otherwise within 2^-31.8 of 2^-x
 * @throws {@link OutOfDomainError} if `x` is negative
 */
export function exp2Negative(x: bigint, fractionBits: number): bigint {
  if (x < 0n) throw new OutOfDomainError('exp2Negative', x, 'a non-negative integer')
  const whole = x >> BigInt(fractionBits)
  const largest = (1n << BigInt(INTEGER_BITS)) - 1n
  if (whole > largest) return 0n

  const argument = (x - (whole << BigInt(fractionBits))) >> BigInt(fractionBits - argumentBits(exp2))
  return evaluatePiecewise(exp2, argument) << (largest - whole)
}
