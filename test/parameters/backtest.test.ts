import { describe, expect, it } from 'vitest'
import { historyMarkets, longHistoryFolder, readExtract, readLongHistory } from '../../prover/market/histories.ts'
import type { Backtest } from '../../prover/parameters/backtest.ts'
import { backtest, NoPredictionError } from '../../prover/parameters/backtest.ts'
import { defaultPolicy } from '../../prover/parameters/defaultPolicy.ts'
import { againstEwma } from '../../prover/parameters/compareModels.ts'
import { defaultEnginePolicy, encodeEnginePolicy } from '../../prover/parameters/policy.ts'
import { replay } from '../../prover/parameters/replay.ts'
import { scoreOf } from '../../prover/parameters/score.ts'
import type { VolatilityModel } from '../../prover/volatility/model.ts'
import { defaultModel, volatilityModels } from '../../prover/volatility/models.ts'

describe.each(historyMarkets)('%s since 2019 or 2020', (market) => {
  const history = readLongHistory(market)
  const result = history === undefined ? undefined : backtest(replay(history.rows, defaultPolicy))
  const judge = (name: string, test: (result: Backtest) => void) =>
    it(name, (context) => {
      if (result === undefined) return context.skip(`no price histories in ${longHistoryFolder}`)
      return test(result)
    })

  judge('breaches are within 0.05 percentage points of α on either side of every year', ({ alpha, years }) => {
    expect(alpha).toBeCloseTo(0.005, 5)
    expect(years.map(({ period }) => period).at(-1)).toBe('2024')
    for (const { period, down, up } of years) {
      expect(Math.abs(down.breachRate - 0.005), `${period} down`).toBeLessThanOrEqual(0.0005)
      expect(Math.abs(up.breachRate - 0.005), `${period} up`).toBeLessThanOrEqual(0.0005)
    }
  })

  judge('no year fails Kupiec, conditional coverage or the traffic light at 5 %', ({ years, whole }) => {
    for (const { down, up } of [...years, whole]) {
      for (const side of [down, up]) {
        expect(side.kupiec.pValue).toBeGreaterThan(0.05)
        expect(side.conditionalCoverage.pValue).toBeGreaterThan(0.05)
        expect(side.trafficLight).toBe('green')
      }
    }
  })

  judge('the default model is worth at least 4 % more than EWMA, and no worse in the worst hours', () => {
    const rows = history?.rows ?? []
    const judgedOf = (model: VolatilityModel) => {
      const series = replay(rows, defaultPolicy, { model })
      return { model, series, score: scoreOf(series) }
    }
    const aim = againstEwma(judgedOf(defaultModel), judgedOf(volatilityModels.ewma))
    expect(aim.scoreDown).toBeLessThan(-0.04)
    expect(aim.scoreUp).toBeLessThan(-0.04)
    expect(aim.worstCoverage).toBeLessThan(0.0005)
    expect(aim.shortfallDown).toBeLessThanOrEqual(0)
    expect(aim.shortfallUp).toBeLessThanOrEqual(0)
  })

  judge('the learned multipliers stay off their bounds, so that they alone decide', (result) => {
    for (const { least, greatest } of [result.multiplierDown, result.multiplierUp]) {
      expect(least).toBeGreaterThan(1)
      expect(greatest).toBeLessThan(10)
    }
  })

  judge('a fixed move or margin of equal worst-year protection is dearer', ({ fixedMove, fixedMaintenanceMargin }) => {
    expect(fixedMove.worstYearRate).toBeLessThanOrEqual(fixedMove.learnedWorstYearRate)
    expect(fixedMove.saving).toBeGreaterThan(0.3)
    expect(fixedMaintenanceMargin.saving).toBeGreaterThan(0.2)
  })

  judge('margins never move faster than the policy allows', ({ steps }) => {
    expect(steps.withinSpeedLimits).toBe(true)
    expect(steps.maintenanceMarginRise).toBeLessThanOrEqual(0.3001)
  })
})

describe.each(historyMarkets)('%s in March 2020, from the extract', (market) => {
  const { rows } = readExtract(market)
  const series = replay(rows, defaultPolicy)
  const result = backtest(series)

  it('tries one prediction an hour and counts the breaches the twin found', () => {
    expect(result.whole).toMatchObject({ period: '2020', predictions: rows.length - 1 })
    expect(result.whole.down.breaches).toBe(series.points.filter(({ verdict }) => verdict.breachDown).length)
    expect(result.whole.up.breaches).toBe(series.points.filter(({ verdict }) => verdict.breachUp).length)
    expect(result.whole.down.breaches).toBeGreaterThan(0)
  })

  it('breaches follow from what the multipliers learned, step by step', () => {
    const { learning } = defaultPolicy
    const last = series.points.at(-1)?.state.anchor
    const learned = (breaches: number) =>
      series.initial.anchor.multiplierDownX18 +
      BigInt(breaches) * learning.stepUpX18 -
      BigInt(result.whole.predictions - breaches) * learning.stepDownX18
    expect(last?.multiplierDownX18).toBe(learned(result.whole.down.breaches))
    expect(last?.multiplierUpX18).toBe(learned(result.whole.up.breaches))
  })

  it('takes the fixed move from the largest hourly moves there were', () => {
    const prices = rows.map(({ priceE8 }) => Number(priceE8))
    const moves = prices.slice(1).map((price, i) => Math.abs(Math.log(price / (prices[i] ?? price))))
    // α allows one breach in 215 hours, and either side may have it
    expect(Math.min(...moves.map((move) => Math.abs(move - result.fixedMoveWithinAlpha.value)))).toBeLessThan(1e-6)
    const exceeding = moves.filter((move) => move > result.fixedMoveWithinAlpha.value + 1e-6).length
    expect(exceeding).toBeLessThanOrEqual(2)
    expect(result.fixedMoveWithinAlpha.worstYearRate).toBeLessThanOrEqual(0.005)
  })

  it('sees the maintenance margin follow the market within its speed, and the initial margin go further', () => {
    expect(result.steps.withinSpeedLimits).toBe(true)
    expect(result.steps.maintenanceMarginRise).toBeGreaterThan(0.05)
    expect(result.steps.maintenanceMarginRise).toBeLessThan(0.3)
    expect(result.steps.initialMarginRise).toBeGreaterThan(result.steps.maintenanceMarginRise)
    expect(result.maintenanceMargin.peakToTrough).toBeGreaterThan(2)
    expect(result.maintenanceMargin.greatest).toBeLessThanOrEqual(0.5)
  })

  it('sees it ramp where the policy is slower than the market', () => {
    const slow = { ...defaultPolicy, ...encodeEnginePolicy({ ...defaultEnginePolicy, tightenPerHour: 0.02 }) }
    const { steps } = backtest(replay(rows, slow))
    expect(steps.withinSpeedLimits).toBe(true)
    expect(steps.maintenanceMarginRise).toBeCloseTo(0.02, 4)
    expect(steps.initialMarginRise).toBe(result.steps.initialMarginRise)
  })
})

describe('without a prediction', () => {
  it('refuses a history shorter than one horizon', () => {
    const rows = [0n, 600n, 1200n].map((seconds) => ({
      asOf: 1_583_971_200n + seconds,
      priceE8: 1n,
      impliedVolatilityX16: 0n,
      rangeCode: 0n,
    }))
    const action = () => backtest(replay(rows, defaultPolicy))
    expect(action).toThrowError(NoPredictionError)
    expect(action).toThrowError(expect.objectContaining({ code: 'parameters.no-prediction', publications: 1 }))
  })
})
