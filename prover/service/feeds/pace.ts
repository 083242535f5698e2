/** The pace of a recording: as it was recorded, so many times as fast, or as fast as it is taken. */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { MOST_TIMER_MS } from '../../timers.ts'

export type Speed = number | 'max'

/** How much longer than usual a pause is that is told as a gap. */
const GAP_FACTOR = 1.5
/** Taken in a row before others have their turn. */
const TURN = 64

/** Waits between times of a recording. Being late once makes the next wait shorter, so that an hour stays an hour. */
export class Pace {
  private readonly speed: Speed
  private taken = 0
  private first: { readonly asOfMs: number; readonly atMs: number } | undefined

  constructor(speed: Speed) {
    this.speed = speed
  }

  /** Until a time's turn, or the signal. */
  async until(asOfMs: number, signal?: AbortSignal): Promise<void> {
    const now = performance.now()
    this.first ??= { asOfMs, atMs: now }
    if (this.speed === 'max') {
      if (++this.taken % TURN === 0) await nextTurn()
      return
    }
    const dueMs = this.first.atMs + (asOfMs - this.first.asOfMs) / this.speed
    // A timer holds 24 days.
    for (let left = dueMs - now; left > 0 && signal?.aborted !== true; left = dueMs - performance.now())
      await sleep(Math.min(left, MOST_TIMER_MS), undefined, signal === undefined ? {} : { signal }).catch(
        () => undefined,
      )
  }
}

/** Where times are further apart than they usually are: the time before, and for how many seconds nothing was recorded. */
export function gapsIn(times: readonly bigint[]): ReadonlyMap<bigint, bigint> {
  const apart = times.slice(1).map((time, i) => time - (times[i] ?? time))
  const usual = Number(apart.toSorted((a, b) => Number(a - b))[apart.length >> 1] ?? 0n)
  return new Map(
    times.slice(1).flatMap((time, i) => {
      const length = apart[i] ?? 0n
      return Number(length) > GAP_FACTOR * usual ? [[time, length] as const] : []
    }),
  )
}
