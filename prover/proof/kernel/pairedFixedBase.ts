/** What `fixedBase.ts` does, with two additions at once (`pairedGroup.ts`). */
import { readBits, SCALAR_WORDS, tableCount, tablesOf } from './fixedBase.ts'
import type { Group, Kernel } from './kernel.ts'
import { PairedAdder, writeNamed } from './pairedAdder.ts'
import type { PairedGroup } from './pairedArithmetic.ts'

/** No point lies at address 0. */
const NONE = 0

export class PairedFixedBase {
  private readonly kernel: Kernel
  private readonly group: Group
  private readonly paired: PairedGroup
  private readonly windowBits: number
  /** Wide. */
  private readonly table: number

  /** @param windowBits - as `FixedBase` has it */
  constructor(kernel: Kernel, group: Group, paired: PairedGroup, windowBits: number) {
    this.kernel = kernel
    this.group = group
    this.paired = paired
    this.windowBits = windowBits
    this.table = kernel.allocate(tableCount(windowBits) * this.tableBytes)
    kernel.temporarily(() => {
      const [fill, size] = [tablesOf(kernel, group, windowBits), 2 ** windowBits]
      const table = kernel.allocate(size * group.affineBytes)
      for (let window = 0; window < tableCount(windowBits); window++) {
        fill(table)
        paired.widen(table, size, this.table + window * this.tableBytes)
      }
    })
  }

  /** As `FixedBase.multiply`. */
  multiply(scalars: Uint8Array): Uint8Array<ArrayBuffer> {
    const { kernel, group, paired } = this
    const words = new Uint32Array(scalars.buffer, scalars.byteOffset, scalars.length / 4)
    const count = words.length / SCALAR_WORDS
    return kernel.temporarily(() => {
      const sums = new Uint32Array(count).fill(NONE)
      const adder = new PairedAdder(kernel, group, paired, count)
      for (let window = 0; window < tableCount(this.windowBits); window++) this.addWindow(words, window, sums, adder)
      const points = kernel.allocate(count * group.affineBytes)
      kernel.bytes(points, count * group.affineBytes).fill(0)
      for (const [i, sum] of sums.entries()) {
        if (sum !== NONE) writeNamed(group, paired, sum, points + i * group.affineBytes)
      }
      return kernel.read(points, count * group.affineBytes)
    })
  }

  private get tableBytes(): number {
    return 2 ** this.windowBits * this.paired.pointBytes
  }

  /** Adds each scalar's digit times 2^(w · windowBits) the generator to its sum; the two never have the same x, as `FixedBase` says. */
  private addWindow(words: Uint32Array, window: number, sums: Uint32Array, adder: PairedAdder): void {
    const { windowBits, paired } = this
    const table = this.table + window * this.tableBytes
    const { left, right } = adder
    const added: number[] = []
    for (let i = 0; i < sums.length; i++) {
      const digit = readBits(words, i * SCALAR_WORDS, window * windowBits, windowBits)
      if (digit === 0) continue
      const addend = table + digit * paired.pointBytes
      if (sums[i] === NONE) sums[i] = addend
      else {
        left[added.length] = sums[i] as number
        right[added.length] = addend
        added.push(i)
      }
    }
    if (added.length === 0) return
    const nameOf = adder.add(added.length)
    for (const [pair, i] of added.entries()) sums[i] = nameOf(pair) ?? NONE
  }
}
