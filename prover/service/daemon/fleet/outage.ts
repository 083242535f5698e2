/** Which failures of something that is away are told: the first, and then ones ever further apart. */

const FIRST_TOLD_AGAIN_MS = 30_000
const LONGEST_SILENCE_MS = 1_800_000

export class Outage {
  private since: number | undefined
  private tellAt = 0
  private silence = FIRST_TOLD_AGAIN_MS
  private readonly clock: () => number

  /** @param clock - milliseconds that only ever rise */
  constructor(clock: () => number = () => performance.now()) {
    this.clock = clock
  }

  /** It failed again. @returns whether to tell of it */
  failed(): boolean {
    const now = this.clock()
    this.since ??= now
    if (now < this.tellAt) return false
    this.tellAt = now + this.silence
    this.silence = Math.min(2 * this.silence, LONGEST_SILENCE_MS)
    return true
  }

  /** It answers. @returns how many seconds it was away; undefined if it was not */
  over(): number | undefined {
    const { since } = this
    this.since = undefined
    this.tellAt = 0
    this.silence = FIRST_TOLD_AGAIN_MS
    return since === undefined ? undefined : (this.clock() - since) / 1000
  }
}
