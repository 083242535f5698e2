import { ProverError } from '../errors.ts'
import { lnDown } from '../math/index.ts'
import {
  CALL_BITS,
  GAMMA_BITS,
  gridGreeks,
  gridPrice,
  MARK,
  PDF_BITS,
  SHOCKED_VOLATILITY,
  THETA_BITS,
  UNSHOCKED_VOLATILITY,
} from './black.ts'
import { discountsOf } from './discounts.ts'
import {
  BASIS_UP,
  forwardShocks,
  POINTS,
  pointForward,
  pointVolatility,
  UNSHOCKED,
  UNSHOCKED_POINT,
  type VolatilityKind,
} from './grid.ts'
import { type Tenor, tenorOf } from './tenor.ts'
import type { ExpiryMarket, PricingPolicy } from './terms.ts'
import { sviVariance, totalVolatilities } from './volatility.ts'

export type * from './terms.ts'
export { CALL_BITS, GAMMA_BITS, PDF_BITS, THETA_BITS }

/** What all strikes of an expiry share; 29 field elements that its root commits to. */
export type Header = {
  readonly expiry: bigint
  readonly asOf: bigint
  /** Twenty; see {@link pointForward}. */
  readonly forwardsE8: readonly bigint[]
  readonly discountX40: bigint
  readonly longFactorX40: bigint
  readonly shortFactorX40: bigint
  readonly basisFactorX40: bigint
  /** 1 - confidence where it is below the threshold, else 0. */
  readonly shortfallX40: bigint
  readonly sqrtTauX40: bigint
  readonly secondsToExpiry: bigint
  elements(): bigint[]
}

/** Prices and Greeks of one strike, undiscounted and untruncated; 41 field elements. */
export type StrikeLeaf = {
  readonly strikeE8: bigint
  /** Total volatility σ√τ of each kind. */
  readonly volatilityX40: Readonly<Record<VolatilityKind, bigint>>
  /** 36 calls, E8 × 2^CALL_BITS. */
  readonly calls: readonly bigint[]
  /** N(d1) × 2^CALL_BITS. */
  readonly nd1: bigint
  /** φ(d1) × 2^PDF_BITS. */
  readonly pdf: bigint
  /** φ(d1)/v × 2^GAMMA_BITS. */
  readonly gammaN: bigint
  /** φ(d1)·v × 2^THETA_BITS. */
  readonly thetaN: bigint
  /** K·N(d2), E8 × 2^CALL_BITS. */
  readonly kNd2: bigint
  elements(): bigint[]
}

/** From `from` up to, not including, `to`. */
const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from }, (_, i) => from + i)

/** The points in the order of a leaf's elements: the one that no shock moves is the mark. */
export const LEAF_POINTS: readonly number[] = [
  0,
  BASIS_UP,
  BASIS_UP + 1,
  ...range(1, UNSHOCKED_POINT),
  ...range(UNSHOCKED_POINT + 1, BASIS_UP),
]

/** A leaf's elements in the order of circuits/options/leafLayout.circom; shape [41]. */
export const leafElements = (leaf: Omit<StrikeLeaf, 'elements' | 'volatilityX40'>): bigint[] => [
  leaf.strikeE8,
  ...LEAF_POINTS.map((point) => leaf.calls[point] as bigint),
  leaf.nd1,
  leaf.pdf,
  leaf.gammaN,
  leaf.thetaN,
  leaf.kNd2,
]

/** Header and leaves of one expiry. */
export type RiskArray = { readonly header: Header; readonly leaves: readonly StrikeLeaf[] }

/** Strikes and the parts of a forward are below 2^48. */
const PRICE_BITS = 48n
const ONE_X40 = 1n << 40n

/** What pricing a strike takes from its expiry, worked out once. */
type ExpiryContext = {
  readonly market: ExpiryMarket
  readonly tenor: Tenor
  readonly forwardsE8: readonly bigint[]
  /** ln of the unshocked forward. */
  readonly lnForwardX36: bigint
  readonly lnForwardsX26: readonly bigint[]
}

/**
 * What all strikes of an expiry share.
 *
 * @throws {@link ForwardOutOfRangeError}, {@link UnshockedScenarioError} and the errors of {@link tenorOf}
 */
export function expiryHeader(market: ExpiryMarket, policy: PricingPolicy): Header {
  return headerOf(contextOf(market, policy), policy)
}

/**
 * Prices of one strike under every scenario, with the Greeks of its mark.
 *
 * @throws {@link StrikeOutOfRangeError}, {@link NegativeVarianceError} and the errors of {@link expiryHeader}
 */
export function priceStrike(market: ExpiryMarket, policy: PricingPolicy, strikeE8: bigint): StrikeLeaf {
  return leafOf(contextOf(market, policy), strikeE8)
}

/**
 * One expiry: its header and a leaf a strike, in the order given. Twin of `circuits/options/ExpiryArray.circom`.
 *
 * @throws the errors of {@link expiryHeader} and {@link priceStrike}
 */
export function riskArray(market: ExpiryMarket, policy: PricingPolicy, strikesE8: readonly bigint[]): RiskArray {
  const context = contextOf(market, policy)
  return { header: headerOf(context, policy), leaves: strikesE8.map((strikeE8) => leafOf(context, strikeE8)) }
}

function contextOf(market: ExpiryMarket, policy: PricingPolicy): ExpiryContext {
  if (policy.scenarios.regular[UNSHOCKED]?.shockX40 !== ONE_X40) throw new UnshockedScenarioError()
  const tenor = tenorOf(market, policy)
  if (market.forwardRefE8 === 0n) throw new ForwardOutOfRangeError(market.expiry, 'reference', 0n)
  const forwardsE8 = forwardShocks(policy.scenarios).map((shockX40) => {
    const forwardE8 = ((market.forwardVariableE8 * shockX40) >> 40n) + market.forwardFixedE8
    if (forwardE8 < 1n) throw new ForwardOutOfRangeError(market.expiry, 'forward', forwardE8)
    return forwardE8
  })
  const lnForwardX36 = lnDown(forwardsE8[0] as bigint, 36)
  const lnForwardsX26 = forwardsE8.map((forwardE8, index) =>
    isUnshocked(index) ? lnForwardX36 >> 10n : lnDown(forwardE8, 26),
  )
  return { market, tenor, forwardsE8, lnForwardX36, lnForwardsX26 }
}

/** Whether a forward, by its index among the twenty, is the unshocked one. */
const isUnshocked = (index: number): boolean => index === 0 || index === 1 + UNSHOCKED

function headerOf({ market, tenor, forwardsE8 }: ExpiryContext, policy: PricingPolicy): Header {
  const discounts = discountsOf(market, policy, tenor)
  const header = {
    expiry: market.expiry,
    asOf: market.asOf,
    forwardsE8,
    ...discounts,
    sqrtTauX40: tenor.sqrtTauX40,
    secondsToExpiry: tenor.secondsToExpiry,
  }
  return {
    ...header,
    elements: () => [
      header.expiry,
      header.asOf,
      ...forwardsE8,
      header.discountX40,
      header.longFactorX40,
      header.shortFactorX40,
      header.basisFactorX40,
      header.shortfallX40,
      header.sqrtTauX40,
      header.secondsToExpiry,
    ],
  }
}

function leafOf(
  { market, tenor, forwardsE8, lnForwardX36, lnForwardsX26 }: ExpiryContext,
  strikeE8: bigint,
): StrikeLeaf {
  if (strikeE8 < 1n || strikeE8 >> PRICE_BITS !== 0n) throw new StrikeOutOfRangeError(market.expiry, strikeE8)
  const lnStrikeX36 = lnDown(strikeE8, 36)
  const variance = sviVariance(market, strikeE8, lnStrikeX36)
  const volatilityX40 = totalVolatilities(variance, lnStrikeX36 - lnForwardX36, tenor)

  const forwardE8 = forwardsE8[0] as bigint
  const markLogarithm = (lnForwardX36 >> 4n) - (lnStrikeX36 >> 4n)
  const mark = gridPrice(forwardE8, strikeE8, markLogarithm, volatilityX40.none, MARK)
  const greeks = gridGreeks(mark, forwardE8, volatilityX40.none)
  const calls = Array.from({ length: POINTS }, (_, p) => {
    const index = pointForward(p)
    const kind = pointVolatility(p)
    if (isUnshocked(index) && kind === 'none') return mark.call
    const logarithm = (lnForwardsX26[index] as bigint) - (lnStrikeX36 >> 10n)
    const precision = kind === 'none' ? UNSHOCKED_VOLATILITY : SHOCKED_VOLATILITY
    return gridPrice(forwardsE8[index] as bigint, strikeE8, logarithm, volatilityX40[kind], precision).call
  })
  const leaf = { strikeE8, volatilityX40, calls, ...greeks }
  return { ...leaf, elements: () => leafElements(leaf) }
}

/** A forward, or the one that the surface was fitted at, is missing or shocked to nothing. */
export class ForwardOutOfRangeError extends ProverError {
  readonly code = 'options.forward-out-of-range'
  readonly expiry: bigint
  readonly forwardE8: bigint

  constructor(expiry: bigint, which: 'forward' | 'reference', forwardE8: bigint) {
    super(
      `Expiry ${expiry}: expected a ${which === 'forward' ? 'forward' : 'reference forward'} of at least 1e-8, got ${forwardE8}.`,
    )
    this.expiry = expiry
    this.forwardE8 = forwardE8
  }
}

/** A strike is 0 or beyond 48 bits at 1e-8. */
export class StrikeOutOfRangeError extends ProverError {
  readonly code = 'options.strike-out-of-range'
  readonly expiry: bigint
  readonly strikeE8: bigint

  constructor(expiry: bigint, strikeE8: bigint) {
    super(`Expiry ${expiry}: expected a strike from 1 to 2^48 - 1 at 1e-8, got ${strikeE8}.`)
    this.expiry = expiry
    this.strikeE8 = strikeE8
  }
}

/** The grid's fourth regular shock is not exactly 1. */
export class UnshockedScenarioError extends ProverError {
  readonly code = 'options.unshocked-scenario'

  constructor() {
    super('Expected the fourth of the seven regular spot shocks to be exactly 1: its unshocked scenario is the mark.')
  }
}
