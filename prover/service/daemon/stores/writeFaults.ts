/** What a database could not carry out for want of room, or because its machine failed, until the same went through. */
import { ProverError } from '../../../errors.ts'

/** What is not tried again is told of for so long. */
const REMEMBERED_MS = 300_000

export class WriteFaults {
  private readonly faults = new Map<string, { readonly error: ProverError; readonly at: number }>()

  /** @param kind - what went wrong is over once something of the same kind went through */
  async watch<Result>(kind: string, work: () => Promise<Result>): Promise<Result> {
    try {
      const result = await work()
      this.faults.delete(kind)
      return result
    } catch (error) {
      if (isWithoutRoom(error)) this.faults.set(kind, { error, at: performance.now() })
      throw error
    }
  }

  get latest(): ProverError | undefined {
    const since = performance.now() - REMEMBERED_MS
    const lately = [...this.faults.values()].filter(({ at }) => at > since)
    return lately.toSorted((a, b) => b.at - a.at)[0]?.error
  }
}

/** Postgres's classes of insufficient resources, and of faults of what is below it. */
export const isWithoutRoom = (error: unknown): error is ProverError =>
  error instanceof ProverError && /^5[38]/.test(String(Reflect.get(error, 'sqlState')))
