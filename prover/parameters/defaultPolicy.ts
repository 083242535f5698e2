import type { VolatilityModel } from '../volatility/model.ts'
import type { Policy } from './marketRisk.ts'
import type { EnginePolicy, MarketRiskPolicy } from './policy.ts'
import { encodeEnginePolicy, encodeMarketPolicy } from './policy.ts'

/**
 * Starting policy of the engine; docs/backtest.md measures it.
 *
 * Over N horizons the breach rate misses α by exactly (q_end − q_start) / (learningRate · N) as long as the multiplier q
 * stays off its bounds. So the learning rate keeps a year (N = 8,760) within 0.1 percentage points of α even if q moves
 * by 4 in it, and the bounds are only a fence around what is learned, not part of the estimate. The half-life is the
 * longest after which breaches no longer come in clusters.
 */
export const defaultEnginePolicy: EnginePolicy = {
  fastHalfLifeHours: 4,
  horizonSeconds: 3600,
  breachProbability: 0.005,
  learningRate: 0.5,
  multiplierFloor: 1,
  multiplierCeiling: 10,
  impliedWeight: 1,
  stressWeight: 0.25,
  scanMultiple: 3,
  loosenPerHour: 0.0025,
  tightenPerHour: 0.02,
  initialMarginBuffer: 0.5,
}

/**
 * Starting policy of BTC and ETH against the dollar.
 *
 * Returns are winsorised where one hour alone would lift the volatility to about 380 %: beyond it margins would follow
 * one price and not the market, and coverage does not improve.
 */
export const defaultMarketPolicy: MarketRiskPolicy = {
  maxReturn: 0.1,
  volatilityFloor: 0.2,
  volatilityCeiling: 8,
  stressVolatility: 1.2,
  liquidationCost: 0.005,
  maintenanceMarginFloor: 0.01,
  maintenanceMarginCeiling: 0.5,
  liquidationBonus: 0.05,
  scanRangeFloor: 0.05,
  scanRangeCeiling: 1.5,
}

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
