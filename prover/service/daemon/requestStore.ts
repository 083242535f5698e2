/**
 * What people asked of a running service: proofs now, a pause. On the disk before it is answered, so that a pause outlives the
 * process, and a client that asks again with the same key gets the same answer.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
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

export type Pause = { readonly by: string; readonly since: number }

/** Who asks what under which key: the same answer again, or a refusal if it is something else. */
export type Once = { readonly key: string; readonly by: string; readonly question: string }

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS requests (
    id TEXT PRIMARY KEY, markets TEXT NOT NULL, asked_by TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'begun', 'expired')), job TEXT, asked_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS pause (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1), paused_by TEXT NOT NULL, since INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS answers (
    name TEXT PRIMARY KEY, question TEXT NOT NULL, answer TEXT NOT NULL, kept_at INTEGER NOT NULL
  ) STRICT;
`

/** After which a request that nothing came of ends, and an answer is forgotten. */
const REQUEST_MS = 600_000
const ANSWER_MS = 86_400_000
/** Requests that may wait at once; more are refused. */
const MOST_WAITING = 100

export class RequestStore implements ServeControl {
  private readonly database: DatabaseSync
  private readonly clock: () => number
  /** When the service last went round, by the clock that never steps. */
  private lastRound = performance.now()

  /** @throws {@link RequestStoreUnusableError} */
  constructor(file: string, clock: () => number = Date.now) {
    this.clock = clock
    let database: DatabaseSync | undefined
    try {
      mkdirSync(dirname(resolve(file)), { recursive: true })
      database = new DatabaseSync(file)
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
      database.exec(SCHEMA)
      this.database = database
    } catch (error) {
      database?.close()
      throw new RequestStoreUnusableError(file, error)
    }
  }

  round(): void {
    this.lastRound = performance.now()
  }

  /** Since the service last went round. */
  idleMs(): number {
    return performance.now() - this.lastRound
  }

  isPaused(): boolean {
    return this.pause() !== undefined
  }

  pause(): Pause | undefined {
    const row = this.database.prepare('SELECT paused_by, since FROM pause').get()
    return row && { by: String(row.paused_by), since: Number(row.since) }
  }

  setPaused(by: string): void {
    this.database.prepare('INSERT INTO pause VALUES (1, ?, ?) ON CONFLICT DO NOTHING').run(by, this.clock())
  }

  resume(): void {
    this.database.exec('DELETE FROM pause')
  }

  /** @throws {@link TooManyRequestsWaitingError} */
  ask(markets: readonly string[], by: string): ProofRequest {
    if (this.waiting().length >= MOST_WAITING) throw new TooManyRequestsWaitingError(MOST_WAITING)
    const id = randomUUID()
    this.database
      .prepare(`INSERT INTO requests VALUES (?, ?, ?, 'waiting', NULL, ?)`)
      .run(id, JSON.stringify(markets), by, this.clock())
    return this.request(id) as ProofRequest
  }

  request(id: string): ProofRequest | undefined {
    this.expire()
    const row = this.database.prepare('SELECT * FROM requests WHERE id = ?').get(id)
    return row && requestOf(row)
  }

  waiting(): readonly ProofRequest[] {
    this.expire()
    return this.database
      .prepare(`SELECT * FROM requests WHERE status = 'waiting' ORDER BY asked_at`)
      .all()
      .map(requestOf)
  }

  wanted(): readonly string[] {
    return this.waiting().flatMap(({ markets }) => markets)
  }

  begun(names: readonly string[], job: string): void {
    const begin = this.database.prepare(`UPDATE requests SET status = 'begun', job = ? WHERE id = ?`)
    for (const { id, markets } of this.waiting()) {
      if (markets.some((market) => names.includes(market))) begin.run(job, id)
    }
  }

  /**
   * Does work once for a key; whoever asks the same again gets the same answer.
   *
   * @throws {@link IdempotencyKeyReusedError} if the key was used for something else
   */
  once<Answer>({ key, by, question }: Once, work: () => Answer): Answer {
    const name = digest(JSON.stringify([by, key]))
    const asked = digest(question)
    this.database.prepare('DELETE FROM answers WHERE kept_at < ?').run(this.clock() - ANSWER_MS)
    const kept = this.database.prepare('SELECT question, answer FROM answers WHERE name = ?').get(name)
    if (kept !== undefined) {
      if (kept.question !== asked) throw new IdempotencyKeyReusedError()
      return JSON.parse(String(kept.answer)) as Answer
    }
    this.database.exec('BEGIN IMMEDIATE')
    try {
      const answer = work()
      this.database
        .prepare('INSERT INTO answers VALUES (?, ?, ?, ?)')
        .run(name, asked, JSON.stringify(answer), this.clock())
      this.database.exec('COMMIT')
      return answer
    } catch (error) {
      this.database.exec('ROLLBACK')
      throw error
    }
  }

  close(): void {
    this.database.close()
  }

  private expire(): void {
    this.database
      .prepare(`UPDATE requests SET status = 'expired' WHERE status = 'waiting' AND asked_at < ?`)
      .run(this.clock() - REQUEST_MS)
    this.database.prepare('DELETE FROM requests WHERE asked_at < ?').run(this.clock() - ANSWER_MS)
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

const requestOf = (row: Record<string, SQLOutputValue>): ProofRequest => ({
  id: String(row.id),
  markets: JSON.parse(String(row.markets)) as readonly string[],
  askedBy: String(row.asked_by),
  status: row.status as ProofRequest['status'],
  job: row.job === null ? null : String(row.job),
  askedAt: Number(row.asked_at),
})

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
