/** The market that tests of the gate stand on: Aave's own contracts lend, borrow and liquidate. */
import type { Signer } from 'ethers'
import { expect, test } from 'vitest'
import { AaveMarket, AaveMissingError, aaveArtifact } from '../../prover/service/development/aaveMarket.ts'
import { startChain } from '../../scripts/tools/chains/chain.ts'

const E18 = 10n ** 18n
const collateral = { ltvBps: 8_000n, thresholdBps: 8_250n, bonusBps: 10_500n }

test('a market of Aave’s own contracts lends, borrows, and liquidates once the threshold is below what is owed', async () => {
  const chain = await startChain()
  const market = await AaveMarket.open(chain.signers[0] as never, [
    { name: 'WETH', priceE8: 2_500n * 10n ** 8n, collateral },
    { name: 'USD', priceE8: 10n ** 8n },
  ])
  const [lender, borrower, liquidator] = chain.signers as unknown as [Signer, Signer, Signer]
  const account = await borrower.getAddress()
  await market.supply(lender, 'USD', 1_000_000n * E18)
  await market.supply(borrower, 'WETH', 10n * E18)
  await market.borrow(borrower, 'USD', 19_500n * E18)
  await market.fund(liquidator, 'USD', 20_000n * E18)
  expect(await market.healthOf(account)).toBeGreaterThan(E18)
  expect(await market.liquidate(liquidator, 'WETH', 'USD', account)).toBe(false)

  await market.configure('WETH', { ...collateral, ltvBps: 7_500n, thresholdBps: 7_790n })
  expect(await market.collateral('WETH')).toEqual({ ltvBps: 7_500n, thresholdBps: 7_790n, bonusBps: 10_500n })
  expect(await market.healthOf(account)).toBeLessThan(E18)
  expect(await market.liquidate(liquidator, 'WETH', 'USD', account)).toBe(true)

  await market.setPrice('WETH', 5_000n * 10n ** 8n)
  expect(await market.healthOf(account)).toBeGreaterThan(2n * E18)
  await market.list([{ name: 'WBTC', priceE8: 60_000n * 10n ** 8n, collateral }])
  await market.supply(borrower, 'WBTC', E18)
  expect(await market.healthOf(account)).toBeGreaterThan(5n * E18)
})

test('a machine without Aave’s package is told which one it is', () => {
  expect(() => aaveArtifact('protocol/pool/Pool', '@aave/not-there')).toThrow(AaveMissingError)
  expect(() => aaveArtifact('protocol/pool/Pool', '@aave/not-there')).toThrow(/npm package @aave\/core-v3.*npm ci/)
  expect(aaveArtifact('protocol/pool/Pool').bytecode.length).toBeGreaterThan(1_000)
})
