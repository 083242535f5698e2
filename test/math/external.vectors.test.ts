/**
 * Answers computed by other people's software, read in place from ../shared/vectors (their licences differ). Prints what
 * was compared.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expDown, lnDown, normalCdfDown, normalPdfDown, sqrtDown } from '../../prover/math/index.ts'
import { root } from '../../scripts/sources.ts'

const FILE = join(root, '..', 'shared', 'vectors', 'external.json')
const present = existsSync(FILE)

type Vector = {
  readonly id: string
  readonly kind: string
  readonly source_repo: string
  readonly inputs: { readonly x: number }
  readonly expected: { readonly y: string }
}

/** A kind of vector: the twin's answer, its fraction bits, and how far below the published one it may be, in its units. */
const checks: Record<
  string,
  { answer: (x: number) => bigint; fractionBits: number; units: (y: number) => number; claim: string }
> = {
  fixed_point_ln: { answer: (x) => lnDown(BigInt(x), 28), fractionBits: 28, units: () => 1.3, claim: 'M16' },
  fixed_point_exp: { answer: (x) => expDown(scaled(x, 32)), fractionBits: 32, units: (y) => 1 + y / 2, claim: 'M20' },
  fixed_point_sqrt: { answer: (x) => sqrtDown(scaled(x, 64)), fractionBits: 32, units: () => 1, claim: 'M9' },
  fixed_point_stdNormalCDF: {
    answer: (x) => normalCdfDown(scaled(x, 28)),
    fractionBits: 32,
    units: () => 1.2,
    claim: 'M21',
  },
  fixed_point_stdNormalPDF: {
    answer: (x) => normalPdfDown(scaled(x, 28)),
    fractionBits: 32,
    units: () => 1.3,
    claim: 'M22',
  },
}

const vectors = present ? (JSON.parse(readFileSync(FILE, 'utf8')) as Vector[]).filter(({ kind }) => kind in checks) : []
const inDomain = vectors.filter(({ kind, inputs }) => kind !== 'fixed_point_exp' || Math.abs(inputs.x) < 16)

describe.skipIf(!present)(
  `published values of ln, exp, sqrt and the normal distribution${present ? '' : ` (no ${FILE})`}`,
  () => {
    it.each(inDomain)('$id: $kind of $inputs.x', ({ kind, inputs, expected, source_repo }) => {
      const { answer, fractionBits, units, claim } = checks[kind]!
      const published = Number(expected.y)
      const calculated = Number(answer(inputs.x)) / 2 ** fractionBits
      const tolerance = units(published) / 2 ** fractionBits
      const error = calculated - published
      console.log(
        `${claim} ${source_repo} ${kind}(${inputs.x}) = ${expected.y}: ${calculated}, error ${error}, tolerance -${tolerance}`,
      )
      // Published values are truncated at 18 decimals and doubles round theirs
      expect(error).toBeLessThanOrEqual(1e-15 * Math.max(1, published))
      expect(error).toBeGreaterThan(-tolerance)
    })

    it('covers at least one value of every kind', () => {
      expect(new Set(inDomain.map(({ kind }) => kind))).toEqual(new Set(Object.keys(checks)))
    })
  },
)

function scaled(x: number, fractionBits: number): bigint {
  return BigInt(x * 2 ** fractionBits)
}
