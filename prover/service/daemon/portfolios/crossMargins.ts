/** Proves an account over several markets where everything it rests on is in force, and lands it: arrays, books, margins. */
import { ZeroHash } from 'ethers'
import type { ProvableMargin } from '../../../portfolio/accountMargin.ts'
import type { PricedArray } from '../../../portfolio/book.ts'
import type { ProvableCross } from '../../../portfolio/crossAccount.ts'
import type { ProvenPortfolio, ReportedAccount, RoundWords } from '../../../registry/index.ts'
import type { CrossBooks } from '../../../registry/portfolio/cross.ts'
import type { CrossClient } from '../../../registry/portfolio/crossClient.ts'
import { stateCrossMargins } from '../../../statement/crossMargins.ts'
import { stateBook } from '../../../statement/optionBook.ts'
import { rootOfArray, stateRiskArray } from '../../../statement/riskArray.ts'
import { ARRAYS_PER_TRANSACTION } from './arrays.ts'
import { modelOf, type PortfolioModels } from './place.ts'
import type { ProofMaker } from './proofMaker.ts'

/** Where an account over several markets is proven. */
export type CrossPlace = {
  readonly client: CrossClient
  readonly models: PortfolioModels
  /** Published, one a market. */
  readonly rounds: readonly RoundWords[]
  readonly account: string
}

export type CrossProven = {
  /** By market, those that were not in force. */
  readonly arrays: readonly (readonly ProvenPortfolio[])[]
  readonly account: CrossBooks
  readonly margin: ProvenPortfolio
}

/** Arrays of each market that the registry does not hold yet: the others need no proof. */
export const crossArraysToProve = (
  { client, rounds }: Pick<CrossPlace, 'client' | 'rounds'>,
  { parts }: ProvableCross,
): Promise<readonly (readonly ProvableMargin['arrays'][number][])[]> =>
  Promise.all(
    parts.map(async ({ arrays }, m) => {
      const asOf = rounds[m]?.asOf ?? 0n
      const held = await Promise.all(
        arrays.map(async ({ array }) => client.isArrayInForce(m, await rootOfArray(array), asOf, array.header.expiry)),
      )
      return arrays.filter((_, i) => held[i] === false)
    }),
  )

/** How many proofs an account takes. */
export const crossProofCount = ({ parts }: ProvableCross, toProve: readonly (readonly unknown[])[]): number =>
  toProve.reduce((sum, { length }) => sum + length, 0) +
  parts.reduce((sum, { chain }) => sum + chain.shards.length, 0) +
  1

/** @param toProve - arrays of each market; see {@link crossArraysToProve} */
export async function proveCrossMargins(
  place: CrossPlace,
  maker: ProofMaker,
  provable: ProvableCross,
  toProve: readonly (readonly ProvableMargin['arrays'][number][])[],
): Promise<CrossProven> {
  const { client, rounds } = place
  const reported = await client.account(place.account)
  const arrays: (readonly ProvenPortfolio[])[] = []
  const books: (readonly ProvenPortfolio[])[] = []
  for (const [m, part] of provable.parts.entries()) {
    arrays.push(await provePartArrays(place, maker, part, m, toProve[m] ?? []))
    books.push(await provePartBooks(place, maker, part, m, reported))
  }
  const model = modelOf(place, 'crossMargins')
  const context = client.marginContext(rounds, model.modelId, [reported])
  const stated = await stateCrossMargins(model.build, context, [provable.account], provable.markets, provable.policy)
  const { account, sequence } = reported
  return { arrays, account: { account, sequence, books }, margin: await maker.make(model, stated) }
}

async function provePartArrays(
  place: CrossPlace,
  maker: ProofMaker,
  { pricingPolicy }: ProvableMargin,
  m: number,
  toProve: readonly ProvableMargin['arrays'][number][],
): Promise<readonly ProvenPortfolio[]> {
  const proven: ProvenPortfolio[] = []
  for (const { surface, strikesE8 } of toProve) {
    const model = modelOf(place, 'riskArray')
    const context = place.client.arrayContext(m, place.rounds[m] as RoundWords, model.modelId)
    proven.push(await maker.make(model, await stateRiskArray(model.build, context, surface, pricingPolicy, strikesE8)))
  }
  return proven
}

async function provePartBooks(
  place: CrossPlace,
  maker: ProofMaker,
  { chain, arrays }: ProvableMargin,
  m: number,
  reported: ReportedAccount,
): Promise<readonly ProvenPortfolio[]> {
  const roots = new Map<PricedArray, bigint>()
  for (const { array } of arrays) roots.set(array, await rootOfArray(array))
  const books: ProvenPortfolio[] = []
  for (const shard of chain.shards) {
    const model = modelOf(place, 'optionBook')
    const context = place.client.partContext(place.rounds[m] as RoundWords, model.modelId, reported)
    const rootsOfShard = shard.segments.map(({ array }) => roots.get(array) ?? 0n)
    books.push(await maker.make(model, await stateBook(model.build, context, shard, rootsOfShard)))
  }
  return books
}

/** Lands what was proven. @returns gas used */
export async function landCrossMargins(
  place: CrossPlace,
  { arrays, account, margin }: CrossProven,
): Promise<{ readonly arrays: number; readonly margin: number }> {
  const { client, rounds } = place
  let ofArrays = 0n
  for (const [m, proven] of arrays.entries()) {
    for (let from = 0; from < proven.length; from += ARRAYS_PER_TRANSACTION) {
      const some = proven.slice(from, from + ARRAYS_PER_TRANSACTION)
      ofArrays += await client.submitArrays(m, rounds[m] as RoundWords, modelOf(place, 'riskArray').modelId, some)
    }
  }
  const hasBooks = account.books.some(({ length }) => length > 0)
  const bookModelId = hasBooks ? modelOf(place, 'optionBook').modelId : ZeroHash
  const marginModelId = modelOf(place, 'crossMargins').modelId
  const ofMargin = await client.submit(rounds, bookModelId, marginModelId, [account], margin)
  return { arrays: Number(ofArrays), margin: Number(ofMargin) }
}
