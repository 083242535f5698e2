/**
 * Compiles small circuits and asks the questions circuit tests ask: what is the witness, which constraints does an
 * arbitrary witness violate, which wires could move without violating any, how many constraints are there.
 */
import { isDeepStrictEqual } from 'node:util'
import { compileSource } from '../compileCircom.ts'
import { movableWires } from './jacobian.ts'
import { centre, evaluate, isZero, R1csFile, reduce } from './r1cs.ts'
import { Tampering } from './tampering.ts'
import { type CircuitInput, NoWitnessError, WitnessGenerator } from './witnessGenerator.ts'

export { FIELD_ORDER } from './r1cs.ts'
export { type CircuitInput, NoWitnessError } from './witnessGenerator.ts'

export type CompileOptions = {
  /** The witness generator carries on where a constraint is violated, for attacks. */
  readonly tolerant?: boolean
}

/**
 * Compiles a main file, or takes it from the cache.
 *
 * @param source - circom text with a main component; includes are looked up in circuits/ and circomlib
 * @throws CompilationError with the compiler's report
 */
export async function compileCircuit(source: string, options: CompileOptions = {}): Promise<Circuit> {
  const { r1cs, wasm, symbols } = await compileSource(source)
  return new Circuit(r1cs, options.tolerant ? withoutAssertions(wasm) : wasm, symbols.toString())
}

/**
 * A witness generator that does not stop where a constraint does not hold. circom ends each check of one with
 * `call printErrorMessage; i32.const 4; return`, of which the last two become no-operations.
 */
function withoutAssertions(wasm: Uint8Array): Uint8Array {
  const failure = [0x10, 0x01, 0x41, 0x04, 0x0f]
  const patched = Uint8Array.from(wasm)
  let count = 0
  for (let start = 0; start + failure.length <= wasm.length; start++) {
    if (failure.some((byte, i) => wasm[start + i] !== byte)) continue
    patched.fill(0x01, start + 2, start + failure.length)
    count++
  }
  if (count === 0) throw new Error('The witness generator contains no check to remove')
  return patched
}

/** A main component to count the constraints of. */
export type MainComponent = { readonly name: string; readonly source: string }

/** Constraints of each main component by name: what the snapshots in test/snapshots hold. */
export async function countConstraints(mains: readonly MainComponent[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { name, source } of mains) counts[name] = (await compileCircuit(source)).constraintCount
  return counts
}

/** A compiled circuit, its witness generator loaded. */
export class Circuit {
  readonly #r1cs: R1csFile
  readonly #names: readonly string[]
  readonly #wires: ReadonlyMap<string, number>
  readonly #generator: WitnessGenerator
  readonly #inputWires = new Set<number>()

  constructor(r1cs: Uint8Array, wasm: Uint8Array, symbols: string) {
    this.#r1cs = new R1csFile(r1cs)
    const names: string[] = []
    const wires = new Map<string, number>()
    const firstInput = 1 + this.#r1cs.outputs
    for (const line of symbols.split('\n')) {
      const [label, wire, , name] = line.split(',')
      if (wire === undefined || name === undefined || wire === '-1') continue
      names[Number(wire)] ??= name
      wires.set(name, Number(wire))
      // An input that no constraint mentions has a label but no wire
      const isInput = Number(label) >= firstInput && Number(label) < firstInput + this.#r1cs.inputs
      if (isInput) this.#inputWires.add(Number(wire))
    }
    this.#names = names
    this.#wires = wires
    this.#generator = new WitnessGenerator(wasm)
  }

  /** Rows of the R1CS, which is what proving time depends on. */
  get constraintCount(): number {
    return this.#r1cs.constraintCount
  }

  /** All wires, the constant 1 first. @throws {@link NoWitnessError} if the inputs violate a constraint */
  witness(input: CircuitInput): bigint[] {
    return this.#generator.calculate(input, this.#r1cs.wires)
  }

  /** The output signals in order. @throws {@link NoWitnessError} if the inputs violate a constraint */
  outputs(input: CircuitInput): bigint[] {
    return this.#generator.calculate(input, 1 + this.#r1cs.outputs).slice(1)
  }

  /** Whether the inputs have a witness. */
  accepts(input: CircuitInput): boolean {
    try {
      this.outputs(input)
      return true
    } catch (error) {
      if (error instanceof NoWitnessError) return false
      throw error
    }
  }

  /** Index of a signal's wire, by its full name such as `main.out`; undefined if the optimiser substituted it. */
  wire(name: string): number | undefined {
    return this.#wires.get(name)
  }

  /** Indices of the constraints that a witness violates. Values may be any integers; they are reduced. */
  violations(witness: readonly bigint[]): number[] {
    const centred = witness.map(centre)
    return this.#r1cs.constraints.flatMap(([a, b, c], index) =>
      isZero(evaluate(a, centred) * evaluate(b, centred) - evaluate(c, centred)) ? [] : [index],
    )
  }

  /**
   * Names of the wires that an infinitesimal change of the witness can move while the inputs stand still: those that a
   * null vector of the constraints' Jacobian at the witness touches. None means that the witness is isolated.
   *
   * It does not see another isolated witness, such as a quotient one lower: each hint needs an attack test besides.
   */
  movableWires(witness: readonly bigint[]): string[] {
    const isFixed = (wire: number) => wire === 0 || this.#inputWires.has(wire)
    return movableWires(this.#r1cs.constraints, witness.map(centre), isFixed)
      .map((wire) => this.#nameOf(wire))
      .sort()
  }

  /**
   * Changes one wire at a time and looks at the constraints it stands in.
   *
   * @param changes - other values to try; those equal to the honest one are left out
   * @returns how many were tried, and the wires of which some change violates nothing
   */
  tamper(
    witness: readonly bigint[],
    changes: (value: bigint) => readonly bigint[],
  ): { tried: number; undetected: string[] } {
    const tampering = new Tampering(this.#r1cs.constraints, witness.map(centre))
    let tried = 0
    const undetected: string[] = []
    for (let wire = 1; wire < this.#r1cs.wires; wire++) {
      const honest = witness[wire]!
      for (const changed of changes(honest)) {
        const difference = centre(changed - honest)
        if (difference === 0n) continue
        tried++
        if (tampering.isCaught(wire, difference)) continue
        undetected.push(this.#nameOf(wire))
        break
      }
    }
    return { tried, undetected }
  }

  /** Whether both circuits have the same constraints over the same wires. */
  hasConstraintsOf(other: Circuit): boolean {
    return this.#r1cs.wires === other.#r1cs.wires && isDeepStrictEqual(this.#r1cs.constraints, other.#r1cs.constraints)
  }

  /** The witness with one wire replaced. */
  withWire(witness: readonly bigint[], name: string, value: bigint): bigint[] {
    const wire = this.wire(name)
    if (wire === undefined) throw new Error(`No wire of its own: ${name}`)
    return witness.with(wire, reduce(value))
  }

  #nameOf(wire: number): string {
    return this.#names[wire] ?? `wire ${wire}`
  }
}
