/**
 * One account, the market it is judged in, and the rules: everything a portfolio margin depends on, as the exact integers
 * that statements are made of (circuits/statements/index.ts names them, with units and widths).
 *
 * Whatever reads decimals ({@link readPortfolio}, {@link readDeriveCase}) rounds them to the nearest unit; nothing after
 * it rounds without a name.
 */
import type { Fields } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import { type Units, unitsOfScale } from '../market/priceScale.ts'

export type VolatilityMove = 'up' | 'none' | 'down' | 'linear' | 'absolute'

/** One what-if of the grid: spot and all forwards times a shock, volatilities moved, the loss scaled. */
export type Scenario = {
  readonly spotShockX40: bigint
  /** `linear` and `absolute` tilt the smile and leave spot alone. */
  readonly volatility: VolatilityMove
  readonly dampingX40: bigint
}

export type OptionLeg = {
  /** As the user wrote it, or made up from the terms. */
  readonly instrument: string
  readonly expiry: bigint
  readonly strikeE8: bigint
  readonly isCall: boolean
  /** Signed; negative is short. */
  readonly quantityE12: bigint
}

export type PortfolioAccount = Fields<'holdings'> & {
  readonly collaterals: readonly { readonly asset: string; readonly amountE12: bigint }[]
  readonly options: readonly OptionLeg[]
}

/** What a round says about one expiry. */
export type ExpirySurface = Fields<'expiryForward'> & Fields<'expirySurface'> & Fields<'expirySurfaceShape'>

export type CollateralPrice = { readonly asset: string; readonly priceE12: bigint; readonly confidenceX40: bigint }

export type PortfolioMarket = Fields<'roundPrices'> &
  Fields<'roundConfidences'> & {
    /** Of what its options and perpetuals are; absent if nobody said. */
    readonly currency?: string
    /** k: prices and strikes are of 10^k units of the asset, and quantities of it count as many; absent: 0. */
    readonly priceScale?: number
    /** By expiry, each once. */
    readonly expiries: readonly ExpirySurface[]
    readonly collaterals: readonly CollateralPrice[]
  }

/** Of how many units of its asset a market's prices are, as words and everything computed from them have them. */
export const unitsOfMarket = ({ priceScale = 0 }: Pick<PortfolioMarket, 'priceScale'>): Units =>
  unitsOfScale(priceScale)

export type CollateralRule = {
  readonly asset: string
  /** On top of the maintenance haircut. */
  readonly initialHaircutX40: bigint
  readonly maintenanceHaircutX40: bigint
  readonly confidenceThresholdX40: bigint
  /** Shocked with spot, so it offsets options and perpetuals. */
  readonly movesWithSpot: boolean
  /** Held beyond this it is concentrated; units of 2^32·10^-12. */
  readonly sizeQ: bigint
}

export type PortfolioRules = {
  readonly lossFactors: Fields<'lossFactors'>
  readonly contingencies: Fields<'contingencies'>
  readonly concentration: Fields<'concentration'>
  readonly volatilityShocks: Fields<'volatilityShocks'>
  readonly skewLinear: Fields<'skewLinear'>
  readonly skewAbsolute: Fields<'skewAbsolute'>
  readonly longDiscount: Fields<'longDiscount'>
  readonly shortDiscount: Fields<'shortDiscount'>
  readonly basis: Fields<'basisShocks'>
  readonly collaterals: readonly CollateralRule[]
}

export type Portfolio = {
  readonly name: string
  readonly account: PortfolioAccount
  readonly market: PortfolioMarket
  readonly rules: PortfolioRules
  /** In the order in which they were stated; {@link scenarioSlots} lays them out. */
  readonly scenarios: readonly Scenario[]
  /** What is to be said of how its file was read; absent if nothing. */
  readonly notes?: readonly string[]
}

/** An account over several markets: its part in each, and what they offset of each other. */
export type PortfolioOverMarkets = {
  readonly name: string
  /** In no part. */
  readonly cashE12: bigint
  /** By currency, at least two; each with the options, perpetuals and collateral of its market, without cash. */
  readonly parts: readonly Portfolio[]
  /** Of its loss, what a market may offset; one a part. */
  readonly spreadCreditsX40: readonly bigint[]
  /** What is to be said of how its file was read; absent if nothing. */
  readonly notes?: readonly string[]
}

/** Before expiry the settlement average is formed over this time: forwards move with spot less and less. */
const SETTLEMENT_SECONDS = 1800n

/** Splits a forward into what still moves with spot and what the settlement average has fixed, to the nearest unit. */
export function splitForward(
  forwardE8: bigint,
  secondsToExpiry: bigint,
): Pick<ExpirySurface, 'forwardVariableE8' | 'forwardFixedE8'> {
  if (secondsToExpiry >= SETTLEMENT_SECONDS) return { forwardVariableE8: forwardE8, forwardFixedE8: 0n }
  const forwardVariableE8 = (2n * forwardE8 * secondsToExpiry + SETTLEMENT_SECONDS) / (2n * SETTLEMENT_SECONDS)
  return { forwardVariableE8, forwardFixedE8: forwardE8 - forwardVariableE8 }
}

/** Surface of a leg's expiry. @throws {@link UnknownInstrumentError} if the market has none */
export function surfaceOf(market: PortfolioMarket, leg: OptionLeg): ExpirySurface {
  const surface = market.expiries.find(({ expiry }) => expiry === leg.expiry)
  if (surface === undefined) throw new UnknownInstrumentError(leg.instrument, 'the market has no such expiry')
  return surface
}

/** A leg names an option that the market does not have, or none at all. */
export class UnknownInstrumentError extends ProverError {
  readonly code = 'portfolio.unknown-instrument'
  readonly leg: string

  constructor(leg: string, reason: string, advice = 'Add its expiry to the market, or correct the name.') {
    super(`Unknown instrument ${leg}: ${reason}. ${advice}`)
    this.leg = leg
  }
}
