import { volatilityModels as rows, type VolatilityModelName } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import { ewma } from './ewma.ts'
import { garch } from './garch.ts'
import type { VolatilityModel } from './model.ts'
import { rangeMixture } from './rangeMixture.ts'

/** The twins of all volatility models, by the names that `circuits/statements/market.ts` gives their circuits. */
export const volatilityModels = { ewma, garch, rangeMixture } as const satisfies Record<
  VolatilityModelName,
  VolatilityModel
>

export type ModelName = VolatilityModelName

/** Names of {@link volatilityModels}, the one in production first. */
export const modelNames = Object.keys(volatilityModels) as readonly ModelName[]

/** The model of a name. @throws {@link UnknownModelError} */
export function volatilityModel(name: string): VolatilityModel {
  const model = modelNames.find((each) => each === name)
  if (model === undefined) throw new UnknownModelError(name)
  return volatilityModels[model]
}

/** The model of an id that governance binds markets by. @throws {@link UnknownModelError} */
export function volatilityModelOfId(id: number): VolatilityModel {
  const name = modelNames.find((each) => rows[each].id === id)
  if (name === undefined) throw new UnknownModelError(`${id}`)
  return volatilityModels[name]
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
