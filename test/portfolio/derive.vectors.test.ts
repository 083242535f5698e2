import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COLLATERALS } from '../../circuits/statements/index.ts'
import { provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { readDeriveCase } from '../../prover/portfolio/input/deriveCase.ts'
import {
  legContributions,
  marginTerms,
  namedScenarios,
  otherContributions,
  worstScenario,
} from '../../prover/portfolio/explain.ts'
import type { Portfolio } from '../../prover/portfolio/portfolio.ts'
import { realMargin } from '../../prover/portfolio/real.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'shared', 'vectors', 'derive-pmrm2')
const isPresent = existsSync(folder)
if (!isPresent) console.log(`skipped: no ${folder}`)

type Result = { readonly IM: number; readonly MM: number }
type Case = { readonly name: string; readonly portfolio: Portfolio; readonly result: Result }

const cases: readonly Case[] = isPresent
  ? readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .map((file) => {
        const text = readFileSync(join(folder, file), 'utf8')
        return { name: file.slice(0, -5), portfolio: readDeriveCase(text, file), result: JSON.parse(text).Result }
      })
  : []

/** Near zero a margin is compared to one unit of the quote currency. */
const relative = (value: number, expected: number): number =>
  Math.abs(value - expected) / Math.max(1, Math.abs(expected))

describe.skipIf(!isPresent)("Derive's own portfolio margins", () => {
  it('the twin agrees on initial and maintenance margin of every case within 1e-8', () => {
    const binding = new Map<string, number>()
    const errors = cases.map(({ name, portfolio, result }) => {
      const provable = provableMargin(portfolio, { strikes: 6, segments: 8, expiries: 3 })
      const { initialE8, maintenanceE8 } = provable.margin
      const words = worstScenario(provable).words
      binding.set(words, (binding.get(words) ?? 0) + 1)
      const initial = { calculated: Number(initialE8) / 1e8, expected: result.IM }
      const maintenance = { calculated: Number(maintenanceE8) / 1e8, expected: result.MM }
      const error = Math.max(
        ...[initial, maintenance].map(({ calculated, expected }) => relative(calculated, expected)),
      )
      return { name, initial, maintenance, error }
    })
    const worst = errors.reduce((a, b) => (b.error > a.error ? b : a))
    console.log(`${cases.length} cases, worst error ${worst.error.toExponential(2)} (tolerance 1e-8) in`, worst)
    console.log('binding scenarios:', Object.fromEntries([...binding].toSorted(([, a], [, b]) => b - a)))
    expect(cases.length).toBeGreaterThanOrEqual(69)
    expect(errors.filter(({ error }) => error > 1e-8)).toEqual([])
  })

  it('an account of as many collaterals as there is room for has the margins of the case whose amounts it splits', () => {
    const texts = readdirSync(folder).filter((file) => file.endsWith('.json'))
    const found = texts.map((file) => ({ file, case: JSON.parse(readFileSync(join(folder, file), 'utf8')) }))
    const most = found.reduce((a, b) =>
      b.case.Scenario.Collaterals.length > a.case.Scenario.Collaterals.length ? b : a,
    )
    for (const count of [9, COLLATERALS]) {
      const split = structuredClone(most.case)
      const held: { Amount: number }[] = split.Scenario.Collaterals
      for (let i = 0; held.length < count; i = (i + 2) % held.length) {
        const each = held[i] as { Amount: number }
        each.Amount /= 2
        held.splice(i, 0, { ...each })
      }
      const portfolio = readDeriveCase(JSON.stringify(split), most.file)
      expect(portfolio.account.collaterals).toHaveLength(count)
      const { initialE8, maintenanceE8 } = provableMargin(portfolio, { strikes: 6, segments: 8, expiries: 3 }).margin
      expect(relative(Number(initialE8) / 1e8, most.case.Result.IM)).toBeLessThan(1e-8)
      expect(relative(Number(maintenanceE8) / 1e8, most.case.Result.MM)).toBeLessThan(1e-8)
    }
  })

  it('skew scenarios at any spot shock: options are skewed where they stand, the shock moves perpetuals and collateral', () => {
    const shockX40 = { linear: (118n << 40n) / 100n, absolute: (82n << 40n) / 100n }
    const binding = new Set<string>()
    for (const { name, portfolio } of cases) {
      const skewed = portfolio.scenarios
        .filter(({ volatility }) => volatility === 'linear' || volatility === 'absolute')
        .map((each) => ({ ...each, spotShockX40: shockX40[each.volatility as 'linear' | 'absolute'] }))
      // Alone, so that they bind.
      const changed = { ...portfolio, scenarios: skewed }
      const provable = provableMargin(changed, { strikes: 6, segments: 8, expiries: 3 })
      const { initialMargin, maintenanceMargin } = realMargin(changed)
      expect(relative(Number(provable.margin.initialE8) / 1e8, initialMargin), name).toBeLessThan(1e-8)
      expect(relative(Number(provable.margin.maintenanceE8) / 1e8, maintenanceMargin), name).toBeLessThan(1e-8)
      binding.add(worstScenario(provable).words)
      // Without options a skew scenario is its spot shock.
      const { account, market, rules } = portfolio
      if (account.options.length > 0) continue
      const moving = account.collaterals.map(({ asset, amountE12 }) => {
        const price = market.collaterals.find((each) => each.asset === asset)?.priceE12 ?? 0n
        const moves = rules.collaterals.find((each) => each.asset === asset)?.movesWithSpot === true
        return moves ? (Number(amountE12) * Number(price)) / Number(market.stablePriceE12) / 1e12 : 0
      })
      const perps = (Number(account.perpsE12) / 1e12) * (Number(market.perpPriceE8) / 1e8)
      const hedge = perps + moving.reduce((sum, each) => sum + each, 0)
      for (const { volatility, spotShock, pnl, damping } of namedScenarios(provable)) {
        if (volatility !== 'linear' && volatility !== 'absolute') continue
        expect(relative(pnl, hedge * (spotShock - 1) * damping), name).toBeLessThan(1e-8)
      }
    }
    expect([...binding].filter((words) => /smile tilts.*spot \+18 %/.test(words))).not.toEqual([])
    expect([...binding].filter((words) => /smile steepens.*spot −18 %/.test(words))).not.toEqual([])
  })

  it('the float reference agrees within 1e-9, so the formula is right apart from the integers', () => {
    const errors = cases.map(({ name, portfolio, result }) => {
      const { initialMargin, maintenanceMargin } = realMargin(portfolio)
      return { name, error: Math.max(relative(initialMargin, result.IM), relative(maintenanceMargin, result.MM)) }
    })
    console.log(`worst error of the float reference: ${Math.max(...errors.map(({ error }) => error)).toExponential(2)}`)
    expect(errors.filter(({ error }) => error > 1e-9)).toEqual([])
  })

  it('what legs, perpetuals and collateral add is the worst loss', () => {
    for (const { name, portfolio } of cases) {
      const provable = provableMargin(portfolio, { strikes: 6, segments: 8, expiries: 3 })
      const parts = [...legContributions(portfolio, provable), ...otherContributions(portfolio, provable)]
      const sum = parts.reduce((total, { contribution }) => total + contribution, 0)
      expect(relative(sum, marginTerms(provable).worstLoss), name).toBeLessThan(1e-9)
    }
  })

  it('thresholds, probability of default and Greeks are those of the float reference', () => {
    for (const { name, portfolio } of cases) {
      const { margin } = provableMargin(portfolio, { strikes: 6, segments: 8, expiries: 3 })
      const { thresholds, greeks } = realMargin(portfolio)
      const none = (1n << 48n) - 1n
      const levels = [
        [margin.thresholds.liquidationDownE8, thresholds.liquidationDown ?? 0],
        [margin.thresholds.liquidationUpE8, thresholds.liquidationUp ?? Number(none) / 1e8],
        [margin.thresholds.defaultDownE8, thresholds.defaultDown ?? 0],
        [margin.thresholds.defaultUpE8, thresholds.defaultUp ?? Number(none) / 1e8],
      ] as const
      for (const [exact, real] of levels) expect(relative(Number(exact) / 1e8, real), name).toBeLessThan(1e-8)
      const probability = Number(margin.thresholds.defaultProbabilityX32) / 2 ** 32
      expect(Math.abs(probability - thresholds.defaultProbability), name).toBeLessThan(1e-6)
      const { spotGreeks, risk } = margin
      expect(relative(Number(spotGreeks.deltaE12) / 1e12, greeks.delta), name).toBeLessThan(1e-6)
      expect(relative(Number(spotGreeks.vegaE8) / 1e8, greeks.vega), name).toBeLessThan(1e-6)
      expect(relative(Number(risk.thetaE8) / 1e8, greeks.theta), name).toBeLessThan(1e-6)
      expect(relative(Number(risk.rhoE8) / 1e8, greeks.rho), name).toBeLessThan(1e-6)
    }
  })
})
