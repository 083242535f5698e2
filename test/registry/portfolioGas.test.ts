import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TransactionReceipt } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { root } from '../../scripts/sources.ts'
import { arraysCall } from '../../prover/registry/index.ts'
import { mined } from '../chain.ts'
import { type Account, type ArrayKey, E12, E8, modelIdOf, PortfolioEngine } from './portfolioEngine.ts'

/**
 * What margins of accounts cost once their slots are in use. The verifiers are real ones: their cost does not depend on the
 * circuit but on the number of public signals.
 *
 * UPDATE_SNAPSHOTS=1 writes the snapshot anew.
 */
const snapshotFile = join(root, 'test/snapshots/portfolioGas.json')
/** Calldata varies with the digits of roots and proofs, a few bytes of it zero by chance. */
const TOLERANCE = 3_000

const EXPIRY = 2_000_000_000n
/** 32 strikes of one expiry, a call and a put at each: 64 options. */
const strikes = Array.from({ length: 36 }, (_, i) => (70_000n + 1_000n * BigInt(i)) * E8)
const keys: readonly ArrayKey[] = Array.from({ length: 6 }, (_, i) => ({
  expiry: EXPIRY,
  strikesE8: strikes.slice(6 * i, 6 * i + 6),
}))
const OPTIONS = 64

let engine: PortfolioEngine
let accounts: readonly Account[]
const gas: Record<string, number> = {}

beforeAll(async () => {
  engine = await PortfolioEngine.start()
  const signers = await Promise.all([4, 5, 6].map((i) => engine.chain.signers[i]?.getAddress() as Promise<string>))
  accounts = signers
    .toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
    .map((signer) => ({
      signer,
      positions: strikes.slice(0, OPTIONS / 2).map((strikeE8, i) => ({
        expiry: EXPIRY,
        strikeE8,
        callsE12: (i % 2 === 0 ? -1n : 1n) * E12 + BigInt(i),
        putsE12: E12 / 2n + BigInt(i),
      })),
      holdings: { perpsE12: -E12, cashE12: 10n ** 18n, perpPnlE12: 5n },
      collateralAmounts: [1n << 100n, 0n],
    }))
  for (const account of accounts) await engine.report(account)
  for (let i = 0; i < 2; i++) {
    const round = await engine.round([EXPIRY])
    const arrays = await Promise.all(keys.map((key) => engine.array(round, key)))
    const used = (receipt: TransactionReceipt): number => Number(receipt.gasUsed)
    const batch = used(await mined(engine.send(arraysCall(round, modelIdOf('riskArray'), arrays.slice(1)))))
    const single = used(await mined(engine.send(arraysCall(round, modelIdOf('riskArray'), arrays.slice(0, 1)))))
    const [first, ...others] = accounts as [Account, Account, Account]
    const alone = used(await engine.landMargins(round, [first], [keys]))
    const next = await engine.round([EXPIRY])
    await mined(engine.landArrays(next, keys))
    const three = used(await engine.landMargins(next, [first, ...others], [keys, keys, keys]))
    Object.assign(gas, {
      'one array': single,
      'five arrays together': batch,
      'margins of an account of 64 options': alone,
      'margins of three of them together': three,
    })
  }
})

describe('R32: what margins of accounts cost', () => {
  test('an account of 64 options is margined for less than a million gas, three for less than two', () => {
    for (const [what, spent] of Object.entries(gas))
      console.log(`${what.padEnd(40)}${spent.toLocaleString('en').padStart(10)}`)
    expect(gas['margins of an account of 64 options']).toBeLessThan(1_000_000)
    expect(gas['margins of three of them together']).toBeLessThan(2_000_000)
    expect(gas['five arrays together']).toBeLessThan(3 * (gas['one array'] as number))
  })

  test('what the snapshot says', () => {
    if (process.env.UPDATE_SNAPSHOTS === '1') writeFileSync(snapshotFile, `${JSON.stringify(gas, undefined, 2)}\n`)
    const snapshot = JSON.parse(readFileSync(snapshotFile, 'utf8')) as Record<string, number>
    expect(Object.keys(gas)).toEqual(Object.keys(snapshot))
    for (const [what, spent] of Object.entries(gas)) {
      const difference = Math.abs(spent - (snapshot[what] ?? Number.NaN))
      expect(difference, `${what}: ${spent} gas instead of ${snapshot[what]}`).toBeLessThanOrEqual(TOLERANCE)
    }
  })
})
