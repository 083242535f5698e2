/** Proofs that an account is below maintenance. */
import type { Landed } from '../../../registry/index.ts'
import { stateWitness } from '../../../statement/portfolioMargin.ts'
import type { MarginHeld } from './portfolios.ts'
import { modelOf, type PortfolioPlace } from './place.ts'
import { type PortfolioProver, proveStatement } from './proofMaker.ts'

/**
 * Proves that one scenario shows an account to be below maintenance, and has the registry mark it.
 *
 * @throws {@link NotUnhealthyError} if the scenario does not show it
 */
export async function proveUnhealthy(
  place: PortfolioPlace,
  { prover }: Pick<PortfolioProver, 'prover'>,
  { account, provable, books, held }: MarginHeld,
  scenario: number,
): Promise<Landed> {
  const { client, round } = place
  const model = modelOf(place, 'unhealthyWitness')
  const context = await client.accountContext(round, model.modelId, [{ account, sequence: held.sequence }])
  const { marginPolicy, round: market } = provable
  const stated = await stateWitness(model.build, context, provable.account, market, marginPolicy, scenario)
  const { proven } = await proveStatement(prover, model, stated)
  const witnessed = { account, sequence: held.sequence, books }
  return client.proveUnhealthy(round, modelOf(place, 'optionBook').modelId, model.modelId, witnessed, proven)
}
