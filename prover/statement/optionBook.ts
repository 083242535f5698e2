import { type Build, sizeOf } from '../../circuits/statements/index.ts'
import type { BookSegment, BookState, OptionPosition } from '../portfolio/book.ts'
import type { BookShard } from '../portfolio/sharding.ts'
import { bookOpenings, bookRoot } from '../portfolio/state.ts'
import type { StatementContext } from './challenge.ts'
import { commitSigned } from './commitment.ts'
import { type CircuitSignals, publicInput, type Stated, stateOf } from './state.ts'
import { pack } from './words.ts'

/** One proof of a book and what it says. */
export type StatedBook = {
  readonly stated: Stated
  readonly shard: BookShard
  readonly stateOut: bigint
  readonly circuitInput: CircuitSignals
}

/** The state of a book as one element of the scalar field. */
export const stateRoot = (state: BookState): Promise<bigint> => bookRoot(state, commitSigned)

/** Word of a position. */
export const positionWord = (position: OptionPosition): bigint => pack('optionPosition', position)

/** Word of which segments continue. */
export const flagsWord = (segments: readonly BookSegment[]): bigint =>
  pack('bookFlags', {
    continues: segments.reduce((flags, { continues }, e) => flags | (BigInt(continues) << BigInt(e)), 0n),
  })

/**
 * States the proof of one shard of a book.
 *
 * @param arrayRoots - root of the array of each segment
 * @throws {@link ClosingCountError} if more expiries end than the build closes
 */
export async function stateBook(
  build: Build,
  context: StatementContext,
  shard: BookShard,
  arrayRoots: readonly bigint[],
): Promise<StatedBook> {
  const stateOut = await stateRoot(shard.after)
  const stated = await stateOf(build, context, {
    stateIn: [await stateRoot(shard.before)],
    arrayRoots,
    positions: shard.segments.flatMap(({ positions }) => positions.map(positionWord)),
    flags: [flagsWord(shard.segments)],
    stateOut: [stateOut],
  })
  const openings = await bookOpenings(shard.before, shard.segments, sizeOf(build, 'expiries'), commitSigned)
  const circuitInput = { ...publicInput(stated), ...openings }
  return { stated, shard, stateOut, circuitInput }
}
