import { argumentBits, evaluatePiecewise, type PolynomialTable } from './piecewisePolynomial.ts'
import { normalCdf, normalCdfMargin, normalPdf } from './tables.generated.ts'

const FRACTION_BITS = 32

/**
 * Standard normal distribution function, rounded down. Twin of `circuits/math/NormalCdfDown.circom`.
 *
 * @param x - X28, any sign; beyond 6.5 the function is flat
 * @returns X32, at most the function's value and more than that less 1.2 units; at most 2^32 - 1
 */
export function normalCdfDown(x: bigint): bigint {
  const one = 1n << BigInt(normalCdf.resultBits)
  const magnitude = evaluateFolded(normalCdf, x) ?? one - normalCdfMargin
  const value = x < 0n ? one - magnitude : magnitude
  return (value - normalCdfMargin) >> BigInt(normalCdf.resultBits - FRACTION_BITS)
}

/**
 * Standard normal density, rounded down. Twin of `circuits/math/NormalPdfDown.circom`.
 *
 * @param x - X28, any sign; beyond 6.75 the density is taken as 0
 * @returns X32, at most the density and more than that less 1.3 units
 */
export function normalPdfDown(x: bigint): bigint {
  const density = evaluateFolded(normalPdf, x) ?? 0n
  return density >> BigInt(normalPdf.resultBits - FRACTION_BITS)
}

/** A table at |x|, undefined beyond it. A negative number is looked up as |x| - 1 with a carry, as the circuit does. */
function evaluateFolded(table: PolynomialTable, x: bigint): bigint | undefined {
  const folded = x < 0n ? -x - 1n : x
  if (folded >> BigInt(argumentBits(table)) !== 0n) return undefined
  return evaluatePiecewise(table, folded, x < 0n ? 1n : 0n)
}
