/** Points in time of files and flags. */
import { ProverError } from '../../errors.ts'
import { isDateAlone, parseTime } from '../../market/time.ts'

/** Unix seconds below 2^32. @throws {@link NotTimeError} */
export function timeOf(text: string, entry: string): bigint {
  const seconds = parseTime(text)
  if (seconds === undefined || seconds >= 1n << 32n) throw new NotTimeError(entry, text)
  return seconds
}

/** When options expire: a date alone means 08:00 UTC, as in their names. @throws {@link NotTimeError} */
export const expiryOf = (text: string, entry: string): bigint =>
  timeOf(text, entry) + (isDateAlone(text) ? 8n * 3600n : 0n)

/** Clocks differ by this much at most, as those of quotes. */
const CLOCK_TOLERANCE_SECONDS = 120n

/**
 * What is to be said of a time of observed data that is still to come: likelier a slip than a market of the future.
 *
 * @param entry - where it stands, such as `market.asOf`
 * @param flag - which says that it is meant
 */
export function aheadNotes(entry: string, asOf: bigint, now: bigint, flag?: string): readonly string[] {
  if (asOf <= now + CLOCK_TOLERANCE_SECONDS) return []
  const iso = (time: bigint): string => new Date(Number(time) * 1000).toISOString().replace('.000Z', 'Z')
  const advice = flag === undefined ? '' : ` ${flag} with a later time says that it is meant.`
  return [`${entry}: ${iso(asOf)} is ahead of now, ${iso(now)}.${advice}`]
}

/** An entry is no point in time. */
export class NotTimeError extends ProverError {
  readonly code = 'portfolio.not-time'
  readonly entry: string
  readonly value: string

  constructor(entry: string, value: string) {
    super(
      `${entry}: expected a time before the year 2106, such as 2026-03-27T08:00:00Z or unix seconds, got "${value}".`,
    )
    this.entry = entry
    this.value = value
  }
}
