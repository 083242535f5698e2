/** A {@link JobStore} in one SQLite file, written ahead and synced to the disk with every change. */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
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
  StoreDamagedError,
  StoreInUseError,
  type StoreScope,
  StoreScopeError,
  StoreEmptyError,
  StoreUnusableError,
  UnknownJobError,
} from '../jobStore.ts'
import { keepSeals, requireUndamaged } from './seals.ts'
import { type Row, SqliteFile, typedFailure } from './sqliteFile.ts'
import { makeFolder } from '../../../folder.ts'

const SCHEMA_VERSION = 3

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
  // Seals, which every open adds where there are none.
  2: 'UPDATE scope SET version = 3',
}

const SEALED = ['scope', 'jobs', 'transactions']

const INDICES = `
  CREATE INDEX IF NOT EXISTS mined_transactions ON transactions (block) WHERE block IS NOT NULL;
  CREATE INDEX IF NOT EXISTS transactions_of_nonce ON transactions (sender, nonce)
`

export class SqliteJobStore implements JobStore {
  private readonly file: SqliteFile

  private constructor(file: SqliteFile) {
    this.file = file
  }

  /**
   * @param file - made if it does not exist
   * @throws {@link StoreInUseError} if another process holds it
   * @throws {@link StoreScopeError} if it belongs to another chain or registry
   * @throws {@link StoreUnusableError} if it cannot be opened, or is no store
   * @throws {@link StoreDamagedError} if anything in it is not as it was written
   */
  static async open(file: string, scope: StoreScope): Promise<SqliteJobStore> {
    const database = open(file)
    try {
      const store = new SqliteJobStore(new SqliteFile(file, database))
      store.requireScope(scope)
      database.exec(INDICES)
      keepSeals(database, SEALED, 'sealing')
      return store
    } catch (error) {
      database.close()
      throw typedFailure(file, error)
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
    this.file.run(
      `INSERT INTO jobs (id, build, status, trigger, summary, created_at, updated_at)
         VALUES (?, ?, 'planned', ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      job.id,
      job.build,
      job.trigger,
      job.summary,
      now,
      now,
    )
    return this.require(job.id)
  }

  async proven(id: string, bundle: string): Promise<Job> {
    this.file.run(
      `UPDATE jobs SET status = 'proven', bundle = ?, updated_at = ? WHERE id = ? AND status = 'planned'`,
      bundle,
      Date.now(),
      id,
    )
    return this.require(id)
  }

  async signed(transaction: Omit<SignedTransaction, 'signedAt'>): Promise<void> {
    const now = Date.now()
    this.file.atomically(() => {
      const changes = this.file.run(
        `UPDATE jobs SET status = 'signed', updated_at = ? WHERE id = ?`,
        now,
        transaction.jobId,
      )
      if (changes === 0) throw new UnknownJobError(transaction.jobId)
      this.file.run(
        'INSERT INTO transactions (hash, job_id, sender, nonce, raw, signed_at) VALUES (?, ?, ?, ?, ?, ?)',
        transaction.hash,
        transaction.jobId,
        transaction.sender,
        transaction.nonce,
        transaction.raw,
        now,
      )
    })
  }

  async end(id: string, status: 'confirmed' | 'superseded', reason?: string, mined?: Mined): Promise<void> {
    this.file.atomically(() => {
      this.file.run(
        'UPDATE jobs SET status = ?, reason = ?, updated_at = ? WHERE id = ?',
        status,
        reason ?? null,
        Date.now(),
        id,
      )
      if (mined !== undefined) this.keepMined(mined)
    })
  }

  async mined(mined: Mined): Promise<void> {
    this.keepMined(mined)
  }

  async landedAfter(block: number): Promise<readonly LandedJob[]> {
    return this.file
      .all(
        `SELECT jobs.*, hash, block FROM transactions JOIN jobs ON jobs.id = job_id
         WHERE block > ? AND status = 'confirmed' ORDER BY nonce`,
        block,
      )
      .map((row) => ({ job: jobOf(row), hash: String(row.hash), block: Number(row.block) }))
  }

  async gasOfLast(count: number): Promise<readonly bigint[]> {
    return this.file
      .all('SELECT gas_used FROM transactions WHERE block IS NOT NULL ORDER BY block DESC, nonce DESC LIMIT ?', count)
      .map((row) => BigInt(Number(row.gas_used)))
  }

  async revive(id: string): Promise<void> {
    this.file.atomically(() => {
      this.file.run(
        `UPDATE jobs SET status = 'signed', updated_at = ? WHERE id = ? AND status = 'confirmed'`,
        Date.now(),
        id,
      )
      this.file.run('UPDATE transactions SET block = NULL, gas_used = NULL WHERE job_id = ?', id)
    })
  }

  async unsigned(id: string): Promise<void> {
    this.file.run(
      `UPDATE jobs SET status = 'proven', updated_at = ? WHERE id = ? AND status = 'signed'`,
      Date.now(),
      id,
    )
  }

  async reopen(id: string): Promise<Job> {
    this.file.run(
      `UPDATE jobs SET status = CASE WHEN bundle IS NULL THEN 'planned' ELSE 'proven' END, reason = NULL, updated_at = ?
         WHERE id = ? AND status IN ('superseded', 'confirmed')`,
      Date.now(),
      id,
    )
    return this.require(id)
  }

  async proveAnew(id: string): Promise<Job> {
    this.file.run(
      `UPDATE jobs SET status = 'planned', bundle = NULL, reason = NULL, updated_at = ?
       WHERE id = ? AND status IN ('superseded', 'confirmed')`,
      ...[Date.now(), id],
    )
    return this.require(id)
  }

  async openJobs(): Promise<readonly Job[]> {
    return this.file
      .all(`SELECT * FROM jobs WHERE status IN ('planned', 'proven', 'signed') ORDER BY created_at, id`)
      .map(jobOf)
  }

  async jobs(limit = 1000): Promise<readonly Job[]> {
    return this.file.all('SELECT * FROM jobs ORDER BY created_at DESC, id LIMIT ?', limit).map(jobOf)
  }

  async find(id: string): Promise<Job | undefined> {
    return this.read(id)
  }

  async counts(): Promise<Readonly<Record<JobStatus, number>>> {
    const rows = this.file.all('SELECT status, count(*) AS count FROM jobs GROUP BY status')
    const none = { planned: 0, proven: 0, signed: 0, confirmed: 0, superseded: 0 }
    return { ...none, ...Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)])) }
  }

  async requireWritable(): Promise<void> {
    // A row that is set to what it is already is not written.
    const { user_version: last } = this.file.get('PRAGMA user_version') ?? {}
    this.file.exec(`PRAGMA user_version = ${(Number(last) + 1) % 2 ** 31}`)
  }

  async transactions(jobId: string): Promise<readonly SignedTransaction[]> {
    return this.file.all('SELECT * FROM transactions WHERE job_id = ? ORDER BY rowid DESC', jobId).map(transactionOf)
  }

  async transactionsAt(sender: string, nonce: number): Promise<readonly SignedTransaction[]> {
    return this.file
      .all('SELECT * FROM transactions WHERE sender = ? AND nonce = ? ORDER BY rowid DESC', sender, nonce)
      .map(transactionOf)
  }

  async prune(before: number, isDry: boolean): Promise<Pruned> {
    const ids = `(${prunable('', '?')})`
    const found = this.file.get(
      `SELECT count(*) AS jobs, coalesce(sum(length(CAST(bundle AS BLOB))), 0) AS bytes,
           (SELECT count(*) FROM transactions WHERE job_id IN ${ids}) AS transactions FROM jobs WHERE id IN ${ids}`,
      before,
      before,
    )
    if (!isDry) {
      this.file.atomically(() => {
        this.file.run(`CREATE TEMP TABLE pruned AS ${prunable('', '?')}`, before)
        this.file.exec('DELETE FROM transactions WHERE job_id IN (SELECT id FROM pruned)')
        this.file.exec('DELETE FROM jobs WHERE id IN (SELECT id FROM pruned); DROP TABLE pruned')
      })
      this.file.exec('VACUUM')
    }
    const { jobs, bytes, transactions } = found ?? {}
    return { jobs: Number(jobs), transactions: Number(transactions), bundleBytes: Number(bytes) }
  }

  async close(): Promise<void> {
    this.file.close()
  }

  private read(id: string): Job | undefined {
    const row = this.file.get('SELECT * FROM jobs WHERE id = ?', id)
    return row && jobOf(row)
  }

  private require(id: string): Job {
    const job = this.read(id)
    if (job === undefined) throw new UnknownJobError(id)
    return job
  }

  private keepMined({ hash, block, gasUsed }: Mined): void {
    this.file.run('UPDATE transactions SET block = ?, gas_used = ? WHERE hash = ?', block, Number(gasUsed), hash)
  }

  private requireScope({ chainId, registry }: StoreScope): void {
    const { path } = this.file
    this.file.run(
      'INSERT INTO scope (only_row, version, chain_id, registry) VALUES (1, ?, ?, ?) ON CONFLICT DO NOTHING',
      ...[SCHEMA_VERSION, chainId.toString(), registry.toLowerCase()],
    )
    const read = () => this.file.get('SELECT version, chain_id, registry FROM scope')
    for (let version = Number(read()?.version); version < SCHEMA_VERSION; version++) {
      this.file.atomically(() => this.file.exec(MIGRATIONS[version] ?? ''))
    }
    const held = read()
    if (Number(held?.version) !== SCHEMA_VERSION) {
      throw new StoreUnusableError(path, `its version is ${held?.version}, expected ${SCHEMA_VERSION}`)
    }
    if (held?.chain_id !== chainId.toString() || held.registry !== registry.toLowerCase()) {
      throw new StoreScopeError(path, BigInt(String(held?.chain_id)), String(held?.registry))
    }
  }
}

function open(file: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    makeFolder(dirname(file))
    database = new DatabaseSync(file)
    // Exclusive before the journal mode: the lock is then taken at once and held until the process ends, however it ends.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    database.exec('PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; COMMIT')
    requireKnownVersion(file, database)
    requireUndamaged(file, database, 'sealing')
    database.exec(SCHEMA)
    return database
  } catch (error) {
    database?.close()
    const typed = typedFailure(file, error)
    if (typed instanceof StoreUnusableError || typed instanceof StoreDamagedError) throw typed
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
    if (row === undefined) throw new StoreEmptyError(file)
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

function transactionOf(row: Row): SignedTransaction {
  return {
    hash: String(row.hash),
    jobId: String(row.job_id),
    sender: String(row.sender),
    nonce: Number(row.nonce),
    raw: String(row.raw),
    signedAt: Number(row.signed_at),
  }
}

function jobOf(row: Row): Job {
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
