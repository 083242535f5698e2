/** The frontier as pictures: a page for a browser, and a drawing that a document shows. */
import { html, type Markup } from '../../../prover/service/report/markup.ts'
import { page } from '../../../prover/service/report/page.ts'
import { drawPlot, type Plot } from '../../../prover/service/report/plot.ts'
import { valueTicks } from '../../../prover/service/report/ticks.ts'
import { barOf, type RecordedOutcome, type Row } from './frontier.ts'
import { before, type Family, families, noRamp } from './shapes.ts'

type Toll = { readonly forced: number; readonly badDebt: number }

export type Pictured = {
  readonly minutes: readonly Row<Toll>[]
  readonly recorded: readonly Row<RecordedOutcome>[]
  /** Name of the shape that is the default. */
  readonly chosen: string
}

const labels: Readonly<Record<Family, string>> = {
  none: 'no ramp',
  linear: 'points an hour',
  capped: 'points an hour, bounded at once',
  proportional: 'share of the gap',
  floor: 'floor at a share of the move',
  budget: 'budget of positions',
}

/** Classes that give colours on pages, and the same colours where a drawing stands alone. */
const looks: Readonly<Record<Family, readonly [kind: string, colour: string]>> = {
  none: ['down', '#c62f2f'],
  linear: ['maintenance', '#0f6f8f'],
  capped: ['up', '#15803d'],
  proportional: ['fast', '#5a8ed0'],
  floor: ['slow', '#8a56c2'],
  budget: ['initial', '#b85408'],
}

type Dot = { readonly name: string; readonly family: Family; readonly x: number; readonly y: number }
type Panel = {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly dots: readonly Dot[]
  /** A height that the default should be below. */
  readonly bar?: number | undefined
}

function panelsOf({ minutes, recorded }: Pictured): readonly Panel[] {
  const bar = barOf(minutes)
  return [
    {
      title: 'A fall of 40 % in half an hour, seen every minute',
      x: 'forced liquidations, % of positions',
      y: 'bad debt, bp of notional',
      dots: minutes.map(({ shape, outcome }) => ({ ...shape, x: 100 * outcome.forced, y: 10_000 * outcome.badDebt })),
      bar: bar === undefined ? undefined : 10_000 * bar.badDebt,
    },
    {
      title: 'Every recorded crash, as its file recorded it',
      x: 'forced liquidations, % of positions',
      y: 'publications with less than the predicted move in force',
      // A budget was not followed through years.
      dots: recorded
        .filter(({ shape }) => shape.family !== 'budget')
        .map(({ shape, outcome }) => ({ ...shape, x: 100 * outcome.forced, y: outcome.belowMove })),
    },
  ]
}

const figure = (value: number): string => Number(value.toPrecision(3)).toLocaleString('en')

/** A page of its own, with the same plots. */
export function frontierPage(pictured: Pictured): string {
  const plots = panelsOf(pictured).map((panel) => drawPlot(plotOf(panel, pictured.chosen)))
  const body = html`<section id="frontier"><h2>Frontier</h2>${plots}</section>`
  const lead = [
    'Each dot is a shape of the ramp of the maintenance margin; left and low is better. docs/dampers.md says what was supposed.',
    `Circles: the default, ${pictured.chosen}, and the default before, ${before.name}.`,
  ]
  return page('Dampers', lead, [{ id: 'frontier', title: 'Frontier', body }]).markup
}

function plotOf({ title, x, y, dots }: Panel, chosen: string): Plot {
  const series = families.map((family) => ({
    label: labels[family],
    kind: looks[family][0],
    shape: 'dots' as const,
    points: dots.filter((dot) => dot.family === family).map((dot) => [dot.x, dot.y] as const),
  }))
  const pointed = dots.filter(({ name }) => name === chosen || name === before.name)
  const rings = {
    label: 'defaults',
    kind: 'ink',
    shape: 'rings' as const,
    points: pointed.map((dot) => [dot.x, dot.y] as const),
  }
  return {
    title,
    unit: `${x} → ${y}`,
    width: 1000,
    height: 380,
    axis: 'linear',
    xFigure: figure,
    yFigure: figure,
    series: [...series.filter(({ points }) => points.length > 0), rings],
    withZero: true,
  }
}

const WIDTH = 940
const HEIGHT = 400
const FRAME = { left: 70, right: 930, top: 40, bottom: 350 }

/** Both plots under each other, with their own colours, for a document. */
export function frontierSvg(pictured: Pictured): string {
  const panels = panelsOf(pictured)
  const drawn = panels.map(
    (panel, i) => html`<g transform="translate(0 ${i * HEIGHT})">${drawPanel(panel, pictured.chosen)}</g>`,
  )
  const height = panels.length * HEIGHT + 50
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<title>Shapes of the maintenance margin’s ramp</title>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
${drawn}
${drawLegend(height - 34)}
</svg>
`.markup
}

function drawPanel(panel: Panel, chosen: string): Markup {
  const { dots, title, x: xTitle, y: yTitle, bar } = panel
  const xs = dots.map(({ x }) => x)
  const [low, high] = [Math.min(...xs), Math.max(...xs)]
  const most = Math.max(...dots.map(({ y }) => y)) * 1.05
  const x = (value: number): number =>
    round(FRAME.left + 20 + ((value - low) / (high - low)) * (FRAME.right - FRAME.left - 40))
  const y = (value: number): number => round(FRAME.bottom - (value / most) * (FRAME.bottom - FRAME.top))
  const middle = (FRAME.top + FRAME.bottom) / 2
  return html`<text x="${FRAME.left}" y="20" font-size="14" font-weight="600">${title}</text>
${valueTicks(0, most, 5).map(
  (value) => html`<line x1="${FRAME.left}" x2="${FRAME.right}" y1="${y(value)}" y2="${y(value)}" stroke="#e0e4e9"/>
<text x="${FRAME.left - 8}" y="${y(value) + 4}" text-anchor="end" fill="#5c6773">${figure(value)}</text>`,
)}
${valueTicks(low, high, 8).map(
  (value) => html`<line x1="${x(value)}" x2="${x(value)}" y1="${FRAME.top}" y2="${FRAME.bottom}" stroke="#e0e4e9"/>
<text x="${x(value)}" y="${FRAME.bottom + 17}" text-anchor="middle" fill="#5c6773">${figure(value)}</text>`,
)}
<text x="${FRAME.right}" y="${FRAME.bottom + 34}" text-anchor="end" fill="#5c6773">${xTitle}</text>
<text transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle" fill="#5c6773">${yTitle}</text>
${bar === undefined ? [] : drawBar(y(bar))}
${drawLine(dots, x, y)}
${dots.filter(({ family }) => family !== 'linear').map((dot) => drawDot(dot, x(dot.x), y(dot.y)))}
${dots.filter(({ family }) => family === 'linear').map((dot) => drawDot(dot, x(dot.x), y(dot.y)))}
${drawNames(dots, chosen, x, y)}`
}

/** The ramps of all speeds are one curve. */
function drawLine(dots: readonly Dot[], x: (value: number) => number, y: (value: number) => number): Markup {
  const linear = dots.filter(({ family }) => family === 'linear')
  const path = linear.map((dot, i) => `${i === 0 ? 'M' : 'L'}${x(dot.x)} ${y(dot.y)}`)
  return html`<path d="${path.join('')}" fill="none" stroke="${looks.linear[1]}" stroke-width="1.2"/>`
}

const drawBar = (at: number): Markup =>
  html`<line x1="${FRAME.left}" x2="${FRAME.right}" y1="${at}" y2="${at}" stroke="#1c2127" stroke-dasharray="6 4"/>
<text x="${FRAME.left + 6}" y="${at - 6}" fill="#1c2127">half the bad debt of ${before.name}</text>`

const drawDot = ({ name, family }: Dot, x: number, y: number): Markup =>
  html`<circle cx="${x}" cy="${y}" r="4" fill="${looks[family][1]}"><title>${name}</title></circle>`

/** Three dots by name; two that are close have their names above each other. */
function drawNames(
  dots: readonly Dot[],
  chosen: string,
  x: (value: number) => number,
  y: (value: number) => number,
): readonly Markup[] {
  const heightOf = (name: string): number => y(dots.find((dot) => dot.name === name)?.y ?? 0)
  const areClose = Math.abs(heightOf(chosen) - heightOf(noRamp.name)) < 16
  const shifts: Readonly<Record<string, number>> = areClose ? { [chosen]: -12, [noRamp.name]: -26 } : {}
  return dots
    .filter(({ name }) => [chosen, before.name, noRamp.name].includes(name))
    .map(({ name, x: across, y: up }) => {
      const isRight = x(across) > (FRAME.left + FRAME.right) / 2
      const label = name === chosen ? `${name}, the default` : name
      const at = y(up) + (shifts[name] ?? (name === before.name ? -14 : 4))
      return html`<circle cx="${x(across)}" cy="${y(up)}" r="7" fill="none" stroke="#1c2127"/>
<text x="${x(across) + (isRight ? -14 : 0)}" y="${at}" text-anchor="${isRight ? 'end' : 'start'}" fill="#1c2127">${label}</text>`
    })
}

/** Two rows of names. */
function drawLegend(at: number): readonly Markup[] {
  const COLUMNS = 3
  return families.map((family, i) => {
    const [left, foot] = [FRAME.left + 6 + (i % COLUMNS) * 260, at + 20 * Math.floor(i / COLUMNS)]
    return html`<circle cx="${left}" cy="${foot - 4}" r="4" fill="${looks[family][1]}"/>
<text x="${left + 10}" y="${foot}">${labels[family]}</text>`
  })
}

const round = (value: number): number => Math.round(value * 10) / 10
