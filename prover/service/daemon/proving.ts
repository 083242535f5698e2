/** From a batch to a proof bundle. */
import { ProverError } from '../../errors.ts'
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
  const { proof, publicSignals, timings, backend } = await prover.prove(keys, statement.circuitInput)
  const differs = publicSignals.findIndex((signal, i) => signal !== statement.publicSignals[i])
  if (differs >= 0) throw new OtherStatementError(keys.circuit, differs)
  return { bundle: makeBundle(statement, inboxes, names, proof, keys.verificationKey), statement, timings, backend }
}

/** sha256 of a key's verification key as contracts hold it. */
export const keyHashOf = ({ manifest }: Pick<CircuitKeys, 'manifest'>): string => `0x${manifest.verificationKeySha256}`

/** A valid proof, but not of what was asked. */
export class OtherStatementError extends ProverError {
  readonly code = 'service.other-statement'
  readonly circuit: string
  readonly signal: number

  constructor(circuit: string, signal: number) {
    super(
      `Expected a proof of ${circuit} for the statement that was asked for, got one that differs in public signal ${signal}. ` +
        'Let workers and service be built from one source.',
    )
    this.circuit = circuit
    this.signal = signal
  }
}
