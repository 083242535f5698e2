/** Gadgets over small prime fields, and all of their witnesses: what a proof says is held against what there is. */
import type { Constraint, Sum } from '../../scripts/tools/circuits/r1cs.ts'
import { proveUnique } from '../../scripts/verify/uniqueness/prove.ts'

/** Coefficients by wire; 0 is the constant 1. */
type Terms = Readonly<Record<number, number>>

/** Writes constraints down one by one; wires are numbered as they are asked for. */
export class Gadget {
  readonly order: bigint
  readonly constraints: Constraint[] = []
  readonly inputs: number[] = []
  readonly outputs: number[] = []
  wires = 1

  constructor(order: number) {
    this.order = BigInt(order)
  }

  input(): number {
    this.inputs.push(this.wires)
    return this.wire()
  }

  wire(): number {
    return this.wires++
  }

  /** Wires of their own that are bits, and the terms of their number. */
  bits(count: number): Record<number, number> {
    const terms: Record<number, number> = {}
    for (let i = 0; i < count; i++) {
      const bit = this.wire()
      this.row({ [bit]: 1 }, { [bit]: 1, 0: -1 }, {})
      terms[bit] = 2 ** i
    }
    return terms
  }

  row(a: Terms, b: Terms, c: Terms): void {
    this.constraints.push([this.#sum(a), this.#sum(b), this.#sum(c)])
  }

  equal(a: Terms, b: Terms): void {
    this.row({ 0: 1 }, plus(a, b, -1), {})
  }

  #sum(terms: Terms): Sum {
    const entries = Object.entries(terms).filter(([, coefficient]) => coefficient !== 0)
    return { wires: entries.map(([wire]) => Number(wire)), coefficients: entries.map(([, each]) => BigInt(each)) }
  }

  get isProved(): boolean {
    const { order, wires, constraints } = this
    const inputs = this.inputs.map((input) => new Map([[input, 1n]]))
    return proveUnique({ order, wires, constraints, inputs }, this.outputs).left.length === 0
  }

  /** Lemmas that led to a conclusion. */
  get lemmas(): readonly string[] {
    const { order, wires, constraints } = this
    const inputs = this.inputs.map((input) => new Map([[input, 1n]]))
    return [...proveUnique({ order, wires, constraints, inputs }, this.outputs).uses.keys()]
  }

  /** Two witnesses of the same inputs and different outputs, by trying all; undefined if there are none. */
  counterexample(): readonly [readonly bigint[], readonly bigint[]] | undefined {
    const seen = new Map<string, readonly bigint[]>()
    for (const witness of this.#witnesses([1n])) {
      const key = this.inputs.map((input) => witness[input]).join()
      const other = seen.get(key)
      if (other === undefined) seen.set(key, witness)
      else if (this.outputs.some((output) => other[output] !== witness[output])) return [other, witness]
    }
    return undefined
  }

  *#witnesses(values: readonly bigint[]): Generator<readonly bigint[]> {
    if (values.length === this.wires) {
      yield values
      return
    }
    const decided = this.#rowsByLastWire()[values.length] ?? []
    for (let value = 0n; value < this.order; value++) {
      const extended = [...values, value]
      if (decided.every((row) => this.#holds(row, extended))) yield* this.#witnesses(extended)
    }
  }

  #byLastWire: Constraint[][] | undefined
  #rowsByLastWire(): readonly (readonly Constraint[])[] {
    if (this.#byLastWire === undefined) {
      this.#byLastWire = Array.from({ length: this.wires }, () => [])
      for (const row of this.constraints) this.#byLastWire[Math.max(...row.flatMap(({ wires }) => wires))]!.push(row)
    }
    return this.#byLastWire
  }

  #holds([a, b, c]: Constraint, values: readonly bigint[]): boolean {
    const valueIn = ({ wires, coefficients }: Sum): bigint =>
      wires.reduce((sum, wire, i) => sum + coefficients[i]! * values[wire]!, 0n)
    return (valueIn(a) * valueIn(b) - valueIn(c)) % this.order === 0n
  }
}

export function plus(a: Terms, b: Terms, factor = 1): Record<number, number> {
  const sum: Record<number, number> = { ...a }
  for (const [wire, coefficient] of Object.entries(b)) {
    sum[Number(wire)] = (sum[Number(wire)] ?? 0) + factor * coefficient
  }
  return sum
}

export const times = (terms: Terms, factor: number): Record<number, number> => plus({}, terms, factor)
