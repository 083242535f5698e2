import { type Contract, encodeBytes32String, toBeHex } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Fields } from '../../circuits/statements/index.ts'
import { marketNameOf, ownMarketOf, shadowIdOf } from '../../prover/market/marketId.ts'
import { type Observation, updateMarket } from '../../prover/parameters/marketRisk.ts'
import { addLoss, meanScores, NO_SCORE } from '../../prover/parameters/shadowScore.ts'
import { quantileScore } from '../../prover/parameters/score.ts'
import { stateHashOf } from '../../prover/registry/market/calldata.ts'
import { RegistryClient } from '../../prover/registry/market/client.ts'
import { idOfSource, placeToGoOn } from '../../prover/registry/market/place.ts'
import { pack, unpack } from '../../prover/statement/words.ts'
import { ewma } from '../../prover/volatility/ewma.ts'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import { type Batch, Engine, EWMA, freshness, type Market, modelIdOf, models, withFields } from './engine.ts'
import { uncheckedSource } from './uncheckedSource.ts'
import { packState, asPrevious, type StateWords } from '../../prover/statement/marketState.ts'

/** A family of models beside EWMA. */
const OTHER = 3
const PRICE_E8 = 50_000n * 10n ** 8n
const HOUR = 3_600n

let engine: Engine
let btc: Market
/** The shadow of the model in force, and that of another. */
let control: Market
let other: Market

beforeAll(async () => {
  engine = await Engine.start(2)
  btc = engine.markets[0] as Market
  await engine.registerModel('OTHER', { ...models.live, volatilityModel: OTHER })
  await engine.neverStale()
  control = await engine.addShadow(btc, EWMA)
  other = await engine.addShadow(btc, OTHER)
  await mined(setPolicy(24n, 838_861n))
})

const call = (name: string, ...args: readonly unknown[]) => engine.registry.getFunction(name)(...args)
const ask = (name: string, ...args: readonly unknown[]) => engine.registry.getFunction(name).staticCall(...args)
const setPolicy = (leastPredictions: bigint, maxMarginStepX24: bigint) =>
  call('setPromotionPolicy', { leastPredictions, maxMarginStepX24 })
const promote = (model = OTHER) => ask('promote', btc.marketId, model)
const refused = (refusal: Promise<unknown>, error: string, args?: readonly unknown[]) =>
  expectRevert(refusal, engine.registry, error, args)

/** An honest batch under the other model; the tests' circuit proves whatever is asked. */
const underOther = (batch: Batch): Batch => ({ ...batch, modelId: modelIdOf('OTHER') })
const batchOf = (market: Market, count = 1): Batch => {
  const batch = engine.batch([market], count)
  return market === other ? underOther(batch) : batch
}
const shadowOf = async (model: number) => {
  const [shadow, parameters] = await call('shadowOf', btc.marketId, model)
  return { ...shadow.toObject(), score: unpack('score', shadow.score), parameters }
}

/** Everything inside is undone afterwards, on the chain and in what the test believes of it. */
async function undone(body: () => Promise<void>): Promise<void> {
  const kept = engine.markets.map((market) => ({ ...market, waiting: [...market.waiting] }))
  try {
    await engine.chain.undone(body)
  } finally {
    engine.markets.splice(kept.length)
    for (const [i, market] of kept.entries()) Object.assign(engine.markets[i] as Market, market)
  }
}

/** An hour passes, at whose end a price is attested; market and shadows are moved by it, all or those that are named. */
async function hour(priceE8: bigint, moved: readonly Market[] = [btc, control, other]): Promise<void> {
  await engine.observe(btc, priceE8, HOUR)
  for (const market of moved) await engine.land(batchOf(market))
}

/** Removes a shadow and adds it again, at the latest observation. */
async function beginAgain(shadow: Market, model: number): Promise<void> {
  await mined(call('removeShadow', btc.marketId, model))
  const { sequence } = shadow
  Object.assign(shadow, await engine.addShadow(btc, model), { sequence })
  engine.markets.pop()
}

/** Hours that make shadows eligible, quiet ones. */
async function day(): Promise<void> {
  for (let i = 0n; i < 24n; i++) await hour(PRICE_E8 + (i % 2n) * 10n ** 8n)
}

describe('R35: a shadow', () => {
  test('has an id that no market has, and cannot be read as one', async () => {
    expect(other.marketId).toBe(toBeHex(BigInt(btc.marketId) + BigInt(OTHER), 32))
    expect(ownMarketOf(other.marketId)).toBe(btc.marketId)
    for (const read of ['parameters', 'parametersForLiquidation', 'unsafeParameters', 'initialMarginWad']) {
      await refused(ask(read, other.marketId), 'ShadowNotInForce', [other.marketId])
    }
    const place = await engine.placeIn(engine.feed, btc.marketId)
    const asMarket = [other.marketId, engine.feed, OTHER, packState(other.state), place]
    await refused(ask('addMarket', ...asMarket), 'MarketIdIsShadows', [other.marketId])
  })

  test('is added once, of a market that there is, with its policy, at the source’s latest observation, by the council', async () => {
    const words = packState(other.state)
    const place = await engine.placeIn(engine.feed, btc.marketId)
    const add = (marketId: string, model: number, change: Partial<StateWords> = {}) =>
      ask('addShadow', marketId, model, { ...words, ...change }, place)
    await refused(add(btc.marketId, OTHER), 'MarketAlreadyExists', [other.marketId])
    const missing = encodeBytes32String('MISSING')
    await refused(add(missing, OTHER), 'UnknownMarket', [missing])
    // The shadow of a shadow has no source.
    await refused(add(other.marketId, OTHER), 'UnknownMarket', [other.marketId])
    for (const model of [0, 256]) await refused(add(btc.marketId, model), 'VolatilityModelOutOfRange')
    const fourth = shadowIdOf(btc.marketId, 4)
    await refused(add(btc.marketId, 4), 'MarketPolicyMissing', [fourth])
    await undone(async () => {
      const differs = { ...btc.policy, maxReturnX16: btc.policy.maxReturnX16 + 1n }
      await mined(call('setMarketPolicy', fourth, pack('marketPolicy', differs)))
      await refused(add(btc.marketId, 4), 'ShadowPolicyDiffers')
      await mined(call('setMarketPolicy', fourth, pack('marketPolicy', btc.policy)))
      await refused(add(btc.marketId, 4), 'NoActiveModel', [fourth, 4n])
      await engine.registerModel('FOURTH', { ...models.live, volatilityModel: 4 })
      // What one family alone reads may differ.
      const reversion = { ...btc.policy, longRunVolatilityX16: 40_000n }
      await mined(call('setMarketPolicy', fourth, pack('marketPolicy', reversion)))
      await add(btc.marketId, 4)
      const { asOf } = other.state.volatility
      const withAnchor = (change: Partial<Fields<'anchorState'>>) => ({
        anchorState: withFields('anchorState', words.anchorState, change),
      })
      await refused(add(btc.marketId, 4, withAnchor({ anchorAsOf: asOf + 1n })), 'AnchorInFuture')
      const volatilityState = withFields('volatilityState', words.volatilityState, { asOf: asOf - 1n })
      const early = { volatilityState, ...withAnchor({ anchorAsOf: 1n }) }
      await refused(add(btc.marketId, 4, early), 'InitialStateElsewhere')
      await refused(add(btc.marketId, 4, withAnchor({ maintenanceMarginX24: 0n })), 'MarginsOutOfOrder')
      const stranger = engine.registry.connect(engine.chain.signers[1] as never) as typeof engine.registry
      for (const [name, ...args] of [
        ['addShadow', btc.marketId, 4, words, place],
        ['removeShadow', btc.marketId, OTHER],
        ['promote', btc.marketId, OTHER],
        ['setPromotionPolicy', { leastPredictions: 24, maxMarginStepX24: 0 }],
      ] as const) {
        await refused(stranger.getFunction(name).staticCall(...args), 'AccessManagedUnauthorized')
      }
    })
  })

  test('moves by its own model’s proofs over its market’s observations, in one batch with the market or in its own', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8, 60n)
      await refused(
        engine.proveAndSubmit({ ...batchOf(other), modelId: modelIdOf('live') }),
        'MarketBoundToAnotherModel',
        [other.marketId, BigInt(EWMA), BigInt(OTHER)],
      )
      await refused(engine.proveAndSubmit(underOther(engine.batch([btc]))), 'MarketBoundToAnotherModel')
      await engine.land(engine.batch([btc, control]))
      await engine.land(batchOf(other))
      for (const market of [btc, control, other]) {
        const inbox = { source: btc.feed.target as string, head: market.inboxHead, count: market.inboxCount }
        const model = market === other ? OTHER : EWMA
        expect(await call('stateHash', market.marketId)).toBe(stateHashOf(market.state, inbox, model))
      }
      const held = await shadowOf(OTHER)
      expect(held.state.toObject()).toEqual(packState(other.state))
      expect([held.inboxHead, held.inboxCount]).toEqual([other.inboxHead, other.inboxCount])
    })
  })

  test('may be proven late, and takes observations as its market does: none changed or passed over', async () => {
    await undone(async () => {
      await mined(
        call('setFreshnessPolicy', { ...(await call('freshnessPolicy')).toObject(), maxObservationAgeSeconds: 120n }),
      )
      await engine.observe(btc, PRICE_E8, 60n)
      await engine.observe(btc, PRICE_E8, 60n)
      await engine.chain.setTime((await engine.chain.now()) + 7_200n)
      await refused(engine.proveAndSubmit(engine.batch([btc])), 'ObservationStale')
      other.waiting.reverse()
      await refused(engine.proveAndSubmit(batchOf(other)), 'InboxMismatch')
      other.waiting.reverse()
      await engine.land(batchOf(other))
      const before = batchOf(other)
      await engine.land(batchOf(other))
      await refused(engine.proveAndSubmit(before), 'NothingToApply')
    })
  })

  test('R3: its state is not the market’s, nor the market’s its own', async () => {
    await undone(async () => {
      await hour((PRICE_E8 * 6n) / 5n, [other])
      await engine.observe(btc, PRICE_E8, 60n)
      const theirWords = asPrevious(packState(other.state))
      const honest = engine.batch([btc])
      const [update] = honest.updates
      for (const change of [theirWords, ...Object.entries(theirWords).map(([name, word]) => ({ [name]: word }))]) {
        const presented = { ...honest, updates: [{ ...update, ...change } as never] }
        await refused(engine.proveAndSubmit(presented), 'StateMismatch')
      }
      const theirs = underOther({
        ...honest,
        updates: [{ ...update, marketId: other.marketId, sequence: other.sequence + 1n } as never],
      })
      await refused(engine.proveAndSubmit(theirs), 'StateMismatch')
    })
  })

  test('is removed with its score, and goes on counting when it is added again', async () => {
    await undone(async () => {
      await hour(PRICE_E8)
      expect((await shadowOf(OTHER)).score.predictions).toBe(1n)
      await engine.observe(btc, PRICE_E8, 60n)
      const inFlight = batchOf(other)
      await refused(ask('removeShadow', other.marketId, OTHER), 'UnknownMarket', [other.marketId])
      await mined(call('removeShadow', btc.marketId, OTHER))
      await refused(ask('shadowOf', btc.marketId, OTHER), 'UnknownMarket', [other.marketId])
      await refused(ask('removeShadow', btc.marketId, OTHER), 'UnknownMarket', [other.marketId])
      await refused(promote(), 'UnknownMarket', [other.marketId])
      await refused(engine.proveAndSubmit(inFlight), 'UnknownMarket', [other.marketId])
      const again = await engine.addShadow(btc, OTHER)
      expect((await shadowOf(OTHER)).score).toEqual(NO_SCORE)
      expect(await call('sequence', again.marketId)).toBe(1n)
    })
  })
})

describe('R36: the score of a shadow', () => {
  test('is the quantile loss of every prediction that was tried, each once, as the twin has it', async () => {
    await undone(async () => {
      let score = NO_SCORE
      const trials: { moveDown: number; moveUp: number; realised: number }[] = []
      // Quiet, a fall and a rise beyond what was predicted, and a batch in between that tries nothing.
      for (const factor of [100n, 80n, 120n, 121n]) {
        const { anchor } = other.state
        await hour((PRICE_E8 * factor) / 100n, [btc, other])
        score = addLoss(score, anchor, other.state.anchor, engine.learning)
        trials.push({
          moveDown: Number(anchor.anchorMoveDownX24) / 2 ** 24,
          moveUp: Number(anchor.anchorMoveUpX24) / 2 ** 24,
          realised: Number(other.state.anchor.anchorLnPriceX26 - anchor.anchorLnPriceX26) / 2 ** 26,
        })
        expect((await shadowOf(OTHER)).score).toEqual(score)
        await engine.observe(btc, PRICE_E8, 60n)
        const receipt = await engine.land(batchOf(other))
        expect(eventsOf(receipt, engine.registry).map(({ name }) => name)).not.toContain('ShadowScored')
        expect((await shadowOf(OTHER)).score).toEqual(score)
      }
      const { stepUpX18, stepDownX18 } = engine.learning
      const alpha = Number(stepDownX18) / Number(stepUpX18 + stepDownX18)
      const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value) / values.length
      const found = meanScores(score, engine.learning)
      expect(found.down).toBeCloseTo(mean(trials.map((t) => quantileScore(t.moveDown, -t.realised, alpha))), 10)
      expect(found.up).toBeCloseTo(mean(trials.map((t) => quantileScore(t.moveUp, t.realised, alpha))), 10)
      expect(found.down).toBeGreaterThan(1) // a fall of 20 % beyond the move weighs 200 times
    })
  })

  test('skips no bad hour: a batch tries one prediction, whatever circuit proved it', async () => {
    await undone(async () => {
      // A prediction is due at the first observation, and the one made there at the third.
      await engine.observe(btc, (PRICE_E8 * 4n) / 5n, HOUR)
      await engine.observe(btc, PRICE_E8, 10n)
      await engine.observe(btc, PRICE_E8, HOUR)
      const [dueAt, , triedAt] = control.waiting.map(({ asOf }) => asOf)
      for (const model of ['catchUp', 'odd'] as const) {
        const both = engine.batch([control], 3, model)
        await refused(engine.proveAndSubmit(both), 'ShadowSkipsPrediction', [control.marketId, dueAt, triedAt])
      }
      // The market itself has no score, and catches up as ever.
      await engine.land(engine.batch([btc], 3, 'catchUp'))
      // The first alone, in the middle of a batch, or nowhere in one.
      await engine.land(engine.batch([control], 2, 'catchUp'))
      expect((await shadowOf(EWMA)).score.predictions).toBe(1n)
      await engine.land(engine.batch([control]))
      await engine.land(batchOf(other))
      await engine.land(batchOf(other))
      await engine.land(batchOf(other))
      expect((await shadowOf(EWMA)).score).toEqual((await shadowOf(OTHER)).score)
      expect((await shadowOf(OTHER)).score.predictions).toBe(2n)
    })
  })

  test.each([
    [-1n, 1n],
    [0n, 2n],
    [1n, 2n],
  ])(
    'a second observation %s s from the horizon of the one tried before makes %s of a batch',
    async (seconds, tried) => {
      await undone(async () => {
        const { horizonSeconds } = engine.learning
        const first = other.state.anchor.anchorAsOf + horizonSeconds
        const attested = (asOf: bigint) => ({ priceE8: PRICE_E8, asOf, impliedVolatilityX16: 0n, rangeCode: 0n })
        await engine.chain.setTime(first + 2n * horizonSeconds)
        await engine.append(btc, attested(first))
        await engine.append(btc, attested(first + horizonSeconds + seconds))
        const batch = engine.batch([control], 2, 'catchUp')
        if (tried === 2n) await refused(engine.proveAndSubmit(batch), 'ShadowSkipsPrediction')
        else {
          await engine.land(batch)
          expect((await shadowOf(EWMA)).score.predictions).toBe(1n)
        }
      })
    },
  )

  test('is not what a proof says of it: no call presents one', async () => {
    const submit = engine.registry.interface.getFunction('submit')
    expect(JSON.stringify(submit?.inputs.map((input) => input.format('full')))).not.toMatch(/score|loss/i)
  })
})

describe('R37: before a promotion', () => {
  test('needs a shadow that was tried often enough', async () => {
    await undone(async () => {
      await refused(promote(), 'NotYetProven', [btc.marketId])
      await hour(PRICE_E8)
      await refused(promote(), 'ShadowUnproven', [other.marketId, 1n, 24n])
      for (let i = 0; i < 22; i++) await hour(PRICE_E8)
      await refused(promote(), 'ShadowUnproven', [other.marketId, 23n, 24n])
      await hour(PRICE_E8)
      await promote()
    })
  })
})

describe('R37: a promotion', () => {
  beforeAll(day)

  test('puts the shadow’s state and policy in force with the market’s margins, and the market goes on under its model', async () => {
    await undone(async () => {
      const before = (await call('parameters', btc.marketId)).toObject()
      const receipt = await mined(call('promote', btc.marketId, OTHER))
      const [event] = eventsOf(receipt, engine.registry).filter(({ name }) => name === 'ShadowPromoted')
      const { initialMarginX24, maintenanceMarginX24 } = before
      const anchor = { ...other.state.anchor, initialMarginX24, maintenanceMarginX24 }
      const state = { ...other.state, anchor }
      expect(event?.args.toObject(true)).toMatchObject({
        marketId: btc.marketId,
        volatilityModel: BigInt(OTHER),
        previousModel: BigInt(EWMA),
        state: packState(state),
      })
      expect((await call('parameters', btc.marketId)).toObject()).toEqual(before)
      expect(await call('volatilityModelOf', btc.marketId)).toBe(BigInt(OTHER))
      const inbox = { source: btc.feed.target as string, head: other.inboxHead, count: other.inboxCount }
      expect(await call('stateHash', btc.marketId)).toBe(stateHashOf(state, inbox, OTHER))
      // The old model's proof is another's now; the new one's lands, from the margins in force.
      await engine.observe(btc, PRICE_E8, 60n)
      await refused(engine.proveAndSubmit(engine.batch([btc])), 'MarketBoundToAnotherModel')
      btc.state = state
      await engine.land(underOther(engine.batch([btc])))
      const loosen = (60n * engine.margin.loosenPerSecondX32) >> 8n
      const after = (await call('parameters', btc.marketId)).toObject()
      expect(after.initialMarginX24).toBeGreaterThanOrEqual(before.initialMarginX24 - loosen)
      // The shadows go on, the promoted one as the control of its market.
      await engine.land(batchOf(other))
      await refused(promote(), 'ModelAlreadyInForce', [btc.marketId, BigInt(OTHER)])
    })
  })

  test('is refused where no model is left that could move the market', async () => {
    await undone(async () => {
      await mined(engine.modelRegistry.getFunction('disable')(modelIdOf('OTHER')))
      await refused(promote(), 'NoActiveModel', [btc.marketId, BigInt(OTHER)])
      await engine.registerModel('ANOTHER', { ...models.live, volatilityModel: OTHER })
      await promote()
    })
  })

  test('takes over what the shadow’s policy says of its own model alone', async () => {
    await undone(async () => {
      await engine.setMarketPolicy(other, { longRunVolatilityX16: 40_000n })
      await mined(call('promote', btc.marketId, OTHER))
      expect(await call('marketPolicy', btc.marketId)).toBe(pack('marketPolicy', other.policy))
    })
  })

  test('is refused to a shadow that stands before its market, or on old data', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8, 60n)
      await engine.land(engine.batch([btc]))
      const asOf = other.state.volatility.asOf
      await refused(promote(), 'ShadowStale', [other.marketId, asOf, btc.state.volatility.asOf])
      await engine.land(engine.batch([control]))
      await engine.land(batchOf(other))
      await promote()
      const { maxParameterAgeSeconds } = (await call('freshnessPolicy')).toObject()
      const last = other.state.volatility.asOf + maxParameterAgeSeconds
      await engine.chain.setTime(last)
      await promote()
      await engine.chain.setTime(last + 1n)
      await refused(promote(), 'ShadowStale', [
        other.marketId,
        other.state.volatility.asOf,
        other.state.volatility.asOf + 1n,
      ])
    })
  })

  test('is refused to a shadow that lost more than the control, and where the two cannot be compared', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8, 60n)
      await engine.land(engine.batch([btc, control]))
      await engine.land(batchOf(other))
      await promote() // level: both are EWMA here
      // A shadow that predicts larger moves than the control, and no fall comes.
      await engine.observe(btc, PRICE_E8, 60n)
      const wide = batchOf(other)
      const [update] = wide.updates
      const widened = (anchorState: bigint) => withFields('anchorState', anchorState, { anchorMoveDownX24: 2n ** 23n })
      const changed = { ...update, anchorState: widened(update?.anchorState as bigint) }
      await engine.land({ ...wide, updates: [changed as never] })
      await engine.land(engine.batch([btc, control]))
      await hour(PRICE_E8)
      const [lost, controlLost] = await Promise.all(
        [OTHER, EWMA].map(async (model) => {
          const { score } = await shadowOf(model)
          return score.lossDownX44 + score.lossUpX44
        }),
      )
      await refused(promote(), 'ScoreNotBetter', [other.marketId, lost, controlLost])
      // The council may give up the comparison, in the open.
      await mined(call('removeShadow', btc.marketId, EWMA))
      await promote()
    })
    await undone(async () => {
      await hour(PRICE_E8, [btc, other])
      await refused(promote(), 'ScoresNotComparable', [other.marketId, 25n, 24n])
      await engine.land(batchOf(control))
      await promote()
    })
  })

  test('compares what was tried on the same hours only, as often as it may be', async () => {
    await undone(async () => {
      await day()
      // Anybody may prove one of the two a quiet observation ahead; neither has been tried by it.
      await engine.observe(btc, PRICE_E8, 60n)
      await engine.land(batchOf(control))
      await promote()
      // Begun half an hour apart, as many predictions up to the same observation are not of the same hours.
      await beginAgain(control, EWMA)
      await engine.observe(btc, PRICE_E8, 1_800n)
      await beginAgain(other, OTHER)
      await engine.land(batchOf(control))
      for (let i = 0; i < 48; i++) {
        await engine.observe(btc, PRICE_E8, 1_800n)
        for (const market of [control, other]) await engine.land(batchOf(market))
      }
      expect(control.inboxCount).toBe(other.inboxCount)
      await refused(promote(), 'ScoresNotComparable', [other.marketId, 24n, 24n])
    })
  })

  test('compares no scores that began apart, also where a missing observation has joined them since', async () => {
    await undone(async () => {
      await beginAgain(control, EWMA)
      // A fall that the control alone is tried on.
      const fallenE8 = (PRICE_E8 * 96n) / 100n
      await engine.observe(btc, fallenE8, 1_800n)
      for (const market of [btc, control]) await engine.land(batchOf(market))
      await beginAgain(other, OTHER)
      for (const seconds of [1_800n, 1_800n, 3_600n, ...new Array<bigint>(22).fill(HOUR)]) {
        await engine.observe(btc, fallenE8, seconds)
        for (const market of [btc, control, other]) await engine.land(batchOf(market))
      }
      expect(control.state.anchor.anchorAsOf).toBe(other.state.anchor.anchorAsOf)
      await refused(promote(), 'ScoresNotComparable', [other.marketId, 24n, 24n])
      // Added anew, together, they are compared.
      await beginAgain(control, EWMA)
      await beginAgain(other, OTHER)
      for (let i = 0; i < 24; i++) {
        await engine.observe(btc, fallenE8, HOUR)
        for (const market of [btc, control, other]) await engine.land(batchOf(market))
      }
      await promote()
    })
  })

  describe('while the market’s source is being replaced', () => {
    let source: Contract
    /** The source to come, an hour after the last observation of the one before, both at once. */
    async function replaced(followers: readonly Market[]): Promise<void> {
      await day()
      await engine.observe(btc, PRICE_E8, HOUR)
      const [observation] = btc.waiting
      source = await engine.chain.deploy(uncheckedSource())
      await mined(source.getFunction('append')(btc.marketId, pack('observation', observation as Observation)))
      await mined(call('rotateSource', btc.marketId, source))
      const { place, next } = await placeToGoOn(
        engine.chain.ethers.provider as never,
        { source: source.target as string, marketId: btc.marketId, fromBlock: 0 },
        btc.state.volatility.asOf,
      )
      for (const market of followers) {
        const { inboxHead, inboxCount, feed } = market
        const standing = { state: packState(market.state), inboxHead, inboxCount, source: feed.target }
        const [event] = eventsOf(
          await mined(call('followSource', market.marketId, standing, place, next)),
          engine.registry,
        )
        const followed = event?.args.toObject() ?? {}
        Object.assign(market, { feed: source, inboxHead: followed.inboxHead, inboxCount: followed.inboxCount })
      }
      for (const market of [control, other]) await engine.land(batchOf(market))
    }

    test('is refused where the control still stands in the source before: it was tried on other prices', async () => {
      await undone(async () => {
        await replaced([other])
        await refused(promote(), 'SourceNotFollowed', [control.marketId, source.target])
      })
      await undone(async () => {
        await replaced([control, other])
        await promote()
      })
    })

    test('R41: is how the market follows, so that a pause of the source before no longer holds its clock', async () => {
      await undone(async () => {
        await replaced([control, other])
        await mined(call('promote', btc.marketId, OTHER))
        await mined(call('pause', idOfSource(engine.feed.target as string)))
        await mined(call('holdPause', idOfSource(engine.feed.target as string)))
        await engine.chain.setTime((await engine.chain.now()) + 3n * 24n * HOUR)
        const [tightened] = await call('parametersForLiquidation', btc.marketId)
        expect(tightened.maintenanceMarginX24).toBe(freshness.maintenanceMarginCapX24)
      })
    })

    test('a client knows the source that the market went over to, also where the council has replaced it again since', async () => {
      await undone(async () => {
        await replaced([control, other])
        await mined(call('promote', btc.marketId, OTHER))
        const name = marketNameOf(btc.marketId)
        const toFollow = async () => {
          const provider = engine.chain.ethers.provider as never
          const client = await RegistryClient.connect({ registry: engine.registry.target as string, provider })
          expect((await client.market(name)).inbox.source).toBe(source.target)
          return client.toFollow([name])
        }
        expect(await toFollow()).toEqual([])
        await mined(call('rotateSource', btc.marketId, engine.feed))
        expect(await toFollow()).toEqual([name])
      })
    })
  })

  test('is refused with both numbers where a margin would be moved further than the policy allows', async () => {
    await undone(async () => {
      await engine.observe(btc, PRICE_E8, 60n)
      await engine.land(engine.batch([btc, control]))
      const batch = batchOf(other)
      const [update] = batch.updates as [Batch['updates'][number]]
      const { initialMarginX24 } = btc.state.anchor
      const step = 500_000n
      const bonus = btc.policy.liquidationBonusX16 << 8n
      const shadowInitial = initialMarginX24 + step
      const anchorState = withFields('anchorState', update.anchorState, { initialMarginX24: shadowInitial })
      const parameters = withFields('parameters', update.parameters, {
        initialMarginX24: shadowInitial,
        maxLoanToValueX24: 2n ** 24n - shadowInitial - bonus,
      })
      await engine.land({ ...batch, updates: [{ ...update, anchorState, parameters }] })
      await mined(setPolicy(24n, step))
      await promote()
      await mined(setPolicy(24n, step - 1n))
      await refused(promote(), 'PromotionMovesMargin', [btc.marketId, shadowInitial, initialMarginX24, step - 1n])
    })
  })

  test('is refused where the policies differ in what all models read', async () => {
    await undone(async () => {
      await engine.setMarketPolicy(btc, { liquidationCostX16: btc.policy.liquidationCostX16 + 1n })
      await refused(promote(), 'ShadowPolicyDiffers')
      await engine.setMarketPolicy(other, { liquidationCostX16: btc.policy.liquidationCostX16 })
      await promote()
    })
  })

  test('has a policy within its bounds', async () => {
    const set = (least: bigint, most: bigint) =>
      ask('setPromotionPolicy', { leastPredictions: least, maxMarginStepX24: most })
    const policy: Fields<never> = (await call('promotionPolicy')).toObject()
    expect(policy).toEqual({ leastPredictions: 24n, maxMarginStepX24: 838_861n })
    await set(24n, 1_677_721n)
    await refused(set(23n, 0n), 'PromotionPolicyOutOfRange', [23n, 24n, 2n ** 32n - 1n])
    await refused(set(24n, 1_677_722n), 'PromotionPolicyOutOfRange', [1_677_722n, 0n, 1_677_721n])
  })

  test('waits as long as the council’s delay says', async () => {
    await undone(async () => {
      const delay = 1_800n
      const council = engine.council
      const role = 9n
      const selector = engine.registry.interface.getFunction('promote')?.selector
      const [owner] = engine.chain.signers
      await mined(council.getFunction('setTargetFunctionRole')(engine.registry, [selector], role))
      await mined(council.getFunction('grantRole')(role, await owner?.getAddress(), delay))
      const calldata = engine.registry.interface.encodeFunctionData('promote', [btc.marketId, OTHER])
      await expectRevert(
        engine.registry.getFunction('promote').staticCall(btc.marketId, OTHER),
        council,
        'AccessManagerNotScheduled',
      )
      await mined(council.getFunction('schedule')(engine.registry, calldata, 0))
      await expectRevert(
        council.getFunction('execute').staticCall(engine.registry, calldata),
        council,
        'AccessManagerNotReady',
      )
      await engine.chain.setTime((await engine.chain.now()) + delay)
      await mined(council.getFunction('execute')(engine.registry, calldata))
      expect(await call('volatilityModelOf', btc.marketId)).toBe(BigInt(OTHER))
    })
  })
})

test('R35: what a shadow says equals what the twin computes of its market’s observations', async () => {
  await undone(async () => {
    await engine.observe(btc, PRICE_E8, 60n)
    const expected = updateMarket(ewma, control.state, control.waiting, engine.policyOf(control))
    await engine.land(engine.batch([control]))
    const { parameters, state } = await shadowOf(EWMA)
    expect(parameters).toBe(pack('parameters', expected.parameters) | (control.sequence << 230n))
    expect(state.toObject()).toEqual(packState(expected.state))
  })
})
