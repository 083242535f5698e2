/** Tells of alarms as they are raised and cleared, beside the service's work. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Alarm } from '../../registry/market/alarms.ts'
import type { AlarmWatch } from '../../registry/market/alarmWatch.ts'
import { describeError } from '../text/terminal.ts'

export type AlarmEvent = {
  /** `unwatched`: the chain could not be asked; what was raised stays so. */
  readonly step: 'alarm' | 'alarm-cleared' | 'unwatched'
  readonly detail: string
  readonly alarm?: Alarm
}

type WatchedAlarms = {
  readonly watch: Pick<AlarmWatch, 'look'>
  readonly pollMs: number
  readonly signal: AbortSignal
  readonly onEvent: (event: AlarmEvent) => Promise<void> | void
}

/** Looks until the signal; an alarm that goes on is told once. */
export async function reportAlarms({ watch, pollMs, signal, onEvent }: WatchedAlarms): Promise<void> {
  let raised = new Map<string, Alarm>()
  let failure = ''
  while (!signal.aborted) {
    try {
      const now = byKey(await watch.look())
      for (const [key, alarm] of now) if (!raised.has(key)) await onEvent(eventOf('alarm', alarm))
      for (const [key, alarm] of raised) if (!now.has(key)) await onEvent(eventOf('alarm-cleared', alarm))
      raised = now
      failure = ''
    } catch (error) {
      if (signal.aborted) return
      const { message } = describeError(error)
      if (message !== failure) await onEvent({ step: 'unwatched', detail: message })
      failure = message
    }
    await sleep(pollMs, undefined, { signal }).catch(() => undefined)
  }
}

const byKey = (alarms: readonly Alarm[]): Map<string, Alarm> =>
  new Map(
    alarms.map((alarm) => [
      `${alarm.kind} ${alarm.of} ${alarm.kind === 'margin-steps' ? alarm.says.split(' ')[1] : ''}`,
      alarm,
    ]),
  )

const eventOf = (step: 'alarm' | 'alarm-cleared', alarm: Alarm): AlarmEvent => ({
  ...{ step, alarm },
  detail: step === 'alarm' ? `${alarm.kind} of ${alarm.of}: ${alarm.says}` : `${alarm.kind} of ${alarm.of} is over`,
})
