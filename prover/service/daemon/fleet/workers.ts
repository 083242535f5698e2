/** Who proves for a fleet at present, by the database's clock alone. */
import type { DatabaseAddress } from '../stores/databaseAddress.ts'
import { migrate } from '../stores/postgresSchema.ts'
import { PostgresSession } from '../stores/postgresSession.ts'

/** A worker that has not been seen for so long is dead, or as good as. */
const SILENT_SECONDS = 15

export type LiveWorker = {
  readonly id: string
  readonly name: string
  /** Whose jobs it takes. */
  readonly queues: readonly string[]
  /** Whether it takes them only while nobody else does. */
  readonly mayWait: boolean
}

export class Workers {
  private readonly session: PostgresSession
  private readonly table: string

  private constructor(session: PostgresSession, { schema }: DatabaseAddress) {
    this.session = session
    this.table = `${schema}.workers`
  }

  /** @throws {@link DatabaseUnreachableError}, {@link DatabaseRefusedError}, {@link StoreUnusableError} if it is of a later version */
  static async open(address: DatabaseAddress): Promise<Workers> {
    const session = await PostgresSession.open({ address, purpose: 'workers', locks: [] })
    try {
      await migrate(session, address)
    } catch (error) {
      await session.close()
      throw error
    }
    return new Workers(session, address)
  }

  /** Says that a worker lives; to be said every few seconds. */
  async seen({ id, name, queues, mayWait }: LiveWorker): Promise<void> {
    await this.session.query(
      `INSERT INTO ${this.table} (id, name, queues, may_wait) VALUES ($1, $2, $3, $4)
       ON CONFLICT (id) DO UPDATE SET queues = $3, seen_at = now()`,
      [id, name, [...queues], mayWait],
    )
  }

  async gone(id: string): Promise<void> {
    await this.session.query(`DELETE FROM ${this.table} WHERE id = $1 OR seen_at < now() - make_interval(days => 1)`, [
      id,
    ])
  }

  /** Those that were seen lately, in the order of their names. */
  async live(): Promise<readonly LiveWorker[]> {
    const rows = await this.session.query<{ id: string; name: string; queues: string[]; may_wait: boolean }>(
      `SELECT id, name, queues, may_wait FROM ${this.table}
       WHERE seen_at > now() - make_interval(secs => $1) ORDER BY name, id`,
      [SILENT_SECONDS],
    )
    return rows.map(({ may_wait, ...row }) => ({ ...row, mayWait: may_wait }))
  }

  async close(): Promise<void> {
    await this.session.close()
  }
}
