/** A market goes over to prices at another scale: its state, its rounds, and what was proven or reported at the one before. */
import { Contract } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { defaultPlausibility } from '../../prover/market/plausibility.ts'
import { rescaleState } from '../../prover/market/priceScale.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import {
  attestedFeedOf,
  attestObservation,
  feedDomain,
  policyWordsOf,
  type ProvenPortfolio,
  type RoundWords,
  submitObservations,
} from '../../prover/registry/index.ts'
import { placeToGoOn } from '../../prover/registry/market/place.ts'
import { packState } from '../../prover/statement/marketState.ts'
import { unpack } from '../../prover/statement/words.ts'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import type { CompiledContract } from '../../scripts/tools/chains/compileContract.ts'
import {
  type Account,
  type ArrayKey,
  amountsWords,
  E8,
  E12,
  MARKET,
  PortfolioEngine,
  policy,
} from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'
import { Engine, EWMA, type Market } from './engine.ts'
import { feedSigners, LiveEngine } from './liveEngine.ts'
import { uncheckedSource } from './uncheckedSource.ts'

const STRANGER = 4
type Scales = readonly { readonly marketId: string; readonly scale: number }[]

describe('R111: a market follows a source of another scale', () => {
  const MARKET_ID = marketIdOf('PEPE-USD')
  /** Of one unit; at this scale a thousand times as much. */
  const PRICES_E8 = [50_100n * E8, 50_250n * E8, 50_400n * E8] as const
  const SCALE = -3
  let engine: Engine
  let registry: Contract
  let market: Market
  let shadow: Market

  beforeAll(async () => {
    engine = await Engine.start(0)
    registry = engine.registry
    market = await engine.addMarket(MARKET_ID)
    await engine.observe(market, PRICES_E8[0])
    await engine.land(engine.batch([market]))
    shadow = await engine.addShadow(market, EWMA)
  })

  const sourceAt = (scales: Scales): Promise<Contract> => {
    const signers = engine.feedSigners.map(({ address }) => address)
    const door = { ...defaultPlausibility, leastSpacingSeconds: 1n }
    return engine.chain.deploy('ScaledFeed', engine.council, signers, 2, 100, door, scales)
  }
  const rotate = (source: Contract, by = 0) =>
    (registry.connect(engine.chain.signers[by] as never) as Contract).getFunction('rotateSource')(MARKET_ID, source)

  /** Anybody lets a market, or its shadow, follow. */
  async function follow(source: Contract, of: Market = market) {
    const inbox = { source: source.target as string, marketId: MARKET_ID, fromBlock: 0 }
    const provider = engine.chain.ethers.provider as never
    const { place, next } = await placeToGoOn(provider, inbox, of.state.volatility.asOf)
    const standing = {
      state: packState(of.state),
      ...{ inboxHead: of.inboxHead, inboxCount: of.inboxCount, source: of.feed.target },
    }
    const stranger = registry.connect(engine.chain.signers[STRANGER] as never) as Contract
    return stranger.getFunction('followSource')(of.marketId, standing, place, next)
  }

  /** A source that the market does not follow yet tells a price at the chain's next second. */
  async function tell(source: Contract, priceE8: bigint): Promise<void> {
    const waiting = engine.markets.map((each) => [...each.waiting])
    await engine.observe({ ...market, feed: source, waiting: [] }, priceE8)
    for (const [i, each] of engine.markets.entries()) each.waiting = waiting[i] ?? []
  }

  const undone = async (body: () => Promise<void>) => {
    const kept = [market, shadow].map((each) => ({ ...each, waiting: [...each.waiting] }))
    try {
      await engine.chain.undone(body)
    } finally {
      for (const [i, each] of [market, shadow].entries()) Object.assign(each, kept[i])
    }
  }

  test('when governance says so, with its state told at that scale, and its shadow too', async () => {
    await undone(async () => {
      const source = await sourceAt([{ marketId: MARKET_ID, scale: SCALE }])
      await expectRevert(rotate(source), registry, 'SourceWithoutObservation')
      await tell(source, PRICES_E8[1] / 1000n)
      await expectRevert(rotate(source, STRANGER), registry, 'AccessManagedUnauthorized')
      await mined(rotate(source))
      for (const each of [market, shadow]) {
        const [event] = eventsOf(await mined(follow(source, each)), registry)
        expect(event?.name).toBe('SourceFollowed')
        expect(event?.args.state.toObject()).toEqual(packState(rescaleState(each.state, SCALE)))
      }
      const { shadow: held } = await registry.getFunction('shadowOf')(MARKET_ID, EWMA)
      expect(held.state.toObject()).toEqual(packState(rescaleState(shadow.state, SCALE)))
    })
  })

  test('and a batch that was proven before is of no use after it', async () => {
    await undone(async () => {
      const source = await sourceAt([{ marketId: MARKET_ID, scale: SCALE }])
      await tell(source, PRICES_E8[1] / 1000n)
      await engine.observe(market, PRICES_E8[1])
      const before = engine.batch([market])
      await mined(rotate(source))
      await engine.chain.undone(async () => mined(engine.proveAndSubmit(before)))
      await mined(follow(source))
      await expectRevert(engine.proveAndSubmit(before), registry, 'StateMismatch')
    })
  })

  /** The market follows a source that tells prices so many times as small, and the prover with it. */
  async function followed(source: Contract, parts: bigint): Promise<void> {
    const [event] = eventsOf(await mined(follow(source)), registry)
    const { inboxHead, inboxCount } = event?.args.toObject() ?? {}
    const logs = await source.queryFilter('ObservationAppended')
    const waiting = logs.map((log) => unpack('observation', (log as unknown as { args: { word: bigint } }).args.word))
    const state = rescaleState(market.state, parts === 1n ? 0 : SCALE)
    Object.assign(market, { feed: source, inboxHead, inboxCount, state, waiting })
  }

  /** Parameters after two more prices, from a source that tells them so many times as large. */
  async function parametersFrom(scales: Scales, parts: bigint): Promise<readonly bigint[]> {
    let proven: readonly bigint[] = []
    await undone(async () => {
      const source = await sourceAt(scales)
      await tell(source, PRICES_E8[1] / parts)
      await mined(rotate(source))
      await tell(source, PRICES_E8[2] / parts)
      await followed(source, parts)
      await engine.land(engine.batch([market], market.waiting.length, 'catchUp'))
      const { volatilityX24, initialMarginX24, maintenanceMarginX24 } =
        await registry.getFunction('parameters')(MARKET_ID)
      proven = [volatilityX24, initialMarginX24, maintenanceMarginX24]
    })
    return proven
  }

  test('and its next return is the market’s: parameters are those of one scale throughout', async () => {
    const expected = await parametersFrom([], 1n)
    const found = await parametersFrom([{ marketId: MARKET_ID, scale: SCALE }], 1000n)
    for (const [i, value] of found.entries()) expect(Number(value) / Number(expected[i])).toBeCloseTo(1, 5)
  })

  test('but not one whose scale there is none of, nor where no state would hold its price', async () => {
    const saying = (scale: number): CompiledContract =>
      uncheckedSource(`function priceScale(bytes32) external pure returns (int256) { return ${scale}; }`)
    for (const scale of [-7, 13]) {
      await undone(async () => {
        const source = await engine.chain.deploy(saying(scale))
        await tell(source, PRICES_E8[1])
        await mined(rotate(source))
        const places = await engine.chain.ethers.getContractAt('ScaledFeed', source.target as string)
        const args = [MARKET_ID, BigInt(scale), -6n, 12n]
        await expectRevert(follow(source), places, 'PriceScaleOutOfRange', args)
      })
    }
    const said = async (scale: number, priceE8: bigint): Promise<Contract> => {
      const source = await engine.chain.deploy(saying(scale))
      await tell(source, priceE8)
      await mined(rotate(source))
      return source
    }
    await undone(async () => void (await mined(follow(await said(12, PRICES_E8[1])))))
    // A price of ten thousand steps is less than one of a millionth of the unit.
    await undone(async () => {
      const source = await said(0, 10_000n)
      await followed(source, 1n)
      await engine.land(engine.batch([market]))
      const scaledFeed = await sourceAt([])
      const low = rescaleState(market.state, -4)
      expect(low.volatility.lnPriceX26).toBeLessThan(1n << 26n)
      await expectRevert(follow(await said(-6, 1n)), scaledFeed, 'PriceBeyondScale')
      await mined(follow(await said(-4, 1n)))
    })
  })
})

describe('R112: rounds at another scale', () => {
  const EXPIRY = 2_000_000_000n
  const SCALE = 9
  const key: ArrayKey = {
    expiry: EXPIRY,
    strikesE8: Array.from({ length: 6 }, (_, i) => (80_000n + BigInt(i) * 1000n) * E8),
  }
  let engine: PortfolioEngine
  let account: Account
  let scaled: Contract

  beforeAll(async () => {
    engine = await PortfolioEngine.start()
    account = {
      signer: (await engine.chain.signers[STRANGER]?.getAddress()) as string,
      positions: [{ expiry: EXPIRY, strikeE8: key.strikesE8[0] as bigint, callsE12: E12, putsE12: 0n }],
      holdings: { perpsE12: 0n, cashE12: E12, perpPnlE12: 0n },
      collateralAmounts: amountsWords(),
    }
    await engine.report(account)
    const signers = engine.roundSigners.map(({ address }) => address)
    scaled = await engine.chain.deploy('ScaledRounds', engine.council, signers, 2, 300, [
      { marketId: MARKET, scale: SCALE },
    ])
  })

  const words = () => policyWordsOf(policy)
  const setRounds = (source: Contract, by = 0) =>
    (engine.arrays.connect(engine.chain.signers[by] as never) as Contract).getFunction('setRounds')(source, words())
  const accept = (scale: number) => engine.arrays.getFunction('acceptPriceScale')(scale)
  const refused = (call: Promise<unknown>, error: string, args?: readonly unknown[], by = engine.registry) =>
    expectRevert(call, by, error, args)

  async function undone(body: () => Promise<void>): Promise<void> {
    const { rounds } = engine
    try {
      await engine.chain.undone(body)
    } finally {
      Object.assign(engine, { rounds })
    }
  }

  /** Governance sets the source, and rounds are published there from now on. */
  async function migrate(source = scaled): Promise<void> {
    await mined(setRounds(source))
    Object.assign(engine, { rounds: source })
  }

  async function marginOf(round: RoundWords): Promise<{ books: ProvenPortfolio[]; margin: ProvenPortfolio }> {
    const books = await engine.books(round, account, [key])
    return { books, margin: await engine.margin(round, [account], [books]) }
  }
  const land = (round: RoundWords, { books, margin }: Awaited<ReturnType<typeof marginOf>>) =>
    engine.send(engine.marginCall(round, [{ account: account.signer, books }], margin))

  test('are set by governance alone, with a policy, and the scale is the source’s', async () => {
    await undone(async () => {
      expect(await engine.arrays.getFunction('priceScale')()).toBe(0n)
      await refused(setRounds(scaled, STRANGER), 'AccessManagedUnauthorized', undefined, engine.arrays)
      const before = await engine.client.policy()
      const [, event] = eventsOf(await mined(setRounds(scaled)), engine.arrays)
      expect(event?.name).toBe('RoundsSet')
      expect(event?.args.toArray()).toEqual([scaled.target, engine.rounds.target, BigInt(SCALE)])
      expect(await engine.arrays.getFunction('priceScale')()).toBe(BigInt(SCALE))
      expect((await engine.client.policy()).version).toBe(before.version + 1n)
    })
  })

  test('end what was proven before: no round, no array, no margin of the scale before lands', async () => {
    await undone(async () => {
      const round = await engine.round([EXPIRY])
      await mined(engine.landArrays(round, [key]))
      const proven = await marginOf(round)
      await engine.chain.undone(async () => mined(land(round, proven)))
      await mined(setRounds(scaled))
      await refused(land(round, proven), 'RoundUnknown')
      // Of the very words, published by the new source, nothing else fits either.
      Object.assign(engine, { rounds: scaled })
      await engine.publish(round)
      await refused(land(round, proven), 'AccountAtAnotherScale', [account.signer, 0n, BigInt(SCALE)])
    })
  })

  test('wait for the venue: it says the scale in force, and no other, before anything is reported', async () => {
    await undone(async () => {
      await engine.report(account)
      await migrate()
      const notInForce = (given: number) => [BigInt(given), BigInt(SCALE)]
      await refused(engine.report(account).catch(raw), 'PriceScaleNotInForce', notInForce(0))
      await refused(accept(SCALE - 1), 'PriceScaleNotInForce', notInForce(SCALE - 1), engine.arrays)
      await mined(accept(SCALE))
      await engine.report(account)
      expect((await engine.client.account(account.signer)).priceScale).toBe(SCALE)
    })
  })

  test('need every account reported anew: none is proven, healthy or not, at a scale that it was not reported at', async () => {
    await undone(async () => {
      await migrate()
      await mined(accept(SCALE))
      const round = await engine.round([EXPIRY])
      await mined(engine.landArrays(round, [key]))
      const args = [account.signer, 0n, BigInt(SCALE)]
      const old = await marginOf(round)
      await refused(land(round, old), 'AccountAtAnotherScale', args)
      const witness = await engine.witness(round, account, old.books)
      const shown = { account: account.signer, books: old.books }
      await refused(engine.send(engine.witnessCall(round, shown, witness)), 'AccountAtAnotherScale', args)
      await expect(
        engine.client.requireScale(SCALE, [await engine.client.account(account.signer)]),
      ).rejects.toMatchObject({
        code: 'registry.account-at-another-scale',
        message: expect.stringContaining('1,000,000,000 units'),
      })
      await expect(engine.client.requireScale(0, [])).rejects.toMatchObject({
        code: 'registry.price-scale-not-in-force',
        unitsInForce: '1000000000',
      })
      await engine.report(account)
      await engine.client.requireScale(SCALE, [await engine.client.account(account.signer)])
      await mined(land(round, await marginOf(round)))
    })
  })

  test('R113: thresholds tell their scale, and are gone with a report at another', async () => {
    await undone(async () => {
      const round = await engine.round([EXPIRY])
      await mined(engine.landArrays(round, [key]))
      await mined(land(round, await marginOf(round)))
      const unsafe = () => engine.registry.getFunction('unsafeThresholds')(account.signer)
      expect((await engine.client.thresholds(account.signer)).priceScale).toBe(0n)
      await engine.report(account)
      expect((await unsafe()).proven.priceScale).toBe(0n)
      await migrate()
      await mined(accept(SCALE))
      await engine.report(account)
      await refused(unsafe(), 'ThresholdsNotProven')
      const later = await engine.round([EXPIRY])
      await mined(engine.landArrays(later, [key]))
      await mined(land(later, await marginOf(later)))
      expect((await engine.client.thresholds(account.signer)).priceScale).toBe(BigInt(SCALE))
    })
  })

  test('go back as they came', async () => {
    await undone(async () => {
      const { rounds } = engine
      await migrate()
      await migrate(rounds)
      await engine.report(account)
      const round = await engine.round([EXPIRY])
      await mined(engine.landArrays(round, [key]))
      await mined(land(round, await marginOf(round)))
    })
  })
})

describe('R111: a batch that was really proven before a market went over', () => {
  const MARKET_NAME = 'BTC-USD'

  test('is refused by name when it is submitted, and one of the new scale lands', async () => {
    const engine = await LiveEngine.start(['marketRisk8x2'], { [MARKET_NAME]: 7_900n })
    const { chain, client, deployment } = engine
    await engine.observe({ [MARKET_NAME]: 7_950n })
    const before = await engine.prove('marketRisk8x2')
    const { signers = [], threshold, maxConfidenceBps } = attestedFeedOf(deployment)
    const scales = [{ marketId: marketIdOf(MARKET_NAME), scale: -3 }]
    const door = { ...defaultPlausibility, leastSpacingSeconds: 1n }
    const { council, registry } = deployment.addresses
    const feed = await chain.deploy('ScaledFeed', council, signers, threshold, maxConfidenceBps, door, scales)
    const asOf = (await chain.now()) + 60n
    await chain.setTime(asOf)
    const observation = {
      ...{ marketId: marketIdOf(MARKET_NAME), priceE8: 7_960n * E8, asOf, impliedVolatilityX16: 0n },
      ...{ rangeCode: 0n, confidenceE8: 0n, deadline: asOf + 600n },
    }
    const told = { ...observation, priceE8: observation.priceE8 / 1000n }
    const domain = feedDomain(deployment.chainId, feed.target as string)
    const signed = await attestObservation(domain, feedSigners.slice(0, 2), told)
    await submitObservations(chain.signers[3] as never, feed.target as string, [signed])
    const governed = new Contract(registry, interfaceOf('RiskRegistry'), chain.signers[0] as never)
    await mined(governed.getFunction('rotateSource')(marketIdOf(MARKET_NAME), feed))
    await client.followSource(MARKET_NAME)
    await expect(client.submit(before)).rejects.toMatchObject({
      ...{ code: 'registry.batch-at-another-scale', market: MARKET_NAME, units: '1', unitsInForce: '0.001' },
    })
    const after = await engine.prove('marketRisk8x2')
    expect(await client.submit(after)).toMatchObject({ status: 'applied' })
    await engine.close()
  })
})

/** What a client's error was made of. */
const raw = (error: unknown): never => {
  throw (error as { cause?: unknown }).cause ?? error
}
