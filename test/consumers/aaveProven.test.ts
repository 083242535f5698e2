/** The whole way: signed prices, proofs of the live circuit, the registry, the gate, Aave's own market, a borrower. */
import type { Signer } from 'ethers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { AaveMarket } from '../../prover/service/development/aaveMarket.ts'
import { E18, E8, rules } from '../../scripts/tools/aave/gatedMarket.ts'
import { GAS_LIMIT, mined } from '../../scripts/tools/chains/chain.ts'
import { LiveEngine } from '../registry/liveEngine.ts'

const MARKET = 'ETH-USD'
const marketId = marketIdOf(MARKET)
let engine: LiveEngine

beforeAll(async () => {
  engine = await LiveEngine.start(['marketRisk8x2'], { [MARKET]: 2_500n })
})

afterAll(async () => {
  await engine.close()
})

/** An observation, proven by the live circuit and in force. */
async function prove(price: bigint): Promise<void> {
  await engine.observe({ [MARKET]: price })
  const bundle = await engine.prove('marketRisk8x2', [MARKET])
  expect(await engine.client.submit(bundle)).toMatchObject({ status: 'applied' })
}

test('R170: a price falls, a proof lands, and a borrower of Aave’s market stands under the threshold that was proven', async () => {
  const { chain, deployment } = engine
  await prove(2_500n)
  const collateral = { ltvBps: 7_000n, thresholdBps: 8_000n, bonusBps: 10_500n }
  const market = await AaveMarket.open(chain.signers[0] as never, [
    { name: 'WETH', priceE8: 2_500n * E8, collateral },
    { name: 'USD', priceE8: E8 },
  ])
  const { asset } = market.reserve('WETH')
  const [me, , , , borrower] = chain.signers as unknown as Signer[] as [Signer, Signer, Signer, Signer, Signer]
  await market.supply(me, 'USD', 1_000_000n * E18)
  await market.supply(borrower, 'WETH', 10n * E18)
  await market.borrow(borrower, 'USD', 15_000n * E18)
  const account = await borrower.getAddress()

  const council = await chain.deploy('RiskCouncil', await me.getAddress())
  const gate = await chain.deploy('AaveGate', council, deployment.addresses.registry, market.pool)
  await mined(market.acl.getFunction('addRiskAdmin')(gate))
  await mined(gate.getFunction('bindAsset')(asset, marketId, rules))
  const before = await market.healthOf(account)

  await prove(2_400n)
  await mined(gate.getFunction('announce')(asset))
  await chain.setTime((await chain.now()) + rules.delaySeconds)
  await prove(2_390n)
  const { current, held } = await gate.getFunction('standingOf')(asset)
  expect(current.toArray()).toEqual([7_000n, 8_000n, 10_500n])
  const { parameters } = await engine.client.market(MARKET)
  const bps = (x24: bigint | undefined): bigint => ((x24 ?? 0n) * 10_000n) >> 24n
  expect(held.thresholdBps).toBe(bps(parameters?.liquidationThresholdX24))
  expect(held.loanToValueBps).toBe(bps(parameters?.maxLoanToValueX24))
  expect(held.bonusBps).toBe(10_500n)

  await mined(gate.getFunction('applyAnnounced')(asset, [account], { gasLimit: GAS_LIMIT }))
  const moved = await market.collateral('WETH')
  expect(moved).not.toEqual(collateral)
  // As far as the step of a window goes, and no further than what is held.
  const step = held.thresholdBps < 8_000n ? -rules.lowerBps : rules.raiseBps
  const nearer = held.thresholdBps - 8_000n
  const expected = 8_000n + (step < 0n ? (nearer < step ? step : nearer) : nearer > step ? step : nearer)
  expect([moved.thresholdBps, moved.bonusBps]).toEqual([expected, 10_500n])
  expect(moved.ltvBps).toBeLessThanOrEqual(held.loanToValueBps)
  const health = await market.healthOf(account)
  expect(health > before).toBe(moved.thresholdBps > 8_000n)
})
