import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
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
})
