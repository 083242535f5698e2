/**
 * Proves margins of accounts on a chain where policy, round and accounts are in force already, and lands them: arrays, then
 * books, then margins, each tied to the one before.
 */
import { ProverError } from '../../../errors.ts'
import type { ProvableMargin } from '../../../portfolio/accountMargin.ts'
import type { AccountBooks, Landed, ProvenMargin, ProvenPortfolio } from '../../../registry/index.ts'
import type { StatedMargins } from '../../../statement/portfolioMargin.ts'
import { arraysCalls, arraysOf, type ArraysWanted, landArrays, proveArrays } from './arrays.ts'
import { proveBooks } from './books.ts'
import { type ArrayMargin, apartCalls, apartFrom, landApart, proveApart } from './arrayMargins.ts'
import { landMargins, marginCalls, type MarginBatch, placesOf, proveMargins } from './margins.ts'
import { type AccountToProve, marginModelOf, type PortfolioPlace } from './place.ts'
import { type PortfolioProver, ProofMaker, type ProofMade } from './proofMaker.ts'

/** An account whose margin a contract holds. */
export type MarginHeld = {
  readonly account: string
  readonly provable: ProvableMargin
  readonly books: readonly ProvenPortfolio[]
  /** As the contract answers. */
  readonly held: ProvenMargin
}

export type PortfolioLanded = {
  readonly proofs: readonly ProofMade[]
  readonly accounts: readonly MarginHeld[]
  readonly batches: readonly StatedMargins[]
  readonly landed: { readonly arrays: readonly Landed[]; readonly margins: readonly Landed[] }
}

/**
 * Proves accounts of one round and policy and has the registry hold their margins.
 *
 * Arrays that accounts share are proven once. An account of few options that would have a proof of margins to itself is proven
 * straight from its arrays, where that can be (see {@link apartFrom}). Proofs do not wait for each other, for the twin knows what each arrives at;
 * transactions do.
 *
 * @param accounts - by increasing address, of the place's round; see {@link roundWordsOf}
 * @param wanted - whether arrays that are in force already are proven too
 * @param land - each transaction once the one before it is mined, or {@link landTogether}
 * @throws {@link MarginDiffersError} if the registry holds another margin than the twin computed
 * @throws what provers and the registry throw; then nothing is half in force
 * @example
 * const answer = await marginOf(readAccount('portfolio.json', {}))
 * const account = '0x1111111111111111111111111111111111111111'
 * async function prove(client, models, prover) {
 *   const round = roundWordsOf(marketIdOf('BTC-USD'), [answer.provable])
 *   return provePortfolios({ client, models, round }, { prover }, [{ account, provable: answer.provable }])
 * }
 */
export async function provePortfolios(
  place: PortfolioPlace,
  proving: PortfolioProver,
  accounts: readonly AccountToProve[],
  wanted: ArraysWanted = 'all',
  land: Landing = landInTurn,
): Promise<PortfolioLanded> {
  const { client } = place
  const provables = accounts.map(({ provable }) => provable)
  const reported = await Promise.all(accounts.map(({ account }) => client.account(account)))
  for (const [i, { priceScale = 0 }] of provables.entries())
    await client.requireScale(priceScale, reported.slice(i, i + 1))
  const apart = apartFrom(place.models, provables)
  const together = <T>(of: readonly T[]): readonly T[] => of.filter((_, i) => i !== apart)
  const maker = new ProofMaker(proving, countProofs(place, provables, together(provables)))
  const arrays = await proveArrays(place, maker, provables, wanted)
  const books = await proveBooks(place, maker, together(provables), together(reported), arrays)
  const batches = await proveMargins(place, maker, together(provables), together(reported))
  const own = await proveApart(
    place,
    maker,
    accounts.filter((_, i) => i === apart),
    arrays,
  )

  const ofArrays = [...arrays.values()].flatMap(({ proven }) => proven ?? [])
  const landed = await land(place, { arrays: ofArrays, books, batches, own })
  const booksOf = new Map(books.map((each) => [each.account, each.books]))
  const held = await Promise.all(
    accounts.map(async ({ account, provable }): Promise<MarginHeld> => {
      const margin = await client.margin(account)
      requireHeld(account, provable, margin)
      return { account, provable, books: booksOf.get(account) ?? [], held: margin }
    }),
  )
  const stated = [...batches, ...own].map((each) => each.stated)
  return { proofs: maker.made, accounts: held, batches: stated, landed }
}

/** How proofs of a round come into force. */
export type Landing = (place: PortfolioPlace, proven: ProvenRound) => Promise<PortfolioLanded['landed']>

type ProvenRound = {
  readonly arrays: readonly ProvenPortfolio[]
  readonly books: readonly AccountBooks[]
  readonly batches: readonly MarginBatch[]
  /** Margins straight from arrays. */
  readonly own: readonly ArrayMargin[]
}

const landInTurn: Landing = async (place, { arrays, books, batches, own }) => {
  const landedArrays = await landArrays(place, arrays)
  const margins = [...(await landMargins(place, books, batches)), ...(await landApart(place, own))]
  return { arrays: landedArrays, margins }
}

/** Without waiting in between, so that one block may take all: margins are not tried before they are sent, which arrays not in force forbid. */
export const landTogether: Landing = async (place, { arrays, books, batches, own }) => {
  const ofArrays = arraysCalls(place, arrays)
  const calls = [...ofArrays, ...marginCalls(place, books, batches), ...apartCalls(place, own)]
  const landed = await place.client.landTogether(calls)
  return { arrays: landed.slice(0, ofArrays.length), margins: landed.slice(ofArrays.length) }
}

/** @param together - those of them that are proven in batches */
function countProofs(
  place: PortfolioPlace,
  provables: readonly ProvableMargin[],
  together: readonly ProvableMargin[],
): number {
  const books = together.reduce((sum, { chain }) => sum + chain.shards.length, 0)
  const margins = together.length === 0 ? 0 : Math.ceil(together.length / placesOf(marginModelOf(place)))
  return arraysOf(provables).size + books + margins + provables.length - together.length
}

function requireHeld(account: string, { margin }: ProvableMargin, held: ProvenMargin): void {
  const pairs = [
    ['initialE8', margin.initialE8, held.initialE8],
    ['maintenanceE8', margin.maintenanceE8, held.maintenanceE8],
    ['worstScenario', BigInt(margin.worstScenario), BigInt(held.worstScenario)],
  ] as const
  for (const [field, expected, found] of pairs) {
    if (expected !== found) throw new MarginDiffersError(account, field, expected, found)
  }
}

/** The registry holds another margin than the twin computed: one of them is wrong. */
export class MarginDiffersError extends ProverError {
  readonly code = 'service.margin-differs'
  readonly account: string
  readonly field: string

  constructor(account: string, field: string, expected: bigint, found: bigint) {
    super(
      `Expected the registry to hold ${field} ${expected} for ${account}, it holds ${found}. Keep both and report it.`,
    )
    this.account = account
    this.field = field
  }
}
