/** The whole statement about an expiry: the circuit's public signals are those of the prover, and bind every word. */
import { beforeAll, expect, test } from 'vitest'
import type { Build } from '../../circuits/statements/index.ts'
import { stateRiskArray } from '../../prover/statement/riskArray.ts'
import { type Circuit, compileCircuit } from '../../scripts/tools/circuits/circuit.ts'
import {
  randomMarket,
  randomPolicy,
  randomStrike,
  usualMarket,
  usualPolicy,
} from '../../scripts/tools/cases/expiries.ts'
import { Random } from '../../scripts/tools/cases/random.ts'

const STRIKES = 1
const build: Build = {
  name: 'riskArray1',
  statement: 'riskArray',
  sizes: [{ name: 'strikes', value: STRIKES }],
  meaning: 'one strike, to test',
}
const context = {
  chainId: 31_337n,
  registry: `0x${'11'.repeat(20)}`,
  modelId: `0x${'22'.repeat(32)}`,
  subject: [`0x${'33'.repeat(32)}`],
}

let circuit: Circuit
beforeAll(async () => {
  circuit = await compileCircuit(`pragma circom 2.2.3;
include "statement/RiskArray.circom";
component main {public [challenge]} = RiskArray(${STRIKES});
`)
})

type Input = Record<string, bigint | readonly bigint[]>
const inputOf = (circuitInput: object): Input => {
  const entries = Object.entries(circuitInput) as [string, bigint | readonly bigint[] | string | readonly string[]][]
  return Object.fromEntries(
    entries.map(([name, value]) => [name, Array.isArray(value) ? value.map(BigInt) : BigInt(value as bigint)]),
  )
}

test('Q2 and Q3: commitment and evaluation are those of the prover, on random expiries', async () => {
  const random = new Random(404n)
  for (let i = 0; i < 12; i++) {
    const market = i === 0 ? usualMarket : randomMarket(random)
    const policy = i === 0 ? usualPolicy : randomPolicy(random)
    const { stated, circuitInput } = await stateRiskArray(build, context, market, policy, [
      randomStrike(random, market),
    ])
    expect(circuit.outputs(inputOf(circuitInput))).toEqual(stated.publicSignals.slice(0, 2))
  }
})

test('Q1: a word of strikes is refused with anything after its last strike', async () => {
  const { circuitInput } = await stateRiskArray(build, context, usualMarket, usualPolicy, [9_000_000_000_000n])
  const input = inputOf(circuitInput)
  expect(circuit.accepts(input)).toBe(true)
  const [word] = [input.strikes].flat() as [bigint]
  for (const forged of [word + (1n << 48n), 0n, 1n << 240n, -1n]) {
    expect(circuit.accepts({ ...input, strikes: Array.isArray(input.strikes) ? [forged] : forged })).toBe(false)
  }
})
