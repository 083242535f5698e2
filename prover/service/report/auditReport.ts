/** An audit of markets as a page: the verdict, how shadows fared beside the model in force, and what was promoted. */
import type { AuditReport, MeanScore, PromotionReport } from '../../audit/index.ts'
import { percent, utcTime } from '../text/figures.ts'
import { writeWholeFile } from '../wholeFile.ts'
import type { Chart, ChartPoint } from './chart.ts'
import { drawChart } from './chart.ts'
import type { Markup } from './markup.ts'
import { embeddedJson, html } from './markup.ts'
import { kindOf } from './modelsReport.ts'
import type { Entry } from './page.ts'
import { page } from './page.ts'

const LEAD = [
  'Every number was recomputed by the exact integer twin and every proof verified twice, from chain data alone. A shadow tries ' +
    'its market under another model, over the same observations; its score is the mean quantile score of the predictions that ' +
    'batches have tried so far, the price of margin and of what it fell short: lower is better.',
]

/**
 * Writes the page as one HTML file that needs nothing else.
 *
 * @throws {@link FileWriteError} if it cannot be written
 */
export function writeAuditReport(file: string, report: AuditReport): void {
  writeWholeFile(file, renderAuditReport(report))
}

/** The page that {@link writeAuditReport} writes. */
export function renderAuditReport(report: AuditReport): string {
  const markets = report.markets.filter(({ name }) => shadowsOf(report, name).length > 0)
  const entries: readonly Entry[] = [
    { id: 'verdict', title: 'Verdict', body: verdictSection(report) },
    ...markets.map(({ name }, i) => {
      const id = `market-${i + 1}`
      return { id, title: `${name} under other models`, body: marketSection(report, name, id) }
    }),
  ]
  return page(`Audit of registry ${report.registry}`, LEAD, entries).markup
}

function verdictSection(report: AuditReport): Markup {
  const { batches, markets, shadows, promotions, chainId, fromBlock, toBlock, pinned, failure } = report
  const verdict = report.accepted ? 'accepted' : 'REJECTED'
  const accepted = batches.filter((batch) => batch.accepted).length
  const tiles = [
    ['verdict', verdict],
    ['batches accepted', `${accepted} of ${batches.length}`],
    ['markets, shadows', `${markets.length}, ${shadows.length}`],
    ['promotions', String(promotions.length)],
  ] as const
  const rows = [
    ...batches.map((batch) => [`batch ${batch.number}`, batch.markets.join(' '), batch] as const),
    ...promotions.map(
      (each) => [`promotion ${each.number}`, `${each.market} from ${each.from} to ${each.to}`, each] as const,
    ),
    ...markets.map((market) => ['market', market.name, market] as const),
    ...shadows.map((shadow) => ['shadow', shadow.name, shadow] as const),
  ]
  const first = failure?.claim
  return html`<section id="verdict">
<h2>Verdict</h2>
<dl class="tiles">${tiles.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
<p class="note">Chain ${chainId.toString()}, blocks ${fromBlock} to ${toBlock}. ${pinned ? '' : 'Nothing was pinned from outside: this shows only that the record agrees with itself.'}</p>
${first === undefined ? [] : [html`<p class="fail">First failure: ${failure?.of ?? ''}, claim ${first.claim} at ${first.field ?? ''}: expected ${first.expected ?? ''}, found ${first.found ?? ''}</p>`]}
<details><summary>Everything that was judged (${rows.length})</summary>
<table><thead><tr><th>what</th><th>of</th><th>verdict</th><th>claims</th></tr></thead><tbody>
${rows.map(
  ([
    what,
    of,
    judged,
  ]) => html`<tr><td>${what}</td><td>${of}</td>${verdictCell(judged)}<td>${judged.claims.map(({ claim }) => claim).join(' ')}</td></tr>
`,
)}</tbody></table></details>
</section>
`
}

const verdictCell = ({ accepted }: { readonly accepted: boolean }): Markup =>
  html`<td class="${accepted ? 'pass' : 'fail'}">${accepted ? 'accepted' : 'REJECTED'}</td>`

const shadowsOf = ({ shadows }: AuditReport, market: string) => shadows.filter(({ name }) => marketOf(name) === market)
const marketOf = (name: string): string => name.split('~')[0] ?? name
const modelOf = (name: string): string => name.split('~')[1] ?? name

function marketSection(report: AuditReport, market: string, id: string): Markup {
  const promotions = report.promotions.filter((each) => each.market === market)
  const { charts, moments } = scorePicture(report, market, promotions)
  return html`<section class="window" id="${id}">
<h2>${market} under other models</h2>
${
  charts.length === 0
    ? []
    : [
        html`<div class="plots" tabindex="0" aria-label="Charts; arrow keys move the readout">
<p class="readout" aria-live="polite"></p>
${charts.map(drawChart)}
<script type="application/json">${embeddedJson(moments)}</script>
</div>`,
      ]
}
<table><thead><tr><th>shadow</th><th>batches</th><th>predictions</th><th>score of falls</th><th>of rises</th><th>verdict</th></tr></thead><tbody>
${shadowsOf(report, market).map(
  (
    shadow,
  ) => html`<tr><td>${shadow.name}</td><td>${shadow.sequence.toString()}</td>${shadow.score === undefined ? html`<td>removed</td><td></td><td></td>` : scoreCells(shadow.score)}${verdictCell(shadow)}</tr>
`,
)}</tbody></table>
${promotions.length === 0 ? [] : [promotionTable(promotions)]}
</section>
`
}

function promotionTable(promotions: readonly PromotionReport[]): Markup {
  return html`<table><thead><tr><th>promotion (UTC)</th><th>from</th><th>to</th><th>predictions</th><th>score of falls</th><th>of rises</th><th>control, falls</th><th>rises</th><th>verdict</th></tr></thead><tbody>
${promotions.map(
  (
    each,
  ) => html`<tr><td>${utcTime(each.asOf)}</td><td>${each.from}</td><td>${each.to}</td>${scoreCells(each.score)}${each.control === undefined ? html`<td>no control</td><td></td>` : html`<td>${figure(each.control.down)}</td><td>${figure(each.control.up)}</td>`}${verdictCell(each)}</tr>
`,
)}</tbody></table>
`
}

const figure = (score: number | undefined): string => (score === undefined ? '–' : percent(score, 3))
const scoreCells = ({ predictions, down, up }: MeanScore): Markup =>
  html`<td>${predictions}</td><td>${figure(down)}</td><td>${figure(up)}</td>`

/** Mean scores so far, batch by batch, and where a promotion came. */
function scorePicture(
  { batches }: AuditReport,
  market: string,
  promotions: readonly PromotionReport[],
): { readonly charts: readonly Chart[]; readonly moments: readonly (readonly [number, string])[] } {
  const tried = batches.flatMap(({ asOf, scores }) =>
    scores.filter(({ name }) => marketOf(name) === market).map((score) => ({ time: Number(asOf), ...score })),
  )
  const times = [...new Set(tried.map(({ time }) => time))].toSorted((a, b) => a - b)
  const [from, to] = [times[0], times.at(-1)]
  if (from === undefined || to === undefined || from === to) return { charts: [], moments: [] }
  const points = Map.groupBy(tried, ({ name }) => name)
  const series = [...points].map(([name, scores]) => ({
    label: modelOf(name),
    kind: kindOf(modelOf(name)),
    shape: 'steps' as const,
    points: scores.map(({ time, down = 0, up = 0 }): ChartPoint => [time, (down + up) / 2]),
  }))
  const marks = promotions.map(({ asOf, from: left, to: taken }) => ({
    kind: 'ink',
    shape: 'foot' as const,
    point: [Math.min(Math.max(Number(asOf), from), to), 0] as ChartPoint,
    title: `promoted from ${left} to ${taken}`,
  }))
  const chart: Chart = {
    ...{ title: 'Score so far', unit: 'fraction of price, mean of both sides', height: 260, from, to, figure },
    ...{ fromZero: true, series, marks },
    markLegend: marks.length === 0 ? [] : [{ label: 'promotion', kind: 'ink', shape: 'foot' }],
  }
  const moments = times.map((time) => {
    const figures = series.map(({ label, points: known }) => {
      const value = known.findLast(([at]) => at <= time)?.[1]
      return `${label} ${figure(value)}`
    })
    return [time, [`${utcTime(time)} UTC`, ...figures].join(' · ')] as const
  })
  return { charts: [chart], moments }
}
