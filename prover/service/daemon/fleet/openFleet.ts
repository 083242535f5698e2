/** Everything that `zkrisk worker` opens and closes, and what a service opens to have a fleet prove for it. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { createProver, type Prover, type ProverOptions } from '../../../proof/index.ts'
import { type DatabaseAddress, parseDatabaseAddress } from '../stores/databaseAddress.ts'
import { DatabaseUnreachableError } from '../stores/postgresSession.ts'
import { describeError } from '../../text/terminal.ts'
import { duration } from '../../text/figures.ts'
import { requireKeysFolder } from '../../workspace.ts'
import { HeapCare } from '../heapCare.ts'
import { keysHere } from './keysHere.ts'
import { Outage } from './outage.ts'
import { partsOfQueue, queueOf } from './proofJob.ts'
import { ProofQueue, type QueueStanding } from './proofQueue.ts'
import { QueueProver } from './queueProver.ts'
import { isFor, UNTAKEN_SECONDS, type WorkerEvent, WorkerState, work } from './worker.ts'
import { type Doubt, Workers, type WorkerSeen } from './workers.ts'

export type RunWorkerOptions = ProverOptions & {
  readonly database: string
  /** Those alone that it has keys of; all of them by default. */
  readonly circuit?: readonly string[] | undefined
  readonly keys?: string | undefined
  /** By default the machine's, and the process. */
  readonly name?: string | undefined
  readonly atOnce?: number
  readonly graceMs?: number
  readonly signal: AbortSignal
  readonly onEvent: (event: WorkerEvent) => void
}

/** Jobs that a worker has in hand unless it is told otherwise: the witness of one is computed while the other is proven. */
const AT_ONCE = 2

/**
 * Proves for whoever asks at a database, until the signal.
 *
 * @throws {@link DatabaseAddressError}, {@link DatabaseRefusedError} at once; a database that is out of reach is waited for
 * @throws what `keysHere` throws of circuits that were named
 */
export async function runWorker({
  database,
  circuit,
  keys: folder,
  name,
  ...options
}: RunWorkerOptions): Promise<void> {
  const address = parseDatabaseAddress(database)
  requireKeysFolder(folder)
  const keys = await keysHere(circuit, folder)
  const opened = await openQueue(address, options)
  if (opened === undefined) return
  const { queue, workers } = opened
  const { signal, onEvent, atOnce = AT_ONCE, graceMs, ...proving } = options
  const prover = createProver(proving)
  const heap = new HeapCare()
  try {
    await work({
      ...{ queue, workers, prover, keys, signal, onEvent, atOnce },
      ...(graceMs === undefined ? {} : { graceMs }),
      name: name ?? nameHere(),
    })
  } finally {
    heap.close()
    await prover.close()
    await queue.close()
    await workers.close()
  }
}

type Opened = { readonly queue: ProofQueue; readonly workers: Workers }

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 10_000

/** Waits for a database that is out of reach. @returns undefined if the signal came first */
export async function openQueue(
  address: DatabaseAddress,
  { signal, onEvent }: Pick<RunWorkerOptions, 'signal' | 'onEvent'>,
): Promise<Opened | undefined> {
  const outage = new Outage()
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      const opened = await openOnce(address, 'worker')
      const seconds = outage.over()
      if (seconds !== undefined)
        onEvent({ step: 'reached-again', detail: `the database answers, after ${duration(seconds)}` })
      return opened
    } catch (error) {
      if (!(error instanceof DatabaseUnreachableError)) throw error
      const detail = `${error.message} (${error.code}); again in ${pause / 1000} s`
      if (outage.failed()) onEvent({ step: 'retrying', code: error.code, detail })
      await sleep(pause, undefined, { signal }).catch(() => undefined)
    }
  }
  return undefined
}

async function openOnce(address: DatabaseAddress, purpose: string): Promise<Opened> {
  const workers = await Workers.open(address)
  try {
    return { workers, queue: await ProofQueue.open(address, purpose) }
  } catch (error) {
    await workers.close()
    throw error
  }
}

/** When a service proves itself what it asks for. */
export const proveHereChoices = ['never', 'alone', 'always'] as const
export type ProveHere = (typeof proveHereChoices)[number]

export type FleetOptions = {
  readonly database: string
  readonly proveHere: ProveHere
  readonly keys?: string | undefined
  /** Told when workers come and go. */
  readonly onWorkers: (says: string) => Promise<void> | void
  /** Told of what the worker of this process fails at, and that it goes on; the former has a code. */
  readonly onOwn?: ((says: string, code: string | undefined) => Promise<void> | void) | undefined
}

/** Why a service cannot do its part, by the check that fails for it. */
export type FleetFaults = { readonly prover?: string; readonly store?: string }

/** Who proves at a database, and what waits there. */
export type FleetStanding = {
  readonly workers: readonly WorkerSeen[]
  readonly queue: readonly QueueStanding[]
  readonly doubts: readonly Doubt[]
}

/** A prover of a service, and what it stands for. */
export type Fleet = {
  readonly prover: Prover
  /** @throws {@link DatabaseUnreachableError} */
  standing(): Promise<FleetStanding>
  /** @throws {@link DatabaseUnreachableError} */
  faults(): Promise<FleetFaults>
  close(): Promise<void>
}

const LOOK_MS = 3_000

/**
 * A prover that asks a fleet, and proves itself while nobody else does, if it may.
 *
 * @throws {@link DatabaseUnreachableError}, {@link DatabaseRefusedError}
 */
export async function openFleet({ database, proveHere, keys, onWorkers, onOwn }: FleetOptions): Promise<Fleet> {
  const address = parseDatabaseAddress(database)
  const { queue, workers } = await openOnce(address, 'serve')
  const ended = new AbortController()
  const { signal } = ended
  const hands = proveHere === 'never' ? undefined : createProver()
  const onContradicted = (says: string): void => void onWorkers(says)
  const name = `${nameHere()} (serve)`
  // What a service that was killed had asked of single workers.
  await queue.keepThoseOf([]).catch(() => undefined)
  const state = new WorkerState()
  const ownHas = (id: string): boolean => state.inHand.has(id)
  const prover = new QueueProver(queue, { own: hands, ownHas, workers, onContradicted })
  const own =
    hands && proveItself({ queue, workers, prover: hands, name, proveHere, keys, onWorkers, onOwn, state, signal })
  own?.catch((error: unknown) => onWorkers(`this service cannot prove itself: ${describeError(error).message}`))
  const nobody =
    proveHere === 'never'
      ? 'no worker lives, and nothing is proven until one does: `zkrisk worker --database …`'
      : 'no worker lives: this service proves itself'
  const watching = watchWorkers(workers, onWorkers, nobody, signal)
  return {
    prover,
    standing: async () => ({
      ...{ workers: await workers.recent(), queue: await queue.standing(), doubts: await workers.doubts() },
    }),
    faults: () => faultsOf(state, queue, workers),
    close: async () => {
      ended.abort()
      await Promise.all([watching, own?.catch(() => undefined)])
      await hands?.close()
      await prover.close()
      await workers.close()
    },
  }
}

/**
 * For whoever has proofs to make and then ends: what workers live for is asked of them, all else is proven here and never put into
 * the queue. It takes nothing that others asked for.
 *
 * @throws as {@link openFleet} does
 */
export async function openFleetProver({
  database,
  onWorkers,
}: Pick<FleetOptions, 'database' | 'onWorkers'>): Promise<Prover> {
  const { queue, workers } = await openOnce(parseDatabaseAddress(database), 'margin')
  const ended = new AbortController()
  const own = createProver()
  const onContradicted = (says: string): void => void onWorkers(says)
  const prover = new QueueProver(queue, { own, workers, onContradicted, untakenMs: UNTAKEN_SECONDS * 1000 })
  const watching = watchWorkers(workers, onWorkers, 'no worker lives: all is proven here', ended.signal)
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    ended.abort()
    await watching
    await own.close()
    await prover.close()
    await workers.close()
  }
  return {
    prove: async (keys, input) => {
      const wanted = queueOf(keys.circuit, keys.manifest.verificationKeySha256)
      // A database that went away keeps nothing from being proven.
      const live = await workers.live().catch(() => [])
      const isProven = live.some(({ queues, mayWait }) => !mayWait && queues.includes(wanted))
      return (isProven ? prover : own).prove(keys, input)
    },
    warm: async () => {},
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

type Own = {
  readonly queue: ProofQueue
  readonly workers: Workers
  readonly prover: Prover
  readonly name: string
  readonly state: WorkerState
  readonly signal: AbortSignal
} & Pick<FleetOptions, 'proveHere' | 'keys' | 'onWorkers' | 'onOwn'>

/** What the worker of a process tells in its log besides whom it stands in for. */
const toldOfOwn: ReadonlySet<WorkerEvent['step']> = new Set([
  ...(['failed', 'dropped-key', 'key-again', 'retrying', 'reached-again', 'doubted'] as const),
])

/** As any worker does, in this process: what it dies of loses nothing. */
async function proveItself({ proveHere, keys: folder, onWorkers, onOwn, ...own }: Own): Promise<void> {
  const keys = await keysHere(undefined, folder)
  const onEvent = ({ step, detail, code }: WorkerEvent): void => {
    if (step === 'stood-in' && detail !== undefined) void onWorkers(detail)
    if (toldOfOwn.has(step)) void onOwn?.(`the worker of this process: ${detail ?? step}`, code)
  }
  await work({ ...own, keys, atOnce: AT_ONCE, onlyAlone: proveHere === 'alone', graceMs: 0, onEvent })
}

/** What could not be written, and keys here that are at fault, while something waits that nobody else who lives has them for. */
export async function faultsOf({ keyFaults }: WorkerState, queue: ProofQueue, workers: Workers): Promise<FleetFaults> {
  const store = (queue.writeFaults.latest ?? workers.writeFaults.latest)?.message
  if (store !== undefined) return { store }
  if (keyFaults.size === 0) return {}
  const [standing, live] = [await queue.standing(), await workers.live()]
  const wrong = [...keyFaults].flatMap(([wanted, why]) => {
    const circuit = partsOfQueue(wanted)?.circuit ?? wanted
    const waits = standing.some((each) => each.circuit === circuit)
    return waits && !live.some((worker) => isFor(worker, wanted)) ? [`nobody can prove ${circuit}: ${why}`] : []
  })
  return wrong.length === 0 ? {} : { prover: wrong.join(' ') }
}

/** Says who proves, whenever that changes. */
async function watchWorkers(
  workers: Workers,
  onWorkers: FleetOptions['onWorkers'],
  nobody: string,
  signal: AbortSignal,
): Promise<void> {
  let said: string | undefined
  while (!signal.aborted) {
    const live = await workers.live().catch(() => undefined)
    // Who has no keys proves nothing.
    const names = live?.filter(({ mayWait, queues }) => !mayWait && queues.length > 0).map(({ name }) => name)
    const says = names && (names.length === 0 ? nobody : `${names.length} prove: ${names.join(', ')}`)
    if (says !== undefined && says !== said) await onWorkers(says)
    said = says ?? said
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined)
  }
}

const nameHere = (): string => `${hostname()}:${process.pid}-${randomUUID().slice(0, 4)}`
