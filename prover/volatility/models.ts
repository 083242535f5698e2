import { ProverError } from '../errors.ts'
import { ewma } from './ewma.ts'
import { garch } from './garch.ts'
import type { VolatilityModel } from './model.ts'
import { rangeMixture } from './rangeMixture.ts'

/** All volatility models by name. To add one: its twin file, its circuit file, and a row here. */
export const volatilityModels = { ewma, garch, rangeMixture } as const satisfies Record<string, VolatilityModel>

export type ModelName = keyof typeof volatilityModels

/** Names of {@link volatilityModels}, the one in production first. */
export const modelNames = Object.keys(volatilityModels) as readonly ModelName[]

/** The model of a name. @throws {@link UnknownModelError} */
export function volatilityModel(name: string): VolatilityModel {
  const model = modelNames.find((each) => each === name)
  if (model === undefined) throw new UnknownModelError(name)
  return volatilityModels[model]
}

/** No volatility model has this name. */
export class UnknownModelError extends ProverError {
  readonly code = 'volatility.unknown-model'
  readonly model: string

  constructor(model: string) {
    super(`Expected a volatility model of ${modelNames.join(', ')}, got "${model}".`)
    this.model = model
  }
}
