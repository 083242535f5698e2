/** Structs of words, and of what a call presents of each subject; how assembly walks through these and copies from them. */
import {
  type CallField,
  type CallItem,
  elementBits,
  type Word,
  type WordStruct,
} from '../../circuits/statements/language.ts'
import { head, importsOf, libraryText, type Member, type SolidityUse, WORD_BYTES } from './solidityText.ts'
import { capital, type Generated } from './text.ts'

export function solidityCallItem(name: string, item: CallItem, use: SolidityUse): Generated {
  const title = capital(name)
  const library = `${title}s`
  const sorts = item.fields.map((field) => ('word' in field ? `${capital(field.word)}Word` : field.type))
  const struct = `/// @notice ${item.title}.
${item.fields.map((field) => `/// @param ${field.name} ${field.meaning}`).join('\n')}
struct ${title} {
${item.fields.map((field, i) => `    ${sorts[i]} ${field.name};`).join('\n')}
}`
  const members = [
    ...walkMembers(title, item),
    ...item.fields.map(({ name }, i) => rawMember(title, name, WORD_BYTES * i)),
    ...structMembers(title, item.fields),
    ...Object.keys(item.runs).map((run) => copyMember(title, item, run)),
  ]
  const used = members.filter((member) => use.has(library, member.name) || use.calls(title, member.name))
  const structs = item.fields.flatMap((field) => ('word' in field && field.within ? [field.within.struct] : []))
  const body = libraryText(library, `Where a {${title}} stands in calldata; callers stay within what was given`, used)
  const imports = importsOf(
    {
      ...Object.fromEntries([...new Set(structs)].map((name) => [`./${name}.sol`, [name]])),
      './Words.sol': [...new Set(sorts)].filter((sort) => sort.endsWith('Word')),
    },
    `${struct}\n${body}`,
  )
  return { [`contracts/generated/${title}.sol`]: `${head}\n${imports}\n${struct}\n\n${body}\n` }
}

/** A struct of words; one that comes with a call is checked as a whole. */
export function solidityStruct(
  name: string,
  struct: WordStruct,
  words: Readonly<Record<string, Word>>,
  use: SolidityUse,
): Generated {
  const title = capital(name)
  const rows = struct.words.map((name) => ({ name, type: `${capital(name)}Word`, word: words[name] as Word }))
  const definition = `/// @notice ${struct.title}.
${rows.map(({ name, word }) => `/// @param ${name} ${word.title}`).join('\n')}
struct ${title} {
${rows.map(({ name, type }) => `    ${type} ${name};`).join('\n')}
}`
  const members = [excessMember(title, rows)].filter((member) => use.calls(title, member.name))
  const imports = importsOf({ './Words.sol': [...new Set(rows.map(({ type }) => type))] }, definition)
  const body = libraryText(`${title}s`, `What holds of the words of a {${title}} together`, members)
  return { [`contracts/generated/${title}.sol`]: `${head}\n${imports}\n${definition}\n\n${body}\n` }
}

type StructRow = { readonly name: string; readonly type: string; readonly word: Word }

const excessMember = (title: string, rows: readonly StructRow[]): Member => ({
  name: 'excess',
  text: `/// @notice The first word with a bit beyond its fields.
/// @return word what it says
/// @return bits how many its fields have; 0 if no word has such a bit
function excess(${title} calldata self) internal pure returns (uint256 word, uint256 bits) {
${rows
  .map(
    ({ name, type, word }) =>
      `    if (!self.${name}.fits()) return (${type}.unwrap(self.${name}), ${elementBits(word)});`,
  )
  .join('\n')}
}`,
})

const hex = (bytes: number): string => `0x${bytes.toString(16)}`

function walkMembers(title: string, { fields }: CallItem): readonly Member[] {
  const bytes = hex(WORD_BYTES * fields.length)
  const step = (name: string, meaning: string, parameters: string, from: string): Member => ({
    name,
    text: `/// @notice ${meaning}.
function ${name}(${parameters}) internal pure returns (${title} calldata item) {
    assembly ("memory-safe") {
        item := ${from}
    }
}`,
  })
  return [
    step('first', 'The first of several', `${title}[] calldata items`, 'items.offset'),
    step('next', 'The one after it', `${title} calldata self`, `add(self, ${bytes})`),
    step(
      'skip',
      'The one `count` after it',
      `${title} calldata self, uint256 count`,
      `add(self, mul(count, ${bytes}))`,
    ),
  ]
}

/** A field as it stands there: reading it as an address checks each time that it is one. */
const rawMember = (title: string, field: string, at: number): Member => ({
  name: `raw${capital(field)}`,
  text: `/// @notice The word of {${title}-${field}}, not checked to be one.
function raw${capital(field)}(${title} calldata self) internal pure returns (uint256 word) {
    assembly ("memory-safe") {
        word := calldataload(add(self, ${hex(at)}))
    }
}`,
})

/** Words that a struct holds, where they stand. */
function structMembers(title: string, fields: readonly CallField[]): readonly Member[] {
  const placed = fields.flatMap((field, i) => ('word' in field && field.within ? [{ ...field.within, at: i }] : []))
  const firsts = placed.filter(({ as }, i) => placed.findIndex((other) => other.as === as) === i)
  return firsts.map(({ struct, as, at }) => ({
    name: as,
    text: `/// @notice Its words from {${title}-${fields[at]?.name}} on, as they stand there.
function ${as}(${title} calldata self) internal pure returns (${struct} calldata words) {
    assembly ("memory-safe") {
        words := add(self, ${hex(WORD_BYTES * at)})
    }
}`,
  }))
}

/** Copies a run of neighbours to memory. */
function copyMember(title: string, { fields, runs }: CallItem, run: string): Member {
  const [first = '', last = ''] = runs[run] ?? []
  const isNamed = (name: string) => (field: CallField) =>
    field.name === name || ('word' in field && field.within?.as === name)
  const [from, to] = [fields.findIndex(isNamed(first)), fields.findLastIndex(isNamed(last))]
  if (from < 0 || to < from) throw new Error(`${title} has no run of fields from ${first} to ${last}.`)
  const bytes = hex(WORD_BYTES * (to + 1 - from))
  const names = fields.slice(from, to + 1).map(({ name }) => name)
  return {
    name: `copy${capital(run)}`,
    text: `/// @notice Copies ${names.join(', ')} to memory.
/// @return end where the copy ends
function copy${capital(run)}(${title} calldata self, uint256 place) internal pure returns (uint256 end) {
    assembly ("memory-safe") {
        calldatacopy(place, add(self, ${hex(WORD_BYTES * from)}), ${bytes})
        end := add(place, ${bytes})
    }
}`,
  }
}
