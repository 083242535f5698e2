/** Books of accounts, folded again from the positions that the venue reported over arrays that were priced again. */
import { sizeOf } from '../../../circuits/statements/index.ts'
import type { PricedSurface } from '../../portfolio/accountMargin.ts'
import { type BookState, emptyBook, foldBook, type OptionPosition } from '../../portfolio/book.ts'
import type { AccountState } from '../../portfolio/margin.ts'
import type { BookShard } from '../../portfolio/sharding.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { type ReportWords, subjectOf } from '../../registry/portfolio/calldata.ts'
import { stateBook } from '../../statement/optionBook.ts'
import { unpack } from '../../statement/words.ts'
import { failed, summarise } from '../findings.ts'
import { type BooksArgument, type HeldItem, holdingsOf } from './calls.ts'
import { compareLists, holdsIf } from './comparisons.ts'
import type { ReportRecord } from './record.ts'
import type { BookReport } from './report.ts'
import { contextOf, isActive, judgeStatement, type Scene, type UsedModel, useModel } from './scene.ts'

/** An account's positions, folded again over arrays that were priced again. */
export type Folded = {
  readonly claims: readonly ClaimResult[]
  readonly books: readonly BookReport[]
  /** Undefined if it cannot be derived. */
  readonly account: AccountState | undefined
  readonly shards: readonly BookShard[]
  readonly arrays: readonly PricedSurface[]
  readonly positions: readonly OptionPosition[]
}

/** How far the books of a submission have been read. */
export type Reader = BooksArgument & { readonly model: UsedModel; readonly modelId: string; next: number }

export function readBooks(scene: Scene, { bookWords, bookProofs }: BooksArgument, modelId: string): Reader {
  const model: UsedModel =
    bookProofs.length === 0
      ? { claims: [], build: undefined, verificationKey: undefined }
      : useModel(scene, modelId, 'optionBook')
  return { bookWords, bookProofs, model, modelId, next: 0 }
}

/** Once all accounts are folded: the submission has as many words and proofs as their books. */
export const judgeBookCount = (reader: Reader): readonly ClaimResult[] => [
  compare('J1', 'bookWords.length', reader.bookProofs.length * bookSizes(reader).words, reader.bookWords.length),
  compare('J1', 'bookProofs.length', reader.next, reader.bookProofs.length),
]

/** Commitment, array roots, positions, state after the book. */
function bookSizes({ model }: Reader): { readonly segments: number; readonly strikes: number; readonly words: number } {
  const size = (name: string): number => (model.build === undefined ? 0 : sizeOf(model.build, name))
  const [segments, strikes] = [size('segments'), size('strikes')]
  return { segments, strikes, words: 1 + segments + segments * strikes + 1 }
}

/**
 * Folds all books of an account, and holds what they fold to what the venue reported last.
 *
 * @param about report that the books are about; what an earlier one said is not asked
 */
export async function foldAccount(
  scene: Scene,
  item: HeldItem,
  roundId: string,
  asOf: bigint,
  reader: Reader,
  about?: bigint,
): Promise<Folded> {
  const report = scene.ledger.reports.get(item.account)
  const sequence = about ?? report?.sequence ?? 0n
  const size = bookSizes(reader)
  const count = Number(item.books)
  const subject = subjectOf(roundId, [{ account: item.account, sequence }])
  const books: BookReport[] = []
  const shards: BookShard[] = []
  const arrays = new Set<PricedSurface>()
  const positions: OptionPosition[] = []
  const claims: ClaimResult[] = [
    ...reader.model.claims,
    holdsIf(count <= reader.bookProofs.length - reader.next, 'J1', 'books', 'a proof a book', item.books),
  ]
  const met: bigint[] = []
  let state: BookState | undefined = emptyBook
  for (let number = 1; number <= count && reader.next < reader.bookProofs.length; number++) {
    const from = reader.next * size.words
    const words = reader.bookWords.slice(from, from + size.words)
    const following = number < count ? reader.bookWords[from + size.words + 1 + size.segments] : undefined
    const folded = await foldOne(scene, { words, following, state, subject, asOf, reader })
    state = folded.shard?.after
    if (folded.shard !== undefined) shards.push(folded.shard)
    for (const array of folded.arrays) arrays.add(array)
    met.push(...folded.held)
    books.push({ number, positions: folded.held.length, ...summarise(folded.claims) })
    reader.next++
  }
  if (sequence === (report?.sequence ?? 0n)) claims.push(...compareReport(report, { ...item, positions: met }))
  let account: AccountState | undefined
  try {
    positions.push(...met.map((word) => unpack('optionPosition', word)))
    if (state !== undefined) account = { book: state, holdings: holdingsOf(item) }
  } catch (error) {
    claims.push(failed('R28', 'holdings', error))
  }
  return { claims, books, account, shards, arrays: [...arrays], positions }
}

/** What is said to be held is what the venue reported. */
export const compareReport = (report: ReportRecord | undefined, said: ReportWords): readonly ClaimResult[] => [
  ...compareLists('R28', 'positions', report?.positions ?? [], said.positions),
  compare('R28', 'holdings', report?.holdings, said.holdings),
  ...compareLists('R28', 'collateralAmounts', report?.collateralAmounts ?? [], said.collateralAmounts),
]

type FoldOne = {
  readonly words: readonly bigint[]
  /** First position word of the account's next book. */
  readonly following: bigint | undefined
  readonly state: BookState | undefined
  readonly subject: string
  readonly asOf: bigint
  readonly reader: Reader
}

async function foldOne(scene: Scene, { words, following, state, subject, asOf, reader }: FoldOne) {
  const { segments, strikes } = bookSizes(reader)
  const [commitment = 0n] = words
  const roots = words.slice(1, 1 + segments)
  const places = words.slice(1 + segments, -1)
  const claims: ClaimResult[] = []
  const arrays: PricedSurface[] = []
  const held: bigint[] = []
  let shard: BookShard | undefined
  try {
    const positions = places.map((word) => unpack('optionPosition', word))
    held.push(...places.filter((_, i) => positions[i]?.callsE12 !== 0n || positions[i]?.putsE12 !== 0n))
    const expiries = roots.map((_, e) => positions[e * strikes]?.expiry ?? 0n)
    const after = following === undefined ? 0n : unpack('optionPosition', following).expiry
    for (const [e, root] of roots.entries()) {
      const { claims: found, priced } = judgeArrayUse(scene, root, asOf, expiries[e] ?? 0n, e)
      claims.push(...found)
      if (priced !== undefined) arrays.push(priced)
    }
    const { build, verificationKey } = reader.model
    if (state === undefined || arrays.length < segments || build === undefined || verificationKey === undefined) {
      claims.push(compare('L2', 'stateOut', 'a state that follows from the arrays', words.at(-1)))
    } else {
      const folded = arrays.map(({ array }, e) => ({
        array,
        positions: positions.slice(e * strikes, (e + 1) * strikes),
        // As the contract decides it: an expiry is valued as a whole.
        continues: (expiries[e + 1] ?? after) === expiries[e],
      }))
      shard = { segments: folded, before: state, after: foldBook(state, folded) }
      const { stated, stateOut } = await stateBook(build, contextOf(scene, reader.modelId, subject), shard, roots)
      const proof = reader.bookProofs[reader.next] ?? []
      claims.push(
        compare('L2', 'stateOut', stateOut, words.at(-1)),
        ...(await judgeStatement(scene, 'book', stated, commitment, proof, verificationKey)),
      )
    }
  } catch (error) {
    claims.push(failed('L2', 'positions', error))
  }
  return { claims, arrays, held, shard }
}

/** A book's array was proven for its round, expiry and policy, by a model that is still active, and follows from them. */
function judgeArrayUse(scene: Scene, root: bigint, asOf: bigint, expiry: bigint, segment: number) {
  const { ledger } = scene
  const held = ledger.arrays.get(root)
  const version = ledger.policy?.version
  const expected = `an array of round ${asOf}, expiry ${expiry}, policy ${version}`
  const fits = held?.asOf === asOf && held.expiry === expiry && held.policyVersion === version
  const found = held === undefined ? root : `round ${held.asOf}, expiry ${held.expiry}, policy ${held.policyVersion}`
  const at = `arrayRoots[${segment}]`
  const model = held !== undefined && isActive(scene, held.modelId) ? 'an active model' : 'a model that is not active'
  const claims = [holdsIf(fits, 'R28', at, expected, found), compare('R54', at, 'an active model', model)]
  return { claims, priced: fits ? held.priced : undefined }
}
