/** Every volatility model on a chain: real circuits, keys and proofs, markets bound to one each. */
import { Contract } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultPolicy, withStartingWords } from '../../prover/parameters/defaultPolicy.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { rangeCodeUp } from '../../prover/market/range.ts'
import { updateMarket } from '../../prover/parameters/marketRisk.ts'
import { audit } from '../../prover/audit/index.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { makeBundle } from '../../prover/registry/market/bundle.ts'
import { volatilityModels } from '../../prover/volatility/models.ts'
import { stateBatch } from '../../prover/statement/marketRisk.ts'
import { buildOf, keysOf, LiveEngine } from '../registry/liveEngine.ts'

const markets = [
  { name: 'BTC-USD', model: 'ewma', build: 'marketRisk8x2', price: 60_000n },
  { name: 'ETH-USD', model: 'garch', build: 'marketRiskGarch7x2', price: 3_000n },
  { name: 'SOL-USD', model: 'rangeMixture', build: 'marketRiskRange6x2', price: 150n },
] as const
const times = (factor: bigint) => Object.fromEntries(markets.map(({ name, price }) => [name, (price * factor) / 100n]))

let engine: LiveEngine
beforeAll(async () => {
  engine = await LiveEngine.start(
    markets.map(({ build }) => build),
    times(100n),
    Object.fromEntries(markets.map(({ name, model }) => [name, model])),
  )
  // An hour later a fall of 6 %, in a range of 9 %.
  await engine.observe(times(94n), 3_600n, rangeCodeUp(101n, 92n))
})
afterAll(() => engine.close())

describe('markets bound to three models', () => {
  it.each(markets)(
    'R34: $name takes no other model’s proof, and a true one of $model',
    async ({ name, model, build }) => {
      const { batch } = await engine.next(build)
      expect(batch.markets).toHaveLength(1)
      const [{ previous, observations } = { previous: undefined, observations: [] }] = batch.markets
      const bundle = await engine.prove(build)
      await engine.client.submit(bundle)
      const inForce = volatilityModels[model]
      const expected = updateMarket(inForce, previous as never, observations, withStartingWords(inForce, defaultPolicy))
      // The registry holds the hash of the states; the client rebuilds them from the chain.
      expect((await engine.client.market(name)).state).toEqual(expected.state)
      const read = new Contract(
        engine.deployment.addresses.registry,
        interfaceOf('RiskRegistry'),
        engine.chain.ethers.provider as never,
      )
      const inForceNow = (await read.getFunction('parameters')(marketIdOf(name))).toObject()
      expect(inForceNow).toMatchObject({
        initialMarginX24: expected.parameters.initialMarginX24,
        asOf: expected.parameters.asOf,
      })
      expect(expected.state.volatility.variance0X36).toBeGreaterThan(previous?.volatility.variance0X36 as bigint)
    },
  )

  it('R34: a true proof by another model for the same market is refused by name', async () => {
    await engine.observe(times(93n), 60n)
    const next = await engine.next('marketRisk8x2')
    const build = buildOf('marketRiskRange6x2')
    const model = engine.deployment.models.find(({ name }) => name === build.name)
    // Its state has room for what EWMA keeps, so the range mixture's circuit has a witness for it.
    const statement = await stateBatch({ ...next.batch, build, modelId: model?.modelId as string })
    const keys = await keysOf('marketRiskRange6x2')
    const { proof } = await engine.prover.prove(keys, statement.circuitInput as never)
    const bundle = await makeBundle(statement, next.inboxes, next.names, proof, keys.verificationKey)
    await expect(engine.client.submit(bundle)).rejects.toMatchObject({ reason: 'MarketBoundToAnotherModel' })
    await engine.client.submit(await engine.prove('marketRisk8x2'))
  })

  it('an auditor with the keys of all three accepts the history', async () => {
    const { report } = await audit({
      provider: engine.chain.ethers.provider as never,
      registry: engine.deployment.addresses.registry,
      keys: engine.auditKeys(),
    })
    expect(report.failure).toBeUndefined()
    expect(report.accepted).toBe(true)
    expect(report.batches).toHaveLength(4)
  })
})
