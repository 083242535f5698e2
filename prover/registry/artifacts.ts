/** Our contracts as the compiler left them: interface and code, from the build, or shipped with the package. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Interface } from 'ethers'
import type { JsonFragment } from 'ethers'
import { buildFolder, HOW_TO_BUILD, isPackageAlone } from '../config.ts'
import { ProverError } from '../errors.ts'
import { type Immutable, type ImmutableReferences, immutablesOf } from './immutables.ts'
import { readShipped } from './shipped.ts'

/** Where the source of each contract, or of the interface by which it is read, lies; verifiers are generated, one per build. */
export const contractSources = {
  RiskCouncil: 'contracts/registry/RiskCouncil.sol',
  ModelRegistry: 'contracts/registry/ModelRegistry.sol',
  PolicyChecks: 'contracts/parameters/PolicyChecks.sol',
  InboxPlaces: 'contracts/registry/InboxPlaces.sol',
  RiskRegistry: 'contracts/registry/RiskRegistry.sol',
  IObservationSource: 'contracts/market/IObservationSource.sol',
  AttestedFeed: 'contracts/market/AttestedFeed.sol',
  MedianFeed: 'contracts/market/MedianFeed.sol',
  PythAdapter: 'contracts/market/oracles/PythAdapter.sol',
  ChainlinkStreamsAdapter: 'contracts/market/oracles/ChainlinkStreamsAdapter.sol',
  ChainlinkFeedAdapter: 'contracts/market/oracles/ChainlinkFeedAdapter.sol',
  PythAccumulator: 'contracts/market/oracles/PythAccumulator.sol',
  RedStoneAdapter: 'contracts/market/oracles/RedStoneAdapter.sol',
  IPlausibleInbox: 'contracts/market/IPlausibleInbox.sol',
  AttestedRounds: 'contracts/market/AttestedRounds.sol',
  ScaledFeed: 'contracts/market/ScaledFeed.sol',
  ScaledRounds: 'contracts/market/ScaledRounds.sol',
  RiskArrays: 'contracts/registry/RiskArrays.sol',
  PortfolioRegistry: 'contracts/registry/PortfolioRegistry.sol',
  CrossMarginRegistry: 'contracts/registry/CrossMarginRegistry.sol',
  OpenInterest: 'contracts/registry/OpenInterest.sol',
  BatchVerifier: 'contracts/proof/BatchVerifier.sol',
  Improvement: 'contracts/registry/Improvement.sol',
  PortfolioPolicyBounds: 'contracts/parameters/PortfolioPolicyBounds.sol',
  OptionsVenue: 'contracts/consumers/OptionsVenue.sol',
  VenueOrders: 'contracts/consumers/VenueOrders.sol',
  HedgingAgent: 'contracts/consumers/HedgingAgent.sol',
} as const

export type ContractName = keyof typeof contractSources

/** A compiled contract. */
export type Artifact = {
  readonly abi: readonly JsonFragment[]
  /** Creation code, 0x-hexadecimal. */
  readonly bytecode: string
  /** Runtime code, 0x-hexadecimal. */
  readonly deployedBytecode: string
}

/** A compiled contract, and what its constructor leaves in its code. */
export type CompiledContract = Artifact & { readonly immutables: readonly Immutable[] }

/**
 * A contract of the engine.
 *
 * @throws {@link ContractsNotBuiltError} if it has not been compiled
 * @example
 * artifactOf('RiskRegistry').bytecode.startsWith('0x60') // → true
 */
export function artifactOf(contract: ContractName): Artifact {
  return readArtifact(contract, contractSources[contract])
}

/**
 * The same with its immutables by name: what deployed code is compared with.
 *
 * @throws {@link ContractsNotBuiltError}
 */
export function compiledContractOf(contract: ContractName): CompiledContract {
  const known = compiled.get(contract)
  if (known !== undefined) return known
  const artifact = artifactOf(contract)
  const made = isPackageAlone
    ? (artifact as CompiledContract)
    : { ...artifact, immutables: immutablesIn(artifact as Artifact & ImmutableReferences, contract) }
  compiled.set(contract, made)
  return made
}

const compiled = new Map<ContractName, CompiledContract>()

function immutablesIn(artifact: ImmutableReferences, contract: ContractName): readonly Immutable[] {
  try {
    return immutablesOf(join(buildFolder, 'artifacts'), artifact)
  } catch (error) {
    throw new ContractsNotBuiltError(contract, error)
  }
}

/** Name of the generated verifier contract of a build: `marketRisk8x2` → `MarketRisk8x2Verifier`. */
export function verifierNameOf(build: string): string {
  return `${build.charAt(0).toUpperCase()}${build.slice(1)}Verifier`
}

/**
 * The generated verifier of a build.
 *
 * @throws {@link ContractsNotBuiltError} if it has not been compiled
 * @example
 * verifierArtifactOf('marketRiskRange6x2').abi.length > 0 // → true
 */
export function verifierArtifactOf(build: string): Artifact {
  const name = verifierNameOf(build)
  return readArtifact(name, `build/contracts/${name}.sol`)
}

/**
 * How a contract is called; parsed once.
 *
 * @example
 * interfaceOf('RiskRegistry').getFunction('submit') !== null // → true
 */
export function interfaceOf(contract: ContractName): Interface {
  const known = interfaces.get(contract)
  if (known !== undefined) return known
  const made = new Interface(artifactOf(contract).abi)
  interfaces.set(contract, made)
  return made
}

const interfaces = new Map<ContractName, Interface>()

function readArtifact(name: string, source: string): Artifact {
  if (isPackageAlone) return JSON.parse(readShipped(`artifacts/${name}.json`)) as Artifact
  try {
    return JSON.parse(readFileSync(join(buildFolder, 'artifacts', source, `${name}.json`), 'utf8')) as Artifact
  } catch (error) {
    throw new ContractsNotBuiltError(name, error)
  }
}

/** A contract has not been compiled, or its artefact is damaged. */
export class ContractsNotBuiltError extends ProverError {
  readonly code = 'registry.contracts-not-built'
  readonly contract: string

  constructor(contract: string, cause: unknown) {
    super(`There is no compiled ${contract}. ${HOW_TO_BUILD}`, { cause })
    this.contract = contract
  }
}
