/** What waits to be read: so much of it and no more, the newest. Notices are never left out. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Read in a row before other feeds have their turn. */
const TURN = 64

export class NewestQueue<Item> {
  private readonly capacity: number
  private readonly mayDrop: (item: Item) => boolean
  private readonly items: Item[] = []
  private droppable = 0
  private dropped = 0
  private isClosed = false
  private wake: (() => void) | undefined

  constructor(capacity: number, mayDrop: (item: Item) => boolean) {
    this.capacity = capacity
    this.mayDrop = mayDrop
  }

  push(item: Item): void {
    if (this.isClosed) return
    this.items.push(item)
    if (this.mayDrop(item) && ++this.droppable > this.capacity) this.dropOldest()
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
        if (this.mayDrop(item)) this.droppable--
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

  private dropOldest(): void {
    const oldest = this.items.findIndex(this.mayDrop)
    this.items.splice(oldest, 1)
    this.droppable--
    this.dropped++
  }
}
