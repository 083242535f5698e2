/** Whether the constraints notice one wire of a witness being another number. */
import { type Constraint, centre, evaluate, isZero } from './r1cs.ts'

/**
 * What changing a wire by `d` does to a constraint: a × b - c becomes rest + linear × d + square × d², where `rest` is 0
 * if the witness satisfies it.
 */
type Effect = { readonly rest: bigint; readonly linear: bigint; readonly square: bigint }

export class Tampering {
  /** Wires of which every change violates some constraint: one where they have a linear effect only. */
  readonly #caught = new Set<number>()
  readonly #effects = new Map<number, Effect[]>()

  /** @param witness - centred */
  constructor(constraints: readonly Constraint[], witness: readonly bigint[]) {
    for (const constraint of constraints) {
      const [a, b, c] = constraint.map((sum) => centre(evaluate(sum, witness))) as [bigint, bigint, bigint]
      const rest = centre(a * b - c)
      for (const [wire, [inA, inB, inC]] of coefficientsOf(constraint)) {
        if (this.#caught.has(wire)) continue
        const effect = { rest, linear: centre(inA * b + inB * a - inC), square: centre(inA * inB) }
        if (rest === 0n && effect.square === 0n && effect.linear !== 0n) {
          this.#caught.add(wire)
          this.#effects.delete(wire)
          continue
        }
        const effects = this.#effects.get(wire)
        if (effects === undefined) this.#effects.set(wire, [effect])
        else effects.push(effect)
      }
    }
  }

  /** Whether some constraint is violated when the wire is another number. */
  isCaught(wire: number, difference: bigint): boolean {
    if (this.#caught.has(wire)) return true
    const effects = this.#effects.get(wire) ?? []
    return effects.some(({ rest, linear, square }) => !isZero(rest + difference * (linear + difference * square)))
  }
}

/** Coefficients by wire, in a, b and c. */
function coefficientsOf(constraint: Constraint): ReadonlyMap<number, readonly [a: bigint, b: bigint, c: bigint]> {
  const coefficients = new Map<number, [bigint, bigint, bigint]>()
  for (const [side, { wires, coefficients: values }] of constraint.entries()) {
    for (const [i, wire] of wires.entries()) {
      const own = coefficients.get(wire) ?? [0n, 0n, 0n]
      own[side] = values[i]!
      coefficients.set(wire, own)
    }
  }
  return coefficients
}
