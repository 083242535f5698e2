import { divDown, divUp } from '../../math/index.ts'

const ONE_PPM = 1_000_000n

export type OpenInterestTier = {
  readonly initialMarginPpm: bigint
  /** Open interest, in quote, at which the fraction begins to rise and at which it reaches 100 %; 0 and 0: never. */
  readonly lowerCap: bigint
  readonly upperCap: bigint
}

/**
 * Initial margin fraction that rises with the market's open interest, linearly from the tier's own at the lower cap to
 * 100 % at the upper: what a market cannot close must be paid for in full.
 *
 * Rounded down to parts per million, as dYdX v4 does, whose venues quote it so; {@link tierInitialMarginUp} rounds the money up.
 *
 * @example
 * scaledInitialMarginPpm({ initialMarginPpm: 50_000n, lowerCap: 10n, upperCap: 20n }, 15n) // → 525_000n
 */
export function scaledInitialMarginPpm(tier: OpenInterestTier, openInterest: bigint): bigint {
  const { initialMarginPpm, lowerCap, upperCap } = tier
  if (upperCap <= lowerCap || openInterest <= lowerCap) return initialMarginPpm
  if (openInterest >= upperCap) return ONE_PPM
  const rise = divDown((ONE_PPM - initialMarginPpm) * (openInterest - lowerCap), upperCap - lowerCap)
  return initialMarginPpm + rise
}

/**
 * Initial margin of a notional, in its unit, rounded up.
 *
 * @example
 * tierInitialMarginUp({ initialMarginPpm: 50_000n, lowerCap: 10n, upperCap: 20n }, 5n, 1_000n) // → 50n
 */
export function tierInitialMarginUp(tier: OpenInterestTier, openInterest: bigint, notional: bigint): bigint {
  return divUp(notional * scaledInitialMarginPpm(tier, openInterest), ONE_PPM)
}
