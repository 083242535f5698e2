/**
 * Forms that both witnesses agree in without agreeing in their atoms, by Gaussian elimination; and which factors of rows are
 * combinations of them. The compiler leaves hashes in such a shape: a round's outputs as sums of what later rounds make.
 */
import type { Sum } from '../../tools/circuits/r1cs.ts'
import { atomsOf, type Field, type Form } from './field.ts'

type Vector = Map<number, bigint>

/** A factor, the row it stands in, and what is left of it beyond the span. */
type Watched = { readonly row: number; readonly factor: Sum; readonly rest: Vector }

/** What follows from a change: rows of which a factor got into the span, and atoms that stand alone in it. */
type Consequences = { readonly rows: readonly number[]; readonly atoms: readonly number[] }

export class LinearSpan {
  readonly #field: Field
  /** By pivot, an atom that stands in no other vector; coefficient 1. */
  readonly #basis = new Map<number, Vector>()
  readonly #vectorsOf = new Map<number, Set<Vector>>()
  readonly #watched = new Map<Sum, Watched>()
  readonly #watchedOf = new Map<Vector, Watched>()
  readonly #contained = new Set<Sum>()

  constructor(field: Field) {
    this.#field = field
  }

  contains(sum: Sum): boolean {
    return this.#contained.has(sum)
  }

  /** Follows a factor from now on. */
  watch(row: number, factor: Sum, openOf: (sum: Sum) => Form): void {
    if (this.#watched.has(factor)) return
    const rest: Vector = new Map(openOf(factor))
    if (rest.size === 0) return
    const watched = { row, factor, rest }
    this.#watched.set(factor, watched)
    this.#watchedOf.set(rest, watched)
    this.#index(rest)
    this.#reduce(rest)
  }

  /** Both witnesses agree in this form of open atoms, too. */
  add(form: Form): Consequences {
    const vector: Vector = new Map(form)
    this.#index(vector)
    this.#reduce(vector)
    const [pivot] = atomsOf(vector)
    if (pivot === undefined) return { rows: [], atoms: [] }
    const unit = this.#field.inverse(vector.get(pivot)!)
    for (const [atom, coefficient] of vector) vector.set(atom, this.#field.centre(coefficient * unit))
    const touched = [...this.#vectorsOf.get(pivot)!].filter((other) => other !== vector)
    this.#basis.set(pivot, vector)
    for (const other of touched) this.#subtract(other, vector, other.get(pivot)!)
    return this.#consequences([...touched, vector])
  }

  /** Both witnesses agree in this atom. */
  remove(atom: number): Consequences {
    const vectors = this.#vectorsOf.get(atom)
    if (vectors === undefined) return { rows: [], atoms: [] }
    const own = this.#basis.get(atom)
    this.#basis.delete(atom)
    this.#vectorsOf.delete(atom)
    for (const vector of vectors) vector.delete(atom)
    const consequences = this.#consequences([...vectors])
    if (own === undefined || own.size === 0) return consequences
    const [form] = [new Map(own)]
    for (const other of own.keys()) this.#vectorsOf.get(other)!.delete(own)
    const further = this.add(form)
    return { rows: [...consequences.rows, ...further.rows], atoms: [...consequences.atoms, ...further.atoms] }
  }

  #consequences(vectors: readonly Vector[]): Consequences {
    const rows: number[] = []
    const atoms: number[] = []
    for (const vector of vectors) {
      const watched = this.#watchedOf.get(vector)
      if (watched === undefined && vector.size === 1) atoms.push(...vector.keys())
      if (watched === undefined || vector.size > 0) continue
      this.#contained.add(watched.factor)
      rows.push(watched.row)
    }
    return { rows, atoms }
  }

  #index(vector: Vector): void {
    for (const atom of vector.keys()) {
      const vectors = this.#vectorsOf.get(atom)
      if (vectors === undefined) this.#vectorsOf.set(atom, new Set([vector]))
      else vectors.add(vector)
    }
  }

  #reduce(vector: Vector): void {
    for (const atom of [...vector.keys()]) {
      const pivot = this.#basis.get(atom)
      if (pivot !== undefined) this.#subtract(vector, pivot, vector.get(atom)!)
    }
  }

  #subtract(vector: Vector, other: Vector, factor: bigint): void {
    for (const [atom, coefficient] of other) {
      const difference = this.#field.centre((vector.get(atom) ?? 0n) - factor * coefficient)
      if (difference === 0n) {
        vector.delete(atom)
        this.#vectorsOf.get(atom)!.delete(vector)
      } else {
        if (!vector.has(atom)) this.#vectorsOf.get(atom)!.add(vector)
        vector.set(atom, difference)
      }
    }
  }
}
