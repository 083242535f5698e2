/** Margins over several markets: circuit against twin, one market against today's margins, and that no order matters. */
import { beforeAll, describe, expect, test } from 'vitest'
import { COLLATERALS } from '../../circuits/statements/index.ts'
import {
  type CrossAccount,
  type CrossMarket,
  type CrossPolicy,
  crossMargin,
} from '../../prover/portfolio/crossMargin.ts'
import { emptyBook } from '../../prover/portfolio/book.ts'
import { accountMargin, MarginOutOfRangeError, ScenarioSpreadError } from '../../prover/portfolio/margin.ts'
import { emptyCrossAccount, stateCrossMargins, type StatedCrossMargins } from '../../prover/statement/crossMargins.ts'
import { emptyAccount } from '../../prover/statement/portfolioMargin.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import {
  CONTEXT,
  crossBuild,
  crossInput,
  randomBook,
  randomCrossAccount,
  randomCrossPolicy,
  randomHoldings,
  randomPolicy,
  randomRound,
} from '../../scripts/tools/cases/portfolios.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { type Circuit, compileCircuit } from '../../scripts/tools/circuits/circuit.ts'

const ROUND = 1_770_000_000n
const ONE = 1n << 40n
const build = crossBuild(1, 2)
let circuit: Circuit

beforeAll(async () => {
  circuit = await compileCircuit(mainSource(build))
})

/** Rounds are not of one second, as those of several sources are not. */
const randomMarkets = (random: Random, count: number): readonly CrossMarket[] =>
  Array.from({ length: count }, (_, m) => ({
    round: randomRound(random, ROUND + BigInt(m)),
    policy: randomPolicy(random),
  }))
const timesOf = (markets: readonly CrossMarket[]): readonly bigint[] => markets.map(({ round }) => round.asOf)

/** Undefined of margins that fit no word: accounts are random. */
async function stated(...given: [readonly CrossAccount[], readonly CrossMarket[], CrossPolicy]) {
  try {
    return await stateCrossMargins(build, CONTEXT, ...given)
  } catch (error) {
    if (error instanceof MarginOutOfRangeError || error instanceof ScenarioSpreadError) return undefined
    throw error
  }
}

/** Perpetuals alone in each market, as quantities of them and cash. */
function perpetuals(quantities: readonly bigint[], cashE12 = 0n): CrossAccount {
  const { collateralsE12, ...none } = emptyAccount.holdings
  const parts = quantities.map((perpsE12, m) => ({
    book: emptyBook,
    holdings: { ...none, perpsE12, cashE12: m === 0 ? cashE12 : 0n },
  }))
  return { parts, collateralsE12 }
}

/** A market whose scenarios are what spot does, and nothing is charged but the worst of them. */
function plainMarket(random: Random, spotE8: bigint): CrossMarket {
  const round = { ...randomRound(random, ROUND), spotE8, perpPriceE8: spotE8, stablePriceE12: 10n ** 12n }
  const policy = randomPolicy(random)
  const free = { maintenancePerpX40: 0n, initialPerpX40: 0n, maintenanceOptionX40: 0n, initialOptionX40: 0n }
  return {
    round: { ...round, spotConfidenceX40: ONE, perpConfidenceX40: ONE },
    policy: {
      ...policy,
      lossFactors: { ...policy.lossFactors, maintenanceFactorX40: ONE, initialFactorX40: ONE, pegThresholdX40: 0n },
      contingencies: { ...free, confidenceMarginX40: 0n },
      concentration: { ...policy.concentration, concentrationX40: 0n },
    },
  }
}

describe('L30 L31 L32: circuit equals twin', () => {
  test('random accounts, rounds and policies of two markets', async () => {
    const random = new Random(301n)
    const seen = { compared: 0, credited: 0, worst: new Set<number>() }
    while (seen.compared < 40) {
      const markets = randomMarkets(random, 2)
      const account = randomCrossAccount(random, timesOf(markets), Number(random.between(20n, 60n)))
      const found = await stated([account], markets, randomCrossPolicy(random, 2))
      if (found === undefined) continue
      expect(circuit.outputs(crossInput(found))).toEqual(found.stated.publicSignals.slice(0, 2))
      seen.compared++
      const [margin] = found.margins
      if ((margin?.creditMX80 ?? 0n) > 0n) seen.credited++
      for (const { worstScenario } of margin?.parts ?? []) seen.worst.add(worstScenario)
    }
    console.log(`${seen.credited} of ${seen.compared} with a spread credit, ${seen.worst.size} worst scenarios`)
    expect(seen.credited).toBeGreaterThan(2)
    expect(seen.worst.size).toBeGreaterThan(10)
  })

  test('perpetuals of either sign in each market, under every credit', async () => {
    const random = new Random(302n)
    let credited = 0
    for (let i = 0; i < 24; i++) {
      const markets = [plainMarket(random, 10n ** 13n), plainMarket(random, 3n * 10n ** 11n)]
      const quantity = (): bigint => (random.boolean() ? 1n : -1n) * random.wide(44)
      const policy = randomCrossPolicy(random, 2)
      const found = (await stated([perpetuals([quantity(), quantity()])], markets, policy)) as StatedCrossMargins
      expect(circuit.outputs(crossInput(found))).toEqual(found.stated.publicSignals.slice(0, 2))
      if ((found.margins[0]?.creditMX80 ?? 0n) > 0n) credited++
    }
    console.log(`${credited} of 24 credited`)
    expect(credited).toBeGreaterThan(5)
  })

  test('three markets and four', async () => {
    const random = new Random(303n)
    for (const count of [3, 4]) {
      const wide = crossBuild(1, count)
      const wider = await compileCircuit(mainSource(wide))
      for (let i = 0; i < 4; i++) {
        const markets = randomMarkets(random, count)
        const account = randomCrossAccount(random, timesOf(markets), 30)
        const policy = randomCrossPolicy(random, count)
        const found = await stateCrossMargins(wide, CONTEXT, [account], markets, policy)
        expect(wider.outputs(crossInput(found))).toEqual(found.stated.publicSignals.slice(0, 2))
      }
    }
  })

  test('two accounts, and one that fills the place of another', async () => {
    const random = new Random(304n)
    const pair = crossBuild(2, 2)
    const both = await compileCircuit(mainSource(pair))
    const markets = randomMarkets(random, 2)
    const policy = randomCrossPolicy(random, 2)
    const accounts = [0, 1].map(() => randomCrossAccount(random, timesOf(markets), 30))
    for (const given of [accounts, accounts.slice(1)]) {
      const found = await stateCrossMargins(pair, CONTEXT, given, markets, policy)
      expect(both.outputs(crossInput(found))).toEqual(found.stated.publicSignals.slice(0, 2))
      expect(found.margins[0]?.margins).toEqual(crossMargin(given[0] as CrossAccount, markets, policy).margins)
    }
  })
})

describe('L30: one market', () => {
  test('alone, or beside markets that the account is not in, has its margins bit for bit', () => {
    const random = new Random(305n)
    let compared = 0
    while (compared < 60) {
      const [market, other] = randomMarkets(random, 2) as readonly [CrossMarket, CrossMarket]
      const bits = Number(random.between(20n, 60n))
      const { collateralsE12, ...holdings } = randomHoldings(random, bits)
      const book = random.below(4n) === 0n ? emptyBook : randomBook(random, market.round.asOf, bits)
      const none = emptyCrossAccount(1).parts
      const creditsX40 = [ONE, ONE]
      const policyOf = (place: bigint) => ({ collateralMarkets: new Array(COLLATERALS).fill(place) })
      let today: ReturnType<typeof accountMargin>
      try {
        today = accountMargin({ book, holdings: { ...holdings, collateralsE12 } }, market.round, market.policy)
      } catch (error) {
        if (error instanceof MarginOutOfRangeError || error instanceof ScenarioSpreadError) continue
        throw error
      }
      const { initialE8, maintenanceE8, equityE8, worstScenario } = today
      const parts = [{ book, holdings }]
      const alone = crossMargin({ parts, collateralsE12 }, [market], { ...policyOf(0n), creditsX40: [ONE] })
      const beside = crossMargin({ parts: [...parts, ...none], collateralsE12 }, [market, other], {
        ...policyOf(0n),
        creditsX40,
      })
      expect(alone.margins).toEqual({ initialE8, maintenanceE8, worstScenarios: BigInt(worstScenario) })
      expect(beside.margins).toEqual(alone.margins)
      expect([alone.equityE8, beside.equityE8]).toEqual([equityE8, equityE8])
      compared++
    }
  })

  test('L31: of a market that is not the first, under the first one’s collateral and settlement currency', () => {
    const random = new Random(306n)
    const [first, second] = randomMarkets(random, 2) as readonly [CrossMarket, CrossMarket]
    const { collateralsE12, ...holdings } = randomHoldings(random, 30)
    const part = { book: randomBook(random, second.round.asOf, 30), holdings }
    const cross = crossMargin({ parts: [...emptyCrossAccount(1).parts, part], collateralsE12 }, [first, second], {
      collateralMarkets: new Array(COLLATERALS).fill(1n),
      creditsX40: [0n, 0n],
    })
    const { pegThresholdX40, pegLossX40 } = first.policy.lossFactors
    const { stablePriceE12, collaterals } = first.round
    const today = accountMargin(
      { book: part.book, holdings: { ...holdings, collateralsE12 } },
      { ...second.round, stablePriceE12, collaterals },
      {
        ...second.policy,
        lossFactors: { ...second.policy.lossFactors, pegThresholdX40, pegLossX40 },
        collaterals: first.policy.collaterals,
      },
    )
    const { initialE8, maintenanceE8, worstScenario } = today
    expect(cross.margins).toEqual({ initialE8, maintenanceE8, worstScenarios: BigInt(worstScenario) << 6n })
  })
})

describe('L33: no order matters', () => {
  test('of markets: each with its part, its credit and its collateral, the pool staying what it is', () => {
    const random = new Random(307n)
    for (let i = 0; i < 40; i++) {
      const count = Number(random.between(2n, 4n))
      const markets = randomMarkets(random, count)
      const [pool] = markets as readonly [CrossMarket]
      const { stablePriceE12, collaterals } = pool.round
      const { pegThresholdX40, pegLossX40 } = pool.policy.lossFactors
      // Whichever comes first says what the pool is, so in every order it says the same.
      const alike = markets.map(({ round, policy }) => ({
        round: { ...round, stablePriceE12, collaterals },
        policy: {
          ...policy,
          collaterals: pool.policy.collaterals,
          lossFactors: { ...policy.lossFactors, pegThresholdX40, pegLossX40 },
        },
      }))
      const account = randomCrossAccount(random, timesOf(markets), 30)
      const policy = randomCrossPolicy(random, count)
      const order = Array.from({ length: count }, (_, m) => m)
        .map((m) => [random.below(1n << 30n), m] as const)
        .toSorted(([a], [b]) => Number(a - b))
        .map(([, m]) => m)
      const moved = <T>(all: readonly T[]): readonly T[] => order.map((m) => all[m] as T)
      const there = crossMargin({ ...account, parts: moved(account.parts) }, moved(alike), {
        creditsX40: moved(policy.creditsX40),
        collateralMarkets: policy.collateralMarkets.map((market) => BigInt(order.indexOf(Number(market)))),
      })
      const here = crossMargin(account, alike, policy)
      expect([there.margins.initialE8, there.margins.maintenanceE8, there.equityE8, there.creditMX80]).toEqual([
        here.margins.initialE8,
        here.margins.maintenanceE8,
        here.equityE8,
        here.creditMX80,
      ])
    }
  })
})
