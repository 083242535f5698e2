/**
 * Spot levels at which an account is liquidated or defaults, and the probability of the latter. Twin of
 * `circuits/portfolio/Crossing.circom` and `circuits/portfolio/ProbabilityBeyond.circom`.
 */
import { lnDown, normalCdfDown, saturate, signedDivDown, subtractOrZero } from '../math/index.ts'

/** An account's equity when spot is at a shock: one corner of the line that a threshold is looked for on. */
export type Node = { readonly shockX40: bigint; readonly equityMX40: bigint }

export type Side = 'down' | 'up'

/** A threshold as the account's word holds it; where there is none inside the grid, 0 below spot and 2^48 - 1 above. */
export type Threshold = { readonly spotE8: bigint; readonly exists: boolean }

const NONE: Readonly<Record<Side, bigint>> = { down: 0n, up: (1n << 48n) - 1n }

/**
 * Spot at the first point, going outward, where the line through the nodes falls below 0.
 *
 * Equity between two nodes is taken as linear in spot, in whole units of M; the result is rounded towards spot.
 *
 * @param nodes - from the present outward, shape [4]; the first one's shock is 1
 * @returns spot itself if equity is negative already; saturates at 2^48 - 1
 */
export function crossing(spotE8: bigint, nodes: readonly Node[], side: Side): Threshold {
  const first = nodes.findIndex(({ equityMX40 }) => equityMX40 < 0n)
  if (first === -1) return { spotE8: NONE[side], exists: false }
  if (first === 0) return { spotE8, exists: true }
  const [inner, outer] = [nodes[first - 1] as Node, nodes[first] as Node]
  const above = inner.equityMX40 >> 40n
  const below = outer.equityMX40 >> 40n
  const numerator = spotE8 * (outer.shockX40 * above - inner.shockX40 * below)
  const denominator = (above - below) << 40n
  const level = side === 'down' ? -signedDivDown(-numerator, denominator) : signedDivDown(numerator, denominator)
  return { spotE8: saturate(level, 48), exists: true }
}

/** Logarithms are rounded down by less than 1.3 units of X28, so their difference is wrong by less than 2. */
const LN_DOUBT = 2n

/**
 * Probability that spot ends the horizon beyond a threshold, of a lognormal spot without drift; rounded up.
 *
 * @param volatilityX40 - over the horizon, σ·√h, at least 1
 * @returns X32; 0 where there is no threshold
 */
export function probabilityBeyond(spotE8: bigint, threshold: Threshold, volatilityX40: bigint, side: Side): bigint {
  if (!threshold.exists) return 0n
  const [low, high] = side === 'down' ? [threshold.spotE8, spotE8] : [spotE8, threshold.spotE8]
  const distanceX28 = subtractOrZero(lnDown(high, 28), lnDown(low, 28) + LN_DOUBT)
  const inverseX30 = (1n << 70n) / volatilityX40
  const deviationsX28 = saturate((distanceX28 * inverseX30) >> 30n, 32)
  return (1n << 32n) - normalCdfDown(deviationsX28)
}
