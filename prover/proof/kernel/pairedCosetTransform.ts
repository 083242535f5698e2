/** What `cosetTransform.ts` does, two butterflies at once (`pairedTransform.ts`). */
import { cosetTables } from './cosetTransform.ts'
import type { Kernel } from './kernel.ts'
import type { PairedScalars } from './pairedArithmetic.ts'

const ELEMENT_BYTES = 32

export class PairedCosetTransform {
  private readonly kernel: Kernel
  private readonly paired: PairedScalars
  private readonly size: number
  /** Wide: size/2 powers of the root of unity and of its inverse, and a factor for each coefficient. */
  private readonly roots: number
  private readonly inverseRoots: number
  private readonly shifts: number

  /** @param domainPower - k; the domain has 2^k elements; from 2 to 27 */
  constructor(kernel: Kernel, paired: PairedScalars, domainPower: number) {
    this.kernel = kernel
    this.paired = paired
    this.size = 2 ** domainPower
    const [half, all] = [this.size / 2, this.size]
    const lengths = { roots: half, inverseRoots: half, shifts: all }
    const [roots, inverseRoots, shifts] = [half, half, all].map((count) => kernel.allocate(count * paired.wideBytes))
    const wide = { roots, inverseRoots, shifts } as Record<keyof typeof lengths, number>
    kernel.temporarily(() => {
      const tables = cosetTables(kernel, domainPower)
      for (const name of Object.keys(lengths) as (keyof typeof lengths)[]) {
        paired.widen(tables[name], lengths[name], wide[name])
      }
    })
    this.roots = wide.roots
    this.inverseRoots = wide.inverseRoots
    this.shifts = wide.shifts
  }

  /** Transforms 2^k Montgomery elements in place. */
  apply(values: number): void {
    const { kernel, paired, size, shifts } = this
    const half = size / 2
    const upper = values + half * ELEMENT_BYTES
    kernel.temporarily(() => {
      const slots = kernel.allocate(half * paired.pairBytes)
      paired.interleave(values, upper, half, slots)
      this.interpolate(slots)
      paired.scale(slots, half, shifts, shifts + half * paired.wideBytes)
      this.evaluate(slots)
      paired.separate(slots, half, values, upper)
    })
  }

  /** Values to coefficients times the size, natural to bit-reversed order. */
  private interpolate(slots: number): void {
    const { paired, size, inverseRoots } = this
    paired.decimateAcross(slots, size / 4, inverseRoots)
    for (let half = size / 4; half >= 1; half /= 2) this.stage(paired.decimate, slots, half, inverseRoots)
  }

  /** Coefficients to values, bit-reversed to natural order. Each second stage settles, and the last. */
  private evaluate(slots: number): void {
    const { paired, size, roots } = this
    for (let half = 1, isLoose = true; half <= size / 4; half *= 2, isLoose = !isLoose) {
      this.stage(isLoose ? paired.combineLoosely : paired.combine, slots, half, roots)
    }
    paired.combineAcross(slots, size / 4, roots)
  }

  /** Butterflies `half` slots wide: by blocks where these are long, by places within a block where there are many of them. */
  private stage(butterflies: PairedScalars['decimate'], slots: number, half: number, roots: number): void {
    const { size, paired } = this
    const { pairBytes, wideBytes } = paired
    const blocks = size / 4 / half
    const stride = (size / 2 / half) * wideBytes
    if (half >= blocks) {
      for (let block = 0; block < blocks; block++) {
        const low = slots + 2 * half * block * pairBytes
        butterflies(low, low + half * pairBytes, half, pairBytes, roots, stride)
      }
    } else {
      for (let place = 0; place < half; place++) {
        const low = slots + place * pairBytes
        butterflies(low, low + half * pairBytes, blocks, 2 * half * pairBytes, roots + place * stride, 0)
      }
    }
  }
}
