/** What was computed again against what was submitted, word by word and field by field. */
import { type Fields, type WordName, words } from '../../../circuits/statements/index.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { unpack } from '../../statement/words.ts'
import type { ClaimId } from '../claimTitles.ts'

export function holdsIf(holds: boolean, claim: ClaimId, field: string, expected: string, found: unknown): ClaimResult {
  return holds ? { claim, holds } : { claim, holds, field, expected, found: String(found) }
}

/** Lists of words, length first. */
export function compareLists(
  claim: ClaimId,
  field: string,
  expected: readonly unknown[],
  found: readonly unknown[],
): readonly ClaimResult[] {
  return [
    compare(claim, `${field}.length`, expected.length, found.length),
    ...expected.slice(0, found.length).map((each, i) => compare(claim, `${field}[${i}]`, each, found[i])),
  ]
}

/** The fields of a word by name; bits beyond them are a difference, too. */
export function compareWord<W extends WordName>(
  claim: ClaimId | ((field: string) => ClaimId),
  at: string,
  word: W,
  expected: Partial<Fields<W>>,
  found: bigint,
): readonly ClaimResult[] {
  const given = unpackSafely(word, found) as Readonly<Record<string, bigint>> | undefined
  const claimOf = typeof claim === 'string' ? () => claim : claim
  if (given === undefined) return [compare(typeof claim === 'string' ? claim : 'Q1', at, words[word].title, found)]
  return Object.entries(expected).map(([name, value]) => compare(claimOf(name), `${at}.${name}`, value, given[name]))
}

export function unpackSafely<W extends WordName>(word: W, packed: bigint): Fields<W> | undefined {
  try {
    return unpack(word, packed)
  } catch {
    return undefined
  }
}
