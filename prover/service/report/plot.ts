/** Plots over any axis: strikes, spot. Charts over time are in chart.ts. */
import type { Markup } from './markup.ts'
import { html } from './markup.ts'
import { valueTicks, widened } from './ticks.ts'

export type PlotPoint = readonly [x: number, y: number]

export type PlotSeries = {
  readonly label: string
  /** Class that gives the colour. */
  readonly kind: string
  readonly shape: 'line' | 'dots' | 'rings' | 'bars'
  readonly points: readonly PlotPoint[]
}

/** A vertical line across the plot. */
export type PlotLine = { readonly label: string; readonly kind: string; readonly x: number }

export type Plot = {
  readonly title: string
  readonly unit: string
  readonly width: number
  readonly height: number
  /** Strikes are spaced by their ratio. */
  readonly axis: 'linear' | 'logarithmic'
  readonly xFigure: (value: number) => string
  readonly yFigure: (value: number) => string
  readonly series: readonly PlotSeries[]
  readonly lines?: readonly PlotLine[]
  /** Show zero on the value axis. */
  readonly withZero?: boolean
}

const RIGHT = 14
const TOP = 10
const BOTTOM = 26
/** Of a plot on a narrow screen, whose letters are as large as on a wide one. */
const NARROW = 400
/** Room for a digit or a minus sign on a narrow screen. */
const LETTER = 8.4

type Scales = {
  readonly x: (value: number) => number
  readonly y: (value: number) => number
  /** Room for the figures of the value axis. */
  readonly left: number
}
type Range = readonly [low: number, high: number]

/** One plot with title, legend and axes; a wide one also as it is drawn on a narrow screen. */
export function drawPlot(plot: Plot): Markup {
  const isWide = plot.width > NARROW
  return html`<figure class="chart plot">
<figcaption><span class="chart-title">${plot.title}</span> <span class="unit">${plot.unit}</span>${legend(plot)}</figcaption>
${isWide ? drawSized(plot, 'wide-screen') : []}
${drawSized({ ...plot, width: Math.min(plot.width, NARROW) }, isWide ? 'narrow narrow-screen' : 'narrow')}
</figure>
`
}

function drawSized(plot: Plot, kind: string): readonly Markup[] {
  const [xs, ys] = [rangeOf(plot, 0), valueRange(plot)]
  const scales = scalesOf(plot, xs, ys)
  return [
    html`<svg class="${kind}" viewBox="0 0 ${plot.width} ${plot.height}" role="img" aria-label="${plot.title}">
${valueAxis(plot, ys, scales)}${argumentAxis(plot, xs, scales)}
${(plot.lines ?? []).map((line, i) => drawLine(line, TOP + 10 + 14 * i, plot, scales))}
${plot.series.flatMap((series) => drawSeries(series, scales))}
</svg>`,
  ]
}

function rangeOf({ series, lines = [] }: Plot, axis: 0 | 1): Range {
  const values = series.flatMap(({ points }) => points.map((point) => point[axis]))
  if (axis === 0) values.push(...lines.map(({ x }) => x))
  const [low, high] = values.reduce<Range>(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  )
  return widened(low, high, (Math.abs(low) || 1) * 0.01)
}

function valueRange(plot: Plot): Range {
  const [low, high] = rangeOf(plot, 1)
  const [least, most] = plot.withZero === true ? [Math.min(0, low), Math.max(0, high)] : [low, high]
  const margin = (most - least) * 0.07
  return [least === 0 ? 0 : least - margin, most === 0 ? 0 : most + margin]
}

function scalesOf(plot: Plot, [left, right]: Range, [low, high]: Range): Scales {
  const { width, height, axis } = plot
  const figures = ticksOf(plot, [low, high]).map((value) => plot.yFigure(value).length)
  const room = 14 + LETTER * Math.max(3, ...figures)
  const along = axis === 'logarithmic' ? Math.log : (value: number) => value
  const inner = { width: width - room - RIGHT - 12, height: height - TOP - BOTTOM }
  return {
    x: (value) => round(room + 6 + ((along(value) - along(left)) / (along(right) - along(left))) * inner.width),
    left: room,
    y: (value) => round(TOP + ((high - value) / (high - low)) * inner.height),
  }
}

const ticksOf = ({ height }: Plot, [low, high]: Range): readonly number[] =>
  valueTicks(low, high, Math.max(3, Math.round(height / 55)))

function valueAxis(plot: Plot, range: Range, { y, left }: Scales): readonly Markup[] {
  const { width, yFigure } = plot
  const [low, high] = range
  return ticksOf(plot, range).map(
    (
      value,
    ) => html`<line class="${Math.abs(value) < 1e-12 * (high - low) ? 'grid major' : 'grid'}" x1="${left}" x2="${width - RIGHT}" y1="${y(value)}" y2="${y(value)}"/>
<text class="tick" x="${left - 8}" y="${y(value) + 4}" text-anchor="end">${yFigure(value)}</text>`,
  )
}

/** Round values along the axis, as many as have room beside each other. */
function argumentAxis(plot: Plot, [left, right]: Range, { x }: Scales): readonly Markup[] {
  const { width, height, axis, xFigure } = plot
  const candidates =
    axis === 'logarithmic' ? logarithmicTicks(left, right) : valueTicks(left, right, Math.round(width / 110))
  let last = Number.NEGATIVE_INFINITY
  return candidates.flatMap((value) => {
    const at = x(value)
    const half = (LETTER * xFigure(value).length) / 2
    if (at - last < Math.max(70, 2 * half + LETTER)) return []
    last = at
    return html`<line class="grid" x1="${at}" x2="${at}" y1="${TOP}" y2="${height - BOTTOM}"/>
<text class="tick" x="${round(Math.min(at, width - half))}" y="${height - BOTTOM + 17}" text-anchor="middle">${xFigure(value)}</text>`
  })
}

/** 1, 1.5, 2, 3, 5 and 7 times powers of ten, and round values between where the range is narrow. */
function logarithmicTicks(left: number, right: number): readonly number[] {
  if (right / left < 4) return valueTicks(left, right, 8)
  const powers = Array.from({ length: 12 }, (_, i) => 10 ** (i - 2))
  return powers
    .flatMap((power) => [1, 1.5, 2, 3, 5, 7].map((factor) => factor * power))
    .filter((each) => left <= each && each <= right)
}

function drawSeries({ kind, shape, points }: PlotSeries, { x, y }: Scales): readonly Markup[] {
  // A path that goes nowhere is not drawn
  if (shape === 'line' && points.length > 1) {
    const path = points.map(([at, value], i) => `${i === 0 ? 'M' : 'L'}${x(at)} ${y(value)}`)
    return [html`<path class="series ${kind}" d="${path.join('')}"/>`]
  }
  if (shape === 'bars') {
    // Side by side: calls to the right of their strike, puts to the left
    const shift = kind === 'up' ? 2 : -2
    return points
      .filter(([, value]) => value > 0)
      .map(
        ([at, value]) =>
          html`<line class="column ${kind}" x1="${x(at) + shift}" x2="${x(at) + shift}" y1="${y(0)}" y2="${y(value)}"/>`,
      )
  }
  const style = shape === 'rings' ? 'ring' : 'dot'
  return points.map(
    ([at, value]) =>
      html`<circle class="${style} ${kind}" cx="${x(at)}" cy="${y(value)}" r="${shape === 'rings' ? 3.2 : 2.4}"/>`,
  )
}

function drawLine({ label, kind, x: at }: PlotLine, labelY: number, { height, width }: Plot, { x }: Scales): Markup {
  const isRight = x(at) > width * 0.8
  return html`<line class="level ${kind}" x1="${x(at)}" x2="${x(at)}" y1="${TOP}" y2="${height - BOTTOM}"/>
<text class="end ${kind}" x="${x(at) + (isRight ? -5 : 5)}" y="${labelY}" text-anchor="${isRight ? 'end' : 'start'}">${label}</text>`
}

function legend({ series }: Plot): Markup {
  if (series.length < 2) return html``
  return html`<span class="legend">${series.map(({ label, kind, shape }) =>
    shape === 'line'
      ? html`<span><i class="line ${kind}"></i>${label}</span>`
      : html`<span><b class="${kind}">${{ rings: '○', dots: '●', bars: '▮' }[shape]}</b>${label}</span>`,
  )}</span>`
}

const round = (value: number): number => Math.round(value * 10) / 10
