/** The functions of `pairedField.ts` and `pairedGroup.ts` in a kernel's memory, beside the module that the kernel has of snarkjs. */
import { BASE_FIELD_ORDER, SCALAR_FIELD_ORDER } from '../bn254.ts'
import { ModuleCode } from './assembler.ts'
import type { GroupName, Kernel } from './kernel.ts'
import {
  Constants,
  LIMB_BITS,
  LIMBS,
  limbsOf,
  NARROW_BYTES,
  oneOf,
  PAIR_BYTES,
  PairedField,
  RADIX,
  WIDE_BYTES,
} from './pairedField.ts'
import { addGroup, scratchBytes } from './pairedGroup.ts'
import { addTransform } from './pairedTransform.ts'

const degrees = { g1: 1, g2: 2 } as const satisfies Record<GroupName, 1 | 2>

/** As `addGroup` describes them: the last is where kinds, or sums, go. */
type Additions = (
  left: number,
  right: number,
  pairs: number,
  denominators: number,
  prefixes: number,
  product: number,
  last: number,
) => number

/** One of the groups over wide coordinates. */
export interface PairedGroup {
  /** Of a point. */
  readonly pointBytes: number
  /** Of two coordinates side by side. */
  readonly pairBytes: number
  readonly prepare: Additions
  readonly finish: Additions
  /** Two points of different x, for where an addition is wanted and none is noted. */
  readonly idle: readonly [number, number]
  /** Turns `count` affine points in the kernel's form into wide ones. */
  widen(points: number, count: number, result: number): void
  /** Turns one wide point into an affine one in the kernel's form. */
  narrow(point: number, result: number): void
  /** Writes two coordinates that are 1. */
  writeOnes(pair: number): void
  /** Inverts two coordinates, neither 0. */
  invert(pair: number): void
}

type Butterflies = (low: number, high: number, count: number, step: number, root: number, rootStep: number) => void
type Across = (slots: number, count: number, roots: number) => void

/** The scalar field, for transforms: as `addTransform` and `PairedField` describe them. */
export interface PairedScalars {
  /** Of a root, and of a slot. */
  readonly wideBytes: number
  readonly pairBytes: number
  readonly widen: (source: number, count: number, result: number) => void
  readonly interleave: (low: number, high: number, count: number, result: number) => void
  readonly separate: (pairs: number, count: number, low: number, high: number) => void
  readonly decimate: Butterflies
  readonly decimateAcross: Across
  readonly combine: Butterflies
  readonly combineLoosely: Butterflies
  readonly combineAcross: Across
  readonly scale: (slots: number, count: number, low: number, high: number) => void
}

export interface PairedArithmetic {
  readonly groups: Readonly<Record<GroupName, PairedGroup>>
  readonly scalars: PairedScalars
}

/**
 * Adds them to a kernel.
 *
 * @returns undefined where the engine has no relaxed vectors, or the processor does not round a multiplication and addition once
 */
export async function loadPairedArithmetic(kernel: Kernel): Promise<PairedArithmetic | undefined> {
  const scratch = kernel.allocate(PAIR_BYTES)
  const places = { g1: kernel.allocate(scratchBytes(1)), g2: kernel.allocate(scratchBytes(2)) }
  const base = kernel.allocate(0)
  const { code, constants } = moduleOver(base, scratch, places)
  if (!WebAssembly.validate(code)) return undefined
  kernel.bytes(kernel.allocate(constants.length), constants.length).set(constants)
  const exports = await kernel.instantiate(code)
  if (!isFused(kernel, exports)) return undefined
  const scalars = { ...exports, widen: exports.widenScalars, wideBytes: WIDE_BYTES, pairBytes: PAIR_BYTES }
  return {
    groups: { g1: bindGroup(kernel, exports, 'g1'), g2: bindGroup(kernel, exports, 'g2') },
    scalars: scalars as unknown as PairedScalars,
  }
}

function moduleOver(base: number, scratch: number, places: Readonly<Record<GroupName, number>>) {
  const module = new ModuleCode()
  const constants = new Constants(base)
  const field = new PairedField(BASE_FIELD_ORDER, constants)
  module.add('widen', field.widen(scratch))
  module.add('narrow', field.narrow(8, scratch))
  module.add('narrowHalf', field.narrow(16, scratch))
  for (const name of ['g1', 'g2'] as const) addGroup(module, name, field, degrees[name], constants, places[name])
  const scalars = new PairedField(SCALAR_FIELD_ORDER, constants)
  module.add('widenScalars', scalars.widen(scratch))
  module.add('interleave', scalars.interleave())
  module.add('separate', scalars.separate())
  addTransform(module, scalars)
  return { code: module.bytes, constants: constants.bytes }
}

type Exports = Readonly<Record<string, CallableFunction>>

function bindGroup(kernel: Kernel, exports: Exports, name: GroupName): PairedGroup {
  const degree = degrees[name]
  const { field } = kernel.groups[name]
  const { widen, narrow, narrowHalf } = exports as Record<string, (...numbers: readonly number[]) => void>
  const [pairBytes, pointBytes] = [degree * PAIR_BYTES, 2 * degree * WIDE_BYTES]
  const idle = [kernel.allocate(pointBytes), kernel.allocate(pointBytes)] as const
  for (const [i, point] of idle.entries()) writeDoubles(kernel, point, [i, ...Array(2 * degree * LIMBS - 1).fill(0)])
  const one = oneOf(BASE_FIELD_ORDER)
  const [halves, product] = [kernel.allocate(2 * field.bytes), kernel.allocate(field.bytes)]
  const wide = kernel.allocate(pairBytes)
  return {
    pointBytes,
    pairBytes,
    idle,
    prepare: exports[`${name}_prepare`] as unknown as Additions,
    finish: exports[`${name}_finish`] as unknown as Additions,
    widen: (points, count, result) => widen?.(points, 2 * degree * count, result),
    narrow: (point, result) => {
      for (let i = 0; i < 2 * degree; i++) narrow?.(point + WIDE_BYTES * i, result + NARROW_BYTES * i)
    },
    writeOnes: (pair) => {
      const ones = one.flatMap((limb) => [limb, limb])
      writeDoubles(kernel, pair, [...ones, ...Array((degree - 1) * 2 * LIMBS).fill(0)])
    },
    invert: (pair) => {
      const [first, second] = [halves, halves + field.bytes]
      for (const [lane, half] of [first, second].entries()) {
        for (let part = 0; part < degree; part++)
          narrowHalf?.(pair + PAIR_BYTES * part + 8 * lane, half + NARROW_BYTES * part)
      }
      field.multiply(first, second, product)
      field.inverse(product, product)
      field.multiply(first, product, first)
      field.multiply(second, product, second)
      // Each half is the inverse of the other now.
      widen?.(halves, 2 * degree, wide)
      const doubles = readDoubles(kernel, wide, 2 * degree * LIMBS)
      const interleaved = Array.from({ length: degree * LIMBS }, (_, i) => [doubles[degree * LIMBS + i], doubles[i]])
      writeDoubles(kernel, pair, interleaved.flat() as number[])
    },
  }
}

function writeDoubles(kernel: Kernel, pointer: number, values: readonly number[]): void {
  kernel.doubles(pointer, values.length).set(values)
}

function readDoubles(kernel: Kernel, pointer: number, count: number): Float64Array {
  return kernel.doubles(pointer, count).slice()
}

/** A product that comes out right by a sum that is rounded once, and not by one that is rounded twice. */
function isFused(kernel: Kernel, exports: Exports): boolean {
  return kernel.temporarily(() => {
    const [a, result] = [kernel.allocate(PAIR_BYTES), kernel.allocate(PAIR_BYTES)]
    const value = BASE_FIELD_ORDER / 3n
    writeDoubles(
      kernel,
      a,
      limbsOf(value).flatMap((limb) => [limb, limb]),
    )
    exports.g1_multiply?.(a, a, result)
    const limbs = readDoubles(kernel, result, 2 * LIMBS).filter((_, i) => i % 2 === 0)
    const product = [...limbs].reduceRight((sum, limb) => sum * 2n ** BigInt(LIMB_BITS) + BigInt(limb), 0n)
    return (product * RADIX - value * value) % BASE_FIELD_ORDER === 0n
  })
}
