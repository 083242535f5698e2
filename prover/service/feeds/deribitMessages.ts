/** What Deribit says over its websocket: JSON-RPC, of which tickers, books, the volatility index and summaries are read. */
import { type Decimal, parseDecimal } from '../../market/decimal.ts'
import { type FeedEvent, refusal } from './priceFeed.ts'
import { entriesOf, WireNumber, wholeIn } from './wireJson.ts'

/** Which number is the price. */
export type DeribitPrice = 'index' | 'mark' | 'middle'

/** A market as Deribit has it. */
export type DeribitMarket = {
  readonly market: string
  readonly instrument: string
  readonly price: DeribitPrice
  /** Of 30-day implied volatility, such as btc_usd. */
  readonly volatilityIndex?: string | undefined
  /** Currency whose options are asked for. */
  readonly options?: string | undefined
  readonly unitsExponent: number
}

/** Greatest volatility index that is one, in per cent. */
const MOST_VOLATILITY = 800

/** A positive number of a message, exactly. */
export function positiveIn(value: unknown): Decimal | undefined {
  const decimal = value instanceof WireNumber ? parseDecimal(value.text) : undefined
  return decimal === undefined || decimal.negative || decimal.digits === 0n ? undefined : decimal
}

const sameAs = (found: unknown, wanted: string): boolean => found === wanted

/** A ticker's price. */
export function readTicker(feed: string, wanted: DeribitMarket, data: unknown): FeedEvent {
  const { instrument_name, timestamp, index_price, mark_price, state } = entriesOf(data)
  const asOfMs = wholeIn(timestamp)
  if (!sameAs(instrument_name, wanted.instrument) || asOfMs === undefined)
    return refusal(feed, 'shape', `${wanted.market} ${JSON.stringify(data)}`)
  if (state !== undefined && state !== 'open') return refusal(feed, 'no-price', `${wanted.instrument} ${String(state)}`)
  const found = wanted.price === 'index' ? index_price : mark_price
  return priceEvent(feed, wanted, positiveIn(found), asOfMs, found)
}

/** The price, or a refusal of what is none. */
export function priceEvent(
  feed: string,
  { market, unitsExponent }: DeribitMarket,
  price: Decimal | undefined,
  asOfMs: number,
  found: unknown,
): FeedEvent {
  if (price === undefined) {
    const text = found instanceof WireNumber ? found.text : JSON.stringify(found ?? null)
    return refusal(feed, 'no-price', `${text} for ${market}`)
  }
  const ofOne = { ...price, exponent: price.exponent - unitsExponent }
  return { kind: 'price', feed, market, price: ofOne, confidence: undefined, asOfMs }
}

/** The index of implied volatility, which is in per cent. */
export function readVolatilityIndex(feed: string, wanted: DeribitMarket, data: unknown): FeedEvent {
  const { index_name, timestamp, volatility } = entriesOf(data)
  const asOfMs = wholeIn(timestamp)
  const percent = volatility instanceof WireNumber ? Number(volatility.text) : Number.NaN
  if (!sameAs(index_name, wanted.volatilityIndex ?? '') || asOfMs === undefined)
    return refusal(feed, 'shape', `${wanted.market} ${JSON.stringify(data)}`)
  if (!(percent > 0 && percent <= MOST_VOLATILITY))
    return refusal(feed, 'no-price', `a volatility index of ${JSON.stringify(volatility ?? null)}`)
  return { kind: 'volatility', feed, market: wanted.market, volatility: percent / 100, asOfMs }
}
