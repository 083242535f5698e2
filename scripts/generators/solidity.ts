/** Solidity that follows from the declarations: readers of words, and the layout of each statement. */
import type { StatementName } from '../../circuits/statements/index.ts'
import {
  bitsOf,
  elementBits,
  type Field,
  type Group,
  type Statement,
  type Word,
} from '../../circuits/statements/language.ts'
import { layoutHash } from '../../prover/statement/layout.ts'
import { capital, type Generated, notice } from './text.ts'

const head = `// SPDX-License-Identifier: GPL-3.0-or-later
// ${notice}
pragma solidity ^0.8.28;
`

export function solidityWords(words: Readonly<Record<string, Word>>): Generated {
  const libraries = Object.entries(words).map(([name, word]) => {
    let offset = 0
    const readers = word.fields.map((field) => {
      const reader = solidityReader(field, offset, word)
      offset += field.bits
      return reader
    })
    return `/// @title ${capital(name)}Word
/// @notice ${word.title}.
library ${capital(name)}Word {
    /// @notice Bits in use; every bit above is zero.
    uint256 internal constant BITS = ${name === 'observation' ? elementBits(word) : bitsOf(word)};${elementCount(name, word)}

${readers.join('\n\n')}

${solidityPack(word)}
}`
  })
  return {
    'contracts/generated/PackedWords.sol': `${head}
/// @notice A field value does not fit its place.
error FieldOutOfRange(string field, uint256 value);

${libraries.join('\n\n')}
`,
  }
}

function solidityReader(field: Field, offset: number, word: Word): string {
  const mask = `0x${((1n << BigInt(field.bits)) - 1n).toString(16)}`
  const isElement = word.perWord !== undefined && word.perWord > 1 && !word.fields.some(({ name }) => name === 'asOf')
  const place = isElement ? `${elementBits(word)} * element${offset === 0 ? '' : ` + ${offset}`}` : `${offset}`
  const shifted = place === '0' ? 'word' : `(word >> ${isElement ? `(${place})` : place})`
  const parameters = isElement ? 'uint256 word, uint256 element' : 'uint256 word'
  if (field.signed)
    return `    /// @notice ${field.meaning}; ${field.bits} bits at ${offset}, which hold the value plus 2^${field.bits - 1}.
    function ${field.name}(${parameters}) internal pure returns (int256) {
        return int256(${shifted} & ${mask}) - int256(2 ** ${field.bits - 1});
    }`
  return `    /// @notice ${field.meaning}; ${field.bits} bits at ${offset}.
    function ${field.name}(${parameters}) internal pure returns (uint256) {
        return ${shifted} & ${mask};
    }`
}

/** Negative values come as two's complement, whose sum with the offset wraps around to the right number. */
const indented = (lines: readonly string[]): string =>
  `        unchecked {\n${lines.map((line) => line.replace(/^/gm, '    ')).join('\n')}\n        }`

function solidityPack(word: Word): string {
  let offset = 0
  // Twelve or more arguments exceed the stack, so packing takes them as an array in field order.
  const lines = word.fields.map((field, i) => {
    const limit = `2 ** ${field.bits}`
    const shift = offset === 0 ? '' : ` << ${offset}`
    offset += field.bits
    if (field.signed) {
      const half = `2 ** ${field.bits - 1}`
      return `        if (values[${i}] + ${half} >= ${limit}) revert FieldOutOfRange("${field.name}", values[${i}]);
        word |= (values[${i}] + ${half})${shift};`
    }
    return `        if (values[${i}] >= ${limit}) revert FieldOutOfRange("${field.name}", values[${i}]);
        word |= values[${i}]${shift};`
  })
  return `    /// @notice Lays field values, in the order of the declaration, side by side.
    function pack(uint256[${word.fields.length}] memory values) internal pure returns (uint256 word) {
${word.fields.some((field) => field.signed) ? indented(lines) : lines.join('\n')}
    }`
}

/** Observations come one by one, so their readers take an element; other words are read in place. */
const elementCount = (name: string, { perWord }: Word): string =>
  perWord === undefined || name === 'observation'
    ? ''
    : `\n    /// @notice Elements that share a word.\n    uint256 internal constant PER_WORD = ${perWord};`

const listed = (groups: readonly Group[]): string =>
  groups
    .map(({ repeat, sections }) => {
      const names = sections.map((section) => section.name).join(', ')
      return repeat === undefined ? names : `for each of the ${repeat} ${names}`
    })
    .join('; ')

export function solidityLayouts(statements: Readonly<Record<string, Statement>>): Generated {
  const layouts = Object.entries(statements).map(([name, statement]) => {
    const { template, inputs, outputs } = statement
    const words =
      name === 'marketRisk'
        ? `

    uint256 internal constant SHARED_WORDS = ${inputs[0]?.sections.length};
    /// @notice Input words of a market besides its observation words.
    uint256 internal constant MARKET_INPUT_WORDS = ${(inputs[1]?.sections.length ?? 0) - 1};
    uint256 internal constant MARKET_OUTPUT_WORDS = ${outputs[0]?.sections.length};`
        : ''
    return `/// @title ${template}Layout
/// @notice Order of the statement words. Inputs: ${listed(inputs)}. Outputs: ${listed(outputs)}.
library ${template}Layout {
    /// @notice Hash of the declaration; a model registered with another hash speaks another language.
    bytes32 internal constant LAYOUT_HASH = ${layoutHash(name as StatementName)};${words}
}`
  })
  return { 'contracts/generated/StatementLayouts.sol': `${head}\n${layouts.join('\n\n')}\n` }
}
