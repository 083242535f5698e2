import { OutOfDomainError } from './fixedPoint.ts'
import { argumentBits, evaluatePiecewise } from './piecewisePolynomial.ts'
import { exp, expFine, expFineLog2E, expFineLog2EBits, expLog2E, expLog2EBits } from './tables.generated.ts'

const FRACTION_BITS = 32n
const LIMIT = 1n << 36n
/** Added to the power of two, to make it positive: e^-16 > 2^-24. */
const SHIFT = 24n
/** |x| < 2^36 times half a unit of log2(e). */
const LOG2_E_ERROR = 1n << 35n

/**
 * Exponential, rounded down. Twin of `circuits/math/ExpDown.circom`.
 *
 * @param x - exponent X32, in [-16, 16)
 * @returns X32, at most e^x and more than e^x·(1 - 2^-33) less one unit; exactly 1 at 0
 * @throws {@link OutOfDomainError} if `x` is outside its range
 */
export function expDown(x: bigint): bigint {
  if (x < -LIMIT || x >= LIMIT) throw new OutOfDomainError('expDown', x, 'an X32 number in [-16, 16)')
  if (x === 0n) return 1n << FRACTION_BITS

  const productBits = FRACTION_BITS + expLog2EBits
  const power = x * expLog2E + (SHIFT << productBits) - LOG2_E_ERROR
  const integer = power >> productBits
  const argument = (power - (integer << productBits)) >> (productBits - BigInt(argumentBits(exp)))
  const exponential = evaluatePiecewise(exp, argument) << integer
  return exponential >> (BigInt(exp.resultBits) + SHIFT - FRACTION_BITS)
}

const FINE_FRACTION_BITS = 40n
const FINE_LIMIT = 1n << 44n
/** |x| < 2^44 times half a unit of log2(e). */
const FINE_LOG2_E_ERROR = 1n << 43n

/**
 * Exponential, rounded down, at a finer scale. Twin of `circuits/math/ExpFineDown.circom`.
 *
 * @param x - exponent X40, in [-16, 16)
 * @returns X40, at most e^x and more than e^x·(1 - 2^-39.8) less one unit; exactly 1 at 0
 * @throws {@link OutOfDomainError} if `x` is outside its range
 */
export function expFineDown(x: bigint): bigint {
  if (x < -FINE_LIMIT || x >= FINE_LIMIT) throw new OutOfDomainError('expFineDown', x, 'an X40 number in [-16, 16)')
  if (x === 0n) return 1n << FINE_FRACTION_BITS

  const productBits = FINE_FRACTION_BITS + expFineLog2EBits
  const power = x * expFineLog2E + (SHIFT << productBits) - FINE_LOG2_E_ERROR
  const integer = power >> productBits
  const argument = (power - (integer << productBits)) >> (productBits - BigInt(argumentBits(expFine)))
  const exponential = evaluatePiecewise(expFine, argument) << integer
  return exponential >> (BigInt(expFine.resultBits) + SHIFT - FINE_FRACTION_BITS)
}
