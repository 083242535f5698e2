/** Lemmas about one constraint a × b = c of which a factor is determined, or both are the same. */
import type { Sum } from '../../tools/circuits/r1cs.ts'
import { atomsOf, constantOf, type Form, widthOf } from './field.ts'
import type { System } from './system.ts'

/** A factor both witnesses agree in, the other one, and the product. */
type Product = { readonly fixed: Sum; readonly open: Sum; readonly product: Sum }

/** Applies every lemma of this file to a row; a lemma that does not hold says nothing. */
export function products(system: System, row: number): void {
  const [a, b, product] = system.constraints[row]!
  for (const [fixed, open] of [
    [a, b],
    [b, a],
  ] as const) {
    if (!system.isFixed(fixed) || system.isFixed(open)) continue
    const bit = system.hasParked ? system.asBit(open) : undefined
    if (bit !== undefined) system.wake(bit.bit)
    const parts = { fixed, open, product }
    zeroTest(system, parts)
    quotient(system, parts)
    sign(system, parts)
    normalisation(system, parts)
  }
  if (!system.isFixed(a) && system.wholeKey(a) === system.wholeKey(b)) root(system, a, b, product)
}

/**
 * Lemma: x × y = c and x × e = 0, where c + k·e is determined for some k other than 0. If x is 0, c is, and that says e;
 * if not, e is 0.
 */
function zeroTest(system: System, { fixed, product }: Product): void {
  const { field } = system
  const open = system.split(field.form(product)).open
  for (const factor of system.zeroProductsWith(fixed)) {
    const other = system.split(field.form(factor)).open
    const [atom] = atomsOf(other)
    if (atom === undefined || !open.has(atom)) continue
    const k = field.centre(open.get(atom)! * field.inverse(other.get(atom)!))
    if (field.plus(open, other, -k).size === 0) system.learn(field.form(factor), 'zero test')
  }
}

/**
 * Lemma: q·d = n + r with n and d determined, q and r in intervals. Were there two answers, the difference of the q times d
 * would be that of the r. If d - r (or d + r) is at least g and r (or -r) at least l with g + l ≥ 1, two r differ by less
 * than d, which is at least 1; and if all that stays below the order, the difference of the q can only be 0.
 */
function quotient(system: System, { fixed, open, product }: Product): void {
  const { field } = system
  const quotients = system.bounds(system.split(field.form(open)).open)
  const rest = system.split(field.form(product)).open
  if (quotients === undefined || atomsOf(rest).length === 0) return
  const rests = system.bounds(rest)
  if (rests === undefined) return
  for (const side of [1n, -1n]) {
    const divisor = field.scaled(field.form(fixed), side)
    for (const sign of [1n, -1n]) {
      const remainder = field.scaled(rest, sign)
      const least = system.bounds(remainder)!.low
      const atoms = atomsOf(divisor).slice(0, 1)
      for (const gap of system.boundedEquals(field.plus(divisor, remainder, -1n), atoms)) {
        const gaps = system.bounds(gap)
        if (gaps === undefined || gaps.low + least < 1n) continue
        const largest = gaps.high + system.bounds(remainder)!.high
        if (widthOf(quotients) * largest + widthOf(rests) >= field.order) continue
        system.learn(field.form(open), 'quotient and remainder')
        system.learn(rest, 'quotient and remainder')
        return
      }
    }
  }
}

/**
 * Lemma: (a + b·s)·y = c with s a bit, y determined and c in one interval if s = 0, in another if s = 1. Were both possible,
 * (a + b) times the first c would be a times the second; if no number of that difference's interval is a multiple of the order,
 * s is determined.
 */
function sign(system: System, { fixed, open, product }: Product): void {
  const { field } = system
  const factor = field.form(open)
  const split = system.split(factor)
  const [bit, ...others] = atomsOf(split.open)
  if (bit === undefined || others.length > 0 || !system.bits.has(bit)) return
  if (atomsOf(split.fixed).length > 0 || fixed.wires.length === 0) return
  const result = field.form(product)
  const slope = result.get(bit) ?? 0n
  const rest = new Map([...result].filter(([atom]) => atom !== bit))
  const bounds = system.bounds(rest)
  if (bounds === undefined) return
  const [clear, set] = [constantOf(factor), constantOf(factor) + factor.get(bit)!]
  const ends = [
    set * bounds.low,
    set * bounds.high,
    -clear * (bounds.low + slope),
    -clear * (bounds.high + slope),
  ] as const
  const low = smaller(ends[0], ends[1]) + smaller(ends[2], ends[3])
  const high = greater(ends[0], ends[1]) + greater(ends[2], ends[3])
  if (!hasMultiple(low, high, field.order)) system.determine(bit, 'sign')
}

/**
 * Lemma: y·2^e = m with y determined, m from l up to less than 2·l, l ≥ 1, and 2^e below what l times it still is below the
 * order. Were there two e, the m of the greater would be at least twice that of the smaller.
 */
function normalisation(system: System, { open, product }: Product): void {
  const { field } = system
  const exponent = exponentOf(system, open, 1n)
  if (exponent === undefined) return
  const most = [...exponent.values()].reduce((sum, each) => sum + each, 0n)
  for (const sign of [1n, -1n]) {
    const mantissas = system.bounds(field.scaled(field.form(product), sign))
    if (mantissas === undefined || mantissas.low < 1n || mantissas.high >= 2n * mantissas.low) continue
    if (most <= 1024n && mantissas.high << most < field.order) system.learn(exponent, 'normalisation')
  }
}

/** Powers of two are products of as many bits' weights at most. */
const MOST_FACTORS = 8

/** The e of a sum that is sign times 2^e always, as coefficients of bits, none of them negative. */
function exponentOf(system: System, sum: Sum, sign: bigint, depth = 0): Form | undefined {
  const { field } = system
  const bit = system.asBit(sum)
  if (bit !== undefined) {
    const power = bit.offset === sign ? logarithm(field.centre(1n + sign * bit.scale)) : undefined
    return power === undefined ? undefined : new Map([[bit.bit, power]])
  }
  const [wire] = sum.wires
  if (wire === undefined || sum.wires.length > 1 || depth > MOST_FACTORS) return undefined
  for (const row of system.rowsWith(wire)) {
    const [a, b, c] = system.constraints[row]!
    if (c.wires.length !== 1 || c.wires[0] !== wire) continue
    // sum = coefficient * c, and c's own coefficient: a × b has this sign where sum has the one asked for.
    const ofProduct = field.centre(sign * sum.coefficients[0]! * c.coefficients[0]!)
    if (ofProduct !== 1n && ofProduct !== -1n) continue
    for (const ofA of [1n, -1n]) {
      const left = exponentOf(system, a, ofA, depth + 1)
      const right = exponentOf(system, b, ofA * ofProduct, depth + 1)
      if (left !== undefined && right !== undefined) return sumOf(left, right)
    }
  }
  return undefined
}

const sumOf = (a: Form, b: Form): Form =>
  [...b].reduce((sum, [atom, each]) => sum.set(atom, (sum.get(atom) ?? 0n) + each), new Map(a))

/** Of a power of two from 1 on. */
function logarithm(power: bigint): bigint | undefined {
  if (power < 1n || (power & (power - 1n)) !== 0n) return undefined
  return BigInt(power.toString(2).length - 1)
}

/**
 * Lemma: k·x² = n + k·c with n determined, where 2x equals a form s of whole numbers, s ≥ 0, and all squares stay below the order.
 * Two s have the same parity, because 4 divides the difference of their squares, so they are 2 apart or more; but
 * c ≤ h and s + c ≥ g with h < 1 + g, or c ≥ l and s - c ≥ g with l + g > 1, leave no room for that.
 */
function root(system: System, a: Sum, b: Sum, product: Sum): void {
  const { field } = system
  const x = field.form(a)
  const [atom] = system.split(x).open.keys()
  const k = field.form(b).get(atom!)! * field.inverse(x.get(atom!)!)
  const rest = field.scaled(system.split(field.form(product)).open, field.inverse(k))
  const rests = system.bounds(rest)
  if (rests === undefined || atomsOf(rest).length === 0) return
  for (const factor of [2n, -2n]) {
    for (const double of system.boundedEquals(field.scaled(x, factor), [atom!])) {
      const doubles = system.bounds(double)
      if (doubles === undefined || doubles.low < 0n) continue
      const squares = doubles.high * doubles.high - doubles.low * doubles.low
      if (squares + 4n * widthOf(rests) >= field.order) continue
      const sum = exactLow(system, double, rest, 1n)
      const difference = exactLow(system, double, rest, -1n)
      const isDown = sum !== undefined && rests.high < 1n + sum
      const isUp = difference !== undefined && rests.low + difference > 1n
      if (!isDown && !isUp) continue
      system.learn(field.form(a), 'square root')
      system.learn(rest, 'square root')
      return
    }
  }
}

/** The least of a + sign·b by the intervals of the atoms of that form, if no number that it could be is another's residue. */
function exactLow(system: System, a: Form, b: Form, sign: bigint): bigint | undefined {
  const [ofA, ofB, ofSum] = [a, b, system.field.plus(a, b, sign)].map((form) => system.bounds(form))
  if (ofA === undefined || ofB === undefined || ofSum === undefined) return undefined
  const ends = [
    ofA.low + smaller(sign * ofB.low, sign * ofB.high),
    ofA.high + greater(sign * ofB.low, sign * ofB.high),
  ] as const
  const hull = greater(ends[1], ofSum.high) - smaller(ends[0], ofSum.low)
  return hull < system.field.order ? ofSum.low : undefined
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const greater = (a: bigint, b: bigint): bigint => (a > b ? a : b)

/** Whether a multiple of the order lies in [low, high]. */
function hasMultiple(low: bigint, high: bigint, order: bigint): boolean {
  const floor = high / order - (high < 0n && high % order !== 0n ? 1n : 0n)
  return floor * order >= low
}
