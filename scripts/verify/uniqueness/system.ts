/**
 * What follows from the constraints of a circuit about two witnesses that agree in its inputs. An *atom* is a wire, or a bit
 * that stands for which of two values a sum has; it is *determined* if both witnesses must agree in it. A *relation* is a
 * form that is 0 in every witness.
 */
import type { Constraint, Sum } from '../../tools/circuits/r1cs.ts'
import { Worklist } from './worklist.ts'
import { atomsOf, constantOf, Field, type Form, type Interval, overlap, widthOf } from './field.ts'

export type Circuit = {
  readonly order: bigint
  readonly wires: number
  readonly constraints: readonly Constraint[]
  /** The inputs, in which both witnesses agree. */
  readonly inputs: readonly Form[]
}

/** A sum that is `scale` times a bit, and `offset`. */
export type ScaledBit = { readonly bit: number; readonly scale: bigint; readonly offset: bigint }

/** How a conclusion was reached: by solving a linear equation, or by the lemma of that name. */
export type Reason = string

export class System {
  readonly field: Field
  readonly constraints: readonly Constraint[]
  readonly relations: Form[] = []
  readonly bits = new Set<number>()
  /** Conclusions by reason. */
  readonly reasons = new Map<Reason, number>()
  readonly #wires: number
  readonly #intervals = new Map<number, Interval>()
  readonly #determined = new Set<number>([0])
  readonly #relationsOf = new Map<number, number[]>()
  readonly #rowsOf = new Map<number, number[]>()
  readonly #bitOfSum = new Map<string, { readonly bit: number; readonly form: Form }>()
  /** Atoms that a relation says to be multiples of a bit, but for a constant, and that are none. */
  readonly #scaledBits = new Map<number, ScaledBit>()
  /** Rows by what one of their factors is a multiple of, if the product is 0. */
  readonly #zeroRows = new Map<string, { readonly factor: Sum }[]>()
  readonly #learntRows = new Set<number>()
  readonly #keys = new Map<Sum, string>()
  readonly #wholeKeys = new Map<Sum, string>()
  #nextAtom: number
  #queue: number[] = []
  readonly #touchedRows = new Worklist<number>()
  readonly #touchedRelations = new Worklist<number>()
  readonly #parked = new Set<Form>()
  #determinedWhenWoken = 0

  constructor({ order, wires, constraints, inputs }: Circuit) {
    this.field = new Field(order)
    this.#wires = wires
    this.#nextAtom = wires
    this.constraints = constraints
    for (const [row, constraint] of constraints.entries()) {
      for (const wire of new Set(constraint.flatMap((sum) => sum.wires))) push(this.#rowsOf, wire, row)
      this.#read(constraint)
    }
    this.#propagateBits()
    this.#propagateIntervals()
    for (const input of inputs) this.learn(input, 'input')
    for (const row of constraints.keys()) this.#touchedRows.add(row)
    for (const relation of this.relations.keys()) this.#touchedRelations.add(relation)
  }

  isDetermined(atom: number): boolean {
    return this.#determined.has(atom)
  }

  isFixed(sum: Sum): boolean {
    return sum.wires.every((wire) => this.#determined.has(wire))
  }

  interval(atom: number): Interval | undefined {
    return this.#intervals.get(atom)
  }

  relationsWith(atom: number): readonly Form[] {
    return (this.#relationsOf.get(atom) ?? []).map((index) => this.relations[index]!)
  }

  /** A relation of an atom with bits alone. */
  bitsOf(atom: number): Form | undefined {
    return this.relationsWith(atom).find((relation) =>
      atomsOf(relation).every((other) => other === atom || this.bits.has(other)),
    )
  }

  rowsWith(atom: number): readonly number[] {
    return this.#rowsOf.get(atom) ?? []
  }

  /** The part that both witnesses agree in, and the rest. */
  split(form: Form): { readonly fixed: Form; readonly open: Form } {
    const fixed = new Map<number, bigint>()
    const open = new Map<number, bigint>()
    for (const [atom, coefficient] of form) (this.#determined.has(atom) ? fixed : open).set(atom, coefficient)
    return { fixed, open }
  }

  /** Where a form lies by the intervals of its atoms; undefined if one has none, or nothing is said modulo the order. */
  bounds(form: Form): Interval | undefined {
    let [low, high] = [constantOf(form), constantOf(form)]
    for (const [atom, coefficient] of form) {
      if (atom === 0) continue
      const interval = this.#intervals.get(atom)
      if (interval === undefined) return undefined
      const [a, b] = [coefficient * interval.low, coefficient * interval.high]
      low += a < b ? a : b
      high += a < b ? b : a
    }
    return high - low < this.field.order ? { low, high } : undefined
  }

  /**
   * Equal forms, of which all atoms have intervals: the form itself, and less multiples of one or two
   * relations, the first of which takes one of `atoms` out of it.
   */
  *boundedEquals(form: Form, atoms: Iterable<number> = atomsOf(form)): Generator<Form> {
    if (atomsOf(form).every((atom) => this.#intervals.has(atom))) yield form
    for (const atom of atoms) {
      for (const equal of this.#without(form, atom)) {
        const unbounded = atomsOf(equal).filter((each) => !this.#intervals.has(each))
        if (unbounded.length === 0) yield equal
        if (unbounded.length > MOST_UNBOUNDED) continue
        // A second relation takes out what the first brought in: an unbounded atom, else one that is determined.
        const brought = unbounded[0] ?? atomsOf(equal).find((each) => this.#determined.has(each) && !form.has(each))
        for (const next of brought === undefined ? [] : this.#without(equal, brought)) {
          if (atomsOf(next).every((each) => this.#intervals.has(each))) yield next
        }
      }
    }
  }

  /** The form less multiples of each relation with one of its atoms, which takes that atom out of it. */
  *#without(form: Form, atom: number, relations = this.relationsWith(atom)): Generator<Form> {
    for (const relation of relations) {
      const factor = -form.get(atom)! * this.field.inverse(relation.get(atom)!)
      yield this.field.plus(form, relation, this.field.centre(factor))
    }
  }

  /** The bit that a sum is a multiple of, but for a constant. */
  asBit(sum: Sum): ScaledBit | undefined {
    const form = this.field.form(sum)
    const [atom, ...others] = atomsOf(form)
    if (atom === undefined) return undefined
    if (others.length === 0 && this.bits.has(atom)) {
      return { bit: atom, scale: form.get(atom)!, offset: constantOf(form) }
    }
    const scaled = others.length === 0 ? this.#scaledBits.get(atom) : undefined
    if (scaled !== undefined) return this.#timesBit(scaled, form.get(atom)!, constantOf(form))
    const found = this.#bitOfSum.get(this.key(sum))
    if (found === undefined) return undefined
    const scale = this.field.centre(form.get(atom)! * this.field.inverse(found.form.get(atom)!))
    return { bit: found.bit, scale, offset: this.field.centre(constantOf(form) - scale * constantOf(found.form)) }
  }

  #timesBit({ bit, scale, offset }: ScaledBit, factor: bigint, constant: bigint): ScaledBit {
    const { field } = this
    return { bit, scale: field.centre(scale * factor), offset: field.centre(offset * factor + constant) }
  }

  /** The other factors of products with this sum, or a multiple of it, that are 0. */
  zeroProductsWith(sum: Sum): readonly Sum[] {
    return (this.#zeroRows.get(this.wholeKey(sum)) ?? []).map(({ factor }) => factor)
  }

  /** Alike for multiples, whatever their constants. */
  key(sum: Sum): string {
    return this.#keyOf(sum, false)
  }

  /** Alike for multiples. */
  wholeKey(sum: Sum): string {
    return this.#keyOf(sum, true)
  }

  #keyOf(sum: Sum, withConstant: boolean): string {
    const keys = withConstant ? this.#wholeKeys : this.#keys
    let key = keys.get(sum)
    if (key === undefined) {
      key = this.#makeKey(sum, withConstant)
      keys.set(sum, key)
    }
    return key
  }

  #makeKey({ wires, coefficients }: Sum, withConstant: boolean): string {
    const terms = wires
      .map((wire, i) => [wire, coefficients[i]!] as const)
      .filter(([wire]) => wire !== 0 || withConstant)
    const sorted = terms.sort(([a], [b]) => b - a)
    if (sorted.length === 0) return ''
    const unit = this.field.inverse(sorted[0]![1])
    return sorted.map(([wire, coefficient]) => `${wire}:${this.field.centre(coefficient * unit)}`).join(' ')
  }

  /** Both witnesses agree in an atom. */
  determine(atom: number, reason: Reason): void {
    if (this.#determined.has(atom)) return
    this.#determined.add(atom)
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1)
    this.#queue.push(atom)
  }

  /** Both witnesses agree in a form. */
  learn(form: Form, reason: Reason): void {
    const { open } = this.split(form)
    const atoms = atomsOf(open)
    if (atoms.length === 0) return
    if (atoms.length === 1) {
      this.determine(atoms[0]!, reason)
      return
    }
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1)
    const value = this.#nextAtom++
    this.#determined.add(value)
    this.#touchedRelations.add(this.#relate(new Map([...open, [value, -1n]])))
  }

  /** Solves what is linear in one open atom, until nothing is. Rows and relations that lemmas might say more of follow. */
  settle(): void {
    for (let atom = this.#queue.pop(); atom !== undefined; atom = this.#queue.pop()) {
      for (const row of this.#rowsOf.get(atom) ?? []) this.#touchedRows.add(row)
      for (const relation of this.#relationsOf.get(atom) ?? []) {
        this.#touchedRelations.add(relation)
        this.solve(this.relations[relation]!)
      }
      for (const row of this.#rowsOf.get(atom) ?? []) this.solveRow(row)
    }
  }

  nextRow(): number | undefined {
    return this.#touchedRows.take()
  }

  /** Those that were parked come again when no other is left, as long as more is determined than the last time. */
  nextRelation(): Form | undefined {
    const index = this.#touchedRelations.take() ?? this.#wakeAll().take()
    return index === undefined ? undefined : this.relations[index]
  }

  /**
   * A relation is looked at again when a product of one of its bits with a determined number becomes known, and when all else has
   * been: what a choice among numbers rests on may be determined long after its bits were met.
   */
  park(relation: Form): void {
    this.#parked.add(relation)
  }

  /** A determined number times a bit. */
  wake(bit: number): void {
    for (const index of this.#relationsOf.get(bit) ?? []) {
      if (this.#parked.delete(this.relations[index]!)) this.#touchedRelations.add(index)
    }
  }

  #wakeAll(): Worklist<number> {
    if (this.#determined.size === this.#determinedWhenWoken) return this.#touchedRelations
    this.#determinedWhenWoken = this.#determined.size
    for (const relation of [...this.#parked]) for (const atom of atomsOf(relation)) this.wake(atom)
    return this.#touchedRelations
  }

  get hasParked(): boolean {
    return this.#parked.size > 0
  }

  /** What is alone open in a relation is determined. */
  solve(relation: Form): void {
    let open: number | undefined
    for (const atom of relation.keys()) {
      if (this.#determined.has(atom)) continue
      if (open !== undefined) return
      open = atom
    }
    if (open !== undefined) this.determine(open, 'linear')
  }

  /** A product of determined factors is determined. */
  solveRow(row: number): void {
    if (this.#learntRows.has(row)) return
    const [a, b, c] = this.constraints[row]!
    const isZero = isEmpty(a) || isEmpty(b)
    if (!isZero && !(this.isFixed(a) && this.isFixed(b))) return
    this.#learntRows.add(row)
    this.learn(this.field.form(c), 'linear')
  }

  #read(constraint: Constraint): void {
    const [a, b, c] = constraint
    if (isEmpty(a) || isEmpty(b)) this.#relate(this.field.form(c))
    else if (isConstant(a)) this.#readLinear(a.coefficients[0]!, b, c)
    else if (isConstant(b)) this.#readLinear(b.coefficients[0]!, a, c)
    else if (isEmpty(c)) this.#readZero(a, b)
  }

  #readLinear(factor: bigint, sum: Sum, product: Sum): void {
    this.#relate(this.field.plus(this.field.form(product), this.field.form(sum), -factor))
  }

  /** a × b = 0: a zero product, and if b is a multiple of a but for a constant, a has one of two values. */
  #readZero(a: Sum, b: Sum): void {
    push(this.#zeroRows, this.wholeKey(a), { factor: b })
    push(this.#zeroRows, this.wholeKey(b), { factor: a })
    const key = this.key(a)
    if (key !== this.key(b)) return
    const { field } = this
    const [formA, formB] = [field.form(a), field.form(b)]
    const [atom] = atomsOf(formA) as [number]
    const ratio = field.inverse(formB.get(atom)!) * formA.get(atom)!
    // a = s or a = 0, where b = 0 means a = s.
    const other = field.centre(constantOf(formA) - constantOf(formB) * ratio)
    if (other === 0n) this.#relate(formA)
    else if (this.#isBit(formA, atom, other)) this.#boundBit(atom)
    else if (this.#bitOfSum.has(key)) return
    // The bit is clear where the sum without its constant is 0.
    else if (other === constantOf(formA)) this.#standInFor(key, field.plus(formA, new Map([[0, -other]])), -other)
    else this.#standInFor(key, formA, other)
  }

  /** Whether a form that is 0 or `other` says that its only atom is 0 or 1. */
  #isBit(form: Form, atom: number, other: bigint): boolean {
    if (form.size !== (form.has(0) ? 2 : 1)) return false
    const ends = [0n, form.get(atom)!].map((each) => this.field.centre(each + constantOf(form)))
    return ends.includes(0n) && ends.includes(other)
  }

  #boundBit(atom: number): void {
    this.bits.add(atom)
    this.#bound(atom, { low: 0n, high: 1n })
  }

  /** A bit of its own for a sum of two values, 0 and `other`. */
  #standInFor(key: string, form: Form, other: bigint): void {
    const bit = this.#nextAtom++
    this.#boundBit(bit)
    this.#bitOfSum.set(key, { bit, form: this.field.scaled(form, this.field.inverse(other)) })
    this.#relate(this.field.plus(form, new Map([[bit, -other]])))
  }

  #relate(form: Form): number {
    const index = this.relations.length
    this.relations.push(form)
    for (const atom of atomsOf(form)) push(this.#relationsOf, atom, index)
    return index
  }

  /** Keeps what is narrower than what was known; whether that is by an eighth or more. */
  #bound(atom: number, interval: Interval): boolean {
    const known = this.#intervals.get(atom)
    const narrow = known === undefined ? interval : overlap(known, interval, this.field.order)
    // What can be one number only is determined by its relation.
    if (widthOf(narrow) < 1n || widthOf(narrow) >= this.field.order) return false
    if (known !== undefined && widthOf(narrow) >= widthOf(known)) return false
    this.#intervals.set(atom, narrow)
    return known === undefined || 8n * widthOf(narrow) <= 7n * widthOf(known)
  }

  /** What a relation says to be a multiple of a bit, but for a constant, has two values; if they are 0 and 1 it is a bit. */
  #propagateBits(): void {
    const queue = [...this.bits]
    for (let bit = queue.pop(); bit !== undefined; bit = queue.pop()) {
      for (const relation of this.relationsWith(bit)) {
        const others = relation.size <= 3 ? atomsOf(relation).filter((atom) => atom !== bit) : []
        const [atom] = others
        if (atom === undefined || others.length > 1 || this.bits.has(atom) || this.#scaledBits.has(atom)) continue
        const factor = -this.field.inverse(relation.get(atom)!)
        const scaled = this.#timesBit({ bit, scale: relation.get(bit)!, offset: constantOf(relation) }, factor, 0n)
        const isBit = (scaled.offset === 0n && scaled.scale === 1n) || (scaled.offset === 1n && scaled.scale === -1n)
        if (!isBit) this.#scaledBits.set(atom, scaled)
        else {
          this.#boundBit(atom)
          queue.push(atom)
        }
      }
    }
  }

  /** An atom that a relation says to be a sum of bounded ones is bounded. */
  #propagateIntervals(): void {
    const queue = new Worklist(this.relations.keys())
    for (let index = queue.take(); index !== undefined; index = queue.take()) {
      const relation = this.relations[index]!
      const unbounded = atomsOf(relation).filter((atom) => !this.#intervals.has(atom))
      const wanted = unbounded.length === 0 ? atomsOf(relation).filter((atom) => !this.bits.has(atom)) : unbounded
      if (unbounded.length > 1 || wanted.length > MOST_NARROWED) continue
      for (const atom of wanted) {
        if (!this.#boundBy(relation, atom)) continue
        for (const other of this.#relationsOf.get(atom) ?? []) queue.add(other)
      }
    }
  }

  #boundBy(relation: Form, atom: number): boolean {
    const rest = new Map(relation)
    rest.delete(atom)
    const bounds = this.bounds(this.field.scaled(rest, this.field.centre(-this.field.inverse(relation.get(atom)!))))
    return bounds !== undefined && this.#bound(atom, bounds)
  }

  /** Wires among these that the witnesses may differ in. */
  openAmong(wires: readonly number[]): readonly number[] {
    return wires.filter((wire) => wire < this.#wires && !this.#determined.has(wire))
  }
}

/** Atoms of one relation that others of it narrow down: bits are as narrow as they can be, what is left is few. */
const MOST_NARROWED = 8
/** Unbounded atoms that a second relation takes out of a form. */
const MOST_UNBOUNDED = 4

const isEmpty = (sum: Sum): boolean => sum.wires.length === 0
const isConstant = (sum: Sum): boolean => sum.wires.length === 1 && sum.wires[0] === 0

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
