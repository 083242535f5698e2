/** Verifiers of builds, as they are put on a chain. */
import { Contract, type InterfaceAbi, type Signer } from 'ethers'
import { ProverError } from '../errors.ts'
import { type VerificationKey, verificationKeyHash } from '../proof/index.ts'
import { verifierArtifactOf } from './artifacts.ts'
import { attempt, deployContract } from './transactions.ts'

/**
 * Deploys the compiled verifier of a build, of whatever statement.
 *
 * @throws {@link VerifierOutOfDateError} if it was made from another key
 */
export async function deployVerifier(
  signer: Signer,
  build: string,
  verificationKey: VerificationKey,
): Promise<{ readonly verifier: string; readonly keyHash: string }> {
  const keyHash = `0x${verificationKeyHash(verificationKey)}`
  const artifact = verifierArtifactOf(build)
  const verifier = await deployContract(signer, `the verifier of ${build}`, artifact, [])
  const contract = new Contract(verifier, artifact.abi as InterfaceAbi, signer)
  const compiledFor: string = await attempt(`Reading the key of the verifier of ${build}`, () =>
    contract.getFunction('VERIFICATION_KEY_HASH')(),
  )
  if (compiledFor !== keyHash) throw new VerifierOutOfDateError(build, compiledFor, keyHash)
  return { verifier, keyHash }
}

/** The compiled verifier was generated from another key than the one at hand. */
export class VerifierOutOfDateError extends ProverError {
  readonly code = 'registry.verifier-out-of-date'
  readonly build: string
  readonly compiledFor: string
  readonly expected: string

  constructor(build: string, compiledFor: string, expected: string) {
    super(
      `The compiled verifier of ${build} holds key ${compiledFor}, not ${expected}. Build the project again, then deploy.`,
    )
    this.build = build
    this.compiledFor = compiledFor
    this.expected = expected
  }
}
