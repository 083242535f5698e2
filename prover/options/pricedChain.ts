/** A chain as the exact twin prices it: every option at its mark volatility, every expiry with its fitted surface. */
import type { ExpiryQuotes, OptionQuote } from './chain.ts'
import {
  byExpiry,
  type ChainOptions,
  latestQuotes,
  type PerpQuote,
  type QuoteRefusedError,
  readChain,
} from './chain.ts'
import { exactOption } from './exactOption.ts'
import type { Greeks, DeribitGreeks } from './real.ts'
import { deribitGreeks } from './real.ts'
import { unitName } from './marks.ts'
import { fitSvi, fittedVolatility, LEAST_POINTS, type SviFit } from './surface.ts'

export type ChainRow = {
  readonly quote: OptionQuote
  /** Undiscounted, quote. */
  readonly value: number
  /** The value in what marks are in. */
  readonly valueInUnit: number
  readonly greeks: Greeks
  /** The Greeks in Deribit's units and conventions. */
  readonly deribit: DeribitGreeks
  /** Of the expiry's surface at this strike. */
  readonly fittedVolatility: number | undefined
}

export type ExpiryChain = {
  readonly currency: string
  readonly expiry: bigint
  /** What marks are in: the base currency of inverse options, the quote currency of linear ones. */
  readonly unit: string
  /** Median of what the options state. */
  readonly forward: number
  readonly timeToExpiry: number
  /** None where there are too few strikes, or quotes are too old to be of one time with the chain's newest. */
  readonly fit: SviFit | undefined
  /** Quotes that are older than the rest of the chain by more than allowed. */
  readonly stale: StaleQuotes | undefined
  readonly rows: readonly ChainRow[]
}

/** How many quotes of an expiry are old, and the age of the oldest beside the chain's newest. */
export type StaleQuotes = { readonly count: number; readonly ageSeconds: number }

export type PricedChain = {
  readonly file: string
  readonly expiries: readonly ExpiryChain[]
  /** The last of each currency. */
  readonly perps: readonly PerpQuote[]
  readonly refused: readonly QuoteRefusedError[]
  readonly skipped: number
  /** What was found to be otherwise than the file's headers and names say. */
  readonly notes: readonly string[]
  /** All currencies and expiries of the file, chosen or not. */
  readonly known: readonly ExpiryQuotes[]
}

/** Quotes that a surface is drawn through are at most this much apart: as long as a recorder needs to ask for all of them. */
const MAX_AGE_SECONDS = 600

export type PricingOptions = ChainOptions & {
  /** Which expiries; all by default. */
  readonly isWanted?: (expiry: ExpiryQuotes) => boolean
  /** Most that a quote may be older than its currency's newest to have a part in a surface. */
  readonly maxAgeSeconds?: number | undefined
}

/**
 * Prices the newest quote of every option of a file.
 *
 * @throws the errors of {@link readChain}
 */
export function priceChain(file: string, options: PricingOptions = {}): PricedChain {
  const { isWanted = () => true, maxAgeSeconds = MAX_AGE_SECONDS } = options
  const { quotes, perps: quotedPerps, refused, skipped, notes } = readChain(file, options)
  const latest = latestQuotes(quotes)
  const known = byExpiry(latest)
  const newest = new Map(known.map(({ currency }) => [currency, newestOf(latest, currency)] as const))
  const expiries = known
    .filter(isWanted)
    .map((each) => priceExpiry(each, newest.get(each.currency) ?? 0, maxAgeSeconds))
  const perps = [...new Map(quotedPerps.map((perp) => [perp.currency, perp] as const)).values()]
  return { file, expiries, perps, refused, skipped, notes, known }
}

const newestOf = (quotes: readonly OptionQuote[], wanted: string): number =>
  Math.max(...quotes.filter(({ currency }) => currency === wanted).map(({ asOf }) => asOf))

/** The quotes of an expiry that are too old, if any are. */
export function staleQuotes(
  quotes: readonly OptionQuote[],
  newest: number,
  maxAgeSeconds: number,
): StaleQuotes | undefined {
  const ages = quotes.map(({ asOf }) => newest - asOf).filter((age) => age > maxAgeSeconds)
  return ages.length === 0 ? undefined : { count: ages.length, ageSeconds: Math.round(Math.max(...ages)) }
}

function priceExpiry({ currency, expiry, quotes }: ExpiryQuotes, newest: number, maxAgeSeconds: number): ExpiryChain {
  const forwards = quotes.map(({ forwardE8 }) => Number(forwardE8) / 1e8).toSorted((a, b) => a - b)
  const timeToExpiry = Math.min(...quotes.map((quote) => quote.timeToExpiry))
  const stale = staleQuotes(quotes, newest, maxAgeSeconds)
  const fit = stale === undefined ? fitQuotes(quotes, timeToExpiry, `${currency} ${expiry}`) : undefined
  return {
    currency,
    expiry,
    unit: unitName(currency, quotes[0]?.markUnit ?? 'base'),
    forward: forwards[forwards.length >> 1] ?? 0,
    timeToExpiry,
    fit,
    stale,
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
  const valueInUnit = quote.markUnit === 'base' ? forwardValue / (Number(quote.forwardE8) / 1e8) : forwardValue
  return {
    quote,
    value: forwardValue,
    valueInUnit,
    greeks,
    deribit: deribitGreeks(greeks, quote.timeToExpiry, forwardValue),
  }
}

/** Surface of an expiry's marks; undefined where there are too few strikes for one. */
export function fitQuotes(quotes: readonly OptionQuote[], timeToExpiry: number, leg: string): SviFit | undefined {
  const points = quotes.map((quote) => ({ logMoneyness: moneynessOf(quote), impliedVolatility: quote.markVolatility }))
  if (new Set(quotes.map(({ strikeE8 }) => strikeE8)).size < LEAST_POINTS) return undefined
  return fitSvi(points, timeToExpiry, leg)
}

const moneynessOf = ({ strikeE8, forwardE8 }: OptionQuote): number => Math.log(Number(strikeE8) / Number(forwardE8))
