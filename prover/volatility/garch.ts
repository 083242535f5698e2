import { ProverError } from '../errors.ts'
import { EXP2_SCALE } from '../math/index.ts'
import type { ModelInForce, OptionalPolicyWords, VolatilityModel, VolatilityPolicy } from './model.ts'
import { blendUp, decayWeight, periodVarianceUp, winsorisedReturnUp, YEAR_SECONDS } from './variance.ts'

/** GARCH(1,1) on irregular times in human units. */
export type GarchParameters = {
  /** Time in which the weight of a return halves against later returns. */
  readonly reactionHalfLifeHours: number
  /** Time in which the distance from the long-run level halves. */
  readonly reversionHalfLifeHours: number
  /** Annualised. */
  readonly longRunVolatility: number
}

/** The same in the units of a policy's words. */
export type GarchWords = {
  /** Half-lives per second, below 2^25: half-lives from 2,048 s up. */
  readonly reactionRateX36: bigint
  /** The reaction's half-life is 2^this times what the rate says. */
  readonly reactionShift?: number
  readonly reversionRateX36: bigint
  readonly longRunVarianceX36: bigint
}

/** Half-life of the reaction over the policy's fast half-life: 8 h for 4 h. */
const REACTION_SHIFT = 1

/** A GARCH(1,1) on a fixed grid: v′ = ω + α·r²/y + β·v, y the step in years; the variance it tends to is ω/(1 − α − β). */
export type GarchOnGrid = {
  /** Annualised. */
  readonly omega: number
  readonly alpha: number
  readonly beta: number
  readonly stepSeconds: number
}

/**
 * GARCH(1,1) on irregular times: v′ = D·(C·v + (1 − C)·r²/y) + (1 − D)·v_L, C and D halving in time.
 *
 * An exponentially weighted average that then reverts to the long-run level v_L. At Δt = step it is the GARCH(1,1) with
 * β = C·D, α = (1 − C)·D and ω = (1 − D)·v_L, so any α, β > 0 with α + β < 1 is one pair of half-lives. Between, all three
 * weights stay in [0, 1] and add up to 1; as Δt → 0 the return's tends to r²·ln 2·Year/half-life, so a burst of ticks is
 * as harmless as one; as Δt → ∞ the variance is v_L. Twin of `circuits/volatility/Garch.circom`.
 *
 * @param varianceX36 - annualised variance before the step
 * @param elapsedSeconds - Δt ≥ 1
 * @param maxReturnX16 - winsorising bound of |r|
 * @returns annualised variance, every step rounded up; saturates at 2^46 − 1
 * @see T. Bollerslev, Generalized Autoregressive Conditional Heteroskedasticity, J. of Econometrics 31, 1986
 * @see D. Nelson, ARCH Models as Diffusion Approximations, J. of Econometrics 45, 1990
 * @example
 * const words = garchWords({ reactionHalfLifeHours: 8, reversionHalfLifeHours: 16, longRunVolatility: 0.8 })
 * const variance = garchStep(words.longRunVarianceX36, 0n, 1n << 20n, 3600n, words, 1n << 16n)
 * variance > words.longRunVarianceX36 // → true
 */
export function garchStep(
  varianceX36: bigint,
  previousLnPriceX26: bigint,
  lnPriceX26: bigint,
  elapsedSeconds: bigint,
  words: GarchWords,
  maxReturnX16: bigint,
): bigint {
  const returnX26 = winsorisedReturnUp(lnPriceX26, previousLnPriceX26, maxReturnX16)
  const periodX36 = periodVarianceUp(returnX26 ** 2n * YEAR_SECONDS, elapsedSeconds)
  const averageX36 = blendUp(
    varianceX36,
    periodX36,
    decayWeight(elapsedSeconds, words.reactionRateX36, words.reactionShift),
  )
  return blendUp(averageX36, words.longRunVarianceX36, decayWeight(elapsedSeconds, words.reversionRateX36))
}

/**
 * Mean of the variance expected over the horizon: v_L + w·(v − v_L), rounded up; twin of `GarchUsed` in
 * `circuits/volatility/Garch.circom`.
 *
 * @param weight - w of {@link forecastWeight}
 * @example
 * garchForecastUp(4n << 36n, 1n << 36n, 0n) // → 68_719_476_736n
 */
export function garchForecastUp(varianceX36: bigint, longRunVarianceX36: bigint, weight: bigint): bigint {
  return blendUp(varianceX36, longRunVarianceX36, weight)
}

/** Mean of the reversion's weight over the horizon H: (1 − 2^(−H/half-life))/(ln 2·H/half-life), rounded to the nearest. */
export function forecastWeight(horizonSeconds: bigint, reversionRateX36: bigint): bigint {
  const decay = (Math.LN2 * Number(horizonSeconds * reversionRateX36)) / 2 ** 36
  return BigInt(Math.round((decay === 0 ? 1 : -Math.expm1(-decay) / decay) * 2 ** EXP2_SCALE))
}

/**
 * Words of human units.
 *
 * @example
 * garchWords({ reactionHalfLifeHours: 8, reversionHalfLifeHours: 16, longRunVolatility: 0.8 }).reversionRateX36 // → 1_193_046n
 */
export function garchWords(parameters: GarchParameters): GarchWords {
  const perSecond = (hours: number): bigint => BigInt(Math.round(2 ** 36 / (hours * 3600)))
  return {
    reactionRateX36: perSecond(parameters.reactionHalfLifeHours),
    reversionRateX36: perSecond(parameters.reversionHalfLifeHours),
    longRunVarianceX36: BigInt(Math.ceil(parameters.longRunVolatility ** 2 * 2 ** 36)),
  }
}

/**
 * The half-lives and level that equal a GARCH(1,1) on a grid at its step.
 *
 * @throws {@link GarchNotStationaryError} unless α + β < 1
 * @throws {@link GarchWeightError} unless α ≥ 0 and β > 0
 * @example
 * const { longRunVolatility } = garchOfGrid({ omega: 0.01, alpha: 0.08, beta: 0.9, stepSeconds: 3600 })
 * Number(longRunVolatility.toFixed(4)) // → 0.7071
 */
export function garchOfGrid({ omega, alpha, beta, stepSeconds }: GarchOnGrid): GarchParameters {
  if (!(alpha >= 0 && beta > 0)) throw new GarchWeightError(alpha, beta)
  if (!(alpha + beta < 1)) throw new GarchNotStationaryError(alpha, beta)
  const halfLifeHours = (weight: number): number => stepSeconds / -Math.log2(weight) / 3600
  return {
    reactionHalfLifeHours: halfLifeHours(beta / (alpha + beta)),
    reversionHalfLifeHours: halfLifeHours(alpha + beta),
    longRunVolatility: Math.sqrt(omega / (1 - alpha - beta)),
  }
}

/** Reversion is flat in the score from 16 to 24 h; the level is between BTC’s and ETH’s mean of 2019 to 2024. */
export const defaultGarch = { reversionHalfLifeHours: 16, longRunVolatility: 0.8 } as const

/** Words of a market's policy that GARCH reads, from human units and the engine's horizon. */
export const garchPolicyWords = (
  { reversionHalfLifeHours, longRunVolatility }: Pick<GarchParameters, 'reversionHalfLifeHours' | 'longRunVolatility'>,
  horizonSeconds: bigint,
): OptionalPolicyWords => {
  const reversionRateX36 = BigInt(Math.round(2 ** 36 / (reversionHalfLifeHours * 3600)))
  return {
    longRunVolatilityX16: BigInt(Math.ceil(longRunVolatility * 2 ** 16)),
    reversionRateX36,
    forecastWeightX26: forecastWeight(horizonSeconds, reversionRateX36) >> BigInt(EXP2_SCALE - FORECAST_BITS),
  }
}

/** Fraction bits of the forecast's weight in a policy. */
const FORECAST_BITS = 26

/** GARCH(1,1) whose reaction follows the engine's half-life and whose level and reversion are the market's. */
export const garch: VolatilityModel = {
  name: 'garch',
  title: 'GARCH(1,1) on irregular times',
  constraints: 747,
  readsRange: false,
  variances: ['conditional'],
  parameters: [
    {
      name: 'reaction half-life',
      value: '2 × the fast one',
      reason: 'the score is flat from 6 to 12 h; below, margins follow single hours, above, crashes are seen late',
    },
    {
      name: 'reversion half-life',
      value: `${defaultGarch.reversionHalfLifeHours} h`,
      reason: 'the score is flat from 16 to 24 h and worse beyond: excitement passes within days',
    },
    {
      name: 'long-run volatility',
      value: `${100 * defaultGarch.longRunVolatility} %`,
      reason: 'between BTC’s and ETH’s mean of 2019 to 2024; the learned multiplier takes up the rest',
    },
  ],
  underPolicy: (policy) => garchUnderPolicy(policy),
  startingWords: (horizonSeconds) => garchPolicyWords(defaultGarch, horizonSeconds),
}

function garchUnderPolicy(policy: VolatilityPolicy): ModelInForce {
  const words = {
    reactionRateX36: policy.decayRateX36,
    reactionShift: REACTION_SHIFT,
    reversionRateX36: policy.reversionRateX36,
    longRunVarianceX36: (policy.longRunVolatilityX16 ** 2n) << 4n,
  }
  const weight = policy.forecastWeightX26 << BigInt(EXP2_SCALE - FORECAST_BITS)
  return {
    step: ([varianceX36], { previousLnPriceX26, lnPriceX26, elapsedSeconds }) => [
      garchStep(varianceX36, previousLnPriceX26, lnPriceX26, elapsedSeconds, words, policy.maxReturnX16),
      0n,
      0n,
      0n,
    ],
    usedX38: ([varianceX36]) => garchForecastUp(varianceX36, words.longRunVarianceX36, weight) << 2n,
  }
}

/** The weights add up to one or more: the variance has no level to return to. */
export class GarchNotStationaryError extends ProverError {
  readonly code = 'volatility.garch-not-stationary'
  readonly alpha: number
  readonly beta: number

  constructor(alpha: number, beta: number) {
    super(`Expected weights with α + β below 1, got ${alpha} + ${beta}. Choose weights that leave ω a share.`)
    this.alpha = alpha
    this.beta = beta
  }
}

/** A weight has no half-life. */
export class GarchWeightError extends ProverError {
  readonly code = 'volatility.garch-weight'
  readonly alpha: number
  readonly beta: number

  constructor(alpha: number, beta: number) {
    super(`Expected α of at least 0 and β above 0, got ${alpha} and ${beta}.`)
    this.alpha = alpha
    this.beta = beta
  }
}
