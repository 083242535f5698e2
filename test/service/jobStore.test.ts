import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import {
  type JobStore,
  jobIdOf,
  StoreInUseError,
  StoreScopeError,
  StoreUnusableError,
} from '../../prover/service/daemon/jobStore.ts'
import { SqliteJobStore } from '../../prover/service/daemon/stores/sqliteJobStore.ts'
import { temporaryFolder } from './zkrisk.ts'

const folder = temporaryFolder()
const scope = { chainId: 31337n, registry: `0x${'Ab'.repeat(20)}` }
const job = {
  id: jobIdOf('marketRisk8x2', [1n, 2n, 3n]),
  build: 'marketRisk8x2',
  trigger: 'observations',
  summary: 'BTC-USD #1',
}
let files = 0
const fresh = (): string => join(folder, `${files++}`, 'serve.sqlite')

describe('jobIdOf', () => {
  it('depends on build and public signals alone', () => {
    expect(jobIdOf('marketRisk8x2', [1n, 2n, 3n])).toBe(job.id)
    expect(jobIdOf('marketRisk8x2', [1n, 2n, 4n])).not.toBe(job.id)
    expect(jobIdOf('marketRisk1x48', [1n, 2n, 3n])).not.toBe(job.id)
    expect(jobIdOf('marketRisk8x2', [12n, 3n])).not.toBe(jobIdOf('marketRisk8x2', [1n, 23n]))
  })
})

describe('SqliteJobStore', () => {
  it('keeps every step over a restart', async () => {
    const file = fresh()
    const reopened = async <T>(work: (store: JobStore) => Promise<T>): Promise<T> => {
      const store = await SqliteJobStore.open(file, scope)
      try {
        return await work(store)
      } finally {
        await store.close()
      }
    }
    await reopened((store) => store.plan(job))
    expect(await reopened((store) => store.openJobs())).toMatchObject([
      { ...job, status: 'planned', bundle: undefined },
    ])
    await reopened((store) => store.proven(job.id, 'bundle text'))
    expect(await reopened((store) => store.openJobs())).toMatchObject([{ status: 'proven', bundle: 'bundle text' }])
    const transaction = { hash: '0x1', jobId: job.id, sender: '0x2', nonce: 7, raw: '0x3' }
    await reopened((store) => store.signed(transaction))
    expect(await reopened((store) => store.transactions(job.id))).toMatchObject([transaction])
    expect(await reopened((store) => store.openJobs())).toMatchObject([{ status: 'signed' }])
    await reopened((store) => store.end(job.id, 'confirmed'))
    expect(await reopened((store) => store.openJobs())).toEqual([])
    expect(await reopened((store) => store.jobs())).toMatchObject([{ status: 'confirmed' }])
  })

  it('plans a batch once, and keeps the first proof of it', async () => {
    const store = await SqliteJobStore.open(fresh(), scope)
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

  it('does not keep a transaction of a job it does not know, nor half of a step', async () => {
    const store = await SqliteJobStore.open(fresh(), scope)
    await expect(store.signed({ hash: '0x1', jobId: 'none', sender: '0x2', nonce: 1, raw: '0x3' })).rejects.toThrow()
    expect(await store.transactions('none')).toEqual([])
    await store.close()
  })

  it('is held by one process at a time', async () => {
    const file = fresh()
    const store = await SqliteJobStore.open(file, scope)
    await expect(SqliteJobStore.open(file, scope)).rejects.toThrow(StoreInUseError)
    await store.close()
    await (await SqliteJobStore.open(file, scope)).close()
  })

  it('refuses another chain or registry, and files that are no store', async () => {
    const file = fresh()
    await (await SqliteJobStore.open(file, scope)).close()
    await (await SqliteJobStore.open(file, { ...scope, registry: scope.registry.toLowerCase() })).close()
    await expect(SqliteJobStore.open(file, { ...scope, chainId: 1n })).rejects.toThrow(StoreScopeError)
    await expect(SqliteJobStore.open(file, { ...scope, registry: `0x${'00'.repeat(20)}` })).rejects.toThrow(
      StoreScopeError,
    )
    const other = join(folder, 'other.txt')
    writeFileSync(other, 'not a database at all, but long enough to be looked at as one\n'.repeat(40))
    await expect(SqliteJobStore.open(other, scope)).rejects.toThrow(StoreUnusableError)
  })

  it('opens a store of the version before, with all that it holds', async () => {
    const file = fresh()
    const before = await SqliteJobStore.open(file, scope)
    await before.plan(job)
    await before.proven(job.id, 'bundle text')
    await before.signed({ hash: '0x1', jobId: job.id, sender: '0x2', nonce: 7, raw: '0x3' })
    await before.close()
    const database = new DatabaseSync(file)
    database.exec(`DROP INDEX mined_transactions; DROP INDEX transactions_of_nonce; UPDATE scope SET version = 1;
      ALTER TABLE transactions DROP COLUMN block; ALTER TABLE transactions DROP COLUMN gas_used`)
    database.close()
    const store = await SqliteJobStore.open(file, scope)
    expect(await store.transactions(job.id)).toMatchObject([{ hash: '0x1', nonce: 7, raw: '0x3' }])
    await store.end(job.id, 'confirmed', undefined, { hash: '0x1', block: 9, gasUsed: 400_000n })
    expect(await store.landedAfter(8)).toMatchObject([{ hash: '0x1', block: 9, job: { id: job.id } }])
    await store.close()
  })

  it('refuses a store of a later version', async () => {
    const file = fresh()
    await (await SqliteJobStore.open(file, scope)).close()
    const database = new DatabaseSync(file)
    database.exec('UPDATE scope SET version = 3')
    database.close()
    await expect(SqliteJobStore.open(file, scope)).rejects.toThrow(StoreUnusableError)
    await expect(SqliteJobStore.open(file, scope)).rejects.toThrow('its version is 3, expected 2')
  })

  it('takes a job up again whose block is gone, and forgets what that block took', async () => {
    const store = await SqliteJobStore.open(fresh(), scope)
    await store.plan(job)
    await store.proven(job.id, 'bundle text')
    await store.signed({ hash: '0x1', jobId: job.id, sender: '0x2', nonce: 7, raw: '0x3' })
    await store.end(job.id, 'confirmed', undefined, { hash: '0x1', block: 9, gasUsed: 400_000n })
    expect(await store.gasOfLast(5)).toEqual([400_000n])
    expect(await store.landedAfter(9)).toEqual([])
    await store.revive(job.id)
    expect(await store.openJobs()).toMatchObject([{ status: 'signed' }])
    expect(await store.landedAfter(0)).toEqual([])
    expect(await store.gasOfLast(5)).toEqual([])
    await store.unsigned(job.id)
    expect(await store.openJobs()).toMatchObject([{ status: 'proven', bundle: 'bundle text' }])
    expect(await store.transactionsAt('0x2', 7)).toMatchObject([{ hash: '0x1' }])
    expect(await store.transactionsAt('0x2', 8)).toEqual([])
    await store.close()
  })
})
