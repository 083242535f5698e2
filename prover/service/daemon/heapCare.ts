/**
 * Collects garbage at a pace of its own, to tell what a service keeps and to give back what it does not. V8 lets a process that keeps
 * little go for hours between full collections, and keeps pages that it emptied: resident memory grows for months, and says nothing of
 * a leak. Its last resort before memory is short gives them back at once. It holds the process up for a few tenths of a second.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const EVERY_MS = 300_000

/** Bytes. Machine code comes as functions get warm, for hours where they are seldom called; data should not come at all. */
export type LiveHeap = { readonly data: number; readonly code: number }

export class HeapCare {
  /** What was in use after the last full collection; undefined before the first. */
  live: LiveHeap | undefined
  private readonly collect = collector()
  private readonly timer: NodeJS.Timeout

  constructor(everyMs = EVERY_MS) {
    this.timer = setInterval(() => void this.run(), everyMs).unref()
  }

  async run(): Promise<void> {
    await this.collect({ type: 'major', execution: 'async', flavor: 'last-resort' })
    this.live = liveHeap()
  }

  close(): void {
    clearInterval(this.timer)
  }
}

/** V8 has what it has compiled in spaces of their own. */
function liveHeap(): LiveHeap {
  const live = { data: 0, code: 0 }
  for (const { space_name, space_used_size } of getHeapSpaceStatistics()) {
    live[/code|trusted/.test(space_name) ? 'code' : 'data'] += space_used_size
  }
  return live
}

/** Node gives it to whoever asks for it, and asking is of the process: nothing else of it changes. */
function collector(): NodeJS.GCFunction {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as NodeJS.GCFunction
  setFlagsFromString('--no-expose-gc')
  return collect
}
