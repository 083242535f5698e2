/** Recorded crashes: what shapes would have put in force through every file of prices, and what its falls would have taken. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { longHistoryFolder, readExtract } from '../../../prover/market/histories.ts'
import { type PriceBar, type PriceOptions, readBars } from '../../../prover/market/prices.ts'
import { INITIAL_MULTIPLIER_X18, INITIAL_VOLATILITY_X24 } from '../../../prover/parameters/defaultPolicy.ts'
import { initialState, type Policy } from '../../../prover/parameters/marketRisk.ts'
import { defaultModel } from '../../../prover/volatility/models.ts'
import { Estimate, type Publication, rampedMargin, share } from './engine.ts'
import type { Shape } from './shapes.ts'
import { type Assumptions, type Toll, Venue } from './venue.ts'

type Source = { readonly file: string; readonly name: string; readonly options?: PriceOptions }

/** Days are missing from what a dislocated venue recorded. */
const dislocated: PriceOptions = { timeColumn: 'date', maxGapSeconds: 10 * 86_400 }

/** Every file of hours, half hours and minutes that lies beside a checkout. */
const sources: readonly Source[] = [
  { file: 'btcusdt-1h-2019-01_2022-02.csv.gz', name: 'BTC 2019–2022, hours' },
  { file: 'btcusdt-1h-spot-2022-01_2024-06.csv.gz', name: 'BTC 2022–2024, hours' },
  { file: 'btcusdt-perp-1h-2020-10_2024-06.csv.gz', name: 'BTC perpetual 2020–2024, hours' },
  {
    file: 'btcusd-1h-premium-venue-2020-01_2021-05.csv.gz',
    name: 'BTC dislocated venue 2020–2021, hours',
    options: dislocated,
  },
  { file: 'ethusdt-1h-spot-2022-01_2024-06.csv.gz', name: 'ETH 2022–2024, hours' },
  { file: 'ethusdt-perp-1h-2020-10_2024-06.csv.gz', name: 'ETH perpetual 2020–2024, hours' },
  {
    file: 'ethusd-1h-premium-venue-2020-01_2021-05.csv.gz',
    name: 'ETH dislocated venue 2020–2021, hours',
    options: dislocated,
  },
  { file: 'btcusdt-perp-30m-2026-01-15_2026-02-28.csv.gz', name: 'BTC perpetual 2026, half hours' },
  { file: 'ethusdt-perp-30m-2026-01-15_2026-02-28.csv.gz', name: 'ETH perpetual 2026, half hours' },
  { file: 'btc-perp-ftx-1m-2021-12-31_2022-02-01.csv.gz', name: 'BTC perpetual 2022, minutes' },
]

const DAY_SECONDS = 86_400
/** A crash: the low is this far below the day's high; in files finer than hours, which are short and have few falls, less. */
const CRASH = 0.15
const CRASH_IN_FINE_FILE = 0.1
/** Positions need bars to be opened in. */
const LEAST_BARS_BEFORE = 8
/** Positions are opened in the three days before; crashes closer to each other than that are one. */
const BEFORE_SECONDS = 3 * DAY_SECONDS
const TICK_SECONDS = 60

type Bar = {
  readonly asOf: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
}

/** Bars from `first` to `last`, indices, of which the fall begins at `falls`. */
type Crash = { readonly first: number; readonly falls: number; readonly last: number; readonly depth: number }

export type Recording = {
  readonly name: string
  readonly bars: readonly Bar[]
  /** Of each bar but the first. */
  readonly publications: readonly Publication[]
  readonly crashes: readonly Crash[]
}

/** What a shape put in force through a recording. */
type Replayed = {
  /** After each publication, X24. */
  readonly margins: readonly number[]
  readonly greatestStep: number
  readonly meanMargin: number
  /** Publications with less than the published move in force. */
  readonly belowMove: number
  /** Most that the price went beyond the margin in force within the next horizon, at those publications; share of notional. */
  readonly worstExcess: number
}

/** Recordings that lie beside the checkout; without them, March 2020 from the project's own extract. */
export function recordings(policy: Policy, folder = longHistoryFolder): readonly Recording[] {
  const found = sources.filter(({ file }) => existsSync(join(folder, file)))
  if (found.length > 0)
    return found.map(({ file, name, options }) => record(name, readBars(join(folder, file), options), policy))
  const { rows } = readExtract('BTC-USD')
  return [record('BTC March 2020, extract', rows, policy)]
}

export function record(name: string, rows: readonly PriceBar[], policy: Policy): Recording {
  const bars = rows.map((row, i) => barOf(row, rows[i - 1] ?? row))
  const [start, ...rest] = rows
  if (start === undefined) throw new Error(`${name} has no prices.`)
  const state = initialState(defaultModel, start, INITIAL_VOLATILITY_X24, INITIAL_MULTIPLIER_X18, policy)
  const estimate = new Estimate(policy, state)
  const publications = rest.map((row) => estimate.observe(row))
  return { name, bars, publications, crashes: crashesOf(bars) }
}

const barOf = (row: PriceBar, before: PriceBar): Bar => {
  const [open, close] = [Number(before.priceE8) / 1e8, Number(row.priceE8) / 1e8]
  const low = Math.min(open, close, Number(row.lowE8 ?? row.priceE8) / 1e8)
  const high = Math.max(open, close, Number(row.highE8 ?? row.priceE8) / 1e8)
  return { asOf: Number(row.asOf), open, high, low, close }
}

function crashesOf(bars: readonly Bar[]): readonly Crash[] {
  const spacing = (bars[2]?.asOf ?? 0) - (bars[1]?.asOf ?? 0)
  const depth = spacing < 3600 ? CRASH_IN_FINE_FILE : CRASH
  const crashes: Crash[] = []
  let dayStart = 0
  for (const [i, { asOf, low }] of bars.entries()) {
    while ((bars[dayStart]?.asOf ?? asOf) < asOf - DAY_SECONDS) dayStart++
    const top = bars.slice(dayStart, i + 1).reduce((most, { high }) => Math.max(most, high), 0)
    if (low > top * (1 - depth)) continue
    const before = crashes.at(-1)
    if (before !== undefined && asOf - (bars[before.last]?.asOf ?? 0) <= BEFORE_SECONDS) {
      crashes[crashes.length - 1] = { ...before, last: i, depth: Math.max(before.depth, 1 - low / top) }
      continue
    }
    const begins = bars.findIndex((bar) => bar.asOf >= (bars[dayStart]?.asOf ?? 0) - BEFORE_SECONDS)
    const first = Math.max(1, begins)
    if (dayStart - first >= LEAST_BARS_BEFORE) crashes.push({ first, falls: dayStart, last: i, depth: 1 - low / top })
  }
  return crashes
}

/** Follows a recording under a shape that no venue guides. */
export function follow(recording: Recording, shape: Shape, horizonSeconds: number): Replayed {
  const { bars, publications } = recording
  let previous = publications[0]?.targetMaintenance ?? 0
  let greatestStep = 0
  const margins = publications.map((publication) => {
    const margin = rampedMargin(shape, previous, publication, () => 0)
    greatestStep = Math.max(greatestStep, share(margin - previous))
    previous = margin
    return margin
  })
  let [belowMove, worstExcess] = [0, 0]
  for (const [i, margin] of margins.entries()) {
    if (margin >= (publications[i]?.move ?? 0)) continue
    belowMove++
    worstExcess = Math.max(worstExcess, furthest(bars, i + 1, horizonSeconds) - share(margin))
  }
  const meanMargin = margins.reduce((sum, margin) => sum + share(margin), 0) / margins.length
  return { margins, greatestStep, meanMargin, belowMove, worstExcess }
}

/** The furthest that the price goes either way within a time after a bar, as a share of its close. */
function furthest(bars: readonly Bar[], from: number, seconds: number): number {
  const now = bars[from] as Bar
  let most = 0
  for (let i = from + 1; i < bars.length && (bars[i] as Bar).asOf <= now.asOf + seconds; i++) {
    const { low, high } = bars[i] as Bar
    most = Math.max(most, 1 - low / now.close, high / now.close - 1)
  }
  return most
}

/**
 * What a recorded crash takes. The price went as it did, so forced sales add nothing to it unless `supposed` says so; within a bar it
 * is taken to have gone straight to the extreme that is nearer to where the bar began, to the other, and to the close.
 */
export function crashToll(
  { bars, publications }: Recording,
  { first, falls, last }: Crash,
  shape: Shape,
  { margins }: Pick<Replayed, 'margins'>,
  supposed: Assumptions,
): Toll {
  const venue = new Venue(supposed)
  let previous = margins[first - 1] ?? 0
  let mark = 0
  const weight = 1 / (falls - first)
  for (let i = first; i < Math.min(bars.length, last + 2); i++) {
    const [bar, publication] = [bars[i] as Bar, publications[i - 1] as Publication]
    const inForce = share(previous)
    mark = throughBar(venue, bar, publication.elapsedSeconds, inForce)
    previous = rampedMargin(shape, previous, publication, (part) => venue.affordable(mark, inForce, part))
    if (i < falls) venue.openGroup(mark, share(publication.initial), weight)
  }
  return venue.settle(mark)
}

function throughBar(venue: Venue, { open, low, high, close }: Bar, seconds: number, margin: number): number {
  if (venue.isQuiet(low, margin)) return close
  const corners = open - low < high - open ? [open, low, high, close] : [open, high, low, close]
  const ticks = Math.max(3, Math.min(120, Math.ceil(seconds / TICK_SECONDS)))
  let mark = close
  for (let tick = 1; tick <= ticks; tick++) {
    const at = (3 * tick) / ticks
    const leg = Math.min(2, Math.floor(at))
    const [from, to] = [corners[leg] ?? close, corners[leg + 1] ?? close]
    mark = venue.step(from + (to - from) * (at - leg), margin, seconds / ticks)
  }
  return mark
}
