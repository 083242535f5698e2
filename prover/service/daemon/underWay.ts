/**
 * Does work on items in turn with a bounded number of them under way, so that the next one is prepared while one is proven.
 *
 * @param limit - how many at once, from 1
 * @returns results in the order of the items
 * @throws the first error, once what was under way has ended; nothing new is begun after it
 */
export async function underWay<Item, Result>(
  items: Iterable<Item>,
  limit: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const failures: unknown[] = []
  const waiting = [...items].entries()
  const takeNext = async (): Promise<void> => {
    for (const [index, item] of waiting) {
      if (failures.length > 0) return
      try {
        results[index] = await work(item, index)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: limit }, takeNext))
  if (failures.length > 0) throw failures[0]
  return results
}
