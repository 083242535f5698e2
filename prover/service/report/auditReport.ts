/** An audit of markets as a page: the verdict, how shadows fared beside the model in force, and what was promoted. */
import {
  type AuditReport,
  changeText,
  type MeanScore,
  type PromotionReport,
  skippedText,
  type Telling,
} from '../../audit/index.ts'
import { percent, utcTime } from '../text/figures.ts'
import { writeWholeFile } from '../wholeFile.ts'
import type { Chart, ChartGroup, ChartPoint } from './chart.ts'
import { chartGroup } from './chart.ts'
import { deployedRows, deployedSection } from './deployedSection.ts'
import { answer, type JudgedRow, judgedSection, verdictCell } from './judged.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'
import { kindOf } from './modelsReport.ts'
import type { Answer, Entry } from './page.ts'
import { page } from './page.ts'
import { type Cell, table } from './table.ts'

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
export function writeAuditReport(file: string, report: AuditReport, telling: Telling = {}): void {
  writeWholeFile(file, renderAuditReport(report, telling))
}

/** The page that {@link writeAuditReport} writes. */
export function renderAuditReport(report: AuditReport, telling: Telling = {}): string {
  const markets = report.markets.filter(({ name }) => shadowsOf(report, name).length > 0)
  const entries: readonly Entry[] = [
    { id: 'judged', title: 'What was judged', body: judgedSection(report, rowsOf(report), telling) },
    { id: 'deployed', title: 'Who governs, who attests', body: deployedSection(report.deployed) },
    ...markets.map(({ name }, i) => {
      const id = `market-${i + 1}`
      return { id, title: `${name} under other models`, body: marketSection(report, name, id) }
    }),
  ]
  return page(`Audit of registry ${report.registry}`, LEAD, entries, answerOf(report)).markup
}

function rowsOf({
  models,
  batches,
  promotions,
  changes,
  markets,
  shadows,
  deployed,
}: AuditReport): readonly JudgedRow[] {
  return [
    ...models.map((model) => ['model', model.name, model] as const),
    ...batches.map(
      (batch) => [`batch ${batch.number}`, `${batch.markets.join(' ')}${skippedText(batch)}`, batch] as const,
    ),
    ...promotions.map(
      (each) => [`promotion ${each.number}`, `${each.market} from ${each.from} to ${each.to}`, each] as const,
    ),
    ...changes.map((change) => [change.kind, changeText(change), change] as const),
    ...markets.map((market) => ['market', market.name, market] as const),
    ...shadows.map((shadow) => ['shadow', shadow.name, shadow] as const),
    ...deployedRows(deployed),
  ]
}

function answerOf(report: AuditReport): Answer {
  const { batches, markets, shadows, promotions } = report
  const accepted = batches.filter((batch) => batch.accepted).length
  const { remarks = [], ...judged } = answer(report, rowsOf(report), [
    ['Batches accepted', `${accepted} of ${batches.length}`],
    ['Markets, shadows', `${markets.length}, ${shadows.length}`],
    ['Promotions', String(promotions.length)],
  ])
  const alarms = (report.alarms ?? []).map(({ kind, of, says }) => `Alarm, ${kind} of ${of}: ${says}`)
  return { ...judged, remarks: [...alarms, ...remarks] }
}

const shadowsOf = ({ shadows }: AuditReport, market: string) => shadows.filter(({ name }) => marketOf(name) === market)
const marketOf = (name: string): string => name.split('~')[0] ?? name
const modelOf = (name: string): string => name.split('~')[1] ?? name

function marketSection(report: AuditReport, market: string, id: string): Markup {
  const promotions = report.promotions.filter((each) => each.market === market)
  return html`<section class="window" id="${id}">
<h2>${market} under other models</h2>
${chartGroup(scorePicture(report, market, promotions))}
${table(
  `Shadows of ${market}`,
  ['shadow', 'batches', 'predictions', 'score of falls', 'of rises', 'verdict'],
  shadowsOf(report, market).map((shadow) => [
    shadow.name,
    shadow.sequence.toString(),
    ...(shadow.score === undefined ? ['removed', '', ''] : scoreCells(shadow.score)),
    verdictCell(shadow),
  ]),
)}
${promotions.length === 0 ? [] : [promotionTable(promotions)]}
</section>
`
}

const promotionTable = (promotions: readonly PromotionReport[]): Markup =>
  table(
    'Promotions',
    [
      'promotion (UTC)',
      'from',
      'to',
      'predictions',
      'score of falls',
      'of rises',
      'control, falls',
      'rises',
      'verdict',
    ],
    promotions.map((each) => [
      utcTime(each.asOf),
      each.from,
      each.to,
      ...scoreCells(each.score),
      ...(each.control === undefined ? ['no control', ''] : [figure(each.control.down), figure(each.control.up)]),
      verdictCell(each),
    ]),
  )

const figure = (score: number | undefined): string => (score === undefined ? '–' : percent(score, 3))
const scoreCells = ({ predictions, down, up }: MeanScore): readonly Cell[] => [predictions, figure(down), figure(up)]

/** Mean scores so far, batch by batch, and where a promotion came. */
function scorePicture({ batches }: AuditReport, market: string, promotions: readonly PromotionReport[]): ChartGroup {
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
