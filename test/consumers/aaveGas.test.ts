import type { ContractTransactionResponse } from 'ethers'
import { beforeAll, expect, test } from 'vitest'
import { expectGas } from '../gasSnapshot.ts'
import { E18, first, GatedMarket, MINUTE, marketId, rules } from '../../scripts/tools/aave/gatedMarket.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'

/** Calldata and interest vary by a few bytes and digits. */
const TOLERANCE = 1_000
const gas: Record<string, number> = {}

const note = async (what: string, sent: Promise<ContractTransactionResponse>): Promise<void> => {
  gas[what] = Number((await mined(sent)).gasUsed)
}

beforeAll(async () => {
  const at = await GatedMarket.open({ ...rules, delaySeconds: 10n * MINUTE })
  for (let i = 0; i < 4; i++) await at.borrower(2 + i, 15_000n * E18)
  await at.announced({ ...first, thresholdBps: 8_240n })
  await mined(at.apply())
  for (const [accounts, thresholdBps] of [
    [4, 8_200n],
    [16, 8_150n],
  ] as const) {
    for (let i = 4; i < accounts; i++) await at.borrower(2 + i, 15_000n * E18)
    await at.hold({ ...first, thresholdBps })
    await note('announcement', at.announce())
    await at.wait(rules.delaySeconds)
    await note(`a lower threshold, ${accounts} accounts listed`, at.apply())
  }
  await at.hold({ ...first, ltvBps: 7_900n, thresholdBps: 8_200n })
  await note('a lower loan-to-value', at.lowerLoanToValue())
  await mined(at.announce())
  await at.wait(rules.delaySeconds)
  await note('a higher threshold', at.apply([]))
  const oracle = await at.chain.deploy('RiskOracleView', at.registry, [at.asset], [marketId])
  for (let sequence = 0; sequence < 2; sequence++) {
    await at.hold({ ...first, thresholdBps: 8_200n })
    await note('an update for stewards', oracle.getFunction('publish')(at.asset))
  }
})

test('R174: an account that is listed costs at most 120,000 gas, so that 200 of them fit a block of 30 million', () => {
  for (const [what, used] of Object.entries(gas))
    console.log(`${what.padEnd(50)}${used.toLocaleString('en').padStart(10)}`)
  const [few, many] = [4, 16].map((accounts) => gas[`a lower threshold, ${accounts} accounts listed`] as number)
  expect(((many as number) - (few as number)) / 12).toBeLessThanOrEqual(120_000)
})

test('what the snapshot says', () => {
  expectGas('aaveGas', gas, TOLERANCE)
})
