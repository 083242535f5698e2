import { type JsonRpcApiProvider, toQuantity } from 'ethers'

/**
 * Lets a chain's clock go on from its last block, by a block more: a chain that was put back keeps the time that has passed meanwhile, and
 * what was proven before the first of many trials would be stale in the later ones.
 */
export async function goOnFromLastBlock(chain: JsonRpcApiProvider): Promise<void> {
  const latest = await chain.getBlock('latest')
  if (latest === null) throw new RangeError('A chain has a first block.')
  await chain.send('evm_setNextBlockTimestamp', [toQuantity(latest.timestamp + 1)])
  await chain.send('evm_mine', [])
}
