/** Margins of accounts, as many accounts a proof as the build has places. */
import { ZeroHash } from 'ethers'
import { sizeOf } from '../../../../circuits/statements/index.ts'
import type { ProvableMargin } from '../../../portfolio/accountMargin.ts'
import { CALLS_UNDER_WAY } from '../../../proof/backends/workerProver.ts'
import type { AccountBooks, Landed, ProvenPortfolio, ReportedAccount } from '../../../registry/index.ts'
import { marginsCall, portfolioCall, type RegistryCall } from '../../../registry/portfolio/calldata.ts'
import { type StatedMargins, stateMargins } from '../../../statement/portfolioMargin.ts'
import { underWay } from '../underWay.ts'
import { marginModelOf, modelOf, type PortfolioModel, type PortfolioPlace } from './place.ts'
import type { ProofMaker } from './proofMaker.ts'

/** Margins of some accounts, the first of them at `from`. */
export type MarginBatch = { readonly stated: StatedMargins; readonly proven: ProvenPortfolio; readonly from: number }

/** @param reported - in the order of the accounts */
export async function proveMargins(
  place: PortfolioPlace,
  maker: Pick<ProofMaker, 'make'>,
  provables: readonly ProvableMargin[],
  reported: readonly ReportedAccount[],
): Promise<readonly MarginBatch[]> {
  if (provables.length === 0) return []
  const model = marginModelOf(place)
  const places = placesOf(model)
  const groups = Array.from({ length: Math.ceil(provables.length / places) }, (_, g) => g * places)
  return underWay(groups, CALLS_UNDER_WAY, async (from) => {
    const some = provables.slice(from, from + places)
    const { round: market, marginPolicy } = some[0] as ProvableMargin
    const batch = reported.slice(from, from + places)
    const context = await place.client.accountContext(place.round, model.modelId, batch)
    const accounts = some.map(({ account }) => account)
    const stated = await stateMargins(model.build, context, accounts, market, marginPolicy)
    return { stated, proven: await maker.make(model, stated), from }
  })
}

/** Lands margins, each batch with the books of its accounts; the registry must hold their arrays. */
export async function landMargins(
  place: PortfolioPlace,
  books: readonly AccountBooks[],
  batches: readonly MarginBatch[],
): Promise<readonly Landed[]> {
  if (batches.length === 0) return []
  const margin = marginModelOf(place)
  const hasBooks = books.some((each) => each.books.length > 0)
  const bookModelId = hasBooks ? modelOf(place, 'optionBook').modelId : ZeroHash
  const landed: Landed[] = []
  for (const { proven, from } of batches) {
    const some = books.slice(from, from + placesOf(margin))
    const given = [place.round, bookModelId, margin.modelId, some, proven] as const
    const isAlone = margin.build.statement === 'marginsAlone'
    landed.push(await (isAlone ? place.client.submitMargins(...given) : place.client.submitPortfolio(...given)))
  }
  return landed
}

/** The calls that land margins. */
export function marginCalls(
  place: PortfolioPlace,
  books: readonly AccountBooks[],
  batches: readonly MarginBatch[],
): readonly RegistryCall[] {
  const margin = marginModelOf(place)
  const hasBooks = books.some((each) => each.books.length > 0)
  const bookModelId = hasBooks ? modelOf(place, 'optionBook').modelId : ZeroHash
  return batches.map(({ proven, from }) => {
    const some = books.slice(from, from + placesOf(margin))
    const call = margin.build.statement === 'marginsAlone' ? marginsCall : portfolioCall
    return call(place.round, bookModelId, margin.modelId, some, proven)
  })
}

/** Accounts in one proof. */
export const placesOf = ({ build }: Pick<PortfolioModel, 'build'>): number => sizeOf(build, 'accounts')
