/** Books over arrays as the pricing twin makes them: in the circuit, and against Black-76 in floating point. */
import { beforeAll, describe, expect, test } from 'vitest'
import { optionGreeks, optionValue } from '../../prover/options/real.ts'
import { type ExpiryMarket, type PricingPolicy, riskArray } from '../../prover/options/riskArray.ts'
import { emptyBook, foldBook, type OptionPosition } from '../../prover/portfolio/book.ts'
import { accountMargin } from '../../prover/portfolio/margin.ts'
import { emptyAccount } from '../../prover/statement/portfolioMargin.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import type { Circuit } from '../../scripts/tools/circuits/circuit.ts'
import { compileCircuit } from '../../scripts/tools/circuits/circuit.ts'
import {
  randomMarket,
  randomStrike,
  randomPolicy as randomPricing,
  usualMarket,
  usualPolicy,
} from '../../scripts/tools/cases/expiries.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import {
  bookBuild,
  bookInput,
  randomPolicy,
  randomPositions,
  randomRound,
} from '../../scripts/tools/cases/portfolios.ts'

const build = bookBuild(2, 2)
let circuit: Circuit

beforeAll(async () => {
  circuit = await compileCircuit(mainSource(build))
})

const bookOf = (market: ExpiryMarket, policy: PricingPolicy, strikes: readonly bigint[], random: Random) => {
  const halves = [strikes.slice(0, 2), strikes.slice(2)].map((two) => riskArray(market, policy, two))
  return halves.map((array, i) => ({ array, positions: randomPositions(random, array, 56), continues: i === 0 }))
}

test('L3 L4 L6: circuit equals twin over arrays of random expiries, the last second among them', async () => {
  const random = new Random(81n)
  let proven = 0
  while (proven < 12) {
    const drawn = proven % 4 === 0 ? usualMarket : randomMarket(random)
    const market = proven % 3 === 0 ? { ...drawn, asOf: drawn.expiry } : drawn
    const strikes = Array.from({ length: 4 }, () => randomStrike(random, market))
    let segments: ReturnType<typeof bookOf>
    try {
      segments = bookOf(market, proven % 2 === 0 ? usualPolicy : randomPricing(random), strikes, random)
    } catch {
      continue // surfaces that have no prices are the options stage's to refuse
    }
    const { input, stated } = await bookInput(build, {
      before: emptyBook,
      segments,
      after: foldBook(emptyBook, segments),
    })
    expect(circuit.outputs(input)).toEqual(stated.publicSignals.slice(0, 2))
    proven++
  }
})

describe('L2 L3 L4: against Black-76 in floating point', () => {
  test('mark and five Greeks of books of an expiry', () => {
    const random = new Random(82n)
    const worst: Record<string, number> = {}
    for (let i = 0; i < 200; i++) {
      const days = 1 + Number(random.below(300n))
      const market = { ...usualMarket, asOf: usualMarket.expiry - BigInt(days) * 86_400n }
      const forward = Number(market.forwardVariableE8) / 1e8
      const strikes = Array.from({ length: 4 }, () => (market.forwardVariableE8 * random.between(6n, 16n)) / 10n)
      const array = riskArray(market, usualPolicy, strikes)
      const positions: OptionPosition[] = array.leaves.map(({ strikeE8 }) => ({
        expiry: market.expiry,
        strikeE8,
        callsE12: random.between(-(10n ** 14n), 10n ** 14n),
        putsE12: random.between(-(10n ** 14n), 10n ** 14n),
      }))
      const book = foldBook(emptyBook, [{ array, positions, continues: false }])
      const round = { ...randomRound(random, market.asOf), spotE8: 10n ** 13n }
      const { spotGreeks, risk } = accountMargin({ ...emptyAccount, book }, round, randomPolicy(random))

      const expected = { mark: 0, delta: 0, gamma: 0, vega: 0, theta: 0, rho: 0 }
      const scale = { ...expected }
      const timeToExpiry = (days * 86_400) / 31_536_000
      for (const [slot, { callsE12, putsE12, strikeE8 }] of positions.entries()) {
        const totalVolatility = Number(array.leaves[slot]!.volatilityX40.none) / 2 ** 40
        const impliedVolatility = totalVolatility / Math.sqrt(timeToExpiry)
        for (const [isCall, quantity] of [
          [true, Number(callsE12) / 1e12],
          [false, Number(putsE12) / 1e12],
        ] as const) {
          const terms = { forward, strike: Number(strikeE8) / 1e8, timeToExpiry, impliedVolatility, isCall }
          const each = { mark: optionValue(terms), ...optionGreeks(terms) }
          for (const name of Object.keys(expected) as (keyof typeof expected)[]) {
            expected[name] += quantity * each[name]
            scale[name] += Math.abs(quantity) * Math.max(Math.abs(each[name]), name === 'mark' ? 1 : 0)
          }
        }
      }
      const discount = Number(array.header.discountX40) / 2 ** 40
      const got = {
        mark: (Number(book.totals.markMX40) * 2 ** -40 * 2 ** 32) / 1e20 / discount,
        delta: Number(spotGreeks.deltaE12) / 1e12,
        gamma: Number(spotGreeks.gammaE20) / 1e20,
        vega: Number(spotGreeks.vegaE8) / 1e8,
        theta: Number(risk.thetaE8) / 1e8,
        rho: Number(risk.rhoE8) / 1e8,
      }
      for (const name of Object.keys(got) as (keyof typeof got)[]) {
        worst[name] = Math.max(worst[name] ?? 0, Math.abs(got[name] - expected[name]) / scale[name])
      }
    }
    console.log('worst error over the sum of magnitudes:', worst)
    expect(worst.mark).toBeLessThan(1e-9)
    for (const name of ['delta', 'gamma', 'vega', 'theta', 'rho']) expect(worst[name]).toBeLessThan(1e-6)
  })
})
