/** Accounts whose options are in so few arrays that one proof opens them all, without a proof of a book. */
import { type Build, sizeOf } from '../../../../circuits/statements/index.ts'
import type { PricedSurface, ProvableMargin } from '../../../portfolio/accountMargin.ts'
import type { PricedArray } from '../../../portfolio/book.ts'
import { type BookShard, shardBook, wholeShard } from '../../../portfolio/sharding.ts'
import { rootOfArray } from '../../../statement/riskArray.ts'
import type { AccountInArrays } from '../../../statement/scenarioWitness.ts'
import type { PortfolioPlace } from './place.ts'

const partsOf = (build: Build, { positions, arrays }: ProvableMargin): Parameters<typeof shardBook> => [
  positions,
  arrays.map(({ array }) => array),
  { segments: sizeOf(build, 'arrays'), expiries: sizeOf(build, 'expiries') },
]

/** Whether an account has options, in as few arrays and expiries as a build opens. */
export const opensArraysOf = (build: Build, provable: ProvableMargin): boolean =>
  shardBook(...partsOf(build, provable)).shards.length === 1

/**
 * The account as such a build sees it.
 *
 * @throws {@link TooManyArraysError} if it is in more arrays or expiries, or has no options
 */
export async function accountInArrays(
  build: Build,
  provable: ProvableMargin,
  rootOf: (array: PricedArray) => Promise<bigint> | bigint = rootOfArray,
): Promise<AccountInArrays> {
  const { segments }: BookShard = wholeShard(...partsOf(build, provable))
  const arrayRoots = await Promise.all(segments.map(({ array }) => rootOf(array)))
  return { segments, arrayRoots, holdings: provable.account.holdings }
}

/** Arrays of an account that the registry does not hold yet. */
export async function arraysNotHeld(
  { client, round }: Pick<PortfolioPlace, 'client' | 'round'>,
  { arrays }: ProvableMargin,
): Promise<readonly PricedSurface[]> {
  const held = await Promise.all(
    arrays.map(async ({ array }) => client.isArrayInForce(await rootOfArray(array), round.asOf, array.header.expiry)),
  )
  return arrays.filter((_, i) => held[i] === false)
}
