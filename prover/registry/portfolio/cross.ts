/** Margins of accounts over several markets as their contract takes them. */
import { AbiCoder, concat, keccak256, toBeHex } from 'ethers'
import { COLLATERALS } from '../../../circuits/statements/index.ts'
import { wordCount } from '../../statement/words.ts'
import {
  arraysOf,
  bookWordsOf,
  type ProvenPortfolio,
  proofsOf,
  type ReportedAccount,
  roundArgument,
} from './calldata.ts'
import { hashOfWords, type RoundWords } from './rounds.ts'

/** A call of the contract of margins over several markets. */
export type CrossCall = {
  readonly contract: 'CrossMarginRegistry'
  readonly method: string
  readonly args: readonly unknown[]
}

/** What a venue reports of an account: words of each market, and of its collateral once. */
export type CrossReportWords = {
  /** By market. */
  readonly positions: readonly (readonly bigint[])[]
  /** By market; cash with the first. */
  readonly holdings: readonly bigint[]
  readonly collateralAmounts: readonly bigint[]
}

/** An account with the proofs of its books in each market, and the report that they are about. */
export type CrossBooks = ReportedAccount & { readonly books: readonly (readonly ProvenPortfolio[])[] }

const coder = AbiCoder.defaultAbiCoder()
const COLLATERAL_WORDS = wordCount('collateralAmount', COLLATERALS)

/** Whose margins a proof is about: one round of each market, one report of each account. */
export function crossSubjectOf(roundIds: readonly string[], accounts: readonly ReportedAccount[]): string {
  const values = [roundIds, accounts.map(({ account }) => account), accounts.map(({ sequence }) => sequence)]
  return keccak256(coder.encode(['bytes32[]', 'address[]', 'uint256[]'], values))
}

/** What an account's books in one market are about. */
export const partSubjectOf = (roundId: string, { account, sequence }: ReportedAccount): string =>
  keccak256(coder.encode(['bytes32', 'address', 'uint256'], [roundId, account, sequence]))

/** Hash of a report, as the contract keeps it. */
export const crossBookHashOf = ({ positions, holdings, collateralAmounts }: CrossReportWords): string =>
  keccak256(
    concat([
      ...positions.map((words) => hashOfWords(words)),
      ...[...holdings, ...collateralAmounts].map((word) => toBeHex(word, 32)),
    ]),
  )

export const crossReportCall = (
  account: string,
  { positions, holdings, collateralAmounts }: CrossReportWords,
): CrossCall => ({
  contract: 'CrossMarginRegistry',
  method: 'reportCrossAccount',
  args: [account, positions, holdings, collateralAmounts],
})

/**
 * A submission of margins over several markets.
 *
 * @param rounds   one a market
 * @param accounts by increasing address, in the places of the margin statement
 * @param margin   statement and proof about all of them
 */
export function crossMarginsCall(
  rounds: readonly RoundWords[],
  bookModelId: string,
  marginModelId: string,
  accounts: readonly CrossBooks[],
  { stated: { sections, commitment }, proof }: ProvenPortfolio,
): CrossCall {
  const { margins = [], holdings = [], collateralAmounts = [] } = sections
  const part = <T>(words: readonly T[], size: number, i: number): readonly T[] => words.slice(size * i, size * (i + 1))
  const items = accounts.map(({ account, sequence, books }, i) => ({
    account,
    sequence,
    arrays: books.map(arraysOf),
    holdings: part(holdings, rounds.length, i),
    collateralAmounts: part(collateralAmounts, COLLATERAL_WORDS, i),
    margins: margins[i] ?? 0n,
  }))
  const batch = { bookModelId, marginModelId, commitment, emptyMargins: margins[accounts.length] ?? 0n }
  const books = accounts.flatMap((each) => each.books.flat())
  const words = accounts.flatMap((each) => each.books.flatMap(bookWordsOf))
  const args = [rounds.map(roundArgument), batch, items, words, proofsOf(books), proof]
  return { contract: 'CrossMarginRegistry', method: 'submitCrossMargins', args }
}
