import { describe, expect, it } from 'vitest'
import type { Svi } from '../../prover/options/real.ts'
import { blackValue, normalCdf, sviTotalVariance } from '../../prover/options/real.ts'
import {
  densityFactor,
  fitSvi,
  fitWarnings,
  fittedVolatility,
  leastTotalVariance,
  requireNoButterfly,
  requireSviShape,
} from '../../prover/options/surface.ts'

const smile: Svi = { a: 0.01, b: 0.1, rho: -0.4, m: 0.02, s: 0.15 }
const moneyness = Array.from({ length: 41 }, (_, i) => (i - 20) / 25)
const marksOf = (svi: Svi, timeToExpiry: number) =>
  moneyness.map((logMoneyness) => ({
    logMoneyness,
    impliedVolatility: Math.sqrt(sviTotalVariance(svi, logMoneyness) / timeToExpiry),
  }))

describe('an SVI fit', () => {
  it('finds the slice that marks were made of', () => {
    const fit = fitSvi(marksOf(smile, 0.25), 0.25, 'a smile')
    expect(fit.rootMeanSquareError).toBeLessThan(1e-5)
    for (const name of ['a', 'b', 'rho', 'm', 's'] as const) expect(fit.svi[name]).toBeCloseTo(smile[name], 2)
    for (const k of [-2, 2])
      expect(fittedVolatility(fit, k)).toBeCloseTo(Math.sqrt(sviTotalVariance(smile, k) / 0.25), 2)
  })

  it('warns of what nobody should rely on: far from a mark, in its last day, or open to arbitrage', () => {
    const good = fitSvi(marksOf(smile, 0.25), 0.25, 'a smile')
    expect(fitWarnings(good)).toEqual([])
    expect(fitWarnings({ ...good, maxError: 0.05 })).toEqual([])
    expect(fitWarnings({ ...good, maxError: 0.0501 })).toEqual(['poor fit: 5.01 points off a mark'])
    expect(fitWarnings({ ...good, rootMeanSquareError: 0.01 })).toEqual([])
    const scattered = { ...good, rootMeanSquareError: 0.0101 }
    expect(fitWarnings(scattered)).toEqual(['poor fit: 1.01 points off its marks (rms)'])
    expect(fitWarnings({ ...scattered, maxError: 0.0501 })).toEqual(['poor fit: 5.01 points off a mark'])
    expect(fitWarnings({ ...good, timeToExpiry: 1 / 365 })).toEqual([])
    expect(fitWarnings({ ...good, timeToExpiry: 0.5 / 365 })).toEqual([
      'expires in 12.0 hours, where SVI fits no smile',
    ])
    expect(fitWarnings({ ...good, leastDensity: -0.01 })).toEqual(['can be arbitraged with butterflies'])
    const late = fitSvi(marksOf({ ...smile, s: 0.001 }, 0.001), 0.001, 'a corner')
    expect(fitWarnings(late)[0]).toContain('expires in 8.8 hours')
  })

  it('stays a surface that can be quoted, whatever the marks: one strike away, a step, a kink turned over', () => {
    const shapes: ((k: number) => number)[] = [
      (k) => (k === 0 ? 2 : 0.5),
      (k) => (k < 0 ? 0.3 : 1.5),
      (k) => 1 - Math.abs(k),
      () => 0.6,
      (k) => 0.5 + 4 * Math.abs(k),
    ]
    for (const shape of shapes) {
      const marks = moneyness.map((logMoneyness) => ({ logMoneyness, impliedVolatility: shape(logMoneyness) }))
      const { svi } = fitSvi(marks, 0.1, 'a shape')
      expect(leastTotalVariance(svi)).toBeGreaterThan(0)
      // Lee's bound on the slope of either wing
      expect(svi.b * (1 + Math.abs(svi.rho))).toBeLessThanOrEqual(2 + 1e-9)
      requireSviShape(svi.b === 0 ? { ...svi, b: 0 } : svi, 'a shape')
    }
  })

  it('needs five strikes', () => {
    expect(fitSvi(marksOf(smile, 0.25).slice(0, 5), 0.25, 'few').points).toBe(5)
    expect(() => fitSvi(marksOf(smile, 0.25).slice(0, 4), 0.25, 'few')).toThrow(
      expect.objectContaining({ code: 'options.too-few-marks', leg: 'few', marks: 4 }),
    )
  })
})

describe('a surface is refused', () => {
  it('if its parameters are no smile', () => {
    for (const wrong of [{ b: -1e-9 }, { rho: 1 }, { rho: -1 }, { s: 0 }, { a: Number.NaN }]) {
      expect(() => requireSviShape({ ...smile, ...wrong }, 'leg')).toThrow(
        expect.objectContaining({ code: 'options.svi-shape' }),
      )
    }
    requireSviShape({ ...smile, b: 0 }, 'leg')
  })

  it('if some strike has no positive variance', () => {
    const edge = -smile.b * smile.s * Math.sqrt(1 - smile.rho ** 2)
    requireSviShape({ ...smile, a: edge + 1e-12 }, 'leg')
    expect(() => requireSviShape({ ...smile, a: edge - 1e-12 }, 'leg')).toThrow(
      expect.objectContaining({ code: 'options.svi-negative-variance', leg: 'leg' }),
    )
  })

  it('if a butterfly costs less than nothing, and only then', () => {
    const bent: Svi = { a: 0.001, b: 0.6, rho: -0.3, m: 0, s: 0.02 }
    requireNoButterfly(smile, 'leg')
    expect(() => requireNoButterfly(bent, 'leg')).toThrow(
      expect.objectContaining({ code: 'options.svi-butterfly', leg: 'leg' }),
    )
    // The density factor has the sign of the butterfly itself
    for (const svi of [smile, bent]) {
      for (const k of [-0.3, -0.1, -0.05, 0.02, 0.1, 0.3]) {
        const price = (at: number): number => blackValue(1, Math.exp(at), Math.sqrt(sviTotalVariance(svi, at)), true)
        const step = 1e-4
        const strike = (at: number): number => Math.exp(at)
        const slope = (from: number, to: number): number => (price(to) - price(from)) / (strike(to) - strike(from))
        const convexity = slope(k, k + step) - slope(k - step, k)
        if (Math.abs(densityFactor(svi, k)) > 0.05) expect(Math.sign(convexity)).toBe(Math.sign(densityFactor(svi, k)))
      }
    }
  })
})

describe('the normal distribution in floating point', () => {
  it('has the known values, far tails included', () => {
    const known = [
      [0, 0.5],
      [1, 0.8413447460685429],
      [-1, 0.15865525393145705],
      [-4, 3.167124183311986e-5],
      [-10, 7.61985302416047e-24],
      [-37, 5.725571222524577e-300],
      [8, 0.9999999999999993],
    ] as const
    for (const [x, value] of known) expect(Math.abs(normalCdf(x) / value - 1)).toBeLessThan(2e-14)
  })
})
