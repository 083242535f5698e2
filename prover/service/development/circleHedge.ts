/** The hedge of a registry whose accounts are market makers' vaults: counted by proof, then traded in Uniswap's pool. */
import { type Contract, toBeHex } from 'ethers'
import type { Prover } from '../../proof/index.ts'
import { expiriesHashOf } from '../../registry/portfolio/rounds.ts'
import { provePortfolios } from '../daemon/portfolios/portfolios.ts'
import { policyOf, roundWordsOf } from '../daemon/portfolios/sharedRound.ts'
import type { DevelopmentChain } from './chain.ts'
import { E12, perpetualsAt } from './circleAccounts.ts'
import { consumer, create, done } from './contracts.ts'
import {
  deployAuthority,
  deployDevelopmentPortfolio,
  publishDevelopmentRound,
  type StatementKeys,
} from './portfolio.ts'
import { reportAccounts } from './portfolioProofs.ts'
import { deployToken, deployUniswap, UniswapPool } from './uniswapPool.ts'

export const hedgeStatements = ['portfolioMargin'] as const

/** Perpetuals of the vaults, in BTC: one and a quarter short together. */
const VAULTS = ['-2', '0.5', '0.25']
const rules = {
  bandFloorE12: E12 / 10n,
  riskAversionE12: 1_000_000n,
  maxTradeE12: 5n * E12,
  bypassE12: 20n * E12,
  costBps: 30n,
  slippageBps: 90n,
  maxDeviationBps: 50n,
  windowSeconds: 300n,
  intervalSeconds: 600n,
  maxFiguresAgeSeconds: 7_200n,
}
const E18 = 10n ** 18n
const POOL = { asset: 1_000n * E18, cash: 10n ** 14n, rangeTicks: 6_000n, feePips: 3_000n, observations: 8 }
const TREASURY = { asset: 10n * E18, cash: 10n ** 12n }
/** From the pool's start to the round: longer than its mean price is of. */
const POOL_AGE_SECONDS = 2n * rules.windowSeconds

/** Complete open interest, and the trade that followed. */
export type Hedged = {
  readonly registry: string
  readonly agent: string
  readonly pool: string
  readonly fromBlock: number
  readonly accounts: bigint
  readonly spotE8: bigint
  /** Of the vaults together. */
  readonly bookDeltaE12: bigint
  /** Of vaults and hedge together, after the trade. */
  readonly leftDeltaE12: bigint
  /** Bought; negative: sold. */
  readonly boughtE12: bigint
  readonly priceE8: bigint
  /** What was lost against spot, the pool's fee included. */
  readonly slippageBps: number
}

/**
 * Counts the vaults and trades their hedge.
 *
 * @throws {@link UniswapMissingError} where its packages are not installed
 */
export async function hedgeVaults(
  chain: DevelopmentChain,
  keys: StatementKeys,
  prover: Prover,
  spotE8: bigint,
): Promise<Hedged> {
  const council = chain.account('council')
  const pool = await poolAt(chain, spotE8)
  const at = { asOf: (await chain.now()) + POOL_AGE_SECONDS, spotE8 }
  const accounts = VAULTS.map((quantity, i) => ({ account: toBeHex(i + 1, 20), provable: perpetualsAt(at, quantity) }))
  const provables = accounts.map(({ provable }) => provable)
  const [first] = provables as [(typeof provables)[number]]
  const authority = await deployAuthority(council)
  const development = await deployDevelopmentPortfolio(chain, keys, policyOf(first), 'BTC-USD', { authority })
  const { client, models, deployment } = development
  const terms = [authority.council, await client.counts(), pool.uniswap.factory, pool.pool, pool.asset, rules]
  const agent = await create(council, consumer('HedgingAgent'), ...terms)
  await fund(agent, pool)
  await reportAccounts(development, accounts)
  const round = roundWordsOf(deployment.marketId, provables)
  await publishDevelopmentRound(development, round)
  await client.openCount(round)
  await provePortfolios({ client, models, round }, { prover }, accounts)
  const { deltaE12, accounts: counted } = await client.openInterest()
  const said = { asOf: round.asOf, expiriesHash: expiriesHashOf(round), marketWords: round.market }
  const traded = await done(agent.getFunction('rebalance')(said))
  return {
    ...{ registry: deployment.registry, agent: agent.target as string, pool: pool.pool.target as string },
    ...{ fromBlock: deployment.block, accounts: counted, bookDeltaE12: deltaE12 },
    ...tradeIn(agent, traded, spotE8),
    leftDeltaE12: deltaE12 + (await positionOf(agent)),
  }
}

async function poolAt(chain: DevelopmentChain, priceE8: bigint): Promise<UniswapPool> {
  const owner = chain.account('council')
  const uniswap = await deployUniswap(owner)
  const asset = await deployToken(owner, 'BTC', 18)
  const cash = await deployToken(owner, 'USD', 6)
  for (const token of [asset, cash]) await done(token.getFunction('mint')(owner.address, 10n ** 27n))
  const { feePips, observations, rangeTicks } = POOL
  const pool = await UniswapPool.create(uniswap, owner, { asset, cash, feePips, priceE8, observations })
  await pool.admit(owner)
  await pool.provide(owner, rangeTicks, POOL)
  return pool
}

async function fund(agent: Contract, { asset, cash }: UniswapPool): Promise<void> {
  for (const [token, name, amount] of [
    [asset, 'fundAsset', TREASURY.asset],
    [cash, 'fundCash', TREASURY.cash],
  ] as const) {
    await done(token.getFunction('approve')(agent, amount))
    await done(agent.getFunction(name)(amount))
  }
}

function tradeIn(agent: Contract, { logs }: Awaited<ReturnType<typeof done>>, spotE8: bigint) {
  const trade = logs.map((log) => agent.interface.parseLog(log)).find((event) => event?.name === 'Rebalanced')
  const { assetAmount, cashAmount } = (trade?.args.toObject() ?? {}) as Record<'assetAmount' | 'cashAmount', bigint>
  // Cash has 6 decimals, the asset 18: their quotient times 10^20 is a price of 8.
  const priceE8 = (-cashAmount * 10n ** 20n) / assetAmount
  const lostE8 = assetAmount > 0n ? priceE8 - spotE8 : spotE8 - priceE8
  return { boughtE12: assetAmount / 10n ** 6n, spotE8, priceE8, slippageBps: Number((lostE8 * 100_000n) / spotE8) / 10 }
}

async function positionOf(agent: Contract): Promise<bigint> {
  const { assetHeld, neutralAmount } = (await agent.getFunction('holdings')()).toObject()
  return ((assetHeld as bigint) - (neutralAmount as bigint)) / 10n ** 6n
}
