/** Many additions of points at once, which share an inversion. Points stay where they are: names are their addresses, with a sign. */
import type { Group, Kernel } from './kernel.ts'
import type { PairedGroup } from './pairedArithmetic.ts'

/** Set in a point's name for its negative. */
export const NEGATED = 1

export class PairedAdder {
  private readonly kernel: Kernel
  private readonly group: Group
  private readonly paired: PairedGroup
  private readonly most: number
  private readonly lists: readonly [number, number]
  private readonly denominators: number
  private readonly prefixes: number
  private readonly kinds: number
  private readonly product: number

  /** @param most - additions at once */
  constructor(kernel: Kernel, group: Group, paired: PairedGroup, most: number) {
    this.kernel = kernel
    this.group = group
    this.paired = paired
    this.most = evenUp(most)
    const half = this.most / 2
    this.lists = [kernel.allocate(4 * this.most), kernel.allocate(4 * this.most)]
    this.denominators = kernel.allocate(half * paired.pairBytes)
    this.prefixes = kernel.allocate(half * paired.pairBytes)
    this.kinds = kernel.allocate(half)
    this.product = kernel.allocate(paired.pairBytes)
  }

  /** Write names here before {@link PairedAdder.add}; any later allocation may detach it. */
  get left(): Uint32Array {
    return this.kernel.words(this.lists[0], this.most)
  }

  /** What is added to each. */
  get right(): Uint32Array {
    return this.kernel.words(this.lists[1], this.most)
  }

  /**
   * Adds the first `pairs` of both lists, into memory that is allocated for them.
   *
   * @returns the name of each sum, undefined for infinity
   */
  add(pairs: number): (pair: number) => number | undefined {
    const { kernel, paired, denominators, prefixes, kinds, product } = this
    const [left, right] = this.lists
    const additions = evenUp(pairs)
    const sums = kernel.allocate(additions * paired.pointBytes)
    if (additions > pairs) [this.left[pairs], this.right[pairs]] = paired.idle
    paired.writeOnes(product)
    const isOrdinary = !paired.prepare(left, right, additions / 2, denominators, prefixes, product, kinds)
    paired.invert(product)
    paired.finish(left, right, additions / 2, denominators, prefixes, product, sums)
    const nameOf = (pair: number): number => sums + pair * paired.pointBytes
    if (isOrdinary) return nameOf
    const cancelled = this.addEqual(pairs, nameOf)
    return (pair) => (cancelled.has(pair) ? undefined : nameOf(pair))
  }

  /**
   * Writes the sums of points of the same x, which are the same or each other's negative; no point of odd order has y = 0.
   *
   * @returns those that are infinity
   */
  private addEqual(pairs: number, nameOf: (pair: number) => number): ReadonlySet<number> {
    const { kernel, group, paired } = this
    const cancelled = new Set<number>()
    const [first, second] = [kernel.allocate(group.affineBytes), kernel.allocate(group.affineBytes)]
    const doubled = kernel.allocate(group.jacobianBytes)
    const { left, right } = this
    const kindOf = kernel.bytes(this.kinds, evenUp(pairs) / 2)
    for (let pair = 0; pair < pairs; pair++) {
      if ((((kindOf[pair >> 1] as number) >> (pair & 1)) & 1) === 0) continue
      writeNamed(group, paired, left[pair] as number, first)
      writeNamed(group, paired, right[pair] as number, second)
      if (group.field.equal(first + group.field.bytes, second + group.field.bytes)) {
        group.zero(doubled)
        group.addMixed(doubled, first, doubled)
        group.double(doubled, doubled)
        group.toAffine(doubled, first)
        paired.widen(first, 1, nameOf(pair))
      } else cancelled.add(pair)
    }
    return cancelled
  }
}

/** Writes a named point in the kernel's form. */
export function writeNamed(group: Group, paired: PairedGroup, name: number, result: number): void {
  paired.narrow((name & ~NEGATED) >>> 0, result)
  const y = result + group.field.bytes
  if (name & NEGATED) group.field.negate(y, y)
}

const evenUp = (count: number): number => (count + 1) & -2
