/** What is audited, and the node that is asked. */
import { getAddress, type Provider } from 'ethers'
import { providerOf, RegistryMissingError } from '../registry/connection.ts'
import { WrongChainError } from '../registry/endpoints/endpoints.ts'
import type { CollectOptions } from './history.ts'
import { type AuditKey, pinsOfKeys } from './models.ts'
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
async function connectTo(options: AuditOptions): Promise<{ readonly provider: Provider; readonly chainId: bigint }> {
  const provider = await providerOf(options)
  const { chainId } = await provider.getNetwork()
  if (options.expectedChainId !== undefined && options.expectedChainId !== chainId) {
    throw new WrongChainError(options.expectedChainId, chainId)
  }
  if ((await provider.getCode(options.registry)) === '0x') throw new RegistryMissingError(options.registry, chainId)
  return { provider, chainId }
}

type Progress = (done: number, total: number) => void

/**
 * Reads the history of a registry and judges it, whatever kind it is of.
 *
 * @param collect - reads it from the node
 * @param judge - on the record alone
 * @returns verdict, record, and what was asked of which node
 */
export async function readAndJudge<ChainRecord, Report>(
  options: AuditOptions,
  collect: (options: CollectOptions) => Promise<ChainRecord>,
  judge: (record: ChainRecord, pins: AuditPins, onProgress: Progress) => Promise<Report>,
): Promise<{ readonly report: Report; readonly record: ChainRecord; readonly asked: CollectOptions }> {
  const { provider, chainId } = await connectTo(options)
  const registry = getAddress(options.registry)
  const { keys, fromBlock = 0, toBlock, onProgress } = options
  const asked = {
    ...{ provider, chainId, registry, fromBlock, keys },
    ...(toBlock === undefined ? {} : { toBlock }),
    onProgress: (done: number, total: number) => onProgress?.('reading', done, total),
  }
  const record = await collect(asked)
  const pins = { ...options.pins, ...pinsOfKeys(keys), chainId, registry }
  const report = await judge(record, pins, (done, total) => onProgress?.('verifying', done, total))
  return { report, record, asked }
}
