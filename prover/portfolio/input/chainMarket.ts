/** The market part of a portfolio file, made from an option chain: spot, forwards, and an SVI surface for every expiry. */
import { ProverError } from '../../errors.ts'
import { byExpiry, latestQuotes, type OptionChain } from '../../options/chain.ts'
import { fitQuotes } from '../../options/pricedChain.ts'
import { parseExactJson } from './exactJson.ts'
import type { Portfolio, PortfolioOverMarkets } from '../portfolio.ts'
import { readPortfolioOverMarkets } from './markets.ts'
import type { ReadOptions } from './schema.ts'

/**
 * Reads a portfolio file in the markets of a chain instead of its own: one for each currency that the account's options and
 * perpetuals are of, all at the time of the newest. Account, parameters, scenarios and collateral prices stay. Collateral in
 * a market's own currency takes the chain's spot.
 *
 * Surfaces are least-squares fits in double precision, made before anything exact begins: the numbers that come of them
 * are what an oracle would attest.
 *
 * @param text - of the portfolio file
 * @throws {@link ChainMarketError} if the chain has no spot for the account's options
 * @throws the errors of {@link readPortfolioOverMarkets}
 */
export function readPortfolioInChain(
  text: string,
  file: string,
  chain: OptionChain,
  options: ReadOptions = {},
): Portfolio | PortfolioOverMarkets {
  const stated = parseExactJson(text, file) as PortfolioParts
  const currencies = currenciesOf(stated, file)
  const found = currencies.map((currency) => [currency, marketOfChain(chain, currency)] as const)
  const asOf = String(Math.max(...found.map(([, market]) => Number(market.asOf))))
  const priced = collateralPricesOf(stated)
  const markets = found.map(([currency, market]) => {
    const collaterals = priced.map((each) => {
      const own = found.find(([name]) => name === each.asset)
      return own === undefined ? each : { ...each, price: own[1].spot }
    })
    return [currency, { ...market, asOf, collaterals }] as const
  })
  const { market: _, markets: __, ...rest } = stated
  return readPortfolioOverMarkets(JSON.stringify({ ...rest, markets: Object.fromEntries(markets) }), file, options)
}

/** The little that must be known of a file before its form is checked. */
type PortfolioParts = {
  readonly account?: {
    readonly options?: readonly { readonly instrument?: unknown; readonly currency?: unknown }[]
    readonly perps?: { readonly currency?: unknown } | readonly { readonly currency?: unknown }[]
  }
  readonly market?: PricedParts
  readonly markets?: Readonly<Record<string, PricedParts>>
}
type PricedParts = { readonly currency?: unknown; readonly collaterals?: readonly { readonly asset?: unknown }[] }

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

/** Market of one currency as a portfolio file states it. @throws {@link ChainMarketError} */
export function marketOfChain(chain: OptionChain, currency: string) {
  const quotes = latestQuotes(chain.quotes).filter((quote) => quote.currency === currency)
  const spots = quotes
    .flatMap(({ indexPrice }) => (indexPrice === undefined ? [] : [indexPrice]))
    .toSorted((a, b) => a - b)
  const spot = spots[spots.length >> 1]
  if (spot === undefined) throw new ChainMarketError(chain.file, `options on ${currency} with an index price`)
  const asOf = Math.round(Math.max(...quotes.map((quote) => quote.asOf)))
  const expiries = byExpiry(quotes).flatMap(({ expiry, quotes: marks }) => {
    const forwards = marks.map(({ forwardE8 }) => Number(forwardE8) / 1e8).toSorted((a, b) => a - b)
    const forward = String(forwards[forwards.length >> 1])
    const timeToExpiry = Math.max(Number(expiry) - asOf, 1) / 31_536_000
    const fit = fitQuotes(marks, timeToExpiry, `${currency} ${expiry}`)
    if (fit === undefined) return []
    const { a, b, rho, m, s } = fit.svi
    const svi = { a: String(a), b: String(b), rho: String(rho), m: String(m), s: String(s) }
    return [{ expiry: String(expiry), forward, svi: { ...svi, forwardRef: forward, tauRef: String(timeToExpiry) } }]
  })
  return { asOf: String(asOf), spot: String(spot), expiries }
}

/** A chain and a portfolio do not go together. */
export class ChainMarketError extends ProverError {
  readonly code = 'portfolio.chain-market'
  readonly file: string

  constructor(file: string, expected: string) {
    super(`${file}: expected ${expected}, found none.`)
    this.file = file
  }
}
