/**
 * One session of a Postgres that holds locks: whoever has the session is the only one, and whoever lost it writes nothing.
 *
 * Everything asked of it goes through that session, one after the other. A session that broke or hung is given up, and the
 * next question opens another, which first has to get the same locks: they are free only once the server has ended the old
 * session with all that it still did. So no write of a process that was taken for dead can land after those of its successor.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, DatabaseError, type QueryResultRow } from 'pg'
import { ProverError } from '../../../errors.ts'
import type { DatabaseAddress } from './databaseAddress.ts'
import { WriteFaults } from './writeFaults.ts'

/** What a session holds alone, and what to throw if another one has it. */
export type Lock = {
  /** The same words are the same lock, in the whole database. */
  readonly name: string
  readonly heldBy: (holder: string) => ProverError
}

export type Query = <Row extends QueryResultRow>(text: string, values?: readonly unknown[]) => Promise<readonly Row[]>

export type SessionOptions = {
  readonly address: DatabaseAddress
  /** Of what, as the server's list of sessions shows it. */
  readonly purpose: string
  readonly locks: readonly Lock[]
  /** How long another session may take to let go of the locks. */
  readonly patienceMs?: number
  /** After which a question that is not answered has failed. */
  readonly answerMs?: number
}

const PATIENCE_MS = 15_000
const ANSWER_MS = 15_000
const CONNECT_MS = 10_000
const LOOK_MS = 200
/** The server ends sessions of machines that are gone after about this time. */
const SILENCE_SECONDS = 10

/** Processes of sessions that hold the lock of a name in this database; the name is the question's first value. */
export const HOLDERS = `
  SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database, (SELECT hashtextextended($1, 0) AS key) k
  WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND (l.classid::bigint << 32 | l.objid::bigint) = k.key`

export class PostgresSession {
  readonly writeFaults = new WriteFaults()
  private readonly options: SessionOptions
  /** Unlike any other's, so that a session that was given up can be told from others. */
  private readonly application: string
  private client: Client | undefined
  private closed = false
  private last: Promise<unknown> = Promise.resolve()

  private constructor(options: SessionOptions) {
    this.options = options
    this.application = `zkrisk ${options.purpose} ${hostname().slice(0, 24)}:${process.pid} ${randomUUID().slice(0, 8)}`
  }

  /** @throws {@link DatabaseUnreachableError}, {@link DatabaseRefusedError}, or of a lock that another session has */
  static async open(options: SessionOptions): Promise<PostgresSession> {
    const session = new PostgresSession(options)
    await session.inTurn(() => session.connected())
    return session
  }

  /** @throws {@link DatabaseUnreachableError} if it is not known whether it was carried out; see {@link PostgresSession} */
  async query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<readonly Row[]> {
    return this.inTurn(async () => this.ask<Row>(await this.connected(), text, values))
  }

  /** All or nothing. */
  async transaction<Result>(work: (query: Query) => Promise<Result>): Promise<Result> {
    return this.inTurn(async () => {
      const client = await this.connected()
      const query: Query = (text, values) => this.ask(client, text, values)
      await query('BEGIN')
      try {
        const result = await work(query)
        await query('COMMIT')
        return result
      } catch (error) {
        // A session that is gone has rolled back already.
        if (this.client === client) await query('ROLLBACK')
        throw error
      }
    })
  }

  async close(): Promise<void> {
    await this.inTurn(async () => {
      this.closed = true
      const { client } = this
      this.client = undefined
      // A server that does not answer is not waited for.
      if (client !== undefined) await Promise.race([client.end(), sleep(1000)]).catch(() => undefined)
      if (client !== undefined) drop(client)
    })
  }

  private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.last.then(work)
    this.last = result.catch(() => undefined)
    return result
  }

  private async connected(): Promise<Client> {
    const { name } = this.options.address
    if (this.closed) throw new DatabaseUnreachableError(name, 'it was closed here')
    this.client ??= await this.connect()
    return this.client
  }

  private async connect(): Promise<Client> {
    const { address, locks, answerMs = ANSWER_MS } = this.options
    const client = new Client({
      connectionString: address.connectionString,
      application_name: this.application,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: answerMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: SILENCE_SECONDS * 1000,
    })
    client.on('error', () => this.giveUp(client))
    client.on('end', () => this.giveUp(client))
    try {
      await client.connect()
      await client.query(
        `SELECT set_config('tcp_keepalives_idle', $1, false), set_config('tcp_keepalives_interval', '3', false),
           set_config('tcp_keepalives_count', '3', false), set_config('synchronous_commit', 'on', false)`,
        [String(SILENCE_SECONDS)],
      )
      for (const lock of locks) await this.takeLock(client, lock)
      return client
    } catch (error) {
      drop(client)
      throw typed(address, error)
    }
  }

  private async takeLock(client: Client, { name, heldBy }: Lock): Promise<void> {
    const until = performance.now() + (this.options.patienceMs ?? PATIENCE_MS)
    while (true) {
      const { rows } = await client.query(`SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken`, [name])
      if (rows[0]?.taken === true) return
      const holder = await this.holderOf(client, name)
      if (performance.now() > until) throw heldBy(holder?.described ?? 'somebody')
      // What this process gave up itself may hang at the server: nobody waits for it any more.
      if (holder?.isOwn === true) await client.query('SELECT pg_terminate_backend($1)', [holder.pid])
      await sleep(LOOK_MS)
    }
  }

  private async holderOf(
    client: Client,
    lock: string,
  ): Promise<{ readonly pid: number; readonly isOwn: boolean; readonly described: string } | undefined> {
    const { rows } = await client.query(
      `SELECT a.pid, a.application_name AS application, host(a.client_addr) AS address, a.backend_start AS since
       FROM pg_stat_activity a WHERE a.pid IN (${HOLDERS})`,
      [lock],
    )
    const [row] = rows
    if (row === undefined) return undefined
    const since = row.since instanceof Date ? ` since ${row.since.toISOString()}` : ''
    const described = `${row.application || 'a session'}${row.address === null ? '' : ` from ${row.address}`}${since}`
    return { pid: Number(row.pid), isOwn: row.application === this.application, described }
  }

  private ask<Row extends QueryResultRow>(
    client: Client,
    text: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    return this.writeFaults.watch(text, () => this.askOnce<Row>(client, text, values))
  }

  private async askOnce<Row extends QueryResultRow>(
    client: Client,
    text: string,
    values: readonly unknown[],
  ): Promise<readonly Row[]> {
    if (this.client !== client) throw new DatabaseUnreachableError(this.options.address.name, 'the session was lost')
    try {
      return (await client.query<Row>(text, [...values])).rows
    } catch (error) {
      const failure = typed(this.options.address, error)
      // What the server answered says that it is there; anything else that this session is of no use any more.
      if (failure instanceof DatabaseUnreachableError) this.giveUp(client)
      throw failure
    }
  }

  private giveUp(client: Client): void {
    if (this.client === client) this.client = undefined
    drop(client)
  }
}

/** Lets go of a session at once, whatever it is doing; `end` would wait for a server that hangs. */
function drop(client: Client): void {
  client.removeAllListeners()
  // What is still said of it is of no interest.
  client.on('error', () => undefined)
  const { stream } = Reflect.get(client, 'connection') as { readonly stream: { destroy(): void } }
  stream.destroy()
}

/** Server states that pass: it starts, stops, has too many sessions or no room, or its disk fails. */
const PASSING = /^(08|53|57P|58)/

/** What a driver's error means. */
export function typed({ name }: DatabaseAddress, error: unknown): unknown {
  if (error instanceof ProverError) return error
  if (!(error instanceof DatabaseError)) return new DatabaseUnreachableError(name, reasonOf(error))
  const { code = '', message } = error
  return PASSING.test(code)
    ? new DatabaseUnreachableError(name, message, code)
    : new DatabaseRefusedError(name, message, code)
}

/** What the driver's and the system's errors mean. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED|ENOENT/, 'nothing listens there'],
  [/ENOTFOUND|EAI_AGAIN/, 'its host is not known'],
  [/timeout|timed out|ETIMEDOUT/i, 'no answer in time'],
  [/ECONNRESET|EPIPE|terminated|closed|ended|not queryable/i, 'the session broke'],
  [/SSL|TLS|certificate/i, 'no encrypted session could be made'],
  [/SASL|password/i, 'user and password do not fit'],
]

function reasonOf(error: unknown): string {
  // Several addresses of one host are one error each.
  if (error instanceof AggregateError) return reasonOf(error.errors[0])
  const { code = '', message = '' } = error as { readonly code?: string; readonly message?: string }
  return reasons.find(([form]) => form.test(`${code} ${message}`))?.[1] ?? message
}

/** Nothing is known of what was asked last: the database is down, starting, out of reach, or does not answer. */
export class DatabaseUnreachableError extends ProverError {
  readonly code = 'service.database-unreachable'
  readonly database: string
  /** Postgres's own, if it answered. */
  readonly sqlState: string | undefined

  constructor(database: string, reason: string, sqlState?: string) {
    super(
      `${database} does not answer as it should (${reason}). See whether it runs, has room on its disk, and can be reached from here.`,
    )
    this.database = database
    this.sqlState = sqlState
  }
}

/** The database answered that it will not. */
export class DatabaseRefusedError extends ProverError {
  readonly code = 'service.database-refused'
  readonly database: string
  /** Postgres's own, of five characters. */
  readonly sqlState: string

  constructor(database: string, reason: string, sqlState: string) {
    super(
      `${database} refuses what is asked of it (${reason}). Check user, password, name and rights: the user creates schemas ` +
        'and tables there (docs/operations.md).',
    )
    this.database = database
    this.sqlState = sqlState
  }
}
