import { ProverError } from '../errors.ts'
import { divDown, expFineDown, lnDown, max, min, mulDown, saturate, shiftRightDown, sqrtDown } from '../math/index.ts'
import type { ExpiryMarket, PricingPolicy, SkewAbsolute, SkewLinear, VolatilityShocks } from './terms.ts'

/** Seconds of a year, Actual/365 Fixed. */
export const YEAR_SECONDS = 31_536_000n
/** Volatility shocks are quoted at 30 days. */
const SHOCK_TENOR_SECONDS = 2_592_000n
/** Tenors are below 2^26 s, two years. */
const TENOR_BITS = 26
/** Exponents are cut to [-16, 16). */
const EXPONENT_LIMIT_X40 = 1n << 44n
/** The surface may be read at up to 2^14 times the tenor it was fitted at. */
const RATIO_BITS = 54
/** Log-moneyness at which a skew reaches its cap: from 2^-12 to 2^10. */
const WIDTH_FLOOR_X36 = 1n << 24n
const WIDTH_BITS = 46
/** A rise beyond 2^20 takes any volatility beyond bounds. */
const UP_BITS = 60

const ONE_X40 = 1n << 40n

/** A skew shock at one tenor: the relative change of volatility rises with |k| by `slope`, up to `width`. */
export type Skew = {
  readonly isNegative: boolean
  readonly widthX36: bigint
  /** |cap| / width. */
  readonly slopeX44: bigint
}

/** What time to expiry makes of the policy: the same for every strike. */
export type Tenor = {
  readonly secondsToExpiry: bigint
  readonly tauX40: bigint
  /** The same finely, for exponents that must not be rounded the wrong way. */
  readonly tauX56: bigint
  readonly sqrtTauX40: bigint
  /** Time to expiry over the tenor that the surface was fitted at. */
  readonly ratioX40: bigint
  readonly upX40: bigint
  readonly downX40: bigint
  /** Least total volatility after a rise. */
  readonly floorUpX40: bigint
  readonly linear: Skew
  readonly absolute: Skew
}

/**
 * Twin of `circuits/options/Tenor.circom`. An option in the second of its expiry is priced as its payoff; later ones are
 * refused.
 *
 * @throws {@link ExpiredError}, {@link TenorOutOfRangeError}, {@link SurfaceOutOfRangeError}
 */
export function tenorOf(market: ExpiryMarket, policy: PricingPolicy): Tenor {
  const secondsToExpiry = market.expiry - market.asOf
  if (secondsToExpiry < 0n) throw new ExpiredError(market.expiry, market.asOf)
  if (secondsToExpiry >> BigInt(TENOR_BITS) !== 0n) throw new TenorOutOfRangeError(market.expiry, market.asOf)
  if (market.tauRefSecondsX20 === 0n) throw new SurfaceOutOfRangeError(market.expiry, 'a tenor above 0', '0')
  const ratioX40 = divDown(secondsToExpiry << 60n, market.tauRefSecondsX20)
  if (ratioX40 >> BigInt(RATIO_BITS) !== 0n) {
    throw new SurfaceOutOfRangeError(
      market.expiry,
      'a tenor (tauRef) of at least 1/16,384 of the time to expiry',
      `${(Number(market.tauRefSecondsX20) / 2 ** 20).toPrecision(6)} s for ${secondsToExpiry} s`,
    )
  }
  const tauX80 = divDown(secondsToExpiry << 80n, YEAR_SECONDS)
  const sqrtTauX40 = sqrtDown(tauX80)
  const { upX40, downX40 } = volatilityFactors(secondsToExpiry, policy.volatilityShocks)
  const widthX36 = skewWidth(sqrtTauX40, policy.skewLinear, policy.skewAbsolute)
  return {
    secondsToExpiry,
    tauX40: shiftRightDown(tauX80, 40),
    tauX56: shiftRightDown(tauX80, 24),
    sqrtTauX40,
    ratioX40,
    upX40,
    downX40,
    floorUpX40: mulDown(policy.volatilityShocks.floorUpX40, sqrtTauX40, 40),
    linear: skewAt(sqrtTauX40, policy.skewLinear, widthX36),
    absolute: skewAt(sqrtTauX40, policy.skewAbsolute, widthX36),
  }
}

/** Volatility after a rise and after a fall, relative to before: 1 + range·ms and max(0, 1 - range·ms). */
function volatilityFactors(secondsToExpiry: bigint, shocks: VolatilityShocks) {
  const tenor = max(max(secondsToExpiry, shocks.tenorFloorSeconds), 1n)
  const power = secondsToExpiry <= SHOCK_TENOR_SECONDS ? shocks.shortPowerX40 : shocks.longPowerX40
  const exponent = (power * (lnDown(SHOCK_TENOR_SECONDS, 36) - lnDown(tenor, 36))) >> 36n
  const multiple = expFineDown(clampExponent(exponent))
  const fall = mulDown(shocks.rangeDownX40, multiple, 40)
  return {
    upX40: saturate(ONE_X40 + mulDown(shocks.rangeUpX40, multiple, 40), UP_BITS),
    downX40: fall < ONE_X40 ? ONE_X40 - fall : 0n,
  }
}

/** An exponent X40 cut to what the exponential takes. */
export function clampExponent(exponentX40: bigint): bigint {
  if (exponentX40 >= EXPONENT_LIMIT_X40) return EXPONENT_LIMIT_X40 - 1n
  return exponentX40 < -EXPONENT_LIMIT_X40 ? -EXPONENT_LIMIT_X40 : exponentX40
}

/** Log-moneyness at which both skews reach their caps. */
function skewWidth(sqrtTauX40: bigint, linear: SkewLinear, absolute: SkewAbsolute): bigint {
  const typical = absolute.volatilityX40 + ((sqrtTauX40 * absolute.volatilitySlopeX40) >> 40n)
  const wanted = (sqrtTauX40 * linear.widthScaleX40 * typical) >> 84n
  const floored = max(shiftRightDown(linear.widthFloorX40, 4), WIDTH_FLOOR_X36)
  return saturate(wanted > floored ? wanted : floored, WIDTH_BITS)
}

function skewAt(sqrtTauX40: bigint, terms: Pick<SkewLinear, 'capX40' | 'capSlopeX40'>, widthX36: bigint): Skew {
  const capX40 = terms.capX40 + ((sqrtTauX40 * terms.capSlopeX40) >> 40n)
  const isNegative = capX40 < 0n
  return { isNegative, widthX36, slopeX44: divDown((isNegative ? -capX40 : capX40) << 40n, widthX36) }
}

/** min(1, x) at X40. */
export function atMostOne(valueX40: bigint): bigint {
  return min(valueX40, ONE_X40)
}

const iso = (time: bigint): string => new Date(Number(time) * 1000).toISOString().replace('.000Z', 'Z')

/** The options have expired. */
export class ExpiredError extends ProverError {
  readonly code = 'options.expired'
  readonly expiry: bigint
  readonly asOf: bigint

  constructor(expiry: bigint, asOf: bigint) {
    super(`Expected options that expire at or after ${iso(asOf)}, got expiry ${iso(expiry)}. Leave expired ones out.`)
    this.expiry = expiry
    this.asOf = asOf
  }
}

/** The options expire later than prices are defined for. */
export class TenorOutOfRangeError extends ProverError {
  readonly code = 'options.tenor-out-of-range'
  readonly expiry: bigint
  readonly asOf: bigint

  constructor(expiry: bigint, asOf: bigint) {
    super(
      `Expected options that expire within 776 days of ${iso(asOf)}, got expiry ${iso(expiry)}: circuits hold no later one.`,
    )
    this.expiry = expiry
    this.asOf = asOf
  }
}

/** A surface's parameters make no sense at the time to expiry. */
export class SurfaceOutOfRangeError extends ProverError {
  readonly code = 'options.surface-out-of-range'
  readonly expiry: bigint

  constructor(expiry: bigint, expected: string, got: string) {
    super(`Expiry ${iso(expiry)}: expected a surface with ${expected}, got ${got}.`)
    this.expiry = expiry
  }
}
