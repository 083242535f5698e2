/**
 * Affine additions in one of the two groups, two at once, over points whose coordinates are wide (`pairedField.ts`).
 *
 * Additions are noted in two lists, of left and of right points: an address each, a multiple of 8, with the lowest bit set for the
 * point's negative. They are carried out together, by one inversion for all: `prepare` multiplies the denominators up, and `finish`
 * takes their inverses off again, last to first.
 */
import { call, type Code, FunctionCode, i32, i64, type Local, type ModuleCode, pair } from './assembler.ts'
import {
  addLimbs,
  type Constants,
  gathered,
  type Limbs,
  oneOf,
  PAIR_BYTES,
  type PairedField,
  pairAt,
  scatter,
  storePair,
  subtractLimbs,
  valuesOf,
  WIDE_BYTES,
} from './pairedField.ts'

/** Pairs of coordinates that `finish` needs at once. */
const PLACES = 3

/** Of memory that the functions of a group of this degree use among themselves. */
export const scratchBytes = (degree: 1 | 2): number => PLACES * degree * PAIR_BYTES

/**
 * Adds `<name>_multiply(a, b, result)` on pairs of coordinates, `<name>_prepare(left, right, pairs, denominators, prefixes, product,
 * kinds)` and `<name>_finish(left, right, pairs, denominators, prefixes, product, sums)`.
 *
 * `prepare` leaves the denominators, their running products before each, and the whole product at `product`, where it finds what to
 * begin with. Sizes, in moduli, of settled coordinates and denominators: running products stay below 1.3, slopes below 2.2, their squares
 * below 1.3. Where the points of an addition have the same x it takes 1 instead, sets the bit of that half in the pair's byte of
 * `kinds`, and returns other than 0: what `finish` leaves for it means nothing. `finish` wants the product's inverse at `product`.
 *
 * @param degree - of the field of coordinates over the prime field
 */
export function addGroup(
  module: ModuleCode,
  name: string,
  field: PairedField,
  degree: 1 | 2,
  constants: Constants,
  scratch: number,
): void {
  const bytes = degree * PAIR_BYTES
  const wide = degree * WIDE_BYTES
  const parts = Array.from({ length: degree }, (_, part) => part)
  const multiply = module.add(`${name}_multiply`, multiplication(field, degree))
  const place = (index: number): Code => i32.constant(scratch + index * bytes)

  /** Of the two points named at `list`: their addresses and what negates them. */
  const named = (code: FunctionCode, list: Local) => {
    const point = (offset: number): { address: Local; sign: Code } => {
      const entry = code.hold('i32', i32.load(list.get, offset))
      const address = code.hold('i32', i32.and(entry.get, i32.constant(-8)))
      return { address, sign: i64.shiftLeft(i64.ofI32(entry.get), 63) }
    }
    const [first, second] = [point(0), point(4)]
    const sign = pair.replaceSecond(pair.splat(first.sign), second.sign)
    return { first: first.address, second: second.address, sign }
  }
  const x = ({ first, second }: { first: Local; second: Local }, part: number): Limbs =>
    gathered(first, second, part * WIDE_BYTES)
  const y = ({ first, second }: { first: Local; second: Local }, sign: Local, part: number): Limbs =>
    gathered(first, second, wide + part * WIDE_BYTES).map((limb) => pair.xor(limb, sign.get))
  const step = (local: Local, by: number): Code => local.set(i32.add(local.get, i32.constant(by)))
  const copy = (code: FunctionCode, from: Local, to: Local): void => {
    for (const part of parts) code.add(storePair(to, pairAt(from, part * PAIR_BYTES), part * PAIR_BYTES))
  }

  const prepare = new FunctionCode(7, true)
  {
    const [left, right, pairs, denominators, prefixes, product, kinds] = prepare.parameters as Sevenfold
    const [kind, anyKind] = [prepare.local('i32'), prepare.local('i32')]
    const one = oneOf(field.modulus).map((limb) => constants.double(limb))
    prepare.repeat(() => {
      const [points, others] = [named(prepare, left), named(prepare, right)]
      const differences = parts.map((part) => field.settle(prepare, subtractLimbs(x(others, part), x(points, part))))
      const isZero = prepare.hold(
        'v128',
        differences.map((difference) => field.isZero(difference)).reduce((all, each) => pair.and(all, each)),
      )
      for (const [part, difference] of differences.entries()) {
        const instead = part === 0 ? one : one.map(() => constants.double(0))
        const limbs = difference.map(({ get }, k) => pair.select(instead[k] as Code, get, isZero.get))
        prepare.add(storePair(denominators, limbs, part * PAIR_BYTES))
      }
      copy(prepare, product, prefixes)
      prepare.add(
        call(multiply, product.get, denominators.get, product.get),
        kind.set(pair.bitmask(isZero.get)),
        i32.store8(kinds.get, kind.get),
        anyKind.set(i32.or(anyKind.get, kind.get)),
        ...[left, right].map((list) => step(list, 8)),
        ...[denominators, prefixes].map((list) => step(list, bytes)),
        step(kinds, 1),
        step(pairs, -1),
      )
    }, pairs.get)
    prepare.add(anyKind.get)
  }
  module.add(`${name}_prepare`, prepare)

  const finish = new FunctionCode(7)
  {
    const [left, right, pairs, denominators, prefixes, product, sums] = finish.parameters as Sevenfold
    const [slope, other, sumX] = [0, 1, 2].map((index) => finish.hold('i32', place(index))) as [Local, Local, Local]
    const second = finish.local('i32')
    const toEnd = (local: Local, size: number): Code =>
      local.set(i32.add(local.get, i32.multiply(pairs.get, i32.constant(size))))
    finish.add(toEnd(left, 8), toEnd(right, 8), toEnd(denominators, bytes), toEnd(prefixes, bytes))
    finish.add(toEnd(sums, 4 * wide))
    finish.repeat(() => {
      finish.add(...[left, right].map((list) => step(list, -8)))
      finish.add(...[denominators, prefixes].map((list) => step(list, -bytes)), step(sums, -4 * wide))
      const [points, others] = [named(finish, left), named(finish, right)]
      const [sign, otherSign] = [finish.hold('v128', points.sign), finish.hold('v128', others.sign)]
      finish.add(
        call(multiply, product.get, prefixes.get, slope.get),
        call(multiply, product.get, denominators.get, product.get),
      )
      for (const part of parts) {
        const rise = subtractLimbs(y(others, otherSign, part), y(points, sign, part))
        finish.add(storePair(other, rise, part * PAIR_BYTES))
      }
      finish.add(call(multiply, slope.get, other.get, slope.get))
      // Its square would be too large to settle.
      if (degree === 2) {
        for (const part of parts) {
          const settled = field.settle(finish, pairAt(slope, part * PAIR_BYTES))
          finish.add(storePair(slope, valuesOf(settled), part * PAIR_BYTES))
        }
      }
      finish.add(call(multiply, slope.get, slope.get, sumX.get))
      finish.add(second.set(i32.add(sums.get, i32.constant(2 * wide))))
      for (const part of parts) {
        const square = pairAt(sumX, part * PAIR_BYTES)
        const settled = field.settle(finish, subtractLimbs(square, addLimbs(x(points, part), x(others, part))))
        finish.add(
          scatter(sums, second, settled, part * WIDE_BYTES),
          storePair(other, subtractLimbs(x(points, part), valuesOf(settled)), part * PAIR_BYTES),
        )
      }
      finish.add(call(multiply, slope.get, other.get, other.get))
      for (const part of parts) {
        const settled = field.settle(finish, subtractLimbs(pairAt(other, part * PAIR_BYTES), y(points, sign, part)))
        finish.add(scatter(sums, second, settled, wide + part * WIDE_BYTES))
      }
      finish.add(step(pairs, -1))
    }, pairs.get)
  }
  module.add(`${name}_finish`, finish)
}

type Sevenfold = [Local, Local, Local, Local, Local, Local, Local]

/** Of two pairs of coordinates; a + bu times c + du is (ac - bd) + (ad + bc)u. */
function multiplication(field: PairedField, degree: 1 | 2): FunctionCode {
  const code = new FunctionCode(3)
  const [a, b, result] = code.parameters as [Local, Local, Local]
  const [a0, b0] = [pairAt(a), pairAt(b)]
  if (degree === 1) {
    code.add(storePair(result, valuesOf(field.multiply(code, [{ a: a0, b: b0 }]))))
    return code
  }
  const [a1, b1] = [pairAt(a, PAIR_BYTES), pairAt(b, PAIR_BYTES)]
  const real = field.multiply(code, [
    { a: a0, b: b0 },
    { a: a1, b: b1, negated: true },
  ])
  const imaginary = field.multiply(code, [
    { a: a0, b: b1 },
    { a: a1, b: b0 },
  ])
  // Written at the end: the result may lie where a factor does.
  code.add(storePair(result, valuesOf(real)), storePair(result, valuesOf(imaginary), PAIR_BYTES))
  return code
}
