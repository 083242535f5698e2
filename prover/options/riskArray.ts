import type { ScenarioPolicy, VolatilityKind } from './grid.ts'

/** What a round says about one expiry, as its statement words hold it. */
export type ExpiryMarket = {
  readonly expiry: bigint
  readonly asOf: bigint
  readonly forwardVariableE8: bigint
  readonly forwardFixedE8: bigint
  readonly rateX40: bigint
  readonly sviAX48: bigint
  readonly sviBX48: bigint
  readonly sviRhoX40: bigint
  readonly sviMX40: bigint
  readonly sviSX40: bigint
  readonly forwardRefE8: bigint
  readonly tauRefSecondsX20: bigint
  readonly confidenceX40: bigint
  readonly spotConfidenceX40: bigint
}

export type VolatilityShocks = {
  readonly rangeUpX40: bigint
  readonly rangeDownX40: bigint
  readonly shortPowerX40: bigint
  readonly longPowerX40: bigint
  readonly tenorFloorSeconds: bigint
  readonly floorUpX40: bigint
}

export type SkewLinear = {
  readonly capX40: bigint
  readonly capSlopeX40: bigint
  readonly widthFloorX40: bigint
  readonly widthScaleX40: bigint
}

export type SkewAbsolute = {
  readonly capX40: bigint
  readonly capSlopeX40: bigint
  readonly volatilityX40: bigint
  readonly volatilitySlopeX40: bigint
}

export type LongDiscount = {
  readonly baseX40: bigint
  readonly rateMultipleX40: bigint
  readonly rateAddX40: bigint
}

export type ShortDiscount = LongDiscount & {
  readonly basisSlopeX40: bigint
  readonly confidenceThresholdX40: bigint
}

/** Everything that pricing takes from the policy; each member is a statement word, or several. */
export type PricingPolicy = {
  readonly scenarios: ScenarioPolicy
  readonly volatilityShocks: VolatilityShocks
  readonly skewLinear: SkewLinear
  readonly skewAbsolute: SkewAbsolute
  readonly longDiscount: LongDiscount
  readonly shortDiscount: ShortDiscount
}

/** What all strikes of an expiry share; 29 field elements of the array's root. */
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

/** Prices and Greeks of one strike, undiscounted and untruncated; 42 field elements of its leaf. */
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

/** Fraction bits of calls, of N(d1) and of K·N(d2). */
export const CALL_BITS = 126
/** Fraction bits of φ(d1). */
export const PDF_BITS = 133
/** Fraction bits of φ(d1)/v. */
export const GAMMA_BITS = PDF_BITS + 24
/** Fraction bits of φ(d1)·v. */
export const THETA_BITS = PDF_BITS + 40

/** Header and leaves of one expiry. */
export type RiskArray = { readonly header: Header; readonly leaves: readonly StrikeLeaf[] }

export declare function expiryHeader(market: ExpiryMarket, policy: PricingPolicy): Header
export declare function priceStrike(market: ExpiryMarket, policy: PricingPolicy, strikeE8: bigint): StrikeLeaf
export declare function riskArray(market: ExpiryMarket, policy: PricingPolicy, strikesE8: readonly bigint[]): RiskArray
