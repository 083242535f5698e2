/** Volatility surfaces: SVI slices, their no-arbitrage checks, and a least-squares fit to the marks of one expiry. */
import { ProverError } from '../errors.ts'
import type { Svi } from './real.ts'
import { sviTotalVariance } from './real.ts'

/** One mark of a smile. */
export type SmilePoint = {
  /** ln(strike / forward). */
  readonly logMoneyness: number
  /** Annualised, 0.65 = 65 %. */
  readonly impliedVolatility: number
}

/** An SVI slice fitted to marks, and how well it meets them. */
export type SviFit = {
  readonly svi: Svi
  readonly timeToExpiry: number
  readonly points: number
  /** Root mean square and greatest distance from the marks, in volatility (0.01 = one point). */
  readonly rootMeanSquareError: number
  readonly maxError: number
  /** Least of Durrleman's g over the fitted range; negative is a butterfly arbitrage. */
  readonly leastDensity: number
}

/** Fewer marks cannot determine five parameters. */
export const LEAST_POINTS = 5

/** A slice is examined for butterflies over its marks, and at least this far to either side of the forward. */
const EXAMINED_MONEYNESS = 0.5
const EXAMINED_STEPS = 200

/** Least total variance of a slice over all strikes: a + b·s·√(1 − ρ²). */
export function leastTotalVariance({ a, b, rho, s }: Svi): number {
  return a + b * s * Math.sqrt(Math.max(0, 1 - rho * rho))
}

/**
 * Durrleman's g(k): proportional to the probability density that the slice implies. Negative at some k means that a
 * butterfly spread around that strike has a negative price.
 *
 * @see J. Gatheral, A. Jacquier, Arbitrage-free SVI volatility surfaces, Quantitative Finance 14 (2014), eq. 2.1
 */
export function densityFactor(svi: Svi, k: number): number {
  const { b, rho, m, s } = svi
  const w = sviTotalVariance(svi, k)
  const root = Math.hypot(k - m, s)
  const slope = b * (rho + (k - m) / root)
  const curvature = (b * s * s) / root ** 3
  return (1 - (k * slope) / (2 * w)) ** 2 - (slope * slope * (1 / w + 0.25)) / 4 + curvature / 2
}

/** Least {@link densityFactor} between two log-moneynesses, and where it lies. */
function leastDensity(svi: Svi, from: number, to: number): { readonly at: number; readonly density: number } {
  const grid = Array.from({ length: EXAMINED_STEPS + 1 }, (_, i) => from + ((to - from) * i) / EXAMINED_STEPS)
  return grid
    .map((at) => ({ at, density: densityFactor(svi, at) }))
    .reduce((least, each) => (each.density < least.density ? each : least))
}

/**
 * Refuses a slice that no market could quote.
 *
 * @param leg - what the error calls it, such as `BTC 2026-03-27`
 * @throws {@link SviShapeError} if b < 0, |ρ| ≥ 1 or s ≤ 0
 * @throws {@link SviNegativeVarianceError} if some strike has no positive variance
 */
export function requireSviShape(svi: Svi, leg: string): void {
  const values = Object.values(svi)
  if (!values.every(Number.isFinite)) throw new SviShapeError(leg, svi, 'five finite numbers')
  if (svi.b < 0) throw new SviShapeError(leg, svi, 'b of at least 0')
  if (!(Math.abs(svi.rho) < 1)) throw new SviShapeError(leg, svi, 'rho strictly between -1 and 1')
  if (!(svi.s > 0)) throw new SviShapeError(leg, svi, 's above 0')
  const least = leastTotalVariance(svi)
  if (!(least > 0)) throw new SviNegativeVarianceError(leg, svi, least)
}

/**
 * Refuses a slice whose butterflies cost less than nothing anywhere between two log-moneynesses.
 *
 * @throws {@link SviButterflyError} naming the strike's moneyness
 */
export function requireNoButterfly(svi: Svi, leg: string, from = -EXAMINED_MONEYNESS, to = EXAMINED_MONEYNESS): void {
  const { at, density } = leastDensity(svi, from, to)
  if (density < 0) throw new SviButterflyError(leg, at, density)
}

/**
 * Fits an SVI slice to the marks of one expiry by least squares in volatility, near the forward weighing most.
 *
 * For given m and s the slice is linear in the other three parameters, which are solved for exactly within their bounds
 * (Zeliade's quasi-explicit calibration); a simplex search finds m and s. The fitted slice has positive variance and
 * slopes within Lee's bound |dw/dk| ≤ 2 at every strike.
 *
 * @param points - marks, any order; n ≥ {@link LEAST_POINTS} of different moneyness
 * @throws {@link TooFewMarksError} if there are fewer
 * @see Zeliade Systems, Quasi-explicit calibration of Gatheral's SVI model, white paper (2009)
 * @example
 * const marks = [-0.2, -0.1, 0, 0.1, 0.2].map((logMoneyness) => ({ logMoneyness, impliedVolatility: 0.6 + logMoneyness ** 2 }))
 * const { svi, maxError } = fitSvi(marks, 30 / 365, 'BTC 27 March')
 * maxError < 0.001 // → true
 */
export function fitSvi(points: readonly SmilePoint[], timeToExpiry: number, leg: string): SviFit {
  const strikes = new Set(points.map(({ logMoneyness }) => logMoneyness.toFixed(9)))
  if (strikes.size < LEAST_POINTS) throw new TooFewMarksError(leg, strikes.size)
  const marks = points.map(({ logMoneyness, impliedVolatility }) => ({
    k: logMoneyness,
    w: impliedVolatility ** 2 * timeToExpiry,
    weight: markWeight(logMoneyness, impliedVolatility * Math.sqrt(timeToExpiry)),
  }))
  const scale = Math.sqrt(atTheMoney(marks))
  const starts = [
    [0, Math.log(scale)],
    [scale, Math.log(scale / 2)],
    [-scale, Math.log(2 * scale)],
  ] as const
  const best = starts
    .map((start) => search((m, logS) => solveLinear(marks, m, Math.exp(logS)).error, start, scale))
    .reduce((least, each) => (each.value < least.value ? each : least))
  const { svi } = solveLinear(marks, best.at[0], Math.exp(best.at[1]))
  return measureFit(svi, points, timeToExpiry)
}

function measureFit(svi: Svi, points: readonly SmilePoint[], timeToExpiry: number): SviFit {
  const errors = points.map(
    ({ logMoneyness, impliedVolatility }) =>
      Math.sqrt(sviTotalVariance(svi, logMoneyness) / timeToExpiry) - impliedVolatility,
  )
  const moneyness = points.map(({ logMoneyness }) => logMoneyness)
  const { density } = leastDensity(svi, Math.min(...moneyness), Math.max(...moneyness))
  return {
    svi,
    timeToExpiry,
    points: points.length,
    rootMeanSquareError: Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length),
    maxError: Math.max(...errors.map(Math.abs)),
    leastDensity: density,
  }
}

type Mark = { readonly k: number; readonly w: number; readonly weight: number }

/** Weight in variance that makes errors count in volatility, less and less in wings that nobody trades. */
function markWeight(k: number, totalVolatility: number): number {
  const deviations = k / totalVolatility
  return 1 / (4 * totalVolatility ** 2 * (1 + deviations ** 2 / 4))
}

/** Total variance of the mark nearest the forward. */
function atTheMoney(marks: readonly Mark[]): number {
  return marks.reduce((nearest, mark) => (Math.abs(mark.k) < Math.abs(nearest.k) ? mark : nearest)).w
}

/**
 * Best a, b and ρ for given m and s: w = a + d·y + c·√(y² + 1) with y = (k − m)/s, c = b·s and d = ρ·b·s, subject to
 * |d| < c, c + |d| ≤ 2s (Lee) and a positive variance. The optimum lies inside or on a face; faces are few, so all are tried.
 */
function solveLinear(marks: readonly Mark[], m: number, s: number): { readonly svi: Svi; readonly error: number } {
  const rows = marks.map(({ k, w, weight }) => {
    const y = (k - m) / s
    return { one: 1, y, z: Math.hypot(y, 1), w, weight }
  })
  /** Largest |ρ|: at 1 the variance of one wing would be flat and its least value unattained. */
  const STEEPEST = 0.999
  const limit = 2 * s
  const feasible = ({ a, c, d }: Linear): boolean =>
    c >= 0 &&
    Math.abs(d) <= STEEPEST * c * (1 + 1e-12) &&
    c + Math.abs(d) <= limit * (1 + 1e-12) &&
    a + Math.sqrt(Math.max(0, c * c - d * d)) > 0
  const inside = leastSquares(
    rows,
    (row) => [row.one, row.y, row.z],
    ([a, d, c]) => ({ a, c, d }),
  )
  if (feasible(inside)) return sliceOf(inside, m, s, squaredError(rows, inside))
  const faces: Linear[] = [
    ...[-STEEPEST, STEEPEST].map((rho) =>
      leastSquares(
        rows,
        (row) => [row.one, row.z + rho * row.y],
        ([a, c]) => ({ a, c, d: rho * c }),
      ),
    ),
    ...[-1, 1].map((sign) =>
      leastSquares(
        rows.map((row) => ({ ...row, w: row.w - limit * row.z })),
        (row) => [row.one, row.y - sign * row.z],
        ([a, d]) => ({ a, c: limit - sign * d, d }),
      ),
    ),
    ...[-1, 1].map((sign) => {
      const c = limit / (1 + STEEPEST)
      const d = sign * STEEPEST * c
      return leastSquares(
        rows.map((row) => ({ ...row, w: row.w - c * row.z - d * row.y })),
        (row) => [row.one],
        ([a]) => ({ a, c, d }),
      )
    }),
    leastSquares(
      rows,
      (row) => [row.one],
      ([a]) => ({ a, c: 0, d: 0 }),
    ),
  ]
  const judged = faces.filter(feasible).map((face) => ({ face, error: squaredError(rows, face) }))
  const { face, error } = judged.reduce((least, each) => (each.error < least.error ? each : least))
  return sliceOf(face, m, s, error)
}

function sliceOf(
  { a, c, d }: Linear,
  m: number,
  s: number,
  error: number,
): { readonly svi: Svi; readonly error: number } {
  return { svi: { a, b: c / s, rho: c === 0 ? 0 : d / c, m, s }, error }
}

type Row = { readonly one: number; readonly y: number; readonly z: number; readonly w: number; readonly weight: number }
type Linear = { readonly a: number; readonly c: number; readonly d: number }

function squaredError(rows: readonly Row[], { a, c, d }: Linear): number {
  return rows.reduce((sum, { y, z, w, weight }) => sum + weight * (a + d * y + c * z - w) ** 2, 0)
}

/** Weighted least squares in up to three unknowns, by the normal equations. */
function leastSquares(
  rows: readonly Row[],
  columns: (row: Row) => readonly number[],
  result: (solution: readonly [number, number, number]) => Linear,
): Linear {
  const size = columns(rows[0] as Row).length
  const matrix = Array.from({ length: size }, () => new Array<number>(size + 1).fill(0))
  for (const row of rows) {
    const values = columns(row)
    for (const [i, left] of values.entries()) {
      const line = matrix[i] as number[]
      for (const [j, right] of values.entries()) line[j] = (line[j] ?? 0) + row.weight * left * right
      line[size] = (line[size] ?? 0) + row.weight * left * row.w
    }
  }
  const [x = 0, y = 0, z = 0] = eliminate(matrix)
  return result([x, y, z])
}

/** Gauss–Jordan with pivoting on a matrix whose last column is the right side; a singular direction gets 0. */
function eliminate(matrix: number[][]): readonly number[] {
  const size = matrix.length
  for (let i = 0; i < size; i++) {
    const pivot = matrix
      .slice(i)
      .reduce((best, line, at) => (Math.abs(line[i] ?? 0) > Math.abs(matrix[best]?.[i] ?? 0) ? i + at : best), i)
    const [upper, lower] = [matrix[i] as number[], matrix[pivot] as number[]]
    matrix[i] = lower
    matrix[pivot] = upper
    const head = lower[i] ?? 0
    if (Math.abs(head) < 1e-300) continue
    for (const [at, line] of matrix.entries()) {
      if (at === i) continue
      const factor = (line[i] ?? 0) / head
      for (let j = i; j <= size; j++) line[j] = (line[j] ?? 0) - factor * (lower[j] ?? 0)
    }
  }
  return matrix.map((line, i) => (Math.abs(line[i] ?? 0) < 1e-300 ? 0 : (line[size] ?? 0) / (line[i] as number)))
}

type Vertex = { readonly at: readonly [number, number]; readonly value: number }

/** Nelder and Mead's simplex in two dimensions. */
function search(objective: (x: number, y: number) => number, [x, y]: readonly [number, number], step: number): Vertex {
  // Beyond these s the slice is a straight line or a kink at every strike, and nothing is gained.
  const bounded = (p: readonly [number, number]): readonly [number, number] => [
    Math.max(-3, Math.min(3, p[0])),
    Math.max(-9, Math.min(2, p[1])),
  ]
  const vertex = (p: readonly [number, number]): Vertex => {
    const at = bounded(p)
    return { at, value: objective(at[0], at[1]) }
  }
  const simplex = [vertex([x, y]), vertex([x + step, y]), vertex([x, y + 0.7])]
  for (let i = 0; i < 120; i++) {
    simplex.sort((a, b) => a.value - b.value)
    const [best, middle, worst] = simplex as [Vertex, Vertex, Vertex]
    if (worst.value - best.value <= 1e-13 * best.value) break
    const along = (t: number): readonly [number, number] => [
      (best.at[0] + middle.at[0]) * (0.5 + t / 2) - t * worst.at[0],
      (best.at[1] + middle.at[1]) * (0.5 + t / 2) - t * worst.at[1],
    ]
    const reflected = vertex(along(1))
    if (reflected.value < best.value) {
      const expanded = vertex(along(2))
      simplex[2] = expanded.value < reflected.value ? expanded : reflected
    } else if (reflected.value < middle.value) {
      simplex[2] = reflected
    } else {
      const contracted = vertex(along(reflected.value < worst.value ? 0.5 : -0.5))
      if (contracted.value < Math.min(worst.value, reflected.value)) {
        simplex[2] = contracted
      } else {
        const towards = (v: Vertex): Vertex => vertex([(v.at[0] + best.at[0]) / 2, (v.at[1] + best.at[1]) / 2])
        simplex[1] = towards(middle)
        simplex[2] = towards(worst)
      }
    }
  }
  return simplex.reduce((least, each) => (each.value < least.value ? each : least))
}

/**
 * Volatility of the slice at a strike, by the fit's own time.
 *
 * @example
 * const marks = [-0.2, -0.1, 0, 0.1, 0.2].map((logMoneyness) => ({ logMoneyness, impliedVolatility: 0.6 + logMoneyness ** 2 }))
 * const fit = fitSvi(marks, 30 / 365, 'BTC 27 March')
 * Number(fittedVolatility(fit, 0).toFixed(2)) // → 0.6
 */
export function fittedVolatility({ svi, timeToExpiry }: SviFit, logMoneyness: number): number {
  return Math.sqrt(sviTotalVariance(svi, logMoneyness) / timeToExpiry)
}

/** From this distance to a mark on, or to all marks as a root mean square, in volatility, a fit is poor. */
const POOR_ERROR = 0.05
const POOR_MEAN_ERROR = 0.01
/** Years. In the last day a smile turns into two straight lines with a corner, which no slice of five parameters follows. */
const LAST_DAY = 1 / 365

/** What must be known before a fit is relied on, in words; none of a good one. */
export function fitWarnings({ timeToExpiry, maxError, rootMeanSquareError, leastDensity }: SviFit): readonly string[] {
  return [
    ...(maxError > POOR_ERROR
      ? [`poor fit: ${points(maxError)} points off a mark`]
      : rootMeanSquareError > POOR_MEAN_ERROR
        ? [`poor fit: ${points(rootMeanSquareError)} points off its marks (rms)`]
        : []),
    ...(timeToExpiry < LAST_DAY
      ? [`expires in ${(24 * 365 * timeToExpiry).toFixed(1)} hours, where SVI fits no smile`]
      : []),
    ...(leastDensity < 0 ? ['can be arbitraged with butterflies'] : []),
  ]
}

const points = (error: number): string => (100 * error).toFixed(2)

/** Parameters outside the range in which SVI is a smile at all. */
export class SviShapeError extends ProverError {
  readonly code = 'options.svi-shape'
  readonly leg: string
  readonly svi: Svi

  constructor(leg: string, svi: Svi, expected: string) {
    const got = Object.entries(svi).map(([name, value]) => `${name} ${Number(value.toPrecision(9))}`)
    super(`The SVI surface of ${leg} is no smile: expected ${expected}, got ${got.join(', ')}. Refit it.`)
    this.leg = leg
    this.svi = svi
  }
}

/** The slice has strikes without positive variance. */
export class SviNegativeVarianceError extends ProverError {
  readonly code = 'options.svi-negative-variance'
  readonly leg: string
  readonly svi: Svi
  readonly leastTotalVariance: number

  constructor(leg: string, svi: Svi, least: number) {
    super(
      `The SVI surface of ${leg} falls to a total variance of ${least.toPrecision(4)}: expected a + b·s·√(1 − rho²) above 0. Refit the surface.`,
    )
    this.leg = leg
    this.svi = svi
    this.leastTotalVariance = least
  }
}

/** A butterfly spread on the slice has a negative price. */
export class SviButterflyError extends ProverError {
  readonly code = 'options.svi-butterfly'
  readonly leg: string
  readonly logMoneyness: number
  readonly density: number

  constructor(leg: string, logMoneyness: number, density: number) {
    super(
      `The SVI surface of ${leg} can be arbitraged: at strikes near ${(100 * Math.exp(logMoneyness)).toFixed(1)} % of the forward ` +
        `a butterfly costs less than nothing (density factor ${density.toPrecision(3)}, expected at least 0). Refit it, or allow arbitrage explicitly.`,
    )
    this.leg = leg
    this.logMoneyness = logMoneyness
    this.density = density
  }
}

/** Too few marks to fit a slice. */
export class TooFewMarksError extends ProverError {
  readonly code = 'options.too-few-marks'
  readonly leg: string
  readonly marks: number

  constructor(leg: string, marks: number) {
    super(`${leg} has marks at ${marks} strikes; expected at least ${LEAST_POINTS} to fit a smile.`)
    this.leg = leg
    this.marks = marks
  }
}
