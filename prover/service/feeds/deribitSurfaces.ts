/** Surfaces of the options that Deribit quotes, fitted as for margins from a chain file. */
import { ProverError } from '../../errors.ts'
import { parseChain } from '../../options/chain.ts'
import { sviTotalVariance } from '../../options/real.ts'
import { marketOfChain } from '../../portfolio/input/chainMarket.ts'
import type { DeribitMarket } from './deribitMessages.ts'
import { type FeedEvent, type FittedSurface, refusal } from './priceFeed.ts'
import { WireNumber } from './wireJson.ts'

const YEAR_SECONDS = 31_536_000

/**
 * Events of a `get_book_summary_by_currency`: its options with their surfaces, or why there are none.
 *
 * @param perpetual - row of the perpetual, if it was told of
 */
export function readSummaries(
  feed: string,
  wanted: DeribitMarket,
  rows: readonly unknown[] | undefined,
  perpetual?: unknown,
): readonly FeedEvent[] {
  if (rows === undefined) return [refusal(feed, 'options', 'no list')]
  const currency = wanted.options ?? ''
  const chain = JSON.stringify(perpetual === undefined ? rows : [...rows, perpetual], plainNumbers)
  try {
    const read = parseChain(chain, feed, { now: Date.now() / 1000 })
    const market = marketOfChain(read, currency)
    const surfaces = market.expiries.map((each) => surfaceOf(each, Number(market.asOf)))
    const refused = read.refused.length
    const unfitted = market.unfitted.size + market.stale.size
    const { asOf, spot, isSpotForward, perpPrice, expiries } = market
    const fitted = { asOf, spot, isSpotForward, perpPrice, expiries }
    const told = { feed, market: wanted.market, currency, asOfMs: 1000 * Number(asOf) }
    return [{ kind: 'options', ...told, chain, surfaces, fitted, refused, unfitted }]
  } catch (error) {
    if (!(error instanceof ProverError)) throw error
    return [refusal(feed, 'options', error.message)]
  }
}

type FittedExpiry = ReturnType<typeof marketOfChain>['expiries'][number]

const yearsTo = (expiry: string, asOf: number): number => Math.max(Number(expiry) - asOf, 1) / YEAR_SECONDS

/** At the forward, annualised. */
export function volatilityAtForward({ expiry, svi }: FittedExpiry, asOf: number): number {
  const [a = 0, b = 0, rho = 0, m = 0, s = 0] = [svi.a, svi.b, svi.rho, svi.m, svi.s].map(Number)
  return Math.sqrt(sviTotalVariance({ a, b, rho, m, s }, 0) / yearsTo(expiry, asOf))
}

function surfaceOf(fitted: FittedExpiry, asOf: number): FittedSurface {
  const { expiry, forward } = fitted
  return { expiry, forward, volatility: volatilityAtForward(fitted, asOf), years: yearsTo(expiry, asOf) }
}

/** Options are priced in doubles: their numbers become such. */
const plainNumbers = (_: string, value: unknown): unknown => (value instanceof WireNumber ? Number(value.text) : value)

/** The volatility at the forward in so many years, between two surfaces by total variance; undefined beyond them. */
export function volatilityAt(surfaces: readonly FittedSurface[], years: number): number | undefined {
  const sorted = surfaces.toSorted((a, b) => a.years - b.years)
  const after = sorted.findIndex((surface) => surface.years >= years)
  const [before, next] = [sorted[after - 1], sorted[after]]
  if (next?.years === years) return next.volatility
  if (before === undefined || next === undefined) return undefined
  const share = (years - before.years) / (next.years - before.years)
  const variance = (1 - share) * before.volatility ** 2 * before.years + share * next.volatility ** 2 * next.years
  return Math.sqrt(variance / years)
}
