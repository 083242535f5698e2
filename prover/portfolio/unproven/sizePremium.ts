/**
 * Weights that worsen with the square root of size, because the price moves so when a position is closed: the rule of
 * Drift v2. Sizes are E12, weights and factors X40; square roots of sizes are exact to 2^-34.
 */
import { divDown, divUp, max, min, shiftRightUp, sqrtUp } from '../../math/index.ts'

const ONE_X40 = 1n << 40n
/** Numerator of an asset's weight: a size of (0.1/factor)² still counts in full. */
const ALLOWANCE = { numerator: 11n, denominator: 10n }
/** Share of a liability's own weight that its size premium is added to. */
const LIABILITY_SHARE = { numerator: 4n, denominator: 5n }

/** factor·√size, X40, rounded up. */
function premiumUp(sizeE12: bigint, factorX40: bigint): bigint {
  // √(size·10^12·2^68) = √size·10^6·2^34
  const rootX34 = divUp(sqrtUp(sizeE12 << 68n), 1_000_000n)
  return shiftRightUp(factorX40 * rootX34, 34)
}

/**
 * Weight of collateral: min(base, 1.1/(1 + factor·√size)), rounded down.
 *
 * @example
 * assetWeightDown(10n ** 12n, 1n << 39n, 1n << 40n) < 1n << 40n // → true
 */
export function assetWeightDown(sizeE12: bigint, factorX40: bigint, baseX40: bigint): bigint {
  const numerator = ALLOWANCE.numerator * (ONE_X40 << 40n)
  const weight = divDown(numerator, ALLOWANCE.denominator * (ONE_X40 + premiumUp(sizeE12, factorX40)))
  return min(baseX40, weight)
}

/**
 * Weight of a liability, or margin fraction of a perpetual: max(base, 0.8·base + factor·√size), rounded up.
 *
 * @example
 * liabilityWeightUp(0n, 1n << 30n, 1n << 38n) // → 274_877_906_944n
 */
export function liabilityWeightUp(sizeE12: bigint, factorX40: bigint, baseX40: bigint): bigint {
  const { numerator, denominator } = LIABILITY_SHARE
  const weight = divUp(baseX40 * numerator, denominator) + premiumUp(sizeE12, factorX40)
  return max(baseX40, weight)
}
