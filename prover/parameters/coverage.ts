/**
 * Tests of coverage: were as many predictions breached as promised, and did breaches come independently of each other?
 *
 * Floating point; nothing here is proven. It judges what the proven numbers were worth.
 */

/** A likelihood-ratio test: `statistic` is χ² distributed if the hypothesis holds, and at least as large with `pValue`. */
export type LikelihoodRatio = { readonly statistic: number; readonly pValue: number }

/**
 * Proportion-of-failures test: is the share of breaches α?
 *
 * @param predictions - number of trials, n ≥ 1
 * @param breaches - at most `predictions`
 * @param alpha - promised share, in (0, 1)
 * @see P. Kupiec, Techniques for Verifying the Accuracy of Risk Measurement Models, J. Derivatives 3(2), 1995
 * @example kupiec(1000, 10, 0.005).statistic // 3.888
 */
export function kupiec(predictions: number, breaches: number, alpha: number): LikelihoodRatio {
  const observed = logLikelihood(predictions - breaches, breaches, breaches / predictions)
  return likelihoodRatio(logLikelihood(predictions - breaches, breaches, alpha), observed, 1)
}

/**
 * Independence test: is a breach as likely after a breach as after a quiet horizon?
 *
 * @param breaches - of consecutive predictions, oldest first
 * @see P. Christoffersen, Evaluating Interval Forecasts, International Economic Review 39(4), 1998
 */
export function christoffersen(breaches: readonly boolean[]): LikelihoodRatio {
  const count = (before: boolean, after: boolean): number =>
    breaches.reduce((sum, now, i) => sum + (i > 0 && breaches[i - 1] === before && now === after ? 1 : 0), 0)
  const [quietQuiet, quietBreach] = [count(false, false), count(false, true)]
  const [breachQuiet, breachBreach] = [count(true, false), count(true, true)]
  const share = (quiet: number, breach: number): number => (breach === 0 ? 0 : breach / (quiet + breach))
  const [quiet, breach] = [quietQuiet + breachQuiet, quietBreach + breachBreach]
  return likelihoodRatio(
    logLikelihood(quiet, breach, share(quiet, breach)),
    logLikelihood(quietQuiet, quietBreach, share(quietQuiet, quietBreach)) +
      logLikelihood(breachQuiet, breachBreach, share(breachQuiet, breachBreach)),
    1,
  )
}

/** Conditional coverage: both hypotheses at once; the statistics of {@link kupiec} and {@link christoffersen} add up. */
export function conditionalCoverage(breaches: readonly boolean[], alpha: number): LikelihoodRatio {
  const unconditional = kupiec(breaches.length, breaches.filter(Boolean).length, alpha)
  const statistic = unconditional.statistic + christoffersen(breaches).statistic
  return { statistic, pValue: chiSquareTail(statistic, 2) }
}

export type TrafficLight = 'green' | 'yellow' | 'red'

/**
 * Supervisors' traffic light: yellow when so many breaches or fewer had a probability of 95 % and more under the
 * promised share, red from 99.99 % on. It warns of too many breaches, never of too few, so none at all are green.
 *
 * @see Basel Committee, Supervisory Framework for the Use of "Backtesting", 1996 (its table: 250 predictions at 1 %)
 */
export function trafficLight(predictions: number, breaches: number, alpha: number): TrafficLight {
  if (breaches === 0) return 'green'
  const cumulative = binomialUpTo(breaches, predictions, alpha)
  if (cumulative >= 0.9999) return 'red'
  return cumulative >= 0.95 ? 'yellow' : 'green'
}

/** Probability of at most `successes` in `trials`; summed from logarithms so that long histories do not underflow. */
function binomialUpTo(successes: number, trials: number, probability: number): number {
  let logTerm = trials * Math.log1p(-probability)
  let sum = Math.exp(logTerm)
  for (let k = 1; k <= successes; k++) {
    logTerm += Math.log(((trials - k + 1) / k) * (probability / (1 - probability)))
    sum += Math.exp(logTerm)
  }
  return Math.min(sum, 1)
}

function logLikelihood(quiet: number, breaches: number, probability: number): number {
  // 0·ln 0 = 0: what never happened says nothing
  const term = (count: number, p: number): number => (count === 0 ? 0 : count * Math.log(p))
  return term(quiet, 1 - probability) + term(breaches, probability)
}

function likelihoodRatio(hypothesis: number, observed: number, degreesOfFreedom: 1 | 2): LikelihoodRatio {
  const statistic = Math.max(0, 2 * (observed - hypothesis))
  return { statistic, pValue: chiSquareTail(statistic, degreesOfFreedom) }
}

/**
 * Probability that a χ² variable exceeds `statistic`: erfc(√(x/2)) with one degree of freedom, e^(−x/2) with two.
 */
export function chiSquareTail(statistic: number, degreesOfFreedom: 1 | 2): number {
  return degreesOfFreedom === 2 ? Math.exp(-statistic / 2) : erfc(Math.sqrt(statistic / 2))
}

/**
 * Complementary error function of x ≥ 0, relative error below 1e-12: Maclaurin series of erf up to 2, from there the
 * continued fraction.
 *
 * @see Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.6 and 7.1.14
 */
export function erfc(x: number): number {
  const scale = Math.exp(-x * x) / Math.sqrt(Math.PI)
  if (x < 2) {
    let term = 2 * x
    let sum = term
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * x * x) / (2 * n + 1)
      sum += term
    }
    return 1 - scale * sum
  }
  // 80 terms, evaluated from the innermost: at x = 2 the remainder is below 1e-16
  let tail = x
  for (let n = 80; n >= 1; n--) tail = x + n / 2 / tail
  return scale / tail
}
