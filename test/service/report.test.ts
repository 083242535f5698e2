import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { longHistoryFolder, readExtract, readLongHistory } from '../../prover/market/histories.ts'
import { backtest } from '../../prover/parameters/backtest.ts'
import { defaultPolicy } from '../../prover/parameters/defaultPolicy.ts'
import { replay } from '../../prover/parameters/replay.ts'
import { crashSections, fixedMargins } from '../../prover/service/report/crashes.ts'
import { html } from '../../prover/service/report/markup.ts'
import type { ProvenPoint, WindowSection } from '../../prover/service/report/report.ts'
import { renderReport, writeReport } from '../../prover/service/report/report.ts'
import { timeTicks, valueTicks, widened } from '../../prover/service/report/ticks.ts'

const series = replay(readExtract('BTC-USD').rows, defaultPolicy)
const result = backtest(series)
const section: WindowSection = {
  kind: 'window',
  title: 'BTC-USD, March 2020',
  series,
  fixed: fixedMargins(result, defaultPolicy),
}
const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0
const readouts = (page: string): [number, string][] =>
  JSON.parse(/<script type="application\/json">(.*?)<\/script>/s.exec(page)?.[1] ?? '')

describe('html', () => {
  it('escapes every text and nests markup as it is', () => {
    const inner = html`<i>${'<&>'}</i>`
    expect(html`<b title="${`"'`}">${[inner, inner]}${7}</b>`.markup).toBe(
      '<b title="&quot;&#39;"><i>&lt;&amp;&gt;</i><i>&lt;&amp;&gt;</i>7</b>',
    )
  })
})

describe('ticks', () => {
  it('puts values at round numbers inside the range', () => {
    expect(valueTicks(3900, 9100, 4)).toEqual([4000, 6000, 8000])
    expect(valueTicks(0, 0.05, 5)).toEqual([0, 0.01, 0.02, 0.03, 0.04, 0.05])
    expect(valueTicks(-1, 1, 2)).toEqual([-1, 0, 1])
  })

  it('puts times at round hours, days, months or years', () => {
    const at = (text: string): number => Date.parse(text) / 1000
    const labels = (from: string, to: string) => timeTicks(at(from), at(to), 6).map(({ label }) => label)
    expect(labels('2020-03-11T22:30Z', '2020-03-12T03:00Z')).toEqual(['23:00', '12 Mar', '01:00', '02:00', '03:00'])
    expect(labels('2020-03-08T01:00Z', '2020-03-12T23:00Z')).toEqual(['9 Mar', '10 Mar', '11 Mar', '12 Mar'])
    expect(labels('2020-03-12T21:31Z', '2020-03-12T21:47Z')).toEqual(['21:35', '21:40', '21:45'])
    expect(labels('2019-11-15T00:00Z', '2020-04-01T00:00Z')).toEqual(['Dec', '2020', 'Feb', 'Mar', 'Apr'])
    expect(labels('2012-06-01T00:00Z', '2024-07-01T00:00Z')).toEqual(['2015', '2020'])
  })
})

describe('widened', () => {
  it('gives a scale a range to divide by, whatever it is given', () => {
    expect(widened(3, 7, 1)).toEqual([3, 7])
    expect(widened(3, 3, 1)).toEqual([2, 4])
    expect(widened(0, 0, 1)).toEqual([-1, 1])
    expect(widened(70_000, 70_000 + 1e-9, 1)).toEqual([69_999, 70_001 + 1e-9])
    expect(widened(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1)).toEqual([0, 1])
  })
})

describe('the report', () => {
  const page = renderReport([section, { kind: 'backtest', title: 'BTC-USD backtest', backtest: result }])

  it('needs nothing but itself', () => {
    expect(page).not.toMatch(/https?:|src=|href="(?!#)|@import|url\(/)
    expect(page).toContain('default-src &#39;none&#39;')
  })

  it('draws price with band, volatility, margins with the fixed ones, and multipliers', () => {
    for (const title of ['Price', 'Volatility', 'Margin', 'Confidence multiplier']) {
      expect(page).toContain(`<span class="chart-title">${title}</span>`)
    }
    expect(count(page, /<svg [^>]*role="img"/g)).toBe(4)
    expect(count(page, /class="band"/g)).toBe(1)
    expect(count(page, /<line class="level /g)).toBe(2)
    expect(page.slice(0, page.lastIndexOf('<script>'))).not.toMatch(/NaN|Infinity|undefined/)
  })

  it('marks every breach on its side, once', () => {
    const breaches = series.points.map(({ verdict }) => verdict)
    expect(count(page, /<path class="mark down"/g)).toBe(breaches.filter(({ breachDown }) => breachDown).length)
    expect(count(page, /<path class="mark up"/g)).toBe(breaches.filter(({ breachUp }) => breachUp).length)
  })

  it('reads out every publication', () => {
    const moments = readouts(page)
    expect(moments).toHaveLength(series.points.length)
    const crash = moments.find(([time]) => time === Date.UTC(2020, 2, 12, 11) / 1000)
    expect(crash?.[1]).toContain('2020-03-12 11:00 UTC · price 6,074.2 · expected ')
    expect(crash?.[1]).toContain('BREACH DOWN')
  })

  it('gives the backtest a row per year, and no second one for a single year', () => {
    expect(count(page, /<td>2020<\/td>/g)).toBe(1)
    expect(page).toContain(`${result.whole.down.breaches}</td>`)
  })

  it('escapes what it is given', () => {
    const hostile = '</script><script>alert(1)</script>'
    const text = renderReport([{ ...section, title: hostile, note: hostile }], { title: hostile, lead: [hostile] })
    expect(text).not.toContain('<script>alert')
    expect(text).toContain('&lt;script&gt;alert(1)')
  })

  it('marks what was proven on chain, and what an audit refused', () => {
    const proven = series.points.slice(100, 160).map(
      ({ asOf }, i): ProvenPoint => ({
        asOf,
        sequence: BigInt(i + 1),
        transactionHash: `0x${i.toString(16).padStart(64, '0')}`,
        verdict: i === 7 ? 'fail' : 'pass',
      }),
    )
    const text = renderReport([{ ...section, proven }])
    expect(count(text, /<line class="mark pass"/g)).toBe(59)
    expect(count(text, /<line class="mark fail"/g)).toBe(1)
    expect(text).toContain('Proofs on chain (60)')
    expect(text).toContain(proven[7]?.transactionHash)
    expect(readouts(text).filter(([, line]) => line.includes('proof '))).toHaveLength(60)
    expect(page).not.toContain('proven on chain')
  })

  it('shows the wanted window of a longer series', () => {
    const [from, to] = [BigInt(Date.UTC(2020, 2, 12) / 1000), BigInt(Date.UTC(2020, 2, 14) / 1000)]
    expect(readouts(renderReport([{ ...section, from, to }]))).toHaveLength(48)
    expect(renderReport([{ ...section, from: to * 2n, to: to * 3n }])).toContain('No publication lies in this window.')
  })

  it.each([1, 2])('draws %i publications', (publications) => {
    const from = series.start.asOf
    const times = series.points.map(({ asOf }) => asOf).filter((asOf) => asOf >= from)
    const text = renderReport([{ ...section, from, to: times[publications] as bigint }])
    expect(readouts(text)).toHaveLength(publications)
    expect(text.slice(0, text.lastIndexOf('<script>'))).not.toMatch(/NaN|Infinity|undefined/)
    const [dots, lines] = [count(text, /<circle class="dot /g), count(text, /<path class="series /g)]
    expect(publications === 1 ? dots : lines).toBeGreaterThan(7)
    expect(publications === 1 ? lines : dots).toBe(0)
  })

  it('thins out years but keeps every breach', (context) => {
    const history = readLongHistory('BTC-USD')
    if (history === undefined) return context.skip(`no price histories in ${longHistoryFolder}`)
    const years = replay(history.rows, defaultPolicy)
    const text = renderReport([{ kind: 'window', title: 'years', series: years }])
    const breaches = years.points.filter(({ verdict }) => verdict.breachDown || verdict.breachUp)
    expect(count(text, /<path class="mark (down|up)"/g)).toBe(breaches.length)
    expect(readouts(text).length).toBeLessThan(4000)
    expect(text.length).toBeLessThan(2_000_000)
  })

  it('is written as a whole', () => {
    const folder = mkdtempSync(join(tmpdir(), 'report-'))
    writeReport(join(folder, 'report.html'), [section])
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toBe(renderReport([section]))
    rmSync(folder, { recursive: true })
  })
})

describe('crashSections', () => {
  it('shows both markets, in all three crashes where the long histories are there', () => {
    const titles = crashSections(defaultPolicy).map(({ title }) => title)
    const hasHistory = existsSync(longHistoryFolder)
    expect(titles.slice(0, 2)).toEqual(['BTC-USD, March 2020', 'ETH-USD, March 2020'])
    expect(titles).toHaveLength(hasHistory ? 8 : 2)
  })
})
