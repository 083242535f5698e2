/**
 * Lemma: a sum of a few bits lies between its least and its greatest value over the choices of bits that violate no constraint
 * which these bits decide.
 */
import type { Sum } from '../../tools/circuits/r1cs.ts'
import { atomsOf, type Form } from './field.ts'
import type { System } from './system.ts'

/** 2^12 choices: the seconds of an hour. */
const MOST_BITS = 12

/** What two values of the form can differ by; undefined if its atoms are no bits, or too many. */
export function enumeratedWidth(system: System, form: Form): bigint | undefined {
  const bits = atomsOf(form)
  if (bits.length > MOST_BITS || !bits.every((bit) => system.bits.has(bit))) return undefined
  const steps = decidedBy(system, bits)
  if (steps.length === 0) return undefined
  let [least, most]: [bigint | undefined, bigint | undefined] = [undefined, undefined]
  for (let choice = 0; choice < 2 ** bits.length; choice++) {
    const values = new Map(bits.map((bit, i) => [bit, BigInt((choice >> i) & 1)]))
    if (!isPossible(system, steps, new Map([...values, [0, 1n]]))) continue
    const sum = bits.reduce((total, bit) => total + form.get(bit)! * values.get(bit)!, 0n)
    if (least === undefined || sum < least) least = sum
    if (most === undefined || sum > most) most = sum
  }
  return least === undefined || most === undefined ? 0n : most - least
}

/** A constraint whose wires the bits decide, or all but one, which it then decides unless its product is not linear in it. */
type Step = { readonly row: number; readonly decides: number | undefined }

function decidedBy(system: System, bits: readonly number[]): readonly Step[] {
  const decided = new Set([0, ...bits])
  const steps: Step[] = []
  const used = new Set<number>()
  const queue = [...bits]
  for (let atom = queue.pop(); atom !== undefined; atom = queue.pop()) {
    for (const row of system.rowsWith(atom)) {
      if (used.has(row)) continue
      const [a, b, c] = system.constraints[row]!
      if (![a, b].every((sum) => sum.wires.every((wire) => decided.has(wire)))) continue
      const open = c.wires.filter((wire) => !decided.has(wire))
      if (open.length > 1) continue
      used.add(row)
      steps.push({ row, decides: open[0] })
      if (open[0] === undefined) continue
      decided.add(open[0])
      queue.push(open[0])
      // Rows that waited for this wire are found among its own.
    }
  }
  return steps
}

function isPossible(system: System, steps: readonly Step[], values: Map<number, bigint>): boolean {
  const { field } = system
  const valueOf = ({ wires, coefficients }: Sum): bigint =>
    wires.reduce((sum, wire, i) => sum + coefficients[i]! * (values.get(wire) ?? 0n), 0n)
  return steps.every(({ row, decides }) => {
    const [a, b, c] = system.constraints[row]!
    const rest = field.centre(valueOf(a) * valueOf(b) - valueOf(c))
    if (decides === undefined) return rest === 0n
    const coefficient = c.coefficients[c.wires.indexOf(decides)]!
    values.set(decides, field.centre(rest * field.inverse(coefficient)))
    return true
  })
}
