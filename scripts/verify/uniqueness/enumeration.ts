/**
 * Lemma: a sum of a few bits lies between its least and its greatest value over the choices of bits that violate no constraint
 * which these bits decide.
 */
import type { Constraint, Sum } from '../../tools/circuits/r1cs.ts'
import { atomsOf, type Form } from './field.ts'
import type { System } from './system.ts'

/** 2^12 choices: the seconds of an hour. */
const MOST_BITS = 12

/** What two values of the form can differ by; undefined if its atoms are no bits, or too many. */
export function enumeratedWidth(system: System, form: Form): bigint | undefined {
  const own = atomsOf(form)
  if (own.length > MOST_BITS || !own.every((bit) => system.bits.has(bit))) return undefined
  const { bits, sums } = withSums(system, own)
  const steps = [...sums, ...decidedBy(system, [...bits, ...sums.map(({ decides }) => decides)])]
  // That bits are bits excludes nothing.
  if (steps.every((step) => step.decides !== undefined || isOfOneWire(step))) return undefined
  let [least, most]: [bigint | undefined, bigint | undefined] = [undefined, undefined]
  for (let choice = 0; choice < 2 ** bits.length; choice++) {
    const values = new Map(bits.map((bit, i) => [bit, BigInt((choice >> i) & 1)]))
    if (!isPossible(system, steps, new Map([...values, [0, 1n]]))) continue
    const sum = own.reduce((total, bit) => total + form.get(bit)! * values.get(bit)!, 0n)
    if (least === undefined || sum < least) least = sum
    if (most === undefined || sum > most) most = sum
  }
  return least === undefined || most === undefined ? 0n : most - least
}

/** What the bits decide: a constraint whose wires they decide, or all but one, which it then decides; or a relation so. */
type Step = { readonly constraint: Constraint; readonly decides: number | undefined }
type SumStep = { readonly constraint: Constraint; readonly decides: number }

/** The bits with those that stand in one sum with them, and these sums: constraints may speak of the sum instead of a bit. */
function withSums(
  system: System,
  own: readonly number[],
): { readonly bits: readonly number[]; readonly sums: readonly SumStep[] } {
  const bits = new Set(own)
  const sums = new Map<number, SumStep>()
  for (const relation of new Set(own.flatMap((bit) => system.relationsWith(bit)))) {
    const atoms = atomsOf(relation)
    const [decides, ...more] = atoms.filter((atom) => !system.bits.has(atom))
    if (decides === undefined || more.length > 0 || sums.has(decides)) continue
    const together = new Set([...bits, ...atoms.filter((atom) => atom !== decides)])
    if (together.size > MOST_BITS) continue
    for (const bit of together) bits.add(bit)
    const none: Sum = { wires: [], coefficients: [] }
    const sum: Sum = { wires: [...relation.keys()], coefficients: [...relation.values()] }
    sums.set(decides, { constraint: [none, none, sum], decides })
  }
  return { bits: [...bits], sums: [...sums.values()] }
}

function decidedBy(system: System, bits: readonly number[]): readonly Step[] {
  const decided = new Set([0, ...bits])
  const steps: Step[] = []
  const used = new Set<number>()
  const queue = [...bits]
  for (let atom = queue.pop(); atom !== undefined; atom = queue.pop()) {
    for (const row of system.rowsWith(atom)) {
      if (used.has(row)) continue
      const [left, right, c] = system.constraints[row]!
      const [a, b] = [withBit(system, left, decided), withBit(system, right, decided)]
      const constraint: Constraint = [a, b, c]
      if (![a, b].every((sum) => sum.wires.every((wire) => decided.has(wire)))) continue
      const open = c.wires.filter((wire) => !decided.has(wire))
      used.add(row)
      if (open.length > 1) {
        steps.push(...stepsOfProduct(system, row, decided))
        continue
      }
      steps.push({ constraint, decides: open[0] })
      if (open[0] === undefined) continue
      decided.add(open[0])
      queue.push(open[0])
    }
  }
  return steps
}

/** A sum of two values by the bit that stands for it, if that one is decided. */
function withBit(system: System, sum: Sum, decided: ReadonlySet<number>): Sum {
  const found = sum.wires.length > 1 ? system.asBit(sum) : undefined
  if (found === undefined || !decided.has(found.bit)) return sum
  return { wires: [0, found.bit], coefficients: [found.offset, found.scale] }
}

/**
 * A product that the bits decide, where the compiler put a sum of other wires in its place: a number of its own, and the
 * constraints that have this sum as a factor and nothing else open.
 */
function stepsOfProduct(system: System, row: number, decided: ReadonlySet<number>): readonly Step[] {
  const [a, b, product] = system.constraints[row]!
  const open = product.wires.find((wire) => !decided.has(wire))!
  const id = -1 - row
  const inPlace = (sum: Sum): Sum => {
    if (system.wholeKey(sum) !== system.wholeKey(product)) return sum
    const coefficientOf = ({ wires, coefficients }: Sum): bigint => coefficients[wires.indexOf(open)]!
    return { wires: [id], coefficients: [coefficientOf(sum) * system.field.inverse(coefficientOf(product))] }
  }
  const isDecided = ({ wires }: Sum): boolean => wires.every((wire) => wire === id || decided.has(wire))
  const uses = system
    .rowsWith(open)
    .filter((other) => other !== row)
    .map((other) => system.constraints[other]!.map(inPlace) as [Sum, Sum, Sum])
    .filter((constraint) => constraint.every(isDecided))
  const own: Step = { constraint: [a, b, { wires: [id], coefficients: [1n] }], decides: id }
  return uses.length === 0 ? [] : [own, ...uses.map((constraint) => ({ constraint, decides: undefined }))]
}

const isOfOneWire = ({ constraint }: Step): boolean =>
  new Set(constraint.flatMap(({ wires }) => wires.filter((wire) => wire !== 0))).size <= 1

function isPossible(system: System, steps: readonly Step[], values: Map<number, bigint>): boolean {
  const { field } = system
  const valueIn = ({ wires, coefficients }: Sum): bigint =>
    wires.reduce((sum, wire, i) => sum + coefficients[i]! * (values.get(wire) ?? 0n), 0n)
  return steps.every(({ constraint: [a, b, c], decides }) => {
    const rest = field.centre(valueIn(a) * valueIn(b) - valueIn(c))
    if (decides === undefined) return rest === 0n
    const coefficient = c.coefficients[c.wires.indexOf(decides)]!
    values.set(decides, field.centre(rest * field.inverse(coefficient)))
    return true
  })
}
