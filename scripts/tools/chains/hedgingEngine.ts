/** A hedging agent in a real Uniswap v3 pool, over rounds that are published and figures that are set here. */
import type { Contract, Signer, TransactionReceipt } from 'ethers'
import { expiriesHashOf, type RoundWords } from '../../../prover/registry/portfolio/rounds.ts'
import {
  deployToken,
  deployUniswap,
  type Uniswap,
  UniswapPool,
} from '../../../prover/service/development/uniswapPool.ts'
import { type Chain, eventsOf, GAS_LIMIT, mined } from './chain.ts'
import type { CompiledContract } from './compileContract.ts'
import { E12, E8, type PortfolioEngine } from './portfolioEngine.ts'

/** Of an option that rounds have, and nothing here rests on. */
const EXPIRY = 2_000_000_000n
export const PRICE = 2_500n
export const FEE_PIPS = 3_000n
export const MAX_COUNT_AGE = 14_400n
const ENOUGH = 10n ** 12n
const MOST = 2n ** 256n - 1n

/** Who is who among the chain's accounts. */
export const [COUNCIL, KEEPER, TRADER, ATTACKER, ANYBODY] = [0, 1, 2, 3, 5] as const

export const hedgeRules = {
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
export type HedgeRules = typeof hedgeRules

export type Swapped = {
  readonly assetAmount: bigint
  readonly cashAmount: bigint
  readonly receipt: TransactionReceipt
}

/** A token of the fixture, or another that is compiled and minted alike. */
export type TokenKind = number | CompiledContract

export type HedgeSetting = {
  readonly engine: PortfolioEngine
  /** Decimals, or tokens of a test's own. */
  readonly asset?: TokenKind
  readonly cash?: TokenKind
  readonly isAssetFirst?: boolean
  readonly change?: Partial<HedgeRules>
  readonly priceE8?: bigint
  /** Of a whole asset in the pool, where the market's prices are of other units. */
  readonly poolPriceE8?: bigint
  readonly feePips?: bigint
  /** Whole assets of liquidity on one side; none: an empty pool. */
  readonly liquidity?: bigint
  /** How far it reaches each way; to half and twice the price if absent. */
  readonly rangeTicks?: bigint
  /** Whole assets, and as many times the price of cash, that the treasury brings. */
  readonly funds?: bigint
  /** What says the book's figures; those that a test sets if absent. */
  readonly counts?: Contract
}

export class TestHedge {
  readonly engine: PortfolioEngine
  readonly uniswap: Uniswap
  readonly pool: UniswapPool
  readonly counts: Contract
  readonly agent: Contract
  newest: RoundWords

  private constructor(parts: Pick<TestHedge, 'engine' | 'uniswap' | 'pool' | 'counts' | 'agent'>, round: RoundWords) {
    this.engine = parts.engine
    this.uniswap = parts.uniswap
    this.pool = parts.pool
    this.counts = parts.counts
    this.agent = parts.agent
    this.newest = round
  }

  static async open(setting: HedgeSetting): Promise<TestHedge> {
    const { engine, change = {}, priceE8 = PRICE * E8, liquidity = 1_000n, funds = 100n } = setting
    const { chain, council } = engine
    const trader = chain.signers[TRADER] as unknown as Signer
    const uniswap = await deployUniswap(trader)
    const [asset, cash] = await tokensOf(setting)
    for (const token of [asset, cash]) await mintAll(chain, token)
    const poolPriceE8 = setting.poolPriceE8 ?? priceE8
    const terms = { asset, cash, feePips: setting.feePips ?? FEE_PIPS, priceE8: poolPriceE8, observations: 64 }
    const pool = await UniswapPool.create(uniswap, trader, terms)
    for (const i of [TRADER, ATTACKER]) await pool.admit(chain.signers[i] as unknown as Signer)
    const counts = setting.counts ?? (await chain.deploy('MockOpenInterest', engine.arrays, MAX_COUNT_AGE))
    const rules = { ...hedgeRules, ...change }
    const agent = await chain.deploy('HedgingAgent', council, counts, uniswap.factory, pool.pool, asset, rules)
    const round = await engine.round([EXPIRY], 20n, priceE8)
    const opened = new TestHedge({ engine, uniswap, pool, counts, agent }, round)
    if (liquidity > 0n) await opened.provide(liquidity, setting.rangeTicks)
    await opened.grantKeeper()
    if (funds > 0n) await opened.fund(funds, (funds * poolPriceE8) / E8)
    return opened
  }

  get chain(): Chain {
    return this.engine.chain
  }

  signer(i: number): Signer {
    return this.chain.signers[i] as unknown as Signer
  }

  address = (i: number): Promise<string> => this.signer(i).getAddress()

  /** A call of the agent by a signer, not awaited. */
  call = (i: number, name: string, ...args: readonly unknown[]) =>
    (this.agent.connect(this.signer(i) as never) as Contract).getFunction(name)(...args, { gasLimit: GAS_LIMIT })

  view = (name: string, ...args: readonly unknown[]) => this.agent.getFunction(name)(...args)

  async unitsOf(token: Contract, whole: bigint): Promise<bigint> {
    return whole * 10n ** BigInt(await token.getFunction('decimals')())
  }

  /** Liquidity of so many whole assets, and as much cash, within half and twice the price. */
  async provide(whole: bigint, rangeTicks = 6_000n): Promise<void> {
    const priceE8 = await this.pool.priceE8()
    const asset = await this.unitsOf(this.pool.asset, whole)
    const cash = (await this.unitsOf(this.pool.cash, whole * priceE8)) / E8
    await this.pool.provide(this.signer(TRADER), rangeTicks, { asset, cash })
  }

  private async grantKeeper(): Promise<void> {
    const { council } = this.engine
    const selector = this.agent.interface.getFunction('rebalance')?.selector
    await mined(council.getFunction('setTargetFunctionRole')(this.agent, [selector], 7n))
    await mined(council.getFunction('grantRole')(7n, await this.address(KEEPER), 0))
  }

  /** The treasury brings whole assets and whole cash. */
  async fund(assets: bigint, cash: bigint): Promise<void> {
    for (const [token, whole, name] of [
      [this.pool.asset, assets, 'fundAsset'],
      [this.pool.cash, cash, 'fundCash'],
    ] as const) {
      await mined((token.connect(this.signer(COUNCIL) as never) as Contract).getFunction('approve')(this.agent, MOST))
      if (whole > 0n) await mined(this.call(COUNCIL, name, await this.unitsOf(token, whole)))
    }
  }

  /** Publishes a round at a price, a while after whatever came before. */
  async round(priceE8: bigint = PRICE * E8, secondsLater = 20n): Promise<RoundWords> {
    this.newest = await this.engine.round([EXPIRY], secondsLater, priceE8)
    return this.newest
  }

  get roundArgument() {
    const { asOf, market } = this.newest
    return { asOf, expiriesHash: expiriesHashOf(this.newest), marketWords: market }
  }

  /** Sets the book's figures, of the newest round unless it is said otherwise. */
  async figures(deltaE12: bigint, gammaE20 = 0n, asOf: bigint = this.newest.asOf): Promise<void> {
    const none = { accounts: 1n, defaultProbabilityX32: 0n, expectedShortfallE8: 0n, unhealthy: 0n, vegaE8: 0n }
    await mined(this.counts.getFunction('setFigures')({ ...none, asOf, deltaE12, gammaE20 }))
  }

  /** Lets so much time pass that the pool's mean is its price, and publishes a round. */
  async settle(priceE8: bigint = PRICE * E8, seconds: bigint = hedgeRules.windowSeconds + 300n): Promise<void> {
    await this.chain.setTime((await this.chain.now()) + seconds)
    await this.round(priceE8, 1n)
  }

  rebalance = (by: number = KEEPER) => this.call(by, 'rebalance', this.roundArgument)

  async rebalanced(): Promise<Swapped> {
    const receipt = await mined(this.rebalance())
    const event = eventsOf(receipt, this.agent).find(({ name }) => name === 'Rebalanced')
    if (event === undefined) throw new Error('The trade left no event.')
    const { assetAmount, cashAmount } = event.args.toObject() as { assetAmount: bigint; cashAmount: bigint }
    return { assetAmount, cashAmount, receipt }
  }

  async holdings(): Promise<{ readonly assetHeld: bigint; readonly cashHeld: bigint; readonly neutralAmount: bigint }> {
    return (await this.view('holdings')).toObject()
  }

  /** What the agent holds, as its tokens say. */
  async balances(): Promise<readonly [bigint, bigint]> {
    const [asset, cash] = [this.pool.asset, this.pool.cash].map((token) => token.getFunction('balanceOf')(this.agent))
    return [await asset, await cash]
  }

  undone = <T>(body: () => Promise<T>): Promise<T> =>
    this.chain.undone(async () => {
      const { newest } = this
      try {
        return await body()
      } finally {
        this.newest = newest
      }
    })
}

/** The two tokens, in the order of addresses that is asked for. */
async function tokensOf({ engine, asset = 18, cash = 6, isAssetFirst = true }: HedgeSetting) {
  const trader = engine.chain.signers[TRADER] as unknown as Signer
  const make = (kind: TokenKind, symbol: string): Promise<Contract> =>
    typeof kind === 'number'
      ? deployToken(trader, symbol, kind)
      : (engine.chain.deploy(kind) as unknown as Promise<Contract>)
  const first = await make(asset, 'ASSET')
  for (;;) {
    const second = await make(cash, 'CASH')
    if (BigInt(first.target as string) < BigInt(second.target as string) === isAssetFirst)
      return [first, second] as const
  }
}

async function mintAll(chain: Chain, token: Contract): Promise<void> {
  const amount = ENOUGH * 10n ** BigInt(await token.getFunction('decimals')())
  for (const i of [COUNCIL, TRADER, ATTACKER]) {
    await mined(token.getFunction('mint')(await chain.signers[i]?.getAddress(), amount))
  }
}
