import { ONE_UNIT, type Units, unitPrice } from '../../market/priceScale.ts'
import { realValues } from '../../parameters/real.ts'
import type { ReplayPoint, ReplaySeries } from '../../parameters/replay.ts'
import { transitions } from '../../parameters/replay.ts'
import { price } from '../../portfolio/amount.ts'
import { percent, utcTime } from '../text/figures.ts'
import type { Chart, ChartPoint, Mark } from './chart.ts'
import { chartGroup } from './chart.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'
import { type Tile, tileList } from './page.ts'
import { table } from './table.ts'

/** A publication that was proven and landed on a chain. */
export type ProvenPoint = {
  readonly asOf: bigint
  readonly sequence: bigint
  readonly transactionHash: string
  /** The auditor's. */
  readonly verdict: 'pass' | 'fail'
}

/** Parameters of one market through a stretch of time: four charts that share their time axis. */
export type WindowSection = {
  readonly kind: 'window'
  readonly title: string
  readonly note?: string | undefined
  readonly series: ReplaySeries
  /** Of the asset, that the series' prices are of; by default one. */
  readonly units?: Units | undefined
  /** Shown from and to, unix seconds; by default the whole series, which may start earlier to have learned something. */
  readonly from?: bigint | undefined
  readonly to?: bigint | undefined
  /** Margins that a venue with fixed parameters would have asked for. */
  readonly fixed?: { readonly initialMargin: number; readonly maintenanceMargin: number } | undefined
  readonly proven?: readonly ProvenPoint[] | undefined
}

/** More points than this are not told apart on a screen. */
const MAX_POINTS = 2400

/** Everything charts, readout and summary say of one publication. */
type Moment = {
  readonly time: number
  readonly price: number
  /** Where the running prediction, made one horizon ago, expected the price; none while it is not due. */
  readonly expected: readonly [low: number, high: number] | undefined
  /** Of each of the model's variances. */
  readonly volatilities: readonly number[]
  readonly volatility: number
  readonly initialMargin: number
  readonly maintenanceMargin: number
  readonly multiplierDown: number
  readonly multiplierUp: number
  readonly breach: 'down' | 'up' | undefined
  readonly proven: ProvenPoint | undefined
}

/** Draws a window; `id` makes its anchors unique within the page. */
export function drawWindow(section: WindowSection, id: string): Markup {
  const all = momentsOf(section)
  const moments = thin(all)
  const hasProofs = (section.proven?.length ?? 0) > 0
  return html`<section class="window" id="${id}">
<h2>${section.title}</h2>
${section.note === undefined ? [] : html`<p class="note">${section.note}</p>`}
${summary(all, section)}
${chartGroup({
  charts: [
    priceChart(moments, hasProofs),
    volatilityChart(moments, section),
    marginChart(moments, section),
    multiplierChart(moments),
  ],
  moments: moments.map((moment) => [moment.time, readout(moment, section)]),
})}
${breachTable(all)}${hasProofs ? proofTable(section.proven ?? []) : []}
</section>
`
}

function momentsOf(section: WindowSection): readonly Moment[] {
  const { series, from = series.start.asOf, to = 1n << 32n, units = ONE_UNIT } = section
  const proven = new Map(section.proven?.map((point) => [point.asOf, point]))
  const shown = [...transitions(series)].filter(({ point }) => from <= point.asOf && point.asOf < to)
  return shown.map(({ before, point }) => {
    const { variance0, variance1, variance2, variance3 } = realValues(point.state.volatility)
    const variances = [variance0, variance1, variance2, variance3]
    const anchor = realValues(point.state.anchor)
    const parameters = realValues(point.parameters)
    return {
      time: Number(point.asOf),
      price: unitPrice(point.priceE8, units),
      expected: point.verdict.due ? expectedRange(before.anchor, units) : undefined,
      volatilities: series.variances.map((_, i) => Math.sqrt(variances[i] ?? 0)),
      volatility: parameters.volatility,
      initialMargin: parameters.initialMargin,
      maintenanceMargin: parameters.maintenanceMargin,
      multiplierDown: anchor.multiplierDown,
      multiplierUp: anchor.multiplierUp,
      breach: breachOf(point),
      proven: proven.get(point.asOf),
    }
  })
}

function expectedRange(
  anchor: ReplayPoint['state']['anchor'],
  { count, parts }: Units,
): readonly [low: number, high: number] {
  const { anchorLnPrice, anchorMoveDown, anchorMoveUp } = realValues(anchor)
  const perUnit = Number(parts) / Number(count) / 1e8
  return [Math.exp(anchorLnPrice - anchorMoveDown) * perUnit, Math.exp(anchorLnPrice + anchorMoveUp) * perUnit]
}

function breachOf({ verdict }: ReplayPoint): 'down' | 'up' | undefined {
  if (verdict.breachDown) return 'down'
  return verdict.breachUp ? 'up' : undefined
}

/** Of too many moments, those that shape the picture: of each stretch its lowest price, highest margin, breaches and proofs. */
function thin(moments: readonly Moment[]): readonly Moment[] {
  if (moments.length <= MAX_POINTS) return moments
  const stretch = Math.ceil(moments.length / (MAX_POINTS / 2))
  return moments.filter((moment, i) => {
    const start = i - (i % stretch)
    const neighbours = moments.slice(start, start + stretch)
    const isLowest = neighbours.every((other) => other.price >= moment.price)
    const isDearest = neighbours.every((other) => other.initialMargin <= moment.initialMargin)
    const isEnd = i === 0 || i === moments.length - 1
    return isEnd || isLowest || isDearest || moment.breach !== undefined || moment.proven !== undefined
  })
}

function span(moments: readonly Moment[]): { readonly from: number; readonly to: number } {
  return { from: moments.at(0)?.time ?? 0, to: moments.at(-1)?.time ?? 1 }
}

const curve = (moments: readonly Moment[], value: (moment: Moment) => number): readonly ChartPoint[] =>
  moments.map((moment) => [moment.time, value(moment)])

function priceChart(moments: readonly Moment[], hasProofs: boolean): Chart {
  const marks: readonly Mark[] = moments.flatMap(({ time, price, breach, proven }): readonly Mark[] => [
    ...(breach === undefined
      ? []
      : [{ kind: breach, shape: breach, point: [time, price], title: `${utcTime(time)} breach ${breach}` } as const]),
    ...(proven === undefined
      ? []
      : [
          {
            kind: proven.verdict,
            shape: 'foot',
            point: [time, price],
            title: `proof ${proven.sequence}: ${proven.verdict}`,
          } as const,
        ]),
  ])
  return {
    title: 'Price',
    unit: 'USD',
    height: 300,
    ...span(moments),
    figure: price,
    axisFigure: (value) => value.toLocaleString('en-GB', { maximumSignificantDigits: 6 }),
    series: [{ label: 'price', kind: 'ink', shape: 'line', points: curve(moments, (m) => m.price) }],
    band: {
      label: 'range expected one horizon earlier',
      points: moments.flatMap(({ time, expected }) => (expected === undefined ? [] : [[time, ...expected] as const])),
    },
    marks,
    markLegend: [
      { label: 'breach down', kind: 'down', shape: 'down' },
      { label: 'breach up', kind: 'up', shape: 'up' },
      ...(hasProofs ? [{ label: 'proven on chain', kind: 'pass', shape: 'foot' } as const] : []),
    ],
  }
}

const VARIANCE_KINDS = ['fast', 'slow', 'maintenance', 'initial'] as const

function volatilityChart(moments: readonly Moment[], { series }: WindowSection): Chart {
  return {
    title: 'Volatility',
    unit: 'annualised',
    height: 190,
    ...span(moments),
    figure: (value) => percent(value, 0),
    fromZero: true,
    series: [
      { label: 'used', kind: 'used', shape: 'line', points: curve(moments, (m) => m.volatility) },
      ...series.variances.map((label, i) => ({
        ...{ label, kind: VARIANCE_KINDS[i] ?? 'ink', shape: 'line' as const },
        points: curve(moments, (m) => m.volatilities[i] ?? 0),
      })),
    ],
  }
}

function marginChart(moments: readonly Moment[], { fixed }: WindowSection): Chart {
  return {
    title: 'Margin',
    unit: 'share of notional',
    height: 230,
    ...span(moments),
    figure: (value) => percent(value, 1),
    axisFigure: (value) => percent(value, 0),
    fromZero: true,
    series: [
      { label: 'initial', kind: 'initial', shape: 'steps', points: curve(moments, (m) => m.initialMargin) },
      { label: 'maintenance', kind: 'maintenance', shape: 'steps', points: curve(moments, (m) => m.maintenanceMargin) },
    ],
    levels:
      fixed === undefined
        ? []
        : [
            { label: 'fixed initial', kind: 'initial', value: fixed.initialMargin },
            { label: 'fixed maintenance', kind: 'maintenance', value: fixed.maintenanceMargin },
          ],
  }
}

function multiplierChart(moments: readonly Moment[]): Chart {
  return {
    title: 'Confidence multiplier',
    unit: 'standard deviations',
    height: 150,
    ...span(moments),
    figure: (value) => value.toFixed(1),
    series: [
      { label: 'down', kind: 'down', shape: 'steps', points: curve(moments, (m) => m.multiplierDown) },
      { label: 'up', kind: 'up', shape: 'steps', points: curve(moments, (m) => m.multiplierUp) },
    ],
  }
}

function summary(moments: readonly Moment[], { fixed }: WindowSection): Markup {
  const [first, last] = [moments.at(0), moments.at(-1)]
  if (first === undefined || last === undefined) return html`<p class="note">No publication lies in this window.</p>`
  const extreme = (value: (moment: Moment) => number, pick: (...values: number[]) => number): number =>
    moments.reduce((best, moment) => pick(best, value(moment)), value(first))
  const through = (value: (moment: Moment) => number, decimals: number): string =>
    [value(first), extreme(value, Math.max), value(last)].map((each) => percent(each, decimals)).join(' / ')
  const above = moments.filter((m) => m.maintenanceMargin > (fixed?.maintenanceMargin ?? Number.POSITIVE_INFINITY))
  const lowest = extreme((m) => m.price, Math.min)
  return tileList([
    ['Price, first / lowest / last', `${price(first.price)} / ${price(lowest)} / ${price(last.price)}`],
    ['Breaches down / up', breachesText(moments)],
    ['Volatility, first / highest / last', through((m) => m.volatility, 0)],
    ['Initial margin, first / highest / last', through((m) => m.initialMargin, 1)],
    ['Maintenance margin, first / highest / last', through((m) => m.maintenanceMargin, 1)],
    ...(fixed === undefined
      ? []
      : [
          [
            'Above the fixed maintenance margin',
            `${percent(above.length / moments.length, 0)} of publications`,
          ] as const,
        ]),
  ])
}

function breachesText(moments: readonly Moment[]): string {
  const count = (side: 'down' | 'up'): number => moments.filter(({ breach }) => breach === side).length
  return `${count('down')} / ${count('up')} of ${moments.filter((m) => m.expected !== undefined).length}`
}

/** Margins in force at a window's end, and its breaches: what a reader wants to know first. */
export function windowTiles(section: WindowSection): readonly Tile[] {
  const moments = momentsOf(section)
  const last = moments.at(-1)
  if (last === undefined) return []
  const market = section.title.split(',')[0] ?? section.title
  const at = `at ${utcTime(last.time)}`
  return [
    [`${market}: initial margin ${at}`, percent(last.initialMargin)],
    [`${market}: maintenance margin ${at}`, percent(last.maintenanceMargin)],
    [`${market}: breaches down / up`, breachesText(moments)],
  ]
}

function readout(moment: Moment, { fixed, series }: WindowSection): string {
  const { expected, breach, proven } = moment
  return [
    `${utcTime(moment.time)} UTC`,
    `price ${price(moment.price)}`,
    ...(expected === undefined ? [] : [`expected ${price(expected[0])} to ${price(expected[1])}`]),
    ...(breach === undefined ? [] : [`BREACH ${breach.toUpperCase()}`]),
    `volatility ${percent(moment.volatility, 0)} (${series.variances.map((name, i) => `${name} ${percent(moment.volatilities[i] ?? 0, 0)}`).join(', ')})`,
    `margin ${percent(moment.initialMargin, 1)} initial, ${percent(moment.maintenanceMargin, 1)} maintenance` +
      (fixed === undefined
        ? ''
        : ` (fixed ${percent(fixed.initialMargin, 1)}, ${percent(fixed.maintenanceMargin, 1)})`),
    `multiplier ${moment.multiplierDown.toFixed(2)} down, ${moment.multiplierUp.toFixed(2)} up`,
    ...(proven === undefined
      ? []
      : [`proof ${proven.sequence} ${proven.verdict}, ${proven.transactionHash.slice(0, 10)}…`]),
  ].join(' · ')
}

function breachTable(moments: readonly Moment[]): Markup {
  const breaches = moments.filter(({ breach }) => breach !== undefined)
  return html`<details><summary>Breaches (${breaches.length})</summary>
${table(
  'Breaches',
  ['time (UTC)', 'side', 'expected from', 'expected to', 'price'],
  breaches.map((m) => [
    utcTime(m.time),
    { kind: m.breach ?? '', content: m.breach ?? '' },
    price(m.expected?.[0] ?? 0),
    price(m.expected?.[1] ?? 0),
    price(m.price),
  ]),
)}</details>
`
}

function proofTable(proven: readonly ProvenPoint[]): Markup {
  return html`<details><summary>Proofs on chain (${proven.length})</summary>
${table(
  'Proofs on chain',
  ['time (UTC)', 'sequence', 'transaction', 'audit'],
  proven.map((p) => [
    utcTime(p.asOf),
    p.sequence.toString(),
    html`<code>${p.transactionHash}</code>`,
    { kind: p.verdict, content: p.verdict },
  ]),
)}</details>
`
}
