import { ProverError } from '../errors.ts'
import type { VolatilityModel } from '../volatility/model.ts'
import type { Verdict } from './confidence.ts'
import { INITIAL_MULTIPLIER_X18, INITIAL_VOLATILITY_X24 } from './defaultPolicy.ts'
import type {
  MarketState,
  MarketUpdate,
  ModelledState,
  Observation,
  Parameters,
  Policy,
  RangedObservation,
} from './marketRisk.ts'
import { initialModelled, initialState, updateMarket, updateModelled } from './marketRisk.ts'

export type ReplayOptions = {
  /** Publish after this many observations even if no prediction is due; by default only when one is (hourly). */
  readonly every?: number | undefined
  /** Annualised volatility believed before the first observation, X24. */
  readonly initialVolatilityX24?: bigint | undefined
}

/** One publication: what a batch of observations made of the market. */
export type ReplayPoint<State = MarketState> = {
  readonly asOf: bigint
  readonly priceE8: bigint
  /** Observations since the last publication; n ≥ 1. */
  readonly observations: number
  readonly state: State
  readonly parameters: Parameters
  /** Of the running prediction at the batch's last observation, the only one at which it can be due. */
  readonly verdict: Verdict
}

/** Parameters of one market through time. */
export type ReplaySeries<State = MarketState> = {
  readonly policy: Policy
  /** The first observation: where the state starts, before anything is published. */
  readonly start: Observation
  readonly initial: State
  /** Oldest first; n ≥ 1. */
  readonly points: readonly ReplayPoint<State>[]
}

/**
 * Replays a price history through the twin: the same batches, states and parameters that proofs would have published.
 *
 * A batch ends at the first observation at which the running prediction is due, as the live circuit's does, or after
 * `every` observations, or with the history.
 *
 * @param rows - oldest first, times strictly increasing; n ≥ 2
 * @throws {@link HistoryTooShortError} if there are fewer than two observations
 */
export function replay(rows: readonly Observation[], policy: Policy, options: ReplayOptions = {}): ReplaySeries {
  return replayBy(rows, policy, options, {
    initial: (start, volatilityX24) => initialState(start, volatilityX24, INITIAL_MULTIPLIER_X18, policy),
    update: (state, batch) => updateMarket(state, batch, policy),
  })
}

/** {@link replay} under any volatility model; under EWMA the parameters are the same. */
export function replayModelled(
  model: VolatilityModel,
  rows: readonly RangedObservation[],
  policy: Policy,
  options: ReplayOptions = {},
): ReplaySeries<ModelledState> {
  return replayBy(rows, policy, options, {
    initial: (start, volatilityX24) => initialModelled(model, start, volatilityX24, INITIAL_MULTIPLIER_X18, policy),
    update: (state, batch) => updateModelled(model, state, batch, policy),
  })
}

type Engine<Row, State> = {
  readonly initial: (start: Row, volatilityX24: bigint) => State
  readonly update: (state: State, batch: readonly Row[]) => MarketUpdate<State>
}

function replayBy<Row extends Observation, State extends Pick<MarketState, 'anchor'>>(
  rows: readonly Row[],
  policy: Policy,
  options: ReplayOptions,
  engine: Engine<Row, State>,
): ReplaySeries<State> {
  const [start, ...rest] = rows
  if (start === undefined || rest.length === 0) throw new HistoryTooShortError(rows.length)
  const { every = Number.POSITIVE_INFINITY, initialVolatilityX24 = INITIAL_VOLATILITY_X24 } = options
  const initial = engine.initial(start, initialVolatilityX24)

  const points: ReplayPoint<State>[] = []
  let state = initial
  let batch: Row[] = []
  for (const [index, observation] of rest.entries()) {
    batch.push(observation)
    const isDue = observation.asOf >= state.anchor.anchorAsOf + policy.learning.horizonSeconds
    if (!(isDue || batch.length >= every || index === rest.length - 1)) continue

    const update = engine.update(state, batch)
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
  return { policy, start, initial, points }
}

/** Every publication with the state of the market before it, oldest first. */
export function* transitions<State>(
  series: ReplaySeries<State>,
): Generator<{ readonly before: State; readonly point: ReplayPoint<State> }> {
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
