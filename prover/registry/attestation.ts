/** Signatures over what a source of observations or of rounds takes (EIP-712). */
import type { Signer, TypedDataDomain, TypedDataField } from 'ethers'

export type Attestation = { readonly signer: string; readonly signature: string }

/**
 * Has signers attest a message.
 *
 * @param signers - exactly as many as the source's threshold, in any order
 * @returns signatures by strictly increasing signer, as sources want them
 */
export async function attest(
  domain: TypedDataDomain,
  types: Record<string, TypedDataField[]>,
  signers: readonly Signer[],
  message: Readonly<Record<string, unknown>>,
): Promise<readonly Attestation[]> {
  const signatures = await Promise.all(
    signers.map(async (signer) => ({
      signer: await signer.getAddress(),
      signature: await signer.signTypedData(domain, types, message),
    })),
  )
  return signatures.sort((a, b) => (BigInt(a.signer) < BigInt(b.signer) ? -1 : 1))
}
