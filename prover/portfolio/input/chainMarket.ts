/** The market part of a portfolio file, made from an option chain: spot, forwards, and an SVI surface for every expiry. */
import { ProverError } from '../../errors.ts'
import { byExpiry, latestQuotes, type OptionChain } from '../../options/chain.ts'
import { fitQuotes } from '../../options/pricedChain.ts'
import { parseExactJson } from './exactJson.ts'
import type { Portfolio } from '../portfolio.ts'
import { type ReadOptions, readPortfolio } from './schema.ts'

/**
 * Reads a portfolio file in the market of a chain instead of its own; account, parameters, scenarios and collateral prices
 * stay. Collateral in the chain's own currency takes the chain's spot.
 *
 * Surfaces are least-squares fits in double precision, made before anything exact begins: the numbers that come of them
 * are what an oracle would attest.
 *
 * @param text - of the portfolio file
 * @throws {@link ChainMarketError} if the chain has no spot for the account's options
 * @throws the errors of {@link readPortfolio}
 */
export function readPortfolioInChain(
  text: string,
  file: string,
  chain: OptionChain,
  options: ReadOptions = {},
): Portfolio {
  const stated = parseExactJson(text, file) as PortfolioParts
  const currency = currencyOf(stated, file)
  const market = marketOfChain(chain, currency)
  const priced = Array.isArray(stated.market?.collaterals) ? stated.market.collaterals : []
  const collaterals = priced.map((each) => (each.asset === currency ? { ...each, price: market.spot } : each))
  return readPortfolio(JSON.stringify({ ...stated, market: { ...market, collaterals } }), file, options)
}

/** The little that must be known of a file before its form is checked. */
type PortfolioParts = {
  readonly account?: { readonly options?: readonly { readonly instrument?: unknown }[] }
  readonly market?: { readonly collaterals?: readonly { readonly asset?: unknown }[] }
}

function currencyOf({ account }: PortfolioParts, file: string): string {
  const names = (Array.isArray(account?.options) ? account.options : []).map(({ instrument }) =>
    String(instrument ?? ''),
  )
  const currency = /^([A-Z0-9_]+)-/.exec(names[0] ?? '')?.[1]
  if (currency === undefined)
    throw new ChainMarketError(file, 'an account whose options have names such as BTC-27MAR26-100000-C')
  return currency
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
