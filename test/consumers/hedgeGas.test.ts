/**
 * What a trade of the agent costs, whole transactions in Uniswap's own pool, once slots are in use.
 *
 * UPDATE_SNAPSHOTS=1 writes the snapshot anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { E12, E8, PortfolioEngine } from '../../scripts/tools/chains/portfolioEngine.ts'
import { hedgeRules, PRICE, TestHedge } from '../../scripts/tools/chains/hedgingEngine.ts'
import { root } from '../../scripts/tools/sources.ts'

const snapshotFile = join(root, 'test/snapshots/hedgeGas.json')
/** Calldata varies with the digits of hashes, a few bytes of it zero by chance. */
const TOLERANCE = 1_000
const gas: Record<string, number> = {}

beforeAll(async () => {
  const at = await TestHedge.open({ engine: await PortfolioEngine.start() })
  const trade = async (deltaE12: bigint): Promise<number> => {
    await at.settle(PRICE * E8, hedgeRules.intervalSeconds)
    await at.figures(deltaE12, -(10n ** 16n))
    return Number((await at.rebalanced()).receipt.gasUsed)
  }
  await trade(-E12)
  gas['rebalance, a purchase'] = await trade(-3n * E12)
  gas['rebalance, a sale'] = await trade(-E12)
})

describe('R163: what a trade costs', () => {
  test('at most 300,000 gas, the pool’s swap included', () => {
    for (const [what, used] of Object.entries(gas)) {
      console.log(`${what.padEnd(40)}${used.toLocaleString('en').padStart(10)}`)
      expect(used).toBeLessThanOrEqual(300_000)
    }
  })

  test('what the snapshot says', () => {
    if (process.env.UPDATE_SNAPSHOTS === '1') writeFileSync(snapshotFile, `${JSON.stringify(gas, undefined, 2)}\n`)
    const snapshot = JSON.parse(readFileSync(snapshotFile, 'utf8')) as Record<string, number>
    expect(Object.keys(gas)).toEqual(Object.keys(snapshot))
    for (const [what, used] of Object.entries(gas)) {
      const difference = Math.abs(used - (snapshot[what] ?? Number.NaN))
      expect(difference, `${what}: ${used} gas instead of ${snapshot[what]}`).toBeLessThanOrEqual(TOLERANCE)
    }
  })
})
