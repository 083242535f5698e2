import { beforeAll, describe, expect, test } from 'vitest'
import { emptyBook } from '../../prover/portfolio/book.ts'
import {
  type AccountState,
  type MarginPolicy,
  MarginOutOfRangeError,
  NotUnhealthyError,
  ScenarioSpreadError,
} from '../../prover/portfolio/margin.ts'
import { emptyAccount, stateMargins, stateWitness } from '../../prover/statement/portfolioMargin.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import type { Circuit } from '../../scripts/tools/circuits/circuit.ts'
import { compileCircuit } from '../../scripts/tools/circuits/circuit.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import {
  CONTEXT,
  marginBuild,
  marginInput,
  randomBook,
  randomHoldings,
  randomPolicy,
  randomRound,
  witnessBuild,
  witnessInput,
} from '../../scripts/tools/cases/portfolios.ts'

const ROUND = 1_770_000_000n
const build = marginBuild(2)
let margins: Circuit
let witness: Circuit

beforeAll(async () => {
  margins = await compileCircuit(mainSource(build))
  witness = await compileCircuit(mainSource(witnessBuild))
})

function randomAccount(random: Random): AccountState {
  const bits = Number(random.between(20n, 60n))
  const book = random.below(4n) === 0n ? emptyBook : randomBook(random, ROUND, bits)
  return { book, holdings: randomHoldings(random, bits) }
}

/** The same without a charge on concentration. */
const unconcentrated = (policy: MarginPolicy): MarginPolicy => ({
  ...policy,
  concentration: { ...policy.concentration, concentrationX40: 0n },
})

describe('L4 L7 L8 L9 L10 L11 L13: circuit equals twin', () => {
  test('random accounts, rounds and policies', async () => {
    const random = new Random(41n)
    const seen = { unhealthy: 0, saturated: 0, worst: new Set<number>() }
    for (let i = 0; i < 60; i++) {
      const accounts =
        random.below(5n) === 0n ? [randomAccount(random)] : [randomAccount(random), randomAccount(random)]
      const round = randomRound(random, ROUND)
      let stated: Awaited<ReturnType<typeof stateMargins>>
      try {
        stated = await stateMargins(build, CONTEXT, accounts, round, randomPolicy(random))
      } catch (error) {
        if (error instanceof MarginOutOfRangeError || error instanceof ScenarioSpreadError) continue
        throw error
      }
      expect(margins.outputs(marginInput(stated))).toEqual(stated.stated.publicSignals.slice(0, 2))
      for (const { maintenanceE8, worstScenario, spotGreeks } of stated.margins) {
        if (maintenanceE8 < 0n) seen.unhealthy++
        if (spotGreeks.gammaE20 === (1n << 83n) - 1n || spotGreeks.gammaE20 === -(1n << 83n)) seen.saturated++
        seen.worst.add(worstScenario)
      }
    }
    console.log(
      `unhealthy ${seen.unhealthy}, saturated ${seen.saturated}, ${seen.worst.size} different worst scenarios`,
    )
    expect(seen.worst.size).toBeGreaterThan(10)
  })

  test('L10 L11: thresholds of every kind, below and above spot', async () => {
    const random = new Random(44n)
    const kinds: Record<string, number> = {}
    for (let i = 0; i < 60; i++) {
      const spotE8 = 10n ** 8n * random.between(1n, 100_000n)
      const round = { ...randomRound(random, ROUND), spotE8, perpPriceE8: spotE8, horizonVolatilityX40: 1n << 36n }
      const accounts = [0, 1].map(() => {
        const perpsE12 = (random.boolean() ? 1n : -1n) * random.between(1n, 10n ** 15n)
        const notionalE12 = ((perpsE12 < 0n ? -perpsE12 : perpsE12) * spotE8) / 10n ** 8n
        const cashE12 = (notionalE12 * random.between(-10n, 45n)) / 100n
        const book = random.boolean() ? emptyBook : randomBook(random, ROUND, 1)
        return { book, holdings: { ...emptyAccount.holdings, perpsE12, cashE12 } }
      })
      const stated = await stateMargins(build, CONTEXT, accounts, round, randomPolicy(random))
      expect(margins.outputs(marginInput(stated))).toEqual(stated.stated.publicSignals.slice(0, 2))
      for (const { thresholds } of stated.margins) {
        for (const [name, level] of Object.entries(thresholds)) {
          if (name === 'defaultProbabilityX32') continue
          const kind = level === 0n || level === (1n << 48n) - 1n ? 'none' : level === spotE8 ? 'spot' : 'inside'
          kinds[`${name} ${kind}`] = (kinds[`${name} ${kind}`] ?? 0) + 1
        }
      }
    }
    console.log(kinds)
    expect(Object.keys(kinds)).toHaveLength(12)
  })

  test('L20: expected shortfalls, of accounts in default and of some that may be', async () => {
    const random = new Random(46n)
    const seen = { certain: 0, likely: 0, none: 0 }
    for (let i = 0; i < 40; i++) {
      const spotE8 = 10n ** 8n * random.between(1n, 100_000n)
      const round = { ...randomRound(random, ROUND), spotE8, perpPriceE8: spotE8, horizonVolatilityX40: 1n << 36n }
      const accounts = [-3n, 4n, 30n].map((percent) => {
        const perpsE12 = (random.boolean() ? 1n : -1n) * random.between(10n ** 6n, 10n ** 15n)
        const notionalE12 = ((perpsE12 < 0n ? -perpsE12 : perpsE12) * spotE8) / 10n ** 8n
        return {
          book: emptyBook,
          holdings: { ...emptyAccount.holdings, perpsE12, cashE12: (notionalE12 * percent) / 100n },
        }
      })
      const stated = await stateMargins(build, CONTEXT, accounts.slice(i % 2, 2 + (i % 2)), round, randomPolicy(random))
      expect(margins.outputs(marginInput(stated))).toEqual(stated.stated.publicSignals.slice(0, 2))
      for (const { thresholds, deficitE8, risk } of stated.margins) {
        const productX32 = thresholds.defaultProbabilityX32 * deficitE8
        expect(risk.expectedShortfallE8 << 32n).toBeGreaterThanOrEqual(productX32)
        expect((risk.expectedShortfallE8 - 1n) << 32n).toBeLessThan(productX32)
        if (productX32 === 0n) seen.none++
        else if (thresholds.defaultProbabilityX32 >= 1n << 32n) seen.certain++
        else seen.likely++
      }
    }
    console.log(seen)
    expect(Math.min(seen.certain, seen.likely, seen.none)).toBeGreaterThan(5)
  })

  test('L13: positions a unit of 10^-12 below their sizes, at them and above', async () => {
    const random = new Random(45n)
    const price = { priceE12: 3n * 10n ** 12n, confidenceX40: 1n << 40n }
    const round = { ...randomRound(random, ROUND), spotE8: 10n ** 12n, perpPriceE8: 10n ** 12n }
    const market = { ...round, stablePriceE12: 10n ** 12n, collaterals: round.collaterals.map(() => price) }
    const policy = randomPolicy(random)
    const sized = {
      ...policy,
      concentration: {
        ...policy.concentration,
        concentrationX40: 1n << 40n,
        perpSizeQ: 1_000n,
        optionSizeQ: 1_001n,
      },
      collaterals: policy.collaterals.map((each, i) => ({ ...each, sizeQ: 1_002n + BigInt(i) })),
    }
    const limit = (position: number): bigint => BigInt(1_000 + position) << 32n
    const contingencies: bigint[] = []
    for (const by of [-1n, 0n, 1n]) {
      const accounts = [1n, -1n].map((sign) => ({
        book: {
          ...emptyBook,
          asOf: ROUND,
          totals: { ...emptyBook.totals, nakedShortE12: limit(1) + by },
        },
        holdings: {
          ...emptyAccount.holdings,
          perpsE12: sign * (limit(0) + by),
          collateralsE12: emptyAccount.holdings.collateralsE12.map((_, i) => limit(2 + i) + by),
        },
      }))
      const stated = await stateMargins(build, CONTEXT, accounts, market, sized)
      expect(margins.outputs(marginInput(stated))).toEqual(stated.stated.publicSignals.slice(0, 2))
      const plain = await stateMargins(build, CONTEXT, accounts, market, unconcentrated(sized))
      const of = ({ margins: [first] }: typeof stated): bigint => first?.maintenanceContingencyE20X60 ?? 0n
      contingencies.push((of(stated) - of(plain)) >> 60n)
    }
    // A unit of each: two at spot, sixteen at the collateral's price.
    expect(contingencies).toEqual([0n, 0n, 2n * 10n ** 12n + 16n * 3n * 10n ** 8n])
  })

  test('an account that holds nothing, or only perpetuals, and the ties of its scenarios', async () => {
    const random = new Random(42n)
    const round = randomRound(random, ROUND)
    const policy = randomPolicy(random)
    const perps = {
      ...emptyAccount,
      holdings: { ...emptyAccount.holdings, perpsE12: -(10n ** 12n), cashE12: 10n ** 15n },
    }
    const stated = await stateMargins(build, CONTEXT, [perps], round, policy)
    expect(margins.outputs(marginInput(stated))).toEqual(stated.stated.publicSignals.slice(0, 2))
    expect(stated.margins[1]?.worstScenario).toBe(0)
    expect(stated.margins[1]?.thresholds).toMatchObject({ defaultDownE8: 0n, defaultUpE8: (1n << 48n) - 1n })
  })
})

test('L12: one scenario that shows an account to be unhealthy: circuit equals twin', async () => {
  const random = new Random(43n)
  let shown = 0
  let refused = 0
  while (shown < 25) {
    const account = randomAccount(random)
    const scenario = Number(random.below(34n))
    try {
      const stated = await stateWitness(
        witnessBuild,
        CONTEXT,
        account,
        randomRound(random, ROUND),
        randomPolicy(random),
        scenario,
      )
      expect(witness.outputs(witnessInput(stated))).toEqual(stated.stated.publicSignals.slice(0, 2))
      shown++
    } catch (error) {
      if (!(error instanceof NotUnhealthyError || error instanceof MarginOutOfRangeError)) throw error
      refused++
    }
  }
  console.log(`${shown} unhealthy accounts shown, ${refused} refused`)
})
