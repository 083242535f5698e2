/** A round of what a provider quotes of options: spot, perpetual and fitted surfaces, in the words that a registry of margins takes. */
import { ProverError } from '../../errors.ts'
import { unitsOfScale, unitsText } from '../../market/priceScale.ts'
import type { ChainMarket } from '../../portfolio/input/chainMarket.ts'
import { readPortfolio } from '../../portfolio/input/schema.ts'
import type { CollateralMarket, CollateralPolicy } from '../../portfolio/margin.ts'
import type { ExpirySurface, PortfolioMarket } from '../../portfolio/portfolio.ts'
import { roundOf, type RoundWords } from '../../registry/index.ts'
import { roundWords } from '../../statement/portfolioMargin.ts'
import { expiryWords } from '../../statement/riskArray.ts'

/** What was fitted to an answer. */
export type FittedMarket = Pick<ChainMarket, 'asOf' | 'spot' | 'isSpotForward' | 'perpPrice' | 'expiries'>

/** What of a round does not follow from quotes. */
export type RoundTerms = {
  readonly marketId: string
  readonly priceScale: number
  /** Of the policy in force; shape [16]. */
  readonly collaterals: readonly CollateralPolicy[]
  /** Of those that do not move with spot, by place, in the settlement currency; rounded down. */
  readonly collateralPricesE12: readonly (bigint | undefined)[]
  /** Of the settlement currency itself, as a decimal number. */
  readonly stablePrice: string
}

export type MadeRound = {
  readonly round: RoundWords
  readonly spotE8: bigint
  /** Expiries whose surfaces fit no words, and why. */
  readonly leftOut: readonly string[]
}

/**
 * @throws {@link RoundWithoutIndexError}, {@link RoundWithoutPerpError}, {@link RoundWithoutExpiriesError}; what {@link readPortfolio} throws of spot and perpetual, which stop the round
 * @throws {@link CollateralPriceError} if the policy has a collateral that nobody stated a price of
 */
export function roundOfOptions(fitted: FittedMarket, terms: RoundTerms): MadeRound {
  // A forward is not the price that accounts are settled and liquidated at.
  if (fitted.isSpotForward) throw new RoundWithoutIndexError()
  if (fitted.perpPrice === undefined) throw new RoundWithoutPerpError()
  const leftOut: string[] = []
  const expiries = fitted.expiries.flatMap((each): readonly ExpirySurface[] => {
    try {
      return marketIn(fitted, terms, [each]).expiries
    } catch (error) {
      // One surface that no circuit can hold keeps no other from being published.
      if (!(error instanceof ProverError)) throw error
      leftOut.push(error.message)
      return []
    }
  })
  const market = marketIn(fitted, terms, [])
  const collaterals = collateralsOf(market, terms)
  if (expiries.length === 0) throw new RoundWithoutExpiriesError(leftOut)
  const sorted = expiries.toSorted((a, b) => Number(a.expiry - b.expiry))
  const round = roundOf(
    terms.marketId,
    market.asOf,
    roundWords({ ...market, collaterals }),
    sorted.map((each) => expiryWords(each)),
  )
  return { round, spotE8: market.spotE8, leftOut }
}

/** As a portfolio file with this market is read: exactly, or refused by name. */
function marketIn(
  { asOf, spot, perpPrice }: FittedMarket,
  { priceScale, stablePrice }: RoundTerms,
  expiries: FittedMarket['expiries'],
): PortfolioMarket {
  const priceUnits = unitsText(unitsOfScale(priceScale))
  const market = { asOf, spot, perpPrice, stablePrice, priceUnits, expiries }
  return readPortfolio(JSON.stringify({ account: {}, market }), 'options').market
}

const ONE_X40 = 1n << 40n
const UNUSED: CollateralMarket = { priceE12: 0n, confidenceX40: 0n }

export const isUsed = (rule: CollateralPolicy): boolean =>
  rule.maintenanceHaircutX40 +
    rule.initialHaircutX40 +
    rule.confidenceThresholdX40 +
    rule.movesWithSpot +
    rule.sizeQ !==
  0n

/** What moves with spot is the asset itself, counted in as many units as spot is told of. */
function collateralsOf({ spotE8 }: PortfolioMarket, terms: RoundTerms): readonly CollateralMarket[] {
  const spotE12 = spotE8 * 10n ** 4n
  return terms.collaterals.map((rule, place) => {
    if (!isUsed(rule)) return UNUSED
    const priceE12 = rule.movesWithSpot === 1n ? spotE12 : terms.collateralPricesE12[place]
    if (priceE12 === undefined) throw new CollateralPriceError(place)
    return { priceE12, confidenceX40: ONE_X40 }
  })
}

/** No index price came with the options. */
export class RoundWithoutIndexError extends ProverError {
  readonly code = 'service.round-index'

  constructor() {
    super(
      'Expected an index price beside the options, which is the spot of a round, got none: forwards are not taken for it. ' +
        'The next quotes that have one are published.',
    )
  }
}

/** Not one expiry has a surface. */
export class RoundWithoutExpiriesError extends ProverError {
  readonly code = 'service.round-expiries'

  constructor(leftOut: readonly string[]) {
    const why = leftOut.length === 0 ? 'none has quotes of enough strikes.' : leftOut.join(' ')
    super(`Expected surfaces of one expiry or more, which a round is for, got none: ${why}`)
  }
}

/** No price of the perpetual came beside the options. */
export class RoundWithoutPerpError extends ProverError {
  readonly code = 'service.round-perp'

  constructor() {
    super(
      'Expected a price of the perpetual beside its options, which a round has, got none. Name the perpetual as the instrument of the feed.',
    )
  }
}

/** The policy has a collateral whose price nobody states. */
export class CollateralPriceError extends ProverError {
  readonly code = 'service.round-collateral'
  readonly place: number

  constructor(place: number) {
    super(
      `Expected a price of the collateral at place ${place} of the policy, which does not move with spot, got none. ` +
        'State it under "rounds" of the market, in "collateralPrices", one for each place, null where spot is its price.',
    )
    this.place = place
  }
}
