/** From a batch to a proof bundle. */
import { type Bundle, type InboxPosition, makeBundle } from '../../registry/market/bundle.ts'
import type { Backend, CircuitKeys, ProofTimings, Prover } from '../../proof/index.ts'
import { type MarketRiskBatch, type MarketRiskStatement, stateBatch } from '../../statement/marketRisk.ts'

/** What there is to prove. */
export type BatchToProve = {
  readonly batch: MarketRiskBatch
  /** Of each market of the batch. */
  readonly names: readonly string[]
  readonly inboxes: readonly InboxPosition[]
}

export type ProvenBundle = {
  readonly bundle: Bundle
  readonly statement: MarketRiskStatement
  readonly timings: ProofTimings
  readonly backend: Backend
}

/**
 * States a batch by the twin, proves it, and packs both; the prover has verified the proof by then.
 *
 * @example
 * const keys = await loadKeys('marketRiskRange6x2')
 * const next = await readBatchFile('batch.json', { verificationKeyHash: `0x${keys.manifest.verificationKeySha256}` })
 * const prover = createProver()
 * const { bundle } = await proveBatch(prover, keys, next)
 * await prover.close()
 * (await checkBundle(bundle)).consistent // → true
 */
export async function proveBatch(prover: Prover, keys: CircuitKeys, next: BatchToProve): Promise<ProvenBundle> {
  return proveStatement(prover, keys, next, await stateBatch(next.batch))
}

/** As {@link proveBatch}, of a batch that has been stated already. */
export async function proveStatement(
  prover: Prover,
  keys: CircuitKeys,
  { names, inboxes }: BatchToProve,
  statement: MarketRiskStatement,
): Promise<ProvenBundle> {
  const { proof, timings, backend } = await prover.prove(keys, statement.circuitInput)
  return { bundle: makeBundle(statement, inboxes, names, proof, keys.verificationKey), statement, timings, backend }
}

/** sha256 of a key's verification key as contracts hold it. */
export const keyHashOf = ({ manifest }: Pick<CircuitKeys, 'manifest'>): string => `0x${manifest.verificationKeySha256}`
