/**
 * Scales of prices: words hold the price of 10^k units of an asset, so that tokens worth nothing and currencies worth as little have
 * as many digits as everything else. Twin of `contracts/market/PriceScale.sol`.
 */
import { ProverError } from '../errors.ts'
import { type DecimalMark, parseGrouped, scaleDecimal } from './decimal.ts'

/** Of how many units of the asset prices are: a whole number of them, or one part of so many. */
export type Units = { readonly count: bigint; readonly parts: bigint }

export const LEAST_PRICE_SCALE = -6
export const GREATEST_PRICE_SCALE = 12

/** Prices are held in steps of 1e-8; below this many of them a step is more than a thousandth of the price. */
export const LEAST_STEPS = 1000n
/** From so many on, a step is lost in any return that prices are sampled for. */
const ENOUGH_STEPS = 10n * LEAST_STEPS
const PRICE_LIMIT = 1n << 48n
/** What prices may still rise by before a market needs another scale. */
const HEADROOM = 10n

export const ONE_UNIT: Units = { count: 1n, parts: 1n }

/** Units of a scale. */
export const unitsOfScale = (scale: number): Units =>
  scale < 0 ? { count: 1n, parts: 10n ** BigInt(-scale) } : { count: 10n ** BigInt(scale), parts: 1n }

export const isOneUnit = ({ count, parts }: Units): boolean => count === parts

/** `1,000,000 units`, `a 1,000th of a unit`: what follows "prices of". */
export function unitsWords({ count, parts }: Units): string {
  if (parts !== 1n) return `one ${parts.toLocaleString('en-GB')}th of a unit`
  return count === 1n ? 'one unit' : `${count.toLocaleString('en-GB')} units`
}

/** As `--price-units` and files state them: `1000000`, `0.001`. */
export function unitsText({ count, parts }: Units): string {
  return parts === 1n ? String(count) : `0.${String(parts).slice(2)}1`
}

/**
 * The scales at which prices from the least to the greatest can be told, best first: 0 where they are neither too small nor too large
 * for it, then the nearest at which the least is 1 or more, since quantities are counted in as many units; where none holds both ends
 * so, the one that comes nearest. None if no scale holds both ends.
 *
 * @param leastE20 - times 10^20, as the greatest
 */
function scalesFor(leastE20: bigint, greatestE20: bigint): readonly number[] {
  const holding = [0, 3, 6, 9, 12, -3, -6].filter((scale) => {
    const headroom = scale === 0 ? 1n : HEADROOM
    return stepsAt(leastE20, scale) >= ENOUGH_STEPS && headroom * stepsAt(greatestE20, scale) < PRICE_LIMIT
  })
  const isWhole = (scale: number): boolean => stepsAt(leastE20, scale) >= E8
  return [
    ...holding.filter((scale) => scale === 0),
    ...holding.filter((scale) => scale !== 0 && isWhole(scale)),
    ...holding.filter((scale) => scale !== 0 && !isWhole(scale)).toReversed(),
  ]
}

const E8 = 10n ** 8n
const stepsAt = (priceE20: bigint, scale: number): bigint => priceE20 / 10n ** BigInt(12 - scale)

/** What a number of units of the asset is more than their count in words: 1,000 where prices are of 1,000 units. */
export const unitsNumber = ({ count, parts }: Units): number => Number(count) / Number(parts)

/** What JSON says of prices that words hold of more or less than one unit; nothing of others. */
export const unitsJson = (units: Units): { readonly priceUnits?: number } =>
  isOneUnit(units) ? {} : { priceUnits: Number(unitsText(units)) }

/** Units of the best scale that holds prices as they are written; of one where none does, or none is a number. */
export const unitsFor = (prices: readonly string[], mark: DecimalMark = 'point'): Units =>
  unitsHolding(prices, mark)[0] ?? ONE_UNIT

/** Units of every scale that holds prices as they are written, best first. */
export function unitsHolding(prices: readonly string[], mark: DecimalMark = 'point'): readonly Units[] {
  let [least, greatest] = [0n, 0n]
  for (const text of prices) {
    const decimal = parseGrouped(text, mark)
    if (decimal === undefined || decimal.negative || decimal.digits === 0n) continue
    const { numerator, denominator } = scaleDecimal(decimal, 10n ** 20n)
    const priceE20 = numerator / denominator
    if (least === 0n || priceE20 < least) least = priceE20
    if (priceE20 > greatest) greatest = priceE20
  }
  return greatest === 0n ? [] : scalesFor(least, greatest).map(unitsOfScale)
}

/** A price word as a number of the quote currency for one unit. */
export const unitPrice = (priceE8: bigint, { count, parts }: Units): number =>
  (Number(priceE8) * Number(parts)) / Number(count) / 1e8

/**
 * A price word as the price of one unit, without trailing zeros: 793412000000 → `7934.12`. Exact where units are a power of ten; of any
 * other number a price of one may have no end, and is told to the digits that the word can be told by.
 */
export function plainPrice(priceE8: bigint, { count, parts }: Units = ONE_UNIT): string {
  const isPower = /^10*$/.test(String(count))
  const more = 10n ** BigInt(String(count).length - (isPower ? 1 : 0))
  const value = (2n * priceE8 * parts * more + count) / (2n * count)
  const decimals = 8 + String(more).length - 1
  const digits = value.toString().padStart(decimals + 1, '0')
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`.replace(/\.?0+$/, '')
}

/** log price of states; what a scale adds to it is rounded to the nearest unit. */
const LN_10_X64 = 42_475_197_918_399_869_019n
const LN_PRICE_BITS = 32n

type LnPrices = {
  readonly volatility: { readonly lnPriceX26: bigint }
  readonly anchor: { readonly anchorLnPriceX26: bigint }
}

/**
 * A market's state with its prices told at a scale that is so much greater: log prices move, all else is of returns and stays.
 *
 * @throws {@link PriceBeyondScaleError} if no log price would hold one
 */
export function rescaleState<State extends LnPrices>(state: State, steps: number): State {
  const moveX26 = steps === 0 ? 0n : (BigInt(steps) * LN_10_X64 + (1n << 37n)) >> 38n
  const moved = (lnPriceX26: bigint): bigint => {
    const value = lnPriceX26 + moveX26
    if (value < 0n || value >> LN_PRICE_BITS !== 0n) throw new PriceBeyondScaleError(steps)
    return value
  }
  return {
    ...state,
    volatility: { ...state.volatility, lnPriceX26: moved(state.volatility.lnPriceX26) },
    anchor: { ...state.anchor, anchorLnPriceX26: moved(state.anchor.anchorLnPriceX26) },
  }
}

/** A market's price would be one that its state does not hold. */
export class PriceBeyondScaleError extends ProverError {
  readonly code = 'market.price-beyond-scale'
  readonly steps: number

  constructor(steps: number) {
    super(
      `Expected a scale at which the market's last price is at least 0.00000001, got one that is ${steps > 0 ? 'greater' : 'smaller'} by ${Math.abs(steps)} decimal places. Choose one nearer to that in force.`,
    )
    this.steps = steps
  }
}
