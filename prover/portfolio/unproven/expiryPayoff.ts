/**
 * What the options of one expiry can lose at most, whatever the price at expiry: the margin of spreads, which needs no
 * model. Quantities are E12 and signed, strikes E8, money E20.
 */
import { ProverError } from '../../errors.ts'
import { divUp } from '../../math/index.ts'

/** Calls and puts held at one strike. */
export type StrikePosition = {
  readonly strikeE8: bigint
  readonly callQuantityE12: bigint
  readonly putQuantityE12: bigint
}

/**
 * Value of the positions if the price at expiry is this, exact.
 *
 * @example
 * const spread = [
 *   { strikeE8: 60_000n * 10n ** 8n, callQuantityE12: 10n ** 12n, putQuantityE12: 0n },
 *   { strikeE8: 70_000n * 10n ** 8n, callQuantityE12: -(10n ** 12n), putQuantityE12: 0n },
 * ]
 * payoffAt(65_000n * 10n ** 8n, spread) // → 5_000n * 10n ** 20n
 */
export function payoffAt(priceE8: bigint, strikes: readonly StrikePosition[]): bigint {
  return strikes.reduce((sum, { strikeE8, callQuantityE12, putQuantityE12 }) => {
    const moneyness = priceE8 - strikeE8
    return sum + (moneyness > 0n ? callQuantityE12 * moneyness : putQuantityE12 * -moneyness)
  }, 0n)
}

/**
 * Least value at expiry over all prices up to the highest strike, exact. Beyond it the value moves by
 * {@link netCalls} per unit of price; between strikes it is a straight line, so the corners are all there is to try.
 *
 * @example
 * const short = [
 *   { strikeE8: 60_000n * 10n ** 8n, callQuantityE12: -(10n ** 12n), putQuantityE12: 0n },
 *   { strikeE8: 70_000n * 10n ** 8n, callQuantityE12: 10n ** 12n, putQuantityE12: 0n },
 * ]
 * worstPayoff(short) // → -10_000n * 10n ** 20n
 */
export function worstPayoff(strikes: readonly StrikePosition[]): bigint {
  const corners = [0n, ...strikes.map(({ strikeE8 }) => strikeE8)]
  return corners.map((price) => payoffAt(price, strikes)).reduce((least, value) => (value < least ? value : least))
}

/**
 * Calls bought less calls sold; below 0 the loss has no bound.
 *
 * @example
 * netCalls([{ strikeE8: 60_000n * 10n ** 8n, callQuantityE12: -(10n ** 12n), putQuantityE12: 0n }]) // → -(10n ** 12n)
 */
export function netCalls(strikes: readonly StrikePosition[]): bigint {
  return strikes.reduce((sum, { callQuantityE12 }) => sum + callQuantityE12, 0n)
}

/**
 * Collateral in quote that covers the worst payoff, exact. @throws {@link UnboundedLossError} if calls are sold naked
 *
 * @example
 * quoteCollateral([{ strikeE8: 60_000n * 10n ** 8n, callQuantityE12: 0n, putQuantityE12: -(10n ** 12n) }]) // → 60_000n * 10n ** 20n
 */
export function quoteCollateral(strikes: readonly StrikePosition[]): bigint {
  const calls = netCalls(strikes)
  if (calls < 0n) throw new UnboundedLossError('quote', -calls)
  const worst = worstPayoff(strikes)
  return worst < 0n ? -worst : 0n
}

/**
 * Collateral in the underlying that covers the payoff at every price, E12, rounded up: the largest loss per unit of price,
 * found at a strike or in the limit of high prices.
 *
 * @throws {@link UnboundedLossError} if a price of 0 is a loss: no amount of a worthless asset pays it
 * @example
 * underlyingCollateralUp([{ strikeE8: 60_000n * 10n ** 8n, callQuantityE12: -(10n ** 12n), putQuantityE12: 0n }]) // → 10n ** 12n
 */
export function underlyingCollateralUp(strikes: readonly StrikePosition[]): bigint {
  const atZero = payoffAt(0n, strikes)
  if (atZero < 0n) throw new UnboundedLossError('underlying', -atZero)
  const calls = netCalls(strikes)
  return strikes.reduce(
    (most, { strikeE8 }) => {
      const loss = -payoffAt(strikeE8, strikes)
      const amount = loss > 0n ? divUp(loss, strikeE8) : 0n
      return amount > most ? amount : most
    },
    calls < 0n ? -calls : 0n,
  )
}

/** No amount of this collateral covers the positions. */
export class UnboundedLossError extends ProverError {
  readonly code = 'portfolio.unbounded-loss'
  readonly collateral: 'quote' | 'underlying'
  readonly uncovered: bigint

  constructor(collateral: 'quote' | 'underlying', uncovered: bigint) {
    super(
      `Expected a loss that ${collateral} collateral can cover, got ${uncovered} uncovered. Add the option that bounds it.`,
    )
    this.collateral = collateral
    this.uncovered = uncovered
  }
}
