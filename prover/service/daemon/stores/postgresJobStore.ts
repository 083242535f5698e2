/** A {@link JobStore} in a Postgres. */
import type { QueryResultRow } from 'pg'
import {
  type Job,
  type JobStatus,
  type JobStore,
  type LandedJob,
  type Mined,
  prunable,
  type Pruned,
  type SignedTransaction,
  UnknownJobError,
} from '../jobStore.ts'
import type { PostgresSession, Query } from './postgresSession.ts'

type JobRow = QueryResultRow & {
  readonly id: string
  readonly build: string
  readonly status: JobStatus
  readonly trigger: string
  readonly summary: string
  readonly bundle: string | null
  readonly reason: string | null
  readonly created_at: string
  readonly updated_at: string
}

type TransactionRow = QueryResultRow & {
  readonly hash: string
  readonly job_id: string
  readonly sender: string
  readonly nonce: string
  readonly raw: string
  readonly signed_at: string
}

export class PostgresJobStore implements JobStore {
  private readonly session: PostgresSession
  private readonly schema: string
  private readonly scopeTable: string
  private readonly jobsTable: string
  private readonly transactionsTable: string

  /** @param session - which holds the lock of the store; {@link close} closes it */
  constructor(session: PostgresSession, schema: string) {
    this.session = session
    this.schema = schema
    this.scopeTable = `${schema}.scope`
    this.jobsTable = `${schema}.jobs`
    this.transactionsTable = `${schema}.transactions`
  }

  async plan(job: Pick<Job, 'id' | 'build' | 'trigger' | 'summary'>): Promise<Job> {
    const { id, build, trigger, summary } = job
    return this.session.transaction(async (query) => {
      await query(
        `INSERT INTO ${this.jobsTable} (id, build, status, trigger, summary, created_at, updated_at)
         VALUES ($1, $2, 'planned', $3, $4, $5, $5) ON CONFLICT (id) DO NOTHING`,
        [id, build, trigger, summary, Date.now()],
      )
      return this.require(query, id)
    })
  }

  async proven(id: string, bundle: string): Promise<Job> {
    return this.session.transaction(async (query) => {
      await query(
        `UPDATE ${this.jobsTable} SET status = 'proven', bundle = $2, updated_at = $3 WHERE id = $1 AND status = 'planned'`,
        [id, bundle, Date.now()],
      )
      return this.require(query, id)
    })
  }

  async signed({ hash, jobId, sender, nonce, raw }: Omit<SignedTransaction, 'signedAt'>): Promise<void> {
    const now = Date.now()
    await this.session.transaction(async (query) => {
      const updated = await query(
        `UPDATE ${this.jobsTable} SET status = 'signed', updated_at = $2 WHERE id = $1 RETURNING id`,
        [jobId, now],
      )
      if (updated.length === 0) throw new UnknownJobError(jobId)
      await query(
        `INSERT INTO ${this.transactionsTable} (hash, job_id, sender, nonce, raw, signed_at) VALUES ($1, $2, $3, $4, $5, $6)`,
        [hash, jobId, sender, nonce, raw, now],
      )
    })
  }

  async end(id: string, status: 'confirmed' | 'superseded', reason?: string, mined?: Mined): Promise<void> {
    await this.session.transaction(async (query) => {
      await query(`UPDATE ${this.jobsTable} SET status = $2, reason = $3, updated_at = $4 WHERE id = $1`, [
        ...[id, status, reason ?? null, Date.now()],
      ])
      if (mined !== undefined) await this.keepMined(query, mined)
    })
  }

  async mined(mined: Mined): Promise<void> {
    await this.keepMined((text, values) => this.session.query(text, values), mined)
  }

  async landedAfter(block: number): Promise<readonly LandedJob[]> {
    const rows = await this.session.query<JobRow & { readonly hash: string; readonly block: string }>(
      `SELECT j.*, t.hash, t.block FROM ${this.transactionsTable} t JOIN ${this.jobsTable} j ON j.id = t.job_id
       WHERE t.block > $1 AND j.status = 'confirmed' ORDER BY t.nonce`,
      [block],
    )
    return rows.map((row) => ({ job: jobOf(row), hash: row.hash, block: Number(row.block) }))
  }

  async gasOfLast(count: number): Promise<readonly bigint[]> {
    const rows = await this.session.query<{ gas_used: string }>(
      `SELECT gas_used FROM ${this.transactionsTable} WHERE block IS NOT NULL ORDER BY block DESC, nonce DESC LIMIT $1`,
      [count],
    )
    return rows.map((row) => BigInt(row.gas_used))
  }

  async revive(id: string): Promise<void> {
    await this.session.transaction(async (query) => {
      await query(
        `UPDATE ${this.jobsTable} SET status = 'signed', updated_at = $2 WHERE id = $1 AND status = 'confirmed'`,
        [id, Date.now()],
      )
      await query(`UPDATE ${this.transactionsTable} SET block = NULL, gas_used = NULL WHERE job_id = $1`, [id])
    })
  }

  async unsigned(id: string): Promise<void> {
    await this.session.query(
      `UPDATE ${this.jobsTable} SET status = 'proven', updated_at = $2 WHERE id = $1 AND status = 'signed'`,
      [id, Date.now()],
    )
  }

  async reopen(id: string): Promise<Job> {
    return this.session.transaction(async (query) => {
      await query(
        `UPDATE ${this.jobsTable}
         SET status = CASE WHEN bundle IS NULL THEN 'planned' ELSE 'proven' END, reason = NULL, updated_at = $2
         WHERE id = $1 AND status IN ('superseded', 'confirmed')`,
        [id, Date.now()],
      )
      return this.require(query, id)
    })
  }

  async proveAnew(id: string): Promise<Job> {
    return this.session.transaction(async (query) => {
      await query(
        `UPDATE ${this.jobsTable} SET status = 'planned', bundle = NULL, reason = NULL, updated_at = $2
         WHERE id = $1 AND status IN ('superseded', 'confirmed')`,
        [id, Date.now()],
      )
      return this.require(query, id)
    })
  }

  async openJobs(): Promise<readonly Job[]> {
    const rows = await this.session.query<JobRow>(
      `SELECT * FROM ${this.jobsTable} WHERE status IN ('planned', 'proven', 'signed') ORDER BY created_at, id COLLATE "C"`,
    )
    return rows.map(jobOf)
  }

  async jobs(limit = 1000): Promise<readonly Job[]> {
    const rows = await this.session.query<JobRow>(
      `SELECT * FROM ${this.jobsTable} ORDER BY created_at DESC, id COLLATE "C" LIMIT $1`,
      [limit],
    )
    return rows.map(jobOf)
  }

  async find(id: string): Promise<Job | undefined> {
    const [row] = await this.session.query<JobRow>(`SELECT * FROM ${this.jobsTable} WHERE id = $1`, [id])
    return row && jobOf(row)
  }

  async counts(): Promise<Readonly<Record<JobStatus, number>>> {
    const rows = await this.session.query<{ status: JobStatus; count: string }>(
      `SELECT status, count(*) AS count FROM ${this.jobsTable} GROUP BY status`,
    )
    const none = { planned: 0, proven: 0, signed: 0, confirmed: 0, superseded: 0 }
    return { ...none, ...Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)])) }
  }

  async requireWritable(): Promise<void> {
    await this.session.query(`UPDATE ${this.scopeTable} SET registry = registry`)
    // So small a row finds room for long after larger ones do not.
    const { latest } = this.session.writeFaults
    if (latest !== undefined) throw latest
  }

  async transactions(jobId: string): Promise<readonly SignedTransaction[]> {
    const rows = await this.session.query<TransactionRow>(
      `SELECT * FROM ${this.transactionsTable} WHERE job_id = $1 ORDER BY place DESC`,
      [jobId],
    )
    return rows.map(transactionOf)
  }

  async transactionsAt(sender: string, nonce: number): Promise<readonly SignedTransaction[]> {
    const rows = await this.session.query<TransactionRow>(
      `SELECT * FROM ${this.transactionsTable} WHERE sender = $1 AND nonce = $2 ORDER BY place DESC`,
      [sender, nonce],
    )
    return rows.map(transactionOf)
  }

  async prune(before: number, isDry: boolean): Promise<Pruned> {
    const ids = `(${prunable(`${this.schema}.`, '$1')})`
    return this.session.transaction(async (query) => {
      const [found] = await query<{ jobs: string; transactions: string; bytes: string }>(
        `SELECT count(*) AS jobs, coalesce(sum(octet_length(bundle)), 0) AS bytes,
           (SELECT count(*) FROM ${this.transactionsTable} WHERE job_id IN ${ids}) AS transactions
         FROM ${this.jobsTable} WHERE id IN ${ids}`,
        [before],
      )
      if (!isDry) {
        await query(
          `WITH pruned AS ${ids}, gone AS (DELETE FROM ${this.transactionsTable} WHERE job_id IN (SELECT id FROM pruned))
           DELETE FROM ${this.jobsTable} WHERE id IN (SELECT id FROM pruned)`,
          [before],
        )
      }
      const { jobs, transactions, bytes } = found ?? {}
      return { jobs: Number(jobs), transactions: Number(transactions), bundleBytes: Number(bytes) }
    })
  }

  async close(): Promise<void> {
    await this.session.close()
  }

  private async require(query: Query, id: string): Promise<Job> {
    const [row] = await query<JobRow>(`SELECT * FROM ${this.jobsTable} WHERE id = $1`, [id])
    if (row === undefined) throw new UnknownJobError(id)
    return jobOf(row)
  }

  private async keepMined(query: Query, { hash, block, gasUsed }: Mined): Promise<void> {
    await query(`UPDATE ${this.transactionsTable} SET block = $2, gas_used = $3 WHERE hash = $1`, [
      ...[hash, block, gasUsed.toString()],
    ])
  }
}

const transactionOf = ({ hash, job_id, sender, nonce, raw, signed_at }: TransactionRow): SignedTransaction => ({
  ...{ hash, jobId: job_id, sender, raw },
  nonce: Number(nonce),
  signedAt: Number(signed_at),
})

const jobOf = ({ id, build, status, trigger, summary, bundle, reason, created_at, updated_at }: JobRow): Job => ({
  ...{ id, build, status, trigger, summary },
  bundle: bundle ?? undefined,
  reason: reason ?? undefined,
  createdAt: Number(created_at),
  updatedAt: Number(updated_at),
})
