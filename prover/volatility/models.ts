import {
  DEFAULT_VOLATILITY_MODEL,
  volatilityModels as rows,
  type VolatilityModelName,
} from '../../circuits/statements/index.ts'
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

/** Names of {@link volatilityModels}, in the order of their ids. */
export const modelNames = Object.keys(volatilityModels) as readonly ModelName[]

/** The one that markets are bound to unless governance says otherwise. */
export const defaultModel: VolatilityModel = volatilityModels[DEFAULT_VOLATILITY_MODEL]

/** A name that somebody typed. @throws {@link UnknownModelError} */
export function modelName(name: string): ModelName {
  const model = modelNames.find((each) => each === name)
  if (model === undefined) throw new UnknownModelError(name)
  return model
}

/**
 * The model of a name. @throws {@link UnknownModelError}
 *
 * @example
 * volatilityModel('rangeMixture').variances.length // → 3
 */
export const volatilityModel = (name: string): VolatilityModel => volatilityModels[modelName(name)]

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
