import { describe, expect, it } from 'vitest'
import { NewestQueue } from '../../../prover/service/feeds/newestQueue.ts'

type Item = { readonly nth: number; readonly weight: number | undefined }

const queueOf = (items: number, weight: number) => new NewestQueue<Item>({ items, weight }, (item) => item.weight)

/** What is read of a queue that is filled before anybody reads. */
async function readAfter(queue: NewestQueue<Item>, weights: readonly (number | undefined)[]) {
  for (const [nth, weight] of weights.entries()) queue.push({ nth, weight })
  queue.close()
  queue.push({ nth: 999, weight: 1 })
  const read: number[] = []
  for await (const { nth } of queue.read()) read.push(nth)
  return { read, dropped: queue.takeDropped() }
}

describe('S34: a queue of the newest', () => {
  it('keeps as many as it may, and all notices, in their order', async () => {
    expect(await readAfter(queueOf(3, 100), [1, 1, 1])).toEqual({ read: [0, 1, 2], dropped: 0 })
    const filled = await readAfter(queueOf(3, 100), [1, undefined, 1, 1, 1, undefined, 1])
    expect(filled).toEqual({ read: [1, 3, 4, 5, 6], dropped: 2 })
  })

  it('keeps as much as it may weigh, and the newest whatever it weighs', async () => {
    expect(await readAfter(queueOf(9, 10), [4, 3, 3])).toEqual({ read: [0, 1, 2], dropped: 0 })
    expect(await readAfter(queueOf(9, 10), [4, 3, 4])).toEqual({ read: [1, 2], dropped: 1 })
    expect(await readAfter(queueOf(9, 10), [4, undefined, 3, 50])).toEqual({ read: [1, 3], dropped: 2 })
  })

  it('lets others have their turn while it is read', async () => {
    const queue = queueOf(10_000, 10_000)
    let turns = 0
    const others = setInterval(() => turns++, 0)
    await new Promise((resolve) => setTimeout(resolve, 5))
    const before = turns
    await readAfter(queue, new Array(10_000).fill(1))
    clearInterval(others)
    expect(turns).toBeGreaterThan(before)
  })
})
