/** Lists of words that contracts take or keep side by side. */
import {
  bitsOf,
  elementBits,
  fixedWords,
  type Section,
  type Word,
  type WordList,
} from '../../circuits/statements/language.ts'
import { head, importsOf, libraryText, type Member, type SolidityUse } from './solidityText.ts'
import { capital, type Generated, upperSnake } from './text.ts'

type Words = Readonly<Record<string, Word>>

/** Whether all builds have as many words of a section. */
export const isFixed = ({ count = [] }: Section): boolean => count.every((factor) => typeof factor === 'number')

/** A list's sections with where their words begin. */
export function placedSections(
  { sections }: Pick<WordList, 'sections'>,
  words: Words,
): readonly { readonly section: Section; readonly from: number; readonly count: number }[] {
  let from = 0
  return sections.map((section) => {
    const placed = { section, from, count: fixedWords(section, words) }
    from += placed.count
    return placed
  })
}

const listWords = (list: WordList, words: Words): number =>
  placedSections(list, words).reduce((sum, { count }) => sum + count, 0)

export const listSize = (name: string): string => `${upperSnake(name)}_WORDS`

/** How many words each list has, with readers of them, and each section of several words that no list has. */
export function solidityLists(
  lists: Readonly<Record<string, WordList>>,
  sections: readonly Section[],
  words: Words,
  use: SolidityUse,
): Generated {
  const single = sections.filter((section) => isFixed(section) && use.names(listSize(section.name)))
  const sizes = single.map((section) => sizeText(section.meaning, section.name, fixedWords(section, words)))
  const texts = [...Object.entries(lists).map(([name, list]) => listText(name, list, words, use)), ...new Set(sizes)]
  const imports = importsOf(
    { './Words.sol': Object.keys(words).map((word) => `${capital(word)}Word`) },
    texts.join('\n'),
  )
  return { 'contracts/generated/WordLists.sol': `${head}\n${imports}\n${texts.join('\n\n')}\n` }
}

const sizeText = (meaning: string, name: string, size: number): string =>
  `/// @dev Words of ${name}: ${meaning.charAt(0).toLowerCase()}${meaning.slice(1)}.\nuint256 constant ${listSize(name)} = ${size};`

function listText(name: string, list: WordList, words: Words, use: SolidityUse): string {
  const size = sizeText(list.title, name, listWords(list, words))
  const library = `${capital(name)}List`
  const type = `uint256[${listSize(name)}] ${list.kept ? 'memory' : 'calldata'}`
  const members = placedSections(list, words).flatMap(({ section, from, count }) => [
    {
      name: `${upperSnake(section.name)}_COUNT`,
      text: `/// @notice Words of {${section.name}}.\nuint256 internal constant ${upperSnake(section.name)}_COUNT = ${count};`,
    },
    { name: section.name, text: sectionReader(section, from, count, type, words) },
  ])
  const used = [...members, bitsReader(list, words)].filter(
    (member) => use.has(library, member.name) || use.calls(listSize(name), member.name),
  )
  if (used.length === 0) return size
  return `${size}\n\n${libraryText(library, `${list.title}: its words by name`, used)}`
}

function sectionReader(
  { name, word, meaning }: Section,
  from: number,
  count: number,
  type: string,
  words: Words,
): string {
  const result = `${capital(word)}Word`
  const title = words[word]?.title ?? meaning
  if (count === 1)
    return `/// @notice ${title}.
function ${name}(${type} words) internal pure returns (${result}) {
    return ${result}.wrap(words[${from}]);
}`
  return `/// @notice ${title}; \`index\` is below ${count}.
function ${name}(${type} words, uint256 index) internal pure returns (${result}) {
    return ${result}.wrap(words[${from === 0 ? '' : `${from} + `}index]);
}`
}

/** Bits in use of each word of a list, as a walk through where they change. */
function bitsReader(list: WordList, words: Words): Member {
  const bits = placedSections(list, words).flatMap(({ section, count }) => {
    const word = words[section.word] as Word
    const [elements = 1, perWord = 1] = [
      section.count?.reduce<number>((product, n) => product * Number(n), 1),
      word.perWord,
    ]
    const last = elements - (count - 1) * perWord
    return [...Array<number>(count - 1).fill(bitsOf(word)), elementBits(word) * last]
  })
  const ends = bits.flatMap((here, i) => (i + 1 < bits.length && bits[i + 1] === here ? [] : [[i + 1, here] as const]))
  const lines = ends.map(([end, here], i) =>
    i + 1 < ends.length ? `    if (index < ${end}) return ${here};` : `    return ${here};`,
  )
  return {
    name: 'bitsAt',
    text: `/// @notice Bits in use of the word at \`index\`; every bit above is zero.
function bitsAt(uint256 index) internal pure returns (uint256) {
${lines.join('\n')}
}`,
  }
}
