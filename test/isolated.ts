/** What soundness tests expect of a template at one witness. */
import { expect } from 'vitest'
import type { Circuit, CircuitInput } from '../scripts/tools/circuits/circuit.ts'

/** Free by design where the input of an IsZero is 0: the inverse of nothing. It reaches no other row. */
const isFree = (wire: string): boolean => wire.endsWith('.inv')

/** No wire can move, alone or with others, without violating a constraint. */
export function expectIsolated(circuit: Circuit, input: CircuitInput): void {
  const witness = circuit.witness(input)
  expect(circuit.movableWires(witness).filter((wire) => !isFree(wire))).toEqual([])
  const others = (value: bigint): bigint[] => [value + 1n, value - 1n, -value, 0n, 1n, value + (1n << 90n)]
  const { undetected } = circuit.tamper(witness, others)
  expect(undetected.filter((wire) => !isFree(wire))).toEqual([])
}
