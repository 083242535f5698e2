import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { CsvError, parse } from 'csv-parse/sync'
import type { Fields } from '../../circuits/statements/index.ts'
import { words } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import { divDown, divUp } from '../math/index.ts'
import { rangeCodeUp } from './range.ts'
import { parseDecimal, scaleDecimal } from './decimal.ts'
import { parseTime } from './time.ts'

/** One observation of a market; the implied volatility is 0 where none is attested. */
export type PriceRow = Fields<'observation'>

/** A price with the lowest and highest since the row before; absent where a file has closes only. */
export type PriceBar = PriceRow & { readonly lowE8?: bigint; readonly highE8?: bigint }

export type PriceOptions = {
  /** Header of the time column; by default the first of {@link TIME_COLUMNS} present, else a first column without name. */
  readonly timeColumn?: string | undefined
  /** Header of the price column; by default the first of {@link PRICE_COLUMNS} present. */
  readonly priceColumn?: string | undefined
  /** Header of a column of implied volatilities (fractions: 0.65 = 65 %); an empty cell means none is attested. */
  readonly impliedVolatilityColumn?: string | undefined
  /** Length of a bar whose time is its opening: its close is known this much later. Default 0: times are as stated. */
  readonly barSeconds?: number | undefined
  /** The file runs from the newest row to the oldest. */
  readonly newestFirst?: boolean | undefined
  /** Longest time without a price; default {@link GAP_SPACINGS} median spacings. */
  readonly maxGapSeconds?: number | undefined
  /** First time to keep, unix seconds, inclusive. */
  readonly from?: bigint | undefined
  /** Last time to keep, unix seconds, exclusive. */
  readonly to?: bigint | undefined
  /** Round prices with more than 8 decimals to the nearest 1e-8 instead of refusing them. */
  readonly roundPrices?: boolean | undefined
}

/** Headers taken for the time, by preference; case does not matter. */
const TIME_COLUMNS = ['asof', 'timestamp', 'time', 'datetime', 'date', 'open_time', 'unix']

/** Headers taken for the lowest and highest price of a row; a file has both or neither. */
const RANGE_COLUMNS = { low: 'low', high: 'high' } as const

/** Headers taken for the price, by preference; case does not matter. */
const PRICE_COLUMNS = ['price', 'close']

/** A file may pause for this many of its median spacings. */
export const GAP_SPACINGS = 6

const E8 = 10n ** 8n
const X16 = 1n << 16n
const MORE_THAN_ANY_PRICE = 1n << 64n
const bitsOf = (name: keyof PriceRow): number =>
  words.observation.fields.find((field) => field.name === name)?.bits ?? 0

/**
 * Prices of one market from a CSV file, plain or gzipped; every row is taken exactly as written or refused by name.
 *
 * @param file - a header row, then one row per time
 * @returns observations, oldest first, times strictly increasing; n ≥ 1
 * @throws {@link PriceFileMissingError}, {@link PriceFileUnreadableError} if the file cannot be read
 * @throws {@link PriceFileError} (its subclasses) naming the column that is missing, or the range that is empty
 * @throws {@link PriceRowError} (its subclasses) naming row, column and value of the first row that is refused
 * @example
 * const rows = readPrices('btc.csv', { from: 1_583_971_200n })
 * rows.length // → 120
 */
export function readPrices(file: string, options: PriceOptions = {}): readonly PriceRow[] {
  return parsePrices(readText(file), file, options)
}

/**
 * {@link readPrices} on text that is already in memory; `file` is what errors call it.
 *
 * @example
 * const rows = parsePrices('time,price\n2020-03-12 00:00,7950\n2020-03-12 01:00,7820', 'prices')
 * rows[1].asOf - rows[0].asOf // → 3_600n
 */
export function parsePrices(text: string, file: string, options: PriceOptions = {}): readonly PriceRow[] {
  const { lines, columns } = keptLines(text, file, options)
  return lines.map((line) => priceRow(line, columns, file, options))
}

/**
 * {@link readPrices} with lows and highs where the file has them.
 *
 * @throws also {@link PriceRangeError} if a row's price lies outside its low and high
 * @example
 * const bars = readBars('btc.csv')
 * bars[0].priceE8 // → 888_990_000_000n
 */
export function readBars(file: string, options: PriceOptions = {}): readonly PriceBar[] {
  return parseBars(readText(file), file, options)
}

/**
 * {@link readBars} on text that is already in memory.
 *
 * @example
 * const bars = parseBars('time,high,low,close\n2020-03-12 00:00,7966,7900,7950\n2020-03-12 01:00,7950,7800,7820', 'prices')
 * bars.map(({ priceE8 }) => priceE8) // → [795_000_000_000n, 782_000_000_000n]
 */
export function parseBars(text: string, file: string, options: PriceOptions = {}): readonly PriceBar[] {
  const { lines, columns } = keptLines(text, file, options)
  const { low, high } = columns
  const rounds = options.roundPrices === true
  return lines.map((line) => {
    const row = priceRow(line, columns, file, options)
    if (low === undefined || high === undefined) return row
    const [lowE8, highE8] = [low, high].map((column) => readPriceE8(line.line, column, file, rounds)) as [
      bigint,
      bigint,
    ]
    if (row.priceE8 < lowE8) throw new PriceRangeError(at(file, line.line, low), 'at most')
    if (row.priceE8 > highE8) throw new PriceRangeError(at(file, line.line, high), 'at least')
    return { ...row, rangeCode: rangeCodeUp(highE8, lowE8), lowE8, highE8 }
  })
}

/**
 * One bar for each time that is a multiple of `seconds` after the first row and at which a row is known: the price then,
 * lowest and highest of the rows since the bar before. A row without low and high counts with its price.
 *
 * @example
 * const days = gatherBars(readBars('btc.csv'), 86_400)
 * days.length // → 9
 */
export function gatherBars(rows: readonly PriceBar[], seconds: number): readonly PriceBar[] {
  const [first] = rows
  if (first === undefined) return []
  const gathered: PriceBar[] = [first]
  let nextAt = first.asOf + BigInt(seconds)
  let [lowE8, highE8] = [MORE_THAN_ANY_PRICE, 0n]
  for (const row of rows.slice(1)) {
    const [low, high] = [row.lowE8 ?? row.priceE8, row.highE8 ?? row.priceE8]
    lowE8 = low < lowE8 ? low : lowE8
    highE8 = high > highE8 ? high : highE8
    if (row.asOf < nextAt) continue
    gathered.push({ ...row, rangeCode: rangeCodeUp(highE8, lowE8), lowE8, highE8 })
    while (nextAt <= row.asOf) nextAt += BigInt(seconds)
    ;[lowE8, highE8] = [MORE_THAN_ANY_PRICE, 0n]
  }
  return gathered
}

/**
 * Histories of one market one after the other: each contributes what is later than everything before it.
 *
 * @example
 * const rows = readPrices('btc.csv')
 * joinPrices(rows.slice(0, 100), rows.slice(100)).length === rows.length // → true
 */
export function joinPrices<Row extends PriceRow>(...histories: readonly (readonly Row[])[]): readonly Row[] {
  let last = -1n
  return histories.flatMap((history) => {
    const later = history.filter(({ asOf }) => asOf > last)
    last = later.at(-1)?.asOf ?? last
    return later
  })
}

type Line = { readonly row: number; readonly cells: readonly string[] }
type Timed = { readonly line: Line; readonly asOf: bigint }
type Column = { readonly index: number; readonly name: string }
type Columns = {
  readonly time: Column
  readonly price: Column
  readonly low: Column | undefined
  readonly high: Column | undefined
  readonly impliedVolatility: Column | undefined
}

/** Lines in the wanted range, oldest first, checked for order and gaps. */
function keptLines(
  text: string,
  file: string,
  options: PriceOptions,
): { readonly lines: readonly Timed[]; readonly columns: Columns } {
  const [header, ...lines] = splitCsv(text, file)
  if (header === undefined) throw new PriceFileEmptyError(file)
  const columns = locateColumns(header.cells, file, options)
  if (lines.length === 0) throw new PriceFileEmptyError(file)

  const cells = lines.map((line) => readTime(line, columns, file, options.barSeconds ?? 0))
  if (options.newestFirst === true) cells.reverse()
  requireIncreasing(cells, columns, file, options.newestFirst === true)

  const { from = 0n, to = 1n << 32n } = options
  const kept = cells.filter(({ asOf }) => from <= asOf && asOf < to)
  if (kept.length === 0) throw new NoPricesInRangeError(file, from, to)
  requireNoGap(kept, columns, file, options.maxGapSeconds)
  return { lines: kept, columns }
}

function priceRow({ line, asOf }: Timed, columns: Columns, file: string, options: PriceOptions): PriceRow {
  return {
    asOf,
    priceE8: readPriceE8(line, columns.price, file, options.roundPrices === true),
    impliedVolatilityX16: readImpliedVolatilityUp(line, columns, file),
    rangeCode: 0n,
  }
}

function readText(file: string): string {
  if (!existsSync(file)) throw new PriceFileMissingError(file)
  try {
    const bytes = readFileSync(file)
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
    return (isGzip ? gunzipSync(bytes) : bytes).toString('utf8')
  } catch (cause) {
    throw new PriceFileUnreadableError(file, cause)
  }
}

function splitCsv(text: string, file: string): readonly Line[] {
  try {
    // The types of csv-parse do not know that `info` wraps every record
    const records = parse(text, {
      bom: true,
      delimiter: [',', ';', '\t'],
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as readonly { readonly record: string[]; readonly info: { readonly lines: number } }[]
    return records.map(({ record, info }) => ({ row: info.lines, cells: record }))
  } catch (cause) {
    if (cause instanceof CsvError) throw new PriceFileFormatError(file, Number(cause.lines ?? 0), cause)
    throw cause
  }
}

function locateColumns(header: readonly string[], file: string, options: PriceOptions): Columns {
  const names = header.map((name) => name.toLowerCase())
  const locate = (wanted: readonly string[]): Column | undefined => {
    const name = wanted.map((each) => each.toLowerCase()).find((each) => names.includes(each))
    return name === undefined ? undefined : { index: names.indexOf(name), name: header[names.indexOf(name)] ?? name }
  }
  const require = (kind: string, chosen: string | undefined, known: readonly string[]): Column => {
    const column = locate(chosen === undefined ? known : [chosen])
    if (column !== undefined) return column
    if (kind === 'time' && chosen === undefined && header[0] === '') return { index: 0, name: '' }
    const looksLikeData = header.some((cell) => parseTime(cell) !== undefined || parseDecimal(cell) !== undefined)
    if (looksLikeData) throw new PriceHeaderMissingError(file, header)
    throw new PriceColumnMissingError(file, kind, chosen === undefined ? known : [chosen], header)
  }
  return {
    time: require('time', options.timeColumn, TIME_COLUMNS),
    price: require('price', options.priceColumn, PRICE_COLUMNS),
    low: locate([RANGE_COLUMNS.low]),
    high: locate([RANGE_COLUMNS.high]),
    impliedVolatility:
      options.impliedVolatilityColumn === undefined
        ? undefined
        : require('implied volatility', options.impliedVolatilityColumn, []),
  }
}

function readTime(line: Line, { time }: Columns, file: string, barSeconds: number): Timed {
  const text = line.cells[time.index] ?? ''
  const stated = parseTime(text)
  if (stated === undefined) throw new PriceTimeError(at(file, line, time))
  const asOf = stated + BigInt(barSeconds)
  if (asOf >= 1n << BigInt(bitsOf('asOf'))) throw new PriceTimeError(at(file, line, time))
  return { line, asOf }
}

function requireIncreasing(rows: readonly Timed[], { time }: Columns, file: string, newestFirst: boolean): void {
  let previous: Timed | undefined
  for (const row of rows) {
    if (previous !== undefined && row.asOf <= previous.asOf) {
      // In a file that runs backwards the later of the two lines is the one that broke the order
      const [before, culprit] = newestFirst ? [row.line, previous.line] : [previous.line, row.line]
      const place = at(file, culprit, time)
      if (row.asOf === previous.asOf) throw new PriceTimeRepeatedError(place, before.row)
      throw new PriceTimeOrderError(place, before.row, newestFirst)
    }
    previous = row
  }
}

function requireNoGap(
  rows: readonly Timed[],
  { time }: Columns,
  file: string,
  maxGapSeconds: number | undefined,
): void {
  const gaps = rows.slice(1).map((row, index) => Number(row.asOf - (rows[index]?.asOf ?? row.asOf)))
  const median = gaps.toSorted((a, b) => a - b)[gaps.length >> 1] ?? 0
  const limit = maxGapSeconds ?? GAP_SPACINGS * median
  const index = gaps.findIndex((gap) => gap > limit)
  const [gap, after] = [gaps[index], rows[index + 1]]
  if (gap !== undefined && after !== undefined) throw new PriceGapError(at(file, after.line, time), gap, limit)
}

function readPriceE8(line: Line, column: Column, file: string, roundPrices: boolean): bigint {
  const place = at(file, line, column)
  const decimal = parseDecimal(place.value)
  if (decimal === undefined) throw new PriceNotNumericError(place)
  if (decimal.digits === 0n) throw new PriceZeroError(place)
  if (decimal.negative) throw new PriceNegativeError(place)
  const { numerator, denominator } = scaleDecimal(decimal, E8)
  const value = divDown(2n * numerator + denominator, 2n * denominator)
  if (value >= 1n << BigInt(bitsOf('priceE8'))) throw new PriceOverRangeError(place)
  if (numerator % denominator !== 0n && !roundPrices) throw new PricePrecisionError(place)
  if (value === 0n) throw new PriceZeroError(place)
  return value
}

function readImpliedVolatilityUp(line: Line, { impliedVolatility }: Columns, file: string): bigint {
  if (impliedVolatility === undefined) return 0n
  const place = at(file, line, impliedVolatility)
  if (place.value === '') return 0n
  const decimal = parseDecimal(place.value)
  if (decimal === undefined || decimal.negative) throw new ImpliedVolatilityError(place)
  const { numerator, denominator } = scaleDecimal(decimal, X16)
  const value = divUp(numerator, denominator)
  if (value >= 1n << BigInt(bitsOf('impliedVolatilityX16'))) throw new ImpliedVolatilityError(place)
  return value
}

/** Where a cell stands: `row` counts the file's lines from 1, its header included. */
export type Cell = { readonly file: string; readonly row: number; readonly column: string; readonly value: string }

function at(file: string, line: Line, column: Column): Cell {
  return { file, row: line.row, column: column.name, value: line.cells[column.index] ?? '' }
}

/** Something is wrong with a price file as a whole. */
export abstract class PriceFileError extends ProverError {
  readonly file: string

  constructor(file: string, reason: string, options?: ErrorOptions) {
    super(`${file}: ${reason}`, options)
    this.file = file
  }
}

/** There is no such file. */
export class PriceFileMissingError extends PriceFileError {
  readonly code = 'market.file-missing'

  constructor(file: string) {
    super(file, 'expected a price file, found none. Check the path.')
  }
}

/** The file exists but cannot be read or unpacked. */
export class PriceFileUnreadableError extends PriceFileError {
  readonly code = 'market.file-unreadable'

  constructor(file: string, cause: unknown) {
    super(file, `could not be read (${cause instanceof Error ? cause.message : String(cause)}).`, { cause })
  }
}

/** The file has no rows below its header, or no header either. */
export class PriceFileEmptyError extends PriceFileError {
  readonly code = 'market.file-empty'

  constructor(file: string) {
    super(file, 'expected a header row and at least one row of prices, found none.')
  }
}

/** The file is no CSV, for instance because a quote is never closed. */
export class PriceFileFormatError extends PriceFileError {
  readonly code = 'market.file-format'
  readonly row: number

  constructor(file: string, row: number, cause: CsvError) {
    super(file, `row ${row} is not CSV (${cause.message}).`, { cause })
    this.row = row
  }
}

/** The first row holds figures, or something else that no header holds. */
export class PriceHeaderMissingError extends PriceFileError {
  readonly code = 'market.header-missing'
  readonly row = 1
  readonly found: readonly string[]

  constructor(file: string, found: readonly string[]) {
    super(file, `expected a header in row 1, got "${found.join(',')}". Add one, for instance "timestamp,price".`)
    this.found = found
  }
}

/** No column has the wanted name. */
export class PriceColumnMissingError extends PriceFileError {
  readonly code = 'market.column-missing'
  readonly column: string
  readonly expected: readonly string[]
  readonly found: readonly string[]

  constructor(file: string, kind: string, expected: readonly string[], found: readonly string[]) {
    super(
      file,
      `expected a ${kind} column named ${expected.map((name) => `"${name}"`).join(', ')}; ` +
        `found ${found.map((name) => `"${name}"`).join(', ')}. Name the column that holds it.`,
    )
    this.column = kind
    this.expected = expected
    this.found = found
  }
}

/** The file is fine, but no row of it lies in the wanted range. */
export class NoPricesInRangeError extends PriceFileError {
  readonly code = 'market.range-empty'
  readonly from: bigint
  readonly to: bigint

  constructor(file: string, from: bigint, to: bigint) {
    const iso = (time: bigint): string => new Date(Number(time) * 1000).toISOString()
    super(file, `expected prices from ${iso(from)} to before ${iso(to)}, found none.`)
    this.from = from
    this.to = to
  }
}

/** One row is refused. */
export abstract class PriceRowError extends PriceFileError {
  readonly row: number
  readonly column: string
  readonly value: string

  constructor({ file, row, column, value }: Cell, reason: string) {
    super(file, `row ${row}, ${column === '' ? 'first column' : `column "${column}"`}: ${reason}, got "${value}".`)
    this.row = row
    this.column = column
    this.value = value
  }
}

/** The time is unreadable, does not exist, or does not fit 32 bits. */
export class PriceTimeError extends PriceRowError {
  readonly code = 'market.time'

  constructor(cell: Cell) {
    super(cell, 'expected unix seconds or milliseconds, YYYY-MM-DD, or YYYY-MM-DD HH:MM:SS with or without an offset')
  }
}

/** A row is older than the one before it. */
export class PriceTimeOrderError extends PriceRowError {
  readonly code = 'market.time-order'
  readonly previousRow: number

  constructor(cell: Cell, previousRow: number, newestFirst: boolean) {
    const hint = newestFirst
      ? 'expected a time before'
      : 'expected (unless the file is declared to run newest first) a time after'
    super(cell, `${hint} that of row ${previousRow}`)
    this.previousRow = previousRow
  }
}

/** Two rows have the same time; a file holds one market and one row per time. */
export class PriceTimeRepeatedError extends PriceRowError {
  readonly code = 'market.time-repeated'
  readonly previousRow: number

  constructor(cell: Cell, previousRow: number) {
    super(cell, `expected one row per time and one market per file, but row ${previousRow} has the same time`)
    this.previousRow = previousRow
  }
}

/** Prices pause for too long to estimate a volatility across the pause without saying so. */
export class PriceGapError extends PriceRowError {
  readonly code = 'market.time-gap'
  readonly gapSeconds: number
  readonly maxGapSeconds: number

  constructor(cell: Cell, gapSeconds: number, maxGapSeconds: number) {
    super(
      cell,
      `expected at most ${maxGapSeconds} s without a price (allow more if the pause is real), but there are ${gapSeconds} s before`,
    )
    this.gapSeconds = gapSeconds
    this.maxGapSeconds = maxGapSeconds
  }
}

/** The price of a row lies outside its low and high. */
export class PriceRangeError extends PriceRowError {
  readonly code = 'market.price-range'

  constructor(cell: Cell, side: 'at most' | 'at least') {
    super(cell, `expected ${side} the row's price`)
  }
}

/** A price is no number. */
export class PriceNotNumericError extends PriceRowError {
  readonly code = 'market.price-not-numeric'

  constructor(cell: Cell) {
    super(cell, 'expected a price as a decimal number')
  }
}

/** A price is zero, or less than half of 1e-8. */
export class PriceZeroError extends PriceRowError {
  readonly code = 'market.price-zero'

  constructor(cell: Cell) {
    super(cell, 'expected a price of at least 0.00000001')
  }
}

/** A price is negative. */
export class PriceNegativeError extends PriceRowError {
  readonly code = 'market.price-negative'

  constructor(cell: Cell) {
    super(cell, 'expected a positive price')
  }
}

/** A price does not fit 48 bits at 1e-8. */
export class PriceOverRangeError extends PriceRowError {
  readonly code = 'market.price-over-range'

  constructor(cell: Cell) {
    super(cell, 'expected a price below 2,814,749.76710656 (2^48 units of 1e-8)')
  }
}

/** A price has more than 8 decimals and would have to be rounded. */
export class PricePrecisionError extends PriceRowError {
  readonly code = 'market.price-precision'

  constructor(cell: Cell) {
    super(cell, 'expected at most 8 decimals (or permission to round)')
  }
}

/** An implied volatility is no number, negative, or 1600 % and more. */
export class ImpliedVolatilityError extends PriceRowError {
  readonly code = 'market.implied-volatility'

  constructor(cell: Cell) {
    super(cell, 'expected an implied volatility as a fraction from 0 to below 16 (0.65 = 65 %)')
  }
}
