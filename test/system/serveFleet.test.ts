/** `zkrisk serve` that keeps all it knows in a Postgres and has `zkrisk worker` prove, both killed: nothing lost, nothing doubled. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keysHere } from '../../prover/service/daemon/fleet/keysHere.ts'
import { Workers } from '../../prover/service/daemon/fleet/workers.ts'
import { parseDatabaseAddress } from '../../prover/service/daemon/stores/databaseAddress.ts'
import { openPostgres } from '../../prover/service/daemon/stores/postgresStores.ts'
import { LIVE_BUILD } from '../../prover/service/workspace.ts'
import { TestPostgres } from '../../scripts/tools/postgres.ts'
import { temporaryFolder, zkriskAlone } from '../service/zkrisk.ts'
import { startTryOut, type TryOut } from './tryOut.ts'

const folder = temporaryFolder()
const cli = join(import.meta.dirname, '..', '..', 'prover', 'service', 'cli.ts')
const script = join(import.meta.dirname, 'serveUntil.ts')

type Told = { readonly step: string; readonly job?: string; readonly detail?: string }
type Ended = {
  readonly code: number | null
  readonly signal: string | null
  readonly events: readonly Told[]
  readonly text: string
}
type Running = { readonly child: ChildProcess; readonly events: Told[]; readonly ended: Promise<Ended> }

let tryOut: TryOut
let postgres: TestPostgres
let database: string
const running: Running[] = []
beforeAll(async () => {
  postgres = await TestPostgres.startOwn(folder)
  database = await postgres.database()
  tryOut = await startTryOut(folder)
})
afterAll(async () => {
  for (const { child } of running) child.kill('SIGKILL')
  await tryOut.close()
  await postgres.close()
})

function run(args: readonly string[]): Running {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const events: Told[] = []
  const output = { text: '', rest: '' }
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.text += text
  })
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.text += text
    const lines = (output.rest + text).split('\n')
    output.rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('{')) events.push(JSON.parse(line) as Told)
  })
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, events, text: output.text }))
  })
  const started = { child, events, ended }
  running.push(started)
  return started
}

function serve(more: object): Running {
  const { rpc, deploymentFile: deployment, keyFile } = tryOut
  const options = {
    rpc,
    deployment,
    keyFile,
    store: join(folder, 'none.sqlite'),
    database,
    proveHere: 'never',
    ...more,
  }
  return run([script, JSON.stringify(options)])
}

const worker = (name: string): Running =>
  run([cli, 'worker', '--database', database, '--circuit', LIVE_BUILD, '--name', name, '--json'])

async function until({ events, ended }: Running, step: string): Promise<void> {
  let isOver = false
  void ended.then(() => {
    isOver = true
  })
  while (!events.some((event) => event.step === step)) {
    if (isOver) throw new Error(`It ended before ${step}: ${(await ended).text}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe('zkrisk serve with workers', () => {
  it('lands what a worker has proven, and names who proves', async () => {
    await tryOut.feed(1)
    const proving = worker('first')
    await until(proving, 'joined')
    const { code, events, text } = await serve({ stopAt: 'confirmed' }).ended
    expect([code, text.includes('error')]).toEqual([0, false])
    expect(events.find(({ step }) => step === 'workers')?.detail).toBe('1 prove: first')
    expect(proving.events.filter(({ step }) => step === 'proven')).toHaveLength(1)
    expect(await tryOut.sequences()).toEqual({ 'BTC-USD': 1n, 'ETH-USD': 1n })
  })

  it('S7: killed with -9 right after planned, takes up the proof that was made meanwhile', async () => {
    await tryOut.feed(1)
    const killed = await serve({ dieAt: 'planned' }).ended
    expect(killed.signal).toBe('SIGKILL')
    const resumed = await serve({ stopAt: 'confirmed' }).ended
    expect(resumed.code).toBe(0)
    expect(resumed.events.find(({ step }) => step === 'confirmed')?.job).toBe(killed.events.at(-1)?.job)
    expect(await tryOut.sequences()).toEqual({ 'BTC-USD': 2n, 'ETH-USD': 2n })
  })

  it('is refused beside another on the same database, by name and without the password', async () => {
    const first = serve({})
    await until(first, 'started')
    const { rpc, deploymentFile, keyFile } = tryOut
    const place = ['--rpc', rpc, '--deployment', deploymentFile, '--key-file', keyFile]
    const second = await zkriskAlone('serve', ...place, '--database', database)
    expect(second.code).toBe(1)
    expect(second.stderr).toMatch(/is held by zkrisk serve \S+:\d+ .*End that one[\s\S]*code service\.store-in-use/)
    expect(second.stderr + second.stdout).not.toContain(new URL(database).password)
    first.child.kill('SIGKILL')
    await first.ended
  })

  it('S14: lands a batch whose worker was killed with -9, proven by itself while no worker lives', async () => {
    await tryOut.feed(1)
    const [first] = running as [Running]
    first.child.kill('SIGTERM')
    expect((await first.ended).code).toBe(0)
    const doomed = worker('doomed')
    await until(doomed, 'joined')
    const serving = serve({ stopAt: 'confirmed', proveHere: 'alone' })
    await until(doomed, 'taken')
    doomed.child.kill('SIGKILL')
    const { code, events } = await serving.ended
    expect(code).toBe(0)
    const told = events.filter(({ step }) => step === 'workers').map(({ detail }) => detail)
    expect(told).toEqual(['1 prove: doomed', 'no worker lives: this service proves itself'])
    expect(await tryOut.sequences()).toEqual({ 'BTC-USD': 3n, 'ETH-USD': 3n })
  })

  it('S65: lands a batch itself while a worker lives that takes nothing, and says so', async () => {
    await tryOut.feed(1)
    const [key] = await keysHere([LIVE_BUILD])
    const workers = await Workers.open(parseDatabaseAddress(database))
    const live = () => workers.seen({ id: 'hung', name: 'hung', queues: [key?.queue ?? ''], mayWait: false })
    await live()
    const beat = setInterval(() => void live(), 3_000)
    const began = performance.now()
    const { code, events } = await serve({ stopAt: 'confirmed', proveHere: 'alone' }).ended
    clearInterval(beat)
    await workers.close()
    expect(code).toBe(0)
    expect(performance.now() - began).toBeGreaterThan(30_000)
    const told = events.filter(({ step }) => step === 'workers').map(({ detail }) => detail)
    expect(told).toContainEqual(
      expect.stringMatching(/is proven here: nobody took it within 30 s, though there live hung/),
    )
    expect(await tryOut.sequences()).toEqual({ 'BTC-USD': 4n, 'ETH-USD': 4n })
  })

  it('has kept every job and its signed transaction, one nonce each, and shows no password', async () => {
    const { chainId, addresses } = tryOut.deployment
    const place = parseDatabaseAddress(database)
    const { jobs } = await openPostgres(place, { chainId, registry: addresses.registry }, addresses.registry)
    const all = await jobs.jobs()
    const signed = await Promise.all(all.map(({ id }) => jobs.transactions(id)))
    await jobs.close()
    expect(all.map(({ status }) => status)).toEqual(['confirmed', 'confirmed', 'confirmed', 'confirmed'])
    expect(
      signed
        .flat()
        .map(({ nonce }) => nonce)
        .toSorted(),
    ).toEqual([0, 1, 2, 3])
    const texts = await Promise.all(running.map(async ({ ended }) => (await ended).text))
    expect(texts.join('\n')).not.toContain(new URL(database).password)
  })
})
