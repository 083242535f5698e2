import { busyHoursX6 } from '../../circuits/statements/index.ts'

const HOUR = 3600n
const DAY = 24n * HOUR
const WEEK = 7n * DAY

type DayTable = { readonly rates: readonly bigint[]; readonly before: readonly bigint[]; readonly whole: bigint }

function dayTable(hours: readonly number[]): DayTable {
  const rates = hours.map(BigInt)
  let passed = 0n
  const before = rates.map((rate) => {
    const start = passed
    passed += HOUR * rate
    return start
  })
  return { rates, before, whole: passed }
}

const weekday = dayTable(busyHoursX6.weekday)
const weekend = dayTable(busyHoursX6.weekend)

/** Days of a week as they follow 1 January 1970, a Thursday. */
const week: readonly DayTable[] = [weekday, weekday, weekend, weekend, weekday, weekday, weekday]
const daysBefore = week.map((_, day) => week.slice(0, day).reduce((passed, { whole }) => passed + whole, 0n))
const wholeWeek = week.reduce((passed, { whole }) => passed + whole, 0n)

/**
 * Seconds since 1970, each counted by how busy its hour of the week usually is, X6; over whole weeks the same as time.
 *
 * Twin of `circuits/volatility/BusyTime.circom`.
 */
export function busyTimeX6(asOf: bigint): bigint {
  const day = Number((asOf % WEEK) / DAY)
  const hour = Number((asOf % DAY) / HOUR)
  const { rates, before } = week[day] as DayTable
  const ofDay = (before[hour] as bigint) + (asOf % HOUR) * (rates[hour] as bigint)
  return (asOf / WEEK) * wholeWeek + (daysBefore[day] as bigint) + ofDay
}

/** Busy seconds of a stretch of time, X6: more than half of its seconds, and less than twice. */
export const busyStretchX6 = (from: bigint, seconds: bigint): bigint => busyTimeX6(from + seconds) - busyTimeX6(from)
