/** The first portfolio margin in the terms of the second: what can be said of it without published cases. */
import { describe, expect, it } from 'vitest'
import { type FirstRules, firstMargin } from '../../prover/portfolio/unproven/pmrmFirst.ts'
import type { PortfolioAccount, PortfolioMarket } from '../../prover/portfolio/portfolio.ts'

const ONE_X40 = 1n << 40n
const E8 = 10n ** 8n
const E12 = 10n ** 12n
const AS_OF = 1_735_718_400n
const x = (fraction: number): bigint => BigInt(Math.round(fraction * 2 ** 40))
const sizes = { strikes: 6, segments: 8, expiries: 3 }

const rules: FirstRules = {
  spotShocksX40: [1.15, 1.1, 1.05, 1, 0.95, 0.9, 0.85].map(x),
  volatilityShocks: {
    rangeUpX40: x(0.45),
    rangeDownX40: x(0.3),
    shortPowerX40: x(0.3),
    longPowerX40: x(0.13),
    tenorFloorSeconds: 86_400n,
  },
  longDiscount: { baseX40: x(0.95), rateMultipleX40: x(4), rateAddX40: x(0.05) },
  basis: { basisUpX40: x(1.05), basisDownX40: x(0.95), basisAddX40: x(0.25), basisSlopeX40: x(0.01) },
  lossFactorX40: x(1.3),
  pegThresholdX40: x(0.98),
  pegLossX40: x(2),
  perpX40: x(0.02),
  optionX40: x(0.01),
  collateralX40: x(0.02),
  confidenceThresholdX40: x(0.55),
  confidenceMarginX40: x(0.5),
}

function market(rates: Readonly<Record<number, number>>, stablePriceE12 = E12): PortfolioMarket {
  return {
    asOf: AS_OF,
    spotE8: 1500n * E8,
    perpPriceE8: 1505n * E8,
    stablePriceE12,
    spotConfidenceX40: ONE_X40,
    perpConfidenceX40: ONE_X40,
    horizonVolatilityX40: x(0.03),
    expiries: Object.entries(rates).map(([days, rate]) => ({
      expiry: AS_OF + BigInt(days) * 86_400n,
      asOf: AS_OF,
      forwardVariableE8: 1501n * E8,
      forwardFixedE8: 0n,
      rateX40: x(rate),
      sviAX48: 1n << 48n,
      sviBX48: 3n << 47n,
      sviRhoX40: x(-0.1),
      sviMX40: x(-0.05),
      sviSX40: x(0.05),
      forwardRefE8: 1501n * E8,
      tauRefSecondsX20: 31_536_000n << 20n,
      confidenceX40: ONE_X40,
      spotConfidenceX40: ONE_X40,
    })),
    collaterals: [{ asset: 'BASE', priceE12: 1500n * E12, confidenceX40: ONE_X40 }],
  }
}

function account(
  perps: bigint,
  legs: readonly (readonly [days: number, strike: bigint, isCall: boolean, quantity: bigint])[],
): PortfolioAccount {
  return {
    cashE12: 0n,
    perpsE12: perps * E12,
    perpPnlE12: 0n,
    collaterals: [{ asset: 'BASE', amountE12: 0n }],
    options: legs.map(([days, strike, isCall, quantity]) => ({
      instrument: `${days} d ${strike} ${isCall ? 'C' : 'P'}`,
      expiry: AS_OF + BigInt(days) * 86_400n,
      strikeE8: strike * E8,
      isCall,
      quantityE12: quantity * E12,
    })),
  }
}

const margins = (holder: PortfolioAccount, round: PortfolioMarket): { initial: number; maintenance: number } => {
  const { margin } = firstMargin(holder, round, rules, sizes)
  return { initial: Number(margin.initialE8) / 1e8, maintenance: Number(margin.maintenanceE8) / 1e8 }
}

/** A box worth 1,000 at expiry whatever happens. */
const box = (days: number): readonly (readonly [number, bigint, boolean, bigint])[] => [
  [days, 1500n, true, 1n],
  [days, 2500n, true, -1n],
  [days, 1500n, false, -1n],
  [days, 2500n, false, 1n],
]

describe('first portfolio margin', () => {
  it('K9: a perpetual loses the widest shock and its contingency, and initial margin multiplies both', () => {
    const { initial, maintenance } = margins(account(1n, []), market({}))
    expect(maintenance).toBeCloseTo(-(1505 * 0.15 + 1500 * 0.02), 7)
    expect(initial).toBeCloseTo(-1.3 * (1505 * 0.15 + 1500 * 0.02), 7)
    const depegged = margins(account(1n, []), market({}, (9n * E12) / 10n))
    expect(depegged.initial).toBeCloseTo(-1.46 * (1505 * 0.15 + 1500 * 0.02), 7)
    expect(depegged.maintenance).toBe(maintenance)
  })

  it('K9: what is certain is worth base·e^(−τ·(4r + 0.05)) of itself, each expiry at its own rate; a debt counts in full', () => {
    const rates = { 30: 0.03, 90: 0.1, 180: -0.2 }
    const worth = (days: number, rate: number): number =>
      1000 * 0.95 * Math.exp((-days / 365) * (4 * Math.max(rate, 0) + 0.05))
    const all = margins(account(0n, [...box(30), ...box(90), ...box(180)]), market(rates))
    expect(all.maintenance).toBeCloseTo(worth(30, 0.03) + worth(90, 0.1) + worth(180, -0.2), 6)

    const owed = account(
      0n,
      box(90).map(([days, strike, isCall, quantity]) => [days, strike, isCall, -quantity]),
    )
    expect(margins(owed, market(rates))).toEqual({
      initial: expect.closeTo(-1000, 6),
      maintenance: expect.closeTo(-1000, 6),
    })
  })

  it('K9: refuses a leg whose expiry the market does not have', () => {
    expect(() => margins(account(0n, [[7, 1500n, true, 1n]]), market({ 30: 0.03 }))).toThrow(
      expect.objectContaining({ code: 'portfolio.unknown-instrument' }),
    )
  })
})
