/** Percentiles of how long things took. */
export const percentiles = [50, 95] as const

export type Spread = Readonly<Record<string, number>>

/** Of each stage, and of all together, in milliseconds. */
export type Latencies = {
  readonly of: string
  readonly events: number
  readonly stages: Readonly<Record<string, Spread>>
}

/** The smallest value that so many percent of all do not exceed. */
const nearestRank = (values: readonly number[], percent: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil((percent / 100) * values.length) - 1)] ?? Number.NaN

export const spreadOf = (values: readonly number[], percents: readonly number[] = percentiles): Spread =>
  Object.fromEntries(percents.map((percent) => [`p${percent}`, Math.round(nearestRank(values, percent))]))

/** @param measured - an event each, its stages in milliseconds by name */
export function latenciesOf(of: string, measured: readonly Readonly<Record<string, number>>[]): Latencies {
  const names = Object.keys(measured[0] ?? {})
  const stage = (name: string) => [name, spreadOf(measured.map((event) => event[name] ?? Number.NaN))] as const
  const totals = measured.map((event) => Object.values(event).reduce((sum, each) => sum + each, 0))
  return { of, events: measured.length, stages: { ...Object.fromEntries(names.map(stage)), total: spreadOf(totals) } }
}
