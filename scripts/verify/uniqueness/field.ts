/** Arithmetic modulo a prime, and sums of numbers that are not known: what proofs of uniqueness compute with. */
import type { Sum } from '../../tools/circuits/r1cs.ts'

/** Whole numbers from `low` to `high`: a field element *lies in it* if one of them is its residue, `high - low` below the order. */
export type Interval = { readonly low: bigint; readonly high: bigint }

/** Coefficients by atom, none of them 0, in (-order / 2, order / 2); atom 0 is the constant 1. */
export type Form = ReadonlyMap<number, bigint>

export class Field {
  readonly order: bigint
  readonly #half: bigint
  /** Circuits use the same few coefficients over and over. */
  readonly #inverses = new Map<bigint, bigint>()

  constructor(order: bigint) {
    this.order = order
    this.#half = order >> 1n
  }

  /** The residue nearest 0. */
  centre(value: bigint): bigint {
    if (value <= this.#half && value >= -this.#half) return value
    const rest = ((value % this.order) + this.order) % this.order
    return rest > this.#half ? rest - this.order : rest
  }

  /** Of a value that is not 0. */
  inverse(value: bigint): bigint {
    let inverse = this.#inverses.get(value)
    if (inverse === undefined) {
      inverse = this.#invert(value)
      this.#inverses.set(value, inverse)
    }
    return inverse
  }

  /** By the extended Euclidean algorithm. */
  #invert(value: bigint): bigint {
    let [r, nextR, s, nextS] = [this.order, ((value % this.order) + this.order) % this.order, 0n, 1n]
    while (nextR !== 0n) {
      const quotient = r / nextR
      ;[r, nextR] = [nextR, r - quotient * nextR]
      ;[s, nextS] = [nextS, s - quotient * nextS]
    }
    return this.centre(s)
  }

  form({ wires, coefficients }: Sum): Form {
    const form = new Map<number, bigint>()
    for (const [i, wire] of wires.entries()) this.#addTerm(form, wire, coefficients[i]!)
    return form
  }

  scaled(form: Form, factor: bigint): Form {
    return new Map([...form].map(([atom, coefficient]) => [atom, this.centre(coefficient * factor)]))
  }

  /** form + factor * other. */
  plus(form: Form, other: Form, factor = 1n): Form {
    const sum = new Map(form)
    for (const [atom, coefficient] of other) this.#addTerm(sum, atom, coefficient * factor)
    return sum
  }

  #addTerm(form: Map<number, bigint>, atom: number, coefficient: bigint): void {
    const sum = this.centre((form.get(atom) ?? 0n) + coefficient)
    if (sum === 0n) form.delete(atom)
    else form.set(atom, sum)
  }
}

export const constantOf = (form: Form): bigint => form.get(0) ?? 0n

/** Atoms without the constant. */
export const atomsOf = (form: Form): readonly number[] => [...form.keys()].filter((atom) => atom !== 0)

export const widthOf = ({ low, high }: Interval): bigint => high - low

/**
 * Where a number lies that lies in both, if all that it could be by either is within less than the order: else the narrower
 * one, for the two may speak of different residues.
 */
export function overlap(a: Interval, b: Interval, order: bigint): Interval {
  const hull = { low: a.low < b.low ? a.low : b.low, high: a.high > b.high ? a.high : b.high }
  const both = { low: a.low > b.low ? a.low : b.low, high: a.high < b.high ? a.high : b.high }
  if (widthOf(hull) < order && both.low <= both.high) return both
  return widthOf(b) < widthOf(a) ? b : a
}
