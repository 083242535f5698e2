/** Rows of chain files, whatever their source calls its columns: delimited text, lists of objects, websocket logs. */
import { type DecimalMark, decimalMarkOf, hasShortWhole, plainNumber } from '../market/decimal.ts'
import { DelimitedTextError, type Line, splitDelimited, surplusCells } from '../market/delimited.ts'
import { ProverError } from '../errors.ts'
import { type DateOrder, dateOrderOf } from '../market/time.ts'
import { readInstrument } from './instrument.ts'

/** How a volatility of 65 % is written: 0.65, or 65. */
export type VolatilityUnit = 'fraction' | 'percent'

export type RowOptions = {
  /** Order of day and month where dates do not tell. */
  readonly dateOrder?: DateOrder | undefined
  /** Decimal mark where numbers do not tell. */
  readonly decimalMark?: DecimalMark | undefined
  /** Names of the columns of a file without header, in order. */
  readonly columns?: readonly string[] | undefined
}

/** One row in the words of this project; all text, nothing judged yet. */
export type ChainRow = {
  /** Line of the file, its header included, from 1; of a list the entry. */
  readonly row: number
  readonly instrument: string
  readonly time: string
  readonly forward: string
  readonly volatility: string
  readonly indexPrice: string
  /** Cells by header, without blanks and punctuation: `mark_price` is `markprice`. */
  readonly fields: Readonly<Record<string, string>>
  readonly greeks: Readonly<Record<string, unknown>>
  /** Cells beyond the header. */
  readonly surplus: readonly string[]
}

export type ChainRows = {
  /** Lines that are no row of an instrument are undefined. */
  readonly rows: readonly (ChainRow | undefined)[]
  readonly dateOrder: DateOrder | undefined
  /** What the header says volatilities are in. */
  readonly volatilityUnit: VolatilityUnit
  /** Whether lines stand in the order in which they came. */
  readonly isLog: boolean
}

/** Headers by what they mean; the first that a file has is taken. */
const HEADERS = {
  instrument: ['instrument_name', 'symbol', 'instrument', 'instId'],
  time: ['timestamp', 'date', 'creation_timestamp', 'time', 'datetime', 'asof'],
  forward: ['underlying_price', 'underlying', 'forward', 'forward_price'],
  volatility: ['implied_volatility', 'mark_iv', 'mark_volatility', 'iv'],
  index: ['index_price', 'estimated_delivery_price'],
} as const
type Role = keyof typeof HEADERS

/** Headers whose volatilities are fractions; the others' are per cent. */
const FRACTIONS: readonly string[] = ['implied_volatility']

const NAMES: Readonly<Record<Role, string>> = {
  instrument: 'instrument',
  time: 'time',
  forward: 'forward',
  volatility: 'implied volatility',
  index: 'index price',
}

const plain = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')

/**
 * Rows of a file; the format is recognised by its content.
 *
 * @throws {@link ChainFileError} (its subclasses) if the file as a whole is no chain
 */
export function chainRows(text: string, file: string, options: RowOptions): ChainRows {
  const start = text.slice(0, 4096).trimStart()
  if (/^[[{]/.test(start)) {
    const listed = listedObjects(text)
    if (listed !== undefined) return objectRows(listed, file, options)
  }
  const isLog = /^(?:wss?:|\{|\d+\.\d+: *\{)/.test(start)
  return isLog
    ? { rows: tickersOf(text), dateOrder: undefined, volatilityUnit: 'percent', isLog }
    : delimitedRows(text, file, options)
}

function delimitedRows(text: string, file: string, options: RowOptions): ChainRows {
  const all = splitLines(text, file, options.columns !== undefined)
  const header = options.columns ?? all[0]?.cells ?? []
  const lines = options.columns === undefined ? all.slice(1) : all
  if (lines.length === 0) throw new ChainEmptyError(file)
  const names = header.map(plain)
  const named = header.findLastIndex((name) => name !== '') + 1
  const width = options.columns === undefined ? named : (all[0]?.cells.length ?? 0)
  return rowsOf(
    lines.map(({ row, cells }) => ({
      row,
      fields: Object.fromEntries(names.map((name, i) => [name, cells[i] ?? ''])),
      surplus: surplusCells(cells, width),
    })),
    header,
    file,
    options,
  )
}

function splitLines(text: string, file: string, isBare: boolean): readonly Line[] {
  const isHeader = (cells: readonly string[]): boolean =>
    !isBare && (['instrument', 'time'] as const).every((role) => cells.some((name) => isOneOf(HEADERS[role], name)))
  try {
    return splitDelimited(text, isHeader, (cells) => cells.some((cell) => readInstrument(cell) !== undefined)).lines
  } catch (cause) {
    if (cause instanceof DelimitedTextError) throw new ChainFormatError(file, cause)
    throw cause
  }
}

const isOneOf = (names: readonly string[], name: string): boolean => names.some((each) => plain(each) === plain(name))

type FieldRow = Pick<ChainRow, 'row' | 'fields' | 'surplus'> & { readonly greeks?: unknown }

function rowsOf(lines: readonly FieldRow[], header: readonly string[], file: string, options: RowOptions): ChainRows {
  const [instrument, time] = [columnOf('instrument', header, file), columnOf('time', header, file)]
  const [forward, volatility] = [columnOf('forward', header, file), columnOf('volatility', header, file)]
  const index = HEADERS.index.find((name) => isOneOf(header, name)) ?? ''
  const texts = (name: string): readonly string[] => lines.map(({ fields }) => fields[name] ?? '')
  const mark = options.decimalMark ?? decimalMarkOf([forward, volatility, 'markprice'].flatMap(texts))
  const isEither = mark === 'comma or groups' || (mark === 'point or groups' && hasShortWhole(texts(forward)))
  if (isEither) throw new ChainDecimalMarkError(file, texts(forward)[0] ?? '')
  const dates = dateOrderOf(texts(time))
  return {
    rows: lines.map(({ row, fields: stated, surplus, greeks = stated.greeks ?? stated }) => {
      const number = (text: string): string => plainNumber(text, mark === 'comma' ? 'comma' : 'point') || text
      const fields = Object.fromEntries(Object.entries(stated).map(([name, text]) => [name, number(text)]))
      return {
        row,
        instrument: stated[instrument] ?? '',
        time: stated[time] ?? '',
        forward: fields[forward] ?? '',
        volatility: fields[volatility] ?? '',
        indexPrice: fields[plain(index)] ?? '',
        fields,
        greeks: typeof greeks === 'string' ? pythonDictionary(greeks) : (greeks as Readonly<Record<string, unknown>>),
        surplus,
      }
    }),
    dateOrder: options.dateOrder ?? (dates === 'either' ? undefined : dates),
    volatilityUnit: isOneOf(FRACTIONS, volatility) ? 'fraction' : 'percent',
    isLog: false,
  }
}

/** The column that a row is read from, by its plain name. @throws {@link ChainColumnMissingError}, {@link ChainColumnRepeatedError} */
function columnOf(role: Role, header: readonly string[], file: string): string {
  const names = header.map(plain)
  const name = HEADERS[role].map(plain).find((each) => names.includes(each))
  if (name === undefined) throw new ChainColumnMissingError(file, NAMES[role], HEADERS[role], header)
  const [first = 0, second] = names.flatMap((each, i) => (each === name ? [i] : []))
  if (second !== undefined) throw new ChainColumnRepeatedError(file, header[first] ?? name, [first + 1, second + 1])
  return name
}

/** `{'delta': -0.73, 'gamma': 0.0014}`: recorders in Python write dictionaries so. */
function pythonDictionary(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text.replaceAll("'", '"').replaceAll('None', 'null'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

type JsonObject = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null

/** Entries of a JSON list, or of the list that an exchange answered a request with; undefined for anything else. */
function listedObjects(text: string): readonly JsonObject[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const list = isObject(value) && !Array.isArray(value) ? (value.result ?? value.data) : value
    return Array.isArray(list) && list.every(isObject) ? list : undefined
  } catch {
    return undefined
  }
}

function objectRows(entries: readonly JsonObject[], file: string, options: RowOptions): ChainRows {
  if (entries.length === 0) throw new ChainEmptyError(file)
  const header = [...new Set(entries.flatMap((entry) => Object.keys(entry)))]
  return rowsOf(
    entries.map((entry, i) => ({ row: i + 1, fields: textFields(entry), surplus: [], greeks: entry.greeks ?? entry })),
    header,
    file,
    options,
  )
}

/** Texts and numbers of an object, by plain names. */
function textFields(entry: JsonObject): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(entry)
      .filter(([, value]) => ['string', 'number'].includes(typeof value))
      .map(([name, value]) => [plain(name), String(value)]),
  )
}

/** Ticker messages of options and perpetuals among the lines of a websocket log; undefined for every other line. */
function tickersOf(text: string): readonly (ChainRow | undefined)[] {
  return text
    .split('\n')
    .map((line, index) => ({ line, row: index + 1 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, row }) => tickerOf(line, row))
}

function tickerOf(line: string, row: number): ChainRow | undefined {
  const brace = line.indexOf('{')
  if (brace < 0) return undefined
  let message: unknown
  try {
    message = JSON.parse(line.slice(brace))
  } catch {
    return undefined
  }
  const { params } = message as { params?: { channel?: unknown; data?: unknown } }
  if (typeof params?.channel !== 'string' || !params.channel.startsWith('ticker.') || !isObject(params.data))
    return undefined
  const fields = textFields(params.data)
  return {
    row,
    instrument: fields.instrumentname ?? '',
    time: fields.timestamp ?? '',
    forward: fields.underlyingprice ?? '',
    volatility: fields.markiv ?? '',
    indexPrice: fields.indexprice ?? '',
    fields,
    greeks: isObject(params.data.greeks) ? params.data.greeks : {},
    surplus: [],
  }
}

/** Something is wrong with a chain file as a whole. */
export abstract class ChainFileError extends ProverError {
  readonly file: string

  constructor(file: string, reason: string, options?: ErrorOptions) {
    super(`${file}: ${reason}`, options)
    this.file = file
  }
}

/** The file holds no quote of any option. */
export class ChainEmptyError extends ChainFileError {
  readonly code = 'options.file-empty'

  constructor(file: string) {
    super(file, 'expected option quotes as CSV, as a JSON list or as a websocket log with option tickers, found none.')
  }
}

/** The file is no CSV, for instance because a quote is never closed. */
export class ChainFormatError extends ChainFileError {
  readonly code = 'options.file-format'
  readonly row: number

  constructor(file: string, cause: DelimitedTextError) {
    super(file, cause.message, { cause })
    this.row = cause.row
  }
}

/** No column holds something that every row needs. */
export class ChainColumnMissingError extends ChainFileError {
  readonly code = 'options.column-missing'
  readonly column: string
  readonly expected: readonly string[]
  readonly found: readonly string[]

  constructor(file: string, kind: string, expected: readonly string[], found: readonly string[]) {
    super(
      file,
      `expected a column with each option's ${kind}, named ${expected.join(' or ')}; found ${found.join(', ')}. Rename the column that holds it; without a header name all, --columns timestamp,instrument_name,….`,
    )
    this.column = kind
    this.expected = expected
    this.found = found
  }
}

/** Two columns have the name of one that is read. */
export class ChainColumnRepeatedError extends ChainFileError {
  readonly code = 'options.column-repeated'
  readonly column: string
  readonly places: readonly number[]

  constructor(file: string, name: string, places: readonly [number, number]) {
    super(file, `expected one column named "${name}", got columns ${places.join(' and ')}. Rename the wrong one.`)
    this.column = name
    this.places = places
  }
}

/** Numbers have commas that could be decimal or between thousands, and no other number of the file tells. */
export class ChainDecimalMarkError extends ChainFileError {
  readonly code = 'options.decimal-mark'
  readonly value: string

  constructor(file: string, value: string) {
    super(
      file,
      `expected numbers whose decimal mark can be told (--decimal-mark point or comma says so), got forwards such as "${value}".`,
    )
    this.value = value
  }
}
