/** Columns of a price file: found by their headers, by numbers, or by what the rows of a file without header hold. */
import { type DecimalMark, parseGrouped } from './decimal.ts'
import type { Line } from './delimited.ts'
import { type Cell, cellAt, type Column, PriceFileError } from './priceCells.ts'
import { CLOCKS, DATES, HEADERS, OPENS, type Role } from './priceHeaders.ts'
import { parseTime } from './time.ts'

export type Columns = {
  readonly time: Column
  /** Times of day, where the time's column has dates alone. */
  readonly clock: Column | undefined
  readonly price: Column
  /** A row has a low and a high or neither. */
  readonly low: Column | undefined
  readonly high: Column | undefined
  /** One of them where the other was not found, so that neither is read. */
  readonly unpaired: (Column & { readonly role: 'low' | 'high' }) | undefined
  readonly impliedVolatility: Column | undefined
  /** Whether a bar is over, where the file says so. */
  readonly finished: Column | undefined
  /** Rows are bars, and their time is that of the opening. */
  readonly hasOpenings: boolean
}

/** Which columns are wanted, by header or by number from 1. */
export type ColumnOptions = {
  readonly timeColumn?: string | undefined
  readonly priceColumn?: string | undefined
  readonly lowColumn?: string | undefined
  readonly highColumn?: string | undefined
  readonly impliedVolatilityColumn?: string | undefined
  /** Names of the columns of a file without header, in order. */
  readonly columns?: readonly string[] | undefined
}

/** Columns, with the rows that are rows: without a header the first line is one. */
export type LocatedColumns = {
  readonly columns: Columns
  readonly rows: readonly Line[]
  /** Cells that a row may have. */
  readonly width: number
  /** Names that were given to the columns of a file without header. */
  readonly assumed: readonly string[] | undefined
}

/** Time columns that say so themselves that they are openings. */
const OPENINGS: readonly string[] = ['opentime', 'starttime', 'startat', 'start', 'timeopen']

/** Columns that say when a bar closed. */
const CLOSINGS: readonly string[] = ['closetime', 'endtime', 'timeclose']

/** Columns that say whether a bar is over. */
const FINISHED: readonly string[] = ['confirm', 'isclosed', 'isfinal', 'isfinished']

/** Columns that say of what a row is; prices of two markets in turn would be moves of one. */
const MARKETS: readonly string[] = ['symbol', 'pair', 'ticker', 'instrument', 'instrumentname', 'product', 'productid']

/** Orders of the columns of bars without header, as exchanges write them. */
const BARE_ORDERS = [
  ['time', 'open', 'high', 'low', 'close'],
  ['time', 'low', 'high', 'open', 'close'],
] as const

/** A time of day alone. */
const CLOCK = /^\d{1,2}:\d{2}/

/** Without case, blanks, punctuation and accents, however these are encoded. */
const plain = (name: string): string =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
const isNumber = (name: string | undefined): name is string => name !== undefined && /^[1-9]\d*$/.test(name)

/** Whether a line names what is wanted of a price file. */
export function isPriceHeader(cells: readonly string[], options: ColumnOptions): boolean {
  if (looksLikeRow(cells)) return false
  const has = (role: 'time' | 'price', chosen: string | undefined): boolean =>
    isNumber(chosen) || indicesOf(cells, chosen === undefined ? HEADERS[role] : [chosen]).length > 0
  const hasTime = has('time', options.timeColumn) || (options.timeColumn === undefined && cells[0] === '')
  return cells.length > 1 && hasTime && has('price', options.priceColumn)
}

/** Whether cells are a row's: one is a time, another a number. */
export function looksLikeRow(cells: readonly string[]): boolean {
  const at = cells.findIndex((cell) => parseTime(cell, 'day-first') ?? parseTime(cell, 'month-first'))
  const isFigure = (cell: string): boolean =>
    (['point', 'comma'] as readonly DecimalMark[]).some((mark) => parseGrouped(cell, mark) !== undefined)
  return at >= 0 && cells.some((cell, i) => i !== at && isFigure(cell))
}

/**
 * Finds the columns of a file.
 *
 * @param lines - header and rows, or rows alone; at least one
 * @throws {@link PriceHeaderMissingError}, {@link PriceColumnMissingError}, {@link PriceColumnRepeatedError}
 */
export function locateColumns(file: string, lines: readonly Line[], options: ColumnOptions): LocatedColumns {
  const [first] = lines
  const cells = first?.cells ?? []
  if (options.columns !== undefined) return located(file, options.columns, lines, options, options.columns)
  if (!looksLikeRow(cells)) return located(file, cells, lines.slice(1), options, undefined)
  if (isNumber(options.timeColumn) && isNumber(options.priceColumn)) {
    const numbers = cells.map((_, i) => String(i + 1))
    return located(file, numbers, lines, options, undefined)
  }
  const order = options.timeColumn === undefined && options.priceColumn === undefined ? bareOrder(lines) : undefined
  if (order === undefined) throw new PriceHeaderMissingError(file, first?.row ?? 1, cells)
  return located(file, order, lines, options, order)
}

function located(
  file: string,
  header: readonly string[],
  rows: readonly Line[],
  options: ColumnOptions,
  assumed: readonly string[] | undefined,
): LocatedColumns {
  const { timeColumn, priceColumn, lowColumn, highColumn, impliedVolatilityColumn } = options
  const find = (role: Role, chosen?: string): Column | undefined => columnOf(file, header, role, chosen)
  const require = (role: Role, chosen?: string): Column => {
    const column = find(role, chosen)
    if (column !== undefined) return column
    if (role === 'time' && chosen === undefined && header[0] === '') return { index: 0, name: '' }
    const expected = chosen === undefined ? HEADERS[role].slice(0, 6) : [chosen]
    throw new PriceColumnMissingError(file, role, expected, header)
  }
  const dated = timeColumn === undefined ? dateAndClock(header, rows) : undefined
  const time = dated?.time ?? require('time', timeColumn)
  // Whoever names one of them means a range: then the other must be there as well
  const isRange = lowColumn !== undefined || highColumn !== undefined
  const [low, high] = isRange ? [require('low', lowColumn), require('high', highColumn)] : [find('low'), find('high')]
  const price = require('price', priceColumn)
  const columns: Columns = {
    time,
    clock: dated?.clock,
    price,
    low: high && low,
    high: low && high,
    unpaired: unpairedOf(low, high),
    impliedVolatility:
      impliedVolatilityColumn === undefined ? undefined : require('implied volatility', impliedVolatilityColumn),
    finished: columnAt(header, indicesOf(header, FINISHED)[0]),
    hasOpenings: hasOpenings(header, rows, time, price),
  }
  requireOneMarket(file, header, rows)
  const named = header.findLastIndex((name) => name !== '') + 1
  const width = assumed === undefined ? named : (rows[0]?.cells.length ?? 0)
  return { columns, rows, width, assumed }
}

function unpairedOf(low: Column | undefined, high: Column | undefined): Columns['unpaired'] {
  if (low !== undefined) return high === undefined ? { ...low, role: 'low' } : undefined
  return high === undefined ? undefined : { ...high, role: 'high' }
}

function columnOf(file: string, header: readonly string[], role: Role, chosen?: string): Column | undefined {
  const wanted = chosen === undefined ? HEADERS[role] : [chosen]
  const [index, second] = indicesOf(header, wanted)
  if (index === undefined) {
    const number = Number(chosen)
    return isNumber(chosen) && number <= header.length
      ? { index: number - 1, name: header[number - 1] || chosen }
      : undefined
  }
  if (second !== undefined) throw new PriceColumnRepeatedError(file, role, header[index] ?? '', [index + 1, second + 1])
  return { index, name: header[index] ?? '' }
}

/** @throws {@link PriceMarketsError} */
function requireOneMarket(file: string, header: readonly string[], rows: readonly Line[]): void {
  for (const name of MARKETS) {
    for (const index of indicesOf(header, [name])) {
      const found = [...new Set(rows.map(({ cells }) => cells[index] ?? ''))].filter((each) => each !== '')
      if (found.length > 1) throw new PriceMarketsError(file, header[index] ?? '', found)
    }
  }
}

const columnAt = (header: readonly string[], index: number | undefined): Column | undefined =>
  index === undefined ? undefined : { index, name: header[index] ?? '' }

/** Places of all columns that have the first of the wanted names that any has; */
function indicesOf(header: readonly string[], wanted: readonly string[]): readonly number[] {
  const places = (isOne: (name: string) => boolean): readonly number[] =>
    header.flatMap((name, i) => (isOne(name) ? [i] : []))
  for (const name of wanted) {
    const alike = places((each) => plain(each) === plain(name) && plain(name) !== '')
    const same = alike.filter((index) => header[index] === name)
    // Of `t` and `T`, and of what the user writes out; `Close` and `close` are two columns of one name.
    if (same.length === 1 && (name.length === 1 || wanted.length === 1)) return same
    if (alike.length > 0) return alike
  }
  return []
}

/** Columns of dates and of times of day, if a file has both. */
function dateAndClock(header: readonly string[], rows: readonly Line[]) {
  const [[date], [clock]] = [indicesOf(header, DATES), indicesOf(header, CLOCKS)]
  if (date === undefined || clock === undefined || !CLOCK.test(rows[0]?.cells[clock] ?? '')) return undefined
  const column = (index: number): Column => ({ index, name: header[index] ?? '' })
  return { time: column(date), clock: column(clock) }
}

/** The time of a row, with its time of day where that has a column of its own. */
export function timeCell(file: string, line: Line, { time, clock }: Columns): Cell {
  const cell = cellAt(file, line, time)
  return clock === undefined ? cell : { ...cell, value: `${cell.value} ${line.cells[clock.index] ?? ''}` }
}

/** Exchanges date a bar by its opening, unless the time is that of a column of closings. */
function hasOpenings(header: readonly string[], rows: readonly Line[], time: Column, price: Column): boolean {
  const [closing] = indicesOf(header, CLOSINGS)
  const [cells] = rows.map((row) => row.cells)
  if (closing !== undefined && closing === time.index) return false
  if (closing !== undefined && cells?.[closing] === cells?.[time.index]) return false
  return indicesOf(header, OPENS).length > 0 || OPENINGS.includes(plain(time.name)) || closesBars(rows, price)
}

/** Whether a column of an unknown name and the three before it are a bar's in every row, and the column its close. */
function closesBars(rows: readonly Line[], price: Column): boolean {
  if (indicesOf([price.name], HEADERS.price).length > 0) return false
  const bars = rows.map(({ cells }) => cells.slice(Math.max(0, price.index - 3), price.index + 1).map(Number))
  return bars.some((bar) => new Set(bar).size > 2) && barOrder(bars) !== undefined
}

/** Order of the columns of a file without header if every row's high and low agree with it. */
function bareOrder(lines: readonly Line[]): readonly string[] | undefined {
  if (lines.some(({ cells }) => parseTime(cells[0] ?? '') === undefined)) return undefined
  return barOrder(lines.map(({ cells }) => cells.slice(1, 5).map(Number)))
}

/** In which of the usual orders four prices are bars in every row. */
function barOrder(bars: readonly (readonly number[])[]): readonly string[] | undefined {
  if (bars.some((bar) => bar.length < 4 || bar.some((value) => !(value > 0)))) return undefined
  // Where both fit, lows, highs and closes are the same in both
  return BARE_ORDERS.find(([, ...names]) =>
    bars.every((bar) => {
      const of = (name: (typeof names)[number]): number => bar[names.indexOf(name)] ?? Number.NaN
      return of('low') <= Math.min(...bar) && of('high') >= Math.max(...bar)
    }),
  )
}

/** The file has no header, and its rows do not tell what their columns are. */
export class PriceHeaderMissingError extends PriceFileError {
  readonly code = 'market.header-missing'
  readonly row: number
  readonly found: readonly string[]

  constructor(file: string, row: number, found: readonly string[]) {
    super(
      file,
      `expected a header in row ${row}, got "${found.join(',')}". Name the columns in order, for instance ` +
        `--columns ${CLOCK.test(found[1] ?? '') ? 'date,' : ''}${found.length >= 5 ? 'time,open,high,low,close' : 'time,price'}, or number them from 1, --time-column 1 --price-column 2.`,
    )
    this.row = row
    this.found = found
  }
}

/** Rows are of several markets. */
export class PriceMarketsError extends PriceFileError {
  readonly code = 'market.several-markets'
  readonly column: string
  readonly found: readonly string[]

  constructor(file: string, column: string, found: readonly string[]) {
    super(
      file,
      `expected rows of one market, got ${found.length} in the column "${column}": ${found.slice(0, 3).join(', ')}${found.length > 3 ? ', …' : ''}. Take a file a market.`,
    )
    this.column = column
    this.found = found
  }
}

/** No column has the wanted name. */
export class PriceColumnMissingError extends PriceFileError {
  readonly code = 'market.column-missing'
  readonly column: string
  readonly expected: readonly string[]
  readonly found: readonly string[]

  constructor(file: string, role: Role, expected: readonly string[], found: readonly string[]) {
    const named = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')
    super(
      file,
      `expected a ${role} column named ${named(expected)}; found ${named(found)}. ` +
        `Name the column that holds it, or give its number from 1: --${role.replace(' ', '-')}-column.`,
    )
    this.column = role
    this.expected = expected
    this.found = found
  }
}

/** Two columns have the name of one that is read. */
export class PriceColumnRepeatedError extends PriceFileError {
  readonly code = 'market.column-repeated'
  readonly column: string
  readonly places: readonly number[]

  constructor(file: string, role: Role, name: string, places: readonly [number, number]) {
    const flag = role.replace(' ', '-')
    const remedy = `Give the number of the right one, --${flag}-column ${places.join(` or --${flag}-column `)}`
    super(file, `expected one column named "${name}", got columns ${places.join(' and ')}. ${remedy}.`)
    this.column = name
    this.places = places
  }
}
