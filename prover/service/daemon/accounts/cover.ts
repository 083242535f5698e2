/** Which arrays hold the strikes of some accounts: those that are at hand first, and as few new ones as can be. */
import type { OptionPosition } from '../../../portfolio/book.ts'
import type { Strikes } from './roundPrices.ts'

type Held = Pick<OptionPosition, 'expiry' | 'strikeE8'>

export type Cover = {
  /** Every strike that is wanted is in one of these. */
  readonly arrays: readonly Strikes[]
  /** Of them, those that have to be proven. */
  readonly missing: readonly Strikes[]
}

/**
 * @param wanted - of the accounts that are to be proven
 * @param atHand - in force or on their way, in an order that stays the same
 * @param others - of accounts that may be proven later: they fill places that are left
 * @param places - strikes of an array
 */
export function coverOf(
  wanted: readonly Held[],
  atHand: readonly Strikes[],
  others: readonly Held[],
  places: number,
): Cover {
  const byStrike = new Map<string, Strikes>()
  for (const array of atHand) {
    for (const strikeE8 of array.strikesE8) {
      const key = `${array.expiry} ${strikeE8}`
      if (!byStrike.has(key)) byStrike.set(key, array)
    }
  }
  const used = new Set<Strikes>()
  const open = new Map<bigint, Set<bigint>>()
  for (const { expiry, strikeE8 } of wanted) {
    const array = byStrike.get(`${expiry} ${strikeE8}`)
    if (array === undefined) open.set(expiry, (open.get(expiry) ?? new Set()).add(strikeE8))
    else used.add(array)
  }
  const missing = [...open].flatMap(([expiry, strikes]) => {
    const spare = others
      .filter((each) => each.expiry === expiry && !strikes.has(each.strikeE8))
      .filter((each) => !byStrike.has(`${expiry} ${each.strikeE8}`))
      .map(({ strikeE8 }) => strikeE8)
    return arraysOf(expiry, [...strikes], spare, places)
  })
  return { arrays: [...used, ...missing], missing }
}

/** Arrays of an expiry; places that are left take strikes that others hold, the nearest first, and then the last one again. */
function arraysOf(
  expiry: bigint,
  strikes: readonly bigint[],
  spare: readonly bigint[],
  places: number,
): readonly Strikes[] {
  const left = (places - (strikes.length % places)) % places
  const middle = strikes.reduce((sum, strike) => sum + strike, 0n) / BigInt(strikes.length)
  const distance = (strike: bigint): bigint => (strike > middle ? strike - middle : middle - strike)
  const fill = ascending([...new Set(spare)])
    .toSorted((a, b) => Number(distance(a) - distance(b)))
    .slice(0, left)
  const all = ascending([...strikes, ...fill])
  return Array.from({ length: Math.ceil(all.length / places) }, (_, i) => {
    const own = all.slice(places * i, places * (i + 1))
    return { expiry, strikesE8: Array.from({ length: places }, (_, at) => own[at] ?? (own.at(-1) as bigint)) }
  })
}

const ascending = (strikes: readonly bigint[]): readonly bigint[] =>
  strikes.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
