/** Recorded crashes minute by minute: the worst hours of each, from bars of hours or half hours. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { longHistoryFolder, readExtract } from '../../../prover/market/histories.ts'
import { type PriceBar, readBars } from '../../../prover/market/prices.ts'
import { Random } from '../cases/random.ts'

/** A crash of BTC: which file has it, and between when its worst hours are looked for. */
type Source = {
  readonly name: string
  readonly title: string
  readonly file: string
  readonly from: string
  readonly until: string
}

const hourly = 'btcusdt-1h-2019-01_2022-02.csv.gz'
const sources = [
  { name: 'march2020', title: 'March 2020', file: hourly, from: '2020-03-12T06:00Z', until: '2020-03-12T18:00Z' },
  { name: 'may2021', title: 'May 2021', file: hourly, from: '2021-05-19T06:00Z', until: '2021-05-19T18:00Z' },
  {
    name: 'november2022',
    title: 'November 2022',
    file: 'btcusdt-1h-spot-2022-01_2024-06.csv.gz',
    from: '2022-11-08T12:00Z',
    until: '2022-11-09T00:00Z',
  },
  {
    name: 'february2026',
    title: 'February 2026',
    file: 'btcusdt-perp-30m-2026-01-15_2026-02-28.csv.gz',
    from: '2026-02-05T12:00Z',
    until: '2026-02-06T06:00Z',
  },
] as const satisfies readonly Source[]

export type CrashName = (typeof sources)[number]['name']
export const crashNames: readonly CrashName[] = sources.map(({ name }) => name)

export const crashTitles: ReadonlyMap<string, string> = new Map(sources.map(({ name, title }) => [name, title]))

/** What the engine has seen before, and the price of every minute then; the first one is that of the last bar before. */
export type Crash = {
  readonly name: CrashName
  readonly title: string
  /** Unix seconds of the first price. */
  readonly start: number
  readonly before: readonly PriceBar[]
  readonly minutes: readonly number[]
}

/** Bars that the engine starts from: thirty days of hours. */
const BEFORE_SECONDS = 30 * 86_400
const MINUTE = 60
/** Share of a window that the fall is to be in; the rest shows what is left of it. */
const FALL = 0.75
/** Of an hour's range, what a minute moves by besides the way from corner to corner. */
const NOISE = 0.02

/** A crash, or undefined where its file is not beside the checkout; March 2020 is in the project's own extract besides. */
export function readCrash(name: CrashName, hours: number, seed: bigint, folder = longHistoryFolder): Crash | undefined {
  const { title, file, from, until } = sources.find((each) => each.name === name) as Source
  const rows = rowsOf(name, join(folder, file))
  if (rows === undefined) return undefined
  const first = worstBar(rows, { from, until, seconds: Math.max(3600, FALL * hours * 3600) })
  const last = rows[first] as PriceBar
  const start = Number(last.asOf)
  const before = rows.filter(({ asOf }) => Number(asOf) > start - BEFORE_SECONDS && Number(asOf) <= start)
  const during = rows.slice(first + 1).filter(({ asOf }) => Number(asOf) <= start + hours * 3600)
  return { name, title, start, before, minutes: minutesOf(last, during, seed) }
}

type Search = { readonly from: string; readonly until: string; readonly seconds: number }

/** The bar after which the price falls furthest within a time, by index. */
function worstBar(rows: readonly PriceBar[], { from, until, seconds }: Search): number {
  const [earliest, latest] = [from, until].map((text) => Date.parse(text) / 1000) as [number, number]
  const falls = rows.map((row, i) => {
    if (Number(row.asOf) < earliest || Number(row.asOf) + seconds > latest + seconds / 2) return -1
    const during = rows.slice(i + 1).filter(({ asOf }) => Number(asOf - row.asOf) <= seconds)
    return 1 - Math.min(...during.map(({ lowE8, priceE8 }) => Number(lowE8 ?? priceE8))) / Number(row.priceE8)
  })
  return falls.indexOf(Math.max(...falls))
}

function rowsOf(name: CrashName, file: string): readonly PriceBar[] | undefined {
  if (existsSync(file)) return readBars(file)
  return name === 'march2020' ? readExtract('BTC-USD').rows : undefined
}

/**
 * A price a minute: within a bar from its open to the nearer extreme, the other one and the close, at times that the seed chooses, with
 * some noise, and never beyond the bar. Nobody recorded these minutes.
 */
function minutesOf(last: PriceBar, during: readonly PriceBar[], seed: bigint): readonly number[] {
  const random = new Random(seed)
  const uniform = (): number => Number(random.below(1n << 40n)) / 2 ** 40
  const minutes = [priceOf(last)]
  let previous = last
  for (const bar of during) {
    const count = Number(bar.asOf - previous.asOf) / MINUTE
    const [open, close] = [minutes.at(-1) as number, priceOf(bar)]
    const low = Math.min(open, close, Number(bar.lowE8 ?? bar.priceE8) / 1e8)
    const high = Math.max(open, close, Number(bar.highE8 ?? bar.priceE8) / 1e8)
    const corners = open - low < high - open ? [low, high, close] : [high, low, close]
    minutes.push(...throughBar(open, corners, { count, low, high }, uniform))
    previous = bar
  }
  return minutes
}

type Within = { readonly count: number; readonly low: number; readonly high: number }

function throughBar(
  open: number,
  corners: readonly number[],
  { count, low, high }: Within,
  uniform: () => number,
): readonly number[] {
  const first = Math.round(count * (0.15 + 0.25 * uniform()))
  const second = Math.round(first + (count - first) * (0.25 + 0.4 * uniform()))
  const stops = [0, first, second, count]
  const levels = [open, ...corners]
  return Array.from({ length: count }, (_, i) => {
    const at = i + 1
    const leg = stops.findIndex((stop, s) => s > 0 && at <= stop)
    const [from, to] = [stops[leg - 1] as number, stops[leg] as number]
    const [start, end] = [levels[leg - 1] as number, levels[leg] as number]
    const exact = start + ((end - start) * (at - from)) / (to - from)
    const isCorner = at === to
    const noisy = isCorner ? exact : exact + NOISE * (high - low) * (2 * uniform() - 1)
    return Math.min(high, Math.max(low, noisy))
  })
}

const priceOf = ({ priceE8 }: PriceBar): number => Number(priceE8) / 1e8
