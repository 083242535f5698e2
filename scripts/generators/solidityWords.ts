/** A type for each word, and for each element of words that hold several, with readers of its fields. */
import { bitsOf, elementBits, type Field, type Word } from '../../circuits/statements/language.ts'
import { head, libraryText, type Member, type SolidityUse } from './solidityText.ts'
import { capital, type Generated, upperSnake } from './text.ts'

export function solidityWords(words: Readonly<Record<string, Word>>, use: SolidityUse): Generated {
  const types = Object.entries(words).flatMap(([name, word]) => typesOf(capital(name), word, use))
  const packs = types.some((text) => text.includes('revert FieldOutOfRange'))
  const error = packs
    ? `\n/// @notice A field value does not fit its place.\nerror FieldOutOfRange(string field, uint256 value);\n`
    : ''
  return { 'contracts/generated/Words.sol': `${head}${error}\n${types.join('\n\n')}\n` }
}

/** The type of a word; where elements share words, that of an element, and that of a word of them. */
function typesOf(title: string, word: Word, use: SolidityUse): readonly string[] {
  const { perWord } = word
  const type = perWord === undefined ? `${title}Word` : `${title}Element`
  return [
    ...typeOf(word.title, type, `${title}Fields`, fieldMembers(type, word), use),
    ...(use.names(`pack${title}`) ? [packFunction(title, type, placedFields(word))] : []),
    ...(perWord === undefined
      ? []
      : typeOf(
          `${perWord} ${title}Elements side by side`,
          `${title}Word`,
          `${title}Elements`,
          elementMembers(title, word, perWord),
          use,
        )),
  ]
}

/** A type with the members of its library that are used. */
function typeOf(
  title: string,
  type: string,
  library: string,
  members: readonly Member[],
  use: SolidityUse,
): readonly string[] {
  const used = members.filter(({ name }) => use.has(library, name) || use.calls(type, name))
  if (used.length === 0 && !use.names(type)) return []
  const definition = `// ${title}.\ntype ${type} is uint256;`
  if (used.length === 0) return [definition]
  const using = `using ${library} for ${type} global;`
  return [`${definition}\n${using}\n\n${libraryText(library, `What {${type}} holds`, used)}`]
}

const bitsMember = (bits: number): Member => ({
  name: 'BITS',
  text: `/// @notice Bits in use; every bit above is zero.\nuint256 internal constant BITS = ${bits};`,
})

const fitsMember = (type: string, bits: number): Member => ({
  name: 'fits',
  text: `/// @notice Whether no bit is set beyond those in use.
function fits(${type} word) internal pure returns (bool) {
    return ${type}.unwrap(word) >> ${bits} == 0;
}`,
})

function fieldMembers(type: string, word: Word): readonly Member[] {
  const bits = elementBits(word)
  const placed = placedFields(word)
  return [
    bitsMember(bits),
    ...placed.map(({ field, offset }) => ({
      name: `${upperSnake(field.name)}_AT`,
      text: `/// @notice Where {${field.name}} begins.\nuint256 internal constant ${upperSnake(field.name)}_AT = ${offset};`,
    })),
    {
      name: 'ZERO',
      text: `/// @notice Every field is zero.\n${type} internal constant ZERO = ${type}.wrap(${zeroOf(word)});`,
    },
    fitsMember(type, bits),
    ...placed.map(({ field, offset }) => ({ name: field.name, text: reader(type, field, offset) })),
  ]
}

function elementMembers(title: string, word: Word, perWord: number): readonly Member[] {
  const type = `${title}Word`
  const bits = elementBits(word)
  return [
    bitsMember(bitsOf(word)),
    {
      name: 'PER_WORD',
      text: `/// @notice Elements that share a word.\nuint256 internal constant PER_WORD = ${perWord};`,
    },
    fitsMember(type, bitsOf(word)),
    {
      name: 'element',
      text: `/// @notice The element at \`index\` below ${perWord}; the first stands in the low bits.
function element(${type} word, uint256 index) internal pure returns (${title}Element) {
    return ${title}Element.wrap((${type}.unwrap(word) >> (${bits} * index)) & ${maskOf(bits)});
}`,
    },
  ]
}

type PlacedField = { readonly field: Field; readonly offset: number }

function placedFields({ fields }: Word): readonly PlacedField[] {
  let offset = 0
  return fields.map((field) => {
    const placed = { field, offset }
    offset += field.bits
    return placed
  })
}

const maskOf = (bits: number): string => `0x${((1n << BigInt(bits)) - 1n).toString(16)}`

function reader(type: string, { name, bits, signed, meaning }: Field, offset: number): string {
  const word = `${type}.unwrap(word)`
  const value = `${offset === 0 ? word : `(${word} >> ${offset})`} & ${maskOf(bits)}`
  const [sort, result, place] = signed
    ? ['int256', `int256(${value}) - int256(2 ** ${bits - 1})`, `, which hold the value plus 2^${bits - 1}`]
    : ['uint256', value, '']
  return `/// @notice ${meaning}; ${bits} bits at ${offset}${place}.
function ${name}(${type} word) internal pure returns (${sort}) {
    return ${result};
}`
}

/** Signed fields hold zero as half their range. */
export function zeroOf(word: Word): string {
  const signed = placedFields(word).filter(({ field }) => field.signed)
  if (signed.length > 0 && word.perWord !== undefined) throw new Error(`${word.title}: elements are not signed.`)
  return signed.map(({ field, offset }) => `2 ** ${offset + field.bits - 1}`).join(' + ') || '0'
}

/** Not in the library, whose readers bear the names of its parameters. Only words without signed fields are packed. */
const packFunction = (title: string, type: string, placed: readonly PlacedField[]): string =>
  `/// @dev Lays field values side by side.
function pack${title}(${placed.map(({ field }) => `uint256 ${field.name}`).join(', ')}) pure returns (${type}) {
${placed.map(({ field: { name, bits } }) => `    if (${name} >= 2 ** ${bits}) revert FieldOutOfRange("${name}", ${name});`).join('\n')}
    return ${type}.wrap(${placed.map(({ field, offset }) => (offset === 0 ? field.name : `(${field.name} << ${offset})`)).join(' | ')});
}`
