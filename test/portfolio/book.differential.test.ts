import { beforeAll, describe, expect, test } from 'vitest'
import { emptyBook, foldBook } from '../../prover/portfolio/book.ts'
import type { BookSegment, BookState, OptionPosition, PricedArray } from '../../prover/portfolio/book.ts'
import { type BookShard, shardBook } from '../../prover/portfolio/sharding.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import type { Circuit } from '../../scripts/tools/circuits/circuit.ts'
import { compileCircuit } from '../../scripts/tools/circuits/circuit.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { bookBuild, bookInput, randomArray, randomPositions } from '../../scripts/tools/cases/portfolios.ts'

const ROUND = 1_770_000_000n
const build = bookBuild(2, 2)
let circuit: Circuit

beforeAll(async () => {
  circuit = await compileCircuit(mainSource(build))
})

const shardOf = (before: BookState, segments: readonly BookSegment[]): BookShard => ({
  before,
  segments,
  after: foldBook(before, segments),
})

async function expectEqual(shard: BookShard): Promise<void> {
  const { input, stated } = await bookInput(build, shard)
  expect(circuit.outputs(input)).toEqual(stated.publicSignals.slice(0, 2))
}

const nothing = (array: PricedArray): readonly OptionPosition[] =>
  array.leaves.map(({ strikeE8 }) => ({ expiry: array.header.expiry, strikeE8, callsE12: 0n, putsE12: 0n }))

describe('L1 L2 L3 L4 L5 L6: circuit equals twin', () => {
  test('random chains: expiries over one or several segments and proofs, any sizes', async () => {
    const random = new Random(31n)
    let proofs = 0
    let carried = 0
    while (proofs < 40) {
      let expiry = ROUND
      let state = emptyBook
      const bits = Number(random.between(1n, 56n))
      const pending: BookSegment[] = []
      const expiries = Number(random.between(1n, 3n))
      for (let e = 0; e < expiries; e++) {
        expiry += 1n + random.below(10_000_000n)
        const first = randomArray(random, expiry, ROUND, 2)
        const segments = Number(random.between(1n, 3n))
        for (let s = 0; s < segments; s++) {
          const array = { header: first.header, leaves: randomArray(random, expiry, ROUND, 2).leaves }
          pending.push({ array, positions: randomPositions(random, array, bits), continues: s < segments - 1 })
        }
      }
      if (pending.length % 2 === 1) {
        const last = pending.at(-1) as BookSegment
        pending[pending.length - 1] = { ...last, continues: true }
        pending.push({ array: last.array, positions: nothing(last.array), continues: false })
      }
      for (let from = 0; from < pending.length; from += 2) {
        const shard = shardOf(state, pending.slice(from, from + 2))
        await expectEqual(shard)
        if (shard.after.open !== undefined) carried++
        state = shard.after
        proofs++
      }
    }
    console.log(`${proofs} proofs of books, ${carried} of them handing an expiry on`)
    expect(carried).toBeGreaterThan(3)
  })

  test('largest sizes, all long and all short, in the dearest array', async () => {
    const random = new Random(32n)
    for (const sign of [1n, -1n]) {
      const array = randomArray(random, ROUND + 1n, ROUND, 2)
      const top = (1n << 51n) + (1n << 48n) - 1n
      const dear: PricedArray = {
        header: {
          ...array.header,
          forwardsE8: array.header.forwardsE8.map(() => top),
          secondsToExpiry: (1n << 26n) - 1n,
        },
        leaves: array.leaves.map((leaf) => ({
          ...leaf,
          strikeE8: (1n << 48n) - 1n,
          calls: leaf.calls.map(() => top << 126n),
          nd1: 1n << 126n,
          pdf: 1n << 132n,
          gammaN: (1n << 180n) - 1n,
          thetaN: (1n << 175n) - 1n,
        })),
      }
      const size = sign > 0n ? (1n << 60n) - 1n : -(1n << 60n)
      const position = { expiry: ROUND + 1n, strikeE8: (1n << 48n) - 1n }
      for (const [callsE12, putsE12] of [
        [size, 0n],
        [0n, size],
      ] as const) {
        const held = { ...position, callsE12, putsE12 }
        const segments = [
          {
            array: dear,
            positions: [held, { ...position, callsE12: callsE12 / 2n, putsE12: putsE12 / 2n }],
            continues: true,
          },
          { array: dear, positions: nothing(dear), continues: false },
        ]
        await expectEqual(shardOf(emptyBook, segments))
      }
    }
  })

  test('a chain cut by shardBook: filled up with nothing, in order of expiry', async () => {
    const random = new Random(33n)
    const arrays = [3n, 1n, 2n].map((day) => randomArray(random, ROUND + day * 86_400n, ROUND, 2))
    const positions = arrays
      .flatMap((array) => randomPositions(random, array, 50))
      .sort((a, b) => (a.expiry === b.expiry ? Number(a.strikeE8 - b.strikeE8) : Number(a.expiry - b.expiry)))
    const { shards, final } = shardBook(positions, arrays, { segments: 2, expiries: 2 })
    expect(shards.length).toBe(2)
    expect(shards.map(({ segments }) => segments.map(({ continues }) => continues))).toEqual([
      [false, false],
      [true, false],
    ])
    for (const shard of shards) await expectEqual(shard)
    expect(final.open).toBeUndefined()
    expect(final.expiry).toBe(ROUND + 3n * 86_400n)
  })
})
