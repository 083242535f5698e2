/**
 * What people asked of a running service: proofs now, a pause. Kept before it is answered, so that a pause outlives the
 * process, and a client that asks again with the same key gets the same answer.
 */
import { createHash } from 'node:crypto'
import { ProverError } from '../../errors.ts'
import type { ServeControl } from './serve.ts'

/** waiting: until a batch of its markets is begun. begun: in `job`. expired: nothing new came to prove. */
export type ProofRequest = {
  readonly id: string
  readonly markets: readonly string[]
  readonly askedBy: string
  readonly status: 'waiting' | 'begun' | 'expired'
  readonly job: string | null
  /** Unix milliseconds. */
  readonly askedAt: number
}

/** Who asks what under which key: the same answer again, or a refusal if it is something else. */
export type Once = { readonly key: string; readonly by: string; readonly question: string }

/** After which a request that nothing came of ends, and an answer is forgotten. */
export const REQUEST_MS = 600_000
export const ANSWER_MS = 86_400_000
/** Requests that may wait at once; more are refused. */
export const MOST_WAITING = 100

/** What people may change, each at once or as the answer to a key. */
export type RequestWrites = {
  /** @throws {@link TooManyRequestsWaitingError} */
  ask(markets: readonly string[], by: string): Promise<ProofRequest>
  setPaused(by: string): Promise<void>
  resume(by: string): Promise<void>
}

export interface RequestStore extends ServeControl, RequestWrites {
  /** Since the service last went round. */
  idleMs(): number
  /** What every round has failed with since one last did not, and for how long; undefined if the last one did not. */
  failing(): Failing | undefined
  isPaused(): Promise<boolean>
  request(id: string): Promise<ProofRequest | undefined>
  waiting(): Promise<readonly ProofRequest[]>
  /**
   * Does work once for a key; whoever asks the same again gets the same answer. Work that fails changes nothing.
   *
   * @throws {@link IdempotencyKeyReusedError} if the key was used for something else
   */
  once<Answer>(once: Once, work: (writes: RequestWrites) => Promise<Answer>): Promise<Answer>
  close(): Promise<void>
}

export type Failing = { readonly says: string; readonly milliseconds: number }

/** What the running process alone knows; times by the clock that never steps. */
export class Rounds {
  resumedBy: string | undefined
  private last = performance.now()
  private failed: { readonly says: string; readonly since: number } | undefined

  round(): void {
    this.last = performance.now()
  }

  ended(failure: string | undefined): void {
    this.failed = failure === undefined ? undefined : { says: failure, since: this.failed?.since ?? performance.now() }
  }

  idleMs(): number {
    return performance.now() - this.last
  }

  failing(): Failing | undefined {
    const { failed } = this
    return failed && { says: failed.says, milliseconds: performance.now() - failed.since }
  }
}

/** What an answer is kept under, and what it answers: neither tells a key. */
export const digestsOf = ({ key, by, question }: Once): { readonly name: string; readonly asked: string } => ({
  name: digest(JSON.stringify([by, key])),
  asked: digest(question),
})

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The file of requests cannot be opened, or is something else. */
export class RequestStoreUnusableError extends ProverError {
  readonly code = 'service.request-store-unusable'
  readonly file: string

  constructor(file: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`${file} cannot hold what is asked of the service (${reason}). Check the path, the disk and the file.`, {
      cause,
    })
    this.file = file
  }
}

/** So many requests wait already that nothing is served by another. */
export class TooManyRequestsWaitingError extends ProverError {
  readonly code = 'http.too-many-waiting'
  readonly limit: number

  constructor(limit: number) {
    super(
      `Expected at most ${limit} proof requests to wait, that many do. Wait until some of them are begun or expire.`,
    )
    this.limit = limit
  }
}

/** An idempotency key stands for one request. */
export class IdempotencyKeyReusedError extends ProverError {
  readonly code = 'http.idempotency-key-reused'

  constructor() {
    super('Expected an Idempotency-Key of this request, got one that was used for another. Make a new key for it.')
  }
}
