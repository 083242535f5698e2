import { concat, keccak256, toBeHex, zeroPadValue } from 'ethers'
import type { PortfolioBuild } from '../../circuits/builds.ts'
import {
  type Group,
  type PortfolioStatement,
  type PortfolioStatementName,
  portfolioStatements,
  type Section,
  type Size,
} from '../../circuits/statements.ts'
import { ProverError } from '../errors.ts'
import { evaluate, FIELD_ORDER } from './challenge.ts'
import { commit } from './commitment.ts'
import { portfolioLayoutHash } from './layout.ts'
import { WORD_LIMIT } from './words.ts'

/** Words of each section by its name; a repeated group's sections have the words of all its repetitions in turn. */
export type SectionWords = Readonly<Record<string, readonly bigint[]>>

/** Where a proof about options or portfolios belongs. */
export type PortfolioContext = {
  readonly chainId: bigint
  /** The contract that verifies. */
  readonly registry: string
  readonly modelId: string
  /** 32 bytes that say whose proof it is; the contract derives them from round, accounts and sequences. */
  readonly subject: string
}

/** What a proof says, ready to be proven and submitted. */
export type StatedPortfolio = {
  readonly build: PortfolioBuild
  readonly sections: SectionWords
  /** Input words, then output words. */
  readonly words: readonly bigint[]
  readonly commitment: bigint
  readonly challenge: bigint
  /** In the verifier's order. */
  readonly publicSignals: readonly [commitment: bigint, evaluation: bigint, challenge: bigint]
}

/** How many words a section takes in one repetition of its group. */
export function sectionWords({ count = [], perWord = 1 }: Section, sizes: PortfolioBuild['sizes']): number {
  const places = count.reduce<number>((product, factor) => product * resolve(factor, sizes), 1)
  return Math.ceil(places / perWord)
}

const resolve = (size: number | Size, sizes: PortfolioBuild['sizes']): number =>
  typeof size === 'number' ? size : (sizes[size] ?? 0)

/**
 * Lays the sections out in the order of the declaration.
 *
 * @param side - `inputs` are what the commitment covers
 * @throws {@link SectionLengthError} if a section has another number of words than the build takes
 * @throws {@link StatementWordError} if a word does not fit: 2^248, the field's order for a root
 */
export function layOut(build: PortfolioBuild, side: 'inputs' | 'outputs', sections: SectionWords): readonly bigint[] {
  const { [side]: groups }: PortfolioStatement = portfolioStatements[build.statement]
  return groups.flatMap((group) => layOutGroup(group, build, sections))
}

function layOutGroup({ repeat, sections }: Group, build: PortfolioBuild, words: SectionWords): readonly bigint[] {
  const times = repeat === undefined ? 1 : resolve(repeat, build.sizes)
  const runs = sections.map((section) => {
    const length = sectionWords(section, build.sizes)
    const given = words[section.name] ?? []
    if (given.length !== length * times)
      throw new SectionLengthError(build.name, section.name, given.length, length * times)
    const limit = section.word === 'root' ? FIELD_ORDER : WORD_LIMIT
    const bad = given.find((word) => word < 0n || word >= limit)
    if (bad !== undefined) throw new StatementWordError(build.name, section.name, bad)
    return { length, given }
  })
  return Array.from({ length: times }, (_, i) =>
    runs.flatMap(({ length, given }) => given.slice(i * length, (i + 1) * length)),
  ).flat()
}

/**
 * States a proof: words, commitment to the input words, and the random point that follows from all of it.
 *
 * @param sections - words of every section, inputs and outputs
 */
export async function statePortfolio(
  build: PortfolioBuild,
  context: PortfolioContext,
  sections: SectionWords,
): Promise<StatedPortfolio> {
  const inputs = layOut(build, 'inputs', sections)
  const words = [...inputs, ...layOut(build, 'outputs', sections)]
  const commitment = await commit(inputs)
  const challenge = portfolioChallenge(build.statement, context, commitment, words)
  return {
    build,
    sections,
    words,
    commitment,
    challenge,
    publicSignals: [commitment, evaluate(words, challenge), challenge],
  }
}

/** Signals of a circuit by name; arrays in signal order, however deep. */
export type CircuitSignals = { readonly [signal: string]: CircuitSignal }
type CircuitSignal = bigint | readonly CircuitSignal[]

/** What a circuit is given besides its private inputs: the challenge and the words of the input sections, by name. */
export function publicInput({
  build,
  sections,
  challenge,
}: StatedPortfolio): Readonly<Record<string, bigint | readonly bigint[]>> {
  const { inputs }: PortfolioStatement = portfolioStatements[build.statement]
  const entries = inputs
    .flatMap((group) => group.sections.map((section) => ({ section, repeated: group.repeat !== undefined })))
    .map(({ section, repeated }) => {
      const words = sections[section.name] ?? []
      return [section.name, section.count === undefined && !repeated ? (words[0] as bigint) : words]
    })
  return { challenge, ...Object.fromEntries(entries) }
}

/** As for batches of markets: 248 bits of the hash of everything, so that the words are fixed before the point exists. */
export function portfolioChallenge(
  statement: PortfolioStatementName,
  { chainId, registry, modelId, subject }: PortfolioContext,
  commitment: bigint,
  words: readonly bigint[],
): bigint {
  const preimage = [
    portfolioLayoutHash(statement),
    toBeHex(chainId, 32),
    zeroPadValue(registry, 32),
    modelId,
    subject,
    ...[commitment, ...words].map((word) => toBeHex(word, 32)),
  ]
  return BigInt(keccak256(concat(preimage))) >> 8n
}

/** A section has the wrong number of words. */
export class SectionLengthError extends ProverError {
  readonly code = 'statement.section-length'
  readonly section: string
  readonly given: number

  constructor(build: string, section: string, given: number, expected: number) {
    super(`Expected ${expected} words of ${section} in ${build}, got ${given}.`)
    this.section = section
    this.given = given
  }
}

/** A word cannot stand in a statement. */
export class StatementWordError extends ProverError {
  readonly code = 'statement.word-too-wide'
  readonly section: string
  readonly value: bigint

  constructor(build: string, section: string, value: bigint) {
    super(`Expected words of ${section} in ${build} within their width, got ${value}.`)
    this.section = section
    this.value = value
  }
}
