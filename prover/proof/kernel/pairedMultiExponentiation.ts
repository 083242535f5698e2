/** What `multiExponentiation.ts` does, with two additions at once (`pairedGroup.ts`). Points stay where they are: lists name them. */
import type { Group, Kernel } from './kernel.ts'
import { laidOut } from './multiExponentiation.ts'
import { NEGATED, PairedAdder, writeNamed } from './pairedAdder.ts'
import type { PairedGroup } from './pairedArithmetic.ts'
import type { SignedDigits } from './signedDigits.ts'

/** Points that are turned into wide ones at once. */
const CHUNK = 4096

export class PairedMultiExponentiation {
  private readonly kernel: Kernel
  private readonly group: Group
  private readonly paired: PairedGroup
  /** The points, wide, without those at infinity. */
  private readonly points: number
  /** For each kept point the index it was given with, hence that of its scalar. */
  private readonly indexes: Uint32Array

  /** @param points - affine points in Montgomery form, (0, 0) for infinity */
  constructor(kernel: Kernel, group: Group, paired: PairedGroup, points: Uint8Array) {
    this.kernel = kernel
    this.group = group
    this.paired = paired
    this.indexes = finiteOf(points, group.affineBytes)
    this.points = kernel.allocate(this.indexes.length * paired.pointBytes)
    kernel.temporarily(() => this.widen(points))
  }

  /**
   * Σ digitᵢ · pointᵢ for one window of the scalars.
   *
   * @param digits - the scalars; scalar i belongs to point i as given to the constructor
   * @param firstScalar - index of the scalar of point 0
   * @returns a Jacobian point in Montgomery form
   */
  sumWindow(digits: SignedDigits, firstScalar: number, window: number): Uint8Array<ArrayBuffer> {
    const { kernel, group } = this
    return kernel.temporarily(() => {
      const buckets = this.fillBuckets(digits, firstScalar, window)
      sumEach(kernel, group, this.paired, buckets)
      const result = kernel.allocate(group.jacobianBytes)
      this.weighBuckets(buckets, digits.windowBits - 1, result)
      return kernel.read(result, group.jacobianBytes)
    })
  }

  private widen(points: Uint8Array): void {
    const { kernel, group, paired, indexes } = this
    const { affineBytes } = group
    const chunk = kernel.allocate(CHUNK * affineBytes)
    for (let from = 0; from < indexes.length; from += CHUNK) {
      const those = indexes.subarray(from, from + CHUNK)
      const memory = kernel.bytes(chunk, CHUNK * affineBytes)
      for (const [i, index] of those.entries()) {
        memory.set(points.subarray(index * affineBytes, (index + 1) * affineBytes), i * affineBytes)
      }
      paired.widen(chunk, those.length, this.points + from * paired.pointBytes)
    }
  }

  /** Names each point, its negative where its digit is negative, in the bucket of the digit's magnitude. */
  private fillBuckets(digits: SignedDigits, firstScalar: number, window: number): PointLists {
    const { indexes, points, paired } = this
    const { ofPoints, lengths } = digits.sorted(indexes, firstScalar, window)
    const buckets = new PointLists(lengths)
    for (let k = 0; k < indexes.length; k++) {
      const digit = ofPoints[k] as number
      if (digit === 0) continue
      buckets.append(Math.abs(digit), (points + k * paired.pointBytes) | (digit < 0 ? NEGATED : 0))
    }
    return buckets
  }

  /**
   * Σ b · bucket[b]. With b = row · 2^h + column this is 2^h · Σ row · (sum of the row) + Σ column · (sum of the column): the row
   * and column sums are affine trees again, and only about 2 · 2^h slow Jacobian additions remain.
   */
  private weighBuckets(buckets: PointLists, magnitudeBits: number, result: number): void {
    const { kernel, group } = this
    const columnBits = (magnitudeBits + 1) >> 1
    const rowCount = 2 ** (magnitudeBits - columnBits) + 1
    const columnCount = 2 ** columnBits
    const lists = PointLists.regrouped(buckets, rowCount + columnCount, (bucket) => [
      bucket >> columnBits,
      rowCount + (bucket & (columnCount - 1)),
    ])
    sumEach(kernel, group, this.paired, lists)
    this.weightedSum(lists, 0, rowCount, result)
    for (let i = 0; i < columnBits; i++) group.double(result, result)
    const columnSum = kernel.allocate(group.jacobianBytes)
    this.weightedSum(lists, rowCount, columnCount, columnSum)
    group.add(result, columnSum, result)
  }

  /** Σ g · list[first + g] over `count` lists of at most one point, into a Jacobian point. */
  private weightedSum(lists: PointLists, first: number, count: number, result: number): void {
    const { kernel, group, paired } = this
    const [running, point] = [kernel.allocate(group.jacobianBytes), kernel.allocate(group.affineBytes)]
    group.zero(running)
    group.zero(result)
    for (let g = count - 1; g > 0; g--) {
      if (lists.lengths[first + g] === 1) {
        writeNamed(group, paired, lists.entries[lists.starts[first + g] as number] as number, point)
        group.addMixed(running, point, running)
      }
      group.add(result, running, result)
    }
  }
}

/** Lists of points: an address each, with {@link NEGATED} or not. */
class PointLists {
  readonly lengths: Int32Array
  readonly starts: Int32Array
  readonly entries: Uint32Array
  private readonly filled: Int32Array

  /** Room for `lengths[g]` points in each list g, to be filled with {@link PointLists.append}. */
  constructor(lengths: Int32Array) {
    this.lengths = lengths
    const { starts, total } = laidOut(lengths)
    this.starts = starts
    this.filled = this.starts.slice()
    this.entries = new Uint32Array(total)
  }

  append(g: number, entry: number): void {
    const slot = this.filled[g] as number
    this.filled[g] = slot + 1
    this.entries[slot] = entry
  }

  /** The sum of each bucket in all the lists that `listsOf` names. */
  static regrouped(buckets: PointLists, count: number, listsOf: (bucket: number) => readonly number[]): PointLists {
    const lengths = new Int32Array(count)
    for (let bucket = 1; bucket < buckets.lengths.length; bucket++) {
      if (buckets.lengths[bucket] !== 1) continue
      for (const list of listsOf(bucket)) lengths[list] = (lengths[list] as number) + 1
    }
    const lists = new PointLists(lengths)
    for (let bucket = 1; bucket < buckets.lengths.length; bucket++) {
      if (buckets.lengths[bucket] !== 1) continue
      const entry = buckets.entries[buckets.starts[bucket] as number] as number
      for (const list of listsOf(bucket)) lists.append(list, entry)
    }
    return lists
  }

  get pairs(): number {
    let pairs = 0
    for (const length of this.lengths) pairs += length >> 1
    return pairs
  }
}

/** Leaves in each list the name of its sum, or nothing when that is infinity. */
function sumEach(kernel: Kernel, group: Group, paired: PairedGroup, lists: PointLists): void {
  const adder = new PairedAdder(kernel, group, paired, lists.pairs)
  for (let { pairs } = lists; pairs > 0; { pairs } = lists) {
    fillPairs(lists, adder.left, adder.right)
    nameSums(lists, adder.add(pairs))
  }
}

function fillPairs(lists: PointLists, left: Uint32Array, right: Uint32Array): void {
  const { lengths, starts, entries } = lists
  let pair = 0
  for (let g = 0; g < lengths.length; g++) {
    let slot = starts[g] as number
    for (let j = (lengths[g] as number) >> 1; j > 0; j--) {
      left[pair] = entries[slot++] as number
      right[pair++] = entries[slot++] as number
    }
  }
}

/** Puts the sums in place of the pairs. @param nameOf - of a pair's sum; undefined for infinity */
function nameSums(lists: PointLists, nameOf: (pair: number) => number | undefined): void {
  const { lengths, starts, entries } = lists
  let pair = 0
  for (let g = 0; g < lengths.length; g++) {
    const length = lengths[g] as number
    if (length < 2) continue
    const start = starts[g] as number
    let end = start
    for (let j = 0; j < length >> 1; j++) {
      const name = nameOf(pair++)
      if (name !== undefined) entries[end++] = name
    }
    if (length & 1) entries[end++] = entries[start + length - 1] as number
    lengths[g] = end - start
  }
}

/** Indexes of the points that are not at infinity. */
function finiteOf(points: Uint8Array, affineBytes: number): Uint32Array {
  const finite: number[] = []
  for (let i = 0; i < points.length / affineBytes; i++) {
    if (points.subarray(i * affineBytes, (i + 1) * affineBytes).some((byte) => byte !== 0)) finite.push(i)
  }
  return Uint32Array.from(finite)
}
