/** The hedge of makers' vaults: the contract `HedgingAgent` in the pool, toward minus their counted delta. */
import type { Contract, Signer } from 'ethers'
import { revertDataOf } from '../../../prover/registry/contractErrors.ts'
import type { RoundWords } from '../../../prover/registry/index.ts'
import { roundArgument } from '../../../prover/registry/portfolio/calldata.ts'
import { eventsOf, GAS_LIMIT, mined } from '../chains/chain.ts'
import { ASSET_DECIMALS, CASH_DECIMALS, type Contracts, COUNCIL, KEEPER } from './contracts.ts'
import type { CrashPool } from './pool.ts'

/** May only have the agent trade. */
const KEEPER_ROLE = 7n
/** Of the assets of all longs: least gap that is traded, and most that one trade moves. */
export const BAND = 0.005
const MOST_TRADE = 0.02
/** The treasury brings so many times the assets of all longs, and as much cash. */
const FUNDS = 2
const MOST = 2n ** 256n - 1n
/** Trades that an opening hedge takes at most. */
const MOST_OPENING = 200
/** Refusals that are of the pool or the interval, and of no figures. */
const CLOSED: ReadonlySet<string> = new Set(['PoolAwayFromMean', 'PoolMemoryShort', 'IntervalNotOver'])
const [ASSET, CASH] = [10 ** Number(ASSET_DECIMALS), 10 ** Number(CASH_DECIMALS)]

const INTERVAL_SECONDS = 60n

/** As those of `npm run campaign:hedge`, but for sizes, which are of this venue, and costs, which are of this pool. */
const rulesOf = (longs: number) => ({
  bandFloorE12: quantityE12(BAND * longs),
  riskAversionE12: 1_000_000_000n,
  maxTradeE12: quantityE12(MOST_TRADE * longs),
  bypassE12: quantityE12(MOST_TRADE * longs),
  costBps: 8n,
  slippageBps: 90n,
  maxDeviationBps: 100n,
  windowSeconds: 300n,
  intervalSeconds: INTERVAL_SECONDS,
  maxFiguresAgeSeconds: 3_600n,
})

const quantityE12 = (assets: number): bigint => BigInt(Math.round(assets * 1e6)) * 10n ** 6n

/** A trade: assets bought, negative: sold, and the cash that it took; or the error that it was refused with. */
export type Hedged = { readonly assets: number; readonly cash: number } | { readonly refusal: string }

export class Hedger {
  readonly agent: Contract
  readonly #contracts: Contracts
  readonly #pool: CrashPool

  private constructor(contracts: Contracts, pool: CrashPool, agent: Contract) {
    this.#contracts = contracts
    this.#pool = pool
    this.agent = agent
  }

  /** @param longs - assets of all longs */
  static async open(contracts: Contracts, pool: CrashPool, longs: number): Promise<Hedger> {
    const { chain, council, vaults, asset, cash } = contracts
    const { uniswap, pool: at } = pool.uniswapPool
    const rules = rulesOf(longs)
    const agent = await chain.deploy('HedgingAgent', council, await vaults.counts(), uniswap.factory, at, asset, rules)
    const trading = [agent.interface.getFunction('rebalance')?.selector]
    await mined(council.getFunction('setTargetFunctionRole')(agent, trading, KEEPER_ROLE))
    await mined(council.getFunction('grantRole')(KEEPER_ROLE, await chain.signers[KEEPER]?.getAddress(), 0))
    for (const [token, name, whole, unit] of [
      [asset, 'fundAsset', FUNDS * longs, ASSET],
      [cash, 'fundCash', FUNDS * longs * pool.price, CASH],
    ] as const) {
      const amount = BigInt(Math.round(whole)) * BigInt(unit)
      await mined(token.getFunction('mint')(chain.signers[COUNCIL], amount))
      await mined(token.getFunction('approve')(agent, MOST))
      await mined(agent.getFunction(name)(amount))
    }
    return new Hedger(contracts, pool, agent)
  }

  /** Trades until what is left is within the band; somebody puts the pool back after each. */
  async build(round: RoundWords): Promise<void> {
    const { chain } = this.#contracts
    const { price } = this.#pool
    for (let trade = 0; trade < MOST_OPENING; trade++) {
      const hedged = await this.rebalance(round)
      const refusal = 'refusal' in hedged ? hedged.refusal : undefined
      if (refusal === 'GapWithinBand') return
      if (refusal !== undefined && refusal !== 'IntervalNotOver') throw new Error(`The first hedge met ${refusal}.`)
      await this.#pool.moveTo(price)
      await chain.setTime((await chain.now()) + (refusal === undefined ? 1n : INTERVAL_SECONDS))
    }
    throw new Error(`The first hedge was not built in ${MOST_OPENING} trades.`)
  }

  /** The keeper's call. */
  async rebalance(round: RoundWords): Promise<Hedged> {
    const keeper = this.#contracts.chain.signers[KEEPER] as unknown as Signer
    const agent = this.agent.connect(keeper) as Contract
    try {
      const receipt = await mined(agent.getFunction('rebalance')(roundArgument(round), { gasLimit: GAS_LIMIT }))
      await this.#pool.look()
      const traded = eventsOf(receipt, agent).find(({ name }) => name === 'Rebalanced')
      const { assetAmount, cashAmount } = traded?.args.toObject() ?? {}
      return { assets: Number(assetAmount) / ASSET, cash: -Number(cashAmount) / CASH }
    } catch (error) {
      return { refusal: this.#refusalOf(error) }
    }
  }

  /** Why the agent would not trade whatever a count came to; undefined if it may. */
  async closedBy(round: RoundWords): Promise<string | undefined> {
    try {
      await this.agent.getFunction('plan')(roundArgument(round))
      return undefined
    } catch (error) {
      const refusal = this.#refusalOf(error)
      return CLOSED.has(refusal) ? refusal : undefined
    }
  }

  #refusalOf(error: unknown): string {
    const refusal = this.agent.interface.parseError(revertDataOf(error) ?? '0x')?.name
    if (refusal === undefined) throw error
    return refusal
  }

  /** What it holds beyond the neutral amount, in assets. */
  async position(): Promise<number> {
    const { assetHeld, neutralAmount } = (await this.agent.getFunction('holdings')()).toObject()
    return Number(assetHeld - neutralAmount) / ASSET
  }
}
