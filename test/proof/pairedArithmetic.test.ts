import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { readUint256, writeUint256 } from '../../prover/proof/binaryFile.ts'
import { BASE_FIELD_ORDER as Q, modulo, SCALAR_FIELD_ORDER as R } from '../../prover/proof/bn254.ts'
import { FunctionCode, type Local, ModuleCode, pair } from '../../prover/proof/kernel/assembler.ts'
import { Kernel } from '../../prover/proof/kernel/kernel.ts'
import { kernelCode } from '../../prover/proof/kernel/kernelCode.ts'
import {
  addLimbs,
  Constants,
  LIMB_BITS,
  LIMBS,
  limbsOf,
  PairedField,
  pairAt,
  RADIX,
  storePair,
  subtractLimbs,
  valuesOf,
  WIDE_BYTES,
} from '../../prover/proof/kernel/pairedField.ts'

const [A, B, C, D, RESULT] = [1024, 2048, 3072, 4096, 5120] as const
const BALANCED = 2 ** (LIMB_BITS - 1)

type Operation = (code: FunctionCode, a: Local, b: Local, c: Local, d: Local) => readonly Local[]

/** What an operation makes of numbers at A to D, each in both halves of its pair but for the sign of the second. */
function operationsOf(modulus: bigint) {
  const constants = new Constants(8192)
  const field = new PairedField(modulus, constants)
  const module = new ModuleCode()
  const add = (name: string, operation: Operation): void => {
    const code = new FunctionCode(5)
    const [a, b, c, d, result] = code.parameters as [Local, Local, Local, Local, Local]
    code.add(storePair(result, valuesOf(operation(code, a, b, c, d))))
    module.add(name, code)
  }
  add('product', (code, a, b) => field.multiply(code, [{ a: pairAt(a), b: pairAt(b) }]))
  add('two', (code, a, b, c, d) =>
    field.multiply(code, [
      { a: pairAt(a), b: pairAt(b) },
      { a: pairAt(c), b: pairAt(d), negated: true },
    ]),
  )
  add('differences', (code, a, b, c, d) =>
    field.multiply(code, [{ a: subtractLimbs(pairAt(a), pairAt(b)), b: subtractLimbs(pairAt(c), pairAt(d)) }]),
  )
  add('settled', (code, a, b, c, d) =>
    field.settle(code, addLimbs(addLimbs(pairAt(a), pairAt(b)), addLimbs(pairAt(c), pairAt(d)))),
  )
  module.add('widen', field.widen(512))
  module.add('narrow', field.narrow(8, 512))
  const memory = new WebAssembly.Memory({ initial: 1 })
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.bytes), { env: { memory } })
  const exports = instance.exports as Record<string, (...numbers: readonly number[]) => void>
  new Uint8Array(memory.buffer).set(constants.bytes, 8192)
  const doubles = new Float64Array(memory.buffer)
  const bytes = new Uint8Array(memory.buffer)
  return {
    bytes,
    call: (name: string, ...numbers: readonly number[]): void => exports[name]?.(...numbers),
    run: (name: string, numbers: readonly bigint[]): { values: readonly bigint[]; limbs: readonly number[] } => {
      for (const [i, number] of numbers.entries()) {
        for (const [k, limb] of limbsOf(number).entries()) {
          const at = (([A, B, C, D] as const)[i] as number) / 8 + 2 * k
          doubles[at] = limb
          doubles[at + 1] = i === 0 ? -limb : limb
        }
      }
      exports[name]?.(A, B, C, D, RESULT)
      const limbs = [...doubles.slice(RESULT / 8, RESULT / 8 + 2 * LIMBS)]
      const value = (lane: number): bigint =>
        limbs
          .filter((_, i) => i % 2 === lane)
          .reduceRight((sum, limb) => sum * 2n ** BigInt(LIMB_BITS) + BigInt(limb), 0n)
      return { values: [value(0), value(1)], limbs: limbs.slice(0, -2) }
    },
  }
}

/** Of either sign and up to `most` halves of the modulus: its ends, powers of the limbs and their halves, and any. */
function numbers(modulus: bigint, most: bigint, count: number): bigint[] {
  const bound = (most * modulus) / 2n
  const edges = [0n, 1n, bound, bound - 1n, modulus / 2n, (modulus + 1n) / 2n]
  for (let k = 1n; k <= 4n; k++) {
    const limb = 2n ** (51n * k)
    edges.push(limb, limb - 1n, limb / 2n, limb / 2n - 1n, limb / 2n + 1n, limb + limb / 2n)
  }
  const any = (): bigint => BigInt(`0x${randomBytes(40).toString('hex')}`) % bound
  const one = (i: number): bigint =>
    i % 3 === 0 ? (edges[randomBytes(1).readUInt8() % edges.length] as bigint) : any()
  return Array.from({ length: count }, (_, i) => (randomBytes(1).readUInt8() % 2 ? -1n : 1n) * one(i))
}

/** Thousandths of the modulus. */
const sizeOf = (value: bigint, modulus: bigint): number => Number(((value < 0n ? -value : value) * 1000n) / modulus)

describe.each([
  ['coordinates', Q],
  ['scalars', R],
])('two %s at once', (_, modulus) => {
  const { run, call, bytes } = operationsOf(modulus)
  const isReduced = (limbs: readonly number[]): boolean => limbs.every((limb) => Math.abs(limb) <= BALANCED)

  it('multiply as bigints do, balanced, within the bound that sizes are told by', () => {
    const [as, bs] = [numbers(modulus, 2n, 20_000), numbers(modulus, 2n, 20_000)]
    for (const [i, a] of as.entries()) {
      const b = bs[i] as bigint
      const { values, limbs } = run('product', [a, b])
      expect(modulo((values[0] as bigint) * RADIX - a * b, modulus)).toBe(0n)
      expect(modulo((values[1] as bigint) * RADIX + a * b, modulus)).toBe(0n)
      expect(isReduced(limbs)).toBe(true)
      const bound = 760 + (sizeOf(a, modulus) * sizeOf(b, modulus) * 0.38) / 1000
      for (const value of values) expect(sizeOf(value, modulus)).toBeLessThanOrEqual(bound + 1)
    }
  })

  it('add up two products, of which one is taken away, before they reduce', () => {
    const all = numbers(modulus, 2n, 20_000)
    for (let i = 0; i < all.length; i += 4) {
      const [a, b, c, d] = all.slice(i, i + 4) as [bigint, bigint, bigint, bigint]
      const { values, limbs } = run('two', [a, b, c, d])
      expect(modulo((values[0] as bigint) * RADIX - a * b + c * d, modulus)).toBe(0n)
      expect(modulo((values[1] as bigint) * RADIX + a * b + c * d, modulus)).toBe(0n)
      expect(isReduced(limbs)).toBe(true)
    }
  })

  it('multiply differences whose limbs are twice as large', () => {
    const all = numbers(modulus, 1n, 20_000)
    for (let i = 0; i < all.length; i += 4) {
      const [a, b, c, d] = all.slice(i, i + 4) as [bigint, bigint, bigint, bigint]
      const { values } = run('differences', [a, b, c, d])
      expect(modulo((values[0] as bigint) * RADIX - (a - b) * (c - d), modulus)).toBe(0n)
      expect(modulo((values[1] as bigint) * RADIX - (-a - b) * (c - d), modulus)).toBe(0n)
    }
  })

  it('multiply limbs that are all at their ends, of like and of unlike signs', () => {
    for (const [left, right] of [
      [1, 1],
      [1, -1],
      [-1, -1],
    ] as const) {
      const ends = (sign: number): bigint =>
        [0, 1, 2, 3].reduce((sum, k) => sum + (BigInt(sign * BALANCED) << BigInt(51 * k)), 0n)
      const [a, b] = [ends(left), ends(right)]
      const { values } = run('product', [a, b])
      expect(modulo((values[0] as bigint) * RADIX - a * b, modulus)).toBe(0n)
      expect(modulo((values[1] as bigint) * RADIX + a * b, modulus)).toBe(0n)
      // Of opposite ends: limbs twice as large.
      const [difference] = run('differences', [a, -a, b, -b]).values
      expect(modulo((difference as bigint) * RADIX - 4n * a * b, modulus)).toBe(0n)
    }
  })

  it('settle sums of four within half the modulus', () => {
    const all = numbers(modulus, 2n, 20_000)
    for (let i = 0; i < all.length; i += 4) {
      const terms = all.slice(i, i + 4) as [bigint, bigint, bigint, bigint]
      const { values, limbs } = run('settled', terms)
      const [, b, c, d] = terms
      expect(modulo((values[0] as bigint) - terms[0] - b - c - d, modulus)).toBe(0n)
      expect(modulo((values[1] as bigint) + terms[0] - b - c - d, modulus)).toBe(0n)
      expect(isReduced(limbs)).toBe(true)
      for (const value of values) expect(sizeOf(value, modulus)).toBeLessThanOrEqual(500)
    }
  })

  it('come from the kernel’s form and go back to it, below the modulus', () => {
    const values = [0n, 1n, 2n, modulus - 1n, modulus / 2n, modulus / 2n + 1n, ...numbers(modulus, 2n, 500)].map(
      (value) => modulo(value, modulus),
    )
    const [source, wide, back] = [20_000 - (20_000 % 64), 40_000 - (40_000 % 64), 62_976] as const
    for (const [i, value] of values.entries()) writeUint256(bytes, source + 32 * i, value)
    call('widen', source, values.length, wide)
    for (const [i, value] of values.entries()) {
      call('narrow', wide + WIDE_BYTES * i, back)
      expect(readUint256(bytes, back)).toBe(value)
    }
  })
})

describe('where a machine has no vectors that round once', () => {
  let kernel: Kernel
  beforeAll(async () => {
    // What the instruction may do as well: multiply, round, add, round.
    const spy = vi
      .spyOn(pair, 'multiplyAdd')
      .mockImplementation((a, b, c) => pair.add(pair.multiply(a as never, b as never), c as never))
    kernel = await Kernel.load(await kernelCode())
    spy.mockRestore()
  })

  it('the kernel does without, and has them elsewhere', async () => {
    expect(kernel.paired).toBeUndefined()
    expect((await Kernel.load(await kernelCode())).paired).toBeDefined()
  })
})
