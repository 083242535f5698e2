/**
 * Arithmetic modulo a prime of 254 bits on two elements at once, in the halves of WebAssembly's vectors: about 30 ns a product, where
 * integers of 64 bits take 100.
 *
 * An element is five limbs of 51 bits, each a whole number in a double. The product of two limbs has 102 bits; a fused multiply-add
 * rounds it once, so that adding 3 · 2^102 leaves its upper half in the mantissa, and a second one without that half the lower, exactly.
 * Both are added up as integers: what the constants 3 · 2^102 and 3 · 2^51 put into a column is taken off where the column begins.
 *
 * Limbs are balanced, at most 2^50 in size but for the last, and so are values: an element stands for any number of its residue class,
 * of either sign. Montgomery's reduction clears a column by a multiple of the modulus. For all columns but the last that is one of a
 * multiple that is -1 modulo 2^51, so that the column says how often without a product of its own, on which the next column would wait;
 * what is left of it, a quarter of the modulus, adds to the half of the last. Hence
 *
 *   |a · b| / 2^255 + 0.76 of the modulus
 *
 * bounds a product's size: 0.38 of the factors' sizes, in moduli, plus 0.76. Wherever limbs of 2^51 at most meet, two of them
 * multiply without loss; their sum may still do so with a balanced one. A settled element is within half the modulus (and 2^-45 of it).
 *
 * @see N. Emmart, Faster Modular Exponentiation using Double Precision Floating Point Arithmetic on the GPU (ARITH 2018)
 * @see https://github.com/WebAssembly/relaxed-simd
 */
import { power } from '../bn254.ts'
import { type Code, f64, FunctionCode, i32, i64, type Local, pair } from './assembler.ts'

export const LIMBS = 5
export const LIMB_BITS = 51
/** Of one element, and of two at once. */
export const WIDE_BYTES = 8 * LIMBS
export const PAIR_BYTES = 2 * WIDE_BYTES

const LIMB = 2n ** BigInt(LIMB_BITS)
const MASK = LIMB - 1n
/** Of an element as the kernel has it. */
export const NARROW_BYTES = 32
/** 2^255, by which a product is divided. */
export const RADIX = LIMB ** BigInt(LIMBS)
/** Added to a product of two limbs, they leave its upper and its lower half in the mantissa. */
const UPPER = 3 * 2 ** (2 * LIMB_BITS)
const LOWER = 3 * 2 ** LIMB_BITS
/** A double's mantissa begins here: a whole number below 2^51 or'ed to its bits is added to it. */
const MANTISSA = 2 ** 52
/** Keeps a column above zero, so that what it carries is shifted without a sign; 15 products of 2^52 are far below. */
const POSITIVE = 2n ** 61n
const HALF_LIMB = LIMB / 2n

/** Constants in memory, each twice so that both halves of a vector have it. */
export class Constants {
  readonly #base: number
  readonly #words: bigint[] = []

  /** @param base - where they will lie */
  constructor(base: number) {
    this.#base = base
  }

  /** Expression for a pair of doubles. */
  double(value: number): Code {
    return this.whole(bitsOf(value))
  }

  /** Expression for a pair of integers modulo 2^64. */
  whole(value: bigint): Code {
    return pair.load(i32.constant(this.address([value, value])))
  }

  /** Where these words lie, after one another. */
  address(words: readonly bigint[]): number {
    const at = this.#base + 8 * this.#words.length
    this.#words.push(...words.map((word) => BigInt.asUintN(64, word)))
    return at
  }

  get bytes(): Uint8Array {
    return new Uint8Array(BigUint64Array.from(this.#words).buffer)
  }
}

function bitsOf(value: number): bigint {
  return new DataView(new Float64Array([value]).buffer).getBigInt64(0, true)
}

/** Limbs of any number, balanced, the last with what is left. */
export function limbsOf(value: bigint): readonly number[] {
  const limbs: number[] = []
  let rest = value
  for (let k = 1; k < LIMBS; k++) {
    const limb = BigInt.asIntN(LIMB_BITS, rest)
    limbs.push(Number(limb))
    rest = (rest - limb) / LIMB
  }
  return [...limbs, Number(rest)]
}

/** Limbs of 1 in Montgomery form, within half the modulus. */
export function oneOf(modulus: bigint): readonly number[] {
  const one = RADIX % modulus
  return limbsOf(2n * one > modulus ? one - modulus : one)
}

/** Expressions for the five limbs of two elements. */
export type Limbs = readonly Code[]

/** Two elements in memory, side by side. */
export function pairAt(address: Local, offset = 0): Limbs {
  return Array.from({ length: LIMBS }, (_, k) => pair.load(address.get, offset + 16 * k))
}

/** One element each of two places. */
export function gathered(first: Local, second: Local, offset = 0): Limbs {
  return Array.from({ length: LIMBS }, (_, k) => pair.gather(first.get, second.get, offset + 8 * k))
}

export function storePair(address: Local, limbs: Limbs, offset = 0): Code {
  return limbs.flatMap((limb, k) => pair.store(address.get, limb, offset + 16 * k))
}

/** The first of two elements to one place, the second to another. */
export function scatter(first: Local, second: Local, limbs: readonly Local[], offset = 0): Code {
  return limbs.flatMap((limb, k) => [
    ...pair.storeLane(first.get, limb.get, offset + 8 * k, 0),
    ...pair.storeLane(second.get, limb.get, offset + 8 * k, 1),
  ])
}

export const subtractLimbs = (left: Limbs, right: Limbs): Limbs =>
  left.map((limb, k) => pair.subtract(limb, right[k] as Code))
export const addLimbs = (left: Limbs, right: Limbs): Limbs => left.map((limb, k) => pair.add(limb, right[k] as Code))

/** Expressions modulo one prime. */
export class PairedField {
  readonly modulus: bigint
  readonly #constants: Constants

  /** @param modulus - odd, below 2^254 */
  constructor(modulus: bigint, constants: Constants) {
    this.modulus = modulus
    this.#constants = constants
  }

  /**
   * Σ ±aᵢ · bᵢ / 2^255 into locals: balanced, at most Σ|aᵢ · bᵢ| / 2^255 + 0.76 of the modulus.
   *
   * @param products - one or two; sizes of limbs that meet multiply to 2^102 at most
   */
  multiply(
    into: FunctionCode,
    products: readonly { readonly a: Limbs; readonly b: Limbs; readonly negated?: boolean }[],
  ): readonly Local[] {
    const constants = this.#constants
    const hold = (value: Code): Local => into.hold('v128', value)
    const double = (value: number): Local => hold(constants.double(value))
    const [upper, both, lower] = [UPPER, UPPER + LOWER, LOWER].map(double) as [Local, Local, Local]
    const [mantissa, balance] = [MANTISSA, MANTISSA + Number(HALF_LIMB)].map(double) as [Local, Local]
    const mask = hold(constants.whole(MASK))
    const factors = products.map(({ b }) => b.map(hold))
    const [factor, quotient, high] = ['v128', 'v128', 'v128'].map(() => into.local('v128')) as [Local, Local, Local]
    const columns = columnStarts(products.length).map((start) => ({ start, local: into.local('v128') }))
    const column = (index: number): Local => (columns[index] as (typeof columns)[number]).local
    const begin = (from: number, end: number): void => {
      for (const { start, local } of columns.slice(from, end)) into.add(local.set(constants.whole(start)))
    }
    const addProduct = (a: Local, b: Local, at: number): void => {
      const [low, next] = [column(at), column(at + 1)]
      into.add(
        high.set(pair.multiplyAdd(a.get, b.get, upper.get)),
        next.set(pair.addWhole(next.get, high.get)),
        low.set(pair.addWhole(low.get, pair.multiplyAdd(a.get, b.get, pair.subtract(both.get, high.get)))),
      )
    }
    const carry = (from: number): void => {
      const shifted = pair.shiftRightUnsigned(column(from).get, LIMB_BITS)
      into.add(column(from + 1).set(pair.addWhole(column(from + 1).get, shifted)))
    }
    /** Its low 51 bits less what `offset` has beside 2^52. */
    const lowOf = (index: number, offset: Local): Code =>
      pair.subtract(pair.or(pair.and(column(index).get, mask.get), mantissa.get), offset.get)

    const multipleOf = friendlyMultiple(this.modulus)
    const multiple = limbsOf(multipleOf.rest).map(double)
    begin(0, LIMBS + 2)
    for (let row = 0; row < LIMBS; row++) {
      for (const [i, { a, negated }] of products.entries()) {
        into.add(factor.set(negated ? pair.negate(a[row] as Code) : (a[row] as Code)))
        for (const [j, b] of (factors[i] as readonly Local[]).entries()) addProduct(factor, b, row + j)
      }
      if (row === LIMBS - 1) break
      into.add(quotient.set(lowOf(row, balance)))
      for (const [j, limb] of multiple.entries()) addProduct(quotient, limb, row + 1 + j)
      carry(row)
      begin(row + LIMBS + 2, row + LIMBS + 3)
    }
    // The last column's low 51 bits times -1/modulus, of that the low 51 bits, balanced.
    const inverse = double(multipleOf.factor)
    into.add(
      quotient.set(lowOf(LIMBS - 1, mantissa)),
      high.set(pair.multiplyAdd(quotient.get, inverse.get, upper.get)),
      quotient.set(
        pair.subtract(pair.multiplyAdd(quotient.get, inverse.get, pair.subtract(both.get, high.get)), lower.get),
      ),
    )
    for (const [j, limb] of limbsOf(this.modulus).map(double).entries()) addProduct(quotient, limb, LIMBS - 1 + j)
    carry(LIMBS - 1)
    for (let index = LIMBS; index < 2 * LIMBS - 1; index++) {
      carry(index)
      into.add(column(index).set(lowOf(index, balance)))
    }
    const last = column(2 * LIMBS - 1)
    into.add(last.set(pair.subtract(last.get, lower.get)))
    return columns.slice(LIMBS).map(({ local }) => local)
  }

  /**
   * The same residues within half the modulus, balanced.
   *
   * @param limbs - of at most 2^52; together at most 4 moduli
   */
  settle(into: FunctionCode, limbs: Limbs): readonly Local[] {
    const held = limbs.map((limb) => into.hold('v128', limb))
    const constants = this.#constants
    const share = constants.double(2 ** (LIMB_BITS * (LIMBS - 1)) / Number(this.modulus))
    const times = into.hold('v128', pair.nearest(pair.multiply((held.at(-1) as Local).get, share)))
    // At most 4 · 2^50 each, which leaves the sum below 2^53.
    for (const [k, limb] of limbsOf(-this.modulus).entries()) {
      const local = held[k] as Local
      into.add(local.set(pair.multiplyAdd(times.get, constants.double(limb), local.get)))
    }
    this.balance(into, held)
    return held
  }

  /** Carries so that limbs are balanced. @param limbs - of at most 2^53 */
  private balance(into: FunctionCode, limbs: readonly Local[]): void {
    const constants = this.#constants
    const upper = into.hold('v128', constants.double(UPPER))
    const shift = into.hold('v128', constants.double(1 / Number(LIMB)))
    const carried = into.local('v128')
    for (let k = 0; k < LIMBS - 1; k++) {
      const [limb, next] = [limbs[k], limbs[k + 1]] as [Local, Local]
      into.add(
        carried.set(pair.subtract(pair.add(limb.get, upper.get), upper.get)),
        limb.set(pair.subtract(limb.get, carried.get)),
        next.set(pair.multiplyAdd(carried.get, shift.get, next.get)),
      )
    }
  }

  /** Ones where a settled element is zero. */
  isZero(settled: readonly Local[]): Code {
    const zero = this.#constants.double(0)
    return settled.map(({ get }) => pair.equal(get, zero)).reduce((all, each) => pair.and(all, each))
  }

  /**
   * `(source, count, result)`: elements of 32 bytes in Montgomery form of 2^256 to settled ones of {@link WIDE_BYTES} in that of 2^255.
   * The count is even.
   *
   * @param scratch - where {@link PAIR_BYTES} are free
   */
  widen(scratch: number): FunctionCode {
    const code = new FunctionCode(3)
    const [source, count, result] = code.parameters as [Local, Local, Local]
    const place = code.hold('i32', i32.constant(scratch))
    const second = code.local('i32')
    const words = Array.from({ length: 4 }, () => code.local('i64'))
    // (x · 2^256) · 2^254 / 2^255 = x · 2^255
    const half = limbsOf((RADIX / 2n) % this.modulus).map((limb) => this.#constants.double(limb))
    code.repeat(() => {
      for (const lane of [0, 1] as const)
        unpack(code, words, { source, offset: NARROW_BYTES * lane, result: place, lane })
      const product = this.multiply(code, [{ a: pairAt(place), b: half }])
      code.add(
        second.set(i32.add(result.get, i32.constant(WIDE_BYTES))),
        scatter(result, second, this.settle(code, valuesOf(product))),
        source.set(i32.add(source.get, i32.constant(2 * NARROW_BYTES))),
        result.set(i32.add(result.get, i32.constant(PAIR_BYTES))),
        count.set(i32.subtract(count.get, i32.constant(2))),
      )
    }, count.get)
    return code
  }

  /**
   * `(source, result)`: an element whose limbs are `stride` bytes apart, in Montgomery form of 2^255, to 32 bytes in that of 2^256,
   * below the modulus.
   *
   * @param scratch - where {@link PAIR_BYTES} are free
   */
  narrow(stride: number, scratch: number): FunctionCode {
    const code = new FunctionCode(2)
    const [source, result] = code.parameters as [Local, Local]
    const place = code.hold('i32', i32.constant(scratch))
    const twice = Array.from({ length: LIMBS }, (_, k) => {
      const limb = pair.loadSplat(source.get, stride * k)
      return pair.add(limb, limb)
    })
    code.add(storePair(place, valuesOf(this.settle(code, twice))))
    this.pack(code, wholeLocals(code), { source: place, lane: 0, result })
    return code
  }

  /** `(low, high, count, result)`: elements of 32 bytes, as they are, side by side; limbs are below 2^51 and not balanced. */
  interleave(): FunctionCode {
    const code = new FunctionCode(4)
    const [low, high, count, result] = code.parameters as [Local, Local, Local, Local]
    const words = Array.from({ length: 4 }, () => code.local('i64'))
    code.repeat(() => {
      for (const [lane, source] of ([low, high] as const).entries()) {
        unpack(code, words, { source, offset: 0, result, lane: lane as 0 | 1 })
        code.add(source.set(i32.add(source.get, i32.constant(NARROW_BYTES))))
      }
      code.add(
        result.set(i32.add(result.get, i32.constant(PAIR_BYTES))),
        count.set(i32.subtract(count.get, i32.constant(1))),
      )
    }, count.get)
    return code
  }

  /** `(pairs, count, low, high)`: the way back, of settled pairs, to elements below the modulus. */
  separate(): FunctionCode {
    const code = new FunctionCode(4)
    const [source, count, low, high] = code.parameters as [Local, Local, Local, Local]
    const limbs = wholeLocals(code)
    code.repeat(() => {
      for (const [lane, result] of ([low, high] as const).entries()) {
        this.pack(code, limbs, { source, lane: lane as 0 | 1, result })
        code.add(result.set(i32.add(result.get, i32.constant(NARROW_BYTES))))
      }
      code.add(
        source.set(i32.add(source.get, i32.constant(PAIR_BYTES))),
        count.set(i32.subtract(count.get, i32.constant(1))),
      )
    }, count.get)
    return code
  }

  /** Writes a settled element of a pair as 32 bytes, below the modulus. */
  private pack(
    code: FunctionCode,
    { limbs, isNegative }: ReturnType<typeof wholeLocals>,
    { source, lane, result }: { readonly source: Local; readonly lane: 0 | 1; readonly result: Local },
  ): void {
    for (const [k, limb] of limbs.entries()) code.add(limb.set(f64.loadWhole(source.get, 16 * k + 8 * lane)))
    carryWhole(code, limbs)
    code.add(isNegative.set(i64.shiftRight((limbs.at(-1) as Local).get, 63)))
    for (const [k, limb] of limbs.entries()) {
      const ofModulus = i64.constant((this.modulus >> BigInt(LIMB_BITS * k)) & MASK)
      code.add(limb.set(i64.add(limb.get, i64.and(isNegative.get, ofModulus))))
    }
    carryWhole(code, limbs)
    for (let word = 0; word < 4; word++) {
      const parts = limbs.flatMap(({ get }, k) => {
        const shift = LIMB_BITS * k - 64 * word
        if (shift <= -LIMB_BITS || shift >= 64) return []
        return [shift < 0 ? i64.shiftRightUnsigned(get, -shift) : i64.shiftLeft(get, shift)]
      })
      const bits = parts.reduce((all, part) => i64.or(all, part))
      code.add(i64.store(result.get, bits, 8 * word))
    }
  }
}

function wholeLocals(code: FunctionCode) {
  return { limbs: Array.from({ length: LIMBS }, () => code.local('i64')), isNegative: code.local('i64') }
}

type Unpacking = {
  readonly source: Local
  readonly offset: number
  readonly result: Local
  readonly lane: 0 | 1
}

/** Writes 32 bytes as limbs of 51 bits to one half of a pair. */
function unpack(code: FunctionCode, words: readonly Local[], { source, offset, result, lane }: Unpacking): void {
  for (const [i, word] of words.entries()) code.add(word.set(i64.load(source.get, offset + 8 * i)))
  for (let k = 0; k < LIMBS; k++) {
    const [index, shift] = [Math.floor((LIMB_BITS * k) / 64), (LIMB_BITS * k) % 64]
    const low = i64.shiftRightUnsigned((words[index] as Local).get, shift)
    const next = shift + LIMB_BITS > 64 ? words[index + 1] : undefined
    const bits = next === undefined ? low : i64.or(low, i64.shiftLeft(next.get, 64 - shift))
    // The last may have 52: nothing of 256 bits is lost.
    const limb = k === LIMBS - 1 ? bits : i64.and(bits, i64.constant(MASK))
    code.add(f64.storeWhole(result.get, limb, 16 * k + 8 * lane))
  }
}

export const valuesOf = (locals: readonly Local[]): Limbs => locals.map(({ get }) => get)

/** Carries so that limbs are in [0, 2^51), but for the last, which has the sign. */
function carryWhole(code: FunctionCode, limbs: readonly Local[]): void {
  for (let k = 0; k < LIMBS - 1; k++) {
    const [limb, next] = [limbs[k], limbs[k + 1]] as [Local, Local]
    code.add(
      next.set(i64.add(next.get, i64.shiftRight(limb.get, LIMB_BITS))),
      limb.set(i64.and(limb.get, i64.constant(MASK))),
    )
  }
}

/**
 * The multiple of the modulus that is -1 modulo 2^51.
 *
 * @returns the factor, balanced, and the multiple but for its lowest limb: (factor · modulus + 1) / 2^51
 */
function friendlyMultiple(modulus: bigint): { readonly factor: number; readonly rest: bigint } {
  // Euler's theorem: half of the numbers below 2^51 are odd.
  const factor = BigInt.asIntN(LIMB_BITS, -power(modulus, LIMB / 2n - 1n, LIMB))
  return { factor: Number(factor), rest: (factor * modulus + 1n) / LIMB }
}

/**
 * What columns begin with, modulo 2^64: less what the constants of the products that meet in one will add, 2^61 so that it stays above
 * zero, less what the column before carries of its own 2^61, and half a limb where low bits are taken balanced.
 *
 * @param products - that are added up
 */
function columnStarts(products: number): readonly bigint[] {
  const starts = Array.from({ length: 2 * LIMBS }, () => 0n)
  const meet = (column: number, times: number): void => {
    starts[column] = (starts[column] as bigint) - BigInt(times) * bitsOf(LOWER)
    starts[column + 1] = (starts[column + 1] as bigint) - BigInt(times) * bitsOf(UPPER)
  }
  for (let row = 0; row < LIMBS; row++) {
    for (let j = 0; j < LIMBS; j++) {
      meet(row + j, products)
      // All rows but the last reduce by the friendly multiple, which begins a column later.
      meet(row + j + (row < LIMBS - 1 ? 1 : 0), 1)
    }
  }
  const last = starts.length - 1
  return starts.map((start, column) => {
    const carried = column === 0 ? 0n : POSITIVE / LIMB
    const balance = column !== LIMBS - 1 && column !== last ? HALF_LIMB : 0n
    // The last is read as a double, as it stands.
    return BigInt.asUintN(64, start - carried + balance + (column === last ? bitsOf(LOWER) : POSITIVE))
  })
}
