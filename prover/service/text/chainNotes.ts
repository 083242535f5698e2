/** What is said of rows of a chain file that were refused. */
import type { QuoteRefusedError } from '../../options/chain.ts'

/** Rows that are named; of more there is the count. */
const SHOWN_ROWS = 10

/** A line a row, and how many more there are by code. */
export function refusalLines(refused: readonly QuoteRefusedError[]): readonly string[] {
  const rest = Map.groupBy(refused.slice(SHOWN_ROWS), ({ code }) => code)
  const counts = [...rest].map(([code, rows]) => `${rows.length} ${code}`).join(', ')
  const lines = refused.slice(0, SHOWN_ROWS).map(({ reason, code }) => `Refused: ${reason} [${code}]`)
  return counts === '' ? lines : [...lines, `Refused besides: ${counts}; --json lists all.`]
}

export const refusalsJson = (refused: readonly QuoteRefusedError[]): readonly object[] =>
  refused.map(({ code, row, instrument, value, reason }) => ({ code, row, instrument, value, reason }))
