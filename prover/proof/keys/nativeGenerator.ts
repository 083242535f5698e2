/** Multiples of the generators by the native prover, somewhat faster than by the kernel. See native/generator.go. */
import { spawn } from 'node:child_process'
import { ProverError } from '../../errors.ts'
import { dataView } from '../binaryFile.ts'

const SCALAR_BYTES = 32
const G1_BYTES = 64
const G2_BYTES = 128

/**
 * Multiplies the generators of both groups.
 *
 * @param program - path of the native prover
 * @param g1, g2 - 32-byte little-endian integers below the group order, one after the other
 * @returns affine points in Montgomery form
 * @throws {@link NativeGeneratorError}
 */
export async function multiplyGeneratorsNatively(
  program: string,
  g1: Uint8Array,
  g2: Uint8Array,
): Promise<{ readonly g1: Uint8Array; readonly g2: Uint8Array }> {
  // An empty environment: keys to wallets live in ours.
  const child = spawn(program, ['generator'], { env: {}, stdio: ['pipe', 'pipe', 'pipe'] })
  const [points, words] = [[] as Uint8Array[], [] as Uint8Array[]]
  child.stdout.on('data', (bytes: Uint8Array) => points.push(bytes))
  child.stderr.on('data', (bytes: Uint8Array) => words.push(bytes))
  // A broken pipe means that the process is gone; how it ended is told by 'close'.
  child.stdin.on('error', () => {})
  const counts = new Uint8Array(8)
  dataView(counts).setUint32(0, g1.length / SCALAR_BYTES, true)
  dataView(counts).setUint32(4, g2.length / SCALAR_BYTES, true)
  for (const part of [counts, g1, g2]) child.stdin.write(part)
  child.stdin.end()
  const ending = await new Promise<number | string | null>((resolve, reject) => {
    child.on('error', (error) => reject(new NativeGeneratorError(program, error.message, error)))
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
  const all = Buffer.concat(points)
  const g1Bytes = (g1.length / SCALAR_BYTES) * G1_BYTES
  const wanted = g1Bytes + (g2.length / SCALAR_BYTES) * G2_BYTES
  if (ending !== 0 || all.length !== wanted) {
    throw new NativeGeneratorError(program, Buffer.concat(words).toString().trim() || `it ended with ${ending}`)
  }
  return { g1: all.subarray(0, g1Bytes), g2: all.subarray(g1Bytes) }
}

/** The native prover has not multiplied the generators. */
export class NativeGeneratorError extends ProverError {
  readonly code = 'proof.native-generator'
  readonly program: string

  constructor(program: string, reason: string, cause?: unknown) {
    super(`${program} could not make a development key: ${reason}. Run \`npm run build:native\`, or delete it.`, {
      cause,
    })
    this.program = program
  }
}
