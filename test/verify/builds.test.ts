import { describe, expect, test } from 'vitest'
import { builds } from '../../circuits/statements/index.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import { portfolioMains } from '../../scripts/tools/mains/portfolio.ts'
import { compileForProof } from '../../scripts/verify/uniqueness/compiled.ts'
import { proveUnique } from '../../scripts/verify/uniqueness/prove.ts'

/** A choice among numbers that are known only long after its bits were met. */
const chosenLate = {
  name: 'WorstLoss() of BookClosing(1)',
  source: `pragma circom 2.2.3;
include "math/AssumeBits.circom";
include "math/AssumeEachBits.circom";
include "math/AssumeSigned.circom";
include "portfolio/BookClosing.circom";
include "portfolio/WorstLoss.circom";
template Main() {
    signal input header[headerElements()], sums[sumElements()], shocksX40[33], dampingX40[33], hedgeM;
    signal output worstScenario;
    component closing = BookClosing(1);
    closing.closes <== [1];
    closing.headerRoots <== [0];
    closing.sums <== [sums];
    closing.header <== header;
    component totals = TotalsOfElements();
    totals.elements <== closing.added;
    component loss = WorstLoss();
    loss.bookTotals <== totals.bookTotals;
    loss.scenarioTerms.spotE8 <== AssumeBits(48)(0);
    loss.scenarioTerms.shocksX40 <== AssumeEachBits(43, 33)(shocksX40);
    loss.scenarioTerms.dampingX40 <== AssumeEachBits(43, 33)(dampingX40);
    loss.scenarioTerms.maintenanceFactorX40 <== AssumeBits(44)(0);
    loss.hedgeM <== AssumeSigned(88)(hedgeM);
    worstScenario <== loss.worstScenario;
}
component main = Main();
`,
}
const mains = [
  ...builds.map((build) => ({ name: build.name, source: mainSource(build) })),
  ...portfolioMains,
  chosenLate,
]

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
  [chosenLate.name, ['main.loss.worst.chosen[3]', 'main.closing.expiry.skew[1].bits[40]']],
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
