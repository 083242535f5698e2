/** GARCH(1,1) on irregular times by its twin: what it equals on a grid, what it tends to, what bounds its rounding. */
import { describe, expect, it } from 'vitest'
import { EXP2_SCALE } from '../../prover/math/index.ts'
import type { GarchWords } from '../../prover/volatility/garch.ts'
import {
  defaultGarch,
  forecastWeight,
  garchForecastUp,
  garchOfGrid,
  garchStep,
  garchWords,
} from '../../prover/volatility/garch.ts'
import { VARIANCE_BITS } from '../../prover/volatility/variance.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { garchOnGridReference, garchReference } from './reference.ts'

const LN = 1n << 30n
const real = (x: bigint, bits: number): number => Number(x) / 2 ** bits
const step = (v: bigint, move: bigint, elapsed: bigint, words: GarchWords, maxReturn = 65_535n): bigint =>
  garchStep(v, LN, LN + move, elapsed, words, maxReturn)

/** A reaction of 6 h, and the market's defaults. */
const usual = { reactionHalfLifeHours: 6, ...defaultGarch }

describe('on a grid', () => {
  // Weights are within 2^-31.5 of theirs; a rate is rounded to 2^-37 a second, which moves a weight by less than
  // 2^-37·elapsed; the return is raised by 2 units of X26, the rest by units of the result.
  it('V2: is the GARCH(1,1) of textbooks at its step, within 2^-31.5 + 2^-37·step of what the weights act on', () => {
    const random = new Random(11n)
    let worst = 0
    for (let i = 0; i < 2000; i++) {
      const stepSeconds = [3600, 14_400, 86_400][Number(random.below(3n))] as number
      const beta = Number(random.between(600n, 980n)) / 1000
      const alpha = Number(random.between(1n, 999n - BigInt(Math.round(1000 * beta)))) / 1000
      const omega = (1 - alpha - beta) * (0.01 + Number(random.below(1000n)) / 250)
      const [v, move] = [random.below(1n << 39n), random.below(1n << 22n)]
      const twin = real(
        step(v, move, BigInt(stepSeconds), garchWords(garchOfGrid({ omega, alpha, beta, stepSeconds }))),
        36,
      )
      const r = real(move, 26)
      const exact = garchOnGridReference(real(v, 36), r, stepSeconds, { omega, alpha, beta })
      const period = (r * r * 31_536_000) / stepSeconds
      const raised = ((r + 2 ** -25) ** 2 * 31_536_000) / stepSeconds - period
      const longRun = omega / (1 - alpha - beta)
      const acted = Math.abs(period - real(v, 36)) + longRun + period + real(v, 36)
      const bound = (2 ** -31.5 + stepSeconds * 2 ** -37) * 2 * acted + 2 ** -34
      worst = Math.max(worst, Math.abs(twin - exact) / (bound + alpha * raised))
      expect(twin - exact, JSON.stringify({ stepSeconds, alpha, beta })).toBeLessThanOrEqual(bound + alpha * raised)
      expect(twin - exact).toBeGreaterThanOrEqual(-bound)
    }
    console.log(
      `GARCH on grids: worst difference is ${(100 * worst).toFixed(1)} % of the stated bound over 2,000 steps`,
    )
  })

  it('V2: tends to ω/(1 − α − β) when every return is what was expected', () => {
    const words = garchWords(garchOfGrid({ omega: 0.01, alpha: 0.0625, beta: 0.875, stepSeconds: 3600 }))
    let varianceX36 = 1n << 38n
    for (let i = 0; i < 400; i++) {
      const move = BigInt(Math.round(Math.sqrt(real(varianceX36, 36) / 8760) * 2 ** 26))
      varianceX36 = step(varianceX36, move, 3600n, words)
    }
    expect(real(varianceX36, 36)).toBeCloseTo(0.01 / (1 - 0.0625 - 0.875), 3)
  })

  it.each([
    ['1', 0.125, 0.875],
    ['more', 0.2, 0.9],
  ])('V2: refuses weights that add up to %s and leave the long run no share', (_, alpha, beta) => {
    const refused = () => garchOfGrid({ omega: 0.01, alpha, beta, stepSeconds: 3600 })
    expect(refused).toThrow(expect.objectContaining({ code: 'volatility.garch-not-stationary', alpha, beta }))
  })

  it.each([
    [-0.01, 0.9],
    [0.1, 0],
    [Number.NaN, 0.9],
  ])('V2: refuses α = %d with β = %d, which no half-life has', (alpha, beta) => {
    const refused = () => garchOfGrid({ omega: 0.01, alpha, beta, stepSeconds: 3600 })
    expect(refused).toThrow(expect.objectContaining({ code: 'volatility.garch-weight', beta }))
  })
})

describe('on irregular times', () => {
  it('V2: is never below the model in doubles by more than its weights’ table, and above it only by the raised return and units', () => {
    const random = new Random(12n)
    let worst = 0
    for (let i = 0; i < 20_000; i++) {
      const elapsed = random.between(1n, 1n << random.between(1n, 18n))
      const words = {
        reactionRateX36: random.between(1n << 12n, 1n << 22n),
        reversionRateX36: random.between(1n << 10n, 1n << 21n),
        longRunVarianceX36: random.below(1n << 38n),
      }
      const [v, move] = [random.below(1n << 39n), random.below(1n << 22n)]
      const actual = real(garchStep(v, LN, LN + move, elapsed, words, 40_000n), 36)
      const model = {
        reaction: 2 ** 36 / Number(words.reactionRateX36),
        reversion: 2 ** 36 / Number(words.reversionRateX36),
        longRunVariance: real(words.longRunVarianceX36, 36),
      }
      if (Number(elapsed) / Math.min(model.reaction, model.reversion) >= 15.9) continue
      const [r, seconds] = [real(move, 26), Number(elapsed)]
      const expected = garchReference(real(v, 36), r, seconds, model, 40_000 / 2 ** 16)
      if (expected * 2 ** 36 >= 2 ** VARIANCE_BITS) continue
      const period = (r * r * 31_536_000) / seconds
      const share = 2 ** (-seconds / model.reversion) - 2 ** (-seconds * (1 / model.reversion + 1 / model.reaction))
      const raised = ((r + 2 ** -25) ** 2 * 31_536_000) / seconds - period
      const table =
        2 ** -31.5 * (Math.abs(period - real(v, 36)) + Math.abs(expected - model.longRunVariance) + 2) +
        1e-12 * expected
      const above = share * raised + 2 * table + 1e-9
      const error = actual - expected
      worst = Math.max(worst, error > 0 ? error / above : -error / (2 * table))
      const which = `v ${real(v, 36)}, r ${r}, elapsed ${elapsed}, ${JSON.stringify(model)}`
      expect(error, which).toBeLessThanOrEqual(above)
      expect(error, which).toBeGreaterThanOrEqual(-2 * table)
    }
    console.log(`GARCH: worst error is ${(worst * 100).toFixed(1)} % of the stated bound over 20,000 steps`)
  })

  it('V2: many ticks are as harmless as one: 60 one-second steps of one move equal one 60-second step within 1 %', () => {
    const words = garchWords(usual)
    const once = step(1n << 32n, 1n << 18n, 60n, words)
    let many = step(1n << 32n, 1n << 18n, 1n, words)
    for (let i = 1; i < 60; i++) many = step(many, 0n, 1n, words)
    expect(real(many, 36) / real(once, 36)).toBeGreaterThan(0.99)
    expect(real(many, 36) / real(once, 36)).toBeLessThan(1.01)
  })

  it('V2: after a long silence the variance is the long-run level, and no price is needed to get there', () => {
    const words = garchWords(usual)
    expect(step((1n << 46n) - 1n, 0n, 17n * 16n * 3600n, words)).toBe(words.longRunVarianceX36)
    expect(step(0n, 0n, 17n * 16n * 3600n, words)).toBe(words.longRunVarianceX36)
  })

  it('V2: saturates and never wraps', () => {
    const words = { reactionRateX36: 1n << 24n, reversionRateX36: 0n, longRunVarianceX36: 0n }
    expect(garchStep((1n << 46n) - 1n, 0n, 1n << 31n, 1n, words, 65_535n)).toBe((1n << 46n) - 1n)
    expect(garchStep(0n, 0n, 1n << 31n, 1n, words, 65_535n)).toBe((1n << 46n) - 1n)
  })
})

describe('over a horizon', () => {
  it('V2: the forecast is the mean of the path back to the long-run level', () => {
    const words = garchWords(usual)
    const horizon = 86_400
    const weight = forecastWeight(BigInt(horizon), words.reversionRateX36)
    const [v, longRun] = [4, real(words.longRunVarianceX36, 36)]
    // Midpoints of the path, second by second
    let sum = 0
    for (let t = 0.5; t < horizon; t++) {
      sum += longRun + (v - longRun) * 2 ** (-t / (3600 * defaultGarch.reversionHalfLifeHours))
    }
    expect(real(garchForecastUp(4n << 36n, words.longRunVarianceX36, weight), 36)).toBeCloseTo(sum / horizon, 6)
  })

  it('V2: over no time, or with no reversion, it is the variance itself', () => {
    const one = 1n << BigInt(EXP2_SCALE)
    expect(forecastWeight(0n, 1n << 20n)).toBe(one)
    expect(forecastWeight(3600n, 0n)).toBe(one)
    expect(garchForecastUp(12_345n, 1n << 40n, one)).toBe(12_345n)
  })
})
