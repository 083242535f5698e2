/** Plots over any axis: strikes, spot. Charts over time are in chart.ts. */
import type { Markup } from './markup.ts'
import { html } from './markup.ts'
import { valueTicks } from './ticks.ts'

export type PlotPoint = readonly [x: number, y: number]

export type PlotSeries = {
  readonly label: string
  /** Class that gives the colour. */
  readonly kind: string
  readonly shape: 'line' | 'dots' | 'rings'
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

const LEFT = 64
const RIGHT = 14
const TOP = 10
const BOTTOM = 26

type Scales = { readonly x: (value: number) => number; readonly y: (value: number) => number }
type Range = readonly [low: number, high: number]

/** One plot with title, legend and axes. */
export function drawPlot(plot: Plot): Markup {
  const [xs, ys] = [rangeOf(plot, 0), valueRange(plot)]
  const scales = scalesOf(plot, xs, ys)
  return html`<figure class="chart">
<figcaption><span class="chart-title">${plot.title}</span> <span class="unit">${plot.unit}</span>${legend(plot)}</figcaption>
<svg viewBox="0 0 ${plot.width} ${plot.height}" role="img" aria-label="${plot.title}">
${valueAxis(plot, ys, scales)}${argumentAxis(plot, xs, scales)}
${(plot.lines ?? []).map((line) => drawLine(line, plot, scales))}
${plot.series.flatMap((series) => drawSeries(series, scales))}
</svg>
</figure>
`
}

function rangeOf({ series, lines = [] }: Plot, axis: 0 | 1): Range {
  const values = series.flatMap(({ points }) => points.map((point) => point[axis]))
  if (axis === 0) values.push(...lines.map(({ x }) => x))
  const [low, high] = values.reduce<Range>(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  )
  return [low, high > low ? high : low + (Math.abs(low) || 1) * 0.01]
}

function valueRange(plot: Plot): Range {
  const [low, high] = rangeOf(plot, 1)
  const [least, most] = plot.withZero === true ? [Math.min(0, low), Math.max(0, high)] : [low, high]
  const margin = (most - least) * 0.07
  return [least === 0 ? 0 : least - margin, most === 0 ? 0 : most + margin]
}

function scalesOf({ width, height, axis }: Plot, [left, right]: Range, [low, high]: Range): Scales {
  const along = axis === 'logarithmic' ? Math.log : (value: number) => value
  const inner = { width: width - LEFT - RIGHT - 12, height: height - TOP - BOTTOM }
  return {
    x: (value) => round(LEFT + 6 + ((along(value) - along(left)) / (along(right) - along(left))) * inner.width),
    y: (value) => round(TOP + ((high - value) / (high - low)) * inner.height),
  }
}

function valueAxis({ width, height, yFigure }: Plot, [low, high]: Range, { y }: Scales): readonly Markup[] {
  return valueTicks(low, high, Math.max(3, Math.round(height / 55))).map(
    (
      value,
    ) => html`<line class="${Math.abs(value) < 1e-12 * (high - low) ? 'grid major' : 'grid'}" x1="${LEFT}" x2="${width - RIGHT}" y1="${y(value)}" y2="${y(value)}"/>
<text class="tick" x="${LEFT - 8}" y="${y(value) + 4}" text-anchor="end">${yFigure(value)}</text>`,
  )
}

/** Round values along the axis, as many as have room beside each other. */
function argumentAxis(plot: Plot, [left, right]: Range, { x }: Scales): readonly Markup[] {
  const { width, height, axis, xFigure } = plot
  const SPACING = 70
  const candidates =
    axis === 'logarithmic' ? logarithmicTicks(left, right) : valueTicks(left, right, Math.round(width / 110))
  let last = Number.NEGATIVE_INFINITY
  return candidates.flatMap((value) => {
    const at = x(value)
    if (at - last < SPACING) return []
    last = at
    return html`<line class="grid" x1="${at}" x2="${at}" y1="${TOP}" y2="${height - BOTTOM}"/>
<text class="tick" x="${at}" y="${height - BOTTOM + 17}" text-anchor="middle">${xFigure(value)}</text>`
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
  if (shape === 'line') {
    const path = points.map(([at, value], i) => `${i === 0 ? 'M' : 'L'}${x(at)} ${y(value)}`)
    return [html`<path class="series ${kind}" d="${path.join('')}"/>`]
  }
  const style = shape === 'rings' ? 'ring' : 'dot'
  return points.map(
    ([at, value]) =>
      html`<circle class="${style} ${kind}" cx="${x(at)}" cy="${y(value)}" r="${shape === 'rings' ? 3.2 : 2.4}"/>`,
  )
}

function drawLine({ label, kind, x: at }: PlotLine, { height, width }: Plot, { x }: Scales): Markup {
  const isRight = x(at) > width * 0.8
  return html`<line class="level ${kind}" x1="${x(at)}" x2="${x(at)}" y1="${TOP}" y2="${height - BOTTOM}"/>
<text class="end ${kind}" x="${x(at) + (isRight ? -5 : 5)}" y="${TOP + 10}" text-anchor="${isRight ? 'end' : 'start'}">${label}</text>`
}

function legend({ series }: Plot): Markup {
  if (series.length < 2) return html``
  return html`<span class="legend">${series.map(({ label, kind, shape }) =>
    shape === 'line'
      ? html`<span><i class="line ${kind}"></i>${label}</span>`
      : html`<span><b class="${kind}">${shape === 'rings' ? '○' : '●'}</b>${label}</span>`,
  )}</span>`
}

const round = (value: number): number => Math.round(value * 10) / 10
