import { divUp, max, min } from '../math/index.ts'
import { busyStretchX6 } from './busyTime.ts'
import type { PriceMove, Variances, VolatilityModel } from './model.ts'
import { blendUp, decayWeight, logDifferenceUp, periodVarianceUp, YEAR_SECONDS } from './variance.ts'

/**
 * Half-lives as powers of two of the policy's fast one: 0.5, 8 and 256 h for 4 h. One product of time serves all three
 * weights.
 */
export const MIXTURE_SHIFTS = [-3, 1, 6] as const

/** Busy seconds are X6. */
const BUSY_BITS = 6

/** A range of r has the variance r²/(4 ln 2) (Parkinson): seconds a year over 4 ln 2, rounded up by less than 10^-7. */
export const PARKINSON_YEAR_SECONDS = 11_374_208n

/** 2·√(ln 2) in X10, rounded up: the range that says as much as a return of 1, so one bound winsorises both. */
export const RANGE_OF_RETURN_X10 = 1706n

/**
 * Range mixture: the mean of three exponentially weighted averages of Parkinson's range variance, on irregular times, which
 * pass faster in the hours of the week that usually move more.
 *
 * The range runs from the lowest to the highest price since the last observation, and is never less than the return, so
 * that a jump between the observation before and the attested prices counts. Where no range was attested the squared
 * return is what the period says. Twin of `circuits/volatility/RangeMixture.circom`.
 *
 * @param decayRateX36 - fast half-lives per second
 * @param maxReturnX16 - winsorising bound of a return; a range is cut at 2·√(ln 2) times it
 * @returns the three averages, rounded up
 * @see M. Parkinson, The Extreme Value Method for Estimating the Variance of the Rate of Return, J. Business 53, 1980
 * @see F. Corsi, A Simple Approximate Long-Memory Model of Realized Volatility, J. Financial Econometrics 7, 2009
 * @see M. Dacorogna et al., A Geographical Model for the Daily and Weekly Seasonal Volatility, J. Int. Money Finance 12, 1993
 * @example
 * const move = { previousAsOf: 0n, previousLnPriceX26: 0n, lnPriceX26: 1n << 20n, rangeX26: 1n << 21n, elapsedSeconds: 3600n }
 * const [fast] = rangeMixtureStep([1n << 36n, 1n << 36n, 0n, 0n], move, defaultPolicy.learning.decayRateX36, 1n << 16n)
 * fast > 0n // → true
 */
export function rangeMixtureStep(
  state: Variances,
  move: PriceMove,
  decayRateX36: bigint,
  maxReturnX16: bigint,
): Variances {
  const elapsedX6 = busyStretchX6(move.previousAsOf, move.elapsedSeconds)
  const periodX36 = periodVarianceUp(annualisedSquareUp(move, maxReturnX16), elapsedX6, BUSY_BITS)
  const average = (i: 0 | 1 | 2): bigint =>
    blendUp(state[i], periodX36, decayWeight(elapsedX6, decayRateX36, BUSY_BITS + MIXTURE_SHIFTS[i]))
  return [average(0), average(1), average(2), 0n]
}

/**
 * Mean of the three, times how busy the horizon that starts usually is against the mean hour; X38, 49 bits, rounded up.
 *
 * @param horizonSeconds - at least 1
 */
export function rangeMixtureUsedUp([a, b, c]: Variances, asOf: bigint, horizonSeconds: bigint): bigint {
  const aheadX6 = busyStretchX6(asOf, horizonSeconds)
  // A third of the sum in quarters of a unit, over 2^6.
  return divUp((a + b + c) * aheadX6, 48n * horizonSeconds)
}

/** Squared range over 4 ln 2, or squared return where there is no range, times seconds a year; X52, below 2^77. */
function annualisedSquareUp({ rangeX26, lnPriceX26, previousLnPriceX26 }: PriceMove, maxReturnX16: bigint): bigint {
  const widerX26 = max(rangeX26, logDifferenceUp(lnPriceX26, previousLnPriceX26))
  return rangeX26 === 0n
    ? min(widerX26, maxReturnX16 << 10n) ** 2n * YEAR_SECONDS
    : min(widerX26, maxReturnX16 * RANGE_OF_RETURN_X10) ** 2n * PARKINSON_YEAR_SECONDS
}

/** The mean of three averages of range variance, from half an hour to ten days, in busy time. */
export const rangeMixture: VolatilityModel = {
  name: 'rangeMixture',
  title: 'mean of EWMAs of range variance, 0.5, 8 and 256 h, in busy time',
  parameters: [
    {
      name: 'half-lives',
      value: '1/8, 2 and 64 × the fast one',
      reason: 'shifts of one product of time; the best score among those that fall no shorter than EWMA in crashes',
    },
    {
      name: 'cut of a range',
      value: '2·√(ln 2) × maxReturn',
      reason: 'the range that says as much as the return at which returns are cut',
    },
    {
      name: 'busy hours',
      value: 'weight of each hour of the day, on weekdays and at weekends, 0.5 to 1.75',
      reason: 'measured on BTC and ETH before 2022; a busy hour after a quiet one is seen coming',
    },
  ],
  constraints: 1080,
  readsRange: true,
  variances: ['short', 'middle', 'long'],
  underPolicy: ({ decayRateX36, maxReturnX16, horizonSeconds }) => ({
    step: (state, move) => rangeMixtureStep(state, move, decayRateX36, maxReturnX16),
    usedX38: (state, asOf) => rangeMixtureUsedUp(state, asOf, horizonSeconds),
  }),
}
