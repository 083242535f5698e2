/** A job that ended a moment ago is not made again at once: the chain's clock or state must have moved. */
const PAUSE_MS = 5_000

/** By the clock that never steps: that of the day may be put back, and the job would wait as long. */
export class JustEnded {
  private readonly endedAt = new Map<string, number>()

  add(job: string, now = performance.now()): void {
    for (const [old, at] of this.endedAt) if (now - at >= PAUSE_MS) this.endedAt.delete(old)
    this.endedAt.set(job, now)
  }

  /** How long it is to wait yet, in milliseconds. */
  left(job: string, now = performance.now()): number {
    const at = this.endedAt.get(job)
    return at === undefined ? 0 : Math.max(0, at + PAUSE_MS - now)
  }
}
