/** Cells of a price file: what a time, a price and a volatility look like, and how each is refused. */
import type { Fields } from '../../circuits/statements/index.ts'
import { words } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import { divDown, divUp } from '../math/index.ts'
import { type DecimalMark, parseGrouped, scaleDecimal } from './decimal.ts'
import type { Line } from './delimited.ts'
import { isOneUnit, LEAST_STEPS, plainPrice, type Units, unitsWords } from './priceScale.ts'
import { type DateOrder, parseTime } from './time.ts'

/** One observation of a market; the implied volatility is 0 where none is attested. */
export type PriceRow = Fields<'observation'>

/** A column of a file: its place from 0, and its header; without one its number. */
export type Column = { readonly index: number; readonly name: string }

/** How the cells of one file are written. */
export type CellStyle = {
  readonly dateOrder: DateOrder | undefined
  readonly decimalMark: DecimalMark
  /** Prices are multiplied by this: they are of so many units of the asset, or of a part of one. */
  readonly units: Units
  readonly roundPrices: boolean
}

const E8 = 10n ** 8n
const X16 = 1n << 16n
const bitsOf = (name: keyof PriceRow): number =>
  words.observation.fields.find((field) => field.name === name)?.bits ?? 0

/** Where a cell stands: `row` counts the file's lines from 1, its header included. */
export type Cell = {
  readonly file: string
  readonly row: number
  /** Header, or number; undefined for the row as a whole. */
  readonly column: string | undefined
  readonly value: string
}

export function cellAt(file: string, line: Line, column: Column): Cell {
  return { file, row: line.row, column: column.name, value: line.cells[column.index] ?? '' }
}

/** Unix seconds of a cell. @throws {@link PriceTimeError}, {@link PriceDateOrderError} */
export function readTimeCell(cell: Cell, { dateOrder }: CellStyle): bigint {
  const time = parseTime(cell.value, dateOrder)
  if (time === undefined) {
    const isEither = dateOrder === undefined && parseTime(cell.value, 'day-first') !== undefined
    throw isEither ? new PriceDateOrderError(cell) : new PriceTimeError(cell)
  }
  if (time >= 1n << BigInt(bitsOf('asOf'))) throw new PriceTimeError(cell)
  return time
}

/** A price at 1e-8, exactly as written unless rounding is allowed. @throws {@link PriceRowError} (its subclasses) */
export function readPriceCell(cell: Cell, { decimalMark, units, roundPrices }: CellStyle): bigint {
  const decimal = parseGrouped(cell.value, decimalMark)
  if (decimal === undefined) throw new PriceNotNumericError(cell)
  if (decimal.digits === 0n) throw new PriceZeroError(cell)
  if (decimal.negative) throw new PriceNegativeError(cell)
  const scaled = scaleDecimal(decimal, E8 * units.count)
  const [numerator, denominator] = [scaled.numerator, scaled.denominator * units.parts]
  const value = divDown(2n * numerator + denominator, 2n * denominator)
  if (value >= 1n << BigInt(bitsOf('priceE8'))) throw new PriceOverRangeError(cell, partsFor(value, units), units)
  if (value < LEAST_STEPS) throw new PriceStepError(cell, unitsFor(numerator, denominator, units.count), units)
  if (numerator % denominator !== 0n && !roundPrices) throw new PricePrecisionError(cell, units)
  return value
}

/** Least power of a thousand that takes a price a thousand times above {@link LEAST_STEPS}; undefined if none is sensible. */
function unitsFor(numerator: bigint, denominator: bigint, units: bigint): bigint | undefined {
  const powers = [3n, 6n, 9n, 12n].map((power) => 10n ** power)
  const power = powers.find((each) => (numerator * each) / denominator >= 10n * LEAST_STEPS)
  return power && power * units
}

/** Least power of a thousand that a price is cut by to stay a thousand times below the greatest; undefined if none is sensible. */
function partsFor(value: bigint, { count, parts }: Units): bigint | undefined {
  if (count > 1n) return undefined
  const limit = 1n << BigInt(bitsOf('priceE8'))
  const power = [3n, 6n, 9n].map((each) => 10n ** each).find((each) => (10n * value) / each < limit)
  return power && power * parts
}

/** An implied volatility, X16, rounded up; an empty cell attests none. @throws {@link ImpliedVolatilityError} */
export function readVolatilityCellUp(cell: Cell, { decimalMark }: CellStyle): bigint {
  if (cell.value === '') return 0n
  const decimal = parseGrouped(cell.value, decimalMark)
  if (decimal === undefined || decimal.negative) throw new ImpliedVolatilityError(cell)
  const { numerator, denominator } = scaleDecimal(decimal, X16)
  const value = divUp(numerator, denominator)
  if (value >= 1n << BigInt(bitsOf('impliedVolatilityX16'))) throw new ImpliedVolatilityError(cell)
  return value
}

/** Something is wrong with a price file as a whole. */
export abstract class PriceFileError extends ProverError {
  readonly file: string

  constructor(file: string, reason: string, options?: ErrorOptions) {
    super(`${file}: ${reason}`, options)
    this.file = file
  }
}

/** A column as errors call it. */
function nameOf(column: string | undefined): string {
  if (column === undefined) return ''
  if (column === '') return ', first column'
  return /^\d+$/.test(column) ? `, column ${column}` : `, column "${column}"`
}

/** What can be done about a row that says nothing. */
export const SKIP_ADVICE = ' --skip-bad-rows leaves such rows out.'

/** One row is refused. */
export abstract class PriceRowError extends PriceFileError {
  readonly row: number
  readonly column: string | undefined
  readonly value: string

  constructor({ file, row, column, value }: Cell, reason: string, advice = '') {
    super(file, `row ${row}${nameOf(column)}: ${reason}, got "${value}".${advice}`)
    this.row = row
    this.column = column
    this.value = value
  }
}

/** The day that a spreadsheet counts so, from the end of 1899: 40,000 is in 2009. Undefined for what no price file has. */
function spreadsheetDay(text: string): string | undefined {
  if (!/^\d{5}(?:[.,]\d+)?$/.test(text)) return undefined
  const day = Number.parseInt(text, 10)
  const year = 1970 + (day - 25_569) / 365.25
  return year < 1990 || year > 2070 ? undefined : new Date((day - 25_569) * 86_400_000).toISOString().slice(0, 10)
}

/** The time is unreadable, does not exist, or does not fit 32 bits. */
export class PriceTimeError extends PriceRowError {
  readonly code = 'market.time'

  constructor(cell: Cell) {
    const day = spreadsheetDay(cell.value)
    super(
      cell,
      'expected unix seconds (or ms, µs, ns) of 1973 to 2106, or a date such as 2026-03-27 or 27.03.2026, with or without a time of day',
      day === undefined
        ? SKIP_ADVICE
        : ` A spreadsheet's number of ${day}? Show the column as yyyy-mm-dd hh:mm:ss there and save the file again.`,
    )
  }
}

/** A price is no number. */
export class PriceNotNumericError extends PriceRowError {
  readonly code = 'market.price-not-numeric'

  constructor(cell: Cell) {
    super(cell, 'expected a price as a decimal number', SKIP_ADVICE)
  }
}

/** A price is zero. */
export class PriceZeroError extends PriceRowError {
  readonly code = 'market.price-zero'

  constructor(cell: Cell) {
    super(cell, 'expected a price above 0', SKIP_ADVICE)
  }
}

/** A price is negative. */
export class PriceNegativeError extends PriceRowError {
  readonly code = 'market.price-negative'

  constructor(cell: Cell) {
    super(cell, 'expected a positive price', SKIP_ADVICE)
  }
}

/** A price does not fit 48 bits at 1e-8. */
export class PriceOverRangeError extends PriceRowError {
  readonly code = 'market.price-over-range'
  /** What --price-units takes to hold such prices; undefined if nothing does. */
  readonly suggestedUnits: number | undefined

  constructor(cell: Cell, suggestedParts: bigint | undefined, of: Units) {
    const units = suggestedParts === undefined ? undefined : `0.${String(suggestedParts).slice(2)}1`
    const most = plainPrice(1n << 48n, of).replace(/^\d+/, (whole) => BigInt(whole).toLocaleString('en-GB'))
    const held = isOneUnit(of) ? '' : ` where it is told of ${unitsWords(of)}`
    const remedy =
      units === undefined
        ? of.count > 1n
          ? '; give fewer --price-units'
          : ''
        : `; --price-units ${units} takes prices of that part of a unit instead, which leaves volatilities and margins as they are`
    super(cell, `expected a price below ${most}, as much as a market's price can hold${held}${remedy}`)
    this.suggestedUnits = units === undefined ? undefined : Number(units)
  }
}

/** A price has more decimals than its units hold, 8 of one unit, and would have to be rounded. */
export class PricePrecisionError extends PriceRowError {
  readonly code = 'market.price-precision'

  constructor(cell: Cell, of: Units) {
    const decimals = 8 + `${of.count}`.length - `${of.parts}`.length
    const held = isOneUnit(of) ? '' : ` where it is told of ${unitsWords(of)}`
    super(cell, `expected at most ${decimals} decimals${held} (--round-prices rounds)`)
  }
}

/** An implied volatility is no number, negative, or 1600 % and more. */
export class ImpliedVolatilityError extends PriceRowError {
  readonly code = 'market.implied-volatility'

  constructor(cell: Cell) {
    super(cell, 'expected an implied volatility as a fraction from 0 to below 16 (0.65 = 65 %)')
  }
}

/** A date could be day-first or month-first, and no other date of the file tells. */
export class PriceDateOrderError extends PriceRowError {
  readonly code = 'market.date-order'

  constructor(cell: Cell) {
    super(cell, 'expected a date whose day and month can be told apart (--date-order day-first or month-first says so)')
  }
}

/** Prices are held in steps of 1e-8, and these are so small that steps would show instead of moves. */
export class PriceStepError extends PriceRowError {
  readonly code = 'market.price-step'
  readonly suggestedUnits: number | undefined

  constructor(cell: Cell, suggested: bigint | undefined, of: Units) {
    const remedy = suggested === undefined ? '' : `; --price-units ${suggested} takes prices of so many units instead`
    super(
      cell,
      `expected a price of at least ${plainPrice(LEAST_STEPS, of)} (a step of ${plainPrice(1n, of)} is then 0.1 % of it)${remedy}`,
    )
    this.suggestedUnits = suggested === undefined ? undefined : Number(suggested)
  }
}
