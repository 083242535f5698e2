import { type Fields, WORD_BITS, type WordName, words } from '../../circuits/statements/index.ts'
import { bitsOf, elementBits, type Word } from '../../circuits/statements/language.ts'
import { ProverError } from '../errors.ts'

/** `bias` is what a signed field adds to its value. */
type Place = { readonly name: string; readonly bits: bigint; readonly offset: bigint; readonly bias: bigint }

const places = Object.fromEntries(
  Object.entries(words as Record<string, Word>).map(([name, word]) => {
    let offset = 0n
    const fields = word.fields.map((field) => {
      const bias = field.signed ? 1n << BigInt(field.bits - 1) : 0n
      const place = { name: field.name, bits: BigInt(field.bits), offset, bias }
      offset += place.bits
      return place
    })
    return [name, fields]
  }),
) as { [name: string]: readonly Place[] } as Record<WordName, readonly Place[]>

/** Bits that the fields of a word use, or those of one element of it; every bit above is zero. */
export const wordBits = (word: WordName): number => elementBits(words[word])

/**
 * Lays the fields of a word, or of one element of it, side by side, the first in the least significant bits.
 *
 * @throws {@link FieldOutOfRangeError} if a value does not fit its place; nothing is truncated
 * @example
 * pack('observation', { priceE8: 1n, asOf: 2n, impliedVolatilityX16: 3n, rangeCode: 4n }) // → 5_070_606_027_690_377_012_824_290_361_345n
 */
export function pack<W extends WordName>(word: W, values: Fields<W>): bigint {
  let packed = 0n
  for (const { name, bits, offset, bias } of places[word]) {
    const value = (values as Record<string, bigint>)[name]
    if (value === undefined || value + bias < 0n || value + bias >= 1n << bits)
      throw new FieldOutOfRangeError(word, name, value, bits, bias)
    packed |= (value + bias) << offset
  }
  return packed
}

/**
 * Words of elements in order, the first in the low bits; places left in the last word are zero.
 *
 * @param elements - shape [n]
 * @returns shape [⌈n / perWord⌉]
 */
export function packElements<W extends WordName>(word: W, elements: readonly Fields<W>[]): readonly bigint[] {
  return joinElements(
    word,
    elements.map((element) => pack(word, element)),
  )
}

/** The same of elements that are packed already. */
export function joinElements(word: WordName, elements: readonly bigint[]): readonly bigint[] {
  const { perWord, width } = elementsOf(word)
  return Array.from({ length: wordCount(word, elements.length) }, (_, i) =>
    elements.slice(i * perWord, (i + 1) * perWord).reduceRight((joined, element) => (joined << width) | element, 0n),
  )
}

/**
 * The elements of words, each packed; the inverse of {@link joinElements}.
 *
 * @param packed - shape [⌈count / perWord⌉]
 * @returns shape [count]
 * @throws {@link WordOutOfRangeError} if a bit beyond the elements is set
 */
export function splitElements(word: WordName, packed: readonly bigint[], count: number): readonly bigint[] {
  const { perWord, width } = elementsOf(word)
  const elements = packed.flatMap((joined) => {
    if (joined < 0n || joined >> (width * BigInt(perWord)) !== 0n) throw new WordOutOfRangeError(word, joined)
    return Array.from({ length: perWord }, (_, i) => (joined >> (width * BigInt(i))) & ((1n << width) - 1n))
  })
  const beyond = elements.slice(count).find((element) => element !== 0n)
  if (beyond !== undefined) throw new WordOutOfRangeError(word, beyond)
  return elements.slice(0, count)
}

/** How many words so many elements take. */
export const wordCount = (word: WordName, elements: number): number => Math.ceil(elements / elementsOf(word).perWord)

/** One element of words, packed, whatever else they hold; 0 beyond them. */
export function elementAt(word: WordName, packed: readonly bigint[], index: number): bigint {
  const { perWord, width } = elementsOf(word)
  return ((packed[Math.floor(index / perWord)] ?? 0n) >> (width * BigInt(index % perWord))) & ((1n << width) - 1n)
}

/** The same, each split into its fields. */
export const unpackElements = <W extends WordName>(word: W, packed: readonly bigint[], count: number) =>
  splitElements(word, packed, count).map((element) => unpack(word, element))

function elementsOf(word: WordName): { readonly perWord: number; readonly width: bigint } {
  const { perWord = 1 }: Word = words[word]
  return { perWord, width: BigInt(wordBits(word)) }
}

/**
 * Splits a word, or one element, into its fields; the inverse of {@link pack}.
 *
 * @throws {@link WordOutOfRangeError} if a bit above the word's fields is set
 * @example
 * unpack('observation', pack('observation', { priceE8: 1n, asOf: 2n, impliedVolatilityX16: 3n, rangeCode: 4n })).asOf // → 2n
 */
export function unpack<W extends WordName>(word: W, packed: bigint): Fields<W> {
  if (packed < 0n || packed >= 1n << BigInt(wordBits(word))) throw new WordOutOfRangeError(word, packed)
  const entries = places[word].map(({ name, bits, offset, bias }) => [
    name,
    ((packed >> offset) & ((1n << bits) - 1n)) - bias,
  ])
  return Object.fromEntries(entries) as Fields<W>
}

/** Every word is below 2^248, so no word has a second representation in the scalar field. */
export const WORD_LIMIT = 1n << BigInt(WORD_BITS)

/** A field value is negative, missing or wider than its place. */
export class FieldOutOfRangeError extends ProverError {
  readonly code = 'statement.field-out-of-range'
  readonly word: string
  readonly field: string
  readonly value: bigint | undefined

  constructor(word: string, field: string, value: bigint | undefined, bits: bigint, bias: bigint) {
    const range = bias === 0n ? `[0, 2^${bits})` : `[-2^${bits - 1n}, 2^${bits - 1n})`
    super(`Expected ${word}.${field} in ${range}, got ${value ?? 'nothing'}.`)
    this.word = word
    this.field = field
    this.value = value
  }
}

/** A packed word has bits outside its fields. */
export class WordOutOfRangeError extends ProverError {
  readonly code = 'statement.word-out-of-range'
  readonly word: string
  readonly value: bigint

  constructor(word: string, value: bigint) {
    super(`Expected a ${word} word of at most ${bitsOf(words[word as WordName])} bits, got ${value}.`)
    this.word = word
    this.value = value
  }
}
