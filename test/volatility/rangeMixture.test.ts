/** The range mixture by its twin: what a range says, where there is none, and what bounds its rounding. */
import { describe, expect, it } from 'vitest'
import { busyStretchX6 } from '../../prover/volatility/busyTime.ts'
import type { PriceMove, Variances } from '../../prover/volatility/model.ts'
import {
  MIXTURE_SHIFTS,
  PARKINSON_YEAR_SECONDS,
  RANGE_OF_RETURN_X10,
  rangeMixtureStep,
  rangeMixtureUsedUp,
} from '../../prover/volatility/rangeMixture.ts'
import { VARIANCE_BITS } from '../../prover/volatility/variance.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { rangeReference } from './reference.ts'

const LN = 1n << 30n
const HOURLY = BigInt(Math.round(2 ** 36 / 14_400))
const MAX_RETURN = 6554n
const real = (x: bigint, bits: number): number => Number(x) / 2 ** bits
const flat = (v: bigint): Variances => [v, v, v, 0n]
/** A Thursday's midnight. */
const MIDNIGHT = 2_600n * 604_800n
/** Averages that the model keeps. */
const kept = (state: Variances): readonly bigint[] => state.slice(0, MIXTURE_SHIFTS.length)
const move = (returnX26: bigint, high?: bigint, low?: bigint, elapsedSeconds = 3600n): PriceMove => ({
  previousAsOf: MIDNIGHT,
  previousLnPriceX26: LN,
  lnPriceX26: LN + returnX26,
  // Two units more than the difference of two logarithms that were each rounded down.
  rangeX26: high === undefined || low === undefined ? 0n : high - low + 2n,
  elapsedSeconds,
})
const step = (one: PriceMove, v = 1n << 34n): Variances => rangeMixtureStep(flat(v), one, HOURLY, MAX_RETURN)

describe('what a period says', () => {
  it('V3: constants are Parkinson’s, rounded up by less than one unit', () => {
    const years = 31_536_000 / (4 * Math.LN2)
    expect(Number(PARKINSON_YEAR_SECONDS)).toBe(Math.ceil(years))
    expect(Number(RANGE_OF_RETURN_X10)).toBe(Math.ceil(2 * Math.sqrt(Math.LN2) * 1024))
  })

  it('V3: a range that is as wide as 2·√(ln 2) returns says as much as the return', () => {
    const r = 100_000n
    const range = BigInt(Math.round(Number(r) * 2 * Math.sqrt(Math.LN2)))
    const [byRange, byReturn] = [step(move(0n, range, 0n)), step(move(r))]
    for (const [i, v] of kept(byRange).entries())
      expect(real(v, 36) / real(byReturn[i] as bigint, 36)).toBeCloseTo(1, 4)
  })

  it('V3: a jump from the price before to prices that were attested counts as a range of its size', () => {
    const jump = 500_000n
    expect(step(move(jump, jump, jump))).toEqual(step(move(jump, jump, 0n)))
    expect(step(move(jump, jump + 10n, jump - 10n))).toEqual(step(move(jump, jump, 0n)))
  })

  it('V3: ranges and returns are cut where they say equally much', () => {
    const cut = step(move(1n << 25n))
    expect(step(move(1n << 26n))).toEqual(cut)
    const cutRange = step(move(0n, 1n << 25n, 0n))
    expect(step(move(0n, 1n << 26n, -(1n << 26n)))).toEqual(cutRange)
    for (const [i, v] of kept(cutRange).entries()) expect(real(v, 36) / real(cut[i] as bigint, 36)).toBeCloseTo(1, 2)
  })
})

describe('the averages', () => {
  it('V3: are never below the model in doubles by more than their weights’ table, and above it only by what is rounded up', () => {
    const random = new Random(21n)
    let worst = 0
    for (let i = 0; i < 10_000; i++) {
      const elapsed = random.between(1n, 1n << random.between(1n, 15n))
      const previousAsOf = MIDNIGHT + random.below(604_800n)
      const busy = real(busyStretchX6(previousAsOf, elapsed), 6)
      const v = random.below(1n << 38n)
      const [returnX26, up, down] = [random.below(1n << 22n), random.below(1n << 21n), random.below(1n << 21n)]
      const hasRange = random.boolean()
      const one = hasRange
        ? move(returnX26, returnX26 + up, -down, elapsed)
        : move(returnX26, undefined, undefined, elapsed)
      const next = rangeMixtureStep(flat(v), { ...one, previousAsOf }, HOURLY, MAX_RETURN)
      const [r, range] = [real(returnX26, 26), hasRange ? real(returnX26 + up + down, 26) : undefined]
      MIXTURE_SHIFTS.forEach((shift, k) => {
        const halfLife = (2 ** 36 / Number(HOURLY)) * 2 ** shift
        if (busy / halfLife >= 15.9) return
        const exact = { r, range, elapsed: busy }
        const expected = rangeReference(real(v, 36), exact, halfLife, Number(MAX_RETURN) / 2 ** 16)
        if (expected * 2 ** 36 >= 2 ** VARIANCE_BITS) return
        const wide = range ?? r
        const period = ((wide * wide) / (range === undefined ? 1 : 4 * Math.LN2)) * (31_536_000 / busy)
        const share = 1 - 2 ** (-busy / halfLife)
        // Two units of X26 on what is squared; Parkinson's constant by 3e-8 and the cut by less than 1/1705
        const raised = ((wide + 2 ** -25) / Math.max(wide, 1e-12)) ** 2 * (1 + 3e-8) * (1 + 2 / 1705) - 1
        const table = 2 ** -31.5 * (Math.abs(period - real(v, 36)) + 1) + 1e-12 * expected
        const above = share * period * raised + table + 1e-9
        const error = real(next[k] as bigint, 36) - expected
        worst = Math.max(worst, error > 0 ? error / above : -error / table)
        const which = JSON.stringify({ v: real(v, 36), ...exact, halfLife })
        expect(error, which).toBeLessThanOrEqual(above)
        expect(error, which).toBeGreaterThanOrEqual(-table)
      })
    }
    console.log(`range mixture: worst error is ${(worst * 100).toFixed(1)} % of the stated bound over 10,000 steps`)
  })

  it('V3: many ticks are as harmless as one: a move and 59 quiet seconds equal one minute with it within 2 %', () => {
    const once = step(move(1n << 18n, 1n << 18n, 0n, 60n))
    let many = step(move(1n << 18n, 1n << 18n, 0n, 1n))
    const quiet = { ...move(0n, 0n, 0n, 1n) }
    for (let i = 1; i < 60; i++) many = rangeMixtureStep(many, quiet, HOURLY, MAX_RETURN)
    kept(many).forEach((v, i) => {
      expect(real(v, 36) / real(once[i] as bigint, 36)).toBeGreaterThan(0.98)
      expect(real(v, 36) / real(once[i] as bigint, 36)).toBeLessThan(1.02)
    })
  })

  it('V3: saturate at 2^46 − 1 and never wrap', () => {
    const top = (1n << 46n) - 1n
    const widest = move(0n, 1n << 30n, -(1n << 29n), 1n)
    expect(rangeMixtureStep(flat(top), widest, 1n << 24n, 65_535n)).toEqual(flat(top))
  })
})

describe('the variance to use', () => {
  const WEEK = 604_800n

  it('V3: over a week it is the exact mean of the three, rounded up', () => {
    const top = (1n << 46n) - 1n
    expect(rangeMixtureUsedUp(flat(top), MIDNIGHT, WEEK)).toBe(top << 2n)
    expect(rangeMixtureUsedUp([1n, 2n, 3n, 0n], MIDNIGHT, WEEK)).toBe(8n)
    expect(rangeMixtureUsedUp([1n, 1n, 2n, 0n], MIDNIGHT, WEEK)).toBe(6n) // 16/3
  })

  it('V3: for an hour it is the mean times what the hour that starts counts for', () => {
    const v = 1n << 36n
    for (let hour = 0n; hour < 168n; hour++) {
      const asOf = MIDNIGHT + 3600n * hour
      const counts = real(busyStretchX6(asOf, 3600n), 6) / 3600
      expect(real(rangeMixtureUsedUp(flat(v), asOf, 3600n), 38)).toBeCloseTo(counts, 9)
    }
  })

  it('V3: from the middle of an hour the horizon takes half of it and half of the next', () => {
    const v = 1n << 36n
    const at = (asOf: bigint): number => real(rangeMixtureUsedUp(flat(v), asOf, 3600n), 38)
    expect(at(MIDNIGHT + 1800n)).toBeCloseTo((at(MIDNIGHT) + at(MIDNIGHT + 3600n)) / 2, 9)
  })

  it('V3: is below 2^49 at its largest, in the busiest hour', () => {
    const top = (1n << 46n) - 1n
    expect(rangeMixtureUsedUp(flat(top), MIDNIGHT + 16n * 3600n, 1n)).toBeLessThan(1n << 49n)
  })
})
