/**
 * Lemma: of some bits exactly one is set, and any two choices of it exclude each other, the one in one witness, the other in
 * the other. They do if a relation of these bits and determined numbers would need two values; or if, with t the sum of
 * bits times determined numbers x, relations t = x[j] + … of bounded terms would have x[i] - x[j] in one interval for
 * one choice, x[j] - x[i] in another for the other, and no two numbers of these add up to a multiple of the order.
 */
import type { Sum } from '../../tools/circuits/r1cs.ts'
import { atomsOf, constantOf, type Form, type Interval } from './field.ts'
import type { System } from './system.ts'

const NAME = 'selector'
/** Of fewer bits mixed radices know as much. */
const LEAST_BITS = 3
/** Atoms that two relations may have in common besides the bits. */
const MOST_COMMON = 8

/** A bit, or (`sign` -1) what is 1 where the bit is 0. */
type Literal = { readonly bit: number; readonly sign: bigint }

/** Of these one is 1, by these relations. */
type OneOf = { readonly literals: readonly Literal[]; readonly relations: readonly Form[] }

/** Applies the lemma to bits that a relation mentions; says nothing if it does not hold. */
export function selector(system: System, relation: Form): void {
  const oneOf = findOneOf(system, relation)
  if (oneOf === undefined || oneOf.literals.length < 2) return
  const { literals } = oneOf
  const selected = selectedBy(system, literals)
  const bounds = selected === undefined ? [] : boundsOfSelected(system, oneOf, selected)
  const values = valuesOf(system, literals)
  for (const [i, first] of literals.entries()) {
    for (const second of literals.slice(i + 1)) {
      const differ = values.some((value) => value.get(first) !== value.get(second))
      if (differ || (selected && exclude(system, selected, bounds, first, second))) continue
      system.park(relation)
      return
    }
  }
  for (const { bit } of literals) system.determine(bit, NAME)
}

/** What a relation says to be one of, or two relations together. */
function findOneOf(system: System, relation: Form): OneOf | undefined {
  const open = atomsOf(system.split(relation).open)
  if (open.filter((atom) => system.bits.has(atom)).length < LEAST_BITS) return undefined
  const alone = literalsOf(system, relation)
  if (alone !== undefined) return { literals: alone, relations: [relation] }
  const common = atomsOf(relation).filter((atom) => system.isDetermined(atom) || !system.bits.has(atom))
  if (common.length > MOST_COMMON) return undefined
  for (const atom of common) {
    for (const other of system.relationsWith(atom)) {
      if (other === relation) continue
      const factor = -relation.get(atom)! * system.field.inverse(other.get(atom)!)
      const literals = literalsOf(system, system.field.plus(relation, other, system.field.centre(factor)))
      if (literals !== undefined) return { literals, relations: [relation, other] }
    }
  }
  return undefined
}

/** A relation of bits with one coefficient or its negative, which says that one literal is 1. */
function literalsOf(system: System, relation: Form): readonly Literal[] | undefined {
  const { field } = system
  const bits = atomsOf(relation)
  if (bits.length < 2 || BigInt(bits.length) >= field.order) return undefined
  if (!bits.every((bit) => system.bits.has(bit) && !system.isDetermined(bit))) return undefined
  for (const unit of [relation.get(bits[0]!)!, -relation.get(bits[0]!)!]) {
    const signs = bits.map((bit) => field.centre(relation.get(bit)! * field.inverse(unit)))
    if (!signs.every((sign) => sign === 1n || sign === -1n)) return undefined
    // The literals' sum is the relation's over its unit, and 1 for each that is negated.
    const negated = BigInt(signs.filter((sign) => sign === -1n).length)
    const sum = field.centre(-constantOf(relation) * field.inverse(unit) + negated)
    if (sum === 1n) return bits.map((bit, i) => ({ bit, sign: signs[i]! }))
  }
  return undefined
}

/** For each relation of these bits and what is determined: what the bits add to it, but for a constant, by the one that is 1. */
function valuesOf(system: System, literals: readonly Literal[]): readonly ReadonlyMap<Literal, bigint>[] {
  const among = new Set(literals.map(({ bit }) => bit))
  const relations = new Set(literals.slice(0, 3).flatMap(({ bit }) => system.relationsWith(bit)))
  return [...relations]
    .filter((relation) => atomsOf(system.split(relation).open).every((atom) => among.has(atom)))
    .map((relation) => new Map(literals.map((each) => [each, each.sign * (relation.get(each.bit) ?? 0n)])))
}

/** What literals choose from: determined numbers, and the sum of all products with them. */
type Selected = { readonly choices: ReadonlyMap<Literal, Form>; readonly sum: Form }

function selectedBy(system: System, literals: readonly Literal[]): Selected | undefined {
  const { field } = system
  const choices = new Map<Literal, Form>()
  let sum: Form = new Map()
  for (const literal of literals) {
    const found = productWith(system, literal)
    if (found === undefined) return undefined
    choices.set(literal, found.choice)
    sum = field.plus(sum, found.product)
  }
  return { choices, sum }
}

/** A row literal × choice = product with a determined choice. */
function productWith(system: System, literal: Literal): { readonly choice: Form; readonly product: Form } | undefined {
  const { field } = system
  // The rows of a bit that stands for a sum are those of the sum's wires.
  const atoms = [literal.bit, ...system.relationsWith(literal.bit).flatMap((relation) => atomsOf(relation).slice(0, 2))]
  for (const row of new Set(atoms.flatMap((atom) => system.rowsWith(atom)))) {
    const [a, b, product] = system.constraints[row]!
    for (const [factor, choice] of [
      [a, b],
      [b, a],
    ] as const) {
      const found = isOpen(system, choice) || product.wires.length === 0 ? undefined : system.asBit(factor)
      if (found?.bit !== literal.bit) continue
      if (found.offset !== (literal.sign === 1n ? 0n : -found.scale)) continue
      return { choice: field.scaled(field.form(choice), literal.sign * found.scale), product: field.form(product) }
    }
  }
  return undefined
}

const isOpen = (system: System, sum: Sum): boolean => !system.isFixed(sum)

/** sum = choice + bits + bounded terms: `choice` by its terms, what the bits add, and where the rest lies. */
type Bound = { readonly choice: string; readonly ofBits: ReadonlyMap<Literal, bigint>; readonly rest: Interval }

function boundsOfSelected(system: System, { literals, relations }: OneOf, { sum }: Selected): readonly Bound[] {
  const { field } = system
  const among = new Set(literals.map(({ bit }) => bit))
  const openOf = (form: Form): number | undefined =>
    atomsOf(form).find((atom) => !system.isDetermined(atom) && !among.has(atom))
  return [sum, ...shorterEquals(system, sum, openOf(sum))].flatMap((equal) => {
    const open = openOf(equal)
    if (open === undefined) return []
    return system.relationsWith(open).flatMap((relation) => {
      const factor = field.centre(-field.inverse(relation.get(open)!) * equal.get(open)!)
      // equal = equal + factor * relation, with the literals' relations put in to leave nothing else that moves with them.
      const form = relations.reduce(
        (each, of) => withoutOpen(system, each, of, among),
        field.plus(equal, relation, factor),
      )
      const rest = new Map([...form].filter(([atom]) => !system.isDetermined(atom) && !among.has(atom)))
      const choice = new Map([...form].filter(([atom]) => atom !== 0 && system.isDetermined(atom)))
      const bounds = system.bounds(rest)
      const constant = literals.reduce(
        (total, { bit, sign }) => total + (sign === 1n ? 0n : (form.get(bit) ?? 0n)),
        constantOf(form),
      )
      const ofBits = new Map(literals.map((each) => [each, constant + each.sign * (form.get(each.bit) ?? 0n)]))
      return bounds === undefined ? [] : [{ choice: textOf(choice), ofBits, rest: bounds }]
    })
  })
}

/** What a relation with an atom says a form to be that is shorter. */
function shorterEquals(system: System, form: Form, atom: number | undefined): readonly Form[] {
  if (atom === undefined) return []
  const { field } = system
  return system
    .relationsWith(atom)
    .map((relation) => field.plus(form, relation, field.centre(-field.inverse(relation.get(atom)!) * form.get(atom)!)))
    .filter((equal) => 2 * equal.size < form.size)
}

/** The form less a multiple of a relation that takes out of it an open atom which is no bit. */
function withoutOpen(system: System, form: Form, relation: Form, bits: ReadonlySet<number>): Form {
  const atom = atomsOf(relation).find((each) => !bits.has(each) && !system.isDetermined(each) && form.has(each))
  if (atom === undefined) return form
  const factor = -form.get(atom)! * system.field.inverse(relation.get(atom)!)
  return system.field.plus(form, relation, system.field.centre(factor))
}

/** Whether no two witnesses choose the one and the other. */
function exclude(
  system: System,
  { choices }: Selected,
  bounds: readonly Bound[],
  first: Literal,
  second: Literal,
): boolean {
  const [ofFirst, ofSecond] = [choices.get(first)!, choices.get(second)!]
  const [textOfFirst, textOfSecond] = [textOf(withoutConstant(ofFirst)), textOf(withoutConstant(ofSecond))]
  // In one witness the sum is the first choice, which is the second one, bits and rest; in the other the reverse.
  return bounds.some(
    (one) =>
      one.choice === textOfSecond &&
      bounds.some((other) => {
        if (other.choice !== textOfFirst) return false
        const constants = constantOf(ofFirst) + constantOf(ofSecond)
        const bits = one.ofBits.get(first)! + other.ofBits.get(second)! - constants
        const [low, high] = [bits + one.rest.low + other.rest.low, bits + one.rest.high + other.rest.high]
        return !hasMultiple(low, high, system.field.order)
      }),
  )
}

const withoutConstant = (form: Form): Form => new Map([...form].filter(([atom]) => atom !== 0))

const textOf = (form: Form): string =>
  [...form]
    .sort(([a], [b]) => a - b)
    .map(([atom, coefficient]) => `${atom}:${coefficient}`)
    .join(' ')

/** Whether a multiple of the order lies in [low, high]. */
function hasMultiple(low: bigint, high: bigint, order: bigint): boolean {
  const floor = high / order - (high < 0n && high % order !== 0n ? 1n : 0n)
  return floor * order >= low
}
