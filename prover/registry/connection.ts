/** How a client reaches the chain of its registry. */
import { isError, type Provider, type Signer } from 'ethers'
import { ProverError } from '../errors.ts'
import { connectProvider, type RpcAddress } from './chain.ts'
import { typedCallError } from './contractErrors.ts'

/** Which registry a client speaks to, and through whom. */
export type ClientOptions = {
  readonly registry: string
  /** A node's address, or several of one chain, or a provider. */
  readonly rpcUrl?: RpcAddress
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

/**
 * Asks a contract for what only the kind of registry that is meant answers.
 *
 * @throws {@link NotARegistryError} if the contract there does not know the question
 */
export async function askWhetherRegistry<Answer>(
  address: string,
  kind: RegistryKind,
  asking: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await asking()
  } catch (error) {
    const hasReason = isError(error, 'CALL_EXCEPTION') && ![null, '0x'].includes(error.data)
    if (!hasReason && (isError(error, 'CALL_EXCEPTION') || isError(error, 'BAD_DATA')))
      throw new NotARegistryError(address, kind, error)
    throw typedCallError(error, `Reading the ${kind}`)
  }
}

type RegistryKind = 'risk registry' | 'portfolio registry' | 'registry of margins over several markets'

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

/** The contract at a registry's address is something else. */
export class NotARegistryError extends ProverError {
  readonly code = 'registry.not-a-registry'
  readonly address: string

  constructor(address: string, kind: RegistryKind, cause: unknown) {
    super(
      `The contract at ${address} is no ${kind}. Check the address: deployment.json has it under addresses.registry, ` +
        'that of margins of accounts under portfolio.registry, over several markets under cross.registry.',
      { cause },
    )
    this.address = address
  }
}
