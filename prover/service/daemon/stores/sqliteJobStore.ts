/** A {@link JobStore} in one SQLite file, written ahead and synced to the disk with every change. */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import {
  type Job,
  type JobStatus,
  type JobStore,
  laterVersion,
  type LandedJob,
  type Mined,
  prunable,
  type Pruned,
  type SignedTransaction,
  StoreInUseError,
  type StoreScope,
  StoreScopeError,
  StoreUnusableError,
  UnknownJobError,
} from '../jobStore.ts'

const SCHEMA_VERSION = 2

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS scope (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1), version INTEGER NOT NULL, chain_id TEXT NOT NULL, registry TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, build TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('planned', 'proven', 'signed', 'confirmed', 'superseded')),
    trigger TEXT NOT NULL, summary TEXT NOT NULL, bundle TEXT, reason TEXT,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS open_jobs ON jobs (status) WHERE status IN ('planned', 'proven', 'signed');
  CREATE TABLE IF NOT EXISTS transactions (
    hash TEXT PRIMARY KEY, job_id TEXT NOT NULL REFERENCES jobs (id), sender TEXT NOT NULL, nonce INTEGER NOT NULL,
    raw TEXT NOT NULL, signed_at INTEGER NOT NULL, block INTEGER, gas_used INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS transactions_of_job ON transactions (job_id);
`

/** From one version to the next. */
const MIGRATIONS: Readonly<Record<number, string>> = {
  1: `ALTER TABLE transactions ADD COLUMN block INTEGER; ALTER TABLE transactions ADD COLUMN gas_used INTEGER;
      UPDATE scope SET version = 2`,
}

const INDICES = `
  CREATE INDEX IF NOT EXISTS mined_transactions ON transactions (block) WHERE block IS NOT NULL;
  CREATE INDEX IF NOT EXISTS transactions_of_nonce ON transactions (sender, nonce)
`

export class SqliteJobStore implements JobStore {
  private readonly database: DatabaseSync

  private constructor(database: DatabaseSync) {
    this.database = database
  }

  /**
   * @param file - made if it does not exist
   * @throws {@link StoreInUseError} if another process holds it
   * @throws {@link StoreScopeError} if it belongs to another chain or registry
   * @throws {@link StoreUnusableError} if it cannot be opened, or is no store
   */
  static async open(file: string, scope: StoreScope): Promise<SqliteJobStore> {
    const database = open(file)
    try {
      const store = new SqliteJobStore(database)
      store.requireScope(file, scope)
      database.exec(INDICES)
      return store
    } catch (error) {
      database.close()
      throw error
    }
  }

  /**
   * Opens one that is there already, whatever it belongs to.
   *
   * @throws as {@link open} does
   */
  static async openExisting(file: string): Promise<{ readonly store: SqliteJobStore; readonly scope: StoreScope }> {
    const scope = readScope(file)
    return { store: await SqliteJobStore.open(file, scope), scope }
  }

  async plan(job: Pick<Job, 'id' | 'build' | 'trigger' | 'summary'>): Promise<Job> {
    const now = Date.now()
    this.database
      .prepare(
        `INSERT INTO jobs (id, build, status, trigger, summary, created_at, updated_at)
         VALUES (?, ?, 'planned', ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      )
      .run(job.id, job.build, job.trigger, job.summary, now, now)
    return this.require(job.id)
  }

  async proven(id: string, bundle: string): Promise<Job> {
    this.database
      .prepare(`UPDATE jobs SET status = 'proven', bundle = ?, updated_at = ? WHERE id = ? AND status = 'planned'`)
      .run(bundle, Date.now(), id)
    return this.require(id)
  }

  async signed(transaction: Omit<SignedTransaction, 'signedAt'>): Promise<void> {
    const now = Date.now()
    this.atomically(() => {
      const { changes } = this.database
        .prepare(`UPDATE jobs SET status = 'signed', updated_at = ? WHERE id = ?`)
        .run(now, transaction.jobId)
      if (changes === 0) throw new UnknownJobError(transaction.jobId)
      this.database
        .prepare('INSERT INTO transactions (hash, job_id, sender, nonce, raw, signed_at) VALUES (?, ?, ?, ?, ?, ?)')
        .run(transaction.hash, transaction.jobId, transaction.sender, transaction.nonce, transaction.raw, now)
    })
  }

  async end(id: string, status: 'confirmed' | 'superseded', reason?: string, mined?: Mined): Promise<void> {
    this.atomically(() => {
      this.database
        .prepare('UPDATE jobs SET status = ?, reason = ?, updated_at = ? WHERE id = ?')
        .run(status, reason ?? null, Date.now(), id)
      if (mined !== undefined) this.keepMined(mined)
    })
  }

  async mined(mined: Mined): Promise<void> {
    this.keepMined(mined)
  }

  async landedAfter(block: number): Promise<readonly LandedJob[]> {
    return this.database
      .prepare(
        `SELECT jobs.*, hash, block FROM transactions JOIN jobs ON jobs.id = job_id
         WHERE block > ? AND status = 'confirmed' ORDER BY nonce`,
      )
      .all(block)
      .map((row) => ({ job: jobOf(row), hash: String(row.hash), block: Number(row.block) }))
  }

  async gasOfLast(count: number): Promise<readonly bigint[]> {
    return this.database
      .prepare('SELECT gas_used FROM transactions WHERE block IS NOT NULL ORDER BY block DESC, nonce DESC LIMIT ?')
      .all(count)
      .map((row) => BigInt(Number(row.gas_used)))
  }

  async revive(id: string): Promise<void> {
    this.atomically(() => {
      this.database
        .prepare(`UPDATE jobs SET status = 'signed', updated_at = ? WHERE id = ? AND status = 'confirmed'`)
        .run(Date.now(), id)
      this.database.prepare('UPDATE transactions SET block = NULL, gas_used = NULL WHERE job_id = ?').run(id)
    })
  }

  async unsigned(id: string): Promise<void> {
    this.database
      .prepare(`UPDATE jobs SET status = 'proven', updated_at = ? WHERE id = ? AND status = 'signed'`)
      .run(Date.now(), id)
  }

  async reopen(id: string): Promise<Job> {
    this.database
      .prepare(
        `UPDATE jobs SET status = CASE WHEN bundle IS NULL THEN 'planned' ELSE 'proven' END, reason = NULL, updated_at = ?
         WHERE id = ? AND status IN ('superseded', 'confirmed')`,
      )
      .run(Date.now(), id)
    return this.require(id)
  }

  async openJobs(): Promise<readonly Job[]> {
    return this.database
      .prepare(`SELECT * FROM jobs WHERE status IN ('planned', 'proven', 'signed') ORDER BY created_at, id`)
      .all()
      .map(jobOf)
  }

  async jobs(limit = 1000): Promise<readonly Job[]> {
    return this.database.prepare('SELECT * FROM jobs ORDER BY created_at DESC, id LIMIT ?').all(limit).map(jobOf)
  }

  async find(id: string): Promise<Job | undefined> {
    return this.read(id)
  }

  async counts(): Promise<Readonly<Record<JobStatus, number>>> {
    const rows = this.database.prepare('SELECT status, count(*) AS count FROM jobs GROUP BY status').all()
    const none = { planned: 0, proven: 0, signed: 0, confirmed: 0, superseded: 0 }
    return { ...none, ...Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)])) }
  }

  async requireWritable(): Promise<void> {
    this.database.exec('UPDATE scope SET version = version')
  }

  async transactions(jobId: string): Promise<readonly SignedTransaction[]> {
    return this.database
      .prepare('SELECT * FROM transactions WHERE job_id = ? ORDER BY rowid DESC')
      .all(jobId)
      .map(transactionOf)
  }

  async transactionsAt(sender: string, nonce: number): Promise<readonly SignedTransaction[]> {
    return this.database
      .prepare('SELECT * FROM transactions WHERE sender = ? AND nonce = ? ORDER BY rowid DESC')
      .all(sender, nonce)
      .map(transactionOf)
  }

  async prune(before: number, isDry: boolean): Promise<Pruned> {
    const ids = `(${prunable('', '?')})`
    const found = this.database
      .prepare(
        `SELECT count(*) AS jobs, coalesce(sum(length(CAST(bundle AS BLOB))), 0) AS bytes,
           (SELECT count(*) FROM transactions WHERE job_id IN ${ids}) AS transactions FROM jobs WHERE id IN ${ids}`,
      )
      .get(before, before)
    if (!isDry) {
      this.atomically(() => {
        this.database.prepare(`CREATE TEMP TABLE pruned AS ${prunable('', '?')}`).run(before)
        this.database.exec('DELETE FROM transactions WHERE job_id IN (SELECT id FROM pruned)')
        this.database.exec('DELETE FROM jobs WHERE id IN (SELECT id FROM pruned); DROP TABLE pruned')
      })
      this.database.exec('VACUUM')
    }
    const { jobs, bytes, transactions } = found ?? {}
    return { jobs: Number(jobs), transactions: Number(transactions), bundleBytes: Number(bytes) }
  }

  async close(): Promise<void> {
    this.database.close()
  }

  private read(id: string): Job | undefined {
    const row = this.database.prepare('SELECT * FROM jobs WHERE id = ?').get(id)
    return row && jobOf(row)
  }

  private require(id: string): Job {
    const job = this.read(id)
    if (job === undefined) throw new UnknownJobError(id)
    return job
  }

  private keepMined({ hash, block, gasUsed }: Mined): void {
    this.database
      .prepare('UPDATE transactions SET block = ?, gas_used = ? WHERE hash = ?')
      .run(block, Number(gasUsed), hash)
  }

  private requireScope(file: string, { chainId, registry }: StoreScope): void {
    this.database
      .prepare('INSERT INTO scope VALUES (1, ?, ?, ?) ON CONFLICT DO NOTHING')
      .run(SCHEMA_VERSION, chainId.toString(), registry.toLowerCase())
    const read = () => this.database.prepare('SELECT version, chain_id, registry FROM scope').get()
    for (let version = Number(read()?.version); version < SCHEMA_VERSION; version++) {
      this.atomically(() => this.database.exec(MIGRATIONS[version] ?? ''))
    }
    const held = read()
    if (Number(held?.version) !== SCHEMA_VERSION) {
      throw new StoreUnusableError(file, `its version is ${held?.version}, expected ${SCHEMA_VERSION}`)
    }
    if (held?.chain_id !== chainId.toString() || held.registry !== registry.toLowerCase()) {
      throw new StoreScopeError(file, BigInt(String(held?.chain_id)), String(held?.registry))
    }
  }

  private atomically(work: () => void): void {
    this.database.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.database.exec('COMMIT')
    } catch (error) {
      this.database.exec('ROLLBACK')
      throw error
    }
  }
}

function open(file: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    mkdirSync(dirname(resolve(file)), { recursive: true })
    database = new DatabaseSync(file)
    // Exclusive before the journal mode: the lock is then taken at once and held until the process ends, however it ends.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    database.exec('PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; COMMIT')
    requireKnownVersion(file, database)
    database.exec(SCHEMA)
    return database
  } catch (error) {
    database?.close()
    if (error instanceof StoreUnusableError) throw error
    const { message, errcode } = error as Error & { errcode?: number }
    if (errcode === SQLITE_BUSY) throw new StoreInUseError(file, error)
    throw new StoreUnusableError(file, message, error)
  }
}

const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6

function readScope(file: string): StoreScope {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true })
    const row = database.prepare('SELECT chain_id, registry FROM scope').get()
    if (row === undefined) throw new StoreUnusableError(file, 'nothing was ever kept in it')
    return { chainId: BigInt(String(row.chain_id)), registry: String(row.registry) }
  } catch (error) {
    if (error instanceof StoreUnusableError) throw error
    const { errcode = 0 } = error as { readonly errcode?: number }
    if ([SQLITE_BUSY, SQLITE_LOCKED].includes(errcode)) throw new StoreInUseError(file, error)
    throw new StoreUnusableError(
      file,
      existsSync(file) ? 'it is no store of a service' : 'there is no such file',
      error,
    )
  } finally {
    database?.close()
  }
}

/** Before anything is written: a store of a later version is left as it is. */
function requireKnownVersion(file: string, database: DatabaseSync): void {
  const isStore = database.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'scope'`).get() !== undefined
  const version = isStore ? Number(database.prepare('SELECT version FROM scope').get()?.version ?? 0) : 0
  if (version > SCHEMA_VERSION) throw new StoreUnusableError(file, laterVersion(version, SCHEMA_VERSION))
}

function transactionOf(row: Record<string, SQLOutputValue>): SignedTransaction {
  return {
    hash: String(row.hash),
    jobId: String(row.job_id),
    sender: String(row.sender),
    nonce: Number(row.nonce),
    raw: String(row.raw),
    signedAt: Number(row.signed_at),
  }
}

function jobOf(row: Record<string, SQLOutputValue>): Job {
  return {
    id: String(row.id),
    build: String(row.build),
    status: row.status as JobStatus,
    trigger: String(row.trigger),
    summary: String(row.summary),
    bundle: row.bundle === null ? undefined : String(row.bundle),
    reason: row.reason === null ? undefined : String(row.reason),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  }
}
