/**
 * Values of ln, exp, sqrt and the normal distribution that others published, against the exact twins. Prints each
 * comparison.
 */
import { describe, expect, it } from 'vitest'
import { expDown, lnDown, normalCdfDown, normalPdfDown, OutOfDomainError, sqrtDown } from '../../prover/math/index.ts'
import { compare, fromX, toX, vectorsOf, vectorsPresent, whereVectors } from '../externalVectors.ts'

/** A kind of vector: the twin's answer, its fraction bits, and how far below the published one it may be, in its units. */
const checks: Record<
  string,
  { answer: (x: string) => bigint; fractionBits: number; units: (y: number) => number; claim: string }
> = {
  fixed_point_ln: { answer: (x) => lnDown(BigInt(x), 28), fractionBits: 28, units: () => 1.3, claim: 'M16' },
  fixed_point_exp: { answer: (x) => expDown(toX(x, 32)), fractionBits: 32, units: (y) => 1 + y / 2, claim: 'M20' },
  fixed_point_sqrt: { answer: (x) => sqrtDown(toX(x, 64)), fractionBits: 32, units: () => 1, claim: 'M9' },
  fixed_point_stdNormalCDF: {
    answer: (x) => normalCdfDown(toX(x, 28)),
    fractionBits: 32,
    units: () => 1.2,
    claim: 'M21',
  },
  fixed_point_stdNormalPDF: {
    answer: (x) => normalPdfDown(toX(x, 28)),
    fractionBits: 32,
    units: () => 1.3,
    claim: 'M22',
  },
}

/** Exponents that the twin computes with; an X32 result says nothing of smaller ones. */
const inDomain = vectorsOf(...Object.keys(checks)).filter(
  ({ kind, inputs }) => kind !== 'fixed_point_exp' || Math.abs(Number(inputs.x)) < 16,
)
const outside = vectorsOf('fixed_point_exp').filter((vector) => !inDomain.includes(vector))

describe.skipIf(!vectorsPresent)(`published values of ln, exp, sqrt and the normal distribution${whereVectors}`, () => {
  it.each(inDomain)('$id: $kind of $inputs.x', (vector) => {
    const { answer, fractionBits, units, claim } = checks[vector.kind]!
    const published = Number(vector.expected.y)
    const calculated = fromX(answer(vector.inputs.x), fractionBits)
    const tolerance = units(published) / 2 ** fractionBits
    compare(vector, claim, published, calculated, tolerance)
    // Rounded down: never above, but for what doubles round of a value published with 18 decimals
    expect(calculated - published).toBeLessThanOrEqual(1e-15 * Math.max(1, published))
  })

  it.each(outside)(
    'M20: $id: refuses e^$inputs.x, whose value $expected.y an X32 number cannot hold',
    ({ inputs, expected }) => {
      expect(Number(expected.y)).toBeLessThan(2 ** -32)
      expect(() => expDown(toX(inputs.x, 32))).toThrow(OutOfDomainError)
    },
  )

  it('covers at least one value of every kind', () => {
    expect(new Set(inDomain.map(({ kind }) => kind))).toEqual(new Set(Object.keys(checks)))
  })
})
