/** A chain as the exact twin prices it: every option at its mark volatility, every expiry with its fitted surface. */
import type { ExpiryQuotes, OptionQuote } from './chain.ts'
import { byExpiry, latestQuotes, type QuoteRefusedError, readChain } from './chain.ts'
import { exactOption } from './exactOption.ts'
import type { Greeks, QuotedGreeks } from './real.ts'
import { deribitGreeks } from './real.ts'
import { fitSvi, fittedVolatility, LEAST_POINTS, type SviFit } from './surface.ts'

export type ChainRow = {
  readonly quote: OptionQuote
  /** Undiscounted, quote. */
  readonly value: number
  readonly greeks: Greeks
  /** The Greeks in Deribit's units and conventions. */
  readonly deribit: QuotedGreeks
  /** Of the expiry's surface at this strike. */
  readonly fittedVolatility: number | undefined
}

export type ExpiryChain = {
  readonly currency: string
  readonly expiry: bigint
  /** Median of what the options state. */
  readonly forward: number
  readonly timeToExpiry: number
  /** None where there are too few strikes. */
  readonly fit: SviFit | undefined
  readonly rows: readonly ChainRow[]
}

export type PricedChain = {
  readonly file: string
  readonly expiries: readonly ExpiryChain[]
  readonly refused: readonly QuoteRefusedError[]
  readonly skipped: number
}

/**
 * Prices the newest quote of every option of a file.
 *
 * @param wanted - which expiries
 * @throws the errors of {@link readChain}
 */
export function priceChain(file: string, wanted: (expiry: ExpiryQuotes) => boolean = () => true): PricedChain {
  const { quotes, refused, skipped } = readChain(file)
  return { file, expiries: byExpiry(latestQuotes(quotes)).filter(wanted).map(priceExpiry), refused, skipped }
}

function priceExpiry({ currency, expiry, quotes }: ExpiryQuotes): ExpiryChain {
  const forwards = quotes.map(({ forwardE8 }) => Number(forwardE8) / 1e8).toSorted((a, b) => a - b)
  const timeToExpiry = Math.min(...quotes.map((quote) => quote.timeToExpiry))
  const fit = fitQuotes(quotes, timeToExpiry, `${currency} ${expiry}`)
  return {
    currency,
    expiry,
    forward: forwards[forwards.length >> 1] ?? 0,
    timeToExpiry,
    fit,
    rows: quotes.map((quote) => ({
      ...priceQuote(quote),
      fittedVolatility: fit && fittedVolatility(fit, moneynessOf(quote)),
    })),
  }
}

/** One quote by the twin, to the nearest second. */
export function priceQuote(quote: OptionQuote): Omit<ChainRow, 'fittedVolatility'> {
  const seconds = Math.max(1, Math.round(Number(quote.expiry) - quote.asOf))
  const { forwardValue, greeks } = exactOption({
    forwardE8: quote.forwardE8,
    strikeE8: quote.strikeE8,
    secondsToExpiry: BigInt(seconds),
    impliedVolatilityX40: BigInt(Math.round(quote.markVolatility * 2 ** 40)),
    rateX40: 0n,
    isCall: quote.isCall,
  })
  return { quote, value: forwardValue, greeks, deribit: deribitGreeks(greeks, quote.timeToExpiry, forwardValue) }
}

/** Surface of an expiry's marks; undefined where there are too few strikes for one. */
export function fitQuotes(quotes: readonly OptionQuote[], timeToExpiry: number, leg: string): SviFit | undefined {
  const points = quotes.map((quote) => ({ logMoneyness: moneynessOf(quote), impliedVolatility: quote.markVolatility }))
  if (new Set(quotes.map(({ strikeE8 }) => strikeE8)).size < LEAST_POINTS) return undefined
  return fitSvi(points, timeToExpiry, leg)
}

const moneynessOf = ({ strikeE8, forwardE8 }: OptionQuote): number => Math.log(Number(strikeE8) / Number(forwardE8))
