/** What every volatility model is: a state of four variances, one exact step, one variance to use. */
import type { Fields } from '../../circuits/statements/index.ts'

/**
 * State of any model, annualised X36, 46 bits each; those it has no use for stay 0. With the log price (32 bits) and the
 * time (32 bits) four of them fill a word of 248 bits.
 */
export type Variances = readonly [bigint, bigint, bigint, bigint]

/** What an observation says of the time since the one before it. */
export type PriceMove = {
  /** Time of the observation before, 32 bits. */
  readonly previousAsOf: bigint
  readonly previousLnPriceX26: bigint
  /** Rounded down, as all log prices are. */
  readonly lnPriceX26: bigint
  /** ln(high/low) since the observation before, never less than the true one; 0 where only prices were attested. */
  readonly rangeX26: bigint
  /** Δt ≥ 1 */
  readonly elapsedSeconds: bigint
}

/** The words of governance that models read, whichever is in force. */
export type VolatilityPolicy = Pick<Fields<'learningPolicy'>, 'decayRateX36' | 'horizonSeconds'> &
  Pick<Fields<'marketPolicy'>, 'maxReturnX16' | 'longRunVolatilityX16' | 'reversionRateX36' | 'forecastWeightX26'>

/** Words of a market's policy that are zero unless its model reads them. */
export type OptionalPolicyWords = Pick<
  VolatilityPolicy,
  'longRunVolatilityX16' | 'reversionRateX36' | 'forecastWeightX26'
>

/** A model under a policy: exact integers, the twin of its circuit. */
export type ModelInForce = {
  /** State after an observation, rounded up. */
  step(state: Variances, move: PriceMove): Variances
  /**
   * Annualised variance that parameters rest on, X38, at most 49 bits.
   *
   * @param asOf - of the observation after which the state stands
   */
  usedX38(state: Variances, asOf: bigint): bigint
}

/** A parameter of the model's own, as people read it, beside the words of governance that all models share. */
export type ModelParameter = {
  readonly name: string
  readonly value: string
  readonly reason: string
}

/** A row of the table of models. */
export type VolatilityModel = {
  readonly name: string
  readonly title: string
  readonly parameters: readonly ModelParameter[]
  /** Rows of its step in a circuit, per observation; the tests hold them to the compiler's count. */
  readonly constraints: number
  /** Whether it reads the range between high and low of an observation. */
  readonly readsRange: boolean
  /** What its variances are, in order; at most four. */
  readonly variances: readonly string[]
  underPolicy(policy: VolatilityPolicy): ModelInForce
  /** Defaults of the words of a market's policy that this model alone reads. */
  startingWords?(horizonSeconds: bigint): OptionalPolicyWords
}
