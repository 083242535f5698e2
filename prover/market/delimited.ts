/** Delimited text as people have it: one delimiter a file, which its header shows, and lines above the header. */
import { CsvError, parse } from 'csv-parse/sync'
import { ProverError } from '../errors.ts'

/** One row; `row` is the line of the file at which it ends, from 1. */
export type Line = { readonly row: number; readonly cells: readonly string[] }

export type DelimitedText = {
  readonly delimiter: string
  /** Lines above the header that say something else: an address, a comment, a title. */
  readonly above: readonly string[]
  /** The header, if the text has one, and every row below it. */
  readonly lines: readonly Line[]
}

/** By preference where two cut a line equally often: the comma is the one that also stands within numbers. */
const DELIMITERS = ['\t', ';', '|', ','] as const

/** A header stands this high in a file, or there is none. */
const LINES_SEARCHED = 20

/** What no header begins with: comments, addresses, and the line that tells Excel the delimiter. */
const NO_HEADER = /^(?:#|\/\/|"?https?:\/\/|"?www\.|sep=)/i

/**
 * Splits text at the delimiter that its header is written with.
 *
 * @param isHeader - whether a line's cells have the columns that are wanted; the first such line is the header. Where there is
 *   none it is the first line that is no comment or address, cut at the delimiter that cuts it most
 * @param isData - whether a line's cells are those of a row: above a header there is none
 * @throws {@link DelimitedTextError} if the text cannot be cut, for instance because a quote is never closed
 */
export function splitDelimited(
  text: string,
  isHeader: (cells: readonly string[]) => boolean,
  isData: (cells: readonly string[]) => boolean,
): DelimitedText {
  const candidates = firstLines(text)
  const cuts = candidates.map(({ content }) => DELIMITERS.map((delimiter) => cut(content, delimiter)))
  const isRow = (at: number): boolean => cuts[at]?.some(isData) === true
  const found = cuts.findIndex((ways, at) => ways.some(isHeader) && !candidates.slice(0, at).some((_, i) => isRow(i)))
  const at = found >= 0 ? found : candidates.findIndex(({ content }) => !NO_HEADER.test(content))
  const start = candidates[at]
  if (start === undefined) return { delimiter: ',', above: [], lines: [] }
  const ways = cuts[at] ?? []
  const wanted = ways.filter(found >= 0 ? isHeader : isData)
  const most = (wanted.length > 0 ? wanted : ways).reduce((a, b) => (b.length > a.length ? b : a), [])
  const delimiter = DELIMITERS[ways.indexOf(most)] ?? ','
  return {
    delimiter,
    above: candidates.slice(0, at).map(({ content }) => content),
    lines: linesOf(text.slice(start.offset), start.row - 1, delimiter),
  }
}

type Candidate = { readonly row: number; readonly offset: number; readonly content: string }

/** The first lines that are not blank, with their places. */
function firstLines(text: string): readonly Candidate[] {
  const lines: Candidate[] = []
  let offset = text.startsWith('\uFEFF') ? 1 : 0
  for (let row = 1; lines.length < LINES_SEARCHED && offset < text.length; row++) {
    const next = text.indexOf('\n', offset)
    const end = next < 0 ? text.length : next
    const content = text.slice(offset, end).trim()
    if (content !== '') lines.push({ row, offset, content })
    offset = end + 1
  }
  return lines
}

/** One line as a delimiter cuts it; a line that it cannot cut is one cell. */
function cut(content: string, delimiter: string): readonly string[] {
  try {
    const [cells] = parse(content, { delimiter, relax_column_count: true, trim: true }) as readonly string[][]
    return cells ?? []
  } catch {
    return [content]
  }
}

function linesOf(text: string, rowsAbove: number, delimiter: string): readonly Line[] {
  try {
    // The types of csv-parse do not know that `info` wraps every record
    const records = parse(text, {
      delimiter,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as readonly { readonly record: string[]; readonly info: { readonly lines: number } }[]
    return records.map(({ record, info }) => ({ row: rowsAbove + info.lines, cells: record }))
  } catch (cause) {
    if (cause instanceof CsvError) throw new DelimitedTextError(rowsAbove + Number(cause.lines ?? 0), cause)
    throw cause
  }
}

/** Cells of a row beyond its header; empty ones at the end say nothing. */
export function surplusCells(cells: readonly string[], columns: number): readonly string[] {
  return cells.slice(columns).filter((cell) => cell !== '')
}

/** The text cannot be cut into cells. */
export class DelimitedTextError extends ProverError {
  readonly code = 'market.delimited-text'
  readonly row: number

  constructor(row: number, cause: CsvError) {
    const isOpen = /quote/i.test(cause.code)
    super(
      `expected cells between delimiters in row ${row}, got ${isOpen ? 'a quote that is not closed, or text beside a quoted cell' : 'text that cannot be cut'}.`,
      {
        cause,
      },
    )
    this.row = row
  }
}
