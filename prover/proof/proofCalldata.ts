/**
 * A proof as the eight words that Solidity verifiers take: a, b, c one after the other.
 *
 * The EVM puts the imaginary part of a coordinate first (EIP-197), snarkjs the real one: this is the one place that swaps them.
 */
import { MalformedProofError, type ProofPoints, parseProof } from './strictProof.ts'

/** [a.x, a.y, b.x.c1, b.x.c0, b.y.c1, b.y.c0, c.x, c.y]. */
export type ProofCalldata = readonly [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint]

/** The arguments of `verifyProof` in a generated verifier, except for the public signals. */
export interface VerifierArguments {
  readonly a: readonly [bigint, bigint]
  readonly b: readonly [readonly [bigint, bigint], readonly [bigint, bigint]]
  readonly c: readonly [bigint, bigint]
}

/**
 * The proof's eight words.
 *
 * @example
 * const { proof } = await readBundle('bundle.json')
 * encodeProofCalldata(parseProof(proof)).length // → 8
 */
export function encodeProofCalldata({ a, b, c }: ProofPoints): ProofCalldata {
  return [a.x, a.y, b.x[1], b.x[0], b.y[1], b.y[0], c.x, c.y]
}

/**
 * The proof whose words these are.
 *
 * @throws what {@link parseProof} throws, if the words are not a canonical proof
 */
export function decodeProofCalldata(words: readonly bigint[]): ProofPoints {
  if (words.length !== 8) throw new MalformedProofError('calldata', `expected 8 words, got ${words.length}`)
  const [ax, ay, bx1, bx0, by1, by0, cx, cy] = words as ProofCalldata
  return parseProof({
    pi_a: [ax, ay, '1'],
    pi_b: [
      [bx0, bx1],
      [by0, by1],
      ['1', '0'],
    ],
    pi_c: [cx, cy, '1'],
    protocol: 'groth16',
    curve: 'bn128',
  })
}

/** The same words, grouped as Solidity's signature groups them. */
export function verifierArguments(points: ProofPoints): VerifierArguments {
  const [ax, ay, bx1, bx0, by1, by0, cx, cy] = encodeProofCalldata(points)
  return {
    a: [ax, ay],
    b: [
      [bx1, bx0],
      [by1, by0],
    ],
    c: [cx, cy],
  }
}
