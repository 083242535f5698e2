/** What one process asks a fleet to prove, and what it answers, as they go through a database. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
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
import { shortened } from '../../text/foreign.ts'

export type ProofJob = {
  /** The same for the same circuit, key and input, whoever asks and however often; never of a proof, which is randomised. */
  readonly id: string
  /** Of all jobs of one key. */
  readonly queue: string
  readonly data: ProofJobData
}

const jobData = z.object({
  circuit: z.string().regex(/^\w{1,64}$/),
  /** sha256 of the verification key. */
  key: z.string().regex(/^[0-9a-f]{64}$/),
  /** Decimal numbers by signal, in the circuit's order. */
  input: z.record(z.string(), z.array(z.string()).readonly()),
})

export type ProofJobData = Readonly<z.infer<typeof jobData>>

const milliseconds = z.number().min(0)
const provenAnswer = z.object({
  proof: z.unknown(),
  publicSignals: z.array(z.string()),
  backend: z.enum(['snarkjs', 'native']),
  timings: z.object({
    ...{ load: milliseconds, witness: milliseconds, proof: milliseconds },
    ...{ verify: milliseconds, total: milliseconds },
  }),
})
const refusedAnswer = z.object({
  refusal: z.object({ message: z.string(), stack: z.string(), fields: z.record(z.string(), z.unknown()) }),
})

/** What is wrong with an input, whoever proves it; everything else may be a machine's fault. */
export const refusalCodes: ReadonlySet<string> = new Set(['proof.circuit-input', 'proof.unsatisfied'])

/** What a queue has for a job, which anybody may have written who can write there. @throws {@link JobUnreadableError} */
export function jobDataOf({ id, data }: { readonly id: string; readonly data: unknown }): ProofJobData {
  const parsed = jobData.safeParse(data)
  if (!parsed.success) throw new JobUnreadableError(id)
  return parsed.data
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

/** Of jobs of a queue's key that one worker alone is asked for. */
export const queueFor = (queue: string, worker: string): string => `${queue}/${worker}`

export type QueueParts = {
  readonly circuit: string
  /** Its beginning. */
  readonly key: string
  /** Who alone is asked; undefined of a queue that all take from who have the key. */
  readonly worker: string | undefined
  /** The queue of all who have the key. */
  readonly ofAll: string
}

/** What a queue's name says; undefined of what neither {@link queueOf} nor {@link queueFor} names. */
export function partsOfQueue(queue: string): QueueParts | undefined {
  const [, ofAll, circuit, key, worker] =
    /^(prove\/(\w{1,64})\/([0-9a-f]{16}))(?:\/([0-9a-f-]{36}))?$/.exec(queue) ?? []
  if (ofAll === undefined || circuit === undefined || key === undefined) return undefined
  return { circuit, key, worker, ofAll }
}

/**
 * A worker's answer, not believed but verified; and it is of the challenge that was asked for, or it would be a proof of something else.
 *
 * @throws the refusal, or {@link SelfVerificationError}, {@link AnswerUnreadableError}
 */
export async function provenOf(
  { circuit, verificationKey }: CircuitKeys,
  { data }: Pick<ProofJob, 'data'>,
  answer: unknown,
): Promise<Proven> {
  if (isRefusal(answer)) throw refusalOf(circuit, answer)
  const parsed = provenAnswer.safeParse(answer)
  if (!parsed.success) throw new AnswerUnreadableError(circuit)
  const { proof, publicSignals, backend, timings } = parsed.data
  await requireValid(circuit, verificationKey, { proof, publicSignals })
  const signals = parsePublicSignals(publicSignals, verificationKey.publicPoints.length - 1)
  const [asked] = data.input.challenge ?? []
  if (asked !== undefined && BigInt(asked) !== signals.at(-1)) throw new AnswerUnreadableError(circuit)
  return { proof: proof as Proven['proof'], publicSignals: signals, backend, timings }
}

/** Characters of a worker's own words. */
const MOST_WORDS = 500

/** What a worker refused an input with, if it may: in its words, and with nothing else that it chose. */
function refusalOf(circuit: string, answer: unknown): Error {
  const parsed = refusedAnswer.safeParse(answer)
  if (!parsed.success || !refusalCodes.has(String(parsed.data.refusal.fields.code)))
    return new AnswerUnreadableError(circuit)
  const { message, fields } = parsed.data.refusal
  const words = shortened(message, MOST_WORDS)
  const refusal = reviveError({ message: words, stack: words, fields: { code: fields.code, circuit } })
  return refusal instanceof ProverError ? refusal : new AnswerUnreadableError(circuit)
}

/** A worker's, as it is kept, compared and told; the same of what it is already. */
export const nameOf = (text: string): string => shortened(text).trim().toWellFormed() || 'nameless'

/** What a worker that handed back an answer, or gave a job up, calls itself; undefined if nothing says so. */
export function workerOf(answer: unknown): string | undefined {
  const { worker } = typeof answer === 'object' && answer !== null ? (answer as { readonly worker?: unknown }) : {}
  return typeof worker === 'string' ? nameOf(worker) : undefined
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

/** What a queue asks for is no proof. */
export class JobUnreadableError extends ProverError {
  readonly code = 'service.job-unreadable'
  readonly job: string

  constructor(job: string) {
    super(`Expected job ${job} to ask for a proof, got something else. Cancel it, and see who writes to the database.`)
    this.job = job
  }
}

/** What a worker handed back is no answer. */
export class AnswerUnreadableError extends ProverError {
  readonly code = 'service.answer-unreadable'
  readonly circuit: string

  constructor(circuit: string) {
    super(
      `Expected a proof of ${circuit} for what was asked from a worker, got something else. Let workers and service be of one version.`,
    )
    this.circuit = circuit
  }
}
