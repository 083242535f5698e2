/** A {@link RequestStore} in one SQLite file. */
import { randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreDamagedError } from '../jobStore.ts'
import {
  ANSWER_MS,
  digestsOf,
  IdempotencyKeyReusedError,
  MOST_WAITING,
  type Once,
  type ProofRequest,
  REQUEST_MS,
  type RequestStore,
  RequestStoreUnusableError,
  type RequestWrites,
  Rounds,
  TooManyRequestsWaitingError,
  type Failing,
} from '../requestStore.ts'
import type { Pause } from '../pauses.ts'
import { keepSeals, requireUndamaged } from './seals.ts'
import { type Row, SqliteFile } from './sqliteFile.ts'
import { makeFolder } from '../../../folder.ts'

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

const SEALED = ['requests', 'pause', 'answers']

export class SqliteRequestStore implements RequestStore {
  private readonly file: SqliteFile
  private readonly clock: () => number
  private readonly rounds = new Rounds()
  /** Ends with what was last asked of the database: what belongs together is not mixed with anything. */
  private last: Promise<unknown> = Promise.resolve()

  private constructor(file: SqliteFile, clock: () => number) {
    this.file = file
    this.clock = clock
  }

  /** @throws {@link RequestStoreUnusableError}, {@link StoreDamagedError} */
  static async open(file: string, clock: () => number = Date.now): Promise<SqliteRequestStore> {
    let database: DatabaseSync | undefined
    try {
      makeFolder(dirname(file))
      database = new DatabaseSync(file)
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
      requireUndamaged(file, database, 'any')
      database.exec(SCHEMA)
      keepSeals(database, SEALED, 'any')
      return new SqliteRequestStore(new SqliteFile(file, database), clock)
    } catch (error) {
      database?.close()
      if (error instanceof StoreDamagedError) throw error
      throw new RequestStoreUnusableError(file, error)
    }
  }

  round(): void {
    this.rounds.round()
  }

  ended(failure: string | undefined): void {
    this.rounds.ended(failure)
  }

  idleMs(): number {
    return this.rounds.idleMs()
  }

  failing(): Failing | undefined {
    return this.rounds.failing()
  }

  resumedBy(): string | undefined {
    return this.rounds.resumedBy
  }

  async isPaused(): Promise<boolean> {
    return (await this.pause()) !== undefined
  }

  async pause(): Promise<Pause | undefined> {
    return this.inTurn(() => {
      const row = this.file.get('SELECT paused_by, since FROM pause')
      return row && { by: String(row.paused_by), since: Number(row.since) }
    })
  }

  async setPaused(by: string): Promise<void> {
    return this.inTurn(() => this.writes.setPaused(by))
  }

  async resume(by: string): Promise<void> {
    return this.inTurn(() => this.writes.resume(by))
  }

  async ask(markets: readonly string[], by: string): Promise<ProofRequest> {
    return this.inTurn(() => this.writes.ask(markets, by))
  }

  async request(id: string): Promise<ProofRequest | undefined> {
    return this.inTurn(() => {
      this.expire()
      const row = this.file.get('SELECT * FROM requests WHERE id = ?', id)
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
      for (const { id, markets } of this.readWaiting()) {
        if (!markets.some((market) => names.includes(market))) continue
        this.file.run(`UPDATE requests SET status = 'begun', job = ? WHERE id = ?`, job, id)
      }
    })
  }

  async once<Answer>(once: Once, work: (writes: RequestWrites) => Promise<Answer>): Promise<Answer> {
    const { name, asked } = digestsOf(once)
    return this.inTurn(async () => {
      this.file.run('DELETE FROM answers WHERE kept_at < ?', this.clock() - ANSWER_MS)
      const kept = this.file.get('SELECT question, answer FROM answers WHERE name = ?', name)
      if (kept !== undefined) {
        if (kept.question !== asked) throw new IdempotencyKeyReusedError()
        return JSON.parse(String(kept.answer)) as Answer
      }
      return this.atomically(async () => {
        const answer = await work(this.writes)
        this.file.run(
          'INSERT INTO answers (name, question, answer, kept_at) VALUES (?, ?, ?, ?)',
          name,
          asked,
          JSON.stringify(answer),
          this.clock(),
        )
        return answer
      })
    })
  }

  async close(): Promise<void> {
    await this.inTurn(() => this.file.close())
  }

  private readonly writes: RequestWrites = {
    ask: async (markets, by) => {
      if (this.readWaiting().length >= MOST_WAITING) throw new TooManyRequestsWaitingError(MOST_WAITING)
      const row = { id: randomUUID(), markets: JSON.stringify(markets), asked_by: by, asked_at: this.clock() }
      this.file.run(
        `INSERT INTO requests (id, markets, asked_by, status, asked_at) VALUES (?, ?, ?, 'waiting', ?)`,
        row.id,
        row.markets,
        row.asked_by,
        row.asked_at,
      )
      return requestOf({ ...row, status: 'waiting', job: null })
    },
    setPaused: async (by) => {
      this.file.run(
        'INSERT INTO pause (only_row, paused_by, since) VALUES (1, ?, ?) ON CONFLICT DO NOTHING',
        by,
        this.clock(),
      )
    },
    resume: async (by) => {
      this.file.exec('DELETE FROM pause')
      this.rounds.resumedBy = by
    },
  }

  private inTurn<Result>(work: () => Promise<Result> | Result): Promise<Result> {
    const result = this.last.then(work)
    this.last = result.catch(() => undefined)
    return result
  }

  private async atomically<Result>(work: () => Promise<Result>): Promise<Result> {
    this.file.begin()
    try {
      const result = await work()
      this.file.exec('COMMIT')
      return result
    } catch (error) {
      this.file.rollback()
      throw error
    }
  }

  private readWaiting(): readonly ProofRequest[] {
    this.expire()
    return this.file.all(`SELECT * FROM requests WHERE status = 'waiting' ORDER BY asked_at`).map(requestOf)
  }

  private expire(): void {
    this.file.run(
      `UPDATE requests SET status = 'expired' WHERE status = 'waiting' AND asked_at < ?`,
      this.clock() - REQUEST_MS,
    )
    this.file.run('DELETE FROM requests WHERE asked_at < ?', this.clock() - ANSWER_MS)
  }
}

const requestOf = (row: Row): ProofRequest => ({
  id: String(row.id),
  markets: JSON.parse(String(row.markets)) as readonly string[],
  askedBy: String(row.asked_by),
  status: row.status as ProofRequest['status'],
  job: row.job === null ? null : String(row.job),
  askedAt: Number(row.asked_at),
})
