/** A {@link RequestStore} in one SQLite file. */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import {
  ANSWER_MS,
  digestsOf,
  IdempotencyKeyReusedError,
  MOST_WAITING,
  type Once,
  type Pause,
  type ProofRequest,
  REQUEST_MS,
  type RequestStore,
  RequestStoreUnusableError,
  type RequestWrites,
  Rounds,
  TooManyRequestsWaitingError,
} from '../requestStore.ts'

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

export class SqliteRequestStore implements RequestStore {
  private readonly database: DatabaseSync
  private readonly clock: () => number
  private readonly rounds = new Rounds()
  /** Ends with what was last asked of the database: what belongs together is not mixed with anything. */
  private last: Promise<unknown> = Promise.resolve()

  private constructor(database: DatabaseSync, clock: () => number) {
    this.database = database
    this.clock = clock
  }

  /** @throws {@link RequestStoreUnusableError} */
  static async open(file: string, clock: () => number = Date.now): Promise<SqliteRequestStore> {
    let database: DatabaseSync | undefined
    try {
      mkdirSync(dirname(resolve(file)), { recursive: true })
      database = new DatabaseSync(file)
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
      database.exec(SCHEMA)
      return new SqliteRequestStore(database, clock)
    } catch (error) {
      database?.close()
      throw new RequestStoreUnusableError(file, error)
    }
  }

  round(): void {
    this.rounds.round()
  }

  idleMs(): number {
    return this.rounds.idleMs()
  }

  async isPaused(): Promise<boolean> {
    return (await this.pause()) !== undefined
  }

  async pause(): Promise<Pause | undefined> {
    return this.inTurn(() => {
      const row = this.database.prepare('SELECT paused_by, since FROM pause').get()
      return row && { by: String(row.paused_by), since: Number(row.since) }
    })
  }

  async setPaused(by: string): Promise<void> {
    return this.inTurn(() => this.writes.setPaused(by))
  }

  async resume(): Promise<void> {
    return this.inTurn(() => this.writes.resume())
  }

  async ask(markets: readonly string[], by: string): Promise<ProofRequest> {
    return this.inTurn(() => this.writes.ask(markets, by))
  }

  async request(id: string): Promise<ProofRequest | undefined> {
    return this.inTurn(() => {
      this.expire()
      const row = this.database.prepare('SELECT * FROM requests WHERE id = ?').get(id)
      return row && requestOf(row)
    })
  }

  async waiting(): Promise<readonly ProofRequest[]> {
    return this.inTurn(() => this.readWaiting())
  }

  async wanted(): Promise<readonly string[]> {
    return (await this.waiting()).flatMap(({ markets }) => markets)
  }

  async begun(names: readonly string[], job: string): Promise<void> {
    return this.inTurn(() => {
      const begin = this.database.prepare(`UPDATE requests SET status = 'begun', job = ? WHERE id = ?`)
      for (const { id, markets } of this.readWaiting()) {
        if (markets.some((market) => names.includes(market))) begin.run(job, id)
      }
    })
  }

  async once<Answer>(once: Once, work: (writes: RequestWrites) => Promise<Answer>): Promise<Answer> {
    const { name, asked } = digestsOf(once)
    return this.inTurn(async () => {
      this.database.prepare('DELETE FROM answers WHERE kept_at < ?').run(this.clock() - ANSWER_MS)
      const kept = this.database.prepare('SELECT question, answer FROM answers WHERE name = ?').get(name)
      if (kept !== undefined) {
        if (kept.question !== asked) throw new IdempotencyKeyReusedError()
        return JSON.parse(String(kept.answer)) as Answer
      }
      return this.atomically(async () => {
        const answer = await work(this.writes)
        this.database
          .prepare('INSERT INTO answers VALUES (?, ?, ?, ?)')
          .run(name, asked, JSON.stringify(answer), this.clock())
        return answer
      })
    })
  }

  async close(): Promise<void> {
    await this.inTurn(() => this.database.close())
  }

  private readonly writes: RequestWrites = {
    ask: async (markets, by) => {
      if (this.readWaiting().length >= MOST_WAITING) throw new TooManyRequestsWaitingError(MOST_WAITING)
      const row = { id: randomUUID(), markets: JSON.stringify(markets), asked_by: by, asked_at: this.clock() }
      this.database
        .prepare(`INSERT INTO requests VALUES (?, ?, ?, 'waiting', NULL, ?)`)
        .run(row.id, row.markets, row.asked_by, row.asked_at)
      return requestOf({ ...row, status: 'waiting', job: null })
    },
    setPaused: async (by) => {
      this.database.prepare('INSERT INTO pause VALUES (1, ?, ?) ON CONFLICT DO NOTHING').run(by, this.clock())
    },
    resume: async () => this.database.exec('DELETE FROM pause'),
  }

  private inTurn<Result>(work: () => Promise<Result> | Result): Promise<Result> {
    const result = this.last.then(work)
    this.last = result.catch(() => undefined)
    return result
  }

  private async atomically<Result>(work: () => Promise<Result>): Promise<Result> {
    this.database.exec('BEGIN IMMEDIATE')
    try {
      const result = await work()
      this.database.exec('COMMIT')
      return result
    } catch (error) {
      this.database.exec('ROLLBACK')
      throw error
    }
  }

  private readWaiting(): readonly ProofRequest[] {
    this.expire()
    return this.database
      .prepare(`SELECT * FROM requests WHERE status = 'waiting' ORDER BY asked_at`)
      .all()
      .map(requestOf)
  }

  private expire(): void {
    this.database
      .prepare(`UPDATE requests SET status = 'expired' WHERE status = 'waiting' AND asked_at < ?`)
      .run(this.clock() - REQUEST_MS)
    this.database.prepare('DELETE FROM requests WHERE asked_at < ?').run(this.clock() - ANSWER_MS)
  }
}

const requestOf = (row: Record<string, SQLOutputValue>): ProofRequest => ({
  id: String(row.id),
  markets: JSON.parse(String(row.markets)) as readonly string[],
  askedBy: String(row.asked_by),
  status: row.status as ProofRequest['status'],
  job: row.job === null ? null : String(row.job),
  askedAt: Number(row.asked_at),
})
