/**
 * Option chains as exchanges and recorders write them: CSV of snapshots (Deribit order books and summaries, Tardis), plain
 * or gzipped, and websocket logs of Deribit tickers. Every row becomes a quote or a refusal with a name; none is dropped.
 */
import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { CsvError, parse } from 'csv-parse/sync'
import { ProverError } from '../errors.ts'
import { parseDecimal, scaleDecimal } from '../market/decimal.ts'
import { parseExactTime } from '../market/time.ts'
import { readInstrument } from './instrument.ts'
import type { QuotedGreeks } from './real.ts'

/** What a chain says of one option at one time. */
export type OptionQuote = {
  /** Line of the file, its header included, from 1. */
  readonly row: number
  readonly instrument: string
  /** Base currency, such as BTC. */
  readonly currency: string
  /** Unix seconds of the quote, with its fraction. */
  readonly asOf: number
  readonly expiry: bigint
  /** Years from the quote to expiry, Actual/365 Fixed. */
  readonly timeToExpiry: number
  readonly strikeE8: bigint
  readonly isCall: boolean
  /** Forward of the option's own expiry as the row states it. */
  readonly forwardE8: bigint
  /** Annualised, 0.65 = 65 %. */
  readonly markVolatility: number
  /** In the base currency; undefined where the row has none. */
  readonly markPrice: number | undefined
  readonly bidPrice: number | undefined
  readonly askPrice: number | undefined
  readonly bidVolatility: number | undefined
  readonly askVolatility: number | undefined
  readonly indexPrice: number | undefined
  readonly openInterest: number | undefined
  /** Greeks that the exchange published, as far as the row has them. */
  readonly greeks: Partial<QuotedGreeks>
}

export type OptionChain = {
  readonly file: string
  /** In the file's order; a log may quote an option many times. */
  readonly quotes: readonly OptionQuote[]
  readonly refused: readonly QuoteRefusedError[]
  /** Lines that are no option's quote: subscriptions, books, trades. */
  readonly skipped: number
}

/** Latest expiry and earliest time are 32-bit unix seconds. */
const YEAR_SECONDS = 31_536_000
const PRICE_LIMIT_E8 = 1n << 48n
const E8 = 10n ** 8n

/** Greatest implied volatility that is one: 3,200 %. */
const VOLATILITY_LIMIT = 32

/**
 * Reads a chain file.
 *
 * @param file - `.csv` or `.log`, plain or gzipped; the format is recognised by its content
 * @returns quotes and refusals, one for every row
 * @throws {@link ChainFileError} (its subclasses) if the file as a whole is no chain
 */
export function readChain(file: string): OptionChain {
  return parseChain(readText(file), file)
}

/** {@link readChain} on text that is already in memory; `file` is what errors call it. */
export function parseChain(text: string, file: string): OptionChain {
  const start = text.slice(0, 4096).trimStart()
  const isLog = /^(?:wss?:|\{|\d+\.\d+: *\{)/.test(start)
  const rows = isLog ? tickersOf(text) : csvRows(text, file)
  if (rows.length === 0) throw new ChainEmptyError(file)
  const quotes: OptionQuote[] = []
  const refused: QuoteRefusedError[] = []
  let skipped = 0
  for (const row of rows) {
    if (row === undefined) {
      skipped++
      continue
    }
    try {
      quotes.push(quoteOf(row, file))
    } catch (error) {
      if (!(error instanceof QuoteRefusedError)) throw error
      refused.push(error)
    }
  }
  if (quotes.length + refused.length === 0) throw new ChainEmptyError(file)
  return { file, quotes, refused, skipped }
}

/** The last quote of every instrument. */
export function latestQuotes(quotes: readonly OptionQuote[]): readonly OptionQuote[] {
  const latest = new Map<string, OptionQuote>()
  for (const quote of quotes) {
    const known = latest.get(quote.instrument)
    if (known === undefined || known.asOf <= quote.asOf) latest.set(quote.instrument, quote)
  }
  return [...latest.values()]
}

/** Quotes of one currency and expiry, by strike, puts before calls. */
export type ExpiryQuotes = {
  readonly currency: string
  readonly expiry: bigint
  readonly quotes: readonly OptionQuote[]
}

/** A chain by currency and expiry. */
export function byExpiry(quotes: readonly OptionQuote[]): readonly ExpiryQuotes[] {
  const groups = new Map<string, OptionQuote[]>()
  for (const quote of quotes) {
    const key = `${quote.currency} ${quote.expiry}`
    groups.set(key, [...(groups.get(key) ?? []), quote])
  }
  return [...groups.values()]
    .map((group) => ({
      currency: group[0]?.currency ?? '',
      expiry: group[0]?.expiry ?? 0n,
      quotes: group.toSorted((a, b) => Number(a.strikeE8 - b.strikeE8) || Number(a.isCall) - Number(b.isCall)),
    }))
    .toSorted((a, b) => a.currency.localeCompare(b.currency) || Number(a.expiry - b.expiry))
}

/** One row in the words of this file, whatever its source calls them; all text, nothing judged yet. */
type RawQuote = {
  readonly row: number
  readonly instrument: string
  readonly forward: string
  readonly markVolatility: string
  /** 1 where the source writes fractions, 100 where it writes points. */
  readonly volatilityScale: number
  readonly asOf: number
  readonly fields: Readonly<Record<string, string>>
  readonly greeks: Readonly<Record<string, unknown>>
}

function quoteOf(raw: RawQuote, file: string): OptionQuote {
  const refuse = (condition: RefusalCondition, found: string): QuoteRefusedError =>
    new QuoteRefusedError(file, raw.row, raw.instrument, condition, found)

  const instrument = readInstrument(raw.instrument)
  if (instrument === undefined) throw refuse('instrument', raw.instrument)
  if (!Number.isFinite(raw.asOf)) throw refuse('time', String(raw.fields.timestamp ?? ''))
  const timeToExpiry = (Number(instrument.expiry) - raw.asOf) / YEAR_SECONDS
  if (!(timeToExpiry > 0)) throw refuse('expired', `${new Date(raw.asOf * 1000).toISOString()}`)

  const forwardE8 = priceE8(raw.forward)
  if (forwardE8 === undefined) throw refuse('forward', raw.forward)
  const markVolatility = Number(raw.markVolatility) / raw.volatilityScale
  if (raw.markVolatility === '' || !(markVolatility > 0 && markVolatility < VOLATILITY_LIMIT)) {
    throw refuse('volatility', raw.markVolatility)
  }
  const number = (...names: readonly string[]): number | undefined => {
    const text = names.map((name) => raw.fields[name]).find((value) => value !== undefined && value !== '')
    const value = Number(text)
    return text === undefined || !Number.isFinite(value) ? undefined : value
  }
  const bidPrice = number('bid_price', 'best_bid_price') || undefined
  const askPrice = number('ask_price', 'best_ask_price') || undefined
  if (bidPrice !== undefined && askPrice !== undefined && bidPrice > askPrice) {
    throw refuse('crossed', `${bidPrice} > ${askPrice}`)
  }
  const points = (name: string): number | undefined => {
    const value = number(name)
    return value === undefined || value <= 0 ? undefined : value / 100
  }
  return {
    row: raw.row,
    instrument: raw.instrument,
    currency: instrument.currency,
    asOf: raw.asOf,
    expiry: instrument.expiry,
    timeToExpiry,
    strikeE8: instrument.strikeE8,
    isCall: instrument.isCall,
    forwardE8,
    markVolatility,
    markPrice: number('mark_price'),
    bidPrice,
    askPrice,
    bidVolatility: points('bid_iv'),
    askVolatility: points('ask_iv'),
    indexPrice: number('index_price'),
    openInterest: number('open_interest'),
    greeks: greeksOf(raw.greeks),
  }
}

/** A positive price of at most 48 bits, to the nearest 1e-8. */
function priceE8(text: string): bigint | undefined {
  const decimal = parseDecimal(text)
  if (decimal === undefined || decimal.negative) return undefined
  const { numerator, denominator } = scaleDecimal(decimal, E8)
  const value = (2n * numerator + denominator) / (2n * denominator)
  return value > 0n && value < PRICE_LIMIT_E8 ? value : undefined
}

function greeksOf(source: Readonly<Record<string, unknown>>): Partial<QuotedGreeks> {
  const names = ['delta', 'gamma', 'vega', 'theta', 'rho'] as const
  const known = names.flatMap((name) => {
    const value = source[name]
    const isKnown = value !== undefined && value !== '' && value !== null && Number.isFinite(Number(value))
    return isKnown ? [[name, Number(value)] as const] : []
  })
  return Object.fromEntries(known)
}

/** Headers by what they mean; the first that a file has is taken. */
const headers = {
  instrument: ['instrument_name', 'symbol', 'instrument'],
  asOf: ['timestamp', 'date'],
  forward: ['underlying_price', 'underlying'],
  volatilityFraction: ['implied_volatility'],
  volatilityPoints: ['mark_iv'],
} as const

function csvRows(text: string, file: string): readonly RawQuote[] {
  const records = splitCsv(text, file)
  const [header, ...lines] = records
  if (header === undefined || lines.length === 0) throw new ChainEmptyError(file)
  const names = header.cells.map((name) => name.toLowerCase())
  const require = (kind: string, wanted: readonly string[]): string => {
    const name = wanted.find((each) => names.includes(each))
    if (name === undefined) throw new ChainColumnMissingError(file, kind, wanted, header.cells)
    return name
  }
  const instrument = require('instrument', headers.instrument)
  const asOf = require('time', headers.asOf)
  const forward = require('forward', headers.forward)
  const volatility = require('implied volatility', [...headers.volatilityFraction, ...headers.volatilityPoints])
  const volatilityScale = (headers.volatilityPoints as readonly string[]).includes(volatility) ? 100 : 1
  return lines.map(({ row, cells }) => {
    const fields = Object.fromEntries(names.map((name, i) => [name, cells[i] ?? '']))
    return {
      row,
      instrument: fields[instrument] ?? '',
      forward: fields[forward] ?? '',
      markVolatility: fields[volatility] ?? '',
      volatilityScale,
      asOf: secondsOf(fields[asOf] ?? ''),
      fields,
      greeks: fields.greeks === undefined ? fields : pythonDictionary(fields.greeks),
    }
  })
}

type Line = { readonly row: number; readonly cells: readonly string[] }

function splitCsv(text: string, file: string): readonly Line[] {
  try {
    // The types of csv-parse do not know that `info` wraps every record
    const records = parse(text, {
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as readonly { readonly record: string[]; readonly info: { readonly lines: number } }[]
    return records.map(({ record, info }) => ({ row: info.lines, cells: record }))
  } catch (cause) {
    if (cause instanceof CsvError) throw new ChainFormatError(file, Number(cause.lines ?? 0), cause)
    throw cause
  }
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

/** Unix seconds with their fraction; not a number for anything else. */
const secondsOf = (text: string): number => parseExactTime(text) ?? Number.NaN

/** Ticker messages of options among the lines of a websocket log; undefined for every other line. */
function tickersOf(text: string): readonly (RawQuote | undefined)[] {
  return text
    .split('\n')
    .map((line, index) => ({ line, row: index + 1 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, row }) => tickerOf(line, row))
}

function tickerOf(line: string, row: number): RawQuote | undefined {
  const brace = line.indexOf('{')
  if (brace < 0) return undefined
  let message: unknown
  try {
    message = JSON.parse(line.slice(brace))
  } catch {
    return undefined
  }
  const { params } = message as { params?: { channel?: unknown; data?: unknown } }
  if (typeof params?.channel !== 'string' || !params.channel.startsWith('ticker.')) return undefined
  const data = params.data as Readonly<Record<string, unknown>> | undefined
  // Tickers of futures and perpetuals have no implied volatility
  if (data === undefined || !('mark_iv' in data)) return undefined
  const fields = Object.fromEntries(
    Object.entries(data)
      .filter(([, value]) => ['string', 'number'].includes(typeof value))
      .map(([name, value]) => [name, String(value)]),
  )
  return {
    row,
    instrument: fields.instrument_name ?? '',
    forward: fields.underlying_price ?? '',
    markVolatility: fields.mark_iv ?? '',
    volatilityScale: 100,
    asOf: secondsOf(fields.timestamp ?? ''),
    fields,
    greeks: (data.greeks ?? {}) as Readonly<Record<string, unknown>>,
  }
}

function readText(file: string): string {
  if (!existsSync(file)) throw new ChainFileMissingError(file)
  try {
    const bytes = readFileSync(file)
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
    return (isGzip ? gunzipSync(bytes) : bytes).toString('utf8')
  } catch (cause) {
    throw new ChainUnreadableError(file, cause)
  }
}

/** Why a row cannot be priced. */
export type RefusalCondition = keyof typeof refusals

const refusals = {
  instrument: 'expected an instrument such as BTC-27MAR26-100000-C',
  time: 'expected a time as ISO 8601, as 27.03.2026 08:00, or as unix seconds, ms, µs or ns',
  expired: 'expected a quote from before the expiry at 08:00 UTC',
  forward: 'expected a positive forward below 2,814,749.76710656',
  volatility: 'expected an implied volatility above 0 and below 3,200 %',
  crossed: 'expected a bid of at most the ask',
} as const

/** One row of a chain cannot be priced; the others can. */
export class QuoteRefusedError extends ProverError {
  readonly code: `options.quote-${RefusalCondition}`
  readonly file: string
  readonly row: number
  readonly instrument: string
  readonly condition: RefusalCondition
  readonly value: string

  constructor(file: string, row: number, instrument: string, condition: RefusalCondition, value: string) {
    super(`${file}: row ${row}, ${instrument || 'no instrument'}: ${refusals[condition]}, got "${value}".`)
    this.code = `options.quote-${condition}`
    this.file = file
    this.row = row
    this.instrument = instrument
    this.condition = condition
    this.value = value
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

/** There is no such file. */
export class ChainFileMissingError extends ChainFileError {
  readonly code = 'options.file-missing'

  constructor(file: string) {
    super(file, 'expected an option chain, found none. Check the path.')
  }
}

/** The file exists but cannot be read or unpacked. */
export class ChainUnreadableError extends ChainFileError {
  readonly code = 'options.file-unreadable'

  constructor(file: string, cause: unknown) {
    super(file, `could not be read (${cause instanceof Error ? cause.message : String(cause)}).`, { cause })
  }
}

/** The file holds no quote of any option. */
export class ChainEmptyError extends ChainFileError {
  readonly code = 'options.file-empty'

  constructor(file: string) {
    super(file, 'expected a CSV of option quotes or a websocket log with option tickers, found no quote.')
  }
}

/** The file is no CSV, for instance because a quote is never closed. */
export class ChainFormatError extends ChainFileError {
  readonly code = 'options.file-format'
  readonly row: number

  constructor(file: string, row: number, cause: CsvError) {
    super(file, `row ${row} is not CSV (${cause.message}).`, { cause })
    this.row = row
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
      `expected a column with each option's ${kind}, named ${expected.join(' or ')}; found ${found.join(', ')}.`,
    )
    this.column = kind
    this.expected = expected
    this.found = found
  }
}
