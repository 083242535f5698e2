/**
 * The language in which market.ts, options.ts and portfolio.ts say what each circuit proves.
 *
 * A *word* is one element of a statement's vector: fields laid side by side from the least significant bit, at most 248
 * bits, so that no word can alias modulo the scalar field. A word may hold several *elements*, each with the same fields.
 * A *statement* lists words in order: input sections, then output sections. Inputs are committed to; outputs follow from
 * them (docs/statement.md says why that suffices). A *build* is a statement's template at fixed sizes.
 */
import type { ClaimId } from '../generated/claimIds.ts'

/** Largest width of a word: 2^248 < p, so a word below it has one representation in the field. */
export const WORD_BITS = 248

/** One field of a word. `name` carries unit and scale (docs/style.md: E8, X24, Seconds, …). */
export type Field = {
  readonly name: string
  readonly bits: number
  /** The field holds value + 2^(bits - 1), so that values from -2^(bits - 1) up to 2^(bits - 1) - 1 fit. */
  readonly signed?: true
  /** Read by some volatility models only, and zero where another is in force; stands after all others. */
  readonly optional?: true
  readonly meaning: string
  /** What defines the value; every field of an output has one. */
  readonly claim?: ClaimId
  /** Of a field that governance sets: the least value that makes sense, in units of the field, or another field of the word. */
  readonly least?: number | FieldBound
  readonly greatest?: number
  /** Why whoever governs may go no further: the bound protects accounts, not the circuit. */
  readonly because?: string
}

/** What another field of the same word says, or so much more. */
export type FieldBound = { readonly field: string; readonly plus?: number }

export type Word = {
  readonly title: string
  readonly fields: readonly Field[]
  /** More than one: the fields are those of an element, and so many elements share a word, the first in the low bits. */
  readonly perWord?: number
}

/**
 * Words of one kind, side by side; `root` is an element of the scalar field and not packed: a commitment to other words. How many elements is the product of `count`, one if absent; a factor that is a name is
 * a size of the build. Elements that share words fill them in order; places left in the last word are zero.
 */
export type Section = {
  readonly name: string
  readonly word: string
  readonly count?: readonly (number | string)[]
  /** Contracts take it with its neighbours, as one struct. */
  readonly within?: StructPlace
  readonly meaning: string
}

/** Neighbouring words that contracts hold as a struct of this type, in its order, and what they call it here. */
export type StructPlace = { readonly struct: string; readonly as: string }

/** A struct of words, as contracts take, keep and tell them together. */
export type WordStruct = { readonly title: string; readonly words: readonly string[] }

/** Sections that stand together, repeated as often as the size `repeat` says. */
export type Group = { readonly repeat?: string; readonly sections: readonly Section[] }

/**
 * Words that contracts take or keep side by side, in a declared order. Statements that have its sections have them in the
 * same order, so a contract hands on whole runs.
 */
export type WordList = {
  readonly title: string
  /** Sections of fixed size. */
  readonly sections: readonly Section[]
  /** The contract keeps the words and has checked them; otherwise they come with a call. */
  readonly kept?: true
}

/** What a call presents of one subject: a word, or something else of a Solidity type. */
export type CallField = { readonly name: string; readonly meaning: string } & (
  | { readonly word: string; readonly within?: StructPlace }
  | { readonly type: 'address' | 'bytes32' | 'uint256' }
)

/** What a call presents of one subject, in order; `runs` names neighbours that are copied together, by first and last, or structs. */
export type CallItem = {
  readonly title: string
  readonly fields: readonly CallField[]
  readonly runs: Readonly<Record<string, readonly [first: string, last: string]>>
}

/**
 * A template below circuits/ with a port for each section, by its name: of sections that all repetitions share the word's
 * fields, of elements that share words the bits of each, of any other the word.
 */
export type Step = { readonly folder: string; readonly template: string; readonly parameters: readonly string[] }

export type Statement = {
  readonly template: string
  /** Arguments of the template, in its order: sizes of the build, and `constants`. */
  readonly parameters: readonly string[]
  /** Sizes that the registry of models keeps: how many subjects a proof has places for, and how many words each; 1 if none. */
  readonly places?: string
  readonly slots?: string
  /** Values that are the same for all builds and part of what the statement means. */
  readonly constants?: Readonly<Record<string, number>>
  /** What takes one repetition from its inputs to its outputs; the statement's own template is generated then. */
  readonly step?: Step
  readonly inputs: readonly Group[]
  readonly outputs: readonly Group[]
}

/** A named value that a build chooses. */
export type Size = { readonly name: string; readonly value: number }

/** One compiled circuit, with keys and a verifier of its own. */
export type Build = {
  readonly name: string
  readonly statement: string
  readonly sizes: readonly Size[]
  readonly meaning: string
}

/** A volatility model as circuits choose it. */
export type VolatilityModelRow = {
  readonly id: number
  /** Its templates are `<template>Step` and `<template>Used`. */
  readonly template: string
  /** How many of the state's variances it keeps, from the first on; the others are zero. */
  readonly variances: number
  /** Whether it reads the optional fields of a market's policy; if not, they are zero. */
  readonly readsOptionalPolicy: boolean
  readonly claim: ClaimId
}

/** Bits of an element's fields; of the word, if it holds one. */
export const elementBits = ({ fields }: Word): number => fields.reduce((sum, { bits }) => sum + bits, 0)

/** Bits in use when every place of the word is taken. */
export const bitsOf = (word: Word): number => elementBits(word) * (word.perWord ?? 1)

/** How many words a section takes whose size no build chooses. */
export function fixedWords({ word, count = [] }: Section, words: Readonly<Record<string, Word>>): number {
  const elements = count.reduce<number>((product, factor) => product * Number(factor), 1)
  return Math.ceil(elements / (words[word]?.perWord ?? 1))
}

/**
 * A build's value of a size.
 *
 * @example
 * const live = marketBuilds.find(({ name }) => name === 'marketRiskRange6x2')
 * sizeOf(live, 'markets') // → 6
 */
export function sizeOf({ name: build, sizes }: Pick<Build, 'name' | 'sizes'>, name: string): number {
  const size = sizes.find((each) => each.name === name)
  if (size === undefined)
    throw new Error(`${build} has no size ${name}; it has ${sizes.map((s) => s.name).join(', ')}.`)
  return size.value
}

/** What the registry of models keeps of a build's sizes. */
export const placesOf = (
  { places, slots }: Statement,
  build: Build,
): { readonly places: number; readonly slots: number } => ({
  places: places === undefined ? 1 : sizeOf(build, places),
  slots: slots === undefined ? 1 : sizeOf(build, slots),
})

/** Template arguments in the order the template declares them. */
export const argumentsOf = ({ parameters, constants = {} }: Statement, build: Build): readonly number[] =>
  parameters.map((name) => constants[name] ?? sizeOf(build, name))
