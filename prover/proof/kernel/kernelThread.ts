/** Entry of a worker thread: one kernel, and the part of the proving keys loaded into it. Started by `kernelThreads.ts`. */
import { parentPort, workerData } from 'node:worker_threads'
import { ConstraintValues } from './constraintValues.ts'
import {
  cosetTransform,
  fixedBase,
  type GeneratorMultiples,
  multiExponentiation,
  type Transform,
  type WindowSums,
} from './fastest.ts'
import { type GroupName, Kernel, type KernelCode } from './kernel.ts'
import { SignedDigits } from './signedDigits.ts'

/** The five sums of points that a proof needs; A, B1, B2 and C over the witness, H over the quotient. */
export type SumName = 'a' | 'b1' | 'b2' | 'c' | 'h'

/** Memory that all threads share, for one proving key; 32-byte little-endian elements. */
export interface SharedVectors {
  /** Every wire; not in Montgomery form. */
  readonly witness: Uint8Array
  /** A·w, B·w and their products by row, later their values on the coset; Montgomery form. */
  readonly rows: readonly [Uint8Array, Uint8Array, Uint8Array]
  /** (A·w)(B·w) - C·w on the coset; not in Montgomery form. */
  readonly quotient: Uint8Array
}

/** What a thread needs of a proving key. */
export interface KeyShare {
  readonly domainPower: number
  readonly points: Readonly<Record<SumName, Uint8Array>>
  /** First wire that C has a point for. */
  readonly firstPrivateWire: number
  readonly coefficients: Uint8Array
  readonly firstRow: number
  readonly endRow: number
  readonly shared: SharedVectors
}

/** Everything a thread can be asked to do; the answers are {@link Answer}. */
export type Task =
  | { readonly kind: 'multiplyGenerator'; group: GroupName; scalars: Uint8Array; windowBits: number }
  | { readonly kind: 'loadKey'; key: number; share: KeyShare }
  | { readonly kind: 'dropKey'; key: number }
  | { readonly kind: 'evaluateRows'; key: number }
  | { readonly kind: 'transform'; key: number; vector: 0 | 1 | 2 }
  | { readonly kind: 'divide'; key: number; firstRow: number; endRow: number }
  | { readonly kind: 'sumWindow'; key: number; proof: number; sum: SumName; window: number; windowBits: number }

/** Points, for the tasks that make some. */
export type Answer = Uint8Array<ArrayBuffer> | undefined

const ELEMENT_BYTES = 32

/** A proving key in this thread. */
class LoadedKey {
  private readonly kernel: Kernel
  private readonly share: KeyShare
  private readonly rows: ConstraintValues
  private readonly coset: Transform
  private readonly sums: Readonly<Record<SumName, WindowSums>>
  private digits: { proof: number; vector: Uint8Array; digits: SignedDigits } | undefined

  constructor(kernel: Kernel, share: KeyShare) {
    this.kernel = kernel
    this.share = share
    this.rows = new ConstraintValues(kernel, share.coefficients, share.firstRow, share.endRow)
    this.coset = cosetTransform(kernel, share.domainPower)
    const { a, b1, b2, c, h } = share.points
    this.sums = {
      a: multiExponentiation(kernel, 'g1', a),
      b1: multiExponentiation(kernel, 'g1', b1),
      b2: multiExponentiation(kernel, 'g2', b2),
      c: multiExponentiation(kernel, 'g1', c),
      h: multiExponentiation(kernel, 'g1', h),
    }
  }

  evaluateRows(): void {
    const { witness, rows } = this.share.shared
    this.rows.evaluate(witness, ...rows)
  }

  transform(vector: 0 | 1 | 2): void {
    const { kernel } = this
    const values = this.share.shared.rows[vector]
    kernel.temporarily(() => {
      const pointer = kernel.store(values)
      this.coset.apply(pointer)
      values.set(kernel.bytes(pointer, values.length))
    })
  }

  divide(firstRow: number, endRow: number): void {
    const { kernel } = this
    const { rows, quotient } = this.share.shared
    const [start, end] = [firstRow * ELEMENT_BYTES, endRow * ELEMENT_BYTES]
    kernel.temporarily(() => {
      const [a, b, c] = rows.map((vector) => kernel.store(vector.subarray(start, end))) as [number, number, number]
      for (let i = 0; i < end - start; i += ELEMENT_BYTES) {
        kernel.scalars.multiply(a + i, b + i, a + i)
        kernel.scalars.subtract(a + i, c + i, a + i)
        kernel.scalars.fromMontgomery(a + i, a + i)
      }
      quotient.set(kernel.bytes(a, end - start), start)
    })
  }

  sumWindow(proof: number, sum: SumName, window: number, windowBits: number): Uint8Array<ArrayBuffer> {
    const { shared, firstPrivateWire } = this.share
    const vector = sum === 'h' ? shared.quotient : shared.witness
    const digits = this.cutIntoDigits(proof, vector, windowBits)
    return this.sums[sum].sumWindow(digits, sum === 'c' ? firstPrivateWire : 0, window)
  }

  /** Cuts a vector once per proof: the windows of all its sums follow one another. */
  private cutIntoDigits(proof: number, vector: Uint8Array, windowBits: number): SignedDigits {
    const last = this.digits
    if (last?.proof === proof && last.vector === vector && last.digits.windowBits === windowBits) return last.digits
    const digits = new SignedDigits(vector, windowBits)
    this.digits = { proof, vector, digits }
    return digits
  }
}

const kernelCode = workerData as KernelCode
const generators = new Map<string, GeneratorMultiples>()
const keys = new Map<number, LoadedKey>()
const kernel = await Kernel.load(kernelCode)

async function perform(task: Task): Promise<Answer> {
  switch (task.kind) {
    case 'multiplyGenerator':
      return multiplesOf(task.group, task.windowBits).multiply(task.scalars)
    case 'loadKey':
      // A kernel of its own, so that dropping the key gives all its memory back.
      keys.set(task.key, new LoadedKey(await Kernel.load(kernelCode), task.share))
      return undefined
    case 'dropKey':
      keys.delete(task.key)
      return undefined
    case 'evaluateRows':
      return loadedKey(task.key).evaluateRows() as undefined
    case 'transform':
      return loadedKey(task.key).transform(task.vector) as undefined
    case 'divide':
      return loadedKey(task.key).divide(task.firstRow, task.endRow) as undefined
    case 'sumWindow':
      return loadedKey(task.key).sumWindow(task.proof, task.sum, task.window, task.windowBits)
  }
}

function multiplesOf(group: GroupName, windowBits: number): GeneratorMultiples {
  const name = `${group}/${windowBits}`
  const table = generators.get(name) ?? fixedBase(kernel, group, windowBits)
  generators.set(name, table)
  return table
}

function loadedKey(key: number): LoadedKey {
  const loaded = keys.get(key)
  if (loaded === undefined) throw new RangeError(`Proving key ${key} is not loaded in this thread.`)
  return loaded
}

parentPort?.on('message', async ({ id, task }: { id: number; task: Task }) => {
  try {
    const answer = await perform(task)
    parentPort?.postMessage({ id, answer }, answer === undefined ? [] : [answer.buffer])
  } catch (error) {
    parentPort?.postMessage({ id, failure: error })
  }
})
