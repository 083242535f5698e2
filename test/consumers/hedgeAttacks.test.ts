/** Attacks on the agent in a real pool: each loses money, is refused by name, or finds nothing to take. */
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Contract } from 'ethers'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { reentrantCoin } from './reentrantCoin.ts'
import { E12, E8, PortfolioEngine } from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert, revertDataOf } from '../reverts.ts'
import {
  ANYBODY,
  ATTACKER,
  COUNCIL,
  FEE_PIPS,
  hedgeRules,
  KEEPER,
  PRICE,
  TestHedge,
  TRADER,
} from '../../scripts/tools/chains/hedgingEngine.ts'
import { coin } from './venue.ts'

const E18 = 10n ** 18n
const BPS = 10_000n
let engine: PortfolioEngine

beforeAll(async () => {
  engine = await PortfolioEngine.start()
})

/** Whether a trade went through; that it was refused by one of the agent's errors is as good. */
async function went(at: TestHedge): Promise<boolean> {
  try {
    await mined(at.rebalance())
    return true
  } catch (error) {
    const name = at.agent.interface.parseError(revertDataOf(error) ?? '0x')?.name
    if (name === undefined) throw error
    return false
  }
}

describe.each([true, false])('R164: a sandwich around the largest trade, asset first: %s,', (isAssetFirst) => {
  let at: TestHedge

  beforeAll(async () => {
    // No cap, so that the price alone bounds the trade.
    const change = { maxTradeE12: 10_000n * E12, bypassE12: 20_000n * E12 }
    at = await TestHedge.open({ engine, isAssetFirst, change })
    await at.settle()
  })

  /** What an attacker has more of afterwards, who trades ahead of the agent and back behind it. */
  async function sandwich(isSale: boolean, size: bigint): Promise<{ readonly gain: bigint; readonly traded: boolean }> {
    const [first, second] = isSale ? (['asset', 'cash'] as const) : (['cash', 'asset'] as const)
    const attacker = at.signer(ATTACKER)
    const ahead = await at.pool.swap(attacker, first, size)
    const traded = await went(at)
    const behind = await at.pool.swap(attacker, second, ahead.amountOut)
    return { gain: behind.amountOut - ahead.amountIn, traded }
  }

  test.each([
    ['sale', true, E18],
    ['purchase', false, PRICE * 10n ** 6n],
  ] as const)('a %s, loses whatever its size', async (_name, isSale, unit) => {
    await at.figures(isSale ? 60n * E12 : -60n * E12)
    const outcomes = []
    for (const size of [1n, 2n, 3n, 4n, 6n, 8n, 12n, 16n, 32n, 128n, 512n]) {
      outcomes.push({ size, ...(await at.undone(() => sandwich(isSale, size * unit))) })
    }
    for (const { gain, size } of outcomes) expect(gain, `${size}`).toBeLessThan(0n)
    expect(outcomes.filter(({ traded }) => traded).length).toBeGreaterThanOrEqual(3)
    expect(outcomes.filter(({ traded }) => !traded).length).toBeGreaterThanOrEqual(3)
  })

  test.each([-45n, 45n])('also where the pool stands %i bps from its mean before it', async (bps) => {
    for (const isSale of [true, false]) {
      await at.figures(isSale ? 60n * E12 : -60n * E12)
      const unit = isSale ? E18 : PRICE * 10n ** 6n
      const outcomes: { readonly gain: bigint }[] = []
      for (const size of [1n, 4n, 8n, 16n]) {
        await at.undone(async () => {
          await at.pool.moveTo(at.signer(TRADER), (PRICE * E8 * (BPS + bps)) / BPS)
          outcomes.push(await sandwich(isSale, size * unit))
        })
      }
      for (const { gain } of outcomes) expect(gain).toBeLessThan(0n)
    }
  })

  test('the same trades without the agent lose as well, and less is left of them than the fee twice', async () => {
    await at.undone(async () => {
      const attacker = at.signer(ATTACKER)
      const { amountOut } = await at.pool.swap(attacker, 'asset', 4n * E18)
      const back = await at.pool.swap(attacker, 'cash', amountOut)
      const lost = 4n * E18 - back.amountOut
      expect(Number(lost) / Number(4n * E18)).toBeCloseTo((2 * Number(FEE_PIPS)) / 1e6, 4)
    })
  })
})

describe('R164: whoever trades around the agent', () => {
  test('at any size, in a pool anywhere near its mean, and goes back as far as it came or to the price before, is poorer at that price', async () => {
    const change = { maxTradeE12: 10_000n * E12, bypassE12: 20_000n * E12 }
    const at = await TestHedge.open({ engine, change })
    await at.settle()
    const attacker = at.signer(ATTACKER)
    let trades = 0
    const cases = fc.record({
      isSale: fc.boolean(),
      isBackToPrice: fc.boolean(),
      /** Of the pool, and of the spot with it, from the mean. */
      bps: fc.bigInt({ min: -45n, max: 45n }),
      /** Thousandths of an asset. */
      size: fc.oneof(fc.bigInt({ min: 1n, max: 12_000n }), fc.bigInt({ min: 12_000n, max: 300_000n })),
      deltaE12: fc.bigInt({ min: E12, max: 60n * E12 }),
    })
    await fc.assert(
      fc.asyncProperty(cases, async ({ isSale, isBackToPrice, bps, size, deltaE12 }) => {
        await at.undone(async () => {
          const priceE8 = (PRICE * E8 * (BPS + bps)) / BPS
          await at.pool.moveTo(at.signer(TRADER), priceE8)
          await at.round(priceE8)
          await at.figures(isSale ? deltaE12 : -deltaE12)
          const before = await worthOf(at, ATTACKER, priceE8)
          const [first, second] = isSale ? (['asset', 'cash'] as const) : (['cash', 'asset'] as const)
          const unit = isSale ? E18 / 1_000n : (PRICE * 10n ** 6n) / 1_000n
          const ahead = await at.pool.swap(attacker, first, size * unit)
          if (await went(at)) trades++
          if (isBackToPrice) await at.pool.moveTo(attacker, priceE8)
          else await at.pool.swap(attacker, second, ahead.amountOut)
          expect(await worthOf(at, ATTACKER, priceE8)).toBeLessThan(before)
        })
      }),
      { numRuns: Number(process.env.HEDGE_ATTACKS ?? 80), seed: 8, endOnFailure: true },
    )
    expect(trades).toBeGreaterThan(10)
  })
})

/** Both tokens of somebody, in units of cash of 6 decimals times 10^20. */
async function worthOf(at: TestHedge, i: number, priceE8: bigint): Promise<bigint> {
  const held = async (token: Contract): Promise<bigint> => token.getFunction('balanceOf')(await at.address(i))
  return (await held(at.pool.cash)) * 10n ** 20n + (await held(at.pool.asset)) * priceE8
}

describe('R163: the price of a trade', () => {
  let at: TestHedge

  beforeAll(async () => {
    at = await TestHedge.open({ engine, change: { maxTradeE12: 1_000n * E12, bypassE12: 2_000n * E12 } })
    await at.settle()
  })

  test.each([true, false])(
    'moves the pool by at most its fee, and what is filled of it is counted (sale: %s)',
    async (isSale) => {
      await at.undone(async () => {
        await at.figures(isSale ? 60n * E12 : -60n * E12)
        const before = await at.pool.priceE8()
        const held = await at.holdings()
        const { assetAmount, cashAmount } = await at.rebalanced()
        const size = isSale ? -assetAmount : assetAmount
        expect(size).toBeGreaterThan(E18)
        expect(size).toBeLessThan(60n * E18)
        const moved = Math.abs(Math.log(Number(await at.pool.priceE8()) / Number(before)))
        const most = -2 * Math.log(1 - Number(FEE_PIPS) / 2e6)
        expect(moved).toBeLessThanOrEqual(most * (1 + 1e-6))
        expect(moved).toBeGreaterThan(most * (1 - 1e-6))
        const { assetHeld, cashHeld } = await at.holdings()
        expect([assetHeld - held.assetHeld, cashHeld - held.cashHeld]).toEqual([assetAmount, cashAmount])
        expect([assetHeld, cashHeld]).toEqual(await at.balances())
      })
    },
  )

  test.each([true, false])('is within the slippage of the proven spot, at the last unit (sale: %s)', async (isSale) => {
    await at.figures(isSale ? 60n * E12 : -60n * E12)
    // The pool's fee takes 30 of 90 bps: spot may be 60 away, less what the trade itself moves.
    const through = isSale ? 50n : -50n
    const beyond = isSale ? 62n : -62n
    await at.undone(async () => {
      const spotE8 = (PRICE * E8 * (BPS + through)) / BPS
      await at.round(spotE8)
      const { assetAmount, cashAmount } = await at.rebalanced()
      const paid = Number(cashAmount) / 1e6 / (-Number(assetAmount) / 1e18) / (Number(spotE8) / 1e8)
      expect(Math.abs(paid - 1)).toBeLessThanOrEqual(Number(hedgeRules.slippageBps) / 1e4)
    })
    await at.undone(async () => {
      await at.round((PRICE * E8 * (BPS + beyond)) / BPS)
      await expectRevert(at.rebalance(), at.agent, 'PoolBeyondSlippage')
    })
  })

  test('is near the pool’s mean: one that somebody moved in the same minute is refused, either way', async () => {
    await at.figures(-3n * E12)
    for (const bps of [55n, -55n]) {
      await at.undone(async () => {
        await at.pool.moveTo(at.signer(ATTACKER), (PRICE * E8 * (BPS + bps)) / BPS)
        await expectRevert(at.rebalance(), at.agent, 'PoolAwayFromMean')
      })
    }
    await at.undone(async () => {
      await at.pool.moveTo(at.signer(ATTACKER), (PRICE * E8 * (BPS - 45n)) / BPS)
      await at.rebalanced()
    })
  })

  test('R164: a pool that is held away for the whole window is held to the proven spot', async () => {
    for (const [isSale, bps] of [
      [true, -2_000n],
      [false, 2_000n],
    ] as const) {
      await at.undone(async () => {
        await at.pool.moveTo(at.signer(ATTACKER), (PRICE * E8 * (BPS + bps)) / BPS)
        await at.settle()
        await at.figures(isSale ? 3n * E12 : -3n * E12)
        await expectRevert(at.rebalance(), at.agent, 'PoolBeyondSlippage')
        // The other way it is a gift.
        await at.figures(isSale ? -3n * E12 : 3n * E12)
        const { assetAmount, cashAmount } = await at.rebalanced()
        const paid = -(Number(cashAmount) * 1e12) / Number(assetAmount)
        if (isSale) expect(paid).toBeLessThan(Number(PRICE) * 0.81)
        else expect(paid).toBeGreaterThan(Number(PRICE) * 1.19)
      })
    }
  })

  test('is of a pool that remembers: one that is younger than the window is refused', async () => {
    const young = await TestHedge.open({ engine, change: { windowSeconds: 86_400n } })
    await young.figures(-E12)
    await expectRevert(young.rebalance(), young.agent, 'PoolMemoryShort')
    await young.settle(PRICE * E8, 86_400n)
    await young.figures(-E12)
    await young.rebalanced()
  })

  test('is refused where the pool has no liquidity, at all or within reach, and the pool stays as it was', async () => {
    const empty = await TestHedge.open({ engine, liquidity: 0n })
    await empty.settle()
    await empty.figures(-E12)
    const before = await empty.pool.priceE8()
    await expectRevert(empty.rebalance(), empty.agent, 'NothingFilled')
    expect(await empty.pool.priceE8()).toBe(before)
    await empty.provide(1_000n)
    await empty.rebalanced()
  })

  test('of few units is held to the spot, whatever the pool rounds by', async () => {
    const least = { bandFloorE12: 1n, bypassE12: 2n * 10n ** 6n, maxTradeE12: E12 }
    const coarse = await TestHedge.open({ engine, asset: 18, cash: 6, change: least })
    await coarse.settle()
    // 10^7 units of the asset are less than one of cash.
    await coarse.figures(10n)
    await expectRevert(coarse.rebalance(), coarse.agent, 'SlippageExceeded', [0n, 1n])
    await coarse.figures(-10n)
    await expectRevert(coarse.rebalance(), coarse.agent, 'SlippageExceeded', [2n, 0n])
    await coarse.figures(-E12 / 10n)
    await coarse.rebalanced()
  })
})

describe('R166: whoever is not the pool', () => {
  test('is paid nothing, nor is the pool outside a trade', async () => {
    const at = await TestHedge.open({ engine })
    const pool = at.pool.pool.target as string
    for (const [a, b] of [
      [1n, -1n],
      [-1n, 1n],
    ] as const) {
      const asked = at.call(ANYBODY, 'uniswapV3SwapCallback', a, b, '0x')
      await expectRevert(asked, at.agent, 'NotThePool', [await at.address(ANYBODY), pool])
    }
    const { chain } = engine
    await chain.request('hardhat_impersonateAccount', pool)
    await chain.request('hardhat_setBalance', pool, '0xde0b6b3a7640000')
    const asPool = at.agent.connect((await chain.ethers.getSigner(pool)) as never) as Contract
    const owed = asPool.getFunction('uniswapV3SwapCallback')(5n, -1n, '0x')
    await expectRevert(owed, at.agent, 'OwedBeyondLimit', [5n, 0n])
  })
})

/** A token that misbehaves from when it is told to. */
const bending = (body: string) => coin(18, `bool private _isBent; function bend() external { _isBent = true; } ${body}`)
const keepsFee = bending(
  'function _update(address a, address b, uint256 v) internal override { super._update(a, b, _isBent && v > 100 ? v - 1 : v); }',
)
const saysNo = bending(
  'function transfer(address to, uint256 v) public override returns (bool) { return _isBent ? false : super.transfer(to, v); }',
)
const saysNoToAll = bending(
  'function transferFrom(address a, address b, uint256 v) public override returns (bool) { return _isBent ? false : super.transferFrom(a, b, v); }',
)

describe('R166: a token', () => {
  const sides = [
    ['asset', 'sold', 2n * E12],
    ['asset', 'bought', -2n * E12],
    ['cash', 'paid', -2n * E12],
    ['cash', 'got', 2n * E12],
  ] as const

  test.each(sides)('that keeps a fee is refused: %s that is %s', async (side, _how, deltaE12) => {
    const at = await TestHedge.open({ engine, asset: 18, cash: 18, [side]: keepsFee })
    await at.settle()
    await at.figures(deltaE12)
    await at.undone(() => at.rebalanced())
    const held = [await at.holdings(), await at.balances()]
    const token = at.pool[side]
    await mined(token.getFunction('bend')())
    await expectRevert(at.rebalance(), at.agent, 'TransferDiffers')
    const name = side === 'asset' ? 'fundAsset' : 'fundCash'
    await expectRevert(at.call(COUNCIL, name, 1_000n), at.agent, 'TransferDiffers', [token.target, 999n, 1_000n])
    expect([await at.holdings(), await at.balances()]).toEqual(held)
  })

  test.each(sides)('that says no is refused: %s that is %s', async (side, how, deltaE12) => {
    const at = await TestHedge.open({ engine, asset: 18, cash: 18, [side]: saysNo })
    await at.settle()
    await at.figures(deltaE12)
    await at.undone(() => at.rebalanced())
    const held = [await at.holdings(), await at.balances()]
    await mined(at.pool[side].getFunction('bend')())
    // The pool says it of what it pays, this contract of what it does.
    if (how === 'bought' || how === 'got') await expectRevert(at.rebalance(), at.agent, 'PoolRefused', ['TF'])
    else await expectRevert(at.rebalance(), at.agent, 'SafeERC20FailedOperation', [at.pool[side].target])
    expect([await at.holdings(), await at.balances()]).toEqual(held)
  })

  test('that says no when it is asked for is not counted as brought', async () => {
    const at = await TestHedge.open({ engine, cash: saysNoToAll })
    await mined(at.call(COUNCIL, 'fundCash', 5n))
    await mined(at.pool.cash.getFunction('bend')())
    const refused = at.call(COUNCIL, 'fundCash', 5n)
    await expectRevert(refused, at.agent, 'SafeERC20FailedOperation', [at.pool.cash.target])
  })

  test.each(['rebalance', 'fundCash', 'absorb', 'withdrawCash'])(
    'that calls %s from within a trade is refused',
    async (name) => {
      const at = await TestHedge.open({ engine, cash: reentrantCoin })
      await at.settle()
      await at.figures(-2n * E12)
      const { interface: calls } = at.agent
      const args = { rebalance: [at.roundArgument], fundCash: [1n], absorb: [], withdrawCash: [1n, at.agent.target] }
      const again = calls.encodeFunctionData(name, args[name as keyof typeof args])
      const selector = calls.getFunction(name)?.selector
      await mined(engine.council.getFunction('setTargetFunctionRole')(at.agent, [selector], 2n ** 64n - 1n))
      await at.undone(() => mined(at.rebalance(KEEPER)))
      const held = [await at.holdings(), await at.balances()]
      await mined(at.pool.cash.getFunction('arm')(at.agent, again))
      await expectRevert(at.rebalance(), at.agent, 'ReentrancyGuardReentrantCall')
      expect([await at.holdings(), await at.balances()]).toEqual(held)
    },
  )
})
