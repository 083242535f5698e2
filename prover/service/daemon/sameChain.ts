/** Whether a store is of the chain that a node has: chains for development have one id, and their registries one address, however often they are begun anew. */
import type { Provider } from 'ethers'
import { ProverError } from '../../errors.ts'
import { ask } from '../../registry/contractErrors.ts'
import type { JobStore } from './jobStore.ts'

/** So many of the last batches may be undone by a reorganisation, which brings them in force again. */
const LAST = 3
/** Blocks that are looked through for them: a day's on most chains. */
const LOOKED_BLOCKS = 7_200

/** @throws {@link StoreOfAnotherChainError} if none of the last batches that it says were confirmed are on the chain */
export async function requireSameChain(
  store: Pick<JobStore, 'landedAfter'>,
  provider: Provider,
  name: string,
): Promise<void> {
  const head = await ask('Reading the block number', () => provider.getBlockNumber())
  const last = (await store.landedAfter(Math.max(-1, head - LOOKED_BLOCKS)))
    .toSorted((a, b) => b.block - a.block)
    .slice(0, LAST)
  const [newest] = last
  if (newest === undefined || last.length < LAST) return
  for (const { hash } of last)
    if ((await ask('Reading a receipt', () => provider.getTransactionReceipt(hash))) !== null) return
  throw new StoreOfAnotherChainError(name, newest.block)
}

/** A store knows batches that the chain does not. */
export class StoreOfAnotherChainError extends ProverError {
  readonly code = 'service.store-other-chain'

  constructor(name: string, block: number) {
    super(
      `${name} is of another chain, of one that was begun anew, or the node is far behind: the last ${LAST} batches that it has as ` +
        `confirmed, up to block ${block}, are not on this chain. Name another one (--store, --database), or move it away.`,
    )
  }
}
