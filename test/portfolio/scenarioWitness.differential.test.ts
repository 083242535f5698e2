/** Witnesses from arrays: the circuit says what the twin's whole book says of a scenario, and never more than the margin. */
import { beforeAll, describe, expect, test } from 'vitest'
import { riskArray } from '../../prover/options/riskArray.ts'
import { type BookSegment, emptyBook, foldBook, type PricedArray } from '../../prover/portfolio/book.ts'
import { accountMargin, type AccountState, NotUnhealthyError, unhealthyWitness } from '../../prover/portfolio/margin.ts'
import { emptyAccount } from '../../prover/statement/portfolioMargin.ts'
import { stateScenarioWitness } from '../../prover/statement/scenarioWitness.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import { usualMarket, usualPolicy } from '../../scripts/tools/cases/expiries.ts'
import {
  arrayRootOf,
  CONTEXT,
  randomArray,
  randomHoldings,
  randomPolicy,
  randomPositions,
  randomRound,
  scenarioWitnessBuild,
  scenarioWitnessInput,
} from '../../scripts/tools/cases/portfolios.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { type Circuit, compileCircuit } from '../../scripts/tools/circuits/circuit.ts'

const ROUND = 1_770_000_000n
const DAY = 86_400n
const SCENARIOS = 34
const build = scenarioWitnessBuild(3, 2, 2)
let circuit: Circuit

beforeAll(async () => {
  circuit = await compileCircuit(mainSource(build))
})

/** Which arrays stand side by side: one expiry, two, and filled up with nothing held. */
const ORDERS = [
  [0, 0, 0],
  [0, 0, 1],
  [0, 1, 1],
] as const

function segmentsOf(arrays: readonly PricedArray[], order: readonly number[], random: Random): readonly BookSegment[] {
  return order.map((at, i) => {
    const array = arrays[at] as PricedArray
    return { array, positions: randomPositions(random, array, 36), continues: order[i + 1] === at }
  })
}

/** So deep in debt that every scenario shows it, whatever its options are worth. */
const indebted = (random: Random) => ({ ...randomHoldings(random, 30), cashE12: -(1n << 78n) - random.wide(60) })

async function expectEqual(
  segments: readonly BookSegment[],
  holdings: AccountState['holdings'],
  asOf: bigint,
  random: Random,
): Promise<readonly bigint[]> {
  const [round, policy] = [{ ...randomRound(random, asOf), collaterals: cheap(random, asOf) }, randomPolicy(random)]
  const account = { book: foldBook(emptyBook, segments), holdings }
  const arrayRoots = await Promise.all(segments.map(({ array }) => arrayRootOf(array)))
  const { maintenanceE8, worstScenario } = accountMargin(account, round, policy)
  const bounds: bigint[] = []
  for (let scenario = 0; scenario < SCENARIOS; scenario++) {
    const held = { segments, arrayRoots, holdings }
    const stated = await stateScenarioWitness(build, CONTEXT, held, round, policy, scenario)
    expect(circuit.outputs(scenarioWitnessInput(stated)), `scenario ${scenario}`).toEqual(
      stated.stated.publicSignals.slice(0, 2),
    )
    const { maintenanceE8: boundE8 } = unhealthyWitness(account, round, policy, scenario)
    expect(boundE8).toBeGreaterThanOrEqual(maintenanceE8)
    if (scenario === worstScenario) expect(boundE8).toBe(maintenanceE8)
    bounds.push(boundE8)
  }
  return bounds
}

/** Collateral that is not worth more than the debt. */
const cheap = (random: Random, asOf: bigint) =>
  randomRound(random, asOf).collaterals.map((each) => ({ ...each, priceE12: each.priceE12 >> 30n }))

describe('L3 L12 L18: circuit equals twin', () => {
  test('random books over random arrays, every scenario and the basis contingency', async () => {
    const random = new Random(121n)
    const different = new Set<bigint>()
    for (let i = 0; i < 9; i++) {
      const arrays = [1n, 2n].map((day) => randomArray(random, ROUND + day * DAY, ROUND, 2))
      const segments = segmentsOf(arrays, ORDERS[i % 3] as readonly number[], random)
      for (const bound of await expectEqual(segments, indebted(random), ROUND, random)) different.add(bound)
    }
    console.log(`${different.size} different bounds of ${9 * SCENARIOS}`)
    expect(different.size).toBeGreaterThan(100)
  })

  test('books over arrays as the pricing twin makes them, the last second among them', async () => {
    const random = new Random(122n)
    for (const asOf of [usualMarket.asOf, usualMarket.expiry]) {
      const market = { ...usualMarket, asOf }
      const strikes = [8n, 9n, 10n, 11n].map((tenths) => (usualMarket.forwardVariableE8 * tenths) / 10n)
      const later = { ...market, expiry: market.expiry + 7n * DAY }
      const arrays = [
        riskArray(market, usualPolicy, strikes.slice(0, 2)),
        riskArray(later, usualPolicy, strikes.slice(2)),
      ]
      for (const order of ORDERS) {
        await expectEqual(segmentsOf(arrays, order, random), indebted(random), asOf, random)
      }
    }
  })

  test('an account that no scenario shows is refused by name; one that is filled up with nothing is shown', async () => {
    const random = new Random(123n)
    const array = randomArray(random, ROUND + DAY, ROUND, 2)
    const [held] = segmentsOf([array], [0], random) as [BookSegment]
    const nothing = held.positions.map((each) => ({ ...each, callsE12: 0n, putsE12: 0n }))
    const segments = [0, 1, 2].map((e) => ({ array, positions: e === 0 ? held.positions : nothing, continues: e < 2 }))
    await expectEqual(segments, indebted(random), ROUND, random)
    const empty = segments.map((segment) => ({ ...segment, positions: nothing }))
    const rich = { ...emptyAccount.holdings, cashE12: 1n }
    const state = stateScenarioWitness(
      build,
      CONTEXT,
      { segments: empty, arrayRoots: [0n, 0n, 0n], holdings: rich },
      randomRound(random, ROUND),
      randomPolicy(random),
      0,
    )
    await expect(state).rejects.toThrow(NotUnhealthyError)
  })
})
