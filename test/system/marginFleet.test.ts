/** `zkrisk margin --prove --database`: a margin that a worker has proven, held by a contract. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFleet } from '../../prover/service/daemon/fleet/openFleet.ts'
import { keysHere } from '../../prover/service/daemon/fleet/keysHere.ts'
import { ProofQueue } from '../../prover/service/daemon/fleet/proofQueue.ts'
import { parseDatabaseAddress } from '../../prover/service/daemon/stores/databaseAddress.ts'
import { TestPostgres } from '../../scripts/tools/postgres.ts'
import { root } from '../../scripts/tools/sources.ts'
import { errorOf, temporaryFolder, zkrisk, zkriskAlone } from '../service/zkrisk.ts'

const folder = temporaryFolder()
let postgres: TestPostgres
let database: string
let worker: ChildProcess
beforeAll(async () => {
  postgres = await TestPostgres.startOwn(folder)
  database = await postgres.database()
  const args = ['worker', '--database', database, '--name', 'ours', '--json']
  worker = spawn(process.execPath, [join(root, 'prover', 'service', 'cli.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((resolve) => {
    worker.stdout?.on('data', (text) => String(text).includes('"joined"') && resolve())
  })
})
afterAll(async () => {
  worker?.kill('SIGKILL')
  await postgres?.close()
})

it('S63: is proven by a worker alone, and held as the twin says', async () => {
  const example = join(root, 'docs', 'examples', 'short-strangle.json')
  const { code, stdout, stderr } = await zkriskAlone('margin', example, '--prove', '--database', database, '--json')
  expect([code, stderr.includes('1 prove: ours')]).toEqual([0, true])
  const { im, proof } = JSON.parse(stdout)
  expect(proof).toMatchObject({ proven: true, held: { im } })
  const queue = await ProofQueue.open(parseDatabaseAddress(database), 'test')
  const jobs = await queue.jobs(100)
  const answers = await Promise.all(jobs.map(({ queue: own, id }) => queue.find(own, id)))
  await queue.close()
  expect(jobs.map(({ status, tries }) => [status, tries])).toEqual(proof.proofs.map(() => ['proven', 1]))
  for (const found of answers) expect(found?.answer).toMatchObject({ worker: 'ours' })
  expect(stdout + stderr).not.toContain(new URL(database).password)
})

it('S63: leaves none that prove behind where it is refused before anything is proven', async () => {
  const example = join(root, 'docs', 'examples', 'short-strangle.json')
  const args = ['margin', example, '--prove', '--unhealthy', '--database', database, '--json']
  // In a process that goes on, as a library's does.
  const refused = await zkrisk(...args)
  expect(errorOf(refused).code).toBe('service.account-healthy')
  const { schema } = parseDatabaseAddress(database)
  await sleep(5_000)
  expect(await postgres.ask(`SELECT name FROM ${schema}.workers`, database)).toEqual([{ name: 'ours' }])
})

describe('beside a service, while no worker lives', () => {
  /** What services ask for; nobody who takes it can prove it. */
  const asked = { id: '00000000-0000-8000-8000-000000000001', data: { circuit: 'riskArray5', key: '', input: {} } }

  beforeAll(async () => {
    worker.kill('SIGTERM')
    await once(worker, 'exit')
  })

  it('S75: takes nothing that others asked for, and asks for nothing that it proves itself', async () => {
    const [key] = await keysHere(['riskArray5'])
    const queue = await ProofQueue.open(parseDatabaseAddress(database), 'test')
    const before = await queue.jobs(100)
    await queue.put({ ...asked, queue: key?.queue ?? '' })
    const example = join(root, 'docs', 'examples', 'short-strangle.json')
    const { code, stdout, stderr } = await zkriskAlone('margin', example, '--prove', '--database', database, '--json')
    expect([code, stderr.includes('no worker lives: all is proven here')]).toEqual([0, true])
    expect(JSON.parse(stdout).proof.proven).toBe(true)
    const after = await queue.jobs(100)
    expect(after.find(({ id }) => id === asked.id)).toMatchObject({ status: 'waiting', tries: 0 })
    expect(after.filter(({ id }) => id !== asked.id)).toEqual(before)
    await queue.cancel({ id: asked.id, queue: key?.queue ?? '' })
    await queue.close()
  })

  it('S75: has nothing proven by a service that stands in, which has its own for itself', async () => {
    // One in which nothing is proven yet.
    const own = await postgres.database()
    const queue = await ProofQueue.open(parseDatabaseAddress(own), 'test')
    const said: string[] = []
    const service = await openFleet({ database: own, proveHere: 'alone', onWorkers: (says) => void said.push(says) })
    const example = join(root, 'docs', 'examples', 'short-strangle.json')
    const { code } = await zkriskAlone('margin', example, '--prove', '--database', own, '--json')
    expect(code).toBe(0)
    expect(await queue.jobs(100)).toEqual([])
    expect(said).toEqual(['no worker lives: this service proves itself'])
    await service.close()
    await queue.close()
  })
})
