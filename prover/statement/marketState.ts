/** A market's state in words, by the names that statements, calls and events have for them. */
import { type MarketStateWord, marketState, marketStateWords, previousOf } from '../../circuits/statements/index.ts'
import type { MarketState } from '../parameters/marketRisk.ts'
import { pack, unpack } from './words.ts'

/** A state, packed. */
export type StateWords = { readonly [W in MarketStateWord]: bigint }

/** The same where it is presented as it was. */
export type PreviousWords = { readonly [W in MarketStateWord as `previous${Capitalize<W>}`]: bigint }

type StatePart = keyof typeof marketState
const parts = Object.entries(marketState) as readonly [StatePart, MarketStateWord][]

/**
 * A state's words.
 *
 * @throws {@link FieldOutOfRangeError}
 */
export const packState = (state: MarketState): StateWords =>
  Object.fromEntries(parts.map(([part, word]) => [word, pack(word, state[part] as never)])) as StateWords

/**
 * The state that words say; the inverse of {@link packState}.
 *
 * @throws {@link WordOutOfRangeError}
 */
export const unpackState = (words: StateWords): MarketState =>
  Object.fromEntries(parts.map(([part, word]) => [part, unpack(word, words[word])])) as MarketState

/** The words of a state alone, of whatever has them among others. */
export const stateWordsOf = (holder: StateWords): StateWords => wordsBy((word) => holder[word])

/** Words of the state that something starts from. */
export const previousWordsOf = (holder: PreviousWords): StateWords => wordsBy((word) => holder[previousOf(word)])

/** Words of a state as those that something starts from. */
export const asPrevious = (words: StateWords): PreviousWords =>
  Object.fromEntries(marketStateWords.map((word) => [previousOf(word), words[word]])) as PreviousWords

/** Something for each part of a state, by the part's name. */
export const partsBy = <T>(of: (part: StatePart, word: MarketStateWord) => T): Readonly<Record<StatePart, T>> =>
  Object.fromEntries(parts.map(([part, word]) => [part, of(part, word)])) as Record<StatePart, T>

/** Something for each word of a state, by the word's name. */
export const wordsBy = <T>(of: (word: MarketStateWord) => T): Readonly<Record<MarketStateWord, T>> =>
  Object.fromEntries(marketStateWords.map((word) => [word, of(word)])) as Record<MarketStateWord, T>
