/** Books of accounts, folded again from the positions that the venue reported over arrays that were priced again. */
import { sizeOf } from '../../../circuits/statements/index.ts'
import type { PricedSurface } from '../../portfolio/accountMargin.ts'
import { type BookSegment, type BookState, emptyBook, foldBook, type OptionPosition } from '../../portfolio/book.ts'
import type { AccountState } from '../../portfolio/margin.ts'
import type { BookShard } from '../../portfolio/sharding.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { filledArrays, type ReportWords, subjectOf } from '../../registry/portfolio/calldata.ts'
import { positionWord, stateBook } from '../../statement/optionBook.ts'
import type { AccountInArrays } from '../../statement/scenarioWitness.ts'
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

/** How far the books of a submission have been read: proofs and words. */
export type Reader = BooksArgument & {
  readonly model: UsedModel
  readonly modelId: string
  next: number
  nextWord: number
}

export function readBooks(scene: Scene, { bookWords, bookProofs }: BooksArgument, modelId: string): Reader {
  const model: UsedModel =
    bookProofs.length === 0
      ? { claims: [], build: undefined, verificationKey: undefined }
      : useModel(scene, modelId, 'optionBook')
  return { bookWords, bookProofs, model, modelId, next: 0, nextWord: 0 }
}

/** Once all accounts are folded: the submission has as many words and proofs as their books. */
export const judgeBookCount = (reader: Reader): readonly ClaimResult[] => [
  compare('J1', 'bookWords.length', reader.nextWord, reader.bookWords.length),
  compare('J1', 'bookProofs.length', reader.next, reader.bookProofs.length),
]

function bookSizes({ model }: Reader): { readonly segments: number; readonly strikes: number } {
  const size = (name: string): number => (model.build === undefined ? 0 : sizeOf(model.build, name))
  return { segments: size('segments'), strikes: size('strikes') }
}

/** How many arrays each book of an account opens: as many as it has segments, the last one what is left. */
function arraysOfBooks(arrays: number, segments: number): readonly number[] {
  if (arrays === 0) return []
  const last = segments === 0 ? arrays : ((arrays - 1) % segments) + 1
  return [...new Array<number>(segments === 0 ? 0 : (arrays - last) / segments).fill(segments), last]
}

/** Books of an account, one after the other. */
export type FoldedBooks = Omit<Folded, 'account'> & {
  /** Where they lead; undefined if they cannot be folded. */
  readonly state: BookState | undefined
  /** Words of the positions that they met. */
  readonly met: readonly bigint[]
}

/**
 * Folds all books of an account, and holds what they fold to what the venue reported.
 *
 * @param report by default its last; of another than the books are about nothing is asked
 */
export async function foldAccount(
  scene: Scene,
  item: HeldItem,
  roundId: string,
  asOf: bigint,
  reader: Reader,
  report: ReportRecord | undefined = scene.ledger.reports.get(item.account),
): Promise<Folded> {
  const { sequence } = item
  const subject = subjectOf(roundId, [{ account: item.account, sequence }])
  const { state, met, ...folded } = await foldBooks(scene, { arrayCount: item.arrays, subject, asOf, reader })
  const claims = [...folded.claims]
  if (sequence === (report?.sequence ?? 0n)) claims.push(...compareReport(report, { ...item, positions: met }))
  let account: AccountState | undefined
  try {
    if (state !== undefined) account = { book: state, holdings: holdingsOf(item) }
  } catch (error) {
    claims.push(failed('R28', 'holdings', error))
  }
  return { ...folded, claims, account }
}

/** Folds a submission's next books, which are about a subject, as many as so many arrays of a round take. */
export async function foldBooks(
  scene: Scene,
  { arrayCount, subject, asOf, reader }: Pick<FoldOne, 'subject' | 'asOf' | 'reader'> & { readonly arrayCount: bigint },
): Promise<FoldedBooks> {
  const { segments, strikes } = bookSizes(reader)
  const mayBeThere = arrayCount <= BigInt(reader.bookWords.length)
  const used = mayBeThere ? arraysOfBooks(Number(arrayCount), segments) : []
  const hasProofs = mayBeThere && used.length <= reader.bookProofs.length - reader.next
  const books: BookReport[] = []
  const shards: BookShard[] = []
  const arrays = new Set<PricedSurface>()
  const positions: OptionPosition[] = []
  const claims: ClaimResult[] = [
    ...reader.model.claims,
    holdsIf(hasProofs, 'J1', 'arrays', 'a proof a book', arrayCount),
  ]
  const met: bigint[] = []
  let state: BookState | undefined = emptyBook
  for (const [i, opened] of used.entries()) {
    if (reader.next === reader.bookProofs.length) break
    const end = reader.nextWord + 2 + opened * (1 + strikes)
    const words = reader.bookWords.slice(reader.nextWord, end)
    const next = used[i + 1]
    const following = next === undefined ? undefined : reader.bookWords[end + 1 + next]
    const folded = await foldOne(scene, { words, following, state, subject, asOf, reader })
    state = folded.shard?.after
    if (folded.shard !== undefined) shards.push(folded.shard)
    for (const array of folded.arrays) arrays.add(array)
    met.push(...folded.held)
    books.push({ number: i + 1, positions: folded.held.length, ...summarise(folded.claims) })
    reader.next++
    reader.nextWord = end
  }
  try {
    positions.push(...met.map((word) => unpack('optionPosition', word)))
  } catch (error) {
    claims.push(failed('R28', 'positions', error))
    state = undefined
  }
  return { claims, books, state, shards, arrays: [...arrays], positions, met }
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
  const claims: ClaimResult[] = []
  const arrays: PricedSurface[] = []
  const held: bigint[] = []
  let shard: BookShard | undefined
  try {
    const { arrayRoots: roots, positions } = filledArrays(words.slice(1, -1), segments, strikes)
    const read = readSegments(scene, roots, positions, asOf, following)
    claims.push(...read.claims)
    arrays.push(...read.arrays)
    held.push(...read.held)
    const { segments: folded } = read
    const { build, verificationKey } = reader.model
    if (state === undefined || folded === undefined || build === undefined || verificationKey === undefined) {
      claims.push(compare('L2', 'stateOut', 'a state that follows from the arrays', words.at(-1)))
    } else {
      shard = { segments: folded, before: state, after: foldBook(state, folded) }
      const { stated, stateOut } = await stateBook(build, contextOf(scene, reader.modelId, subject), shard, roots)
      const proof = reader.bookProofs[reader.next] ?? []
      claims.push(
        compare('L2', 'stateOut', stateOut, words.at(-1)),
        ...(await judgeStatement('book', stated, commitment, proof, verificationKey)),
      )
    }
  } catch (error) {
    claims.push(failed('L2', 'positions', error))
  }
  return { claims, arrays, held, shard }
}

/**
 * Positions in arrays that were priced again; segments are undefined if an array was not.
 *
 * @param roots of the arrays
 * @param places position words, as many for each array
 * @param following first position word of the account's next book
 * @throws {@link WordOutOfRangeError}
 */
function readSegments(
  scene: Scene,
  roots: readonly bigint[],
  places: readonly bigint[],
  asOf: bigint,
  following?: bigint,
) {
  const strikes = places.length / roots.length
  const positions = places.map((word) => unpack('optionPosition', word))
  const held = places.filter((_, i) => positions[i]?.callsE12 !== 0n || positions[i]?.putsE12 !== 0n)
  const expiries = roots.map((_, e) => positions[e * strikes]?.expiry ?? 0n)
  const after = following === undefined ? 0n : unpack('optionPosition', following).expiry
  const used = roots.map((root, e) => judgeArrayUse(scene, root, asOf, expiries[e] ?? 0n, e))
  const arrays = used.flatMap(({ priced }) => (priced === undefined ? [] : [priced]))
  const segments = arrays.map(
    ({ array }, e): BookSegment => ({
      array,
      positions: positions.slice(e * strikes, (e + 1) * strikes),
      // As the contract decides it: an expiry is valued as a whole.
      continues: (expiries[e + 1] ?? after) === expiries[e],
    }),
  )
  return {
    claims: used.flatMap(({ claims }) => claims),
    arrays,
    held,
    segments: arrays.length < roots.length ? undefined : segments,
  }
}

/** What a statement says of an account that it takes straight from arrays. */
export type InArrays = Pick<Folded, 'claims' | 'positions' | 'arrays'> & {
  /** Undefined if it cannot be derived. */
  readonly account: AccountInArrays | undefined
}

/** An account straight from arrays: a claim for what each of them is, and the positions. */
export function readArrays(
  scene: Scene,
  item: HeldItem,
  arrayWords: readonly bigint[],
  { build }: UsedModel,
  asOf: bigint,
): InArrays {
  const size = (name: string): number => (build === undefined ? 0 : sizeOf(build, name))
  const [places, strikes] = [size('arrays'), size('strikes')]
  const arrays = Number(item.arrays)
  const claims: ClaimResult[] = [
    holdsIf(arrays >= 1 && arrays <= places, 'J1', 'arrays', `1 to ${places}`, item.arrays),
    compare('J1', 'arrayWords.length', arrays * (1 + strikes), arrayWords.length),
  ]
  try {
    const { arrayRoots, positions } = filledArrays(arrayWords, places, strikes)
    const read = readSegments(scene, arrayRoots, positions, asOf)
    const { segments } = read
    return {
      claims: [...claims, ...read.claims],
      positions: read.held.map((word) => unpack('optionPosition', word)),
      arrays: [...new Set(read.arrays)],
      account: segments === undefined ? undefined : { segments, arrayRoots, holdings: holdingsOf(item) },
    }
  } catch (error) {
    return { claims: [...claims, failed('L2', 'positions', error)], positions: [], arrays: [], account: undefined }
  }
}

/** The same, folded, and what it holds held to what the venue reported: {@link foldAccount} without books. */
export function foldArrays(
  { claims, positions, arrays, account: inArrays }: InArrays,
  item: HeldItem,
  report: ReportRecord | undefined,
): Folded {
  const isOfReport = item.sequence === (report?.sequence ?? 0n)
  const said = { ...item, positions: positions.map(positionWord) }
  const compared = [...claims, ...(isOfReport ? compareReport(report, said) : [])]
  const folded = { books: [], shards: [], arrays, positions }
  if (inArrays === undefined) return { claims: compared, ...folded, account: undefined }
  try {
    const account = { book: foldBook(emptyBook, inArrays.segments), holdings: inArrays.holdings }
    return { claims: compared, ...folded, account }
  } catch (error) {
    return { claims: [...compared, failed('L2', 'positions', error)], ...folded, account: undefined }
  }
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
