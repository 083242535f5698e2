/** A market tried under every model on a chain, with real circuits, keys and proofs, until the best one takes it over. */
import type { Signer } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type MarketBuildName,
  type VolatilityModelName,
  volatilityModels as volatilityModelRows,
} from '../../circuits/statements/index.ts'
import { rangeCodeUp } from '../../prover/market/range.ts'
import { updateMarket } from '../../prover/parameters/marketRisk.ts'
import { addLoss, NO_SCORE, type Score } from '../../prover/parameters/shadowScore.ts'
import { defaultPolicy } from '../../prover/parameters/defaultPolicy.ts'
import { addShadow, promoteShadow, removeShadow, setPromotionPolicy } from '../../prover/registry/index.ts'
import { makeBundle } from '../../prover/registry/market/bundle.ts'
import { familyOf } from '../../prover/service/workspace.ts'
import { modelNames, volatilityModels } from '../../prover/volatility/models.ts'
import { stateBatch } from '../../prover/statement/marketRisk.ts'
import { buildOf, keysOf, LiveEngine } from '../registry/liveEngine.ts'

const MARKET = 'BTC-USD'
const HOUR = 3_600n
const HOURS = 24
const builds = Object.fromEntries(modelNames.map((name) => [name, familyOf(name).live])) as Record<
  VolatilityModelName,
  MarketBuildName
>
const models = modelNames

let engine: LiveEngine
let council: Signer
/** What the twin makes of each shadow. */
const scores = new Map<string, Score>(models.map((model) => [`${MARKET}~${model}`, NO_SCORE]))

/** Lands whatever waits, family by family: the market beside the shadow of its own model. */
async function land(): Promise<void> {
  for (const build of Object.values(builds)) {
    const next = await engine.client.nextBatch(buildOf(build), engine.keyHash(build))
    if (next.batch === undefined) continue
    const statement = await stateBatch(next.batch)
    for (const [i, name] of next.names.entries()) {
      const score = scores.get(name)
      const [before, after] = [next.batch.markets[i]?.previous.anchor, statement.updates[i]?.state.anchor]
      if (score === undefined || before === undefined || after === undefined) continue
      scores.set(name, addLoss(score, before, after, next.batch.learning))
    }
    const keys = await keysOf(build)
    const { proof } = await engine.prover.prove(keys, statement.circuitInput as never)
    await engine.client.submit(await makeBundle(statement, next.inboxes, next.names, proof, keys.verificationKey))
  }
}

beforeAll(async () => {
  engine = await LiveEngine.start(Object.values(builds), { [MARKET]: 60_000n })
  council = engine.chain.signers[0] as never
  await setPromotionPolicy(council, engine.client, { leastPredictions: BigInt(HOURS), maxMarginStepX24: 1_677_721n })
  await engine.observe({ [MARKET]: 60_100n }, HOUR)
  await land()
  for (const model of models) await addShadow(council, engine.client, { market: MARKET, model })
  for (let hour = 0; hour < HOURS; hour++) {
    await engine.observe({ [MARKET]: 60_000n + BigInt((hour * 37) % 11) * 20n }, HOUR, rangeCodeUp(1_002n, 1_000n))
    await land()
  }
})
afterAll(() => engine.close())

describe('a market and its shadows under three models', () => {
  it('R35: the client knows which is which', async () => {
    expect((await engine.client.markets()).map(({ name }) => name)).toEqual([MARKET])
    const listed = await engine.client.shadows()
    expect(listed.map(({ name, market }) => [name, market])).toEqual(models.map((m) => [`${MARKET}~${m}`, MARKET]))
    const [market, ...shadows] = await Promise.all(
      [MARKET, ...listed.map(({ name }) => name)].map((name) => engine.client.market(name)),
    )
    for (const shadow of shadows) expect(shadow.inbox).toEqual(market?.inbox)
  })

  it('R36: the registry holds the scores that the twin computes, of every hour', async () => {
    for (const [name, score] of scores) {
      expect(score.predictions).toBe(BigInt(HOURS))
      expect(await engine.client.score(name)).toEqual(score)
    }
    const losses = [...scores.values()].map(({ lossDownX44, lossUpX44 }) => lossDownX44 + lossUpX44)
    expect(new Set(losses).size).toBe(models.length)
  })

  it('R37: the better one takes the market over, and moves it on from the margins in force', async () => {
    const before = await engine.client.market(MARKET)
    const best = { market: MARKET, model: 'rangeMixture' } as const
    await promoteShadow(council, engine.client, best)
    const promoted = await engine.client.market(MARKET)
    const shadow = await engine.client.market(`${MARKET}~rangeMixture`)
    const { initialMarginX24, maintenanceMarginX24 } = before.state.anchor
    expect(promoted).toMatchObject({
      sequence: before.sequence,
      parameters: before.parameters,
      inbox: shadow.inbox,
      volatilityModel: volatilityModelRows.rangeMixture.id,
      state: {
        volatility: shadow.state.volatility,
        anchor: { ...shadow.state.anchor, initialMarginX24, maintenanceMarginX24 },
      },
    })
    await engine.observe({ [MARKET]: 60_050n }, HOUR, rangeCodeUp(1_002n, 1_000n))
    const [waiting] = await engine.client.waiting(MARKET)
    const expected = updateMarket(volatilityModels.rangeMixture, promoted.state, [waiting as never], defaultPolicy)
    await land()
    const moved = await engine.client.market(MARKET)
    expect(moved.state).toEqual(expected.state)
    expect(moved.sequence).toBe(before.sequence + 1n)
    // The one that was in force before goes on as a shadow, and cannot come back with a worse score.
    await expect(promoteShadow(council, engine.client, { market: MARKET, model: 'ewma' })).rejects.toMatchObject({
      reason: 'ScoreNotBetter',
    })
  })

  it('R35: a shadow that was removed is read as none, and added again it begins anew', async () => {
    const garch = { market: MARKET, model: 'garch' } as const
    await removeShadow(council, engine.client, garch)
    expect((await engine.client.shadows()).map(({ name }) => name)).not.toContain('BTC-USD~garch')
    await expect(engine.client.market('BTC-USD~garch')).rejects.toMatchObject({ code: 'registry.unknown-market' })
    await addShadow(council, engine.client, garch)
    const again = await engine.client.market('BTC-USD~garch')
    expect(again.sequence).toBe(BigInt(HOURS + 1))
    expect(await engine.client.score('BTC-USD~garch')).toEqual(NO_SCORE)
    scores.set('BTC-USD~garch', NO_SCORE)
    await engine.observe({ [MARKET]: 60_040n }, HOUR)
    await land()
    expect((await engine.client.score('BTC-USD~garch')).predictions).toBe(1n)
    // A client that has seen nothing of it rebuilds the same from the chain.
    expect(await (await engine.connect()).market('BTC-USD~garch')).toEqual(await engine.client.market('BTC-USD~garch'))
  })
})
