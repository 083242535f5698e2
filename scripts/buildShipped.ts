/**
 * Gathers in shipped/ what the package has instead of a build: verification keys with their manifests, compiled contracts, ABIs
 * as JSON and as typed constants, and a manifest with the hash of each file. The keys are those of this machine: development
 * keys unless production keys were imported, and the manifest says which.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Build, builds } from '../circuits/statements/index.ts'
import { packageVersion } from '../prover/config.ts'
import { KeyStore, sha256 } from '../prover/proof/keys/keyStore.ts'
import { contractSources, verifierNameOf } from '../prover/registry/artifacts.ts'
import { immutablesOf } from '../prover/registry/immutables.ts'
import { SHIPPED_FORMAT, type ShippedKey, type ShippedManifest } from '../prover/registry/shipped.ts'
import { putInPlace } from './buildLibrary.ts'
import { filesBelow, root } from './tools/sources.ts'

type Files = ReadonlyMap<string, string>
type Abi = readonly { readonly type: string }[]

/** @returns what was gathered; undefined if it lay there already */
export async function gatherShipped(): Promise<string | undefined> {
  const abis = shippedAbis()
  const files: Files = new Map([...shippedArtifacts(), ...abiFiles(abis), ...keyFiles()])
  const manifest: ShippedManifest = {
    format: SHIPPED_FORMAT,
    version: 1,
    package: packageVersion,
    keys: Object.fromEntries((builds as readonly Build[]).map(({ name }) => [name, keyOf(name)])),
    files: Object.fromEntries([...files].map(([path, text]) => [path, sha256(text)])),
  }
  const text = `${JSON.stringify(manifest, null, 2)}\n`
  const folder = join(root, 'shipped')
  const current = join(folder, 'manifest.json')
  if (existsSync(current) && readFileSync(current, 'utf8') === text) return undefined
  const draft = join(root, 'build', `shipped.draft-${process.pid}`)
  rmSync(draft, { recursive: true, force: true })
  for (const [path, content] of [...files, ['manifest.json', text] as const]) {
    mkdirSync(dirname(join(draft, path)), { recursive: true })
    writeFileSync(join(draft, path), content)
  }
  putInPlace(draft, folder)
  return `${files.size} files`
}

/** The engine's contracts and the verifiers of all builds: interface and code, without what only a compiler needs. */
function shippedArtifacts(): Files {
  const verifiers = (builds as readonly Build[]).map(({ name }) => {
    const verifier = verifierNameOf(name)
    return [verifier, `build/contracts/${verifier}.sol`] as const
  })
  const all = [...Object.entries(contractSources), ...verifiers]
  return new Map(
    all.map(([name, source]) => {
      const artifact = JSON.parse(read(`build/artifacts/${source}/${name}.json`))
      const { abi, bytecode, deployedBytecode } = artifact
      const immutables = immutablesOf(join(root, 'build', 'artifacts'), artifact)
      return [`artifacts/${name}.json`, JSON.stringify({ abi, bytecode, deployedBytecode, immutables })]
    }),
  )
}

/** Interfaces of all contracts that can be called or listened to, by name. */
function shippedAbis(): ReadonlyMap<string, Abi> {
  const artifacts = filesBelow('build/artifacts/contracts', '.json').map((file) => {
    const { abi } = JSON.parse(read(file)) as { readonly abi: Abi }
    return [basename(file, '.json'), abi] as const
  })
  return new Map(artifacts.filter(([, abi]) => abi.some(({ type }) => type === 'function' || type === 'event')))
}

/** `RiskRegistry` → `riskRegistryAbi`, `IRiskParameters` → `iRiskParametersAbi`. */
const constantOf = (contract: string): string => `${contract.charAt(0).toLowerCase()}${contract.slice(1)}Abi`

function abiFiles(abis: ReadonlyMap<string, Abi>): Files {
  const all = [...abis]
  const code = all.map(([name, abi]) => `export const ${constantOf(name)} = ${JSON.stringify(abi)}\n`)
  const types = all.map(([name, abi]) => `export declare const ${constantOf(name)}: ${literalType(abi)}\n`)
  return new Map([
    ...all.map(([name, abi]) => [`abi/${name}.json`, `${JSON.stringify(abi, null, 2)}\n`] as const),
    ['abi/index.js', code.join('')],
    ['abi/index.d.ts', types.join('')],
  ])
}

/** The type of exactly this value, all of it readonly: what `as const` would make of it. */
function literalType(value: unknown): string {
  if (Array.isArray(value)) return `readonly [${value.map(literalType).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).map(([name, each]) => `readonly ${name}: ${literalType(each)}`)
  return `{ ${fields.join('; ')} }`
}

/** A store of its own, without proving keys. */
function keyFiles(): Files {
  const files = (builds as readonly Build[]).flatMap(({ name }) => {
    const folder = constraintsHash(name)
    return KeyStore.VERIFYING_FILES.map(
      (file) => [`keys/${folder}/${file}`, read(`build/keys/${folder}/${file}`)] as const,
    )
  })
  return new Map(files)
}

function keyOf(build: string): ShippedKey {
  const r1csSha256 = constraintsHash(build)
  const { kind, verificationKeySha256 } = JSON.parse(read(`build/keys/${r1csSha256}/manifest.json`)) as ShippedKey
  return { r1csSha256, verificationKeySha256, kind }
}

const hashes = new Map<string, string>()

function constraintsHash(build: string): string {
  const hash = hashes.get(build) ?? sha256(readFileSync(join(root, `build/circuits/${build}/${build}.r1cs`)))
  hashes.set(build, hash)
  return hash
}

const read = (file: string): string => readFileSync(join(root, file), 'utf8')
