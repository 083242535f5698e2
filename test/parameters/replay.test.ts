import { describe, expect, it } from 'vitest'
import { readExtract } from '../../prover/market/histories.ts'
import { defaultPolicy } from '../../prover/parameters/defaultPolicy.ts'
import type { Observation } from '../../prover/parameters/marketRisk.ts'
import { initialState, updateMarket } from '../../prover/parameters/marketRisk.ts'
import { realValues } from '../../prover/parameters/real.ts'
import { HistoryTooShortError, replay, transitions } from '../../prover/parameters/replay.ts'
import { defaultModel } from '../../prover/volatility/models.ts'

const START = 1_583_971_200n
const flat = (count: number, spacing: bigint): Observation[] =>
  Array.from({ length: count }, (_, i) => ({
    asOf: START + BigInt(i) * spacing,
    priceE8: 790_000_000_000n,
    impliedVolatilityX16: 0n,
    rangeCode: 0n,
  }))

describe('realValues', () => {
  it('reads every scale from the name', () => {
    expect(
      realValues({ initialMarginX24: 1n << 23n, priceE8: 150_000_000n, asOf: START, multiplierDownX18: 3n << 18n }),
    ).toEqual({ initialMargin: 0.5, price: 1.5, asOf: Number(START), multiplierDown: 3 })
  })
})

describe('replay', () => {
  it('publishes what the twin publishes batch by batch', () => {
    const { rows } = readExtract('BTC-USD')
    const series = replay(rows, defaultPolicy)
    expect(series.points).toHaveLength(rows.length - 1)

    let state = series.initial
    for (const [index, point] of series.points.entries()) {
      const update = updateMarket(defaultModel, state, rows.slice(index + 1, index + 2), defaultPolicy)
      expect(point).toMatchObject({ state: update.state, parameters: update.parameters, observations: 1 })
      expect(point.verdict).toEqual(update.verdicts[0])
      state = update.state
    }
  })

  it('starts from the first observation and the volatility it is told', () => {
    const rows = flat(3, 3600n)
    const volatilityX24 = 2n << 24n
    const series = replay(rows, defaultPolicy, { initialVolatilityX24: volatilityX24 })
    expect(series.start).toBe(rows[0])
    expect(series.initial).toEqual(
      initialState(defaultModel, flat(1, 1n)[0] as Observation, volatilityX24, 3n << 18n, defaultPolicy),
    )
  })

  it('by default ends a batch where a prediction is due, and with the history', () => {
    const series = replay(flat(15, 600n), defaultPolicy)
    expect(series.points.map(({ observations }) => observations)).toEqual([6, 6, 2])
    expect(series.points.map(({ verdict }) => verdict.due)).toEqual([true, true, false])
  })

  it('publishes more often when told to', () => {
    const series = replay(flat(15, 600n), defaultPolicy, { every: 4 })
    expect(series.points.map(({ observations }) => observations)).toEqual([4, 2, 4, 2, 2])
    expect(series.points.map(({ verdict }) => verdict.due)).toEqual([false, true, false, true, false])
  })

  it('reaches the same estimates however the history is cut', () => {
    const { rows } = readExtract('ETH-USD')
    const policy = { ...defaultPolicy, learning: { ...defaultPolicy.learning, horizonSeconds: 14_400n } }
    const [whole, cut] = [replay(rows, policy), replay(rows, policy, { every: 1 })]
    expect(cut.points.at(-1)?.state.volatility).toEqual(whole.points.at(-1)?.state.volatility)
  })

  it('hands every publication on with the state before it', () => {
    const series = replay(flat(4, 3600n), defaultPolicy)
    const pairs = [...transitions(series)]
    expect(pairs.map(({ before }) => before.volatility.asOf - START)).toEqual([0n, 3600n, 7200n])
    expect(pairs.map(({ point }) => point)).toEqual(series.points)
  })

  it.each([0, 1])('refuses a history of %d observations', (count) => {
    expect(() => replay(flat(count, 1n), defaultPolicy)).toThrowError(
      expect.objectContaining({ code: 'parameters.history-too-short', count }),
    )
    expect(() => replay(flat(count, 1n), defaultPolicy)).toThrowError(HistoryTooShortError)
  })
})
