import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import {
  JobStore,
  jobIdOf,
  StoreInUseError,
  StoreScopeError,
  StoreUnusableError,
} from '../../prover/service/daemon/jobStore.ts'
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

describe('JobStore', () => {
  it('keeps every step over a restart', () => {
    const file = fresh()
    const reopened = <T>(work: (store: JobStore) => T): T => {
      const store = new JobStore(file, scope)
      try {
        return work(store)
      } finally {
        store.close()
      }
    }
    reopened((store) => store.plan(job))
    expect(reopened((store) => store.openJobs())).toMatchObject([{ ...job, status: 'planned', bundle: undefined }])
    reopened((store) => store.proven(job.id, 'bundle text'))
    expect(reopened((store) => store.openJobs())).toMatchObject([{ status: 'proven', bundle: 'bundle text' }])
    const transaction = { hash: '0x1', jobId: job.id, sender: '0x2', nonce: 7, raw: '0x3' }
    reopened((store) => store.signed(transaction))
    expect(reopened((store) => store.transactions(job.id))).toMatchObject([transaction])
    expect(reopened((store) => store.openJobs())).toMatchObject([{ status: 'signed' }])
    reopened((store) => store.end(job.id, 'confirmed'))
    expect(reopened((store) => store.openJobs())).toEqual([])
    expect(reopened((store) => store.jobs())).toMatchObject([{ status: 'confirmed' }])
  })

  it('plans a batch once, and keeps the first proof of it', () => {
    const store = new JobStore(fresh(), scope)
    store.plan(job)
    store.proven(job.id, 'first')
    expect(store.plan({ ...job, trigger: 'heartbeat' })).toMatchObject({ status: 'proven', trigger: 'observations' })
    expect(store.proven(job.id, 'second').bundle).toBe('first')
    store.end(job.id, 'superseded', 'ObservationStale')
    expect(store.reopen(job.id)).toMatchObject({ status: 'proven', bundle: 'first', reason: undefined })
    store.close()
  })

  it('does not keep a transaction of a job it does not know, nor half of a step', () => {
    const store = new JobStore(fresh(), scope)
    expect(() => store.signed({ hash: '0x1', jobId: 'none', sender: '0x2', nonce: 1, raw: '0x3' })).toThrow()
    expect(store.transactions('none')).toEqual([])
    store.close()
  })

  it('is held by one process at a time', () => {
    const file = fresh()
    const store = new JobStore(file, scope)
    expect(() => new JobStore(file, scope)).toThrow(StoreInUseError)
    store.close()
    new JobStore(file, scope).close()
  })

  it('refuses another chain or registry, and files that are no store', () => {
    const file = fresh()
    new JobStore(file, scope).close()
    new JobStore(file, { ...scope, registry: scope.registry.toLowerCase() }).close()
    expect(() => new JobStore(file, { ...scope, chainId: 1n })).toThrow(StoreScopeError)
    expect(() => new JobStore(file, { ...scope, registry: `0x${'00'.repeat(20)}` })).toThrow(StoreScopeError)
    const other = join(folder, 'other.txt')
    writeFileSync(other, 'not a database at all, but long enough to be looked at as one\n'.repeat(40))
    expect(() => new JobStore(other, scope)).toThrow(StoreUnusableError)
  })

  it('opens a store of the version before, with all that it holds', () => {
    const file = fresh()
    const before = new JobStore(file, scope)
    before.plan(job)
    before.proven(job.id, 'bundle text')
    before.signed({ hash: '0x1', jobId: job.id, sender: '0x2', nonce: 7, raw: '0x3' })
    before.close()
    const database = new DatabaseSync(file)
    database.exec(`DROP INDEX mined_transactions; DROP INDEX transactions_of_nonce; UPDATE scope SET version = 1;
      ALTER TABLE transactions DROP COLUMN block; ALTER TABLE transactions DROP COLUMN gas_used`)
    database.close()
    const store = new JobStore(file, scope)
    expect(store.transactions(job.id)).toMatchObject([{ hash: '0x1', nonce: 7, raw: '0x3' }])
    store.end(job.id, 'confirmed', undefined, { hash: '0x1', block: 9, gasUsed: 400_000n })
    expect(store.landedAfter(8)).toMatchObject([{ hash: '0x1', block: 9, job: { id: job.id } }])
    store.close()
  })

  it('refuses a store of a later version', () => {
    const file = fresh()
    new JobStore(file, scope).close()
    const database = new DatabaseSync(file)
    database.exec('UPDATE scope SET version = 3')
    database.close()
    expect(() => new JobStore(file, scope)).toThrow(StoreUnusableError)
    expect(() => new JobStore(file, scope)).toThrow('its version is 3, expected 2')
  })

  it('takes a job up again whose block is gone, and forgets what that block took', () => {
    const store = new JobStore(fresh(), scope)
    store.plan(job)
    store.proven(job.id, 'bundle text')
    store.signed({ hash: '0x1', jobId: job.id, sender: '0x2', nonce: 7, raw: '0x3' })
    store.end(job.id, 'confirmed', undefined, { hash: '0x1', block: 9, gasUsed: 400_000n })
    expect(store.gasOfLast(5)).toEqual([400_000n])
    expect(store.landedAfter(9)).toEqual([])
    store.revive(job.id)
    expect(store.openJobs()).toMatchObject([{ status: 'signed' }])
    expect(store.landedAfter(0)).toEqual([])
    expect(store.gasOfLast(5)).toEqual([])
    store.unsigned(job.id)
    expect(store.openJobs()).toMatchObject([{ status: 'proven', bundle: 'bundle text' }])
    expect(store.transactionsAt('0x2', 7)).toMatchObject([{ hash: '0x1' }])
    expect(store.transactionsAt('0x2', 8)).toEqual([])
    store.close()
  })
})
