/** Books of accounts, each a fold over arrays. */
import type { ProvableMargin } from '../../../portfolio/accountMargin.ts'
import { CALLS_UNDER_WAY } from '../../../proof/backends/workerProver.ts'
import type { AccountBooks, ReportedAccount } from '../../../registry/index.ts'
import { stateBook } from '../../../statement/optionBook.ts'
import { underWay } from '../underWay.ts'
import { type ProvenArrays, rootsIn } from './arrays.ts'
import { modelOf, type PortfolioPlace } from './place.ts'
import type { ProofMaker } from './proofMaker.ts'

/** @param reported - in the order of the accounts, as are the results */
export async function proveBooks(
  place: PortfolioPlace,
  maker: Pick<ProofMaker, 'make'>,
  provables: readonly ProvableMargin[],
  reported: readonly ReportedAccount[],
  arrays: ProvenArrays,
): Promise<readonly AccountBooks[]> {
  const rootOf = rootsIn(arrays)
  const shards = provables.flatMap(({ chain }, account) => chain.shards.map((shard) => ({ account, shard })))
  if (shards.length === 0) return reported.map((report) => ({ ...report, books: [] }))
  const model = modelOf(place, 'optionBook')
  const made = await underWay(shards, CALLS_UNDER_WAY, async ({ account, shard }) => {
    const of = reported[account] as ReportedAccount
    const context = await place.client.accountContext(place.round, model.modelId, [of])
    const roots = shard.segments.map(({ array }) => rootOf(array))
    return { account, proven: await maker.make(model, await stateBook(model.build, context, shard, roots)) }
  })
  return reported.map((report, i) => ({
    ...report,
    books: made.filter((book) => book.account === i).map(({ proven }) => proven),
  }))
}
