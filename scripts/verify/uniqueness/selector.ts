/**
 * Lemma: of some bits exactly one is set, and any two choices of it exclude each other, the one in one witness, the other in
 * the other. They do if a relation of these bits and determined numbers would need two values. Or if for the one choice a number
 * u is a form of determined numbers, for the other w is, these forms add up to a constant k, and with what u and w are bounded by no
 * u + w is k modulo the order: so it is where a chosen number is the least, and x[i] - x[j] and x[j] - x[i] would be bounded alike.
 */
import type { Sum } from '../../tools/circuits/r1cs.ts'
import { atomsOf, constantOf, type Form, type Interval } from './field.ts'
import type { System } from './system.ts'
import { Worklist } from './worklist.ts'

const NAME = 'selector'
/** Of fewer bits mixed radices know as much. */
const LEAST_BITS = 3
/** Atoms that two relations may have in common besides the bits. */
const MOST_COMMON = 8

/** A bit, or (`sign` -1) what is 1 where the bit is 0. */
type Literal = { readonly bit: number; readonly sign: bigint }

/** Applies the lemma to bits that a relation mentions; says nothing if it does not hold. */
export function selector(system: System, relation: Form): void {
  const literals = findOneOf(system, relation)
  if (literals === undefined || literals.length < 2) return
  const values = valuesOf(system, literals)
  const bounds = boundsByChoice(system, literals, casesOf(system, literals))
  for (const [i, first] of literals.entries()) {
    for (const [j, second] of literals.entries()) {
      if (j <= i || values.some((value) => value.get(first) !== value.get(second))) continue
      if (exclude(system, bounds[i]!, bounds[j]!)) continue
      system.park(relation)
      return
    }
  }
  for (const { bit } of literals) system.determine(bit, NAME)
}

/** What a relation says to be one of, or two relations together. */
function findOneOf(system: System, relation: Form): readonly Literal[] | undefined {
  const open = atomsOf(system.split(relation).open)
  if (open.filter((atom) => system.bits.has(atom)).length < LEAST_BITS) return undefined
  const alone = literalsOf(system, relation)
  if (alone !== undefined) return alone
  // What the bits weigh may be learnt after what says that one of them is set.
  for (const other of system.relationsWith(open[0]!)) {
    const literals = other === relation ? undefined : literalsOf(system, other)
    if (literals !== undefined) return literals
  }
  const common = atomsOf(relation).filter((atom) => system.isDetermined(atom) || !system.bits.has(atom))
  if (common.length > MOST_COMMON) return undefined
  for (const atom of common) {
    for (const other of system.relationsWith(atom)) {
      if (other === relation) continue
      const factor = -relation.get(atom)! * system.field.inverse(other.get(atom)!)
      const literals = literalsOf(system, system.field.plus(relation, other, system.field.centre(factor)))
      if (literals !== undefined) return literals
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

/** What an atom is, choice by choice, in determined numbers. */
type Cases = ReadonlyMap<number, readonly Form[]>

/** What follows for other atoms from which of the bits is set, by rows and relations with one atom that is not known yet. */
function casesOf(system: System, literals: readonly Literal[]): Cases {
  const cases = new Map<number, readonly Form[]>()
  for (const { bit, sign } of literals) {
    const isSet = literals.map((chosen) => (chosen.bit === bit) === (sign === 1n))
    cases.set(
      bit,
      isSet.map((set) => (set ? new Map([[0, 1n]]) : new Map())),
    )
  }
  const queue = new Worklist(cases.keys())
  for (let atom = queue.take(); atom !== undefined && cases.size < MOST_CASES; atom = queue.take()) {
    const relations = system.relationsWith(atom).map((relation) => ({ form: relation, product: undefined }))
    const rows = system.rowsWith(atom).flatMap((row) => productOf(system, cases, row))
    for (const { form, product } of [...relations, ...rows]) {
      const [open, ...others] = openOf(system, cases, form)
      if (open === undefined || others.length > 0) continue
      const rest = inCases(system, cases, literals.length, form)
      const unit = system.field.inverse(form.get(open)!)
      const found = rest.map((each, i) => {
        const difference = product === undefined ? each : system.field.plus(each, product[i]!, -1n)
        return system.field.scaled(difference, -unit)
      })
      cases.set(open, found)
      queue.add(open)
    }
  }
  return cases
}

/** A row of a determined factor and one that is a constant in each case: the product's form, and what it is. */
function productOf(
  system: System,
  cases: Cases,
  row: number,
): readonly { readonly form: Form; readonly product: readonly Form[] }[] {
  const { field } = system
  const [a, b, product] = system.constraints[row]!
  return [[a, b] as const, [b, a] as const].flatMap(([factor, fixed]) => {
    const form = field.form(factor)
    if (product.wires.length === 0 || isOpen(system, fixed) || !atomsOf(form).every((atom) => cases.has(atom)))
      return []
    const count = cases.get(atomsOf(form)[0] ?? 0)?.length ?? 0
    const factors = inCases(system, cases, count, form)
    if (count === 0 || !factors.every((each) => atomsOf(each).length === 0)) return []
    return [
      {
        form: field.form(product),
        product: factors.map((each) => timesConstant(system, field.form(fixed), constantOf(each))),
      },
    ]
  })
}

const timesConstant = ({ field }: System, form: Form, factor: bigint): Form =>
  factor === 0n ? new Map() : field.scaled(form, factor)

/** Atoms of a form that are neither determined nor known by case. */
const openOf = (system: System, cases: Cases, form: Form): readonly number[] =>
  atomsOf(form).filter((atom) => !system.isDetermined(atom) && !cases.has(atom))

/** A form without its open atoms, case by case. */
function inCases(system: System, cases: Cases, count: number, form: Form): readonly Form[] {
  const fixed = new Map([...form].filter(([atom]) => atom === 0 || system.isDetermined(atom)))
  const moving = atomsOf(form).filter((atom) => cases.has(atom) && !system.isDetermined(atom))
  return Array.from({ length: count }, (_, i) =>
    moving.reduce<Form>((sum, atom) => system.field.plus(sum, cases.get(atom)![i]!, form.get(atom)!), fixed),
  )
}

/** Where what is left of a form lies without its constant, by its text. */
type Bounds = ReadonlyMap<string, { readonly form: Form; readonly intervals: readonly Interval[] }>

/** For each choice: forms of determined numbers, and where they must lie. */
function boundsByChoice(system: System, literals: readonly Literal[], cases: Cases): readonly Bounds[] {
  const bounds = literals.map(() => new Map<string, { form: Form; intervals: Interval[] }>())
  const add = (forms: readonly Form[], { low, high }: Interval): void => {
    for (const [i, all] of forms.entries()) {
      const form = withoutConstant(all)
      const constant = constantOf(all)
      const known = bounds[i]!.get(textOf(form)) ?? { form, intervals: [] }
      known.intervals.push({ low: low - constant, high: high - constant })
      bounds[i]!.set(textOf(form), known)
    }
  }
  for (const [atom, forms] of cases) {
    const interval = system.interval(atom)
    if (interval !== undefined) add(forms, interval)
  }
  for (const relation of new Set([...cases.keys()].flatMap((atom) => system.relationsWith(atom)))) {
    const rest = new Map([...relation].filter(([atom]) => openOf(system, cases, new Map([[atom, 1n]])).length > 0))
    const interval = rest.size === 0 ? undefined : system.bounds(rest)
    if (interval === undefined) continue
    add(inCases(system, cases, literals.length, relation), { low: -interval.high, high: -interval.low })
  }
  return bounds
}

/** Whether no two witnesses choose the one and the other. */
function exclude({ field }: System, ofFirst: Bounds, ofSecond: Bounds): boolean {
  return [...ofFirst.values()].some(({ form, intervals }) =>
    ofSecond
      .get(textOf(field.scaled(form, -1n)))
      ?.intervals.some((second) =>
        intervals.some((first) => !hasMultiple(first.low + second.low, first.high + second.high, field.order)),
      ),
  )
}

/** Atoms that are followed. */
const MOST_CASES = 500

const isOpen = (system: System, sum: Sum): boolean => !system.isFixed(sum)

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
