import { OutOfDomainError } from './fixedPoint.ts'
import { argumentBits, evaluatePiecewise } from './piecewisePolynomial.ts'
import { lnX28, lnX28Ln2, lnX36, lnX36Ln2 } from './tables.generated.ts'

/** Widest input, as the circuit's: `in.maxbit` at most 64. */
const IN_BITS = 64

/**
 * Natural logarithm of an integer, rounded down. Twin of `circuits/math/LnDown.circom`.
 *
 * @param x - integer in [1, 2^64)
 * @param fractionBits - of the result, at most 36
 * @returns at most ln(x) × 2^fractionBits, and more than that less 1.3
 * @throws {@link OutOfDomainError} if `x` or `fractionBits` is outside its range
 */
export function lnDown(x: bigint, fractionBits: number): bigint {
  if (x < 1n || x >= 1n << BigInt(IN_BITS)) throw new OutOfDomainError('lnDown', x, 'an integer in [1, 2^64)')
  if (fractionBits > 36) throw new OutOfDomainError('lnDown', BigInt(fractionBits), 'at most 36 fraction bits')
  if (x === 1n) return 0n

  const [table, ln2] = fractionBits <= 28 ? [lnX28, lnX28Ln2] : [lnX36, lnX36Ln2]
  const exponent = x.toString(2).length - 1
  const fraction = x - (1n << BigInt(exponent))
  const argument = (fraction << BigInt(IN_BITS)) >> BigInt(IN_BITS + exponent - argumentBits(table))
  const logarithm = BigInt(exponent) * ln2 + evaluatePiecewise(table, argument)
  return logarithm >> BigInt(table.resultBits - fractionBits)
}
