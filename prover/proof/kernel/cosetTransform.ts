/**
 * From a polynomial's values on the 2^k-th roots of unity to its values on the coset g·ω^i, g of order 2^(k+1).
 *
 * Groth16 divides A·B - C by the polynomial that vanishes on the roots; on this coset the latter is the constant -2, which the
 * proving key already absorbs. The inverse transform leaves the coefficients in bit-reversed order and the forward one starts
 * from there, so nothing is ever permuted.
 */
import { inverse, power, SCALAR_FIELD_ORDER, TWO_ADICITY } from '../bn254.ts'
import type { Kernel } from './kernel.ts'

const ELEMENT_BYTES = 32
/** The least number without a square root in the scalar field; snarkjs takes its roots of unity from it. */
const NON_RESIDUE = 5n

/** Tables for one domain size, of elements in Montgomery form. */
export interface CosetTables {
  readonly size: number
  /** size/2 powers of the root of unity, and of its inverse. */
  readonly roots: number
  readonly inverseRoots: number
  /** g^i / size at the place where the inverse transform leaves coefficient i. */
  readonly shifts: number
}

/** @param domainPower - k; the domain has 2^k elements; below 28 */
export function cosetTables(kernel: Kernel, domainPower: number): CosetTables {
  const size = 2 ** domainPower
  const root = rootOfUnity(domainPower)
  const scale = inverse(BigInt(size), SCALAR_FIELD_ORDER)
  return {
    size,
    roots: powers(kernel, root, 1n, size / 2, (i) => i),
    inverseRoots: powers(kernel, inverse(root, SCALAR_FIELD_ORDER), 1n, size / 2, (i) => i),
    shifts: powers(kernel, rootOfUnity(domainPower + 1), scale, size, (i) => reverseBits(i, domainPower)),
  }
}

export class CosetTransform {
  private readonly kernel: Kernel
  private readonly tables: CosetTables
  private readonly scratch: number

  /** @param domainPower - k; the domain has 2^k elements; below 28 */
  constructor(kernel: Kernel, domainPower: number) {
    this.kernel = kernel
    this.tables = cosetTables(kernel, domainPower)
    this.scratch = kernel.allocate(ELEMENT_BYTES)
  }

  /** Transforms 2^k Montgomery elements in place. */
  apply(values: number): void {
    const { size, shifts } = this.tables
    const { scalars } = this.kernel
    this.interpolate(values)
    for (let i = 0; i < size * ELEMENT_BYTES; i += ELEMENT_BYTES) {
      scalars.multiply(values + i, shifts + i, values + i)
    }
    this.evaluate(values)
  }

  /** Values to coefficients times the size, natural to bit-reversed order (Gentleman and Sande). */
  private interpolate(values: number): void {
    const { scratch } = this
    const { size, inverseRoots } = this.tables
    const { scalars } = this.kernel
    for (let half = size / 2; half >= 1; half /= 2) {
      const stride = (size / 2 / half) * ELEMENT_BYTES
      for (let block = 0; block < size; block += 2 * half) {
        let low = values + block * ELEMENT_BYTES
        let high = low + half * ELEMENT_BYTES
        for (let j = 0; j < half; j++, low += ELEMENT_BYTES, high += ELEMENT_BYTES) {
          scalars.subtract(low, high, scratch)
          scalars.add(low, high, low)
          if (j === 0) scalars.copy(scratch, high)
          else scalars.multiply(scratch, inverseRoots + j * stride, high)
        }
      }
    }
  }

  /** Coefficients to values, bit-reversed to natural order (Cooley and Tukey). */
  private evaluate(values: number): void {
    const { scratch } = this
    const { size, roots } = this.tables
    const { scalars } = this.kernel
    for (let half = 1; half < size; half *= 2) {
      const stride = (size / 2 / half) * ELEMENT_BYTES
      for (let block = 0; block < size; block += 2 * half) {
        let low = values + block * ELEMENT_BYTES
        let high = low + half * ELEMENT_BYTES
        for (let j = 0; j < half; j++, low += ELEMENT_BYTES, high += ELEMENT_BYTES) {
          if (j === 0) scalars.copy(high, scratch)
          else scalars.multiply(high, roots + j * stride, scratch)
          scalars.subtract(low, scratch, high)
          scalars.add(low, scratch, low)
        }
      }
    }
  }
}

/** scale · base^i for i < count, in Montgomery form, the i-th at position `place(i)`. */
function powers(kernel: Kernel, base: bigint, scale: bigint, count: number, place: (i: number) => number): number {
  const table = kernel.allocate(count * ELEMENT_BYTES)
  const step = kernel.storeScalar(base)
  const current = kernel.storeScalar(scale)
  for (let i = 0; i < count; i++) {
    kernel.scalars.copy(current, table + place(i) * ELEMENT_BYTES)
    kernel.scalars.multiply(current, step, current)
  }
  return table
}

/** The 2^k-th root of unity that snarkjs uses. */
export function rootOfUnity(k: number): bigint {
  const oddPart = (SCALAR_FIELD_ORDER - 1n) >> BigInt(TWO_ADICITY)
  return power(NON_RESIDUE, oddPart << BigInt(TWO_ADICITY - k), SCALAR_FIELD_ORDER)
}

function reverseBits(value: number, bits: number): number {
  let reversed = 0
  for (let i = 0; i < bits; i++) reversed |= ((value >>> i) & 1) << (bits - 1 - i)
  return reversed
}
