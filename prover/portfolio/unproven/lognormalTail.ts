/**
 * Tail of a lognormal price: value at risk, expected shortfall, and the risk factors of a linear contract that follow from
 * them. The rule of Vega, whose perpetuals and futures are margined by it.
 *
 * Everything is X40. A result is exact to 2^-36/λ of itself, λ the tail's probability: the tables know N to 2^-39.
 */
import { ProverError } from '../../errors.ts'
import {
  divUp,
  expFineDown,
  GRID_BITS,
  GRID_CDF_BITS,
  GRID_PDF_BITS,
  gridNormal,
  isOnGrid,
  sqrtDown,
} from '../../math/index.ts'
import { YEAR_SECONDS } from '../../volatility/variance.ts'

/** ln of the price is normal with this mean and standard deviation; `tailX40` is λ, the probability that is looked at. */
export type LognormalTail = {
  readonly meanX40: bigint
  readonly deviationX40: bigint
  readonly tailX40: bigint
}

const ONE_X40 = 1n << 40n
const CELL_BITS = 40 - GRID_BITS
const CDF_BITS = 60
/** Normal deviates looked at; the tables end at ±8. */
const FARTHEST_X40 = 8n << 40n
const LARGEST_TAIL_X40 = ONE_X40 >> 1n
const SLACK_BITS = 4n

/**
 * The price that is undercut with probability λ, per unit of price.
 *
 * @example
 * lowerQuantile({ meanX40: 0n, deviationX40: 1n << 36n, tailX40: 1n << 39n }) // → 1n << 40n
 */
export function lowerQuantile({ meanX40, deviationX40, tailX40 }: LognormalTail): bigint {
  return expFineDown(meanX40 + ((deviationX40 * normalQuantile(tailX40)) >> 40n))
}

/**
 * The price that is exceeded with probability λ.
 *
 * @example
 * const tail = { meanX40: 0n, deviationX40: 1n << 36n, tailX40: 1n << 34n }
 * upperQuantile(tail) > lowerQuantile(tail) // → true
 */
export function upperQuantile({ meanX40, deviationX40, tailX40 }: LognormalTail): bigint {
  return expFineDown(meanX40 - ((deviationX40 * normalQuantile(tailX40)) >> 40n))
}

/**
 * Mean price of the worst λ for a buyer: e^(μ + σ²/2)·N(z − σ)/λ, N(z) = λ.
 *
 * @example
 * const tail = { meanX40: 0n, deviationX40: 1n << 36n, tailX40: 1n << 34n }
 * lowerTailMean(tail) < lowerQuantile(tail) // → true
 */
export function lowerTailMean(tail: LognormalTail): bigint {
  return tailMean(tail, normalQuantile(tail.tailX40) - tail.deviationX40)
}

/**
 * Mean price of the worst λ for a seller: e^(μ + σ²/2)·N(z + σ)/λ.
 *
 * @example
 * const tail = { meanX40: 0n, deviationX40: 1n << 36n, tailX40: 1n << 34n }
 * upperTailMean(tail) > upperQuantile(tail) // → true
 */
export function upperTailMean(tail: LognormalTail): bigint {
  return tailMean(tail, normalQuantile(tail.tailX40) + tail.deviationX40)
}

/** What a unit of notional loses on average in the worst λ of horizons, rounded up by the result's own error. */
export type RiskFactors = { readonly longX40: bigint; readonly shortX40: bigint }

/**
 * Risk factors of a linear contract from a lognormal price without drift.
 *
 * @param volatilityX40 - annualised
 * @param horizonSeconds - time to close the position
 * @param tailX40 - λ
 * @example
 * const { longX40, shortX40 } = riskFactorsUp(1n << 40n, 86_400n, 1n << 34n)
 * shortX40 > longX40 // → true
 */
export function riskFactorsUp(volatilityX40: bigint, horizonSeconds: bigint, tailX40: bigint): RiskFactors {
  const varianceX80 = (volatilityX40 ** 2n * horizonSeconds) / YEAR_SECONDS
  const tail = { meanX40: -(varianceX80 >> 41n), deviationX40: sqrtDown(varianceX80), tailX40 }
  const slack = divUp(ONE_X40 << SLACK_BITS, tailX40)
  return { longX40: ONE_X40 - lowerTailMean(tail) + slack, shortX40: upperTailMean(tail) - ONE_X40 + slack }
}

function tailMean({ meanX40, deviationX40, tailX40 }: LognormalTail, deviateX40: bigint): bigint {
  const scaleX40 = expFineDown(meanX40 + ((deviationX40 ** 2n) >> 41n))
  return (scaleX40 * normalCdf(deviateX40)) / (tailX40 << BigInt(CDF_BITS - 40))
}

/** The deviate that a normal variable undercuts with probability λ, to 2^-40 in what the tables hold. */
function normalQuantile(tailX40: bigint): bigint {
  if (tailX40 < 1n || tailX40 > LARGEST_TAIL_X40) throw new TailOutOfRangeError(tailX40)
  let [low, high] = [-FARTHEST_X40, 0n]
  while (high - low > 1n) {
    const middle = (low + high) >> 1n
    if (normalCdf(middle) < tailX40 << BigInt(CDF_BITS - 40)) low = middle
    else high = middle
  }
  return high
}

/** N(x), X60, from the grid's point nearest to x and two terms of the series around it. */
function normalCdf(xX40: bigint): bigint {
  if (xX40 < 0n) return (1n << BigInt(CDF_BITS)) - normalCdf(-xX40)
  const cell = xX40 >> BigInt(CELL_BITS)
  if (!isOnGrid(cell)) return 1n << BigInt(CDF_BITS)

  const pointX40 = (cell << BigInt(CELL_BITS)) + (1n << BigInt(CELL_BITS - 1))
  const offsetX40 = xX40 - pointX40
  const seriesX40 = offsetX40 - ((pointX40 * offsetX40 ** 2n) >> 81n)
  const repair = (gridNormal.pdf(cell) * seriesX40) << BigInt(GRID_CDF_BITS - GRID_PDF_BITS - 40)
  return (gridNormal.cdf(cell) + repair) >> BigInt(GRID_CDF_BITS - CDF_BITS)
}

/** A tail's probability must leave a tail. */
export class TailOutOfRangeError extends ProverError {
  readonly code = 'portfolio.tail-out-of-range'
  readonly tailX40: bigint

  constructor(tailX40: bigint) {
    super(`Expected a tail probability from 2^-40 to one half, got ${tailX40} × 2^-40. Usual is 1 %.`)
    this.tailX40 = tailX40
  }
}
