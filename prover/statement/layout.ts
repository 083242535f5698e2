import { keccak256, toUtf8Bytes } from 'ethers'
import {
  type PackedWord,
  type PackedWordName,
  type PortfolioStatement,
  type PortfolioStatementName,
  packedWords,
  portfolioStatements,
  SLOW_HALF_LIFE_SHIFT,
  statements,
} from '../../circuits/statements.ts'

/**
 * Hash of a statement's declaration: its places, the fields of their words, and the model's fixed constants.
 *
 * Contract, circuit manifest and prover compare it, so that two sides which read words differently never meet.
 */
export function layoutHash(statement: keyof typeof statements): string {
  const { shared, marketInputs, marketOutputs } = statements[statement]
  const groups = [shared, marketInputs, marketOutputs]
  const places = groups.map((group) => group.map((place) => [place.name, place.word]))
  // Two observations share a word, so their place does not bear the name of a packed word.
  const names = groups.flat().map(({ word }) => (word === 'observations' ? 'observation' : word))
  return hash({ statement, places, words: declarationsOf(names), SLOW_HALF_LIFE_SHIFT })
}

/** The same for a statement about options and portfolios. */
export function portfolioLayoutHash(statement: PortfolioStatementName): string {
  const { inputs, outputs }: PortfolioStatement = portfolioStatements[statement]
  const places = [inputs, outputs].map((groups) =>
    groups.map(({ repeat = null, sections }) => [
      repeat,
      sections.map(({ name, word, count = [], perWord = 1 }) => [name, word, count, perWord]),
    ]),
  )
  const names = [...inputs, ...outputs].flatMap(({ sections }) => sections.map(({ word }) => word))
  return hash({ statement, places, words: declarationsOf(names.filter((name) => name !== 'root')) })
}

/** Each word once, in the order of the declaration. */
const declarationsOf = (names: readonly PackedWordName[]): unknown =>
  Object.entries(packedWords as Record<string, PackedWord>)
    .filter(([name]) => (names as readonly string[]).includes(name))
    .map(([name, word]) => [name, word.fields.map((field) => [field.name, field.bits, field.signed ?? false])])

const hash = (declaration: unknown): string => keccak256(toUtf8Bytes(JSON.stringify(declaration)))
