import { argumentBits, evaluatePiecewise, type PolynomialTable } from './piecewisePolynomial.ts'
import {
  gridCdf,
  gridPdf,
  gridPdfCoarse,
  gridPdfFine,
  normalCdf,
  normalCdfMargin,
  normalPdf,
} from './tables.generated.ts'

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

/** Cells of the grid on which options look up the distribution: 2^-13 wide, a point at the middle of each. */
export const GRID_BITS = 13
/** Fraction bits of {@link gridNormal}'s values. */
export const GRID_CDF_BITS = gridCdf.resultBits
export const GRID_PDF_BITS = gridPdf.resultBits
export const GRID_PDF_COARSE_BITS = gridPdfCoarse.resultBits
export const GRID_PDF_FINE_BITS = gridPdfFine.resultBits

/** Cells on [0, 8); beyond, the distribution is taken as flat. */
const GRID_CELLS = 1n << BigInt(argumentBits(gridCdf))

/** Whether cell ≥ 0 lies in the tables. */
export function isOnGrid(cell: bigint): boolean {
  return cell < GRID_CELLS
}

/** The distribution function and its density at the middle of cell 0 ≤ `cell` < 2^16, each at its table's scale. */
export const gridNormal = {
  cdf: (cell: bigint): bigint => evaluatePiecewise(gridCdf, cell),
  pdf: (cell: bigint): bigint => evaluatePiecewise(gridPdf, cell),
  pdfCoarse: (cell: bigint): bigint => evaluatePiecewise(gridPdfCoarse, cell),
  pdfFine: (cell: bigint): bigint => evaluatePiecewise(gridPdfFine, cell),
}
