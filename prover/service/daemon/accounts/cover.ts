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
  // In the order at hand, so that whoever looks a strike up among these finds it where it was found here.
  return { arrays: [...atHand.filter((array) => used.has(array)), ...missing], missing }
}

/**
 * The same for accounts whose books can be reported: a book runs through an array once, and what it meets is hashed in that order, so
 * the strikes of an account may not lie now in one array, now in another, and then in the first again. Where they do, the
 * arrays that came last are tried first, and then arrays of its own are proven, once: they are what they are whatever else there is.
 * What is proven for one may put another out of order, so that this goes on until what is missing serves every one of them.
 * It ends, since arrays of its own are missing for an account once.
 *
 * @param accounts - what each holds, ascending by expiry and strike
 */
export function coverInOrder(
  accounts: readonly (readonly Held[])[],
  atHand: readonly Strikes[],
  others: readonly Held[],
  places: number,
): Cover {
  let { arrays, missing } = onceInOrder(accounts, atHand, others, places)
  for (let added = missing; added.length > 0; ) {
    const then = [...atHand, ...missing]
    const again = accounts.filter((each) => onceInOrder([each], then, others, places).missing.length > 0)
    const more = onceInOrder(again, then, others, places)
    added = more.missing
    arrays = [...new Set([...arrays, ...more.arrays])]
    missing = [...missing, ...added]
  }
  return { arrays, missing }
}

function onceInOrder(
  accounts: readonly (readonly Held[])[],
  atHand: readonly Strikes[],
  others: readonly Held[],
  places: number,
): Cover {
  const together = coverOf(accounts.flat(), atHand, others, places)
  const tangled = accounts.filter((each) => tangledIn(each, together.arrays).size > 0)
  if (tangled.length === 0) return together
  const newest = atHand.toReversed()
  const apart = tangled.map((wanted) => {
    const cover = coverOf(wanted, newest, others, places)
    const expiries = tangledIn(wanted, cover.arrays)
    if (expiries.size === 0) return cover
    const rest = others.filter(({ expiry }) => !expiries.has(expiry))
    return coverOf(
      wanted,
      newest.filter(({ expiry }) => !expiries.has(expiry)),
      rest,
      places,
    )
  })
  const covers = accounts.length === 1 ? apart : [together, ...apart]
  // Several may want the same array, and one of an account's own may have been proven for it before.
  const known = new Map(atHand.map((array) => [keyOf(array), array]))
  const missing = new Map(covers.flatMap((cover) => cover.missing.map((array) => [keyOf(array), array])))
  for (const key of known.keys()) missing.delete(key)
  const same = (array: Strikes): Strikes => known.get(keyOf(array)) ?? missing.get(keyOf(array)) ?? array
  return { arrays: [...new Set(covers.flatMap(({ arrays }) => arrays.map(same)))], missing: [...missing.values()] }
}

/** Arrays of a round are one if they have the same strikes of the same expiry. */
const keyOf = ({ expiry, strikesE8 }: Strikes): string => [expiry, ...strikesE8].join(' ')

/** Expiries in which a book would come to an array again that it has left. */
function tangledIn(wanted: readonly Held[], arrays: readonly Strikes[]): ReadonlySet<bigint> {
  const left = new Set<Strikes>()
  const tangled = new Set<bigint>()
  let last: Strikes | undefined
  for (const { expiry, strikeE8 } of wanted) {
    const array = arrays.find((each) => each.expiry === expiry && each.strikesE8.includes(strikeE8))
    if (array === undefined || array === last) continue
    if (left.has(array)) tangled.add(expiry)
    if (last !== undefined) left.add(last)
    last = array
  }
  return tangled
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
