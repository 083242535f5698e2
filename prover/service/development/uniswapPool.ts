/**
 * A real Uniswap v3 pool on a development chain, from the code that Uniswap published on npm: nothing of theirs is compiled here.
 * Prices are of a whole asset in whole cash, times 10^8, whichever of the two the pool has first and whatever their decimals.
 */
import { createRequire } from 'node:module'
import { Contract, type Signer, type TransactionReceipt, ZeroAddress } from 'ethers'
import { ProverError } from '../../errors.ts'
import { sqrtDown } from '../../math/fixedPoint.ts'
import { type Compiled, compiledAt, create, done } from './contracts.ts'

/** Uniswap's contracts of one chain. */
export type Uniswap = Readonly<Record<'factory' | 'positions' | 'router' | 'quoter', Contract>>

/** What a pool is of. */
export type PoolTerms = {
  readonly asset: Contract
  readonly cash: Contract
  /** Of the amount that goes in, in hundredths of a basis point: 100, 500, 3,000 or 10,000. */
  readonly feePips: bigint
  readonly priceE8: bigint
  /** How many observations it keeps for its time-weighted price. */
  readonly observations: number
}

/** What a swap took and gave, in the tokens' smallest units. */
export type Swapped = { readonly amountIn: bigint; readonly amountOut: bigint; readonly receipt: TransactionReceipt }

const Q192 = 1n << 192n
/** Deadlines of Uniswap's own callers; there is no need of one here. */
const NEVER = 1n << 40n
const MOST = 2n ** 256n - 1n
/** Strictly within what a pool takes. */
const LEAST_SQRT_X96 = 4_295_128_740n
const GREATEST_SQRT_X96 = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341n

/**
 * Puts Uniswap's factory, position manager, router and quoter on a chain.
 *
 * @throws {@link UniswapMissingError} where the packages are not installed
 */
export async function deployUniswap(owner: Signer): Promise<Uniswap> {
  const factory = await create(owner, uniswapPart('v3-core', 'UniswapV3Factory.sol/UniswapV3Factory'))
  const make = (path: string, ...further: readonly string[]) =>
    // Their wrapped ether is for those who send ether: nobody does here.
    create(owner, uniswapPart('v3-periphery', path), factory.target, factory.target, ...further)
  const positions = await make('NonfungiblePositionManager.sol/NonfungiblePositionManager', ZeroAddress)
  const router = await make('SwapRouter.sol/SwapRouter')
  const quoter = await make('lens/QuoterV2.sol/QuoterV2')
  return { factory, positions, router, quoter }
}

/**
 * A token of some decimals that anybody mints.
 *
 * @throws {@link ContractsNotBuiltError}
 */
export async function deployToken(owner: Signer, symbol: string, decimals: number): Promise<Contract> {
  return create(owner, compiledAt('contracts/consumers/mocks/MockToken.sol', 'MockToken'), symbol, decimals)
}

/** A pool and who trades in it. */
export class UniswapPool {
  readonly uniswap: Uniswap
  readonly pool: Contract
  readonly asset: Contract
  readonly cash: Contract
  readonly feePips: bigint
  readonly isAssetFirst: boolean
  /** Smallest units of cash in 10^8 smallest units of the asset at a price of 1, as a fraction. */
  private readonly units: readonly [bigint, bigint]
  private readonly tickSpacing: bigint

  private constructor(
    terms: Pick<UniswapPool, 'uniswap' | 'pool' | 'asset' | 'cash' | 'feePips' | 'isAssetFirst'>,
    units: readonly [bigint, bigint],
    tickSpacing: bigint,
  ) {
    this.uniswap = terms.uniswap
    this.pool = terms.pool
    this.asset = terms.asset
    this.cash = terms.cash
    this.feePips = terms.feePips
    this.isAssetFirst = terms.isAssetFirst
    this.units = units
    this.tickSpacing = tickSpacing
  }

  /** Makes a pool at a price, without liquidity. */
  static async create(uniswap: Uniswap, owner: Signer, terms: PoolTerms): Promise<UniswapPool> {
    const { asset, cash, feePips, priceE8 } = terms
    const isAssetFirst = BigInt(asset.target as string) < BigInt(cash.target as string)
    const units = [10n ** (await decimalsOf(cash)), 10n ** (8n + (await decimalsOf(asset)))] as const
    const [first, second] = isAssetFirst ? [asset, cash] : [cash, asset]
    const start = sqrtPriceOf(priceE8, units, isAssetFirst)
    const positions = uniswap.positions.connect(owner) as Contract
    await done(positions.getFunction('createAndInitializePoolIfNecessary')(first.target, second.target, feePips, start))
    const address: string = await uniswap.factory.getFunction('getPool')(first.target, second.target, feePips)
    const pool = new Contract(address, uniswapPart('v3-core', 'UniswapV3Pool.sol/UniswapV3Pool').abi, owner)
    await done(pool.getFunction('increaseObservationCardinalityNext')(terms.observations))
    const made = { uniswap, pool, asset, cash, feePips, isAssetFirst }
    return new UniswapPool(made, units, await pool.getFunction('tickSpacing')())
  }

  /** Lets a signer's tokens be taken by the router and the position manager. */
  async admit(signer: Signer): Promise<void> {
    for (const token of [this.asset, this.cash]) {
      for (const { target } of [this.uniswap.router, this.uniswap.positions]) {
        await done((token.connect(signer) as Contract).getFunction('approve')(target, MOST))
      }
    }
  }

  /**
   * Brings liquidity from a fraction below the price to one above it; at most these amounts.
   *
   * @param rangeTicks - each way; a tick is a basis point
   */
  async provide(
    signer: Signer,
    rangeTicks: bigint,
    amounts: Readonly<Record<'asset' | 'cash', bigint>>,
  ): Promise<void> {
    const { tick } = await this.pool.getFunction('slot0')()
    const [first, second] = this.isAssetFirst ? [this.asset, this.cash] : [this.cash, this.asset]
    const [amount0, amount1] = this.isAssetFirst ? [amounts.asset, amounts.cash] : [amounts.cash, amounts.asset]
    const positions = this.uniswap.positions.connect(signer) as Contract
    const position = {
      token0: first.target,
      token1: second.target,
      fee: this.feePips,
      tickLower: this.tickAt(tick - rangeTicks),
      tickUpper: this.tickAt(tick + rangeTicks),
      amount0Desired: amount0,
      amount1Desired: amount1,
      amount0Min: 0n,
      amount1Min: 0n,
      recipient: await signer.getAddress(),
      deadline: NEVER,
    }
    await done(positions.getFunction('mint')(position))
  }

  /** Takes a position's liquidity out of the pool; its tokens stay owed. */
  async withdraw(signer: Signer, tokenId: bigint): Promise<void> {
    const positions = this.uniswap.positions.connect(signer) as Contract
    const { liquidity } = await positions.getFunction('positions')(tokenId)
    const request = { tokenId, liquidity, amount0Min: 0n, amount1Min: 0n, deadline: NEVER }
    await done(positions.getFunction('decreaseLiquidity')(request))
  }

  /**
   * Swaps an amount of one token for the other.
   *
   * @param limitE8 - price at which it stops, having taken less; none if absent
   */
  async swap(signer: Signer, tokenIn: 'asset' | 'cash', amountIn: bigint, limitE8?: bigint): Promise<Swapped> {
    const [from, to] = tokenIn === 'asset' ? [this.asset, this.cash] : [this.cash, this.asset]
    const holder = await signer.getAddress()
    const before = await Promise.all([from, to].map((token) => balanceOf(token, holder)))
    const request = {
      tokenIn: from.target,
      tokenOut: to.target,
      fee: this.feePips,
      recipient: holder,
      deadline: NEVER,
      amountIn,
      amountOutMinimum: 0n,
      sqrtPriceLimitX96: limitE8 === undefined ? 0n : this.sqrtPriceX96(limitE8),
    }
    const router = this.uniswap.router.connect(signer) as Contract
    const receipt = await done(router.getFunction('exactInputSingle')(request))
    const after = await Promise.all([from, to].map((token) => balanceOf(token, holder)))
    const [spent, got] = [(before[0] ?? 0n) - (after[0] ?? 0n), (after[1] ?? 0n) - (before[1] ?? 0n)]
    return { amountIn: spent, amountOut: got, receipt }
  }

  /** What a swap would give; nothing moves. */
  async quote(tokenIn: 'asset' | 'cash', amountIn: bigint): Promise<bigint> {
    const [from, to] = tokenIn === 'asset' ? [this.asset, this.cash] : [this.cash, this.asset]
    const request = { tokenIn: from.target, tokenOut: to.target, amountIn, fee: this.feePips, sqrtPriceLimitX96: 0n }
    const { amountOut } = await this.uniswap.quoter.getFunction('quoteExactInputSingle').staticCall(request)
    return amountOut
  }

  /** Trades to a price with whatever it takes of the signer's tokens, as arbitrage does. */
  async moveTo(signer: Signer, priceE8: bigint): Promise<Swapped | undefined> {
    const { sqrtPriceX96 } = await this.pool.getFunction('slot0')()
    const wanted = this.sqrtPriceX96(priceE8)
    if (wanted === sqrtPriceX96) return undefined
    const takesFirst = wanted < sqrtPriceX96
    const tokenIn = takesFirst === this.isAssetFirst ? 'asset' : 'cash'
    const held = await balanceOf(tokenIn === 'asset' ? this.asset : this.cash, await signer.getAddress())
    return this.swap(signer, tokenIn, held, priceE8)
  }

  /** Price now. */
  async priceE8(): Promise<bigint> {
    const { sqrtPriceX96 } = await this.pool.getFunction('slot0')()
    return this.priceOf(sqrtPriceX96)
  }

  /** Mean tick of the last seconds, rounded down as Uniswap's own library does. */
  async meanTick(seconds: bigint): Promise<bigint> {
    const [[before, now]] = (await this.pool.getFunction('observe')([seconds, 0n])) as [[bigint, bigint]]
    const moved = now - before
    const down = moved / seconds
    return moved < 0n && moved % seconds !== 0n ? down - 1n : down
  }

  /** Root of the pool's price, in smallest units, for a price of whole ones; within what a pool takes. */
  sqrtPriceX96(priceE8: bigint): bigint {
    const exact = sqrtPriceOf(priceE8, this.units, this.isAssetFirst)
    if (exact < LEAST_SQRT_X96) return LEAST_SQRT_X96
    return exact > GREATEST_SQRT_X96 ? GREATEST_SQRT_X96 : exact
  }

  /** The price that a root stands for, rounded down. */
  priceOf(sqrtPriceX96: bigint): bigint {
    const [cashUnit, assetUnit] = this.units
    const square = sqrtPriceX96 * sqrtPriceX96
    return this.isAssetFirst ? (square * assetUnit) / (Q192 * cashUnit) : (Q192 * assetUnit) / (square * cashUnit)
  }

  private tickAt(tick: bigint): bigint {
    return (tick / this.tickSpacing) * this.tickSpacing
  }
}

/** Uniswap's contracts are development dependencies, by their licence. */
export class UniswapMissingError extends ProverError {
  readonly code = 'service.uniswap-missing'

  constructor(packageName: string, cause: unknown) {
    super(
      `A pool on a development chain needs ${packageName}, which is not installed. Run this in a clone after \`npm ci\`, or install it there with \`npm install --save-dev ${packageName}\`.`,
      { cause },
    )
  }
}

function uniswapPart(name: 'v3-core' | 'v3-periphery', path: string): Compiled {
  const packageName = `@uniswap/${name}`
  try {
    return createRequire(import.meta.url)(`${packageName}/artifacts/contracts/${path}.json`)
  } catch (error) {
    throw new UniswapMissingError(packageName, error)
  }
}

const decimalsOf = (token: Contract): Promise<bigint> => token.getFunction('decimals')()
const balanceOf = (token: Contract, holder: string): Promise<bigint> => token.getFunction('balanceOf')(holder)

function sqrtPriceOf(priceE8: bigint, [cashUnit, assetUnit]: readonly [bigint, bigint], isAssetFirst: boolean): bigint {
  const [over, under] = [priceE8 * cashUnit, assetUnit]
  return sqrtDown(isAssetFirst ? (over * Q192) / under : (under * Q192) / over)
}
