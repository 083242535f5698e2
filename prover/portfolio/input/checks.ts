/** What a market must be before anything is priced in it; every refusal names the leg. */
import { ProverError } from '../../errors.ts'
import type { Units } from '../../market/priceScale.ts'
import { type Svi, sviTotalVariance } from '../../options/real.ts'
import { requireNoButterfly, requireSviShape } from '../../options/surface.ts'
import { type ExpirySurface, type PortfolioMarket, unitsOfMarket } from '../portfolio.ts'
import { decimalText, grouped } from './exact.ts'
import { UnitError } from './fractions.ts'

/** What errors call an expiry of a market. @param at - where the market stands in the file */
export const expiryName = (expiry: bigint, at: string): string =>
  `${at === 'market' ? '' : `${at}, `}expiry ${iso(expiry).slice(0, 10)}`

/** An expiry's SVI parameters as plain numbers. */
export function sviOf({ sviAX48, sviBX48, sviRhoX40, sviMX40, sviSX40 }: ExpirySurface): Svi {
  return {
    a: Number(sviAX48) / 2 ** 48,
    b: Number(sviBX48) / 2 ** 48,
    rho: Number(sviRhoX40) / 2 ** 40,
    m: Number(sviMX40) / 2 ** 40,
    s: Number(sviSX40) / 2 ** 40,
  }
}

/**
 * Refuses a surface that prices nothing: no forward, no shape, a strike with negative variance.
 *
 * @throws {@link ForwardMissingError}, {@link SviShapeError}, {@link SviNegativeVarianceError}
 */
export function requireSurfaceShape(surface: ExpirySurface, leg: string): void {
  if (surface.forwardVariableE8 + surface.forwardFixedE8 <= 0n || surface.forwardRefE8 <= 0n) {
    throw new ForwardMissingError(leg)
  }
  requireSviShape(sviOf(surface), leg)
}

/** Refuses a surface whose parameters can only be those of a volatility, or of a variance a year in points. @throws {@link UnitError} */
export function requireTotalVariance(surface: ExpirySurface, leg: string): void {
  const atForward = sviTotalVariance(sviOf(surface), 0)
  if (!(atForward < LARGEST_VARIANCE)) {
    throw new UnitError(
      `${leg}.svi`,
      String(Number(atForward.toPrecision(6))),
      `a total variance (volatility² × years) below ${LARGEST_VARIANCE} at the forward`,
    )
  }
}

/**
 * Refuses a surface that makes no sense in the time to its expiry and good sense in a year: its a and b are of a variance a year. Close
 * to expiry a volatility may be as high, but then its total variance is small.
 *
 * @throws {@link AnnualVarianceError}
 */
export function requireNotAnnual(surface: ExpirySurface, leg: string): void {
  const atForward = sviTotalVariance(sviOf(surface), 0)
  const years = Number(surface.tauRefSecondsX20) / 2 ** 20 / YEAR_SECONDS
  const [volatility, asAnnual] = [Math.sqrt(atForward / years), Math.sqrt(atForward)]
  if (volatility > WILD_VOLATILITY && asAnnual > LEAST_ANNUAL)
    throw new AnnualVarianceError(leg, volatility, asAnnual, years)
}

/** 300 % at the forward, beyond what any market has paid but in its last hours. */
const WILD_VOLATILITY = 3
/** Less than 20 % a year nothing here has. */
const LEAST_ANNUAL = 0.2
const YEAR_SECONDS = 31_536_000

/** Where total variances saturate; at the forward nothing that is one comes near. */
const LARGEST_VARIANCE = 20

/** Beyond the strikes that are held, butterflies are nobody's business; this far around the forward they always are. */
const ALWAYS_EXAMINED = 0.25

/**
 * Refuses a surface that can be arbitraged with butterflies among the strikes that an account holds.
 *
 * @throws {@link SviButterflyError}
 */
export function requireArbitrageFree(surface: ExpirySurface, strikesE8: readonly bigint[], leg: string): void {
  const moneyness = strikesE8.map((strike) => Math.log(Number(strike) / Number(surface.forwardRefE8)))
  const from = Math.min(-ALWAYS_EXAMINED, ...moneyness)
  const to = Math.max(ALWAYS_EXAMINED, ...moneyness)
  requireNoButterfly(sviOf(surface), leg, from, to)
}

/** Forwards, perpetuals and the market's own currency as collateral are worth spot but for carry, which is far less. */
const PRICE_FACTOR = 2n

/**
 * Refuses prices of one thing that are further apart than carry can bring them: one of them has other decimals, is a feed
 * that is missing, or is of another market.
 *
 * @throws {@link PricesApartError}
 */
export function requirePricesTogether(market: PortfolioMarket, at: string): void {
  const { currency, spotE8, perpPriceE8, expiries, collaterals } = market
  const units = unitsOfMarket(market)
  const own = collaterals.filter(({ asset }) => asset === currency)
  const prices: readonly (readonly [string, bigint])[] = [
    [`${at}.perpPrice`, perpPriceE8],
    ...expiries.flatMap(({ expiry, forwardVariableE8, forwardFixedE8, forwardRefE8 }) => {
      const leg = expiryName(expiry, at)
      return [
        [`${leg}, forward`, forwardVariableE8 + forwardFixedE8],
        [`${leg}, svi.forwardRef`, forwardRefE8],
      ] as const
    }),
    ...own.map(({ asset, priceE12 }) => [`${at}.collaterals.${asset}.price`, priceE12 / 10_000n] as const),
  ]
  for (const [entry, priceE8] of prices) {
    const [low, high] = priceE8 < spotE8 ? [priceE8, spotE8] : [spotE8, priceE8]
    if (low * PRICE_FACTOR < high) throw new PricesApartError(entry, priceE8, spotE8, units)
  }
}

/** A price of a market is not within a factor of 2 of spot. */
export class PricesApartError extends ProverError {
  readonly code = 'portfolio.prices-apart'
  readonly entry: string
  readonly price: string
  readonly spot: string

  constructor(entry: string, priceE8: bigint, spotE8: bigint, { count, parts }: Units) {
    const ofOne = (valueE8: bigint): string => decimalText(valueE8 * parts, count * 10n ** 8n, 20)
    const [price, spot] = [ofOne(priceE8), ofOne(spotE8)]
    super(
      `${entry}: expected a price within a factor of ${PRICE_FACTOR} of spot, got ${grouped(price)} beside spot ${grouped(spot)}. ` +
        'One of them has other decimals, is missing, or is of another market.',
    )
    this.entry = entry
    this.price = price
    this.spot = spot
  }
}

/** An expiry has no forward to price on. */
export class ForwardMissingError extends ProverError {
  readonly code = 'portfolio.forward-missing'
  readonly leg: string

  constructor(leg: string) {
    super(`${leg}: expected a positive forward, found none. Every expiry is priced on its own.`)
    this.leg = leg
  }
}

/** A forward is quoted with a bid above its ask. */
export class ForwardCrossedError extends ProverError {
  readonly code = 'portfolio.forward-crossed'
  readonly leg: string
  readonly bid: string
  readonly ask: string

  constructor(leg: string, bid: string, ask: string) {
    super(
      `${leg}: expected a forward bid of at most the ask, got bid ${bid} above ask ${ask}. Wait for an uncrossed quote.`,
    )
    this.leg = leg
    this.bid = bid
    this.ask = ask
  }
}

/** An option's expiry lies before the market's time, or at it without a settlement price. */
export class ExpiredLegError extends ProverError {
  readonly code = 'portfolio.expired'
  readonly leg: string
  readonly expiry: bigint
  readonly asOf: bigint

  constructor(leg: string, expiry: bigint, asOf: bigint) {
    const reason =
      expiry === asOf
        ? 'it expires in this very second: state its settlementPrice, at which it is worth its payoff'
        : 'it has expired: settle it into cash and leave it out'
    super(`${leg}: expected an expiry after ${iso(asOf)}, got ${iso(expiry)}; ${reason}.`)
    this.leg = leg
    this.expiry = expiry
    this.asOf = asOf
  }
}

/** A settlement price is stated of options that have not expired. */
export class UnsettledError extends ProverError {
  readonly code = 'portfolio.unsettled'
  readonly leg: string
  readonly expiry: bigint
  readonly asOf: bigint

  constructor(leg: string, expiry: bigint, asOf: bigint) {
    super(
      `${leg}: expected a settlementPrice only in the second of expiry, ${iso(expiry)}, got one at ${iso(asOf)}. Leave it out.`,
    )
    this.leg = leg
    this.expiry = expiry
    this.asOf = asOf
  }
}

/** An expiry's data is older than the round allows. */
export class StaleSurfaceError extends ProverError {
  readonly code = 'portfolio.stale-surface'
  readonly leg: string
  readonly asOf: bigint
  readonly ageSeconds: bigint
  readonly maxAgeSeconds: bigint

  constructor(leg: string, asOf: bigint, ageSeconds: bigint, maxAgeSeconds: bigint) {
    super(
      `${leg}: expected data at most ${maxAgeSeconds} s old, got ${ageSeconds} s (${iso(asOf)}). Fetch a newer round.`,
    )
    this.leg = leg
    this.asOf = asOf
    this.ageSeconds = ageSeconds
    this.maxAgeSeconds = maxAgeSeconds
  }
}

/** Parts of a market were observed at different times. */
export class MixedMarketError extends ProverError {
  readonly code = 'portfolio.mixed-market'
  readonly leg: string
  readonly expected: bigint
  readonly found: bigint

  constructor(leg: string, expected: bigint, found: bigint) {
    super(`${leg}: expected data of the round of ${iso(expected)}, got ${iso(found)}. A margin is of one round only.`)
    this.leg = leg
    this.expected = expected
    this.found = found
  }
}

export const iso = (time: bigint): string => new Date(Number(time) * 1000).toISOString().replace('.000Z', 'Z')

/** A surface's a and b are of variance a year instead of total variance. */
export class AnnualVarianceError extends ProverError {
  readonly code = 'portfolio.annual-variance'
  readonly leg: string
  /** At the forward, as the file says it. */
  readonly volatility: number
  /** The same if a and b are of a variance a year. */
  readonly volatilityIfAnnual: number

  constructor(leg: string, volatility: number, ifAnnual: number, years: number) {
    const percent = (value: number): string => `${(100 * value).toFixed(0)} %`
    super(
      `${leg}.svi: expected a and b of total variance (volatility² × years), got a volatility of ${percent(volatility)} at the forward; ` +
        `as a variance a year it would be ${percent(ifAnnual)}. Multiply a and b by ${Number(years.toPrecision(6))}, the years to expiry, ` +
        'or write "variance": "total" into svi if it is meant.',
    )
    this.leg = leg
    this.volatility = volatility
    this.volatilityIfAnnual = ifAnnual
  }
}
