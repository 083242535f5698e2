/** What a guardian can stop at once, what that costs nobody, and how it ends. */
import { type Contract, zeroPadValue } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { GUARDIAN_ROLE, selectorsOf } from '../../prover/registry/authority.ts'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { expectRevert } from '../reverts.ts'
import { Engine, freshness, type Market, modelIdOf, models as sizes } from './engine.ts'

const PRICE_E8 = 50_100n * 10n ** 8n
const DAY = 86_400n
const PAUSE_SECONDS = 3n * DAY
const REST_SECONDS = 7n * DAY
const HELD = 2n ** 40n - 1n
const HOUR = 3600n

let engine: Engine
let registry: Contract
let models: Contract
let guardian: { readonly registry: Contract; readonly models: Contract; readonly address: string }
let btc: Market
let other: Market
let sourceId: string

beforeAll(async () => {
  engine = await Engine.start(3)
  registry = engine.registry
  models = engine.modelRegistry
  const [, signer] = engine.chain.signers
  const address = (await signer?.getAddress()) ?? ''
  const { council } = engine
  const role = (target: Contract, contract: 'RiskRegistry' | 'ModelRegistry') =>
    mined(council.getFunction('setTargetFunctionRole')(target, selectorsOf(contract, 'guardian'), GUARDIAN_ROLE))
  await role(registry, 'RiskRegistry')
  await role(models, 'ModelRegistry')
  await mined(council.getFunction('grantRole')(GUARDIAN_ROLE, address, 0))
  guardian = {
    registry: registry.connect(signer as never) as Contract,
    models: models.connect(signer as never) as Contract,
    address,
  }
  ;[btc, other] = engine.markets as [Market, Market]
  sourceId = zeroPadValue(engine.feed.target as string, 32)
  for (const market of engine.markets) await engine.observe(market, PRICE_E8)
  await engine.land(engine.batch(engine.markets))
})

/** Puts the chain back afterwards, and what this test believes of its markets. */
async function undone(body: () => Promise<void>): Promise<void> {
  const kept = engine.markets.map((market) => ({ ...market, waiting: [...market.waiting] }))
  try {
    await engine.chain.undone(body)
  } finally {
    for (const [i, market] of engine.markets.entries()) Object.assign(market, kept[i])
  }
}
const pause = (id: string) => mined(guardian.registry.getFunction('pause')(id))
const pauseModel = (name: string) => mined(guardian.models.getFunction('pause')(modelIdOf(name)))
const untilOf = async (id: string, of = registry): Promise<bigint> => (await of.getFunction('pauseOf')(id)).until
const read = (market: Market) => registry.getFunction('parameters')(market.marketId)
const forLiquidation = async (market: Market): Promise<bigint> => {
  const [tightened] = await registry.getFunction('parametersForLiquidation')(market.marketId)
  return tightened.maintenanceMarginX24
}

describe('R41: a guardian pauses', () => {
  test('a market at once: nothing moves it, nobody opens on it, and the others go on', async () => {
    await undone(async () => {
      for (const market of [btc, other]) await engine.observe(market, PRICE_E8)
      const receipt = await pause(btc.marketId)
      const until = (await engine.chain.now()) + PAUSE_SECONDS
      expect(eventsOf(receipt, registry).map(({ name, args }) => [name, ...args])).toEqual([
        ['Paused', btc.marketId, until],
      ])
      expect(await registry.getFunction('pausedUntil')(btc.marketId)).toBe(until)
      expect(await registry.getFunction('pausedUntil')(other.marketId)).toBe(0n)
      const refused = engine.proveAndSubmit(engine.batch([btc, other]))
      await expectRevert(refused, registry, 'MarketPaused', [btc.marketId, until])
      await expectRevert(read(btc), registry, 'MarketPaused', [btc.marketId, until])
      await expectRevert(registry.getFunction('initialMarginWad')(btc.marketId), registry, 'MarketPaused')
      await engine.land(engine.batch([other]))
      expect((await read(other)).sequence).toBe(2n)
      const [held] = await registry.getFunction('unsafeParameters')(btc.marketId)
      expect(held.sequence).toBe(1n)
    })
  })

  test('a source, and so all markets that it feeds', async () => {
    await undone(async () => {
      for (const market of [btc, other]) await engine.observe(market, PRICE_E8)
      await pause(sourceId)
      const until = await untilOf(sourceId)
      for (const market of [btc, other]) {
        const refused = engine.proveAndSubmit(engine.batch([market]))
        await expectRevert(refused, registry, 'MarketPaused', [market.marketId, until])
        await expectRevert(read(market), registry, 'MarketPaused', [market.marketId, until])
      }
    })
  })

  test('a model: it moves nothing, another of its family does, and what is in force is read', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8)
      await pauseModel('live')
      const until = await untilOf(modelIdOf('live'), models)
      const refused = engine.proveAndSubmit(engine.batch([btc]))
      await expectRevert(refused, models, 'ModelPaused', [modelIdOf('live'), until])
      expect((await read(btc)).sequence).toBe(1n)
      await engine.land(engine.batch([btc], 1, 'odd'))
      expect((await read(btc)).sequence).toBe(2n)
    })
  })

  test('and nothing else: neither holds, lifts nor disables; a stranger does not even pause', async () => {
    const unauthorized = (call: Promise<unknown>, address: string) =>
      expectRevert(call, registry, 'AccessManagedUnauthorized', [address])
    await undone(async () => {
      await pause(btc.marketId)
      for (const method of ['holdPause', 'liftPause'])
        await unauthorized(guardian.registry.getFunction(method).staticCall(btc.marketId), guardian.address)
      for (const method of ['holdPause', 'liftPause', 'disable'])
        await unauthorized(guardian.models.getFunction(method).staticCall(modelIdOf('live')), guardian.address)
    })
    const [, , stranger] = engine.chain.signers
    const address = (await stranger?.getAddress()) ?? ''
    const theirs = registry.connect(stranger as never) as Contract
    await unauthorized(theirs.getFunction('pause').staticCall(btc.marketId), address)
  })

  test('nothing by a name that nothing has', async () => {
    const shadow = btc.marketId.slice(0, -2).concat('01')
    const nobody = zeroPadValue(guardian.address, 32)
    for (const id of [marketIdOf('BTC-UDS'), shadow, nobody]) {
      await expectRevert(guardian.registry.getFunction('pause').staticCall(id), registry, 'UnknownMarket', [id])
    }
    const unknown = modelIdOf('unknown')
    await expectRevert(guardian.models.getFunction('pause').staticCall(unknown), models, 'ModelNotActive', [
      unknown,
      0n,
    ])
  })
})

describe('R41: a pause ends', () => {
  test('by itself after three days, to the second', async () => {
    await undone(async () => {
      await engine.neverStale()
      await pause(btc.marketId)
      await pauseModel('live')
      const until = await untilOf(btc.marketId)
      await engine.chain.setTime(until - 1n)
      expect(await registry.getFunction('pausedUntil')(btc.marketId)).toBe(until)
      await engine.chain.setTime(until)
      expect(await registry.getFunction('pausedUntil')(btc.marketId)).toBe(0n)
      await expectRevert(read(btc), registry, 'ParametersStale')
      await engine.observe(btc, PRICE_E8, 2n)
      await engine.land(engine.batch([btc]))
      expect((await read(btc)).sequence).toBe(2n)
    })
  })

  test('sooner if the council lifts it, and not at all while the council holds it', async () => {
    await undone(async () => {
      await pause(btc.marketId)
      await mined(registry.getFunction('holdPause')(btc.marketId))
      expect(await untilOf(btc.marketId)).toBe(HELD)
      await mined(registry.getFunction('holdPause')(btc.marketId)) // said twice, meant once
      await engine.chain.setTime((await engine.chain.now()) + 100n * DAY)
      await expectRevert(read(btc), registry, 'MarketPaused', [btc.marketId, HELD])
      // Another pause that ends by itself does not end this one.
      await pause(other.marketId)
      await mined(registry.getFunction('liftPause')(other.marketId))
      await expectRevert(read(btc), registry, 'MarketPaused', [btc.marketId, HELD])
      await mined(registry.getFunction('liftPause')(btc.marketId))
      await expectRevert(read(btc), registry, 'ParametersStale')
      for (const method of ['holdPause', 'liftPause'])
        await expectRevert(registry.getFunction(method).staticCall(btc.marketId), registry, 'NotPaused', [btc.marketId])
      await engine.observe(btc, PRICE_E8)
      await engine.land(engine.batch([btc]))
    })
  })

  test('and is not begun again within a week, by a stolen key or another', async () => {
    await undone(async () => {
      await pause(btc.marketId)
      const until = await untilOf(btc.marketId)
      const again = () => guardian.registry.getFunction('pause').staticCall(btc.marketId)
      const tooSoon = () => expectRevert(again(), registry, 'PausedLately', [btc.marketId, until, until + REST_SECONDS])
      await tooSoon()
      await engine.chain.setTime(until + REST_SECONDS - 1n)
      await tooSoon()
      await engine.chain.setTime(until + REST_SECONDS)
      await again()
    })
  })
})

describe('R41: the pause of a model that is disabled', () => {
  test('is lifted as any other, and no longer holds the clock of its family', async () => {
    await undone(async () => {
      await pauseModel('live')
      await mined(models.getFunction('holdPause')(modelIdOf('live')))
      await mined(models.getFunction('disable')(modelIdOf('live')))
      await expectRevert(guardian.models.getFunction('pause').staticCall(modelIdOf('live')), models, 'PausedLately')
      await engine.observe(btc, PRICE_E8)
      await engine.land(engine.batch([btc], 1, 'odd'))
      await mined(models.getFunction('liftPause')(modelIdOf('live')))
      await engine.chain.setTime((await engine.chain.now()) + 2n * DAY)
      expect(await forLiquidation(btc)).toBe(freshness.maintenanceMarginCapX24)
    })
  })
})

/** Accounts of a market: what each has left of equity for a unit of notional. */
const accounts = (count: number): readonly bigint[] => {
  const random = new Random(41n)
  return Array.from({ length: count }, () => random.below(1n << 23n))
}

/** How many healthy accounts are liquidatable at some hour of a day in which the price stands still. */
async function changedSides(equities: readonly bigint[], begin: bigint): Promise<number> {
  const healthy = equities.filter((equity) => equity >= startMargin)
  let worst = 0n
  for (let hour = 0n; hour <= 24n; hour++) {
    await engine.chain.setTime(begin + hour * HOUR)
    for (const market of engine.markets) {
      const margin = await forLiquidation(market)
      if (margin > worst) worst = margin
    }
  }
  return healthy.filter((equity) => equity < worst).length
}

let startMargin: bigint

describe('R41: at a constant price a pause of 24 hours', () => {
  const equities = accounts(1000)

  test.each(['every market', 'the source', 'every model'])(
    'of %s makes none of 1,000 accounts liquidatable',
    async (what) => {
      await undone(async () => {
        startMargin = await forLiquidation(btc)
        if (what === 'every market') for (const market of engine.markets) await pause(market.marketId)
        if (what === 'the source') await pause(sourceId)
        if (what === 'every model') for (const name of Object.keys(sizes)) await pauseModel(name)
        const begin = await engine.chain.now()
        const changed = await changedSides(equities, begin + 1n)
        console.log(`paused ${what} for 24 h: ${changed} of ${equities.length} accounts changed side`)
        expect(changed).toBe(0)
      })
    },
  )

  test('is no outage: one that nobody declared makes hundreds liquidatable', async () => {
    await undone(async () => {
      startMargin = await forLiquidation(btc)
      const changed = await changedSides(equities, (await engine.chain.now()) + 1n)
      console.log(`an undeclared outage of 24 h: ${changed} of ${equities.length} accounts changed side`)
      expect(changed).toBeGreaterThan(500)
    })
  })

  test('leaves reads as they stood, also in the middle of an outage, and goes on from there', async () => {
    await undone(async () => {
      const { asOf } = (await registry.getFunction('unsafeParameters')(btc.marketId))[0]
      const staleFrom = asOf + freshness.maxParameterAgeSeconds
      await engine.chain.setTime(staleFrom + 2n * HOUR - 1n)
      await pause(btc.marketId)
      const stood = await forLiquidation(btc)
      expect(stood).toBeGreaterThan(startMargin)
      const { since, until } = await registry.getFunction('pauseOf')(btc.marketId)
      const grace = freshness.maxParameterAgeSeconds
      for (const time of [since + 1n, since + DAY, until, until + grace]) {
        await engine.chain.setTime(time)
        expect([time, await forLiquidation(btc)]).toEqual([time, stood])
      }
      await engine.chain.setTime(until + grace + HOUR)
      expect(await forLiquidation(btc)).toBe(stood + freshness.stalenessAddOnPerHourX24)
      // The market beside it was not paused.
      expect(await forLiquidation(other)).toBe(freshness.maintenanceMarginCapX24)
    })
  })

  test('counts once where pauses overlap, and not at all where it ended before the data', async () => {
    await undone(async () => {
      const { asOf } = (await registry.getFunction('unsafeParameters')(btc.marketId))[0]
      await pause(btc.marketId)
      const first = (await registry.getFunction('pauseOf')(btc.marketId)).since
      await engine.chain.setTime(first + DAY)
      await pause(sourceId)
      const { until } = await registry.getFunction('pauseOf')(sourceId)
      const hours = 3n
      const age = freshness.maxParameterAgeSeconds
      // Age stood still from the first pause to the grace after the second one.
      await engine.chain.setTime(until + age + hours * HOUR)
      const [tightened, stale] = await registry.getFunction('parametersForLiquidation')(btc.marketId)
      expect(stale).toBe(true)
      const staleSeconds = BigInt(first) - BigInt(asOf) + hours * HOUR - age
      const addOn = (freshness.stalenessAddOnPerHourX24 * staleSeconds + HOUR - 1n) / HOUR
      expect(tightened.maintenanceMarginX24).toBe(startMargin + addOn)
      await engine.observe(btc, PRICE_E8)
      await engine.land(engine.batch([btc]))
      const proven = (await registry.getFunction('unsafeParameters')(btc.marketId))[0]
      await engine.chain.setTime(proven.asOf + age + HOUR)
      expect(await forLiquidation(btc)).toBe(proven.maintenanceMarginX24 + freshness.stalenessAddOnPerHourX24)
    })
  })
})
