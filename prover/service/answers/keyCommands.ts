/** `zkrisk keys`: development keys for what is compiled here, and whether the keys at hand are what they claim to be. */
import { defaultBuilds } from '../../../circuits/statements/index.ts'
import { randomBytes } from 'node:crypto'
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProverError } from '../../errors.ts'
import type { KeyManifest } from '../../proof/index.ts'
import { checkCeremony, checkKeyFitsCircuit } from '../../proof/keys/ceremony.ts'
import { sha256 } from '../../proof/keys/keyStore.ts'
import { readR1cs } from '../../proof/keys/r1cs.ts'
import {
  firstPhaseHash,
  formatVerificationKey,
  type VerificationKey,
  verificationKeyOf,
} from '../../proof/keys/verificationKey.ts'
import { readZkey } from '../../proof/keys/zkey.ts'
import type { Terminal } from '../text/terminal.ts'
import { compiledCircuit, keyStore } from '../workspace.ts'
import { makeFolder } from '../../folder.ts'

export type KeyReport = Pick<
  KeyManifest,
  'circuit' | 'kind' | 'contributions' | 'verificationKeySha256' | 'zkeySha256'
> & {
  readonly zkey: string
  /** Of alpha, beta and gamma: proofs under keys that share them are verified together. */
  readonly firstPhaseSha256: string
}

const reportOf = (manifest: KeyManifest, verificationKey: VerificationKey, zkey: string): KeyReport => ({
  ...manifest,
  zkey,
  firstPhaseSha256: firstPhaseHash(verificationKey),
})

/** Loads the keys of every build (or the named ones) and makes development keys where there are none. */
export async function setUpKeys(
  terminal: Pick<Terminal, 'say'>,
  names: readonly string[] = [],
  folder?: string,
): Promise<readonly KeyReport[]> {
  const reports: KeyReport[] = []
  for (const name of selected(names)) {
    let told = 0
    const onProgress = (fraction: number): void => {
      if (fraction < told + 0.1) return
      told = fraction
      terminal.say(`${name}: making development keys, ${Math.round(100 * fraction)} %`)
    }
    const keys = await keyStore(folder).loadOrMakeDevelopmentKeys(compiledCircuit(name), { onProgress })
    reports.push(reportOf(keys.manifest, keys.verificationKey, keys.zkey))
  }
  return reports
}

/** Takes in a proving key that a ceremony ended with; development keys of the circuit give way to it. */
export async function importKeys(name: string, zkeyFile: string, folder?: string): Promise<KeyReport> {
  const { manifest, verificationKey, zkey } = await keyStore(folder).importProductionKey(
    compiledCircuit(name),
    zkeyFile,
  )
  return reportOf(manifest, verificationKey, zkey)
}

/** Checks every hash, the ceremony gate, and that each key was made for the circuit compiled here. */
export async function verifyKeys(
  terminal: Pick<Terminal, 'say'>,
  names: readonly string[] = [],
  folder?: string,
): Promise<readonly KeyReport[]> {
  const reports: KeyReport[] = []
  for (const name of selected(names)) {
    terminal.say(`${name}: checking hashes, ceremony and coefficients …`)
    const circuit = compiledCircuit(name)
    const keys = await keyStore(folder).load(circuit)
    const r1cs = readR1cs(await readFile(circuit.r1cs), circuit.r1cs)
    checkKeyFitsCircuit(readZkey(await readFile(keys.zkey), keys.zkey), r1cs, name)
    reports.push(reportOf(keys.manifest, keys.verificationKey, keys.zkey))
  }
  return reports
}

/** A step of a ceremony's second phase, or the powers of tau that it goes on from. */
export type CeremonyStep = {
  readonly written: string
  readonly contributions: readonly string[]
  readonly firstPhaseSha256: string
  readonly sha256: string
}

/** Begins the second phase of a circuit: a key that nobody has contributed to yet. @throws {@link PowersOfTauError} */
export const beginCeremony = (circuit: string, ptau: string, out: string): Promise<CeremonyStep> =>
  inSnarkjs(async ({ zKey }) => {
    if ((await zKey.newZKey(compiledCircuit(circuit).r1cs, ptau, out)) === REFUSED) {
      await rm(out, { force: true })
      throw new PowersOfTauError(circuit, ptau)
    }
    return stepIn(out)
  })

/** Contributes a secret of this machine, which is forgotten, to the second phase. */
export const contributeTo = (zkey: string, out: string, name: string): Promise<CeremonyStep> =>
  inSnarkjs(async ({ zKey }) => {
    await zKey.contribute(zkey, out, name, randomBytes(ENTROPY_BYTES).toString('hex'))
    return stepIn(out)
  })

/** Ends the second phase with a value that nobody knew while others contributed. */
export const applyBeacon = (
  zkey: string,
  out: string,
  value: string,
  iterationsExponent: number,
): Promise<CeremonyStep> =>
  inSnarkjs(async ({ zKey }) => {
    await zKey.beacon(zkey, out, 'beacon', value, iterationsExponent)
    return stepIn(out)
  })

/**
 * Verifies a key whole: its transcript, as every command does, and with the powers of tau that every point of it follows.
 *
 * @throws {@link KeyUnverifiedError}, and what {@link checkCeremony} throws
 */
export const verifyCeremony = (circuit: string, zkeyFile: string, ptau: string): Promise<CeremonyStep> =>
  inSnarkjs(async ({ zKey }) => {
    const zkey = readZkey(await readFile(zkeyFile), zkeyFile)
    checkCeremony({ circuit, kind: 'production', verificationKey: verificationKeyOf(zkey), zkey }, 'undeployed')
    if (!(await zKey.verifyFromR1cs(compiledCircuit(circuit).r1cs, ptau, zkeyFile)))
      throw new KeyUnverifiedError(circuit, zkeyFile)
    return stepIn(zkeyFile)
  })

/** Writes what verifies proofs of a circuit, and shows that its key had a ceremony: for auditors, without the proving key. */
export async function exportKeys(name: string, out: string, folder?: string): Promise<KeyReport> {
  const { manifest, verificationKey } = await keyStore(folder).load(compiledCircuit(name))
  const to = join(out, manifest.r1csSha256)
  makeFolder(to)
  const write = (file: string, value: unknown): Promise<void> =>
    writeFile(join(to, file), `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
  await write('verification_key.json', formatVerificationKey(verificationKey))
  await write('manifest.json', manifest)
  return reportOf(manifest, verificationKey, to)
}

const ENTROPY_BYTES = 64

type Snarkjs = typeof import('snarkjs')

/** snarkjs keeps threads of its own, which would keep a command from ending. */
async function inSnarkjs<Result>(work: (snarkjs: Snarkjs) => Promise<Result>): Promise<Result> {
  const snarkjs = await import('snarkjs')
  const curve = await snarkjs.curves.getCurveFromName('bn128')
  try {
    return await work(snarkjs)
  } finally {
    await curve.terminate()
  }
}

async function stepIn(file: string): Promise<CeremonyStep> {
  const bytes = await readFile(file)
  await chmod(file, 0o600)
  const zkey = readZkey(bytes, file)
  return {
    written: file,
    contributions: zkey.contributions.map(({ name }) => name),
    firstPhaseSha256: firstPhaseHash(verificationKeyOf(zkey)),
    sha256: sha256(bytes),
  }
}

export function formatStep({ written, contributions, firstPhaseSha256, sha256: hash }: CeremonyStep): string {
  const list = contributions.length === 0 ? 'nobody has contributed yet' : contributions.join(', ')
  return `${written}: ${list}\n  sha256       ${hash}\n  first phase  ${firstPhaseSha256}`
}

export function formatKeys(reports: readonly KeyReport[]): string {
  const keys = reports.flatMap(({ circuit, kind, contributions, verificationKeySha256, firstPhaseSha256, zkey }) => [
    `${circuit}: ${kind === 'development' ? 'development keys, INSECURE: for development chains only' : `production keys, ${contributions} contributions`}`,
    `  proving key       ${zkey}`,
    `  verification key  ${verificationKeySha256}`,
    `  first phase       ${firstPhaseSha256}`,
  ])
  return [...keys, ...firstPhases(reports)].join('\n')
}

/** Says of several keys whether proofs under them can be verified together, as books and margins of accounts are. */
function firstPhases(reports: readonly KeyReport[]): readonly string[] {
  if (reports.length < 2) return []
  const phases = Map.groupBy(reports, ({ firstPhaseSha256 }) => firstPhaseSha256)
  if (phases.size === 1) return ['All share their first phase: proofs under them can be verified together.']
  const each = [...phases].map(
    ([hash, keys]) => `  ${hash.slice(0, 16)}…  ${keys.map((key) => key.circuit).join(', ')}`,
  )
  return [`${phases.size} first phases: proofs under keys of different ones cannot be verified together.`, ...each]
}

/** A key does not follow from the circuit, the powers of tau and its own transcript. */
export class KeyUnverifiedError extends ProverError {
  readonly code = 'service.key-unverified'
  readonly circuit: string
  readonly file: string

  constructor(circuit: string, file: string) {
    super(
      `${file} does not follow from the circuit ${circuit}, these powers of tau and its own contributions. ` +
        'Check that circuit and powers of tau are those of the ceremony; else do not use the key.',
    )
    this.circuit = circuit
    this.file = file
  }
}

/** What snarkjs answers instead of a key. */
const REFUSED = -1

/** Powers of tau are not fit for the circuit. */
export class PowersOfTauError extends ProverError {
  readonly code = 'service.powers-of-tau'
  readonly circuit: string
  readonly file: string

  constructor(circuit: string, file: string) {
    super(
      `${file}: expected powers of tau on BN254 that are prepared for phase 2 and as many as ${circuit} needs, got others. ` +
        'Take a prepared file of a higher power from where they are published.',
    )
    this.circuit = circuit
    this.file = file
  }
}

const selected = (names: readonly string[]): readonly string[] =>
  names.length === 0 ? defaultBuilds.map(({ name }) => name) : names
