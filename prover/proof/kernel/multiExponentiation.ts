/**
 * Σ scalarᵢ · pointᵢ over points that stay the same from call to call: Pippenger's buckets with affine additions.
 *
 * An affine addition needs one inversion, but many independent additions share one (Montgomery's trick), which leaves five
 * multiplications and a square: about half the work of adding to a Jacobian point. To have independent additions, each bucket
 * is summed as a tree: neighbours in pairs, then the sums in pairs, and so on, in all buckets at once.
 */
import type { Group, Kernel } from './kernel.ts'
import type { SignedDigits } from './signedDigits.ts'

/** How a pair of points must be added. */
const ORDINARY = 0
const DOUBLING = 1
const CANCELLING = 2

/** Points of one group, kept in the kernel's memory. */
export class MultiExponentiation {
  private readonly kernel: Kernel
  private readonly group: Group
  /** The points, without those at infinity. */
  private readonly points: number
  /** For each kept point the index it was given with, hence that of its scalar. */
  private readonly indexes: Uint32Array

  /** @param points - affine points in Montgomery form, (0, 0) for infinity */
  constructor(kernel: Kernel, group: Group, points: Uint8Array) {
    this.kernel = kernel
    this.group = group
    this.points = kernel.store(points)
    const finite: number[] = []
    for (let i = 0; i < points.length / group.affineBytes; i++) {
      const point = this.points + i * group.affineBytes
      if (group.isZeroAffine(point)) continue
      copyPoint(group, point, this.points + finite.length * group.affineBytes)
      finite.push(i)
    }
    this.indexes = Uint32Array.from(finite)
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
      const adder = new GroupedAdder(kernel, group, buckets.total)
      adder.sumEach(buckets)
      const result = kernel.allocate(group.jacobianBytes)
      this.weighBuckets(buckets, digits.windowBits - 1, adder, result)
      return kernel.read(result, group.jacobianBytes)
    })
  }

  /** Copies each point, negated when its digit is negative, to the bucket of the digit's magnitude. */
  private fillBuckets(digits: SignedDigits, firstScalar: number, window: number): PointGroups {
    const { kernel, group, points, indexes } = this
    const { ofPoints, lengths } = digits.sorted(indexes, firstScalar, window)
    const buckets = new PointGroups(kernel, group, lengths)
    const yOffset = group.field.bytes
    for (let k = 0; k < indexes.length; k++) {
      const digit = ofPoints[k] as number
      if (digit === 0) continue
      const slot = buckets.append(Math.abs(digit))
      copyPoint(group, points + k * group.affineBytes, slot)
      if (digit < 0) group.field.negate(slot + yOffset, slot + yOffset)
    }
    return buckets
  }

  /**
   * Σ b · bucket[b]. With b = row · 2^h + column this is 2^h · Σ row · (sum of the row) + Σ column · (sum of the column): the row
   * and column sums are affine trees again, and only about 2 · 2^h slow Jacobian additions remain.
   */
  private weighBuckets(buckets: PointGroups, magnitudeBits: number, adder: GroupedAdder, result: number): void {
    const { kernel, group } = this
    const columnBits = (magnitudeBits + 1) >> 1
    const rows = this.regroup(buckets, 2 ** (magnitudeBits - columnBits) + 1, (bucket) => bucket >> columnBits)
    const columns = this.regroup(buckets, 2 ** columnBits, (bucket) => bucket & (2 ** columnBits - 1))
    adder.sumEach(rows)
    adder.sumEach(columns)

    weightedSum(kernel, group, rows, result)
    for (let i = 0; i < columnBits; i++) group.double(result, result)
    const columnSum = kernel.allocate(group.jacobianBytes)
    weightedSum(kernel, group, columns, columnSum)
    group.add(result, columnSum, result)
  }

  /** Copies the sum of each bucket to the group that `groupOf` names; group 0 has weight zero and is left out. */
  private regroup(buckets: PointGroups, count: number, groupOf: (bucket: number) => number): PointGroups {
    const { kernel, group } = this
    const lengths = new Int32Array(count)
    const used = (bucket: number): boolean => buckets.lengths[bucket] === 1 && groupOf(bucket) !== 0
    for (let bucket = 1; bucket < buckets.lengths.length; bucket++) {
      if (used(bucket)) lengths[groupOf(bucket)] = (lengths[groupOf(bucket)] as number) + 1
    }
    const groups = new PointGroups(kernel, group, lengths)
    for (let bucket = 1; bucket < buckets.lengths.length; bucket++) {
      if (used(bucket)) copyPoint(group, buckets.first(bucket), groups.append(groupOf(bucket)))
    }
    return groups
  }
}

/** Where lists of these lengths start, one after the other. */
export function laidOut(lengths: Int32Array): { readonly starts: Int32Array; readonly total: number } {
  const starts = new Int32Array(lengths.length)
  let total = 0
  for (let g = 0; g < lengths.length; g++) {
    starts[g] = total
    total += lengths[g] as number
  }
  return { starts, total }
}

/** Lists of affine points, one after the other in memory. */
class PointGroups {
  readonly lengths: Int32Array
  readonly total: number
  private readonly group: Group
  private readonly memory: number
  private readonly starts: Int32Array
  private readonly filled: Int32Array

  /** Room for `lengths[g]` points in each group g, to be filled with {@link PointGroups.append}. */
  constructor(kernel: Kernel, group: Group, lengths: Int32Array) {
    this.group = group
    this.lengths = lengths
    const { starts, total } = laidOut(lengths)
    this.starts = starts
    this.total = total
    this.filled = this.starts.slice()
    this.memory = kernel.allocate(total * group.affineBytes)
  }

  /** Where the next point of group `g` goes. */
  append(g: number): number {
    const slot = this.filled[g] as number
    this.filled[g] = slot + 1
    return this.memory + slot * this.group.affineBytes
  }

  /** Where the first point of group `g` lies. */
  first(g: number): number {
    return this.memory + (this.starts[g] as number) * this.group.affineBytes
  }
}

/** Adds up groups of points, one shared inversion per level of the trees. */
class GroupedAdder {
  private readonly group: Group
  private readonly denominators: number
  private readonly prefixes: number
  private readonly kinds: Uint8Array
  private readonly product: number
  private readonly slope: number
  private readonly x: number
  private readonly y: number

  /** @param capacity - points in all groups together, at most */
  constructor(kernel: Kernel, group: Group, capacity: number) {
    const { bytes } = group.field
    const pairs = capacity >> 1
    this.group = group
    this.denominators = kernel.allocate(pairs * bytes)
    this.prefixes = kernel.allocate(pairs * bytes)
    this.kinds = new Uint8Array(pairs)
    this.product = kernel.allocate(bytes)
    this.slope = kernel.allocate(bytes)
    this.x = kernel.allocate(bytes)
    this.y = kernel.allocate(bytes)
  }

  /** Leaves in each group its sum, or nothing when that is infinity. */
  sumEach(groups: PointGroups): void {
    while (this.prepareLevel(groups) > 0) this.addLevel(groups)
  }

  /**
   * Inverts the product of all pairs' denominators. Pairs are visited last to first, so that {@link GroupedAdder.addLevel} can
   * visit them first to last and write over points it has read.
   *
   * @returns the number of pairs
   */
  private prepareLevel(groups: PointGroups): number {
    const { denominators, prefixes, kinds, product } = this
    const { field, affineBytes } = this.group
    let pair = 0
    field.one(product)
    for (let g = groups.lengths.length - 1; g >= 0; g--) {
      const length = groups.lengths[g] as number
      if (length < 2) continue
      const first = groups.first(g)
      for (let j = (length >> 1) - 1; j >= 0; j--, pair++) {
        const left = first + 2 * j * affineBytes
        const denominator = denominators + pair * field.bytes
        field.subtract(left + affineBytes, left, denominator)
        kinds[pair] = field.isZero(denominator) ? this.prepareEqualX(left, denominator) : ORDINARY
        field.copy(product, prefixes + pair * field.bytes)
        field.multiply(product, denominator, product)
      }
    }
    if (pair > 0) field.inverse(product, product)
    return pair
  }

  /** Two points with the same x are the same, or each other's negative. No point of odd order has y = 0. */
  private prepareEqualX(left: number, denominator: number): number {
    const { field, affineBytes } = this.group
    const y = left + field.bytes
    if (field.equal(y, y + affineBytes)) {
      field.add(y, y, denominator)
      return DOUBLING
    }
    field.one(denominator)
    return CANCELLING
  }

  /** Replaces each pair by its sum. */
  private addLevel(groups: PointGroups): void {
    const { denominators, prefixes, kinds, product, slope } = this
    const { field, affineBytes } = this.group
    let pair = pairsIn(groups)
    for (let g = 0; g < groups.lengths.length; g++) {
      const length = groups.lengths[g] as number
      if (length < 2) continue
      const first = groups.first(g)
      let sum = first
      for (let j = 0; j < length >> 1; j++) {
        pair--
        field.multiply(product, prefixes + pair * field.bytes, slope)
        field.multiply(product, denominators + pair * field.bytes, product)
        if (kinds[pair] === CANCELLING) continue
        this.addPair(first + 2 * j * affineBytes, kinds[pair] === DOUBLING, sum)
        sum += affineBytes
      }
      if (length & 1) {
        copyPoint(this.group, first + (length - 1) * affineBytes, sum)
        sum += affineBytes
      }
      groups.lengths[g] = (sum - first) / affineBytes
    }
  }

  /** The sum of `left` and the point after it, given the inverse denominator in `slope`; `sum` may overlap `left`. */
  private addPair(left: number, doubling: boolean, sum: number): void {
    const { slope, x, y } = this
    const { field, affineBytes } = this.group
    const right = left + affineBytes
    if (doubling) {
      field.square(left, x)
      field.add(x, x, y)
      field.add(x, y, y)
    } else {
      field.subtract(right + field.bytes, left + field.bytes, y)
    }
    field.multiply(slope, y, slope)
    field.square(slope, x)
    field.subtract(x, left, x)
    field.subtract(x, right, x)
    field.subtract(left, x, y)
    field.multiply(slope, y, y)
    field.subtract(y, left + field.bytes, sum + field.bytes)
    field.copy(x, sum)
  }
}

/** Σ g · group[g] over groups of at most one point, into a Jacobian point. */
function weightedSum(kernel: Kernel, group: Group, groups: PointGroups, result: number): void {
  const running = kernel.allocate(group.jacobianBytes)
  group.zero(running)
  group.zero(result)
  for (let g = groups.lengths.length - 1; g > 0; g--) {
    if (groups.lengths[g] === 1) group.addMixed(running, groups.first(g), running)
    group.add(result, running, result)
  }
}

function pairsIn(groups: PointGroups): number {
  let pairs = 0
  for (const length of groups.lengths) pairs += length >> 1
  return pairs
}

function copyPoint(group: Group, from: number, to: number): void {
  group.field.copy(from, to)
  group.field.copy(from + group.field.bytes, to + group.field.bytes)
}
