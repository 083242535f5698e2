/**
 * Observations that arrive an instant apart become one batch: one that a trigger asks for waits a moment for the markets that have
 * not moved yet, never longer, and not at all once all of them have.
 */
export class Settling {
  private readonly milliseconds: number
  /** By circuit, when its batch was first worth proving; by the clock that never goes back. */
  private readonly since = new Map<string, number>()

  constructor(milliseconds: number) {
    this.milliseconds = milliseconds
  }

  /** How long a batch is to wait yet, in milliseconds; 0 once it is to be proven, and what comes after it waits anew. */
  left(circuit: string, isWhole: boolean, now = performance.now()): number {
    const since = this.since.get(circuit) ?? now
    const left = isWhole ? 0 : Math.max(0, since + this.milliseconds - now)
    if (left === 0) this.since.delete(circuit)
    else this.since.set(circuit, since)
    return left
  }

  /** Nothing is worth proving any more. */
  forget(circuit: string): void {
    this.since.delete(circuit)
  }
}
