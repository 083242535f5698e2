/** No proof leaves a prover unverified, whichever arithmetic made it. */
import { ProverError } from '../../errors.ts'
import type { VerificationKey } from '../keys/verificationKey.ts'
import { type ProofToVerify, verifyWithSnarkjs } from '../verify.ts'

/**
 * Verifies a proof that was just made.
 *
 * @throws {@link SelfVerificationError} if it is not valid
 */
export async function requireValid(circuit: string, key: VerificationKey, claim: ProofToVerify): Promise<void> {
  const verdict = await verifyWithSnarkjs(key, claim)
  if (!verdict.accepted) throw new SelfVerificationError(circuit, verdict.reason)
}

/** The finished proof does not verify: the key belongs to another circuit, or memory is faulty. The proof was thrown away. */
export class SelfVerificationError extends ProverError {
  readonly code = 'proof.self-verification'
  readonly circuit: string

  constructor(circuit: string, cause: ProverError) {
    super(
      `A finished proof of ${circuit} does not verify and was thrown away. Check its keys with \`zkrisk keys verify\`.`,
      {
        cause,
      },
    )
    this.circuit = circuit
  }
}
