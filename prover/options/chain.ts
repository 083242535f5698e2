/**
 * Option chains as exchanges and recorders write them: CSV of snapshots (Deribit order books and summaries, Tardis), lists
 * of objects, and websocket logs of Deribit tickers, plain or gzipped. Every row becomes a quote or a refusal with a name; none
 * is dropped.
 */
import { existsSync } from 'node:fs'
import { ProverError } from '../errors.ts'
import { parseDecimal, scaleDecimal } from '../market/decimal.ts'
import { readTextFile, whyUnreadable } from '../market/textFile.ts'
import { type DateOrder, parseExactTime } from '../market/time.ts'
import {
  ChainEmptyError,
  ChainFileError,
  type ChainRow,
  chainRows,
  type RowOptions,
  type VolatilityUnit,
} from './chainRows.ts'
import { type Instrument, instrumentName, readInstrument } from './instrument.ts'
import {
  type ChainUnits,
  disagreementOf,
  type MarkedQuote,
  type MarkUnit,
  namedMarkUnit,
  unitsOf,
  volatilityIn,
} from './marks.ts'
import type { DeribitGreeks } from './real.ts'

/** What a chain says of one option at one time. */
export type OptionQuote = {
  /** Line of the file, its header included, from 1. */
  readonly row: number
  readonly instrument: string
  /** Currency as the name has it: BTC, or BTC_USDC of linear options; each is a market of its own. */
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
  /** What mark, bid and ask are in: the base currency, or the quote currency of linear options. */
  readonly markUnit: MarkUnit
  /** Undefined where the row has none. */
  readonly markPrice: number | undefined
  readonly bidPrice: number | undefined
  readonly askPrice: number | undefined
  readonly bidVolatility: number | undefined
  readonly askVolatility: number | undefined
  readonly indexPrice: number | undefined
  readonly openInterest: number | undefined
  /** Greeks that the exchange published, as far as the row has them. */
  readonly greeks: Partial<DeribitGreeks>
}

/** What a chain says of one currency's perpetuals at one time. */
export type PerpQuote = {
  readonly row: number
  readonly currency: string
  /** Unix seconds of the quote, with its fraction. */
  readonly asOf: number
  /** In the quote currency. */
  readonly price: number
  readonly indexPrice: number | undefined
}

export type OptionChain = {
  readonly file: string
  /** In the file's order; a log may quote an option many times. */
  readonly quotes: readonly OptionQuote[]
  readonly perps: readonly PerpQuote[]
  readonly refused: readonly QuoteRefusedError[]
  /** Lines that are no option's or perpetual's quote: futures, subscriptions, books, trades. */
  readonly skipped: number
  /** What was found to be otherwise than the file's headers and names say. */
  readonly notes: readonly string[]
}

export type ChainOptions = RowOptions & {
  /** What volatilities are in, where headers and marks do not tell. */
  readonly volatilityUnit?: VolatilityUnit | undefined
  /** Unix seconds of the reader's clock: quotes from after it are refused. */
  readonly now?: number | undefined
}

/** Latest expiry and earliest time are 32-bit unix seconds. */
const YEAR_SECONDS = 31_536_000
const PRICE_LIMIT_E8 = 1n << 48n
const E8 = 10n ** 8n

/** Options are priced up to this long before their expiry: 776 days. */
const LONGEST_TENOR_SECONDS = 2 ** 26

/** Greatest implied volatility that is one: 3,200 %. */
const VOLATILITY_LIMIT = 32

/** Forwards of one expiry are within this factor of each other. */
const FORWARD_FACTOR = 2

/** Clocks of one chain differ by this much at most; what is further ahead of the others is wrong. */
const CLOCK_TOLERANCE_SECONDS = 120

/** The newest time of a chain is one that this share of its options has, and this many; of fewer options than can tell it is the last. */
const SUPPORT_SHARE = 0.2
const SUPPORT_COUNT = 3
const TELLING_COUNT = 5

const PERPETUAL = /^([A-Z0-9_]+)-PERP(?:ETUAL)?$/
const FUTURE = /^[A-Z0-9_]+-(?:\d{1,2}[A-Z]{3}\d{2}|\d{6,8})$/

/**
 * Reads a chain file.
 *
 * @param file - CSV, JSON or log, plain or gzipped; the format is recognised by its content
 * @returns quotes and refusals, one for every row
 * @throws {@link ChainFileError} (its subclasses) if the file as a whole is no chain
 * @example
 * const { quotes, refused } = readChain('chain.csv')
 * refused.length // → 0
 */
export function readChain(file: string, options: ChainOptions = {}): OptionChain {
  return parseChain(readText(file), file, options)
}

/** {@link readChain} on text that is already in memory; `file` is what errors call it. */
export function parseChain(text: string, file: string, options: ChainOptions = {}): OptionChain {
  const { rows, dateOrder, volatilityUnit, isLog } = chainRows(text, file, options)
  if (rows.length === 0) throw new ChainEmptyError(file)
  const refused: QuoteRefusedError[] = []
  const orRefused = <T>(read: () => T): readonly T[] => {
    try {
      return [read()]
    } catch (error) {
      if (!(error instanceof QuoteRefusedError)) throw error
      refused.push(error)
      return []
    }
  }
  const quoted = rows.filter((row) => row !== undefined).filter(({ instrument }) => !FUTURE.test(instrument))
  const isPerp = ({ instrument }: ChainRow): boolean => PERPETUAL.test(instrument)
  const readPerps = quoted.filter(isPerp).flatMap((row) => orRefused(() => perpOf(row, file, dateOrder)))
  const stated = quoted
    .filter((row) => !isPerp(row))
    .flatMap((row) => orRefused(() => statedQuote(row, file, dateOrder, options)))
  if (stated.length + readPerps.length + refused.length === 0) throw new ChainEmptyError(file)
  const forwards = medianForwards(stated)
  const together = stated.flatMap((quote) => orRefused(() => requireNear(quote, forwards, file)))
  const units = unitsOf(file, together, volatilityUnit, options.volatilityUnit)
  const read = together.flatMap((quote) => orRefused(() => quoteOf(quote, units, file)))
  const priced = once(read, file, isLog)
  const { quotes, ahead } = withoutAhead(priced.kept, file)
  const perps = once(readPerps, file, isLog)
  const all = [...refused, ...ahead, ...priced.refused, ...perps.refused].toSorted((a, b) => a.row - b.row)
  if (quotes.length + perps.kept.length === 0) throw new ChainRefusedError(file, all)
  const apart = [...apartNotes(together, units), ...forwardNotes(together)]
  const notes = [...units.notes, ...apart, ...priced.notes, ...perps.notes]
  return { file, quotes, perps: perps.kept, refused: all, skipped: rows.length - quoted.length, notes }
}

/**
 * The last quote of every instrument.
 *
 * @example
 * const { quotes } = readChain('chain.csv')
 * latestQuotes(quotes).length // → 5
 */
export function latestQuotes(quotes: readonly OptionQuote[]): readonly OptionQuote[] {
  const latest = new Map<string, OptionQuote>()
  for (const quote of quotes) {
    const name = instrumentOf(quote)
    const known = latest.get(name)
    if (known === undefined || known.asOf <= quote.asOf) latest.set(name, quote)
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

/** A row whose instrument and times are read; its volatility and marks are numbers whose unit is not known yet. */
type StatedQuote = MarkedQuote & {
  readonly raw: ChainRow
  readonly terms: Instrument
  readonly asOf: number
  readonly forwardE8: bigint
}

function statedQuote(
  raw: ChainRow,
  file: string,
  dateOrder: DateOrder | undefined,
  { now }: ChainOptions,
): StatedQuote {
  const refuse = refusalOf(raw, file)
  if (raw.surplus.length > 0) throw refuse('surplus-cells', raw.surplus.join(','))
  const terms = readInstrument(raw.instrument)
  if (terms === undefined) throw refuse('instrument', raw.instrument)
  const asOf = timeOf(raw, file, dateOrder)
  if (now !== undefined && asOf > now + CLOCK_TOLERANCE_SECONDS) throw refuse('clock', iso(asOf))
  const seconds = Number(terms.expiry) - asOf
  if (!(seconds > 0)) throw refuse('expired', iso(asOf))
  if (seconds >= LONGEST_TENOR_SECONDS) throw refuse('tenor', `${Math.floor(seconds / 86_400)} days`)
  const forwardE8 = priceE8(raw.forward)
  if (forwardE8 === undefined) throw refuse('forward', raw.forward)
  const volatility = Number(raw.volatility)
  if (raw.volatility === '' || !(volatility > 0)) throw refuse('volatility', raw.volatility)
  const { row, instrument } = raw
  const mark = numberIn(raw, 'markprice')
  const { currency, isCall } = terms
  const [forward, strike] = [Number(forwardE8) / 1e8, Number(terms.strikeE8) / 1e8]
  const timeToExpiry = seconds / YEAR_SECONDS
  return {
    raw,
    terms,
    row,
    instrument,
    currency,
    isCall,
    forward,
    strike,
    timeToExpiry,
    volatility,
    mark,
    asOf,
    forwardE8,
  }
}

const expiryKey = ({ terms }: StatedQuote): string => `${terms.currency} ${terms.expiry}`

function medianForwards(quotes: readonly StatedQuote[]): ReadonlyMap<string, number> {
  const medians = [...Map.groupBy(quotes, expiryKey)].map(([key, group]) => {
    const forwards = group.map(({ forward }) => forward).toSorted((a, b) => a - b)
    return [key, forwards[forwards.length >> 1] ?? 0] as const
  })
  return new Map(medians)
}

/** The options of an expiry have one forward: one of other decimals would bend its surface. */
function requireNear(quote: StatedQuote, forwards: ReadonlyMap<string, number>, file: string): StatedQuote {
  const median = forwards.get(expiryKey(quote)) ?? quote.forward
  const isNear = quote.forward <= median * FORWARD_FACTOR && quote.forward >= median / FORWARD_FACTOR
  if (!isNear) throw refusalOf(quote.raw, file)('forward-apart', `${quote.raw.forward} beside ${median}`)
  return quote
}

function quoteOf(stated: StatedQuote, { volatilityUnit, markUnits }: ChainUnits, file: string): OptionQuote {
  const { raw, terms, asOf, forwardE8, timeToExpiry, mark } = stated
  const refuse = refusalOf(raw, file)
  const markVolatility = volatilityIn(stated.volatility, volatilityUnit)
  if (!(markVolatility < VOLATILITY_LIMIT)) throw refuse('volatility', raw.volatility)
  const markUnit = markUnits.get(terms.currency) ?? namedMarkUnit(terms.currency)
  if (disagreementOf(stated, markVolatility, markUnit) === 'wrong') throw refuse('mark', `${mark} at ${raw.volatility}`)
  const bidPrice = numberIn(raw, 'bidprice', 'bestbidprice') || undefined
  const askPrice = numberIn(raw, 'askprice', 'bestaskprice') || undefined
  if (bidPrice !== undefined && askPrice !== undefined && bidPrice > askPrice) {
    throw refuse('crossed', `${bidPrice} > ${askPrice}`)
  }
  const quoted = (name: string): number | undefined => {
    const value = numberIn(raw, name)
    return value === undefined || value <= 0 ? undefined : volatilityIn(value, volatilityUnit)
  }
  return {
    row: raw.row,
    instrument: raw.instrument,
    ...terms,
    asOf,
    timeToExpiry,
    forwardE8,
    markVolatility,
    markUnit,
    markPrice: mark,
    bidPrice,
    askPrice,
    bidVolatility: quoted('bidiv'),
    askVolatility: quoted('askiv'),
    indexPrice: positive(raw.indexPrice),
    openInterest: numberIn(raw, 'openinterest'),
    greeks: greeksOf(raw.greeks),
  }
}

/** Of a forward; exchanges poll all options of an expiry within far less of a move. */
const SAME_FORWARD = 0.01
const ROWS_NAMED = 8

/** A note on forwards of one expiry and time that differ where no mark tells which is right. */
function forwardNotes(stated: readonly StatedQuote[]): readonly string[] {
  const unmarked = stated.filter(({ mark }) => mark === undefined)
  const odd = [...Map.groupBy(unmarked, (quote) => `${expiryKey(quote)} ${quote.asOf}`).values()].flatMap((group) => {
    const median = [...medianForwards(group).values()][0] ?? 0
    return group.filter(({ forward }) => Math.abs(forward / median - 1) > SAME_FORWARD)
  })
  if (odd.length === 0) return []
  const rows = odd.slice(0, ROWS_NAMED).map(({ row, forward }) => `row ${row} (${forward})`)
  const more = odd.length > ROWS_NAMED ? ` and ${odd.length - ROWS_NAMED} more` : ''
  return [
    `Forwards of one expiry and time differ by over 1 %, and there are no marks to tell which are right: ${rows.join(', ')}${more}, unlike the others.`,
  ]
}

/** A note on options whose volatilities and marks are apart without being of another unit. */
function apartNotes(stated: readonly StatedQuote[], { volatilityUnit, markUnits }: ChainUnits): readonly string[] {
  const apart = stated.filter((quote) => {
    const unit = markUnits.get(quote.currency) ?? namedMarkUnit(quote.currency)
    return disagreementOf(quote, volatilityIn(quote.volatility, volatilityUnit), unit) === 'apart'
  })
  const [first] = apart
  if (first === undefined) return []
  return [
    `${apart.length} options are worth more or less than their marks by over a quarter, the first of them ${first.instrument} (row ${first.row}): volatility, forward or mark is of another time.`,
  ]
}

function perpOf(raw: ChainRow, file: string, dateOrder: DateOrder | undefined): PerpQuote {
  const refuse = refusalOf(raw, file)
  if (raw.surplus.length > 0) throw refuse('surplus-cells', raw.surplus.join(','))
  const price = [raw.fields.markprice, raw.fields.lastprice, raw.fields.last].map((text) => positive(text ?? ''))
  const [known] = price.filter((each) => each !== undefined)
  if (known === undefined) throw refuse('perp-price', raw.fields.markprice ?? '')
  const currency = PERPETUAL.exec(raw.instrument)?.[1] ?? ''
  return {
    row: raw.row,
    currency,
    asOf: timeOf(raw, file, dateOrder),
    price: known,
    indexPrice: positive(raw.indexPrice),
  }
}

/** Unix seconds with their fraction. */
function timeOf(raw: ChainRow, file: string, dateOrder: DateOrder | undefined): number {
  const time = parseExactTime(raw.time, dateOrder)
  if (time !== undefined && time < 2 ** 32) return time
  const isEither = dateOrder === undefined && parseExactTime(raw.time, 'day-first') !== undefined
  throw refusalOf(raw, file)(isEither && time === undefined ? 'date-order' : 'time', raw.time)
}

const refusalOf =
  (raw: ChainRow, file: string) =>
  (condition: RefusalCondition, found: string): QuoteRefusedError =>
    new QuoteRefusedError(file, raw.row, raw.instrument, condition, found)

/**
 * Leaves out what a wrong clock dates ahead of all others of its currency, so that it does not make these old.
 */
function withoutAhead(quotes: readonly OptionQuote[], file: string) {
  const newest = new Map(
    [...Map.groupBy(latestQuotes(quotes), ({ currency }) => currency)].map(
      ([currency, group]) => [currency, newestTime(group)] as const,
    ),
  )
  const isAhead = ({ currency, asOf }: OptionQuote): boolean =>
    asOf > (newest.get(currency) ?? asOf) + CLOCK_TOLERANCE_SECONDS
  const ahead = quotes
    .filter(isAhead)
    .map(({ row, instrument, asOf }) => new QuoteRefusedError(file, row, instrument, 'clock', iso(asOf)))
  return { quotes: quotes.filter((quote) => !isAhead(quote)), ahead }
}

/** The last time that enough quotes have, or have nearly reached. */
function newestTime(quotes: readonly OptionQuote[]): number {
  const times = quotes.map(({ asOf }) => asOf).toSorted((a, b) => b - a)
  const [last = 0] = times
  const needed = times.length < TELLING_COUNT ? 1 : Math.max(SUPPORT_COUNT, Math.ceil(SUPPORT_SHARE * times.length))
  const found = times.findIndex(
    (time, i) => time - (times[i + needed - 1] ?? Number.NEGATIVE_INFINITY) <= CLOCK_TOLERANCE_SECONDS,
  )
  return times[found] ?? last
}

const iso = (time: number): string => new Date(time * 1000).toISOString()

/** The first of some fields that has a number. */
function numberIn({ fields }: ChainRow, ...names: readonly string[]): number | undefined {
  const text = names.map((name) => fields[name]).find((value) => value !== undefined && value !== '')
  const value = Number(text)
  return text === undefined || !Number.isFinite(value) ? undefined : value
}

function positive(text: string): number | undefined {
  const value = Number(text)
  return text !== '' && Number.isFinite(value) && value > 0 ? value : undefined
}

/** A positive price of at most 48 bits, to the nearest 1e-8. */
function priceE8(text: string): bigint | undefined {
  const decimal = parseDecimal(text)
  if (decimal === undefined || decimal.negative) return undefined
  const { numerator, denominator } = scaleDecimal(decimal, E8)
  const value = (2n * numerator + denominator) / (2n * denominator)
  return value > 0n && value < PRICE_LIMIT_E8 ? value : undefined
}

function greeksOf(source: Readonly<Record<string, unknown>>): Partial<DeribitGreeks> {
  const names = ['delta', 'gamma', 'vega', 'theta', 'rho'] as const
  const known = names.flatMap((name) => {
    const value = source[name]
    const isKnown = value !== undefined && value !== '' && value !== null && Number.isFinite(Number(value))
    return isKnown ? [[name, Number(value)] as const] : []
  })
  return Object.fromEntries(known)
}

function readText(file: string): string {
  if (!existsSync(file)) throw new ChainFileMissingError(file)
  try {
    return readTextFile(file)
  } catch (cause) {
    if (cause instanceof ProverError) throw cause
    throw new ChainUnreadableError(file, cause)
  }
}

/** An option or perpetual by what it is, however its name is written. */
const instrumentOf = (quote: OptionQuote | PerpQuote): string =>
  'strikeE8' in quote ? instrumentName(quote) : `${quote.currency}-PERPETUAL`

/** What a message calls it. */
const nameOf = (quote: OptionQuote | PerpQuote): string =>
  'instrument' in quote ? quote.instrument : instrumentOf(quote)

/**
 * One quote of an instrument at a time. Of rows that say the same the first is kept, with a note; rows that differ are all refused,
 * since nothing tells which of them holds. In a log it is the later one.
 */
function once<T extends OptionQuote | PerpQuote>(quotes: readonly T[], file: string, isLog: boolean) {
  if (isLog) return { kept: quotes, refused: [], notes: [] }
  const groups = [...Map.groupBy(quotes, (quote) => `${instrumentOf(quote)} ${quote.asOf}`).values()]
  const differ = groups.filter((group) => new Set(group.map(saidBy)).size > 1)
  const refused = differ.flatMap((group) => {
    const found = `${rowsOf(group)} at ${iso(group[0]?.asOf ?? 0)}`
    return group.map((quote) => new QuoteRefusedError(file, quote.row, nameOf(quote), 'repeated', found))
  })
  const [first, ...more] = groups.filter((group) => group.length > 1 && !differ.includes(group))
  const others = more.length === 0 ? '' : `, as do rows of ${more.length} more`
  const notes =
    first?.[0] === undefined
      ? []
      : [`${nameOf(first[0])} stands in ${rowsOf(first)}, which say the same${others}: each is read once.`]
  return {
    kept: groups.filter((group) => !differ.includes(group)).flatMap((group) => group.slice(0, 1)),
    refused,
    notes,
  }
}

/** `rows 2 and 5`. */
function rowsOf(quotes: readonly { readonly row: number }[]): string {
  const rows = quotes.map(({ row }) => row)
  return `rows ${rows.slice(0, -1).join(', ')} and ${rows.at(-1)}`
}

/** All that a row says, whatever its place and the spelling of its name. */
const saidBy = (quote: OptionQuote | PerpQuote): string =>
  JSON.stringify({ ...quote, row: 0, instrument: '' }, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )

/** Why a row cannot be priced. */
export type RefusalCondition = keyof typeof refusals

const refusals = {
  instrument: 'expected an instrument such as BTC-27MAR26-100000-C',
  time: 'expected a time as ISO 8601, as 27.03.2026 08:00, or as unix seconds, ms, µs or ns',
  'date-order': 'expected a date whose day and month can be told apart (--date-order day-first or month-first says so)',
  clock: `expected a clock at most ${CLOCK_TOLERANCE_SECONDS} s ahead of the other quotes and of now`,
  expired: 'expected a quote from before the expiry at 08:00 UTC',
  tenor: 'expected an expiry within 776 days',
  forward: 'expected a positive forward below 2,814,749.76710656',
  'forward-apart': 'expected a forward within a factor of 2 of the others of its expiry',
  volatility: 'expected an implied volatility above 0 and below 3,200 %',
  mark: 'expected a mark price that the volatility agrees with',
  crossed: 'expected a bid of at most the ask',
  'surplus-cells': 'expected as many cells as the header has (quote numbers with commas, or delimit by ";")',
  repeated: 'expected one quote of an instrument at one time',
  'perp-price': 'expected a positive price of the perpetual',
} as const

/** One row of a chain cannot be priced; the others can. */
export class QuoteRefusedError extends ProverError {
  readonly code: `options.quote-${RefusalCondition}`
  readonly file: string
  readonly row: number
  readonly instrument: string
  readonly condition: RefusalCondition
  readonly value: string
  /** The message without the file. */
  readonly reason: string

  constructor(file: string, row: number, instrument: string, condition: RefusalCondition, value: string) {
    const reason = `row ${row}, ${instrument || 'no instrument'}: ${refusals[condition]}, got "${value}".`
    super(`${file}: ${reason}`)
    this.reason = reason
    this.code = `options.quote-${condition}`
    this.file = file
    this.row = row
    this.instrument = instrument
    this.condition = condition
    this.value = value
  }
}

/** No row of the file can be used. */
export class ChainRefusedError extends ChainFileError {
  readonly code = 'options.file-refused'
  readonly refused: readonly Pick<QuoteRefusedError, 'code' | 'row' | 'instrument' | 'value'>[]

  constructor(file: string, refused: readonly QuoteRefusedError[]) {
    super(
      file,
      `expected quotes of options, got ${refused.length} rows that are all refused, the first one so: ${refused[0]?.reason ?? ''}`,
    )
    this.refused = refused.map(({ code, row, instrument, value }) => ({ code, row, instrument, value }))
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
    super(file, `could not be read: ${whyUnreadable(cause)}.`, { cause })
  }
}
