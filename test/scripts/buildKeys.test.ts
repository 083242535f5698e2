import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { ProverError } from '../../prover/errors.ts'
import { polynomialCircuit } from '../proof/smallCircuits.ts'
import { cloneOf } from './clone.ts'
import { projectOf } from './project.ts'

type Clone = {
  readonly folder: string
  /** What makeKeys answers, or the code of what it refuses with. */
  makeKeys(): Promise<string | undefined>
  /** Path of a file of the circuit's keys. */
  key(name: string): string
}

let cache: string
beforeEach(() => {
  cache = join(projectOf({}), 'cache')
})

/** A clone with a small circuit compiled in it. Its cache is chosen when its code is loaded. */
async function newClone(): Promise<Clone> {
  const folder = cloneOf({})
  const compiled = await polynomialCircuit()
  const copy = (suffix: string): string => join(folder, 'build/circuits/polynomial', `polynomial.${suffix}`)
  mkdirSync(join(folder, 'build/circuits/polynomial'), { recursive: true })
  copyFileSync(compiled.r1cs, copy('r1cs'))
  copyFileSync(compiled.wasm, copy('wasm'))
  const circuit = { ...compiled, r1cs: copy('r1cs'), wasm: copy('wasm') }
  vi.stubEnv('ZKRISK_CACHE', cache)
  const { makeKeys } = await import(/* @vite-ignore */ join(folder, 'scripts/buildKeys.ts'))
  vi.unstubAllEnvs()
  const keys = join(folder, 'build/keys')
  return {
    folder,
    makeKeys: () =>
      makeKeys(
        circuit,
        async () => undefined,
        () => {},
      ).catch((error: ProverError) => error.code),
    key: (name) => join(keys, readdirSync(keys).find((entry) => /^[0-9a-f]{64}$/.test(entry)) ?? '', name),
  }
}

const verifierOf = ({ folder }: Clone): string => join(folder, 'build/contracts/PolynomialVerifier.sol')

function flipByte(file: string): void {
  const bytes = readFileSync(file)
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1
  writeFileSync(file, bytes)
}

/** Puts a file's time of modification back, which anybody can. */
function hiding(file: string, change: (file: string) => void): void {
  const { mtimeMs } = statSync(file)
  change(file)
  utimesSync(file, mtimeMs / 1000, mtimeMs / 1000)
}

describe('keys that were checked', () => {
  let clone: Clone
  beforeEach(async () => {
    clone = await newClone()
    expect(await clone.makeKeys()).toBe('made')
  })

  it('are not read again while nothing is written to their files', async () => {
    expect(readFileSync(verifierOf(clone), 'utf8')).toContain('contract PolynomialVerifier')
    expect(await clone.makeKeys()).toBeUndefined()
    hiding(clone.key('proving.zkey'), () => {})
    expect(await clone.makeKeys()).toBe('checked')
    expect(await clone.makeKeys()).toBeUndefined()
  })

  it('T1: are refused after a change that hides behind the old time and size', async () => {
    for (const name of ['proving.zkey', 'verification_key.json', 'manifest.json']) {
      const file = clone.key(name)
      utimesSync(file, 1_000_000, 1_000_000)
      expect(await clone.makeKeys()).toBe('checked')
      const [before, whole] = [statSync(file), readFileSync(file)]
      hiding(file, name === 'manifest.json' ? changeHash : flipByte)
      const { ino, size, mtimeMs } = before
      expect(statSync(file)).toMatchObject({ ino, size, mtimeMs })
      expect(await clone.makeKeys(), name).toBe('proof.corrupt-key-file')
      writeFileSync(file, whole)
      expect(await clone.makeKeys(), name).toBe('checked')
    }
  })

  it('T1: are refused when they are cut, replaced or gone', async () => {
    const file = clone.key('proving.zkey')
    const whole = readFileSync(file)
    truncateSync(file, whole.length - 1)
    expect(await clone.makeKeys()).toBe('proof.corrupt-key-file')
    writeFileSync(`${file}.new`, Buffer.alloc(whole.length, 1))
    renameSync(`${file}.new`, file)
    expect(await clone.makeKeys()).toBe('proof.corrupt-key-file')
    renameSync(file, `${file}.old`)
    expect(await clone.makeKeys()).toBe('proof.corrupt-key-file')
    renameSync(`${file}.old`, file)
    expect(await clone.makeKeys()).toBe('proof.corrupt-key-file')
  })

  it('give back a verifier contract that was changed', async () => {
    const whole = readFileSync(verifierOf(clone), 'utf8')
    writeFileSync(verifierOf(clone), whole.replace('contract', 'library'))
    expect(await clone.makeKeys()).toBe('checked')
    expect(readFileSync(verifierOf(clone), 'utf8')).toBe(whole)
  })

  it('are shared with other clones, by way of the cache', async () => {
    const other = await newClone()
    expect(await other.makeKeys()).toBe('cache')
    for (const name of ['proving.zkey', 'verification_key.json', 'manifest.json']) {
      expect(readFileSync(other.key(name)).equals(readFileSync(clone.key(name))), name).toBe(true)
    }
    expect(readFileSync(verifierOf(other), 'utf8')).toBe(readFileSync(verifierOf(clone), 'utf8'))
  })

  it('are made anew where the cache is damaged', async () => {
    const entry = readdirSync(cache).find((name) => name.startsWith('keys-')) ?? ''
    flipByte(join(cache, entry))
    const other = await newClone()
    expect(await other.makeKeys()).toBe('made')
    expect(readFileSync(other.key('proving.zkey')).equals(readFileSync(clone.key('proving.zkey')))).toBe(false)
    const [firstPhase, own] = [other, clone].map(firstPhaseIn)
    expect(firstPhase).toBe(own)
  })

  it('K11: come with a first phase that the cache gives to all clones, for their user alone', async () => {
    const other = await newClone()
    await other.makeKeys()
    for (const file of [
      firstPhaseFile(clone),
      firstPhaseFile(other),
      ...readdirSync(cache).map((name) => join(cache, name)),
    ]) {
      if (file.endsWith('pruned')) continue
      expect(statSync(file).mode & 0o777, file).toBe(0o600)
    }
    rmSync(firstPhaseFile(other))
    expect(await other.makeKeys()).toBe('checked')
    expect(firstPhaseIn(other)).toBe(firstPhaseIn(clone))
  })

  it('K11: are made anew once they are of another first phase than their folder, and not before', async () => {
    const [before, name] = [readFileSync(clone.key('proving.zkey')), readdirSync(cache).find(isFirstPhase) ?? '']
    rmSync(firstPhaseFile(clone))
    rmSync(join(cache, name))
    expect(await clone.makeKeys()).toBe('made')
    expect(readFileSync(clone.key('proving.zkey')).equals(before)).toBe(false)
    expect(readdirSync(cache).some(isFirstPhase)).toBe(true)
    expect(await clone.makeKeys()).not.toBe('made')
  })
})

const firstPhaseFile = ({ folder }: Clone): string => join(folder, 'build/keys/development_first_phase.json')
const firstPhaseIn = (clone: Clone): string => readFileSync(firstPhaseFile(clone), 'utf8')
const isFirstPhase = (name: string): boolean => name.startsWith('firstPhase-')

/** Another hash in its place, as long as the old one. */
function changeHash(manifest: string): void {
  const text = readFileSync(manifest, 'utf8')
  writeFileSync(
    manifest,
    text.replace(/("zkeySha256": ")./, (all) => all.slice(0, -1) + (all.endsWith('0') ? '1' : '0')),
  )
}

it('T3: takes no keys from the cache that call themselves production keys', async () => {
  const clone = await newClone()
  await clone.makeKeys()
  const { Cache } = await import('../../scripts/tools/cache.ts')
  const [, key = ''] = /^keys-(\w+)$/.exec(readdirSync(cache).find((name) => name.startsWith('keys-')) ?? '') ?? []
  const ours = new Cache(cache)
  const kept = new Map(ours.get('keys', key))
  const manifest = kept.get('manifest.json')?.toString().replace('"development"', '"production"') ?? ''
  ours.put('keys', key, kept.set('manifest.json', Buffer.from(manifest)))
  const other = await newClone()
  expect(await other.makeKeys()).toBe('made')
  expect(JSON.parse(readFileSync(other.key('manifest.json'), 'utf8')).kind).toBe('development')
  expect(existsSync(other.key('proving.zkey'))).toBe(true)
})
