import { describe, expect, it } from 'vitest'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { argumentBits, evaluatePiecewise, type PolynomialTable } from '../../prover/math/piecewisePolynomial.ts'
import {
  exp,
  exp2,
  expFine,
  gridCdf,
  gridPdf,
  gridPdfCoarse,
  gridPdfFine,
  lnX28,
  lnX36,
  normalCdf,
  normalPdf,
} from '../../prover/math/tables.generated.ts'
import { generateTables } from '../../scripts/generateTables.ts'
import { root } from '../../scripts/tools/sources.ts'
import {
  PRECISION,
  real,
  referenceExp2Negative,
  referenceLn,
  referenceNormalCdf,
  referenceNormalPdf,
} from '../../scripts/tools/cases/reference.ts'

/** Each table with the function it stands for, of an argument at scale 2^argumentBits (the normal ones: X28). */
const tables: readonly {
  name: string
  table: PolynomialTable
  reference: (argument: bigint) => bigint
  arguments: bigint
}[] = [
  {
    name: 'lnX28',
    table: lnX28,
    reference: (x) => referenceLn((1n << 31n) + x) - referenceLn(1n << 31n),
    arguments: 1n << 31n,
  },
  {
    name: 'lnX36',
    table: lnX36,
    reference: (x) => referenceLn((1n << 39n) + x) - referenceLn(1n << 39n),
    arguments: 1n << 39n,
  },
  { name: 'exp2', table: exp2, reference: (x) => referenceExp2Negative(real(x, 32)), arguments: 1n << 32n },
  { name: 'exp', table: exp, reference: (x) => referenceExp2Negative(-real(x, 35)), arguments: 1n << 35n },
  { name: 'normalCdf', table: normalCdf, reference: (x) => referenceNormalCdf(real(x, 28)), arguments: 13n << 27n },
  { name: 'normalPdf', table: normalPdf, reference: (x) => referenceNormalPdf(real(x, 28)), arguments: 27n << 26n },
  { name: 'expFine', table: expFine, reference: (x) => referenceExp2Negative(-real(x, 44)), arguments: 1n << 44n },
  { name: 'gridCdf', table: gridCdf, reference: (x) => referenceNormalCdf(middle(x)), arguments: 1n << 16n },
  { name: 'gridPdf', table: gridPdf, reference: (x) => referenceNormalPdf(middle(x)), arguments: 1n << 16n },
  {
    name: 'gridPdfCoarse',
    table: gridPdfCoarse,
    reference: (x) => referenceNormalPdf(middle(x)),
    arguments: 1n << 16n,
  },
  { name: 'gridPdfFine', table: gridPdfFine, reference: (x) => referenceNormalPdf(middle(x)), arguments: 1n << 16n },
]

/** The middle of a cell of 2^-13. */
function middle(cell: bigint): bigint {
  return real(2n * cell + 1n, 14)
}

describe('M16, M17 and M20 to M24: coefficient tables', () => {
  it('are what scripts/generateTables.ts writes', () => {
    for (const [path, text] of generateTables()) {
      expect(readFileSync(join(root, path), 'utf8'), `${path} is stale: node scripts/generateTables.ts`).toBe(text)
    }
  })

  it.each(tables)(
    '$name is as close to its function as it says, at 4,000 arguments',
    ({ table, reference, arguments: end }) => {
      expect(end >> BigInt(argumentBits(table))).toBeLessThanOrEqual(1n)
      expect(greatestError(table, reference, end)).toBeLessThan(2 ** -table.errorBits)
    },
  )

  it.each(tables)(
    '$name is not, with any one coefficient wrong by three times that',
    ({ table, reference, arguments: end }) => {
      const undetected: string[] = []
      const width = 1n << BigInt(table.offsetBits[0]!)
      table.coefficients.slice(0, Number(end / width)).forEach((segment, index) => {
        const start = BigInt(index) * width
        segment.forEach((coefficient, power) => {
          const changed = segment.with(power, coefficient + weightiestChange(table, power))
          const mutant = { ...table, coefficients: table.coefficients.with(index, changed) }
          const errors = [start, start + width - 1n].map((argument) => errorAt(mutant, reference, argument))
          if (Math.max(...errors) < 2 ** -table.errorBits) undetected.push(`segment ${index}, power ${power}`)
        })
      })
      expect(undetected).toEqual([])
    },
  )

  it('have the same coefficients in both languages', () => {
    for (const { name, table } of tables) {
      const text = readFileSync(join(root, `circuits/generated/tables/${name}.circom`), 'utf8')
      const columns = [...text.slice(text.indexOf(`${name}Coefficients`)).matchAll(/\[\n((?:\s+-?\d+,?\n)+)\s+\]/g)]
      expect(columns.length).toBe(table.offsetBits.length + 1)
      columns.forEach(([, body], power) => {
        const subsets = [...body!.matchAll(/-?\d+/g)].map(([digits]) => BigInt(digits))
        const segments = table.coefficients.map((_, segment) =>
          subsets.reduce((sum, value, subset) => ((subset & segment) === subset ? sum + value : sum), 0n),
        )
        expect(segments).toEqual(table.coefficients.map((segment) => segment[power]!))
      })
    }
  })
})

function errorAt(table: PolynomialTable, reference: (argument: bigint) => bigint, argument: bigint): number {
  const difference = real(evaluatePiecewise(table, argument), table.resultBits) - reference(argument)
  return Math.abs(Number(difference) / 2 ** Number(PRECISION))
}

/** What to add to a power's coefficient to move the result at a segment's start by three times the table's error. */
function weightiestChange(table: PolynomialTable, power: number): bigint {
  const offsets = table.offsetBits.slice(0, power).reduce((sum, bits) => sum + bits - 1, 0)
  return BigInt(Math.ceil(3 * 2 ** (table.resultBits - offsets - table.errorBits)))
}

function greatestError(table: PolynomialTable, reference: (argument: bigint) => bigint, end: bigint): number {
  let greatest = 0
  for (let i = 0n; i < 4000n; i++) greatest = Math.max(greatest, errorAt(table, reference, (i * (end - 1n)) / 3999n))
  return greatest
}
