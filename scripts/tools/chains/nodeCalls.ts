/** Everything that the service asks of a node but the sending itself: one call for each method, for trials in which each fails. */
import { Wallet } from 'ethers'
import type { EndpointsProvider } from '../../../prover/registry/chain.ts'

const account = Wallet.createRandom().address
const nowhere = `0x${'11'.repeat(32)}`

export const nodeCalls: Readonly<Record<string, (provider: EndpointsProvider) => Promise<unknown>>> = {
  eth_blockNumber: (provider) => provider.getBlockNumber(),
  eth_getBlockByNumber: (provider) => provider.getBlock('latest'),
  eth_getTransactionCount: (provider) => provider.getTransactionCount(account),
  eth_getBalance: (provider) => provider.getBalance(account),
  eth_getCode: (provider) => provider.getCode(account),
  eth_call: (provider) => provider.call({ to: account, data: '0x' }),
  eth_estimateGas: (provider) => provider.estimateGas({ to: account, from: account }),
  eth_getStorageAt: (provider) => provider.getStorage(account, 0),
  eth_maxPriorityFeePerGas: (provider) => provider.send('eth_maxPriorityFeePerGas', []),
  eth_getLogs: (provider) => provider.getLogs({ fromBlock: 0, toBlock: 0 }),
  eth_gasPrice: (provider) => provider.getFeeData(),
  eth_getTransactionByHash: (provider) => provider.getTransaction(nowhere),
  eth_getTransactionReceipt: (provider) => provider.getTransactionReceipt(nowhere),
}
