/**
 * Multiples of a generator, many at once: a table per window of scalar bits, then one addition per window.
 *
 * Only key set-up multiplies generators, so this is never on a proof's path.
 */
import type { Group, Kernel } from './kernel.ts'

const SCALAR_BITS = 254
const SCALAR_WORDS = 8

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
    this.table = kernel.allocate(this.windows * this.tableBytes)
    kernel.temporarily(() => this.fillTables())
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
    const count = words.length / SCALAR_WORDS
    return kernel.temporarily(() => {
      const results = kernel.allocate(count * group.jacobianBytes)
      for (let i = 0; i < count; i++) this.multiplyOne(words, i * SCALAR_WORDS, results + i * group.jacobianBytes)
      kernel.toAffine(group, results, count, results)
      return kernel.read(results, count * group.affineBytes)
    })
  }

  private get windows(): number {
    return Math.ceil(SCALAR_BITS / this.windowBits)
  }

  private get tableBytes(): number {
    return 2 ** this.windowBits * this.group.affineBytes
  }

  private multiplyOne(words: Uint32Array, start: number, result: number): void {
    const { group, windowBits, table, tableBytes } = this
    group.zero(result)
    for (let window = 0; window < this.windows; window++) {
      const digit = readBits(words, start, window * windowBits, windowBits)
      if (digit !== 0) group.addMixed(result, table + window * tableBytes + digit * group.affineBytes, result)
    }
  }

  /** Table `w` holds 0, 1, 2, … times 2^(w · windowBits) the generator. */
  private fillTables(): void {
    const { kernel, group, windowBits } = this
    const size = 2 ** windowBits
    const multiples = kernel.allocate(size * group.jacobianBytes)
    const base = kernel.allocate(group.jacobianBytes)
    const affineBase = kernel.allocate(group.affineBytes)

    group.copy(group.generator, base)
    for (let window = 0; window < this.windows; window++) {
      group.toAffine(base, affineBase)
      group.zero(multiples)
      for (let i = 1; i < size; i++) {
        group.addMixed(multiples + (i - 1) * group.jacobianBytes, affineBase, multiples + i * group.jacobianBytes)
      }
      group.add(multiples + (size - 1) * group.jacobianBytes, base, base)
      kernel.toAffine(group, multiples, size, this.table + window * this.tableBytes)
    }
  }
}

/** `count` bits of the 256-bit integer whose 32-bit words start at `start`, from bit `position` up. */
function readBits(words: Uint32Array, start: number, position: number, count: number): number {
  const word = position >>> 5
  const shift = position & 31
  let bits = (words[start + word] as number) >>> shift
  if (shift + count > 32 && word + 1 < SCALAR_WORDS) bits |= (words[start + word + 1] as number) << (32 - shift)
  return bits & (2 ** count - 1)
}
