/** The market part of a portfolio file, made from an option chain: spot, forwards, and an SVI surface for every expiry. */
import { ProverError } from '../../errors.ts'
import { byExpiry, latestQuotes, type OptionChain, type OptionQuote } from '../../options/chain.ts'
import { readInstrument } from '../../options/instrument.ts'
import { fitQuotes, type StaleQuotes, staleQuotes } from '../../options/pricedChain.ts'
import { fitWarnings, TooFewMarksError } from '../../options/surface.ts'
import { parseExactJson } from './exactJson.ts'
import type { Portfolio, PortfolioOverMarkets } from '../portfolio.ts'
import { portfolioOverMarketsOf } from './markets.ts'
import { parsePortfolio, type ReadOptions } from './schema.ts'
import { thousandsNotes, thousandsNotesOf } from './thousands.ts'
import { expiryOf } from './times.ts'

/**
 * Reads a portfolio file in the markets of a chain instead of its own: one for each currency that the account's options and
 * perpetuals are of, all at the time of the newest. Account, parameters, scenarios and collateral prices stay. Collateral in
 * a market's own currency takes the chain's spot.
 *
 * Surfaces are least-squares fits in double precision, made before anything exact begins: the numbers that come of them
 * are what an oracle would attest.
 *
 * @param text - of the portfolio file
 * @throws {@link ChainMarketError} if the chain has nothing of the account's currency, or no spot can be had
 * @throws {@link StaleChainError} if quotes of an expiry that the account holds are older than the round by more than allowed
 * @throws {@link TooFewMarksError} if an expiry that the account holds has too few strikes for a surface
 * @throws the errors of {@link readPortfolioOverMarkets}
 */
export function readPortfolioInChain(
  text: string,
  file: string,
  chain: OptionChain,
  options: ChainMarketOptions = {},
): PortfolioInChain {
  const stated = parseExactJson(text, file) as PortfolioParts
  const currencies = currenciesOf(stated, file)
  const chosen = chosenFor(options, stated, currencies, file)
  const found = currencies.map((currency) => {
    const market = marketOfChain(chain, currency, chosen)
    return [currency, market, requireHeld(stated, currency, market, currencies.length === 1)] as const
  })
  const asOf = String(Math.max(...found.map(([, market]) => Number(market.asOf))))
  for (const [currency, market] of found) requireOfRound(currency, market, asOf)
  const priced = collateralPricesOf(stated)
  const markets = found.map(([currency, market]) => {
    const collaterals = priced.map((each) => {
      const own = found.find(([name]) => name === each.asset)
      return own === undefined ? each : { ...each, price: own[1].spot }
    })
    const { spot, perpPrice, expiries } = market
    return [currency, { asOf, spot, perpPrice, expiries, collaterals }] as const
  })
  const { market: _, markets: __, ...rest } = stated
  const inChain = JSON.stringify({ ...rest, markets: Object.fromEntries(markets) })
  return {
    portfolio: portfolioOverMarketsOf(parsePortfolio(inChain, file), file, options),
    notes: thousandsOf(text, options).concat(
      found.flatMap(([currency, market, unlisted]) => [
        ...market.notes,
        ...unlisted,
        ...warningsOfHeld(stated, currency, market, currencies.length === 1),
      ]),
    ),
  }
}

/** Notes on numbers of the account and of flags; the file's own market is not read, but for what collateral costs. */
function thousandsOf(text: string, { spots }: ChainMarketOptions): readonly string[] {
  const stated = JSON.parse(text.replace(/^\uFEFF/, '')) as PortfolioParts
  const { market: _, markets: __, ...rest } = stated
  const collaterals = collateralPricesOf(stated)
  return [
    ...thousandsNotesOf(JSON.stringify({ ...rest, market: { collaterals } })),
    ...[...(spots ?? [])].flatMap(([currency, spot]) => thousandsNotes(`--spot ${currency}`.trim(), spot)),
  ]
}

export type ChainMarketOptions = ReadOptions & {
  /** Spot by currency, instead of the chain's index price; without currency for an account in one. */
  readonly spots?: ReadonlyMap<string, string> | undefined
  /** Most that a quote may be older than the newest; by default what the file states, else {@link MAX_AGE_SECONDS}. */
  readonly maxAgeSeconds?: number | undefined
}

export type PortfolioInChain = {
  readonly portfolio: Portfolio | PortfolioOverMarkets
  /** Where prices came from, and what of the account the chain does not list. */
  readonly notes: readonly string[]
}

/** Quotes of one round are at most this much older than its newest, unless it is said otherwise. */
const MAX_AGE_SECONDS = 120

/** The little that must be known of a file before its form is checked. */
type PortfolioParts = {
  readonly account?: {
    readonly options?: readonly StatedLeg[]
    readonly perps?: { readonly currency?: unknown } | readonly { readonly currency?: unknown }[]
  }
  readonly market?: PricedParts
  readonly markets?: Readonly<Record<string, PricedParts>>
}
type PricedParts = {
  readonly currency?: unknown
  readonly maxAgeSeconds?: unknown
  readonly collaterals?: readonly { readonly asset?: unknown }[]
}
type StatedLeg = {
  readonly instrument?: unknown
  readonly currency?: unknown
  readonly expiry?: unknown
  readonly strike?: unknown
}

/** Options with the age that a file states, and its only currency where spot has none. @throws {@link ChainMarketError} */
function chosenFor(options: ChainMarketOptions, stated: PortfolioParts, currencies: readonly string[], file: string) {
  const [only = '', ...others] = currencies
  const unnamed = options.spots?.get('')
  if (unnamed !== undefined && others.length > 0)
    throw new ChainMarketError(file, `a spot for each of ${currencies.join(', ')}, --spot ${only}=…`, unnamed)
  const spots = unnamed === undefined ? options.spots : new Map([[only, unnamed]])
  return { spots, maxAgeSeconds: options.maxAgeSeconds ?? maxAgeOf(stated) }
}

/** A currency whose newest quotes are old beside another's is as stale as an expiry. @throws {@link StaleChainError} */
function requireOfRound(currency: string, market: ChainMarket, asOf: string): void {
  const age = Number(asOf) - Number(market.asOf)
  if (age <= market.maxAgeSeconds) return
  const count = [...market.listed.values()].reduce((sum, strikes) => sum + strikes.length, 0)
  throw new StaleChainError(`${currency}, all expiries`, { count, ageSeconds: age }, market.maxAgeSeconds)
}

function maxAgeOf({ market }: PortfolioParts): number {
  const stated = Number(market?.maxAgeSeconds ?? Number.NaN)
  return stated >= 0 ? stated : MAX_AGE_SECONDS
}

/** Collateral prices of all markets of a file, each asset once. */
function collateralPricesOf({ market, markets }: PortfolioParts): readonly { readonly asset?: unknown }[] {
  const all = [market, ...Object.values(markets ?? {})].flatMap((each) =>
    Array.isArray(each?.collaterals) ? each.collaterals : [],
  )
  return all.filter(({ asset }, i) => all.findIndex((each) => each.asset === asset) === i)
}

/** What the account's options and perpetuals are of, else what the file's own market is. @throws {@link ChainMarketError} */
function currenciesOf({ account, market }: PortfolioParts, file: string): readonly string[] {
  const options = Array.isArray(account?.options) ? account.options : []
  const perps = account?.perps === undefined ? [] : [account.perps].flat()
  const named = [
    ...options.map(({ instrument, currency }) => /^([A-Z0-9_]+)-/.exec(String(instrument ?? ''))?.[1] ?? currency),
    ...perps.map(({ currency }) => currency),
  ].filter((each) => typeof each === 'string')
  const currencies = named.length === 0 && typeof market?.currency === 'string' ? [market.currency] : named
  if (currencies.length === 0)
    throw new ChainMarketError(file, 'an account whose options have names such as BTC-27MAR26-100000-C')
  return [...new Set(currencies)].toSorted()
}

/**
 * Refuses an account whose options are on expiries that the chain cannot price.
 *
 * @returns a note for each strike that the chain does not list
 */
function requireHeld(
  { account }: PortfolioParts,
  currency: string,
  market: ChainMarket,
  isOnly: boolean,
): readonly string[] {
  const { stale, unfitted, listed, maxAgeSeconds } = market
  const legs = Array.isArray(account?.options) ? account.options : []
  return legs.flatMap((leg) => {
    const terms = termsOf(leg, isOnly ? currency : undefined)
    if (terms === undefined || terms.currency !== currency) return []
    const name = `${currency} ${dateOf(terms.expiry)}`
    const old = stale.get(terms.expiry)
    if (old !== undefined) throw new StaleChainError(name, old, maxAgeSeconds)
    const strikes = unfitted.get(terms.expiry)
    if (strikes !== undefined) throw new TooFewMarksError(name, strikes)
    const quoted = listed.get(terms.expiry)
    if (quoted === undefined || terms.strike === undefined || quoted.includes(terms.strike)) return []
    const [least = 0, most = 0] = [Math.min(...quoted), Math.max(...quoted)]
    const where = terms.strike < least || terms.strike > most ? 'beyond' : 'between'
    return [
      `The chain lists no option at ${terms.strike} of ${name}: its volatility is the fitted surface's, ${where} the strikes from ${least} to ${most}.`,
    ]
  })
}

/** What is to be known of the surfaces that the account's options are priced on. */
function warningsOfHeld(
  { account }: PortfolioParts,
  currency: string,
  { warnings }: ChainMarket,
  isOnly: boolean,
): readonly string[] {
  const legs = Array.isArray(account?.options) ? account.options : []
  const terms = legs.map((leg) => termsOf(leg, isOnly ? currency : undefined))
  const held = new Set(terms.flatMap((each) => (each?.currency === currency ? [each.expiry] : [])))
  return [...held].flatMap((expiry) =>
    (warnings.get(expiry) ?? []).map((warning) => `! The surface of ${currency} ${dateOf(expiry)}: ${warning}.`),
  )
}

function termsOf({ instrument, currency, expiry, strike }: StatedLeg, only: string | undefined) {
  const named = typeof instrument === 'string' ? readInstrument(instrument) : undefined
  if (named !== undefined) return { ...named, strike: Number(named.strikeE8) / 1e8 }
  if (typeof expiry !== 'string' && typeof expiry !== 'number') return undefined
  return {
    currency: typeof currency === 'string' ? currency : only,
    expiry: expiryOf(String(expiry), 'expiry'),
    strike: strike === undefined ? undefined : Number(strike),
  }
}

const dateOf = (expiry: bigint): string => new Date(Number(expiry) * 1000).toISOString().slice(0, 10)

/** A market as a portfolio file states it, and what of the chain is not in it. */
export type ChainMarket = {
  readonly asOf: string
  readonly spot: string
  /** The chain has no index price, and nobody stated a spot: it is the forward of the nearest expiry. */
  readonly isSpotForward: boolean
  /** Of the chain's perpetuals, where it quotes them at the round's time. */
  readonly perpPrice: string | undefined
  readonly expiries: readonly ChainExpiry[]
  /** Expiries without a surface: quotes are too old, or strikes too few. */
  readonly stale: ReadonlyMap<bigint, StaleQuotes>
  readonly unfitted: ReadonlyMap<bigint, number>
  /** Strikes that are quoted, by expiry. */
  readonly listed: ReadonlyMap<bigint, readonly number[]>
  /** Of the fits, by expiry. */
  readonly warnings: ReadonlyMap<bigint, readonly string[]>
  readonly maxAgeSeconds: number
  readonly notes: readonly string[]
}
type ChainExpiry = {
  readonly expiry: string
  readonly forward: string
  readonly svi: Readonly<Record<'a' | 'b' | 'rho' | 'm' | 's' | 'forwardRef' | 'tauRef' | 'variance', string>>
}

/** Market of one currency of a chain, at the time of its newest quote. @throws {@link ChainMarketError} */
export function marketOfChain(
  chain: OptionChain,
  currency: string,
  { spots, maxAgeSeconds = MAX_AGE_SECONDS }: Pick<ChainMarketOptions, 'spots' | 'maxAgeSeconds'> = {},
): ChainMarket {
  const latest = latestQuotes(chain.quotes)
  const own = latest.filter((quote) => quote.currency === currency)
  if (own.length === 0) {
    const found = [...new Set(latest.map((quote) => quote.currency))].toSorted()
    throw new ChainMarketError(chain.file, `options of ${currency}`, found.length === 0 ? 'none' : found.join(', '))
  }
  const asOf = Math.round(Math.max(...own.map((quote) => quote.asOf)))
  const alive = byExpiry(own.filter(({ expiry }) => Number(expiry) > asOf))
  const stale = new Map<bigint, StaleQuotes>()
  const unfitted = new Map<bigint, number>()
  const warnings = new Map<bigint, readonly string[]>()
  const expiries = alive.flatMap(({ expiry, quotes }): readonly ChainExpiry[] => {
    const old = staleQuotes(quotes, asOf, maxAgeSeconds)
    if (old !== undefined) stale.set(expiry, old)
    const fitted = old === undefined ? fittedExpiry(currency, expiry, quotes, asOf) : undefined
    if (old === undefined && fitted === undefined) unfitted.set(expiry, new Set(strikesOf(quotes)).size)
    if (fitted === undefined) return []
    warnings.set(expiry, fitted.warnings)
    return [fitted.surface]
  })
  const fresh = own.filter((quote) => asOf - quote.asOf <= maxAgeSeconds)
  const { spot, isSpotForward, notes: spotNotes } = spotOf(chain.file, currency, fresh, spots)
  const perp = chain.perps.findLast((each) => each.currency === currency && Math.abs(asOf - each.asOf) <= maxAgeSeconds)
  const notes = [
    ...spotNotes,
    ...(perp === undefined ? [] : [`Perpetuals of ${currency} are at ${perp.price}, as the chain quotes them.`]),
    ...[...stale].map(
      ([expiry, { count, ageSeconds }]) =>
        `${currency} ${dateOf(expiry)} is left out (stale-surface): ${count} quotes are older than the newest by up to ${ageSeconds} s.`,
    ),
  ]
  const listed = new Map(alive.map(({ expiry, quotes }) => [expiry, strikesOf(quotes)] as const))
  const perpPrice = perp === undefined ? undefined : String(perp.price)
  const told = { asOf: String(asOf), spot, isSpotForward, perpPrice, expiries }
  return { ...told, stale, unfitted, listed, warnings, maxAgeSeconds, notes }
}

const strikesOf = (quotes: readonly OptionQuote[]): readonly number[] =>
  quotes.map(({ strikeE8 }) => Number(strikeE8) / 1e8)

/** Undefined where there are too few strikes. */
function fittedExpiry(
  currency: string,
  expiry: bigint,
  quotes: readonly OptionQuote[],
  asOf: number,
): { readonly surface: ChainExpiry; readonly warnings: readonly string[] } | undefined {
  const forward = String(medianOf(quotes.map(({ forwardE8 }) => Number(forwardE8) / 1e8)))
  const timeToExpiry = Math.max(Number(expiry) - asOf, 1) / 31_536_000
  const fit = fitQuotes(quotes, timeToExpiry, `${currency} ${expiry}`)
  if (fit === undefined) return undefined
  const { a, b, rho, m, s } = fit.svi
  const svi = { a: String(a), b: String(b), rho: String(rho), m: String(m), s: String(s) }
  const fitted = { ...svi, forwardRef: forward, tauRef: String(timeToExpiry), variance: 'total' }
  return { surface: { expiry: String(expiry), forward, svi: fitted }, warnings: fitWarnings(fit) }
}

const medianOf = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

/** Spot, with a note where it is no index price of the chain. @throws {@link ChainMarketError} */
function spotOf(
  file: string,
  currency: string,
  quotes: readonly OptionQuote[],
  spots: ReadonlyMap<string, string> | undefined,
): Pick<ChainMarket, 'spot' | 'isSpotForward' | 'notes'> {
  const chosen = spots?.get(currency)
  if (chosen !== undefined)
    return { spot: chosen, isSpotForward: false, notes: [`Spot of ${currency} is ${chosen}, as said by --spot.`] }
  const indices = quotes.flatMap(({ indexPrice }) => (indexPrice === undefined ? [] : [indexPrice]))
  if (indices.length > 0) return { spot: String(medianOf(indices)), isSpotForward: false, notes: [] }
  const [nearest] = byExpiry(quotes)
  if (nearest === undefined) throw new ChainMarketError(file, `options of ${currency} that have not expired`, 'none')
  const forward = String(medianOf(nearest.quotes.map(({ forwardE8 }) => Number(forwardE8) / 1e8)))
  const note = `The chain has no index price of ${currency}: spot is the forward of ${dateOf(nearest.expiry)}, ${forward} (--spot states another).`
  return { spot: forward, isSpotForward: true, notes: [note] }
}

/** A chain and a portfolio do not go together. */
export class ChainMarketError extends ProverError {
  readonly code = 'portfolio.chain-market'
  readonly file: string

  constructor(file: string, expected: string, found = 'none') {
    super(`${file}: expected ${expected}, found ${found}.`)
    this.file = file
  }
}

/** Quotes of an expiry that the account holds are too old to be of one time with the chain's newest. */
export class StaleChainError extends ProverError {
  readonly code = 'portfolio.stale-surface'
  readonly leg: string
  readonly count: number
  readonly ageSeconds: number
  readonly maxAgeSeconds: number

  constructor(leg: string, { count, ageSeconds }: StaleQuotes, maxAgeSeconds: number) {
    super(
      `${leg}: expected quotes at most ${maxAgeSeconds} s older than the chain's newest, got ${count} that are older by up to ${ageSeconds} s. ` +
        'Leave them out, or allow more with --max-age-seconds.',
    )
    this.leg = leg
    this.count = count
    this.ageSeconds = ageSeconds
    this.maxAgeSeconds = maxAgeSeconds
  }
}
