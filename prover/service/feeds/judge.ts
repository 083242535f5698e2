/** Whether a reading can be one of its market now: what is refused here never reaches an observation. */
import { type Decimal, scaleDecimal } from '../../market/decimal.ts'
import { LEAST_STEPS } from '../../market/priceScale.ts'
import { type FeedEvent, type PriceReading, refusal, type VolatilityReading } from './priceFeed.ts'

/** A price in the words of its market's source. */
export type JudgedPrice = {
  readonly feed: string
  readonly priceE8: bigint
  readonly confidenceE8: bigint
  readonly asOfMs: number
  readonly update: string | undefined
}

export type JudgeOptions = {
  /** k: the source's prices are of 10^k units. */
  readonly scale: number
  /** Half-width of a provider's interval, at most, in 1/10,000 of the price. */
  readonly maxConfidenceBps: bigint
  /** Readings are of now: at most so far behind this clock; none of a recording. */
  readonly oldestSeconds: number | undefined
}

const MOST_PRICE_E8 = (1n << 48n) - 1n
const ONE_BPS = 10_000n
/** As contracts allow: clocks differ. */
export const CLOCK_SKEW_MS = 15_000
/** Of a provider that dates in another unit; 2100 is beyond what words hold. */
const LATEST_MS = 2 ** 32 * 1000

/** @param nowMs - by this machine's clock; not looked at for a recording */
export function judgePrice(
  reading: PriceReading,
  { scale, maxConfidenceBps, oldestSeconds }: JudgeOptions,
  nowMs: number,
): JudgedPrice | FeedEvent {
  const { feed, market, price, confidence, asOfMs, update } = reading
  const ofMarket = (found: string): string => `${found} for ${market}`
  const untimely = judgeTime(reading, oldestSeconds, nowMs)
  if (untimely !== undefined) return untimely
  const priceE8 = stepsDown(price, scale)
  if (priceE8 < LEAST_STEPS || priceE8 > MOST_PRICE_E8) return refusal(feed, 'coarse', ofMarket(plainText(price)))
  const confidenceE8 = confidence === undefined ? 0n : stepsUp(confidence, scale)
  if (confidenceE8 * ONE_BPS > priceE8 * maxConfidenceBps)
    return refusal(feed, 'uncertain', ofMarket(`${plainText(price)} ± ${plainText(confidence ?? price)}`))
  return { feed, priceE8, confidenceE8, asOfMs, update }
}

/** A notice if a reading is of a time that cannot be. */
export function judgeTime(
  { feed, market, asOfMs }: Pick<PriceReading | VolatilityReading, 'feed' | 'market' | 'asOfMs'>,
  oldestSeconds: number | undefined,
  nowMs: number,
): FeedEvent | undefined {
  const time = (): string => `${Math.abs(asOfMs) < 8.64e15 ? new Date(asOfMs).toISOString() : asOfMs} for ${market}`
  const newest = oldestSeconds === undefined ? LATEST_MS : nowMs + CLOCK_SKEW_MS
  if (asOfMs > newest) return refusal(feed, 'future', time())
  const oldest = oldestSeconds === undefined ? 1 : nowMs - 1000 * oldestSeconds
  return asOfMs < oldest ? refusal(feed, 'old', time()) : undefined
}

/** A price of one unit in the steps of a source, rounded down, as oracles' adapters round. */
function stepsDown(price: Decimal, scale: number): bigint {
  const { numerator, denominator } = scaleDecimal({ ...price, exponent: price.exponent + 8 + scale }, 1n)
  return numerator / denominator
}

/** Of an interval: never narrower than it was told. */
function stepsUp(width: Decimal, scale: number): bigint {
  const { numerator, denominator } = scaleDecimal({ ...width, exponent: width.exponent + 8 + scale }, 1n)
  return (numerator + denominator - 1n) / denominator
}

const plainText = ({ digits, exponent }: Decimal): string => `${digits}${exponent === 0 ? '' : `e${exponent}`}`
