/** Whether a store is of the chain that a node has: chains for development have one id, and their registries one address, however often they are begun anew. */
import type { Provider } from 'ethers'
import { ProverError } from '../../errors.ts'
import { ask } from '../../registry/contractErrors.ts'
import { type JobStore, WATCHED_BLOCKS } from './jobStore.ts'

/** So many batches that are all missing are asked about; fewer are a reorganisation's, which brings them in force again. */
const LAST = 3
/** Earlier ones that are asked for then: one that is there is of this chain, however deep it was reorganised. */
const EARLIER = 30
/** Blocks that are looked through for them: a day's on most chains. */
const LOOKED_BLOCKS = 7_200

/**
 * A store whose batches all lie within the blocks that are watched for reorganisations is let be where the chain has come as far: all of
 * them may have been undone while nobody served.
 *
 * @throws {@link StoreOfAnotherChainError} if none of the batches that it says were confirmed are on the chain
 */
export async function requireSameChain(
  store: Pick<JobStore, 'landedAfter'>,
  provider: Provider,
  name: string,
): Promise<void> {
  const head = await ask('Reading the block number', () => provider.getBlockNumber())
  const landed = (await store.landedAfter(Math.max(-1, head - LOOKED_BLOCKS))).toSorted((a, b) => b.block - a.block)
  const [newest] = landed
  const oldest = landed.at(-1)
  if (newest === undefined || oldest === undefined || landed.length < LAST) return
  for (const { hash } of landed.slice(0, LAST + EARLIER))
    if ((await ask('Reading a receipt', () => provider.getTransactionReceipt(hash))) !== null) return
  if (newest.block <= head && oldest.block > head - WATCHED_BLOCKS) return
  throw new StoreOfAnotherChainError(name, newest.block)
}

/** A store knows batches that the chain does not. */
export class StoreOfAnotherChainError extends ProverError {
  readonly code = 'service.store-other-chain'

  constructor(name: string, block: number) {
    super(
      `${name} is of another chain, of one that was begun anew, or the node is far behind: the last batches that it has as ` +
        `confirmed, up to block ${block}, are not on this chain. Name another one (--store, --database), or move it away.`,
    )
  }
}
