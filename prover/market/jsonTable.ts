/** Tables in JSON as exchanges answer with them: lists of rows, lists of objects, or a list a column. */
import type { Line } from './delimited.ts'

/** An answer wraps its table in no more objects than this. */
const DEEPEST = 4

/**
 * Rows of the first table in a JSON text, with a header where it names its columns; `row` counts its entries from 1. Figures are
 * written as shortest they can be read back.
 *
 * @returns undefined if the text is no JSON, nor has any a line; no rows if it holds no table
 */
export function jsonLines(text: string): readonly Line[] | undefined {
  try {
    return tableIn(JSON.parse(text), '', DEEPEST) ?? []
  } catch {
    return lineByLine(text)
  }
}

/** An entry a line, as recorders write it (NDJSON); undefined if a line is something else. */
function lineByLine(text: string): readonly Line[] | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    const entries = text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [JSON.parse(line) as unknown]))
    return entries.length > 1 ? tableIn(entries, '', DEEPEST) : undefined
  } catch {
    return undefined
  }
}

type JsonObject = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)
const isCell = (value: unknown): boolean => value === null || ['string', 'number', 'boolean'].includes(typeof value)
const cellOf = (value: unknown): string => (isCell(value) && value !== null ? String(value) : '')

/** @param name - of the entry that holds the value */
function tableIn(value: unknown, name: string, depth: number): readonly Line[] | undefined {
  if (isList(value)) return listed(value, name)
  if (!isObject(value) || depth === 0) return undefined
  const columns = Object.entries(value).filter((entry): entry is [string, readonly unknown[]] => isColumn(entry[1]))
  if (columns.length > 1) {
    const count = Math.max(...columns.map(([, cells]) => cells.length))
    const rows = Array.from({ length: count }, (_, i) => columns.map(([, cells]) => cellOf(cells[i])))
    return numbered(
      rows,
      columns.map(([header]) => header),
    )
  }
  for (const [inner, part] of Object.entries(value)) {
    const table = tableIn(part, inner, depth - 1)
    if (table !== undefined) return table
  }
  return undefined
}

const isColumn = (value: unknown): boolean => isList(value) && value.length > 0 && value.every(isCell)

function listed(entries: readonly unknown[], name: string): readonly Line[] | undefined {
  if (entries.length === 0) return undefined
  if (entries.every(isList)) {
    const rows = entries.map((cells) => cells.map(cellOf))
    // A series of points says by its name what it is a series of: `prices`
    const isSeries = name !== '' && rows.every(({ length }) => length === 2)
    return numbered(rows, isSeries ? ['time', name.replace(/s$/, '')] : undefined)
  }
  if (!entries.every(isObject)) return undefined
  const header = [...new Set(entries.flatMap((entry) => Object.keys(entry)))]
  return numbered(
    entries.map((entry) => header.map((each) => cellOf(entry[each]))),
    header,
  )
}

function numbered(rows: readonly (readonly string[])[], header: readonly string[] | undefined): readonly Line[] {
  const lines = rows.map((cells, i) => ({ row: i + 1, cells }))
  return header === undefined ? lines : [{ row: 0, cells: header }, ...lines]
}
