/** Tells in a service's log that somebody paused it, or resumed it, when it takes note of that; and that it begins paused. */
import { duration } from '../text/figures.ts'
import type { ServeControl, ServeEvent } from './serve.ts'

/** Who said that no batch is begun, by name of a key, and since when in unix milliseconds. */
export type Pause = { readonly by: string; readonly since: number }

const UNTIL = 'no batch is begun until it is resumed (POST /v1/prover/resume, where it is served with --http)'

export class Pauses {
  private readonly control: Pick<ServeControl, 'pause' | 'resumedBy'>
  private told: Pause | undefined
  private hasLooked = false

  constructor(control: Pick<ServeControl, 'pause' | 'resumedBy'>) {
    this.control = control
  }

  /** Whether no batch is begun for now. */
  async look(onEvent: (event: ServeEvent) => Promise<void> | void): Promise<boolean> {
    const pause = await this.control.pause()
    const { told, hasLooked } = this
    this.told = pause
    this.hasLooked = true
    if (pause?.since === told?.since) return pause !== undefined
    // Both, where it was paused anew between two looks.
    if (told !== undefined) await onEvent(this.resumed(told))
    if (pause !== undefined) await onEvent(pausedBy(pause, hasLooked ? UNTIL : `before this start, ${UNTIL}`))
    return pause !== undefined
  }

  private resumed({ since }: Pause): ServeEvent {
    const by = this.control.resumedBy() ?? 'somebody'
    const after = duration(Math.max(0, Date.now() - since) / 1000)
    return { step: 'resumed', by, detail: `resumed by ${by} after ${after}: batches are begun again` }
  }
}

function pausedBy({ by, since }: Pause, what: string): ServeEvent {
  const at = new Date(since).toISOString()
  return { step: 'paused', by, since: at, detail: `paused by ${by} since ${at}: ${what}` }
}
