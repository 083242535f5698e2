/**
 * Compiles small circuits and asks the questions circuit tests ask: what is the witness, which constraints does an
 * arbitrary witness violate, which wires could move without violating any, how many constraints are there.
 */
import { compileSource } from '../scripts/compileCircom.ts'

/** Order of the field circuits compute in (BN254's scalar field). */
export const FIELD_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617n

/** Values of input signals by name; arrays in signal order. */
export type CircuitInput = Readonly<Record<string, bigint | readonly bigint[]>>

export type CompileOptions = {
  /** The witness generator carries on where a constraint is violated, for attacks. */
  readonly tolerant?: boolean
}

type Term = readonly [wire: number, coefficient: bigint]
type Constraint = readonly [a: readonly Term[], b: readonly Term[], c: readonly Term[]]

const FIELD_BYTES = 32

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
  #parsedConstraints: readonly Constraint[] | undefined

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

  get #constraints(): readonly Constraint[] {
    this.#parsedConstraints ??= this.#r1cs.constraints()
    return this.#parsedConstraints
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
    const violated: number[] = []
    this.#constraints.forEach(([a, b, c], index) => {
      if (reduce(evaluate(a, witness) * evaluate(b, witness) - evaluate(c, witness)) !== 0n) violated.push(index)
    })
    return violated
  }

  /**
   * Names of the wires that an infinitesimal change of the witness can move while the inputs stand still: those that a
   * null vector of the constraints' Jacobian at the witness touches. None means that the witness is isolated.
   *
   * It does not see another isolated witness, such as a quotient one lower: each hint needs an attack test besides.
   */
  movableWires(witness: readonly bigint[]): string[] {
    const isFixed = (wire: number) => wire === 0 || this.#inputWires.has(wire)
    const rows = this.#constraints.map((constraint) => jacobianRow(constraint, witness, isFixed))
    const used = new Set(rows.flatMap((row) => [...row.keys()]))
    const unused: number[] = []
    for (let wire = 1; wire < this.#r1cs.wires; wire++) if (!isFixed(wire) && !used.has(wire)) unused.push(wire)
    return [...unused, ...nullSpaceSupport(rows)].map((wire) => this.#names[wire] ?? `wire ${wire}`).sort()
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
    type Place = { readonly row: number; a: bigint; b: bigint; c: bigint }
    const places = new Map<number, Map<number, Place>>()
    const sums = this.#constraints.map(
      (row) => row.map((terms) => evaluate(terms, witness)) as [bigint, bigint, bigint],
    )
    this.#constraints.forEach((constraint, row) => {
      constraint.forEach((terms, side) => {
        for (const [wire, coefficient] of terms) {
          const rows = places.get(wire) ?? places.set(wire, new Map()).get(wire)!
          const place = rows.get(row) ?? rows.set(row, { row, a: 0n, b: 0n, c: 0n }).get(row)!
          place[(['a', 'b', 'c'] as const)[side]!] += coefficient
        }
      })
    })
    let tried = 0
    const undetected: string[] = []
    for (let wire = 1; wire < this.#r1cs.wires; wire++) {
      const rows = [...(places.get(wire)?.values() ?? [])]
      const honest = witness[wire]!
      for (const changed of changes(honest)) {
        const difference = reduce(changed - honest)
        if (difference === 0n) continue
        tried++
        const caught = rows.some(({ row, a, b, c }) => {
          const [sumA, sumB, sumC] = sums[row]!
          return reduce((sumA + a * difference) * (sumB + b * difference) - sumC - c * difference) !== 0n
        })
        if (caught) continue
        undetected.push(this.#names[wire] ?? `wire ${wire}`)
        break
      }
    }
    return { tried, undetected }
  }

  /** Whether both circuits have the same constraints over the same wires. */
  hasConstraintsOf(other: Circuit): boolean {
    const text = (circuit: Circuit) =>
      JSON.stringify(circuit.#constraints, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
    return this.#r1cs.wires === other.#r1cs.wires && text(this) === text(other)
  }

  /** The witness with one wire replaced. */
  withWire(witness: readonly bigint[], name: string, value: bigint): bigint[] {
    const wire = this.wire(name)
    if (wire === undefined) throw new Error(`No wire of its own: ${name}`)
    return witness.with(wire, reduce(value))
  }
}

function reduce(value: bigint): bigint {
  const remainder = value % FIELD_ORDER
  return remainder < 0n ? remainder + FIELD_ORDER : remainder
}

function evaluate(terms: readonly Term[], witness: readonly bigint[]): bigint {
  return reduce(terms.reduce((sum, [wire, coefficient]) => sum + coefficient * witness[wire]!, 0n))
}

// ---------------------------------------------------------------- Jacobian

type SparseRow = Map<number, bigint>

function addTerms(row: SparseRow, terms: readonly Term[], factor: bigint, isFixed: (wire: number) => boolean): void {
  if (factor === 0n) return
  for (const [wire, coefficient] of terms) {
    if (!isFixed(wire)) row.set(wire, reduce((row.get(wire) ?? 0n) + coefficient * factor))
  }
}

function jacobianRow([a, b, c]: Constraint, witness: readonly bigint[], isFixed: (wire: number) => boolean): SparseRow {
  const row: SparseRow = new Map()
  addTerms(row, a, evaluate(b, witness), isFixed)
  addTerms(row, b, evaluate(a, witness), isFixed)
  addTerms(row, c, -1n, isFixed)
  return row
}

/** Wires that some null vector of the rows moves. */
function nullSpaceSupport(rows: readonly SparseRow[]): number[] {
  const columns = new Set(rows.flatMap((row) => [...row.keys()]))
  const sparse = rows.map((row) => new Map([...row].filter(([, value]) => value !== 0n)))
  const open = withoutForcedWires(sparse, columns)

  const pivots = new Map<number, SparseRow>()
  for (const row of open.sort((x, y) => x.size - y.size)) {
    for (const wire of [...row.keys()]) {
      const pivot = pivots.get(wire)
      if (pivot !== undefined) eliminate(row, pivot, wire)
    }
    const first = row.keys().next().value
    if (first === undefined) continue
    const inverse = invert(row.get(first)!)
    for (const [wire, value] of row) row.set(wire, reduce(value * inverse))
    for (const pivot of pivots.values()) if (pivot.has(first)) eliminate(pivot, row, first)
    pivots.set(first, row)
  }
  // A column without pivot is free, and moves every pivot whose reduced row it stands in
  const moved = [...columns].filter((wire) => !pivots.has(wire))
  for (const [wire, row] of pivots) if (row.size > 1) moved.push(wire)
  return moved
}

/** Removes from rows and columns, over and over, each wire that a row with a single entry forces to stand still. */
function withoutForcedWires(rows: readonly SparseRow[], columns: Set<number>): SparseRow[] {
  const rowsOf = new Map<number, SparseRow[]>()
  for (const row of rows) {
    for (const wire of row.keys()) rowsOf.set(wire, [...(rowsOf.get(wire) ?? []), row])
  }
  const queue = rows.filter((row) => row.size === 1)
  for (let row = queue.pop(); row !== undefined; row = queue.pop()) {
    const wire = row.keys().next().value
    if (wire === undefined) continue
    columns.delete(wire)
    for (const other of rowsOf.get(wire)!) {
      if (other.delete(wire) && other.size === 1) queue.push(other)
    }
  }
  return rows.filter((row) => row.size > 0)
}

/** row -= row[wire] × pivot, where pivot[wire] = 1. */
function eliminate(row: SparseRow, pivot: SparseRow, wire: number): void {
  const factor = row.get(wire)!
  for (const [other, value] of pivot) {
    const difference = reduce((row.get(other) ?? 0n) - factor * value)
    if (difference === 0n) row.delete(other)
    else row.set(other, difference)
  }
}

/** Inverse modulo the field order, by the extended Euclidean algorithm. */
function invert(value: bigint): bigint {
  let [r, nextR, s, nextS] = [FIELD_ORDER, value, 0n, 1n]
  while (nextR !== 0n) {
    const quotient = r / nextR
    ;[r, nextR] = [nextR, r - quotient * nextR]
    ;[s, nextS] = [nextS, s - quotient * nextS]
  }
  return reduce(s)
}

// ---------------------------------------------------------------- files

/** An *.r1cs file. @see https://github.com/iden3/r1csfile/blob/master/doc/r1cs_bin_format.md */
class R1csFile {
  readonly wires: number
  readonly outputs: number
  readonly inputs: number
  readonly constraintCount: number
  readonly #view: DataView
  readonly #start: number

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const sections = new Map<number, number>()
    let position = 12
    for (let i = this.#view.getUint32(8, true); i > 0; i--) {
      sections.set(this.#view.getUint32(position, true), position + 12)
      position += 12 + Number(this.#view.getBigUint64(position + 4, true))
    }
    const counts = sections.get(1)! + 4 + FIELD_BYTES
    const count = (offset: number) => this.#view.getUint32(counts + offset, true)
    this.wires = count(0)
    this.outputs = count(4)
    this.inputs = count(8) + count(12)
    this.constraintCount = count(24)
    this.#start = sections.get(2)!
  }

  constraints(): Constraint[] {
    let position = this.#start
    const readTerms = (): Term[] => {
      const terms: Term[] = []
      const count = this.#view.getUint32(position, true)
      position += 4
      for (let i = 0; i < count; i++) {
        terms.push([this.#view.getUint32(position, true), readField(this.#view, position + 4)])
        position += 4 + FIELD_BYTES
      }
      return terms
    }
    return Array.from({ length: this.constraintCount }, () => [readTerms(), readTerms(), readTerms()])
  }
}

function readField(view: DataView, position: number): bigint {
  let value = 0n
  for (let i = 3; i >= 0; i--) value = (value << 64n) | view.getBigUint64(position + 8 * i, true)
  return value
}

// ---------------------------------------------------------------- witness generator

type WitnessExports = {
  init(sanityCheck: number): void
  getInputSignalSize(high: number, low: number): number
  getInputSize(): number
  setInputSignal(high: number, low: number, index: number): void
  getWitness(index: number): void
  readSharedRWMemory(index: number): number
  writeSharedRWMemory(index: number, value: number): void
  getMessageChar(): number
}

/** The module that `circom --wasm` writes, kept loaded between calls. */
class WitnessGenerator {
  readonly #exports: WitnessExports
  #message = ''

  constructor(wasm: Uint8Array) {
    const readMessage = () => {
      for (let code = this.#exports.getMessageChar(); code !== 0; code = this.#exports.getMessageChar()) {
        this.#message += String.fromCharCode(code)
      }
    }
    const runtime = {
      exceptionHandler: () => {
        throw new NoWitnessError(this.#message.trim())
      },
      printErrorMessage: readMessage,
      writeBufferMessage: readMessage,
      showSharedRWMemory: () => undefined,
    }
    const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource), { runtime })
    this.#exports = instance.exports as unknown as WitnessExports
  }

  calculate(input: CircuitInput, wires: number): bigint[] {
    this.#message = ''
    this.#exports.init(0)
    let given = 0
    for (const [name, value] of Object.entries(input)) {
      const values = typeof value === 'bigint' ? [value] : value
      const [high, low] = signalHash(name)
      if (this.#exports.getInputSignalSize(high, low) !== values.length) {
        throw new Error(`Input ${name} does not have ${values.length} elements`)
      }
      values.forEach((element, index) => {
        this.#write(reduce(element))
        this.#exports.setInputSignal(high, low, index)
      })
      given += values.length
    }
    if (given !== this.#exports.getInputSize()) throw new Error('Inputs are missing')
    return Array.from({ length: wires }, (_, wire) => {
      this.#exports.getWitness(wire)
      return this.#read()
    })
  }

  #write(value: bigint): void {
    for (let i = 0; i < FIELD_BYTES / 4; i++) {
      this.#exports.writeSharedRWMemory(i, Number(BigInt.asUintN(32, value >> BigInt(32 * i))))
    }
  }

  #read(): bigint {
    let value = 0n
    for (let i = FIELD_BYTES / 4 - 1; i >= 0; i--) {
      value = (value << 32n) | BigInt(this.#exports.readSharedRWMemory(i) >>> 0)
    }
    return value
  }
}

/** FNV-1a of a signal's name, the two halves: how the generated module finds its inputs. */
function signalHash(name: string): [high: number, low: number] {
  let hash = 0xcbf29ce484222325n
  for (const character of name) hash = BigInt.asUintN(64, (hash ^ BigInt(character.charCodeAt(0))) * 0x100000001b3n)
  return [Number(hash >> 32n), Number(hash & 0xffffffffn)]
}

/** No assignment of the wires satisfies the constraints for these inputs. */
export class NoWitnessError extends Error {}
