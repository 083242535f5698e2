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

  it('S68: refuses a store of a later version', async () => {
    const file = fresh()
    await (await SqliteJobStore.open(file, scope)).close()
    const database = new DatabaseSync(file)
    database.exec('UPDATE scope SET version = 4')
    database.close()
    await expect(SqliteJobStore.open(file, scope)).rejects.toThrow(StoreUnusableError)
    await expect(SqliteJobStore.open(file, scope)).rejects.toThrow('its version is 4, expected 3')
  })
})
