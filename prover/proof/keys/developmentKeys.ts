/**
 * Groth16 keys made directly from freshly drawn secrets, in seconds where a ceremony takes half an hour.
 *
 * Whoever runs this could keep the secrets and forge proofs, so such keys are for development only: the manifest says so and the
 * ceremony gate (`ceremony.ts`) refuses them elsewhere. The secrets are forgotten when this returns, here and in the threads or
 * the process that multiply points by them, but for those of the first phase that keys share (`developmentPhase.ts`).
 *
 * @see J. Groth, On the Size of Pairing-based Non-interactive Arguments (2016), section 3.2; gamma = 1 as in snarkjs
 */
import { dataView, writeUint256 } from '../binaryFile.ts'
import { inverse, modulo, power, SCALAR_FIELD_ORDER } from '../bn254.ts'
import { rootOfUnity } from '../kernel/cosetTransform.ts'
import { Kernel, type GroupName } from '../kernel/kernel.ts'
import { kernelCode } from '../kernel/kernelCode.ts'
import { KernelThreads } from '../kernel/kernelThreads.ts'
import { drawFirstPhase, drawScalar, type FirstPhase } from './developmentPhase.ts'
import { multiplyGeneratorsNatively } from './nativeGenerator.ts'
import { domainPower, forEachTerm, type R1cs } from './r1cs.ts'
import { writeZkey } from './zkey.ts'

const ELEMENT_BYTES = 32
const G1_BYTES = 64
const G2_BYTES = 128
const COEFFICIENT_BYTES = 12 + ELEMENT_BYTES
const SCALAR_BITS = 254
/** Scalars per task: small enough to spread evenly over threads and to report progress often. */
const TASK_SCALARS = 4096

/** How far set-up has come, from 0 to 1. */
export type ProgressListener = (fraction: number) => void

/** What to run on, and whom to tell. */
export interface DevelopmentKeyOptions {
  /** Path of the native prover, where it is built; it is 1.3 times as fast as the kernel, whose tables come on top. */
  readonly program?: string | undefined
  /** Of the kernel. */
  readonly threads?: number
  readonly onProgress?: ProgressListener
  /** Which the key shares with others; one of its own by default. */
  readonly firstPhase?: FirstPhase
}

/**
 * Makes a proving key for a circuit.
 *
 * @returns the pieces, in order, of a *.zkey file that snarkjs reads, with no contributions
 */
export async function makeDevelopmentKey(r1cs: R1cs, options: DevelopmentKeyOptions = {}): Promise<Uint8Array[]> {
  const scalars = computeScalars(await Kernel.load(await kernelCode()), r1cs, {
    ...(options.firstPhase ?? drawFirstPhase()),
    delta: drawScalar(),
  })
  const { program, onProgress = () => {} } = options
  if (program === undefined) return keyOf(r1cs, scalars, await multiplyByKernel(scalars, options.threads, onProgress))
  const { g1, g2 } = await multiplyGeneratorsNatively(
    program,
    Buffer.concat(onG1(scalars)),
    Buffer.concat(onG2(scalars)),
  )
  onProgress(1)
  return keyOf(r1cs, scalars, {
    g1: cutAs(onG1(scalars), g1, G1_BYTES),
    g2: cutAs(onG2(scalars), g2, G2_BYTES),
  })
}

interface Secrets extends FirstPhase {
  readonly delta: bigint
}

/** The discrete logarithms of a key's points; 32-byte little-endian elements, not in Montgomery form. */
interface KeyScalars {
  readonly header: Uint8Array
  readonly publicPoints: Uint8Array
  readonly a: Uint8Array
  readonly b: Uint8Array
  readonly c: Uint8Array
  readonly h: Uint8Array
  readonly coefficients: Uint8Array
}

function computeScalars(kernel: Kernel, r1cs: R1cs, secrets: Secrets): KeyScalars {
  const { scalars } = kernel
  const k = domainPower(r1cs)
  const bytes = r1cs.wires * ELEMENT_BYTES
  const { columns, coefficients } = sumColumns(kernel, r1cs, lagrangeAt(kernel, secrets.tau, k, 0, 1))
  const [a, b, c] = columns

  // beta·A + alpha·B + C, which the key divides by delta for private wires and by gamma = 1 for public ones.
  const [alpha, beta] = [kernel.storeScalar(secrets.alpha), kernel.storeScalar(secrets.beta)]
  const deltaInverse = kernel.storeScalar(inverse(secrets.delta, SCALAR_FIELD_ORDER))
  const term = kernel.allocate(ELEMENT_BYTES)
  const firstPrivate = (r1cs.publicSignals + 1) * ELEMENT_BYTES
  for (let wire = 0; wire < bytes; wire += ELEMENT_BYTES) {
    scalars.multiply(a + wire, beta, term)
    scalars.add(c + wire, term, c + wire)
    scalars.multiply(b + wire, alpha, term)
    scalars.add(c + wire, term, c + wire)
    if (wire >= firstPrivate) scalars.multiply(c + wire, deltaInverse, c + wire)
  }

  // H is the Lagrange basis of the coset, which is the odd half of the domain of twice the size.
  const h = lagrangeAt(kernel, secrets.tau, k + 1, 1, 2)
  for (let i = 0; i < 2 ** k * ELEMENT_BYTES; i += ELEMENT_BYTES) {
    scalars.multiply(h + i, deltaInverse, h + i)
    scalars.fromMontgomery(h + i, h + i)
  }

  const header = new Uint8Array(4 * ELEMENT_BYTES)
  for (const [i, value] of [secrets.alpha, secrets.beta, secrets.delta, 1n].entries()) {
    writeUint256(header, i * ELEMENT_BYTES, value)
  }
  return {
    header,
    publicPoints: kernel.read(c, firstPrivate),
    a: kernel.read(a, bytes),
    b: kernel.read(b, bytes),
    c: kernel.read(c + firstPrivate, bytes - firstPrivate),
    h: kernel.read(h, 2 ** k * ELEMENT_BYTES),
    coefficients,
  }
}

/**
 * Lagrange polynomials of the 2^k-th roots of unity, the first, first + step, …, evaluated at `tau`:
 * L_i(tau) = (tau^n - 1) / n · ω^i / (tau - ω^i), n = 2^k.
 *
 * @returns a pointer to n / step elements in Montgomery form
 */
function lagrangeAt(kernel: Kernel, tau: bigint, k: number, first: number, step: number): number {
  const { scalars } = kernel
  const size = 2 ** k
  const count = size / step
  const root = rootOfUnity(k)
  const factor = (power(tau, BigInt(size), SCALAR_FIELD_ORDER) - 1n) * inverse(BigInt(size), SCALAR_FIELD_ORDER)

  const values = kernel.allocate(count * ELEMENT_BYTES)
  kernel.temporarily(() => {
    const point = kernel.storeScalar(tau)
    const turn = kernel.storeScalar(power(root, BigInt(step), SCALAR_FIELD_ORDER))
    const current = kernel.storeScalar(power(root, BigInt(first), SCALAR_FIELD_ORDER))
    const product = kernel.storeScalar(modulo(factor, SCALAR_FIELD_ORDER))
    const differences = kernel.allocate(count * ELEMENT_BYTES)
    const powers = kernel.allocate(count * ELEMENT_BYTES)
    const running = kernel.storeScalar(1n)
    for (let i = 0; i < count * ELEMENT_BYTES; i += ELEMENT_BYTES) {
      scalars.copy(current, powers + i)
      scalars.subtract(point, current, differences + i)
      scalars.copy(running, values + i)
      scalars.multiply(running, differences + i, running)
      scalars.multiply(current, turn, current)
    }
    // One inversion for all: walking back, `running` is the inverse of the differences still ahead.
    scalars.inverse(running, running)
    for (let i = (count - 1) * ELEMENT_BYTES; i >= 0; i -= ELEMENT_BYTES) {
      scalars.multiply(values + i, running, values + i)
      scalars.multiply(running, differences + i, running)
      scalars.multiply(values + i, powers + i, values + i)
      scalars.multiply(values + i, product, values + i)
    }
  })
  return values
}

/** A(tau), B(tau) and C(tau) of each wire, and section 4 of the key: the coefficients of A and B, times 2^512. */
function sumColumns(
  kernel: Kernel,
  r1cs: R1cs,
  lagrange: number,
): { columns: readonly [number, number, number]; coefficients: Uint8Array } {
  const { scalars } = kernel
  const column = (): number => {
    const pointer = kernel.allocate(r1cs.wires * ELEMENT_BYTES)
    kernel.bytes(pointer, r1cs.wires * ELEMENT_BYTES).fill(0)
    return pointer
  }
  const columns = [column(), column(), column()] as const
  const coefficients = new CoefficientList(kernel, r1cs)

  kernel.temporarily(() => {
    const terms = kernel.store(r1cs.terms)
    const product = kernel.allocate(ELEMENT_BYTES)
    forEachTerm(r1cs, (matrix, constraint, wire, offset) => {
      const sum = (columns[matrix] as number) + wire * ELEMENT_BYTES
      scalars.multiply(terms + offset, lagrange + constraint * ELEMENT_BYTES, product)
      scalars.add(sum, product, sum)
      if (matrix < 2) coefficients.append(matrix, constraint, wire, terms + offset)
    })
    // A row for the constant wire and each public signal binds them to the proof even if no constraint does.
    const one = kernel.allocate(ELEMENT_BYTES)
    writeUint256(kernel.bytes(one, ELEMENT_BYTES), 0, 1n)
    for (let wire = 0; wire <= r1cs.publicSignals; wire++) {
      const row = r1cs.constraints + wire
      const sum = columns[0] + wire * ELEMENT_BYTES
      scalars.multiply(one, lagrange + row * ELEMENT_BYTES, product)
      scalars.add(sum, product, sum)
      coefficients.append(0, row, wire, one)
    }
  })
  return { columns, coefficients: coefficients.bytes }
}

/** Section 4 of a key, in the making. */
class CoefficientList {
  readonly bytes: Uint8Array
  private readonly kernel: Kernel
  private readonly scratch: number
  private position = 4

  constructor(kernel: Kernel, r1cs: R1cs) {
    let count = r1cs.publicSignals + 1
    forEachTerm(r1cs, (matrix) => {
      if (matrix < 2) count++
    })
    this.kernel = kernel
    this.scratch = kernel.allocate(ELEMENT_BYTES)
    this.bytes = new Uint8Array(4 + count * COEFFICIENT_BYTES)
    dataView(this.bytes).setUint32(0, count, true)
  }

  append(matrix: number, row: number, wire: number, coefficient: number): void {
    const { kernel, bytes, scratch, position } = this
    kernel.scalars.toMontgomery(coefficient, scratch)
    kernel.scalars.toMontgomery(scratch, scratch)
    const view = dataView(bytes)
    view.setUint32(position, matrix, true)
    view.setUint32(position + 4, row, true)
    view.setUint32(position + 8, wire, true)
    bytes.set(kernel.bytes(scratch, ELEMENT_BYTES), position + 12)
    this.position += COEFFICIENT_BYTES
  }
}

/** Lists of scalars that multiply the generator of the first group; their points are a key's, in this order. */
const onG1 = ({ header, publicPoints, a, b, c, h }: KeyScalars): readonly Uint8Array[] => [
  header,
  publicPoints,
  a,
  b,
  c,
  h,
]

/** The same for the second group. */
const onG2 = ({ header, b }: KeyScalars): readonly Uint8Array[] => [header, b]

/** Points, a list of them for each list of scalars. */
interface KeyPoints {
  readonly g1: readonly Uint8Array[]
  readonly g2: readonly Uint8Array[]
}

async function multiplyByKernel(
  scalars: KeyScalars,
  threadCount: number | undefined,
  onProgress: ProgressListener,
): Promise<KeyPoints> {
  const threads = await KernelThreads.start(threadCount)
  const total = [...onG1(scalars), ...onG2(scalars)].reduce((sum, list) => sum + list.length, 0)
  let done = 0

  const multiply = async (group: GroupName, lists: readonly Uint8Array[]): Promise<Uint8Array[]> => {
    const windowBits = cheapestWindowBits(
      lists.reduce((sum, list) => sum + list.length, 0) / ELEMENT_BYTES / threads.count,
    )
    const multiplyPiece = async (piece: Uint8Array): Promise<Uint8Array> => {
      const points = await threads.run({ kind: 'multiplyGenerator', group, scalars: piece, windowBits })
      done += piece.length
      onProgress(done / total)
      return points as Uint8Array
    }
    return Promise.all(lists.map(async (list) => Buffer.concat(await Promise.all(cutPieces(list).map(multiplyPiece)))))
  }
  try {
    // The dearer group first, so that no thread starts it when the others are almost done.
    const [g2, g1] = await Promise.all([multiply('g2', onG2(scalars)), multiply('g1', onG1(scalars))])
    return { g1, g2 }
  } finally {
    await threads.close()
  }
}

/** Cuts points into lists as long as those of their scalars. */
function cutAs(scalars: readonly Uint8Array[], points: Uint8Array, pointBytes: number): readonly Uint8Array[] {
  let end = 0
  return scalars.map((list) => {
    const start = end
    end += (list.length / ELEMENT_BYTES) * pointBytes
    return points.subarray(start, end)
  })
}

/** The pieces of a *.zkey file. */
function keyOf(r1cs: R1cs, { coefficients }: KeyScalars, points: KeyPoints): Uint8Array[] {
  const [header2, b2] = points.g2 as [Uint8Array, Uint8Array]
  const [header1, publicPoints, a, b1, c, h] = points.g1 as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  const point1 = (i: number): Uint8Array => header1.subarray(i * G1_BYTES, (i + 1) * G1_BYTES)
  const point2 = (i: number): Uint8Array => header2.subarray(i * G2_BYTES, (i + 1) * G2_BYTES)
  return writeZkey({
    wires: r1cs.wires,
    publicSignals: r1cs.publicSignals,
    domainPower: domainPower(r1cs),
    alpha1: point1(0),
    beta1: point1(1),
    delta1: point1(2),
    beta2: point2(1),
    delta2: point2(2),
    gamma2: point2(3),
    publicPoints,
    coefficients,
    a,
    b1,
    b2,
    c,
    h,
  })
}

function cutPieces(list: Uint8Array): Uint8Array[] {
  const bytes = TASK_SCALARS * ELEMENT_BYTES
  return Array.from({ length: Math.ceil(list.length / bytes) }, (_, i) => list.slice(i * bytes, (i + 1) * bytes))
}

/** Wider windows mean fewer additions per scalar but a larger table to fill first. */
function cheapestWindowBits(scalars: number): number {
  const cost = (bits: number): number => Math.ceil(SCALAR_BITS / bits) * (2 ** bits + scalars)
  let best = 6
  for (let bits = best; bits <= 16; bits++) if (cost(bits) < cost(best)) best = bits
  return best
}
