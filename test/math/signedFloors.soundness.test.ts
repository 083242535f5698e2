/** Templates that round and cut signed numbers: exact at every border, nothing else accepted, no wire free. */
import { describe, expect, test } from 'vitest'
import { saturateSigned, signedDivDown } from '../../prover/math/index.ts'
import { compileCircuit, FIELD_ORDER } from '../../scripts/tools/circuits/circuit.ts'
import { expectIsolated } from '../isolated.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { AttackedTemplate } from './attack.ts'

const field = (value: bigint): bigint => ((value % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER
const signed = (value: bigint): bigint => (value > FIELD_ORDER / 2n ? value - FIELD_ORDER : value)

/** A main around one template with one tagged signed input. */
const signedMain = (template: string, bits: number, outputs: readonly string[]): string => `pragma circom 2.2.3;
include "math/${template.replace(/\(.*/, '')}.circom";
include "math/AssumeSigned.circom";
template Main() {
    signal input in;
    signal output ${outputs.map((name) => `${name}Out`).join(', ')};
    component t = ${template};
    t.in <== AssumeSigned(${bits})(in);
${outputs.map((name) => `    ${name}Out <== t.${name};`).join('\n')}
}
component main = Main();
`

describe('M25: floors and saturation', () => {
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
      expectIsolated(circuit, { in: value })
    }
    for (const value of [-limit - 1n, limit, limit * 2n, FIELD_ORDER / 2n])
      expect(circuit.accepts({ in: value })).toBe(false)
  })

  test('SaturateSigned: at its own limits and at the input’s', async () => {
    const circuit = await compileCircuit(signedMain('SaturateSigned(79)', 109, ['out']))
    const [limit, wide] = [1n << 79n, 1n << 109n]
    for (const value of [-wide, -limit - 1n, -limit, 1n - limit, -1n, 0n, limit - 1n, limit, limit + 1n, wide - 1n]) {
      const expected = saturateSigned(value, 79)
      expect(signed(circuit.outputs({ in: value })[0]!)).toBe(expected)
      expectIsolated(circuit, { in: value })
    }
    for (const value of [-(1n << 112n), 1n << 112n]) expect(circuit.accepts({ in: value })).toBe(false)
  })

  const unit = 244_140_625n << 72n
  const floorToUnit = {
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
      expect([signed(out!), negative]).toEqual([signedDivDown(value, unit), value < 0n ? 1n : 0n])
      expectIsolated(circuit, { in: value })
    }
    for (const value of [-limit - 1n, limit, limit * 2n]) expect(circuit.accepts({ in: value })).toBe(false)
  })

  test('FloorToUnit: any other quotient violates a constraint', async () => {
    const attacked = await AttackedTemplate.compile(floorToUnit)
    expect(attacked.hasHonestConstraints).toBe(true)
    const random = new Random(51n)
    for (const value of [-unit - 1n, -1n, 0n, unit - 1n, unit, (unit << 70n) + 5n]) {
      const honest = signedDivDown(value, unit) + (1n << 79n)
      expect(attacked.attempt({ in: value }, honest).violations).toEqual([])
      const others = [honest - 1n, honest + 1n, 0n, 1n << 80n, -1n, honest + (1n << 80n), (honest * 2n) % FIELD_ORDER]
      for (const forced of [...others, ...Array.from({ length: 40 }, () => random.below(FIELD_ORDER))]) {
        if (field(forced) === honest) continue
        expect(attacked.attempt({ in: value }, field(forced)).violations).not.toEqual([])
      }
    }
  })

  test('SignedDivDown: exact at every border of numerator and denominator, no witness beyond or by 0', async () => {
    const circuit = await compileCircuit(`pragma circom 2.2.3;
include "math/AssumeBits.circom";
include "math/AssumeSigned.circom";
include "math/SignedDivDown.circom";
template Main() {
    signal input numerator, denominator;
    signal output out;
    out <== SignedDivDown(20)(AssumeSigned(60)(numerator), AssumeBits(30)(denominator));
}
component main = Main();
`)
    const limit = 1n << 20n
    for (const denominator of [1n, 2n, 3n, 12_345n, (1n << 30n) - 1n]) {
      const highest = limit * denominator - 1n
      for (const numerator of [-highest - 1n, -highest, -denominator - 1n, -denominator, -1n, 0n, 1n, highest]) {
        const input = { numerator, denominator }
        expect(signed(circuit.outputs(input)[0]!)).toBe(signedDivDown(numerator, denominator))
        expectIsolated(circuit, input)
      }
      for (const numerator of [-highest - 2n, highest + 1n, 4n * highest, -(1n << 252n)]) {
        expect(circuit.accepts({ numerator, denominator })).toBe(false)
      }
    }
    expect(circuit.accepts({ numerator: 1n, denominator: 0n })).toBe(false)
  })
})
