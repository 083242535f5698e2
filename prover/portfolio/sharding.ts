/**
 * Which arrays a book runs through, and in which proofs: expiries ascending, every array in which the account holds
 * something, each proof filled up by repeating its last array with nothing held.
 */
import { ProverError } from '../errors.ts'
import {
  type BookSegment,
  type BookState,
  emptyBook,
  foldBook,
  MixedRoundsError,
  nameOf,
  type OptionPosition,
  type PricedArray,
  QUANTITY_BITS,
  SizeOutOfRangeError,
} from './book.ts'

/** The segments of one proof, with the states before and after it. */
export type BookShard = {
  readonly segments: readonly BookSegment[]
  readonly before: BookState
  readonly after: BookState
}

/** What a proof of a book has room for: arrays, and expiries that end in it. */
export type BookSizes = { readonly segments: number; readonly expiries: number }

/** A book as a chain of proofs; empty for an account without options. */
export type BookChain = { readonly shards: readonly BookShard[]; readonly final: BookState }

/**
 * Cuts an account's positions into as few proofs as can be.
 *
 * @param positions - ascending by expiry, then by strike, each once
 * @param arrays - the round's arrays, in any order; several may share an expiry
 * @throws {@link PositionOrderError} if positions do not ascend
 * @throws {@link UnknownInstrumentError} if no array prices a position
 * @throws {@link MixedRoundsError} if arrays are of different times
 * @throws {@link SizeOutOfRangeError} if a quantity, or all together, is out of range
 */
export function shardBook(
  positions: readonly OptionPosition[],
  arrays: readonly PricedArray[],
  { segments, expiries }: BookSizes,
): BookChain {
  requirePositions(positions)
  requireOneRound(arrays)
  const used = usedArrays(positions, arrays)
  const shards: BookShard[] = []
  let state = emptyBook
  let from = 0
  while (from < used.length) {
    const until = endOfProof(used, from, { segments, expiries })
    const filled = fillUp(used.slice(from, until), segments)
    const following = used[until]
    const shard = filled.map((each, i) => {
      const next = filled[i + 1] ?? following
      return { ...each, continues: next !== undefined && next.array.header.expiry === each.array.header.expiry }
    })
    const after = foldBook(state, shard)
    shards.push({ segments: shard, before: state, after })
    state = after
    from = until
  }
  return { shards, final: state }
}

/**
 * The only shard of positions that one proof holds whole.
 *
 * @throws {@link TooManyArraysError} and what {@link shardBook} throws
 */
export function wholeShard(
  positions: readonly OptionPosition[],
  arrays: readonly PricedArray[],
  sizes: BookSizes,
): BookShard {
  const [shard, second] = shardBook(positions, arrays, sizes).shards
  if (shard === undefined || second !== undefined) throw new TooManyArraysError(positions.length, sizes)
  return shard
}

type Used = Omit<BookSegment, 'continues'>

/** Where a proof that begins at `from` must leave off: its places are taken, or one more expiry would end in it. */
function endOfProof(used: readonly Used[], from: number, { segments, expiries }: BookSizes): number {
  let ended = 0
  for (let i = from; i < Math.min(from + segments, used.length); i++) {
    if (used[i + 1]?.array.header.expiry !== used[i]?.array.header.expiry && ++ended > expiries) return i
  }
  return Math.min(from + segments, used.length)
}

/** Arrays that hold a position, by expiry, with a position for each of their strikes. */
function usedArrays(positions: readonly OptionPosition[], arrays: readonly PricedArray[]): readonly Used[] {
  const held = new Map<PricedArray, Map<bigint, OptionPosition>>()
  for (const position of positions) {
    const array = arrays.find(
      ({ header, leaves }) =>
        header.expiry === position.expiry && leaves.some(({ strikeE8 }) => strikeE8 === position.strikeE8),
    )
    if (array === undefined) throw new UnknownInstrumentError(position)
    const byStrike = held.get(array) ?? held.set(array, new Map()).get(array)!
    byStrike.set(position.strikeE8, position)
  }
  return [...held]
    .sort(([a], [b]) => Number(a.header.expiry - b.header.expiry))
    .map(([array, byStrike]) => ({ array, positions: slotsOf(array, byStrike) }))
}

/** A strike that an array lists twice takes its position in the first place. */
function slotsOf({ header, leaves }: PricedArray, byStrike: Map<bigint, OptionPosition>): readonly OptionPosition[] {
  const left = new Map(byStrike)
  return leaves.map(({ strikeE8 }) => {
    const position = left.get(strikeE8) ?? { expiry: header.expiry, strikeE8, callsE12: 0n, putsE12: 0n }
    left.delete(strikeE8)
    return position
  })
}

function fillUp(used: readonly Used[], segments: number): readonly Used[] {
  const { array } = used.at(-1) as Used
  const nothing = { array, positions: slotsOf(array, new Map()) }
  return Array.from({ length: segments }, (_, i) => used[i] ?? nothing)
}

function requirePositions(positions: readonly OptionPosition[]): void {
  for (const [i, position] of positions.entries()) {
    const before = positions[i - 1]
    if (before !== undefined && !ascends(before, position)) throw new PositionOrderError(before, position)
    for (const quantity of [position.callsE12, position.putsE12]) {
      if (quantity < -(1n << QUANTITY_BITS) || quantity >= 1n << QUANTITY_BITS) {
        throw new SizeOutOfRangeError(nameOf(position), quantity, QUANTITY_BITS)
      }
    }
  }
}

const ascends = (a: OptionPosition, b: OptionPosition): boolean =>
  a.expiry < b.expiry || (a.expiry === b.expiry && a.strikeE8 < b.strikeE8)

function requireOneRound(arrays: readonly PricedArray[]): void {
  const asOf = arrays[0]?.header.asOf
  const other = arrays.find(({ header }) => header.asOf !== asOf)
  if (asOf !== undefined && other !== undefined) {
    throw new MixedRoundsError(asOf, other.header.asOf, other.header.expiry)
  }
}

/** No array of the round prices the instrument. */
export class UnknownInstrumentError extends ProverError {
  readonly code = 'portfolio.unknown-instrument'
  readonly position: OptionPosition

  constructor(position: OptionPosition) {
    super(`Expected an array of the round to price ${nameOf(position)}, found none. List the strike, or correct it.`)
    this.position = position
  }
}

/** Options are in more arrays or expiries than a proof opens, or there are none: a book is what to prove them by. */
export class TooManyArraysError extends ProverError {
  readonly code = 'portfolio.too-many-arrays'
  readonly positions: number

  constructor(positions: number, { segments, expiries }: BookSizes) {
    super(
      `Expected options in 1 to ${segments} arrays of at most ${expiries} ${expiries === 1 ? 'expiry' : 'expiries'}, ` +
        `got ${positions} positions that are not. Prove them by a book.`,
    )
    this.positions = positions
  }
}

/** Positions do not ascend by expiry and strike, or one comes twice. */
export class PositionOrderError extends ProverError {
  readonly code = 'portfolio.position-order'
  readonly before: OptionPosition
  readonly after: OptionPosition

  constructor(before: OptionPosition, after: OptionPosition) {
    super(`Expected positions by ascending expiry and strike, each once, got ${nameOf(after)} after ${nameOf(before)}.`)
    this.before = before
    this.after = after
  }
}
