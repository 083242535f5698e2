/**
 * snarkjs' WebAssembly arithmetic for BN254, driven directly: fields and groups as functions on pointers.
 *
 * A call from JavaScript costs about 6 ns and a field multiplication about 100 ns, so loops written in TypeScript over these
 * primitives lose little, and may choose better algorithms than the loops compiled into the module.
 *
 * Elements lie in the module's own memory, little-endian and in Montgomery form (value · 2^256) unless said otherwise. This file
 * imports no package: it runs in worker threads, where snarkjs itself cannot be loaded.
 */

import { readUint256, writeUint256 } from '../binaryFile.ts'
import { loadPairedArithmetic, type PairedArithmetic } from './pairedArithmetic.ts'

/** The compiled module and where it keeps the generators; plain data, so that it can be posted to a thread. */
export interface KernelCode {
  readonly code: Uint8Array
  readonly g1Generator: number
  readonly g2Generator: number
}

type Unary = (a: number, result: number) => void
type Binary = (a: number, b: number, result: number) => void

/** A prime field, or its quadratic extension. */
export interface Field {
  /** Size of an element. */
  readonly bytes: number
  readonly add: Binary
  readonly subtract: Binary
  readonly multiply: Binary
  readonly square: Unary
  readonly negate: Unary
  readonly inverse: Unary
  readonly toMontgomery: Unary
  readonly fromMontgomery: Unary
  readonly copy: Unary
  readonly isZero: (a: number) => number
  readonly equal: (a: number, b: number) => number
  readonly one: (result: number) => void
  readonly zero: (result: number) => void
}

/** One of the two groups; points are affine (x, y), with (0, 0) for infinity, or Jacobian (X, Y, Z). */
export interface Group {
  readonly field: Field
  readonly affineBytes: number
  readonly jacobianBytes: number
  /** The generator, Jacobian. */
  readonly generator: number
  readonly add: Binary
  /** Jacobian plus affine. */
  readonly addMixed: Binary
  readonly double: Unary
  readonly copy: Unary
  readonly zero: (result: number) => void
  readonly isZeroAffine: (a: number) => number
  readonly negate: Unary
  readonly toAffine: Unary
  /** Use {@link Kernel.toAffine}, which sees to the spare memory this needs. */
  readonly batchToAffine: (points: number, count: number, result: number) => void
}

/** Names the two groups in messages between threads. */
export type GroupName = 'g1' | 'g2'

const FIELD_BYTES = 32
const PAGE_BYTES = 65_536
const INITIAL_PAGES = 25
/** Spare memory kept beyond the last allocation, for the module's own temporary values. */
const SPARE_BYTES = 4 * PAGE_BYTES
const ALIGNMENT = 64
/** Addresses are of 32 bits. */
const MOST_BYTES = 2 ** 32

/** One instance of the module with its memory; not shared between threads. */
export class Kernel {
  readonly scalars: Field
  readonly coordinates: Field
  readonly groups: Readonly<Record<GroupName, Group>>
  /** The same, faster; undefined where the machine does not have what that takes. */
  paired: PairedArithmetic | undefined
  private readonly memory: WebAssembly.Memory

  private constructor(memory: WebAssembly.Memory, exports: Record<string, CallableFunction>, code: KernelCode) {
    this.memory = memory
    this.scalars = bindField(exports, 'frm', FIELD_BYTES)
    this.coordinates = bindField(exports, 'f1m', FIELD_BYTES)
    this.groups = {
      g1: bindGroup(exports, 'g1m', this.coordinates, code.g1Generator),
      g2: bindGroup(exports, 'g2m', bindField(exports, 'f2m', 2 * FIELD_BYTES), code.g2Generator),
    }
  }

  /** Instantiates the module. */
  static async load(code: KernelCode): Promise<Kernel> {
    const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES })
    const kernel = new Kernel(memory, await instantiateOver(memory, code.code), code)
    kernel.paired = await loadPairedArithmetic(kernel)
    return kernel
  }

  /** Another module over the same memory. */
  instantiate(code: Uint8Array): Promise<Record<string, CallableFunction>> {
    return instantiateOver(this.memory, code)
  }

  /**
   * Reserves `length` bytes until a surrounding {@link Kernel.temporarily} ends, or for good; content undefined.
   *
   * @throws RangeError beyond what a module can have
   */
  allocate(length: number): number {
    const pointer = Math.ceil(this.freePointer / ALIGNMENT) * ALIGNMENT
    // The pointer would begin anew at 0.
    if (pointer + length + SPARE_BYTES > MOST_BYTES)
      throw new RangeError(`Expected at most ${MOST_BYTES} bytes for the arithmetic's memory, got ${pointer + length}.`)
    this.freePointer = pointer + length
    this.reserve(SPARE_BYTES)
    return pointer
  }

  /** Makes sure that `length` bytes of memory exist beyond the last allocation. */
  reserve(length: number): void {
    const missing = this.freePointer + length - this.memory.buffer.byteLength
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE_BYTES))
  }

  /** Turns `count` Jacobian points at `points` into affine ones at `result`, which may be the same place. */
  toAffine(group: Group, points: number, count: number, result: number): void {
    // The module keeps the inverses and their running products in unreserved memory.
    this.reserve((2 * count + 1) * group.field.bytes + SPARE_BYTES)
    group.batchToAffine(points, count, result)
  }

  /** Runs `job` and then takes back all that it allocated. */
  temporarily<Result>(job: () => Result): Result {
    const before = this.freePointer
    try {
      return job()
    } finally {
      this.freePointer = before
    }
  }

  /** A view of memory; any later allocation may detach it. */
  bytes(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.memory.buffer, pointer, length)
  }

  /** The same of doubles. */
  doubles(pointer: number, count: number): Float64Array {
    return new Float64Array(this.memory.buffer, pointer, count)
  }

  /** The same of words of 32 bits. */
  words(pointer: number, count: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, pointer, count)
  }

  /** Copies `source` into newly allocated memory. */
  store(source: Uint8Array): number {
    const pointer = this.allocate(source.length)
    this.bytes(pointer, source.length).set(source)
    return pointer
  }

  /** Stores a scalar below the group order in Montgomery form. */
  storeScalar(value: bigint): number {
    const pointer = this.allocate(FIELD_BYTES)
    writeUint256(this.bytes(pointer, FIELD_BYTES), 0, value)
    this.scalars.toMontgomery(pointer, pointer)
    return pointer
  }

  /** Stores a point given by its Jacobian coordinates, each a number or, in the second group, two. */
  storePoint(group: Group, coordinates: readonly bigint[]): number {
    const point = this.allocate(group.jacobianBytes)
    for (const [i, coordinate] of coordinates.entries()) {
      const pointer = point + i * FIELD_BYTES
      writeUint256(this.bytes(pointer, FIELD_BYTES), 0, coordinate)
      this.coordinates.toMontgomery(pointer, pointer)
    }
    return point
  }

  /** The affine coordinates of a Jacobian point, each a number or, in the second group, two. */
  readPoint(group: Group, point: number): bigint[] {
    return this.temporarily(() => {
      const affine = this.allocate(group.affineBytes)
      group.toAffine(point, affine)
      return Array.from({ length: group.affineBytes / FIELD_BYTES }, (_, i) => {
        const pointer = affine + i * FIELD_BYTES
        this.coordinates.fromMontgomery(pointer, pointer)
        return readUint256(this.bytes(pointer, FIELD_BYTES), 0)
      })
    })
  }

  /** A copy of memory. */
  read(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    return this.bytes(pointer, length).slice()
  }

  /** The module keeps the address of its first free byte at address 0. */
  private get freePointer(): number {
    return new Uint32Array(this.memory.buffer, 0, 1)[0] as number
  }

  private set freePointer(pointer: number) {
    new Uint32Array(this.memory.buffer, 0, 1)[0] = pointer
  }
}

async function instantiateOver(
  memory: WebAssembly.Memory,
  code: Uint8Array,
): Promise<Record<string, CallableFunction>> {
  const module = await WebAssembly.compile(code as BufferSource)
  const instance = await WebAssembly.instantiate(module, { env: { memory } })
  return instance.exports as Record<string, CallableFunction>
}

function bindField(exports: Record<string, CallableFunction>, prefix: string, bytes: number): Field {
  return {
    bytes,
    add: exports[`${prefix}_add`],
    subtract: exports[`${prefix}_sub`],
    multiply: exports[`${prefix}_mul`],
    square: exports[`${prefix}_square`],
    negate: exports[`${prefix}_neg`],
    inverse: exports[`${prefix}_inverse`],
    toMontgomery: exports[`${prefix}_toMontgomery`],
    fromMontgomery: exports[`${prefix}_fromMontgomery`],
    copy: exports[`${prefix}_copy`],
    isZero: exports[`${prefix}_isZero`],
    equal: exports[`${prefix}_eq`],
    one: exports[`${prefix}_one`],
    zero: exports[`${prefix}_zero`],
  } as unknown as Field
}

function bindGroup(exports: Record<string, CallableFunction>, prefix: string, field: Field, generator: number): Group {
  return {
    field,
    affineBytes: 2 * field.bytes,
    jacobianBytes: 3 * field.bytes,
    generator,
    add: exports[`${prefix}_add`],
    addMixed: exports[`${prefix}_addMixed`],
    double: exports[`${prefix}_double`],
    copy: exports[`${prefix}_copy`],
    zero: exports[`${prefix}_zero`],
    isZeroAffine: exports[`${prefix}_isZeroAffine`],
    negate: exports[`${prefix}_neg`],
    toAffine: exports[`${prefix}_toAffine`],
    batchToAffine: exports[`${prefix}_batchToAffine`],
  } as unknown as Group
}
