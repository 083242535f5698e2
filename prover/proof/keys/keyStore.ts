/**
 * Keys on disk, one folder per circuit, found by the sha256 of its r1cs: a changed circuit finds no keys, never wrong ones.
 *
 * A folder appears complete or not at all, because it is filled under another name and then renamed; an interrupted set-up starts
 * again without asking. Nothing in it is trusted on reading: every hash of the manifest is checked, once a process as long as no
 * file changes. Development keys of one store share their first phase.
 */
import { createHash, randomUUID } from 'node:crypto'
import { open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { snarkjsVersion } from '../../config.ts'
import { ProverError } from '../../errors.ts'
import { makeFolder } from '../../folder.ts'
import { whyUnreadable } from '../../market/textFile.ts'
import { MalformedFileError } from '../binaryFile.ts'
import { checkCeremony, checkKeyFitsCircuit, type KeyKind } from './ceremony.ts'
import { CheckedFiles } from './checkedFiles.ts'
import { type DevelopmentKeyOptions, makeDevelopmentKey } from './developmentKeys.ts'
import { type FirstPhase, isMadeFrom, readFirstPhase, readOrDrawFirstPhase } from './developmentPhase.ts'
import { readR1cs } from './r1cs.ts'
import {
  formatVerificationKey,
  parseVerificationKey,
  type VerificationKey,
  verificationKeyHash,
  verificationKeyOf,
} from './verificationKey.ts'
import { readZkey } from './zkey.ts'

const ZKEY = 'proving.zkey'
const VERIFICATION_KEY = 'verification_key.json'
const MANIFEST = 'manifest.json'
const MANIFEST_VERSION = 1

/** What the circuit compiler wrote. */
export interface CompiledCircuit {
  readonly name: string
  /** Path of the *.r1cs file. */
  readonly r1cs: string
  /** Path of the witness generator. */
  readonly wasm: string
}

/** What belongs together, by hash; `manifest.json`. Hashes are sha256 in lower-case hexadecimal. */
export interface KeyManifest {
  readonly version: typeof MANIFEST_VERSION
  readonly circuit: string
  readonly kind: KeyKind
  readonly contributions: number
  /** Of production keys, what the proving key says of its second phase: section 10 of the file, as hexadecimal digits. */
  readonly transcript?: string
  readonly r1csSha256: string
  readonly wasmSha256: string
  readonly zkeySha256: string
  /** Of the key's values, not of the file's bytes; see {@link verificationKeyHash}. */
  readonly verificationKeySha256: string
  readonly createdAt: string
  readonly tools: Readonly<Record<string, string>>
}

/** Everything needed to prove and to verify for one circuit. */
export interface CircuitKeys {
  readonly circuit: string
  /** Paths. */
  readonly wasm: string
  readonly zkey: string
  readonly verificationKeyFile: string
  readonly verificationKey: VerificationKey
  readonly manifest: KeyManifest
}

/** Those of them that a verifier needs. */
export type VerifyingKeys = Pick<CircuitKeys, 'circuit' | 'verificationKey' | 'manifest'>

const constraintHashes = new CheckedFiles<string>()
const checkedKeys = new CheckedFiles<CircuitKeys>()

/** A folder of keys. */
export class KeyStore {
  static readonly VERIFYING_FILES: readonly string[] = [VERIFICATION_KEY, MANIFEST]
  private readonly directory: string

  /** @param directory - created when needed */
  constructor(directory: string) {
    this.directory = directory
  }

  /**
   * The keys of a circuit, whoever made them.
   *
   * @throws {@link KeysMissingError} if it has none
   * @throws {@link CorruptKeyFileError} if a file is not what the manifest says; nothing is repaired in silence
   * @throws {@link StaleWitnessGeneratorError} if production keys were recorded with another witness generator
   */
  async load(circuit: CompiledCircuit): Promise<CircuitKeys> {
    const r1csSha256 = await constraintHash(circuit)
    const folder = join(this.directory, r1csSha256)
    const files = [ZKEY, VERIFICATION_KEY, MANIFEST].map((name) => join(folder, name))
    return checkedKeys.answer([...files, circuit.wasm], circuit.name, () => this.check(circuit, r1csSha256, folder))
  }

  private async check(circuit: CompiledCircuit, r1csSha256: string, folder: string): Promise<CircuitKeys> {
    const manifest = await readManifest(join(folder, MANIFEST), circuit.name)
    if (manifest.r1csSha256 !== r1csSha256) throw new CorruptKeyFileError(join(folder, MANIFEST))

    const zkeyBytes = await readKeyFile(join(folder, ZKEY))
    if (sha256(zkeyBytes) !== manifest.zkeySha256) throw new CorruptKeyFileError(join(folder, ZKEY))
    const verificationKey = await readVerificationKey(join(folder, VERIFICATION_KEY), manifest)
    const zkey = readZkey(zkeyBytes, join(folder, ZKEY))
    checkCeremony({ ...manifest, verificationKey, zkey }, 'undeployed')
    return {
      circuit: circuit.name,
      wasm: circuit.wasm,
      zkey: join(folder, ZKEY),
      verificationKeyFile: join(folder, VERIFICATION_KEY),
      verificationKey,
      manifest: await this.recordWitnessGenerator(manifest, circuit, folder),
    }
  }

  /**
   * What verifies proofs of a circuit, by the hash of its constraints: neither the circuit nor its proving key need be here.
   *
   * @throws {@link KeysMissingError}, {@link CorruptKeyFileError}
   */
  async loadVerifying(circuit: string, r1csSha256: string): Promise<VerifyingKeys> {
    const folder = join(this.directory, r1csSha256)
    const manifest = await readManifest(join(folder, MANIFEST), circuit)
    if (manifest.r1csSha256 !== r1csSha256) throw new CorruptKeyFileError(join(folder, MANIFEST))
    const verificationKey = await readVerificationKey(join(folder, VERIFICATION_KEY), manifest)
    checkCeremony({ ...manifest, verificationKey }, 'undeployed')
    return { circuit, verificationKey, manifest }
  }

  /**
   * As {@link loadVerifying}, of a circuit that is here: without reading its proving key, which takes long.
   *
   * @throws {@link KeysMissingError}, {@link CorruptKeyFileError}
   */
  async loadVerifyingOf(circuit: CompiledCircuit): Promise<VerifyingKeys> {
    return this.loadVerifying(circuit.name, await constraintHash(circuit))
  }

  /** The keys of a circuit; makes development keys if it has none, or development keys of another first phase. */
  async loadOrMakeDevelopmentKeys(
    circuit: CompiledCircuit,
    options: Omit<DevelopmentKeyOptions, 'firstPhase'> = {},
  ): Promise<CircuitKeys> {
    await this.dropForeignDevelopmentKeys(circuit)
    try {
      return await this.load(circuit)
    } catch (error) {
      if (!(error instanceof KeysMissingError)) throw error
    }
    const firstPhase = await this.firstPhase()
    const r1cs = readR1cs(await readFile(circuit.r1cs), circuit.r1cs)
    await this.add(circuit, await makeDevelopmentKey(r1cs, { ...options, firstPhase }), 'development')
    return this.load(circuit)
  }

  /**
   * The first phase of this store's development keys; drawn when first asked for.
   *
   * @throws {@link KeyWriteError}, {@link FirstPhaseFileModeError}, {@link FirstPhaseMalformedError}
   */
  async firstPhase(): Promise<FirstPhase> {
    try {
      return await readOrDrawFirstPhase(this.directory)
    } catch (error) {
      throw error instanceof ProverError ? error : new KeyWriteError(this.directory, error)
    }
  }

  /** Removes development keys of another first phase than this store's: proofs under them are verified with no others. */
  async dropForeignDevelopmentKeys(circuit: CompiledCircuit): Promise<void> {
    const folder = join(this.directory, await constraintHash(circuit))
    if ((await kindOfKeys(join(folder, MANIFEST), circuit)) !== 'development') return
    const manifest = await readManifest(join(folder, MANIFEST), circuit.name)
    const verificationKey = await readVerificationKey(join(folder, VERIFICATION_KEY), manifest)
    const firstPhase = await readFirstPhase(this.directory)
    if (firstPhase !== undefined && isMadeFrom(verificationKey, firstPhase)) return
    await rm(folder, { recursive: true, force: true })
  }

  /**
   * Takes in a key from a ceremony; development keys give way to it. Verify the whole key first, with the ptau file it names:
   * `zkrisk keys verify --zkey`.
   *
   * @throws what {@link checkCeremony} and {@link checkKeyFitsCircuit} throw; nothing is stored then
   * @throws {@link MalformedFileError} also if the file cannot be opened
   * @throws {@link KeysExistError} if the circuit has keys of another ceremony
   */
  async importProductionKey(circuit: CompiledCircuit, zkeyFile: string): Promise<CircuitKeys> {
    // A file that somebody named: nothing beside it is to be deleted, as it is with a store's own.
    const bytes = await readFile(zkeyFile).catch((error: unknown) => {
      throw new MalformedFileError(zkeyFile, whyUnreadable(error))
    })
    const zkey = readZkey(bytes, zkeyFile)
    checkKeyFitsCircuit(zkey, readR1cs(await readFile(circuit.r1cs), circuit.r1cs), circuit.name)
    checkCeremony({ kind: 'production', verificationKey: verificationKeyOf(zkey), zkey }, 'undeployed')
    const folder = join(this.directory, await constraintHash(circuit))
    const kind = await kindOfKeys(join(folder, MANIFEST), circuit)
    if (kind === 'development') await rm(folder, { recursive: true, force: true })
    await this.add(circuit, [bytes], 'production')
    const keys = await this.load(circuit)
    if (keys.manifest.zkeySha256 !== sha256(bytes)) throw new KeysExistError(circuit.name, folder)
    return keys
  }

  /** Fills a folder under a temporary name, then renames it. If somebody else was faster, theirs stays. */
  private async add(circuit: CompiledCircuit, zkeyPieces: readonly Uint8Array[], kind: KeyKind): Promise<void> {
    const zkeyBytes = Buffer.concat(zkeyPieces)
    const zkey = readZkey(zkeyBytes, ZKEY)
    const verificationKey = verificationKeyOf(zkey)
    const manifest: KeyManifest = {
      version: MANIFEST_VERSION,
      circuit: circuit.name,
      kind,
      contributions: zkey.contributions.length,
      ...(kind === 'production' ? { transcript: Buffer.from(zkey.transcript).toString('hex') } : {}),
      r1csSha256: await constraintHash(circuit),
      wasmSha256: sha256(await readFile(circuit.wasm)),
      zkeySha256: sha256(zkeyBytes),
      verificationKeySha256: verificationKeyHash(verificationKey),
      createdAt: new Date().toISOString(),
      tools: { node: process.versions.node, snarkjs: snarkjsVersion },
    }
    const folder = join(this.directory, manifest.r1csSha256)
    const partial = `${folder}.partial-${process.pid}-${randomUUID()}`
    try {
      makeFolder(partial)
      await this.removeAbandoned()
      await writeDurably(join(partial, ZKEY), zkeyBytes)
      await writeDurably(join(partial, VERIFICATION_KEY), toJson(formatVerificationKey(verificationKey)))
      await writeDurably(join(partial, MANIFEST), toJson(manifest))
      await rename(partial, folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
      })
    } catch (error) {
      throw new KeyWriteError(folder, error)
    } finally {
      await rm(partial, { recursive: true, force: true }).catch(() => undefined)
    }
  }

  /** Removes what interrupted processes left behind. */
  private async removeAbandoned(): Promise<void> {
    for (const entry of await readdir(this.directory)) {
      const pid = /\.partial-(\d+)-/.exec(entry)?.[1]
      if (pid === undefined || isRunning(Number(pid))) continue
      await rm(join(this.directory, entry), { recursive: true, force: true })
    }
  }

  /**
   * The same constraints may come with another witness generator, for instance after a comment moved a line number. A wrong one
   * cannot make a wrong proof, so development keys take note of it; production keys are all or nothing.
   */
  private async recordWitnessGenerator(
    manifest: KeyManifest,
    circuit: CompiledCircuit,
    folder: string,
  ): Promise<KeyManifest> {
    const wasmSha256 = sha256(await readFile(circuit.wasm))
    if (wasmSha256 === manifest.wasmSha256) return manifest
    if (manifest.kind === 'production') throw new StaleWitnessGeneratorError(circuit.wasm)
    const updated = { ...manifest, wasmSha256 }
    await writeDurably(join(folder, `${MANIFEST}.partial-${process.pid}`), toJson(updated))
    await rename(join(folder, `${MANIFEST}.partial-${process.pid}`), join(folder, MANIFEST))
    return updated
  }
}

const constraintHash = ({ r1cs }: CompiledCircuit): Promise<string> =>
  constraintHashes.answer([r1cs], '', async () => sha256(await readFile(r1cs)))

/** sha256 in lower-case hexadecimal. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function readManifest(file: string, circuit: string): Promise<KeyManifest> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const absent = error.code === 'ENOENT' || error.code === 'ENOTDIR'
    throw absent ? new KeysMissingError(circuit, dirname(dirname(file))) : new CorruptKeyFileError(file, error)
  })
  const manifest = parseJson(text, file) as Partial<KeyManifest> | null
  const isManifest =
    manifest?.version === MANIFEST_VERSION &&
    (manifest.kind === 'development' || manifest.kind === 'production') &&
    Number.isSafeInteger(manifest.contributions) &&
    /^([0-9a-f]{2})*$/.test(manifest.transcript ?? '')
  if (!isManifest) throw new CorruptKeyFileError(file)
  return manifest as KeyManifest
}

/** Undefined where a circuit has no keys yet. */
async function kindOfKeys(file: string, circuit: CompiledCircuit): Promise<KeyKind | undefined> {
  try {
    return (await readManifest(file, circuit.name)).kind
  } catch (error) {
    if (error instanceof KeysMissingError) return undefined
    throw error
  }
}

async function readVerificationKey(file: string, manifest: KeyManifest): Promise<VerificationKey> {
  const json = parseJson((await readKeyFile(file)).toString('utf8'), file)
  const key = parseKey(json, file)
  if (verificationKeyHash(key) !== manifest.verificationKeySha256) throw new CorruptKeyFileError(file)
  return key
}

function parseKey(json: unknown, file: string): VerificationKey {
  try {
    return parseVerificationKey(json)
  } catch (error) {
    throw new CorruptKeyFileError(file, error)
  }
}

function readKeyFile(file: string): Promise<Buffer> {
  return readFile(file).catch((error) => {
    throw new CorruptKeyFileError(file, error)
  })
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CorruptKeyFileError(file, error)
  }
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** Returns only when the bytes are on the disk, so that the rename that follows never shows an empty file after a power cut. */
async function writeDurably(file: string, content: Uint8Array | string): Promise<void> {
  const handle = await open(file, 'w')
  try {
    await writeFile(handle, content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A circuit has no keys yet. */
export class KeysMissingError extends ProverError {
  readonly code = 'proof.keys-missing'
  readonly circuit: string
  readonly folder: string

  constructor(circuit: string, folder: string) {
    super(
      `There are no keys for circuit ${circuit}, as compiled here, in ${folder}. Check the folder, or make development keys with \`zkrisk keys setup\`.`,
    )
    this.circuit = circuit
    this.folder = folder
  }
}

/** There are keys of another ceremony where one's keys were to go. */
export class KeysExistError extends ProverError {
  readonly code = 'proof.keys-exist'
  readonly circuit: string
  readonly folder: string

  constructor(circuit: string, folder: string) {
    super(
      `The circuit ${circuit} has keys of another ceremony, in ${folder}. Move that folder away, or take the key into another with --keys.`,
    )
    this.circuit = circuit
    this.folder = folder
  }
}

/** A key file is missing, truncated or changed since its manifest was written. */
export class CorruptKeyFileError extends ProverError {
  readonly code = 'proof.corrupt-key-file'
  readonly file: string

  constructor(file: string, cause?: unknown) {
    super(
      `${file} is missing, truncated or was changed. Delete its folder; then make development keys again with ` +
        '`zkrisk keys setup`, or fetch the production keys again.',
      { cause },
    )
    this.file = file
  }
}

/** Production keys name another witness generator than the one compiled here. */
export class StaleWitnessGeneratorError extends ProverError {
  readonly code = 'proof.stale-witness-generator'
  readonly file: string

  constructor(file: string) {
    super(`${file} is not the witness generator its production keys were recorded with. Build the released circuit.`)
    this.file = file
  }
}

/** Keys could not be stored; nothing was left behind. */
export class KeyWriteError extends ProverError {
  readonly code = 'proof.key-write'
  readonly folder: string

  constructor(folder: string, cause: unknown) {
    super(`Keys could not be written to ${folder}. Check that the disk has space and the folder is writable.`, {
      cause,
    })
    this.folder = folder
  }
}
