/** Every store of the service does the same: one suite, in SQLite and in a real Postgres. */
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type JobStore,
  jobIdOf,
  StoreInUseError,
  StoreScopeError,
  UnknownJobError,
} from '../../prover/service/daemon/jobStore.ts'
import { IdempotencyKeyReusedError } from '../../prover/service/daemon/requestStore.ts'
import { parseDatabaseAddress } from '../../prover/service/daemon/stores/databaseAddress.ts'
import { openStores, type Stores } from '../../prover/service/daemon/stores/openStores.ts'
import { openPostgres } from '../../prover/service/daemon/stores/postgresStores.ts'
import { TestPostgres } from '../../scripts/tools/postgres.ts'
import { commandSequences, compareWithModel } from '../../scripts/tools/storeModel.ts'
import { temporaryFolder } from './zkrisk.ts'

const folder = temporaryFolder()
const scope = { chainId: 31337n, registry: `0x${'Ab'.repeat(20)}` }
const account = `0x${'cD'.repeat(20)}`
const job = {
  id: jobIdOf('marketRisk8x2', [1n, 2n, 3n]),
  ...{ build: 'marketRisk8x2', trigger: 'observations', summary: 'BTC-USD #1' },
}
const transaction = { hash: '0x1', jobId: job.id, sender: '0x2', nonce: 7, raw: '0x3' }

/** A place that is empty at first. */
type Place = { readonly open: (of?: typeof scope) => Promise<Stores> }

let postgres: TestPostgres
let files = 0
const backends: Readonly<Record<string, () => Promise<Place>>> = {
  SQLite: async () => {
    const store = join(folder, `${files++}`, 'serve.sqlite')
    return { open: (of = scope) => openStores({ store }, of, account) }
  },
  Postgres: async () => {
    const address = parseDatabaseAddress(await postgres.database())
    return { open: (of = scope) => openPostgres(address, of, account, { patienceMs: 300 }) }
  },
}

beforeAll(async () => {
  postgres = await TestPostgres.start(folder)
})
afterAll(() => postgres.close())

describe.each(Object.keys(backends))('jobs in %s', (name) => {
  const place = () => (backends[name] as (typeof backends)[string])()

  it('outlive the process at every step', async () => {
    const { open } = await place()
    const reopened = async <T>(work: (store: JobStore) => Promise<T>): Promise<T> => {
      const { jobs } = await open()
      try {
        return await work(jobs)
      } finally {
        await jobs.close()
      }
    }
    await reopened((store) => store.plan(job))
    expect(await reopened((store) => store.openJobs())).toMatchObject([
      { ...job, status: 'planned', bundle: undefined },
    ])
    await reopened((store) => store.proven(job.id, 'bundle text'))
    expect(await reopened((store) => store.openJobs())).toMatchObject([{ status: 'proven', bundle: 'bundle text' }])
    await reopened((store) => store.signed(transaction))
    expect(await reopened((store) => store.transactions(job.id))).toMatchObject([transaction])
    expect(await reopened((store) => store.openJobs())).toMatchObject([{ status: 'signed' }])
    await reopened((store) => store.end(job.id, 'confirmed'))
    expect(await reopened((store) => store.openJobs())).toEqual([])
    expect(await reopened((store) => store.jobs())).toMatchObject([{ status: 'confirmed' }])
  })

  it('are planned once, and keep their first proof', async () => {
    const { jobs: store } = await (await place()).open()
    await store.plan(job)
    await store.proven(job.id, 'first')
    expect(await store.plan({ ...job, trigger: 'heartbeat' })).toMatchObject({
      status: 'proven',
      trigger: 'observations',
    })
    expect((await store.proven(job.id, 'second')).bundle).toBe('first')
    await store.end(job.id, 'superseded', 'ObservationStale')
    expect(await store.reopen(job.id)).toMatchObject({ status: 'proven', bundle: 'first', reason: undefined })
    await store.close()
  })

  it('that are not there have no transaction, and no transaction is kept by half', async () => {
    const { jobs: store } = await (await place()).open()
    await expect(store.signed({ ...transaction, jobId: 'none' })).rejects.toThrow(UnknownJobError)
    expect(await store.transactions('none')).toEqual([])
    await store.plan(job)
    await store.plan({ ...job, id: 'other' })
    await store.signed(transaction)
    await expect(store.signed({ ...transaction, jobId: 'other' })).rejects.toThrow()
    expect(await store.find('other')).toMatchObject({ status: 'planned' })
    await store.close()
  })

  it('S12: are one process’s at a time', async () => {
    const { open } = await place()
    const { jobs } = await open()
    await expect(open()).rejects.toThrow(StoreInUseError)
    await jobs.plan(job)
    await jobs.close()
    const next = await open()
    expect(await next.jobs.openJobs()).toHaveLength(1)
    await next.jobs.close()
  })

  it('belong to one chain and registry, however its address is written', async () => {
    const { open } = await place()
    for (const registry of [scope.registry, scope.registry.toLowerCase()]) {
      await (await open({ ...scope, registry })).jobs.close()
    }
    await expect(open({ ...scope, chainId: 1n })).rejects.toThrow(StoreScopeError)
    await expect(open({ ...scope, registry: `0x${'00'.repeat(20)}` })).rejects.toThrow(StoreScopeError)
    await (await open()).jobs.close()
  })

  it('whose block is gone are taken up again, without what that block took', async () => {
    const { jobs: store } = await (await place()).open()
    await store.plan(job)
    await store.proven(job.id, 'bundle text')
    await store.signed(transaction)
    await store.end(job.id, 'confirmed', undefined, { hash: '0x1', block: 9, gasUsed: 400_000n })
    expect(await store.gasOfLast(5)).toEqual([400_000n])
    expect(await store.landedAfter(8)).toMatchObject([{ hash: '0x1', block: 9, job: { id: job.id } }])
    expect(await store.landedAfter(9)).toEqual([])
    await store.revive(job.id)
    expect(await store.openJobs()).toMatchObject([{ status: 'signed' }])
    expect(await store.landedAfter(0)).toEqual([])
    expect(await store.gasOfLast(5)).toEqual([])
    await store.unsigned(job.id)
    expect(await store.openJobs()).toMatchObject([{ status: 'proven', bundle: 'bundle text' }])
    expect(await store.transactionsAt('0x2', 7)).toMatchObject([{ hash: '0x1' }])
    expect(await store.transactionsAt('0x2', 8)).toEqual([])
    await store.requireWritable()
    await store.close()
  })

  it('that ended long ago are forgotten, but for what may be needed', async () => {
    const { jobs: store } = await (await place()).open()
    const mine = async (
      n: number,
      more: { status?: 'superseded'; nonce?: number; block?: number } = {},
    ): Promise<void> => {
      const { status = 'confirmed', nonce = n, block } = more
      const [id, hash] = [`job ${n}`, `0x${n}`]
      await store.plan({ ...job, id })
      await store.proven(id, 'bundle')
      await store.signed({ hash, jobId: id, sender: '0x2', nonce, raw: '0x3' })
      await store.end(id, status, undefined, block === undefined ? undefined : { hash, block, gasUsed: 1n })
    }
    // Old enough for everything but the newest twenty; then what a reorganisation may reach, and what may land yet.
    for (let n = 0; n < 30; n++) await mine(n, { block: n })
    await mine(30, { block: 1_000 })
    await mine(31, { block: 1_064 })
    await mine(32, { status: 'superseded', nonce: 32 })
    await mine(33, { status: 'superseded', nonce: 3 })
    await store.plan({ ...job, id: 'open' })
    const later = Date.now() + 1_000
    expect(await store.prune(0, false)).toEqual({ jobs: 0, transactions: 0, bundleBytes: 0 })
    const forgotten = { jobs: 13, transactions: 13, bundleBytes: 13 * 6 }
    expect(await store.prune(later, true)).toEqual(forgotten)
    expect(await store.jobs()).toHaveLength(35)
    expect(await store.prune(later, false)).toEqual(forgotten)
    const left = (await store.jobs()).map(({ id }) => id)
    const kept = [...Array.from({ length: 18 }, (_, n) => `job ${n + 12}`), 'job 30', 'job 31', 'job 32', 'open']
    expect(left.toSorted()).toEqual(kept.toSorted())
    expect(await store.transactions('job 3')).toEqual([])
    expect(await store.transactionsAt('0x2', 32)).toHaveLength(1)
    await store.close()
  })

  it('S10: are as a simple model has them, after any commands, with restarts between them', async () => {
    await fc.assert(
      fc.asyncProperty(commandSequences, async (commands) => {
        const { open } = await place()
        let { jobs } = await open()
        const reopen = async (): Promise<void> => {
          await jobs.close()
          jobs = (await open()).jobs
        }
        await compareWithModel({ store: () => jobs, reopen }, commands).finally(() => jobs.close())
      }),
      { numRuns: 15, seed: 20_261_130 },
    )
  })
})

describe.each(Object.keys(backends))('requests of people in %s', (name) => {
  const place = () => (backends[name] as (typeof backends)[string])()
  const once = { key: 'one', by: 'ops', question: 'q' }

  it('outlive the process: a pause, what waits, and answers by their keys', async () => {
    const { open } = await place()
    const first = await open()
    const before = await first.requests()
    await before.setPaused('ops')
    const asked = await before.once(once, (writes) => writes.ask(['BTC-USD'], 'ops'))
    await before.close()
    await first.jobs.close()
    const second = await open()
    const after = await second.requests()
    expect((await after.pause())?.by).toBe('ops')
    expect(await after.wanted()).toEqual(['BTC-USD'])
    expect(await after.once(once, (writes) => writes.ask(['BTC-USD'], 'ops'))).toEqual(asked)
    await expect(after.once({ ...once, question: 'other' }, async () => 0)).rejects.toThrow(IdempotencyKeyReusedError)
    await after.begun(['ETH-USD'], 'job')
    expect((await after.request(asked.id))?.status).toBe('waiting')
    await after.begun(['BTC-USD', 'ETH-USD'], 'job')
    expect(await after.request(asked.id)).toMatchObject({ status: 'begun', job: 'job' })
    await after.resume('ops')
    expect(await after.isPaused()).toBe(false)
    await after.close()
    await second.jobs.close()
  })

  it('are one, however many ask at once with one key', async () => {
    const { jobs, requests } = await (await place()).open()
    const store = await requests()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => store.once(once, (writes) => writes.ask(['BTC-USD'], 'ops'))),
    )
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
    expect(await store.waiting()).toHaveLength(1)
    await store.close()
    await jobs.close()
  })

  it('end after ten minutes, and a hundred may wait', async () => {
    let now = 1_000_000_000_000
    const { jobs, requests } = await (await place()).open()
    const store = await requests(() => now)
    const ids: string[] = []
    for (let i = 0; i < 100; i++) ids.push((await store.ask(['BTC-USD'], 'ops')).id)
    await expect(store.ask(['BTC-USD'], 'ops')).rejects.toMatchObject({ code: 'http.too-many-waiting' })
    now += 600_000
    expect(await store.waiting()).toHaveLength(100)
    now += 1
    expect(await store.waiting()).toEqual([])
    expect((await store.request(ids[0] ?? ''))?.status).toBe('expired')
    expect((await store.ask(['BTC-USD'], 'ops')).status).toBe('waiting')
    await store.close()
    await jobs.close()
  })

  it('that failed are no answer: they may be asked again under the same key', async () => {
    const { jobs, requests } = await (await place()).open()
    const store = await requests()
    const failing = store.once(once, async (writes) => {
      await writes.setPaused('ops')
      throw new Error('in between')
    })
    await expect(failing).rejects.toThrow('in between')
    expect(await store.isPaused()).toBe(false)
    expect(await store.once(once, async () => 'done')).toBe('done')
    await store.close()
    await jobs.close()
  })
})
