/** When blocks were mined, by this machine's clock: whoever asks for a receipt learns of it later. */
import type { JsonRpcApiProvider } from 'ethers'

const LOOK_MS = 10

export class BlockTimes {
  private readonly seen = new Map<number, number>()
  private last = -1
  private readonly timer: NodeJS.Timeout
  private readonly waiting = new Set<() => void>()

  /** @param lookMs - between two looks: so exact are the times */
  constructor(provider: JsonRpcApiProvider, lookMs = LOOK_MS) {
    let isAsking = false
    this.timer = setInterval(async () => {
      if (isAsking) return
      isAsking = true
      const number = Number(await provider.send('eth_blockNumber', []).catch(() => this.last))
      const now = performance.now()
      for (let block = this.last + 1; block <= number; block++) this.seen.set(block, now)
      const isNew = number > this.last
      this.last = Math.max(this.last, number)
      isAsking = false
      if (isNew) for (const wake of this.waiting) wake()
    }, lookMs)
  }

  /** Milliseconds of `performance.now()` at which a block was first seen; waits for it. */
  async of(block: number): Promise<number> {
    while (block > this.last) await new Promise<void>((resolve) => this.waiting.add(resolve))
    const at = this.seen.get(block)
    if (at === undefined) throw new Error(`Block ${block} was mined before anybody looked.`)
    return at
  }

  close(): void {
    clearInterval(this.timer)
  }
}

/** From now on blocks are mined so far apart, with whatever waits, as chains do it. */
export async function mineEvery(provider: JsonRpcApiProvider, seconds: number): Promise<void> {
  await provider.send('evm_setAutomine', [false])
  await provider.send('evm_setIntervalMining', [1000 * seconds])
}
