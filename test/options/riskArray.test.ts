/**
 * Volatilities, shocks, skews and discounts against the formulas in floating point, as a trader would write them, on
 * random expiries: the integers mean what they are called. Prices against Black-76 at the resulting volatilities.
 */
import { describe, expect, test } from 'vitest'
import { FORWARDS, POINTS, pointForward, pointVolatility, SCENARIOS } from '../../prover/options/grid.ts'
import { blackValue, sviTotalVariance } from '../../prover/options/real.ts'
import {
  CALL_BITS,
  type ExpiryMarket,
  expiryHeader,
  type PricingPolicy,
  priceStrike,
  riskArray,
} from '../../prover/options/riskArray.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { randomMarket, randomStrike, usualMarket, usualPolicy, x40 } from '../../scripts/tools/cases/expiries.ts'

const CASES = 400
const YEAR = 31_536_000
const SHOCK_TENOR = 2_592_000

const real40 = (value: bigint): number => Number(value) / 2 ** 40
const real48 = (value: bigint): number => Number(value) / 2 ** 48

/** The five total volatilities of a strike, by the formulas of the model. */
function expectedVolatilities(market: ExpiryMarket, policy: PricingPolicy, strike: number) {
  const seconds = Number(market.expiry - market.asOf)
  const tau = seconds / YEAR
  const [a, b, rho, m, s] = [
    real48(market.sviAX48),
    real48(market.sviBX48),
    real40(market.sviRhoX40),
    real40(market.sviMX40),
    real40(market.sviSX40),
  ]
  const cut = 4 * Math.sqrt(a + b * s)
  const kRef = Math.min(cut, Math.max(-cut, Math.log(strike / Number(market.forwardRefE8))))
  const variance = Math.min(20, sviTotalVariance({ a, b, rho, m, s }, kRef))
  const none = Math.sqrt(variance * (seconds / (Number(market.tauRefSecondsX20) / 2 ** 20)))

  const shocks = policy.volatilityShocks
  const power = real40(seconds <= SHOCK_TENOR ? shocks.shortPowerX40 : shocks.longPowerX40)
  const multiple = (SHOCK_TENOR / Math.max(seconds, Number(shocks.tenorFloorSeconds), 1)) ** power
  const up = Math.max(real40(shocks.floorUpX40) * Math.sqrt(tau), none * (1 + real40(shocks.rangeUpX40) * multiple))
  const down = none * Math.max(0, 1 - real40(shocks.rangeDownX40) * multiple)

  const { skewLinear, skewAbsolute } = policy
  const typical = real40(skewAbsolute.volatilityX40) + Math.sqrt(tau) * real40(skewAbsolute.volatilitySlopeX40)
  const width = Math.max(
    real40(skewLinear.widthFloorX40),
    Math.sqrt(tau) * real40(skewLinear.widthScaleX40) * typical,
    2 ** -12,
  )
  const k = Math.log(strike / Number(market.forwardVariableE8 + market.forwardFixedE8))
  // As Derive has it: bounded by the cap above for k >= 0, by its negative below for k < 0.
  const change = (cap: number, at: number) =>
    at >= 0 ? Math.min(cap, (at * cap) / width) : Math.max(-cap, (at * cap) / width)
  const cap = (skew: { capX40: bigint; capSlopeX40: bigint }) =>
    real40(skew.capX40) + real40(skew.capSlopeX40) * Math.sqrt(tau)
  return {
    none,
    up,
    down,
    linear: none * Math.max(0, 1 + change(cap(skewLinear), k)),
    absolute: none * Math.max(0, 1 + change(cap(skewAbsolute), Math.abs(k))),
  }
}

describe('B2, B3 and B7: volatilities', () => {
  const negativeCaps: PricingPolicy = {
    ...usualPolicy,
    skewLinear: { ...usualPolicy.skewLinear, capX40: x40(-0.2), capSlopeX40: x40(0.01) },
    skewAbsolute: { ...usualPolicy.skewAbsolute, capX40: x40(-0.15), capSlopeX40: x40(-0.02) },
  }

  test.each([
    ['positive caps', usualPolicy],
    ['negative caps', negativeCaps],
  ])(`of ${CASES} random strikes are those of the model: %s`, (_, policy) => {
    const random = new Random(77n)
    let worst = 0
    for (let i = 0; i < CASES; i++) {
      const market = randomMarket(random)
      const strikeE8 = randomStrike(random, market)
      const { volatilityX40 } = priceStrike(market, policy, strikeE8)
      for (const [kind, expected] of Object.entries(expectedVolatilities(market, policy, Number(strikeE8)))) {
        const found = real40(volatilityX40[kind as keyof typeof volatilityX40])
        const error = Math.abs(found - Math.min(expected, 16))
        worst = Math.max(worst, error / (1 + expected))
        // The logarithm of the strike has 36 fraction bits; near total variance 0 the root magnifies what is left.
        if (error > 2e-9 * (1 + expected) && error > 1e-4 * expected) {
          expect({ kind, market, strikeE8, found }).toEqual({ kind, market, strikeE8, found: expected })
        }
      }
    }
    console.log(`greatest error of a total volatility v, over 1 + v: ${worst.toExponential(1)}`)
    expect(worst).toBeLessThan(1e-6)
  })

  test('a surface that turns negative is refused by the strike where it does', () => {
    const market = {
      ...usualMarket,
      sviAX48: 0n,
      sviBX48: x40(0.5) << 8n,
      sviRhoX40: x40(1.5),
      sviSX40: x40(0.01),
      sviMX40: 0n,
    }
    expect(() => riskArray(market, usualPolicy, [usualMarket.forwardRefE8])).not.toThrow()
    let refusal: unknown
    try {
      riskArray(market, usualPolicy, [usualMarket.forwardRefE8, 8_000_000_000_000n])
    } catch (error) {
      refusal = error
    }
    expect(refusal).toMatchObject({ code: 'options.negative-variance', strikeE8: 8_000_000_000_000n })
  })
})

describe('B1 and B5: calls', () => {
  test(`36 prices of ${CASES} random strikes are Black-76 at their forward and volatility`, () => {
    const random = new Random(78n)
    let worst = 0
    for (let i = 0; i < CASES; i++) {
      const market = randomMarket(random)
      const { header, leaves } = riskArray(market, usualPolicy, [randomStrike(random, market)])
      const leaf = leaves[0] as (typeof leaves)[number]
      const strike = Number(leaf.strikeE8)
      leaf.calls.forEach((call, p) => {
        const forward = Number(header.forwardsE8[pointForward(p)])
        const expected = blackValue(forward, strike, real40(leaf.volatilityX40[pointVolatility(p)]), true)
        const found = Number(call >> BigInt(CALL_BITS - 60)) / 2 ** 60
        worst = Math.max(worst, Math.abs(found - expected) / Math.max(forward, strike))
      })
    }
    console.log(
      `greatest error of ${CASES * POINTS} calls over the larger of forward and strike: ${worst.toExponential(1)}`,
    )
    // A double has 53 bits, and at small volatilities ln(F / K) / v loses some.
    expect(worst).toBeLessThan(2e-8)
  })

  test('the grid has 36 points on 20 forwards, each of them used', () => {
    const points = Array.from({ length: POINTS }, (_, p) => p)
    expect(new Set(points.map(pointForward)).size).toBe(FORWARDS)
    expect(points.filter((p) => pointVolatility(p) === 'up')).toHaveLength(17)
    expect(points.slice(1, 1 + SCENARIOS).map(pointForward)).toEqual([
      ...[1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7],
      ...[8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 0, 0],
    ])
    expect([pointForward(0), pointForward(34), pointForward(35)]).toEqual([0, 18, 19])
  })

  test('every forward is the variable part shocked, rounded down, and the fixed part', () => {
    const market = { ...usualMarket, forwardVariableE8: 333n, forwardFixedE8: 1_000n }
    const { forwardsE8 } = expiryHeader(market, usualPolicy)
    expect(forwardsE8[0]).toBe(1_333n)
    expect(forwardsE8[4]).toBe(1_333n)
    expect(forwardsE8[1]).toBe(1_000n + (333n * x40(1.135)) / (1n << 40n))
    expect(forwardsE8[18]).toBe(1_000n + (333n * x40(1.045)) / (1n << 40n))
  })
})

describe('B8: discounts', () => {
  test(`of ${CASES} random expiries lie on the safe side of the formulas and within 10^-11 of them`, () => {
    const random = new Random(79n)
    for (let i = 0; i < CASES; i++) {
      const market = randomMarket(random)
      const header = expiryHeader(market, usualPolicy)
      const tau = Number(market.expiry - market.asOf) / YEAR
      const rate = Math.max(0, real40(market.rateX40))
      const { longDiscount: long, shortDiscount: short, scenarios } = usualPolicy
      const discount = Math.exp(-rate * tau)
      const growth = (terms: typeof long) => rate * real40(terms.rateMultipleX40) + real40(terms.rateAddX40)
      const expected = {
        discountX40: discount,
        longFactorX40: tau === 0 ? 1 : real40(long.baseX40) * Math.exp(-tau * (rate + growth(long))),
        shortFactorX40: tau === 0 ? 1 : Math.min(1, real40(short.baseX40) * Math.exp(tau * (growth(short) - rate))),
        basisFactorX40: discount * (real40(scenarios.basisAddX40) + real40(short.basisSlopeX40) * tau),
        sqrtTauX40: Math.sqrt(tau),
      }
      for (const [name, value] of Object.entries(expected)) {
        const difference = (real40(header[name as keyof typeof expected]) - value) / (1 + value)
        const isUp = name === 'shortFactorX40' || name === 'basisFactorX40'
        // A double is no judge of the last 10^-15.
        const isNear = isUp ? difference > -1e-15 && difference < 1e-11 : difference > -1e-11 && difference < 1e-12
        const isSafe = name !== 'longFactorX40' || difference < 1e-15
        expect({ name, market, difference, isNear, isSafe }).toEqual({
          name,
          market,
          difference,
          isNear: true,
          isSafe: true,
        })
      }
    }
  })

  test('at expiry both static factors are 1, whatever their bases', () => {
    const header = expiryHeader({ ...usualMarket, expiry: usualMarket.asOf }, usualPolicy)
    expect([header.discountX40, header.longFactorX40, header.shortFactorX40]).toEqual(Array(3).fill(1n << 40n))
    expect(header.secondsToExpiry).toBe(0n)
  })

  test('a confidence below the threshold leaves a shortfall, one at the threshold none', () => {
    const shortfall = (confidenceX40: bigint, spotConfidenceX40 = 1n << 40n) =>
      expiryHeader({ ...usualMarket, confidenceX40, spotConfidenceX40 }, usualPolicy).shortfallX40
    const threshold = usualPolicy.shortDiscount.confidenceThresholdX40
    expect(shortfall(threshold)).toBe(0n)
    expect(shortfall(threshold - 1n)).toBe((1n << 40n) - threshold + 1n)
    expect(shortfall(1n << 40n, threshold - 5n)).toBe((1n << 40n) - threshold + 5n)
    expect(shortfall(0n)).toBe(1n << 40n)
  })
})
