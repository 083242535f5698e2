export type Tick = { readonly at: number; readonly label: string; readonly isMajor: boolean }

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const TIME_STEPS = [
  ...[MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE],
  ...[HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY],
]
const MONTH_STEPS = [1, 2, 3, 6, 12, 24]

/**
 * The range itself, or where it has no width that doubles tell from none, one about it that a scale can divide by.
 *
 * @param margin - on either side of a single value
 */
export function widened(low: number, high: number, margin: number): readonly [low: number, high: number] {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1]
  return high - low > 1e-9 * Math.max(Math.abs(low), Math.abs(high)) ? [low, high] : [low - margin, high + margin]
}

/** Times of a chart's two ends: a single time is its newest end, which narrow screens show first. */
export const widenedTimes = (from: number, to: number): readonly [from: number, to: number] =>
  to > from ? [from, to] : [from - 2 * HOUR, from]

/**
 * Round values between two bounds, 1, 2, 2.5 or 5 times a power of ten apart.
 *
 * @param count - how many are wanted; there may be one or two more or fewer
 */
export function valueTicks(low: number, high: number, count: number): readonly number[] {
  const rough = (high - low) / count
  const magnitude = 10 ** Math.floor(Math.log10(rough))
  const step = magnitude * ([1, 2, 2.5, 5].find((factor) => factor * magnitude >= rough) ?? 10)
  const first = Math.ceil(low / step)
  const last = Math.floor(high / step)
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step)
}

/** Round UTC times between two unix seconds, at most `count` of them; days and years are major. */
export function timeTicks(from: number, to: number, count: number): readonly Tick[] {
  const step = TIME_STEPS.find((seconds) => (to - from) / seconds <= count)
  if (step !== undefined) {
    const first = Math.ceil(from / step)
    const last = Math.floor(to / step)
    return Array.from({ length: last - first + 1 }, (_, i) => dayTick((first + i) * step))
  }
  const start = new Date(from * 1000)
  const months = ((to - from) / DAY / 365.25) * 12
  const stepMonths = MONTH_STEPS.find((each) => months / each <= count) ?? 60
  const firstMonth = Math.ceil((start.getUTCFullYear() * 12 + start.getUTCMonth()) / stepMonths) * stepMonths
  const ticks = Array.from({ length: count + 2 }, (_, i) => monthTick(firstMonth + i * stepMonths))
  return ticks.filter(({ at }) => from <= at && at <= to)
}

function dayTick(at: number): Tick {
  const date = new Date(at * 1000)
  const isMajor = at % DAY === 0
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
  return { at, isMajor, label: isMajor ? day : date.toISOString().slice(11, 16) }
}

function monthTick(month: number): Tick {
  const date = new Date(Date.UTC(0, month))
  date.setUTCFullYear(Math.floor(month / 12))
  const isMajor = month % 12 === 0
  const label = date.toLocaleDateString('en-GB', { month: 'short', timeZone: 'UTC' })
  return { at: date.getTime() / 1000, isMajor, label: isMajor ? String(date.getUTCFullYear()) : label }
}
