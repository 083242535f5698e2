/** How a client reaches the chain of its registry. */
import type { Provider, Signer } from 'ethers'
import { ProverError } from '../errors.ts'
import { connectProvider } from './chain.ts'

/** Which registry a client speaks to, and through whom. */
export type ClientOptions = {
  readonly registry: string
  /** A node's address, or a provider. */
  readonly rpcUrl?: string
  readonly provider?: Provider
  /** Needed to submit only. */
  readonly signer?: Signer
  readonly expectedChainId?: bigint
  /** Block of the deployment; earlier ones are not searched for events. */
  readonly fromBlock?: number
}

/** The chain that was named: a provider, the signer's, or an address. @throws {@link NoProviderError} if none was */
export async function providerOf({
  provider,
  rpcUrl,
  signer,
  expectedChainId,
}: Omit<ClientOptions, 'registry'>): Promise<Provider> {
  if (provider !== undefined) return provider
  if (signer?.provider) return signer.provider
  if (rpcUrl !== undefined) return connectProvider(rpcUrl, expectedChainId)
  throw new NoProviderError()
}

/** Neither a provider nor an RPC address was given. */
export class NoProviderError extends ProverError {
  readonly code = 'registry.no-provider'

  constructor() {
    super('There is no chain to ask. Give an RPC address or a provider.')
  }
}

/** There is no contract at the registry's address. */
export class RegistryMissingError extends ProverError {
  readonly code = 'registry.registry-missing'
  readonly registry: string
  readonly chainId: bigint

  constructor(registry: string, chainId: bigint) {
    super(`There is no contract at ${registry} on chain ${chainId}. Check the registry's address and the chain.`)
    this.registry = registry
    this.chainId = chainId
  }
}

/** Submitting needs an account. */
export class NoSignerError extends ProverError {
  readonly code = 'registry.no-signer'

  constructor() {
    super('Nobody can sign the transaction. Give a key file.')
  }
}
