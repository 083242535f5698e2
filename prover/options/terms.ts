import type { ScenarioPolicy } from './grid.ts'

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
