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

/** One heat map as a table whose row names stay in view; it begins at the cell that binds. */
export function drawHeatMap({ title, unit, columns, rows, cells, most }: HeatMap): Markup {
  const marked = Math.max(...cells.map((row) => row.findIndex((cell) => cell?.isMarked === true)))
  const show = marked < 0 ? 0 : (marked + 1.5) / (columns.length + 1)
  return html`<figure class="chart">
<figcaption><span class="chart-title">${title}</span> <span class="unit">${unit}</span>
<span class="legend"><span><b class="down">■</b>loss</span><span><b class="up">■</b>gain</span><span><b>▣</b>worst</span></span></figcaption>
<div class="scroll" role="group" tabindex="0" aria-label="${title}" data-show="${show.toFixed(3)}"><table class="heat"><thead><tr><td></td>${columns.map((label) => html`<th scope="col">${label}</th>`)}</tr></thead><tbody>
${rows.map(
  (label, r) => html`<tr><th scope="row">${label}</th>${(cells[r] ?? []).map((cell) => drawCell(cell, most))}</tr>
`,
)}</tbody></table></div>
</figure>
`
}

function drawCell(cell: HeatCell | undefined, most: number): Markup {
  if (cell === undefined) return html`<td class="empty"></td>`
  // Square roots keep small losses visible beside large ones; more than half would swallow the figure
  const strength = (6 + 44 * Math.sqrt(Math.abs(cell.value) / most)).toFixed(1)
  const kind = `${cell.value < 0 ? 'loss' : 'gain'}${cell.isMarked ? ' worst' : ''}`
  return html`<td class="${kind}" style="--strength:${strength}%" title="${cell.title}">${cell.figure}</td>`
}
