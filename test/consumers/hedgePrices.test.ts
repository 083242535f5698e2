/** Square roots of prices are the real pool's to the unit, and the band is Whalley and Wilmott's. */
import * as fc from 'fast-check'
import { type Contract, Wallet } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { deployUniswap, type Uniswap } from '../../prover/service/development/uniswapPool.ts'
import { type Chain, mined, startChain } from '../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { E12, E8 } from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'

const MOST_TICK = 887_272n
/** Published in the tests of Uniswap's TickMath. */
const published: readonly (readonly [bigint, bigint])[] = [
  [-MOST_TICK, 4_295_128_739n],
  [-MOST_TICK + 1n, 4_295_343_490n],
  [0n, 1n << 96n],
  [MOST_TICK - 1n, 1_461_373_636_630_004_318_706_518_188_784_493_106_690_254_656_249n],
  [MOST_TICK, 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342n],
]
let chain: Chain
let prices: Contract
let uniswap: Uniswap

beforeAll(async () => {
  chain = await startChain()
  prices = await chain.deploy(reader)
  uniswap = await deployUniswap(chain.signers[0] as never)
})

const read = (name: string, ...args: readonly unknown[]): Promise<bigint> => prices.getFunction(name)(...args)

/** The tick that a real pool has at a square root; the tokens need not be there. */
async function tickOfPool(sqrtPriceX96: bigint): Promise<bigint> {
  const [a, b] = [Wallet.createRandom().address, Wallet.createRandom().address]
  await mined(uniswap.factory.getFunction('createPool')(a, b, 500n))
  const address: string = await uniswap.factory.getFunction('getPool')(a, b, 500n)
  const pool = await chain.ethers.getContractAt(poolAbi, address)
  await mined(pool.getFunction('initialize')(sqrtPriceX96))
  return (await pool.getFunction('slot0')()).tick
}
const poolAbi = [
  'function initialize(uint160)',
  'function slot0() view returns (uint160 sqrtPriceX96, int24 tick, uint16, uint16, uint16, uint8, bool)',
]

describe('R162: the square root at a tick', () => {
  test.each(published)('%i is the published %i', async (tick, sqrtPriceX96) => {
    expect(await read('sqrtPriceAtTick', tick)).toBe(sqrtPriceX96)
  })

  test('is where a real pool’s tick begins, and one unit less is of the tick below', async () => {
    const bits = Array.from({ length: 20 }, (_, i) => 1n << BigInt(i)).filter((tick) => tick < MOST_TICK)
    const some = [...bits, ...bits.map((tick) => -tick), 886_543n, -123_457n, -MOST_TICK + 1n, MOST_TICK - 1n]
    for (const tick of some) {
      const sqrtPriceX96 = await read('sqrtPriceAtTick', tick)
      expect(await tickOfPool(sqrtPriceX96)).toBe(tick)
      expect(await tickOfPool(sqrtPriceX96 - 1n)).toBe(tick - 1n)
    }
  })

  test('beyond the last tick there is none', async () => {
    for (const tick of [MOST_TICK + 1n, -MOST_TICK - 1n]) {
      await expectRevert(read('sqrtPriceAtTick', tick), prices, 'TickOutOfRange', [tick, MOST_TICK])
    }
  })
})

const decimals = fc.integer({ min: 6, max: 18 })
const scale = fc.integer({ min: -6, max: 12 })
const units = fc.record({ isAssetFirst: fc.boolean(), asset: decimals, cash: decimals, scale }).map((each) => ({
  isAssetFirst: each.isAssetFirst,
  assetUnits: 10n ** BigInt(each.asset + Math.max(each.scale, 0)),
  cashUnits: 10n ** BigInt(each.cash + Math.max(-each.scale, 0)),
}))

describe('R162: a price', () => {
  test('and its square root are each other’s, for any decimals, order and scale', async () => {
    const priceE8 = fc.bigInt({ min: 1_000n, max: (1n << 44n) - 1n })
    await fc.assert(
      fc.asyncProperty(priceE8, units, async (price, of) => {
        const over = of.isAssetFirst ? price * of.cashUnits : E8 * of.assetUnits
        const under = of.isAssetFirst ? E8 * of.assetUnits : price * of.cashUnits
        const sqrtPriceX96 = await read('sqrtPriceOf', price, 1n, 1n, of)
        const [least, most] = [published[0]?.[1] as bigint, published.at(-1)?.[1] as bigint]
        const isWithin = sqrtPriceX96 > least + 1n && sqrtPriceX96 < most - 1n
        fc.pre(isWithin)
        // Of 2^-33 or nearer, as a root of 32 bits is at the least.
        expect(Number(sqrtPriceX96) / 2 ** 96 / Math.sqrt(Number(over) / Number(under))).toBeCloseTo(1, 9)
        const wad = await read('priceWad', sqrtPriceX96, of)
        expect(Number(wad) / (Number(price) * 1e10)).toBeCloseTo(1, 8)
      }),
      { numRuns: 300, seed: 8 },
    )
  })

  test('beyond every number is the greatest, not a failure', async () => {
    const of = { isAssetFirst: true, assetUnits: 10n ** 30n, cashUnits: 10n ** 6n }
    const [least, most] = [published[0]?.[1] as bigint, published.at(-1)?.[1] as bigint]
    expect(await read('priceWad', most - 1n, of)).toBe(2n ** 256n - 1n)
    expect(await read('priceWad', least, { ...of, isAssetFirst: false })).toBe(2n ** 256n - 1n)
    expect(await read('priceWad', least, of)).toBeLessThan(10n ** 40n)
  })
})

describe('R161: the band', () => {
  const halfWidth = (costBps: bigint, spotE8: bigint, gammaE20: bigint, riskAversionE12: bigint): Promise<bigint> =>
    read('halfWidthE12', costBps, spotE8, gammaE20, riskAversionE12)

  test('is the cube root of 3/2 · cost · spot · gamma² / risk aversion', async () => {
    // 30 bps, 2,500, 0.02 an asset, 10^-5 by the unit of cash
    const width = await halfWidth(30n, 2_500n * E8, 2n * 10n ** 18n, 10n ** 7n)
    expect(Number(width) / Number(E12)).toBeCloseTo(Math.cbrt((1.5 * 0.003 * 2_500 * 0.02 ** 2) / 1e-5), 9)
    expect(await halfWidth(30n, 2_500n * E8, -2n * 10n ** 18n, 10n ** 7n)).toBe(width)
    expect(await halfWidth(30n, 2_500n * E8, 0n, 10n ** 7n)).toBe(0n)
  })

  test('fits for whatever a round and open interest hold', async () => {
    const width = await halfWidth(1_000n, (1n << 44n) - 1n, -(2n ** 95n - 1n), 1n)
    expect(width ** 3n).toBeLessThan(1n << 255n)
    expect(width).toBeGreaterThan(1n << 77n)
  })

  test('its cube root is exact, also beside cubes', async () => {
    const roots = fc.bigInt({ min: 1n, max: (1n << 84n) - 1n })
    await fc.assert(
      fc.asyncProperty(roots, fc.constantFrom(-1n, 0n, 1n), async (root, beside) => {
        const x = root ** 3n + beside
        const found = await read('cubeRootDown', x)
        expect(found ** 3n).toBeLessThanOrEqual(x)
        expect((found + 1n) ** 3n).toBeGreaterThan(x)
      }),
      { numRuns: 200, seed: 8 },
    )
    for (const x of [0n, 1n, 7n, 8n, 9n, 26n, 27n, (1n << 255n) - 1n]) {
      const found = await read('cubeRootDown', x)
      expect(found ** 3n <= x && (found + 1n) ** 3n > x).toBe(true)
    }
  })
})

const reader = compileContract(
  'Reader',
  `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {HedgeBand} from "contracts/consumers/HedgeBand.sol";
import {UniswapPrices} from "contracts/consumers/UniswapPrices.sol";
contract Reader {
    error TickOutOfRange(int256 tick, uint256 most);
    function sqrtPriceAtTick(int256 tick) external pure returns (uint160) { return UniswapPrices.sqrtPriceAtTick(tick); }
    function priceWad(uint160 x, UniswapPrices.Units memory u) external pure returns (uint256) { return UniswapPrices.priceWad(x, u); }
    function sqrtPriceOf(uint256 p, uint256 n, uint256 d, UniswapPrices.Units memory u) external pure returns (uint160) {
        return UniswapPrices.sqrtPriceOf(p, n, d, u);
    }
    function halfWidthE12(uint256 c, uint256 s, int256 g, uint256 r) external pure returns (uint256) {
        return HedgeBand.halfWidthE12(c, s, g, r);
    }
    function cubeRootDown(uint256 x) external pure returns (uint256) { return HedgeBand.cubeRootDown(x); }
}`,
)
