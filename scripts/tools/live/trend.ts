/** A straight line through measurements in time, and how far its slope can be trusted. */

export type Trend = {
  readonly mean: number
  /** A unit of time. */
  readonly slope: number
  /** Standard error of the slope, of measurements each of which resembles those before it. */
  readonly error: number
}

export type Measured = { readonly at: number; readonly value: number }

/** Measurements that resemble each other lie within such a share of all. */
const LAG_SHARE = 0.1

/**
 * Least squares; the error is that of Newey and West (Econometrica 55, 1987): residuals of a process's memory go up and down together,
 * and the usual error would make too little of it.
 *
 * @param measured - evenly spaced, three at least
 */
export function trendOf(measured: readonly Measured[]): Trend {
  const count = measured.length
  const mean = meanOf(measured.map(({ value }) => value))
  const middle = meanOf(measured.map(({ at }) => at))
  const spread = measured.reduce((sum, { at }) => sum + (at - middle) ** 2, 0)
  const slope = measured.reduce((sum, { at, value }) => sum + (at - middle) * (value - mean), 0) / spread
  const scores = measured.map(({ at, value }) => (at - middle) * (value - mean - slope * (at - middle)))
  const lags = Math.floor(LAG_SHARE * count)
  const products = (lag: number): number =>
    scores.slice(lag).reduce((sum, score, i) => sum + score * (scores[i] ?? 0), 0)
  const weighted = Array.from({ length: lags }, (_, i) => 2 * (1 - (i + 1) / (lags + 1)) * products(i + 1))
  const variance = weighted.reduce((sum, each) => sum + each, products(0)) / spread ** 2
  // Two things were fitted.
  return { mean, slope, error: Math.sqrt((Math.max(variance, 0) * count) / Math.max(count - 2, 1)) }
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
