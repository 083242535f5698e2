import type { VolatilityModel } from '../volatility/model.ts'
import type { Policy } from './marketRisk.ts'
import { defaultEnginePolicy, defaultMarketPolicy, encodeEnginePolicy, encodeMarketPolicy } from './policy.ts'

/** Confidence multiplier of a market that has learned nothing yet. */
export const INITIAL_MULTIPLIER_X18 = 3n << 18n

/** Volatility of a market of which no price has been seen yet: 60 %. */
export const INITIAL_VOLATILITY_X24 = (6n << 24n) / 10n

/** The starting policies as words. */
export const defaultPolicy: Policy = {
  ...encodeEnginePolicy(defaultEnginePolicy),
  market: encodeMarketPolicy(defaultMarketPolicy),
}

/** A policy for a market under a volatility model: words that only this model reads are its defaults. */
export const withStartingWords = (model: VolatilityModel, policy: Policy): Policy => ({
  ...policy,
  market: { ...policy.market, ...model.startingWords?.(policy.learning.horizonSeconds) },
})
