/** What is audited, and the node that is asked. */
import type { Provider } from 'ethers'
import { providerOf, RegistryMissingError } from '../registry/connection.ts'
import { WrongChainError } from '../registry/endpoints/endpoints.ts'
import type { AuditKey } from './models.ts'
import type { AuditPins } from './pins.ts'

export type AuditOptions = {
  readonly registry: string
  /** A node's address, or a provider. */
  readonly rpcUrl?: string
  readonly provider?: Provider
  readonly expectedChainId?: bigint
  /** Block of the deployment or earlier. */
  readonly fromBlock?: number
  readonly toBlock?: number
  /** Keys that the auditor trusts, from the auditor's own disk; batches of other models are rejected. */
  readonly keys: readonly AuditKey[]
  /** What else is known beforehand. */
  readonly pins?: Omit<AuditPins, 'chainId' | 'registry' | 'verificationKeyHashes' | 'verifierCodes'>
  readonly onProgress?: (step: 'reading' | 'verifying', done: number, total: number) => void
}

/**
 * The node, and that the registry is there.
 *
 * @throws {@link RpcUnreachableError}, {@link WrongChainError}, {@link RegistryMissingError}
 */
export async function connectTo(
  options: AuditOptions,
): Promise<{ readonly provider: Provider; readonly chainId: bigint }> {
  const provider = await providerOf(options)
  const { chainId } = await provider.getNetwork()
  if (options.expectedChainId !== undefined && options.expectedChainId !== chainId) {
    throw new WrongChainError(options.expectedChainId, chainId)
  }
  if ((await provider.getCode(options.registry)) === '0x') throw new RegistryMissingError(options.registry, chainId)
  return { provider, chainId }
}
