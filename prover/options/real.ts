/**
 * Options in floating point: the reference that judges the exact integers of this stage, and what people and plots read.
 *
 * Prices and Greeks are undiscounted, on the expiry's own forward (Black 1976). Times are year fractions, Actual/365
 * Fixed; volatilities and rates are plain fractions.
 */

/** What Black-76 needs to know of one option. */
export type OptionTerms = {
  /** Quote per base. */
  readonly forward: number
  readonly strike: number
  /** Years. */
  readonly timeToExpiry: number
  /** Annualised, 0.65 = 65 %. */
  readonly impliedVolatility: number
  readonly isCall: boolean
}

/** Sensitivities of one undiscounted option. */
export type Greeks = {
  /** Per unit of the forward. */
  readonly delta: number
  /** Of delta, per unit of the forward. */
  readonly gamma: number
  /** Per unit of volatility (1 = 100 points). */
  readonly vega: number
  /** Per year. */
  readonly theta: number
  /** Per unit of rate (1 = 100 %). */
  readonly rho: number
}

/** Shape of total variance w(k) = a + b·(ρ(k − m) + √((k − m)² + s²)) in log-moneyness k (Gatheral's SVI). */
export type Svi = {
  readonly a: number
  readonly b: number
  readonly rho: number
  readonly m: number
  readonly s: number
}

/** From this total volatility on a call is worth its forward, in the formula that Derive publishes. */
const SATURATED_TOTAL_VOLATILITY = 24

/** Beyond this an argument of {@link normalCdf} takes the continued fraction: the series would lose the tail. */
const TAIL_FROM = 4

const INVERSE_SQRT_TWO_PI = 1 / Math.sqrt(2 * Math.PI)

/** Standard normal density. */
function normalPdf(x: number): number {
  return INVERSE_SQRT_TWO_PI * Math.exp(-0.5 * x * x)
}

/**
 * Standard normal distribution to double precision, its far tails included.
 *
 * @see G. Marsaglia, Evaluating the Normal Distribution, Journal of Statistical Software 11(4) (2004): the series used
 *   near 0; Abramowitz & Stegun 26.2.14: the continued fraction used in the tails
 */
export function normalCdf(x: number): number {
  if (Math.abs(x) >= TAIL_FROM) return x > 0 ? 1 - upperTail(x) : upperTail(-x)
  let sum = x
  let term = x
  for (let n = 3; Math.abs(term) > 1e-18 * Math.abs(sum); n += 2) {
    term *= (x * x) / n
    sum += term
  }
  return 0.5 + sum * normalPdf(x)
}

/** 1 − Φ(x) for x ≥ {@link TAIL_FROM}, where 60 levels of the fraction are exact to a double. */
function upperTail(x: number): number {
  if (x > 39) return 0
  let fraction = x
  for (let n = 60; n > 0; n--) fraction = x + n / fraction
  return normalPdf(x) / fraction
}

/**
 * d1 and d2 of Black-76; infinite where the total volatility is 0. At the money a call then counts as exercised, as circuits
 * have it: its delta is 1, a put's 0.
 */
function distances(forward: number, strike: number, totalVolatility: number): { readonly d1: number; d2: number } {
  const logMoneyness = Math.log(strike / forward)
  if (totalVolatility === 0) {
    const d = logMoneyness <= 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
    return { d1: d, d2: d }
  }
  const d1 = totalVolatility / 2 - logMoneyness / totalVolatility
  return { d1, d2: d1 - totalVolatility }
}

const cdfOf = (d: number): number => (Number.isFinite(d) ? normalCdf(d) : d > 0 ? 1 : 0)

/**
 * Undiscounted value of an option, quote.
 *
 * @param totalVolatility - σ√τ; at 0 the option is worth its payoff
 */
export function blackValue(forward: number, strike: number, totalVolatility: number, isCall: boolean): number {
  const call = callValue(forward, strike, totalVolatility)
  return isCall ? call : call - forward + strike
}

function callValue(forward: number, strike: number, totalVolatility: number): number {
  if (totalVolatility === 0) return Math.max(forward - strike, 0)
  if (totalVolatility >= SATURATED_TOTAL_VOLATILITY) return forward
  const { d1, d2 } = distances(forward, strike, totalVolatility)
  return forward * normalCdf(d1) - strike * normalCdf(d2)
}

/** Undiscounted value of an option from its volatility and time. */
export function optionValue({ forward, strike, timeToExpiry, impliedVolatility, isCall }: OptionTerms): number {
  return blackValue(forward, strike, impliedVolatility * Math.sqrt(timeToExpiry), isCall)
}

/** The five Greeks of MODEL §4: of the undiscounted value, on the forward. */
export function optionGreeks({ forward, strike, timeToExpiry, impliedVolatility, isCall }: OptionTerms): Greeks {
  const root = Math.sqrt(timeToExpiry)
  const totalVolatility = impliedVolatility * root
  const { d1, d2 } = distances(forward, strike, totalVolatility)
  const density = totalVolatility === 0 ? 0 : normalPdf(d1)
  const exercise = cdfOf(d2)
  return {
    delta: isCall ? cdfOf(d1) : cdfOf(d1) - 1,
    gamma: totalVolatility === 0 ? 0 : density / (forward * totalVolatility),
    vega: forward * root * density,
    theta: totalVolatility === 0 ? 0 : (-forward * density * impliedVolatility) / (2 * root),
    rho: strike * timeToExpiry * (isCall ? exercise : exercise - 1),
  }
}

/** Greeks in the units of an exchange's screen. */
export type DeribitGreeks = {
  readonly delta: number
  readonly gamma: number
  /** Per volatility point. */
  readonly vega: number
  /** Per day. */
  readonly theta: number
  /** Per point of rate. */
  readonly rho: number
}

/**
 * Greeks as Deribit publishes them: vega and rho per point, theta per day, scaled down on the last day and never more
 * than the option is worth.
 */
export function deribitGreeks(greeks: Greeks, timeToExpiry: number, value: number): DeribitGreeks {
  const perDay = (Math.abs(greeks.theta) / 365) * Math.min(1, timeToExpiry * 365)
  return {
    delta: greeks.delta,
    gamma: greeks.gamma,
    vega: greeks.vega / 100,
    theta: -Math.min(perDay, Math.max(0, value)),
    rho: greeks.rho / 100,
  }
}

/** Total variance of an SVI slice at log-moneyness `k`, unclamped. */
export function sviTotalVariance({ a, b, rho, m, s }: Svi, k: number): number {
  return a + b * (rho * (k - m) + Math.hypot(k - m, s))
}
