/** Who proves for a fleet at present, by the database's clock alone. */
import type { DatabaseAddress } from '../stores/databaseAddress.ts'
import { migrate } from '../stores/postgresSchema.ts'
import { PostgresSession } from '../stores/postgresSession.ts'
import type { WriteFaults } from '../stores/writeFaults.ts'
import { nameOf } from './proofJob.ts'

/** A worker that has not been seen for so long is dead, or as good as. */
const SILENT_SECONDS = 15
/** One that died is told of for so long, and at most so many of them. */
const REMEMBERED_SECONDS = 3600
const MOST_REMEMBERED = 200
/** Wrong answers from which a worker is doubted, until it has given none for so long. */
const DOUBTED_FROM = 3
const DOUBTED_SECONDS = 600

export type LiveWorker = {
  readonly id: string
  readonly name: string
  /** Whose jobs it takes. */
  readonly queues: readonly string[]
  /** Whether it takes them only while nobody else does. */
  readonly mayWait: boolean
}

/** The same as others see it. */
export type WorkerThere = LiveWorker & {
  /** Ids of the jobs that it was proving when it last said so. */
  readonly jobs: readonly string[]
  /** Wrong answers lately. */
  readonly wrong: number
}

/** Whose answers turned out wrong within the last hour, by what it calls itself: refusals of what others proved, proofs that are none. */
export type Doubt = {
  readonly worker: string
  readonly wrong: number
  /** Of the last of them. */
  readonly code: string
  readonly secondsAgo: number
}

/** Whether others are to be asked first. */
export const isDoubted = ({ wrong }: Pick<WorkerThere, 'wrong'>): boolean => wrong >= DOUBTED_FROM

/** A worker as it was last heard of. */
export type WorkerSeen = {
  readonly name: string
  readonly mayWait: boolean
  /** Jobs that it was proving. */
  readonly inHand: number
  readonly silentSeconds: number
  readonly isLive: boolean
}

type LiveRow = {
  readonly id: string
  readonly name: string
  readonly queues: readonly string[]
  readonly may_wait: boolean
  readonly jobs: readonly string[]
}

export class Workers {
  private readonly session: PostgresSession
  private readonly table: string
  private readonly doubtsTable: string

  private constructor(session: PostgresSession, { schema }: DatabaseAddress) {
    this.session = session
    this.table = `${schema}.workers`
    this.doubtsTable = `${schema}.doubts`
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

  get writeFaults(): WriteFaults {
    return this.session.writeFaults
  }

  /** Says that a worker lives; to be said every few seconds. */
  async seen({ id, name, queues, mayWait }: LiveWorker, jobs: readonly string[] = []): Promise<void> {
    await this.session.query(
      `INSERT INTO ${this.table} (id, name, queues, may_wait, in_hand, jobs) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (id) DO UPDATE SET queues = $3, in_hand = $5, jobs = $6, seen_at = now()`,
      [id, nameOf(name), [...queues], mayWait, jobs.length, [...jobs]],
    )
  }

  async gone(id: string): Promise<void> {
    await this.session.query(`DELETE FROM ${this.table} WHERE id = $1 OR seen_at < now() - make_interval(days => 1)`, [
      id,
    ])
  }

  /** Those that were seen lately, in the order of their names. */
  async live(): Promise<readonly WorkerThere[]> {
    const rows = await this.session.query<LiveRow>(
      `SELECT id, name, queues, may_wait, jobs FROM ${this.table}
       WHERE seen_at > now() - make_interval(secs => $1) ORDER BY name, id`,
      [SILENT_SECONDS],
    )
    const wrong = new Map((await this.doubts(DOUBTED_SECONDS)).map((doubt) => [doubt.worker, doubt.wrong]))
    // Whoever writes his name himself writes it as he likes.
    return rows
      .map(({ may_wait, ...row }) => ({ ...row, name: nameOf(row.name), mayWait: may_wait }))
      .map((worker) => ({ ...worker, wrong: wrong.get(worker.name) ?? 0 }))
  }

  /** Notes that an answer of a worker turned out wrong. @returns how many of it did so lately */
  async doubt(worker: string, code: string): Promise<number> {
    const [row] = await this.session.query<{ wrong: number }>(
      `INSERT INTO ${this.doubtsTable} AS held (worker, wrong, code) VALUES ($1, 1, $2) ON CONFLICT (worker) DO UPDATE
       SET wrong = CASE WHEN held.at > now() - make_interval(secs => $3) THEN held.wrong + 1 ELSE 1 END, code = $2, at = now()
       RETURNING wrong`,
      [nameOf(worker), code, REMEMBERED_SECONDS],
    )
    // Whoever may write here may call itself anything.
    await this.session.query(
      `DELETE FROM ${this.doubtsTable} WHERE at < now() - make_interval(secs => $1)
       OR worker NOT IN (SELECT worker FROM ${this.doubtsTable} ORDER BY at DESC LIMIT $2)`,
      [REMEMBERED_SECONDS, MOST_REMEMBERED],
    )
    return row?.wrong ?? 1
  }

  /** The latest first. */
  async doubts(withinSeconds = REMEMBERED_SECONDS): Promise<readonly Doubt[]> {
    return this.session.query<Doubt>(
      `SELECT worker, wrong, code, greatest(0, extract(epoch FROM now() - at))::float8 AS "secondsAgo" FROM ${this.doubtsTable}
       WHERE at > now() - make_interval(secs => $1) ORDER BY at DESC, worker LIMIT $2`,
      [withinSeconds, MOST_REMEMBERED],
    )
  }

  /** Those that live, and those that fell silent within the last hour without having said that they leave. */
  async recent(): Promise<readonly WorkerSeen[]> {
    const rows = await this.session.query<{ name: string; may_wait: boolean; in_hand: number; silent: number }>(
      `SELECT name, may_wait, in_hand, extract(epoch FROM now() - seen_at)::float8 AS silent FROM ${this.table}
       WHERE seen_at > now() - make_interval(secs => $1) ORDER BY seen_at DESC, name, id LIMIT $2`,
      [REMEMBERED_SECONDS, MOST_REMEMBERED],
    )
    return rows.map(({ name, may_wait, in_hand, silent }) => ({
      ...{ name: nameOf(name), mayWait: may_wait, inHand: in_hand },
      ...{ silentSeconds: Math.max(0, silent), isLive: silent < SILENT_SECONDS },
    }))
  }

  async close(): Promise<void> {
    await this.session.close()
  }
}
