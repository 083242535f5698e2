/** Where in an inbox a market begins, and how it goes on with another source or other signers. */
import { type Contract, zeroPadValue } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { INITIAL_MULTIPLIER_X18 } from '../../prover/parameters/defaultPolicy.ts'
import { initialState, type Observation } from '../../prover/parameters/marketRisk.ts'
import { type InboxPlace, placeToBegin, placeToGoOn } from '../../prover/registry/market/place.ts'
import { pack, unpack } from '../../prover/statement/words.ts'
import { ewma } from '../../prover/volatility/ewma.ts'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import { packState } from '../../prover/statement/marketState.ts'
import { deployFeed, Engine, EWMA, freshness, type Market } from './engine.ts'
import { uncheckedSource } from './uncheckedSource.ts'

const PRICE_E8 = 50_100n * 10n ** 8n
const HOUR = 3600n
const DAY = 24n * HOUR
const VOLATILITY_X24 = 12n << 20n

let engine: Engine
let registry: Contract
let btc: Market

beforeAll(async () => {
  engine = await Engine.start(1)
  registry = engine.registry
  ;[btc] = engine.markets as [Market]
  await engine.observe(btc, PRICE_E8)
  await engine.land(engine.batch([btc]))
})

async function undone(body: () => Promise<void>): Promise<void> {
  const kept = engine.markets.map((market) => ({ ...market, waiting: [...market.waiting] }))
  try {
    await engine.chain.undone(body)
  } finally {
    engine.markets.splice(kept.length)
    for (const [i, market] of engine.markets.entries()) Object.assign(market, kept[i])
  }
}

const provider = () => engine.chain.ethers.provider as never
const inboxOf = (source: Contract, marketId = btc.marketId) => ({
  source: source.target as string,
  marketId,
  fromBlock: 0,
})

describe('R43: a market begins at an observation of the last 30 days', () => {
  const marketId = marketIdOf('NEW')
  const stateAt = (first: Observation) =>
    initialState(ewma, first, VOLATILITY_X24, INITIAL_MULTIPLIER_X18, engine.policyOf(btc))

  /** A source with hourly observations, the place of the first of them that matters, and what a call says of it. */
  async function begun(observations: number, choice: 'latest' | 'lasting' = 'latest') {
    await mined(registry.getFunction('setMarketPolicy')(marketId, pack('marketPolicy', btc.policy)))
    const source = await engine.chain.deploy(uncheckedSource())
    const append = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const asOf = (await engine.chain.now()) + HOUR
        await engine.chain.setTime(asOf)
        const observation = { priceE8: PRICE_E8 + BigInt(i), asOf, impliedVolatilityX16: 0n, rangeCode: 0n }
        await mined(source.getFunction('append')(marketId, pack('observation', observation)))
        waiting.push(observation)
      }
    }
    const waiting: Observation[] = []
    await append(observations)
    const start = await placeToBegin(provider(), inboxOf(source, marketId), choice)
    if (start === undefined) throw new Error('The source has nothing.')
    const { place, observation } = start
    const state = stateAt(observation)
    const add = (change: Partial<InboxPlace> = {}) =>
      registry.getFunction('addMarket')(marketId, source, EWMA, packState(state), { ...place, ...change })
    return { source, append, add, place, state, waiting }
  }

  test('so a call that was scheduled 48 hours before lands, and what came since is proven', async () => {
    await undone(async () => {
      const { append, add, place, state, source, waiting } = await begun(3)
      await append(48)
      const [event] = eventsOf(await mined(add()), registry)
      expect(event?.args.inboxCount).toBe(3n)
      const market: Market = {
        ...{ marketId, feed: source, state, sequence: 0n, policy: btc.policy, waiting: waiting.slice(3) },
        inboxHead: engine.extendHead(place.previousHead, unpack('observation', place.observation)),
        inboxCount: 3n,
      }
      engine.markets.push(market)
      await engine.land(engine.batch([market], 48, 'catchUp'))
      expect((await registry.getFunction('parameters')(marketId)).sequence).toBe(1n)
    })
  })

  test('at exactly the observation that it says: no other word, head or number', async () => {
    await undone(async () => {
      const { append, add, place } = await begun(5)
      await append(2)
      const unknown = (change: Partial<InboxPlace>) => expectRevert(add(change), registry, 'PlaceUnknown')
      await unknown({ observation: place.observation ^ 1n })
      await unknown({ previousHead: `0x${'11'.repeat(32)}` })
      await unknown({ count: place.count + 1n })
      await unknown({ count: place.count - 1n })
      const later = unpack('observation', place.observation)
      const moved = pack('observation', { ...later, asOf: later.asOf + 1n })
      await expectRevert(add({ observation: moved }), registry, 'InitialStateElsewhere')
      await mined(add())
    })
  })

  test('as long as the source holds its head: 63 observations later, or for ever where it is the 32nd', async () => {
    await undone(async () => {
      const { append, add } = await begun(5)
      await append(63)
      await engine.chain.undone(async () => mined(add()))
      await append(1)
      await expectRevert(add(), registry, 'PlaceUnknown')
    })
    await undone(async () => {
      const { append, add, place } = await begun(40, 'lasting')
      expect(place.count).toBe(32n)
      await append(200)
      await mined(add())
    })
  })

  test('to the second', async () => {
    await undone(async () => {
      const { add, state } = await begun(1)
      const last = state.volatility.asOf + 30n * DAY
      await engine.chain.setNextTime(last)
      await engine.chain.undone(async () => mined(add()))
      await engine.chain.setTime(last + 1n)
      await expectRevert(add(), registry, 'InitialStateTooOld')
    })
  })
})

describe('R44: the source of a market is replaced without its state', () => {
  type NewSource = { readonly source: Contract; append(seconds: bigint): Promise<Observation> }
  async function newSource(): Promise<NewSource> {
    const source = await engine.chain.deploy(uncheckedSource())
    return {
      source,
      append: async (seconds) => {
        const asOf = (await engine.chain.now()) + seconds
        await engine.chain.setTime(asOf)
        const observation = { priceE8: PRICE_E8 + 7n, asOf, impliedVolatilityX16: 0n, rangeCode: 0n }
        await mined(source.getFunction('append')(btc.marketId, pack('observation', observation)))
        return observation
      },
    }
  }
  const standing = () => ({
    state: packState(btc.state),
    ...{ inboxHead: btc.inboxHead, inboxCount: btc.inboxCount, source: btc.feed.target },
  })
  const rotate = (source: Contract) => mined(registry.getFunction('rotateSource')(btc.marketId, source))
  const asStranger = () => registry.connect(engine.chain.signers[4] as never) as Contract
  const follow = (place: InboxPlace, next: readonly bigint[], from = standing()) =>
    asStranger().getFunction('followSource')(btc.marketId, from, place, next)
  const placeIn = (source: Contract) => placeToGoOn(provider(), inboxOf(source), btc.state.volatility.asOf)

  /** What the prover believes after a follow. */
  async function takeOver(source: Contract, place: InboxPlace): Promise<void> {
    const [event] = eventsOf(await mined(follow(place, (await placeIn(source)).next)), registry)
    const { inboxHead, inboxCount } = event?.args.toObject() ?? {}
    Object.assign(btc, { feed: source, inboxHead, inboxCount })
  }

  test('it goes on at the next observation of the new one; sequence, state and parameters stay', async () => {
    await undone(async () => {
      const { source, append } = await newSource()
      await append(1n)
      await engine.observe(btc, PRICE_E8)
      await engine.land(engine.batch([btc]))
      const before = (await registry.getFunction('parameters')(btc.marketId)).toObject()
      const later = await append(1n)
      await rotate(source)
      expect(await registry.getFunction('sourceOf')(btc.marketId)).toBe(source.target)
      const { place, next } = await placeIn(source)
      expect([place.count, next.length]).toEqual([1n, 1])
      await takeOver(source, place)
      expect((await registry.getFunction('parameters')(btc.marketId)).toObject()).toEqual(before)
      btc.waiting = [later]
      await engine.land(engine.batch([btc]))
      expect((await registry.getFunction('parameters')(btc.marketId)).sequence).toBe(before.sequence + 1n)
    })
  })

  test('a batch on its way from the old source lands until somebody lets the market follow, and not after', async () => {
    await undone(async () => {
      const { source, append } = await newSource()
      await append(1n)
      await engine.observe(btc, PRICE_E8)
      const batch = engine.batch([btc])
      await append(1n)
      await rotate(source)
      await engine.chain.undone(async () => mined(engine.proveAndSubmit(batch)))
      await mined(follow((await placeIn(source)).place, (await placeIn(source)).next))
      await expectRevert(engine.proveAndSubmit(batch), registry, 'StateMismatch')
    })
  })

  test('nobody chooses where: earlier counts a time twice, later leaves one out', async () => {
    await undone(async () => {
      const { source, append } = await newSource()
      const words: bigint[] = []
      words.push(pack('observation', await append(1n)))
      words.push(pack('observation', await append(1n)))
      await engine.observe(btc, PRICE_E8)
      await engine.land(engine.batch([btc]))
      words.push(pack('observation', await append(1n)))
      words.push(pack('observation', await append(1n)))
      await expectRevert(
        follow({ count: 0n, previousHead: btc.inboxHead, observation: 0n }, []),
        registry,
        'SourceAlreadyFollowed',
      )
      await rotate(source)
      const { place, next } = await placeIn(source)
      expect([place.count, next]).toEqual([2n, words.slice(2, 3)])
      const at = (count: number): InboxPlace => ({
        ...{ count: BigInt(count), observation: words[count - 1] as bigint },
        previousHead: words
          .slice(0, count - 1)
          .reduce((head, word) => engine.extendHead(head, unpack('observation', word)), headBefore),
      })
      const headBefore = await startHeadOf(source)
      await expectRevert(follow(at(1), words.slice(1, 2)), registry, 'PlaceNotNext')
      await expectRevert(follow(at(3), words.slice(3)), registry, 'PlaceNotNext')
      await expectRevert(follow(at(2), []), registry, 'PlaceNotNext')
      await expectRevert(follow(at(2), words.slice(3)), registry, 'PlaceUnknown')
      await expectRevert(
        follow({ count: 0n, previousHead: headBefore, observation: 0n }, words.slice(2)),
        registry,
        'PlaceUnknown',
      )
      const wrong = { ...standing(), inboxCount: btc.inboxCount + 1n }
      await expectRevert(follow(at(2), words.slice(2), wrong), registry, 'StateMismatch')
      await mined(follow(at(2), words.slice(2)))
    })
  })

  test('it is found in a source that is older than what is known of its events; where too little is known, that is said', async () => {
    await undone(async () => {
      const { source, append } = await newSource()
      for (let i = 0; i < 32; i++) await append(1n)
      const known = (await engine.chain.ethers.provider.getBlockNumber()) + 1
      for (let i = 0; i < 13; i++) await append(1n)
      const late = (await engine.chain.ethers.provider.getBlockNumber()) + 1
      await engine.observe(btc, PRICE_E8)
      await engine.land(engine.batch([btc]))
      await rotate(source)
      const from = (fromBlock: number) =>
        placeToGoOn(provider(), { ...inboxOf(source), fromBlock }, btc.state.volatility.asOf)
      // The newest of all is not later than the state: nothing else need be known.
      expect(await from(late)).toEqual(await placeIn(source))
      await append(1n)
      const { place, next } = await placeIn(source)
      expect([place.count, next.length]).toEqual([45n, 1])
      expect(await from(known)).toEqual({ place, next })
      await expect(from(late)).rejects.toMatchObject({ code: 'registry.rpc', message: expect.stringContaining('33') })
      await mined(follow(place, next))
    })
  })

  test('at the newest of the new one, where none is later than its state, it waits for the next', async () => {
    await undone(async () => {
      const { source, append } = await newSource()
      await append(1n)
      await engine.observe(btc, PRICE_E8)
      await engine.land(engine.batch([btc]))
      await rotate(source)
      const { place, next } = await placeIn(source)
      expect([place.count, next]).toEqual([1n, []])
      const missing = marketIdOf('NONE')
      const ofMissing = registry.getFunction('followSource').staticCall(missing, standing(), place, next)
      await expectRevert(ofMissing, registry, 'UnknownMarket', [missing])
      await takeOver(source, place)
      btc.waiting = [await append(1n)]
      await engine.land(engine.batch([btc]))
    })
  })

  test('of a source that died before the new one began, it goes on at the new one’s first', async () => {
    await undone(async () => {
      const { source, append } = await newSource()
      const first = await append(DAY)
      await rotate(source)
      const { place, next } = await placeIn(source)
      expect(place.count).toBe(0n)
      await takeOver(source, place)
      btc.waiting = [first]
      expect(next).toEqual([pack('observation', first)])
      await engine.land(engine.batch([btc]))
    })
  })

  test('a source without an observation is refused, and so is a market that there is not', async () => {
    const { source } = await newSource()
    const empty = registry.getFunction('rotateSource').staticCall(btc.marketId, source)
    await expectRevert(empty, registry, 'SourceWithoutObservation', [btc.marketId, source.target])
    const missing = marketIdOf('MISSING')
    await expectRevert(registry.getFunction('rotateSource').staticCall(missing, source), registry, 'UnknownMarket', [
      missing,
    ])
  })

  test('R41: and the time that the old source was paused counts as none, before and after, until the new one is proven', async () => {
    await undone(async () => {
      const margin = async () =>
        (await registry.getFunction('parametersForLiquidation')(btc.marketId))[0].maintenanceMarginX24
      const stood = await margin()
      const old = zeroPadValue(engine.feed.target as string, 32)
      await mined(registry.getFunction('pause')(old))
      await mined(registry.getFunction('holdPause')(old))
      const { source, append } = await newSource()
      await append(5n * DAY)
      await rotate(source)
      expect(await margin()).toBe(stood)
      await takeOver(source, (await placeIn(source)).place)
      expect(await margin()).toBe(stood)
      // The pause of a source that it left does not hold its clock for ever.
      const grace = freshness.maxParameterAgeSeconds
      await engine.chain.setTime((await engine.chain.now()) + 2n * grace + 8n * HOUR)
      expect(await margin()).toBe(freshness.maintenanceMarginCapX24)
    })
  })

  const liquidationMargin = async (): Promise<bigint> =>
    (await registry.getFunction('parametersForLiquidation')(btc.marketId))[0].maintenanceMarginX24
  const idOf = (source: Contract): string => zeroPadValue(source.target as string, 32)
  const pauseOf = (source: Contract) => mined(registry.getFunction('pause')(idOf(source)))
  const hold = (source: Contract) => mined(registry.getFunction('holdPause')(idOf(source)))

  test('nobody chooses a number that shares its place with the true one', async () => {
    await undone(async () => {
      const { source, append } = await newSource()
      for (let i = 0; i < 3; i++) await append(1n)
      await engine.observe(btc, PRICE_E8)
      await engine.land(engine.batch([btc]))
      await append(1n)
      await rotate(source)
      const { place, next } = await placeIn(source)
      for (const turns of [1n, 2n ** 100n]) {
        const aliased = follow({ ...place, count: place.count + 64n * turns }, next)
        await expectRevert(aliased, registry, 'PlaceUnknown')
      }
      await mined(follow(place, next))
    })
  })

  test('R41: a pause of the source that it left long ago stops no read for liquidation', async () => {
    await undone(async () => {
      const { source, append } = await newSource()
      await append(DAY)
      await rotate(source)
      await takeOver(source, (await placeIn(source)).place)
      const pausedAt = (await engine.chain.now()) + freshness.maxParameterAgeSeconds + HOUR
      await engine.chain.setTime(pausedAt)
      await pauseOf(engine.feed)
      await engine.chain.setTime(pausedAt + HOUR)
      expect(await liquidationMargin()).toBe(freshness.maintenanceMarginCapX24)
    })
  })

  test('R41: what a paused source said is not read as the new one’s, followed or not, until that is proven', async () => {
    await undone(async () => {
      const { source, append } = await newSource()
      await append(1n)
      await engine.observe(btc, PRICE_E8)
      await engine.land(engine.batch([btc]))
      await pauseOf(engine.feed)
      const { until } = await registry.getFunction('pauseOf')(idOf(engine.feed))
      const read = () => registry.getFunction('parameters')(btc.marketId)
      const closed = () => expectRevert(read(), registry, 'MarketPaused', [btc.marketId, until])
      await closed()
      const waiting = [await append(1n)]
      await rotate(source)
      await closed()
      await takeOver(source, (await placeIn(source)).place)
      await closed()
      btc.waiting = [...waiting, await append(10n)]
      await engine.land(engine.batch([btc]))
      await closed()
      await engine.land(engine.batch([btc]))
      expect((await read()).sequence).toBe(btc.sequence)
    })
  })

  test('R41: nor does one of a source that it was to go to, and did not', async () => {
    await undone(async () => {
      const { source, append } = await newSource()
      await append(1n)
      await rotate(source)
      await pauseOf(source)
      await hold(source)
      await rotate(engine.feed)
      await engine.chain.setTime((await engine.chain.now()) + 2n * DAY)
      expect(await liquidationMargin()).toBe(freshness.maintenanceMarginCapX24)
    })
  })

  test('R41: what its source was paused for counts as none, however often it is to go elsewhere', async () => {
    await undone(async () => {
      const stood = await liquidationMargin()
      await pauseOf(engine.feed)
      await hold(engine.feed)
      for (let i = 0; i < 2; i++) {
        const { source, append } = await newSource()
        await append(DAY)
        await rotate(source)
        expect(await liquidationMargin()).toBe(stood)
      }
    })
  })

  async function startHeadOf(source: Contract): Promise<string> {
    const { keccak256, AbiCoder } = await import('ethers')
    const types = ['address', 'uint256', 'bytes32']
    return keccak256(AbiCoder.defaultAbiCoder().encode(types, [source.target, 31337n, btc.marketId]))
  }
})

describe('R45: the signers of a source', () => {
  test('are replaced by the council: the old ones attest no longer, the inbox goes on', async () => {
    await undone(async () => {
      const feed = await deployFeed(engine.chain, engine.council, engine.feedSigners)
      const [first, second, third] = engine.feedSigners.map(({ address }) => address) as [string, string, string]
      const set = (signers: readonly string[], threshold: number) =>
        feed.getFunction('setCommittee')(signers, threshold)
      await expectRevert(set([first, second], 3), feed, 'ThresholdOutOfRange', [3n, 2n])
      await expectRevert(set([first, second], 0), feed, 'ThresholdOutOfRange', [0n, 2n])
      await expectRevert(set([second, first], 1), feed, 'SignersNotIncreasing')
      await mined(set([first, second], 2))
      expect([await feed.getFunction('signers')(), await feed.getFunction('threshold')()]).toEqual([
        [first, second],
        2n,
      ])
      expect(await feed.getFunction('isSigner')(third)).toBe(false)
    })
  })

  test('lose one at once to the guardian, as long as the others reach the threshold', async () => {
    await undone(async () => {
      const feed = await deployFeed(engine.chain, engine.council, engine.feedSigners)
      const [first, second, third] = engine.feedSigners.map(({ address }) => address) as [string, string, string]
      const revoke = (signer: string) => feed.getFunction('revokeSigner')(signer)
      await expectRevert(revoke(btc.feed.target as string), feed, 'UnknownSigner')
      const [event] = eventsOf(await mined(revoke(second)), feed)
      expect([event?.name, event?.args.signer]).toEqual(['SignerRevoked', second])
      expect(await feed.getFunction('signers')()).toEqual([first, third])
      await expectRevert(revoke(second), feed, 'UnknownSigner', [second])
      // Two are left, and two must sign.
      await expectRevert(revoke(first), feed, 'ThresholdOutOfReach', [2n, 1n])
      await mined(feed.getFunction('setCommittee')([first, third], 1))
      await mined(revoke(first))
      await expectRevert(revoke(third), feed, 'ThresholdOutOfReach', [1n, 0n])
    })
  })

  test('and what a revoked one has signed is refused, while the others go on with the same inbox', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8)
      const [first] = engine.feedSigners
      const leaked = await engine.chain.undone(async () => {
        await mined(engine.feed.getFunction('revokeSigner')(first?.address))
        const failed = engine.observe(btc, PRICE_E8)
        await expectRevert(failed, engine.feed, 'UnknownSigner', [first?.address])
        return true
      })
      expect(leaked).toBe(true)
      await engine.land(engine.batch([btc]))
    })
  })
})
