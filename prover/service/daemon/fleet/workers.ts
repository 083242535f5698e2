/** Who proves for a fleet at present, by the database's clock alone. */
import type { DatabaseAddress } from '../stores/databaseAddress.ts'
import { migrate } from '../stores/postgresSchema.ts'
import { PostgresSession } from '../stores/postgresSession.ts'
import { shortened } from '../../text/foreign.ts'

/** A worker that has not been seen for so long is dead, or as good as. */
const SILENT_SECONDS = 15
/** One that died is told of for so long, and at most so many of them. */
const REMEMBERED_SECONDS = 3600
const MOST_REMEMBERED = 200

export type LiveWorker = {
  readonly id: string
  readonly name: string
  /** Whose jobs it takes. */
  readonly queues: readonly string[]
  /** Whether it takes them only while nobody else does. */
  readonly mayWait: boolean
}

/** A worker as it was last heard of. */
export type WorkerSeen = {
  readonly name: string
  readonly mayWait: boolean
  /** Jobs that it was proving. */
  readonly inHand: number
  readonly silentSeconds: number
  readonly isLive: boolean
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
  async seen({ id, name, queues, mayWait }: LiveWorker, inHand = 0): Promise<void> {
    await this.session.query(
      `INSERT INTO ${this.table} (id, name, queues, may_wait, in_hand) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (id) DO UPDATE SET queues = $3, in_hand = $5, seen_at = now()`,
      [id, name, [...queues], mayWait, inHand],
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
    return rows.map(({ may_wait, name, ...row }) => ({ ...row, name: shortened(name), mayWait: may_wait }))
  }

  /** Those that live, and those that fell silent within the last hour without having said that they leave. */
  async recent(): Promise<readonly WorkerSeen[]> {
    const rows = await this.session.query<{ name: string; may_wait: boolean; in_hand: number; silent: number }>(
      `SELECT name, may_wait, in_hand, extract(epoch FROM now() - seen_at)::float8 AS silent FROM ${this.table}
       WHERE seen_at > now() - make_interval(secs => $1) ORDER BY seen_at DESC, name, id LIMIT $2`,
      [REMEMBERED_SECONDS, MOST_REMEMBERED],
    )
    return rows.map(({ name, may_wait, in_hand, silent }) => ({
      ...{ name: shortened(name), mayWait: may_wait, inHand: in_hand },
      ...{ silentSeconds: Math.max(0, silent), isLive: silent < SILENT_SECONDS },
    }))
  }

  async close(): Promise<void> {
    await this.session.close()
  }
}
