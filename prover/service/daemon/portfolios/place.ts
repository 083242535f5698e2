/** Where proofs about portfolios belong: a registry, the models it knows, and a round in force there. */
import type { Build } from '../../../../circuits/statements/index.ts'
import type { PortfolioStatementName } from '../../../../circuits/statements/index.ts'
import { ProverError } from '../../../errors.ts'
import type { ProvableMargin } from '../../../portfolio/accountMargin.ts'
import type { CircuitKeys } from '../../../proof/index.ts'
import type { PortfolioClient, RoundWords } from '../../../registry/index.ts'

/** What a statement is proven with, and the id under which the registry knows it. */
export type PortfolioModel = { readonly build: Build; readonly keys: CircuitKeys; readonly modelId: string }

export type PortfolioModels = Readonly<Partial<Record<PortfolioStatementName, PortfolioModel>>>

export type PortfolioPlace = {
  readonly client: PortfolioClient
  readonly models: PortfolioModels
  /** Published already, as the policy is set and the accounts are reported. */
  readonly round: RoundWords
}

/** An account as the venue last reported it. */
export type AccountToProve = { readonly account: string; readonly provable: ProvableMargin }

/** @throws {@link PortfolioModelMissingError} */
export function modelOf({ models }: Pick<PortfolioPlace, 'models'>, statement: PortfolioStatementName): PortfolioModel {
  const model = models[statement]
  if (model === undefined) throw new PortfolioModelMissingError(statement)
  return model
}

/** The model that margins are proven with: that of everything that is proven of accounts, where only margins alone are not meant. */
export const marginModelOf = (place: Pick<PortfolioPlace, 'models'>): PortfolioModel =>
  modelOf(
    place,
    place.models.portfolioMargin === undefined && place.models.marginsAlone ? 'marginsAlone' : 'portfolioMargin',
  )

/** Nothing is at hand that proves such statements there. */
export class PortfolioModelMissingError extends ProverError {
  readonly code = 'service.portfolio-model-missing'
  readonly statement: string

  constructor(statement: string) {
    super(`Expected a model of ${statement} that the registry knows, got none. Register one, or name its key.`)
    this.statement = statement
  }
}
