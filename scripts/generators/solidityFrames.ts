/** The frame of each statement: layout hash, sizes, and what puts its words in order. */
import type { StatementName } from '../../circuits/statements/index.ts'
import {
  fixedWords,
  type Group,
  type Section,
  type Statement,
  type Word,
  type WordList,
} from '../../circuits/statements/language.ts'
import { layoutHash } from '../../prover/statement/layout.ts'
import { isFixed, listSize, placedSections } from './solidityLists.ts'
import { head, importsOf, libraryText, type Member, type SolidityUse, WORD_BYTES } from './solidityText.ts'
import { zeroOf } from './solidityWords.ts'
import { capital, type Generated } from './text.ts'

type Words = Readonly<Record<string, Word>>
type Lists = Readonly<Record<string, WordList>>

/** A group of a statement's words, by its part in the statement; `name` is what contracts call it. */
type Part = {
  readonly kind: 'Shared' | 'Inputs' | 'Outputs' | 'Totals'
  readonly name: string
  readonly group: Group
}

/** What puts the words of a part, of a contract that holds them together or one by one. */
type Putter = (part: Part, words: Words, lists: Lists) => readonly Member[]

type FramesOf = (
  statements: Readonly<Record<string, Statement>>,
  words: Words,
  lists: Lists,
  use: SolidityUse,
) => Generated

/** Frames of words that the contract has checked: they are written straight to memory. */
export const solidityMemoryFrames = framesWith(putInMemory)
/** Frames of words that are checked as they are put into a transcript. */
export const solidityTranscriptFrames = framesWith(putInTranscript)

function framesWith(putter: Putter): FramesOf {
  return (statements, words, lists, use) =>
    Object.fromEntries(
      Object.entries(statements).map(([name, statement]) => {
        const library = `${statement.template}Frame`
        const members = [
          hashMember(name as StatementName),
          ...sizeMembers(statement, words),
          ...partsOf(statement).flatMap((part) => putter(part, words, lists)),
        ].filter((member) => use.has(library, member.name))
        return [`contracts/generated/${library}.sol`, frameText(library, statement, members, words, lists)]
      }),
    )
}

function frameText(
  library: string,
  { inputs, outputs }: Statement,
  members: readonly Member[],
  words: Words,
  lists: Lists,
): string {
  const order = `Order of the statement words. Inputs: ${listed(inputs)}. Outputs: ${listed(outputs)}`
  const using = { text: 'using PortfolioStatement for PortfolioStatement.Transcript;' }
  const intoTranscript = members.some(({ text }) => text.includes('PortfolioStatement'))
  const text = libraryText(library, order, intoTranscript ? [using, ...members] : members)
  const structs = [...inputs, ...outputs].flatMap(({ sections }) =>
    sections.flatMap(({ within }) => within?.struct ?? []),
  )
  const imports = importsOf(
    {
      ...Object.fromEntries(structs.map((name) => [`./${name}.sol`, [name]])),
      '../statement/PortfolioStatement.sol': ['PortfolioStatement'],
      './WordLists.sol': Object.keys(lists).map(listSize),
      './Words.sol': Object.keys(words).map((word) => `${capital(word)}Word`),
    },
    text,
  )
  return `${head}\n${imports === '' ? '' : `${imports}\n`}${text}\n`
}

const listed = (groups: readonly Group[]): string =>
  groups
    .map(({ repeat, sections }) => {
      const names = sections.map((section) => section.name).join(', ')
      return repeat === undefined ? names : `for each of the ${repeat} ${names}`
    })
    .join('; ')

/**
 * Inputs and outputs of each subject; what all share comes before its inputs, what follows from all after its outputs. Inputs of
 * several kinds of subjects are called by them.
 */
function partsOf({ inputs, outputs }: Statement): readonly Part[] {
  const isSingle = ({ repeat }: Group, groups: readonly Group[]): boolean =>
    repeat === undefined && groups.some((group) => group.repeat !== undefined)
  const areSeveral = inputs.filter(({ repeat }) => repeat !== undefined).length > 1
  const subjectOf = ({ repeat }: Group): string =>
    areSeveral && repeat !== undefined ? capital(repeat.replace(/s$/, '')) : 'Inputs'
  return [
    ...inputs.map(
      (group): Part =>
        isSingle(group, inputs)
          ? { kind: 'Shared', name: 'Shared', group }
          : { kind: 'Inputs', name: subjectOf(group), group },
    ),
    ...outputs.map((group): Part => {
      const kind = isSingle(group, outputs) ? 'Totals' : 'Outputs'
      return { kind, name: kind, group }
    }),
  ]
}

const hashMember = (name: StatementName): Member => ({
  name: 'LAYOUT_HASH',
  text: `/// @notice Hash of the declaration; a model registered with another hash speaks another language.
bytes32 internal constant LAYOUT_HASH = ${layoutHash(name)};`,
})

const meanings = {
  Shared: 'all share',
  Inputs: 'the inputs take',
  Outputs: 'the outputs take',
  Totals: 'follow from all together',
} as const satisfies Record<Part['kind'], string>

/** How many words the statement has, each of its parts, and each section whose size a build chooses. */
function sizeMembers(statement: Statement, words: Words): readonly Member[] {
  const groups = [...statement.inputs, ...statement.outputs]
  const open = groups.flatMap(({ sections }) => sections).filter((section) => !isFixed(section))
  return [
    sizeMember('words', 'the statement has', groups, words),
    ...partsOf(statement).map(({ kind, name, group: { repeat, sections } }) =>
      sizeMember(
        `wordsOf${name}`,
        `${meanings[kind]}${repeat ? `, for each of the ${repeat}` : ''}`,
        [{ sections }],
        words,
      ),
    ),
    ...open.map((section) =>
      sizeMember(`wordsOf${capital(section.name)}`, `${section.name} take`, [{ sections: [section] }], words),
    ),
  ]
}

/** Unchecked, since the registry of models keeps sizes in 8 bits. */
function sizeMember(name: string, meaning: string, groups: readonly Group[], words: Words): Member {
  const sizes = [
    ...new Set(
      groups.flatMap(({ repeat = [], sections }) => [repeat, ...sections.map(({ count = [] }) => count)].flat()),
    ),
  ].filter((size) => typeof size === 'string')
  return {
    name,
    text: `/// @notice How many words ${meaning}.
function ${name}(${sizes.map((size) => `uint256 ${size}`).join(', ')}) internal pure returns (uint256) {
    unchecked {
        return ${totalOf(groups, words)};
    }
}`,
  }
}

function totalOf(groups: readonly Group[], words: Words): string {
  const terms = groups.map(({ repeat, sections }) => {
    const fixed = sections.filter(isFixed).reduce((sum, section) => sum + fixedWords(section, words), 0)
    const open = sections.filter((section) => !isFixed(section)).map((section) => openWords(section, words))
    const sum = [...(fixed > 0 ? [`${fixed}`] : []), ...open].join(' + ')
    if (repeat === undefined) return sum
    return `${repeat} * ${/ /.test(sum) ? `(${sum})` : sum}`
  })
  return terms.join(' + ')
}

/** Words of a section whose size a build chooses. */
function openWords({ word, count = [] }: Section, words: Words): string {
  const { perWord = 1 } = words[word] ?? {}
  const elements = count.join(' * ')
  return perWord === 1 ? elements : `(${elements} + ${perWord - 1}) / ${perWord}`
}

/** Words that the contract has checked: single ones as arguments, several, and structs, as they stand in calldata. */
function putInMemory({ kind, name, group: { sections } }: Part): readonly Member[] {
  let bytes = 0
  let runs = 'place'
  const puts = sections.map((section, i): Put => {
    const place = bytes === 0 ? runs : `add(${runs}, 0x${bytes.toString(16)})`
    if (section.within !== undefined) {
      const { as, struct } = section.within
      if (sections[i - 1]?.within?.as === as) return { parameters: [], lines: [] }
      const size = WORD_BYTES * sections.filter(({ within }) => within?.as === as).length
      bytes += size
      return {
        parameters: [`${struct} calldata ${as}`],
        lines: [`calldatacopy(${place}, ${as}, 0x${size.toString(16)})`],
      }
    }
    if (section.count === undefined) {
      bytes += WORD_BYTES
      return {
        parameters: [`${typeOf(section)} ${section.name}`],
        lines: [`mstore(${place}, ${section.name})`],
      }
    }
    const size = `${section.name}Bytes`
    runs = `add(${runs}, ${size})`
    return {
      parameters: [`uint256 ${section.name}`, `uint256 ${size}`],
      lines: [`calldatacopy(${place}, ${section.name}, ${size})`],
    }
  })
  const lines = puts.flatMap((put) => put.lines)
  return [
    putMember(
      name,
      `${lead[kind]}, from \`place\` in memory on`,
      ['uint256 place', ...puts.flatMap(({ parameters }) => parameters)],
      ['assembly ("memory-safe") {', ...lines.map((line) => `    ${line}`), '}'],
    ),
  ]
}

const TRANSCRIPT = 'PortfolioStatement.Transcript memory self'

/** Lists as the contract holds them or, under a name of its own, every word as an argument. */
function putInTranscript({ kind, name, group: { sections } }: Part, words: Words, lists: Lists): readonly Member[] {
  const runs = runsOf(sections, words, lists)
  const together = runs.map((run) => ('list' in run ? putRun(run) : putSection(run.section, words)))
  const apart = sections.map((section) => putSection(section, words))
  const member = (suffix: string, puts: readonly Put[]): Member =>
    putMember(
      `${name}${suffix}`,
      lead[kind],
      [TRANSCRIPT, ...new Set(puts.flatMap(({ parameters }) => parameters))],
      puts.flatMap(({ lines }) => lines),
    )
  const empty = sections.every(isFixed) ? [emptyMember({ kind, name }, sections, words)] : []
  return [member('', together), member('OneByOne', apart), ...empty]
}

/** The words of a place that nothing stands in: every field is zero; what commitments are then, the contract says. */
function emptyMember({ kind, name }: Pick<Part, 'kind' | 'name'>, sections: readonly Section[], words: Words): Member {
  const roots = sections.filter(({ word }) => word === 'root').map((section) => section.name)
  const puts = sections.flatMap((section) => {
    const word = words[section.word]
    if (word === undefined) return [`self.putRoot(${section.name});`]
    const count = fixedWords(section, words)
    return count === 1 ? [`self.put(${zeroOf(word)});`] : [`self.putRepeated(${zeroOf(word)}, ${count});`]
  })
  return putMember(
    `Empty${name}`,
    `${lead[kind]} that is not there`,
    [TRANSCRIPT, ...roots.map((root) => `uint256 ${root}`)],
    puts,
  )
}

/** Words of one list, side by side in the statement as in the list. */
type Run = { readonly list: string; readonly kept: boolean; readonly from: number; readonly count: number }
type Put = { readonly parameters: readonly string[]; readonly lines: readonly string[] }

function runsOf(
  sections: readonly Section[],
  words: Words,
  lists: Lists,
): readonly (Run | { readonly section: Section })[] {
  const runs: (Run | { readonly section: Section })[] = []
  for (const section of sections) {
    const [run] = Object.entries(lists).flatMap(([list, declared]) =>
      placedSections(declared, words)
        .filter((placed) => placed.section.name === section.name && placed.section.word === section.word)
        .map(({ from, count }) => ({ list, kept: declared.kept === true, from, count })),
    )
    const last = runs.at(-1)
    const goesOn = run !== undefined && last !== undefined && 'list' in last && last.list === run.list
    if (goesOn && last.from + last.count === run.from) runs.splice(-1, 1, { ...last, count: last.count + run.count })
    else runs.push(run ?? { section })
  }
  return runs
}

function putRun({ list, kept, from, count }: Run): Put {
  if (kept) return { parameters: [`uint256[] memory ${list}`], lines: [`self.putKnown(${list}, ${from}, ${count});`] }
  const parameters = [`uint256[${listSize(list)}] calldata ${list}`]
  if (count === 1) return { parameters, lines: [`self.put(${list}[${from}]);`] }
  return { parameters, lines: putCalldata(list, from, count) }
}

/** Words side by side in calldata, from one of them on. */
const putCalldata = (name: string, from: number, count: number): readonly string[] => [
  `uint256 ${name}At;`,
  `assembly ("memory-safe") { ${name}At := ${from === 0 ? name : `add(${name}, ${WORD_BYTES * from})`} }`,
  `self.putRun(${name}At, ${count});`,
]

const typeOf = ({ word }: Section): string => (word === 'root' ? 'uint256' : `${capital(word)}Word`)

function putSection(section: Section, words: Words): Put {
  const { name, word, count } = section
  const type = typeOf(section)
  const isRoot = word === 'root'
  if (!isFixed(section)) {
    return { parameters: [`uint256[] memory ${name}`], lines: [`self.put${isRoot ? 'Roots' : 'List'}(${name});`] }
  }
  if (isRoot) return { parameters: [`${type} ${name}`], lines: [`self.putRoot(${name});`] }
  if (count === undefined) return { parameters: [`${type} ${name}`], lines: [`self.put(${type}.unwrap(${name}));`] }
  const length = fixedWords(section, words)
  const parameters = [`${type}[${length}] calldata ${name}`]
  if (length === 1) return { parameters, lines: [`self.put(${type}.unwrap(${name}[0]));`] }
  return { parameters, lines: putCalldata(name, 0, length) }
}

const lead = {
  Shared: 'what all share',
  Inputs: 'the inputs of one',
  Outputs: 'the outputs of one',
  Totals: 'what follows from all together',
} as const satisfies Record<Part['kind'], string>

const putMember = (name: string, what: string, parameters: readonly string[], lines: readonly string[]): Member => ({
  name: `put${name}`,
  text: `/// @notice Puts ${what}.
function put${name}(
${parameters.map((parameter) => `    ${parameter}`).join(',\n')}
) internal pure {
${lines.map((line) => `    ${line}`).join('\n')}
}`,
})
