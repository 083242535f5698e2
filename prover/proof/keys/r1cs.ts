/**
 * Reads what circom writes with `--r1cs`: the constraints (A·w) ∘ (B·w) = C·w of a circuit over the wires w.
 *
 * @see https://github.com/iden3/r1csfile/blob/master/doc/r1cs_bin_format.md
 */
import { ProverError } from '../../errors.ts'
import { dataView, MalformedFileError, readSections, readUint256, requireSection } from '../binaryFile.ts'
import { SCALAR_FIELD_ORDER } from '../bn254.ts'

const HEADER_SECTION = 1
const CONSTRAINTS_SECTION = 2
const CUSTOM_GATES_SECTION = 4
const FIELD_BYTES = 32
const TERM_BYTES = 4 + FIELD_BYTES

/** A circuit's constraints and its sizes. */
export interface R1cs {
  /** Wires, the constant wire 0 included. */
  readonly wires: number
  /** Public signals: outputs first, then public inputs; wires 1 to publicSignals. */
  readonly publicSignals: number
  readonly constraints: number
  /** The constraints as stored: for each, the terms of A, B and C, a count before each. */
  readonly terms: Uint8Array
}

/**
 * Parses an *.r1cs file.
 *
 * @param bytes - the whole file
 * @param file - its name, for the errors only
 * @throws {@link MalformedFileError} if it is not a whole r1cs file
 * @throws {@link WrongFieldError} if the circuit was compiled for another curve
 */
export function readR1cs(bytes: Uint8Array, file: string): R1cs {
  const sections = readSections(bytes, { magic: 'r1cs', versions: [1] }, file)
  if (sections.has(CUSTOM_GATES_SECTION)) throw new MalformedFileError(file, 'custom gates are not Groth16')

  const header = requireSection(sections, HEADER_SECTION, file, 4 + FIELD_BYTES + 4 * 4 + 8 + 4)
  const view = dataView(header)
  if (view.getUint32(0, true) !== FIELD_BYTES || readUint256(header, 4) !== SCALAR_FIELD_ORDER) {
    throw new WrongFieldError(file)
  }
  const counts = 4 + FIELD_BYTES
  const r1cs = {
    wires: view.getUint32(counts, true),
    publicSignals: view.getUint32(counts + 4, true) + view.getUint32(counts + 8, true),
    constraints: view.getUint32(counts + 24, true),
    terms: requireSection(sections, CONSTRAINTS_SECTION, file),
  }
  checkTerms(r1cs, file)
  return r1cs
}

/** A term of a linear combination: matrix 0, 1 or 2 for A, B, C; `offset` of its 32-byte coefficient in `terms`. */
export type TermVisitor = (matrix: number, constraint: number, wire: number, offset: number) => void

/** Calls `visit` for each term, in file order. */
export function forEachTerm(r1cs: R1cs, visit: TermVisitor): void {
  const view = dataView(r1cs.terms)
  let position = 0
  for (let constraint = 0; constraint < r1cs.constraints; constraint++) {
    for (let matrix = 0; matrix < 3; matrix++) {
      const count = view.getUint32(position, true)
      position += 4
      for (let i = 0; i < count; i++, position += TERM_BYTES) {
        visit(matrix, constraint, view.getUint32(position, true), position + 4)
      }
    }
  }
}

/**
 * log2 of the domain Groth16 needs: one row per constraint and one per public signal and the constant wire, the same as snarkjs
 * takes, so that keys made by either fit.
 */
export function domainPower(r1cs: R1cs): number {
  return 32 - Math.clz32(r1cs.constraints + r1cs.publicSignals)
}

/** Walks the terms once so that later walks need no bounds checks. */
function checkTerms(r1cs: R1cs, file: string): void {
  const view = dataView(r1cs.terms)
  let position = 0
  for (let list = 0; list < 3 * r1cs.constraints; list++) {
    if (position + 4 > r1cs.terms.length) throw new MalformedFileError(file, 'its constraints are truncated')
    const end = position + 4 + view.getUint32(position, true) * TERM_BYTES
    if (end > r1cs.terms.length) throw new MalformedFileError(file, 'its constraints are truncated')
    for (position += 4; position < end; position += TERM_BYTES) {
      if (view.getUint32(position, true) >= r1cs.wires) {
        throw new MalformedFileError(file, 'a constraint names a wire that does not exist')
      }
    }
  }
  if (position !== r1cs.terms.length) throw new MalformedFileError(file, 'bytes follow its last constraint')
}

/** The circuit was compiled for another curve than BN254. */
export class WrongFieldError extends ProverError {
  readonly code = 'proof.wrong-field'
  readonly file: string

  constructor(file: string) {
    super(`${file} is not over the scalar field of BN254. Compile the circuit with circom's default prime (bn128).`)
    this.file = file
  }
}
