import { max, min } from '../math/index.ts'
import type { PriceMove, Variances, VolatilityModel } from './model.ts'
import { blendUp, decayWeight, logDifferenceUp, periodVarianceUp, YEAR_SECONDS } from './variance.ts'

/**
 * Half-lives as powers of two of the policy's fast one: 0.5, 4, 16 and 128 h for 4 h. One product of time serves all four
 * weights.
 */
export const MIXTURE_SHIFTS = [-3, 0, 2, 5] as const

/** A range of r has the variance r²/(4 ln 2) (Parkinson): seconds a year over 4 ln 2, rounded up by less than 10^-7. */
export const PARKINSON_YEAR_SECONDS = 11_374_208n

/** 2·√(ln 2) in X10, rounded up: the range that says as much as a return of 1, so one bound winsorises both. */
export const RANGE_OF_RETURN_X10 = 1706n

/**
 * Range mixture: the mean of four exponentially weighted averages of Parkinson's range variance, on irregular times.
 *
 * The range runs from the lowest to the highest price since the last observation, and is never less than the return, so
 * that a jump between the observation before and the attested prices counts. Where no range was attested the squared
 * return is what the period says. Twin of `circuits/volatility/RangeMixture.circom`.
 *
 * @param decayRateX36 - fast half-lives per second
 * @param maxReturnX16 - winsorising bound of a return; a range is cut at 2·√(ln 2) times it
 * @returns the four averages, rounded up
 * @see M. Parkinson, The Extreme Value Method for Estimating the Variance of the Rate of Return, J. Business 53, 1980
 * @see F. Corsi, A Simple Approximate Long-Memory Model of Realized Volatility, J. Financial Econometrics 7, 2009
 */
export function rangeMixtureStep(
  state: Variances,
  move: PriceMove,
  decayRateX36: bigint,
  maxReturnX16: bigint,
): Variances {
  const { elapsedSeconds } = move
  const periodX36 = periodVarianceUp(annualisedSquareUp(move, maxReturnX16), elapsedSeconds)
  const average = (i: 0 | 1 | 2 | 3): bigint =>
    blendUp(state[i], periodX36, decayWeight(elapsedSeconds, decayRateX36, MIXTURE_SHIFTS[i]))
  return [average(0), average(1), average(2), average(3)]
}

/** Squared range over 4 ln 2, or squared return where there is no range, times seconds a year; X52, below 2^77. */
function annualisedSquareUp({ rangeX26, lnPriceX26, previousLnPriceX26 }: PriceMove, maxReturnX16: bigint): bigint {
  const widerX26 = max(rangeX26, logDifferenceUp(lnPriceX26, previousLnPriceX26))
  return rangeX26 === 0n
    ? min(widerX26, maxReturnX16 << 10n) ** 2n * YEAR_SECONDS
    : min(widerX26, maxReturnX16 * RANGE_OF_RETURN_X10) ** 2n * PARKINSON_YEAR_SECONDS
}

/** The mean of four averages of range variance, from half an hour to five days. */
export const rangeMixture: VolatilityModel = {
  name: 'rangeMixture',
  title: 'mean of EWMAs of range variance, 0.5, 4, 16 and 128 h',
  parameters: [
    {
      name: 'half-lives',
      value: '1/8, 1, 4 and 32 × the fast one',
      reason: 'shifts of one product of time; the best score among those that fall no shorter than EWMA in crashes',
    },
    {
      name: 'cut of a range',
      value: '2·√(ln 2) × maxReturn',
      reason: 'the range that says as much as the return at which returns are cut',
    },
  ],
  constraints: 1162,
  variances: ['0.5 h', '4 h', '16 h', '128 h'],
  underPolicy: ({ decayRateX36, maxReturnX16 }) => ({
    step: (state, move) => rangeMixtureStep(state, move, decayRateX36, maxReturnX16),
    usedX38: ([a, b, c, d]) => a + b + c + d,
  }),
}
