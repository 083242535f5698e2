import { expect, test } from 'vitest'
import { modelNames, volatilityModels } from '../../prover/volatility/models.ts'
import type { MarketState, Policy } from '../../prover/parameters/marketRisk.ts'
import { batchLength, updateMarket } from '../../prover/parameters/marketRisk.ts'
import { stateBatch } from '../../prover/statement/marketRisk.ts'
import { compileCircuit } from '../../scripts/tools/circuits/circuit.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { buildOf, flatInput, randomBatch, sourceOf } from '../../scripts/tools/cases/batches.ts'

// A whole batch is some thousands of constraints a market, so fewer cases than the 10,000 of each template;
// ZKRISK_CASES raises them for a release.
const CASES = Number(process.env.ZKRISK_CASES ?? 300)

for (const [markets, observations, testEverySlot, share, model] of [
  [2, 2, 0, 1, 'ewma'],
  [1, 5, 1, 0.5, 'ewma'],
  [1, 3, 0, 0.5, 'garch'],
  [1, 3, 1, 0.5, 'rangeMixture'],
] as const) {
  const build = buildOf(markets, observations, testEverySlot, model)
  const cases = Math.ceil(CASES * share)
  test(`Q1 Q2 Q3 O1 O2: ${build.name} equals the twin on ${cases} random batches`, async () => {
    const circuit = await compileCircuit(sourceOf(build))
    const random = new Random(BigInt(markets * 100 + observations))
    for (let i = 0; i < cases; i++) {
      const statement = await stateBatch(randomBatch(random, build))
      // The evaluation covers every word, so equality here is equality of all of them.
      expect(circuit.outputs(flatInput(statement.circuitInput)), `batch ${i}`).toEqual(
        statement.publicSignals.slice(0, 2),
      )
    }
  })
}

test.each(modelNames)(
  'C1: under %s estimates and tested predictions do not depend on how observations are cut into batches',
  (name) => {
    const model = volatilityModels[name]
    const random = new Random(77n)
    const build = buildOf(1, 48, 1, name)
    for (let i = 0; i < 100; i++) {
      const batch = randomBatch(random, build)
      const [market] = batch.markets
      if (market === undefined) throw new Error('a batch has a market')
      const policy: Policy = { learning: batch.learning, margin: batch.margin, market: market.policy }
      const whole = updateMarket(model, market.previous, market.observations, policy)
      let state: MarketState = market.previous
      for (let taken = 0; taken < market.observations.length; ) {
        const waiting = market.observations.slice(taken)
        // The live build ends a batch where a prediction is due; the catch-up build may cut anywhere.
        const live = random.boolean()
        const slots = Number(random.between(1n, 3n))
        const length = batchLength(state, waiting, slots, !live, batch.learning.horizonSeconds)
        state = updateMarket(model, state, waiting.slice(0, length), policy).state
        taken += length
      }
      expect(state.volatility).toEqual(whole.state.volatility)
      const { initialMarginX24: _a, maintenanceMarginX24: _b, ...prediction } = state.anchor
      expect(whole.state.anchor).toMatchObject(prediction)
    }
  },
)
