import { describe, expect, test } from 'vitest'
import { type ListName, lists, words } from '../../circuits/statements/index.ts'
import { fixedWords, type WordList } from '../../circuits/statements/language.ts'
import { joinList, splitList } from '../../prover/statement/lists.ts'

const names = Object.keys(lists) as ListName[]

/** Sections whose words are numbered in the order of the list. */
function numbered(name: ListName): Record<string, readonly bigint[]> {
  const { sections }: WordList = lists[name]
  let next = 0n
  return Object.fromEntries(
    sections.map((section) => [section.name, Array.from({ length: fixedWords(section, words) }, () => next++)]),
  )
}

describe('Q1: lists of words', () => {
  test.each(names)('%s is joined in the order of its declaration, whatever the order of its sections', (name) => {
    const sections = numbered(name)
    const reversed = Object.fromEntries(Object.entries(sections).reverse())
    const joined = joinList(name, { ...reversed, other: [99n] })
    expect(joined).toEqual(joined.map((_, i) => BigInt(i)))
    expect(splitList(name, joined)).toEqual(sections)
  })

  test('a policy of portfolios has its grid first, then factors, collateral and sizes', () => {
    const policy = splitList('portfolioPolicy', joinList('portfolioPolicy', numbered('portfolioPolicy')))
    expect(policy.scenarioRegular[0]).toBe(0n)
    expect(policy.lossFactors).toEqual([19n])
    expect(policy.collateralPolicy[0]).toBe(21n)
    expect(policy.concentration).toEqual([29n])
    expect(policy.collateralSizes[0]).toBe(30n)
  })
})
