import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { jobIdOf, StoreUnusableError } from '../../prover/service/daemon/jobStore.ts'
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
  it('refuses files that are no store', async () => {
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
})
