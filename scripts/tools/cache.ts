/**
 * What is dear to make and follows from its key alone, kept for all clones of a user: compiled circuits, compiled contracts,
 * development keys and their first phase. It lies in ZKRISK_CACHE, else where the system keeps caches, else in the clone's own build/.
 *
 * An entry is one file, renamed into place, so nobody sees half of one; a reader holds it open, so nobody removes it under
 * him, and none but its user can read it. Its hash is checked on reading: what is damaged counts as missing. The hash is no
 * seal: who may write the folder may write the clone as well.
 */
import { createHash, randomUUID } from 'node:crypto'
import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { root } from './sources.ts'

const DAY_MS = 24 * 3_600_000

/** What stays when the cache is pruned. */
export type Limits = {
  /** Since an entry was last used. */
  readonly ageMs: number
  readonly bytes: number
  /** What was used so recently stays even above the size. */
  readonly graceMs: number
}

const limits: Limits = { ageMs: 30 * DAY_MS, bytes: 4 * 2 ** 30, graceMs: 3_600_000 }

/** Files of an entry by name. */
export type Entry = ReadonlyMap<string, Buffer>

/** A folder of entries. */
export class Cache {
  readonly folder: string
  /** Why it could not be written, once that has happened; everything works without. */
  problem: string | undefined
  readonly #limits: Limits

  constructor(folder: string, limitsOfThis: Limits = limits) {
    this.folder = folder
    this.#limits = limitsOfThis
  }

  /**
   * The entry of a key, and a note that it was used.
   *
   * @param kind - of entries; a part of their files' names
   * @param key  - hexadecimal hash of everything the entry depends on
   */
  get(kind: string, key: string): Entry | undefined {
    const file = this.#file(kind, key)
    try {
      const entry = unpack(`${kind} ${key}`, readFileSync(file))
      if (entry === undefined) rmSync(file, { force: true })
      else utimesSync(file, new Date(), new Date())
      return entry
    } catch {
      return undefined
    }
  }

  /** Keeps an entry, if the folder lets it; the first of several equal ones may be replaced by the last. */
  put(kind: string, key: string, files: ReadonlyMap<string, Uint8Array | string>): void {
    const file = this.#file(kind, key)
    const draft = `${file}.draft-${randomUUID()}`
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 })
      writeFileSync(draft, pack(`${kind} ${key}`, files), { mode: 0o600 })
      renameSync(draft, file)
      this.#pruneAtTimes()
    } catch (error) {
      this.problem = `${this.folder} cannot be written (${(error as NodeJS.ErrnoException).code ?? error})`
      this.#removeQuietly(draft)
    }
  }

  /** Removes what was not used for long, then what was used longest ago until the rest is small enough. */
  prune(now: number = Date.now()): void {
    const { ageMs, bytes, graceMs } = this.#limits
    const files = readdirSync(this.folder)
      .map((name) => ({ file: join(this.folder, name), stats: statIfPresent(join(this.folder, name)) }))
      .flatMap(({ file, stats }) => (stats?.isFile() ? [{ file, size: stats.size, age: now - stats.mtimeMs }] : []))
      .sort((a, b) => a.age - b.age)
    let kept = 0
    for (const { file, size, age } of files) {
      const isDraft = file.includes('.draft-')
      const tooMuch = kept + size > bytes && age > graceMs
      if (age > ageMs || tooMuch || (isDraft && age > graceMs)) this.#removeQuietly(file)
      else kept += size
    }
  }

  #file(kind: string, key: string): string {
    return join(this.folder, `${kind}-${key}`)
  }

  /** Once in the time of grace, by whoever comes first. */
  #pruneAtTimes(): void {
    const stamp = join(this.folder, 'pruned')
    const last = statIfPresent(stamp)?.mtimeMs ?? 0
    if (Math.abs(Date.now() - last) < this.#limits.graceMs) return
    writeFileSync(stamp, '')
    this.prune()
  }

  #removeQuietly(file: string): void {
    try {
      rmSync(file, { force: true })
    } catch {
      // What cannot be removed now is pruned another time.
    }
  }
}

/** The cache that all clones share, or the clone's own where that one cannot be written; then `problem` says so. */
export const cache: Cache = openCache(sharedFolder())

function openCache(folder: string | undefined): Cache {
  const ours = new Cache(join(root, 'build', 'cache'))
  if (folder === undefined) return ours
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.W_OK)
    return new Cache(folder)
  } catch (error) {
    ours.problem = `${folder} cannot be written (${(error as NodeJS.ErrnoException).code})`
    return ours
  }
}

/** Where the user, or else the system, wants caches to be. */
export function sharedFolder(env: NodeJS.ProcessEnv = process.env, platform = process.platform): string | undefined {
  if (env.ZKRISK_CACHE) return env.ZKRISK_CACHE
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'zkrisk')
  try {
    if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'zkrisk', 'cache')
    return join(homedir(), platform === 'darwin' ? 'Library/Caches' : '.cache', 'zkrisk')
  } catch {
    return undefined // A user without a home.
  }
}

/** A hash, then what it is of: a line that says what is there, and the files one after the other. */
function pack(title: string, files: ReadonlyMap<string, Uint8Array | string>): Buffer {
  const bodies = [...files].map(([name, content]) => [name, Buffer.from(content as Uint8Array)] as const)
  const head: Head = { title, sizes: Object.fromEntries(bodies.map(([name, body]) => [name, body.length])) }
  const rest = Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...bodies.map(([, body]) => body)])
  return Buffer.concat([Buffer.from(`${hashOf(rest)}\n`), rest])
}

/** Undefined unless every byte is as it was written, under this title. */
function unpack(title: string, bytes: Buffer): Entry | undefined {
  const rest = bytes.subarray(HASH_CHARACTERS + 1)
  if (bytes.toString('latin1', 0, HASH_CHARACTERS + 1) !== `${hashOf(rest)}\n`) return undefined
  let position = rest.indexOf('\n') + 1
  const head = JSON.parse(rest.toString('utf8', 0, position)) as Head
  if (head.title !== title) return undefined
  const entry = new Map<string, Buffer>()
  for (const [name, size] of Object.entries(head.sizes)) {
    entry.set(name, rest.subarray(position, position + size))
    position += size
  }
  return entry
}

type Head = { readonly title: string; readonly sizes: Readonly<Record<string, number>> }

const HASH_CHARACTERS = 64

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const statIfPresent = (file: string) => statSync(file, { throwIfNoEntry: false })
