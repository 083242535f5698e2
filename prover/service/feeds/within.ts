import { setTimeout as sleep } from 'node:timers/promises'

/** Given to what is on its way when all is to end. */
export const LAST_MS = 10_000

/** Whether work is over within so long; what fails later is nobody's. */
export async function within(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const patience = new AbortController()
  const late = sleep(milliseconds, false, { signal: patience.signal }).catch(() => false)
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    patience.abort()
  }
}
