import type { VolatilityModel } from '../volatility/model.ts'
import { modelNames, volatilityModels } from '../volatility/models.ts'
import { withStartingWords } from './defaultPolicy.ts'
import type { Observation, Policy } from './marketRisk.ts'
import type { ReplaySeries } from './replay.ts'
import { replay } from './replay.ts'
import type { ModelScore, PeriodScore } from './score.ts'
import { scoreOf } from './score.ts'

/** One model's replay of one history and what it was worth. */
export type JudgedModel = {
  readonly model: VolatilityModel
  readonly series: ReplaySeries
  readonly score: ModelScore
}

/**
 * A volatility that never moves: what the learned multiplier does alone. A benchmark, not a model to choose.
 *
 * 60 %, but the multiplier takes up whatever level it has.
 */
const constantVolatility: VolatilityModel = {
  name: 'constant',
  title: 'constant volatility, learned multiplier only',
  parameters: [{ name: 'volatility', value: '60 %', reason: 'any level is the same to a multiplier that learns' }],
  constraints: 0,
  readsRange: false,
  variances: ['constant'],
  underPolicy: () => ({ step: (state) => state, usedX38: ([varianceX36]) => varianceX36 << 2n }),
}

/** Replays one history under every model of the table, and under the constant; the constant first. */
export function compareModels(rows: readonly Observation[], policy: Policy): readonly JudgedModel[] {
  const models = [constantVolatility, ...modelNames.map((name) => volatilityModels[name])]
  return models.map((model) => {
    const series = replay(rows, withStartingWords(model, policy), { model })
    return { model, series, score: scoreOf(series) }
  })
}

/** What a model must reach to become the default, and whether it does. */
export type Aim = {
  /** Its score on both sides of the whole, less EWMA's, as a share of EWMA's. */
  readonly scoreDown: number
  readonly scoreUp: number
  /** Furthest that any side of any year with at least {@link JUDGED_PREDICTIONS} is from α. */
  readonly worstCoverage: number
  /** Shortfall in the worst horizons less EWMA's. */
  readonly shortfallDown: number
  readonly shortfallUp: number
}

/** In shorter stretches one breach more or fewer is a large share. */
const JUDGED_PREDICTIONS = 4000

/** A model against EWMA on the same history. */
export function againstEwma({ score }: JudgedModel, ewma: JudgedModel): Aim {
  const [mine, other] = [score.whole, ewma.score.whole]
  const away = ({ down, up }: PeriodScore): number =>
    Math.max(Math.abs(down.breachRate - score.alpha), Math.abs(up.breachRate - score.alpha))
  const judged = score.years.filter(({ predictions }) => predictions >= JUDGED_PREDICTIONS)
  return {
    scoreDown: mine.down.score / other.down.score - 1,
    scoreUp: mine.up.score / other.up.score - 1,
    worstCoverage: Math.max(...(judged.length === 0 ? [score.whole] : judged).map(away)),
    shortfallDown: mine.down.shortfall - other.down.shortfall,
    shortfallUp: mine.up.shortfall - other.up.shortfall,
  }
}

/** The model of the table whose scores of both sides, over all histories, add up to the least share of EWMA's. */
export function bestByScore(assets: readonly (readonly JudgedModel[])[]): VolatilityModel {
  const total = (name: string): number =>
    assets.reduce((sum, judged) => {
      const [mine, ewma] = [judged.find(({ model }) => model.name === name), judged.find(isEwma)]
      if (mine === undefined || ewma === undefined) return sum
      const { scoreDown, scoreUp } = againstEwma(mine, ewma)
      return sum + scoreDown + scoreUp
    }, 0)
  const [best = 'ewma' as const] = modelNames.toSorted((a, b) => total(a) - total(b))
  return volatilityModels[best]
}

export const isEwma = ({ model }: JudgedModel): boolean => model.name === 'ewma'
