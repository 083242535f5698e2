import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { historyMarkets, longHistoryFolder, readExtract, readLongHistory } from '../../prover/market/histories.ts'

describe.each(historyMarkets)('%s', (market) => {
  it('has an hourly extract of 8 to 16 March 2020 of its own', () => {
    const { rows } = readExtract(market)
    expect(rows).toHaveLength(9 * 24)
    expect(rows[0]?.asOf).toBe(BigInt(Date.UTC(2020, 2, 8) / 1000))
    expect(rows.every(({ asOf }, i) => i === 0 || asOf - (rows[i - 1]?.asOf ?? 0n) === 3600n)).toBe(true)
  })

  it('says so when the long history is not beside the checkout', () => {
    const empty = mkdtempSync(join(tmpdir(), 'no-prices-'))
    expect(readLongHistory(market, empty)).toBeUndefined()
    rmSync(empty, { recursive: true })
  })

  it('joins its sources hour by hour to June 2024, and the extract is a part of it', (test) => {
    const history = readLongHistory(market)
    if (history === undefined) return test.skip(`no price histories in ${longHistoryFolder}`)
    const gaps = history.rows.slice(1).map(({ asOf }, i) => Number(asOf - (history.rows[i]?.asOf ?? 0n)))
    // One exchange was halted for an hour on 2023-03-24
    expect(gaps.filter((gap) => gap !== 3600)).toEqual([7200])
    expect(history.rows.at(-1)?.asOf).toBe(BigInt(Date.UTC(2024, 6, 1) / 1000))
    const prices = new Map(history.rows.map(({ asOf, priceE8 }) => [asOf, priceE8]))
    for (const { asOf, priceE8 } of readExtract(market).rows) expect(prices.get(asOf)).toBe(priceE8)
  })
})
