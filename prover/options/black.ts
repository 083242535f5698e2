/**
 * Black-76 on integers: the twin of `circuits/options/ScenarioPrice.circom` and `StrikeGreeks.circom`.
 *
 * A call is F·N(d1) - K·N(d2), and hardly moves with d1: both distribution functions are read on a grid of 2^-13, and what
 * the grid leaves over is repaired to second order. With a and b the grid points of d1 and d2, V = a - b the total
 * volatility on that grid, v = V + r and d2 = b + δ:
 *
 *     call = F·N(a) - K·N(b) + F·φ(a)·(r - ½·a·r² + ½·V·δ²) + O(2^-39)·F·φ
 *
 * Nothing is truncated before the end, and nothing at the end: results are raw, at the scales named below.
 */
import {
  GRID_BITS,
  GRID_CDF_BITS,
  GRID_PDF_BITS,
  GRID_PDF_COARSE_BITS,
  GRID_PDF_FINE_BITS,
  gridNormal,
  isOnGrid,
  lnDown,
} from '../math/index.ts'

/** Fraction bits of calls, of N(d1) and of K·N(d2). */
export const CALL_BITS = GRID_CDF_BITS
/** Fraction bits of φ(d1). */
export const PDF_BITS = 133
/** Fraction bits of 1/v where the Greeks need it. */
const FINE_RECIPROCAL_BITS = 24
/** Fraction bits of φ(d1)/v. */
export const GAMMA_BITS = PDF_BITS + FINE_RECIPROCAL_BITS
/** Fraction bits of φ(d1)·v. */
export const THETA_BITS = PDF_BITS + 40

/** Total volatilities saturate below 16, from where on a call is worth its forward but for 10^-13 of it. */
export const TOTAL_VOLATILITY_BITS = 44
/** Below 2^-17 the reciprocal stays: strikes within 8·2^-17 of the forward lose accuracy, no other. */
const RECIPROCAL_FLOOR_X40 = 1n << 23n
/** Where d1 leaves the tables it is taken as 8. */
const OUTERMOST_CELL = 1n << 16n

/** How finely the logarithm of F/K and the reciprocal of v enter d1. */
export type Precision = {
  readonly logarithmBits: number
  readonly reciprocalBits: number
  /** Of v, dropped before it is inverted. */
  readonly droppedBits: number
}

/** Of the mark, from which Greeks are taken. */
export const MARK: Precision = { logarithmBits: 32, reciprocalBits: FINE_RECIPROCAL_BITS, droppedBits: 4 }
/** Of scenarios at the unshocked volatility, whose reciprocal the mark has found. */
export const UNSHOCKED_VOLATILITY: Precision = { ...MARK, logarithmBits: 26 }
/** Of all other scenarios. */
export const SHOCKED_VOLATILITY: Precision = { logarithmBits: 26, reciprocalBits: 22, droppedBits: 12 }

/** 1/v, rounded down; the numerator lacks a unit so that 2^17 is not reached. */
export function reciprocalDown(volatilityX40: bigint, { reciprocalBits, droppedBits }: Precision): bigint {
  const floored = volatilityX40 < RECIPROCAL_FLOOR_X40 ? RECIPROCAL_FLOOR_X40 : volatilityX40
  return ((1n << BigInt(40 - droppedBits + reciprocalBits)) - 1n) / (floored >> BigInt(droppedBits))
}

/** One price on the grid, with all that Greeks take from it. */
export type GridPrice = {
  /** E8 × 2^CALL_BITS; may lie below 0 by its error. */
  readonly call: bigint
  readonly isNegative: boolean
  readonly inTable: boolean
  /** |d1| = (cell + ½)·2^-13 + remainder. */
  readonly cell: bigint
  readonly remainder: bigint
  readonly remainderBits: number
  /** N of d1's grid point. */
  readonly cdf: bigint
}

/**
 * A call's raw price.
 *
 * @param forwardE8 - at most 52 bits
 * @param logarithm - ln(F/K) at `precision.logarithmBits`
 * @param volatilityX40 - total volatility σ√τ, below 16
 */
export function gridPrice(
  forwardE8: bigint,
  strikeE8: bigint,
  logarithm: bigint,
  volatilityX40: bigint,
  precision: Precision,
): GridPrice {
  const scale = precision.logarithmBits + precision.reciprocalBits
  const d1 = logarithm * reciprocalDown(volatilityX40, precision) + (volatilityX40 << BigInt(scale - 41))
  const isNegative = d1 < 0n
  const folded = isNegative ? -d1 - 1n : d1
  const remainderBits = scale - GRID_BITS
  const cell = folded >> BigInt(remainderBits)
  const remainder = folded - (cell << BigInt(remainderBits))
  // Without volatility the sign of d1 alone decides: the payoff.
  const inTable = isOnGrid(cell) && volatilityX40 !== 0n

  const { onGrid, restX40 } = splitVolatility(volatilityX40)
  const first = foldBack(inTable ? cell : OUTERMOST_CELL, isNegative)
  const second = first - onGrid
  const cdf = cdfOf(first, inTable)
  const secondCell = second < 0n ? -second - 1n : second
  const lower = cdfOf(second, isOnGrid(secondCell))

  let repair = 0n
  if (inTable) {
    const offsetX33 = centred(remainder, remainderBits, 20)
    const restX33 = restX40 >> 7n
    const deltaX33 = (isNegative ? -offsetX33 : offsetX33) - restX33
    const secondOrderX82 = 4n * onGrid * deltaX33 ** 2n - 2n * (2n * first + 1n) * restX33 ** 2n
    repair = gridNormal.pdf(cell) * restX40 + gridNormal.pdfCoarse(cell) * secondOrderX82
  }
  const call = forwardE8 * (cdf + repair) - strikeE8 * lower
  return { call, isNegative, inTable, cell, remainder, remainderBits, cdf }
}

/** Raw Greeks of the mark. */
export type RawGreeks = {
  readonly nd1: bigint
  readonly pdf: bigint
  readonly gammaN: bigint
  readonly thetaN: bigint
  readonly kNd2: bigint
}

/** Greeks of a price at {@link MARK}: N(d1) to second order and φ(d1) to first order of what the grid leaves over. */
export function gridGreeks(price: GridPrice, forwardE8: bigint, volatilityX40: bigint): RawGreeks {
  const { call, isNegative, inTable, cell, remainder, remainderBits, cdf } = price
  if (!inTable) return { nd1: cdf, pdf: 0n, gammaN: 0n, thetaN: 0n, kNd2: forwardE8 * cdf - call }

  const offsetX33 = centred(remainder, remainderBits, 20)
  const offsetX40 = centred(remainder, remainderBits, 27)
  const firstOrderX47 = (2n * cell + 1n) * offsetX33
  const secondOrderX80 = firstOrderX47 * offsetX33
  const step = gridNormal.pdf(cell) * offsetX40 - 2n * gridNormal.pdfCoarse(cell) * secondOrderX80
  const nd1 = cdf + (isNegative ? -step : step)
  const pdf = (gridNormal.pdfFine(cell) << BigInt(PDF_BITS - GRID_PDF_FINE_BITS)) - gridNormal.pdf(cell) * firstOrderX47
  return {
    nd1,
    pdf,
    gammaN: pdf * reciprocalDown(volatilityX40, MARK),
    thetaN: pdf * volatilityX40,
    kNd2: forwardE8 * nd1 - call,
  }
}

/** v = onGrid·2^-13 + rest, the rest at most half a cell in size. */
export function splitVolatility(volatilityX40: bigint): { readonly onGrid: bigint; readonly restX40: bigint } {
  const onGrid = (volatilityX40 + (1n << 26n)) >> 27n
  return { onGrid, restX40: volatilityX40 - (onGrid << 27n) }
}

/** The upper `bits` of a remainder, measured from the middle of the cell. */
function centred(remainder: bigint, remainderBits: number, bits: number): bigint {
  return (remainder >> BigInt(remainderBits - bits)) - (1n << BigInt(bits - 1))
}

/** A cell and a sign as one number n, whose grid point is (n + ½)·2^-13. */
function foldBack(cell: bigint, isNegative: boolean): bigint {
  return isNegative ? -cell - 1n : cell
}

function cdfOf(point: bigint, inTable: boolean): bigint {
  const one = 1n << BigInt(GRID_CDF_BITS)
  const magnitude = inTable ? gridNormal.cdf(point < 0n ? -point - 1n : point) : one
  return point < 0n ? one - magnitude : magnitude
}

/**
 * Raw price of a call from forward, strike and total volatility, as the mark of a risk array has it.
 *
 * @returns E8 × 2^CALL_BITS
 */
export function priceCall(forwardE8: bigint, strikeE8: bigint, volatilityX40: bigint): bigint {
  return markPrice(forwardE8, strikeE8, volatilityX40).call
}

/** Raw Greeks of a call, as the mark of a risk array has them. */
export function greeks(forwardE8: bigint, strikeE8: bigint, volatilityX40: bigint): RawGreeks {
  return gridGreeks(markPrice(forwardE8, strikeE8, volatilityX40), forwardE8, volatilityX40)
}

function markPrice(forwardE8: bigint, strikeE8: bigint, volatilityX40: bigint): GridPrice {
  const drop = 36n - BigInt(MARK.logarithmBits)
  const logarithm = (lnDown(forwardE8, 36) >> drop) - (lnDown(strikeE8, 36) >> drop)
  const largest = (1n << BigInt(TOTAL_VOLATILITY_BITS)) - 1n
  return gridPrice(forwardE8, strikeE8, logarithm, volatilityX40 < largest ? volatilityX40 : largest, MARK)
}

// The repair is at the prices' scale: φ times what is left of v, and φ coarsely times the second-order terms.
if (GRID_PDF_BITS + 40 !== CALL_BITS || GRID_PDF_COARSE_BITS + 82 !== CALL_BITS || GRID_PDF_BITS + 47 !== PDF_BITS) {
  throw new Error('The tables of the normal distribution do not fit together')
}
