/**
 * Multiples of a generator, many at once: a table per window of scalar bits, then one addition per window.
 *
 * All scalars take the same window at the same time, so that their affine additions share one inversion (Montgomery's trick).
 * Only key set-up multiplies generators, so this is never on a proof's path.
 */
import type { Group, Kernel } from './kernel.ts'

const SCALAR_BITS = 254
export const SCALAR_WORDS = 8

/** How many tables there are. @param windowBits - bits per table */
export const tableCount = (windowBits: number): number => Math.ceil(SCALAR_BITS / windowBits)

/** Tables for the generator of one group. */
export class FixedBase {
  private readonly kernel: Kernel
  private readonly group: Group
  private readonly windowBits: number
  private readonly table: number

  /** @param windowBits - bits per table; a table holds 2^windowBits points, and there are ⌈254 / windowBits⌉ of them */
  constructor(kernel: Kernel, group: Group, windowBits: number) {
    this.kernel = kernel
    this.group = group
    this.windowBits = windowBits
    this.table = kernel.allocate(tableCount(windowBits) * this.tableBytes)
    kernel.temporarily(() => {
      for (let window = 0, fill = tablesOf(kernel, group, windowBits); window < tableCount(windowBits); window++) {
        fill(this.table + window * this.tableBytes)
      }
    })
  }

  /**
   * The generator times each scalar.
   *
   * @param scalars - 32-byte little-endian integers below the group order, one after the other; not in Montgomery form
   * @returns affine points in Montgomery form
   */
  multiply(scalars: Uint8Array): Uint8Array<ArrayBuffer> {
    const { kernel, group } = this
    const words = new Uint32Array(scalars.buffer, scalars.byteOffset, scalars.length / 4)
    const bytes = (words.length / SCALAR_WORDS) * group.affineBytes
    return kernel.temporarily(() => {
      const sums = kernel.allocate(bytes)
      kernel.bytes(sums, bytes).fill(0)
      const adder = new SharedInversion(kernel, group, words.length / SCALAR_WORDS)
      const started = new Uint8Array(words.length / SCALAR_WORDS)
      for (let window = 0; window < tableCount(this.windowBits); window++) {
        this.addWindow(words, window, sums, started, adder)
      }
      return kernel.read(sums, bytes)
    })
  }

  private get tableBytes(): number {
    return 2 ** this.windowBits * this.group.affineBytes
  }

  /**
   * Adds each scalar's digit times 2^(w · windowBits) the generator to its sum.
   *
   * The two never have the same x: the sum's logarithm is below 2^(w · windowBits), the addend's is not, and together they are
   * at most the scalar, which is below r, so they are neither equal nor opposite.
   */
  private addWindow(
    words: Uint32Array,
    window: number,
    sums: number,
    started: Uint8Array,
    adder: SharedInversion,
  ): void {
    const { group, windowBits } = this
    const table = this.table + window * this.tableBytes
    for (let i = 0; i < started.length; i++) {
      const digit = readBits(words, i * SCALAR_WORDS, window * windowBits, windowBits)
      if (digit === 0) continue
      const addend = table + digit * group.affineBytes
      const sum = sums + i * group.affineBytes
      if (started[i] === 0) {
        group.field.copy(addend, sum)
        group.field.copy(addend + group.field.bytes, sum + group.field.bytes)
        started[i] = 1
      } else {
        adder.schedule(sum, addend)
      }
    }
    adder.addAll()
  }
}

/**
 * Writes tables one after the other, each as affine points where it is asked to: table `w` holds 0, 1, 2, … times 2^(w · windowBits) the
 * generator.
 */
export function tablesOf(kernel: Kernel, group: Group, windowBits: number): (table: number) => void {
  const size = 2 ** windowBits
  const multiples = kernel.allocate(size * group.jacobianBytes)
  const base = kernel.allocate(group.jacobianBytes)
  const affineBase = kernel.allocate(group.affineBytes)
  group.copy(group.generator, base)
  return (table) => {
    group.toAffine(base, affineBase)
    group.zero(multiples)
    for (let i = 1; i < size; i++) {
      group.addMixed(multiples + (i - 1) * group.jacobianBytes, affineBase, multiples + i * group.jacobianBytes)
    }
    group.add(multiples + (size - 1) * group.jacobianBytes, base, base)
    kernel.toAffine(group, multiples, size, table)
  }
}

/** Affine additions of finite points of different x, carried out together. */
class SharedInversion {
  private readonly group: Group
  private readonly sums: Uint32Array
  private readonly addends: Uint32Array
  private readonly differences: number
  private readonly prefixes: number
  private readonly product: number
  private readonly slope: number
  private readonly scratch: number
  private count = 0

  constructor(kernel: Kernel, group: Group, capacity: number) {
    const { bytes } = group.field
    this.group = group
    this.sums = new Uint32Array(capacity)
    this.addends = new Uint32Array(capacity)
    this.differences = kernel.allocate(capacity * bytes)
    this.prefixes = kernel.allocate(capacity * bytes)
    this.product = kernel.allocate(bytes)
    this.slope = kernel.allocate(bytes)
    this.scratch = kernel.allocate(bytes)
    group.field.one(this.product)
  }

  /** Notes that `addend` is to be added to `sum`. */
  schedule(sum: number, addend: number): void {
    const { product } = this
    const { field } = this.group
    const difference = this.differences + this.count * field.bytes
    field.subtract(addend, sum, difference)
    field.copy(product, this.prefixes + this.count * field.bytes)
    field.multiply(product, difference, product)
    this.sums[this.count] = sum
    this.addends[this.count] = addend
    this.count++
  }

  /** Carries out what was noted. */
  addAll(): void {
    const { product, slope, scratch } = this
    const { field } = this.group
    field.inverse(product, product)
    while (this.count > 0) {
      this.count--
      const [sum, addend] = [this.sums[this.count] as number, this.addends[this.count] as number]
      field.multiply(product, this.prefixes + this.count * field.bytes, slope)
      field.multiply(product, this.differences + this.count * field.bytes, product)
      field.subtract(addend + field.bytes, sum + field.bytes, scratch)
      field.multiply(slope, scratch, slope)
      field.square(slope, scratch)
      field.subtract(scratch, sum, scratch)
      field.subtract(scratch, addend, scratch)
      field.subtract(sum, scratch, sum)
      field.multiply(slope, sum, sum)
      field.subtract(sum, sum + field.bytes, sum + field.bytes)
      field.copy(scratch, sum)
    }
    field.one(product)
  }
}

/** `count` bits of the 256-bit integer whose 32-bit words start at `start`, from bit `position` up. */
export function readBits(words: Uint32Array, start: number, position: number, count: number): number {
  const word = position >>> 5
  const shift = position & 31
  let bits = (words[start + word] as number) >>> shift
  if (shift + count > 32 && word + 1 < SCALAR_WORDS) bits |= (words[start + word + 1] as number) << (32 - shift)
  return bits & (2 ** count - 1)
}
