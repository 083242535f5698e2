import { describe, expect, it } from 'vitest'
import { longHistoryFolder, readExtract, readLongHistory } from '../../prover/market/histories.ts'
import { gatherBars } from '../../prover/market/prices.ts'
import { rangeCodeUp } from '../../prover/market/range.ts'
import { backtest } from '../../prover/parameters/backtest.ts'
import type { JudgedModel } from '../../prover/parameters/compareModels.ts'
import { againstEwma, bestByScore, compareModels, isEwma } from '../../prover/parameters/compareModels.ts'
import { defaultPolicy, withStartingWords } from '../../prover/parameters/defaultPolicy.ts'
import { replay } from '../../prover/parameters/replay.ts'
import { predictionsOf, quantileScore, scoreOf, WORST } from '../../prover/parameters/score.ts'
import { type ModelName, modelNames, volatilityModels } from '../../prover/volatility/models.ts'

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

describe('a score', () => {
  it('is of a replay’s own predictions', () => {
    const proven = replay(rows, defaultPolicy)
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

describe('models side by side', () => {
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
  const withRange = (row: (typeof rows)[number], lowE8: bigint, highE8: bigint) => ({
    ...row,
    rangeCode: rangeCodeUp(highE8, lowE8),
  })
  const under = (name: ModelName, history: typeof rows) => {
    const model = volatilityModels[name]
    return replay(history, withStartingWords(model, defaultPolicy), { model })
  }
  const wide = rows.map((row) => withRange(row, (row.priceE8 * 99n) / 100n, (row.priceE8 * 101n) / 100n))

  it('move the range mixture and no other model', () => {
    for (const name of modelNames) {
      const [ranged, plain] = [wide, rows].map((each) => under(name, each).points.map(({ parameters }) => parameters))
      if (name === 'rangeMixture') expect(ranged).not.toEqual(plain)
      else expect(ranged).toEqual(plain)
    }
  })

  it('of a falsely narrow bar hide no move: it says no less than the return alone as a range', () => {
    const narrow = rows.map((row) => withRange(row, row.priceE8, row.priceE8))
    const honest = rows.map((row, i) => {
      const before = rows[i - 1]?.priceE8 ?? row.priceE8
      return before < row.priceE8 ? withRange(row, before, row.priceE8) : withRange(row, row.priceE8, before)
    })
    const [a, b] = [narrow, honest].map((each) =>
      under('rangeMixture', each).points.map(({ state }) => state.volatility),
    )
    const ratios = (a ?? []).map((state, i) => Number(state.variance0X36) / Number(b?.[i]?.variance0X36))
    // A code is at most 1/256 above the range it stands for, so a variance at most 1/127; a narrow bar says its return.
    for (const ratio of ratios) expect(ratio).toBeGreaterThan(1 - 1 / 127)
    for (const ratio of ratios) expect(ratio).toBeLessThan(1.0001)
  })
})

describe.each(['BTC-USD', 'ETH-USD'] as const)('%s since 2019 or 2020: the proposed default', (market) => {
  const history = readLongHistory(market)

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
