/** What a proof of a book refuses: other openings, other orders, other rounds, other sizes; and that nothing in it can move. */
import { beforeAll, describe, expect, test } from 'vitest'
import { emptyBook, foldBook, headerElements } from '../../prover/portfolio/book.ts'
import type { BookSegment, BookState, OptionPosition, PricedArray } from '../../prover/portfolio/book.ts'
import { shardBook } from '../../prover/portfolio/sharding.ts'
import { bookRoot } from '../../prover/portfolio/state.ts'
import { commit } from '../../prover/statement/commitment.ts'
import { stateRoot } from '../../prover/statement/optionBook.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import type { Circuit } from '../../scripts/tools/circuits/circuit.ts'
import { compileCircuit, FIELD_ORDER } from '../../scripts/tools/circuits/circuit.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import {
  arrayRootOf,
  bookBuild,
  bookInput,
  randomArray,
  randomPositions,
} from '../../scripts/tools/cases/portfolios.ts'

const ROUND = 1_770_000_000n
const DAY = 86_400n
const build = bookBuild(2, 2)
const room = { segments: 2, expiries: 2 }
let circuit: Circuit

type Input = Record<string, bigint | bigint[]>
/** Three arrays of one expiry and one of a later one: the first proof hands the expiry on to the second. */
let segments: readonly BookSegment[]
let handed: BookState
let first: Input
let second: Input

beforeAll(async () => {
  circuit = await compileCircuit(mainSource(build))
  const random = new Random(61n)
  const shared = randomArray(random, ROUND + DAY, ROUND, 2)
  const same = [0, 1, 2].map(() => ({ header: shared.header, leaves: randomArray(random, 1n, ROUND, 2).leaves }))
  const arrays: readonly PricedArray[] = [...same, randomArray(random, ROUND + 2n * DAY, ROUND, 2)]
  segments = arrays.map((array, i) => ({ array, positions: randomPositions(random, array, 50), continues: i < 2 }))
  handed = foldBook(emptyBook, segments.slice(0, 2))
  first = await inputOf(emptyBook, segments.slice(0, 2))
  second = await inputOf(handed, segments.slice(2))
})

async function inputOf(before: BookState, of: readonly BookSegment[]): Promise<Input> {
  const { input } = await bookInput(build, { before, segments: of, after: foldBook(before, of) })
  return { ...input } as Input
}

const changed = (input: Input, name: string, index: number, by: (value: bigint) => bigint): Input => {
  const value = input[name]
  return {
    ...input,
    [name]: Array.isArray(value) ? value.with(index, by(value[index] as bigint)) : by(value as bigint),
  }
}

/**
 * Roots recomputed for other arrays, so that only the rule under test stands in the way.
 *
 * @param closed - of the expiries that end
 */
async function rerooted(input: Input, arrays: readonly PricedArray[], closed = arrays.map(() => 0)): Promise<Input> {
  return {
    ...input,
    asOf: (arrays[0] as PricedArray).header.asOf,
    arrayRoots: await Promise.all(arrays.map(arrayRootOf)),
    headerRoots: await Promise.all(arrays.map(({ header }) => commit(headerElements(header)))),
    expiries: arrays.map(({ header }) => header.expiry),
    shortfallsX40: arrays.map(({ header }) => header.shortfallX40),
    headers: closed.flatMap((at) => headerElements((arrays[at] as PricedArray).header)),
  }
}

const nothing = (array: PricedArray): readonly OptionPosition[] =>
  array.leaves.map(({ strikeE8 }) => ({ expiry: array.header.expiry, strikeE8, callsE12: 0n, putsE12: 0n }))

describe('L5: roots', () => {
  test('honest inputs have a witness', () => {
    expect(circuit.accepts(first)).toBe(true)
    expect(circuit.accepts(second)).toBe(true)
  })

  test('no element behind a root can be another: state, header, leaf', () => {
    const random = new Random(62n)
    let tried = 0
    const arrays = ['headers', 'headerRoots', 'expiries', 'shortfallsX40', 'leaves', 'arrayRoots'] as const
    for (const name of [...arrays, 'totalsIn', 'sumsIn'] as const) {
      const { length } = second[name] as bigint[]
      for (let index = 0; index < length; index += length > 100 ? 7 : length > 10 ? 3 : 1) {
        const by = [(v: bigint) => v + 1n, (v: bigint) => v + (1n << random.below(240n))][tried % 2]!
        expect(circuit.accepts(changed(second, name, index, by)), `${name}[${index}]`).toBe(false)
        tried++
      }
    }
    for (const name of ['stateIn', 'asOfIn', 'expiryIn', 'openIn', 'headerRootIn', 'asOf']) {
      expect(circuit.accepts(changed(second, name, 0, (v) => v + 1n)), name).toBe(false)
      expect(circuit.accepts(changed(second, name, 0, (v) => v - 1n)), name).toBe(false)
      tried += 2
    }
    console.log(`${tried} false openings refused`)
  })

  test('time and expiry that pack to the same element are refused', () => {
    const moved = {
      ...second,
      asOfIn: (second.asOfIn as bigint) + (1n << 32n),
      expiryIn: (second.expiryIn as bigint) - 1n,
    }
    expect(circuit.accepts(moved)).toBe(false)
  })

  test('the twin of the root is the one of the stage after it', async () => {
    const plain = (elements: readonly bigint[]) => commit(elements.map((e) => (e < 0n ? e + FIELD_ORDER : e)))
    expect(await bookRoot(handed, plain)).toBe(await stateRoot(handed))
    expect(await stateRoot(handed)).toBe(second.stateIn)
  })
})

describe('L6: order, rounds, flags', () => {
  test('an expiry under way cannot be dropped, nor one be claimed', async () => {
    // The book handed on, as if it had closed: its sums would vanish.
    expect(circuit.accepts({ ...second, openIn: 0n })).toBe(false)
    const closed = { ...handed, open: undefined }
    const root = await stateRoot(closed)
    expect(circuit.accepts({ ...second, stateIn: root, openIn: 0n })).toBe(false) // the same expiry again
    expect(circuit.accepts({ ...first, openIn: 1n })).toBe(false)
  })

  test('flags: any bit that is not the order of the expiries, or beyond the segments', () => {
    const [one, two] = [first.flags as bigint, second.flags as bigint]
    expect([one, two]).toEqual([3n, 0n])
    for (const flags of [0n, 2n, 4n | one, FIELD_ORDER - 1n])
      expect(circuit.accepts({ ...first, flags }), `${flags}`).toBe(false)
    for (const flags of [1n, 3n, 4n, 1n << 15n]) expect(circuit.accepts({ ...second, flags }), `${flags}`).toBe(false)
    // The last bit says what the next proof begins with; either is a book, of another root.
    expect(circuit.accepts({ ...first, flags: 1n })).toBe(true)
    expect(circuit.outputs({ ...first, flags: 1n })).not.toEqual(circuit.outputs(first))
  })

  test('expiries ascend; the twin says which one does not', async () => {
    const [third, fourth] = [segments[2] as BookSegment, segments[3] as BookSegment]
    const later = { ...fourth, continues: false }
    const earlier = { ...third, continues: false }
    expect(() => foldBook(emptyBook, [later, earlier])).toThrow(
      expect.objectContaining({ code: 'portfolio.book-order' }),
    )
    expect(() => foldBook(emptyBook, [earlier, earlier])).toThrow(
      expect.objectContaining({ code: 'portfolio.book-order' }),
    )
    const honest = await inputOf(emptyBook, [earlier, later])
    expect(circuit.accepts(honest)).toBe(true)
    const swap = (name: string): bigint[] => {
      const value = honest[name] as bigint[]
      return [...value.slice(value.length / 2), ...value.slice(0, value.length / 2)]
    }
    const names = ['arrayRoots', 'headerRoots', 'expiries', 'shortfallsX40', 'headers', 'leaves', 'positions']
    const swapped = Object.fromEntries(names.map((name) => [name, swap(name)]))
    expect(circuit.accepts({ ...honest, ...swapped })).toBe(false)
    const twice = Object.fromEntries(
      names.map((name) => [
        name,
        [...swap(name).slice(swap(name).length / 2), ...(honest[name] as bigint[]).slice(0, swap(name).length / 2)],
      ]),
    )
    expect(circuit.accepts({ ...honest, ...twice })).toBe(false)
  })

  test('an expiry goes on under the very same header only', async () => {
    const arrays = segments.slice(0, 2).map(({ array }) => array)
    expect(circuit.accepts(await rerooted(first, arrays))).toBe(true)
    const { header } = arrays[1] as PricedArray
    const others = [
      ...header.forwardsE8.map((_, f) => ({
        forwardsE8: header.forwardsE8.map((each, i) => (i === f ? each + 1n : each)),
      })),
      ...(['discountX40', 'longFactorX40', 'shortFactorX40', 'basisFactorX40'] as const).map((n) => ({
        [n]: header[n] + 1n,
      })),
      ...(['shortfallX40', 'sqrtTauX40', 'secondsToExpiry'] as const).map((n) => ({ [n]: header[n] + 1n })),
    ]
    for (const other of others) {
      const forged = { ...(arrays[1] as PricedArray), header: { ...header, ...other } }
      expect(
        circuit.accepts(await rerooted(first, [arrays[0] as PricedArray, forged])),
        JSON.stringify(Object.keys(other)),
      ).toBe(false)
    }
    console.log(`${others.length} other headers refused`)
  })

  test('two rounds do not mix: within a proof, and from one to the next', async () => {
    const [third, fourth] = [segments[2] as BookSegment, segments[3] as BookSegment]
    const honest = await inputOf(emptyBook, [{ ...third, continues: false }, fourth])
    const later = { ...fourth.array, header: { ...fourth.array.header, asOf: ROUND + 1n } }
    expect(circuit.accepts(await rerooted(honest, [third.array, fourth.array], [0, 1]))).toBe(true)
    const mixed = await rerooted(honest, [third.array, later], [0, 1])
    expect(circuit.accepts(mixed)).toBe(false)
    const code = expect.objectContaining({ code: 'portfolio.mixed-rounds' })
    expect(() =>
      foldBook(emptyBook, [
        { ...third, continues: false },
        { ...fourth, array: later },
      ]),
    ).toThrow(code)

    const done = foldBook(emptyBook, [
      { ...third, continues: true },
      { ...third, continues: false },
    ])
    const next: BookSegment[] = [fourth, { ...fourth, positions: nothing(fourth.array) }]
    const [head, tail] = next.map((each, i) => ({ ...each, continues: i === 0 })) as [BookSegment, BookSegment]
    const after = await inputOf(done, [head, tail])
    expect(circuit.accepts(after)).toBe(true)
    expect(circuit.accepts(await rerooted(after, [fourth.array, fourth.array]))).toBe(true)
    expect(circuit.accepts(await rerooted(after, [later, later]))).toBe(false)
    expect(() => shardBook([], [third.array, later], room)).toThrow(code)
  })
})

describe('L1 L2: sizes', () => {
  test('position words of another instrument have no witness', () => {
    for (const index of [0, 1, 2, 3]) {
      for (const bit of [0n, 31n, 32n, 79n, 202n, 247n]) {
        expect(
          circuit.accepts(changed(first, 'positions', index, (word) => word ^ (1n << bit))),
          `${index} ${bit}`,
        ).toBe(false)
      }
      // Another quantity is another book.
      for (const bit of [80n, 139n, 141n, 200n]) {
        const other = changed(first, 'positions', index, (word) => word ^ (1n << bit))
        expect(circuit.outputs(other)).not.toEqual(circuit.outputs(first))
      }
    }
  })

  test('a book holds less than 2^62 in all', async () => {
    const array = (segments[3] as BookSegment).array
    const one = nothing(array).map((each, i) => ({ ...each, callsE12: i === 0 ? 1n : 0n }))
    const last = { array, positions: nothing(array), continues: false }
    for (const [grossE12, fits] of [
      [(1n << 62n) - 2n, true],
      [(1n << 62n) - 1n, false],
    ] as const) {
      const before = { ...emptyBook, totals: { ...emptyBook.totals, grossE12 } }
      const held = [{ array, positions: one, continues: true }, last]
      if (fits) {
        expect(circuit.accepts(await inputOf(before, held))).toBe(true)
      } else {
        expect(() => foldBook(before, held)).toThrow(expect.objectContaining({ code: 'portfolio.size-out-of-range' }))
        const input = await inputOf(before, [{ ...held[0]!, positions: nothing(array) }, last])
        expect(circuit.accepts(input)).toBe(true)
        expect(circuit.accepts(changed(input, 'positions', 0, (word) => word + (1n << 80n)))).toBe(false)
      }
    }
  })

  test('the twin names what cannot be held', () => {
    const { array } = segments[3] as BookSegment
    const [held] = nothing(array) as [OptionPosition, OptionPosition]
    const code = (name: string) => expect.objectContaining({ code: `portfolio.${name}` })
    const big = { ...held, callsE12: 1n << 60n }
    expect(() => shardBook([big], [array], room)).toThrow(code('size-out-of-range'))
    expect(() => shardBook([{ ...held, strikeE8: held.strikeE8 + 1n }], [array], room)).toThrow(
      code('unknown-instrument'),
    )
    expect(() => shardBook([held, held], [array], room)).toThrow(code('position-order'))
    expect(() => foldBook(emptyBook, [{ array, positions: [held], continues: false }])).toThrow(code('slot-count'))
    expect(() => foldBook(emptyBook, [{ array, positions: [held, held], continues: false }])).toThrow(
      code('position-mismatch'),
    )
  })
})

describe('determinism: every wire follows from the inputs', () => {
  test('no wire can move, and none can be another number', () => {
    const random = new Random(63n)
    let tried = 0
    for (const input of [first, second]) {
      const witness = circuit.witness(input)
      expect(circuit.violations(witness)).toEqual([])
      expect(circuit.movableWires(witness).filter((name) => !/\.inv$/.test(name))).toEqual([])
      const report = circuit.tamper(witness, (value) => [
        value + 1n,
        value - 1n,
        -value,
        0n,
        1n,
        random.below(FIELD_ORDER),
      ])
      tried += report.tried
      expect(report.undetected.filter((name) => !/\.inv$/.test(name) && !/^main\.\w+In(\[|$)/.test(name))).toEqual([])
    }
    console.log(`${tried} tampered wires, 0 accepted`)
  })
})
