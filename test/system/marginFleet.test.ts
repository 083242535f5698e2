/** `zkrisk margin --prove --database`: a margin that a worker has proven, held by a contract. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
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
}, 60_000)
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
}, 240_000)

it('S63: leaves none that prove behind where it is refused before anything is proven', async () => {
  const example = join(root, 'docs', 'examples', 'short-strangle.json')
  const args = ['margin', example, '--prove', '--unhealthy', '--database', database, '--json']
  // In a process that goes on, as a library's does.
  const refused = await zkrisk(...args)
  expect(errorOf(refused).code).toBe('service.account-healthy')
  const { schema } = parseDatabaseAddress(database)
  await sleep(5_000)
  expect(await postgres.ask(`SELECT name FROM ${schema}.workers`, database)).toEqual([{ name: 'ours' }])
}, 120_000)
