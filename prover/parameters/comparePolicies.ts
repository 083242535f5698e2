/** Two policies on one history: what each would have kept, asked for, and had in force in the worst horizons. */
import type { Observation } from './marketRisk.ts'
import { encodePolicy, type StatedPolicy } from './policyFile.ts'
import { realValues } from './real.ts'
import { type ReplayPoint, type ReplaySeries, replay } from './replay.ts'
import { type ModelScore, predictionsOf, scoreOf } from './score.ts'
import { volatilityModels } from '../volatility/models.ts'

/** A policy replayed, and what it was worth. Fractions of notional; moves are log returns. */
export type JudgedPolicy = {
  readonly policy: StatedPolicy
  readonly series: ReplaySeries
  readonly score: ModelScore
  readonly initialMargin: Spread
  readonly maintenanceMargin: Spread
}

export type Spread = { readonly mean: number; readonly least: number; readonly greatest: number }

/** What stood against a horizon when it began. */
export type InForce = {
  readonly initialMargin: number
  readonly maintenanceMargin: number
  /** Log return that the policy predicted on the side that the price went. */
  readonly move: number
  /** What the loss exceeded the maintenance margin by; 0 where it covered the loss. */
  readonly uncovered: number
}

/** One horizon that moved far, and what each policy had in force when it began. */
export type WorstHorizon = {
  readonly from: number
  readonly seconds: number
  /** Log return. */
  readonly realised: number
  readonly inForce: readonly InForce[]
}

/** Horizons that a comparison tells of, falls and rises together. */
const WORST_HORIZONS = 10

/**
 * Replays one history under each policy.
 *
 * @throws {@link HistoryTooShortError}, {@link NoPredictionError}
 * @example
 * const dear = changePolicy(startingPolicy(), { liquidationCost: 0.02 }, 'dear')
 * const [first, second] = judgePolicies(readBars('btc.csv'), [startingPolicy(), dear]).judged
 * second.maintenanceMargin.mean > first.maintenanceMargin.mean // → true
 */
export function judgePolicies(
  rows: readonly Observation[],
  policies: readonly StatedPolicy[],
): { readonly judged: readonly JudgedPolicy[]; readonly worst: readonly WorstHorizon[] } {
  const judged = policies.map((policy): JudgedPolicy => {
    const series = replay(rows, encodePolicy(policy), { model: volatilityModels[policy.volatilityModel] })
    const margins = series.points.map(({ parameters }) => realValues(parameters))
    return {
      policy,
      series,
      score: scoreOf(series),
      initialMargin: spreadOf(margins.map(({ initialMargin }) => initialMargin)),
      maintenanceMargin: spreadOf(margins.map(({ maintenanceMargin }) => maintenanceMargin)),
    }
  })
  return { judged, worst: worstHorizons(judged) }
}

/** Horizons are those of the policy whose horizon is the longest, so that the same stretches stand against each. */
function worstHorizons(judged: readonly JudgedPolicy[]): readonly WorstHorizon[] {
  const [longest] = judged.toSorted((a, b) => b.policy.engine.horizonSeconds - a.policy.engine.horizonSeconds)
  if (longest === undefined) return []
  const seconds = longest.policy.engine.horizonSeconds
  const worst = predictionsOf(longest.series)
    .toSorted((a, b) => Math.abs(b.realised) - Math.abs(a.realised))
    .slice(0, WORST_HORIZONS)
  return worst.map(({ madeAt, realised }) => ({
    from: madeAt,
    seconds,
    realised,
    inForce: judged.map(({ series }) => inForceAt(series, madeAt, realised)),
  }))
}

function inForceAt({ points, initial }: ReplaySeries, time: number, realised: number): InForce {
  const point = lastAtOrBefore(points, time)
  const { initialMargin, maintenanceMargin } = realValues((point?.state ?? initial).anchor)
  const { anchorMoveDown, anchorMoveUp } = realValues((point?.state ?? initial).anchor)
  const { horizonMoveDown, horizonMoveUp } =
    point === undefined
      ? { horizonMoveDown: anchorMoveDown, horizonMoveUp: anchorMoveUp }
      : realValues(point.parameters)
  const loss = Math.abs(Math.expm1(realised))
  return {
    initialMargin,
    maintenanceMargin,
    move: realised < 0 ? horizonMoveDown : horizonMoveUp,
    uncovered: Math.max(0, loss - maintenanceMargin),
  }
}

function lastAtOrBefore(points: readonly ReplayPoint[], time: number): ReplayPoint | undefined {
  let [low, high] = [0, points.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (Number(points[middle]?.asOf) <= time) low = middle + 1
    else high = middle
  }
  return points[low - 1]
}

function spreadOf(values: readonly number[]): Spread {
  const [least, greatest, sum] = values.reduce(
    ([low, high, total], value) => [Math.min(low, value), Math.max(high, value), total + value] as const,
    [Number.POSITIVE_INFINITY, 0, 0] as readonly [number, number, number],
  )
  return { mean: sum / values.length, least, greatest }
}
