/** Reading a node, a few requests at a time. */
import type { Log } from 'ethers'

/** Where an event stands in the order of the chain. */
export type Place = { readonly block: number; readonly logIndex: number }

/** Requests under way at once; nodes limit them. */
const PARALLEL = 8

export const placeOf = (log: Log): Place => ({ block: log.blockNumber, logIndex: log.index })

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
