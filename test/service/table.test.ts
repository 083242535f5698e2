import { describe, expect, it } from 'vitest'
import { readExtract } from '../../prover/market/histories.ts'
import { backtest } from '../../prover/parameters/backtest.ts'
import { defaultPolicy } from '../../prover/parameters/defaultPolicy.ts'
import { replay } from '../../prover/parameters/replay.ts'
import { formatBacktest } from '../../prover/service/text/backtestTable.ts'
import { price } from '../../prover/portfolio/amount.ts'
import { exactPrice, percent, utcTime } from '../../prover/service/text/figures.ts'
import { formatParameters, formatTable, parameterRow, sparkline } from '../../prover/service/text/table.ts'

const series = replay(readExtract('BTC-USD').rows, defaultPolicy)

describe('figures', () => {
  it.each([
    [793_412_000_000n, '7934.12'],
    [1n, '0.00000001'],
    [100_000_000n, '1'],
    [1_000_000_000n, '10'],
    [2n ** 48n - 1n, '2814749.76710655'],
  ])('writes the price %d exactly', (priceE8, text) => expect(exactPrice(priceE8)).toBe(text))

  it('rounds for the eye', () => {
    expect([67_012.4, 7934.12, 1.5, 0.00001234].map((value) => price(value))).toEqual([
      '67,012',
      '7,934.1',
      '1.5000',
      '0.00001234',
    ])
    expect(percent(0.02351)).toBe('2.35 %')
    expect(utcTime(1_583_971_200n)).toBe('2020-03-12 00:00')
    expect(utcTime(1_583_971_201)).toBe('2020-03-12 00:00:01')
  })
})

describe('formatTable', () => {
  it('aligns columns and rules off the heading', () => {
    expect(
      formatTable(
        ['time', 'x'],
        [
          ['now', '1.25'],
          ['earlier', ''],
        ],
      ),
    ).toBe(['time        x', '───────  ────', 'now      1.25', 'earlier'].join('\n'))
  })
})

describe('sparkline', () => {
  it('runs from the lowest to the highest block', () => expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe('▁▂▃▄▅▆▇█'))

  it('keeps the peak of every share of a long series', () => {
    const spike = Array.from({ length: 1000 }, (_, i) => (i === 501 ? 1 : 0))
    expect(sparkline(spike, 10)).toBe('▁▁▁▁▁█▁▁▁▁')
  })

  it('is flat where nothing moves', () => expect(sparkline([3, 3, 3])).toBe('▁▁▁'))
})

describe('formatParameters', () => {
  it('prints a thinned table with curves, the lowest price and the highest margin', () => {
    const text = formatParameters(series.points, { title: 'BTC-USD', maxRows: 12 })
    const lines = text.trimEnd().split('\n')
    expect(lines[0]).toBe('BTC-USD')
    // Evenly spaced ones, the lowest price and the highest margin: eleven where one is two of these.
    const shown = lines.filter((line) => /^\d{4}-\d\d-\d\d /.test(line)).length
    expect([11, 12]).toContain(shown)
    expect(text).toContain(`${shown} of 215 publications`)
    expect(text).toContain('time (UTC)')
    const lowest = series.points.reduce((a, b) => (b.priceE8 < a.priceE8 ? b : a))
    expect(text).toContain(`${utcTime(lowest.asOf)}  ${price(Number(lowest.priceE8) / 1e8)}`)
    const dearest =
      Math.max(...series.points.map(({ parameters }) => Number(parameters.maintenanceMarginX24))) / 2 ** 24
    expect(lines.slice(5).join('\n')).toContain(percent(dearest))
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(140)
  })

  it('prints every row of a short series', () => {
    const text = formatParameters(series.points.slice(0, 3))
    expect(
      text
        .trimEnd()
        .split('\n')
        .slice(-3)
        .map((line) => line.slice(0, 16)),
    ).toEqual(['2020-03-08 01:00', '2020-03-08 02:00', '2020-03-08 03:00'])
  })

  it('writes every publication as CSV, and the same as JSON', () => {
    const csv = formatParameters(series.points, { format: 'csv' }).trimEnd().split('\n')
    const json = JSON.parse(formatParameters(series.points, { format: 'json' }))
    expect(csv).toHaveLength(series.points.length + 1)
    expect(csv[0]).toBe(
      'time,asOf,price,volatility,horizonMoveDown,horizonMoveUp,initialMargin,maintenanceMargin,liquidationThreshold,' +
        'maxLoanToValue,scanRange,multiplierDown,multiplierUp,breach',
    )
    expect(json).toHaveLength(series.points.length)
    expect(csv.slice(1)).toEqual(json.map((row: object) => Object.values(row).join(',')))
    expect(Object.keys(json[0])).toEqual([
      ...['time', 'asOf', 'price', 'volatilityFraction', 'horizonMoveDownFraction', 'horizonMoveUpFraction'],
      ...['initialMarginFraction', 'maintenanceMarginFraction', 'liquidationThresholdFraction'],
      ...['maxLoanToValueFraction', 'scanRangeFraction', 'multiplierDown', 'multiplierUp', 'breach'],
    ])
  })

  it('loses nothing of a fixed-point value', () => {
    const [point] = series.points
    if (point === undefined) throw new Error('empty series')
    const row = JSON.parse(JSON.stringify(parameterRow(point)))
    expect(row.price).toBe('8783.2')
    expect(BigInt(row.initialMargin * 2 ** 24)).toBe(point.parameters.initialMarginX24)
    expect(BigInt(row.multiplierUp * 2 ** 18)).toBe(point.state.anchor.multiplierUpX18)
  })
})

describe('formatBacktest', () => {
  it('prints coverage, distributions, fixed parameters and steps', () => {
    const result = backtest(series)
    const text = formatBacktest('BTC-USD', result)
    expect(text).toMatch(
      new RegExp(`2020 +215 +down +${result.whole.down.breaches} +${percent(result.whole.down.breachRate, 3)}`),
    )
    expect(text).toContain(percent(result.fixedMaintenanceMargin.value))
    expect(text).toContain("within the policy's speed limits: yes")
  })
})
