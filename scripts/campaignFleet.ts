/**
 * A fleet of workers that are killed, stopped and poisoned at random, at a Postgres that crashes, is stopped and hangs: counts what
 * was lost or proven twice. Jobs are of a small circuit; queue, store, workers, proofs and the database are real.
 *
 *   npm run campaign:fleet                                      400 jobs in front of 4 workers, 60 deaths, 30 stops, 20 outages,
 *                                                               1 job in 100 poison; 100 jobs cancelled and asked for again;
 *                                                               2,000 command sequences a store
 *   npm run campaign:fleet -- --jobs 24 --kills 2 --stops 1 --outages 1 --cancels 2 --sequences 20       a small one
 *   npm run campaign:fleet -- --json
 *
 * Exits 0 only if every good job was proven, none was handed over twice, each that was cancelled is proven when it is asked for again, and
 * the queue is empty afterwards.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { verifyProof } from '../prover/proof/index.ts'
import { proofJobOf } from '../prover/service/daemon/fleet/proofJob.ts'
import { ProofQueue } from '../prover/service/daemon/fleet/proofQueue.ts'
import { ProofParkedError, QueueProver } from '../prover/service/daemon/fleet/queueProver.ts'
import { parseDatabaseAddress } from '../prover/service/daemon/stores/databaseAddress.ts'
import { openStores } from '../prover/service/daemon/stores/openStores.ts'
import { trialInput, trialKeys } from './tools/fleet/fleetCircuit.ts'
import { WorkerProcess } from './tools/fleet/workerProcess.ts'
import { isThere, readFlags, whole } from './tools/flags.ts'
import { TestPostgres } from './tools/postgres.ts'
import { commandSequences, compareWithModel } from './tools/storeModel.ts'

const flags = readFlags({
  jobs: whole(1, 100_000, 400),
  workers: whole(1, 32, 4),
  kills: whole(0, 10_000, 60),
  stops: whole(0, 10_000, 30),
  outages: whole(0, 1_000, 20),
  poison: whole(0, 100, 1),
  cancels: whole(0, 100_000, 100),
  sequences: whole(0, 100_000, 2_000),
  seed: whole(0, 2 ** 31, 20_261_130),
  json: isThere,
})

/** Of a proof, so that deaths meet some in hand. */
const LINGER_MS = 300
/** Longer than a lease. */
const STOP_MS = 14_000
const OUTAGE_MS = 2_500
const BETWEEN_MS = 700
const UNDER_WAY = 16
const TOLD_MS = 20_000
const TOLD_SEQUENCES = 200

type Fault = 'kill' | 'stop' | 'crash' | 'halt' | 'freeze'

const random = randomFrom(flags.seed)
const folder = mkdtempSync(join(tmpdir(), 'campaign-fleet-'))
const postgres = await TestPostgres.startOwn(folder)
let figures: Awaited<ReturnType<typeof run>>
try {
  figures = await run()
} finally {
  await postgres.close()
  rmSync(folder, { recursive: true, force: true })
}
console.log(flags.json ? JSON.stringify(figures, undefined, 2) : textOf(figures))
process.exit(figures.lost + figures.doubled + figures.left + figures.notRevived + figures.storeFailures === 0 ? 0 : 1)

async function run() {
  const storeFailures = await judgeStores()
  const database = await postgres.database()
  const keys = await trialKeys(join(folder, 'keys'))
  const queue = await ProofQueue.open(parseDatabaseAddress(database), 'campaign')
  const prover = new QueueProver(queue)
  const started = performance.now()
  const isPoison = (n: number): boolean => n % 100 < flags.poison
  const poison = Array.from({ length: flags.jobs }, (_, n) => n).filter(isPoison)
  const hire = (): WorkerProcess => {
    const name = `worker ${Math.floor(random() * 1e9)}`
    const [own, ids] = [{ database, keys: join(folder, 'keys'), name, lingerMs: LINGER_MS }, poison.map(String)]
    const worker = new WorkerProcess({ ...own, poison: ids })
    hired.push(worker)
    return worker
  }
  const hired: WorkerProcess[] = []
  const team = Array.from({ length: flags.workers }, hire)
  const isOver = { yes: false }
  const plaguing = plague(team, hire, isOver)

  const counts = { proven: 0, parked: 0, wrong: 0, asked: 0 }
  const waiting = Array.from({ length: flags.jobs }, (_, n) => n).values()
  const ask = async (): Promise<void> => {
    for (const n of waiting) await settle(n)
  }
  const settle = async (n: number): Promise<void> => {
    // As a service does: whatever fails is asked for again, poison as often as it is parked once.
    while (true) {
      counts.asked++
      try {
        const proven = await prover.prove(keys, trialInput(n))
        const isRight =
          proven.publicSignals.at(-1) === BigInt(n) && (await verifyProof(keys.verificationKey, proven)).accepted
        if (isRight) counts.proven++
        else counts.wrong++
        return
      } catch (error) {
        if (isPoison(n) && error instanceof ProofParkedError) {
          counts.parked++
          return
        }
        await sleep(500)
      }
    }
  }
  const telling = setInterval(() => console.error(`${counts.proven} of ${flags.jobs} jobs proven`), TOLD_MS)
  await Promise.all(Array.from({ length: UNDER_WAY }, ask))
  clearInterval(telling)
  const drainedMs = performance.now() - started
  isOver.yes = true
  const faults = await plaguing
  const revived = await cancelAndRevive()
  const jobs = await queue.jobs(1_000_000)
  const takenOver = takenOverAfter(hired)
  for (const worker of hired) await worker.kill()
  const handed = handedOver(hired)
  const good = flags.jobs - poison.length
  await prover.close()
  return {
    jobs: flags.jobs,
    good,
    proven: counts.proven,
    poison: poison.length,
    parked: counts.parked,
    asked: counts.asked,
    faults,
    /** Good jobs without a proof that verifies. */
    lost: good - counts.proven,
    /** Jobs of which more than one answer was taken. */
    doubled: [...handed.values()].filter((count) => count > 1).length + counts.wrong,
    /** Proofs that came too late and were refused. */
    stale: hired.flatMap(({ events }) => events).filter(({ step }) => step === 'stale').length,
    left: jobs.filter(({ status }) => status === 'waiting' || status === 'active').length,
    cancelled: flags.cancels,
    notRevived: flags.cancels - revived,
    sequences: flags.sequences,
    storeFailures,
    takenOver,
    seconds: Math.round(drainedMs / 1000),
  }

  /** Of jobs that are cancelled and then asked for again, how many are proven. */
  async function cancelAndRevive(): Promise<number> {
    let revived = 0
    const numbers = Array.from({ length: flags.cancels }, (_, n) => flags.jobs + n).filter((n) => !isPoison(n))
    const left = numbers.values()
    const revive = async (): Promise<void> => {
      for (const n of left) {
        const { id } = proofJobOf(keys, trialInput(n))
        const asked = prover.prove(keys, trialInput(n)).catch(() => undefined)
        while (!(await queue.jobs(1_000_000)).some((job) => job.id === id)) await sleep(50)
        for (const job of await queue.jobs(1_000_000)) if (job.id === id) await queue.cancel(job)
        await asked
        const proven = await prover.prove(keys, trialInput(n))
        if ((await verifyProof(keys.verificationKey, proven)).accepted) revived++
      }
    }
    await Promise.all(Array.from({ length: UNDER_WAY }, revive))
    return revived + flags.cancels - numbers.length
  }

  /** Of each good job, how many answers the queue took. */
  function handedOver(all: readonly WorkerProcess[]): ReadonlyMap<string, number> {
    const poisoned = new Set(poison.map((n) => proofJobOf(keys, trialInput(n)).id))
    const taken = new Map<string, number>()
    for (const { step, job = '' } of all.flatMap(({ events }) => events)) {
      if (step === 'proven' && !poisoned.has(job)) taken.set(job, (taken.get(job) ?? 0) + 1)
    }
    return taken
  }
}

/** Of jobs that a killed worker had in hand, after how many seconds another one took them. */
function takenOverAfter(workers: readonly WorkerProcess[]): { readonly jobs: number; readonly worstSeconds: number } {
  const all = workers.flatMap((worker) =>
    worker.events.map(({ step, job = '' }, i) => ({ worker, step, job, at: worker.heardAt[i] ?? 0 })),
  )
  const seconds = workers.flatMap((worker) => {
    const { killedAt } = worker
    if (killedAt === undefined) return []
    const own = all.filter((event) => event.worker === worker && event.at <= killedAt)
    const inHand = new Set(own.filter(({ step }) => step === 'taken').map(({ job }) => job))
    for (const { step, job } of own) if (step !== 'taken') inHand.delete(job)
    return [...inHand].flatMap((job) => {
      const [next] = all
        .filter(
          (event) => event.worker !== worker && event.step === 'taken' && event.job === job && event.at > killedAt,
        )
        .toSorted((a, b) => a.at - b.at)
      return next === undefined ? [] : [(next.at - killedAt) / 1000]
    })
  })
  return { jobs: seconds.length, worstSeconds: Math.max(0, ...seconds) }
}

/** Faults in random order, one after the other, until all were done or nothing is left to be proven. */
async function plague(
  team: WorkerProcess[],
  hire: () => WorkerProcess,
  isOver: { readonly yes: boolean },
): Promise<Readonly<Record<Fault, number>>> {
  const done: Record<Fault, number> = { kill: 0, stop: 0, crash: 0, halt: 0, freeze: 0 }
  const outages = (['crash', 'halt', 'freeze'] as const).flatMap((kind, i) =>
    new Array<Fault>(Math.floor((flags.outages + 2 - i) / 3)).fill(kind),
  )
  const faults: Fault[] = [
    ...new Array<Fault>(flags.kills).fill('kill'),
    ...new Array<Fault>(flags.stops).fill('stop'),
    ...outages,
  ]
  const stopped: Promise<void>[] = []
  for (const fault of shuffled(faults)) {
    if (isOver.yes) break
    await sleep(BETWEEN_MS * 2 * random())
    const at = Math.floor(random() * team.length)
    const worker = team[at] as WorkerProcess
    done[fault]++
    if (fault === 'kill') {
      await worker.kill()
      team[at] = hire()
    } else if (fault === 'stop') {
      worker.signal('SIGSTOP')
      stopped.push(sleep(STOP_MS).then(() => worker.signal('SIGCONT')))
    } else await outage(fault)
  }
  await Promise.all(stopped)
  return done
}

async function outage(fault: Exclude<Fault, 'kill' | 'stop'>): Promise<void> {
  if (fault === 'freeze') postgres.freeze()
  else await postgres.stop(fault === 'crash' ? 'crashed' : 'asked')
  await sleep(OUTAGE_MS)
  if (fault === 'freeze') postgres.thaw()
  else await postgres.start()
}

/** Command sequences after which a store and the model differ. */
async function judgeStores(): Promise<number> {
  if (flags.sequences === 0) return 0
  let failures = 0
  const scope = { chainId: 31337n, registry: `0x${'ab'.repeat(20)}` }
  const account = `0x${'cd'.repeat(20)}`
  const database = await postgres.database()
  for (const kind of ['SQLite', 'Postgres'] as const) {
    let made = 0
    const { failed, counterexample, errorInstance } = await fc.check(
      fc.asyncProperty(commandSequences, async (commands) => {
        // A schema a sequence: a database takes longer to make.
        const name = made++
        if (name > 0 && name % TOLD_SEQUENCES === 0) console.error(`${kind}: ${name} of ${flags.sequences} sequences`)
        const store = join(folder, `${name}.sqlite`)
        const place = kind === 'SQLite' ? { store } : { store, database: `${database}?schema=s${name}` }
        let { jobs } = await openStores(place, scope, account)
        const reopen = async (): Promise<void> => {
          await jobs.close()
          jobs = (await openStores(place, scope, account)).jobs
        }
        await compareWithModel({ store: () => jobs, reopen }, commands).finally(() => jobs.close())
        if (kind === 'Postgres') await postgres.ask(`DROP SCHEMA s${name} CASCADE`, database)
      }),
      { numRuns: flags.sequences, seed: flags.seed },
    )
    if (failed) failures++
    if (failed) console.error(`${kind}: ${errorInstance}\n${JSON.stringify(counterexample)}`)
    else console.error(`${kind}: ${flags.sequences} sequences as the model has them`)
  }
  return failures
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item)
}

/** Numbers from 0 to 1 that are the same in every run. */
function randomFrom(seed: number): () => number {
  let state = BigInt(seed)
  return () => {
    state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) % (1n << 64n)
    return Number(state >> 11n) / 2 ** 53
  }
}

function textOf({ faults, ...of }: Awaited<ReturnType<typeof run>>): string {
  return [
    `${of.jobs} jobs, ${of.poison} of them poison, in ${of.seconds} s: ${of.proven} proven, ${of.parked} parked`,
    `${faults.kill} workers killed, ${faults.stop} stopped for ${STOP_MS / 1000} s; Postgres crashed ${faults.crash}, stopped ${faults.halt}, frozen ${faults.freeze} times`,
    `${of.lost} lost, ${of.doubled} doubled, ${of.left} left in the queue; ${of.stale} proofs came late and were refused`,
    `${of.takenOver.jobs} jobs of killed workers were another's after ${of.takenOver.worstSeconds.toFixed(1)} s at the most`,
    `${of.cancelled} cancelled and asked for again: ${of.notRevived} not proven`,
    `${of.sequences} command sequences a store: ${of.storeFailures === 0 ? 'as the model has them' : 'DIFFERENT from the model'}`,
  ].join('\n')
}
