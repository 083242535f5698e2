import type { Contract } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Fields } from '../../circuits/statements/index.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { unpack } from '../../prover/statement/words.ts'
import { expectRevert } from '../reverts.ts'
import { Engine, freshness, type Market, type MarketUpdate } from './engine.ts'

const PRICE_E8 = 50_100n * 10n ** 8n
const WAD = 10n ** 18n
const ONE_X24 = 1n << 24n
const { maxParameterAgeSeconds, stalenessAddOnPerHourX24, maintenanceMarginCapX24 } = freshness

let engine: Engine
let registry: Contract
let market: Market
let unproven: Market
let proven: Fields<'parameters'>

beforeAll(async () => {
  engine = await Engine.start(2)
  registry = engine.registry
  ;[market, unproven] = engine.markets as [Market, Market]
  await engine.observe(market, PRICE_E8)
  const batch = engine.batch([market])
  await engine.land(batch)
  proven = unpack('parameters', (batch.updates[0] as MarketUpdate).parameters)
})

type Read = Fields<'parameters'> & { readonly sequence: bigint }

const read = async (): Promise<Read> => (await registry.getFunction('parameters')(market.marketId)).toObject()
const readForLiquidation = async (): Promise<{ tightened: Read; stale: boolean }> => {
  const [tightened, stale] = await registry.getFunction('parametersForLiquidation')(market.marketId)
  return { tightened: tightened.toObject(), stale }
}

/** Runs a body when the data behind the parameters has an age. */
const atAge = (ageSeconds: bigint, body: () => Promise<void>) =>
  engine.chain.undone(async () => {
    await engine.chain.setTime(proven.asOf + ageSeconds)
    await body()
  })

describe('R17: the plain read', () => {
  test('gives every proven field while the data behind it is fresh', async () => {
    for (const age of [1000n, maxParameterAgeSeconds - 1n, maxParameterAgeSeconds]) {
      await atAge(age, async () => expect(await read()).toEqual({ ...proven, sequence: 1n }))
    }
  })

  test('fails closed from the first stale second on', async () => {
    for (const over of [1n, 2n, maxParameterAgeSeconds, 10n ** 8n]) {
      await atAge(maxParameterAgeSeconds + over, async () => {
        await expectRevert(read(), registry, 'ParametersStale', [proven.asOf, proven.asOf + over])
        for (const view of wadViews) {
          await expectRevert(registry.getFunction(view)(market.marketId), registry, 'ParametersStale')
        }
      })
    }
  })

  test('fails before the first proof, and of unknown markets, as every read does', async () => {
    const reads = ['parameters', 'parametersForLiquidation', 'unsafeParameters', 'initialMarginWad'] as const
    for (const marketId of [unproven.marketId, marketIdOf('UNKNOWN')]) {
      for (const name of reads) {
        await expectRevert(registry.getFunction(name)(marketId), registry, 'NotYetProven', [marketId])
      }
    }
  })
})

const wadViews = [
  'initialMarginWad',
  'maintenanceMarginWad',
  'liquidationThresholdWad',
  'maxLoanToValueWad',
  'volatilityWad',
] as const

describe('R17: views in WAD', () => {
  test('round against the account: requirements up, limits down', async () => {
    const expected: Record<(typeof wadViews)[number], bigint> = {
      initialMarginWad: up(proven.initialMarginX24),
      maintenanceMarginWad: up(proven.maintenanceMarginX24),
      liquidationThresholdWad: (proven.liquidationThresholdX24 * WAD) / ONE_X24,
      maxLoanToValueWad: (proven.maxLoanToValueX24 * WAD) / ONE_X24,
      volatilityWad: up(proven.volatilityX24),
    }
    for (const view of wadViews) {
      await atAge(1000n, async () => {
        expect(await registry.getFunction(view)(market.marketId)).toBe(expected[view])
      })
    }
  })

  const up = (valueX24: bigint) => (valueX24 * WAD + ONE_X24 - 1n) / ONE_X24
})

describe('R17: the read for liquidation', () => {
  test('is the plain one while data is fresh', async () => {
    await atAge(maxParameterAgeSeconds, async () => {
      expect(await readForLiquidation()).toEqual({ tightened: { ...proven, sequence: 1n }, stale: false })
    })
  })

  test('never fails, and only tightens with every second of staleness', async () => {
    let last = proven as Fields<'parameters'>
    for (const staleSeconds of [1n, 2n, 60n, 1800n, 3600n, 7200n, 5n * 3600n, 9n * 3600n, 10n ** 6n, 10n ** 9n]) {
      await atAge(maxParameterAgeSeconds + staleSeconds, async () => {
        const { tightened, stale } = await readForLiquidation()
        const addOn = (stalenessAddOnPerHourX24 * staleSeconds + 3599n) / 3600n
        const raised = min(proven.maintenanceMarginX24 + addOn, maintenanceMarginCapX24)
        const rise = raised - proven.maintenanceMarginX24
        expect(stale).toBe(true)
        expect(tightened.maintenanceMarginX24).toBe(raised)
        expect(tightened.initialMarginX24).toBe(max(proven.initialMarginX24, raised))
        expect(tightened.liquidationThresholdX24).toBe(proven.liquidationThresholdX24 - rise)
        expect(tightened.maxLoanToValueX24).toBe(min(proven.maxLoanToValueX24, tightened.liquidationThresholdX24))
        expect(tightened.volatilityX24).toBe(proven.volatilityX24)
        expect(tightened.maintenanceMarginX24).toBeGreaterThanOrEqual(last.maintenanceMarginX24)
        expect(tightened.liquidationThresholdX24).toBeLessThanOrEqual(last.liquidationThresholdX24)
        expect(tightened.maintenanceMarginX24).toBeLessThan(ONE_X24)
        last = tightened
      })
    }
    expect(last.maintenanceMarginX24).toBe(maintenanceMarginCapX24)
  })

  test('never loosens, also when the cap is below the margin in force', async () => {
    await engine.chain.undone(async () => {
      const set = registry.getFunction('setFreshnessPolicy')
      await set({ ...freshness, maintenanceMarginCapX24: proven.maintenanceMarginX24 - 1n })
      await engine.chain.setTime(proven.asOf + 10n ** 6n)
      expect(await readForLiquidation()).toEqual({ tightened: { ...proven, sequence: 1n }, stale: true })
    })
  })

  const min = (a: bigint, b: bigint) => (a < b ? a : b)
  const max = (a: bigint, b: bigint) => (a > b ? a : b)
})

describe('R17: the unsafe read', () => {
  test('tells the age and leaves the judgement to the caller', async () => {
    for (const age of [100n, maxParameterAgeSeconds, 10n ** 8n]) {
      await atAge(age, async () => {
        const [held, ageSeconds] = await registry.getFunction('unsafeParameters')(market.marketId)
        expect(held.toObject()).toEqual({ ...proven, sequence: 1n })
        expect(ageSeconds).toBe(age)
      })
    }
  })
})
