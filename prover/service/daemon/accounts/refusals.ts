/** How often the registry refused pieces of work, of the last ones that it refused. */
import { keepNewest } from '../../keepNewest.ts'

/** Work is of one round, and rounds pass: what was refused so long ago is not begun again. */
const MOST_REMEMBERED = 1000

export class Refusals {
  private readonly times = new Map<string, number>()

  /** Pieces of work that are remembered. */
  get size(): number {
    return this.times.size
  }

  add(id: string): void {
    const times = this.of(id) + 1
    this.times.delete(id)
    this.times.set(id, times)
    keepNewest(this.times, MOST_REMEMBERED)
  }

  of(id: string): number {
    return this.times.get(id) ?? 0
  }

  forget(id: string): void {
    this.times.delete(id)
  }
}
