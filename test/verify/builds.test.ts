import { describe, expect, test } from 'vitest'
import { builds } from '../../circuits/statements/index.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import { portfolioMains } from '../../scripts/tools/mains/portfolio.ts'
import { compileForProof } from '../../scripts/verify/uniqueness/compiled.ts'
import { proveUnique } from '../../scripts/verify/uniqueness/prove.ts'

const mains = [...builds.map((build) => ({ name: build.name, source: mainSource(build) })), ...portfolioMains]

/** The compiler numbers components that have no name. */
const withoutNumbers = (name: string): string => name.replace(/_\d+_\d+(?=\.)/g, '')

/** Checks of bits without which outputs would be free: each is looked for, and taken out, by itself. */
const missing: readonly (readonly [main: string, bits: readonly string[]])[] = [
  [
    'unhealthyWitness',
    [
      'main.ScenarioChoice.chosen[7]',
      'main.bound.span.bits[100]',
      'main.bound.bound.quotientBits[5]',
      'main.bound.bound.remainderBits[80]',
      'main.bound.bound.RangeCheck.bits[2]',
    ],
  ],
  ['WorstScenario(34, 168)', ['main.counted.chosen[3]', 'main.counted.above[20].bits[60]']],
  ['CloseExpiry()', ['main.counted.fall.bits[40]', 'main.counted.expiryGreeks.delta.bits[10]']],
]

describe.each(missing)('M26: %s', (name, bits) => {
  const compiled = compileForProof(mains.find((main) => main.name === name)!.source, name)

  test('outputs are unique in inputs, by what follows from the constraints of its keys', async () => {
    const { circuit, outputs, leftOut, nameOf } = await compiled
    expect(proveUnique(circuit, outputs).left.map(nameOf)).toEqual([])
    expect(leftOut).toBe(0)
  })

  test.each(bits)('without the check that %s is a bit they are not proved', async (bit) => {
    const { circuit, outputs, nameOf } = await compiled
    const isCheck = circuit.constraints.map(([a, b, { wires }]) => {
      const all = new Set([...a.wires, ...b.wires, ...wires].filter((wire) => wire !== 0))
      return all.size === 1 && [...all].every((wire) => withoutNumbers(nameOf(wire)) === bit)
    })
    expect(isCheck.filter(Boolean)).toHaveLength(1)
    const constraints = circuit.constraints.filter((_, row) => !isCheck[row])
    expect(proveUnique({ ...circuit, constraints }, outputs).left).not.toEqual([])
  })
})
