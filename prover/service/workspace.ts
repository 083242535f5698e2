/** Builds of circuits and their keys, as they lie in the build folder. */
import { accessSync, constants, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Build,
  builds,
  buildsOf,
  defaultBuilds,
  DEFAULT_VOLATILITY_MODEL,
  marketBuilds,
  type MarketBuildName,
  type PortfolioStatementName,
  sizeOf,
  type VolatilityModelName,
  volatilityModelOf,
  volatilityModels,
} from '../../circuits/statements/index.ts'
import { buildFolder, HOW_TO_BUILD, isPackageAlone } from '../config.ts'
import { ProverError } from '../errors.ts'
import {
  type CircuitKeys,
  type CompiledCircuit,
  KeysMissingError,
  KeyStore,
  type VerifyingKeys,
} from '../proof/index.ts'
import type { portfolioStatementNames } from '../registry/layouts.ts'
import { shippedKeys } from '../registry/shipped.ts'

/**
 * Builds of a volatility model's family: the live one, and the one that drains backlogs, which is the live one again where
 * the family has no other.
 */
export function familyOf(model: VolatilityModelName): {
  readonly live: MarketBuildName
  readonly catchUp: MarketBuildName
} {
  const family = marketBuilds.filter((build) => volatilityModelOf(build) === volatilityModels[model].id)
  const ofSlots = (testEverySlot: number): MarketBuildName | undefined =>
    family.find((build) => sizeOf(build, 'testEverySlot') === testEverySlot)?.name
  const live = ofSlots(0)
  if (live === undefined) throw new UnknownBuildError(model)
  return { live, catchUp: ofSlots(1) ?? live }
}

/** The default model's live build, which every batch uses unless it drains a backlog, and the one that drains it. */
export const { live: LIVE_BUILD, catchUp: CATCH_UP_BUILD } = familyOf(DEFAULT_VOLATILITY_MODEL)

/** @throws {@link UnknownBuildError} */
export function buildOf(name: string): Build {
  const build = marketBuilds.find((candidate) => candidate.name === name)
  if (build === undefined) throw new UnknownBuildError(name)
  return build
}

/** The build that a statement is proven with unless another one is named. */
export function portfolioBuildOf(statement: PortfolioStatementName): Build {
  const build = buildsOf(statement)[0]
  if (build === undefined) throw new NoPortfolioBuildError(statement)
  return build
}

/**
 * A build as the circuit compiler left it.
 *
 * @throws {@link CircuitNotBuiltError}, {@link CircuitUnreadableError}
 */
export function compiledCircuit(name: string): CompiledCircuit {
  if (!builds.some((build) => build.name === name)) throw new UnknownBuildError(name)
  const file = (suffix: string): string => join(buildFolder, 'circuits', name, `${name}.${suffix}`)
  const circuit = { name, r1cs: file('r1cs'), wasm: file('wasm') }
  for (const path of [circuit.r1cs, circuit.wasm]) {
    try {
      accessSync(path, constants.R_OK)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new CircuitNotBuiltError(name, path)
      throw new CircuitUnreadableError(name, path, error)
    }
  }
  return circuit
}

/**
 * A folder of keys that is named is meant: one that is not there has no keys, and is most likely misspelt.
 *
 * @throws {@link KeysFolderMissingError}
 */
export function requireKeysFolder(folder: string | undefined): void {
  if (folder !== undefined && statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new KeysFolderMissingError(folder)
}

/** @param folder - of keys; the project's own by default */
export function keyStore(folder: string = join(buildFolder, 'keys')): KeyStore {
  return new KeyStore(folder)
}

/**
 * Keys of a build, every hash checked.
 *
 * @example
 * const { zkey, manifest } = await loadKeys('marketRiskRange6x2')
 * manifest.kind // → 'development'
 */
export async function loadKeys(name: string, folder?: string): Promise<CircuitKeys> {
  return keyStore(folder).load(compiledCircuit(name))
}

/** The same; undefined if the circuit is not built here, or has no keys yet. */
export async function loadKeysIfBuilt(name: string, folder?: string): Promise<CircuitKeys | undefined> {
  try {
    return await loadKeys(name, folder)
  } catch (error) {
    if (error instanceof CircuitNotBuiltError || error instanceof KeysMissingError) return undefined
    throw error
  }
}

/**
 * Keys to verify a build's proofs with: those of the circuit built here, or, in the package alone, those that ship.
 *
 * @example
 * const { verificationKey, manifest } = await loadVerifyingKeys('marketRiskRange6x2')
 * manifest.circuit // → 'marketRiskRange6x2'
 */
export async function loadVerifyingKeys(name: string, folder?: string): Promise<VerifyingKeys> {
  const build = builds.find((each) => each.name === name)
  if (build === undefined) throw new UnknownBuildError(name)
  return isPackageAlone ? shippedKeys(build.name, folder) : loadKeys(name, folder)
}

/** The same of all that prove parameters of markets: of the default model, and of whatever other models are at hand. */
export async function loadMarketVerifyingKeys(
  folder?: string,
  deployed?: readonly string[],
): Promise<readonly VerifyingKeys[]> {
  if (!isPackageAlone) return loadMarketKeys(folder, deployed)
  const wanted = marketBuilds.filter(({ name }) => deployed?.includes(name) ?? true)
  return Promise.all(wanted.map(({ name }) => shippedKeys(name, folder)))
}

/**
 * Keys of all that prove parameters of markets: of the default model, and of whatever other models have been built.
 *
 * @param deployed - builds that a deployment has models of, where there is one: others are not missed
 * @throws what {@link loadKeys} throws of the default model's, or of the first deployed one if there are no keys at all
 */
export async function loadMarketKeys(folder?: string, deployed?: readonly string[]): Promise<readonly CircuitKeys[]> {
  const isNeeded = ({ name }: Build): boolean =>
    defaultBuilds.some((build) => build.name === name) && (deployed === undefined || deployed.includes(name))
  const found = await Promise.all(
    (marketBuilds as readonly Build[]).map((build) =>
      isNeeded(build) ? loadKeys(build.name, folder) : loadKeysIfBuilt(build.name, folder),
    ),
  )
  const keys = found.filter((own) => own !== undefined)
  const [first] = deployed ?? []
  return keys.length === 0 && first !== undefined ? [await loadKeys(first, folder)] : keys
}

/** Keys of the builds that margins are proven with, by what they prove. */
export type PortfolioKeys = Readonly<Record<(typeof portfolioStatementNames)[number], CircuitKeys>>

/** @throws what {@link loadKeys} throws, above all if a circuit is not built */
export async function loadPortfolioKeys(folder?: string): Promise<PortfolioKeys> {
  const load = (statement: PortfolioStatementName) => loadKeys(portfolioBuildOf(statement).name, folder)
  return {
    riskArray: await load('riskArray'),
    optionBook: await load('optionBook'),
    portfolioMargin: await load('portfolioMargin'),
    marginsAlone: await load('marginsAlone'),
    unhealthyWitness: await load('unhealthyWitness'),
    scenarioWitness: await load('scenarioWitness'),
    arrayMargin: await load('arrayMargin'),
  }
}

/** The folder of keys that was named is none. */
export class KeysFolderMissingError extends ProverError {
  readonly code = 'service.keys-folder'
  readonly folder: string

  constructor(folder: string) {
    super(
      `Expected a folder of keys at ${folder}, there is none. Check its path, or leave --keys out to take the project’s own.`,
    )
    this.folder = folder
  }
}

/** There is no build of this name. */
export class UnknownBuildError extends ProverError {
  readonly code = 'service.unknown-build'
  readonly build: string

  constructor(build: string) {
    super(`Expected one of the builds ${builds.map(({ name }) => name).join(', ')}, got "${build}".`)
    this.build = build
  }
}

/** The compiler's output is not there. */
export class CircuitNotBuiltError extends ProverError {
  readonly code = 'service.circuit-not-built'
  readonly circuit: string
  readonly file: string

  constructor(circuit: string, file: string) {
    const missing = isPackageAlone
      ? `Circuit ${circuit} is not in the package, which computes, reads and verifies, but does not prove.`
      : `Circuit ${circuit} is not built: ${file} is missing.`
    super(`${missing} ${HOW_TO_BUILD}`)
    this.circuit = circuit
    this.file = file
  }
}

/** The compiler's output is there for another user. */
export class CircuitUnreadableError extends ProverError {
  readonly code = 'service.circuit-unreadable'
  readonly circuit: string
  readonly file: string

  constructor(circuit: string, file: string, cause: unknown) {
    super(
      `Circuit ${circuit} cannot be read: ${file}. Let the user who runs this read it, as \`chmod -R a+rX\` of the folder that holds it does.`,
      { cause },
    )
    this.circuit = circuit
    this.file = file
  }
}

/** No build proves such statements. */
export class NoPortfolioBuildError extends ProverError {
  readonly code = 'service.no-portfolio-build'
  readonly statement: string

  constructor(statement: string) {
    super(`Expected a build that proves ${statement} in circuits/statements/index.ts, found none.`)
    this.statement = statement
  }
}
