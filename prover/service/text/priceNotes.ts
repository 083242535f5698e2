/** What is said of a price file before anything is computed from it: how it was read, and what is odd about it. */
import type { PriceFile, PriceLayout } from '../../market/prices.ts'
import { defaultPolicy } from '../../parameters/defaultPolicy.ts'

/** Rows that were left out and are named; of more there is the count. */
const SHOWN_ROWS = 10

/** A step of more horizons than this, or of less than one in so many, is far from the horizon. */
const MOST_HORIZONS = 2
const LEAST_PARTS = 30

const DELIMITER_WORDS: Readonly<Record<string, string>> = {
  ',': '',
  '\t': ', delimited by tabs',
  JSON: ', in JSON',
}

/** Lines for people, in whatever order a file needs them. */
export function priceNotes(file: string, { rows, layout, leftOut }: PriceFile): readonly string[] {
  const { above, assumed, barSeconds, stepSeconds } = layout
  const notes = [
    `${rows.length.toLocaleString('en-GB')} rows ${stepWords(stepSeconds)}, ${layout.newestFirst ? 'newest' : 'oldest'} first`,
  ]
  notes.push(columnWords(layout))
  if (above.length > 0) notes.push(`above the header: ${above.map((line) => `"${line}"`).join(', ')}`)
  if (assumed !== undefined) notes.push(`no header, columns taken as ${assumed.join(', ')}`)
  if (barSeconds > 0)
    notes.push(`times are openings: prices count ${seconds(barSeconds)} later (--bar-seconds 0 if not)`)
  const bad = leftOut.slice(0, SHOWN_ROWS).map(({ message }) => `Left out: ${message}`)
  const more = leftOut.length > SHOWN_ROWS ? [`Left out: ${leftOut.length - SHOWN_ROWS} more rows of ${file}.`] : []
  return [`${file}: ${notes.join('; ')}.`, ...bad, ...more, ...horizonNotes(file, stepSeconds)]
}

function columnWords({ time, price, range, delimiter, decimalMark, dateOrder, units }: PriceLayout): string {
  const named = (name: string): string => (name === '' ? 'the first column' : `"${name}"`)
  const columns = [time, price, ...(range ?? [])].map(named).join(', ')
  const order = dateOrder === undefined ? '' : `, dates ${dateOrder}`
  const of = units === 1n ? '' : `, prices of ${units.toLocaleString('en-GB')} units`
  const mark = decimalMark === 'comma' ? ', decimal commas' : ''
  const delimited = DELIMITER_WORDS[delimiter] ?? `, delimited by "${delimiter}"`
  return `${columns}${delimited}${mark}${order}${of}`
}

/** Risk is forecast over the horizon: much coarser rows do not show what happens within it, much finer ones cost proofs. */
function horizonNotes(file: string, stepSeconds: number): readonly string[] {
  const horizon = Number(defaultPolicy.learning.horizonSeconds)
  const of = `predictions are for ${seconds(horizon)}`
  if (stepSeconds > MOST_HORIZONS * horizon) {
    return [
      `Warning: ${file} has a row every ${seconds(stepSeconds)}, ${of}: a move between rows spans ${Math.round(stepSeconds / horizon)} horizons, and margins follow late. Use finer prices.`,
    ]
  }
  if (stepSeconds > 0 && stepSeconds * LEAST_PARTS < horizon) {
    return [
      `Warning: ${file} has a row every ${seconds(stepSeconds)}, ${of}: each row is an observation. Use coarser prices, or gather them (zkrisk models --observe-seconds).`,
    ]
  }
  return []
}

const stepWords = (step: number): string => (step === 0 ? 'without a step' : `every ${seconds(step)}`)
const seconds = (value: number): string => `${value.toLocaleString('en-GB')} s`
