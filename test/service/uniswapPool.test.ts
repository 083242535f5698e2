/** The pool of development chains is Uniswap's own: prices, fees and time-weighted prices are as it has them, in either order of tokens. */
import { join } from 'node:path'
import type { Contract, Signer } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  deployToken,
  deployUniswap,
  type Swapped,
  type Uniswap,
  UniswapPool,
} from '../../prover/service/development/uniswapPool.ts'
import { type Chain, mined, startChain } from '../../scripts/tools/chains/chain.ts'
import { E8 } from '../../scripts/tools/chains/portfolioEngine.ts'
import { root } from '../../scripts/tools/sources.ts'
import { run } from './zkrisk.ts'

const PRICE = 2_500n
const FEE_PIPS = 3_000n
let chain: Chain
let trader: Signer
let uniswap: Uniswap

beforeAll(async () => {
  chain = await startChain()
  trader = chain.signers[1] as unknown as Signer
  uniswap = await deployUniswap(trader)
})

/** Two tokens of these decimals, the asset's address below the cash's or above it. */
async function tokens(
  decimals: readonly [number, number],
  isAssetFirst: boolean,
): Promise<readonly [Contract, Contract]> {
  const asset = await deployToken(trader, 'ASSET', decimals[0])
  for (;;) {
    const cash = await deployToken(trader, 'CASH', decimals[1])
    if (BigInt(asset.target as string) < BigInt(cash.target as string) === isAssetFirst) return [asset, cash]
  }
}

async function poolOf(decimals: readonly [number, number], isAssetFirst: boolean): Promise<UniswapPool> {
  const [asset, cash] = await tokens(decimals, isAssetFirst)
  const holder = await trader.getAddress()
  for (const [token, digits] of [
    [asset, decimals[0]],
    [cash, decimals[1]],
  ] as const) {
    await mined(token.getFunction('mint')(holder, 10n ** BigInt(9 + digits)))
  }
  const terms = { asset, cash, feePips: FEE_PIPS, priceE8: PRICE * E8, observations: 32 }
  const pool = await UniswapPool.create(uniswap, trader, terms)
  await pool.admit(trader)
  const amounts = { asset: 1_000n * 10n ** BigInt(decimals[0]), cash: 1_000n * PRICE * 10n ** BigInt(decimals[1]) }
  await pool.provide(trader, 6_000n, amounts)
  return pool
}

describe.each([
  [18, 6, true],
  [18, 6, false],
  [8, 18, true],
  [6, 6, false],
])('a pool of an asset of %i decimals and cash of %i, asset first: %s', (assetDecimals, cashDecimals, isAssetFirst) => {
  const [asset, cash] = [10n ** BigInt(assetDecimals), 10n ** BigInt(cashDecimals)]
  let pool: UniswapPool

  beforeAll(async () => {
    pool = await poolOf([assetDecimals, cashDecimals], isAssetFirst)
  })

  test('starts at its price, to a millionth', async () => {
    expect(pool.isAssetFirst).toBe(isAssetFirst)
    expect(Number(await pool.priceE8()) / Number(PRICE * E8)).toBeCloseTo(1, 6)
  })

  test('gives what it quotes: the price less the fee, and less for more', async () => {
    const swapOf = (amount: bigint): Promise<Swapped> => chain.undone(() => pool.swap(trader, 'asset', amount))
    const little = await swapOf(asset / 100n)
    expect(little.amountIn).toBe(asset / 100n)
    expect(little.amountOut).toBe(await pool.quote('asset', asset / 100n))
    expect((Number(little.amountOut) / Number(cash)) * 100).toBeCloseTo(Number(PRICE) * 0.997, 0)
    const much = await swapOf(100n * asset)
    expect(much.amountOut).toBeLessThan((little.amountOut * 10_000n * 99n) / 100n)
  })

  test.each([2_400n, 2_600n])('moves to %i and no further', async (priceE8) => {
    await chain.undone(async () => {
      await pool.moveTo(trader, priceE8 * E8)
      expect(Number(await pool.priceE8()) / Number(priceE8 * E8)).toBeCloseTo(1, 6)
      expect(await pool.moveTo(trader, priceE8 * E8)).toBeUndefined()
    })
  })

  test('remembers its price: the mean tick stays behind a move, and comes up to it', async () => {
    await chain.undone(async () => {
      await chain.setTime((await chain.now()) + 1_000n)
      const before = await pool.meanTick(600n)
      await pool.moveTo(trader, 2_600n * E8)
      expect(await pool.meanTick(600n)).toBe(before)
      await chain.setTime((await chain.now()) + 600n)
      const { tick } = await pool.pool.getFunction('slot0')()
      expect(await pool.meanTick(600n)).toBe(tick)
      expect(tick).not.toBe(before)
    })
  })
})

/** Node finds none of Uniswap's packages, as where this package alone is installed. */
const withoutUniswap = `import Module from 'node:module'
const resolve = Module._resolveFilename
Module._resolveFilename = function (name, ...rest) {
  if (name.startsWith('@uniswap/')) throw Object.assign(new Error(name), { code: 'MODULE_NOT_FOUND' })
  return resolve.call(this, name, ...rest)
}`

test.each([
  [
    'without the packages',
    ['--import', `data:text/javascript,${encodeURIComponent(withoutUniswap)}`],
    'service.uniswap-missing',
  ],
  ['with them, and no chain', [], 'UNSUPPORTED_OPERATION'],
])('%s the pool says what is missing', async (_, flags, code) => {
  const file = join(root, 'prover/service/development/uniswapPool.ts')
  const script = `import { deployUniswap } from ${JSON.stringify(file)}
await deployUniswap(undefined).catch((error) => console.log(error.code + ' ' + error.message))`
  const { stdout } = await run(process.execPath, [...flags, '--input-type=module', '-e', script])
  expect(stdout.split(' ')[0]).toBe(code)
  if (flags.length > 0) expect(stdout).toMatch(/needs @uniswap\/v3-core, which is not installed\. Run this in a clone/)
})
