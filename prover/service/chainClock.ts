/** Whether this machine's clock of the day goes with a chain's, by the blocks that come and by the clock that never steps. */
import { duration } from './text/figures.ts'

/** What this machine's clock may be ahead or behind a chain's. */
const SKEW_SECONDS = 120
/** A block that was not there so long ago was made a moment ago, unless the node catches up with its chain. */
const LATELY_MS = 60_000

export class ChainClock {
  private readonly oldestSeconds: number
  private newest: { readonly number: number; readonly time: number; readonly seenAt: number } | undefined
  /** The chain's time at a moment of the clock that never steps. */
  private known: { readonly time: number; readonly at: number } | undefined

  /** @param oldestSeconds - age up to which the first block that is seen lets the clock count as right, until another one comes */
  constructor(oldestSeconds = SKEW_SECONDS) {
    this.oldestSeconds = oldestSeconds
  }

  /** @param block - the chain's newest, just read, its time in unix seconds */
  look({ number, time }: { readonly number: number; readonly time: number }): void {
    const at = performance.now()
    const before = this.newest
    this.newest = { number, time, seenAt: at }
    if (before !== undefined && before.number !== number && at - before.seenAt <= LATELY_MS) this.known = { time, at }
    // Of the first one nobody knows how long it has been there.
    const behind = secondsNow() - time
    const isRight = -behind <= SKEW_SECONDS && behind <= this.oldestSeconds
    this.known ??= { time: isRight ? secondsNow() : time, at }
  }

  /** What is wrong with it at this moment; undefined while nothing is, and before the first look. */
  fault(): string | undefined {
    if (this.newest === undefined || this.known === undefined) return undefined
    const passed = (performance.now() - this.known.at) / 1000
    const ahead = secondsNow() - (this.known.time + passed)
    const behind = Math.max(-ahead, this.newest.time - secondsNow())
    if (behind > SKEW_SECONDS) return `the chain is ${duration(behind)} ahead of this machine: set its clock`
    if (ahead <= SKEW_SECONDS) return undefined
    return `this machine is ${duration(ahead)} ahead of the chain: set its clock, or see whether the node catches up`
  }
}

const secondsNow = (): number => Date.now() / 1000
