/** Proofs that an account is below maintenance: straight from arrays, or from its book where it is in too many. */
import type { ProvableMargin } from '../../../portfolio/accountMargin.ts'
import type { Landed, ProvenPortfolio } from '../../../registry/index.ts'
import { stateWitness } from '../../../statement/portfolioMargin.ts'
import { stateScenarioWitness } from '../../../statement/scenarioWitness.ts'
import { accountInArrays } from './inArrays.ts'
import { modelOf, type PortfolioModel, type PortfolioPlace } from './place.ts'
import { type PortfolioProver, type ProofMade, proveStatement } from './proofMaker.ts'

/** What a witness is proven with. */
type WitnessProver = Pick<PortfolioProver, 'prover' | 'onProof'>

/** An account of the place's round, whose arrays the registry holds. */
export type AccountToShow = {
  readonly account: string
  readonly provable: ProvableMargin
  /** Report that the witness is about. */
  readonly sequence: bigint
}

/** A witness straight from arrays, which whoever liquidates by it brings along. */
export type ArraysWitness = {
  readonly arrayModelId: string
  readonly witnessModelId: string
  readonly proven: ProvenPortfolio
}

/**
 * Proves that one scenario shows an account to be below maintenance, straight from the round's arrays. It takes no proof of the
 * account's book: the arrays are all that must have landed.
 *
 * @throws {@link TooManyArraysError} if the account is in more arrays, or its options in more expiries, than the witness opens
 * @throws {@link NotUnhealthyError} if the scenario does not show it
 */
export async function proveWitnessByArrays(
  place: PortfolioPlace,
  proving: WitnessProver,
  { account, provable, sequence }: AccountToShow,
  scenario: number,
): Promise<ArraysWitness> {
  const { client, round } = place
  const model = modelOf(place, 'scenarioWitness')
  const inArrays = await accountInArrays(model.build, provable)
  await client.requireScale(provable.priceScale ?? 0, [await client.account(account)])
  const context = await client.accountContext(round, model.modelId, [{ account, sequence }])
  const { marginPolicy, round: market } = provable
  const stated = await stateScenarioWitness(model.build, context, inArrays, market, marginPolicy, scenario)
  const { proven } = await proveWitness(proving, model, stated)
  return { arrayModelId: modelOf(place, 'riskArray').modelId, witnessModelId: model.modelId, proven }
}

/** The same, and has the registry mark the account. @throws what {@link proveWitnessByArrays} throws */
export async function proveUnhealthyByArrays(
  place: PortfolioPlace,
  proving: WitnessProver,
  shown: AccountToShow,
  scenario: number,
): Promise<Landed> {
  const { arrayModelId, witnessModelId, proven } = await proveWitnessByArrays(place, proving, shown, scenario)
  return place.client.proveUnhealthyByArrays(place.round, arrayModelId, witnessModelId, shown, proven)
}

async function proveWitness(
  { prover, onProof }: WitnessProver,
  model: PortfolioModel,
  stated: Parameters<typeof proveStatement>[2],
): Promise<ProofMade> {
  const made = await proveStatement(prover, model, stated)
  onProof?.(made, 1, 1)
  return made
}

/**
 * Proves that one scenario shows an account to be below maintenance, and has the registry mark it.
 *
 * @throws {@link NotUnhealthyError} if the scenario does not show it
 */
export async function proveUnhealthy(
  place: PortfolioPlace,
  proving: WitnessProver,
  { account, provable, books, sequence }: AccountToShow & { readonly books: readonly ProvenPortfolio[] },
  scenario: number,
): Promise<Landed> {
  const { client, round } = place
  const model = modelOf(place, 'unhealthyWitness')
  await client.requireScale(provable.priceScale ?? 0, [await client.account(account)])
  const context = await client.accountContext(round, model.modelId, [{ account, sequence }])
  const { marginPolicy, round: market } = provable
  const stated = await stateWitness(model.build, context, provable.account, market, marginPolicy, scenario)
  const { proven } = await proveWitness(proving, model, stated)
  const witnessed = { account, sequence, books }
  return client.proveUnhealthy(round, modelOf(place, 'optionBook').modelId, model.modelId, witnessed, proven)
}
