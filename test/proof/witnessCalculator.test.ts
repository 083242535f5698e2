import { readFileSync } from 'node:fs'
import { wtns } from 'snarkjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { SCALAR_FIELD_ORDER } from '../../prover/proof/bn254.ts'
import { type CircuitInput, WitnessCalculator } from '../../prover/proof/backends/witnessCalculator.ts'
import { polynomialCircuit, polynomialInput } from './smallCircuits.ts'

let wasm: Buffer
let calculator: WitnessCalculator
let witness: Uint8Array
beforeAll(async () => {
  wasm = readFileSync((await polynomialCircuit()).wasm)
  calculator = await WitnessCalculator.load('polynomial', wasm)
  witness = new Uint8Array(32 * (await calculator.size()))
})

describe('computing a witness', () => {
  it('gives what snarkjs gives, again and again from one instance', async () => {
    for (const secret of [0n, 1n, 2n ** 253n, SCALAR_FIELD_ORDER - 1n]) {
      const input = { ...polynomialInput, secret }
      const file = { type: 'mem' as const, data: new Uint8Array() }
      await wtns.calculate(input, { type: 'mem', data: wasm }, file)
      await calculator.calculate(input, witness)
      expect(Buffer.from(file.data.slice(-witness.length))).toEqual(Buffer.from(witness))
    }
  })

  it('takes numbers, strings and nested arrays, and a negative number as itself plus r', async () => {
    await calculator.calculate({ ...polynomialInput, challenge: SCALAR_FIELD_ORDER - 5n }, witness)
    const expected = witness.slice()
    const { secret } = polynomialInput
    await calculator.calculate({ challenge: -5, secret: secret.toString(), small: [[43690], ['1']] }, witness)
    expect(witness).toEqual(expected)
  })

  it.each([
    ['a missing signal', { challenge: 1, secret: 2 }, '*'],
    ['an unknown signal', { ...polynomialInput, market: 1 }, 'market'],
    ['too few values', { ...polynomialInput, small: [1] }, 'small'],
    ['too many values', { ...polynomialInput, secret: [1, 2] }, 'secret'],
    ['a fraction', { ...polynomialInput, secret: 1.5 }, 'secret'],
    ['a number that is not exact', { ...polynomialInput, secret: 2 ** 60 }, 'secret'],
    ['not a number', { ...polynomialInput, secret: Number.NaN }, 'secret'],
    ['hexadecimal', { ...polynomialInput, secret: '0x10' }, 'secret'],
    ['an empty string', { ...polynomialInput, secret: '' }, 'secret'],
    ['null', { ...polynomialInput, secret: null as unknown as bigint }, 'secret'],
    ['a value of the field order', { ...polynomialInput, secret: SCALAR_FIELD_ORDER }, 'secret'],
    ['a value far below zero', { ...polynomialInput, secret: -SCALAR_FIELD_ORDER }, 'secret'],
  ] satisfies [string, CircuitInput, string][])('refuses %s', async (_, input, signal) => {
    await expect(calculator.calculate(input, witness)).rejects.toMatchObject({ code: 'proof.circuit-input', signal })
    await calculator.calculate(polynomialInput, witness)
  })

  it('says where an input violates a constraint, and works on', async () => {
    await expect(calculator.calculate({ ...polynomialInput, small: [43690, 2] }, witness)).rejects.toMatchObject({
      code: 'proof.unsatisfied',
      circuit: 'polynomial',
      trace: [expect.stringContaining('Polynomial')],
    })
    await calculator.calculate(polynomialInput, witness)
  })

  it('refuses what is not a witness generator', async () => {
    await expect(WitnessCalculator.load('it', wasm.subarray(0, 1000))).rejects.toMatchObject({
      code: 'proof.witness-module',
    })
    const empty = await WitnessCalculator.load('it', Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))
    await expect(empty.size()).rejects.toMatchObject({ code: 'proof.witness-module' })
  })
})
