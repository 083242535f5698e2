/** What is wrong with declarations: the language's rules that types cannot say. */
import {
  bitsOf,
  type Build,
  type Field,
  type Group,
  type Statement,
  type VolatilityModelRow,
  type Word,
  WORD_BITS,
  type WordList,
} from '../../circuits/statements/language.ts'

export type Declarations = {
  readonly words: Readonly<Record<string, Word>>
  readonly statements: Readonly<Record<string, Statement>>
  readonly builds: readonly Build[]
  readonly lists: Readonly<Record<string, WordList>>
  readonly volatilityModels: Readonly<Record<string, VolatilityModelRow>>
  /** Ids that no model may have again. */
  readonly retiredVolatilityModelIds: readonly number[]
}

/** The size of a build that is the id of a volatility model. */
const MODEL_SIZE = 'volatilityModel'
/** Ids are a byte in the registry of models; 0 says that a build estimates nothing. */
const MOST_ID = 255

/** Faults, one line each, with file and name; empty when the declarations are sound. */
export function declarationFaults(declared: Declarations, claims: ReadonlySet<string>): readonly string[] {
  return [
    ...Object.entries(declared.words).flatMap(([name, word]) => wordFaults(name, word, claims)),
    ...Object.entries(declared.statements).flatMap(([name, statement]) => statementFaults(name, statement, declared)),
    ...Object.entries(declared.lists).flatMap(([name, list]) => listFaults(name, list, declared)),
    ...buildFaults(declared),
    ...modelFaults(declared, claims),
  ].map((fault) => `circuits/statements: ${fault}`)
}

const repeated = (names: readonly string[]): readonly string[] => [
  ...new Set(names.filter((name, i) => names.indexOf(name) !== i)),
]

function wordFaults(name: string, word: Word, claims: ReadonlySet<string>): readonly string[] {
  const bits = bitsOf(word)
  const { fields, perWord = 1 } = word
  return [
    ...(fields.length === 0 ? [`word ${name} has no field`] : []),
    ...(Number.isInteger(perWord) && perWord > 0 ? [] : [`word ${name} holds ${perWord} elements`]),
    ...(bits > WORD_BITS ? [`word ${name} has ${bits} bits; a word holds ${WORD_BITS}`] : []),
    ...repeated(fields.map((field) => field.name)).map((field) => `word ${name} has two fields ${field}`),
    ...fields
      .filter((field) => !Number.isInteger(field.bits) || field.bits < (field.signed ? 2 : 1))
      .map((field) => `word ${name}: field ${field.name} has ${field.bits} bits`),
    ...fields.flatMap((field) =>
      boundFaults(field, fields).map((fault) => `word ${name}: field ${field.name} ${fault}`),
    ),
    ...fields
      .filter(({ claim }) => claim !== undefined && !claims.has(claim))
      .map((field) => `word ${name}: field ${field.name} names claim ${field.claim}, which no document makes`),
  ]
}

/** A bound is within the field's width, or another field of the word. */
function boundFaults({ name, bits, least, greatest }: Field, fields: readonly Field[]): readonly string[] {
  const isOutside = (bound: number): boolean => !Number.isSafeInteger(bound) || bound < 0 || bound >= 2 ** bits
  const numbers = [least, greatest].filter((bound) => typeof bound === 'number')
  const other = typeof least === 'object' ? least.field : undefined
  const isNone = other !== undefined && (other === name || !fields.some((field) => field.name === other))
  return [
    ...numbers.filter(isOutside).map((bound) => `has ${bits} bits, and ${bound} is no bound of it`),
    ...(isNone ? [`is bounded by ${other}, which is no other field of the word`] : []),
  ]
}

function statementFaults(name: string, statement: Statement, { words, builds }: Declarations): readonly string[] {
  const { inputs, outputs, parameters, constants = {} } = statement
  const groups = [...inputs, ...outputs]
  const sections = groups.flatMap((group) => group.sections)
  const sizes = [...new Set(groups.flatMap(sizesOf))]
  return [
    ...repeated(sections.map((section) => section.name)).map(
      (section) => `statement ${name} has two sections ${section}`,
    ),
    ...repeated(parameters).map((parameter) => `statement ${name} has two parameters ${parameter}`),
    ...sections
      .filter(({ word }) => word !== 'root' && !(word in words))
      .map((section) => `statement ${name}: section ${section.name} is made of ${section.word}, which is no word`),
    ...sizes
      .filter((size) => !parameters.includes(size))
      .map((size) => `statement ${name} repeats by ${size}, which is no parameter of ${statement.template}`),
    ...Object.keys(constants)
      .filter((constant) => !parameters.includes(constant))
      .map(
        (constant) => `statement ${name} has a constant ${constant}, which is no parameter of ${statement.template}`,
      ),
    ...outputs
      .flatMap((group) => group.sections)
      .flatMap(({ word }) => (words[word]?.fields ?? []).map((field) => ({ word, field })))
      .filter(({ field }) => field.claim === undefined)
      .map(({ word, field }) => `word ${word} is an output of ${name}, but its field ${field.name} has no claim`),
    ...(builds.some((build) => build.statement === name) ? [] : [`statement ${name} has no build`]),
  ]
}

function listFaults(name: string, { sections }: WordList, { words }: Declarations): readonly string[] {
  return [
    ...repeated(sections.map((section) => section.name)).map((section) => `list ${name} has two sections ${section}`),
    ...sections
      .filter(({ word }) => !(word in words))
      .map((section) => `list ${name}: section ${section.name} is made of ${section.word}, which is no word`),
    ...sizesOf({ sections }).map((size) => `list ${name} repeats by ${size}, which a build chooses`),
  ]
}

const sizesOf = ({ repeat, sections }: Group): readonly string[] =>
  [repeat, ...sections.flatMap(({ count = [] }) => count)].filter((size) => typeof size === 'string')

function buildFaults({ statements, builds }: Declarations): readonly string[] {
  return [
    ...repeated(builds.map(({ name }) => name)).map((name) => `there are two builds ${name}`),
    ...builds.flatMap((build) => {
      const statement = statements[build.statement]
      if (statement === undefined) return [`build ${build.name} is of ${build.statement}, which is no statement`]
      const wanted = statement.parameters.filter((name) => !(name in (statement.constants ?? {})))
      const given = build.sizes.map(({ name }) => name)
      return [
        ...repeated(given).map((size) => `build ${build.name} has two sizes ${size}`),
        ...wanted.filter((size) => !given.includes(size)).map((size) => `build ${build.name} has no size ${size}`),
        ...given
          .filter((size) => !wanted.includes(size))
          .map((size) => `build ${build.name} has a size ${size}, which ${statement.template} does not take`),
        ...build.sizes
          .filter(({ value }) => !Number.isInteger(value) || value < 0)
          .map(({ name, value }) => `build ${build.name}: size ${name} is ${value}`),
      ]
    }),
  ]
}

function modelFaults(
  { volatilityModels, retiredVolatilityModelIds, words, builds }: Declarations,
  claims: ReadonlySet<string>,
): readonly string[] {
  const rows = Object.entries(volatilityModels)
  const ids = rows.map(([, { id }]) => id)
  const places = words.volatilityState?.fields.filter(({ name }) => name.startsWith('variance')).length ?? 0
  const estimating = builds.flatMap(({ name, sizes }) =>
    sizes.filter((size) => size.name === MODEL_SIZE).map(({ value }) => ({ name, id: value })),
  )
  return [
    ...repeated(ids.map(String)).map((id) => `two volatility models have the id ${id}`),
    ...repeated(rows.map(([, { template }]) => template)).map((name) => `two volatility models are templates ${name}`),
    ...rows.flatMap(([name, { id, variances, claim }]) => [
      ...(Number.isInteger(id) && id > 0 && id <= MOST_ID ? [] : [`volatility model ${name} has the id ${id}`]),
      ...(retiredVolatilityModelIds.includes(id)
        ? [`volatility model ${name} has the id ${id} of one that is gone; take one that nobody has had`]
        : []),
      ...(variances > 0 && variances <= places
        ? []
        : [`volatility model ${name} keeps ${variances} variances; a state has room for ${places}`]),
      ...(claims.has(claim) ? [] : [`volatility model ${name} names claim ${claim}, which no document makes`]),
      ...(estimating.some((build) => build.id === id) ? [] : [`volatility model ${name} has no build`]),
    ]),
    ...estimating
      .filter((build) => !ids.includes(build.id))
      .map((build) => `build ${build.name} is of volatility model ${build.id}, which there is not`),
  ]
}
