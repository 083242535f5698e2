/** Accounts of the venue as whoever follows its events knows them, and what the twin says of each. */
import type { Contract, Signer } from 'ethers'
import { COLLATERALS } from '../../../circuits/statements/index.ts'
import { marginInArrays, type PricedSurface, type ProvableMargin } from '../../../prover/portfolio/accountMargin.ts'
import type { OptionPosition } from '../../../prover/portfolio/book.ts'
import type { ExpirySurface } from '../../../prover/portfolio/portfolio.ts'
import { riskArray } from '../../../prover/options/riskArray.ts'
import { marginSizes } from '../../../prover/service/answers/margins.ts'
import { positionWord } from '../../../prover/statement/optionBook.ts'

export const E12 = 10n ** 12n
export const E8 = 10n ** 8n
/** A price as words have it. */
export const e8 = (price: number): bigint => BigInt(Math.round(price * 1e8))
export const ONE_BPS = 10_000n
/** Units of E12 in a lot. */
const LOT = 10n ** 8n

export type Kind = 'long' | 'short' | 'optionSeller' | 'optionBuyer' | 'maker' | 'informed' | 'liquidator'

/** What an account holds, cash up to its mark. */
export type Book = {
  readonly positions: readonly OptionPosition[]
  readonly perpsE12: bigint
  readonly cashE12: bigint
  readonly markE8: bigint
}

export type Holder = Book & {
  readonly kind: Kind
  readonly owner: string
  readonly signer: Signer
  readonly key: string
  readonly flaggedAt: bigint
  readonly flaggedAsOf: bigint
  readonly leftAsOf: bigint
  readonly reportedAsOf: bigint
}

/** A holder as the venue's contract has it now. */
export async function refreshed(holder: Holder, venue: Contract, positions = holder.positions): Promise<Holder> {
  const { key, account } = await venue.getFunction('accountOf')(holder.owner)
  const { cashE12, perpsE12, markE8, flaggedAt, flaggedAsOf, leftAsOf, reportedAsOf } = account.toObject()
  return { ...holder, positions, key, cashE12, perpsE12, markE8, flaggedAt, flaggedAsOf, leftAsOf, reportedAsOf }
}

/** A round's market as the twin prices it. */
export type Priced = {
  readonly asOf: bigint
  readonly priceE8: bigint
  /** Of the account that the market came with; policies and prices are those of all. */
  readonly base: ProvableMargin
  readonly surface: ExpirySurface
  /** All strikes that anybody holds. */
  readonly arrays: readonly PricedSurface[]
}

export function priced(base: ProvableMargin, surface: ExpirySurface, strikesE8: readonly bigint[]): Priced {
  const array =
    strikesE8.length === 0 ? [] : [{ surface, strikesE8, array: riskArray(surface, base.pricingPolicy, strikesE8) }]
  return { asOf: base.round.asOf, priceE8: base.round.spotE8, base, surface, arrays: array }
}

/** Cash at a price. */
export const cashAt = ({ cashE12, perpsE12, markE8 }: Book, priceE8: bigint): bigint =>
  perpsE12 === 0n ? cashE12 : cashE12 + (perpsE12 * (priceE8 - markE8)) / LOT

/** The twin's margin of what is held, its perpetuals marked at the round. */
export function marginAt(book: Book, { base, arrays, priceE8 }: Priced): ProvableMargin {
  const holdings = {
    perpsE12: book.perpsE12,
    cashE12: cashAt(book, priceE8),
    perpPnlE12: 0n,
    collateralsE12: new Array<bigint>(COLLATERALS).fill(0n),
  }
  const { pricingPolicy, marginPolicy, round } = base
  return marginInArrays(
    { pricingPolicy, marginPolicy, round, positions: book.positions, holdings },
    arrays,
    marginSizes,
  )
}

export const wordsOf = ({ positions }: Pick<Book, 'positions'>): readonly bigint[] => positions.map(positionWord)

/** What the venue counts notional as: calls and perpetuals at the price, puts at their strike. */
export function notionalE12({ positions, perpsE12 }: Book, priceE8: bigint): bigint {
  const options = positions.reduce(
    (sum, { callsE12, putsE12, strikeE8 }) => sum + size(callsE12) * priceE8 + size(putsE12) * strikeE8,
    0n,
  )
  return (options + size(perpsE12) * priceE8) / LOT
}

const size = (value: bigint): bigint => (value < 0n ? -value : value)

/** A fraction of a quantity as the venue takes it: whole lots, cut towards zero. */
const shareOf = (quantityE12: bigint, fractionBps: bigint): bigint =>
  (((quantityE12 / LOT) * fractionBps) / ONE_BPS) * LOT

/** A fraction of positions, or what is left without it. */
export const partOf = (positions: readonly OptionPosition[], fractionBps: bigint): readonly OptionPosition[] =>
  nonZero(
    positions.map((each) => ({
      ...each,
      callsE12: shareOf(each.callsE12, fractionBps),
      putsE12: shareOf(each.putsE12, fractionBps),
    })),
  )

/** Positions after others were added. */
export function sumOf(
  positions: readonly OptionPosition[],
  added: readonly OptionPosition[],
  times = 1n,
): readonly OptionPosition[] {
  const held = new Map(positions.map((each) => [`${each.expiry} ${each.strikeE8}`, each]))
  for (const each of added) {
    const name = `${each.expiry} ${each.strikeE8}`
    const before = held.get(name) ?? { ...each, callsE12: 0n, putsE12: 0n }
    held.set(name, {
      ...each,
      callsE12: before.callsE12 + times * each.callsE12,
      putsE12: before.putsE12 + times * each.putsE12,
    })
  }
  return nonZero([...held.values()]).toSorted((a, b) => Number(a.expiry - b.expiry) || Number(a.strikeE8 - b.strikeE8))
}

const nonZero = (positions: readonly OptionPosition[]): readonly OptionPosition[] =>
  positions.filter(({ callsE12, putsE12 }) => callsE12 !== 0n || putsE12 !== 0n)

/** Net delta of an account in assets, and what its options are worth, at the round's marks. */
export function exposureOf(book: Book, market: Priced): { readonly delta: number; readonly optionsValue: number } {
  const { margin } = marginAt(book, market)
  const delta = Number(margin.spotGreeks.deltaE12 + book.perpsE12) / 1e12
  return { delta, optionsValue: Number(margin.equityE8) / 1e8 - Number(cashAt(book, market.priceE8)) / 1e12 }
}
