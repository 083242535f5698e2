/** Reading a node, a few requests at a time. */
import { type Log, type Provider, ZeroAddress } from 'ethers'
import { ask } from '../registry/contractErrors.ts'

/** Where an event stands in the order of the chain. */
export type Place = { readonly block: number; readonly logIndex: number }

/** An event with its time, unix seconds, and with who sent the transaction that left it. */
export type Stamp = Place & { readonly timestamp: number; readonly by: string }

/** Requests under way at once; nodes limit them. */
const PARALLEL = 8

export const placeOf = (log: Log): Place => ({ block: log.blockNumber, logIndex: log.index })

/** @throws {@link RpcError} */
export async function stampOf(provider: Provider, log: Log): Promise<Stamp> {
  const [block, sent] = await Promise.all([
    ask('Reading a block', () => provider.getBlock(log.blockNumber)),
    ask('Reading a transaction', () => provider.getTransaction(log.transactionHash)),
  ])
  return { ...placeOf(log), timestamp: block?.timestamp ?? 0, by: sent?.from ?? ZeroAddress }
}

/** The order of the chain. */
export function isBefore(a: Place, b: Place): boolean {
  return a.block < b.block || (a.block === b.block && a.logIndex < b.logIndex)
}

/** Like Promise.all over the items, a few at a time; results in order. */
export async function inTurns<Item, Result>(
  items: readonly Item[],
  action: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (let from = 0; from < items.length; from += PARALLEL) {
    results.push(...(await Promise.all(items.slice(from, from + PARALLEL).map(action))))
  }
  return results
}
