import { ProverError } from '../errors.ts'
import type { LikelihoodRatio, TrafficLight } from './coverage.ts'
import { christoffersen, conditionalCoverage, kupiec, trafficLight } from './coverage.ts'
import { realValues } from './real.ts'
import type { ReplaySeries } from './replay.ts'
import { transitions } from './replay.ts'

/**
 * What the horizon moves and margins of a replay were worth, in plain numbers: were the promised breaches kept, what
 * would a fixed parameter have had to be to protect as well, how far and how fast did margins move?
 */
export type Backtest = {
  /** Share of horizons that a move promises to be exceeded in, on either side. */
  readonly alpha: number
  readonly horizonSeconds: number
  readonly from: bigint
  readonly to: bigint
  readonly publications: number
  /** By the calendar year (UTC) in which a prediction was made. */
  readonly years: readonly Coverage[]
  readonly whole: Coverage
  readonly moveDown: Distribution
  readonly moveUp: Distribution
  /** The larger of both sides, which margins and the scan range rest on. */
  readonly move: Distribution
  readonly multiplierDown: Distribution
  readonly multiplierUp: Distribution
  readonly initialMargin: Distribution
  readonly maintenanceMargin: Distribution
  readonly steps: Steps
  /** The constant move whose worst year, on its worse side, is no worse than that of the learned moves. */
  readonly fixedMove: FixedParameter
  /** The constant move that keeps every year's breaches at α or fewer, on both sides. */
  readonly fixedMoveWithinAlpha: FixedParameter
  /** The constant maintenance margin that losses exceed no more often, in its worst year, than the one in force. */
  readonly fixedMaintenanceMargin: FixedParameter
}

export type Coverage = {
  /** `2020`, or `2019–2024` of the whole. */
  readonly period: string
  readonly predictions: number
  readonly down: SideCoverage
  readonly up: SideCoverage
}

export type SideCoverage = {
  readonly breaches: number
  readonly breachRate: number
  readonly kupiec: LikelihoodRatio
  readonly independence: LikelihoodRatio
  readonly conditionalCoverage: LikelihoodRatio
  readonly trafficLight: TrafficLight
}

export type Distribution = {
  readonly least: number
  readonly percentile5: number
  readonly median: number
  readonly mean: number
  readonly percentile95: number
  readonly greatest: number
  /** Greatest over least: how far a parameter that is meant to be stable moved. */
  readonly peakToTrough: number
}

/** Largest change from one publication to the next, fraction of notional, and whether the speed limits held. */
export type Steps = {
  readonly initialMarginRise: number
  readonly initialMarginFall: number
  readonly maintenanceMarginRise: number
  readonly maintenanceMarginFall: number
  readonly withinSpeedLimits: boolean
}

/** What a venue with a fixed parameter would have had to ask for, all the time, on both sides. */
export type FixedParameter = {
  readonly value: number
  /** Share of horizons that exceed it, in its worst year and on its worse side. */
  readonly worstYearRate: number
  /** The same of the parameter that moves with the market. */
  readonly learnedWorstYearRate: number
  /** How much lower the learned parameter's median is, as a share of the fixed one. */
  readonly saving: number
}

/** Years with fewer predictions say nothing about the worst year: at α = 0.5 % ten breaches are expected here. */
const PREDICTIONS_OF_A_YEAR = 2000

/**
 * Judges a replay by its own predictions.
 *
 * @throws {@link NoPredictionError} if no prediction came due
 * @example
 * const { coverage } = backtest(replay(readBars('btc.csv'), defaultPolicy))
 */
export function backtest(series: ReplaySeries): Backtest {
  const { alpha, trials, byYear, years, whole } = judgePredictions(series)
  const judged = byYear.filter((ofYear) => ofYear.length >= PREDICTIONS_OF_A_YEAR)
  const samples = judged.length === 0 ? [trials] : judged

  const parameters = series.points.map((point) => realValues(point.parameters))
  const states = series.points.map((point) => realValues(point.state.anchor))
  const moveDown = distributionOf(parameters.map((p) => p.horizonMoveDown))
  const moveUp = distributionOf(parameters.map((p) => p.horizonMoveUp))
  const maintenanceMargin = distributionOf(parameters.map((p) => p.maintenanceMargin))
  const breachRate = worstRate(samples, [(trial) => trial.breachDown, (trial) => trial.breachUp])
  const shortfallRate = worstRate(samples, [
    (trial) => -trial.realised > trial.maintenanceMargin,
    (trial) => trial.realised > trial.maintenanceMargin,
  ])
  const medianMove = (moveDown.median + moveUp.median) / 2
  return {
    alpha,
    horizonSeconds: Number(series.policy.learning.horizonSeconds),
    from: series.start.asOf,
    to: series.points.at(-1)?.asOf ?? series.start.asOf,
    publications: series.points.length,
    years,
    whole,
    moveDown,
    moveUp,
    move: distributionOf(parameters.map((p) => Math.max(p.horizonMoveDown, p.horizonMoveUp))),
    multiplierDown: distributionOf(states.map((s) => s.multiplierDown)),
    multiplierUp: distributionOf(states.map((s) => s.multiplierUp)),
    initialMargin: distributionOf(parameters.map((p) => p.initialMargin)),
    maintenanceMargin,
    steps: stepsOf(series),
    fixedMove: fixedParameter(samples, breachRate, breachRate, medianMove),
    fixedMoveWithinAlpha: fixedParameter(samples, alpha, breachRate, medianMove),
    fixedMaintenanceMargin: fixedParameter(samples, shortfallRate, shortfallRate, maintenanceMargin.median),
  }
}

/**
 * Whether the promised breaches of a replay were kept: the part of {@link backtest} that scores rest on.
 *
 * @throws {@link NoPredictionError} if no prediction came due
 */
export function coverageOfReplay(series: ReplaySeries): Pick<Backtest, 'alpha' | 'years' | 'whole'> {
  const { alpha, years, whole } = judgePredictions(series)
  return { alpha, years, whole }
}

function judgePredictions(series: ReplaySeries) {
  const trials = trialsOf(series)
  if (trials.length === 0) throw new NoPredictionError(series.points.length)
  const { stepUp, stepDown } = realValues(series.policy.learning)
  const alpha = stepDown / (stepUp + stepDown)
  const byYear = [...Map.groupBy(trials, ({ year }) => year).values()]
  const years = byYear.map((ofYear) => coverageOf(ofYear, alpha))
  return { alpha, trials, byYear, years, whole: coverageOf(trials, alpha) }
}

/** A prediction that came due: what was promised, and what the price did. */
type Trial = {
  readonly year: number
  /** Log return from the prediction to its trial. */
  readonly realised: number
  readonly breachDown: boolean
  readonly breachUp: boolean
  /** In force when the prediction was made. */
  readonly maintenanceMargin: number
}

function trialsOf(series: ReplaySeries): readonly Trial[] {
  const due = [...transitions(series)].filter(({ point }) => point.verdict.due)
  return due.map(({ before, point }) => {
    const { anchorLnPrice, anchorAsOf, maintenanceMargin } = realValues(before.anchor)
    return {
      year: new Date(anchorAsOf * 1000).getUTCFullYear(),
      realised: realValues(point.state.volatility).lnPrice - anchorLnPrice,
      breachDown: point.verdict.breachDown,
      breachUp: point.verdict.breachUp,
      maintenanceMargin,
    }
  })
}

function coverageOf(trials: readonly Trial[], alpha: number): Coverage {
  const [first, last] = [trials.at(0)?.year, trials.at(-1)?.year]
  return {
    period: first === last ? `${first}` : `${first}–${last}`,
    predictions: trials.length,
    down: sideCoverage(
      trials.map((trial) => trial.breachDown),
      alpha,
    ),
    up: sideCoverage(
      trials.map((trial) => trial.breachUp),
      alpha,
    ),
  }
}

function sideCoverage(breached: readonly boolean[], alpha: number): SideCoverage {
  const breaches = breached.filter(Boolean).length
  return {
    breaches,
    breachRate: breaches / breached.length,
    kupiec: kupiec(breached.length, breaches, alpha),
    independence: christoffersen(breached),
    conditionalCoverage: conditionalCoverage(breached, alpha),
    trafficLight: trafficLight(breached.length, breaches, alpha),
  }
}

type Samples = readonly (readonly Trial[])[]

function worstRate(samples: Samples, sides: readonly ((trial: Trial) => boolean)[]): number {
  return Math.max(...samples.flatMap((sample) => sides.map((side) => sample.filter(side).length / sample.length)))
}

/** The smallest constant that moves exceed in at most a share `rate` of every sample, on either side. */
function fixedParameter(
  samples: Samples,
  rate: number,
  learnedWorstYearRate: number,
  learnedMedian: number,
): FixedParameter {
  const sides = samples.flatMap((sample) => [
    sample.map(({ realised }) => -realised).toSorted((a, b) => b - a),
    sample.map(({ realised }) => realised).toSorted((a, b) => b - a),
  ])
  // The largest `allowed` moves of a side may exceed the constant, the next one must not. The small surplus undoes the
  // rounding of a rate that is itself a count over the same length.
  const value = Math.max(...sides.map((moves) => moves[Math.floor(rate * moves.length + 1e-9)] ?? 0))
  return {
    value,
    worstYearRate: Math.max(...sides.map((moves) => moves.filter((move) => move > value).length / moves.length)),
    learnedWorstYearRate,
    saving: 1 - learnedMedian / value,
  }
}

function distributionOf(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b)
  const quantile = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN
  return {
    least: quantile(0),
    percentile5: quantile(0.05),
    median: quantile(0.5),
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    percentile95: quantile(0.95),
    greatest: quantile(1),
    peakToTrough: quantile(1) / quantile(0),
  }
}

function stepsOf(series: ReplaySeries): Steps {
  const { loosenPerSecond, tightenPerSecond } = realValues(series.policy.margin)
  const steps = { initialMarginRise: 0, initialMarginFall: 0, maintenanceMarginRise: 0, maintenanceMarginFall: 0 }
  let withinSpeedLimits = true
  for (const { before, point } of transitions(series)) {
    const [old, now] = [realValues(before.anchor), realValues(point.parameters)]
    const elapsed = Number(point.asOf - before.volatility.asOf)
    const initial = now.initialMargin - old.initialMargin
    const maintenance = now.maintenanceMargin - old.maintenanceMargin
    steps.initialMarginRise = Math.max(steps.initialMarginRise, initial)
    steps.initialMarginFall = Math.max(steps.initialMarginFall, -initial)
    steps.maintenanceMarginRise = Math.max(steps.maintenanceMarginRise, maintenance)
    steps.maintenanceMarginFall = Math.max(steps.maintenanceMarginFall, -maintenance)
    withinSpeedLimits &&= Math.min(initial, maintenance) >= -loosenPerSecond * elapsed
    withinSpeedLimits &&= maintenance <= tightenPerSecond * elapsed
  }
  return { ...steps, withinSpeedLimits }
}

/** No prediction came due, so there is nothing to judge. */
export class NoPredictionError extends ProverError {
  readonly code = 'parameters.no-prediction'
  readonly publications: number

  constructor(publications: number) {
    super(
      `Expected a history longer than one horizon, got ${publications} publications and no prediction that came due.`,
    )
    this.publications = publications
  }
}
