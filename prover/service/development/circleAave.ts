/** A market of Aave's whose collateral follows the proven margin of ETH through the gate. */
import { Contract, id, toBeHex, Wallet } from 'ethers'
import { marketIdOf } from '../../market/marketId.ts'
import { attestedFeedOf, interfaceOf } from '../../registry/index.ts'
import { AaveMarket, type Collateral } from './aaveMarket.ts'
import { E8 } from './circleAccounts.ts'
import { consumer, create, done, GAS_LIMIT } from './contracts.ts'
import type { DevelopmentEngine } from './engine.ts'

const MARKET = 'ETH-USD'
const E18 = 10n ** 18n
/** What the pool has before the gate: of quieter days. */
const COLLATERAL: Collateral = { ltvBps: 8_000n, thresholdBps: 8_250n, bonusBps: 10_500n }
/** Of the worth of the collateral, that is borrowed. */
const LOAN_BPS = 7_000n
const BPS = 10_000n
const AMOUNT = 10n * E18
const rules = {
  delaySeconds: 600n,
  validSeconds: 172_800n,
  windowSeconds: 86_400n,
  lowerBps: 500n,
  raiseBps: 100n,
  bonusBps: 100n,
  mostLiquidatable: 2n,
  mostUnlisted: E18 / 10n,
  leastDebt: 100n * E8,
}

/** Collateral of ETH in the pool and the borrower's health, before and after. */
export type AaveMoved = {
  readonly pool: string
  readonly gate: string
  readonly borrower: string
  readonly before: Collateral
  readonly held: Collateral
  readonly after: Collateral
  readonly healthBeforeWad: bigint
  readonly healthAfterWad: bigint
}

/**
 * Opens the market with a borrower in it, announces what the registry holds, waits and applies it.
 *
 * @throws {@link AaveMissingError} where its package is not installed
 */
export async function followMargins({ chain, deployment }: DevelopmentEngine): Promise<AaveMoved> {
  const council = chain.account('council')
  const { registry, council: authority } = deployment.addresses
  const feed = new Contract(attestedFeedOf(deployment).address, interfaceOf('IObservationSource'), council)
  const { lastWord } = await feed.getFunction('latest')(marketIdOf(MARKET))
  const priceE8 = lastWord & ((1n << 48n) - 1n)
  const market = await AaveMarket.open(council, [
    { name: 'ETH', priceE8, collateral: COLLATERAL },
    { name: 'USD', priceE8: E8 },
  ])
  const borrower = new Wallet(id('zk-risk-engine borrower'), chain.provider)
  await chain.provider.send('hardhat_setBalance', [borrower.address, toBeHex(10n ** 20n)])
  await market.supply(council, 'USD', 1_000_000n * E18)
  await market.supply(borrower, 'ETH', AMOUNT)
  await market.borrow(borrower, 'USD', (AMOUNT * priceE8 * LOAN_BPS) / E8 / BPS)
  const gate = await create(council, consumer('AaveGate'), authority, registry, market.pool)
  await done(market.acl.getFunction('addRiskAdmin')(gate))
  const { asset } = market.reserve('ETH')
  await done(gate.getFunction('bindAsset')(asset, marketIdOf(MARKET), rules))
  const before = await market.collateral('ETH')
  const healthBeforeWad = await market.healthOf(borrower.address)
  await done(gate.getFunction('announce')(asset))
  await chain.setNextTime((await chain.now()) + rules.delaySeconds)
  await done(gate.getFunction('applyAnnounced')(asset, [borrower.address], { gasLimit: GAS_LIMIT }))
  const { held } = await gate.getFunction('standingOf')(asset)
  return {
    ...{ pool: market.pool.target as string, gate: gate.target as string, borrower: borrower.address, before },
    held: { ltvBps: held.loanToValueBps, thresholdBps: held.thresholdBps, bonusBps: held.bonusBps },
    after: await market.collateral('ETH'),
    healthBeforeWad,
    healthAfterWad: await market.healthOf(borrower.address),
  }
}
