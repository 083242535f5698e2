/** Whether the outputs of a circuit are unique in its inputs: no two witnesses have the same inputs and different outputs. */
import { mixedRadix } from './mixedRadix.ts'
import { products } from './products.ts'
import { selector } from './selector.ts'
import { type Circuit, System } from './system.ts'

export type Verdict = {
  /** Outputs that were not proved unique; none means that all are. */
  readonly left: readonly number[]
  /** Wires that were not proved unique; those inside of a gadget that reaches no output may be free. */
  readonly open: readonly number[]
  /** How many conclusions each lemma led to. */
  readonly uses: ReadonlyMap<string, number>
}

/** Applies all lemmas until none says anything new. What stays open may be unique all the same. */
export function proveUnique(circuit: Circuit, outputs: readonly number[]): Verdict {
  const system = new System(circuit)
  for (;;) {
    system.settle()
    const row = system.nextRow()
    if (row !== undefined) {
      system.solveRow(row)
      products(system, row)
      continue
    }
    const relation = system.nextRelation()
    if (relation === undefined) break
    system.solve(relation)
    mixedRadix(system, relation)
    selector(system, relation)
  }
  const wires = Array.from({ length: circuit.wires }, (_, wire) => wire)
  return {
    left: system.openAmong(outputs),
    open: system.openAmong(wires),
    uses: system.reasons,
  }
}
