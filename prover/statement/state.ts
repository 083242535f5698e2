import { type Build, statements, words as declaredWords } from '../../circuits/statements/index.ts'
import { fixedWords, type Group, type Section, sizeOf, type Statement } from '../../circuits/statements/language.ts'
import { ProverError } from '../errors.ts'
import { challengeOf, evaluate, FIELD_ORDER, type StatementContext } from './challenge.ts'
import { commit } from './commitment.ts'
import { layoutHash } from './layout.ts'
import { WORD_LIMIT } from './words.ts'

/** Words of each section by its name; a repeated group's sections have the words of all its repetitions in turn. */
export type SectionWords = Readonly<Record<string, readonly bigint[]>>

/** What a proof says, ready to be proven and submitted. */
export type Stated = {
  readonly build: Build
  readonly sections: SectionWords
  /** Input words, then output words. */
  readonly words: readonly bigint[]
  readonly commitment: bigint
  readonly challenge: bigint
  readonly evaluation: bigint
  /** In the verifier's order. */
  readonly publicSignals: readonly [commitment: bigint, evaluation: bigint, challenge: bigint]
}

/** How many words a section takes in one repetition of its group. */
const sectionWords = ({ count = [], ...section }: Section, build: Build): number =>
  fixedWords({ ...section, count: count.map((factor) => resolve(factor, build)) }, declaredWords)

const resolve = (size: number | string, build: Build): number => (typeof size === 'number' ? size : sizeOf(build, size))

/**
 * Lays the sections out in the order of the declaration.
 *
 * @param side - `inputs` are what the commitment covers
 * @throws {@link SectionLengthError} if a section has another number of words than the build takes
 * @throws {@link StatementWordError} if a word does not fit: 2^248, the field's order for a root
 */
export function layOut(build: Build, side: 'inputs' | 'outputs', sections: SectionWords): readonly bigint[] {
  const { [side]: groups }: Statement = statements[build.statement]
  return groups.flatMap((group) => layOutGroup(group, build, sections))
}

function layOutGroup({ repeat, sections }: Group, build: Build, words: SectionWords): readonly bigint[] {
  const times = repeat === undefined ? 1 : resolve(repeat, build)
  const runs = sections.map((section) => {
    const length = sectionWords(section, build)
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
 * @throws {@link SectionLengthError}, {@link StatementWordError}
 */
export async function stateOf(build: Build, context: StatementContext, sections: SectionWords): Promise<Stated> {
  const inputs = layOut(build, 'inputs', sections)
  const words = [...inputs, ...layOut(build, 'outputs', sections)]
  const commitment = await commit(inputs)
  const challenge = challengeOf(layoutHash(build.statement), context, commitment, words)
  const evaluation = evaluate(words, challenge)
  return {
    build,
    sections,
    words,
    commitment,
    challenge,
    evaluation,
    publicSignals: [commitment, evaluation, challenge],
  }
}

/** What a word of a statement is: its section, with a number where the section has several. */
export type WordPlace = { readonly name: string; readonly section: string; readonly word: Section['word'] }

/** The places of a statement's words, in their order. */
export function wordPlaces(build: Build): readonly WordPlace[] {
  const { inputs, outputs }: Statement = statements[build.statement]
  return [...inputs, ...outputs].flatMap(({ repeat, sections }) => {
    const times = repeat === undefined ? 1 : resolve(repeat, build)
    return Array.from({ length: times }, (_, i) =>
      sections.flatMap((section) => placesOf(section, build, times, i)),
    ).flat()
  })
}

function placesOf(section: Section, build: Build, times: number, repetition: number): readonly WordPlace[] {
  const { name, word } = section
  const count = sectionWords(section, build)
  return Array.from({ length: count }, (_, i) => ({
    name: count * times === 1 ? name : `${name}[${repetition * count + i}]`,
    section: name,
    word,
  }))
}

/** Signals of a circuit by name; arrays in signal order, however deep. */
export type CircuitSignals = { readonly [signal: string]: CircuitSignal }
type CircuitSignal = bigint | readonly CircuitSignal[]

/** What a circuit is given besides its private inputs: the challenge and the words of the input sections, by name. */
export function publicInput({
  build,
  sections,
  challenge,
}: Stated): Readonly<Record<string, bigint | readonly bigint[]>> {
  const { inputs }: Statement = statements[build.statement]
  const entries = inputs
    .flatMap((group) => group.sections.map((section) => ({ section, repeated: group.repeat !== undefined })))
    .map(({ section, repeated }) => {
      const words = sections[section.name] ?? []
      return [section.name, section.count === undefined && !repeated ? (words[0] as bigint) : words]
    })
  return { challenge, ...Object.fromEntries(entries) }
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
