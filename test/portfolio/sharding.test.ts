/** How a book is cut into proofs: as few as there can be, whole expiries, every position once and in order. */
import { describe, expect, test } from 'vitest'
import { portfolioBuilds, sizeOf } from '../../circuits/statements/index.ts'
import type { BookSegment, OptionPosition, PricedArray } from '../../prover/portfolio/book.ts'
import { emptyBook, foldBook } from '../../prover/portfolio/book.ts'
import { type BookSizes, shardBook } from '../../prover/portfolio/sharding.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { randomArray } from '../../scripts/tools/cases/portfolios.ts'

const ROUND = 1_770_000_000n
const DAY = 86_400n
const STRIKES = 5
const build = portfolioBuilds.find(({ statement }) => statement === 'optionBook')!
const shipped: BookSizes = { segments: sizeOf(build, 'segments'), expiries: sizeOf(build, 'expiries') }

/** Arrays of each expiry, so many of each, with something held at every strike. */
function accountOf(counts: readonly number[], random = new Random(90n)) {
  const arrays = counts.flatMap((count, e) => {
    const first = randomArray(random, ROUND + BigInt(e + 1) * DAY, ROUND, STRIKES)
    return Array.from({ length: count }, (_, a) => ({
      header: first.header,
      leaves: first.leaves.map((leaf, i) => ({ ...leaf, strikeE8: BigInt(1 + a * STRIKES + i) * 10n ** 8n })),
    }))
  })
  return { arrays, positions: arrays.flatMap((array) => held(array, random)) }
}

const held = ({ header, leaves }: PricedArray, random: Random): readonly OptionPosition[] =>
  leaves.map(({ strikeE8 }) => ({ expiry: header.expiry, strikeE8, callsE12: 1n + random.wide(40), putsE12: -3n }))

const cut = (counts: readonly number[], sizes = shipped) => {
  const { arrays, positions } = accountOf(counts)
  return { ...shardBook(positions, arrays, sizes), positions }
}

const ends = (segments: readonly BookSegment[]): number => segments.filter(({ continues }) => !continues).length

const isHeld = ({ callsE12, putsE12 }: OptionPosition): boolean => callsE12 !== 0n || putsE12 !== 0n

/** The fewest proofs that the arrays can be cut into, by trying every length of the first. */
function fewest(expiries: readonly number[], sizes: BookSizes, from = 0, known = new Map<number, number>()): number {
  if (from === expiries.length) return 0
  const before = known.get(from)
  if (before !== undefined) return before
  let best = Number.POSITIVE_INFINITY
  for (let until = from + 1; until <= Math.min(from + sizes.segments, expiries.length); until++) {
    const ended = expiries.slice(from, until).filter((expiry, i) => expiries[from + i + 1] !== expiry).length
    if (ended <= sizes.expiries) best = Math.min(best, 1 + fewest(expiries, sizes, until, known))
  }
  known.set(from, best)
  return best
}

describe('L6 L17: a book fits its proofs', () => {
  test('the sizes that ship', () => {
    expect(shipped).toEqual({ segments: 8, expiries: 3 })
  })

  test.each([
    ['eight arrays of one expiry', [8], 1],
    ['nine of one', [9], 2],
    ['64 options at 64 strikes of one expiry', [13], 2],
    ['sixteen', [16], 2],
    ['seventeen', [17], 3],
    ['three expiries', [1, 1, 1], 1],
    ['four expiries', [1, 1, 1, 1], 2],
    ['three expiries in eight arrays', [3, 3, 2], 1],
    ['three expiries in nine arrays', [3, 3, 3], 2],
    ['three expiries that end and one that goes on', [2, 2, 2, 3], 2],
    ['128 positions of 26 expiries', [...new Array<number>(25).fill(1), 1], 9],
  ] as const)('%s', (_, counts, proofs) => {
    const { shards } = cut(counts)
    expect(shards.length).toBe(proofs)
    for (const { segments } of shards) {
      expect(segments.length).toBe(shipped.segments)
      expect(ends(segments)).toBeLessThanOrEqual(shipped.expiries)
    }
  })

  test('an expiry over two proofs is under way between them, and ends once', () => {
    const { shards, final } = cut([1, 1, 1, 2])
    expect(shards.map(({ segments }) => ends(segments))).toEqual([3, 1])
    expect(shards[0]?.after.open?.header.expiry).toBe(ROUND + 4n * DAY)
    // What the first proof has no more expiries for is filled up with nothing of the one under way.
    expect(shards[0]?.segments.slice(4).every(({ continues }) => continues)).toBe(true)
    expect(final.open).toBeUndefined()
  })

  test('at any sizes: as few proofs as can be, every position once and in order, the same totals', () => {
    const random = new Random(91n)
    const drawn = (least: bigint, most: bigint): number => Number(random.between(least, most))
    for (let i = 0; i < 60; i++) {
      const counts = Array.from({ length: drawn(1n, 7n) }, () => drawn(1n, 5n))
      const sizes = { segments: drawn(1n, 9n), expiries: drawn(1n, 4n) }
      const { arrays, positions } = accountOf(counts, random)
      const { shards, final } = shardBook(positions, arrays, sizes)
      const expiries = counts.flatMap((count, e) => new Array<number>(count).fill(e))
      expect(shards.length, `${counts} in ${JSON.stringify(sizes)}`).toBe(fewest(expiries, sizes))
      expect(shards.every(({ segments }) => segments.length === sizes.segments)).toBe(true)
      expect(Math.max(...shards.map(({ segments }) => ends(segments)))).toBeLessThanOrEqual(sizes.expiries)
      const met = shards.flatMap(({ segments }) => segments.flatMap((segment) => segment.positions)).filter(isHeld)
      expect(met).toEqual(positions)
      expect(shards.reduce((count, { segments }) => count + ends(segments), 0)).toBe(counts.length)
      const whole = arrays.map((array, a) => ({
        array,
        positions: positions.slice(a * STRIKES, (a + 1) * STRIKES),
        continues: expiries[a + 1] === expiries[a],
      }))
      expect(final).toEqual(foldBook(emptyBook, whole))
    }
  })
})
