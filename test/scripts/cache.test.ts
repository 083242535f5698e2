import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Cache, sharedFolder } from '../../scripts/tools/cache.ts'
import { root } from '../../scripts/tools/sources.ts'
import { projectOf } from './project.ts'

const DAY_MS = 24 * 3_600_000
const limits = { ageMs: 30 * DAY_MS, bytes: 10_000, graceMs: 3_600_000 }
const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string]

const newCache = (): Cache => new Cache(join(projectOf({}), 'cache'), limits)
const fileOf = (cache: Cache, key: string): string => join(cache.folder, `circuit-${key}`)
const filling = (bytes: number) => new Map([['file', Buffer.alloc(bytes, 7)]])

/** As if it had been used last so long ago. */
function age(file: string, ms: number): void {
  const then = new Date(Date.now() - ms)
  utimesSync(file, then, then)
}

it('gives back what was kept, by kind and key', () => {
  const cache = newCache()
  const files = new Map<string, Buffer | string>([
    ['one', Buffer.from([0, 10, 255])],
    ['two', 'text\n'],
    ['empty', ''],
  ])
  cache.put('circuit', a, files)
  const kept = cache.get('circuit', a)
  expect([...(kept ?? [])].map(([name, content]) => [name, content.toString('latin1')])).toEqual([
    ['one', '\0\n\xff'],
    ['two', 'text\n'],
    ['empty', ''],
  ])
  expect([cache.get('circuit', b), cache.get('keys', a)]).toEqual([undefined, undefined])
  expect(cache.problem).toBeUndefined()
})

it('takes no entry of which a byte was changed, lost or added', () => {
  const cache = newCache()
  cache.put('circuit', a, filling(40))
  const whole = readFileSync(fileOf(cache, a))
  for (let position = 0; position < whole.length; position++) {
    const changed = Buffer.from(whole)
    changed[position] = (changed[position] as number) ^ 1
    writeFileSync(fileOf(cache, a), changed)
    expect(cache.get('circuit', a)).toBeUndefined()
    writeFileSync(fileOf(cache, a), whole.subarray(0, position))
    expect(cache.get('circuit', a)).toBeUndefined()
  }
  writeFileSync(fileOf(cache, a), Buffer.concat([whole, Buffer.from([7])]))
  expect(cache.get('circuit', a)).toBeUndefined()
  expect(existsSync(fileOf(cache, a))).toBe(false)
  writeFileSync(fileOf(cache, a), whole)
  expect(cache.get('circuit', a)).toEqual(filling(40))
})

it('takes no entry under the name of another', () => {
  const cache = newCache()
  cache.put('circuit', a, filling(40))
  copyFileSync(fileOf(cache, a), fileOf(cache, b))
  expect(cache.get('circuit', b)).toBeUndefined()
})

it('forgets what nobody has used for thirty days', () => {
  const cache = newCache()
  for (const key of [a, b, c]) cache.put('circuit', key, filling(10))
  for (const key of [a, b]) age(fileOf(cache, key), limits.ageMs + 1000)
  age(fileOf(cache, c), limits.ageMs - 60_000)
  cache.get('circuit', b)
  cache.prune()
  expect([a, b, c].map((key) => cache.get('circuit', key) !== undefined)).toEqual([false, true, true])
})

it('forgets first what was used longest ago when it is too large, and nothing that may be in use', () => {
  const cache = newCache()
  for (const key of [a, b, c]) cache.put('circuit', key, filling(4_000))
  age(fileOf(cache, a), 3 * DAY_MS)
  age(fileOf(cache, b), 5 * DAY_MS)
  cache.prune()
  expect([a, b, c].map((key) => existsSync(fileOf(cache, key)))).toEqual([true, false, true])

  age(fileOf(cache, a), limits.graceMs - 60_000)
  cache.put('circuit', b, filling(9_000))
  cache.prune()
  expect([a, b, c].map((key) => existsSync(fileOf(cache, key)))).toEqual([true, true, true])
})

it('prunes by itself when it takes something in, but not each time', () => {
  const cache = newCache()
  cache.put('circuit', a, filling(10))
  age(fileOf(cache, a), limits.ageMs + 1000)
  cache.put('circuit', b, filling(10))
  expect(existsSync(fileOf(cache, a))).toBe(true)
  age(join(cache.folder, 'pruned'), limits.graceMs + 1000)
  cache.put('circuit', b, filling(10))
  expect(existsSync(fileOf(cache, a))).toBe(false)
})

it('clears up after who was interrupted, once nobody can be at work there', () => {
  const cache = newCache()
  cache.put('circuit', a, filling(10))
  const drafts = ['old', 'young'].map((name) => `${fileOf(cache, b)}.draft-${name}`) as [string, string]
  for (const draft of drafts) writeFileSync(draft, 'half')
  age(drafts[0], limits.graceMs + 1000)
  cache.prune()
  expect(drafts.map((draft) => existsSync(draft))).toEqual([false, true])
  expect(cache.get('circuit', b)).toBeUndefined()
})

it('says why it cannot be written, and is of no consequence then', () => {
  // A file where the folder should be stops every user, root included.
  const project = projectOf({ file: '' })
  const cache = new Cache(join(project, 'file'))
  cache.put('circuit', a, filling(10))
  expect(cache.problem).toMatch(/file cannot be written \((ENOTDIR|EEXIST)\)/)
  expect(cache.get('circuit', a)).toBeUndefined()
})

it('leaves nothing behind where the disk is full', async () => {
  const { folder } = newCache()
  // With the signal ignored, a write beyond the limit fails as one to a full disk does.
  const fill = inProcess(
    folder,
    `cache.put('circuit', '${a}', new Map([['file', 'x'.repeat(1e6)]])); console.log(cache.problem)`,
    "trap '' XFSZ; ulimit -f 4;",
  )
  expect(await wordsOf(fill)).toBe(`${folder} cannot be written (EFBIG)`)
  expect(readdirSync(folder)).toEqual([])
})

it('gives whole entries or none while others write, prune and are killed', async () => {
  const cache = newCache()
  cache.put('circuit', a, filling(10))
  const words = JSON.stringify('x'.repeat(300_000))
  const writing = `for (;;) cache.put('circuit', '${b}', new Map([['file', ${words}]]))`
  const pruning = `
    const now = new Int32Array(new SharedArrayBuffer(4))
    for (;; Atomics.wait(now, 0, 0, 5)) cache.prune(Date.now() + 1e12)`
  const reading = `
    const expected = Buffer.from(${words})
    for (let whole = 0; whole < 20; ) {
      const file = cache.get('circuit', '${b}')?.get('file')
      if (file === undefined) continue
      if (!file.equals(expected)) throw new Error('half an entry')
      whole++
    }
    console.log('whole')`
  const others = [writing, writing, pruning].map((script) => inProcess(cache.folder, script))
  const readers = [reading, reading].map((script) => inProcess(cache.folder, script))
  expect(await Promise.all(readers.map(wordsOf))).toEqual(['whole', 'whole'])
  const ends = others.map((other) => once(other, 'close'))
  for (const other of others) other.kill('SIGKILL')
  expect(await Promise.all(ends)).toEqual(others.map(() => [null, 'SIGKILL']))
  cache.put('circuit', b, filling(10))
  expect(cache.get('circuit', b)).toEqual(filling(10))
})

/** Runs a script that has the cache of a folder. */
function inProcess(folder: string, script: string, before = ''): ChildProcess {
  const module = join(root, 'scripts/tools/cache.ts')
  const whole = `
    import { Cache } from ${JSON.stringify(module)}
    const cache = new Cache(${JSON.stringify(folder)})
    ${script}`
  const command = ['-c', `${before} exec "$@"`, 'bash', process.execPath, '--input-type=module', '-']
  const child = spawn('bash', command, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin?.end(whole)
  return child
}

async function wordsOf(child: ChildProcess): Promise<string> {
  let words = ''
  child.stdout?.on('data', (text) => {
    words += text
  })
  await once(child, 'close')
  return words.trim()
}

it('lies where the user wants it, else where the system keeps caches', () => {
  const home = { HOME: '/home/me' }
  expect(sharedFolder({ ZKRISK_CACHE: '/mine', XDG_CACHE_HOME: '/xdg' }, 'linux')).toBe('/mine')
  expect(sharedFolder({ XDG_CACHE_HOME: '/xdg' }, 'linux')).toBe(join('/xdg', 'zkrisk'))
  expect(sharedFolder(home, 'linux')).toMatch(/[\\/]\.cache[\\/]zkrisk$/)
  expect(sharedFolder(home, 'darwin')).toMatch(/[\\/]Library[\\/]Caches[\\/]zkrisk$/)
  expect(sharedFolder({ LOCALAPPDATA: '/local' }, 'win32')).toBe(join('/local', 'zkrisk', 'cache'))
})

it('is nobody else’s to write into', () => {
  const cache = newCache()
  cache.put('circuit', a, filling(10))
  expect(statSync(cache.folder).mode & 0o077).toBe(0)
})
