/** Unix times with more digits than this are milliseconds; as seconds they would lie beyond the year 5000. */
const MILLISECONDS_FROM = 100_000_000_000

/** Smaller unix times are dates written without separators (20200312 would be August 1970), not seconds. */
const EARLIEST_SECONDS = 100_000_000

const DATE_TIME =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s?(Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?$/

/**
 * Reads a point in time: unix seconds or milliseconds, `2020-03-12`, `2020-03-12 10:00:00` and ISO 8601 with or without
 * an offset; UTC where none is given. Fractions of a second are rounded up, so that nothing is dated before it was seen.
 *
 * @returns unix seconds, or undefined for anything else, among it dates that do not exist
 */
export function parseTime(text: string): bigint | undefined {
  if (/^\d{9,16}(\.\d+)?$/.test(text)) {
    const value = Number(text)
    const seconds = Math.ceil(value < MILLISECONDS_FROM ? value : value / 1000)
    return seconds < EARLIEST_SECONDS || seconds >= MILLISECONDS_FROM ? undefined : BigInt(seconds)
  }
  const match = DATE_TIME.exec(text)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0))
  const instant = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  const isReal =
    instant.getUTCMonth() === month - 1 && instant.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
  if (!isReal || year < 1970) return undefined
  const roundedUp = /[1-9]/.test(match[7] ?? '') ? 1 : 0
  return BigInt(instant.getTime() / 1000 + roundedUp - offsetSeconds(match[8]))
}

function offsetSeconds(zone: string | undefined): number {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone ?? '')
  if (match === null) return 0
  const seconds = Number(match[2]) * 3600 + Number(match[3] ?? 0) * 60
  return match[1] === '-' ? -seconds : seconds
}
