import { describe, expect, it } from 'vitest'
import {
  chiSquareTail,
  christoffersen,
  conditionalCoverage,
  erfc,
  kupiec,
  trafficLight,
} from '../../prover/parameters/coverage.ts'

describe('erfc', () => {
  // Python 3.11.2, math.erfc
  it.each([
    [0, 1],
    [0.1, 0.8875370839817152],
    [0.5, 0.4795001221869535],
    [1.9, 0.0072095707647425325],
    [1.999, 0.004698443348629488],
    [2, 0.004677734981047265],
    [3, 2.2090496998585438e-5],
    [5, 1.5374597944280351e-12],
    [10, 2.088487583762545e-45],
  ])('agrees with libm at %d', (x, expected) => {
    expect(Math.abs(erfc(x) / expected - 1)).toBeLessThan(1e-12)
  })
})

describe('chiSquareTail', () => {
  // Critical values as printed in tables of the χ² distribution
  it.each([
    [2.705543, 1, 0.1],
    [3.841459, 1, 0.05],
    [6.634897, 1, 0.01],
    [4.60517, 2, 0.1],
    [5.991465, 2, 0.05],
    [9.21034, 2, 0.01],
  ] as const)('puts %d with %d degrees of freedom at %d', (statistic, degrees, probability) => {
    expect(chiSquareTail(statistic, degrees)).toBeCloseTo(probability, 7)
  })
})

describe('kupiec', () => {
  it('is 0 where the share is exactly as promised', () => {
    expect(kupiec(1000, 5, 0.005)).toEqual({ statistic: 0, pValue: 1 })
  })

  it("puts the bounds of Kupiec's table where he does", () => {
    // Kupiec (1995), table of non-rejection regions at 5 %: for 255 days at 1 %, fewer than 7 failures
    expect(kupiec(255, 6, 0.01).pValue).toBeGreaterThan(0.05)
    expect(kupiec(255, 7, 0.01).pValue).toBeLessThan(0.05)
    // 1,000 days at 1 %: more than 4, fewer than 17
    expect([4, 5, 16, 17].map((breaches) => kupiec(1000, breaches, 0.01).pValue > 0.05)).toEqual([
      false,
      true,
      true,
      false,
    ])
  })

  it('judges a history without any breach, and one of breaches alone', () => {
    expect(kupiec(1000, 0, 0.005).statistic).toBeCloseTo(-2000 * Math.log(0.995), 9)
    expect(kupiec(3, 3, 0.5).statistic).toBeCloseTo(6 * Math.log(2), 9)
  })
})

describe('christoffersen', () => {
  const every = (period: number, count: number) => Array.from({ length: count }, (_, i) => i % period === 0)

  it('accepts breaches that come on their own', () => {
    expect(christoffersen(every(100, 10_000)).pValue).toBeGreaterThan(0.1)
  })

  it('rejects breaches that come in pairs', () => {
    const pairs = Array.from({ length: 10_000 }, (_, i) => i % 200 < 2)
    expect(christoffersen(pairs).pValue).toBeLessThan(1e-6)
    expect(conditionalCoverage(pairs, 0.01).pValue).toBeLessThan(1e-6)
  })

  it('follows its formula', () => {
    // Quiet, breach, breach, quiet, quiet: one transition of each kind
    const statistic = christoffersen([false, true, true, false, false]).statistic
    expect(statistic).toBeCloseTo(0, 12)
    // 3 quiet→quiet, 1 quiet→breach, 0 breach→quiet, 1 breach→breach
    const clustered = christoffersen([false, false, false, false, true, true]).statistic
    const log = (count: number, p: number) => count * Math.log(p)
    expect(clustered).toBeCloseTo(2 * (log(3, 3 / 4) + log(1, 1 / 4) - log(3, 3 / 5) - log(2, 2 / 5)), 12)
  })

  it('has nothing to say about a history without a breach', () => {
    expect(christoffersen([false, false, false])).toEqual({ statistic: 0, pValue: 1 })
  })
})

describe('conditionalCoverage', () => {
  it('adds both statistics, with two degrees of freedom', () => {
    const breaches = Array.from({ length: 1000 }, (_, i) => i % 90 === 0)
    const parts = kupiec(1000, 12, 0.005).statistic + christoffersen(breaches).statistic
    expect(conditionalCoverage(breaches, 0.005).statistic).toBeCloseTo(parts, 12)
    expect(conditionalCoverage(breaches, 0.005).pValue).toBeCloseTo(Math.exp(-parts / 2), 12)
  })
})

describe('trafficLight', () => {
  it("reproduces the Basel Committee's zones for 250 days at 1 %", () => {
    const zones = Array.from({ length: 12 }, (_, breaches) => trafficLight(250, breaches, 0.01))
    expect(zones).toEqual([...Array(5).fill('green'), ...Array(5).fill('yellow'), 'red', 'red'])
  })

  it('is green without a breach, however short the history', () => expect(trafficLight(1, 0, 0.005)).toBe('green'))

  it('holds for histories long enough to underflow', () => {
    expect(trafficLight(1_000_000, 5_000, 0.005)).toBe('green')
    expect(trafficLight(1_000_000, 5_400, 0.005)).toBe('red')
  })
})
