/** Development keys of compiled circuits, in build/keys, and their verifier contracts, in build/contracts. */
import { randomUUID } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { KeyManifest, KeyStore } from '../prover/proof/index.ts'
import { cache, type Entry } from './tools/cache.ts'
import type { CompiledCircuit } from './tools/compileCircom.ts'
import { contentHash, filesBelow, root } from './tools/sources.ts'
import { readStamp, stamp, statesOf, writeIfChanged } from './tools/stamps.ts'

const KEYS = 'build/keys'
const MANIFEST = 'manifest.json'
const KEY_FILES = ['proving.zkey', 'verification_key.json', MANIFEST] as const
const FIRST_PHASE = join(KEYS, 'development_first_phase.json')

/**
 * Sees to it that a circuit has keys and a verifier contract that fits them.
 *
 * @param nativeProver - asked for its path before keys are made; undefined makes them without
 * @returns where its keys came from; undefined if nothing has changed since they were last checked
 */
export async function makeKeys(
  circuit: CompiledCircuit,
  nativeProver: () => Promise<string | undefined>,
  onProgress: (fraction: number) => void,
): Promise<'made' | 'cache' | 'checked' | undefined> {
  const code = contentHash(filesBelow('prover/proof', '.ts'))
  if (isUnchanged(circuit, code)) return undefined
  const { KeyStore, sha256 } = await import('../prover/proof/keys/keyStore.ts')
  const store = new KeyStore(join(root, KEYS))
  await shareFirstPhase(store)
  await store.dropForeignDevelopmentKeys(circuit)
  const folder = join(KEYS, sha256(readFileSync(circuit.r1cs)))
  const origin = existsSync(join(root, folder)) ? 'checked' : takeKeys(folder, code)
  if (origin === undefined) {
    await store.loadOrMakeDevelopmentKeys(circuit, { program: await nativeProver(), onProgress })
    keepKeys(folder, code)
  }
  const states = await checkKeys(store, circuit, folder)
  stamp(stampOf(circuit), [code, folder, states].join('\n'))
  return origin ?? 'made'
}

/**
 * Development keys of all clones share the first phase of the first clone's, so that they fit together whoever made them. The
 * cache lets none but its user read it.
 */
async function shareFirstPhase(store: KeyStore): Promise<void> {
  const key = contentHash([], 'of development keys')
  const kept = cache.get('firstPhase', key)?.get('firstPhase')
  if (kept !== undefined && !existsSync(join(root, FIRST_PHASE))) putFirstPhase(kept)
  await store.firstPhase()
  if (kept === undefined) cache.put('firstPhase', key, new Map([['firstPhase', readFileSync(join(root, FIRST_PHASE))]]))
}

/** Whole or not at all; what another process has put there meanwhile stays. */
function putFirstPhase(kept: Buffer): void {
  const partial = `${join(root, FIRST_PHASE)}.partial-${process.pid}-${randomUUID()}`
  mkdirSync(join(root, KEYS), { recursive: true })
  writeFileSync(partial, kept, { mode: 0o600 })
  try {
    linkSync(partial, join(root, FIRST_PHASE))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(partial, { force: true })
  }
}

const stampOf = ({ name }: CompiledCircuit): string => `keys-${name}`

const verifierNameOf = ({ name }: CompiledCircuit): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}Verifier`

/** What a check of keys reads and writes. */
function filesOf(circuit: CompiledCircuit, folder: string): readonly string[] {
  const own = [circuit.r1cs, circuit.wasm].map((file) => relative(root, file))
  return [
    ...own,
    FIRST_PHASE,
    ...KEY_FILES.map((name) => join(folder, name)),
    `build/contracts/${verifierNameOf(circuit)}.sol`,
  ]
}

/** Reading hundreds of megabytes at every start tells no more than the file system does; who uses a key hashes it again. */
function isUnchanged(circuit: CompiledCircuit, code: string): boolean {
  const [checkedBy, folder = '', ...states] = readStamp(stampOf(circuit))?.split('\n') ?? []
  return checkedBy === code && statesOf(filesOf(circuit, folder)) === states.join('\n')
}

/** Checks every hash and writes the verifier contract. @returns the files' states from before they were read */
async function checkKeys(store: KeyStore, circuit: CompiledCircuit, folder: string): Promise<string> {
  const { generateVerifierContract } = await import('../prover/proof/keys/verifierContract.ts')
  const name = verifierNameOf(circuit)
  for (;;) {
    const states = statesOf(filesOf(circuit, folder))
    const { verificationKey } = await store.load(circuit)
    writeIfChanged(`build/contracts/${name}.sol`, generateVerifierContract(verificationKey, name))
    if (states !== undefined) return states
  }
}

/**
 * Development keys from the cache. Who can write this user's cache could put keys there that he can forge with; but so can
 * whoever makes development keys, which is why no chain but a development chain takes them.
 */
function takeKeys(folder: string, code: string): 'cache' | undefined {
  const kept = cache.get('keys', cacheKeyOf(folder, code))
  if (kept === undefined || !isForDevelopment(kept)) return undefined
  putKeys(join(root, folder), kept)
  return 'cache'
}

function keepKeys(folder: string, code: string): void {
  const files = KEY_FILES.map((name) => [name, readFileSync(join(root, folder, name))] as const)
  cache.put('keys', cacheKeyOf(folder, code), new Map(files))
}

const cacheKeyOf = (folder: string, code: string): string =>
  contentHash([], code, folder, readFileSync(join(root, FIRST_PHASE), 'utf8'))

/** Keys of a ceremony come from those who held it, not out of a cache. */
function isForDevelopment(keys: Entry): boolean {
  const manifest = JSON.parse(keys.get(MANIFEST)?.toString() ?? '{}') as Partial<KeyManifest>
  return manifest.kind === 'development'
}

/** Whole or not at all; the store clears up after a process that did not come to the end. */
function putKeys(folder: string, keys: Entry): void {
  const partial = `${folder}.partial-${process.pid}-${randomUUID()}`
  mkdirSync(partial, { recursive: true })
  try {
    for (const name of KEY_FILES) writeFileSync(join(partial, name), keys.get(name) ?? '')
    renameSync(partial, folder)
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
}
