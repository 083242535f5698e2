import type { Markup } from './markup.ts'
import { html } from './markup.ts'

/** Gains and losses on a grid. */
export type HeatMap = {
  readonly title: string
  readonly unit: string
  readonly columns: readonly string[]
  readonly rows: readonly string[]
  /** By row, then column; undefined where the grid has nothing. */
  readonly cells: readonly (readonly (HeatCell | undefined)[])[]
  /** Amount that is drawn darkest. */
  readonly most: number
}

export type HeatCell = {
  readonly value: number
  readonly figure: string
  readonly title: string
  /** The cell that binds. */
  readonly isMarked: boolean
}

const WIDTH = 1000
const LEFT = 150
const TOP = 30
const CELL_HEIGHT = 44

/** One heat map with its rows and columns named. */
export function drawHeatMap({ title, unit, columns, rows, cells, most }: HeatMap): Markup {
  const width = (WIDTH - LEFT) / columns.length
  const height = TOP + rows.length * CELL_HEIGHT + 4
  return html`<figure class="chart">
<figcaption><span class="chart-title">${title}</span> <span class="unit">${unit}</span>
<span class="legend"><span><b class="down">■</b>loss</span><span><b class="up">■</b>gain</span><span><b>▣</b>worst</span></span></figcaption>
<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">
${columns.map((label, c) => html`<text class="tick" x="${center(c, width)}" y="${TOP - 10}" text-anchor="middle">${label}</text>`)}
${rows.map((label, r) => html`<text class="tick" x="${LEFT - 10}" y="${TOP + r * CELL_HEIGHT + CELL_HEIGHT / 2 + 4}" text-anchor="end">${label}</text>`)}
${cells.flatMap((row, r) => row.map((cell, c) => drawCell(cell, { x: LEFT + c * width, y: TOP + r * CELL_HEIGHT, width }, most)))}
</svg>
</figure>
`
}

const center = (column: number, width: number): number => Math.round(LEFT + (column + 0.5) * width)

type Place = { readonly x: number; readonly y: number; readonly width: number }

function drawCell(cell: HeatCell | undefined, { x, y, width }: Place, most: number): Markup {
  const box = `x="${(x + 1).toFixed(1)}" y="${y + 1}" width="${(width - 2).toFixed(1)}" height="${CELL_HEIGHT - 2}"`
  if (cell === undefined) return html`<rect class="empty-cell" ${{ markup: box }}/>`
  // Square roots keep small losses visible beside large ones
  const strength = (0.08 + 0.8 * Math.sqrt(Math.abs(cell.value) / most)).toFixed(3)
  return html`<g><title>${cell.title}</title><rect class="${cell.value < 0 ? 'cell down' : 'cell up'}" fill-opacity="${strength}" ${{ markup: box }}/>
${cell.isMarked ? html`<rect class="worst-cell" ${{ markup: box }}/>` : html``}
<text class="cell-figure" x="${(x + width / 2).toFixed(1)}" y="${y + CELL_HEIGHT / 2 + 4}" text-anchor="middle">${cell.figure}</text></g>`
}
