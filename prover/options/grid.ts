/** The scenario grid: which forward and which volatility each price of a strike is taken at. */

/** Spot shocks that are tried with volatility up, unshocked and down. */
export const REGULAR_SHOCKS = 7
/** Spot shocks that are tried with volatility up only. */
export const UP_ONLY_SHOCKS = 10
/** Regular shocks × 3, up-only shocks, linear skew, absolute skew. */
export const SCENARIOS = 33
/** Prices of a strike: the mark, every scenario, the forward alone up and down. */
export const POINTS = 36
/** Distinct forwards of an expiry: the mark's, one a spot shock, the forward alone up and down. */
export const FORWARDS = 20
/** The regular shock that leaves spot where it is: exactly 1. */
export const UNSHOCKED = 3
/** The point without any shock among the scenarios: what it prices is the mark. */
export const UNSHOCKED_POINT = 1 + 3 * UNSHOCKED + 1

/** The grid as the policy holds it. Shocks multiply spot, damping factors multiply a scenario's result. */
export type ScenarioPolicy = {
  /** Seven, falling; index 3 is exactly 1. */
  readonly regular: readonly RegularShock[]
  /** Ten. */
  readonly upOnly: readonly UpOnlyShock[]
  /** Of the skew scenarios, for what moves one for one with spot: options are skewed where they stand. */
  readonly shockLinearX40: bigint
  readonly dampingLinearX40: bigint
  readonly shockAbsoluteX40: bigint
  readonly dampingAbsoluteX40: bigint
  readonly basisUpX40: bigint
  readonly basisDownX40: bigint
  readonly basisAddX40: bigint
}

export type RegularShock = {
  readonly shockX40: bigint
  readonly dampingUpX40: bigint
  readonly dampingNoneX40: bigint
  readonly dampingDownX40: bigint
}

export type UpOnlyShock = { readonly shockX40: bigint; readonly dampingX40: bigint }

export type VolatilityKind = 'none' | 'up' | 'down' | 'linear' | 'absolute'

const REGULAR_END = 1 + 3 * REGULAR_SHOCKS
const UP_ONLY_END = REGULAR_END + UP_ONLY_SHOCKS
/** The point at which the forward alone is up; the next one has it down. */
export const BASIS_UP = 1 + SCENARIOS

/** Index, among the twenty forwards of an expiry, of the one that point `p` of 36 is priced at. */
export function pointForward(p: number): number {
  if (p >= 1 && p < REGULAR_END) return 1 + Math.floor((p - 1) / 3)
  if (p >= REGULAR_END && p < UP_ONLY_END) return 1 + REGULAR_SHOCKS + (p - REGULAR_END)
  if (p >= BASIS_UP) return 1 + REGULAR_SHOCKS + UP_ONLY_SHOCKS + (p - BASIS_UP)
  return 0
}

/** The volatility that point `p` of 36 is priced at. */
export function pointVolatility(p: number): VolatilityKind {
  if (p >= 1 && p < REGULAR_END) return (['up', 'none', 'down'] as const)[(p - 1) % 3] as VolatilityKind
  if (p >= REGULAR_END && p < UP_ONLY_END) return 'up'
  if (p === UP_ONLY_END) return 'linear'
  if (p === UP_ONLY_END + 1) return 'absolute'
  return 'none'
}

/** The shock X40 of each of the twenty forwards. */
export function forwardShocks(policy: ScenarioPolicy): bigint[] {
  return [
    1n << 40n,
    ...policy.regular.map(({ shockX40 }) => shockX40),
    ...policy.upOnly.map(({ shockX40 }) => shockX40),
    policy.basisUpX40,
    policy.basisDownX40,
  ]
}
