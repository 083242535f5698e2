/** The agent trades toward minus the book's net delta in a real pool, within its rules, and says by name why not. */
import { beforeAll, describe, expect, test } from 'vitest'
import { policyWordsOf } from '../../prover/registry/index.ts'
import { encodeBytes32String, type Contract } from 'ethers'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { E12, E8, MARKET, policy, PortfolioEngine } from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'
import {
  ANYBODY,
  COUNCIL,
  FEE_PIPS,
  hedgeRules,
  type HedgeRules,
  KEEPER,
  MAX_COUNT_AGE,
  PRICE,
  TestHedge,
} from '../../scripts/tools/chains/hedgingEngine.ts'

const E18 = 10n ** 18n
let engine: PortfolioEngine

beforeAll(async () => {
  engine = await PortfolioEngine.start()
})

const signOf = (x: bigint): bigint => (x < 0n ? -1n : 1n)

describe.each([
  { asset: 18, cash: 6, isAssetFirst: true },
  { asset: 18, cash: 6, isAssetFirst: false },
  { asset: 8, cash: 18, isAssetFirst: true },
  { asset: 8, cash: 18, isAssetFirst: false },
  { asset: 6, cash: 6, isAssetFirst: false },
  { asset: 18, cash: 18, isAssetFirst: true },
])('R160: with $asset and $cash decimals, asset first: $isAssetFirst, the agent', (setting) => {
  const unit = 10n ** BigInt(setting.asset)
  let at: TestHedge

  beforeAll(async () => {
    at = await TestHedge.open({ engine, ...setting })
    await at.settle()
  })

  test.each([-2n * E12, 2n * E12, -E12 / 4n, 123_456_789n * 10n ** 4n])(
    'brings its position to minus a delta of %i',
    async (deltaE12) => {
      await at.undone(async () => {
        await at.figures(deltaE12)
        const [before, cashBefore] = await at.balances()
        const { assetAmount, cashAmount } = await at.rebalanced()
        const exact = (-deltaE12 * unit) / E12
        expect(assetAmount).toBe(exact)
        expect(signOf(cashAmount)).toBe(-signOf(assetAmount))
        expect(await at.balances()).toEqual([before + assetAmount, cashBefore + cashAmount])
        const { assetHeld, cashHeld, neutralAmount } = await at.holdings()
        expect([assetHeld, cashHeld]).toEqual(await at.balances())
        expect(assetHeld - neutralAmount).toBe(exact)
        const [targetE12, positionE12, bandE12, refusal] = await at.view('assess', at.roundArgument)
        expect([targetE12, positionE12, bandE12]).toEqual([-deltaE12, (exact * E12) / unit, hedgeRules.bandFloorE12])
        expect(at.agent.interface.parseError(refusal)?.name).toBe('GapWithinBand')
      })
    },
  )

  test('R162: reads the pool’s price and mean as they are', async () => {
    await at.figures(-E12)
    const { poolWad, meanWad, spotE8 } = (await at.view('plan', at.roundArgument)).toObject()
    expect(spotE8).toBe(PRICE * E8)
    for (const wad of [poolWad, meanWad]) expect(Number(wad) / Number(PRICE * E18)).toBeCloseTo(1, 3)
    expect(Number(poolWad) / Number(PRICE * E18)).toBeCloseTo(1, 9 < setting.asset ? 5 : 3)
  })
})

describe('what there is to trade', () => {
  let at: TestHedge

  beforeAll(async () => {
    at = await TestHedge.open({ engine })
    await at.settle()
  })

  test('R161: a gap of the band is left alone, one more is traded', async () => {
    const band = hedgeRules.bandFloorE12
    await at.figures(-band)
    await expectRevert(at.rebalance(), at.agent, 'GapWithinBand', [band, band])
    await at.figures(band)
    await expectRevert(at.rebalance(), at.agent, 'GapWithinBand', [-band, band])
    await at.undone(async () => {
      await at.figures(-band - 1n)
      expect((await at.rebalanced()).assetAmount).toBe((band + 1n) * 10n ** 6n)
    })
  })

  test('R160: no trade is beyond the cap; the rest follows after the interval', async () => {
    await at.undone(async () => {
      await at.figures(-8n * E12)
      expect((await at.rebalanced()).assetAmount).toBe(5n * E18)
      const nextAt = (await at.chain.now()) + hedgeRules.intervalSeconds
      await expectRevert(at.rebalance(), at.agent, 'IntervalNotOver', [nextAt, 3n * E12, hedgeRules.bypassE12])
      await at.settle(PRICE * E8, hedgeRules.intervalSeconds - 10n)
      await at.chain.setNextTime(nextAt)
      expect((await at.rebalanced()).assetAmount).toBe(3n * E18)
    })
  })

  test('R165: a gap of the bypass waits for no interval, but for the next second', async () => {
    await at.undone(async () => {
      await at.figures(-hedgeRules.bypassE12 - 5n * E12)
      await at.rebalanced()
      expect((await at.rebalanced()).assetAmount).toBeGreaterThan(0n)
      await expectRevert(at.rebalance(), at.agent, 'IntervalNotOver')
    })
  })

  test('R160: what is held is sold and no more; without any the refusal says so', async () => {
    await at.undone(async () => {
      await at.figures(10n * E12)
      const all = (await at.holdings()).assetHeld
      await mined(at.call(COUNCIL, 'withdrawAsset', all - E18, await at.address(COUNCIL)))
      const { assetAmount } = await at.rebalanced()
      expect(assetAmount).toBe(-E18)
      await at.settle(PRICE * E8, hedgeRules.intervalSeconds)
      await expectRevert(at.rebalance(), at.agent, 'FundsShort', [at.pool.asset.target, 0n])
    })
  })

  test('R160: cash buys what it can at the worst price, and no more', async () => {
    await at.undone(async () => {
      await at.figures(-3n * E12)
      const { cashHeld } = await at.holdings()
      const left = PRICE * 10n ** 6n
      await mined(at.call(COUNCIL, 'withdrawCash', cashHeld - left, await at.address(COUNCIL)))
      const { assetAmount, cashAmount } = await at.rebalanced()
      expect(assetAmount).toBe((left * 10_000n * E18) / (PRICE * 10n ** 6n * (10_000n + hedgeRules.slippageBps)))
      expect(-cashAmount).toBeLessThanOrEqual(left)
      const { cashHeld: rest } = await at.holdings()
      await mined(at.call(COUNCIL, 'withdrawCash', rest, await at.address(COUNCIL)))
      await at.settle(PRICE * E8, hedgeRules.intervalSeconds)
      await expectRevert(at.rebalance(), at.agent, 'FundsShort', [at.pool.cash.target, 0n])
    })
  })
})

describe('R165: figures and rounds', () => {
  let at: TestHedge

  beforeAll(async () => {
    at = await TestHedge.open({ engine })
    await at.settle()
  })

  test('none, too old for the registry or for the rules, are refused; one second younger they are taken', async () => {
    await at.figures(-E12, 0n, 0n)
    await expectRevert(at.rebalance(), engine.counts, 'OpenInterestNotComplete')
    const next = (await at.chain.now()) + 2n
    const limits: readonly (readonly [bigint, Contract, string])[] = [
      [MAX_COUNT_AGE, engine.counts, 'OpenInterestStale'],
      [hedgeRules.maxFiguresAgeSeconds, at.agent, 'FiguresStale'],
    ]
    for (const [age, contract, name] of limits) {
      await at.undone(async () => {
        await at.figures(-E12, 0n, next - age - 1n)
        await at.chain.setNextTime(next)
        await expectRevert(at.rebalance(), contract, name, [next - age - 1n, next - age])
      })
    }
    await at.undone(async () => {
      await at.figures(-E12, 0n, next - hedgeRules.maxFiguresAgeSeconds)
      await at.chain.setNextTime(next)
      await at.rebalanced()
    })
  })

  test.each([
    ['delta', 2n ** 79n - 1n],
    ['gamma', 2n ** 95n - 1n],
  ])('a %s at its limit may be more, and is refused; one less is not', async (greek, limit) => {
    const set = (value: bigint) => (greek === 'delta' ? at.figures(value) : at.figures(-E12, value))
    for (const value of [limit, -limit]) {
      await set(value)
      await expectRevert(at.rebalance(), at.agent, 'GreekAtLimit', [encodeBytes32String(greek), value, limit])
    }
    await set(limit - 1n)
    if (greek === 'delta') await at.undone(() => at.rebalanced())
    else await expectRevert(at.rebalance(), at.agent, 'GapWithinBand')
  })

  test('a round that was overtaken is refused, and an old one, by name', async () => {
    await at.figures(-E12)
    const before = at.roundArgument
    await at.undone(async () => {
      await at.round()
      const overtaken = at.call(KEEPER, 'rebalance', before)
      await expectRevert(overtaken, at.agent, 'RoundNotNewest', [before.asOf, at.newest.asOf])
      await at.rebalanced()
    })
    await at.undone(async () => {
      await at.chain.setTime((await at.chain.now()) + 700n)
      await expectRevert(at.rebalance(), engine.arrays, 'RoundStale')
    })
  })

  test('R167: while the guardian’s pause runs nothing is traded; afterwards it is', async () => {
    await at.figures(-E12)
    await at.undone(async () => {
      const other = encodeBytes32String('other')
      const hedge = encodeBytes32String('hedge')
      await expectRevert(at.call(COUNCIL, 'pause', other), at.agent, 'UnknownPause', [other, hedge])
      await expectRevert(at.call(ANYBODY, 'pause', hedge), at.agent, 'AccessManagedUnauthorized')
      await mined(at.call(COUNCIL, 'pause', hedge))
      const { until } = await at.view('pauseOf', hedge)
      await expectRevert(at.rebalance(), at.agent, 'HedgingPaused', [until])
      await mined(at.call(COUNCIL, 'liftPause', hedge))
      await at.rebalanced()
    })
  })
})

describe('R167: whose what is', () => {
  let at: TestHedge

  beforeAll(async () => {
    at = await TestHedge.open({ engine })
    await at.settle()
    await at.figures(-E12)
  })

  test('the keeper may rebalance and nothing else, nobody else may, and the council opens it to all', async () => {
    const me = await at.address(KEEPER)
    for (const [name, ...args] of [
      ['withdrawAsset', 1n, me],
      ['withdrawCash', 1n, me],
      ['setRules', hedgeRules],
      ['pause', encodeBytes32String('hedge')],
    ] as const) {
      await expectRevert(at.call(KEEPER, name, ...args), at.agent, 'AccessManagedUnauthorized', [me])
    }
    const anybody = await at.address(ANYBODY)
    await expectRevert(at.rebalance(ANYBODY), at.agent, 'AccessManagedUnauthorized', [anybody])
    await at.undone(async () => {
      const selector = at.agent.interface.getFunction('rebalance')?.selector
      const everybody = 2n ** 64n - 1n
      await mined(engine.council.getFunction('setTargetFunctionRole')(at.agent, [selector], everybody))
      await mined(at.rebalance(ANYBODY))
    })
    await at.undone(() => at.rebalanced())
  })

  test('tokens that are sent move no hedge; absorbed they are the treasury’s, as what it brings and takes', async () => {
    await at.undone(async () => {
      const hedge = async (): Promise<bigint> => {
        const { assetHeld, neutralAmount } = await at.holdings()
        return assetHeld - neutralAmount
      }
      await at.rebalanced()
      const before = await hedge()
      const held = await at.holdings()
      for (const token of [at.pool.asset, at.pool.cash]) await mined(token.getFunction('transfer')(at.agent, 1_000n))
      expect(await at.holdings()).toEqual(held)
      await mined(at.call(ANYBODY, 'absorb'))
      const { assetHeld, cashHeld, neutralAmount } = await at.holdings()
      expect([assetHeld, cashHeld]).toEqual([held.assetHeld + 1_000n, held.cashHeld + 1_000n])
      expect(neutralAmount).toBe(held.neutralAmount + 1_000n)
      expect([assetHeld, cashHeld]).toEqual(await at.balances())
      await mined(at.call(COUNCIL, 'withdrawAsset', assetHeld, await at.address(COUNCIL)))
      expect(await hedge()).toBe(before)
      const beyond = at.call(COUNCIL, 'withdrawAsset', 1n, await at.address(COUNCIL))
      await expectRevert(beyond, at.agent, 'BeyondHoldings', [at.pool.asset.target, 1n, 0n])
      const more = at.call(COUNCIL, 'withdrawCash', cashHeld + 1n, await at.address(COUNCIL))
      await expectRevert(more, at.agent, 'BeyondHoldings', [at.pool.cash.target, cashHeld + 1n, cashHeld])
      await mined(at.call(COUNCIL, 'withdrawCash', cashHeld, await at.address(COUNCIL)))
      expect(await at.balances()).toEqual([0n, 0n])
    })
  })

  const most = 2n ** 128n - 1n
  const bounds: Readonly<Record<keyof HedgeRules, readonly [bigint, bigint]>> = {
    bandFloorE12: [1n, hedgeRules.bypassE12],
    riskAversionE12: [1n, E12],
    maxTradeE12: [1n, most],
    bypassE12: [hedgeRules.bandFloorE12, most],
    costBps: [1n, 1_000n],
    slippageBps: [FEE_PIPS / 100n + 1n, 1_000n],
    maxDeviationBps: [1n, 1_000n],
    windowSeconds: [30n, 86_400n],
    intervalSeconds: [1n, 604_800n],
    maxFiguresAgeSeconds: [60n, 604_800n],
  }

  test.each(Object.entries(bounds))('rule %s is within its bounds', async (rule, [least, greatest]) => {
    const set = (value: bigint) => at.call(COUNCIL, 'setRules', { ...hedgeRules, [rule]: value })
    for (const value of [least, greatest]) await at.undone(() => mined(set(value)))
    const beyond = [least - 1n, ...(greatest === most ? [] : [greatest + 1n])]
    for (const value of beyond) {
      // A floor beyond the bypass is the bypass below its floor.
      const about = rule === 'bandFloorE12' ? undefined : [encodeBytes32String(rule), value, least, greatest]
      await expectRevert(set(value), at.agent, 'RuleOutOfRange', about)
    }
  })

  test('what is no pool of the factory, or not of the asset, is refused at deployment', async () => {
    const { chain, council } = engine
    const deploy = (factory: Contract, pool: Contract, asset: Contract) =>
      chain.deploy('HedgingAgent', council, at.counts, factory, pool, asset, hedgeRules)
    const other = await TestHedge.open({ engine, funds: 0n, liquidity: 0n })
    const { factory } = at.uniswap
    await expectRevert(deploy(other.uniswap.factory, at.pool.pool, at.pool.asset), at.agent, 'NotThatFactorysPool')
    await expectRevert(deploy(factory, at.pool.pool, other.pool.asset), at.agent, 'NotInPool')
    await deploy(factory, at.pool.pool, at.pool.asset)
  })

  test.each([
    [5, 6],
    [18, 19],
  ])('tokens of %i and %i decimals are refused at deployment', async (asset, cash) => {
    const opened = TestHedge.open({ engine, asset, cash, liquidity: 0n, funds: 0n })
    await expectRevert(opened, at.agent, 'UnsupportedDecimals')
  })
})

test.each([500n, 10_000n])(
  'R163: in a pool of a fee of %i millionths a trade is within the slippage, which covers the fee',
  async (feePips) => {
    const slippageBps = (3n * feePips) / 100n
    const at = await TestHedge.open({ engine, feePips, change: { slippageBps } })
    await at.settle()
    for (const deltaE12 of [-E12, E12]) {
      await at.undone(async () => {
        await at.figures(deltaE12)
        const { assetAmount, cashAmount } = await at.rebalanced()
        const price = Number(-cashAmount) / 1e6 / (Number(assetAmount) / 1e18)
        const worse = (price / Number(PRICE) - 1) * (assetAmount > 0n ? 1 : -1) * 1e6
        expect(worse).toBeGreaterThanOrEqual(0.99 * Number(feePips))
        expect(worse).toBeLessThanOrEqual(3 * Number(feePips))
      })
    }
    const least = { ...hedgeRules, slippageBps: feePips / 100n }
    const about = [encodeBytes32String('slippageBps'), feePips / 100n, feePips / 100n + 1n, 1_000n]
    await expectRevert(at.call(COUNCIL, 'setRules', least), at.agent, 'RuleOutOfRange', about)
  },
)

test('R160: where prices are of a thousand tokens, so are deltas; an agent of another scale trades nothing', async () => {
  const own = await PortfolioEngine.start()
  const before = await TestHedge.open({ engine: own })
  const signers = own.roundSigners.map(({ address }) => address)
  const scales = [{ marketId: MARKET, scale: 3 }]
  const scaled = await own.chain.deploy('ScaledRounds', own.council, signers, 2, 300, scales)
  await mined(own.arrays.getFunction('setRounds')(scaled, policyWordsOf(policy)))
  Object.assign(own, { rounds: scaled })
  await before.settle()
  await before.figures(-E12)
  await expectRevert(before.rebalance(), before.agent, 'PriceScaleDiffers', [3n, 0n])
  const poolPriceE8 = (PRICE * E8) / 1_000n
  const at = await TestHedge.open({ engine: own, poolPriceE8, liquidity: 1_000_000n, funds: 100_000n })
  await at.settle()
  for (const deltaE12 of [-2n * E12, E12]) {
    await at.figures(deltaE12)
    const { assetHeld, neutralAmount } = await at.holdings()
    const { assetAmount, cashAmount } = await at.rebalanced()
    expect(assetHeld + assetAmount - neutralAmount).toBe(-deltaE12 * 1_000n * 10n ** 6n)
    expect(Number(-cashAmount) / 1e6 / (Number(assetAmount) / 1e18)).toBeCloseTo(2.5, 1)
    await at.settle(PRICE * E8, hedgeRules.intervalSeconds)
  }
})
