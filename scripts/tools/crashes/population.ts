/** Who trades at the venue of a run: drawn by a seed, the same whatever the dampers. */
import type { OptionPosition } from '../../../prover/portfolio/book.ts'
import { Random } from '../cases/random.ts'
import { type Book, E12, exposureOf, type Kind, marginAt, type Priced } from './holders.ts'
import type { Wanted } from './venue.ts'

/** Shares of accounts, in this order. */
const SHARES = [
  ['long', 0.6],
  ['short', 0.15],
  ['optionSeller', 0.15],
  ['optionBuyer', 0.1],
] as const satisfies readonly (readonly [Kind, number])[]
/** Mean of the exponential surplus over the initial margin, as a share of it. */
const SPARE = 2
const LARGEST = 20
/** Strikes of an array, as shares of the price at the start. */
const STRIKES = [0.8, 0.9, 1, 1.1, 1.2] as const
const STRIKE_STEP = 100

/** Somebody who is to open an account, with what and for what. */
export type Applicant = { readonly kind: Kind; readonly cashE12: bigint; readonly wanted: Wanted }

/** Five strikes around a price, whole hundreds. */
export const strikesAround = (price: number): readonly bigint[] =>
  STRIKES.map((share) => BigInt(STRIKE_STEP * Math.round((share * price) / STRIKE_STEP)) * 100_000_000n)

/** Accounts, option sellers last, so that the makers' books are short for as long as it can be. */
export function applicants(count: number, seed: bigint, market: Priced, expiry: bigint): readonly Applicant[] {
  const random = new Random(seed)
  const uniform = (): number => Number(random.below(1n << 40n)) / 2 ** 40
  const kinds = SHARES.flatMap(([kind, share]) => new Array<Kind>(Math.max(1, Math.round(count * share))).fill(kind))
  return kinds.map((kind) => {
    const lots = BigInt(Math.round(10_000 * (0.5 + (LARGEST - 0.5) * uniform() ** 2)))
    const wanted = wantedBy(kind, lots * 10n ** 8n, market, expiry, uniform())
    const surplus = -Math.log(1 - uniform()) * SPARE
    return { kind, cashE12: cashFor(kind, wanted, market, surplus), wanted }
  })
}

function wantedBy(kind: Kind, quantityE12: bigint, market: Priced, expiry: bigint, choice: number): Wanted {
  if (kind === 'long') return { perpsE12: quantityE12, options: [], premiumE12: 0n }
  if (kind === 'short') return { perpsE12: -quantityE12, options: [], premiumE12: 0n }
  const isCall = kind === 'optionSeller' && choice > 0.7
  const place = isCall ? 1.1 : choice > 0.35 ? 1 : 0.9
  const strikesE8 = market.arrays[0]?.strikesE8 ?? []
  const strikeE8 = strikesE8[STRIKES.indexOf(place)] as bigint
  const signedE12 = kind === 'optionSeller' ? -quantityE12 : quantityE12
  const option: OptionPosition = {
    ...{ expiry, strikeE8 },
    ...(isCall ? { callsE12: signedE12, putsE12: 0n } : { callsE12: 0n, putsE12: signedE12 }),
  }
  const { optionsValue } = exposureOf({ ...nothing, positions: [option] }, market)
  return { perpsE12: 0n, options: [option], premiumE12: BigInt(Math.round(optionsValue * 1e6)) * 10n ** 6n }
}

const nothing: Book = { positions: [], perpsE12: 0n, cashE12: 0n, markE8: 0n }

/** What the initial margin takes, with a surplus; who buys options pays for them. */
function cashFor(kind: Kind, { perpsE12, options, premiumE12 }: Wanted, market: Priced, surplus: number): bigint {
  const book: Book = { positions: options, perpsE12, cashE12: -premiumE12, markE8: market.priceE8 }
  const shortE8 = -marginAt(book, market).margin.initialE8
  const spare = kind === 'optionBuyer' ? 0.05 : surplus
  const lackE12 = shortE8 > 0n ? shortE8 * 10_000n : 0n
  return lackE12 + BigInt(Math.round((Number(lackE12) / 1e12) * spare * 1e6)) * 10n ** 6n + 100n * E12
}
