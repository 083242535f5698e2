/**
 * Proofs a minute of one and of two workers at one Postgres, what the queue costs a job, and what a hundred machines would make of
 * the same distribution of times, by simulation.
 *
 *   npm run bench:fleet                        40 jobs of the live market circuit for each number of workers, one after the other
 *   npm run bench:fleet -- --jobs 10 --machines 20 --json
 *
 * Workers are processes of their own on this machine, so two of them share its processors: what a second machine would add, the
 * simulation says. Times are of jobs that all wait at once.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type CircuitKeys, createProver, type Prover } from '../prover/proof/index.ts'
import type { CircuitInput } from '../prover/proof/backends/witnessCalculator.ts'
import { proofJobOf } from '../prover/service/daemon/fleet/proofJob.ts'
import { ProofQueue } from '../prover/service/daemon/fleet/proofQueue.ts'
import { QueueProver } from '../prover/service/daemon/fleet/queueProver.ts'
import { parseDatabaseAddress } from '../prover/service/daemon/stores/databaseAddress.ts'
import { buildOf, LIVE_BUILD, loadKeys } from '../prover/service/workspace.ts'
import { stateBatch } from '../prover/statement/marketRisk.ts'
import { fullBatch } from './tools/benchInputs.ts'
import { isThere, readFlags, whole } from './tools/flags.ts'
import { TestPostgres } from './tools/postgres.ts'

const flags = readFlags({
  jobs: whole(4, 400, 40),
  machines: whole(1, 10_000, 100),
  simulated: whole(1, 1_000_000, 20_000),
  json: isThere,
})

const cli = join(import.meta.dirname, '..', 'prover', 'service', 'cli.ts')
const UNDER_WAY = 2
const folder = mkdtempSync(join(tmpdir(), 'bench-fleet-'))
const postgres = await TestPostgres.startOwn(folder)
let figures: Awaited<ReturnType<typeof run>>
try {
  figures = await run()
} finally {
  await postgres.close()
  rmSync(folder, { recursive: true, force: true })
}
console.log(flags.json ? JSON.stringify(figures, undefined, 2) : textOf(figures))
process.exit(0)

/** Batches with every slot taken, none like another. */
async function marketInputs(count: number, from = 0): Promise<readonly CircuitInput[]> {
  const build = buildOf(LIVE_BUILD)
  const inputs: CircuitInput[] = []
  for (let seed = from; seed < from + count; seed++)
    inputs.push((await stateBatch(fullBatch(build, seed))).circuitInput)
  return inputs
}

type Times = { readonly seconds: number; readonly perMinute: number; readonly proofMs: readonly number[] }

async function run() {
  const keys = await loadKeys(LIVE_BUILD)
  const inputs = await marketInputs(3 * flags.jobs)
  const [ofHere, ofOne, ofTwo] = [0, 1, 2].map((i) => inputs.slice(i * flags.jobs, (i + 1) * flags.jobs))
  const here = createProver()
  await here.warm(keys)
  const alone = await timed(here, keys, ofHere ?? [], UNDER_WAY)
  await here.close()
  const one = await fleetOf(1, keys, ofOne ?? [])
  const two = await fleetOf(2, keys, ofTwo ?? [])
  const meanMs = mean(alone.proofMs)
  const overheadMs = (one.seconds - alone.seconds) * (1000 / flags.jobs)
  return {
    circuit: LIVE_BUILD,
    jobs: flags.jobs,
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`,
    load: loadavg()[0] ?? Number.NaN,
    perMinute: { withoutQueue: alone.perMinute, oneWorker: one.perMinute, twoWorkers: two.perMinute },
    proofMs: meanMs,
    queue: { millisecondsAJob: await queueMs(keys, ofOne ?? []), differenceOfRunsMs: overheadMs },
    simulation: simulate(alone.proofMs, (alone.seconds * 1000) / flags.jobs),
  }
}

async function timed(
  prover: Prover,
  keys: CircuitKeys,
  inputs: readonly CircuitInput[],
  limit: number,
): Promise<Times> {
  const proofMs: number[] = []
  const waiting = inputs.values()
  const began = performance.now()
  const takeNext = async (): Promise<void> => {
    for (const input of waiting) {
      const { timings } = await prover.prove(keys, input)
      proofMs.push(timings.witness + timings.proof + timings.verify)
    }
  }
  await Promise.all(Array.from({ length: limit }, takeNext))
  const seconds = (performance.now() - began) / 1000
  return { seconds, perMinute: (60 * inputs.length) / seconds, proofMs }
}

/** Warm before the clock starts: each worker has proven one. */
async function fleetOf(count: number, keys: CircuitKeys, inputs: readonly CircuitInput[]): Promise<Times> {
  const database = await postgres.database()
  const workers = await Promise.all(Array.from({ length: count }, () => hire(database)))
  const queue = await ProofQueue.open(parseDatabaseAddress(database), 'bench')
  const prover = new QueueProver(queue)
  try {
    const warmUps = await marketInputs(4 * count, 3 * flags.jobs)
    await timed(prover, keys, warmUps, 4 * count)
    return await timed(prover, keys, inputs, inputs.length)
  } finally {
    for (const worker of workers) worker.kill('SIGTERM')
    await Promise.all(workers.map((worker) => once(worker, 'exit')))
    await prover.close()
  }
}

async function hire(database: string) {
  const args = ['worker', '--database', database, '--circuit', LIVE_BUILD, '--json']
  const worker = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: worker.stdout })) if (line.includes('"joined"')) break
  worker.stdout.resume()
  return worker
}

/** All that the queue does for a job, nothing else going on: put, taken, touched, handed back and read, in milliseconds. */
async function queueMs(keys: CircuitKeys, inputs: readonly CircuitInput[]): Promise<number> {
  const queue = await ProofQueue.open(parseDatabaseAddress(await postgres.database()), 'bench')
  const jobs = inputs.map((input) => proofJobOf(keys, input))
  const answer = { proof: keys.verificationKey as never, publicSignals: ['1', '2', '3'], worker: 'bench' }
  const timings = { load: 0, witness: 0, proof: 0, verify: 0, total: 0 }
  const [first] = jobs
  if (first !== undefined) await queue.put(first)
  const began = performance.now()
  for (const job of jobs) {
    await queue.put(job)
    const taken = await queue.take(job.queue)
    if (taken === undefined) throw new Error('A job that was put is not there.')
    await queue.touch(taken)
    await queue.complete(taken, { ...answer, backend: 'native', timings })
    await queue.find(job.queue, job.id)
  }
  const milliseconds = (performance.now() - began) / jobs.length
  await queue.close()
  return milliseconds
}

/**
 * Machines that take the next job when they are done with one, by the times that were measured; each keeps its rate, since they
 * share nothing but the database. All jobs wait at first.
 */
function simulate(proofMs: readonly number[], rateMs: number) {
  const scale = rateMs / mean(proofMs)
  const free = new Array<number>(flags.machines).fill(0)
  let state = 1
  let busy = 0
  for (let job = 0; job < flags.simulated; job++) {
    state = (state * 48_271) % 2_147_483_647
    const took = scale * (proofMs[state % proofMs.length] ?? 0)
    const next = free.indexOf(Math.min(...free))
    free[next] = (free[next] ?? 0) + took
    busy += took
  }
  const lastMs = Math.max(...free)
  return {
    machines: flags.machines,
    jobs: flags.simulated,
    seconds: lastMs / 1000,
    perMinute: (60_000 * flags.simulated) / lastMs,
    /** Of the time until the last job is done. */
    busy: busy / (lastMs * flags.machines),
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0) / values.length
}

function textOf(of: Awaited<ReturnType<typeof run>>): string {
  const { perMinute, queue, simulation } = of
  const share = (100 * queue.millisecondsAJob) / of.proofMs
  return [
    `${of.jobs} proofs of ${of.circuit} each, ${of.machine}, load ${of.load.toFixed(1)}`,
    `proofs a minute: ${perMinute.withoutQueue.toFixed(0)} in this process, ${perMinute.oneWorker.toFixed(0)} by one worker, ${perMinute.twoWorkers.toFixed(0)} by two on this machine`,
    `a proof takes ${of.proofMs.toFixed(0)} ms; the queue ${queue.millisecondsAJob.toFixed(1)} ms a job, ${share.toFixed(1)} % of it`,
    `simulated: ${simulation.jobs} proofs by ${simulation.machines} such machines in ${simulation.seconds.toFixed(0)} s, ${simulation.perMinute.toFixed(0)} a minute, ${(100 * simulation.busy).toFixed(1)} % busy`,
  ].join('\n')
}
