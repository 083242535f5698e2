import type { TransactionReceipt } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { expectGas } from '../gasSnapshot.ts'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import { Engine } from './engine.ts'

/**
 * What a batch of 8 markets with one observation each costs once all slots are in use, and where it goes. The verifier is a
 * real one: its cost does not depend on the circuit but on the number of public signals.
 *
 * UPDATE_SNAPSHOTS=1 writes the snapshot anew.
 */
const GAS_LIMIT_OF_BATCH = 435_000
const GAS_LIMIT_OF_VERIFICATION = 240_000
/** Calldata varies with the digits of observations and proofs, a few bytes of it zero by chance. */
const TOLERANCE = 1_500

type Step = {
  readonly op: string
  readonly depth: number
  readonly gas: number
  readonly gasCost: number
  readonly pc: number
}

let engine: Engine
let receipt: TransactionReceipt
let steps: readonly Step[]
let calldata: string

beforeAll(async () => {
  engine = await Engine.start(8)
  for (let i = 0n; i < 3n; i++) {
    for (const market of engine.markets) await engine.observe(market, (50_100n + i) * 10n ** 8n)
    receipt = await engine.land(engine.batch(engine.markets))
  }
  const options = { disableMemory: true, disableStorage: true }
  const trace = await engine.chain.request('debug_traceTransaction', receipt.hash, options)
  steps = (trace as { structLogs: Step[] }).structLogs
  calldata = (await engine.chain.ethers.provider.getTransaction(receipt.hash))?.data ?? ''
})

/** Gas of the registry's own steps that satisfy a condition. */
const sum = (condition: (step: Step, index: number) => boolean): number =>
  steps.reduce((gas, step, i) => gas + (step.depth === 1 && condition(step, i) ? step.gasCost : 0), 0)

/** Gas between entering and leaving each call of the registry, the call itself included. */
function callsOfRegistry(): number[] {
  return steps.flatMap((step, i) => {
    if (step.depth !== 1 || step.op !== 'STATICCALL') return []
    const back = steps.findIndex((later, j) => j > i && later.depth === 1)
    return [step.gas - (steps[back] as Step).gas]
  })
}

function gasByPart(): Record<string, number> {
  const bytes = calldata.slice(2).match(/../g) ?? []
  const [model, inbox, verification] = callsOfRegistry() as [number, number, number]
  const calls = new Set(['STATICCALL'])
  const slots = new Set(['SLOAD', 'SSTORE'])
  const evaluation = evaluationSteps()
  const parts = {
    base: 21_000,
    calldata: bytes.reduce((gas, byte) => gas + (byte === '00' ? 4 : 16), 0),
    'state slots': sum(({ op }) => slots.has(op)),
    'policy book': sum(({ op }) => op === 'EXTCODECOPY' || op === 'EXTCODESIZE'),
    model,
    'inbox of the source': inbox,
    'evaluation of the statement': sum((_, i) => evaluation.has(i)),
    verification,
    events: sum(({ op }) => op.startsWith('LOG')),
  }
  const rest = Number(receipt.gasUsed) - Object.values(parts).reduce((total, gas) => total + gas, 0)
  const check = sum(({ op }, i) => !calls.has(op) && !slots.has(op) && !op.startsWith('LOG') && !evaluation.has(i))
  expect(Math.abs(rest + parts['policy book'] - check)).toBeLessThan(500) // what the trace adds up to
  return { ...parts, 'checks, hashes, guard-rails': rest }
}

/** Steps of Horner's rule: from the first multiplication modulo the field to the last. */
function evaluationSteps(): ReadonlySet<number> {
  const isProduct = ({ op, depth }: Step) => depth === 1 && op === 'MULMOD'
  const [first, last] = [steps.findIndex(isProduct), steps.findLastIndex(isProduct)]
  return new Set(Array.from({ length: last - first + 1 }, (_, i) => first + i))
}

describe('R21: a batch of 8 markets', () => {
  test('costs at most 435,000 gas in all, of which verification at most 240,000', () => {
    const parts = gasByPart()
    for (const [part, gas] of Object.entries(parts))
      console.log(`${part.padEnd(30)}${gas.toLocaleString('en').padStart(9)}`)
    console.log(`${'in all'.padEnd(30)}${Number(receipt.gasUsed).toLocaleString('en').padStart(9)}`)
    expect(Number(receipt.gasUsed)).toBeLessThanOrEqual(GAS_LIMIT_OF_BATCH)
    expect(parts.verification).toBeLessThanOrEqual(GAS_LIMIT_OF_VERIFICATION)
  })

  test('R15: of which one was moved by another lands with the same proof, at most 2 % dearer', async () => {
    for (const market of engine.markets) await engine.observe(market, 50_200n * 10n ** 8n)
    const batch = engine.batch(engine.markets)
    const proof = await engine.prove(batch)
    const submitted = async () => mined(engine.submit(batch, proof))
    const { gasUsed: ofAll } = await engine.chain.undone(submitted)
    for (const moved of [0, 7]) {
      await engine.chain.undone(async () => {
        await engine.land(engine.batch(engine.markets.slice(moved, moved + 1)))
        const landed = await submitted()
        expect(Number(landed.gasUsed)).toBeLessThanOrEqual(1.02 * Number(ofAll))
        const names = eventsOf(landed, engine.registry).map(({ name }) => name)
        expect(names.filter((name) => name === 'ParametersUpdated')).toHaveLength(7)
        expect(names[moved]).toBe('MarketSkipped')
      })
    }
  })

  test('costs what the snapshot says, part by part', () => {
    const found = { 'in all': Number(receipt.gasUsed), ...gasByPart() }
    expectGas('gas', found, TOLERANCE)
  })
})
