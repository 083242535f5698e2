import { max } from '../math/index.ts'
import type { VolatilityModel } from './model.ts'
import { blendUp, decayWeight, periodVarianceUp, winsorisedReturnUp, YEAR_SECONDS } from './variance.ts'

/** Slow half-life = fast half-life × 2^this: one time product serves both weights. */
const SLOW_HALF_LIFE_SHIFT = 4

export type EwmaState = {
  readonly varianceFastX36: bigint
  readonly varianceSlowX36: bigint
  readonly lnPriceX26: bigint
}

/**
 * Exponentially weighted variance on irregular times: v′ = ω·v + (1 − ω)·r²/y with ω = 2^(−Δt/half-life), for a fast
 * and a slow half-life side by side.
 *
 * As Δt → 0 the new term tends to r²·ln 2·Year/half-life, so a burst of ticks is as harmless as one. The return is
 * winsorised: an outlier moves the estimate by a bounded amount. Twin of `circuits/volatility/Ewma.circom`.
 *
 * @param lnPriceX26 - log of the new price, rounded down
 * @param elapsedSeconds - Δt ≥ 1
 * @param decayRateX36 - fast half-lives per second
 * @param maxReturnX16 - winsorising bound of |r|
 * @returns the next state; the absolute return, the period's variance and both averages are rounded up
 */
export function ewmaStep(
  state: EwmaState,
  lnPriceX26: bigint,
  elapsedSeconds: bigint,
  decayRateX36: bigint,
  maxReturnX16: bigint,
): EwmaState {
  const returnX26 = winsorisedReturnUp(lnPriceX26, state.lnPriceX26, maxReturnX16)
  const periodX36 = periodVarianceUp(returnX26 ** 2n * YEAR_SECONDS, elapsedSeconds)
  const slowWeight = decayWeight(elapsedSeconds, decayRateX36, SLOW_HALF_LIFE_SHIFT)
  return {
    varianceFastX36: blendUp(state.varianceFastX36, periodX36, decayWeight(elapsedSeconds, decayRateX36)),
    varianceSlowX36: blendUp(state.varianceSlowX36, periodX36, slowWeight),
    lnPriceX26,
  }
}

/** The greater of a fast and a slow average of squared returns. */
export const ewma: VolatilityModel = {
  name: 'ewma',
  title: 'EWMA of squared returns, the greater of 4 and 64 h',
  parameters: [
    {
      name: 'slow half-life',
      value: '16 × the fast one',
      reason: 'one product of time serves both weights; the greater of the two keeps margins up after a crash',
    },
  ],
  constraints: 704,
  readsRange: false,
  variances: ['fast', 'slow'],
  underPolicy: ({ decayRateX36, maxReturnX16 }) => ({
    step([varianceFastX36, varianceSlowX36], { lnPriceX26, previousLnPriceX26, elapsedSeconds }) {
      const state = { varianceFastX36, varianceSlowX36, lnPriceX26: previousLnPriceX26 }
      const next = ewmaStep(state, lnPriceX26, elapsedSeconds, decayRateX36, maxReturnX16)
      return [next.varianceFastX36, next.varianceSlowX36, 0n, 0n]
    },
    usedX38: ([varianceFastX36, varianceSlowX36]) => max(varianceFastX36, varianceSlowX36) << 2n,
  }),
}
