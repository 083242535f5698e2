/** Our contracts as the compiler left them: interface and code, from the folder that `npm run build` fills. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Interface } from 'ethers'
import type { JsonFragment } from 'ethers'
import { ProverError } from '../errors.ts'

/** Where the source of each contract, or of the interface by which it is read, lies; verifiers are generated, one per build. */
const sources = {
  RiskCouncil: 'contracts/registry/RiskCouncil.sol',
  ModelRegistry: 'contracts/registry/ModelRegistry.sol',
  RiskRegistry: 'contracts/registry/RiskRegistry.sol',
  IObservationSource: 'contracts/market/IObservationSource.sol',
  AttestedFeed: 'contracts/market/AttestedFeed.sol',
  MedianFeed: 'contracts/market/MedianFeed.sol',
  AttestedRounds: 'contracts/market/AttestedRounds.sol',
  PortfolioRegistry: 'contracts/registry/PortfolioRegistry.sol',
} as const

export type ContractName = keyof typeof sources

/** A compiled contract. */
export type Artifact = {
  readonly abi: readonly JsonFragment[]
  /** Creation code, 0x-hexadecimal. */
  readonly bytecode: string
  /** Runtime code, 0x-hexadecimal. */
  readonly deployedBytecode: string
}

/**
 * A contract of the engine.
 *
 * @throws {@link ContractsNotBuiltError} if it has not been compiled
 */
export function artifactOf(contract: ContractName): Artifact {
  return readArtifact(contract, sources[contract])
}

/** Name of the generated verifier contract of a build: `marketRisk8x2` → `MarketRisk8x2Verifier`. */
export function verifierNameOf(build: string): string {
  return `${build.charAt(0).toUpperCase()}${build.slice(1)}Verifier`
}

/**
 * The generated verifier of a build.
 *
 * @throws {@link ContractsNotBuiltError} if it has not been compiled
 */
export function verifierArtifactOf(build: string): Artifact {
  const name = verifierNameOf(build)
  return readArtifact(name, `build/contracts/${name}.sol`)
}

/** How a contract is called; parsed once. */
export function interfaceOf(contract: ContractName): Interface {
  const known = interfaces.get(contract)
  if (known !== undefined) return known
  const made = new Interface(artifactOf(contract).abi)
  interfaces.set(contract, made)
  return made
}

const interfaces = new Map<ContractName, Interface>()

function readArtifact(name: string, source: string): Artifact {
  const folder = artifactsFolder(name)
  try {
    return JSON.parse(readFileSync(join(folder, source, `${name}.json`), 'utf8')) as Artifact
  } catch (error) {
    throw new ContractsNotBuiltError(name, error)
  }
}

/** `build/artifacts` of the project this file belongs to, whether it runs from prover/ or from dist/prover/. */
function artifactsFolder(name: string): string {
  for (let folder = import.meta.dirname; dirname(folder) !== folder; folder = dirname(folder)) {
    const candidate = join(folder, 'build', 'artifacts')
    if (existsSync(candidate)) return candidate
  }
  throw new ContractsNotBuiltError(name, undefined)
}

/** A contract has not been compiled, or its artefact is damaged. */
export class ContractsNotBuiltError extends ProverError {
  readonly code = 'registry.contracts-not-built'
  readonly contract: string

  constructor(contract: string, cause: unknown) {
    super(`There is no compiled ${contract}. Build the project with \`npm run build\`.`, { cause })
    this.contract = contract
  }
}
