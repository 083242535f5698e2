/** A small store of the service with one byte of its files changed: whether opening it notices, or nothing that it tells is another. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ProverError } from '../../../prover/errors.ts'
import { SqliteJobStore } from '../../../prover/service/daemon/stores/sqliteJobStore.ts'
import { SqliteRequestStore } from '../../../prover/service/daemon/stores/sqliteRequestStore.ts'
import { stepScope, stepSender as sender, storeSteps, tellJobs } from './storeSteps.ts'

/** `torn`: what the store tells is what it had told before its last steps; of a log that ends early, and nothing else. */
export type Judgement = 'refused' | 'harmless' | 'torn' | 'wrong'

/** A store's files, with all that it may tell in each state that it had: the last one is the newest. */
export type Sample = {
  readonly files: ReadonlyMap<string, Buffer>
  readonly told: readonly string[]
  readonly kind: Kind
}
type Kind = 'jobs' | 'requests'

const HOUR_MS = 3_600_000

/** After it was closed, and so all in one file. */
export async function closedJobs(folder: string): Promise<Sample> {
  const file = join(folder, 'closed', 'serve.sqlite')
  const store = await SqliteJobStore.open(file, stepScope)
  for (const step of storeSteps) await step(store)
  const told = await tellJobs(store)
  await store.close()
  return { files: filesOf(file), told: [told], kind: 'jobs' }
}

/** As it is after kill -9, with its last steps in the log beside it. */
export async function killedJobs(folder: string): Promise<Sample> {
  const file = join(folder, 'killed', 'serve.sqlite')
  await (await SqliteJobStore.open(file, stepScope)).close()
  const store = await SqliteJobStore.open(file, stepScope)
  const told = [await tellJobs(store)]
  for (const step of storeSteps) {
    await step(store)
    told.push(await tellJobs(store))
  }
  const files = filesOf(file)
  await store.close()
  return { files, told, kind: 'jobs' }
}

/** What people asked, after it was closed. */
export async function closedRequests(folder: string): Promise<Sample> {
  const file = join(folder, 'requests', 'serve.sqlite')
  const store = await SqliteRequestStore.open(file, clock)
  const once = { key: 'a-key-of-somebody', by: 'ops', question: 'prove' }
  const { id } = await store.once(once, (writes) => writes.ask(['BTC-USD'], 'ops'))
  await store.setPaused('ops')
  const told = await tellRequests(store, id)
  await store.close()
  requestId = id
  return { files: filesOf(file), told: [told], kind: 'requests' }
}

/** The same after kill -9, with its last steps in the log. */
export async function killedRequests(folder: string): Promise<Sample> {
  const file = join(folder, 'killed-requests', 'serve.sqlite')
  const first = await SqliteRequestStore.open(file, clock)
  const once = { key: 'a-key-of-somebody', by: 'ops', question: 'prove' }
  const { id } = await first.once(once, (writes) => writes.ask(['BTC-USD'], 'ops'))
  await first.close()
  const store = await SqliteRequestStore.open(file, clock)
  const told = [await tellRequests(store, id)]
  for (const step of [() => store.setPaused('ops'), () => store.begun(['BTC-USD'], 'job'), () => store.resume('ops')]) {
    await step()
    told.push(await tellRequests(store, id))
  }
  const files = filesOf(file)
  await store.close()
  requestId = id
  return { files, told, kind: 'requests' }
}

/** Opens the sample with one byte changed. */
export const judge = (sample: Sample, folder: string, name: string, at: number, mask: number): Promise<Judgement> =>
  judgeChanged(sample, folder, name, `byte ${at} xor ${mask}`, (bytes) => {
    bytes[at] = (bytes[at] ?? 0) ^ mask
    return bytes
  })

/** Opens the sample with a file that ends early, as a machine that loses its power leaves a log. */
export const judgeCut = (sample: Sample, folder: string, name: string, length: number): Promise<Judgement> =>
  judgeChanged(sample, folder, name, `cut at ${length}`, (bytes) => bytes.subarray(0, length))

async function judgeChanged(
  sample: Sample,
  folder: string,
  name: string,
  how: string,
  change: (bytes: Buffer) => Buffer,
): Promise<Judgement> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [each, bytes] of sample.files) {
    writeFileSync(join(folder, each), each === name ? change(Buffer.from(bytes)) : bytes)
  }
  const file = join(folder, 'serve.sqlite')
  try {
    const told = sample.kind === 'jobs' ? await reopenJobs(file) : await reopenRequests(file)
    if (told === sample.told.at(-1)) return 'harmless'
    return name.endsWith('-wal') && sample.told.includes(told) ? 'torn' : 'wrong'
  } catch (error) {
    // An error that nobody has named is no refusal.
    if (error instanceof ProverError) return 'refused'
    console.error(`${name}, ${how}:`, error)
    return 'wrong'
  }
}

async function reopenJobs(file: string): Promise<string> {
  const store = await SqliteJobStore.open(file, stepScope)
  try {
    const told = await tellJobs(store)
    // And can go on.
    await store.plan({ id: 'next', build: 'b', trigger: 't', summary: 's' })
    await store.proven('next', 'bundle')
    await store.signed({ hash: '0xnext', jobId: 'next', sender, nonce: 9, raw: '0x9' })
    await store.end('next', 'confirmed', undefined, { hash: '0xnext', block: 99, gasUsed: 1n })
    await store.revive('next')
    const next = await store.find('next')
    return next?.status === 'signed' ? told : `the next one is ${next?.status}`
  } finally {
    await store.close()
  }
}

let requestId = ''
async function reopenRequests(file: string): Promise<string> {
  const store = await SqliteRequestStore.open(file, clock)
  try {
    const told = await tellRequests(store, requestId)
    await store.once({ key: 'another-key', by: 'ops', question: 'prove' }, (writes) => writes.ask(['ETH-USD'], 'ops'))
    await store.begun(['ETH-USD'], 'job')
    await store.resume('ops')
    await store.setPaused('ops')
    return told
  } finally {
    await store.close()
  }
}

/** Moments do not matter, and would make each run another. */
const clock = (): number => HOUR_MS

async function tellRequests(store: SqliteRequestStore, id: string): Promise<string> {
  const once = { key: 'a-key-of-somebody', by: 'ops', question: 'prove' }
  const answer = await store.once(once, async () => 'done anew')
  return JSON.stringify([await store.pause(), await store.waiting(), await store.request(id), answer])
}

function filesOf(file: string): ReadonlyMap<string, Buffer> {
  const names = ['', '-wal'].filter((suffix) => existsSync(file + suffix))
  return new Map(names.map((suffix) => [`serve.sqlite${suffix}`, readFileSync(file + suffix)]))
}
