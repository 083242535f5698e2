import { keccak256, toUtf8Bytes } from 'ethers'
import { type StatementName, statements, words } from '../../circuits/statements/index.ts'
import type { Statement, Word } from '../../circuits/statements/language.ts'

/**
 * Hash of a statement's declaration: its places in order, the fields of their words, and the constants of its template.
 *
 * Contract, circuit manifest and prover compare it, so that two sides which read words differently never meet.
 */
export function layoutHash(name: StatementName): string {
  const hash = hashes.get(name) ?? hashOf(name)
  hashes.set(name, hash)
  return hash
}

const hashes = new Map<StatementName, string>()

function hashOf(name: StatementName): string {
  const { inputs, outputs, constants = {} }: Statement = statements[name]
  const places = [inputs, outputs].map((groups) =>
    groups.map(({ repeat = null, sections }) => [
      repeat,
      sections.map(({ name, word, count = [] }) => [name, word, count]),
    ]),
  )
  const used = [...inputs, ...outputs].flatMap(({ sections }) => sections.map(({ word }) => word))
  return keccak256(toUtf8Bytes(JSON.stringify({ name, places, words: declarationsOf(used), constants })))
}

/** Each word once, in the order of the declaration. */
const declarationsOf = (names: readonly string[]): unknown =>
  Object.entries(words as Record<string, Word>)
    .filter(([name]) => names.includes(name))
    .map(([name, { perWord = 1, fields }]) => [
      name,
      perWord,
      fields.map((field) => [field.name, field.bits, field.signed ?? false]),
    ])
