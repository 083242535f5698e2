/** Sizes that every statement shares, as circom functions: how many elements a section has, and how many words they take. */
import type { Section, Statement, Word } from '../../circuits/statements/language.ts'
import { type Generated, notice } from './text.ts'

/**
 * @param sizes - elements by name, in camel case
 * @returns a function for each size and, for each section of a fixed number of elements, one for its words
 */
export function circomSizes(
  sizes: Readonly<Record<string, number>>,
  statements: Readonly<Record<string, Statement>>,
  words: Readonly<Record<string, Word>>,
): Generated {
  const sections = Object.values(statements)
    .flatMap(({ inputs, outputs }) => [...inputs, ...outputs])
    .flatMap(({ sections }) => sections)
  const fixed = new Map(sections.flatMap((section) => entryOf(section, words)))
  return {
    'circuits/generated/sizes.circom': [
      `// ${notice}`,
      'pragma circom 2.2.3;',
      '',
      ...Object.entries(sizes).map(([name, size]) => functionOf(name, size)),
      '',
      '/** Words that sections take. */',
      ...[...fixed].map(([name, count]) => functionOf(`${name}Words`, count)),
      '',
    ].join('\n'),
  }
}

function entryOf({ name, word, count }: Section, words: Readonly<Record<string, Word>>): [string, number][] {
  const factors = (count ?? []).filter((factor) => typeof factor === 'number')
  if (count === undefined || factors.length < count.length) return []
  const elements = factors.reduce((product, factor) => product * factor, 1)
  return [[name, Math.ceil(elements / (words[word]?.perWord ?? 1))]]
}

const functionOf = (name: string, value: number): string => `function ${name}() { return ${value}; }`
