/** The pool that liquidators and the hedger trade in, and what arbitrage makes of its price. */
import type { Contract, Signer } from 'ethers'
import { deployUniswap, UniswapPool } from '../../../prover/service/development/uniswapPool.ts'
import { GAS_LIMIT, mined } from '../chains/chain.ts'
import { ASSET_DECIMALS, CASH_DECIMALS, type Contracts, TRADER } from './contracts.ts'
import { e8 } from './holders.ts'

const FEE_PIPS = 500n
/** Liquidity is from a fourth of the price to four times it. */
const RANGE_TICKS = 14_000n
const PLENTY = 10n ** 12n
const NEVER = 1n << 40n
const OBSERVATIONS = 60
/** The position manager counts them from 1. */
const SECOND_POSITION = 2n
const [ASSET, CASH] = [10 ** Number(ASSET_DECIMALS), 10 ** Number(CASH_DECIMALS)]

type Brought = Readonly<Record<'asset' | 'cash', bigint>>

export class CrashPool {
  readonly uniswapPool: UniswapPool
  readonly #trader: Signer
  /** Root of assets times cash, both whole. */
  readonly #liquidity: number
  readonly #brought: Brought
  price: number

  private constructor(pool: UniswapPool, trader: Signer, liquidity: number, brought: Brought, price: number) {
    this.uniswapPool = pool
    this.#trader = trader
    this.#liquidity = liquidity
    this.#brought = brought
    this.price = price
  }

  /**
   * A pool at a price in which selling these assets moves the price down by `impact`.
   *
   * @param impact - share of the price
   */
  static async open(
    { chain, asset, cash }: Pick<Contracts, 'chain' | 'asset' | 'cash'>,
    { price, assets, impact }: Readonly<Record<'price' | 'assets' | 'impact', number>>,
  ): Promise<CrashPool> {
    const trader = chain.signers[TRADER] as unknown as Signer
    const holder = await trader.getAddress()
    await mined(asset.getFunction('mint')(holder, PLENTY * 10n ** ASSET_DECIMALS))
    await mined(cash.getFunction('mint')(holder, PLENTY * 10n ** CASH_DECIMALS))
    const priceE8 = BigInt(Math.round(price * 1e8))
    const pool = await UniswapPool.create(await deployUniswap(trader), trader, {
      ...{ asset, cash, feePips: FEE_PIPS, priceE8, observations: OBSERVATIONS },
    })
    await pool.admit(trader)
    const liquidity = (assets * Math.sqrt(price)) / (1 / Math.sqrt(1 - impact) - 1)
    // Of what is brought as much is taken as the range needs of both; a little more than of one.
    const within = (liquidity / Math.sqrt(price)) * (1 - 1.0001 ** (-Number(RANGE_TICKS) / 2))
    const brought = {
      asset: BigInt(Math.round(within * 1e6)) * 10n ** 12n,
      cash: BigInt(Math.round(within * price * CASH)),
    }
    await pool.provide(trader, RANGE_TICKS, brought)
    const provided: bigint = await pool.pool.getFunction('liquidity')()
    return new CrashPool(pool, trader, Number(provided) / Math.sqrt(ASSET * CASH), brought, price)
  }

  /** Somebody brings as much liquidity again, so many times, and takes it out when a body has run. */
  async deepened(times: bigint, body: () => Promise<void>): Promise<void> {
    const { asset, cash } = this.#brought
    await this.uniswapPool.provide(this.#trader, RANGE_TICKS, { asset: times * asset, cash: times * cash })
    await body()
    await this.uniswapPool.withdraw(this.#trader, SECOND_POSITION)
  }

  /** What buying assets costs, or selling, if negative, brings (negative), with the fee, in cash; nothing moves. */
  costOf(assets: number): number {
    const fee = Number(FEE_PIPS) / 1e6
    const root = 1 / Math.sqrt(this.price)
    if (assets < 0) {
      const after = root + (-assets * (1 - fee)) / this.#liquidity
      return this.#liquidity * (1 / after - 1 / root)
    }
    const after = root - assets / this.#liquidity
    return after <= 0 ? Number.POSITIVE_INFINITY : (this.#liquidity * (1 / after - 1 / root)) / (1 - fee)
  }

  /** Buys assets, or sells, and says what that cost in cash. */
  async trade(assets: number): Promise<number> {
    if (assets === 0) return 0
    const isSale = assets < 0
    const amount = isSale
      ? BigInt(Math.round(-assets * 1e8)) * 10n ** 10n
      : BigInt(Math.round(this.costOf(assets) * CASH))
    const { amountIn, amountOut } = await this.uniswapPool.swap(this.#trader, isSale ? 'asset' : 'cash', amount)
    await this.look()
    return isSale ? -Number(amountOut) / CASH : Number(amountIn) / CASH
  }

  /** Arbitrage trades to a price: the router is called at once, for this is done every minute. */
  async moveTo(price: number): Promise<void> {
    const { uniswap, asset, cash, feePips, isAssetFirst } = this.uniswapPool
    const wanted = this.uniswapPool.sqrtPriceX96(e8(price))
    const { sqrtPriceX96: root } = await this.uniswapPool.pool.getFunction('slot0')()
    if (wanted === root) return
    const isSale = wanted < root === isAssetFirst
    const [tokenIn, tokenOut] = isSale ? [asset, cash] : [cash, asset]
    const amountIn = (PLENTY / 2n) * 10n ** (isSale ? ASSET_DECIMALS : CASH_DECIMALS)
    const request = {
      ...{ tokenIn, tokenOut, fee: feePips, recipient: this.#trader, deadline: NEVER, amountOutMinimum: 0n },
      ...{ amountIn, sqrtPriceLimitX96: wanted },
    }
    const router = uniswap.router.connect(this.#trader) as Contract
    await mined(router.getFunction('exactInputSingle')(request, { gasLimit: GAS_LIMIT }))
    await this.look()
  }

  /** Looks what the price has become by somebody else's trade. */
  async look(): Promise<void> {
    this.price = Number(await this.uniswapPool.priceE8()) / 1e8
  }
}
