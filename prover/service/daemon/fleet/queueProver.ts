/** A prover that has others prove: every machine that works at the same database. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ProverError } from '../../../errors.ts'
import {
  type CircuitKeys,
  ProverClosedError,
  type Prover,
  type Proven,
  SelfVerificationError,
} from '../../../proof/index.ts'
import type { CircuitInput } from '../../../proof/backends/witnessCalculator.ts'
import { DatabaseUnreachableError } from '../stores/postgresSession.ts'
import { describeError } from '../../text/terminal.ts'
import {
  AnswerUnreadableError,
  type ProofJob,
  proofJobOf,
  provenOf,
  queueFor,
  refusalCodes,
  workerOf,
} from './proofJob.ts'
import type { ProofQueue, QueuedProof } from './proofQueue.ts'
import { UNTAKEN_SECONDS } from './worker.ts'
import { isDoubted, type Workers, type WorkerThere } from './workers.ts'

/** Looks at what is asked for though no bell was heard. */
const LOOK_MS = 2_000
/** Answers of one job that may turn out to be none, and refusals of it that are asked for again, where nobody else lives. */
const MOST_BAD_ANSWERS = 2
const MOST_DOUBTED_REFUSALS = 1
/** Before one is asked again, or the next one is; twice as long each time. */
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000
/** A job that somebody has for so long is asked of others; a proof may take two minutes, and wait for another in the same hand. */
const LATE_MS = 300_000
/** The same of one that nobody who lives says that he has, or one who is doubted; workers say it every few seconds. */
const UNCLAIMED_MS = 30_000

/** Workers that are asked for one job by name beside each other, and for how long one after the other. */
const ASKED_AT_ONCE = 3
const ASKING_MS = 600_000
const MOST_PROVERS = 1_000

export type QueueProverOptions = {
  /** Proves here what no worker's word is taken for: refused, parked, or answered with what is no proof again and again. */
  readonly own?: Pick<Prover, 'prove'> | undefined
  /** Whether a worker of this process has a job in hand: it is not taken from it, for its prover has a limit of time of its own. */
  readonly ownHas?: (id: string) => boolean
  /** Who lives: others are asked by name for what one of them answered wrongly, if nothing is proven here. */
  readonly workers?: Pick<Workers, 'live' | 'doubt'>
  /** Is told of answers that turned out wrong, or did not come. */
  readonly onContradicted?: (says: string) => void
  /** Proves here what nobody took for so long, where no worker of this process does. */
  readonly untakenMs?: number
  readonly lateMs?: number
  readonly unclaimedMs?: number
  readonly askingMs?: number
}

/** An answer that is none, and whose it was, if it says so. */
type Wrong = { readonly error: unknown; readonly worker: string | undefined }
type Given = { readonly proven: Proven; readonly worker: string | undefined } | Wrong
/** Whether a job is waited for no longer that has stood as it does for so long. */
type Patience = (found: QueuedProof, forMs: number) => Promise<AnswerLateError | undefined>

/**
 * Calls are answered as their proofs come, not in their order: one that no worker can prove keeps no other from its answer. The
 * same call again, from whatever process, is answered by the same job. No worker's refusal is believed: an input is refused once it
 * was tried here; where nothing is proven here, once each worker that lives refused it by name, and by workers twice.
 */
export class QueueProver implements Prover {
  private readonly queue: ProofQueue
  private readonly options: QueueProverOptions
  /** Names of those who proved something. */
  private readonly provers = new Set<string>()
  /** How often in a row each that lives let a job wait that it was asked for by name. */
  private readonly letDown = new Map<string, number>()
  private readonly underWay = new Map<string, Promise<Proven>>()
  private readonly closed = new AbortController()
  private readonly deafen: () => void
  private readonly waiters = new Map<string, Set<() => void>>()

  constructor(queue: ProofQueue, options: QueueProverOptions = {}) {
    this.queue = queue
    this.options = options
    this.deafen = queue.listen((words) => this.wake(words))
  }

  /**
   * @throws what {@link Prover.prove} refuses the input with
   * @throws {@link ProofParkedError}, {@link ProofCancelledError}; asked again it is tried again
   * @throws {@link DatabaseUnreachableError} if it could not be asked for; once it is, a database that is away is waited for
   */
  async prove(keys: CircuitKeys, input: CircuitInput): Promise<Proven> {
    if (this.closed.signal.aborted) throw new ProverClosedError()
    const start = performance.now()
    const job = proofJobOf(keys, input)
    const answer = this.underWay.get(job.id) ?? this.proveOnce(keys, job)
    this.underWay.set(job.id, answer)
    const proven = await answer.finally(() => this.underWay.delete(job.id))
    return { ...proven, timings: { ...proven.timings, total: performance.now() - start } }
  }

  /** Workers keep what they have proven with. */
  async warm(): Promise<void> {}

  /** Jobs stay in the queue: whoever asks for them next has their proofs. Closes the queue. */
  async close(): Promise<void> {
    this.closed.abort()
    this.deafen()
    this.wake(undefined)
    await this.queue.close()
  }

  private async proveOnce(keys: CircuitKeys, job: ProofJob): Promise<Proven> {
    const { own } = this.options
    const wrong: Wrong[] = []
    for (let doubted = 0; ; doubted++) {
      await this.queue.put(job)
      const given = await this.given(keys, job, this.patienceOf(job))
      if ('proven' in given) {
        this.noteProver(given.worker)
        return this.settled(job, wrong, 'by another worker', given.proven)
      }
      const again = againAfter(given.error, own !== undefined)
      if (again === undefined) throw given.error
      await this.noteWrong(job, wrong, given)
      const others = own === undefined ? await this.askOthers(keys, job, wrong) : undefined
      if (others?.proven !== undefined) return others.proven
      if (doubted < again && (others?.asked ?? 0) === 0) {
        await this.pause(doubted)
        await this.queue.drop(job)
        continue
      }
      // Whoever has not answered may prove what others refuse.
      if (own === undefined) throw others?.late ?? given.error
      return this.proveHere(own, keys, job, wrong)
    }
  }

  /** @throws what the input is refused with here, else what workers failed with */
  private async proveHere(
    own: Pick<Prover, 'prove'>,
    keys: CircuitKeys,
    job: ProofJob,
    wrong: readonly Wrong[],
  ): Promise<Proven> {
    const failure = wrong.at(-1)?.error
    // Whoever has it still works for nothing.
    if (failure instanceof AnswerLateError) await this.queue.drop(job).catch(() => undefined)
    let proven: Proven
    try {
      proven = await own.prove(keys, job.data.input)
    } catch (error) {
      throw refusalCodes.has(describeError(error).code) ? error : failure
    }
    await this.queue.drop(job).catch(() => undefined)
    return this.settled(job, wrong, 'here', proven)
  }

  /**
   * Each worker that lives, a few beside each other, in a queue that nobody else takes from, until the time for all is over: first
   * those who have proven something before, then those who let nothing wait; whose answer was wrong comes last.
   */
  private async askOthers(
    keys: CircuitKeys,
    job: ProofJob,
    wrong: Wrong[],
  ): Promise<{ readonly asked: number; readonly proven?: Proven; readonly late?: AnswerLateError | undefined }> {
    const { workers, askingMs = ASKING_MS } = this.options
    const inTurn = this.inTurn(await this.takersOf(job), wrong)
    const until = performance.now() + askingMs
    const found: { proven?: Proven; by?: string; late?: AnswerLateError } = {}
    let isGivenUp = false
    const isOver = (): boolean => isGivenUp || found.proven !== undefined || performance.now() >= until
    let asked = 0
    const lane = async (): Promise<void> => {
      for (let before = 0; !isOver(); before++) {
        if (before > 0) await this.pause(before - 1)
        const worker = isOver() ? undefined : inTurn[asked++]
        if (worker === undefined) return
        const given = await this.askOne(keys, job, worker, isOver)
        if ('proven' in given) {
          this.letDown.delete(worker.id)
          this.noteProver(worker.name)
          Object.assign(found, { proven: found.proven ?? given.proven, by: found.by ?? worker.name })
          // Whoever else was asked is let go of.
          this.wake(undefined)
        } else if (found.proven === undefined) {
          if (given.error instanceof AnswerLateError) {
            found.late = given.error
            this.letDown.set(worker.id, this.letDownBy(worker) + 1)
          }
          await this.noteWrong(job, wrong, { ...given, worker: worker.name })
        }
      }
    }
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, lane)).finally(() => {
      isGivenUp = true
    })
    if (found.proven !== undefined) {
      await this.queue.drop(job)
      return { asked, proven: await this.settled(job, wrong, `by ${found.by}`, found.proven) }
    }
    const live = (await workers?.live().catch(() => undefined))?.map(({ id }) => id)
    if (live !== undefined) {
      await this.queue.keepThoseOf(live).catch(() => undefined)
      for (const id of this.letDown.keys()) if (!live.includes(id)) this.letDown.delete(id)
    }
    return { asked: Math.min(asked, inTurn.length), late: found.late }
  }

  private inTurn(there: readonly WorkerThere[], wrong: readonly Wrong[]): readonly WorkerThere[] {
    const wasWrong = ({ name }: WorkerThere): number => Number(wrong.some(({ worker }) => worker === name))
    const isNew = ({ name }: WorkerThere): number => Number(!this.provers.has(name))
    return there.toSorted(
      (a, b) =>
        wasWrong(a) - wasWrong(b) || isNew(a) - isNew(b) || a.wrong - b.wrong || this.letDownBy(a) - this.letDownBy(b),
    )
  }

  private noteProver(name: string | undefined): void {
    // A process of a fleet that restarts has another name each time.
    if (this.provers.size >= MOST_PROVERS) this.provers.clear()
    if (name !== undefined) this.provers.add(name)
  }

  private letDownBy({ id }: WorkerThere): number {
    return this.letDown.get(id) ?? 0
  }

  private async askOne(keys: CircuitKeys, job: ProofJob, worker: WorkerThere, isOver: () => boolean): Promise<Given> {
    const own = { ...job, queue: queueFor(job.queue, worker.id) }
    const late = this.options.lateMs ?? LATE_MS
    await this.queue.put(own)
    try {
      return await this.given(keys, own, async ({ status }, forMs) => {
        const now = (await this.takersOf(job)).find(({ id }) => id === worker.id)
        const isIdle = now !== undefined && now.jobs.length === 0 && status === 'waiting'
        if (!isOver() && now !== undefined && forMs < (isIdle ? UNTAKEN_SECONDS * 1000 : late)) return undefined
        return new AnswerLateError(job, status, forMs, worker.name)
      })
    } finally {
      await this.queue.drop(own).catch(() => undefined)
    }
  }

  private async takersOf({ queue }: ProofJob): Promise<readonly WorkerThere[]> {
    const live = (await this.options.workers?.live().catch(() => undefined)) ?? []
    return live.filter(({ queues, mayWait }) => !mayWait && queues.includes(queue))
  }

  /** Of a job that whoever has the key may take: until others could do it sooner. */
  private patienceOf(job: ProofJob): Patience {
    const { own, ownHas, untakenMs, lateMs = LATE_MS, unclaimedMs = UNCLAIMED_MS, workers } = this.options
    let unclaimed: number | undefined
    return async ({ status }, forMs) => {
      if (status === 'waiting' && own !== undefined && forMs >= (untakenMs ?? Number.POSITIVE_INFINITY))
        return new AnswerLateError(job, status, forMs, undefined)
      // By itself, not by what a table says: there anybody may say that he is it.
      if (status === 'active' && ownHas?.(job.id) === true) return undefined
      const live = status === 'active' ? await workers?.live().catch(() => undefined) : undefined
      const holder = live?.find(({ jobs }) => jobs.includes(job.id))
      const isClaimed = live === undefined || (holder !== undefined && !isDoubted(holder))
      unclaimed = isClaimed ? undefined : (unclaimed ?? performance.now())
      const isUnclaimed = unclaimed !== undefined && performance.now() - unclaimed >= unclaimedMs
      if (status !== 'active' || (forMs < lateMs && !isUnclaimed)) return undefined
      const hasOthers = (await this.takersOf(job)).some(({ id }) => id !== holder?.id)
      return own !== undefined || hasOthers ? new AnswerLateError(job, status, forMs, holder?.name) : undefined
    }
  }

  /** What is no proof is wrong whatever comes; a refusal only once somebody has proven it. */
  private async noteWrong(job: ProofJob, wrong: Wrong[], given: Wrong): Promise<void> {
    wrong.push(given)
    if (isNoProof(given.error)) await this.blame(job, given, 'which it does not prove')
  }

  private async settled(job: ProofJob, wrong: readonly Wrong[], by: string, proven: Proven): Promise<Proven> {
    for (const each of wrong) if (!isNoProof(each.error)) await this.blame(job, each, `which was proven ${by}`)
    return proven
  }

  private async blame({ id, data }: ProofJob, { error, worker }: Wrong, why: string): Promise<void> {
    const { code } = describeError(error)
    const { workers, onContradicted } = this.options
    const times = worker === undefined ? undefined : await workers?.doubt(worker, code).catch(() => undefined)
    const often = times === undefined || times === 1 ? '' : `, ${times} times wrong within the hour`
    if (error instanceof AnswerLateError) {
      onContradicted?.(`job ${id} of ${data.circuit}, ${why}: ${error.what}${often}`)
      return
    }
    onContradicted?.(
      `${worker ?? 'a worker without a name'} answered job ${id} of ${data.circuit} with ${code}, ${why}${often}: see who works at the database`,
    )
  }

  private async pause(before: number): Promise<void> {
    const { signal } = this.closed
    const milliseconds = Math.min(FIRST_PAUSE_MS * 2 ** before, LONGEST_PAUSE_MS)
    await sleep(milliseconds, undefined, { signal }).catch(() => undefined)
  }

  private async given(keys: CircuitKeys, job: ProofJob, patience: Patience): Promise<Given> {
    let state = ''
    let since = performance.now()
    while (true) {
      const heard = this.hear(job.id)
      const found = await this.lookFor(job)
      if (this.closed.signal.aborted) throw new ProverClosedError()
      const ended = found && (await endOf(keys, job, found))
      if (ended !== undefined) return ended
      if (found !== undefined && state !== `${found.status} ${found.tries}`) {
        state = `${found.status} ${found.tries}`
        since = performance.now()
      }
      const late = found && (await patience(found, performance.now() - since))
      if (late !== undefined) return { error: late, worker: late.worker }
      await heard
    }
  }

  /** A database that does not answer is asked again; a job that is gone is put again. */
  private async lookFor(job: ProofJob): Promise<QueuedProof | undefined> {
    try {
      const found = await this.queue.find(job.queue, job.id)
      if (found === undefined) await this.queue.put(job)
      return found
    } catch (error) {
      if (!(error instanceof DatabaseUnreachableError)) throw error
      return undefined
    }
  }

  /** Until something is said of a job, or it is time to look. */
  private async hear(id: string): Promise<void> {
    const awake = new AbortController()
    const listener = (): void => awake.abort()
    const listeners = this.waiters.get(id) ?? new Set()
    this.waiters.set(id, listeners.add(listener))
    await sleep(LOOK_MS, undefined, { signal: awake.signal, ref: false }).catch(() => undefined)
    listeners.delete(listener)
    if (listeners.size === 0) this.waiters.delete(id)
  }

  private wake(words: string | undefined): void {
    for (const [id, listeners] of this.waiters) {
      if (words !== undefined && words !== `end ${id}`) continue
      for (const listener of listeners) listener()
    }
  }
}

/** What came of a job; undefined while nothing has. */
async function endOf(keys: CircuitKeys, job: ProofJob, found: QueuedProof): Promise<Given | undefined> {
  const { status, tries, cause = '', answer } = found
  const worker = workerOf(answer)
  const { circuit } = job.data
  if (status === 'parked') return { error: new ProofParkedError(circuit, job.id, tries, cause), worker }
  if (status === 'cancelled') return { error: new ProofCancelledError(circuit, job.id), worker: undefined }
  if (status !== 'proven' && status !== 'refused') return undefined
  return provenOf(keys, job, answer).then(
    (proven) => ({ proven, worker }),
    (error: unknown) => ({ error, worker }),
  )
}

const isNoProof = (error: unknown): boolean =>
  error instanceof SelfVerificationError || error instanceof AnswerUnreadableError

/** How often a job is asked for again that was answered so; undefined if that is no worker's doing. What is refused is tried here at once. */
function againAfter(error: unknown, isTriedHere: boolean): number | undefined {
  if (isNoProof(error)) return MOST_BAD_ANSWERS
  if (error instanceof ProofParkedError || error instanceof AnswerLateError) return 0
  if (!refusalCodes.has(describeError(error).code)) return undefined
  return isTriedHere ? 0 : MOST_DOUBTED_REFUSALS
}

/** Workers have tried a proof as often as they may, and none was made. */
export class ProofParkedError extends ProverError {
  readonly code = 'service.proof-parked'
  readonly circuit: string
  readonly job: string
  readonly tries: number

  constructor(circuit: string, job: string, tries: number, cause: string) {
    super(
      `No worker could prove job ${job} of ${circuit}, at ${tries} tries: ${cause.replace(/\.$/, '')}. It is parked; asked again ` +
        'it is tried again. `zkrisk jobs list` shows what is parked.',
    )
    this.circuit = circuit
    this.job = job
    this.tries = tries
  }
}

/** A job was not taken, or not answered, for too long. */
export class AnswerLateError extends ProverError {
  readonly code = 'service.answer-late'
  readonly job: string
  /** Who had it, or was asked, by what it calls itself. */
  readonly worker: string | undefined
  readonly what: string

  constructor({ id, data }: ProofJob, status: QueuedProof['status'], forMs: number, worker: string | undefined) {
    const seconds = Math.round(forMs / 1000)
    const who = worker ?? 'a worker'
    const what = status === 'waiting' ? `nobody took it within ${seconds} s` : `${who} has had it for ${seconds} s`
    super(`Expected a proof of ${data.circuit} for job ${id}, got none: ${what}. See whether workers stand still.`)
    this.job = id
    this.worker = worker
    this.what = what
  }
}

/** Somebody took a proof out of the queue. */
export class ProofCancelledError extends ProverError {
  readonly code = 'service.proof-cancelled'
  readonly circuit: string
  readonly job: string

  constructor(circuit: string, job: string) {
    super(`Job ${job} of ${circuit} was cancelled. Asked again it is proven.`)
    this.circuit = circuit
    this.job = job
  }
}
