/** Which segment closes which expiry of a book's proof, and with what: every freedom that a prover might hope for is tried. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { BookSegment, BookState, PricedArray } from '../../prover/portfolio/book.ts'
import { emptyBook, foldBook, headerElements } from '../../prover/portfolio/book.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import {
  arrayRootOf,
  bookBuild,
  bookInput,
  randomArray,
  randomPositions,
} from '../../scripts/tools/cases/portfolios.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { type Circuit, compileCircuit, FIELD_ORDER } from '../../scripts/tools/circuits/circuit.ts'

const ROUND = 1_770_000_000n
const DAY = 86_400n
const HEADER = 29

type Input = Record<string, bigint | bigint[]>

/** As in a book, where flags are taken apart into bits. */
const places = `pragma circom 2.2.3;
include "bitify.circom";
include "portfolio/ClosingPlaces.circom";
template Main() {
    signal input flags;
    signal output closes[3][8];
    signal continues[8] <== Num2Bits(8)(flags);
    closes <== ClosingPlaces(8, 3)(continues);
}
component main { public [flags] } = Main();
`

describe('L17: places of closings', () => {
  const SEGMENTS = 8
  const EXPIRIES = 3
  let circuit: Circuit

  beforeAll(async () => {
    circuit = await compileCircuit(places)
  })

  const segments = Array.from({ length: SEGMENTS }, (_, e) => e)
  const endsOf = (flags: number): readonly number[] => segments.filter((e) => ((flags >> e) & 1) === 0)

  test('of all 256 orders of segments, those with more ends than closings alone have no witness', () => {
    let refused = 0
    for (let flags = 0; flags < 1 << SEGMENTS; flags++) {
      const ends = endsOf(flags)
      if (ends.length > EXPIRIES) {
        expect(circuit.accepts({ flags: BigInt(flags) }), ends.join()).toBe(false)
        refused++
        continue
      }
      const expected = Array.from({ length: EXPIRIES }, (_, c) => segments.map((e) => BigInt(ends[c] === e)))
      expect(circuit.outputs({ flags: BigInt(flags) }), ends.join()).toEqual(expected.flat())
    }
    expect(refused).toBe(256 - (1 + 8 + 28 + 56))
  })

  test('no closing can be moved to another segment, to another place, or left out', () => {
    for (let flags = 0; flags < 1 << SEGMENTS; flags++) {
      if (endsOf(flags).length > EXPIRIES) continue
      const witness = circuit.witness({ flags: BigInt(flags) })
      expect(circuit.violations(witness)).toEqual([])
      expect(circuit.movableWires(witness)).toEqual([])
      expect(circuit.tamper(witness, (value) => [1n - value, value + 1n, FIELD_ORDER - 1n]).undetected).toEqual([])
    }
    // Two wires at once: the closing of one segment goes to another one, or to another closing.
    const witness = circuit.witness({ flags: 0b1101_1011n })
    const place = (c: number, e: number): string => `main.closes[${c}][${e}]`
    const wires = Array.from({ length: EXPIRIES }, (_, c) => segments.map((e) => place(c, e))).flat()
    let tried = 0
    for (const from of [place(0, 2), place(1, 5)]) {
      expect(witness[circuit.wire(from) as number]).toBe(1n)
      for (const to of wires.filter((name) => name !== from && circuit.wire(name) !== undefined)) {
        const moved = circuit.withWire(circuit.withWire(witness, from, 0n), to, 1n)
        expect(circuit.violations(moved).length, `${from} to ${to}`).toBeGreaterThan(0)
        tried++
      }
    }
    expect(tried).toBeGreaterThan(20)
  })
})

describe('L17: closings of a book', () => {
  const build = bookBuild(3, 1, 2)
  let circuit: Circuit
  let arrays: readonly PricedArray[]
  const random = new Random(95n)

  beforeAll(async () => {
    circuit = await compileCircuit(mainSource(build))
    arrays = [1n, 2n, 3n].map((day) => randomArray(random, ROUND + day * DAY, ROUND, 1))
  })

  /** Segments over arrays by their index; an array that comes again goes on with its expiry. */
  const segmentsOf = (order: readonly number[], opened = false): readonly BookSegment[] =>
    order.map((at, i) => {
      const array = arrays[at] as PricedArray
      const isLast = i === order.length - 1
      return {
        array,
        positions: randomPositions(random, array, 50),
        continues: isLast ? opened : order[i + 1] === at,
      }
    })

  async function inputOf(segments: readonly BookSegment[], before: BookState = emptyBook): Promise<Input> {
    const { input } = await bookInput(build, { before, segments, after: foldBook(before, segments) })
    return { ...input } as Input
  }

  const withHeaders = (input: Input, of: readonly number[]): Input => ({
    ...input,
    headers: of.flatMap((at) => headerElements((arrays[at] as PricedArray).header)),
  })

  test('circuit equals twin with none, one and two that end, from an empty book and from one under way', async () => {
    const under = foldBook(emptyBook, segmentsOf([0, 0, 0], true))
    for (const [order, before, opened] of [
      [[0, 0, 0], emptyBook, true],
      [[0, 0, 0], emptyBook, false],
      [[0, 0, 1], emptyBook, false],
      [[0, 1, 1], emptyBook, false],
      [[0, 1, 2], emptyBook, true],
      [[0, 0, 0], under, true],
      [[0, 1, 1], under, false],
      [[0, 1, 2], under, true],
    ] as const) {
      const segments = segmentsOf(order, opened)
      const { input, stated } = await bookInput(build, { before, segments, after: foldBook(before, segments) })
      expect(circuit.outputs(input), `${order}`).toEqual(stated.publicSignals.slice(0, 2))
    }
  })

  test('a third end has no witness, whatever headers are given; the twin names it', async () => {
    const segments = segmentsOf([0, 1, 2], false)
    await expect(inputOf(segments)).rejects.toMatchObject({ code: 'portfolio.closing-count', count: 3, limit: 2 })
    const open = await inputOf(segments.map((each, e) => ({ ...each, continues: e === 2 })))
    expect(circuit.accepts(open)).toBe(true)
    for (const first of [0, 1, 2]) {
      for (const second of [0, 1, 2]) {
        const closed = withHeaders({ ...open, flags: 0n }, [first, second])
        expect(circuit.accepts(closed), `${first} ${second}`).toBe(false)
      }
    }
  })

  test('sums of one expiry are not valued under the header of another, nor an unused closing under any but the first', async () => {
    for (const [order, opened, honest] of [
      [[0, 1, 1], false, [0, 1]],
      [[0, 1, 2], true, [0, 1]],
      [[1, 1, 1], false, [1, 1]],
      [[1, 2, 2], true, [1, 1]],
      [[0, 0, 0], true, [0, 0]],
    ] as const) {
      const input = await inputOf(segmentsOf(order, opened))
      expect(circuit.accepts(input)).toBe(true)
      for (const first of [0, 1, 2]) {
        for (const second of [0, 1, 2]) {
          const isHonest = first === honest[0] && second === honest[1]
          expect(circuit.accepts(withHeaders(input, [first, second])), `${order}: ${first} ${second}`).toBe(isHonest)
        }
      }
    }
  })

  test("no element of a closing's header can be another, nor spill into its neighbour", async () => {
    const input = await inputOf(segmentsOf([0, 1, 1]))
    const headers = input.headers as bigint[]
    const accepts = (changed: bigint[]): boolean => circuit.accepts({ ...input, headers: changed })
    expect(accepts(headers)).toBe(true)
    for (let i = 0; i < 2 * HEADER; i++) {
      const value = headers[i] as bigint
      expect(accepts(headers.with(i, value + 1n)), `${i}`).toBe(false)
      expect(accepts(headers.with(i, value - 1n)), `${i}`).toBe(false)
      const next = headers[i + 1]
      if (next === undefined) continue
      for (const bits of [32n, 41n, 44n, 52n]) {
        expect(accepts(headers.with(i, value + (1n << bits)).with(i + 1, next - 1n)), `${i}`).toBe(false)
      }
    }
  })

  test('an expiry that ends and one that goes on are other books', async () => {
    const input = await inputOf(segmentsOf([0, 1, 1], true))
    const ended = withHeaders({ ...input, flags: 0b010n }, [0, 1])
    expect(circuit.accepts(ended)).toBe(true)
    expect(circuit.outputs(ended)).not.toEqual(circuit.outputs(input))
    // Its first array closed by itself, and the second again: expiries ascend.
    expect(circuit.accepts(withHeaders({ ...input, flags: 0b100n }, [0, 1]))).toBe(false)
  })

  test('every wire follows from the inputs, with a closing left over and without', async () => {
    let tried = 0
    for (const segments of [segmentsOf([0, 1, 1]), segmentsOf([0, 0, 0])]) {
      const witness = circuit.witness(await inputOf(segments))
      expect(circuit.violations(witness)).toEqual([])
      expect(circuit.movableWires(witness).filter((name) => !/\.inv$/.test(name))).toEqual([])
      const report = circuit.tamper(witness, (value) => [value + 1n, -value, 0n, 1n, random.below(FIELD_ORDER)])
      tried += report.tried
      expect(report.undetected.filter((name) => !/\.inv$/.test(name) && !/^main\.\w+In(\[|$)/.test(name))).toEqual([])
    }
    console.log(`${tried} tampered wires, 0 accepted`)
  })

  test("an array of another root than its header's has no witness", async () => {
    const input = await inputOf(segmentsOf([0, 1, 1]))
    const header = { ...(arrays[1] as PricedArray).header, longFactorX40: 0n }
    const forged = await arrayRootOf({ ...(arrays[1] as PricedArray), header })
    expect(circuit.accepts({ ...input, arrayRoots: (input.arrayRoots as bigint[]).with(1, forged) })).toBe(false)
    expect(circuit.accepts(input)).toBe(true)
  })
})
