/** The simpler margin families: exact values, directions of rounding, and what they refuse. */
import { describe, expect, it } from 'vitest'
import {
  netCalls,
  payoffAt,
  quoteCollateral,
  type StrikePosition,
  underlyingCollateralUp,
  worstPayoff,
} from '../../prover/portfolio/unproven/expiryPayoff.ts'
import {
  linearMarginUp,
  perpPnl,
  skewedFillPrice,
  unsettledFunding,
} from '../../prover/portfolio/unproven/perpMargin.ts'
import { normalCdf } from '../../prover/options/real.ts'
import {
  lowerQuantile,
  lowerTailMean,
  riskFactorsUp,
  upperTailMean,
} from '../../prover/portfolio/unproven/lognormalTail.ts'
import { nakedPutMarginUp } from '../../prover/portfolio/unproven/nakedPut.ts'
import { scaledInitialMarginPpm, tierInitialMarginUp } from '../../prover/portfolio/unproven/openInterest.ts'
import { assetWeightDown, liabilityWeightUp } from '../../prover/portfolio/unproven/sizePremium.ts'
import { scanRisk } from '../../prover/portfolio/unproven/scanRisk.ts'
import { Random } from '../../scripts/tools/cases/random.ts'

const ONE_X40 = 1n << 40n
const E8 = 10n ** 8n
const E12 = 10n ** 12n

describe('linear contracts', () => {
  it('K1: profit and funding are exact and change sign with the position', () => {
    expect(perpPnl(3n * E12, 101n * E8, 100n * E8)).toBe(3n * E12 * E8)
    expect(perpPnl(-3n * E12, 101n * E8, 100n * E8)).toBe(-3n * E12 * E8)
    expect(unsettledFunding(-2n * E12, 5n * E8, 7n * E8)).toBe(4n * E12 * E8)
  })

  it('K1: a requirement is that of the opposite position, rounded up', () => {
    const random = new Random(1n)
    for (let i = 0; i < 1000; i++) {
      const [quantity, price, fraction] = [random.wide(60), random.wide(48), random.wide(40)]
      const margin = linearMarginUp(quantity, price, fraction)
      expect(linearMarginUp(-quantity, price, fraction)).toBe(margin)
      const missing = (margin << 40n) - quantity * price * fraction
      expect(missing >= 0n && missing < ONE_X40).toBe(true)
    }
  })

  it('K1: a fill price is rounded against the trader, and the skew it moves by is that before and after', () => {
    // 7·(1 + 1/2/3): between 8.16666666 and 8.16666667
    expect(skewedFillPrice(E12, 7n * E8, 0n, 3n * E12)).toBe(816_666_667n)
    expect(skewedFillPrice(-E12, 7n * E8, 2n * E12, 9n * E12)).toBe(816_666_666n)
    expect(() => skewedFillPrice(E12, E8, 0n, 0n)).toThrow(expect.objectContaining({ code: 'math.division-by-zero' }))
    expect(() => skewedFillPrice(-5n * E12, E8, 0n, E12)).toThrow(
      expect.objectContaining({ code: 'math.out-of-domain' }),
    )
  })
})

describe('payoff of an expiry', () => {
  const randomStrikes = (random: Random): StrikePosition[] =>
    Array.from({ length: 1 + Number(random.below(5n)) }, () => ({
      strikeE8: 1n + random.below(40n),
      callQuantityE12: random.between(-3n, 3n),
      putQuantityE12: random.between(-3n, 3n),
    }))

  it('K2: the worst payoff is the least over every price up to the highest strike, and the last slope goes on beyond', () => {
    const random = new Random(2n)
    for (let i = 0; i < 500; i++) {
      const strikes = randomStrikes(random)
      const highest = strikes.reduce((most, { strikeE8 }) => (strikeE8 > most ? strikeE8 : most), 0n)
      const values = Array.from({ length: Number(highest) + 1 }, (_, price) => payoffAt(BigInt(price), strikes))
      expect(worstPayoff(strikes)).toBe(values.reduce((least, value) => (value < least ? value : least)))
      expect(payoffAt(highest + 5n, strikes) - payoffAt(highest, strikes)).toBe(5n * netCalls(strikes))
    }
  })

  it('K2: collateral covers the payoff at every price, and one unit less does not', () => {
    const random = new Random(3n)
    let [inQuote, inUnderlying] = [0, 0]
    for (let i = 0; i < 1000; i++) {
      const strikes = randomStrikes(random)
      const prices = Array.from({ length: 400 }, (_, price) => BigInt(price))
      if (netCalls(strikes) >= 0n) {
        inQuote++
        const collateral = quoteCollateral(strikes)
        const left = prices.map((price) => payoffAt(price, strikes) + collateral)
        expect(left.every((value) => value >= 0n)).toBe(true)
        if (collateral > 0n) expect(left.some((value) => value === 0n)).toBe(true)
      }
      if (payoffAt(0n, strikes) >= 0n) {
        inUnderlying++
        const amount = underlyingCollateralUp(strikes)
        const covers = (units: bigint): boolean =>
          netCalls(strikes) + units >= 0n && prices.every((price) => payoffAt(price, strikes) + units * price >= 0n)
        expect(covers(amount)).toBe(true)
        if (amount > 0n) expect(covers(amount - 1n)).toBe(false)
      }
    }
    expect(Math.min(inQuote, inUnderlying)).toBeGreaterThan(100)
  })

  it('K2: refuses collateral that cannot cover a loss', () => {
    const sold = (callQuantityE12: bigint, putQuantityE12: bigint): StrikePosition[] => [
      { strikeE8: 100n, callQuantityE12, putQuantityE12 },
    ]
    const inQuote = (): bigint => quoteCollateral(sold(-1n, 0n))
    expect(inQuote).toThrow(expect.objectContaining({ code: 'portfolio.unbounded-loss', collateral: 'quote' }))
    const inUnderlying = (): bigint => underlyingCollateralUp(sold(0n, -1n))
    expect(inUnderlying).toThrow(expect.objectContaining({ collateral: 'underlying', uncovered: 100n }))
  })
})

describe('risk arrays', () => {
  it('K3: the requirement is the largest loss, the first of equals, and never below 0', () => {
    const array = [5n, -3n, -3n, 1n]
    expect(scanRisk([{ quantity: 1n, profits: array }])).toMatchObject({ worst: 1, requirement: 3n })
    expect(scanRisk([{ quantity: 2n, profits: [1n, 2n] }])).toMatchObject({ worst: 0, requirement: 0n })
  })

  it('K3: two positions never need more than each by itself', () => {
    const random = new Random(4n)
    for (let i = 0; i < 500; i++) {
      const [a, b] = [0, 1].map(() => ({
        quantity: random.between(-9n, 9n),
        profits: Array.from({ length: 16 }, () => random.between(-99n, 99n)),
      })) as [{ quantity: bigint; profits: bigint[] }, { quantity: bigint; profits: bigint[] }]
      const alone = scanRisk([a]).requirement + scanRisk([b]).requirement
      expect(scanRisk([a, b]).requirement <= alone).toBe(true)
    }
  })

  it('K3: refuses arrays of different grids, and none', () => {
    const refused = (...lengths: number[]): unknown =>
      scanRisk(lengths.map((length) => ({ quantity: 1n, profits: Array<bigint>(length).fill(0n) })))
    expect(() => refused(3, 4)).toThrow(expect.objectContaining({ code: 'portfolio.scenario-count', actual: 4 }))
    expect(() => refused()).toThrow(expect.objectContaining({ code: 'portfolio.scenario-count' }))
    expect(() => refused(0)).toThrow(expect.objectContaining({ code: 'portfolio.scenario-count' }))
  })
})

describe('rules of other venues', () => {
  it('K4: a naked put costs at most its strike and rises with it', () => {
    let previous = 0n
    for (let strike = 10n; strike <= 300n; strike += 10n) {
      const margin = nakedPutMarginUp(E12, strike * E8, 150n * E8, ONE_X40 / 6n, (ONE_X40 * 3n) / 4n)
      expect(margin > previous && margin <= E12 * strike * E8).toBe(true)
      previous = margin
    }
  })

  it('K5: the fraction rises with open interest, between the tier’s own and all', () => {
    const tier = { initialMarginPpm: 50_000n, lowerCap: 1_000n, upperCap: 3_000n }
    const fractions = [0n, 1_000n, 1_001n, 2_000n, 2_999n, 3_000n, 9_000n].map((oi) => scaledInitialMarginPpm(tier, oi))
    expect(fractions).toEqual([50_000n, 50_000n, 50_475n, 525_000n, 999_525n, 1_000_000n, 1_000_000n])
    expect(tierInitialMarginUp(tier, 0n, 21n)).toBe(2n)
    expect(tierInitialMarginUp(tier, 9_000n, 21n)).toBe(21n)
  })

  it('K6: assets are worth less and liabilities more the larger they are, each rounded against the account', () => {
    const factor = ONE_X40 / 1000n
    const [assetBase, liabilityBase] = [(ONE_X40 * 9n) / 10n, (ONE_X40 * 11n) / 10n]
    let [asset, liability] = [assetBase, liabilityBase]
    for (let size = E12; size < 10n ** 22n; size *= 7n) {
      const [nextAsset, nextLiability] = [
        assetWeightDown(size, factor, assetBase),
        liabilityWeightUp(size, factor, liabilityBase),
      ]
      expect(nextAsset <= asset && nextLiability >= liability).toBe(true)
      ;[asset, liability] = [nextAsset, nextLiability]

      const premium = (Number(factor) / 2 ** 40) * Math.sqrt(Number(size) / 1e12)
      const [exactAsset, exactLiability] = [Math.min(0.9, 1.1 / (1 + premium)), Math.max(1.1, 0.88 + premium)]
      expect(Number(asset) / 2 ** 40).toBeLessThanOrEqual(exactAsset + 1e-15)
      expect(Number(asset) / 2 ** 40).toBeGreaterThan(exactAsset - 1e-11)
      expect(Number(liability) / 2 ** 40).toBeGreaterThanOrEqual(exactLiability - 1e-11)
      expect(Number(liability) / 2 ** 40).toBeLessThan(exactLiability * (1 + 1e-11))
    }
  })

  it('K7: tails agree with doubles to 2^-36/λ, and risk factors are never below them', () => {
    const random = new Random(5n)
    let worst = 0
    for (let i = 0; i < 400; i++) {
      const tailX40 = random.between(ONE_X40 / 1000n, ONE_X40 / 2n)
      const volatilityX40 = random.between(ONE_X40 / 100n, 3n * ONE_X40)
      const horizon = random.between(1n, 30n * 86_400n)
      const tail = Number(tailX40) / 2 ** 40
      const deviation = (Number(volatilityX40) / 2 ** 40) * Math.sqrt(Number(horizon) / 31_536_000)
      const exact = { meanX40: 0n, deviationX40: BigInt(Math.round(deviation * 2 ** 40)), tailX40 }
      const z = Math.log(Number(lowerQuantile({ ...exact, deviationX40: ONE_X40 })) / 2 ** 40)
      expect(Math.abs(normalCdf(z) - tail)).toBeLessThan(1e-11)

      const scale = Math.exp(deviation ** 2 / 2)
      const [lower, upper] = [z - deviation, z + deviation].map((d) => (scale * normalCdf(d)) / tail) as [
        number,
        number,
      ]
      const errors = [
        Number(lowerTailMean(exact)) / 2 ** 40 / lower - 1,
        Number(upperTailMean(exact)) / 2 ** 40 / upper - 1,
      ]
      worst = Math.max(worst, ...errors.map((error) => Math.abs(error) * tail))

      const { longX40, shortX40 } = riskFactorsUp(volatilityX40, horizon, tailX40)
      const slack = 2 ** -35 / tail
      for (const [factor, published] of [
        [longX40, 1 - lower / scale],
        [shortX40, upper / scale - 1],
      ] as const) {
        const error = Number(factor) / 2 ** 40 - published
        expect(error).toBeGreaterThanOrEqual(0)
        expect(error).toBeLessThan(slack * Math.max(1, published))
      }
    }
    console.log(`lognormal tails: worst relative error is 2^${Math.log2(worst).toFixed(1)}/λ over 400`)
    expect(worst).toBeLessThan(2 ** -36)
    expect(() => lowerTailMean({ meanX40: 0n, deviationX40: 1n, tailX40: 0n })).toThrow(
      expect.objectContaining({ code: 'portfolio.tail-out-of-range' }),
    )
  })
})
