/** What the store's files come to when their disk fails, when a byte of them changes, and when another version made them. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { StoreDamagedError } from '../../prover/service/daemon/jobStore.ts'
import { SqliteJobStore } from '../../prover/service/daemon/stores/sqliteJobStore.ts'
import { SqliteRequestStore } from '../../prover/service/daemon/stores/sqliteRequestStore.ts'
import {
  closedJobs,
  closedRequests,
  judge,
  judgeCut,
  killedJobs,
  killedRequests,
} from '../../scripts/tools/stores/damagedStore.ts'
import { canInject, failWrite, limitSize } from '../../scripts/tools/stores/failingDisk.ts'
import { stepScope, storeSteps, tellJobs } from '../../scripts/tools/stores/storeSteps.ts'
import { temporaryFolder } from './zkrisk.ts'

const folder = temporaryFolder()
const place = (name: string): string => join(folder, name)

/** `npm run campaign:store` has every write fail up to the 200th. */
describe.skipIf(!canInject())('S66: a disk that fails (strace has calls of the kernel fail)', () => {
  it.each(['ENOSPC', 'EIO'] as const)(
    '%s at one write: the step is tried again, and nothing is missing',
    async (error) => {
      const trials = []
      for (const nth of [2, 31, 52, 58, 71, 90]) {
        trials.push(await failWrite(place('one'), { error, nth, isLasting: false }))
      }
      expect(trials.filter(({ wrong }) => wrong !== undefined)).toEqual([])
      expect(trials.filter(({ answered }) => answered === storeSteps.length).length).toBeGreaterThan(2)
      expect(trials.every(({ hasFailed }) => hasFailed)).toBe(true)
    },
  )

  it.each(['ENOSPC', 'EIO'] as const)(
    '%s from one write on: what was answered is there, and nothing by half',
    async (error) => {
      const trials = []
      for (const nth of [1, 49, 60, 77, 93]) trials.push(await failWrite(place('on'), { error, nth, isLasting: true }))
      expect(trials.filter(({ wrong }) => wrong !== undefined)).toEqual([])
      expect(new Set(trials.map(({ answered }) => answered)).size).toBeGreaterThan(3)
    },
  )
})

describe.skipIf(spawnSync('prlimit', ['--version']).status !== 0)(
  'S66: a disk that is full (prlimit lets no file grow)',
  () => {
    it('in the middle of a write: what was answered is there, and the store goes on when there is room', async () => {
      const trials = []
      for (const bytes of [100, 30_000, 100_000, 140_001, 160_777, 200_123])
        trials.push(await limitSize(place('full'), bytes))
      expect(trials.filter(({ wrong }) => wrong !== undefined)).toEqual([])
      expect(new Set(trials.map(({ answered }) => answered)).size).toBeGreaterThan(3)
    })
  },
)

describe('S67: a byte that is not as it was written', () => {
  it.each([
    ['of a store', closedJobs, 211],
    ['of what people asked', closedRequests, 211],
    ['of what people asked after kill -9, or of the log beside it', killedRequests, 997],
    ['of a store after kill -9, or of the log beside it', killedJobs, 997],
  ] as const)(
    '%s: it is refused, or nothing that is told is another',
    async (_, make, step) => {
      const sample = await make(folder)
      const found = new Map<string, number>()
      const wrong: string[] = []
      for (const [name, bytes] of sample.files) {
        for (let at = 0; at < bytes.length; at += at < 100 ? 3 : step) {
          const judgement = await judge(sample, place('byte'), name, at, 1 << (at % 8))
          found.set(judgement, (found.get(judgement) ?? 0) + 1)
          if (judgement === 'wrong') wrong.push(`${name} ${at}`)
        }
      }
      expect(wrong).toEqual([])
      expect(found.get('refused')).toBeGreaterThan(5)
    },
    120_000,
  )

  it('is told with what to do, and the file is left as it is', async () => {
    const sample = await closedJobs(place('told'))
    const [[name, bytes] = ['', Buffer.alloc(0)]] = sample.files
    const at = bytes.indexOf('ObservationStale')
    expect(await judge(sample, place('tell'), name, at, 1)).toBe('refused')
    const file = place('tell/serve.sqlite')
    await expect(SqliteJobStore.open(file, stepScope)).rejects.toMatchObject({ code: 'service.store-damaged', file })
    await expect(SqliteJobStore.openExisting(file)).rejects.toThrow(
      /row \d of jobs is not as it was written.*Move it away/,
    )
    expect(
      readFileSync(file)
        .subarray(at, at + 16)
        .toString(),
    ).toBe('NbservationStale')
  })
})

describe('S76: no damage', () => {
  it.each([
    ['a store', killedJobs, 1_009],
    ['what people asked', killedRequests, 97],
  ] as const)(
    'is a log of %s that ends early, wherever it was cut: what was told before its last steps is told',
    async (_, make, step) => {
      const sample = await make(place('early'))
      const [log = '', bytes = Buffer.alloc(0)] = [...sample.files].find(([name]) => name.endsWith('-wal')) ?? []
      const found = new Map<string, number>()
      for (let at = 0; at < bytes.length + step; at += step) {
        const length = Math.min(at, bytes.length)
        const judgement = await judgeCut(sample, place('cut'), log, length)
        found.set(judgement, (found.get(judgement) ?? 0) + 1)
      }
      expect([...found.keys()].toSorted()).toEqual(['harmless', 'torn'])
      expect(found.get('torn')).toBeGreaterThan(10)
    },
    120_000,
  )

  it.each(['ANALYZE', 'PRAGMA optimize = 0x10002'])(
    'is a table that SQLite keeps for itself, as after %s',
    async (sql) => {
      const at = place(sql.slice(0, 7))
      mkdirSync(at, { recursive: true })
      const [jobs, asked] = [join(at, 'serve.sqlite'), join(at, 'requests')]
      const store = await SqliteJobStore.open(jobs, stepScope)
      for (const step of storeSteps) await step(store)
      const told = await tellJobs(store, 'without')
      await store.close()
      const requests = await SqliteRequestStore.open(asked)
      await requests.setPaused('ops')
      await requests.close()
      for (const file of [jobs, asked]) {
        const other = new DatabaseSync(file)
        other.exec('PRAGMA analysis_limit = 0')
        other.exec(sql)
        expect([file, other.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'`).all().length]).toEqual([
          ...[file, 1],
        ])
        other.close()
      }
      for (const _ of ['then', 'and again']) {
        const again = await SqliteJobStore.open(jobs, stepScope)
        expect(await tellJobs(again, 'without')).toBe(told)
        await again.close()
        const others = await SqliteRequestStore.open(asked)
        expect(await others.pause()).toMatchObject({ by: 'ops' })
        await others.close()
      }
      // A table of somebody else's is none of SQLite's.
      const other = new DatabaseSync(asked)
      other.exec('CREATE TABLE sqlitely (a)')
      other.close()
      await expect(SqliteRequestStore.open(asked)).rejects.toThrow(/its schema is not as it was written/)
    },
  )

  /** What a version without seals does to a file in which it finds its tables. */
  function writeWithoutSeals(file: string, moment: number): void {
    const old = new DatabaseSync(file)
    old.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    const add = old.prepare(`INSERT INTO requests (id, markets, asked_by, status, asked_at) VALUES (?, ?, 'ops', ?, ?)`)
    add.run('of-before', '["ETH-USD"]', 'waiting', moment)
    old.exec(`UPDATE requests SET status = 'begun', job = 'job-of-before' WHERE markets = '["BTC-USD"]'`)
    old.exec(`DELETE FROM pause; INSERT INTO pause (only_row, paused_by, since) VALUES (1, 'somebody', ${moment})`)
    const answer = old.prepare('INSERT INTO answers (name, question, answer, kept_at) VALUES (?, ?, ?, ?)')
    answer.run('name', 'question', '"answer"', moment)
    old.close()
  }

  it('is what a version without seals wrote meanwhile: all of it is told, and sealed from then on', async () => {
    const moment = 1_764_500_000_000
    const file = place('between/requests')
    const first = await SqliteRequestStore.open(file, () => moment)
    await first.setPaused('ops')
    const once = { key: 'a-key-of-somebody', by: 'ops', question: 'prove' }
    const { id } = await first.once(once, (writes) => writes.ask(['BTC-USD'], 'ops'))
    await first.close()
    writeWithoutSeals(file, moment)
    for (const _ of ['then', 'and again']) {
      const again = await SqliteRequestStore.open(file, () => moment)
      expect(await again.pause()).toEqual({ by: 'somebody', since: moment })
      expect(await again.request(id)).toMatchObject({ status: 'begun', job: 'job-of-before' })
      expect(await again.waiting()).toMatchObject([{ id: 'of-before', markets: ['ETH-USD'] }])
      expect(await again.once(once, async () => 'done anew')).toMatchObject({ id })
      await again.close()
    }
    const bytes = readFileSync(file)
    const at = bytes.lastIndexOf('job-of-before')
    bytes[at] = 'J'.charCodeAt(0)
    writeFileSync(file, bytes)
    await expect(SqliteRequestStore.open(file)).rejects.toThrow(/row \d+ of requests is not as it was written/)
  })

  it('is not what a version with seals alone wrote to what this one made', async () => {
    const file = place('sealing/requests')
    await (await SqliteRequestStore.open(file)).close()
    const before = new DatabaseSync(file)
    before.function('seal', { deterministic: true, varargs: true }, (...values) => String(values))
    const reseal = `BEGIN UPDATE requests SET seal = seal(NEW.id, NEW.status) WHERE rowid = NEW.rowid; END`
    before.exec(`CREATE TEMP TRIGGER seal_new_requests AFTER INSERT ON main.requests ${reseal};
      CREATE TEMP TRIGGER seal_requests AFTER UPDATE OF id, status ON main.requests ${reseal};
      INSERT INTO requests (id, markets, asked_by, status, asked_at) VALUES ('one', '[]', 'ops', 'waiting', 1);
      UPDATE requests SET status = 'begun'; UPDATE requests SET status = 'begun'`)
    expect(before.prepare('SELECT seal FROM requests').get()).toEqual({ seal: 'one,begun' })
    before.close()
  })
})

/**
 * Made by what was the program then: version 1 by commit 61fe5aa7, version 2 and its requests by 558c35c8, each by the steps of
 * scripts/tools/stores/storeSteps.ts.
 */
describe('S68: a store of an earlier version', () => {
  const fixture = (name: string): string => {
    const file = place(`${name}/serve.sqlite`)
    mkdirSync(place(name), { recursive: true })
    writeFileSync(file, gunzipSync(readFileSync(join(import.meta.dirname, 'stores', `${name}.sqlite.gz`))))
    return file
  }

  it.each(['version1', 'version2'])(
    '%s: opens with all that it holds, and is looked after from then on',
    async (name) => {
      const file = fixture(name)
      const old = await SqliteJobStore.open(file, stepScope)
      const landed = { hash: `0x${'1'.repeat(64)}`, block: 70, gasUsed: 400_000n }
      // Version 1 did not keep where a transaction was mined.
      if (name === 'version1') await old.mined(landed)
      const told = await tellJobs(old, 'without')
      await old.close()
      const fresh = await SqliteJobStore.open(place(`${name}-fresh/serve.sqlite`), stepScope)
      for (const step of storeSteps) await step(fresh)
      expect(told).toBe(await tellJobs(fresh, 'without'))
      await fresh.close()
      const bytes = readFileSync(file)
      const at = bytes.indexOf('ObservationStale')
      bytes[at] = 'X'.charCodeAt(0)
      writeFileSync(file, bytes)
      await expect(SqliteJobStore.open(file, stepScope)).rejects.toThrow(StoreDamagedError)
    },
  )

  it('a pause and requests of an earlier version are kept', async () => {
    const moment = 1_764_500_000_000
    const requests = await SqliteRequestStore.open(fixture('requests-of-version2'), () => moment)
    expect(await requests.pause()).toEqual({ by: 'ops', since: moment })
    const [waiting] = await requests.waiting()
    expect(waiting).toMatchObject({ markets: ['BTC-USD'], askedBy: 'ops', status: 'waiting', askedAt: moment })
    const once = { key: 'a-key-of-somebody', by: 'ops', question: 'prove' }
    expect(await requests.once(once, async () => 'done anew')).toMatchObject({ id: waiting?.id })
    await requests.close()
  })
})
