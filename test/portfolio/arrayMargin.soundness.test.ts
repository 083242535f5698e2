/** What a margin straight from arrays refuses: other openings, orders, closings, rounds, quantities and words. */
import { beforeAll, describe, expect, test } from 'vitest'
import { type BookSegment, emptyBook, foldBook, headerElements, type PricedArray } from '../../prover/portfolio/book.ts'
import { accountMargin, type Holdings } from '../../prover/portfolio/margin.ts'
import { stateArrayMargin } from '../../prover/statement/arrayMargin.ts'
import { emptyAccount } from '../../prover/statement/portfolioMargin.ts'
import { pack, unpack } from '../../prover/statement/words.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import {
  arrayMarginBuild,
  arrayMarginInput,
  arrayRootOf,
  CONTEXT,
  randomArray,
  randomPolicy,
  randomPositions,
  randomRound,
} from '../../scripts/tools/cases/portfolios.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { type Circuit, compileCircuit, FIELD_ORDER } from '../../scripts/tools/circuits/circuit.ts'

const ROUND = 1_770_000_000n
const DAY = 86_400n
const build = arrayMarginBuild(3, 2, 2)
const oneExpiry = arrayMarginBuild(2, 2, 1)
const random = new Random(351n)
const round = randomRound(random, ROUND)
const policy = randomPolicy(random)
const arrays = [1n, 2n, 3n].map((day) => randomArray(random, ROUND + day * DAY, ROUND, 2))
/** Of the first one's expiry, under its header. */
const sibling: PricedArray = {
  header: (arrays[0] as PricedArray).header,
  leaves: (randomArray(random, ROUND + DAY, ROUND, 2) as PricedArray).leaves,
}
const OPENINGS = ['headerRoots', 'expiries', 'shortfallsX40', 'leaves', 'headers'] as const

type Input = Record<string, bigint | bigint[]>
let circuit: Circuit
let small: Circuit

beforeAll(async () => {
  circuit = await compileCircuit(mainSource(build))
  small = await compileCircuit(mainSource(oneExpiry))
})

const arrayAt = (at: number): PricedArray => arrays[at] as PricedArray

const segmentsOf = (order: readonly PricedArray[]): readonly BookSegment[] =>
  order.map((array, i) => ({
    array,
    positions: randomPositions(random, array, 40),
    continues: order[i + 1]?.header.expiry === array.header.expiry,
  }))

const held: Holdings = { ...emptyAccount.holdings, perpsE12: 12_345_678_901n, cashE12: -(1n << 60n) }

async function inputOf(segments: readonly BookSegment[], of = build, holdings = held): Promise<Input> {
  const arrayRoots = await Promise.all(segments.map(({ array }) => arrayRootOf(array)))
  const stated = await stateArrayMargin(of, CONTEXT, { segments, arrayRoots, holdings }, round, policy)
  return { ...arrayMarginInput(stated) } as Input
}

const changed = (input: Input, name: string, index: number, by: (value: bigint) => bigint): Input => {
  const value = input[name]
  return {
    ...input,
    [name]: Array.isArray(value) ? value.with(index, by(value[index] as bigint)) : by(value as bigint),
  }
}
const lengthOf = (input: Input, name: string): number => [input[name]].flat().length

describe('L5 L16 L34: what the roots commit to', () => {
  test('no element behind a root can be another', async () => {
    const input = await inputOf(segmentsOf([arrayAt(0), sibling, arrayAt(1)]))
    expect(circuit.accepts(input)).toBe(true)
    let tried = 0
    for (const name of [...OPENINGS, 'arrayRoots']) {
      const length = lengthOf(input, name)
      for (let index = 0; index < length; index += length > 100 ? 3 : 1) {
        const by = [(v: bigint) => v + 1n, (v: bigint) => v + (1n << random.below(240n))][tried % 2]!
        expect(circuit.accepts(changed(input, name, index, by)), `${name}[${index}]`).toBe(false)
        tried++
      }
    }
    console.log(`${tried} false openings refused`)
    expect(tried).toBeGreaterThan(100)
  })
})

describe('L6 L17 L35: order, flags and closings', () => {
  test('flags: no bit but those of the order, and the last array ends its expiry', async () => {
    const input = await inputOf(segmentsOf([arrayAt(0), sibling, arrayAt(1)]))
    expect(input.flags).toBe(1n)
    for (const flags of [0n, 2n, 3n, 4n, 5n, 7n, 8n, 1n << 15n, FIELD_ORDER - 1n]) {
      expect(circuit.accepts({ ...input, flags }), `${flags}`).toBe(false)
    }
    const whole = await inputOf(segmentsOf([arrayAt(0), sibling, sibling]))
    expect(circuit.accepts(whole)).toBe(true)
    for (const flags of [0n, 1n, 2n, 7n]) expect(circuit.accepts({ ...whole, flags }), `${flags}`).toBe(false)
  })

  test('an expiry that comes back, comes earlier, or comes as two has no witness', async () => {
    const input = await inputOf(segmentsOf([arrayAt(0), sibling, arrayAt(1)]))
    const order = (of: readonly number[], flags: bigint): Input => ({
      ...input,
      flags,
      ...Object.fromEntries(
        ['arrayRoots', 'positions', 'headerRoots', 'expiries', 'shortfallsX40', 'leaves'].map((name) => {
          const value = input[name] as bigint[]
          const each = value.length / 3
          return [name, of.flatMap((at) => value.slice(at * each, (at + 1) * each))]
        }),
      ),
    })
    const headers = (of: readonly number[]) => of.flatMap((at) => headerElements(arrayAt(at).header))
    expect(circuit.accepts(order([0, 1, 2], 1n))).toBe(true)
    expect(circuit.accepts(order([1, 0, 2], 1n)), 'arrays of one expiry in either order').toBe(true)
    for (const [of, flags, closed] of [
      [[2, 0, 1], 2n, [1, 0]], // the later expiry first
      [[0, 2, 1], 0n, [0, 1]], // the first one comes back
      [[0, 1, 2], 0n, [0, 0]], // the first one is closed twice
      [[0, 1, 2], 3n, [0, 0]], // the second goes on with the first
    ] as const)
      for (const each of [closed, [0, 1], [1, 0]])
        expect(circuit.accepts({ ...order(of, flags), headers: headers(each) }), `${of} ${flags}`).toBe(false)
  })

  test('more expiries than closings have no witness, as many have, and sums are closed under their own header', async () => {
    const segments = segmentsOf([0, 1, 2].map(arrayAt))
    await expect(inputOf(segments)).rejects.toMatchObject({ code: 'portfolio.closing-count', count: 3, limit: 2 })
    const input = await inputOf(segmentsOf([0, 1, 1].map(arrayAt)))
    const under = (of: readonly number[]) => ({
      ...input,
      headers: of.flatMap((at) => headerElements(arrayAt(at).header)),
    })
    expect(circuit.accepts(under([0, 1]))).toBe(true)
    for (const of of [
      [0, 0],
      [1, 1],
      [1, 0],
      [0, 2],
    ])
      expect(circuit.accepts(under(of)), `${of}`).toBe(false)
  })

  test('the build that closes one expiry takes two arrays of it, and no two of different ones', async () => {
    const one = await inputOf(segmentsOf([arrayAt(0), sibling]), oneExpiry)
    expect(small.accepts(one)).toBe(true)
    const two = segmentsOf([arrayAt(0), arrayAt(1)])
    await expect(inputOf(two, oneExpiry)).rejects.toMatchObject({ code: 'portfolio.closing-count', count: 2, limit: 1 })
    const three = await inputOf(segmentsOf([arrayAt(0), arrayAt(1), arrayAt(1)]))
    const cut = (name: string): bigint[] => (three[name] as bigint[]).slice(0, (2 * lengthOf(three, name)) / 3)
    const names = ['arrayRoots', 'positions', 'headerRoots', 'expiries', 'shortfallsX40', 'leaves']
    const apart = { ...three, ...Object.fromEntries(names.map((name) => [name, cut(name)])) }
    for (const at of [0, 1])
      for (const flags of [0n, 1n]) {
        const headers = headerElements(arrayAt(at).header) as bigint[]
        expect(small.accepts({ ...apart, headers, flags }), `${at} ${flags}`).toBe(false)
      }
  })

  test('arrays of another round have no witness', async () => {
    const input = await inputOf(segmentsOf([arrayAt(0), sibling, arrayAt(1)]))
    for (const asOf of [ROUND + 1n, ROUND - 1n, 0n]) {
      const other = pack('roundPrices', { ...round, asOf })
      expect(circuit.accepts({ ...input, roundPrices: other }), `${asOf}`).toBe(false)
    }
  })
})

describe('L1 L34 Q3: words', () => {
  test('each public word that is changed is another statement, or none', async () => {
    const input = await inputOf(segmentsOf([arrayAt(0), sibling, arrayAt(1)]))
    const honest = circuit.outputs(input)
    let tried = 0
    for (const name of Object.keys(input).filter((each) => !OPENINGS.some((opening) => opening === each))) {
      for (let index = 0; index < lengthOf(input, name); index++) {
        for (const bit of [0n, 40n, 90n, 247n]) {
          const other = changed(input, name, index, (word) => word ^ (1n << bit))
          if (circuit.accepts(other)) expect(circuit.outputs(other), `${name}[${index}] ${bit}`).not.toEqual(honest)
          tried++
        }
      }
    }
    expect(tried).toBeGreaterThan(200)
  })

  test('a position of another strike or expiry has no witness', async () => {
    const input = await inputOf(segmentsOf([arrayAt(0), sibling, arrayAt(1)]))
    for (const bit of [0n, 31n, 32n, 79n, 202n, 247n])
      for (let index = 0; index < lengthOf(input, 'positions'); index++)
        expect(circuit.accepts(changed(input, 'positions', index, (word) => word ^ (1n << bit))), `${bit}`).toBe(false)
  })

  test('quantities of 2^62 in all have no witness, one less has', async () => {
    const input = await inputOf(segmentsOf([arrayAt(0), sibling, arrayAt(1)]))
    // Four quantities of 2^60 come to 2^62; negative ones reach it.
    const least = -(1n << 60n)
    const filled = (last: bigint): Input => {
      const positions = (input.positions as bigint[]).map((word, i) => {
        const { expiry, strikeE8 } = unpack('optionPosition', word)
        const quantities = i < 2 ? [least, i === 1 ? last : least] : [0n, 0n]
        return pack('optionPosition', {
          expiry,
          strikeE8,
          callsE12: quantities[0] as bigint,
          putsE12: quantities[1] as bigint,
        })
      })
      return { ...input, positions }
    }
    expect(circuit.accepts(filled(least + 1n))).toBe(true)
    expect(circuit.accepts(filled(least))).toBe(false)
  })
})

describe('L9 L34: the results are the account’s', () => {
  test('a unit of cash more or less is another margin, at its boundary of maintenance', async () => {
    const segments = segmentsOf([arrayAt(0), sibling, arrayAt(1)])
    const book = foldBook(emptyBook, segments)
    const UNIT = 10n ** 4n
    const { maintenanceE8 } = accountMargin({ book, holdings: held }, round, policy)
    const withCash = (units: bigint): Holdings => ({ ...held, cashE12: held.cashE12 - (maintenanceE8 - units) * UNIT })
    for (const units of [-1n, 0n, 1n]) {
      const holdings = withCash(units)
      const stated = accountMargin({ book, holdings }, round, policy)
      expect(stated.maintenanceE8).toBe(units)
      const input = await inputOf(segments, build, holdings)
      const outputs = circuit.outputs(input)
      // Its own words, with the holdings of the account beside it.
      const other = { ...input, holdings: pack('holdings', withCash(units + 1n)) }
      expect(circuit.outputs(other)).not.toEqual(outputs)
    }
  })
})

describe('L34: determinism', () => {
  test('every wire follows from the inputs', async () => {
    const witness = small.witness(await inputOf(segmentsOf([arrayAt(0), sibling]), oneExpiry))
    expect(small.violations(witness)).toEqual([])
    expect(small.movableWires(witness).filter((name) => !/\.inv$/.test(name))).toEqual([])
    const report = small.tamper(witness, (value) => [value + 1n, -value, 0n, 1n, random.below(FIELD_ORDER)])
    expect(report.undetected.filter((name) => !/\.inv$/.test(name))).toEqual([])
    console.log(`${report.tried} tampered wires, 0 accepted`)
    expect(report.tried).toBeGreaterThan(100_000)
  })
})
