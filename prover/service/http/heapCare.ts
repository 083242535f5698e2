/**
 * Collects garbage at a pace of its own. V8 lets a process that keeps little go for hours between full collections; its memory climbs
 * meanwhile, by some per cent an hour, and what it keeps cannot be told from what it has not looked at. A collection holds the process
 * up for about a tenth of a second.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const EVERY_MS = 300_000

export class HeapCare {
  /** Bytes that were in use after the last full collection; undefined before the first. */
  liveBytes: number | undefined
  private readonly collect = collector()
  private readonly timer: NodeJS.Timeout

  constructor(everyMs = EVERY_MS) {
    this.timer = setInterval(() => void this.run(), everyMs).unref()
  }

  async run(): Promise<void> {
    await this.collect({ type: 'major', execution: 'async' })
    this.liveBytes = process.memoryUsage().heapUsed
  }

  close(): void {
    clearInterval(this.timer)
  }
}

/** Node gives it to whoever asks for it, and asking is of the process: nothing else of it changes. */
function collector(): NodeJS.GCFunction {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as NodeJS.GCFunction
  setFlagsFromString('--no-expose-gc')
  return collect
}
