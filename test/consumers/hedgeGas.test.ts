import { beforeAll, describe, expect, test } from 'vitest'
import { expectGas } from '../gasSnapshot.ts'
import { E12, E8, PortfolioEngine } from '../../scripts/tools/chains/portfolioEngine.ts'
import { hedgeRules, PRICE, TestHedge } from '../../scripts/tools/chains/hedgingEngine.ts'

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
    expectGas('hedgeGas', gas, TOLERANCE)
  })
})
