/** What Hermes says: prices as numbers with an exponent, beside the update that Pyth's network signed. */
import { type FeedEvent, refusal } from './priceFeed.ts'
import { entriesOf, listIn, MessageFault, parseWireJson, textIn, wholeIn } from './wireJson.ts'

/** A price that is asked for. */
export type HermesPrice = {
  readonly market: string
  /** Of Pyth's, 0x and 64 hexadecimal digits, in lower case. */
  readonly id: string
  /** Its exponent without the sign. */
  readonly decimals: number
  /** Of how many units of the asset it is, as a power of ten. */
  readonly unitsExponent: number
}

/**
 * Prices of a message, each taken or refused by itself.
 *
 * @throws {@link MessageFault} if it is no message of Hermes'
 */
export function* readHermes(feed: string, message: string, prices: readonly HermesPrice[]): Iterable<FeedEvent> {
  const { parsed, binary } = entriesOf(parseWireJson(message))
  const list = listIn(parsed)
  if (list === undefined) throw new MessageFault('shape', message)
  const update = updateIn(binary)
  const seen = new Set<string>()
  for (const entry of list) {
    const id = `0x${textIn(entriesOf(entry).id)?.toLowerCase().replace(/^0x/, '') ?? ''}`
    const wanted = prices.filter((price) => price.id === id)
    if (wanted.length === 0) yield refusal(feed, 'unknown-id', id)
    else if (seen.has(id)) yield refusal(feed, 'repeated', id)
    else for (const price of wanted) yield readingOf(feed, price, entriesOf(entry).price, update)
    seen.add(id)
  }
}

function readingOf(feed: string, wanted: HermesPrice, told: unknown, update: string | undefined): FeedEvent {
  const { price, conf, expo, publish_time } = entriesOf(told)
  const [digits, interval, exponent, asOf] = [textIn(price), textIn(conf), wholeIn(expo), wholeIn(publish_time)]
  const isNumber = digits !== undefined && /^-?\d{1,20}$/.test(digits)
  const isInterval = interval !== undefined && /^\d{1,20}$/.test(interval)
  if (!isNumber || !isInterval || exponent === undefined || asOf === undefined)
    return refusal(feed, 'shape', `${wanted.market} ${JSON.stringify(told)}`)
  if (exponent !== -wanted.decimals)
    return refusal(feed, 'decimals', `${-exponent} for ${wanted.market}, not ${wanted.decimals}`)
  if (BigInt(digits) <= 0n) return refusal(feed, 'no-price', `${digits} for ${wanted.market}`)
  const power = exponent - wanted.unitsExponent
  return {
    kind: 'price',
    feed,
    market: wanted.market,
    price: { negative: false, digits: BigInt(digits), exponent: power },
    confidence: { negative: false, digits: BigInt(interval), exponent: power },
    asOfMs: 1000 * asOf,
    update,
  }
}

/** The one update of a message that is one. */
function updateIn(binary: unknown): string | undefined {
  const { encoding, data } = entriesOf(binary)
  const [first, ...others] = listIn(data) ?? []
  const isHex = encoding === 'hex' && typeof first === 'string' && /^(?:[0-9a-f]{2})+$/i.test(first)
  return isHex && others.length === 0 ? `0x${first}` : undefined
}
