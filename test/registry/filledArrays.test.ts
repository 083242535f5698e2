import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arraysOf, bookWordsOf, filledArrays, type ProvenPortfolio } from '../../prover/registry/portfolio/calldata.ts'
import { pack } from '../../prover/statement/words.ts'

const PLACES = 5
const STRIKES = 3

/** A position word for each strike of an array, which its root tells apart; a quantity for each. */
const wordsOf = (root: bigint, quantities: readonly bigint[]): readonly bigint[] =>
  quantities.map((callsE12, i) =>
    pack('optionPosition', { expiry: 1n + root / 2n, strikeE8: 10n * root + BigInt(i) + 1n, callsE12, putsE12: 0n }),
  )
const nothing: readonly bigint[] = new Array<bigint>(STRIKES).fill(0n)

/** A book over arrays of these roots, its places filled up as books are. */
function bookOf(arrays: readonly (readonly [root: bigint, quantities: readonly bigint[]])[]): ProvenPortfolio {
  const last = arrays.at(-1)?.[0] ?? 0n
  const places = Array.from({ length: PLACES }, (_, i) => arrays[i] ?? ([last, nothing] as const))
  const sections = {
    arrayRoots: places.map(([root]) => root),
    positions: places.flatMap(([root, quantities]) => wordsOf(root, quantities)),
    stateOut: [77n],
  }
  return { stated: { sections, commitment: 5n }, proof: [] as never }
}

const sectionsOf = ({ stated: { sections } }: ProvenPortfolio) => ({
  arrayRoots: sections.arrayRoots,
  positions: sections.positions,
})

const quantities = fc.array(fc.bigInt({ min: -2n, max: 2n }), { minLength: STRIKES, maxLength: STRIKES })
/** Some arrays, of which neighbours may be the same one. */
const arrays = fc.array(fc.tuple(fc.bigInt({ min: 1n, max: 3n }), quantities), { minLength: 1, maxLength: PLACES })

describe('R195: what fills places up', () => {
  test('is left out of calls, and follows from what is left', () => {
    fc.assert(
      fc.property(arrays, (given) => {
        const book = bookOf(given)
        const words = bookWordsOf([book])
        const used = arraysOf([book])
        expect(words).toHaveLength(2 + used * (1 + STRIKES))
        expect(used).toBeLessThanOrEqual(given.length)
        expect([words[0], words.at(-1)]).toEqual([5n, 77n])
        expect(filledArrays(words.slice(1, -1), PLACES, STRIKES)).toEqual(sectionsOf(book))
      }),
      { numRuns: 300 },
    )
  })

  test('is left out where nothing is held alone, at the same strikes of the same array', () => {
    const held = [1n, 0n, 0n]
    const used = (...given: Parameters<typeof bookOf>[0][number][]) => arraysOf([bookOf(given)])
    expect(used([1n, held])).toBe(1)
    expect(used([1n, held], [1n, nothing])).toBe(1)
    expect(used([1n, nothing])).toBe(1)
    expect(used([1n, held], [1n, [0n, 0n, 1n]])).toBe(2)
    expect(used([1n, held], [2n, nothing])).toBe(2)
    const book = bookOf([[1n, held]])
    const { arrayRoots = [], positions = [] } = book.stated.sections
    const elsewhere = (sections: object) => ({
      ...book,
      stated: { ...book.stated, sections: { ...book.stated.sections, ...sections } },
    })
    expect(arraysOf([elsewhere({ arrayRoots: arrayRoots.with(-1, 9n) })])).toBe(PLACES)
    expect(arraysOf([elsewhere({ positions: positions.with(-1, positions[0] as bigint) })])).toBe(PLACES)
  })

  test('is left out of the last book alone: those before it are full', () => {
    const held = [1n, 0n, 0n]
    const [first, last] = [bookOf([[1n, held]]), bookOf([[2n, held]])]
    expect(arraysOf([])).toBe(0)
    expect(arraysOf([first, last])).toBe(PLACES + 1)
    expect(bookWordsOf([first, last])).toHaveLength(2 + PLACES * (1 + STRIKES) + 2 + 1 + STRIKES)
  })
})
