/** A {@link RequestStore} in a Postgres. */
import { randomUUID } from 'node:crypto'
import type { QueryResultRow } from 'pg'
import {
  ANSWER_MS,
  digestsOf,
  IdempotencyKeyReusedError,
  MOST_WAITING,
  type Once,
  type ProofRequest,
  REQUEST_MS,
  type RequestStore,
  type RequestWrites,
  Rounds,
  TooManyRequestsWaitingError,
  type Failing,
} from '../requestStore.ts'
import type { Pause } from '../pauses.ts'
import type { PostgresSession, Query } from './postgresSession.ts'

type RequestRow = QueryResultRow & {
  readonly id: string
  readonly markets: string
  readonly asked_by: string
  readonly status: ProofRequest['status']
  readonly job: string | null
  readonly asked_at: string
}

export class PostgresRequestStore implements RequestStore {
  private readonly session: PostgresSession
  private readonly schema: string
  private readonly clock: () => number
  private readonly rounds = new Rounds()

  /** @param session - of the service's {@link JobStore}, which closes it */
  constructor(session: PostgresSession, schema: string, clock: () => number = Date.now) {
    this.session = session
    this.schema = schema
    this.clock = clock
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
    const [row] = await this.session.query<{ paused_by: string; since: string }>(
      `SELECT paused_by, since FROM ${this.schema}.pause`,
    )
    return row && { by: row.paused_by, since: Number(row.since) }
  }

  async setPaused(by: string): Promise<void> {
    await this.session.transaction((query) => this.writesBy(query).setPaused(by))
  }

  async resume(by: string): Promise<void> {
    await this.session.transaction((query) => this.writesBy(query).resume(by))
  }

  async ask(markets: readonly string[], by: string): Promise<ProofRequest> {
    return this.session.transaction((query) => this.writesBy(query).ask(markets, by))
  }

  async request(id: string): Promise<ProofRequest | undefined> {
    return this.session.transaction(async (query) => {
      await this.expire(query)
      const [row] = await query<RequestRow>(`SELECT * FROM ${this.schema}.requests WHERE id = $1`, [id])
      return row && requestOf(row)
    })
  }

  async waiting(): Promise<readonly ProofRequest[]> {
    return this.session.transaction((query) => this.readWaiting(query))
  }

  async wanted(): Promise<readonly string[]> {
    return (await this.waiting()).flatMap(({ markets }) => markets)
  }

  async begun(names: readonly string[], job: string): Promise<void> {
    await this.session.transaction(async (query) => {
      for (const { id, markets } of await this.readWaiting(query)) {
        if (!markets.some((market) => names.includes(market))) continue
        await query(`UPDATE ${this.schema}.requests SET status = 'begun', job = $2 WHERE id = $1`, [id, job])
      }
    })
  }

  async once<Answer>(once: Once, work: (writes: RequestWrites) => Promise<Answer>): Promise<Answer> {
    const { name, asked } = digestsOf(once)
    return this.session.transaction(async (query) => {
      await query(`DELETE FROM ${this.schema}.answers WHERE kept_at < $1`, [this.clock() - ANSWER_MS])
      const [kept] = await query<{ question: string; answer: string }>(
        `SELECT question, answer FROM ${this.schema}.answers WHERE name = $1`,
        [name],
      )
      if (kept !== undefined) {
        if (kept.question !== asked) throw new IdempotencyKeyReusedError()
        return JSON.parse(kept.answer) as Answer
      }
      const answer = await work(this.writesBy(query))
      await query(`INSERT INTO ${this.schema}.answers VALUES ($1, $2, $3, $4)`, [
        ...[name, asked, JSON.stringify(answer), this.clock()],
      ])
      return answer
    })
  }

  /** Nothing of its own is open. */
  async close(): Promise<void> {}

  private writesBy(query: Query): RequestWrites {
    const { schema } = this
    return {
      ask: async (markets, by) => {
        if ((await this.readWaiting(query)).length >= MOST_WAITING) throw new TooManyRequestsWaitingError(MOST_WAITING)
        const [row] = await query<RequestRow>(
          `INSERT INTO ${schema}.requests (id, markets, asked_by, status, asked_at)
           VALUES ($1, $2, $3, 'waiting', $4) RETURNING *`,
          [randomUUID(), JSON.stringify(markets), by, this.clock()],
        )
        return requestOf(row as RequestRow)
      },
      setPaused: async (by) => {
        await query(`INSERT INTO ${schema}.pause VALUES (1, $1, $2) ON CONFLICT DO NOTHING`, [by, this.clock()])
      },
      resume: async (by) => {
        await query(`DELETE FROM ${schema}.pause`)
        this.rounds.resumedBy = by
      },
    }
  }

  private async readWaiting(query: Query): Promise<readonly ProofRequest[]> {
    await this.expire(query)
    const rows = await query<RequestRow>(
      `SELECT * FROM ${this.schema}.requests WHERE status = 'waiting' ORDER BY asked_at, place`,
    )
    return rows.map(requestOf)
  }

  private async expire(query: Query): Promise<void> {
    const { schema } = this
    await query(`UPDATE ${schema}.requests SET status = 'expired' WHERE status = 'waiting' AND asked_at < $1`, [
      this.clock() - REQUEST_MS,
    ])
    await query(`DELETE FROM ${schema}.requests WHERE asked_at < $1`, [this.clock() - ANSWER_MS])
  }
}

const requestOf = ({ id, markets, asked_by, status, job, asked_at }: RequestRow): ProofRequest => ({
  ...{ id, status, job },
  markets: JSON.parse(markets) as readonly string[],
  askedBy: asked_by,
  askedAt: Number(asked_at),
})
