import { existsSync } from 'node:fs'
import { ProverError } from '../errors.ts'
import { type DecimalMark, decimalMarkOf, hasShortWhole } from './decimal.ts'
import { DelimitedTextError, type Line, splitDelimited, surplusCells } from './delimited.ts'
import {
  type Cell,
  type CellStyle,
  type Column,
  cellAt,
  PriceFileError,
  type PriceRow,
  PriceRowError,
  readPriceCell,
  readTimeCell,
  readVolatilityCellUp,
  SKIP_ADVICE,
} from './priceCells.ts'
import {
  type ColumnOptions,
  type Columns,
  isPriceHeader,
  locateColumns,
  looksLikeRow,
  timeCell,
} from './priceColumns.ts'
import { jsonLines } from './jsonTable.ts'
import { type Units, unitsFor } from './priceScale.ts'
import { rangeCodeUp } from './range.ts'
import { readTextFile, whyUnreadable } from './textFile.ts'
import { type DateOrder, dateOrderOf, present } from './time.ts'

export type { PriceRow } from './priceCells.ts'

/** A price with the lowest and highest since the row before; absent where a file has closes only. */
export type PriceBar = PriceRow & { readonly lowE8?: bigint; readonly highE8?: bigint }

export type PriceOptions = ColumnOptions & {
  /**
   * Length of a bar whose time is its opening: its close is known this much later. By default the file's step where it has
   * bars that are dated by their opening, else 0.
   */
  readonly barSeconds?: number | undefined
  /** The file must run from the newest row to the oldest; false: from the oldest to the newest. By default either. */
  readonly newestFirst?: boolean | undefined
  /** Order of day and month where dates do not tell. */
  readonly dateOrder?: DateOrder | undefined
  /** Decimal mark where numbers do not tell. */
  readonly decimalMark?: DecimalMark | undefined
  /**
   * Prices are wanted of this many units of the asset: 1,000 makes 0.0000042 to 0.0042, 0.001 the other way. `auto`: of one, or of
   * as many as it takes to hold the prices of the file. Default 1.
   */
  readonly units?: number | 'auto' | undefined
  /** Longest time without a price; default {@link GAP_SPACINGS} median spacings. */
  readonly maxGapSeconds?: number | undefined
  /** First time to keep, unix seconds, inclusive. */
  readonly from?: bigint | undefined
  /** Last time to keep, unix seconds, exclusive. */
  readonly to?: bigint | undefined
  /** Round prices with more than 8 decimals to the nearest 1e-8 instead of refusing them. */
  readonly roundPrices?: boolean | undefined
  /** The present, unix seconds, at which a bar may not be over yet; by default that of the machine. */
  readonly now?: bigint | undefined
  /** Leave rows out that cannot be read, instead of refusing the file. */
  readonly skipBadRows?: boolean | undefined
}

/** How a file turned out to be written. */
export type PriceLayout = {
  /** `JSON` where the file is no delimited text. */
  readonly delimiter: string
  /** Lines above the header. */
  readonly above: readonly string[]
  /** Headers of the columns that were read. */
  readonly time: string
  readonly price: string
  readonly range: readonly [low: string, high: string] | undefined
  /** Where ranges were wanted: the column of lows or highs, without that of the other none. */
  readonly unpaired: { readonly role: 'low' | 'high'; readonly name: string } | undefined
  /** Names given to the columns of a file without header. */
  readonly assumed: readonly string[] | undefined
  readonly dateOrder: DateOrder | undefined
  readonly decimalMark: DecimalMark
  /** Units of the asset that prices are of. */
  readonly units: Units
  readonly newestFirst: boolean
  /** Bars that are not over yet, which are left out. */
  readonly unfinished: number
  /** Median time between two rows. */
  readonly stepSeconds: number
  /** What was added to every time, because it is that of an opening. */
  readonly barSeconds: number
}

export type PriceFile = {
  /** Oldest first, times strictly increasing; n ≥ 1. */
  readonly rows: readonly PriceBar[]
  readonly layout: PriceLayout
  /** Rows that were left out, with what is wrong with each. */
  readonly leftOut: readonly PriceRowError[]
}

/** A file may pause for this many of its median spacings. */
export const GAP_SPACINGS = 6

const MORE_THAN_ANY_PRICE = 1n << 64n

/**
 * Prices of one market from a CSV file or from an exchange's answer in JSON, plain or gzipped; every row is taken exactly as written or refused by name.
 *
 * @param file - a header row, then one row per time; rows of bars may come without header
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
  return parsePriceFile(text, file, options, 'closes').rows
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
  return readPriceFile(file, options).rows
}

/**
 * {@link readBars} on text that is already in memory.
 *
 * @example
 * const bars = parseBars('time,high,low,close\n2020-03-12 00:00,7966,7900,7950\n2020-03-12 01:00,7950,7800,7820', 'prices')
 * bars.map(({ priceE8 }) => priceE8) // → [795_000_000_000n, 782_000_000_000n]
 */
export function parseBars(text: string, file: string, options: PriceOptions = {}): readonly PriceBar[] {
  return parsePriceFile(text, file, options).rows
}

/** What is read of a row beside its time: prices alone, or lows and highs too. */
export type PriceContent = 'closes' | 'bars'

/** {@link readBars}, or {@link readPrices}, with how the file is written. */
export function readPriceFile(file: string, options: PriceOptions = {}, content: PriceContent = 'bars'): PriceFile {
  return parsePriceFile(readText(file), file, options, content)
}

/** {@link readPriceFile} on text that is already in memory. */
export function parsePriceFile(
  text: string,
  file: string,
  options: PriceOptions = {},
  content: PriceContent = 'bars',
): PriceFile {
  const table = tableOf(text, file, options)
  const { columns, style, leftOut } = table
  const timed = inOrder(table, options.newestFirst)
  const stepSeconds = stepOf(timed.rows)
  const barSeconds = options.barSeconds ?? (columns.hasOpenings ? stepSeconds : 0)
  const { from = 0n, to = 1n << 32n } = options
  const finished = timed.rows.filter((row) => !isUnfinished(row, columns, barSeconds, options.now ?? present()))
  const known = finished.map(({ line, asOf }) => ({ line, asOf: asOf + BigInt(barSeconds) }))
  const kept = known.filter(({ asOf }) => from <= asOf && asOf < to)
  if (kept.length === 0) throw new NoPricesInRangeError(file, from, to)
  const read = content === 'bars' ? barOf : priceOf
  const rows = kept.flatMap((row) => orLeftOut(table, options, () => read(row, table)))
  if (rows.length === 0) throw leftOut[0] ?? new PriceFileEmptyError(file)
  requireNoGap(rows, kept, table, options.maxGapSeconds)
  const { low, high } = columns
  const range =
    content === 'bars' && low !== undefined && high !== undefined ? ([low.name, high.name] as const) : undefined
  const { delimiter, above, assumed } = table
  const { dateOrder, decimalMark, units } = style
  const unpaired = content === 'bars' ? columns.unpaired : undefined
  const names = { time: columns.time.name, price: columns.price.name, range, unpaired }
  return {
    rows,
    layout: {
      delimiter,
      above,
      assumed,
      ...names,
      dateOrder,
      decimalMark,
      units,
      newestFirst: timed.newestFirst,
      unfinished: timed.rows.length - finished.length,
      stepSeconds,
      barSeconds,
    },
    leftOut,
  }
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

type Timed = { readonly line: Line; readonly asOf: bigint }

type Table = {
  readonly file: string
  readonly delimiter: string
  readonly above: readonly string[]
  readonly assumed: readonly string[] | undefined
  readonly columns: Columns
  readonly style: CellStyle
  readonly lines: readonly Timed[]
  /** Grows as rows turn out to be unreadable. */
  readonly leftOut: PriceRowError[]
}

/** A file's rows with their times as stated, in the file's order. */
function tableOf(text: string, file: string, options: PriceOptions): Table {
  const { delimiter, above, lines } = splitRows(text, file, options)
  if (lines.length === 0) throw new PriceFileEmptyError(file)
  const { columns, rows, width, assumed } = locateColumns(file, lines, options)
  if (rows.length === 0) throw new PriceFileEmptyError(file)
  const style = styleOf(rows, columns, delimiter, file, options)
  const leftOut: PriceRowError[] = []
  const timed = rows.flatMap((line) =>
    orLeftOut({ leftOut }, options, () => {
      const surplus = surplusCells(line.cells, width)
      if (surplus.length > 0) throw new PriceSurplusCellsError(file, line, width)
      return { line, asOf: readTimeCell(timeCell(file, line, columns), style) }
    }),
  )
  if (timed.length === 0) throw leftOut[0] ?? new PriceFileEmptyError(file)
  return { file, delimiter, above, assumed, columns, style, lines: timed, leftOut }
}

function splitRows(text: string, file: string, options: PriceOptions) {
  const json = /^\s*[[{]/.test(text) ? jsonLines(text) : undefined
  if (json !== undefined) return { delimiter: 'JSON', above: [], lines: json }
  try {
    const isHeader = (cells: readonly string[]): boolean =>
      options.columns === undefined && isPriceHeader(cells, options)
    return splitDelimited(inOneHeader(text), isHeader, looksLikeRow)
  } catch (cause) {
    if (cause instanceof DelimitedTextError) throw new PriceFileFormatError(file, cause)
    throw cause
  }
}

/** Three lines that pandas writes above what it downloads from Yahoo, by what a column is, whose, and the name of the first. */
const THREE_HEADERS = /^(\uFEFF?)Price(,.*)(\r?\n)Ticker,.*\r?\n(Date|Datetime),*\r?\n/

/** The text with such headers in one, on the last of their lines. */
const inOneHeader = (text: string): string => text.replace(THREE_HEADERS, '$1$3$3$4$2$3')

/** What a row comes to, or nothing if it is left out for what is wrong with it. */
function orLeftOut<T>({ leftOut }: Pick<Table, 'leftOut'>, { skipBadRows }: PriceOptions, read: () => T): readonly T[] {
  try {
    return [read()]
  } catch (error) {
    if (skipBadRows !== true || !(error instanceof PriceRowError)) throw error
    leftOut.push(error)
    return []
  }
}

function styleOf(
  rows: readonly Line[],
  columns: Columns,
  delimiter: string,
  file: string,
  options: PriceOptions,
): CellStyle {
  const { price, low, high } = columns
  const cellsOf = (column: Column): readonly string[] => rows.map(({ cells }) => cells[column.index] ?? '')
  const dates = dateOrderOf(rows.map((line) => timeCell(file, line, columns).value))
  const prices = [price, low, high].flatMap((column) => (column === undefined ? [] : cellsOf(column)))
  const mark = options.decimalMark ?? decimalMarkOf(prices)
  const isEither =
    mark === 'comma or groups' || (mark === 'point or groups' && (delimiter === ';' || hasShortWhole(cellsOf(price))))
  if (isEither) {
    const line = rows.find(({ cells }) => /[.,]/.test(cells[price.index] ?? '')) ?? rows[0]
    throw new PriceDecimalMarkError(cellAt(file, line ?? { row: 1, cells: [] }, price))
  }
  return {
    dateOrder: options.dateOrder ?? (dates === 'either' ? undefined : dates),
    decimalMark: mark === 'comma' ? 'comma' : 'point',
    units:
      options.units === 'auto' ? unitsFor(prices, mark === 'comma' ? 'comma' : 'point') : unitsOf(options.units ?? 1),
    roundPrices: options.roundPrices === true,
  }
}

/** A part of a unit is a power of ten, such as 0.001. */
const unitsOf = (units: number): Units =>
  units < 1 ? { count: 1n, parts: BigInt(Math.round(1 / units)) } : { count: BigInt(units), parts: 1n }

/** Rows oldest first, whichever way the file runs. */
function inOrder(
  { lines, columns, file }: Table,
  declared: boolean | undefined,
): { readonly rows: readonly Timed[]; readonly newestFirst: boolean } {
  const [first, last] = [lines[0]?.asOf ?? 0n, lines.at(-1)?.asOf ?? 0n]
  const newestFirst = declared ?? first > last
  const rows = newestFirst ? lines.toReversed() : lines
  requireIncreasing(rows, columns, file, newestFirst)
  return { rows, newestFirst }
}

/** Median time between two rows. */
function stepOf(rows: readonly { readonly asOf: bigint }[]): number {
  const gaps = rows.slice(1).map(({ asOf }, i) => Number(asOf - (rows[i]?.asOf ?? asOf)))
  return gaps.toSorted((a, b) => a - b)[gaps.length >> 1] ?? 0
}

function priceOf({ line, asOf }: Timed, { columns, style, file }: Table): PriceRow {
  const { price, impliedVolatility } = columns
  return {
    asOf,
    priceE8: readPriceCell(cellAt(file, line, price), style),
    impliedVolatilityX16:
      impliedVolatility === undefined ? 0n : readVolatilityCellUp(cellAt(file, line, impliedVolatility), style),
    rangeCode: 0n,
  }
}

function barOf(timed: Timed, table: Table): PriceBar {
  const row = priceOf(timed, table)
  const { columns, style, file } = table
  const { low, high } = columns
  if (low === undefined || high === undefined) return row
  const [lowCell, highCell] = [cellAt(file, timed.line, low), cellAt(file, timed.line, high)]
  const [lowE8, highE8] = [readPriceCell(lowCell, style), readPriceCell(highCell, style)]
  if (row.priceE8 < lowE8) throw new PriceRangeError(lowCell, 'at most')
  if (row.priceE8 > highE8) throw new PriceRangeError(highCell, 'at least')
  return { ...row, rangeCode: rangeCodeUp(highE8, lowE8), lowE8, highE8 }
}

function requireIncreasing(rows: readonly Timed[], columns: Columns, file: string, newestFirst: boolean): void {
  let previous: Timed | undefined
  for (const row of rows) {
    if (previous !== undefined && row.asOf <= previous.asOf) {
      // In a file that runs backwards the later of the two lines is the one that broke the order
      const [before, culprit] = newestFirst ? [row.line, previous.line] : [previous.line, row.line]
      const place = timeCell(file, culprit, columns)
      if (row.asOf === previous.asOf) throw new PriceTimeRepeatedError(place, before.row)
      throw new PriceTimeOrderError(place, before.row, newestFirst)
    }
    previous = row
  }
}

function requireNoGap(
  rows: readonly PriceRow[],
  lines: readonly Timed[],
  { columns, file }: Table,
  maxGapSeconds: number | undefined,
): void {
  const limit = maxGapSeconds ?? GAP_SPACINGS * stepOf(rows)
  const after = rows.find((row, i) => Number(row.asOf - (rows[i - 1]?.asOf ?? row.asOf)) > limit)
  const before = after && rows[rows.indexOf(after) - 1]
  const line = lines.find(({ asOf }) => asOf === after?.asOf)?.line
  if (after === undefined || before === undefined || line === undefined) return
  throw new PriceGapError(timeCell(file, line, columns), Number(after.asOf - before.asOf), limit)
}

/** Whether a bar's close is only the price of the moment at which the file was written. */
function isUnfinished({ line, asOf }: Timed, { finished }: Columns, barSeconds: number, now: bigint): boolean {
  const said = finished === undefined ? '' : (line.cells[finished.index] ?? '').toLowerCase()
  return said === '0' || said === 'false' || (asOf <= now && now < asOf + BigInt(barSeconds))
}

function readText(file: string): string {
  if (!existsSync(file)) throw new PriceFileMissingError(file)
  try {
    return readTextFile(file)
  } catch (cause) {
    if (cause instanceof ProverError) throw cause
    throw new PriceFileUnreadableError(file, cause)
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
    super(file, `could not be read: ${whyUnreadable(cause)}.`, { cause })
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

  constructor(file: string, cause: DelimitedTextError) {
    super(file, cause.message, { cause })
    this.row = cause.row
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

/** A row is older than the one before it. */
export class PriceTimeOrderError extends PriceRowError {
  readonly code = 'market.time-order'
  readonly previousRow: number

  constructor(cell: Cell, previousRow: number, newestFirst: boolean) {
    const side = newestFirst ? 'before' : 'after'
    super(cell, `expected a time ${side} that of row ${previousRow} (a file runs one way throughout)`)
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
      `expected at most ${maxGapSeconds} s without a price (--max-gap-seconds allows more), but there are ${gapSeconds} s before`,
    )
    this.gapSeconds = gapSeconds
    this.maxGapSeconds = maxGapSeconds
  }
}

/** The price of a row lies outside its low and high. */
export class PriceRangeError extends PriceRowError {
  readonly code = 'market.price-range'

  constructor(cell: Cell, side: 'at most' | 'at least') {
    super(cell, `expected ${side} the row's price`, SKIP_ADVICE)
  }
}

/** A row has more cells than the header: a mark within a number was taken for the delimiter, or a cell is missing above. */
export class PriceSurplusCellsError extends PriceRowError {
  readonly code = 'market.surplus-cells'

  constructor(file: string, { row, cells }: Line, width: number) {
    super(
      { file, row, column: undefined, value: cells.join(',') },
      `expected ${width} cells as in the header, got ${cells.length}. Quote numbers with thousands separators or decimal commas, or delimit by ";"`,
    )
  }
}

/** Numbers have marks that could be decimal or between thousands, and no other number of the file tells. */
export class PriceDecimalMarkError extends PriceRowError {
  readonly code = 'market.decimal-mark'

  constructor(cell: Cell) {
    const { value } = cell
    const whole = value.replace(/[.,]/, '')
    const readings = /^[+-]?\d{1,3}[.,]\d{3}$/.test(value) ? `: it is ${value.replace(',', '.')} or ${whole}` : ''
    super(cell, `expected a number whose decimal mark can be told${readings} (--decimal-mark point or comma says so)`)
  }
}
