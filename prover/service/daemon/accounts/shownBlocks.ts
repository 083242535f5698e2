/** Blocks in which accounts were shown to be below maintenance, the last of them, with the times of those that were asked for. */

/** Accounts that are remembered for how many there were lately. */
const MOST_SHOWN = 1000

export class ShownBlocks {
  /** One for each account, oldest first. */
  private blocks: readonly number[] = []
  private readonly times = new Map<number, number>()

  /** Blocks and times that are remembered. */
  get size(): number {
    return this.blocks.length + this.times.size
  }

  add(block: number): void {
    this.blocks = [...this.blocks, block].slice(-MOST_SHOWN)
    const [oldest = block] = this.blocks
    for (const each of this.times.keys()) if (each < oldest) this.times.delete(each)
  }

  clear(): void {
    this.blocks = []
    this.times.clear()
  }

  /**
   * How many accounts were shown from a time on.
   *
   * @param timeOf - of a block, in unix seconds; undefined if there is no such block
   */
  async since(time: bigint, timeOf: (block: number) => Promise<number | undefined>): Promise<number> {
    let count = 0
    for (const block of this.blocks.toReversed()) {
      const known = this.times.get(block) ?? (await timeOf(block))
      if (known === undefined || BigInt(known) < time) break
      this.times.set(block, known)
      count++
    }
    return count
  }
}
