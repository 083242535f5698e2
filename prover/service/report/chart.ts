import type { Markup } from './markup.ts'
import { embeddedJson, html } from './markup.ts'
import { timeTicks, valueTicks, widened, widenedTimes } from './ticks.ts'

/** A point of a chart: unix seconds and a value. */
export type ChartPoint = readonly [time: number, value: number]

export type Series = {
  readonly label: string
  /** Class that gives the colour. */
  readonly kind: string
  /** `steps` hold each value until the next point, as a parameter in force does. */
  readonly shape: 'line' | 'steps'
  readonly points: readonly ChartPoint[]
}

/** A value that does not move, drawn across the chart. */
export type Level = { readonly label: string; readonly kind: string; readonly value: number }

/** The room between two series of equal times. */
export type Band = {
  readonly label: string
  readonly points: readonly (readonly [time: number, low: number, high: number])[]
}

/** A single event: ▼ below its point, ▲ above it, or a tick at the chart's foot. */
export type Mark = {
  readonly kind: string
  readonly shape: 'down' | 'up' | 'foot'
  readonly point: ChartPoint
  readonly title: string
}

export type Chart = {
  readonly title: string
  readonly unit: string
  readonly height: number
  readonly from: number
  readonly to: number
  readonly figure: (value: number) => string
  /** Figures of the value axis, whose values are round; default `figure`. */
  readonly axisFigure?: (value: number) => string
  /** Begin the axis at zero: for quantities whose proportion matters. */
  readonly fromZero?: boolean
  readonly series: readonly Series[]
  readonly levels?: readonly Level[]
  readonly band?: Band
  readonly marks?: readonly Mark[]
  /** Entries of the legend for marks, which have no label of their own. */
  readonly markLegend?: readonly { readonly label: string; readonly kind: string; readonly shape: Mark['shape'] }[]
}

/** Geometry that the page's script shares: charts are drawn in these units and scaled by the browser. */
export const frame = { width: 1000, axis: 58, left: 64, right: 168, top: 8, bottom: 24 }

type Scales = { readonly x: (time: number) => number; readonly y: (value: number) => number }

/** Charts that share their time axis, and what is read out of each moment. */
export type ChartGroup = {
  readonly charts: readonly Chart[]
  readonly moments: readonly (readonly [time: number, readout: string])[]
}

/** Charts below each other, with the readout that follows the pointer; nothing where there are none. */
export function chartGroup({ charts, moments }: ChartGroup): Markup {
  if (charts.length === 0) return html``
  return html`<div class="plots">
<p class="readout" aria-live="polite"></p>
<div class="scroll" role="group" tabindex="0" aria-label="Charts; arrow keys move the readout">
${charts.map(drawChart)}
</div>
<script type="application/json">${embeddedJson(moments)}</script>
</div>
`
}

/** One chart with title, legend, axes and a hidden crosshair. */
function drawChart(chart: Chart): Markup {
  const [low, high] = valueRange(chart)
  const { x, y } = scalesOf(chart, low, high)
  const summary = `${chart.title}: ${chart.series.map(({ label }) => label).join(', ')}`
  return html`<figure class="chart">
<figcaption><span class="chart-title">${chart.title}</span> <span class="unit">${chart.unit}</span>${legend(chart)}</figcaption>
<div class="drawing">
<svg viewBox="0 0 ${frame.width} ${chart.height}" role="img" aria-label="${summary}">
${valueGrid(chart, low, high, y)}${timeAxis(chart, x)}
${chart.band === undefined ? [] : drawBand(chart.band, { x, y })}
${(chart.levels ?? []).map((level) => drawLevel(level, y))}
${chart.series.flatMap((series) => drawSeries(series, { x, y }))}
${drawMarks(chart, { x, y })}
${endLabels(chart, y)}
<line class="crosshair" x1="0" x2="0" y1="${frame.top}" y2="${chart.height - frame.bottom}"/>
</svg>
<svg class="axis" viewBox="0 0 ${frame.axis} ${chart.height - frame.bottom + 6}" aria-hidden="true">
${valueFigures(chart, low, high, y)}
</svg>
</div>
</figure>
`
}

function valueRange(chart: Chart): readonly [low: number, high: number] {
  const values = [
    ...chart.series.flatMap(({ points }) => points.map(([, value]) => value)),
    ...(chart.levels ?? []).map(({ value }) => value),
    ...(chart.band?.points.flatMap(([, low, high]) => [low, high]) ?? []),
  ]
  const [low, high] = values.reduce(
    ([least, greatest], value) => [Math.min(least, value), Math.max(greatest, value)] as const,
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] as const,
  )
  // A flat line still needs an axis around it
  const [least, most] = widened(low, high, Math.abs(high) * 0.1 || 1)
  const margin = least === low && most === high ? (high - low) * 0.06 : 0
  return [chart.fromZero === true ? 0 : Math.max(least - margin, low > 0 ? 0 : least - margin), most + margin]
}

function scalesOf(chart: Chart, low: number, high: number): Scales {
  const width = frame.width - frame.left - frame.right
  const height = chart.height - frame.top - frame.bottom
  const [from, to] = widenedTimes(chart.from, chart.to)
  return {
    x: (time) => round(frame.left + ((time - from) / (to - from)) * width),
    y: (value) => round(frame.top + ((high - value) / (high - low)) * height),
  }
}

const ticksOf = ({ height }: Chart, low: number, high: number): readonly number[] =>
  valueTicks(low, high, Math.max(3, Math.round(height / 55)))

function valueGrid(chart: Chart, low: number, high: number, y: Scales['y']): readonly Markup[] {
  const right = frame.width - frame.right
  return ticksOf(chart, low, high).map(
    (value) => html`<line class="grid" x1="${frame.left}" x2="${right}" y1="${y(value)}" y2="${y(value)}"/>`,
  )
}

/** Figures of the value axis, in a drawing of their own that stays at the left when the chart is scrolled. */
function valueFigures(chart: Chart, low: number, high: number, y: Scales['y']): readonly Markup[] {
  return ticksOf(chart, low, high).map(
    (value) =>
      html`<text class="tick" x="${frame.axis - 2}" y="${y(value) + 4}" text-anchor="end">${(chart.axisFigure ?? chart.figure)(value)}</text>`,
  )
}

function timeAxis(chart: Chart, x: Scales['x']): readonly Markup[] {
  const foot = chart.height - frame.bottom
  return timeTicks(...widenedTimes(chart.from, chart.to), 12).map(
    ({
      at,
      label,
      isMajor,
    }) => html`<line class="${isMajor ? 'grid major' : 'grid'}" x1="${x(at)}" x2="${x(at)}" y1="${frame.top}" y2="${foot}"/>
<text class="tick" x="${x(at)}" y="${foot + 17}" text-anchor="middle">${label}</text>`,
  )
}

function drawBand({ points }: Band, { x, y }: Scales): Markup {
  const upper = points.map(([time, , high]) => `${x(time)},${y(high)}`)
  const lower = points.toReversed().map(([time, low]) => `${x(time)},${y(low)}`)
  return html`<polygon class="band" points="${[...upper, ...lower].join(' ')}"/>`
}

function drawLevel({ kind, value }: Level, y: Scales['y']): Markup {
  return html`<line class="level ${kind}" x1="${frame.left}" x2="${frame.width - frame.right}" y1="${y(value)}" y2="${y(value)}"/>`
}

function drawSeries({ kind, shape, points }: Series, { x, y }: Scales): readonly Markup[] {
  // A path that goes nowhere is not drawn
  if (points.every(([time]) => time === points[0]?.[0]))
    return points.map(([time, value]) => html`<circle class="dot ${kind}" cx="${x(time)}" cy="${y(value)}" r="3"/>`)
  const path = points.map(([time, value], i) => {
    if (i === 0) return `M${x(time)} ${y(value)}`
    return shape === 'steps' ? `H${x(time)}V${y(value)}` : `L${x(time)} ${y(value)}`
  })
  return [html`<path class="series ${kind}" d="${path.join('')}"/>`]
}

/** More triangles than these would hide the line they mark. */
const MANY_MARKS = 60

function drawMarks({ marks = [], height }: Chart, { x, y }: Scales): readonly Markup[] {
  const foot = height - frame.bottom
  const size = marks.filter(({ shape }) => shape !== 'foot').length > MANY_MARKS ? 0.5 : 1
  return marks.map(({ kind, shape, point: [time, value], title }) =>
    shape === 'foot'
      ? html`<line class="mark ${kind}" x1="${x(time)}" x2="${x(time)}" y1="${foot - 7}" y2="${foot}"><title>${title}</title></line>`
      : html`<path class="mark ${kind}" d="${triangle(shape, x(time), y(value), size)}"><title>${title}</title></path>`,
  )
}

/** A triangle that points the way the price broke out. */
function triangle(shape: 'down' | 'up', x: number, y: number, size: number): string {
  const [tip, half, height] = [14 * size, 6 * size, 9 * size]
  return shape === 'down'
    ? `M${x} ${round(y + tip)}l${-half} ${-height}h${2 * half}z`
    : `M${x} ${round(y - tip)}l${-half} ${height}h${2 * half}z`
}

/** Labels at the right end of lines and levels, moved apart where they would overlap. */
function endLabels(chart: Chart, y: Scales['y']): readonly Markup[] {
  const SPACING = 15
  const ends = [
    ...chart.series.flatMap(({ label, kind, points }) => points.slice(-1).map(([, value]) => ({ label, kind, value }))),
    ...(chart.levels ?? []),
  ].toSorted((a, b) => b.value - a.value)
  let lowest = Number.NEGATIVE_INFINITY
  const placed = ends.map((end) => {
    lowest = Math.max(y(end.value) + 4, lowest + SPACING)
    return { ...end, at: lowest }
  })
  const foot = chart.height - frame.bottom
  return placed.map(({ label, kind, value, at }, i) => {
    // Above those that still follow, which end at the foot
    const highest = foot - SPACING * (placed.length - 1 - i)
    return html`<text class="end ${kind}" x="${frame.width - frame.right + 8}" y="${round(Math.min(at, highest))}">${label} ${chart.figure(value)}</text>`
  })
}

function legend(chart: Chart): Markup {
  const entries = [
    ...chart.series.map(({ label, kind }) => ({ label, swatch: html`<i class="line ${kind}"></i>` })),
    ...(chart.levels ?? []).map(({ label, kind }) => ({ label, swatch: html`<i class="line dashed ${kind}"></i>` })),
    ...(chart.band === undefined ? [] : [{ label: chart.band.label, swatch: html`<i class="area"></i>` }]),
    ...(chart.markLegend ?? []).map(({ label, kind, shape }) => ({
      label,
      swatch: html`<b class="${kind}">${{ down: '▼', up: '▲', foot: '❙' }[shape]}</b>`,
    })),
  ]
  return html`<span class="legend">${entries.map(({ label, swatch }) => html`<span>${swatch}${label}</span>`)}</span>`
}

const round = (value: number): number => Math.round(value * 10) / 10
