/** Standard margins against a model in doubles, and the rules one by one. */
import { describe, expect, it } from 'vitest'
import { CALL_BITS, priceCall } from '../../prover/options/black.ts'
import { blackValue } from '../../prover/options/real.ts'
import {
  type StandardExpiry,
  type StandardMarket,
  type StandardRules,
  standardMargins,
} from '../../prover/portfolio/unproven/standardManager.ts'
import { Random } from '../../scripts/tools/cases/random.ts'

const ONE_X40 = 1n << 40n
const E8 = 10n ** 8n
const E12 = 10n ** 12n
const x = (fraction: number): bigint => BigInt(Math.round(fraction * 2 ** 40))

const rules: StandardRules = {
  callMaintenance: x(0.07),
  putMaintenance: x(0.08),
  putMaintenanceOfMark: x(0.09),
  initialMost: x(0.15),
  initialLeast: x(0.1),
  putInitialOfMaintenance: x(1.05),
  unpairedMaintenance: x(1.1),
  unpairedInitial: x(1.2),
  perpMaintenance: x(0.05),
  perpInitial: x(0.065),
  collateralWeight: x(0.1),
  confidenceThreshold: x(0.55),
  confidenceMargin: x(0.4),
  pegThreshold: x(0.98),
  pegLoss: x(1.2),
}

const nothing: StandardMarket = {
  spotE8: 1500n * E8,
  spotConfidenceX40: ONE_X40,
  expiries: [],
  perp: { quantityE12: 0n, priceE8: 1505n * E8, confidenceX40: ONE_X40, pnlE20: 0n },
  collateralE12: 0n,
}

/** Marked at one total volatility. */
function expiryOf(legs: readonly (readonly [strike: bigint, calls: bigint, puts: bigint])[]): StandardExpiry {
  const forwardE8 = 1501n * E8
  return {
    forwardE8,
    confidenceX40: ONE_X40,
    strikes: legs.map(([strike, calls, puts]) => ({
      strikeE8: strike * E8,
      callQuantityE12: calls * E12,
      putQuantityE12: puts * E12,
      callMark: priceCall(forwardE8, strike * E8, x(0.13)),
    })),
  }
}

const real = (value: bigint, scale: number): number => Number(value) / scale

/** The same in doubles, straight from the rules. */
function model(market: StandardMarket, stable: number): { initial: number; maintenance: number; mark: number } {
  const r = Object.fromEntries(Object.entries(rules).map(([name, value]) => [name, real(value, 2 ** 40)])) as Record<
    keyof StandardRules,
    number
  >
  const spot = real(market.spotE8, 1e8)
  const spotConfidence = real(market.spotConfidenceX40, 2 ** 40)
  const risk = (confidence: number): number =>
    confidence < r.confidenceThreshold ? (1 - confidence) * r.confidenceMargin : 0
  const peg = Math.max(0, r.pegThreshold - stable) * r.pegLoss
  const perp = Math.abs(real(market.perp.quantityE12, 1e12)) * real(market.perp.priceE8, 1e8)
  const pnl = real(market.perp.pnlE20, 1e20)
  const collateral = real(market.collateralE12, 1e12) * spot
  let initial = pnl + collateral * r.collateralWeight
  let maintenance = initial - perp * r.perpMaintenance
  initial -= perp * (r.perpInitial + peg + risk(Math.min(spotConfidence, real(market.perp.confidenceX40, 2 ** 40))))
  initial -= collateral * risk(spotConfidence)
  let mark = pnl + collateral
  for (const { forwardE8, strikes, confidenceX40 } of market.expiries) {
    const forward = real(forwardE8, 1e8)
    let [isolatedInitial, isolatedMaintenance, net] = [0, 0, 0]
    const payoffs = [0, ...strikes.map(({ strikeE8 }) => real(strikeE8, 1e8))].map((price) =>
      strikes.reduce((sum, { strikeE8, callQuantityE12, putQuantityE12 }) => {
        const moneyness = price - real(strikeE8, 1e8)
        return sum + (moneyness > 0 ? real(callQuantityE12, 1e12) * moneyness : -real(putQuantityE12, 1e12) * moneyness)
      }, 0),
    )
    for (const { strikeE8, callQuantityE12, putQuantityE12 } of strikes) {
      const strike = real(strikeE8, 1e8)
      const [calls, puts] = [real(callQuantityE12, 1e12), real(putQuantityE12, 1e12)]
      const [call, put] = [true, false].map((isCall) => blackValue(forward, strike, 0.13, isCall)) as [number, number]
      net += calls
      mark += calls * call + puts * put
      const oracle = risk(Math.min(spotConfidence, real(confidenceX40, 2 ** 40))) + peg
      if (calls < 0) {
        isolatedMaintenance += calls * (call + r.callMaintenance * spot)
        isolatedInitial +=
          calls * (call + Math.max(r.initialMost * spot - Math.max(strike - spot, 0), r.initialLeast * spot))
        initial += calls * spot * oracle
      }
      if (puts < 0) {
        const needed = put + Math.max(r.putMaintenance * spot, r.putMaintenanceOfMark * put)
        const first = put + Math.max(r.initialMost * spot - Math.max(spot - strike, 0), r.initialLeast * spot)
        isolatedMaintenance += puts * needed
        isolatedInitial += puts * Math.max(first, needed * r.putInitialOfMaintenance)
        initial += puts * spot * oracle
      }
    }
    const unpaired = Math.min(net, 0) * forward
    const worst = Math.min(...payoffs)
    initial += Math.min(Math.max(isolatedInitial, worst + unpaired * r.unpairedInitial), 0)
    maintenance += Math.min(Math.max(isolatedMaintenance, worst + unpaired * r.unpairedMaintenance), 0)
  }
  return { initial, maintenance, mark }
}

describe('standard margins', () => {
  it('K8: within the errors of the marks of the model in doubles', () => {
    const random = new Random(8n)
    let worst = 0
    for (let i = 0; i < 1000; i++) {
      const signed = (most: bigint): bigint => random.between(-most, most)
      const strikes = [...new Set(Array.from({ length: 5 }, () => random.between(8n, 40n) * 100n))]
      const market: StandardMarket = {
        spotE8: random.between(1400n, 1600n) * E8,
        spotConfidenceX40: random.boolean() ? ONE_X40 : random.below(ONE_X40),
        expiries: [expiryOf(strikes.map((strike) => [strike, signed(3n), signed(3n)]))],
        perp: {
          quantityE12: signed(3n) * E12,
          priceE8: 1505n * E8,
          confidenceX40: random.below(ONE_X40),
          pnlE20: signed(9n) * 10n ** 22n,
        },
        collateralE12: random.below(4n) * E12,
      }
      const stableX40 = random.boolean() ? ONE_X40 : random.between(ONE_X40 / 2n, ONE_X40)
      const margins = standardMargins([market], 0n, stableX40, rules)
      const expected = model(market, real(stableX40, 2 ** 40))
      for (const [exact, value] of [
        [margins.initialMarginE8, expected.initial],
        [margins.maintenanceMarginE8, expected.maintenance],
        [margins.markToMarketE8, expected.mark],
      ] as const) {
        // 2·10^-12 of the forward for each of up to 30 options, and what 10^-8 rounds
        const error = real(exact, 1e8) - value
        worst = Math.max(worst, Math.abs(error))
        expect(Math.abs(error)).toBeLessThan(1.2e-7 + 1e-8)
      }
      expect(margins.initialMarginE8 <= margins.maintenanceMarginE8).toBe(true)
    }
    console.log(`standard margins: worst error ${worst.toExponential(1)} over 1,000 accounts`)
  })

  it('K8: options bought ask for nothing, and count for nothing', () => {
    const long = { ...nothing, expiries: [expiryOf([[1500n, 2n, 3n]])], spotConfidenceX40: 0n }
    const margins = standardMargins([long], 0n, 0n, rules)
    expect(margins.initialMarginE8).toBe(0n)
    expect(margins.maintenanceMarginE8).toBe(0n)
    expect(margins.markToMarketE8).toBeGreaterThan(0n)
  })

  it('K8: a spread asks for the least of its own worst payoff and of what its short leg asks alone', () => {
    const [bounded, alone] = [
      expiryOf([
        [1500n, -1n, 0n],
        [1510n, 1n, 0n],
      ]),
      expiryOf([[1500n, -1n, 0n]]),
    ]
    const margin = (expiry: StandardExpiry): bigint =>
      standardMargins([{ ...nothing, expiries: [expiry] }], 0n, ONE_X40, rules).maintenanceMarginE8
    expect(margin(bounded)).toBe(-10n * E8)
    const wide = expiryOf([
      [1500n, -1n, 0n],
      [9000n, 1n, 0n],
    ])
    expect(margin(wide)).toBe(margin(alone))
  })

  it('K8: expiries do not offset each other, underlyings add up, cash is counted once', () => {
    const gain = expiryOf([[1500n, 1n, 0n]])
    const loss = expiryOf([[1500n, -1n, 0n]])
    const one = standardMargins([{ ...nothing, expiries: [loss] }], 0n, ONE_X40, rules)
    const both = standardMargins([{ ...nothing, expiries: [gain, loss] }], 0n, ONE_X40, rules)
    expect(both.initialMarginE8).toBe(one.initialMarginE8)
    const twice = standardMargins(
      [
        { ...nothing, expiries: [loss] },
        { ...nothing, perp: { ...nothing.perp, quantityE12: -E12 } },
      ],
      7n * E12,
      ONE_X40,
      rules,
    )
    // 1,505 · 0.065, its fraction rounded to X40
    expect(real(twice.initialMarginE8 - one.initialMarginE8, 1e8)).toBeCloseTo(7 - 97.825, 7)
  })

  it('K8: a mark above its true value by one unit asks for more, never less', () => {
    const [strike] = expiryOf([[1500n, -1n, 0n]]).strikes
    const ask = (callMark: bigint): bigint =>
      standardMargins(
        [{ ...nothing, expiries: [{ ...expiryOf([]), strikes: [{ ...strike!, callMark }] }] }],
        0n,
        ONE_X40,
        rules,
      ).maintenanceMarginE8
    expect(ask(strike!.callMark + (1n << BigInt(CALL_BITS)))).toBe(ask(strike!.callMark) - 1n)
  })
})
