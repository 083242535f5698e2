import { concat, keccak256, toBeHex, zeroPadValue } from 'ethers'

/** Order of the scalar field of BN254. */
export const FIELD_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617n

/** Where a proof belongs: each of these is hashed into the challenge, so a proof fits one place once. */
export type StatementContext = {
  readonly chainId: bigint
  /** The contract that verifies. */
  readonly registry: string
  readonly modelId: string
  /** What else the contract ties the proof to, 32 bytes each: of a batch of markets every id and new sequence. */
  readonly subject: readonly string[]
}

/**
 * The random point of the statement's evaluation, 248 bits.
 *
 * It follows from the commitment and from everything the contract holds, so whoever proves has fixed the words before
 * the point exists (docs/statement.md).
 *
 * @param layoutHash - of the statement, see `prover/statement/layout.ts`
 */
export function challengeOf(
  layoutHash: string,
  { chainId, registry, modelId, subject }: StatementContext,
  commitment: bigint,
  words: readonly bigint[],
): bigint {
  const preimage = concat([
    layoutHash,
    word32(chainId),
    zeroPadValue(registry, 32),
    modelId,
    word32(commitment),
    ...subject,
    ...words.map(word32),
  ])
  return BigInt(keccak256(preimage)) >> 8n
}

const word32 = (value: bigint): string => toBeHex(value, 32)

/** Σ words[i] · challenge^i mod p, by Horner's rule; shape of `words` [n]. */
export function evaluate(words: readonly bigint[], challenge: bigint): bigint {
  return words.reduceRight((sum, word) => (sum * challenge + word) % FIELD_ORDER, 0n)
}
