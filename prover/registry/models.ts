/** Models as the model registry lists them. */
import { Contract, type Provider } from 'ethers'
import { type Build, modelSizesOf, type StatementName } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import { layoutHash } from '../statement/layout.ts'
import { interfaceOf } from './artifacts.ts'
import { ask, ContractRevertError } from './contractErrors.ts'
import { modelIdOf } from './deployment.ts'

export type ModelStatus = 'none' | 'active' | 'disabled'
const statuses: readonly ModelStatus[] = ['none', 'active', 'disabled']

export type ModelOnChain = {
  readonly modelId: string
  readonly verifier: string
  /** M, and K of each: see `IModelRegistry.Model`. */
  readonly places: number
  readonly slots: number
  readonly status: ModelStatus
  readonly allowsBacklog: boolean
  /** Id of the family; 0 of kinds that estimate no volatility. */
  readonly volatilityModel: number
  readonly layoutHash: string
  readonly verificationKeyHash: string
  readonly manifestHash: string
}

/** The model of a build under a key. */
export function readModel(
  provider: Provider,
  modelRegistry: string,
  build: string,
  verificationKeyHash: string,
): Promise<ModelOnChain> {
  return readModelById(provider, modelRegistry, modelIdOf(build, verificationKeyHash, layoutHash('marketRisk')))
}

export async function readModelById(provider: Provider, modelRegistry: string, modelId: string): Promise<ModelOnChain> {
  const contract = new Contract(modelRegistry, interfaceOf('ModelRegistry'), provider)
  const model = await contract.getFunction('modelOf')(modelId)
  return {
    modelId,
    verifier: model.verifier,
    places: Number(model.places),
    slots: Number(model.slots),
    status: statuses[Number(model.status)] ?? 'none',
    allowsBacklog: model.allowsBacklog,
    volatilityModel: Number(model.volatilityModel),
    layoutHash: model.layoutHash,
    verificationKeyHash: model.verificationKeyHash,
    manifestHash: model.manifestHash,
  }
}

/** Whether a registry takes proofs of a statement by a model now: listed, active, not paused. */
export async function isModelActive(
  provider: Provider,
  modelRegistry: string,
  modelId: string,
  statement: StatementName,
): Promise<boolean> {
  const contract = new Contract(modelRegistry, interfaceOf('ModelRegistry'), provider)
  try {
    await ask('Reading a model', () => contract.getFunction('activeModel')(modelId, layoutHash(statement)))
    return true
  } catch (error) {
    if (error instanceof ContractRevertError) return false
    throw error
  }
}

/**
 * Refuses a model that would not take a build's proofs, or would move markets by them that are bound to another family.
 *
 * @throws {@link ModelUnknownError}, {@link ModelDisabledError}
 */
export function checkModel(model: ModelOnChain, build: Build): void {
  if (model.status === 'disabled') throw new ModelDisabledError(build.name, model.modelId)
  const { places, slots, volatilityModel } = modelSizesOf(build)
  const fits = model.places === places && model.slots === slots && model.volatilityModel === volatilityModel
  if (model.status === 'none' || !fits) throw new ModelUnknownError(build.name, model.modelId)
}

/** The registry does not know this build under this key. */
export class ModelUnknownError extends ProverError {
  readonly code = 'registry.model-not-registered'
  readonly build: string
  readonly modelId: string

  constructor(build: string, modelId: string) {
    super(
      `The registry has no model ${build} with the keys at hand (${modelId}). ` +
        'Use the keys it was deployed with, or have the council register the model.',
    )
    this.build = build
    this.modelId = modelId
  }
}

/** The model was disabled. */
export class ModelDisabledError extends ProverError {
  readonly code = 'registry.model-disabled'
  readonly build: string
  readonly modelId: string

  constructor(build: string, modelId: string) {
    super(`Model ${build} (${modelId}) was disabled. Use another model.`)
    this.build = build
    this.modelId = modelId
  }
}
