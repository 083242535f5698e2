/** What a change of holdings is worth at most: the contract against the twin, and the twin against margins themselves. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contract } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { words } from '../../circuits/statements/index.ts'
import { riskArray } from '../../prover/options/riskArray.ts'
import { emptyBook, foldBook, type OptionPosition } from '../../prover/portfolio/book.ts'
import {
  BASIS_FACTOR,
  DISCOUNT_FACTOR,
  type Held,
  improvementAtMost,
  LOSS_FACTOR,
} from '../../prover/portfolio/improvement.ts'
import {
  type AccountMargin,
  accountMargin,
  BASIS_SCENARIO,
  type MarginPolicy,
  NotUnhealthyError,
  type RoundMarket,
  unhealthyWitness,
} from '../../prover/portfolio/margin.ts'
import { policyWordsOf } from '../../prover/registry/index.ts'
import { marginPolicyWords, roundWords } from '../../prover/statement/portfolioMargin.ts'
import { pricingWords } from '../../prover/statement/riskArray.ts'
import { pack, packElements } from '../../prover/statement/words.ts'
import { usualMarket, usualPolicy } from '../../scripts/tools/cases/expiries.ts'
import { randomHoldings, randomPolicy, randomRound } from '../../scripts/tools/cases/portfolios.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { startChain } from '../../scripts/tools/chains/chain.ts'
import { root } from '../../scripts/tools/sources.ts'

const OPTION = { expiry: usualMarket.expiry }
let contract: Contract

beforeAll(async () => {
  contract = await (await startChain()).deploy('Improvement')
})

const presented = ({ positions, holdings }: Held): readonly bigint[] => [
  pack('holdings', holdings),
  ...packElements(
    'collateralAmount',
    holdings.collateralsE12.map((amountE12) => ({ amountE12 })),
  ),
  ...positions.map((position) => pack('optionPosition', position)),
]

/** From −2^bits to 2^bits. */
const around = (random: Random, bits: number): bigint => random.between(-(1n << BigInt(bits)), 1n << BigInt(bits))

function randomPositions(random: Random, strikesE8: readonly bigint[], bits: number): readonly OptionPosition[] {
  const quantity = (): bigint => around(random, bits)
  return strikesE8.map((strikeE8) => ({ ...OPTION, strikeE8, callsE12: quantity(), putsE12: quantity() }))
}

test('R50: what it multiplies by is bounded by the widths that circuits hold it to', () => {
  const circuit = readFileSync(join(root, 'circuits', 'options', 'ArrayHeader.circom'), 'utf8')
  const bitsOf = (factor: string): number =>
    Number(new RegExp(`arrayHeader\\.${factor}\\.maxbit <= (\\d+)`).exec(circuit)?.[1])
  const boundOf = (...factors: readonly string[]): bigint => 1n << BigInt(Math.max(...factors.map(bitsOf)) - 40)
  expect(DISCOUNT_FACTOR).toBe(boundOf('discountX40', 'longFactorX40', 'shortFactorX40'))
  expect(BASIS_FACTOR).toBe(boundOf('basisFactorX40'))
  const lossFactor = words.lossFactors.fields.find(({ name }) => name === 'maintenanceFactorX40')
  expect(LOSS_FACTOR).toBe(1n << BigInt((lossFactor?.bits ?? 0) - 40))
})

test('R50: the contract says what the twin says, in every scenario', async () => {
  const random = new Random(91n)
  for (let i = 0; i < 136; i++) {
    const bits = Number(random.between(1n, 59n))
    const strikes = Array.from({ length: 6 }, (_, s) => BigInt(s + 1) * 10n ** 12n)
    const some = () => strikes.filter(() => random.boolean())
    const held = (): Held => ({
      positions: randomPositions(random, some(), bits),
      holdings: randomHoldings(random, bits),
    })
    const [before, present] = [held(), held()]
    const policy = randomPolicy(random)
    const round = randomRound(random, usualMarket.asOf)
    const words = policyWordsOf({
      ...pricingWords({ ...usualPolicy, scenarios: policy.scenarios }),
      ...marginPolicyWords(policy),
    })
    const scenario = i % 34
    const market = Object.values(roundWords(round)).flat()
    const answer = await contract.getFunction('atMost')(scenario, market, words, presented(before), presented(present))
    expect(answer).toBe(improvementAtMost(scenario, round, policy, before, present))
  }
})

describe('R50: what a change is worth', () => {
  type Drawn = { readonly round: RoundMarket; readonly policy: MarginPolicy; readonly strikes: readonly bigint[] }

  function draw(random: Random): Drawn {
    const spotE8 = (usualMarket.forwardVariableE8 * random.between(60n, 150n)) / 100n
    const perpPriceE8 = (spotE8 * random.between(60n, 150n)) / 100n
    return {
      round: { ...randomRound(random, usualMarket.asOf), spotE8, perpPriceE8 },
      policy: randomPolicy(random),
      strikes: Array.from({ length: 4 }, (_, i) => (spotE8 * (BigInt(i) * 3n + 6n)) / 10n),
    }
  }

  const marginOf = ({ round, policy, strikes }: Drawn, { positions, holdings }: Held) => {
    const array = riskArray(usualMarket, { ...usualPolicy, scenarios: policy.scenarios }, strikes)
    const all = strikes.map(
      (strikeE8) =>
        positions.find((each) => each.strikeE8 === strikeE8) ?? { ...OPTION, strikeE8, callsE12: 0n, putsE12: 0n },
    )
    const book = positions.length === 0 ? emptyBook : foldBook(emptyBook, [{ array, positions: all, continues: false }])
    return { book, holdings, margin: accountMargin({ book, holdings }, round, policy) }
  }

  test('no change makes a scenario’s bound wrong: an account that is marked by it is below maintenance', () => {
    const random = new Random(92n)
    const seen = { marked: 0, refused: 0 }
    for (let i = 0; i < 1500; i++) {
      const drawn = draw(random)
      const bits = Number(random.between(30n, 50n))
      const dust = Number(random.between(1n, BigInt(bits)))
      const before: Held = {
        positions: random.boolean() ? randomPositions(random, drawn.strikes, bits) : [],
        holdings: randomHoldings(random, bits),
      }
      const present = changed(random, before, drawn.strikes, dust)
      let after: AccountMargin
      let was: ReturnType<typeof marginOf>
      try {
        was = marginOf(drawn, before)
        after = marginOf(drawn, present).margin
      } catch {
        continue // margins that no word holds
      }
      const { round, policy } = drawn
      const scenario = i % 2 === 0 ? was.margin.worstScenario : Number(random.below(BigInt(BASIS_SCENARIO + 1)))
      let maintenanceE8: bigint
      try {
        maintenanceE8 = unhealthyWitness(was, round, policy, scenario).maintenanceE8
      } catch (error) {
        if (error instanceof NotUnhealthyError) continue
        throw error
      }
      const worth = improvementAtMost(scenario, round, policy, before, present)
      const atMostE20 = (maintenanceE8 + 1n) * 10n ** 12n + worth
      expect(after.maintenanceE8 * 10n ** 12n).toBeLessThan(atMostE20)
      if (atMostE20 < 0n) seen.marked++
      else seen.refused++
    }
    console.log(`marked ${seen.marked}, refused ${seen.refused}`)
    expect(seen.marked).toBeGreaterThan(200)
    expect(seen.refused).toBeGreaterThan(20)
  })

  /** What is held, each part changed by up to 2^dust, or not at all. */
  function changed(random: Random, { positions, holdings }: Held, strikes: readonly bigint[], dust: number): Held {
    const by = (value: bigint): bigint => (random.boolean() ? value + around(random, dust) : value)
    const fresh = positions.length === 0 && random.boolean() ? randomPositions(random, strikes, dust) : positions
    return {
      positions: fresh.map((each) => ({ ...each, callsE12: by(each.callsE12), putsE12: by(each.putsE12) })),
      holdings: {
        perpsE12: by(holdings.perpsE12),
        cashE12: by(holdings.cashE12),
        perpPnlE12: by(holdings.perpPnlE12),
        collateralsE12: holdings.collateralsE12.map((amount) => {
          const next = by(amount)
          return next < 0n ? 0n : next
        }),
      },
    }
  }

  test('of dust is dust: a thousand changes of 10^-12 are worth less than a tenth, of each option at once', () => {
    const random = new Random(93n)
    for (let i = 0; i < 34; i++) {
      const { round, policy, strikes } = draw(random)
      const usual = { ...policy, lossFactors: { ...policy.lossFactors, maintenanceFactorX40: 1n << 40n } }
      const before: Held = { positions: randomPositions(random, strikes, 40), holdings: randomHoldings(random, 40) }
      const after: Held = {
        positions: before.positions.map((each) => ({ ...each, callsE12: each.callsE12 + 1_000n })),
        holdings: { ...before.holdings, perpsE12: before.holdings.perpsE12 + 1_000n },
      }
      const worth = improvementAtMost(i % 33, round, usual, before, after)
      expect(Number(worth) / 1e20).toBeLessThan(0.1)
    }
  })
})
