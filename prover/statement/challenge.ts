import { concat, keccak256, toBeHex, zeroPadValue } from 'ethers'

/** Order of the scalar field of BN254. */
export const FIELD_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617n

/** Where a proof belongs: each of these is hashed into the challenge, so a proof fits one place once. */
export type StatementContext = {
  readonly layoutHash: string
  readonly chainId: bigint
  readonly registry: string
  readonly modelId: string
  /** In batch order; `sequence` is the one the update will get. */
  readonly markets: readonly { readonly marketId: string; readonly sequence: bigint }[]
}

const word32 = (value: bigint): string => toBeHex(value, 32)

/**
 * The random point of the statement's evaluation, 248 bits.
 *
 * It follows from the commitment and from everything the contract holds, so whoever proves has fixed the words before
 * the point exists (docs/statement.md).
 */
export function challengeOf(context: StatementContext, commitment: bigint, words: readonly bigint[]): bigint {
  const markets = context.markets.flatMap(({ marketId, sequence }) => [marketId, word32(sequence)])
  const preimage = concat([
    context.layoutHash,
    word32(context.chainId),
    zeroPadValue(context.registry, 32),
    context.modelId,
    word32(commitment),
    ...markets,
    ...words.map(word32),
  ])
  return BigInt(keccak256(preimage)) >> 8n
}

/** Σ words[i] · challenge^i mod p, by Horner's rule; shape of `words` [n]. */
export function evaluate(words: readonly bigint[], challenge: bigint): bigint {
  return words.reduceRight((sum, word) => (sum * challenge + word) % FIELD_ORDER, 0n)
}
