/**
 * What `zkrisk serve` must not forget: batches under way, their proofs, and every signed transaction before it is sent.
 *
 * One SQLite file, written ahead and synced to the disk with every change: what a call has returned survives kill -9 and
 * power cuts. One process at a time may hold it, because two would use the same nonces.
 */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { ProverError } from '../../errors.ts'

/** planned: to be proven. proven: to be sent. signed: sent, perhaps. The others are final. */
export const statusNames = ['planned', 'proven', 'signed', 'confirmed', 'superseded'] as const
export type JobStatus = (typeof statusNames)[number]

export type Job = {
  readonly id: string
  readonly build: string
  readonly status: JobStatus
  /** Why the batch was made, by name of the trigger. */
  readonly trigger: string
  /** Names of the markets and the sequences they move to, for people. */
  readonly summary: string
  /** The proof bundle's text, once there is one. */
  readonly bundle: string | undefined
  /** What became of it, when it ended otherwise than confirmed. */
  readonly reason: string | undefined
  /** Unix milliseconds. */
  readonly createdAt: number
  readonly updatedAt: number
}

/** One signed transaction; those of one job that share a nonce replace each other: only one of them is ever mined. */
export type SignedTransaction = {
  readonly hash: string
  readonly jobId: string
  readonly sender: string
  readonly nonce: number
  readonly raw: string
  readonly signedAt: number
}

/** Where a job's transaction was mined, and what it took. */
export type Mined = { readonly hash: string; readonly block: number; readonly gasUsed: bigint }

/** A confirmed job that a reorganisation may still undo. */
export type LandedJob = { readonly job: Job; readonly hash: string; readonly block: number }

/** Where a store belongs. */
export type StoreScope = { readonly chainId: bigint; readonly registry: string }

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

/**
 * Name of a batch: the same batch has the same name however often it is proven, since proofs are randomised and only the
 * public signals count.
 */
export function jobIdOf(build: string, publicSignals: readonly bigint[]): string {
  return createHash('sha256')
    .update(JSON.stringify([build, publicSignals.map(String)]))
    .digest('hex')
}

export class JobStore {
  private readonly database: DatabaseSync

  /**
   * @param file - made if it does not exist
   * @throws {@link StoreInUseError} if another process holds it
   * @throws {@link StoreScopeError} if it belongs to another chain or registry
   * @throws {@link StoreUnusableError} if it cannot be opened, or is no store
   */
  constructor(file: string, scope: StoreScope) {
    this.database = open(file)
    try {
      this.requireScope(file, scope)
      this.database.exec(INDICES)
    } catch (error) {
      this.database.close()
      throw error
    }
  }

  /** Adds a planned job; one that exists already is returned as it stands. */
  plan(job: Pick<Job, 'id' | 'build' | 'trigger' | 'summary'>): Job {
    const now = Date.now()
    this.database
      .prepare(
        `INSERT INTO jobs (id, build, status, trigger, summary, created_at, updated_at)
         VALUES (?, ?, 'planned', ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      )
      .run(job.id, job.build, job.trigger, job.summary, now, now)
    return this.require(job.id)
  }

  /** Keeps the proof. */
  proven(id: string, bundle: string): Job {
    this.database
      .prepare(`UPDATE jobs SET status = 'proven', bundle = ?, updated_at = ? WHERE id = ? AND status = 'planned'`)
      .run(bundle, Date.now(), id)
    return this.require(id)
  }

  /** Keeps a signed transaction; to be called before it is sent. */
  signed(transaction: Omit<SignedTransaction, 'signedAt'>): void {
    const now = Date.now()
    this.atomically(() => {
      this.database
        .prepare('INSERT INTO transactions (hash, job_id, sender, nonce, raw, signed_at) VALUES (?, ?, ?, ?, ?, ?)')
        .run(transaction.hash, transaction.jobId, transaction.sender, transaction.nonce, transaction.raw, now)
      this.database
        .prepare(`UPDATE jobs SET status = 'signed', updated_at = ? WHERE id = ?`)
        .run(now, transaction.jobId)
    })
  }

  /** Ends a job, by a transaction of its own if one is named. */
  end(id: string, status: 'confirmed' | 'superseded', reason?: string, mined?: Mined): void {
    this.atomically(() => {
      this.database
        .prepare('UPDATE jobs SET status = ?, reason = ?, updated_at = ? WHERE id = ?')
        .run(status, reason ?? null, Date.now(), id)
      if (mined !== undefined) this.mined(mined)
    })
  }

  /** Keeps where a transaction was mined: elsewhere than before, if the chain was reorganised. */
  mined({ hash, block, gasUsed }: Mined): void {
    this.database
      .prepare('UPDATE transactions SET block = ?, gas_used = ? WHERE hash = ?')
      .run(block, Number(gasUsed), hash)
  }

  /** Confirmed jobs whose transactions were mined after a block, in the order of their nonces. */
  landedAfter(block: number): readonly LandedJob[] {
    return this.database
      .prepare(
        `SELECT jobs.*, hash, block FROM transactions JOIN jobs ON jobs.id = job_id
         WHERE block > ? AND status = 'confirmed' ORDER BY nonce`,
      )
      .all(block)
      .map((row) => ({ job: jobOf(row), hash: String(row.hash), block: Number(row.block) }))
  }

  /** Gas of the batches that landed last, newest first. */
  gasOfLast(count: number): readonly bigint[] {
    return this.database
      .prepare('SELECT gas_used FROM transactions WHERE block IS NOT NULL ORDER BY block DESC, nonce DESC LIMIT ?')
      .all(count)
      .map((row) => BigInt(Number(row.gas_used)))
  }

  /** A confirmed job's block is gone: its signed transaction is to be mined again. */
  revive(id: string): void {
    this.atomically(() => {
      this.database
        .prepare(`UPDATE jobs SET status = 'signed', updated_at = ? WHERE id = ? AND status = 'confirmed'`)
        .run(Date.now(), id)
      this.database.prepare('UPDATE transactions SET block = NULL, gas_used = NULL WHERE job_id = ?').run(id)
    })
  }

  /** A signed job whose nonce went to something else is to be signed anew. */
  unsigned(id: string): void {
    this.database
      .prepare(`UPDATE jobs SET status = 'proven', updated_at = ? WHERE id = ? AND status = 'signed'`)
      .run(Date.now(), id)
  }

  /** Takes a job up again that had ended: the chain is back where the batch fits. */
  reopen(id: string): Job {
    this.database
      .prepare(
        `UPDATE jobs SET status = CASE WHEN bundle IS NULL THEN 'planned' ELSE 'proven' END, reason = NULL, updated_at = ?
         WHERE id = ? AND status IN ('superseded', 'confirmed')`,
      )
      .run(Date.now(), id)
    return this.require(id)
  }

  /** Jobs that have not ended, oldest first. */
  openJobs(): readonly Job[] {
    return this.database
      .prepare(`SELECT * FROM jobs WHERE status IN ('planned', 'proven', 'signed') ORDER BY created_at, id`)
      .all()
      .map(jobOf)
  }

  /** All jobs, newest first. */
  jobs(limit = 1000): readonly Job[] {
    return this.database.prepare('SELECT * FROM jobs ORDER BY created_at DESC, id LIMIT ?').all(limit).map(jobOf)
  }

  /** A job by its id, if there is one. */
  find(id: string): Job | undefined {
    const row = this.database.prepare('SELECT * FROM jobs WHERE id = ?').get(id)
    return row && jobOf(row)
  }

  /** How many jobs there are, by status. */
  counts(): Readonly<Record<JobStatus, number>> {
    const rows = this.database.prepare('SELECT status, count(*) AS count FROM jobs GROUP BY status').all()
    const none = { planned: 0, proven: 0, signed: 0, confirmed: 0, superseded: 0 }
    return { ...none, ...Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)])) }
  }

  /** Writes something that changes nothing: throws where the disk takes nothing any more. */
  requireWritable(): void {
    this.database.exec('UPDATE scope SET version = version')
  }

  /** Transactions of a job, newest first. */
  transactions(jobId: string): readonly SignedTransaction[] {
    return this.database
      .prepare('SELECT * FROM transactions WHERE job_id = ? ORDER BY rowid DESC')
      .all(jobId)
      .map(transactionOf)
  }

  /** Everything ever signed with a nonce, of whatever job, newest first. */
  transactionsAt(sender: string, nonce: number): readonly SignedTransaction[] {
    return this.database
      .prepare('SELECT * FROM transactions WHERE sender = ? AND nonce = ? ORDER BY rowid DESC')
      .all(sender, nonce)
      .map(transactionOf)
  }

  close(): void {
    this.database.close()
  }

  private require(id: string): Job {
    const job = this.find(id)
    if (job === undefined) throw new UnknownJobError(id)
    return job
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
    database.exec(SCHEMA)
    return database
  } catch (error) {
    database?.close()
    const { message, errcode } = error as Error & { errcode?: number }
    if (errcode === SQLITE_BUSY) throw new StoreInUseError(file, error)
    throw new StoreUnusableError(file, message, error)
  }
}

const SQLITE_BUSY = 5

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

/** Another process holds the store. */
export class StoreInUseError extends ProverError {
  readonly code = 'service.store-in-use'
  readonly file: string

  constructor(file: string, cause: unknown) {
    super(`${file} is held by another \`zkrisk serve\`. End that one, or give this one a store and a key of its own.`, {
      cause,
    })
    this.file = file
  }
}

/** The store was made for another chain or registry. */
export class StoreScopeError extends ProverError {
  readonly code = 'service.store-scope'
  readonly file: string
  readonly chainId: bigint
  readonly registry: string

  constructor(file: string, chainId: bigint, registry: string) {
    super(`${file} belongs to registry ${registry} on chain ${chainId}. Name another file with --store.`)
    this.file = file
    this.chainId = chainId
    this.registry = registry
  }
}

/** The store cannot be opened, or is something else. */
export class StoreUnusableError extends ProverError {
  readonly code = 'service.store-unusable'
  readonly file: string

  constructor(file: string, reason: string, cause?: unknown) {
    super(
      `${file} cannot be used as a store (${reason}). Check the path, the disk and the file, or name another one.`,
      {
        cause,
      },
    )
    this.file = file
  }
}

/** There is no such job. */
export class UnknownJobError extends ProverError {
  readonly code = 'service.unknown-job'
  readonly id: string

  constructor(id: string) {
    super(`There is no job ${id} in this store.`)
    this.id = id
  }
}
