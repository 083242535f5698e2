/** Structs of what a call presents of each subject, and how assembly walks through them and copies from them. */
import type { CallItem } from '../../circuits/statements/language.ts'
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
    ...Object.keys(item.runs).map((run) => copyMember(title, item, run)),
  ]
  const used = members.filter((member) => use.has(library, member.name) || use.calls(title, member.name))
  const imports = importsOf({ './Words.sol': [...new Set(sorts)].filter((sort) => sort.endsWith('Word')) }, struct)
  const body = libraryText(library, `Where a {${title}} stands in calldata; callers stay within what was given`, used)
  return { [`contracts/generated/${title}.sol`]: `${head}\n${imports}\n${struct}\n\n${body}\n` }
}

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

/** Copies a run of neighbours to memory. */
function copyMember(title: string, { fields, runs }: CallItem, run: string): Member {
  const [first = '', last = ''] = runs[run] ?? []
  const [from, to] = [first, last].map((name) => fields.findIndex((field) => field.name === name)) as [number, number]
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
