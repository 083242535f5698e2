/** What feeds say, whatever provider they are of: one interface, whose events are readings, or what became of the feed. */
import type { Decimal } from '../../market/decimal.ts'
import { shortened } from '../text/foreign.ts'
import type { FittedMarket } from './roundOfOptions.ts'

/** A price as a provider told it, of one market at one time. */
export type PriceReading = {
  readonly kind: 'price'
  readonly feed: string
  readonly market: string
  /** Of one unit of the asset. */
  readonly price: Decimal
  /** Half-width of the provider's interval, where it states one. */
  readonly confidence: Decimal | undefined
  /** Unix milliseconds, by the provider's clock. */
  readonly asOfMs: number
  /** What the provider's network signed, 0x-hexadecimal, where a contract can verify it. */
  readonly update?: string | undefined
}

/** An index of 30-day implied volatility. */
export type VolatilityReading = {
  readonly kind: 'volatility'
  readonly feed: string
  readonly market: string
  /** Annualised, 0.65 = 65 %. */
  readonly volatility: number
  readonly asOfMs: number
}

/** All options that a provider quotes of one currency, and the surfaces that were fitted to them. */
export type OptionsReading = {
  readonly kind: 'options'
  readonly feed: string
  readonly market: string
  readonly currency: string
  readonly asOfMs: number
  /** The quotes as `readChain` reads them: a JSON list. */
  readonly chain: string
  readonly surfaces: readonly FittedSurface[]
  /** The same as a round has them, spot and perpetual beside. */
  readonly fitted: FittedMarket
  /** Options that were quoted and could not be read, and expiries without a surface. */
  readonly refused: number
  readonly unfitted: number
}

export type FittedSurface = {
  readonly expiry: string
  readonly forward: string
  /** At the forward, annualised. */
  readonly volatility: number
  readonly years: number
}

/** What became of a feed's connection or of one message. */
export type FeedNotice =
  | { readonly kind: 'connected'; readonly feed: string }
  | {
      readonly kind: 'disconnected'
      readonly feed: string
      readonly code: string
      readonly says: string
      /** Until it tries again. */
      readonly retryMs: number
    }
  /** Nothing came for too long, or nothing that is a reading: the connection is given up for another. */
  | { readonly kind: 'stalled'; readonly feed: string; readonly of: 'messages' | 'readings'; readonly silentMs: number }
  /** Something is missing between two messages, or two times of a recording. */
  | { readonly kind: 'gap'; readonly feed: string; readonly says: string }
  | { readonly kind: 'refused'; readonly feed: string; readonly condition: RefusalName; readonly says: string }
  /** More came than was read: the oldest were left out. */
  | { readonly kind: 'flooded'; readonly feed: string; readonly dropped: number }
  | { readonly kind: 'ended'; readonly feed: string }

export type FeedReading = PriceReading | VolatilityReading | OptionsReading
export type FeedEvent = FeedReading | FeedNotice

export type PriceFeed = {
  readonly name: string
  /** Which it has prices of. */
  readonly markets: readonly string[]
  /**
   * Events until the signal, or until a recording is over. Whatever a provider does is an event: it never throws for that.
   */
  events(signal: AbortSignal): AsyncIterable<FeedEvent>
}

/** Why a message, or one price in it, is not taken. */
const refusalWords = {
  'too-large': 'expected a message of a sensible size',
  'not-json': 'expected JSON whose objects name every entry once',
  'not-text': 'expected text',
  shape: 'expected a message of this provider',
  'no-price': 'expected a price above 0',
  decimals: 'expected a price with the decimals that the feed was configured with',
  coarse: 'expected a price of at least 1,000 steps that the market’s source can hold',
  uncertain: 'expected a confidence interval that the market allows',
  future: 'expected a time that is not ahead of this clock',
  old: 'expected a time that is not long past',
  clock: 'expected a clock of this machine that goes with the chain’s',
  'unknown-id': 'expected a price that was asked for',
  repeated: 'expected each price once in a message',
  late: 'expected a price before its observation was made',
  jump: 'expected a price within the greatest factor of the last observation',
  apart: 'expected a price near those of the other feeds',
  answer: 'expected an answer to what was asked',
  options: 'expected quotes of options',
} as const
export type RefusalName = keyof typeof refusalWords

/** A notice of a refusal, with what came. */
export function refusal(feed: string, condition: RefusalName, found: string): FeedEvent {
  return { kind: 'refused', feed, condition, says: `${refusalWords[condition]}, got ${shortened(found)}` }
}
