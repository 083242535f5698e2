import { describe, expect, it } from 'vitest'
import { longHistoryFolder, readExtract, readLongBars } from '../../prover/market/histories.ts'
import { gatherBars } from '../../prover/market/prices.ts'
import { backtest } from '../../prover/parameters/backtest.ts'
import type { JudgedModel } from '../../prover/parameters/compareModels.ts'
import { againstEwma, bestByScore, compareModels, isEwma } from '../../prover/parameters/compareModels.ts'
import { defaultPolicy } from '../../prover/parameters/defaultPolicy.ts'
import { replay, replayModelled } from '../../prover/parameters/replay.ts'
import { predictionsOf, quantileScore, scoreOf, WORST } from '../../prover/parameters/score.ts'
import { modelNames, volatilityModels } from '../../prover/volatility/models.ts'

const { rows } = readExtract('BTC-USD')

describe('quantile score', () => {
  it('is the move where it held, and what it fell short over α besides where not', () => {
    expect(quantileScore(0.02, 0.01, 0.005)).toBe(0.02)
    expect(quantileScore(0.02, -0.3, 0.005)).toBe(0.02)
    expect(quantileScore(0.02, 0.03, 0.005)).toBeCloseTo(0.02 + 0.01 / 0.005, 12)
  })

  it('has its least mean at the quantile that α asks for', () => {
    const losses = Array.from({ length: 1000 }, (_, i) => i / 1000)
    const mean = (move: number): number => losses.reduce((sum, loss) => sum + quantileScore(move, loss, 0.05), 0)
    const best = losses.reduce((least, move) => (mean(move) < mean(least) ? move : least))
    expect(Math.abs(best - 0.95)).toBeLessThan(0.0015)
  })
})

describe('a replay under EWMA as one of the models', () => {
  const proven = replay(rows, defaultPolicy)
  const modelled = replayModelled(volatilityModels.ewma, rows, defaultPolicy)

  it('publishes what the proven step publishes, bit for bit', () => {
    expect(modelled.points.map(({ parameters }) => parameters)).toEqual(proven.points.map((each) => each.parameters))
    const [last, other] = [modelled.points.at(-1)?.state, proven.points.at(-1)?.state.volatility]
    expect(last?.variancesX36).toEqual([other?.varianceFastX36, other?.varianceSlowX36, 0n, 0n])
    expect(other).toMatchObject(last?.volatility as object)
  })

  it('is scored by its own predictions', () => {
    const { whole, alpha, years } = scoreOf(proven)
    const predictions = predictionsOf(proven)
    expect(predictions).toHaveLength(whole.predictions)
    expect(years.map(({ period }) => period)).toEqual(['2020'])
    const moves = predictions.map(({ moveDown }) => moveDown)
    const short = predictions.map(({ moveDown, realised }) => Math.max(-realised - moveDown, 0))
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
    expect(whole.down.meanMove).toBeCloseTo(sum(moves) / moves.length, 12)
    expect(whole.down.score).toBeCloseTo((sum(moves) + sum(short) / alpha) / moves.length, 12)
    expect(whole.down.breachRate).toBe(short.filter((each) => each > 0).length / moves.length)
    expect(whole.down.breachRate).toBe(backtest(proven).whole.down.breachRate)
    // All that fell short are among the worst
    expect(short.filter((each) => each > 0).length).toBeLessThan(WORST)
    expect(whole.down.shortfall).toBeCloseTo(sum(short) / WORST, 12)
    expect(whole.peakToTrough).toBeGreaterThan(2)
  })
})

describe('models side by side, on closes alone', () => {
  const judged = compareModels(rows, defaultPolicy)

  it('holds the constant and every model of the table to the same horizons', () => {
    expect(judged.map(({ model }) => model.name)).toEqual(['constant', ...modelNames])
    for (const { score } of judged) expect(score.whole.predictions).toBe(rows.length - 1)
    const realised = judged.map(({ series }) => predictionsOf(series).map((each) => each.realised))
    for (const each of realised) expect(each).toEqual(realised[0])
  })

  it('asks for more in the crash than before, under every model but the constant', () => {
    for (const { model, series } of judged) {
      const [before, after] = [series.points[90], series.points[115]].map((p) => p?.parameters.volatilityX24 ?? 0n)
      if (model.name === 'constant') expect(after).toBe(before)
      else expect(after).toBeGreaterThan(before as bigint)
    }
  })

  it('finds the best by score, and EWMA level with itself', () => {
    const ewma = judged.find(isEwma) as JudgedModel
    expect(againstEwma(ewma, ewma)).toMatchObject({ scoreDown: 0, scoreUp: 0, shortfallDown: 0, shortfallUp: 0 })
    const total = ({ score }: JudgedModel): number =>
      score.whole.down.score / ewma.score.whole.down.score + score.whole.up.score / ewma.score.whole.up.score
    const [, ...models] = judged
    const least = models.reduce((best, each) => (total(each) < total(best) ? each : best))
    expect(bestByScore([judged])).toBe(least.model)
  })
})

describe('ranges', () => {
  const wide = rows.map((row) => ({ ...row, lowE8: (row.priceE8 * 99n) / 100n, highE8: (row.priceE8 * 101n) / 100n }))

  it('move the range mixture and no other model', () => {
    for (const name of modelNames) {
      const [with_, without] = [wide, rows].map((each) => replayModelled(volatilityModels[name], each, defaultPolicy))
      const published = (series: typeof with_) => series?.points.map(({ parameters }) => parameters)
      if (name === 'rangeMixture') expect(published(with_)).not.toEqual(published(without))
      else expect(published(with_)).toEqual(published(without))
    }
  })

  it('of a falsely narrow bar hide no move: it says no less than the return alone as a range', () => {
    const narrow = rows.map((row) => ({ ...row, lowE8: row.priceE8, highE8: row.priceE8 }))
    const honest = rows.map((row, i) => {
      const before = rows[i - 1]?.priceE8 ?? row.priceE8
      return before < row.priceE8
        ? { ...row, lowE8: before, highE8: row.priceE8 }
        : { ...row, lowE8: row.priceE8, highE8: before }
    })
    const [a, b] = [narrow, honest].map((each) => replayModelled(volatilityModels.rangeMixture, each, defaultPolicy))
    expect(a?.points).toEqual(b?.points)
  })

  it('are refused where a price is 0', () => {
    const broken = rows.map((row) => ({ ...row, lowE8: 0n, highE8: row.priceE8 }))
    const action = () => replayModelled(volatilityModels.rangeMixture, broken, defaultPolicy)
    expect(action).toThrow(expect.objectContaining({ code: 'parameters.observation-price' }))
  })
})

describe.each(['BTC-USD', 'ETH-USD'] as const)('%s since 2019 or 2020: the proposed default', (market) => {
  const history = readLongBars(market)

  it('keeps coverage, beats EWMA’s score and falls no shorter in the worst hours', (context) => {
    if (history === undefined) return context.skip(`no price histories in ${longHistoryFolder}`)
    const judged = compareModels(history.rows, defaultPolicy)
    const [ewma, mixture] = [judged.find(isEwma), judged.find(({ model }) => model.name === 'rangeMixture')]
    const aim = againstEwma(mixture as JudgedModel, ewma as JudgedModel)
    expect(aim.worstCoverage).toBeLessThanOrEqual(0.0005)
    expect(aim.scoreDown).toBeLessThanOrEqual(-0.04)
    expect(aim.scoreUp).toBeLessThan(0)
    expect(aim.shortfallDown).toBeLessThanOrEqual(0)
    expect(aim.shortfallUp).toBeLessThanOrEqual(0)
    expect(bestByScore([judged]).name).toBe('rangeMixture')
  })

  it('sees the same hours through a day’s gathered bars as through the hours’ own extremes', (context) => {
    if (history === undefined) return context.skip(`no price histories in ${longHistoryFolder}`)
    const days = gatherBars(history.rows, 86_400)
    const highest = (each: readonly { readonly highE8?: bigint }[]): bigint =>
      each.slice(1).reduce((most, { highE8 = 0n }) => (highE8 > most ? highE8 : most), 0n)
    expect(days.length).toBeCloseTo(history.rows.length / 24, -2)
    expect(highest(days)).toBe(highest(history.rows))
  })
})
