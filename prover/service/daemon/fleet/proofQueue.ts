/**
 * Jobs that a fleet of workers proves, in pg-boss on a Postgres. A job is leased to one worker, who says that it lives every few
 * seconds; a job whose worker fell silent is leased again, and what the first one still brings is refused by its attempt's number.
 */
import { hostname } from 'node:os'
import { type JobWithMetadata, PgBoss } from 'pg-boss'
import type { DatabaseAddress } from '../stores/databaseAddress.ts'
import { queueSchemaOf } from '../stores/postgresSchema.ts'
import { typed } from '../stores/postgresSession.ts'
import { WriteFaults } from '../stores/writeFaults.ts'
import { shortened } from '../../text/foreign.ts'
import { Bell } from './bell.ts'
import { isRefusal, partsOfQueue, type ProofAnswer, type ProofJob, type ProofJobData } from './proofJob.ts'

/** pg-boss allows no shorter one. */
const HEARTBEAT_SECONDS = 10
/** Between two looks for jobs whose workers fell silent. */
const SUPERVISE_SECONDS = 1
/** Tries of a job; then it is parked. */
const MOST_TRIES = 4

const queueOptions = {
  retryLimit: MOST_TRIES - 1,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 30,
  heartbeatSeconds: HEARTBEAT_SECONDS,
  /** Of one try, two proofs' time limits and more; heartbeats tell long before. */
  expireInSeconds: 900,
  retentionSeconds: 7 * 86_400,
  deleteAfterSeconds: 3 * 86_400,
} as const
/** A job of one worker alone goes to nobody else: whoever asked for it asks the next one. */
const queueOptionsOfOne = { ...queueOptions, retryLimit: 0 } as const

/** waiting: for a worker. parked: tried as often as it may be, with its cause. */
export type ProofJobStatus = 'waiting' | 'active' | 'proven' | 'refused' | 'parked' | 'cancelled'

export type QueuedProof = {
  readonly id: string
  readonly queue: string
  readonly circuit: string
  readonly status: ProofJobStatus
  /** Begun so far. */
  readonly tries: number
  readonly asked: Date
  readonly ended: Date | undefined
  /** Of one that is parked, or is to be tried again: why. */
  readonly cause: string | undefined
  /** Of a worker, once there is one, or what it gave the job up with. */
  readonly answer: unknown
}

/** A job as people see it. */
export type ListedProof = Omit<QueuedProof, 'answer'>

/** How many jobs of a circuit are in a state that is none of an end, or parked. */
export type QueueStanding = {
  readonly circuit: string
  readonly status: 'waiting' | 'active' | 'parked'
  readonly jobs: number
  /** Since the oldest of them was asked for. */
  readonly oldestSeconds: number
}

/** Those of a status, and whose ids begin so. */
export type WantedJobs = { readonly status?: ProofJobStatus | undefined; readonly idPrefix?: string }

type ListedRow = Omit<ListedProof, 'tries' | 'cause' | 'ended'> & {
  readonly hasBegun: boolean
  readonly retries: number
  readonly output: unknown
  readonly ended: Date | null
}

/** A job that this process has, until it says that it is done or falls silent. */
export type LeasedProof = {
  readonly id: string
  readonly queue: string
  /** As whoever put it says; see `jobDataOf`. */
  readonly data: unknown
  readonly attempt: number
}

type PoolOptions = { readonly query_timeout: number }

const ANSWER_MS = 15_000
/** Circuits times states, far beyond what any version has. */
const MOST_STANDINGS = 300
/** Characters of a cause, which whoever proves chooses. */
const MOST_CAUSE = 500

export class ProofQueue {
  readonly address: DatabaseAddress
  readonly writeFaults = new WriteFaults()
  private readonly boss: PgBoss
  private readonly bell: Bell
  private readonly known = new Set<string>()
  private readonly listeners = new Set<(words: string | undefined) => void>()

  private constructor(address: DatabaseAddress, purpose: string) {
    this.address = address
    const application = `zkrisk ${purpose} ${hostname().slice(0, 24)}:${process.pid}`
    const pool: PoolOptions = { query_timeout: ANSWER_MS }
    this.boss = new PgBoss({
      ...{
        connectionString: address.connectionString,
        schema: queueSchemaOf(address),
        application_name: application,
      },
      ...{ max: 3, connectionTimeoutMillis: ANSWER_MS, schedule: false, registerInstance: false },
      ...{ superviseIntervalSeconds: SUPERVISE_SECONDS, monitorIntervalSeconds: SUPERVISE_SECONDS },
      ...pool,
    })
    // Every call that fails says so itself; what the supervisor meets it tries again.
    this.boss.on('error', () => undefined)
    this.bell = new Bell(address, `${application} bell`, (words) => {
      for (const listen of this.listeners) listen(words)
    })
  }

  /**
   * @param purpose - of what, as the server's list of sessions shows it
   * @throws {@link DatabaseUnreachableError}
   */
  static async open(address: DatabaseAddress, purpose: string): Promise<ProofQueue> {
    const queue = new ProofQueue(address, purpose)
    try {
      await queue.ask(() => queue.boss.start())
    } catch (error) {
      await queue.boss.stop({ graceful: false }).catch(() => undefined)
      throw error
    }
    queue.bell.start()
    return queue
  }

  /** Adds a job, unless it waits, is being proven or was proven. One that came to nothing begins anew. */
  async put({ id, queue, data }: ProofJob): Promise<void> {
    await this.make(queue)
    const before = await this.find(queue, id)
    if (before?.status === 'waiting' || before?.status === 'active' || before?.status === 'proven') return
    if (before !== undefined) await this.ask(() => this.boss.deleteJob(queue, id))
    await this.write('put', () => this.boss.send(queue, data, { id }))
    await this.ring(`put ${queue}`)
  }

  /** Forgets a job whatever came of it, so that it can be put again. */
  async drop({ id, queue }: Pick<ProofJob, 'id' | 'queue'>): Promise<void> {
    await this.ask(unlessGone(() => this.boss.deleteJob(queue, id)))
  }

  async find(queue: string, id: string): Promise<QueuedProof | undefined> {
    const [job] = (await this.ask(unlessGone(() => this.boss.findJobs<ProofJobData>(queue, { id })))) ?? []
    return job && queuedOf(job)
  }

  /** Leases the oldest job of a queue. */
  async take(queue: string): Promise<LeasedProof | undefined> {
    // That of one worker is there if anything is in it.
    if (!isOfOne(queue)) await this.make(queue)
    const [job] =
      (await this.write(
        'take',
        unlessGone(() => this.boss.fetch<ProofJobData>(queue)),
      )) ?? []
    return job && { id: job.id, queue, data: job.data, attempt: job.retryCount }
  }

  /** Says that its worker lives. @returns whether the job is still this worker's */
  async touch({ queue, id, attempt }: LeasedProof): Promise<boolean> {
    return isSettled(
      await this.write(
        'touch',
        unlessGone(() => this.boss.touch(queue, { id, retryCount: attempt })),
      ),
    )
  }

  /** Hands an answer back. @returns whether it was taken: not if the job was leased to another meanwhile */
  async complete({ queue, id, attempt }: LeasedProof, answer: ProofAnswer): Promise<boolean> {
    const taken = isSettled(
      await this.write(
        'complete',
        unlessGone(() => this.boss.complete(queue, { id, retryCount: attempt }, answer)),
      ),
    )
    if (taken) await this.ring(`end ${id}`)
    return taken
  }

  /** Gives a job up: it is tried again after a while, or parked with this cause. */
  async fail(
    { queue, id, attempt }: LeasedProof,
    cause: { readonly code: string; readonly message: string; readonly worker?: string },
  ): Promise<boolean> {
    const taken = isSettled(
      await this.write(
        'fail',
        unlessGone(() => this.boss.fail(queue, { id, retryCount: attempt }, cause)),
      ),
    )
    await this.ring(`end ${id}`)
    return taken
  }

  /** Every queue there is, with how many jobs waited for a worker a second or two ago. */
  async waiting(): Promise<ReadonlyMap<string, number>> {
    const queues = await this.ask(() => this.boss.getQueues())
    return new Map(
      queues
        .filter(({ name }) => partsOfQueue(name) !== undefined)
        .map(({ name, readyCount }) => [name, Number(readyCount)]),
    )
  }

  /** Queues of all workers in which a job has waited for so long that nobody took. */
  async overdue(seconds: number): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.ask(() =>
      this.boss.getDb().executeSql(
        `SELECT DISTINCT ON (name) name AS queue, id FROM ${queueSchemaOf(this.address)}.job
         WHERE name LIKE 'prove/%' AND state IN ('created', 'retry')
           AND greatest(created_on, start_after) < now() - make_interval(secs => $1)
         ORDER BY name, created_on LIMIT $2`,
        [seconds, MOST_STANDINGS],
      ),
    )
    const found = rows as readonly { readonly queue: string; readonly id: string }[]
    return new Map(found.filter(({ queue }) => !isOfOne(queue)).map(({ queue, id }) => [queue, id]))
  }

  /** Forgets queues of single workers that are not among these, and what is in them. */
  async keepThoseOf(workers: readonly string[]): Promise<void> {
    const queues = await this.ask(() => this.boss.getQueues())
    for (const { name } of queues) {
      const worker = partsOfQueue(name)?.worker
      if (worker !== undefined && !workers.includes(worker)) await this.ask(() => this.boss.deleteQueue(name))
    }
  }

  /** Newest first, of all queues; without answers, and without the inputs, which are large. */
  async jobs(limit: number, wanted: WantedJobs = {}): Promise<readonly ListedProof[]> {
    const { status, idPrefix = '' } = wanted
    const { rows } = await this.ask(() =>
      this.boss.getDb().executeSql(
        `SELECT * FROM (
           SELECT id, name AS queue, coalesce(data->>'circuit', split_part(name, '/', 2)) AS circuit, started_on IS NOT NULL AS "hasBegun", retry_count AS retries,
             created_on AS asked, completed_on AS ended, CASE WHEN state IN ('failed', 'retry') THEN output END AS output,
             CASE WHEN state = 'completed' AND output->'refusal' IS NOT NULL THEN 'refused'
               WHEN state IN ('created', 'retry') THEN 'waiting' WHEN state = 'completed' THEN 'proven'
               WHEN state = 'failed' THEN 'parked' ELSE state::text END AS status
           FROM ${queueSchemaOf(this.address)}.job WHERE name LIKE 'prove/%'
         ) jobs WHERE ($2::text IS NULL OR status = $2) AND starts_with(id::text, $3) ORDER BY asked DESC, id LIMIT $1`,
        [limit, status ?? null, idPrefix],
      ),
    )
    return (rows as readonly ListedRow[]).map(({ hasBegun, retries, output, ended, circuit, ...job }) => ({
      ...{ ...job, circuit: shortened(circuit) },
      tries: hasBegun ? retries + 1 : 0,
      ended: ended ?? undefined,
      cause: output === null ? undefined : causeOf(output),
    }))
  }

  /** What waits, is being proven and is parked, of every circuit. */
  async standing(): Promise<readonly QueueStanding[]> {
    const { rows } = await this.ask(() =>
      this.boss.getDb().executeSql(
        `SELECT split_part(name, '/', 2) AS circuit,
           CASE state WHEN 'active' THEN 'active' WHEN 'failed' THEN 'parked' ELSE 'waiting' END AS status,
           count(*)::int AS jobs, extract(epoch FROM now() - min(created_on))::float8 AS "oldestSeconds"
         FROM ${queueSchemaOf(this.address)}.job
         WHERE name LIKE 'prove/%' AND state IN ('created', 'retry', 'active', 'failed')
         GROUP BY 1, 2 ORDER BY 1, 2 LIMIT $1`,
        [MOST_STANDINGS],
      ),
    )
    return (rows as readonly QueueStanding[]).map(({ circuit, oldestSeconds, ...row }) => ({
      ...{ ...row, circuit: shortened(circuit), oldestSeconds: Math.max(0, oldestSeconds) },
    }))
  }

  /** Puts jobs that came to nothing among those that wait, as if they had never been tried. */
  async revive({ id, queue }: Pick<QueuedProof, 'id' | 'queue'>): Promise<boolean> {
    const [job] = await this.ask(() => this.boss.findJobs<ProofJobData>(queue, { id }))
    if (job === undefined || (job.state !== 'failed' && job.state !== 'cancelled')) return false
    const ofAll = partsOfQueue(queue)?.ofAll ?? queue
    // Whoever asked one worker alone for it is gone, or asks the next one.
    if (ofAll !== queue) await this.drop({ id, queue })
    await this.put({ id, queue: ofAll, data: job.data })
    return true
  }

  /** Takes a job out; a worker that has it finishes for nothing. */
  async cancel({ id, queue }: Pick<QueuedProof, 'id' | 'queue'>): Promise<boolean> {
    const cancelled = isSettled(await this.ask(() => this.boss.cancel(queue, id)))
    await this.ring(`end ${id}`)
    return cancelled
  }

  /** Calls back with what was rung, or with undefined if something may have been. @returns what ends it */
  listen(heard: (words: string | undefined) => void): () => void {
    this.listeners.add(heard)
    return () => this.listeners.delete(heard)
  }

  /** What is leased stays so until it is silent for too long. */
  async close(): Promise<void> {
    await this.bell.close()
    await this.boss.stop({ graceful: false, close: true }).catch(() => undefined)
  }

  private async make(queue: string): Promise<void> {
    if (this.known.has(queue)) return
    const options = isOfOne(queue) ? queueOptionsOfOne : queueOptions
    await this.ask(() => this.boss.createQueue(queue, options))
    // Somebody may forget that of one worker.
    if (!isOfOne(queue)) this.known.add(queue)
  }

  /** Whoever does not hear it looks by itself. */
  private async ring(words: string): Promise<void> {
    const channel = Bell.channelOf(this.address)
    await this.boss
      .getDb()
      .executeSql('SELECT pg_notify($1, $2)', [channel, words])
      .catch(() => undefined)
  }

  private write<Answer>(kind: string, question: () => Promise<Answer>): Promise<Answer> {
    return this.writeFaults.watch(kind, () => this.ask(question))
  }

  private async ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    try {
      return await question()
    } catch (error) {
      throw typed(this.address, error)
    }
  }
}

/** A queue of one worker may have been forgotten meanwhile. */
const unlessGone =
  <Answer>(question: () => Promise<Answer>): (() => Promise<Answer | undefined>) =>
  () =>
    question().catch((error: unknown) => {
      if (Reflect.get(Object(error), 'code') === 'PGBOSS_QUEUE_NOT_FOUND') return undefined
      throw error
    })

const isOfOne = (queue: string): boolean => partsOfQueue(queue)?.worker !== undefined

const statuses = {
  created: 'waiting',
  retry: 'waiting',
  active: 'active',
  completed: 'proven',
  failed: 'parked',
  cancelled: 'cancelled',
} as const satisfies Record<JobWithMetadata['state'], ProofJobStatus>

function queuedOf(job: JobWithMetadata<ProofJobData>): QueuedProof {
  const { id, name, state, retryCount, createdOn, startedOn, completedOn, output } = job
  const status = state === 'completed' && isRefusal(output) ? 'refused' : statuses[state]
  const hasBegun = startedOn !== null && startedOn !== undefined
  return {
    ...{ id, queue: name, circuit: partsOfQueue(name)?.circuit ?? name, status, answer: output },
    tries: hasBegun ? retryCount + 1 : 0,
    asked: createdOn,
    ended: completedOn ?? undefined,
    cause: status === 'parked' || state === 'retry' ? causeOf(output) : undefined,
  }
}

/** In a worker's words, shortened and without what a terminal would obey, or the queue's own for a worker that fell silent. */
function causeOf(output: unknown): string {
  const { message, value } = entriesOf(output)
  if (typeof message === 'string') return shortened(message, MOST_CAUSE)
  return String(entriesOf(value).message).includes('heartbeat')
    ? 'its workers fell silent: they were killed, lost power or network, or hang'
    : 'it took longer than it may'
}

/** Of an object; none of anything else. */
const entriesOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

const isSettled = (response: object | undefined): boolean =>
  response !== undefined && Number(Reflect.get(response, 'affected')) > 0
