import type { Coverage } from './backtest.ts'
import { coverageOfReplay } from './backtest.ts'
import { realValues } from './real.ts'
import type { ReplaySeries } from './replay.ts'
import { transitions } from './replay.ts'

/**
 * What a model's horizon moves were worth, so that models can be compared: floating point, nothing here is proven.
 *
 * The score is the quantile (pinball) score, m + max(−r − m, 0)/α of a predicted move m and the return r that followed:
 * the price of margin and of what it fell short, in one number. Its mean is least for the quantile that α asks for.
 *
 * @see R. Koenker, G. Bassett, Regression Quantiles, Econometrica 46, 1978
 */
export type SideScore = {
  readonly score: number
  readonly breachRate: number
  readonly meanMove: number
  readonly medianMove: number
  /** Mean of what the move fell short in the worst horizons, {@link WORST} at most; the same horizons for every model. */
  readonly shortfall: number
}

export type PeriodScore = {
  /** `2020`, or `2019–2024` of the whole. */
  readonly period: string
  readonly predictions: number
  readonly down: SideScore
  readonly up: SideScore
  /** Greatest over least predicted move, of the larger side. */
  readonly peakToTrough: number
}

export type ModelScore = {
  readonly alpha: number
  readonly years: readonly PeriodScore[]
  readonly whole: PeriodScore
}

/** A prediction that came due: when it was made, what it promised, and the log return that followed. */
export type Prediction = {
  readonly madeAt: number
  readonly moveDown: number
  readonly moveUp: number
  readonly realised: number
}

/** Horizons that a shortfall is the mean of. */
export const WORST = 50

/**
 * Scores a replay by calendar year (UTC, of the prediction) and as a whole.
 *
 * @throws {@link NoPredictionError} if no prediction came due
 * @example
 * const { whole } = scoreOf(replay(readBars('btc.csv'), defaultPolicy, { model: volatilityModel('garch') }))
 * whole.predictions // → 215
 */
export function scoreOf(series: ReplaySeries): ModelScore {
  const { alpha, years, whole } = coverageOfReplay(series)
  const predictions = predictionsOf(series)
  const byYear = Map.groupBy(predictions, ({ madeAt }) => `${new Date(madeAt * 1000).getUTCFullYear()}`)
  return {
    alpha,
    years: years.map((year) => periodScore(year, byYear.get(year.period) ?? [], alpha)),
    whole: periodScore(whole, predictions, alpha),
  }
}

/** Every prediction that came due, oldest first. */
export function predictionsOf(series: ReplaySeries): readonly Prediction[] {
  const due = [...transitions(series)].filter(({ point }) => point.verdict.due)
  return due.map(({ before, point }) => {
    const { anchorLnPrice, anchorAsOf, anchorMoveDown, anchorMoveUp } = realValues(before.anchor)
    const { lnPriceX26 } = point.state.volatility
    const realised = realValues({ lnPriceX26 }).lnPrice - anchorLnPrice
    return { madeAt: anchorAsOf, moveDown: anchorMoveDown, moveUp: anchorMoveUp, realised }
  })
}

/** Quantile score of one prediction on one side; `loss` is the return against that side. */
export function quantileScore(move: number, loss: number, alpha: number): number {
  return move + Math.max(loss - move, 0) / alpha
}

function periodScore({ period, down, up }: Coverage, predictions: readonly Prediction[], alpha: number): PeriodScore {
  const greater = predictions.map(({ moveDown, moveUp }) => Math.max(moveDown, moveUp))
  const [least, greatest] = greater.reduce(([low, high], move) => [Math.min(low, move), Math.max(high, move)], [
    Number.POSITIVE_INFINITY,
    0,
  ] as [number, number])
  const falls = predictions.map(({ moveDown, realised }) => ({ move: moveDown, loss: -realised }))
  const rises = predictions.map(({ moveUp, realised }) => ({ move: moveUp, loss: realised }))
  return {
    period,
    predictions: predictions.length,
    down: sideScore(falls, down.breachRate, alpha),
    up: sideScore(rises, up.breachRate, alpha),
    peakToTrough: greatest / least,
  }
}

type Trial = { readonly move: number; readonly loss: number }

function sideScore(trials: readonly Trial[], breachRate: number, alpha: number): SideScore {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const moves = trials.map(({ move }) => move)
  const worst = trials.toSorted((a, b) => b.loss - a.loss).slice(0, WORST)
  return {
    score: mean(trials.map(({ move, loss }) => quantileScore(move, loss, alpha))),
    breachRate,
    meanMove: mean(moves),
    medianMove: moves.toSorted((a, b) => a - b)[moves.length >> 1] ?? Number.NaN,
    shortfall: mean(worst.map(({ move, loss }) => Math.max(loss - move, 0))),
  }
}
