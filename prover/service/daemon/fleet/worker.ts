/**
 * Proves what a queue asks for, with the keys that are here: leases a job, says every few seconds that it lives, verifies its proof
 * and hands it back. Whatever it dies of, its jobs go to another worker; a database that is away is waited for, proofs in hand.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CircuitKeys, Prover, Proven } from '../../../proof/index.ts'
import { serialiseError } from '../../../proof/backends/proverProtocol.ts'
import { ProverError } from '../../../errors.ts'
import { describeError } from '../../text/terminal.ts'
import { duration } from '../../text/figures.ts'
import { DatabaseUnreachableError } from '../stores/postgresSession.ts'
import { isWithoutRoom } from '../stores/writeFaults.ts'
import { Outage } from './outage.ts'
import { jobDataOf, nameOf, partsOfQueue, type ProofAnswer, type ProofJobData, refusalCodes } from './proofJob.ts'
import type { LeasedProof, ProofQueue } from './proofQueue.ts'
import { isDoubted, type Workers, type WorkerThere } from './workers.ts'

/** A key that this worker has; loaded when a job first asks for it. */
export type WorkerKey = { readonly queue: string; readonly load: () => Promise<CircuitKeys> }

export type WorkerEvent = {
  readonly step:
    | 'joined'
    | 'taken'
    | 'proven'
    | 'refused'
    | 'failed'
    | 'stale'
    | 'without-key'
    | 'stood-in'
    | 'doubted'
    | 'dropped-key'
    | 'key-again'
    | 'retrying'
    | 'reached-again'
    | 'left'
  readonly job?: string
  readonly detail?: string
  readonly code?: string
  readonly milliseconds?: number
}

/** What a worker shows of itself to the process that it is in. */
export class WorkerState {
  /** Ids of jobs. */
  readonly inHand = new Set<string>()
  /** What is wrong with keys here that nothing was proven with since, by queue. */
  readonly keyFaults = new Map<string, string>()
}

export type WorkerOptions = {
  readonly queue: ProofQueue
  readonly workers: Workers
  readonly prover: Prover
  readonly keys: readonly WorkerKey[]
  readonly name: string
  /** Jobs in hand at once: the witness of one is computed while the other is proven. */
  readonly atOnce: number
  /** Takes jobs only while no other worker does that has their key, or where nobody took one for {@link untakenSeconds}. */
  readonly onlyAlone?: boolean
  readonly untakenSeconds?: number
  readonly state?: WorkerState
  /** After a fault of a key, until it is loaded again; twice as long each time. */
  readonly keyPauseMs?: number
  /** What is in hand may take so long after the signal; then it is given back. */
  readonly graceMs?: number
  readonly signal: AbortSignal
  readonly onEvent: (event: WorkerEvent) => void
}

/** After which a job that nobody took is one of whoever stands in. */
export const UNTAKEN_SECONDS = 30
const LOOK_MS = 2_000
const TOUCH_MS = 3_000
const GRACE_MS = 30_000
const LOOK_AGAIN_MS = 20
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 10_000
const FIRST_KEY_PAUSE_MS = 5_000
const LONGEST_KEY_PAUSE_MS = 60_000

const COPY_KEYS =
  'copy the build folder of the clone that serves, with its circuits and keys, into this one, or import the same production keys'

/** What ends the process that proves, whichever of the jobs that it has is to blame. */
const CRASHES: ReadonlySet<string> = new Set([
  'proof.prover-crashed',
  'proof.prover-out-of-memory',
  'proof.prover-timeout',
])
/** What is wrong with a key here: other workers are better asked. */
const KEY_FAULTS: ReadonlySet<string> = new Set([
  'proof.corrupt-key-file',
  'proof.keys-missing',
  'proof.self-verification',
  'proof.stale-witness-generator',
  'proof.wrong-circuit',
  'service.circuit-not-built',
  'service.circuit-unreadable',
])

/**
 * Works until the signal, then finishes what is in hand.
 * Whatever happens is told and tried again.
 */
export async function work(options: WorkerOptions): Promise<void> {
  const worker = new Worker(options)
  await worker.run()
}

class Worker {
  private readonly options: WorkerOptions
  private readonly id = randomUUID()
  private readonly keys: Map<string, WorkerKey>
  private readonly state: WorkerState
  /** Keys that were at fault since they last proved something: how often, and when to tell of it. */
  private readonly keyFaults = new Map<string, { times: number; readonly outage: Outage }>()
  private readonly inHand = new Map<LeasedProof, Promise<void>>()
  /** Queues that may have something, as far as is known. */
  private readonly rung = new Set<string>()
  private awake = new AbortController()
  private others: readonly WorkerThere[] = []
  /** Of those, who live and have let a job wait for too long, with nothing in hand. */
  private readonly idle = new Set<string>()
  /** Queues with a job that nobody took for too long. */
  private overdue: ReadonlyMap<string, string> = new Map()
  private isDoubted = false
  private readonly told = new Set<string>()
  /** In a row. */
  private failures = 0
  /** Proofs under way beside each other. */
  private proving = 0
  /** Jobs that wait for a proof by themselves, or have it. */
  private suspects = 0
  private lastAlone: Promise<unknown> = Promise.resolve()
  private readonly outage = new Outage()
  /** Of answers: a database without room for them may still say what waits. */
  private readonly unwritten = new Outage()

  constructor(options: WorkerOptions) {
    this.options = { ...options, name: nameOf(options.name) }
    this.state = options.state ?? new WorkerState()
    this.keys = new Map(options.keys.map((key) => [key.queue, key]))
  }

  async run(): Promise<void> {
    const { queue, workers, signal, onEvent, name } = this.options
    await this.say().catch((error: unknown) => void this.tell(error))
    for (const each of this.keys.keys()) this.rung.add(each)
    onEvent({ step: 'joined', detail: `${name}, with ${this.keysText()}` })
    if (this.keys.size === 0) onEvent({ step: 'without-key', detail: `nothing is asked of ${name}: ${COPY_KEYS}` })
    const deafen = queue.listen((words) => this.hear(words))
    const wake = (): void => this.awake.abort()
    signal.addEventListener('abort', wake)
    const registered = this.keepRegistered()
    while (!signal.aborted) await this.turn()
    await this.finish()
    deafen()
    signal.removeEventListener('abort', wake)
    await registered
    await workers.gone(this.id).catch(() => undefined)
    onEvent({ step: 'left' })
  }

  private async turn(): Promise<void> {
    const heard = this.nextRing()
    // Where something else fails first nobody waits for it.
    heard.catch(() => undefined)
    try {
      while (this.inHand.size < this.options.atOnce && this.suspects === 0 && !this.options.signal.aborted) {
        const taken = await this.takeAny()
        if (taken === undefined) break
        this.begin(taken)
      }
      await heard
    } catch (error) {
      const pause = this.tell(error)
      await sleep(pause, undefined, { signal: this.options.signal }).catch(() => undefined)
    }
  }

  /** Until the bell rings, something in hand is done, or it is time to look by itself. */
  private async nextRing(): Promise<void> {
    this.awake = new AbortController()
    const { signal } = this.awake
    if (this.options.signal.aborted) return
    await sleep(LOOK_MS, undefined, { signal }).then(
      () => this.lookAtAll(),
      () => undefined,
    )
  }

  private hear(words: string | undefined): void {
    if (words === undefined) for (const each of this.keys.keys()) this.rung.add(each)
    const queue = words?.startsWith('put ') === true ? words.slice(4) : undefined
    // Of a worker that is doubted others come first: what they leave it finds when it looks.
    if (queue !== undefined && this.isDoubted && this.keys.has(queue)) return
    const isMine = queue !== undefined && this.keyOf(queue) !== undefined
    if (queue !== undefined && isMine) this.rung.add(queue)
    if (queue === undefined ? words === undefined : isMine) this.awake.abort()
  }

  /** By what waited a second or two ago: whoever did not hear the bell. */
  private async lookAtAll(): Promise<void> {
    const waiting = await this.options.queue.waiting()
    this.reached()
    for (const [queue, count] of waiting) {
      if (count === 0) continue
      if (this.keyOf(queue) !== undefined) this.rung.add(queue)
      else if (partsOfQueue(queue)?.worker === undefined) this.tellWithoutKey(queue)
    }
    if (this.options.onlyAlone === true) await this.lookForOverdue()
  }

  /** What waits though others live who could take it: they stand still, are hung, or have more to do than they can. */
  private async lookForOverdue(): Promise<void> {
    this.overdue = await this.options.queue.overdue(this.options.untakenSeconds ?? UNTAKEN_SECONDS)
    for (const queue of this.overdue.keys()) {
      if (!this.keys.has(queue)) continue
      this.rung.add(queue)
      for (const { id, queues, jobs } of this.others) if (jobs.length === 0 && queues.includes(queue)) this.idle.add(id)
    }
  }

  /** Of a queue of all who have the key, or of this worker alone; undefined of what it takes nothing from. */
  private keyOf(queue: string): WorkerKey | undefined {
    const { worker, ofAll } = partsOfQueue(queue) ?? {}
    return worker === undefined || worker === this.id ? this.keys.get(ofAll ?? queue) : undefined
  }

  /** Says once of each key that it is not here, where nobody else has it. */
  private tellWithoutKey(queue: string): void {
    if (this.told.has(queue) || this.others.some(({ queues }) => queues.includes(queue))) return
    this.told.add(queue)
    const { circuit = queue, key = '' } = partsOfQueue(queue) ?? {}
    const detail =
      `jobs of ${circuit} wait, and no worker has its key ${key}…: build the circuit and its keys where the service has them, ` +
      'or copy its build folder'
    this.options.onEvent({ step: 'without-key', detail })
  }

  private async takeAny(): Promise<LeasedProof | undefined> {
    for (const queue of this.rung) {
      // Those whose turn comes later get it: whatever is taken from one goes behind the others.
      this.rung.delete(queue)
      if (this.keyOf(queue) === undefined || !this.mayTake(queue)) continue
      const taken = await this.options.queue.take(queue).catch((error: unknown) => {
        this.rung.add(queue)
        throw error
      })
      this.reached()
      if (taken === undefined) continue
      this.rung.add(queue)
      this.tellStoodIn(taken)
      return taken
    }
    return undefined
  }

  private mayTake(queue: string): boolean {
    if (this.options.onlyAlone !== true) return true
    return this.overdue.has(queue) || !this.others.some((other) => !this.idle.has(other.id) && isFor(other, queue))
  }

  /** One at a time is taken of what others are too slow for; and whoever stands still is not waited for again. */
  private tellStoodIn({ id, queue }: LeasedProof): void {
    const passed = this.others.filter((other) => isFor(other, queue))
    if (this.options.onlyAlone !== true || passed.length === 0) return
    const isFirst = this.overdue.has(queue)
    this.overdue = new Map([...this.overdue].filter(([each]) => each !== queue))
    const names = passed.map(({ name, jobs }) => `${name} (${jobs.length} in hand)`).join(', ')
    const why = isFirst
      ? `nobody took it within ${this.options.untakenSeconds ?? UNTAKEN_SECONDS} s`
      : 'nobody takes any'
    const circuit = partsOfQueue(queue)?.circuit ?? queue
    const detail = `job ${id} of ${circuit} is proven here: ${why}, though there live ${names}`
    this.options.onEvent({ step: 'stood-in', job: id, detail })
  }

  private begin(taken: LeasedProof): void {
    const { signal } = this.options
    this.options.onEvent({ step: 'taken', job: taken.id, detail: partsOfQueue(taken.queue)?.circuit ?? taken.queue })
    const ended = new AbortController()
    const done = this.prove(taken, ended.signal)
      .catch((error: unknown) => void this.tell(error))
      .finally(() => {
        ended.abort()
        this.inHand.delete(taken)
        this.state.inHand.delete(taken.id)
        if (!signal.aborted) this.awake.abort()
      })
    this.inHand.set(taken, done)
    this.state.inHand.add(taken.id)
  }

  private async prove(taken: LeasedProof, ended: AbortSignal): Promise<void> {
    const lease = this.keepLeased(taken, ended)
    const began = performance.now()
    const { name, queue, onEvent } = this.options
    try {
      const data = jobDataOf(taken)
      const keys = await this.load(taken.queue, data)
      const { proof, publicSignals, backend, timings } = await this.proveOne(keys, data)
      this.failures = 0
      this.keepKey(taken.queue)
      const answer = { proof, publicSignals: publicSignals.map(String), backend, timings, worker: name }
      const milliseconds = Math.round(performance.now() - began)
      const isTaken = await this.handBack(taken, answer, lease)
      onEvent({ step: isTaken ? 'proven' : 'stale', job: taken.id, milliseconds })
    } catch (error) {
      const { code, message } = describeError(error)
      if (refusalCodes.has(code)) {
        this.failures = 0
        const isTaken = await this.handBack(taken, { refusal: serialiseError(error), worker: name }, lease)
        onEvent({ step: isTaken ? 'refused' : 'stale', job: taken.id, code, detail: message })
        return
      }
      if (KEY_FAULTS.has(code)) this.dropKey(taken.queue, message, code)
      await queue.fail(taken, { code, message: `${message} (worker ${name})`, worker: name }).catch(() => false)
      onEvent({ step: 'failed', job: taken.id, code, detail: message })
      // A machine on which nothing can be proven would fail all jobs of the fleet in no time.
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.failures++, LONGEST_PAUSE_MS)
      await sleep(pause, undefined, { signal: this.options.signal }).catch(() => undefined)
    }
  }

  /** One of several jobs in hand may have ended the prover of all: each is then proven again by itself before it is blamed. */
  private async proveOne(keys: CircuitKeys, { input }: ProofJobData): Promise<Proven> {
    const { prover } = this.options
    const hadOthers = this.inHand.size > 1
    this.proving++
    try {
      return await prover.prove(keys, input)
    } catch (error) {
      if (!hadOthers || !CRASHES.has(describeError(error).code)) throw error
    } finally {
      this.proving--
    }
    this.suspects++
    const alone = this.lastAlone.then(async () => {
      while (this.proving > 0) await sleep(LOOK_AGAIN_MS)
      return prover.prove(keys, input)
    })
    this.lastAlone = alone.catch(() => undefined)
    return alone.finally(() => this.suspects--)
  }

  private async load(queue: string, data: ProofJobData): Promise<CircuitKeys> {
    const keys = await this.keyOf(queue)?.load()
    if (keys?.manifest.verificationKeySha256 === data.key && keys.circuit === data.circuit) return keys
    throw new KeyNotHereError(data.circuit, data.key)
  }

  /** As long as it takes, unless the job went to another worker. @returns whether it was taken */
  private async handBack(
    taken: LeasedProof,
    answer: ProofAnswer,
    lease: { readonly isLost: boolean },
  ): Promise<boolean> {
    for (let pause = FIRST_PAUSE_MS; !lease.isLost; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        const isTaken = await this.options.queue.complete(taken, answer)
        this.wrote()
        return isTaken
      } catch (error) {
        this.tell(error)
        await sleep(pause, undefined, { signal: this.options.signal }).catch(() => undefined)
        if (this.options.signal.aborted) return false
      }
    }
    return false
  }

  private keepLeased(taken: LeasedProof, ended: AbortSignal): { readonly isLost: boolean } {
    const lease = { isLost: false }
    const keep = async (): Promise<void> => {
      while (!ended.aborted && !lease.isLost) {
        await sleep(TOUCH_MS, undefined, { signal: ended }).catch(() => undefined)
        if (ended.aborted) return
        // A database that is away says nothing of the lease.
        lease.isLost = !(await this.options.queue.touch(taken).catch(() => true))
      }
    }
    void keep()
    return lease
  }

  /** Says that this worker lives, and looks who else does. */
  private async say(): Promise<void> {
    const { workers, name, onlyAlone: mayWait = false } = this.options
    const jobs = [...this.inHand.keys()].map(({ id }) => id)
    await workers.seen({ id: this.id, name, queues: [...this.keys.keys()], mayWait }, jobs)
    const live = await workers.live()
    this.others = live.filter(({ id }) => id !== this.id)
    this.tellOtherKeys()
    for (const id of this.idle)
      if (!this.others.some((other) => other.id === id && other.jobs.length === 0)) this.idle.delete(id)
    this.hearDoubts(live.find(({ id }) => id === this.id)?.wrong ?? 0)
    if (mayWait) for (const each of this.keys.keys()) this.rung.add(each)
  }

  /** Says it once of each service that has keys, none of which is here: it will ask nothing of this worker. */
  private tellOtherKeys(): void {
    if (this.options.onlyAlone === true || this.keys.size === 0) return
    for (const { name, queues, mayWait } of this.others) {
      const isOther = mayWait && queues.length > 0 && !queues.some((queue) => this.keys.has(queue))
      if (!isOther || this.told.has(name)) continue
      this.told.add(name)
      const detail = `none of the keys of ${name} is here, so that it asks nothing of this worker: ${COPY_KEYS}`
      this.options.onEvent({ step: 'without-key', detail })
    }
  }

  private hearDoubts(wrong: number): void {
    const before = this.isDoubted
    this.isDoubted = isDoubted({ wrong })
    if (!this.isDoubted || before) return
    const detail =
      `${wrong} answers of ${this.options.name} turned out wrong lately, so others are asked first: see its memory, its disk, ` +
      'and whether it is of the version of the service'
    this.options.onEvent({ step: 'doubted', detail })
  }

  private async keepRegistered(): Promise<void> {
    const { signal } = this.options
    while (!signal.aborted) {
      await sleep(TOUCH_MS, undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) await this.say().catch(() => undefined)
    }
  }

  /** Other workers may have a key that is whole; whoever mends this one need not start the worker again. */
  private dropKey(queue: string, why: string, code: string): void {
    const { ofAll = queue, circuit = queue } = partsOfQueue(queue) ?? {}
    const key = this.keys.get(ofAll)
    this.state.keyFaults.set(ofAll, why)
    // The other job in hand has dropped it already.
    if (key === undefined) return
    this.keys.delete(ofAll)
    const fault = this.keyFaults.get(ofAll) ?? { times: 0, outage: new Outage() }
    this.keyFaults.set(ofAll, fault)
    const pause = Math.min((this.options.keyPauseMs ?? FIRST_KEY_PAUSE_MS) * 2 ** fault.times++, LONGEST_KEY_PAUSE_MS)
    const detail = `takes no jobs of ${circuit}: ${why} The key is loaded again in ${pause / 1000} s`
    if (fault.outage.failed()) this.options.onEvent({ step: 'dropped-key', code, detail })
    const again = (): void => {
      this.keys.set(ofAll, key)
      this.rung.add(ofAll)
      this.awake.abort()
    }
    sleep(pause, undefined, { signal: this.options.signal }).then(again, () => undefined)
  }

  private keepKey(queue: string): void {
    const { ofAll = queue, circuit = queue } = partsOfQueue(queue) ?? {}
    const seconds = this.keyFaults.get(ofAll)?.outage.over()
    this.keyFaults.delete(ofAll)
    this.state.keyFaults.delete(ofAll)
    if (seconds === undefined) return
    const detail = `proves jobs of ${circuit} again, after ${duration(seconds)}`
    this.options.onEvent({ step: 'key-again', detail })
  }

  private async finish(): Promise<void> {
    const { graceMs = GRACE_MS, queue, name } = this.options
    const late = await Promise.race([
      Promise.all(this.inHand.values()).then(() => false),
      sleep(graceMs, true, { ref: false }),
    ])
    if (!late) return
    const cause = {
      code: 'service.worker-stopped',
      message: `worker ${name} was stopped before it was done`,
      worker: name,
    }
    await Promise.all([...this.inHand.keys()].map((taken) => queue.fail(taken, cause).catch(() => false)))
  }

  /** @returns how long to wait before what failed is tried again */
  private tell(error: unknown): number {
    const { code, message } = describeError(error)
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.failures++, LONGEST_PAUSE_MS)
    const outage = isWithoutRoom(error) ? this.unwritten : this.outage
    const isTold = !(error instanceof DatabaseUnreachableError) || outage.failed()
    if (isTold)
      this.options.onEvent({ step: 'retrying', code, detail: `${message} (${code}); again in ${pause / 1000} s` })
    return pause
  }

  private reached(): void {
    const seconds = this.outage.over()
    if (seconds === undefined) return
    this.failures = 0
    this.options.onEvent({ step: 'reached-again', detail: `the database answers again, after ${duration(seconds)}` })
  }

  private wrote(): void {
    const seconds = this.unwritten.over()
    if (seconds === undefined) return
    this.options.onEvent({ step: 'reached-again', detail: `the database has room again, after ${duration(seconds)}` })
  }

  private keysText(): string {
    const circuits = [...this.keys.keys()].map((queue) => partsOfQueue(queue)?.circuit ?? queue)
    return circuits.length === 0 ? 'no keys' : `keys of ${circuits.join(', ')}`
  }
}

/** Whether a worker takes jobs of a queue as soon as they come. */
export const isFor = ({ queues, mayWait }: WorkerThere, queue: string): boolean => !mayWait && queues.includes(queue)

/** A job for a key that is not here; it is offered to nobody who has not said that he has it. */
export class KeyNotHereError extends ProverError {
  readonly code = 'service.key-not-here'
  readonly circuit: string
  readonly key: string

  constructor(circuit: string, key: string) {
    super(
      `Expected the key ${key} of ${circuit}, which is not here. Build the circuit, or copy the service's build folder.`,
    )
    this.circuit = circuit
    this.key = key
  }
}
