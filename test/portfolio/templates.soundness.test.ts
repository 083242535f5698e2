/** Templates of the portfolio stage, each on its own: hints forced, widths at their borders, wires moved. */
import { beforeAll, describe, expect, test } from 'vitest'
import { floorDiv } from '../../prover/portfolio/book.ts'
import type { Circuit } from '../circuit.ts'
import { compileCircuit, FIELD_ORDER } from '../circuit.ts'
import { AttackedTemplate } from '../math/attack.ts'
import { Random } from '../parallel.ts'

const field = (value: bigint): bigint => ((value % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER
const signed = (value: bigint): bigint => (value > FIELD_ORDER / 2n ? value - FIELD_ORDER : value)

/** A main around one template with one tagged signed input. */
const signedMain = (template: string, bits: number, outputs: readonly string[]): string => `pragma circom 2.2.3;
include "portfolio/${template.replace(/\(.*/, '')}.circom";
include "portfolio/AssumeSigned.circom";
template Main() {
    signal input in;
    signal output ${outputs.map((name) => `${name}Out`).join(', ')};
    component t = ${template};
    t.in <== AssumeSigned(${bits})(in);
${outputs.map((name) => `    ${name}Out <== t.${name};`).join('\n')}
}
component main = Main();
`

const isolated = (circuit: Circuit, input: Record<string, bigint | bigint[]>): void => {
  const witness = circuit.witness(input)
  expect(circuit.movableWires(witness).filter((name) => !/\.inv$/.test(name))).toEqual([])
  const { undetected } = circuit.tamper(witness, (value) => [
    value + 1n,
    value - 1n,
    -value,
    0n,
    1n,
    value + (1n << 90n),
  ])
  expect(undetected.filter((name) => !/\.inv$/.test(name))).toEqual([])
}

describe('A1: floors and saturation', () => {
  test.each([
    [0, 8],
    [5, 8],
    [158, 241],
  ])('FloorAndSign(%i) of %i bits', async (drop, bits) => {
    const circuit = await compileCircuit(signedMain(`FloorAndSign(${drop})`, bits, ['out', 'negative']))
    const limit = 1n << BigInt(bits)
    for (const value of [-limit, 1n - limit, -1n, 0n, 1n, limit - 1n, limit / 3n, -limit / 3n]) {
      const [out, negative] = circuit.outputs({ in: value })
      expect([signed(out!), negative]).toEqual([value >> BigInt(drop), value < 0n ? 1n : 0n])
      isolated(circuit, { in: value })
    }
    for (const value of [-limit - 1n, limit, limit * 2n, FIELD_ORDER / 2n])
      expect(circuit.accepts({ in: value })).toBe(false)
  })

  test('SaturateSigned: at its own limits and at the input’s', async () => {
    const circuit = await compileCircuit(signedMain('SaturateSigned(79)', 109, ['out']))
    const [limit, wide] = [1n << 79n, 1n << 109n]
    for (const value of [-wide, -limit - 1n, -limit, 1n - limit, -1n, 0n, limit - 1n, limit, limit + 1n, wide - 1n]) {
      const expected = value < -limit ? -limit : value >= limit ? limit - 1n : value
      expect(signed(circuit.outputs({ in: value })[0]!)).toBe(expected)
      isolated(circuit, { in: value })
    }
    for (const value of [-(1n << 112n), 1n << 112n]) expect(circuit.accepts({ in: value })).toBe(false)
  })

  const unit = 244_140_625n << 72n
  const floorToUnit = {
    folder: 'portfolio',
    template: 'FloorToUnit(72, 244140625, 79)',
    inputs: [{ name: 'in', taggedBits: 194 }],
    outputs: [{ name: 'out' }, { name: 'negative' }],
    replace: [
      ['signal input {signedbit} in;', 'signal input {signedbit} in;\n    signal input forced;'],
      ['<-- raised \\ UNIT', '<-- forced'],
    ],
  } as const

  test('FloorToUnit: exact at every border, no witness beyond', async () => {
    const circuit = await compileCircuit(signedMain(floorToUnit.template, 194, ['out', 'negative']))
    const limit = unit << 79n
    for (const value of [-limit, 1n - limit, -unit - 1n, -unit, -unit + 1n, -1n, 0n, 1n, unit - 1n, unit, limit - 1n]) {
      const [out, negative] = circuit.outputs({ in: value })
      expect([signed(out!), negative]).toEqual([floorDiv(value, unit), value < 0n ? 1n : 0n])
      isolated(circuit, { in: value })
    }
    for (const value of [-limit - 1n, limit, limit * 2n]) expect(circuit.accepts({ in: value })).toBe(false)
  })

  test('FloorToUnit: any other quotient violates a constraint', async () => {
    const attacked = await AttackedTemplate.compile(floorToUnit)
    expect(attacked.hasHonestConstraints).toBe(true)
    const random = new Random(51n)
    for (const value of [-unit - 1n, -1n, 0n, unit - 1n, unit, (unit << 70n) + 5n]) {
      const honest = floorDiv(value, unit) + (1n << 79n)
      expect(attacked.attempt({ in: value }, honest).violations).toEqual([])
      const others = [honest - 1n, honest + 1n, 0n, 1n << 80n, -1n, honest + (1n << 80n), (honest * 2n) % FIELD_ORDER]
      for (const forced of [...others, ...Array.from({ length: 40 }, () => random.below(FIELD_ORDER))]) {
        if (field(forced) === honest) continue
        expect(attacked.attempt({ in: value }, field(forced)).violations).not.toEqual([])
      }
    }
  })
})

describe('A9: the worst scenario', () => {
  let attacked: AttackedTemplate
  const choices = 34
  beforeAll(async () => {
    attacked = await AttackedTemplate.compile({
      folder: 'portfolio',
      template: `WorstScenario(${choices}, 178)`,
      inputs: [{ name: 'losses', size: choices }],
      outputs: [{ name: 'least' }, { name: 'index' }],
      forcedSize: choices,
      replace: [
        ['signal input losses[CHOICES];', 'signal input losses[CHOICES];\n    signal input forced[CHOICES];'],
        ['chosen[s] <-- s == first ? 1 : 0;', 'chosen[s] <-- forced[s];'],
      ],
    })
  })

  const chosen = (...places: readonly number[]): bigint[] =>
    Array.from({ length: choices }, (_, s) => (places.includes(s) ? 1n : 0n))

  test('the first of the least is the only choice, however losses tie', () => {
    expect(attacked.hasHonestConstraints).toBe(true)
    const random = new Random(52n)
    const limit = 1n << 178n
    const vectors = [
      Array.from({ length: choices }, () => 0n),
      Array.from({ length: choices }, (_, s) => (s % 5 === 3 ? -7n : 4n)),
      Array.from({ length: choices }, (_, s) => (s === 33 ? -limit : limit - 1n)),
      Array.from({ length: choices }, (_, s) => (s === 0 ? -limit : -limit + 1n)),
      ...Array.from({ length: 6 }, () => Array.from({ length: choices }, () => random.below(limit * 2n) - limit)),
    ]
    for (const losses of vectors) {
      const worst = losses.reduce((w, loss, s) => (loss < losses[w]! ? s : w), 0)
      const [least, index] = attacked.honestOutputs({ losses })
      expect([signed(least!), index]).toEqual([losses[worst], BigInt(worst)])
      for (let s = 0; s < choices; s++) {
        expect(attacked.attempt({ losses }, chosen(s)).violations.length > 0).toBe(s !== worst)
      }
      const other = (worst + 1) % choices
      const half = (FIELD_ORDER + 1n) / 2n
      for (const forced of [
        chosen(),
        chosen(worst, other),
        chosen(worst).map((bit, s) => (s === worst || s === other ? half : bit)),
        chosen(worst).map((bit, s) => (s === worst ? 2n : s === other ? FIELD_ORDER - 1n : bit)),
      ]) {
        expect(attacked.attempt({ losses }, forced).violations).not.toEqual([])
      }
    }
  })
})

describe('A13: the chosen scenario', () => {
  test('its place is the only choice', async () => {
    const attacked = await AttackedTemplate.compile({
      folder: 'portfolio',
      template: 'ChosenScenario()',
      inputs: [
        { name: 'scenario' },
        { name: 'totals', size: 43 },
        { name: 'shocksX40', size: 33 },
        { name: 'dampingX40', size: 33 },
        { name: 'hedgeM' },
      ],
      outputs: [{ name: 'lossMX80' }],
      forcedSize: 34,
      replace: [
        ['hedgeM;\n    signal output', 'hedgeM;\n    signal input forced[34];\n    signal output'],
        ['chosen[s] <-- scenario == s ? 1 : 0;', 'chosen[s] <-- forced[s];'],
      ],
    })
    expect(attacked.hasHonestConstraints).toBe(true)
    const random = new Random(53n)
    const input = {
      totals: Array.from({ length: 43 }, () => random.wide(120)),
      shocksX40: Array.from({ length: 33 }, () => random.wide(43)),
      dampingX40: Array.from({ length: 33 }, () => random.wide(43)),
      hedgeM: random.wide(80),
    }
    const only = (place: number): bigint[] => Array.from({ length: 34 }, (_, s) => (s === place ? 1n : 0n))
    for (const scenario of [0, 10, 32, 33]) {
      const expected =
        scenario === 33
          ? input.totals[33]! << 40n
          : (input.totals[scenario]! + input.hedgeM * (input.shocksX40[scenario]! - (1n << 40n))) *
            input.dampingX40[scenario]!
      expect(signed(attacked.honestOutputs({ ...input, scenario: BigInt(scenario) })[0]!)).toBe(expected)
      for (let s = 0; s < 34; s++) {
        const { violations } = attacked.attempt({ ...input, scenario: BigInt(scenario) }, only(s))
        expect(violations.length > 0).toBe(s !== scenario)
      }
      // Two places whose weights make up another one's.
      const forced = only(-1)
      forced[0] = FIELD_ORDER - BigInt(scenario)
      forced[1] = BigInt(scenario) + 1n
      if (scenario > 1) {
        expect(attacked.attempt({ ...input, scenario: BigInt(scenario) }, forced).violations).not.toEqual([])
      }
    }
    for (const scenario of [34n, 63n, FIELD_ORDER - 1n]) {
      expect(() => attacked.honestOutputs({ ...input, scenario })).toThrow()
    }
  })
})

describe('A2: position words', () => {
  let circuit: Circuit
  beforeAll(async () => {
    circuit = await compileCircuit(`pragma circom 2.2.3;
include "portfolio/PositionQuantities.circom";
component main = PositionQuantities();
`)
  })
  const word = (expiry: bigint, strike: bigint, calls: bigint, puts: bigint): bigint =>
    expiry + (strike << 32n) + ((calls + (1n << 60n)) << 80n) + ((puts + (1n << 60n)) << 141n)
  const [expiry, strikeE8] = [1_770_000_000n, 5_000_000_000_000n]

  test('quantities of every sign, at their borders', () => {
    const limit = 1n << 60n
    const sizes = [-limit, 1n - limit, -1n, 0n, 1n, limit - 1n]
    for (const calls of sizes) {
      for (const puts of sizes) {
        const input = { word: word(expiry, strikeE8, calls, puts), expiry, strikeE8 }
        const abs = (value: bigint): bigint => (value < 0n ? -value : value)
        const expected = [calls, puts, calls + puts, abs(calls) + abs(puts), calls + puts < 0n ? -calls - puts : 0n]
        expect(circuit.outputs(input).map(signed)).toEqual(expected)
        isolated(circuit, input)
      }
    }
  })

  test('a word of another strike or expiry, with a bit above its fields, or moved by the field order has no witness', () => {
    const honest = word(expiry, strikeE8, 5n, -7n)
    expect(circuit.accepts({ word: honest, expiry, strikeE8 })).toBe(true)
    for (const forged of [
      word(expiry + 1n, strikeE8, 5n, -7n),
      word(expiry - 1n, strikeE8, 5n, -7n),
      word(expiry, strikeE8 + 1n, 5n, -7n),
      word(expiry, strikeE8 - 1n, 5n, -7n),
      word(expiry ^ (1n << 31n), strikeE8, 5n, -7n),
      word(expiry, strikeE8 ^ (1n << 47n), 5n, -7n),
      honest + (1n << 202n),
      honest + (1n << 247n),
      FIELD_ORDER - 1n,
    ]) {
      expect(circuit.accepts({ word: forged, expiry, strikeE8 })).toBe(false)
    }
  })
})
