/** A prover that has others prove: every machine that works at the same database. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ProverError } from '../../../errors.ts'
import {
  type CircuitKeys,
  ProverClosedError,
  type Prover,
  type Proven,
  SelfVerificationError,
} from '../../../proof/index.ts'
import type { CircuitInput } from '../../../proof/backends/witnessCalculator.ts'
import { DatabaseUnreachableError } from '../stores/postgresSession.ts'
import { describeError } from '../../text/terminal.ts'
import { AnswerUnreadableError, proofJobOf, provenOf, type ProofJob, refusalCodes } from './proofJob.ts'
import type { ProofQueue, QueuedProof } from './proofQueue.ts'

/** Looks at what is asked for though no bell was heard. */
const LOOK_MS = 2_000
/** Answers of one job that may turn out to be none, and refusals of it that are asked for again. */
const MOST_BAD_ANSWERS = 2
const MOST_DOUBTED_REFUSALS = 1

export type QueueProverOptions = {
  /** Proves here what no worker's word is taken for: refused, parked, or answered with what is no proof again and again. */
  readonly own?: Pick<Prover, 'prove'> | undefined
  /** Is told when something was proven here that workers had refused or given up. */
  readonly onContradicted?: (says: string) => void
}

/**
 * Calls are answered as their proofs come, not in their order: one that no worker can prove keeps no other from its answer. The
 * same call again, from whatever process, is answered by the same job. No worker's refusal is believed: an input is refused once it
 * was tried here, or by workers twice where nothing is proven here.
 */
export class QueueProver implements Prover {
  private readonly queue: ProofQueue
  private readonly options: QueueProverOptions
  private readonly underWay = new Map<string, Promise<Proven>>()
  private readonly closed = new AbortController()
  private readonly deafen: () => void
  private readonly waiters = new Map<string, Set<() => void>>()

  constructor(queue: ProofQueue, options: QueueProverOptions = {}) {
    this.queue = queue
    this.options = options
    this.deafen = queue.listen((words) => this.wake(words))
  }

  /**
   * @throws what {@link Prover.prove} refuses the input with
   * @throws {@link ProofParkedError}, {@link ProofCancelledError}; asked again it is tried again
   * @throws {@link DatabaseUnreachableError} if it could not be asked for; once it is, a database that is away is waited for
   */
  async prove(keys: CircuitKeys, input: CircuitInput): Promise<Proven> {
    if (this.closed.signal.aborted) throw new ProverClosedError()
    const start = performance.now()
    const job = proofJobOf(keys, input)
    const answer = this.underWay.get(job.id) ?? this.proveOnce(keys, job)
    this.underWay.set(job.id, answer)
    const proven = await answer.finally(() => this.underWay.delete(job.id))
    return { ...proven, timings: { ...proven.timings, total: performance.now() - start } }
  }

  /** Workers keep what they have proven with. */
  async warm(): Promise<void> {}

  /** Jobs stay in the queue: whoever asks for them next has their proofs. Closes the queue. */
  async close(): Promise<void> {
    this.closed.abort()
    this.deafen()
    this.wake(undefined)
    await this.queue.close()
  }

  private async proveOnce(keys: CircuitKeys, job: ProofJob): Promise<Proven> {
    const { own } = this.options
    for (let doubted = 0; ; doubted++) {
      await this.queue.put(job)
      try {
        return await provenOf(keys, job, (await this.answered(job)).answer)
      } catch (error) {
        const again = againAfter(error, own !== undefined)
        if (again === undefined) throw error
        if (doubted < again) {
          // Another worker may have a better answer.
          await this.queue.drop(job)
          continue
        }
        if (own === undefined) throw error
        return this.proveHere(own, keys, job, error)
      }
    }
  }

  /** @throws what the input is refused with here, else what workers failed with */
  private async proveHere(
    own: Pick<Prover, 'prove'>,
    keys: CircuitKeys,
    job: ProofJob,
    failure: unknown,
  ): Promise<Proven> {
    let proven: Proven
    try {
      proven = await own.prove(keys, job.data.input)
    } catch (error) {
      throw refusalCodes.has(describeError(error).code) ? error : failure
    }
    await this.queue.drop(job).catch(() => undefined)
    const { code } = describeError(failure)
    this.options.onContradicted?.(
      `job ${job.id} of ${job.data.circuit} was proven here, which workers had given back with ${code}: see who works at the database`,
    )
    return proven
  }

  private async answered(job: ProofJob): Promise<QueuedProof> {
    while (true) {
      const heard = this.hear(job.id)
      const found = await this.lookFor(job)
      if (this.closed.signal.aborted) throw new ProverClosedError()
      if (found?.status === 'proven' || found?.status === 'refused') return found
      if (found?.status === 'parked')
        throw new ProofParkedError(job.data.circuit, job.id, found.tries, found.cause ?? '')
      if (found?.status === 'cancelled') throw new ProofCancelledError(job.data.circuit, job.id)
      await heard
    }
  }

  /** A database that does not answer is asked again; a job that is gone is put again. */
  private async lookFor(job: ProofJob): Promise<QueuedProof | undefined> {
    try {
      const found = await this.queue.find(job.queue, job.id)
      if (found === undefined) await this.queue.put(job)
      return found
    } catch (error) {
      if (!(error instanceof DatabaseUnreachableError)) throw error
      return undefined
    }
  }

  /** Until something is said of a job, or it is time to look. */
  private async hear(id: string): Promise<void> {
    const awake = new AbortController()
    const listener = (): void => awake.abort()
    const listeners = this.waiters.get(id) ?? new Set()
    this.waiters.set(id, listeners.add(listener))
    await sleep(LOOK_MS, undefined, { signal: awake.signal, ref: false }).catch(() => undefined)
    listeners.delete(listener)
    if (listeners.size === 0) this.waiters.delete(id)
  }

  private wake(words: string | undefined): void {
    for (const [id, listeners] of this.waiters) {
      if (words !== undefined && words !== `end ${id}`) continue
      for (const listener of listeners) listener()
    }
  }
}

/** How often a job is asked for again that was answered so; undefined if that is no worker's doing. What is refused is tried here at once. */
function againAfter(error: unknown, isTriedHere: boolean): number | undefined {
  if (error instanceof SelfVerificationError || error instanceof AnswerUnreadableError) return MOST_BAD_ANSWERS
  if (error instanceof ProofParkedError) return 0
  if (!refusalCodes.has(describeError(error).code)) return undefined
  return isTriedHere ? 0 : MOST_DOUBTED_REFUSALS
}

/** Workers have tried a proof as often as they may, and none was made. */
export class ProofParkedError extends ProverError {
  readonly code = 'service.proof-parked'
  readonly circuit: string
  readonly job: string
  readonly tries: number

  constructor(circuit: string, job: string, tries: number, cause: string) {
    super(
      `No worker could prove job ${job} of ${circuit}, at ${tries} tries: ${cause.replace(/\.$/, '')}. It is parked; asked again ` +
        'it is tried again. `zkrisk jobs list` shows what is parked.',
    )
    this.circuit = circuit
    this.job = job
    this.tries = tries
  }
}

/** Somebody took a proof out of the queue. */
export class ProofCancelledError extends ProverError {
  readonly code = 'service.proof-cancelled'
  readonly circuit: string
  readonly job: string

  constructor(circuit: string, job: string) {
    super(`Job ${job} of ${circuit} was cancelled. Asked again it is proven.`)
    this.circuit = circuit
    this.job = job
  }
}
