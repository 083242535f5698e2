/** Where proofs belong that no chain is to take. */
import { ZeroAddress } from 'ethers'
import { builds } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import type { VerifyingKeys } from '../proof/index.ts'
import type { StatementContext } from '../statement/challenge.ts'
import { layoutHash } from '../statement/layout.ts'
import { modelIdOf } from './deployment.ts'

/**
 * The place of a proof that belongs to no chain: chain 0 and no registry, which no contract can be, and the id that any registry
 * of models would give to this build under this key. Nothing in it is made up, and everybody with the key arrives at the same.
 *
 * @throws {@link UnknownCircuitError} if no build of this version has the key's name
 * @example
 * const { chainId, modelId } = offlineContext(await loadKeys('riskArray5'))
 * chainId // → 0n
 */
export function offlineContext({ circuit, manifest }: Pick<VerifyingKeys, 'circuit' | 'manifest'>): StatementContext {
  const build = builds.find(({ name }) => name === circuit)
  if (build === undefined) throw new UnknownCircuitError(circuit)
  const modelId = modelIdOf(circuit, `0x${manifest.verificationKeySha256}`, layoutHash(build.statement))
  return { chainId: 0n, registry: ZeroAddress, modelId, subject: [] }
}

/** A key is of no build that this version has. */
export class UnknownCircuitError extends ProverError {
  readonly code = 'registry.unknown-circuit'
  readonly circuit: string

  constructor(circuit: string) {
    super(`Expected the key of one of ${builds.map(({ name }) => name).join(', ')}, got that of ${circuit}.`)
    this.circuit = circuit
  }
}
