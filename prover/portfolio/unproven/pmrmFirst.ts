/**
 * The first generation of Derive's portfolio margin, stated in the terms of the second: the same arrays, the same book, the
 * same account margin, so the same circuits prove it.
 *
 * It differs in its rules alone. Option values are not discounted, but what an expiry is worth to the account under a shock
 * is scaled by base·e^(−τ·(multiple·rate + add)); there is no skew scenario and no scenario with volatility up only; and the
 * loss factor of initial margin multiplies the contingencies too. The second generation's rate of an expiry is therefore 0
 * and its rate add-on carries the rate: expiries of different rates are priced under pricing policies of their own.
 */
import { signedDivDown } from '../../math/index.ts'
import type { Fields } from '../../../circuits/statements/index.ts'
import { type MarginSizes, type PricedSurface, type ProvableMargin, provableMargin } from '../accountMargin.ts'
import { uncharged } from '../contingencies.ts'
import { accountMargin } from '../margin.ts'
import type {
  ExpirySurface,
  Portfolio,
  PortfolioAccount,
  PortfolioMarket,
  PortfolioRules,
  Scenario,
} from '../portfolio.ts'
import { surfaceOf } from '../portfolio.ts'
import { shardBook } from '../sharding.ts'

/** Rules as the first generation states them; fractions X40. */
export type FirstRules = {
  /** Each is tried with volatility up, unshocked and down; at most three above 1 and three below, 1 itself included. */
  readonly spotShocksX40: readonly bigint[]
  readonly volatilityShocks: Omit<Fields<'volatilityShocks'>, 'floorUpX40'>
  /** Of what an expiry is worth to the account: base·e^(−τ·(rateMultiple·rate + rateAdd)). */
  readonly longDiscount: Fields<'longDiscount'>
  readonly basis: PortfolioRules['basis'] & { readonly basisSlopeX40: bigint }
  /** Initial margin is this multiple of the loss and the contingencies, and more while the stable coin is off its peg. */
  readonly lossFactorX40: bigint
  readonly pegThresholdX40: bigint
  readonly pegLossX40: bigint
  /** Fractions of notional, in both margins. */
  readonly perpX40: bigint
  readonly optionX40: bigint
  readonly collateralX40: bigint
  readonly confidenceThresholdX40: bigint
  readonly confidenceMarginX40: bigint
}

/** What a first-generation margin is proven from: as of the second, but that each array has a pricing policy of its own. */
export type FirstMargin = Omit<ProvableMargin, 'pricingPolicy' | 'arrays'> & {
  readonly arrays: readonly (PricedSurface & Pick<ProvableMargin, 'pricingPolicy'>)[]
}

const ONE_X40 = 1n << 40n
const E12 = 10n ** 12n

/**
 * Margins of an account under the first generation's rules.
 *
 * @param market - rates of expiries as feeds give them
 * @throws UnknownInstrumentError if a leg's expiry is not in the market; the errors of {@link provableMargin}
 * @example
 * const { account, market, rules, scenarios } = readAccount('portfolio.json', {})
 * const first = {
 *   spotShocksX40: [1n << 40n, 9n << 37n, 7n << 37n],
 *   volatilityShocks: rules.volatilityShocks,
 *   longDiscount: rules.longDiscount,
 *   basis: { ...rules.basis, basisSlopeX40: 0n },
 *   lossFactorX40: 5n << 38n,
 *   pegThresholdX40: 0n,
 *   pegLossX40: 0n,
 *   perpX40: 1n << 35n,
 *   optionX40: 1n << 34n,
 *   collateralX40: 0n,
 *   confidenceThresholdX40: 0n,
 *   confidenceMarginX40: 0n,
 * }
 * const { margin } = firstMargin(account, market, first, { strikes: 5, segments: 8, expiries: 3 })
 * margin.initialE8 < margin.maintenanceE8 // → true
 */
export function firstMargin(
  account: PortfolioAccount,
  market: PortfolioMarket,
  rules: FirstRules,
  sizes: MarginSizes,
): FirstMargin {
  const whole = (
    options: PortfolioAccount['options'],
    expiries: readonly ExpirySurface[],
    rateX40: bigint,
  ): Portfolio => ({
    name: 'first generation',
    account: { ...account, options },
    market: { ...market, expiries: expiries.map((surface) => ({ ...surface, rateX40: 0n })) },
    rules: secondRules(rules, rateX40, market),
    scenarios: scenariosOf(rules),
  })
  const surfaces = new Map(account.options.map((leg) => [leg.expiry, surfaceOf(market, leg)]))
  const priced = [...surfaces.values()]
    .toSorted((a, b) => (a.expiry < b.expiry ? -1 : 1))
    .map((surface) => {
      const legs = account.options.filter(({ expiry }) => expiry === surface.expiry)
      return provableMargin(whole(legs, [surface], surface.rateX40), sizes)
    })

  const arrays = priced.flatMap((each) => each.arrays.map((array) => ({ ...array, pricingPolicy: each.pricingPolicy })))
  const positions = priced.flatMap((each) => each.positions)
  const chain = shardBook(
    positions,
    arrays.map(({ array }) => array),
    sizes,
  )
  const { round, marginPolicy, account: withoutOptions } = provableMargin(whole([], [], 0n), sizes)
  const state = { ...withoutOptions, book: chain.final }
  return {
    arrays,
    positions,
    chain,
    round,
    marginPolicy,
    account: state,
    margin: accountMargin(state, round, marginPolicy),
  }
}

/** Rules of the second generation that come to the same for expiries of one rate. */
function secondRules(
  rules: FirstRules,
  rateX40: bigint,
  market: Pick<PortfolioMarket, 'stablePriceE12' | 'collaterals'>,
): PortfolioRules {
  const { longDiscount: long, confidenceThresholdX40 } = rules
  const rate = rateX40 < 0n ? 0n : rateX40
  const extra = (fractionX40: bigint): bigint => {
    const excess = lossFactor(rules, market.stablePriceE12) - ONE_X40
    return -((-fractionX40 * excess) >> 40n)
  }
  const skew = { capX40: 0n, capSlopeX40: 0n }
  return {
    lossFactors: {
      maintenanceFactorX40: ONE_X40,
      initialFactorX40: rules.lossFactorX40,
      pegThresholdX40: rules.pegThresholdX40,
      pegLossX40: rules.pegLossX40,
      confidenceThresholdX40,
    },
    contingencies: {
      ...uncharged('contingencies'),
      maintenancePerpX40: rules.perpX40,
      initialPerpX40: extra(rules.perpX40),
      maintenanceOptionX40: rules.optionX40,
      initialOptionX40: extra(rules.optionX40),
      confidenceMarginX40: rules.confidenceMarginX40,
    },
    volatilityShocks: { ...rules.volatilityShocks, floorUpX40: 0n },
    skewLinear: { ...skew, widthFloorX40: ONE_X40, widthScaleX40: 0n },
    skewAbsolute: { ...skew, volatilityX40: 0n, volatilitySlopeX40: 0n },
    longDiscount: {
      baseX40: long.baseX40,
      rateMultipleX40: 0n,
      rateAddX40: long.rateAddX40 - ((-rate * long.rateMultipleX40) >> 40n),
    },
    // A loss counts in full: e^0 at base 1
    shortDiscount: {
      baseX40: ONE_X40,
      rateMultipleX40: 0n,
      rateAddX40: 0n,
      basisSlopeX40: rules.basis.basisSlopeX40,
      confidenceThresholdX40,
    },
    basis: rules.basis,
    concentration: { ...uncharged('concentration'), perpSizeQ: 0n, optionSizeQ: 0n },
    collaterals: market.collaterals.map(({ asset }) => ({
      asset,
      initialHaircutX40: extra(rules.collateralX40),
      maintenanceHaircutX40: rules.collateralX40,
      confidenceThresholdX40,
      movesWithSpot: true,
      sizeQ: 0n,
    })),
  }
}

/** Loss factor of initial margin at a price of the stable coin, rounded up. */
function lossFactor({ lossFactorX40, pegThresholdX40, pegLossX40 }: FirstRules, stablePriceE12: bigint): bigint {
  const below = pegThresholdX40 * E12 - (stablePriceE12 << 40n)
  return below <= 0n ? lossFactorX40 : lossFactorX40 - signedDivDown(-below * pegLossX40, E12 << 40n)
}

const scenariosOf = ({ spotShocksX40 }: FirstRules): readonly Scenario[] =>
  spotShocksX40.flatMap((spotShockX40) =>
    (['up', 'none', 'down'] as const).map((volatility) => ({ spotShockX40, volatility, dampingX40: ONE_X40 })),
  )
