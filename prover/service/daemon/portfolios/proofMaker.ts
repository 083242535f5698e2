/** One statement proven, or many and counted. */
import type { StatementName } from '../../../../circuits/statements/index.ts'
import { ProverError } from '../../../errors.ts'
import { encodeProofCalldata, parseProof, type ProofTimings, type Prover } from '../../../proof/index.ts'
import type { ProvenPortfolio } from '../../../registry/index.ts'
import type { CircuitSignals, Stated } from '../../../statement/state.ts'
import type { PortfolioModel } from './place.ts'

/** One proof: what it says, and how long it took. */
export type ProofMade = {
  readonly statement: StatementName
  readonly proven: ProvenPortfolio
  readonly timings: ProofTimings
  readonly backend: string
}

/** What is proven with. */
export type PortfolioProver = {
  readonly prover: Prover
  /** Called after each proof. */
  readonly onProof?: (made: ProofMade, done: number, total: number) => void
  /** Proofs made before, by what they say; what is made is added. Statements name place, round and account. */
  readonly known?: Map<string, ProvenPortfolio>
}

type Provable = { readonly stated: Stated; readonly circuitInput: CircuitSignals }

/**
 * Proves a statement with a model.
 *
 * @throws {@link CircuitDiffersError} if the circuit arrives at another statement than the twin
 */
export async function proveStatement(
  prover: Prover,
  { build: { statement }, keys }: PortfolioModel,
  { stated, circuitInput }: Provable,
): Promise<ProofMade> {
  const { proof, publicSignals, timings, backend } = await prover.prove(keys, circuitInput)
  requireStated(statement, stated, publicSignals)
  return { statement, proven: { stated, proof: encodeProofCalldata(parseProof(proof)) }, timings, backend }
}

/** Makes proofs and counts them. */
export class ProofMaker {
  readonly made: ProofMade[] = []
  private readonly proving: PortfolioProver
  private total: number

  constructor(proving: PortfolioProver, total: number) {
    this.proving = proving
    this.total = total
  }

  /** One of those that were counted needs no proof. */
  spare(): void {
    this.total--
  }

  async make(model: PortfolioModel, statement: Provable): Promise<ProvenPortfolio> {
    const { prover, onProof, known } = this.proving
    const key = statement.stated.publicSignals.join(' ')
    const before = known?.get(key)
    if (before !== undefined) {
      this.spare()
      return before
    }
    const made = await proveStatement(prover, model, statement)
    this.made.push(made)
    known?.set(key, made.proven)
    onProof?.(made, this.made.length, this.total)
    return made.proven
  }
}

/** A circuit that computes something else than its twin would only be found out by the contract. */
function requireStated(statement: StatementName, stated: Stated, publicSignals: readonly bigint[]): void {
  const signals = ['commitment', 'evaluation', 'challenge'] as const
  for (const [i, signal] of signals.entries()) {
    const expected = stated.publicSignals[i] as bigint
    const found = publicSignals[i] as bigint
    if (expected !== found) throw new CircuitDiffersError(statement, signal, expected, found)
  }
}

/** The circuit arrives at another statement than the twin: their builds do not belong together. */
export class CircuitDiffersError extends ProverError {
  readonly code = 'service.circuit-differs'
  readonly statement: string
  readonly signal: string

  constructor(statement: string, signal: string, expected: bigint, found: bigint) {
    super(`Expected ${signal} ${expected} of ${statement}, the circuit has ${found}. Run \`npm run build\`.`)
    this.statement = statement
    this.signal = signal
  }
}
