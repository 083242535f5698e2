import type { TransactionReceipt } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { expectGas } from '../gasSnapshot.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { E12, E8, type PortfolioEngine } from '../../scripts/tools/chains/portfolioEngine.ts'
import { pack } from '../../prover/statement/words.ts'
import { ProvenVenue } from './provenVenue.ts'
import { option, rules, SPOT, type TestVenue } from './venue.ts'

/** Calldata varies with the digits of keys and hashes, a few bytes of it zero by chance. */
const TOLERANCE = 1_000
const [HOUSE, ALICE, BOB, ANYBODY] = [0, 1, 2, 6]
const FEW = [option(110_000n, -E12)]
/** A call and a put at each of 32 strikes. */
const MANY = Array.from({ length: 32 }, (_, i) => option(80_000n + 1_000n * BigInt(i), -E12, E12))

const gas: Record<string, number> = {}
let proven: ProvenVenue
let at: TestVenue

const spent = (receipt: TransactionReceipt): number => Number(receipt.gasUsed)

beforeAll(async () => {
  await open()
  gas.deposit = spent(await at.deposit(BOB, 1n))
  await measure('one option and a perpetual', FEW)
  await open(at.engine)
  await measure('64 options and a perpetual', MANY)
})

/** A venue with cash, the second on the chain of the first. */
async function open(engine?: PortfolioEngine): Promise<void> {
  proven = await ProvenVenue.open(engine)
  at = proven.at
  for (const each of [HOUSE, ALICE, BOB]) await at.deposit(each, 10_000_000n)
}

async function measure(name: string, options: readonly bigint[]): Promise<void> {
  const { engine } = at
  const note = (what: string, receipt: TransactionReceipt): void => {
    gas[`${what}, ${name}`] = spent(receipt)
  }
  const { order, receipt } = await proven.fill(ALICE, HOUSE, { perpsE12: E12, options })
  note('fill of an order, both sides reported', receipt)
  await proven.landArrays(options)
  for (const each of [ALICE, HOUSE]) await proven.prove(each)
  note('effect of a trade, both sides', await at.takeTrade(order, HOUSE))
  await at.round(SPOT * E8)
  await mined(at.mark(ANYBODY, ALICE))
  await at.round(SPOT * E8)
  note('mark', await mined(at.mark(ANYBODY, ALICE)))
  note('withdrawal, its request', await mined(at.withdraw(ALICE, 1n)))
  proven.wait(ALICE, await at.positions(ALICE))
  await proven.landArrays(options)
  await proven.prove(ALICE)
  note('withdrawal, its effect', await mined(at.call(ANYBODY, 'takeEffect', await at.address(ALICE), [], [])))
  const account = await proven.reported(ALICE)
  const keys = proven.arraysOf(account.positions)
  if (keys.length > 5) {
    const books = await engine.books(at.newest, account, keys)
    const bound = { bound: [pack('maintenanceBound', { maintenanceE8: -1n })] }
    const witness = await engine.witness(at.newest, account, books, bound)
    await mined(engine.send(engine.witnessCall(at.newest, { account: account.signer, books }, witness)))
  } else {
    await measureWitness(note)
  }
  note('liquidation', await mined(at.liquidate(BOB, ALICE, rules.stepBps)))
}

/** A witness alone, and with its liquidation, by somebody who was never reported and by somebody who was. */
async function measureWitness(note: (what: string, receipt: TransactionReceipt) => void): Promise<void> {
  const witness = await proven.witnessOf(ALICE)
  const both = async () => mined(at.liquidateByWitness(BOB, ALICE, rules.stepBps, witness))
  await at.undone(async () => note('liquidation with its witness', await both()))
  await at.undone(async () => {
    await mined(at.mark(ANYBODY, BOB))
    note('liquidation with its witness, by a liquidator known to the registry', await both())
  })
  const sent = await at.signer(ANYBODY).sendTransaction({ to: at.registry.target as string, data: witness })
  note('witness', (await sent.wait()) as TransactionReceipt)
}

describe('R151: what the venue costs', () => {
  test('a small account: a liquidation with its witness at most 450,000 gas, its effect at most 120,000, of a trade 160,000 for both sides', () => {
    for (const [what, used] of Object.entries(gas))
      console.log(`${what.padEnd(70)}${used.toLocaleString('en').padStart(10)}`)
    const few = (what: string): number => gas[`${what}, one option and a perpetual`] ?? Number.NaN
    expect(few('liquidation with its witness, by a liquidator known to the registry')).toBeLessThanOrEqual(450_000)
    expect(few('withdrawal, its effect')).toBeLessThanOrEqual(120_000)
    expect(few('effect of a trade, both sides')).toBeLessThanOrEqual(160_000)
  })

  test('what the snapshot says', () => {
    expectGas('venueGas', gas, TOLERANCE)
  })
})
