import { keccak256, toUtf8Bytes } from 'ethers'
import { packedWords, SLOW_HALF_LIFE_SHIFT, statements } from '../../circuits/statements.ts'

/**
 * Hash of a statement's declaration: its places, the fields of their words, and the model's fixed constants.
 *
 * Contract, circuit manifest and prover compare it, so that two sides which read words differently never meet.
 */
export function layoutHash(statement: keyof typeof statements): string {
  const { shared, marketInputs, marketOutputs } = statements[statement]
  const places = [shared, marketInputs, marketOutputs].map((group) => group.map((place) => [place.name, place.word]))
  const words = Object.entries(packedWords).map(([name, word]) => [
    name,
    word.fields.map((field) => [field.name, field.bits]),
  ])
  return keccak256(toUtf8Bytes(JSON.stringify({ statement, places, words, SLOW_HALF_LIFE_SHIFT })))
}
