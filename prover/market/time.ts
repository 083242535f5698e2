/** Which of two numbers in `03/02/2026` or `03-02-2026` is the day. With dots, `03.02.2026`, it is always the first. */
export type DateOrder = 'day-first' | 'month-first'

/** Smaller unix times are dates written without separators (20200312 would be August 1970), not seconds. */
const EARLIEST_SECONDS = 10n ** 8n

/** A unit of unix time serves until 5138; what lies beyond is in the next finer one. */
const LATEST_SECONDS = 10n ** 11n

/** Units of unix time by how many of them are a second. */
const UNIX_UNITS = [1n, 10n ** 3n, 10n ** 6n, 10n ** 9n] as const

const NANOSECONDS = 10n ** 9n

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

const CLOCK =
  '(?:(?:T|,? )(?:(\\d{1,2}):(\\d{2})(?::(\\d{2})(?:\\.(\\d{1,9}))?)?(?: ?([AP]M))?|(\\d{1,2})[- ]([AP]M)) ?((?:Z|UTC|GMT)?(?:[+-]\\d{2}(?::?\\d{2})?)?))?'
const YEAR_FIRST = new RegExp(`^(\\d{4})([-/.])(\\d{1,2})\\2(\\d{1,2})${CLOCK}$`, 'i')
const YEAR_LAST = new RegExp(`^(\\d{1,2})([-/.])(\\d{1,2})\\2(\\d{4})${CLOCK}$`, 'i')
const DAY_NAMED = new RegExp(`^(\\d{1,2})[- ]([a-z]{3})[a-z]*[- ](\\d{4})${CLOCK}$`, 'i')
const MONTH_NAMED = new RegExp(`^([a-z]{3})[a-z]*\\.? (\\d{1,2}),? (\\d{4})${CLOCK}$`, 'i')

/** A point in time: whole unix seconds, and what of the next one has passed. */
type Instant = { readonly seconds: bigint; readonly nanoseconds: bigint }

/**
 * Reads a point in time: unix seconds, milliseconds, microseconds or nanoseconds by their size; `2020-03-12`, also with `/`
 * or `.`, with or without a time of day (24 hours or AM and PM) and an offset, UTC where none is given; `12.03.2020`;
 * `12/03/2020` and `12-03-2020` if their order is known or only one exists; `12 Mar 2020`, `Mar 12, 2020`. Fractions of a
 * second are rounded up, so that nothing is dated before it was seen.
 *
 * @returns unix seconds, or undefined for anything else, among it dates that do not exist
 */
export function parseTime(text: string, order?: DateOrder): bigint | undefined {
  const instant = parseInstant(text, order)
  return instant && instant.seconds + (instant.nanoseconds > 0n ? 1n : 0n)
}

/** {@link parseTime} with the fraction of its second, as near as a double comes. */
export function parseExactTime(text: string, order?: DateOrder): number | undefined {
  const instant = parseInstant(text, order)
  return instant && Number(instant.seconds) + Number(instant.nanoseconds) / 1e9
}

/** Whether a point in time is told as a date without a time of day, in whatever form {@link parseTime} reads. */
export const isDateAlone = (text: string): boolean => !/^\d+(?:\.\d+)?$/.test(text) && !/:|[AP]M/i.test(text)

/**
 * Which order dates such as `03/02/2026` have, as far as the dates themselves tell.
 *
 * @returns `either` if all such dates could be both, undefined if there is none. Where one is day-first and another
 *   month-first, the first decides, and {@link parseTime} refuses the other
 */
export function dateOrderOf(texts: Iterable<string>): DateOrder | 'either' | undefined {
  let found: 'either' | undefined
  for (const text of texts) {
    const match = YEAR_LAST.exec(text)
    if (match === null || match[2] === '.') continue
    const [first, second] = [Number(match[1]), Number(match[3])]
    if (first > 12) return 'day-first'
    if (second > 12) return 'month-first'
    if (first !== second) found = 'either'
  }
  return found
}

function parseInstant(text: string, order: DateOrder | undefined): Instant | undefined {
  if (/^\d{9,20}(\.\d{1,9})?$/.test(text)) return isDateInDigits(text) ? undefined : unixInstant(text)
  const yearFirst = YEAR_FIRST.exec(text)
  if (yearFirst !== null) return instantOf(yearFirst[1], yearFirst[3], yearFirst[4], yearFirst.slice(5))
  const yearLast = YEAR_LAST.exec(text)
  if (yearLast !== null) {
    const [, first, separator, second, year, ...clock] = yearLast
    const known = separator === '.' ? 'day-first' : (order ?? dateOrderOf([text]))
    if (known === 'either') return undefined
    return known === 'month-first' ? instantOf(year, first, second, clock) : instantOf(year, second, first, clock)
  }
  const dayNamed = DAY_NAMED.exec(text)
  if (dayNamed !== null) return instantOf(dayNamed[3], monthNumber(dayNamed[2]), dayNamed[1], dayNamed.slice(4))
  const monthNamed = MONTH_NAMED.exec(text)
  if (monthNamed === null) return undefined
  return instantOf(monthNamed[3], monthNumber(monthNamed[1]), monthNamed[2], monthNamed.slice(4))
}

/** Unix seconds that no clock has shown yet, May 2033, so that digits beyond it may be something else. */
const NOT_YET_SECONDS = 2_000_000_000

/**
 * Whether digits are a date of 1990 to 2099 with its hour, or hour and minute, written without separators: as unix times they would be
 * of 1976, or of 2033 and after. A year of two digits tells only where the time would lie ahead.
 */
function isDateInDigits(text: string): boolean {
  const [, year, month, day, hour, minute] = /^((?:19|20)\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?$/.exec(text) ?? []
  if (year !== undefined && Number(year) >= 1990) return instantOf(year, month, day, [hour, minute]) !== undefined
  if (text.length !== 10 || Number(text) < NOT_YET_SECONDS) return false
  const [, years, ...rest] = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text) ?? []
  return instantOf(`20${years}`, rest[0], rest[1], rest.slice(2)) !== undefined
}

function unixInstant(text: string): Instant | undefined {
  const [whole = '', fraction = ''] = text.split('.')
  const value = BigInt(whole)
  const perSecond = UNIX_UNITS.find((unit) => value < LATEST_SECONDS * unit)
  if (perSecond === undefined || value < EARLIEST_SECONDS) return undefined
  const nanoseconds = value * (NANOSECONDS / perSecond) + BigInt(fraction.padEnd(9, '0')) / perSecond
  return { seconds: nanoseconds / NANOSECONDS, nanoseconds: nanoseconds % NANOSECONDS }
}

const monthNumber = (name = ''): string => String(MONTHS.indexOf(name.toLowerCase()) + 1)

/** @param clock - hour, minute, second, fraction, half of the day; hour and half where there is only an hour; zone */
function instantOf(year = '', month = '', day = '', clock: readonly (string | undefined)[] = []): Instant | undefined {
  const [hour24 = '0', minute = '0', second = '0', fraction = '', half, hour12, halfOfHour, zone = ''] = clock
  const hour = hourOf(hour12 ?? hour24, halfOfHour ?? half)
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  const isReal = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day) && Number(year) >= 1970
  if (hour === undefined || !isReal || Number(minute) > 59 || Number(second) > 59) return undefined
  const seconds = date.getTime() / 1000 + hour * 3600 + Number(minute) * 60 + Number(second) - offsetSeconds(zone)
  return { seconds: BigInt(seconds), nanoseconds: BigInt(fraction.padEnd(9, '0')) }
}

/** Hour of the day; 12 AM is midnight. */
function hourOf(text: string, half: string | undefined): number | undefined {
  const hour = Number(text)
  if (half === undefined) return hour < 24 ? hour : undefined
  if (hour < 1 || hour > 12) return undefined
  return (hour % 12) + (half.toUpperCase() === 'PM' ? 12 : 0)
}

function offsetSeconds(zone: string): number {
  const match = /([+-])(\d{2}):?(\d{2})?$/.exec(zone)
  if (match === null) return 0
  const seconds = Number(match[2]) * 3600 + Number(match[3] ?? 0) * 60
  return match[1] === '-' ? -seconds : seconds
}

/** The clock here, unix seconds. */
export const present = (): bigint => BigInt(Math.floor(Date.now() / 1000))
