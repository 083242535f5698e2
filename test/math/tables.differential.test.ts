/**
 * The tabulated functions against an independent reference of 150 bits: at most the true value where the name says Down,
 * and never further from it than the template's docstring states. Errors are in units of the result's last place.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  EXP2_SCALE,
  exp2Negative,
  expDown,
  expFineDown,
  lnDown,
  normalCdfDown,
  normalPdfDown,
  OutOfDomainError,
} from '../../prover/math/index.ts'
import {
  PRECISION,
  real,
  referenceExp,
  referenceExp2Negative,
  referenceLn,
  referenceNormalCdf,
  referenceNormalPdf,
} from '../../scripts/tools/cases/reference.ts'

const CASES = 10_000
const SEED = 20_261_122

type Errors = { readonly least: number; readonly greatest: number }

describe('M16: lnDown', () => {
  const powers = Array.from({ length: 64 }, (_, i) => 1n << BigInt(i))
  const inputs = [...samples(64, 1n), ...powers, ...powers.map((power) => 2n * power - 1n)]

  it.each([26, 28, 36])('never exceeds ln and falls short of it by less than 1.3 units of X%i', (fractionBits) => {
    const { least, greatest } = errors(inputs, fractionBits, (x) => lnDown(x, fractionBits), referenceLn)
    expect(least).toBeGreaterThan(-1.3)
    expect(greatest).toBeLessThanOrEqual(0)
  })

  it.each([26, 28, 36])('is 0 at 1, never falls, and has 6 bits above the point: X%i', (fractionBits) => {
    expect(lnDown(1n, fractionBits)).toBe(0n)
    expect(lnDown((1n << 64n) - 1n, fractionBits)).toBeLessThan(1n << BigInt(fractionBits + 6))
    const sorted = inputs.toSorted((a, b) => (a < b ? -1 : 1)).map((x) => lnDown(x, fractionBits))
    expect(sorted.findIndex((value, i) => i > 0 && value < sorted[i - 1]!)).toBe(-1)
  })

  it('refuses 0, a negative and 2^64', () => {
    for (const x of [0n, -1n, 1n << 64n]) expect(() => lnDown(x, 28)).toThrow(OutOfDomainError)
    expect(() => lnDown(2n, 37)).toThrow(OutOfDomainError)
  })
})

describe('M17: exp2Negative', () => {
  const fractionBits = 36
  const inputs = [...samples(40, 0n), ...Array.from({ length: 256 }, (_, i) => BigInt(i))]

  it('is within 2^-31.8 of 2^-x above it and 2^-33.2 below, both relative to the whole power', () => {
    for (const x of inputs) {
      const exact = referenceExp2Negative(real(x, fractionBits))
      const error = Number(real(exp2Negative(x, fractionBits), EXP2_SCALE) - exact) / Number(exact)
      const within = error < 2 ** -31.8 * 2 && error > -(2 ** -33.2) * 2
      if (!within) expect({ x, error }).toBe('within')
    }
  })

  it('is exactly 1 at 0 and nowhere above', () => {
    const one = 1n << BigInt(EXP2_SCALE)
    expect(exp2Negative(0n, fractionBits)).toBe(one)
    expect(inputs.filter((x) => exp2Negative(x, fractionBits) > one)).toEqual([])
    // Less than 1 from the first argument the table tells from 0
    expect(exp2Negative(1n << 4n, fractionBits)).toBeLessThan(one)
  })

  it('is 0 from 16 on, and not before', () => {
    expect(exp2Negative(16n << 36n, 36)).toBe(0n)
    expect(exp2Negative(1n << 80n, 36)).toBe(0n)
    expect(exp2Negative((16n << 36n) - 1n, 36)).toBeGreaterThan(0n)
  })

  it('does not depend on the scale of its argument', () => {
    for (const x of inputs.slice(0, 500)) expect(exp2Negative(x << 4n, 40)).toBe(exp2Negative(x, 36))
  })

  it('refuses a negative argument', () => {
    expect(() => exp2Negative(-1n, 36)).toThrow(OutOfDomainError)
  })
})

describe('M20: expDown', () => {
  const magnitudes = samples(36, 0n)
  const inputs = [...magnitudes, ...magnitudes.map((x) => -x), -(1n << 36n), (1n << 36n) - 1n, 1n, -1n]

  it('never exceeds e^x and falls short of it by less than 2^-33 of it and one unit of X32', () => {
    for (const x of inputs) {
      const exact = referenceExp(real(x, 32))
      const shortfall = exact - real(expDown(x), 32)
      const allowed = (exact >> 33n) + (1n << (PRECISION - 32n))
      if (shortfall < 0n || shortfall >= allowed) expect({ x, shortfall, allowed }).toBe('within')
    }
  })

  it('is exactly 1 at 0 and fits 56 bits', () => {
    expect(expDown(0n)).toBe(1n << 32n)
    expect(expDown((1n << 36n) - 1n)).toBeLessThan(1n << 56n)
  })

  it('refuses 16 and what lies below -16', () => {
    for (const x of [1n << 36n, -(1n << 36n) - 1n]) expect(() => expDown(x)).toThrow(OutOfDomainError)
  })
})

describe('M23: expFineDown', () => {
  const magnitudes = samples(44, 0n)
  const inputs = [...magnitudes, ...magnitudes.map((x) => -x), -(1n << 44n), (1n << 44n) - 1n, 1n, -1n]

  it('never exceeds e^x and falls short of it by less than 2^-39.8 of it and one unit of X40', () => {
    for (const x of inputs) {
      const exact = referenceExp(real(x, 40))
      const shortfall = exact - real(expFineDown(x), 40)
      const allowed = (exact * 1_149n) / (1_000n << 40n) + (1n << (PRECISION - 40n)) // 2^0.2 = 1.1487
      if (shortfall < 0n || shortfall >= allowed) expect({ x, shortfall, allowed }).toBe('within')
    }
  })

  it('is exactly 1 at 0 and fits 64 bits', () => {
    expect(expFineDown(0n)).toBe(1n << 40n)
    expect(expFineDown((1n << 44n) - 1n)).toBeLessThan(1n << 64n)
  })

  it('refuses 16 and what lies below -16', () => {
    for (const x of [1n << 44n, -(1n << 44n) - 1n]) expect(() => expFineDown(x)).toThrow(OutOfDomainError)
  })
})

describe('M21: normalCdfDown', () => {
  const inputs = signedSamples()

  it('never exceeds the function and falls short of it by less than 1.2 units of X32', () => {
    const { least, greatest } = errors(inputs, 32, normalCdfDown, (x) => referenceNormalCdf(real(x, 28)))
    expect(least).toBeGreaterThan(-1.2)
    expect(greatest).toBeLessThanOrEqual(0)
  })

  it('is 0 far to the left and one unit below 1 far to the right', () => {
    for (const x of [8n << 28n, 1n << 33n, 1n << 60n]) {
      expect(normalCdfDown(x)).toBe((1n << 32n) - 1n)
      expect(normalCdfDown(-x)).toBe(0n)
    }
  })
})

describe('M22: normalPdfDown', () => {
  const inputs = signedSamples()

  it('never exceeds the density and falls short of it by less than 1.3 units of X32', () => {
    const { least, greatest } = errors(inputs, 32, normalPdfDown, (x) => referenceNormalPdf(real(x, 28)))
    expect(least).toBeGreaterThan(-1.3)
    expect(greatest).toBeLessThanOrEqual(0)
  })

  it('is even, and 0 far out', () => {
    for (const x of inputs.slice(0, 500)) expect(normalPdfDown(x)).toBe(normalPdfDown(-x))
    expect(normalPdfDown(8n << 28n)).toBe(0n)
  })
})

/** Least and greatest of twin - reference, in units of the result's last place. */
function errors(
  inputs: readonly bigint[],
  fractionBits: number,
  twin: (x: bigint) => bigint,
  reference: (x: bigint) => bigint,
): Errors {
  const found = inputs.map(
    (x) => Number(real(twin(x), fractionBits) - reference(x)) / 2 ** (Number(PRECISION) - fractionBits),
  )
  return { least: Math.min(...found), greatest: Math.max(...found) }
}

/** Numbers of all widths up to `bits`. */
function samples(bits: number, least: bigint): bigint[] {
  const width = fc
    .tuple(fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n }), fc.integer({ min: 0, max: bits - 1 }))
    .map(([value, drop]) => value >> BigInt(drop))
    .filter((value) => value >= least)
  return fc.sample(width, { numRuns: CASES, seed: SEED })
}

/** X28 numbers in (-9, 9), denser near 0, and the edges of the segments. */
function signedSamples(): bigint[] {
  const magnitudes = fc.sample(fc.bigInt({ min: 0n, max: 9n << 28n }), { numRuns: CASES / 2, seed: SEED })
  const edges = Array.from({ length: 33 }, (_, i) => BigInt(i) << 26n)
  const all = [
    ...magnitudes,
    ...magnitudes.map((x) => x >> 3n),
    ...edges,
    ...edges.map((x) => x + 1n),
    ...edges.slice(1).map((x) => x - 1n),
  ]
  return all.flatMap((x) => [x, -x])
}
