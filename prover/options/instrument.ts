import { parseDecimal, scaleDecimal } from '../market/decimal.ts'
import { GREATEST_PRICE_SCALE, LEAST_PRICE_SCALE } from '../market/priceScale.ts'

/** What an option's name says. */
export type Instrument = {
  readonly currency: string
  readonly expiry: bigint
  readonly strikeE8: bigint
  readonly isCall: boolean
}

/** Options expire at 08:00 UTC, on Deribit, Derive and most venues after them. */
const EXPIRY_HOUR = 8

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']

/** Currency, and the quote currency where it has a place of its own; date; strike; kind; what it is settled in, as on Bybit. */
const NAME =
  /^([A-Z0-9_]+)(?:-(USD[A-Z]?))?-(?:(\d{1,2})([A-Z]{3})(\d{2})|(\d{4})(\d{2})(\d{2})|(\d{2})(\d{2})(\d{2}))-(\d+(?:[d.]\d+)?)-([CP])(?:-(USD[A-Z]?))?$/

/**
 * Reads an option's name: `BTC-27MAR26-100000-C` as on Deribit and Bybit (there also with `-USDT` behind it), `BTC-20260327-100000-C`
 * as on Derive, `BTC-260327-100000-C` as on Binance, `BTC-USD-260327-100000-C` as on OKX; a `d` in a strike is its decimal point.
 * A quote currency other than USD is part of the currency: `BTC_USDT`, as in Deribit's `BTC_USDC-…`.
 *
 * @param priceScale - the strike is that of 10^priceScale units
 * @returns undefined for anything else, among it dates that do not exist and strikes of 0 or of more than 48 bits at 1e-8
 */
export function readInstrument(name: string, priceScale = 0): Instrument | undefined {
  const match = NAME.exec(name)
  if (match === null) return undefined
  const [, base = '', before, day, month = '', year, fullYear, monthNumber, dayNumber, ...rest] = match
  const [shortYear, shortMonth, shortDay, strike = '', kind, behind] = rest
  const currency = currencyOf(base, before, behind)
  const expiry =
    day !== undefined
      ? instant(2000 + Number(year), MONTHS.indexOf(month), Number(day))
      : fullYear !== undefined
        ? instant(Number(fullYear), Number(monthNumber) - 1, Number(dayNumber))
        : instant(2000 + Number(shortYear), Number(shortMonth) - 1, Number(shortDay))
  const strikeE8 = exactE8(strike.replace('d', '.'), priceScale)
  if (currency === undefined || expiry === undefined || strikeE8 === undefined) return undefined
  return { currency, expiry, strikeE8, isCall: kind === 'C' }
}

/** What the option of a name is on, whatever it is struck at; undefined of what is no name. */
export const instrumentCurrency = (name: string): string | undefined =>
  [0, LEAST_PRICE_SCALE, GREATEST_PRICE_SCALE]
    .map((priceScale) => readInstrument(name, priceScale)?.currency)
    .find((currency) => currency !== undefined)

/** Undefined if a name says twice what it is quoted in. */
function currencyOf(base: string, before: string | undefined, behind: string | undefined): string | undefined {
  const said = [before, behind].filter((quote) => quote !== undefined)
  if (said.length > 1 || (said.length > 0 && base.includes('_'))) return undefined
  const [quote = 'USD'] = said
  return quote === 'USD' ? base : `${base}_${quote}`
}

/** An option's name as Deribit writes it. @param priceScale - the strike is that of 10^priceScale units */
export function instrumentName({ currency, expiry, strikeE8, isCall }: Instrument, priceScale = 0): string {
  const date = new Date(Number(expiry) * 1000)
  const day = `${date.getUTCDate()}${MONTHS[date.getUTCMonth()]}${String(date.getUTCFullYear()).slice(2)}`
  const decimals = 8 + priceScale
  const unit = 10n ** BigInt(decimals)
  const whole = strikeE8 / unit
  const fraction = (strikeE8 % unit).toString().padStart(decimals, '0').replace(/0+$/, '')
  return `${currency}-${day}-${whole}${fraction === '' ? '' : `d${fraction}`}-${isCall ? 'C' : 'P'}`
}

function instant(year: number, month: number, day: number): bigint | undefined {
  const date = new Date(Date.UTC(year, month, day, EXPIRY_HOUR))
  const isReal = month >= 0 && date.getUTCMonth() === month && date.getUTCDate() === day
  return isReal ? BigInt(date.getTime() / 1000) : undefined
}

function exactE8(text: string, priceScale: number): bigint | undefined {
  const decimal = parseDecimal(text)
  if (decimal === undefined) return undefined
  const { numerator, denominator } = scaleDecimal(decimal, 10n ** BigInt(8 + priceScale))
  const isStrike = numerator % denominator === 0n && numerator > 0n && numerator / denominator < 1n << 48n
  return isStrike ? numerator / denominator : undefined
}
