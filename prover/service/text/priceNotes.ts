/** What is said of a price file before anything is computed from it: how it was read, and what is odd about it. */
import { isOneUnit, unitsText, unitsWords } from '../../market/priceScale.ts'
import type { PriceFile, PriceLayout } from '../../market/prices.ts'
import { isoTime } from './figures.ts'

/** Rows that were left out and are named; of more there is the count. */
const SHOWN_ROWS = 10

/** A step of less than one in so many of the horizon is far from it. */
const LEAST_PARTS = 30

const DELIMITER_WORDS: Readonly<Record<string, string>> = {
  ',': '',
  '\t': ', delimited by tabs',
  JSON: ', in JSON',
}

/** Lines for people, in whatever order a file needs them. */
export function priceNotes(file: string, { rows, layout, leftOut }: PriceFile, now: bigint): readonly string[] {
  const { above, assumed, barSeconds, stepSeconds } = layout
  const notes = [
    `${rows.length.toLocaleString('en-GB')} rows ${stepWords(stepSeconds)}, ${layout.newestFirst ? 'newest' : 'oldest'} first`,
  ]
  notes.push(columnWords(layout))
  if (above.length > 0) notes.push(`above the header: ${above.map((line) => `"${line}"`).join(', ')}`)
  if (assumed !== undefined) notes.push(`no header, columns taken as ${assumed.join(', ')}`)
  if (layout.unfinished > 0)
    notes.push(
      `${layout.unfinished} ${layout.unfinished === 1 ? 'bar that is' : 'bars that are'} not over yet left out`,
    )
  if (barSeconds > 0)
    notes.push(`times are openings: prices count ${seconds(barSeconds)} later (--bar-seconds 0 if not)`)
  const bad = leftOut.slice(0, SHOWN_ROWS).map(({ message }) => `Left out: ${message}`)
  const more = leftOut.length > SHOWN_ROWS ? [`Left out: ${leftOut.length - SHOWN_ROWS} more rows of ${file}.`] : []
  return [
    `${file}: ${notes.join('; ')}.`,
    ...unpairedWords(file, layout),
    ...bad,
    ...more,
    ...aheadWords(file, rows, now),
  ]
}

/** A file of bars that is read as one of closes, for want of one column. */
function unpairedWords(file: string, { unpaired }: PriceLayout): readonly string[] {
  if (unpaired === undefined) return []
  const other = unpaired.role === 'low' ? 'high' : 'low'
  return [
    `Warning: ${file}: "${unpaired.name}" is taken for the ${unpaired.role}s, no column for the ${other}s: closes alone are read. Name the other with --${other}-column.`,
  ]
}

/** Prices of times that are still to come: a date that was read the wrong way round, or another calendar. */
function aheadWords(file: string, rows: PriceFile['rows'], now: bigint): readonly string[] {
  const ahead = rows.filter(({ asOf }) => asOf > now)
  const [first] = ahead
  if (first === undefined) return []
  const count = `${ahead.length.toLocaleString('en-GB')} of ${rows.length.toLocaleString('en-GB')} rows`
  return [
    `Warning: ${file}: ${count} are ahead of now, ${isoTime(now)}, from ${isoTime(first.asOf)} on. --to leaves them out.`,
  ]
}

function columnWords({ time, price, range, delimiter, decimalMark, dateOrder, units }: PriceLayout): string {
  const named = (name: string): string => (name === '' ? 'the first column' : `"${name}"`)
  const columns = [time, price, ...(range ?? [])].map(named).join(', ')
  const order = dateOrder === undefined ? '' : `, dates ${dateOrder}`
  const of = isOneUnit(units) ? '' : `, held as prices of ${unitsWords(units)} (--price-units ${unitsText(units)})`
  const mark = decimalMark === 'comma' ? ', decimal commas' : ''
  const delimited = DELIMITER_WORDS[delimiter] ?? `, delimited by "${delimiter}"`
  return `${columns}${delimited}${mark}${order}${of}`
}

/**
 * Predictions are for a horizon: rows further apart do not show what happens within it, much closer ones cost proofs.
 *
 * @param name - of the history
 */
export function spacingNotes(name: string, stepSeconds: number, horizonSeconds: number): readonly string[] {
  const of = `Warning: ${name} has a row every ${seconds(stepSeconds)}, predictions are for ${seconds(horizonSeconds)}`
  if (stepSeconds > horizonSeconds) {
    const horizons = Number((stepSeconds / horizonSeconds).toFixed(1))
    return [
      `${of}: a move between rows spans ${horizons} horizons, each prediction is tried ${seconds(stepSeconds)} later, which only the multiplier learns, and margins follow late. Use finer prices.`,
    ]
  }
  if (stepSeconds > 0 && stepSeconds * LEAST_PARTS < horizonSeconds) {
    return [`${of}: each row is an observation. Use coarser prices, about a horizon apart.`]
  }
  return []
}

const stepWords = (step: number): string => (step === 0 ? 'without a step' : `every ${seconds(step)}`)
const seconds = (value: number): string => `${value.toLocaleString('en-GB')} s`
