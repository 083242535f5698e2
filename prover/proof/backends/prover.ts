/** Makes proofs. Every proof is verified before it leaves, whichever backend made it. */
import { ProverError } from '../../errors.ts'
import { emitWarning, FallbackProver, NativeFailedWarning } from './fallbackProver.ts'
import type { CircuitKeys } from '../keys/keyStore.ts'
import { isNativeBuilt, NativeUnavailableError, nativeFolder } from './nativeBuild.ts'
import { NativeProver } from './nativeProver.ts'
import type { WorkTimings } from './proverProtocol.ts'
import { SnarkjsProver } from './snarkjsProver.ts'
import type { Groth16Proof } from '../strictProof.ts'
import type { CircuitInput } from './witnessCalculator.ts'

/** What computes: snarkjs' arithmetic in WebAssembly, or a native program. */
export type Backend = 'snarkjs' | 'native'

/** Where the time of one proof went, in milliseconds. */
export interface ProofTimings extends WorkTimings {
  /** The verification of the finished proof. */
  readonly verify: number
  /** From call to answer, waiting for earlier proofs included. */
  readonly total: number
}

/** A proof that has been verified. */
export interface Proven {
  readonly proof: Groth16Proof
  /** In circuit order: outputs, then public inputs. */
  readonly publicSignals: readonly bigint[]
  readonly backend: Backend
  readonly timings: ProofTimings
}

/**
 * A backend. Calls are answered in their order, and may overlap: have two under way to keep it busy, one whose witness is computed
 * and the one that is proven meanwhile. More only wait, so a third is worth having where the caller takes time between an answer and
 * the next call.
 */
export interface Prover {
  /**
   * Proves that the circuit accepts the input.
   *
   * @throws {@link ProverError} of a class that says what went wrong; the prover stays usable
   */
  prove(circuit: CircuitKeys, input: CircuitInput): Promise<Proven>
  /** Loads a circuit ahead of its first proof. */
  warm(circuit: CircuitKeys): Promise<void>
  /** Ends the backend; proofs under way fail with {@link ProverClosedError}. */
  close(): Promise<void>
}

/** What a prover may use. */
export interface ProverOptions {
  /**
   * For one proof, loading the key included, from when it is first in the queue; what snarkjs does after a native failure has this
   * time again.
   */
  readonly timeoutMs?: number
  /** Memory that the child processes may hold, together; no proof leaves when they have ever held more. */
  readonly memoryBytes?: number
  /** Of snarkjs. Defaults to one per processor, at most eight; the native prover takes one per processor, at most sixteen. */
  readonly threads?: number
  /** Where `npm run build:native` put the native prover. */
  readonly nativeFolder?: string
  /** Told when a backend fails and another takes over; by default `process.emitWarning`. */
  readonly onWarning?: (error: ProverError) => void
}

const choices: Readonly<Record<string, (options: ProverOptions) => Prover>> = {
  snarkjs: (options) => new SnarkjsProver(options),
  native: (options) => new FallbackProver(new NativeProver(options), new SnarkjsProver(options), options, 'required'),
  auto: createBestProver,
}

function createBestProver(options: ProverOptions): Prover {
  if (!isNativeBuilt(options.nativeFolder ?? nativeFolder)) return new SnarkjsProver(options)
  const snarkjs = new SnarkjsProver(options)
  try {
    return new FallbackProver(new NativeProver(options), snarkjs, options, 'preferred')
  } catch (error) {
    if (!(error instanceof NativeUnavailableError)) throw error
    const { onWarning = emitWarning } = options
    onWarning(new NativeFailedWarning(error, true))
    return snarkjs
  }
}

/**
 * The prover that the environment asks for.
 *
 * @param backend - `snarkjs`; `native`: with snarkjs in its place when it crashes or hangs; `auto`: native where it is
 *   built and passes its self-test, otherwise snarkjs. Defaults to the variable ZKRISK_PROVER, then to `auto`
 * @throws {@link UnknownBackendError} if there is no such backend
 * @throws {@link NativeUnavailableError} for `native` if it is not built
 * @example
 * const { batch } = await readBatchFile('batch.json', { verificationKeyHash: `0x${'00'.repeat(32)}` })
 * const prover = createProver()
 * const { publicSignals } = await prover.prove(await loadKeys('marketRiskRange6x2'), (await stateBatch(batch)).circuitInput)
 * await prover.close()
 * publicSignals.length // → 3
 */
export function createProver(
  options: ProverOptions = {},
  backend: string = process.env.ZKRISK_PROVER || 'auto',
): Prover {
  const create = Object.hasOwn(choices, backend) ? choices[backend] : undefined
  if (create === undefined) throw new UnknownBackendError(backend, Object.keys(choices))
  return create(options)
}

/** There is no backend of this name. */
export class UnknownBackendError extends ProverError {
  readonly code = 'proof.unknown-backend'
  readonly backend: string

  constructor(backend: string, known: readonly string[]) {
    super(`There is no prover "${backend}". Set ZKRISK_PROVER to one of: ${known.join(', ')}.`)
    this.backend = backend
  }
}
