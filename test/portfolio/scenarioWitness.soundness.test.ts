/** What a witness from arrays refuses: an account that is healthy by a unit, other openings, orders, scenarios and words. */
import { beforeAll, describe, expect, test } from 'vitest'
import { type BookSegment, emptyBook, foldBook, headerElements, type PricedArray } from '../../prover/portfolio/book.ts'
import { type Holdings, unhealthyWitness } from '../../prover/portfolio/margin.ts'
import { emptyAccount } from '../../prover/statement/portfolioMargin.ts'
import { stateScenarioWitness } from '../../prover/statement/scenarioWitness.ts'
import { pack } from '../../prover/statement/words.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import {
  arrayRootOf,
  CONTEXT,
  randomArray,
  randomPolicy,
  randomPositions,
  randomRound,
  scenarioWitnessBuild,
  scenarioWitnessInput,
} from '../../scripts/tools/cases/portfolios.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { type Circuit, compileCircuit, FIELD_ORDER } from '../../scripts/tools/circuits/circuit.ts'

const ROUND = 1_770_000_000n
const DAY = 86_400n
const SCENARIOS = 34
const build = scenarioWitnessBuild(3, 2, 2)
const random = new Random(131n)
const round = randomRound(random, ROUND)
const policy = randomPolicy(random)
const arrays = [1n, 2n, 3n].map((day) => randomArray(random, ROUND + day * DAY, ROUND, 2))
/** E12 of a unit of the bound. */
const UNIT = 10n ** 4n

type Input = Record<string, bigint | bigint[]>
let circuit: Circuit

beforeAll(async () => {
  circuit = await compileCircuit(mainSource(build))
})

const segmentsOf = (order: readonly number[]): readonly BookSegment[] =>
  order.map((at, i) => {
    const array = arrays[at] as PricedArray
    return { array, positions: randomPositions(random, array, 40), continues: order[i + 1] === at }
  })

const owing = (cashE12: bigint): Holdings => ({ ...emptyAccount.holdings, perpsE12: 12_345_678_901n, cashE12 })

/** So much cash that a scenario leaves the account short of this many units. */
function cashFor(segments: readonly BookSegment[], scenario: number, units: bigint): bigint {
  const start = -(1n << 72n)
  const book = foldBook(emptyBook, segments)
  const { maintenanceE8 } = unhealthyWitness({ book, holdings: owing(start) }, round, policy, scenario)
  return start - (maintenanceE8 + units) * UNIT
}

async function inputOf(segments: readonly BookSegment[], scenario: number, units = 1n): Promise<Input> {
  const arrayRoots = await Promise.all(segments.map(({ array }) => arrayRootOf(array)))
  const holdings = owing(cashFor(segments, scenario, units))
  const stated = await stateScenarioWitness(build, CONTEXT, { segments, arrayRoots, holdings }, round, policy, scenario)
  return { ...scenarioWitnessInput(stated) } as Input
}

const changed = (input: Input, name: string, index: number, by: (value: bigint) => bigint): Input => {
  const value = input[name]
  return {
    ...input,
    [name]: Array.isArray(value) ? value.with(index, by(value[index] as bigint)) : by(value as bigint),
  }
}
const lengthOf = (input: Input, name: string): number => [input[name]].flat().length

describe('L12 L18: an account that is healthy', () => {
  test('by one unit has no witness, under every scenario; one that is short of one has', async () => {
    const segments = segmentsOf([0, 0, 1])
    for (let scenario = 0; scenario < SCENARIOS; scenario++) {
      const input = await inputOf(segments, scenario)
      expect(circuit.accepts(input), `${scenario}`).toBe(true)
      const cashE12 = cashFor(segments, scenario, 0n)
      const level = { book: foldBook(emptyBook, segments), holdings: owing(cashE12) }
      expect(() => unhealthyWitness(level, round, policy, scenario)).toThrow(
        expect.objectContaining({ code: 'portfolio.not-unhealthy', maintenanceE8: 0n }),
      )
      const healthy = { ...input, holdings: pack('holdings', level.holdings) }
      expect(circuit.accepts(healthy), `${scenario}`).toBe(false)
    }
  })
})

describe('L5 L16 L18: what the roots commit to', () => {
  const opened = ['headerRoots', 'expiries', 'shortfallsX40', 'strikesE8', 'marks', 'columnRoots', 'columns', 'headers']

  test('no element behind a root can be another, in a scenario, the unshocked one and the basis contingency', async () => {
    let tried = 0
    for (const scenario of [4, 10, 33]) {
      const input = await inputOf(segmentsOf([0, 0, 1]), scenario)
      expect(circuit.accepts(input)).toBe(true)
      for (const name of [...opened, 'arrayRoots']) {
        const length = lengthOf(input, name)
        for (let index = 0; index < length; index += length > 40 ? 5 : length > 20 ? 3 : 1) {
          const by = [(v: bigint) => v + 1n, (v: bigint) => v + (1n << random.below(240n))][tried % 2]!
          expect(circuit.accepts(changed(input, name, index, by)), `${scenario}: ${name}[${index}]`).toBe(false)
          tried++
        }
      }
    }
    console.log(`${tried} false openings refused`)
  })

  test("another group than the scenario's does not pass for it", async () => {
    const segments = segmentsOf([0, 0, 1])
    const [own, other] = [await inputOf(segments, 4), await inputOf(segments, 20)]
    expect(own.columns).not.toEqual(other.columns)
    expect(circuit.accepts({ ...own, columns: other.columns as bigint[] })).toBe(false)
    expect(circuit.accepts({ ...other, columns: own.columns as bigint[] })).toBe(false)
    // Two groups' roots exchanged, so that the other one stands where the scenario's is looked for.
    const roots = own.columnRoots as bigint[]
    const exchanged = roots.map((_, i) => roots[i % 13 === 1 ? i + 1 : i % 13 === 2 ? i - 1 : i] as bigint)
    expect(circuit.accepts({ ...own, columnRoots: exchanged, columns: other.columns as bigint[] })).toBe(false)
  })

  test('there is no scenario after the basis contingency', async () => {
    const input = await inputOf(segmentsOf([0, 1, 1]), 33, 1n << 60n)
    expect(circuit.accepts({ ...input, choice: 33n })).toBe(true)
    for (const choice of [34n, 35n, 63n, 64n, FIELD_ORDER - 1n]) {
      expect(circuit.accepts({ ...input, choice }), `${choice}`).toBe(false)
    }
  })
})

describe('L6 L17: order, flags and closings', () => {
  test('flags: no bit but those of the order, and the last array ends its expiry', async () => {
    const input = await inputOf(segmentsOf([0, 0, 1]), 3, 1n << 60n)
    expect(input.flags).toBe(1n)
    for (const flags of [0n, 2n, 3n, 4n, 5n, 7n, 8n, 1n << 15n]) {
      expect(circuit.accepts({ ...input, flags }), `${flags}`).toBe(false)
    }
    const whole = await inputOf(segmentsOf([0, 0, 0]), 3, 1n << 60n)
    expect(circuit.accepts(whole)).toBe(true)
    expect(circuit.accepts({ ...whole, flags: 7n })).toBe(false)
  })

  test('arrays in another order, or one twice, have no witness', async () => {
    const input = await inputOf(segmentsOf([0, 1, 1]), 3, 1n << 60n)
    const perArray = ['arrayRoots', 'positions', 'headerRoots', 'expiries', 'shortfallsX40', 'strikesE8', 'marks']
    const order = (of: readonly number[]): Input => ({
      ...input,
      ...Object.fromEntries(
        [...perArray, 'columnRoots', 'columns'].map((name) => {
          const value = input[name] as bigint[]
          const each = value.length / 3
          return [name, of.flatMap((at) => value.slice(at * each, (at + 1) * each))]
        }),
      ),
    })
    expect(circuit.accepts(order([0, 1, 2]))).toBe(true)
    for (const of of [
      [1, 0, 2],
      [2, 1, 0],
      [0, 1, 0],
      [0, 0, 1],
    ])
      expect(circuit.accepts(order(of)), `${of}`).toBe(false)
  })

  test('more expiries than closings have no witness, and sums are closed under their own header', async () => {
    const segments = segmentsOf([0, 1, 2])
    await expect(inputOf(segments, 3)).rejects.toMatchObject({ code: 'portfolio.closing-count', count: 3, limit: 2 })
    const input = await inputOf(segmentsOf([0, 1, 1]), 3, 1n << 60n)
    const headers = [0, 1].map((at) => headerElements((arrays[at] as PricedArray).header))
    const under = (of: readonly number[]) => ({ ...input, headers: of.flatMap((at) => headers[at] as bigint[]) })
    expect(circuit.accepts(under([0, 1]))).toBe(true)
    for (const of of [
      [0, 0],
      [1, 1],
      [1, 0],
    ])
      expect(circuit.accepts(under(of)), `${of}`).toBe(false)
  })

  test('arrays of another round have no witness', async () => {
    const input = await inputOf(segmentsOf([0, 0, 1]), 3, 1n << 60n)
    const later = pack('roundPrices', { ...round, asOf: ROUND + 1n })
    expect(circuit.accepts({ ...input, roundPrices: later })).toBe(false)
  })
})

describe('L1 Q3: words', () => {
  test('each public word that is changed is another statement, or none', async () => {
    const input = await inputOf(segmentsOf([0, 0, 1]), 6, 1n << 60n)
    const honest = circuit.outputs(input)
    const openings = [
      'headerRoots',
      'expiries',
      'shortfallsX40',
      'strikesE8',
      'marks',
      'columnRoots',
      'columns',
      'headers',
    ]
    let tried = 0
    for (const name of Object.keys(input).filter((each) => !openings.includes(each))) {
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

  test('a position of another strike or expiry has no witness, nor have quantities of 2^62 and more', async () => {
    const input = await inputOf(segmentsOf([0, 0, 1]), 6, 1n << 60n)
    for (const bit of [0n, 31n, 32n, 79n, 202n, 247n]) {
      expect(circuit.accepts(changed(input, 'positions', 0, (word) => word ^ (1n << bit))), `${bit}`).toBe(false)
    }
    const most = (1n << 60n) - 1n
    const full = (callsE12: bigint, putsE12: bigint) =>
      arrays
        .slice(0, 1)
        .flatMap(({ header: { expiry }, leaves }) =>
          leaves.map(({ strikeE8 }) => pack('optionPosition', { expiry, strikeE8, callsE12, putsE12 })),
        )
    // Two strikes of one array: four times 2^60 - 1 fit, a unit each more does not.
    const positions = input.positions as bigint[]
    const held = (words: readonly bigint[]) => [...words, ...positions.slice(2).map((word) => nothing(word))]
    const fits = { ...input, positions: held(full(-most, -most)) }
    const over = { ...input, positions: held(full(-(1n << 60n), -(1n << 60n))) }
    expect(circuit.accepts({ ...fits, holdings: pack('holdings', owing(-(1n << 82n))) })).toBe(true)
    expect(circuit.accepts({ ...over, holdings: pack('holdings', owing(-(1n << 82n))) })).toBe(false)
  })
})

/** The word of a position with nothing held. */
function nothing(word: bigint): bigint {
  const [expiry, strikeE8] = [word & ((1n << 32n) - 1n), (word >> 32n) & ((1n << 48n) - 1n)]
  return pack('optionPosition', { expiry, strikeE8, callsE12: 0n, putsE12: 0n })
}

describe('L18: determinism', () => {
  test('every wire follows from the inputs', async () => {
    let tried = 0
    for (const scenario of [7, 33]) {
      const witness = circuit.witness(await inputOf(segmentsOf([0, 0, 1]), scenario))
      expect(circuit.violations(witness)).toEqual([])
      expect(circuit.movableWires(witness).filter((name) => !/\.inv$/.test(name))).toEqual([])
      const report = circuit.tamper(witness, (value) => [value + 1n, -value, 0n, 1n, random.below(FIELD_ORDER)])
      tried += report.tried
      expect(report.undetected.filter((name) => !/\.inv$/.test(name))).toEqual([])
    }
    console.log(`${tried} tampered wires, 0 accepted`)
  })
})
