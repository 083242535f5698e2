/** Proofs about options and portfolios as the contracts of a portfolio registry take them. */
import { AbiCoder, keccak256, type ParamType } from 'ethers'
import { ProverError } from '../../errors.ts'
import type { ProofCalldata } from '../../proof/index.ts'
import { COLLATERALS } from '../../../circuits/statements/index.ts'
import { joinList } from '../../statement/lists.ts'
import type { SectionWords, Stated } from '../../statement/state.ts'
import { pack, unpack, wordCount } from '../../statement/words.ts'
import { interfaceOf } from '../artifacts.ts'
import { expiriesHashOf, expiryHashesOf, expiryWordsOf, hashOfWords, type RoundWords } from './rounds.ts'

/** What a proof says, and the proof. */
export type ProvenPortfolio = {
  readonly stated: Pick<Stated, 'sections' | 'commitment'>
  readonly proof: ProofCalldata
}

/** An account, and how often the venue has reported it. */
export type ReportedAccount = { readonly account: string; readonly sequence: bigint }

/** Whose a proof is: what the registry ties it to besides its words. */
export function subjectOf(roundId: string, accounts: readonly ReportedAccount[]): string {
  const types = ['bytes32', 'address[]', 'uint256[]']
  const values = [roundId, accounts.map(({ account }) => account), accounts.map(({ sequence }) => sequence)]
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, values))
}

/** Hash of an account's last report, as {@link PortfolioClient.account} reads it back. */
export function bookHashOf(
  positions: readonly bigint[],
  holdings: bigint,
  collateralAmounts: readonly bigint[],
): string {
  const types = ['bytes32', 'uint256', `uint256[${collateralAmounts.length}]`]
  const values = [hashOfWords(positions), holdings, collateralAmounts]
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, values))
}

/** The contracts that take proofs of a round: of its arrays, of accounts. */
export const portfolioContracts = ['RiskArrays', 'PortfolioRegistry'] as const
export type PortfolioContract = (typeof portfolioContracts)[number]

/** Calls of one of them: a method and its arguments. */
export type RegistryCall = {
  readonly contract: PortfolioContract | 'OpenInterest'
  readonly method: string
  readonly args: readonly unknown[]
}

export const encodeRegistryCall = ({ contract, method, args }: RegistryCall): string =>
  interfaceOf(contract).encodeFunctionData(method, [...args])

/**
 * The call whose calldata this is, its arguments by name.
 *
 * @returns undefined if it is none of these contracts', or malformed
 */
export function decodeRegistryCall(
  calldata: string,
): { readonly method: string; readonly args: Readonly<Record<string, unknown>> } | undefined {
  try {
    const contract = portfolioContracts.find((name) => interfaceOf(name).getFunction(calldata.slice(0, 10)) !== null)
    const parsed = contract && interfaceOf(contract).parseTransaction({ data: calldata })
    if (!parsed) return undefined
    return { method: parsed.name, args: namedValues(parsed.fragment.inputs, parsed.args) }
  } catch {
    return undefined
  }
}

/** Decoded values as plain objects and arrays; touches every one, so that what is malformed throws here. */
export function namedValues(
  types: readonly ParamType[],
  values: readonly unknown[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(types.map((type, i) => [type.name, plainValue(type, values[i])]))
}

function plainValue(type: ParamType, value: unknown): unknown {
  if (type.isArray()) return Array.from(value as readonly unknown[], (each) => plainValue(type.arrayChildren, each))
  return type.isTuple() ? namedValues(type.components, value as readonly unknown[]) : value
}

/**
 * A submission of arrays.
 *
 * @throws {@link ExpiryUnknownError} if an array's expiry is none of the round's
 */
export function arraysCall(round: RoundWords, modelId: string, arrays: readonly ProvenPortfolio[]): RegistryCall {
  const items = arrays.map(({ stated: { sections, commitment } }) => {
    const expiryWords = expiryWordsOf(sections)
    const expiryIndex = round.expiries.findIndex((each) => sameWords(each, expiryWords))
    if (expiryIndex < 0)
      throw new ExpiryUnknownError(round.asOf, unpack('expiryForward', only(sections, 'expiryForward')).expiry)
    return { commitment, expiryIndex, expiryWords, arrayRoot: only(sections, 'arrayRoot') }
  })
  const strikeWords = arrays.flatMap(({ stated }) => stated.sections.strikes ?? [])
  const proofs = arrays.map(({ proof }) => proof)
  const place = [round.asOf, round.market, expiryHashesOf(round)]
  return { contract: 'RiskArrays', method: 'submitArrays', args: [...place, modelId, items, strikeWords, proofs] }
}

/** Opens a count of a round; see {@link PortfolioClient.openCount}. */
export const countCall = (round: RoundWords): RegistryCall => ({
  contract: 'OpenInterest',
  method: 'openCount',
  args: [round.asOf, expiriesHashOf(round), round.market],
})

/** An account with the proofs of its books, which may be none, and the report that they are about. */
export type AccountBooks = ReportedAccount & { readonly books: readonly ProvenPortfolio[] }

/**
 * A submission of margins.
 *
 * @param accounts by increasing address, in the places of the margin statement
 * @param margin   statement and proof about all of them
 */
export function portfolioCall(
  round: RoundWords,
  bookModelId: string,
  marginModelId: string,
  accounts: readonly AccountBooks[],
  margin: ProvenPortfolio,
): RegistryCall {
  const { sections, commitment } = margin.stated
  const items = heldAccounts(accounts, sections).map((held, i) => ({ held, ...resultsOf(sections, i) }))
  const batch = {
    bookModelId,
    marginModelId,
    commitment,
    emptyMargins: joinList('accountResults', placeOf(sections, accounts.length)),
  }
  const books = accounts.flatMap((each) => each.books)
  const words = accounts.flatMap((each) => bookWordsOf(each.books))
  const args = [roundArgument(round), batch, items, words, proofsOf(books), margin.proof]
  return { contract: 'PortfolioRegistry', method: 'submitPortfolio', args }
}

/**
 * A submission of one account's margins straight from arrays: {@link portfolioCall} without a book.
 *
 * @param arrayModelId of the arrays, which spares the contract looking it up
 */
export function arrayMarginCall(
  round: RoundWords,
  arrayModelId: string,
  marginModelId: string,
  { account, sequence }: ReportedAccount,
  { stated: { sections, commitment }, proof }: ProvenPortfolio,
): RegistryCall {
  const { arrayRoots, positions } = usedArrays(sections)
  const { collateralAmounts = [] } = sections
  const held = { account, sequence, arrays: arrayRoots.length, holdings: only(sections, 'holdings'), collateralAmounts }
  const item = { held, ...resultsOf(sections, 0) }
  const batch = { bookModelId: arrayModelId, marginModelId, commitment, emptyMargins: NOBODY }
  const args = [roundArgument(round), batch, [item], [...arrayRoots, ...positions], [], proof]
  return { contract: 'PortfolioRegistry', method: 'submitPortfolio', args }
}

/** As {@link portfolioCall}, of a proof of margins alone. */
export function marginsCall(
  round: RoundWords,
  bookModelId: string,
  marginModelId: string,
  accounts: readonly AccountBooks[],
  { stated: { sections, commitment }, proof }: ProvenPortfolio,
): RegistryCall {
  const { margins = [] } = sections
  const items = heldAccounts(accounts, sections).map((held, i) => ({ held, margins: margins[i] ?? 0n }))
  const batch = { bookModelId, marginModelId, commitment, emptyMargins: margins[accounts.length] ?? 0n }
  const books = accounts.flatMap((each) => each.books)
  const words = accounts.flatMap((each) => bookWordsOf(each.books))
  const args = [roundArgument(round), batch, items, words, proofsOf(books), proof]
  return { contract: 'PortfolioRegistry', method: 'submitMargins', args }
}

/** All that is proven of an account. */
function resultsOf(sections: SectionWords, i: number) {
  const at = (name: string): bigint => sections[name]?.[i] ?? 0n
  return { margins: at('margins'), thresholds: at('thresholds'), spotGreeks: at('spotGreeks'), risk: at('risk') }
}

/** No places are left to fill. */
const NOBODY = joinList('accountResults', { margins: [0n], thresholds: [0n], spotGreeks: [0n], risk: [0n] })

/** Accounts of a statement of margins, with what they hold. */
const heldAccounts = (accounts: readonly AccountBooks[], { holdings, collateralAmounts }: SectionWords) =>
  accounts.map(({ account, sequence, books }, i) => ({
    account,
    sequence,
    arrays: arraysOf(books),
    holdings: holdings?.[i] ?? 0n,
    collateralAmounts: collateralAmounts?.slice(COLLATERAL_WORDS * i, COLLATERAL_WORDS * (i + 1)) ?? [],
  }))

/** Words of a report, as the venue presents it. */
export type ReportWords = {
  readonly positions: readonly bigint[]
  readonly holdings: bigint
  readonly collateralAmounts: readonly bigint[]
}

const COLLATERAL_WORDS = wordCount('collateralAmount', COLLATERALS)

/** Of an account that another address has taken the place of. */
export const NOTHING_REPORTED: ReportWords = {
  positions: [],
  holdings: pack('holdings', { perpsE12: 0n, cashE12: 0n, perpPnlE12: 0n }),
  collateralAmounts: new Array<bigint>(COLLATERAL_WORDS).fill(0n),
}

/** A report as a submission presents it: holdings, amounts of collateral, positions. */
const presented = ({ positions, holdings, collateralAmounts }: ReportWords): readonly bigint[] => [
  holdings,
  ...collateralAmounts,
  ...positions,
]

/** A report that was presented. */
export const reportPresented = ([holdings = 0n, ...rest]: readonly bigint[]): ReportWords => ({
  holdings,
  collateralAmounts: rest.slice(0, COLLATERAL_WORDS),
  positions: rest.slice(COLLATERAL_WORDS),
})

/**
 * A submission of a witness that an account is below maintenance.
 *
 * @param present what the venue reported last, if the witness is about an earlier report
 */
export function witnessCall(
  round: RoundWords,
  bookModelId: string,
  witnessModelId: string,
  { account, sequence, books }: AccountBooks,
  { stated: { sections, commitment }, proof }: ProvenPortfolio,
  present?: ReportWords,
): RegistryCall {
  const witness = {
    bookModelId,
    witnessModelId,
    commitment,
    account,
    sequence,
    arrays: arraysOf(books),
    ...shownOf(sections),
  }
  return {
    contract: 'PortfolioRegistry',
    method: 'proveUnhealthy',
    args: [
      roundArgument(round),
      witness,
      present === undefined ? [] : presented(present),
      bookWordsOf(books),
      proofsOf(books),
      proof,
    ],
  }
}

/**
 * The same of a witness straight from arrays.
 *
 * @param arrayModelId of the arrays, which spares the contract looking it up
 * @param present what the venue reported last, if the witness is about an earlier report
 */
export function arraysWitnessCall(
  round: RoundWords,
  arrayModelId: string,
  witnessModelId: string,
  { account, sequence }: ReportedAccount,
  { stated: { sections, commitment }, proof }: ProvenPortfolio,
  present?: ReportWords,
): RegistryCall {
  const { arrayRoots, positions } = usedArrays(sections)
  const witness = {
    ...{ bookModelId: arrayModelId, witnessModelId, commitment, account, sequence, arrays: arrayRoots.length },
    ...shownOf(sections),
  }
  const arrayWords = [...arrayRoots, ...positions]
  return {
    contract: 'PortfolioRegistry',
    method: 'proveUnhealthyByArrays',
    args: [roundArgument(round), witness, present === undefined ? [] : presented(present), arrayWords, proof],
  }
}

/** What a witness says of an account, besides options. */
const shownOf = (sections: SectionWords) => ({
  holdings: only(sections, 'holdings'),
  collateralAmounts: sections.collateralAmounts ?? [],
  scenario: only(sections, 'choice'),
  bound: only(sections, 'bound'),
})

/** The sections of a place, of those that hold a word for each. */
const placeOf = (sections: SectionWords, place: number): SectionWords =>
  Object.fromEntries(Object.entries(sections).map(([name, words]) => [name, [words[place] ?? 0n]]))

/** A round as submissions name it. */
export const roundArgument = (round: RoundWords) => ({
  asOf: round.asOf,
  expiriesHash: expiriesHashOf(round),
  marketWords: round.market,
})

/**
 * Commitment, array roots, positions, state after, of each book of an account; flags, the state before, and what fills its last book
 * up follow.
 */
export const bookWordsOf = (books: readonly ProvenPortfolio[]): readonly bigint[] =>
  books.flatMap(({ stated: { sections, commitment } }, i) => {
    const { arrayRoots, positions } = i === books.length - 1 ? usedArrays(sections) : allArrays(sections)
    return [commitment, ...arrayRoots, ...positions, only(sections, 'stateOut')]
  })

/** How many arrays an account's books open: all places of each, and of the last one those that repetitions of an array do not fill. */
export function arraysOf(books: readonly ProvenPortfolio[]): number {
  const last = books.at(-1)
  if (last === undefined) return 0
  const places = books.slice(0, -1).reduce((sum, { stated }) => sum + allArrays(stated.sections).arrayRoots.length, 0)
  return places + usedArrays(last.stated.sections).arrayRoots.length
}

type Arrays = { readonly arrayRoots: readonly bigint[]; readonly positions: readonly bigint[] }

const allArrays = ({ arrayRoots = [], positions = [] }: SectionWords): Arrays => ({ arrayRoots, positions })

/** Without those that repeat the last array and hold nothing, at the same strikes. */
function usedArrays(sections: SectionWords): Arrays {
  const { arrayRoots, positions } = allArrays(sections)
  const strikes = positions.length / arrayRoots.length
  const of = (i: number): readonly bigint[] => positions.slice(strikes * i, strikes * (i + 1))
  let used = arrayRoots.length
  while (used > 1) {
    const [before, last] = [used - 2, used - 1]
    if (arrayRoots[before] !== arrayRoots[last] || !sameWords(of(last), of(before).map(withoutQuantities))) break
    used--
  }
  return { arrayRoots: arrayRoots.slice(0, used), positions: positions.slice(0, strikes * used) }
}

/**
 * The roots and positions of a proof from those that a call gives of it: what places are left repeats the last array.
 *
 * @param words   roots of arrays, then a position word for each of their strikes
 * @param places  arrays that the proof has room for
 * @param strikes of each
 * @throws {@link WordOutOfRangeError} if positions that are to be repeated are none
 */
export function filledArrays(words: readonly bigint[], places: number, strikes: number): Arrays {
  const used = Math.floor(words.length / (1 + strikes))
  const [roots, positions] = [words.slice(0, used), words.slice(used)]
  const lastRoot = roots.slice(-1)
  const lastPlace = positions.slice(-strikes).map(withoutQuantities)
  const left = used === 0 ? [] : new Array<undefined>(Math.max(0, places - used)).fill(undefined)
  return {
    arrayRoots: [...roots, ...left.flatMap(() => lastRoot)],
    positions: [...positions, ...left.flatMap(() => lastPlace)],
  }
}

/** The same strike of the same expiry, and nothing held of it. */
const withoutQuantities = (word: bigint): bigint =>
  pack('optionPosition', { ...unpack('optionPosition', word), callsE12: 0n, putsE12: 0n })

export const proofsOf = (books: readonly ProvenPortfolio[]): readonly ProofCalldata[] => books.map(({ proof }) => proof)

const sameWords = (a: readonly bigint[], b: readonly bigint[]): boolean => a.every((word, i) => word === b[i])
const only = (sections: SectionWords, name: string): bigint => sections[name]?.[0] ?? 0n

/** An array is of an expiry that the round does not have, or not with these words. */
export class ExpiryUnknownError extends ProverError {
  readonly code = 'registry.expiry-unknown'
  readonly asOf: bigint
  readonly expiry: bigint

  constructor(asOf: bigint, expiry: bigint) {
    super(`The round of ${asOf} has no expiry ${expiry} with these words. Price the round that is to be submitted.`)
    this.asOf = asOf
    this.expiry = expiry
  }
}
