/** Times on the command line. */
import { parseTime } from '../../market/time.ts'
import { UsageError } from '../text/usageError.ts'

/** A time on the command line, unix seconds. @throws {@link TimeOptionError} */
export function timeOption(option: string, text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined
  const time = parseTime(text)
  if (time === undefined) throw new TimeOptionError(option, text)
  return time
}

/** A time on the command line is none. */
export class TimeOptionError extends UsageError {
  readonly code = 'service.time-option'
  readonly option: string
  readonly value: string

  constructor(option: string, value: string) {
    super(`Expected --${option} as YYYY-MM-DD, YYYY-MM-DD HH:MM:SS or unix seconds, got "${value}".`)
    this.option = option
    this.value = value
  }
}
