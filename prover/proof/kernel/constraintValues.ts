/**
 * A·w and B·w for a share of a circuit's rows.
 *
 * Most wires of a fixed-point circuit are bits, and optimised circuits have long rows of them: a wire that is 0 costs nothing
 * here, one that is 1 an addition, and only the rest a multiplication.
 */
import { dataView } from '../binaryFile.ts'
import type { Kernel } from './kernel.ts'

const ELEMENT_BYTES = 32
const TERM_BYTES = 12 + ELEMENT_BYTES
const COUNT_BYTES = 4

const ZERO = 0
const ONE = 1
const OTHER = 2

/** One matrix: the terms of row i are those from starts[i] to starts[i + 1]. */
interface SparseRows {
  readonly starts: Uint32Array
  readonly wires: Uint32Array
  /** Coefficients in Montgomery form, in the order of `wires`. */
  readonly coefficients: number
}

/** Rows [firstRow, endRow) of A and B. */
export class ConstraintValues {
  readonly firstRow: number
  readonly endRow: number
  private readonly kernel: Kernel
  private readonly matrices: readonly [SparseRows, SparseRows]

  /** @param coefficients - section 4 of a proving key */
  constructor(kernel: Kernel, coefficients: Uint8Array, firstRow: number, endRow: number) {
    this.kernel = kernel
    this.firstRow = firstRow
    this.endRow = endRow
    this.matrices = [this.collect(coefficients, 0), this.collect(coefficients, 1)]
  }

  /**
   * Writes A·w, B·w and their products for the share's rows, in Montgomery form.
   *
   * @param witness - every wire, 32 little-endian bytes each, not in Montgomery form
   * @param a, b, product - arrays of all rows; only the share's part is written
   */
  evaluate(witness: Uint8Array, a: Uint8Array, b: Uint8Array, product: Uint8Array): void {
    const { kernel } = this
    kernel.temporarily(() => {
      const kinds = classify(witness)
      const wires = kernel.store(witness)
      for (let wire = 0; wire < kinds.length; wire++) {
        const pointer = wires + wire * ELEMENT_BYTES
        if (kinds[wire] === OTHER) kernel.scalars.toMontgomery(pointer, pointer)
      }
      const bytes = (this.endRow - this.firstRow) * ELEMENT_BYTES
      const left = this.multiply(this.matrices[0], kinds, wires)
      const right = this.multiply(this.matrices[1], kinds, wires)
      const offset = this.firstRow * ELEMENT_BYTES
      a.set(kernel.bytes(left, bytes), offset)
      b.set(kernel.bytes(right, bytes), offset)
      for (let i = 0; i < bytes; i += ELEMENT_BYTES) kernel.scalars.multiply(left + i, right + i, left + i)
      product.set(kernel.bytes(left, bytes), offset)
    })
  }

  private multiply({ starts, wires, coefficients }: SparseRows, kinds: Uint8Array, witness: number): number {
    const { kernel } = this
    const { scalars } = kernel
    const rows = starts.length - 1
    const results = kernel.allocate(rows * ELEMENT_BYTES)
    const term = kernel.allocate(ELEMENT_BYTES)
    for (let row = 0; row < rows; row++) {
      const sum = results + row * ELEMENT_BYTES
      scalars.zero(sum)
      for (let i = starts[row] as number; i < (starts[row + 1] as number); i++) {
        const wire = wires[i] as number
        const kind = kinds[wire]
        if (kind === ZERO) continue
        const coefficient = coefficients + i * ELEMENT_BYTES
        if (kind === ONE) {
          scalars.add(sum, coefficient, sum)
        } else {
          scalars.multiply(coefficient, witness + wire * ELEMENT_BYTES, term)
          scalars.add(sum, term, sum)
        }
      }
    }
    return results
  }

  /** Sorts the share's terms of one matrix by row; a proving key may list them in any order. */
  private collect(section: Uint8Array, matrix: number): SparseRows {
    const { kernel, firstRow, endRow } = this
    const starts = new Uint32Array(endRow - firstRow + 1)
    forEachTerm(section, matrix, firstRow, endRow, (row) => {
      starts[row - firstRow + 1] = (starts[row - firstRow + 1] as number) + 1
    })
    for (let row = 1; row < starts.length; row++) starts[row] = (starts[row] as number) + (starts[row - 1] as number)

    const count = starts[starts.length - 1] as number
    const wires = new Uint32Array(count)
    const coefficients = kernel.allocate(count * ELEMENT_BYTES)
    const memory = kernel.bytes(coefficients, count * ELEMENT_BYTES)
    const next = starts.slice()
    forEachTerm(section, matrix, firstRow, endRow, (row, wire, offset) => {
      const i = next[row - firstRow] as number
      next[row - firstRow] = i + 1
      wires[i] = wire
      memory.set(section.subarray(offset, offset + ELEMENT_BYTES), i * ELEMENT_BYTES)
    })
    // A proving key stores coefficients times 2^512; one factor 2^256 is what Montgomery form wants.
    for (let i = 0; i < count; i++) {
      const pointer = coefficients + i * ELEMENT_BYTES
      kernel.scalars.fromMontgomery(pointer, pointer)
    }
    return { starts, wires, coefficients }
  }
}

/**
 * First rows of `shares` shares with about as many terms each.
 *
 * @returns shares + 1 row numbers, from 0 to `rows`
 */
export function divideRows(section: Uint8Array, rows: number, shares: number): number[] {
  const terms = new Uint32Array(rows)
  for (const matrix of [0, 1]) {
    forEachTerm(section, matrix, 0, rows, (row) => {
      terms[row] = (terms[row] as number) + 1
    })
  }
  const total = terms.reduce((sum, count) => sum + count, 0)
  const bounds = [0]
  let seen = 0
  for (let row = 0; row < rows && bounds.length < shares; row++) {
    seen += terms[row] as number
    if (seen * shares >= total * bounds.length) bounds.push(row + 1)
  }
  while (bounds.length <= shares) bounds.push(rows)
  return bounds
}

function forEachTerm(
  section: Uint8Array,
  matrix: number,
  firstRow: number,
  endRow: number,
  visit: (row: number, wire: number, offset: number) => void,
): void {
  const view = dataView(section)
  for (let term = COUNT_BYTES; term < section.length; term += TERM_BYTES) {
    const row = view.getUint32(term + 4, true)
    if (view.getUint32(term, true) !== matrix || row < firstRow || row >= endRow) continue
    visit(row, view.getUint32(term + 8, true), term + 12)
  }
}

function classify(witness: Uint8Array): Uint8Array {
  const words = new BigUint64Array(witness.buffer, witness.byteOffset, witness.length / 8)
  const kinds = new Uint8Array(words.length / 4)
  for (let wire = 0; wire < kinds.length; wire++) {
    const low = words[4 * wire] as bigint
    const wide = words[4 * wire + 1] !== 0n || words[4 * wire + 2] !== 0n || words[4 * wire + 3] !== 0n
    kinds[wire] = wide || low > 1n ? OTHER : Number(low)
  }
  return kinds
}
