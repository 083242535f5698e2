/**
 * Groth16 proofs from a proving key kept in memory.
 *
 * The same proof as snarkjs makes from the same key, with what it repeats for every proof done once: the key is parsed and its
 * points lie in each thread's memory, transforms use tables, and only scalars move. All heavy work is cut into tasks that any
 * thread may take; the witness sums fill the gaps while the transforms run.
 */
import { randomBytes } from 'node:crypto'
import { readUint256 } from '../binaryFile.ts'
import { type G1Point, type G2Point, SCALAR_FIELD_ORDER } from '../bn254.ts'
import { divideRows } from './constraintValues.ts'
import { type Group, Kernel } from './kernel.ts'
import { kernelCode } from './kernelCode.ts'
import type { SharedVectors, SumName } from './kernelThread.ts'
import type { KernelThreads } from './kernelThreads.ts'
import { bestWindowBits, windowCount } from './signedDigits.ts'
import type { ProofPoints } from '../strictProof.ts'
import type { Zkey } from '../keys/zkey.ts'

const ELEMENT_BYTES = 32
const WITNESS_SUMS = ['b2', 'a', 'b1', 'c'] as const

/** One proving key, loaded into all threads. */
export class Groth16 {
  /** Write the wires here before {@link Groth16.prove}; 32 little-endian bytes each. */
  readonly witness: Uint8Array
  private readonly zkey: Zkey
  private readonly threads: KernelThreads
  private readonly kernel: Kernel
  private readonly key: number
  private readonly shared: SharedVectors
  private proofs = 0

  private constructor(zkey: Zkey, threads: KernelThreads, kernel: Kernel, key: number) {
    const rows = 2 ** zkey.header.domainPower
    this.zkey = zkey
    this.threads = threads
    this.kernel = kernel
    this.key = key
    this.shared = {
      witness: sharedElements(zkey.header.wires),
      rows: [sharedElements(rows), sharedElements(rows), sharedElements(rows)],
      quotient: sharedElements(rows),
    }
    this.witness = this.shared.witness
  }

  /**
   * Loads a key into the threads.
   *
   * @param zkey - a parsed key; best over a SharedArrayBuffer, which threads read without a copy of their own in between
   * @param key - a number that no other key of these threads has
   */
  static async load(zkey: Zkey, threads: KernelThreads, key: number): Promise<Groth16> {
    const groth16 = new Groth16(zkey, threads, await Kernel.load(await kernelCode()), key)
    const { domainPower, publicSignals } = zkey.header
    const bounds = divideRows(zkey.coefficients, 2 ** domainPower, threads.count)
    const { a, b1, b2, c, h } = zkey
    await threads.runOnEach((thread) => ({
      kind: 'loadKey',
      key,
      share: {
        domainPower,
        points: { a, b1, b2, c, h },
        firstPrivateWire: publicSignals + 1,
        coefficients: zkey.coefficients,
        firstRow: bounds[thread] as number,
        endRow: bounds[thread + 1] as number,
        shared: groth16.shared,
      },
    }))
    return groth16
  }

  /** Frees the threads' memory. */
  async unload(): Promise<void> {
    await this.threads.runOnEach(() => ({ kind: 'dropKey', key: this.key }))
  }

  /** Proves for the wires in {@link Groth16.witness}; does not check that they satisfy the circuit. One proof at a time. */
  async prove(): Promise<ProofPoints> {
    const { threads, key } = this
    const proof = this.proofs++
    await threads.runOnEach(() => ({ kind: 'evaluateRows', key }))

    // Queued before the sums, so that these fill the gaps; the quotient needs all three.
    const quotient = this.sumQuotient(proof)
    const windowBits = bestWindowBits(countWide(this.witness))
    const [[b2, a, b1, c], h] = await Promise.all([
      Promise.all(WITNESS_SUMS.map((name) => this.sum(name, proof, windowBits))),
      quotient,
    ])
    return this.blind({ a, b1, b2, c, h } as Record<SumName, Uint8Array>)
  }

  /** The public signals of the wires in {@link Groth16.witness}. */
  publicSignals(): bigint[] {
    return Array.from({ length: this.zkey.header.publicSignals }, (_, i) =>
      readUint256(this.witness, (i + 1) * ELEMENT_BYTES),
    )
  }

  /** Transforms A, B and their product to the coset, divides, and sums the quotient's points. */
  private async sumQuotient(proof: number): Promise<Uint8Array> {
    const { threads, key } = this
    await Promise.all(([0, 1, 2] as const).map((vector) => threads.run({ kind: 'transform', key, vector })))
    await threads.runOnEach((thread) => ({ kind: 'divide', key, ...this.rowsOf(thread) }))
    return this.sum('h', proof, bestWindowBits(2 ** this.zkey.header.domainPower))
  }

  private rowsOf(thread: number): { firstRow: number; endRow: number } {
    const rows = 2 ** this.zkey.header.domainPower
    const { count } = this.threads
    return { firstRow: Math.floor((rows * thread) / count), endRow: Math.floor((rows * (thread + 1)) / count) }
  }

  /** Sums each window in whichever thread is free, and puts the windows together: a Jacobian point. */
  private async sum(name: SumName, proof: number, windowBits: number): Promise<Uint8Array> {
    const { threads, kernel, key } = this
    const windows = await Promise.all(
      Array.from({ length: windowCount(windowBits) }, (_, window) =>
        threads.run({ kind: 'sumWindow', key, proof, sum: name, window, windowBits }),
      ),
    )
    const group = kernel.groups[name === 'b2' ? 'g2' : 'g1']
    return kernel.temporarily(() => {
      const total = kernel.allocate(group.jacobianBytes)
      group.zero(total)
      for (const window of windows.reverse()) {
        for (let bit = 0; bit < windowBits; bit++) group.double(total, total)
        group.add(total, kernel.store(window as Uint8Array), total)
      }
      return kernel.read(total, group.jacobianBytes)
    })
  }

  /**
   * A = alpha + ΣA + r·delta, B = beta + ΣB + s·delta, C = ΣC + ΣH + s·A + r·B1 - r·s·delta, with fresh random r and s: two proofs
   * of one statement share no point.
   */
  private blind(sums: Readonly<Record<SumName, Uint8Array>>): ProofPoints {
    const { kernel } = this
    const { g1, g2 } = kernel.groups
    const header = this.zkey.header
    const [r, s] = [drawScalar(), drawScalar()]
    return kernel.temporarily(() => {
      const sum1 = (name: Exclude<SumName, 'b2'>): number => kernel.store(sums[name])
      const delta1 = this.storeG1(header.delta1)
      const delta2 = this.storeG2(header.delta2)

      const a = this.addAll(g1, sum1('a'), this.storeG1(header.alpha1), this.times(g1, delta1, r))
      const b1 = this.addAll(g1, sum1('b1'), this.storeG1(header.beta1), this.times(g1, delta1, s))
      const b2 = this.addAll(g2, kernel.store(sums.b2), this.storeG2(header.beta2), this.times(g2, delta2, s))
      const minusRs = SCALAR_FIELD_ORDER - ((r * s) % SCALAR_FIELD_ORDER)
      const c = this.addAll(
        g1,
        sum1('c'),
        sum1('h'),
        this.times(g1, a, s),
        this.times(g1, b1, r),
        this.times(g1, delta1, minusRs),
      )
      const [ax, ay] = kernel.readPoint(g1, a) as [bigint, bigint]
      const [bx0, bx1, by0, by1] = kernel.readPoint(g2, b2) as [bigint, bigint, bigint, bigint]
      const [cx, cy] = kernel.readPoint(g1, c) as [bigint, bigint]
      return { a: { x: ax, y: ay }, b: { x: [bx0, bx1], y: [by0, by1] }, c: { x: cx, y: cy } }
    })
  }

  private addAll(group: Group, ...points: readonly number[]): number {
    const total = this.kernel.allocate(group.jacobianBytes)
    group.zero(total)
    for (const point of points) group.add(total, point, total)
    return total
  }

  /** Double and add; a handful of times per proof only. */
  private times(group: Group, point: number, scalar: bigint): number {
    const product = this.kernel.allocate(group.jacobianBytes)
    group.zero(product)
    for (const bit of scalar.toString(2)) {
      group.double(product, product)
      if (bit === '1') group.add(product, point, product)
    }
    return product
  }

  private storeG1({ x, y }: G1Point): number {
    return this.kernel.storePoint(this.kernel.groups.g1, [x, y, 1n])
  }

  private storeG2({ x, y }: G2Point): number {
    return this.kernel.storePoint(this.kernel.groups.g2, [...x, ...y, 1n, 0n])
  }
}

function sharedElements(count: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(count * ELEMENT_BYTES))
}

/** How many elements need more than a few windows, which decides how wide windows should be. */
function countWide(elements: Uint8Array): number {
  const limbs = new BigUint64Array(elements.buffer, elements.byteOffset, elements.length / 8)
  let count = 0
  for (let i = 1; i < limbs.length; i += 4) if (limbs[i] !== 0n || limbs[i + 1] !== 0n || limbs[i + 2] !== 0n) count++
  return count
}

function drawScalar(): bigint {
  return BigInt(`0x${randomBytes(48).toString('hex')}`) % SCALAR_FIELD_ORDER
}
