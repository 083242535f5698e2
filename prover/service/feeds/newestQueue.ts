/** What waits to be read: so much of it and no more, the newest. Notices are never left out. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Read in a row before other feeds have their turn. */
const TURN = 64

/** How much of it may wait. */
export type Capacity = { readonly items: number; readonly weight: number }

export class NewestQueue<Item> {
  private readonly capacity: Capacity
  private readonly weightOf: (item: Item) => number | undefined
  private readonly items: Item[] = []
  private count = 0
  private weight = 0
  private dropped = 0
  private isClosed = false
  private wake: (() => void) | undefined

  /** @param weightOf - none of what is never left out */
  constructor(capacity: Capacity, weightOf: (item: Item) => number | undefined) {
    this.capacity = capacity
    this.weightOf = weightOf
  }

  push(item: Item): void {
    if (this.isClosed) return
    this.items.push(item)
    this.add(item, 1)
    // The newest is kept whatever it weighs.
    while (this.count > 1 && (this.count > this.capacity.items || this.weight > this.capacity.weight)) this.dropOldest()
    this.wake?.()
  }

  /** What is in it is still read. */
  close(): void {
    this.isClosed = true
    this.wake?.()
  }

  /** How many were left out since this was last asked. */
  takeDropped(): number {
    const { dropped } = this
    this.dropped = 0
    return dropped
  }

  async *read(): AsyncGenerator<Item> {
    for (let turn = 1; ; turn++) {
      if (turn % TURN === 0) await nextTurn()
      const item = this.items.shift()
      if (item !== undefined) {
        this.add(item, -1)
        yield item
      } else if (this.isClosed) return
      else await this.filled()
    }
  }

  private filled(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = () => {
        this.wake = undefined
        resolve()
      }
    })
  }

  private add(item: Item, sign: 1 | -1): void {
    const weight = this.weightOf(item)
    if (weight === undefined) return
    this.count += sign
    this.weight += sign * weight
  }

  private dropOldest(): void {
    const oldest = this.items.findIndex((item) => this.weightOf(item) !== undefined)
    for (const item of this.items.splice(oldest, 1)) this.add(item, -1)
    this.dropped++
  }
}
