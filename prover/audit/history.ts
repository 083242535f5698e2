/** A registry's history as a node has it: from its deployment to a last block. */
import type { Provider } from 'ethers'
import { ProverError } from '../errors.ts'
import { ask } from '../registry/contractErrors.ts'
import type { AuditKey } from './models.ts'

/** Which history is read, and by whose keys. */
export type CollectOptions = {
  readonly provider: Provider
  readonly chainId: bigint
  readonly registry: string
  readonly fromBlock: number
  readonly toBlock?: number
  readonly keys: readonly AuditKey[]
  readonly onProgress?: (done: number, total: number) => void
}

/** The block up to which is read. @throws {@link HistoryIncompleteError} if it does not exist */
export async function lastBlock({
  provider,
  registry,
  toBlock,
}: Pick<CollectOptions, 'provider' | 'registry' | 'toBlock'>): Promise<{ end: number; hash: string }> {
  const end = toBlock ?? (await ask('Reading the block number', () => provider.getBlockNumber()))
  const block = await ask('Reading the last block', () => provider.getBlock(end))
  if (block?.hash == null) throw new HistoryIncompleteError(registry, `block ${end} does not exist`)
  return { end, hash: block.hash }
}

/** The blocks looked at do not hold the registry's whole history. */
export class HistoryIncompleteError extends ProverError {
  readonly code = 'audit.history-incomplete'
  readonly registry: string

  constructor(registry: string, reason: string) {
    super(`The history of registry ${registry} is incomplete: ${reason}. Start at the block of its deployment.`)
    this.registry = registry
  }
}
