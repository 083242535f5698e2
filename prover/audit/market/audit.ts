/** `zkrisk audit`: a registry's whole history, judged from chain data alone. */
import { getAddress, type Provider } from 'ethers'
import { verificationKeyHash } from '../../proof/index.ts'
import { connectProvider, NoProviderError, RegistryMissingError, WrongChainError } from '../../registry/index.ts'
import type { ChainRecord } from './chainRecord.ts'
import { collectRecord } from './collect.ts'
import { judge } from './judge.ts'
import type { AuditKey } from '../models.ts'
import type { AuditReport } from '../report.ts'

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
  readonly onProgress?: (step: 'reading' | 'verifying', done: number, total: number) => void
}

/** A verdict and what it rests on; the record can be written as an audit bundle. */
export type Audit = { readonly report: AuditReport; readonly record: ChainRecord }

/**
 * Reads a registry's history from a node and judges it.
 *
 * @throws {@link RpcUnreachableError}, {@link WrongChainError}, {@link RpcError} if the node does not answer or is another's
 * @throws {@link RegistryMissingError} if there is no contract at the address
 * @throws {@link HistoryIncompleteError} if `fromBlock` lies after the deployment. A false history does not throw; it is
 * reported
 */
export async function audit(options: AuditOptions): Promise<Audit> {
  const { provider, chainId } = await connectTo(options)
  const registry = getAddress(options.registry)
  const { keys, fromBlock = 0, toBlock, onProgress } = options
  const record = await collectRecord({
    provider,
    chainId,
    registry,
    fromBlock,
    ...(toBlock === undefined ? {} : { toBlock }),
    keys,
    onProgress: (done, total) => onProgress?.('reading', done, total),
  })
  const verificationKeyHashes = keys.map(({ verificationKey }) => `0x${verificationKeyHash(verificationKey)}`)
  const report = await judge(record, { chainId, registry, verificationKeyHashes }, (done, total) =>
    onProgress?.('verifying', done, total),
  )
  return { report, record }
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

async function providerOf({ provider, rpcUrl, expectedChainId }: AuditOptions): Promise<Provider> {
  if (provider !== undefined) return provider
  if (rpcUrl !== undefined) return connectProvider(rpcUrl, expectedChainId)
  throw new NoProviderError()
}
