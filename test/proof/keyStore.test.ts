import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type CircuitKeys, type CompiledCircuit, KeyStore } from '../../prover/proof/keys/keyStore.ts'
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
    expect(await readdir(folder)).toEqual([keys.manifest.r1csSha256])
  })

  it('starts again where somebody was interrupted, and clears up after them', async () => {
    const folder = await newStore()
    const interrupted = makeInAnotherProcess(folder, 'kill')
    expect((await interrupted).signal).toBe('SIGKILL')
    // Nobody has the highest possible process id.
    await mkdir(join(folder, `${'0'.repeat(64)}.partial-4194305-0`), { recursive: true })
    const keys = await new KeyStore(folder).loadOrMakeDevelopmentKeys(circuit, { threads: 1 })
    expect(await readdir(folder)).toEqual([keys.manifest.r1csSha256])
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

  it('H3: leaves nothing behind when a write fails half-way', async () => {
    const folder = await newStore()
    const { code, output } = await makeInAnotherProcess(folder, 'limit')
    expect([code, output]).toEqual([0, 'proof.key-write EFBIG'])
    expect(await readdir(folder)).toEqual([])
    await new KeyStore(folder).loadOrMakeDevelopmentKeys(circuit, { threads: 1 })
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
  const child = spawn('bash', [
    '-c',
    `${limit} exec "$@"`,
    'bash',
    process.execPath,
    '--input-type=module',
    '--eval',
    script,
  ])
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

  it('takes note of another witness generator for the same constraints', async () => {
    const loaded = await store.load({ ...circuit, wasm: other.wasm })
    expect(loaded.manifest.wasmSha256).not.toBe(keys.manifest.wasmSha256)
    expect(loaded.manifest).toEqual({ ...keys.manifest, wasmSha256: loaded.manifest.wasmSha256 })
    expect(await store.load(circuit)).toEqual(keys)
  })
})
