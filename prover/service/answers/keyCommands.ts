/** `zkrisk keys`: development keys for what is compiled here, and whether the keys at hand are what they claim to be. */
import { defaultBuilds } from '../../../circuits/statements/index.ts'
import { readFile } from 'node:fs/promises'
import type { KeyManifest } from '../../proof/index.ts'
import { checkKeyFitsCircuit } from '../../proof/keys/ceremony.ts'
import { readR1cs } from '../../proof/keys/r1cs.ts'
import { readZkey } from '../../proof/keys/zkey.ts'
import type { Terminal } from '../text/terminal.ts'
import { compiledCircuit, keyStore } from '../workspace.ts'

export type KeyReport = Pick<
  KeyManifest,
  'circuit' | 'kind' | 'contributions' | 'verificationKeySha256' | 'zkeySha256'
> & {
  readonly zkey: string
}

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
    reports.push({ ...keys.manifest, zkey: keys.zkey })
  }
  return reports
}

/** Takes in a proving key that a ceremony ended with; development keys of the circuit give way to it. */
export async function importKeys(name: string, zkeyFile: string, folder?: string): Promise<KeyReport> {
  const { manifest, zkey } = await keyStore(folder).importProductionKey(compiledCircuit(name), zkeyFile)
  return { ...manifest, zkey }
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
    reports.push({ ...keys.manifest, zkey: keys.zkey })
  }
  return reports
}

export function formatKeys(reports: readonly KeyReport[]): string {
  return reports
    .flatMap(({ circuit, kind, contributions, verificationKeySha256, zkey }) => [
      `${circuit}: ${kind === 'development' ? 'development keys, INSECURE: for development chains only' : `production keys, ${contributions} contributions`}`,
      `  proving key       ${zkey}`,
      `  verification key  ${verificationKeySha256}`,
    ])
    .join('\n')
}

const selected = (names: readonly string[]): readonly string[] =>
  names.length === 0 ? defaultBuilds.map(({ name }) => name) : names
