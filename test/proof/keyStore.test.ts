import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ProverError } from '../../prover/errors.ts'
import { SCALAR_FIELD_ORDER } from '../../prover/proof/bn254.ts'
import { type CircuitKeys, type CompiledCircuit, KeyStore } from '../../prover/proof/keys/keyStore.ts'
import type { VerificationKey } from '../../prover/proof/keys/verificationKey.ts'
import { polynomialCircuit, widerCircuit } from './smallCircuits.ts'

let directory: string
let circuit: CompiledCircuit
let other: CompiledCircuit
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keys-'))
  circuit = await polynomialCircuit()
  other = await widerCircuit()
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const FIRST_PHASE = 'development_first_phase.json'
const newStore = (): Promise<string> => mkdtemp(join(directory, 'store-'))

describe('an empty store', () => {
  it('has no keys, and says how to make them', async () => {
    const store = new KeyStore(join(directory, 'nowhere'))
    await expect(store.load(circuit)).rejects.toMatchObject({ code: 'proof.keys-missing', circuit: 'polynomial' })
  })

  it('makes development keys once, and gives the same ones afterwards', async () => {
    const folder = await newStore()
    const made = await new KeyStore(folder).loadOrMakeDevelopmentKeys(circuit, { threads: 1 })
    const again = await new KeyStore(folder).loadOrMakeDevelopmentKeys(circuit, {
      onProgress: () => expect.fail('Keys were made again.'),
    })
    expect(again).toEqual(made)
    expect(made.manifest).toMatchObject({ kind: 'development', contributions: 0, tools: { snarkjs: '0.7.6' } })
    expect((await readdir(dirname(made.zkey))).toSorted()).toEqual([
      'manifest.json',
      'proving.zkey',
      'verification_key.json',
    ])
  })

  it('keeps circuits apart by the content of their constraints, not by name', async () => {
    const store = new KeyStore(await newStore())
    const first = await store.loadOrMakeDevelopmentKeys(circuit, { threads: 1 })
    const second = await store.loadOrMakeDevelopmentKeys({ ...other, name: circuit.name }, { threads: 1 })
    expect(second.manifest.zkeySha256).not.toBe(first.manifest.zkeySha256)
    expect(await store.load({ ...circuit, name: 'renamed' })).toMatchObject({ manifest: first.manifest })
  })

  it('gives everybody the same keys when several make them at once', async () => {
    const folder = await newStore()
    const all = await Promise.all([1, 2].map(() => makeInAnotherProcess(folder)))
    expect(all.map(({ code }) => code)).toEqual([0, 0])
    const keys = await new KeyStore(folder).load(circuit)
    for (const { output } of all) expect(output).toBe(keys.manifest.zkeySha256)
    expect((await readdir(folder)).toSorted()).toEqual([keys.manifest.r1csSha256, FIRST_PHASE].toSorted())
  })

  it('starts again where somebody was interrupted, and clears up after them', async () => {
    const folder = await newStore()
    const interrupted = makeInAnotherProcess(folder, 'kill')
    expect((await interrupted).signal).toBe('SIGKILL')
    // Nobody has the highest possible process id.
    await mkdir(join(folder, `${'0'.repeat(64)}.partial-4194305-0`), { recursive: true })
    const keys = await new KeyStore(folder).loadOrMakeDevelopmentKeys(circuit, { threads: 1 })
    expect((await readdir(folder)).toSorted()).toEqual([keys.manifest.r1csSha256, FIRST_PHASE].toSorted())
  })

  it('H3: leaves nothing behind when it cannot write', async () => {
    const folder = await newStore()
    // A file where the folder should be stops every user, root included.
    await writeFile(join(folder, 'file'), '')
    const store = new KeyStore(join(folder, 'file'))
    await expect(store.loadOrMakeDevelopmentKeys(circuit, { threads: 1 })).rejects.toMatchObject({
      code: 'proof.key-write',
      cause: { code: 'ENOTDIR' },
    })
    expect(await readdir(folder)).toEqual(['file'])
  })

  it.skipIf(process.platform !== 'linux')('ends where the system has no place for folders, as in /proc', async () => {
    const { code, output } = await makeInAnotherProcess('/proc/zkrisk/keys')
    expect([code, output]).toEqual([0, 'proof.key-write ENOENT'])
  })

  it('H3: leaves nothing behind when a write fails half-way', async () => {
    const folder = await newStore()
    const { code, output } = await makeInAnotherProcess(folder, 'limit')
    expect([code, output]).toEqual([0, 'proof.key-write EFBIG'])
    expect(await readdir(folder)).toEqual([FIRST_PHASE])
    await new KeyStore(folder).loadOrMakeDevelopmentKeys(circuit, { threads: 1 })
  })
})

describe('K11: development keys of one store', () => {
  const options = { threads: 1 }
  const headersOf = (given: readonly CircuitKeys[]) => given.map(({ verificationKey }) => verificationKey)

  it('share alpha, beta and gamma, and nothing else; those of another store share gamma alone', async () => {
    const store = new KeyStore(await newStore())
    const [a, b] = headersOf([
      await store.loadOrMakeDevelopmentKeys(circuit, options),
      await store.loadOrMakeDevelopmentKeys(other, options),
    ]) as [VerificationKey, VerificationKey]
    for (const name of ['alpha1', 'beta2', 'gamma2'] as const) expect(a[name]).toEqual(b[name])
    expect(a.delta2).not.toEqual(b.delta2)
    const [elsewhere] = headersOf([await new KeyStore(await newStore()).loadOrMakeDevelopmentKeys(circuit, options)])
    expect(elsewhere?.gamma2).toEqual(a.gamma2)
    for (const name of ['alpha1', 'beta2', 'delta2'] as const) expect(elsewhere?.[name]).not.toEqual(a[name])
  })

  it('have a delta of their own each time, under the same first phase', async () => {
    const folder = await newStore()
    const store = new KeyStore(folder)
    const before = await store.loadOrMakeDevelopmentKeys(circuit, options)
    await rm(dirname(before.zkey), { recursive: true })
    const after = await store.loadOrMakeDevelopmentKeys(circuit, options)
    expect(after.verificationKey.alpha1).toEqual(before.verificationKey.alpha1)
    expect(after.verificationKey.delta2).not.toEqual(before.verificationKey.delta2)
  })

  it('are made anew where they are of another first phase, as older ones are; keys that fit stay', async () => {
    const folder = await newStore()
    const store = new KeyStore(folder)
    const [a, b] = [
      await store.loadOrMakeDevelopmentKeys(circuit, options),
      await store.loadOrMakeDevelopmentKeys(other, options),
    ]
    await store.dropForeignDevelopmentKeys(circuit)
    expect(await store.load(circuit)).toEqual(a)
    await rm(join(folder, FIRST_PHASE))
    const again = await store.loadOrMakeDevelopmentKeys(circuit, options)
    expect(again.verificationKey.alpha1).not.toEqual(a.verificationKey.alpha1)
    expect(await store.load(other)).toEqual(b)
    const fitting = await store.loadOrMakeDevelopmentKeys(other, options)
    expect(fitting.verificationKey.alpha1).toEqual(again.verificationKey.alpha1)
  })

  it('keep what they share for its owner alone, and refuse what others may read, or what it is not', async () => {
    const folder = await newStore()
    const file = join(folder, FIRST_PHASE)
    const store = new KeyStore(folder)
    await store.loadOrMakeDevelopmentKeys(circuit, options)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const [whole, making] = [await readFile(file, 'utf8'), () => store.loadOrMakeDevelopmentKeys(other, options)]
    for (const mode of [0o640, 0o604, 0o620]) {
      await chmod(file, mode)
      await expect(making()).rejects.toMatchObject({ code: 'proof.first-phase-file-mode', file, mode })
    }
    await chmod(file, 0o600)
    const { tau, alpha, beta } = JSON.parse(whole) as Record<string, string>
    const r = `${SCALAR_FIELD_ORDER}`
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      JSON.stringify({ tau, alpha }),
      JSON.stringify({ tau, alpha, beta: r }),
    ]) {
      await writeFile(file, text)
      const failure: ProverError = await making().catch((error) => error)
      expect(failure).toMatchObject({ code: 'proof.first-phase-malformed', file })
      expect(failure.cause).toBeUndefined()
      expect(failure.message).not.toContain(alpha)
    }
    await writeFile(file, JSON.stringify({ tau, alpha, beta }))
    await making()
  })
})

/** Makes keys in a process of its own, which may be killed at work, or may write only 4 KiB to a file. */
async function makeInAnotherProcess(folder: string, fault?: 'kill' | 'limit') {
  const module = new URL('../../prover/proof/keys/keyStore.ts', import.meta.url).href
  const script = `
    import { KeyStore } from '${module}'
    const onProgress = (fraction) => { if (fraction > 0.2) process.stderr.write('working') }
    const store = new KeyStore(${JSON.stringify(folder)})
    const made = store.loadOrMakeDevelopmentKeys(${JSON.stringify(circuit)}, { threads: 1, onProgress })
    process.stdout.write(await made.then((keys) => keys.manifest.zkeySha256, (error) => error.code + ' ' + error.cause.code))`
  // With the signal ignored, a write beyond the limit fails as one to a full disk does.
  const limit = fault === 'limit' ? "trap '' XFSZ; ulimit -f 4;" : ''
  const command = ['-c', `${limit} exec "$@"`, 'bash', process.execPath, '--input-type=module', '--eval', script]
  const child = spawn('bash', command, { timeout: 60_000, killSignal: 'SIGKILL' })
  let output = ''
  child.stdout.on('data', (text) => {
    output += text
  })
  child.stderr.once('data', () => fault === 'kill' && child.kill('SIGKILL'))
  const [code, signal] = await once(child, 'close')
  return { code, signal, output }
}

describe('a store whose files were changed', () => {
  let store: KeyStore
  let keys: CircuitKeys
  beforeEach(async () => {
    store = new KeyStore(await newStore())
    keys = await store.loadOrMakeDevelopmentKeys(circuit, { threads: 1 })
  })

  const manifestFile = (): string => join(dirname(keys.zkey), 'manifest.json')
  const expectRefusal = async (file: string): Promise<void> => {
    const refusal = { code: 'proof.corrupt-key-file', file, message: expect.stringContaining('Delete its folder') }
    await expect(store.load(circuit)).rejects.toMatchObject(refusal)
    // Making keys must not paper over it: somebody may have deployed the verifier of the old ones.
    await expect(store.loadOrMakeDevelopmentKeys(circuit)).rejects.toMatchObject(refusal)
  }

  it('T1: refuses a truncated, padded, changed or missing proving key', async () => {
    const original = await readFile(keys.zkey)
    await truncate(keys.zkey, original.length - 1)
    await expectRefusal(keys.zkey)
    await truncate(keys.zkey, 0)
    await expectRefusal(keys.zkey)
    await writeFile(keys.zkey, Buffer.concat([original, Buffer.from([0])]))
    await expectRefusal(keys.zkey)
    for (const position of [0, 200, original.length >> 1, original.length - 1]) {
      const changed = Buffer.from(original)
      changed[position] = (changed[position] as number) ^ 1
      await writeFile(keys.zkey, changed)
      await expectRefusal(keys.zkey)
    }
    await rm(keys.zkey)
    await expectRefusal(keys.zkey)
    await writeFile(keys.zkey, original)
    await store.load(circuit)
  })

  it('T1: refuses another verification key, or something else in its place', async () => {
    const original = await readFile(keys.verificationKeyFile, 'utf8')
    const elsewhere = await new KeyStore(await newStore()).loadOrMakeDevelopmentKeys(circuit, { threads: 1 })
    for (const text of ['', '{', 'null', '{}', original.replace('groth16', 'plonk'), original.replace('"1"', '"2"')]) {
      await writeFile(keys.verificationKeyFile, text)
      await expectRefusal(keys.verificationKeyFile)
    }
    await writeFile(keys.verificationKeyFile, await readFile(elsewhere.verificationKeyFile))
    await expectRefusal(keys.verificationKeyFile)
    // How the file is indented is nobody's business.
    await writeFile(keys.verificationKeyFile, JSON.stringify(JSON.parse(original)))
    expect((await store.load(circuit)).verificationKey).toEqual(keys.verificationKey)
  })

  it('T1: refuses a manifest that is no manifest, or of another circuit', async () => {
    const original = await readFile(manifestFile(), 'utf8')
    const r1csSha256 = 'ab'.repeat(32)
    const changes = [
      '',
      'null',
      '[]',
      JSON.stringify({ ...keys.manifest, version: 2 }),
      JSON.stringify({ ...keys.manifest, kind: 'test' }),
      JSON.stringify({ ...keys.manifest, r1csSha256 }),
    ]
    for (const text of changes) {
      await writeFile(manifestFile(), text)
      await expectRefusal(manifestFile())
    }
    await writeFile(manifestFile(), original)
  })

  it('T3: refuses a manifest that calls a development key a production key', async () => {
    await writeFile(manifestFile(), JSON.stringify({ ...keys.manifest, kind: 'production' }))
    await expect(store.load(circuit)).rejects.toMatchObject({ code: 'proof.no-contributions' })
    await writeFile(manifestFile(), JSON.stringify({ ...keys.manifest, kind: 'production', contributions: 3 }))
    await expect(store.load(circuit)).rejects.toMatchObject({ code: 'proof.keys-do-not-match' })
  })

  it('T1: checks files that stay as they are once, and again after every change, also one that leaves size and time', async () => {
    expect(await store.load(circuit)).not.toBe(await store.load(circuit))
    const ages = 2_100
    await setTimeout(ages)
    const checked = await store.load(circuit)
    expect(checked).toEqual(keys)
    expect(await new KeyStore(dirname(dirname(keys.zkey))).loadOrMakeDevelopmentKeys(circuit)).toBe(checked)
    expect(await store.load({ ...circuit, name: 'renamed' })).toEqual({ ...keys, circuit: 'renamed' })
    for (const file of [keys.zkey, keys.verificationKeyFile, manifestFile()]) {
      const [original, { atime, mtime }] = [await readFile(file), await stat(file)]
      const changed = Buffer.from(original)
      changed[original.length >> 1] = (changed[original.length >> 1] as number) ^ 1
      await writeFile(file, changed)
      await utimes(file, atime, mtime)
      await expect(store.load(circuit), file).rejects.toThrow()
      await writeFile(file, original)
      await utimes(file, atime, mtime)
      expect(await store.load(circuit), file).toEqual(keys)
    }
    await setTimeout(ages)
    expect(await store.load(circuit)).not.toBe(checked)
    expect(await store.load(circuit)).toBe(await store.load(circuit))
    await rm(keys.zkey)
    await expectRefusal(keys.zkey)
  })

  it('takes note of another witness generator for the same constraints', async () => {
    const loaded = await store.load({ ...circuit, wasm: other.wasm })
    expect(loaded.manifest.wasmSha256).not.toBe(keys.manifest.wasmSha256)
    expect(loaded.manifest).toEqual({ ...keys.manifest, wasmSha256: loaded.manifest.wasmSha256 })
    expect(await store.load(circuit)).toEqual(keys)
  })
})
