import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { CompiledCircuit } from '../../scripts/tools/compileCircom.ts'
import { cloneOf } from './clone.ts'
import { projectOf } from './project.ts'

const twice = `pragma circom 2.2.3;
template Twice() { signal input a; signal output b <== 2 * a * a; }
`
const main = `pragma circom 2.2.3;
include "Twice.circom";
component main = Twice();
`

type Answer = Pick<CompiledCircuit, 'origin'> & { readonly files: Readonly<Record<string, string>> }

/** Compiles in a process of its own; says where it came from, and the result's files in hexadecimal. */
function startCompiling(clone: string, cache: string, source: string): ChildProcess {
  const script = `
    import { readFileSync } from 'node:fs'
    import { compileCircom } from ${JSON.stringify(join(clone, 'scripts/tools/compileCircom.ts'))}
    const folder = ${JSON.stringify(join(clone, 'build/circuits/main'))}
    const compiled = await compileCircom('main', ${JSON.stringify(source)}, folder).catch((error) => ({ error: error.message }))
    const names = ['r1cs', 'wasm', 'symbols', 'report'].filter((name) => name in compiled)
    const files = Object.fromEntries(names.map((name) => [name, readFileSync(compiled[name], 'hex')]))
    console.log(JSON.stringify({ ...compiled, files }))`
  const child = spawn(process.execPath, ['--input-type=module', '-'], {
    cwd: '/',
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ZKRISK_CACHE: cache, TMPDIR: join(clone, 'temporary') },
  })
  mkdirSync(join(clone, 'temporary'), { recursive: true })
  child.stdin?.end(script)
  return child
}

async function compile(clone: string, cache: string, source = main): Promise<Answer & { readonly error?: string }> {
  const child = startCompiling(clone, cache, source)
  let words = ''
  child.stdout?.on('data', (text) => {
    words += text
  })
  await once(child, 'close')
  return JSON.parse(words)
}

const newCache = (): string => join(projectOf({}), 'cache')
const entriesOf = (cache: string): readonly string[] =>
  existsSync(cache) ? readdirSync(cache).filter((name) => name !== 'pruned') : []

it('makes of the same sources the same files wherever the clone lies', async () => {
  const [first, second] = await Promise.all([1, 2].map(() => compile(cloneOf({ 'Twice.circom': twice }), newCache())))
  expect([first?.origin, second?.origin]).toEqual(['compiled', 'compiled'])
  expect(Object.keys(first?.files ?? {})).toEqual(['r1cs', 'wasm', 'symbols', 'report'])
  expect(second?.files).toEqual(first?.files)
})

it('compiles once for all clones, even if several begin at the same time', async () => {
  const cache = newCache()
  const clones = [1, 2, 3].map(() => cloneOf({ 'Twice.circom': twice })) as [string, string, string]
  const [first, second] = await Promise.all([compile(clones[0], cache), compile(clones[1], cache)])
  const third = await compile(clones[2], cache)
  expect(third.origin).toBe('cache')
  expect([second?.files, third.files]).toEqual([first?.files, first?.files])
  expect(entriesOf(cache)).toHaveLength(1)
  expect((await compile(clones[2], cache)).origin).toBe('folder')
})

it('compiles anew when a file that is included changes, or the main file', async () => {
  const cache = newCache()
  const clone = cloneOf({ 'Twice.circom': twice })
  const first = await compile(clone, cache)
  writeFileSync(join(clone, 'circuits/Twice.circom'), twice.replace('2 *', '3 *'))
  const changed = await compile(clone, cache)
  expect(changed.origin).toBe('compiled')
  expect(changed.files.r1cs).not.toBe(first.files.r1cs)
  expect((await compile(clone, cache, `${main}// the same\n`)).origin).toBe('compiled')
  writeFileSync(join(clone, 'circuits/Twice.circom'), twice)
  expect(await compile(clone, cache)).toEqual({ ...first, origin: 'cache' })
})

it('compiles anew what is damaged in the cache', async () => {
  const cache = newCache()
  const first = await compile(cloneOf({ 'Twice.circom': twice }), cache)
  const [entry = ''] = entriesOf(cache)
  truncateSync(join(cache, entry), readFileSync(join(cache, entry)).length - 1)
  const again = await compile(cloneOf({ 'Twice.circom': twice }), cache)
  expect(again).toMatchObject({ origin: 'compiled', files: first.files })
  expect((await compile(cloneOf({ 'Twice.circom': twice }), cache)).origin).toBe('cache')
})

it('does without a cache that cannot be written', async () => {
  const clone = cloneOf({ 'Twice.circom': twice })
  const answer = await compile(clone, join(projectOf({ file: '' }), 'file', 'cache'))
  expect(answer.origin).toBe('compiled')
  expect(entriesOf(join(clone, 'build/cache'))).toHaveLength(1)
})

it('leaves nothing to mistake when it is killed', async () => {
  const cache = newCache()
  const squares = Array.from({ length: 3_000 }, (_, i) => `s[${i + 1}] <== s[${i}] * s[${i}] + ${i};`).join('\n')
  const long = `pragma circom 2.2.3;
    template Long() { signal input a; signal output b; signal s[3001]; s[0] <== a; ${squares} b <== s[3000]; }`
  const clone = cloneOf({ 'Twice.circom': long.replace('Long', 'Twice') })
  const child = startCompiling(clone, cache, main)
  const isAtWork = (): boolean => readdirSync(join(clone, 'temporary')).length > 0
  while (!isAtWork()) await new Promise((resolve) => setTimeout(resolve, 5))
  child.kill('SIGKILL')
  expect(await once(child, 'close')).toEqual([null, 'SIGKILL'])
  expect([entriesOf(cache), existsSync(join(clone, 'build/circuits/main'))]).toEqual([[], false])
  expect((await compile(clone, cache)).origin).toBe('compiled')
})

it('keeps nothing of a circuit that the compiler refuses, and says why', async () => {
  const cache = newCache()
  const clone = cloneOf({ 'Twice.circom': twice.replace('2 * a * a', 'a * a * a') })
  const { error } = await compile(clone, cache)
  expect(error).toContain('circom refused main (exit 1)')
  expect(error).toContain('Non quadratic constraints are not allowed')
  expect([entriesOf(cache), existsSync(join(clone, 'build/circuits/main'))]).toEqual([[], false])
  expect(readdirSync(join(clone, 'temporary'))).toEqual([])
})

it('lets whoever proves read what another user compiled', async () => {
  const clone = cloneOf({ 'Twice.circom': twice })
  await compile(clone, newCache())
  expect(statSync(join(clone, 'build/circuits/main')).mode & 0o777).toBe(0o755)
})
