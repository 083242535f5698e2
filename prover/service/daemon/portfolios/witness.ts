/** Proofs that an account is below maintenance: straight from arrays, or from its book where it is in too many. */
import { type Build, sizeOf } from '../../../../circuits/statements/index.ts'
import { ProverError } from '../../../errors.ts'
import type { ProvableMargin } from '../../../portfolio/accountMargin.ts'
import type { BookSegment } from '../../../portfolio/book.ts'
import { type BookSizes, shardBook } from '../../../portfolio/sharding.ts'
import type { Landed } from '../../../registry/index.ts'
import { stateWitness } from '../../../statement/portfolioMargin.ts'
import { rootOfArray } from '../../../statement/riskArray.ts'
import { stateScenarioWitness } from '../../../statement/scenarioWitness.ts'
import type { MarginHeld } from './portfolios.ts'
import { modelOf, type PortfolioPlace } from './place.ts'
import { type PortfolioProver, proveStatement } from './proofMaker.ts'

/** An account of the place's round, whose arrays the registry holds. */
export type AccountToShow = {
  readonly account: string
  readonly provable: ProvableMargin
  /** Report that the witness is about. */
  readonly sequence: bigint
}

/**
 * Proves that one scenario shows an account to be below maintenance, straight from the round's arrays, and has the registry mark
 * it. It takes no proof of the account's book: the arrays are all that must have landed.
 *
 * @throws {@link TooManyArraysError} if the account is in more arrays, or its options in more expiries, than the witness opens
 * @throws {@link NotUnhealthyError} if the scenario does not show it
 */
export async function proveUnhealthyByArrays(
  place: PortfolioPlace,
  { prover }: Pick<PortfolioProver, 'prover'>,
  { account, provable, sequence }: AccountToShow,
  scenario: number,
): Promise<Landed> {
  const { client, round } = place
  const model = modelOf(place, 'scenarioWitness')
  const segments = segmentsIn(model.build, account, provable)
  const arrayRoots = await Promise.all(segments.map(({ array }) => rootOfArray(array)))
  await client.requireScale(provable.priceScale ?? 0, [await client.account(account)])
  const context = await client.accountContext(round, model.modelId, [{ account, sequence }])
  const inArrays = { segments, arrayRoots, holdings: provable.account.holdings }
  const { marginPolicy, round: market } = provable
  const stated = await stateScenarioWitness(model.build, context, inArrays, market, marginPolicy, scenario)
  const { proven } = await proveStatement(prover, model, stated)
  return client.proveUnhealthyByArrays(round, model.modelId, { account, sequence }, proven)
}

/** An account's positions in as many arrays as a build of the witness opens. */
function segmentsIn(build: Build, account: string, { positions, arrays }: ProvableMargin): readonly BookSegment[] {
  const sizes = { segments: sizeOf(build, 'arrays'), expiries: sizeOf(build, 'expiries') }
  const { shards } = shardBook(
    positions,
    arrays.map(({ array }) => array),
    sizes,
  )
  const [shard] = shards
  if (shard === undefined || shards.length > 1) throw new TooManyArraysError(account, positions.length, sizes)
  return shard.segments
}

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
  await client.requireScale(provable.priceScale ?? 0, [await client.account(account)])
  const context = await client.accountContext(round, model.modelId, [{ account, sequence: held.sequence }])
  const { marginPolicy, round: market } = provable
  const stated = await stateWitness(model.build, context, provable.account, market, marginPolicy, scenario)
  const { proven } = await proveStatement(prover, model, stated)
  const witnessed = { account, sequence: held.sequence, books }
  return client.proveUnhealthy(round, modelOf(place, 'optionBook').modelId, model.modelId, witnessed, proven)
}

/** An account is in more arrays than a witness opens, or has no options at all: its book shows it. */
export class TooManyArraysError extends ProverError {
  readonly code = 'service.too-many-arrays'
  readonly account: string
  readonly positions: number

  constructor(account: string, positions: number, { segments, expiries }: BookSizes) {
    super(
      `Expected options of ${account} in 1 to ${segments} arrays of at most ${expiries} expiries, got ${positions} ` +
        'positions that are not. Show it from its book.',
    )
    this.account = account
    this.positions = positions
  }
}
