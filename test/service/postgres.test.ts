/** What only a Postgres does to the store of a service: it goes away, hangs, comes back, and is shared. */
import { existsSync, readFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { examineStore } from '../../prover/service/answers/doctorStore.ts'
import { KeyInUseError, StoreInUseError, StoreUnusableError } from '../../prover/service/daemon/jobStore.ts'
import { ProofQueue } from '../../prover/service/daemon/fleet/proofQueue.ts'
import { DatabaseAddressError, parseDatabaseAddress } from '../../prover/service/daemon/stores/databaseAddress.ts'
import { openStores, type Stores } from '../../prover/service/daemon/stores/openStores.ts'
import { storeLockOf } from '../../prover/service/daemon/stores/postgresSchema.ts'
import {
  DatabaseRefusedError,
  DatabaseUnreachableError,
  PostgresSession,
} from '../../prover/service/daemon/stores/postgresSession.ts'
import { openPostgres } from '../../prover/service/daemon/stores/postgresStores.ts'
import { TestPostgres } from '../../scripts/tools/postgres.ts'
import { temporaryFolder, zkrisk } from './zkrisk.ts'

const folder = temporaryFolder()
const scope = { chainId: 31337n, registry: `0x${'ab'.repeat(20)}` }
const account = `0x${'cd'.repeat(20)}`
const job = { id: 'a', build: 'build', trigger: 'observations', summary: 'BTC-USD #1' }
const transaction = { hash: '0x1', jobId: 'a', sender: '0x2', nonce: 7, raw: '0x3' }

let postgres: TestPostgres
beforeAll(async () => {
  postgres = await TestPostgres.startOwn(folder)
})
afterAll(() => postgres.close())

const open = (url: string, patienceMs = 300, answerMs = 5_000): Promise<Stores> =>
  openPostgres(parseDatabaseAddress(url), scope, account, { patienceMs, answerMs })

/** Ends every session of a service in a database, as a failing network would. */
const cutSessions = (url: string) =>
  postgres.ask(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'zkrisk serve%'`,
    url,
  )

describe('the address of a database', () => {
  it('is told without user and password, and names its schema', () => {
    const address = parseDatabaseAddress('postgresql://me:secret@db.example:6432/risk?sslmode=require&schema=btc_2')
    expect(address.name).toBe('postgres://db.example:6432/risk?schema=btc_2')
    expect(address.schema).toBe('btc_2')
    expect(address.connectionString).toBe('postgresql://me:secret@db.example:6432/risk?sslmode=require')
    expect(parseDatabaseAddress('postgres://db/risk')).toMatchObject({ name: 'postgres://db/risk', schema: 'zkrisk' })
  })

  it.each([
    '',
    'serve.sqlite',
    'mysql://me:secret@db/risk',
    'postgres://me:secret@db/r?schema=a;b',
    'postgres://[me:secret',
  ])('that is none is refused without its words: %s', (text) => {
    const refuse = () => parseDatabaseAddress(text)
    expect(refuse).toThrow(DatabaseAddressError)
    try {
      refuse()
    } catch (error) {
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('secret')
    }
  })
})

describe('a Postgres', () => {
  it('S11: that crashes keeps all that was answered, and the store goes on when it is back', async () => {
    const { jobs } = await open(await postgres.database())
    await jobs.plan(job)
    await jobs.proven('a', 'bundle')
    await jobs.signed(transaction)
    await postgres.stop('crashed')
    await expect(jobs.openJobs()).rejects.toThrow(DatabaseUnreachableError)
    await expect(jobs.openJobs()).rejects.toThrow('nothing listens there')
    await postgres.start()
    expect(await jobs.transactions('a')).toMatchObject([transaction])
    await jobs.end('a', 'confirmed', undefined, { hash: '0x1', block: 9, gasUsed: 1n })
    await jobs.close()
  })

  it('S11: that cuts sessions again and again costs a question each, and never half of a step', async () => {
    const url = await postgres.database()
    const { jobs } = await open(url)
    for (let nonce = 0; nonce < 20; nonce++) {
      const id = `job ${nonce}`
      const write = async (): Promise<void> => {
        await jobs.plan({ ...job, id })
        await jobs.signed({ ...transaction, hash: id, jobId: id, nonce })
      }
      const [written] = await Promise.allSettled([write(), cutSessions(url)])
      const status = (await jobs.find(id).catch(() => jobs.find(id)))?.status
      const signed = await jobs.transactions(id)
      expect(signed).toHaveLength(status === 'signed' ? 1 : 0)
      if (written.status === 'fulfilled') expect(status).toBe('signed')
    }
    await jobs.close()
  })

  it('S11: that hangs is given up in time, and what it had taken is there when it goes on', async () => {
    const { jobs } = await open(await postgres.database(), 10_000, 500)
    await jobs.plan(job)
    postgres.freeze()
    const asked = jobs.proven('a', 'bundle')
    await expect(asked).rejects.toThrow(DatabaseUnreachableError)
    postgres.thaw()
    // Either it got there before the session was given up, or it never does: what is read now stays.
    const { status } = (await jobs.find('a')) ?? {}
    expect(['planned', 'proven']).toContain(status)
    await sleep(300)
    expect((await jobs.find('a'))?.status).toBe(status)
    await jobs.close()
  })

  it('S12: is refused to a second service by name, of another key as well', async () => {
    const url = await postgres.database()
    const { jobs } = await open(url)
    await expect(open(url)).rejects.toThrow(StoreInUseError)
    await expect(open(url)).rejects.toThrow(/is held by zkrisk serve \S+:\d+ \w{8} from 127\.0\.0\.1 since 20/)
    const another = openPostgres(parseDatabaseAddress(url), scope, `0x${'ef'.repeat(20)}`, { patienceMs: 300 })
    await expect(another).rejects.toThrow(StoreInUseError)
    await jobs.close()
  })

  it('S12: lets one key sign for one service, whatever schema it keeps its store in', async () => {
    const url = await postgres.database()
    const { jobs } = await open(url)
    const besides = parseDatabaseAddress(`${url}?schema=other`)
    const times = { patienceMs: 300 }
    await expect(openPostgres(besides, scope, account.toUpperCase().replace('0X', '0x'), times)).rejects.toThrow(
      KeyInUseError,
    )
    const other = await openPostgres(besides, scope, `0x${'ef'.repeat(20)}`, times)
    await other.jobs.plan(job)
    expect(await jobs.jobs()).toEqual([])
    await Promise.all([jobs.close(), other.jobs.close()])
  })

  it('S12: is another’s once a session was lost and another service came: the first writes nothing more', async () => {
    const url = await postgres.database()
    const { jobs: first } = await open(url)
    await first.plan(job)
    await cutSessions(url)
    const { jobs: second } = await open(url, 5_000)
    await second.proven('a', 'of the second')
    await expect(first.signed(transaction)).rejects.toThrow()
    await expect(first.signed(transaction)).rejects.toThrow(StoreInUseError)
    expect(await second.openJobs()).toMatchObject([{ status: 'proven', bundle: 'of the second' }])
    await second.close()
    // And takes it up again when it is free.
    expect(await first.openJobs()).toHaveLength(1)
    await first.close()
  })

  it('S12: is waited for while the service before ends', async () => {
    const url = await postgres.database()
    const { jobs: first } = await open(url)
    const second = open(url, 10_000)
    await sleep(500)
    await first.close()
    await (await second).jobs.close()
  })

  it('whose tables are of a later version is left as it is', async () => {
    const url = await postgres.database()
    await (await open(url)).jobs.close()
    await postgres.ask('UPDATE zkrisk.version SET version = 99; ALTER TABLE zkrisk.jobs RENAME TO works', url)
    await expect(open(url)).rejects.toThrow(StoreUnusableError)
    await expect(open(url)).rejects.toThrow(/its version is 99, expected \d+: a later zkrisk has used it/)
    const tables = await postgres.ask(`SELECT 1 FROM pg_tables WHERE schemaname = 'zkrisk' AND tablename = 'jobs'`, url)
    expect(tables).toEqual([])
  })

  it('whose schema is the queue’s is told as that', async () => {
    const url = await postgres.database()
    await (await open(url)).jobs.close()
    const queue = await ProofQueue.open(parseDatabaseAddress(url), 'jobs')
    await queue.close()
    const other = new URL(url)
    other.searchParams.set('schema', 'zkrisk_queue')
    await expect(open(other.href)).rejects.toThrow(
      /zkrisk_queue is the schema of the queue of proofs that belongs to zkrisk:/,
    )
    expect((await examineStore({ database: other.href })).found).toMatch(/the schema of the queue of proofs/)
  })

  it('in which nothing was ever kept says who begins it, and nothing of files and disks', async () => {
    const url = await postgres.database()
    const pruned = await zkrisk('prune', '--database', url)
    expect(pruned.code).toBe(1)
    expect(pruned.stderr).toMatch(
      /nothing was ever kept in it: the first `zkrisk serve` begins it\)\. Check which database/,
    )
    expect(pruned.stderr).not.toMatch(/path|disk/)
    await (await open(url)).jobs.close()
    expect((await zkrisk('prune', '--database', url)).code).toBe(0)
  })

  it('that does not know the user says so without the password', async () => {
    const url = new URL(await postgres.database())
    url.password = 'not-the-password'
    const refused = open(url.href)
    await expect(refused).rejects.toThrow(DatabaseRefusedError)
    const said = inspect(await refused.catch((error: unknown) => error), { depth: 10, showHidden: true })
    expect(said).toContain('password authentication failed')
    expect(said).not.toContain('not-the-password')
  })

  it('that is made by a user who may not create is refused by what is missing', async () => {
    const url = await postgres.database()
    await postgres.ask(`CREATE ROLE reader LOGIN PASSWORD 'reader'`)
    const poor = new URL(url)
    poor.username = poor.password = 'reader'
    await expect(open(poor.href)).rejects.toThrow(/refuses what is asked of it \(permission denied for database/)
  })
})

describe('S88: rights in a database', () => {
  const schemasOf = async (url: string) =>
    (await postgres.ask('SELECT nspname FROM pg_namespace ORDER BY 1', url)).map(({ nspname }) => nspname)
  /** As a role of its own, which has nothing that it is not given. */
  const tenantOf = async (url: string): Promise<{ readonly role: string; readonly url: string }> => {
    const role = `tenant_${randomBytes(4).toString('hex')}`
    await postgres.ask(`CREATE ROLE ${role} LOGIN PASSWORD '${role}'`)
    const own = new URL(url)
    own.username = own.password = role
    return { role, url: own.href }
  }
  /** All that a service opens there. */
  const begin = async (url: string): Promise<void> => {
    const { jobs } = await open(url)
    try {
      await (await ProofQueue.open(parseDatabaseAddress(url), 'serve')).close()
    } finally {
      await jobs.close()
    }
  }
  /** What the check says is missing and whoever owns the database is told to run, one after the other, until a service may begin. */
  const grant = async (url: string, tenant: string): Promise<readonly string[]> => {
    const said: string[] = []
    for (let i = 0; i < 10; i++) {
      const before = await schemasOf(url)
      const { status, found } = await examineStore({ database: tenant })
      expect(await schemasOf(url)).toEqual(before)
      if (status !== 'wrong') return said
      const [, reason = '', statements = ''] = /: (.*)\. Have who owns it run `(.*)`, or/.exec(found) ?? []
      said.push(reason.replace(/tenant_\w+/g, 'it'))
      await postgres.ask(statements, url)
    }
    throw new RangeError(said.join('; '))
  }

  it('that a service would lack are named by the check, with what gives them, and it makes nothing', async () => {
    const url = await postgres.database()
    const tenant = await tenantOf(url)
    await expect(begin(tenant.url)).rejects.toThrow(DatabaseRefusedError)
    expect(await grant(url, tenant.url)).toEqual(['it may not create the schema zkrisk and what it holds'])
    await begin(tenant.url)
  })

  it('are asked of the queue’s schema too: of a store that was restored without it', async () => {
    const url = await postgres.database()
    const tenant = await tenantOf(url)
    await postgres.ask(`GRANT CREATE ON DATABASE ${new URL(url).pathname.slice(1)} TO ${tenant.role}`)
    await (await open(tenant.url)).jobs.close()
    await postgres.ask(`REVOKE CREATE ON DATABASE ${new URL(url).pathname.slice(1)} FROM ${tenant.role}`)
    await expect(begin(tenant.url)).rejects.toThrow(DatabaseRefusedError)
    expect(await grant(url, tenant.url)).toEqual(['it may not create the schema zkrisk_queue and what it holds'])
    await begin(tenant.url)
  })

  it('are asked of all tables that are there, as another role restored them', async () => {
    const url = await postgres.database()
    await begin(url)
    const tenant = await tenantOf(url)
    await expect(begin(tenant.url)).rejects.toThrow(DatabaseRefusedError)
    expect(await grant(url, tenant.url)).toEqual([
      'it may not use the schema zkrisk',
      'it may not use the schema zkrisk_queue',
    ])
    await begin(tenant.url)
    await postgres.ask(`REVOKE DELETE ON zkrisk.pause, zkrisk.jobs FROM ${tenant.role}`, url)
    expect(await grant(url, tenant.url)).toEqual(['it may not read and write tables of the schema zkrisk: jobs, pause'])
  })

  it('of who does not own tables of an earlier version are not enough, nor those of a replica', async () => {
    const url = await postgres.database()
    await begin(url)
    const tenant = await tenantOf(url)
    await grant(url, tenant.url)
    await postgres.ask('UPDATE zkrisk.version SET version = 1', url)
    expect(await examineStore({ database: tenant.url })).toMatchObject({
      status: 'wrong',
      found: expect.stringMatching(/are of an earlier version, and tenant_\w+ does not own them/),
    })
    expect(await examineStore({ database: url })).toMatchObject({ status: 'warning' })
    const replica = await postgres.database()
    await postgres.ask(`ALTER DATABASE ${new URL(replica).pathname.slice(1)} SET default_transaction_read_only = on`)
    expect(await examineStore({ database: replica })).toMatchObject({
      status: 'wrong',
      found: expect.stringMatching(/it takes no writes from zkrisk: .*Name the server that takes writes/),
    })
  })
})

describe('a store that is there', () => {
  it('is told of by the doctor with its version, what it belongs to and who has it open', async () => {
    const database = await postgres.database()
    const missing = await examineStore({ database })
    expect(missing).toMatchObject({ check: 'database', status: 'missing' })
    expect(missing.found).toContain('nothing was ever kept in it')
    const { jobs } = await open(database)
    const found = await examineStore({ database })
    expect(found.status).toBe('ok')
    expect(found.found).toMatch(
      /of this version, of 0xab\w+ on chain 31337; batches: 0 planned, .*; open for zkrisk serve /,
    )
    // Once, however many sessions it has.
    const [own] = await postgres.ask(
      `SELECT application_name AS name FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'zkrisk serve %'`,
      database,
    )
    const another = new URL(database)
    another.searchParams.set('application_name', `${own?.name} bell`)
    const held = postgres.ask('SELECT pg_sleep(1.5)', another.href)
    await sleep(500)
    expect((await examineStore({ database })).found.match(/zkrisk serve/g)).toHaveLength(1)
    await held
    // Who waits for it, to be refused, does not have it; nor who has one of this name in another database.
    const elsewhere = await open(await postgres.database())
    const waiting = PostgresSession.open({
      ...{ address: parseDatabaseAddress(database), purpose: 'serve waiting:7', patienceMs: 1500 },
      locks: [{ name: storeLockOf('zkrisk'), heldBy: (holder) => new StoreInUseError(database, undefined, holder) }],
    })
    const refused = expect(waiting).rejects.toThrow(`is held by ${own?.name}`)
    await sleep(500)
    const { found: users } = await examineStore({ database })
    expect(users.match(/zkrisk serve \S+/g)).toEqual([String(own?.name).split(' ').slice(0, 3).join(' ')])
    await refused
    await elsewhere.jobs.close()
    await jobs.close()
    await postgres.ask('UPDATE zkrisk.version SET version = 99', database)
    expect((await examineStore({ database })).found).toMatch(
      /its version is 99, expected \d+: a later zkrisk has used it/,
    )
    expect(await examineStore({ store: join(folder, 'none.sqlite') })).toMatchObject({
      check: 'store',
      status: 'missing',
    })
    expect(existsSync(join(folder, 'none.sqlite'))).toBe(false)
  })

  it('is pruned beside its service, a file when no service has it', async () => {
    const database = await postgres.database()
    const stores = [await open(database), await openStores({ store: join(folder, 'prune.sqlite') }, scope, account)]
    for (const { jobs } of stores) {
      await jobs.plan(job)
      await jobs.end('a', 'superseded', 'late')
    }
    const file = ['--store', join(folder, 'prune.sqlite')]
    expect((await zkrisk('prune', ...file)).stderr).toContain('service.store-in-use')
    for (const flags of [[], ['--dry-run']])
      expect((await zkrisk('prune', ...file, ...flags)).stderr).toMatch(
        /prune\.sqlite is held by a `zkrisk serve`\. Stop that service first, for a dry run too: .* \(--database\)/,
      )
    await stores[1]?.jobs.close()
    for (const place of [file, ['--database', database]]) {
      const [young, dry, done] = [
        ['--dry-run'],
        ['--older-than', '0.0000001', '--dry-run'],
        ['--older-than', '0.0000001'],
      ]
      const told: string[] = []
      for (const flags of [young, dry, done, done])
        told.push((await zkrisk('prune', ...place, ...flags)).stdout.split(',')[0] ?? '')
      expect(told).toEqual(['Would forget 0 batches', 'Would forget 1 batch', 'Forgot 1 batch', 'Forgot 0 batches'])
    }
    await stores[0]?.jobs.close()
  })
})

describe('files to run a fleet with', () => {
  it('give commands no flag that they do not have', async () => {
    const folderOf = join(import.meta.dirname, '..', '..', 'scripts', 'operations')
    const flags = ['compose.yaml', 'compose.fleet.yaml'].flatMap((file) =>
      readFileSync(join(folderOf, file), 'utf8').match(/(?<=[-["] ?)--[a-z-]+(?=[",\n])/g),
    )
    const known = (await Promise.all(['serve', 'worker'].map((name) => zkrisk(name, '--help')))).map(
      ({ stdout }) => stdout,
    )
    expect(flags).toContain('--prove-here')
    for (const flag of flags) expect(known.join('')).toContain(`${flag} `)
  })
})
