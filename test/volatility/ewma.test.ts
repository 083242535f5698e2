import { expect, test } from 'vitest'
import { ewmaStep } from '../../prover/volatility/ewma.ts'
import { VARIANCE_BITS, YEAR_SECONDS } from '../../prover/volatility/variance.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { ewmaReference } from './reference.ts'

test('V1: the twin is never below the model in doubles by more than the weight table, 2^-31.5·(1 + |r²/y − v|), and above it only by the raised return and one unit', () => {
  const random = new Random(2n)
  let worst = 0
  for (let i = 0; i < 20_000; i++) {
    const elapsed = random.between(1n, 1n << random.between(1n, 22n))
    const decayRateX36 = random.between(1n << 12n, 1n << 24n)
    const previous = random.between(1n << 26n, (1n << 31n) - 1n)
    const ln = previous + random.between(-(1n << 22n), 1n << 22n)
    const v = random.below(1n << 38n)
    const next = ewmaStep(
      { varianceFastX36: v, varianceSlowX36: v, lnPriceX26: previous },
      ln,
      elapsed,
      decayRateX36,
      40_000n,
    )
    const halfLife = 2 ** 36 / Number(decayRateX36)
    if (Number(elapsed) / halfLife >= 15.9) continue
    const r = Number(ln - previous) / 2 ** 26
    for (const [actual, life] of [
      [next.varianceFastX36, halfLife],
      [next.varianceSlowX36, halfLife * 16],
    ] as const) {
      const old = Number(v) / 2 ** 36
      const expected = ewmaReference(old, r, Number(elapsed), life, 40_000 / 2 ** 16)
      if (expected * 2 ** 36 >= 2 ** VARIANCE_BITS) continue
      const value = Number(actual) / 2 ** 36
      const period = (r * r * Number(YEAR_SECONDS)) / Number(elapsed)
      // The return is raised by 2 units of X26: relative 2 · 2^-25 / |r| in r², over the share that enters.
      const share = 1 - 2 ** (-Number(elapsed) / life)
      const raised = (Math.abs(r) + 2 ** -25) ** 2 / Math.max(r * r, 1e-30) - 1
      const table = 2 ** -31.5 * (Math.abs(period - old) + 1) + 1e-12 * expected
      const above = share * period * raised + table + 1e-9
      const error = value - expected
      worst = Math.max(worst, error > 0 ? error / above : -error / table)
      const which = `v ${old}, r ${r}, elapsed ${elapsed}, half-life ${life}`
      expect(error, which).toBeLessThanOrEqual(above)
      expect(error, which).toBeGreaterThanOrEqual(-table)
    }
  }
  console.log(`EWMA: worst error is ${(worst * 100).toFixed(1)} % of the stated bound over 20,000 steps`)
})

test('V1: many ticks are as harmless as one: 60 one-second steps of one move equal one 60-second step within 1 %', () => {
  const state = { varianceFastX36: 1n << 32n, varianceSlowX36: 1n << 32n, lnPriceX26: 1n << 30n }
  const move = 1n << 18n
  const rate = BigInt(Math.round(2 ** 36 / (12 * 3600)))
  const once = ewmaStep(state, state.lnPriceX26 + move, 60n, rate, 30_000n)
  let many = ewmaStep(state, state.lnPriceX26 + move, 1n, rate, 30_000n)
  for (let i = 1; i < 60; i++) many = ewmaStep(many, many.lnPriceX26, 1n, rate, 30_000n)
  const ratio = Number(many.varianceFastX36) / Number(once.varianceFastX36)
  expect(ratio).toBeGreaterThan(0.99)
  expect(ratio).toBeLessThan(1.01)
})

test('V1: saturates at 2^46 − 1 and never wraps', () => {
  const top = (1n << 46n) - 1n
  const next = ewmaStep(
    { varianceFastX36: top, varianceSlowX36: top, lnPriceX26: 0n },
    1n << 31n,
    1n,
    1n << 24n,
    65_535n,
  )
  expect(next.varianceFastX36).toBe(top)
  expect(next.varianceSlowX36).toBe(top)
})
