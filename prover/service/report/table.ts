import type { Markup } from './markup.ts'
import { html } from './markup.ts'

/** What a cell says; with a class where it has a colour or a width of its own. */
export type Cell = string | number | Markup | { readonly content: string | number | Markup; readonly kind: string }

/** A row; with the words that a filter of the page finds it by. */
export type Row = readonly Cell[] | { readonly words: string; readonly cells: readonly Cell[] }

/**
 * A table that scrolls by itself where it is wider than its place, so that a page never does.
 *
 * @param caption - for those who hear it
 * @param headings - the first names what a row is of
 */
export function table(
  caption: string,
  headings: readonly Cell[],
  rows: readonly Row[],
  { foot = [] }: { readonly foot?: readonly Row[] } = {},
): Markup {
  return html`<div class="scroll" role="group" tabindex="0" aria-label="${caption}"><table><thead><tr>${headings.map((heading) => cellOf(heading, 'th'))}</tr></thead><tbody>
${rows.map(rowOf)}</tbody>${foot.length === 0 ? [] : html`<tfoot>${foot.map(rowOf)}</tfoot>`}</table></div>
`
}

const rowOf = (row: Row): Markup =>
  'words' in row
    ? html`<tr data-words="${row.words}">${row.cells.map((cell) => cellOf(cell, 'td'))}</tr>
`
    : html`<tr>${row.map((cell) => cellOf(cell, 'td'))}</tr>
`

function cellOf(cell: Cell, tag: 'td' | 'th'): Markup {
  const name = { markup: tag }
  if (typeof cell === 'object' && 'kind' in cell) return html`<${name} class="${cell.kind}">${cell.content}</${name}>`
  return html`<${name}>${cell}</${name}>`
}
