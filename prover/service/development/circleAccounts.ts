/** Accounts of the circle at a price and a time, as the twin margins them. */
import { type ProvableMargin, provableMargin } from '../../portfolio/accountMargin.ts'
import { decimalText } from '../../portfolio/input/exact.ts'
import { readPortfolio } from '../../portfolio/input/schema.ts'
import { marginSizes } from '../answers/margins.ts'

export const E8 = 10n ** 8n
export const E12 = 10n ** 12n

/** Of the puts that the circle trades: later than any time that the project's extract has. */
const EXPIRY = { date: '2020-03-27', code: '27MAR20' }
/** Total variance of about 120 % a year over the two weeks to it, skewed as in a fall. */
const SVI = { a: '0.036', b: '0.085', rho: '-0.3', m: '0.02', s: '0.25' }
/** Of spot, where the puts are struck; in whole hundreds. */
const STRIKE_OF_SPOT = { percent: 85n, step: 100n * E8 }

/** Spot and time of a round. */
export type Place = { readonly asOf: bigint; readonly spotE8: bigint }

export const strikeE8At = (spotE8: bigint): bigint => {
  const strikeE8 = (spotE8 * STRIKE_OF_SPOT.percent) / 100n
  return strikeE8 - (strikeE8 % STRIKE_OF_SPOT.step)
}

/** An account of cash and puts, sold where the quantity is below 0. */
export function putsAt(place: Place, cashE12: bigint, strikeE8: bigint, quantity: string): ProvableMargin {
  const options = [{ instrument: `BTC-${EXPIRY.code}-${strikeE8 / E8}-P`, quantity }]
  return accountAt(place, { cash: decimalText(cashE12, E12), options })
}

/** An account of cash and perpetuals. */
export const perpetualsAt = (place: Place, quantity: string): ProvableMargin =>
  accountAt(place, { cash: '200000', perps: { quantity } })

function accountAt({ asOf, spotE8 }: Place, account: object): ProvableMargin {
  const spot = decimalText(spotE8, E8)
  const expiries = [{ expiry: EXPIRY.date, forward: spot, rate: '0', svi: SVI }]
  const hasOptions = 'options' in account
  const market = { currency: 'BTC', asOf: Number(asOf), spot, ...(hasOptions ? { expiries } : {}) }
  return provableMargin(readPortfolio(JSON.stringify({ account, market }), 'the circle'), marginSizes)
}
