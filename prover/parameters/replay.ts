import { ProverError } from '../errors.ts'
import type { VolatilityModel } from '../volatility/model.ts'
import { defaultModel } from '../volatility/models.ts'
import type { Verdict } from './confidence.ts'
import { INITIAL_MULTIPLIER_X18, INITIAL_VOLATILITY_X24 } from './defaultPolicy.ts'
import type { MarketState, Observation, Parameters, Policy } from './marketRisk.ts'
import { initialState, updateMarket } from './marketRisk.ts'

export type ReplayOptions = {
  /** Publish after this many observations even if no prediction is due; by default only when one is (hourly). */
  readonly every?: number | undefined
  /** The default one unless another is named. */
  readonly model?: VolatilityModel | undefined
  /** Annualised volatility believed before the first observation, X24. */
  readonly initialVolatilityX24?: bigint | undefined
}

/** One publication: what a batch of observations made of the market. */
export type ReplayPoint = {
  readonly asOf: bigint
  readonly priceE8: bigint
  /** Observations since the last publication; n ≥ 1. */
  readonly observations: number
  readonly state: MarketState
  readonly parameters: Parameters
  /** Of the running prediction at the batch's last observation, the only one at which it can be due. */
  readonly verdict: Verdict
}

/** Parameters of one market through time. */
export type ReplaySeries = {
  readonly policy: Policy
  /** What the model's variances are, in order. */
  readonly variances: readonly string[]
  /** The first observation: where the state starts, before anything is published. */
  readonly start: Observation
  readonly initial: MarketState
  /** Oldest first; n ≥ 1. */
  readonly points: readonly ReplayPoint[]
}

/**
 * Replays a price history through the twin: the same batches, states and parameters that proofs would have published.
 *
 * A batch ends at the first observation at which the running prediction is due, as the live circuit's does, or after
 * `every` observations, or with the history.
 *
 * @param rows - oldest first, times strictly increasing; n ≥ 2
 * @throws {@link HistoryTooShortError} if there are fewer than two observations
 * @example
 * const { points } = replay(readBars('btc.csv'), defaultPolicy)
 * points.at(-1).parameters.initialMarginX24 // → 5_781_593n
 */
export function replay(rows: readonly Observation[], policy: Policy, options: ReplayOptions = {}): ReplaySeries {
  const [start, ...rest] = rows
  if (start === undefined || rest.length === 0) throw new HistoryTooShortError(rows.length)
  const {
    every = Number.POSITIVE_INFINITY,
    model = defaultModel,
    initialVolatilityX24 = INITIAL_VOLATILITY_X24,
  } = options
  const initial = initialState(model, start, initialVolatilityX24, INITIAL_MULTIPLIER_X18, policy)

  const points: ReplayPoint[] = []
  let state = initial
  let batch: Observation[] = []
  for (const [index, observation] of rest.entries()) {
    batch.push(observation)
    const isDue = observation.asOf >= state.anchor.anchorAsOf + policy.learning.horizonSeconds
    if (!(isDue || batch.length >= every || index === rest.length - 1)) continue

    const update = updateMarket(model, state, batch, policy)
    const verdict = update.verdicts.at(-1) ?? { due: false, breachDown: false, breachUp: false }
    points.push({
      asOf: observation.asOf,
      priceE8: observation.priceE8,
      observations: batch.length,
      state: update.state,
      parameters: update.parameters,
      verdict,
    })
    state = update.state
    batch = []
  }
  return { policy, variances: model.variances, start, initial, points }
}

/** Every publication with the state of the market before it, oldest first. */
export function* transitions(
  series: ReplaySeries,
): Generator<{ readonly before: MarketState; readonly point: ReplayPoint }> {
  let before = series.initial
  for (const point of series.points) {
    yield { before, point }
    before = point.state
  }
}

/** A history needs an observation to start from and one to publish. */
export class HistoryTooShortError extends ProverError {
  readonly code = 'parameters.history-too-short'
  readonly count: number

  constructor(count: number) {
    super(`Expected at least two observations, one to start from and one to publish, got ${count}.`)
    this.count = count
  }
}
