import { packedWords, WORD_BITS } from '../../circuits/statements.ts'
import type { Fields, PackedWord, PackedWordName } from '../../circuits/statements.ts'
import { ProverError } from '../errors.ts'

/** `bias` is what a signed field adds to its value. */
type Place = { readonly name: string; readonly bits: bigint; readonly offset: bigint; readonly bias: bigint }

const places = Object.fromEntries(
  Object.entries(packedWords as Record<string, PackedWord>).map(([name, word]) => {
    let offset = 0n
    const fields = word.fields.map((field) => {
      const bias = field.signed ? 1n << BigInt(field.bits - 1) : 0n
      const place = { name: field.name, bits: BigInt(field.bits), offset, bias }
      offset += place.bits
      return place
    })
    return [name, fields]
  }),
) as { [name: string]: readonly Place[] } as Record<PackedWordName, readonly Place[]>

/** Bits a packed word uses; every bit above is zero. */
export function wordBits(word: PackedWordName): number {
  return packedWords[word].fields.reduce((sum, field) => sum + field.bits, 0)
}

/**
 * Lays the fields of a word side by side, the first in the least significant bits.
 *
 * @throws {@link FieldOutOfRangeError} if a value does not fit its place; nothing is truncated
 */
export function pack<W extends PackedWordName>(word: W, values: Fields<W>): bigint {
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
 * Splits a word into its fields; the inverse of {@link pack}.
 *
 * @throws {@link WordOutOfRangeError} if a bit above the word's fields is set
 */
export function unpack<W extends PackedWordName>(word: W, packed: bigint): Fields<W> {
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
    super(`Expected a ${word} word of at most ${wordBits(word as PackedWordName)} bits, got ${value}.`)
    this.word = word
    this.value = value
  }
}
