import { LastAnswers } from './lastAnswers.ts'
import { FIELD_ORDER } from './challenge.ts'
import { loadPoseidon } from './poseidon.ts'

/** Words absorbed by one permutation; with the chaining value they fill circomlib's widest Poseidon (16 inputs). */
const COMMITMENT_RATE = 15

/** Every margin of a round opens the same arrays, and an auditor tells each of them again. */
const commitments = new LastAnswers<bigint>(1_024)

let poseidon: ReturnType<typeof loadPoseidon> | undefined

/**
 * Commitment to the statement's input words: a Poseidon chain over blocks of 15 words that starts from their number,
 * so that vectors of different lengths never share a chain.
 *
 * Twin of `circuits/statement/Commitment.circom`.
 *
 * @param words - input words, shape [n], each below 2^248
 * @returns one scalar-field element
 */
export function commit(words: readonly bigint[]): Promise<bigint> {
  return commitments.answer(words.join(), () => chainOf(words))
}

async function chainOf(words: readonly bigint[]): Promise<bigint> {
  poseidon ??= loadPoseidon()
  const hash = await poseidon
  let chain = BigInt(words.length)
  for (let from = 0; from < words.length; from += COMMITMENT_RATE) {
    chain = hash([chain, ...words.slice(from, from + COMMITMENT_RATE)])
  }
  return chain
}

/** The same of signed elements: a negative one is held as its sum with the field's order, as circuits hold it. */
export const commitSigned = (elements: readonly bigint[]): Promise<bigint> =>
  commit(elements.map((element) => (element < 0n ? element + FIELD_ORDER : element)))
