/** What one process asks a fleet to prove, and what it answers, as they go through a database. */
import { createHash } from 'node:crypto'
import { ProverError } from '../../../errors.ts'
import {
  type Backend,
  type CircuitKeys,
  type ProofTimings,
  type Proven,
  parsePublicSignals,
} from '../../../proof/index.ts'
import { requireValid } from '../../../proof/backends/selfVerification.ts'
import { reviveError, type SerialisedError } from '../../../proof/backends/proverProtocol.ts'
import {
  type CircuitInput,
  CircuitInputError,
  type CircuitInputValue,
} from '../../../proof/backends/witnessCalculator.ts'

export type ProofJob = {
  /** The same for the same circuit, key and input, whoever asks and however often; never of a proof, which is randomised. */
  readonly id: string
  /** Of all jobs of one key. */
  readonly queue: string
  readonly data: ProofJobData
}

export type ProofJobData = {
  readonly circuit: string
  /** sha256 of the verification key. */
  readonly key: string
  /** Decimal numbers by signal, in the circuit's order. */
  readonly input: Readonly<Record<string, readonly string[]>>
}

/** A proof as a worker hands it back, or why there is none for this input, whoever tries. */
export type ProofAnswer =
  | {
      readonly proof: Proven['proof']
      readonly publicSignals: readonly string[]
      readonly backend: Backend
      readonly timings: ProofTimings
      readonly worker: string
    }
  | { readonly refusal: SerialisedError; readonly worker: string }

/** @throws {@link CircuitInputError} for an input that no worker could read */
export function proofJobOf(
  { circuit, manifest }: Pick<CircuitKeys, 'circuit' | 'manifest'>,
  given: CircuitInput,
): ProofJob {
  const names = Object.keys(given).toSorted()
  const input = Object.fromEntries(names.map((name) => [name, integersOf(circuit, name, given[name] ?? [])]))
  const key = manifest.verificationKeySha256
  const hash = createHash('sha256')
    .update(JSON.stringify([circuit, key, input]))
    .digest('hex')
  return { id: uuidOf(hash), queue: queueOf(circuit, key), data: { circuit, key, input } }
}

/** Jobs of different keys never meet: who has not the key is not offered them. */
export const queueOf = (circuit: string, key: string): string => `prove/${circuit}/${key.slice(0, 16)}`

/** Circuit and beginning of the key. */
export function keyOfQueue(queue: string): { readonly circuit: string; readonly key: string } | undefined {
  const [kind, circuit, key, ...rest] = queue.split('/')
  return kind === 'prove' && circuit !== undefined && key !== undefined && rest.length === 0
    ? { circuit, key }
    : undefined
}

/**
 * A worker's answer, not believed but verified.
 *
 * @throws the refusal, or {@link SelfVerificationError}, {@link AnswerUnreadableError}
 */
export async function provenOf({ circuit, verificationKey }: CircuitKeys, answer: unknown): Promise<Proven> {
  const { refusal, proof, publicSignals, backend, timings } = (answer ?? {}) as Record<string, unknown>
  if (refusal !== undefined) throw reviveError(refusal as SerialisedError)
  if (!Array.isArray(publicSignals) || typeof proof !== 'object') throw new AnswerUnreadableError(circuit)
  const claim = {
    proof: proof as Proven['proof'],
    publicSignals: parsePublicSignals(publicSignals, verificationKey.publicPoints.length - 1),
  }
  await requireValid(circuit, verificationKey, claim)
  return { ...claim, backend: backend as Backend, timings: timings as ProofTimings }
}

export const isRefusal = (answer: unknown): boolean =>
  typeof answer === 'object' && answer !== null && 'refusal' in answer

/** As a UUID, which is what queues name jobs by; 122 bits of the hash. */
function uuidOf(hash: string): string {
  const variant = ((Number.parseInt(hash.slice(16, 17), 16) & 3) | 8).toString(16)
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `${variant}${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-')
}

function integersOf(circuit: string, signal: string, value: CircuitInputValue): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((element: CircuitInputValue) => integersOf(circuit, signal, element))
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) return [String(value)]
  if (typeof value === 'string' && /^-?[0-9]{1,78}$/.test(value)) return [String(BigInt(value))]
  throw new CircuitInputError(circuit, signal, `${String(value)} is not an integer`)
}

/** What a worker handed back is no answer. */
export class AnswerUnreadableError extends ProverError {
  readonly code = 'service.answer-unreadable'
  readonly circuit: string

  constructor(circuit: string) {
    super(
      `Expected a proof of ${circuit} from a worker, got something else. Let workers and service be of one version.`,
    )
    this.circuit = circuit
  }
}
