/** Days that were, to be lived through again: prices by their times, what came before, and what options cost. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { longHistoryFolder, readExtract } from '../../../prover/market/histories.ts'
import { type PriceBar, readBars } from '../../../prover/market/prices.ts'
import { parseTime } from '../../../prover/market/time.ts'
import { type MarketHistory, type NamedObservation, stepsOf } from '../../../prover/service/development/engine.ts'
import { marketsOfChain } from '../chainArrays.ts'
import { root } from '../sources.ts'
import { type LiveEngine, type LiveRound, MARGINS_MARKET, movedTo } from './liveEngine.ts'

export type RecordedDay = {
  /** All end where the day begins. */
  readonly warmUps: readonly MarketHistory[]
  /** Prices of the day with their lows and highs, by market. */
  readonly bars: readonly { readonly name: string; readonly rows: readonly PriceBar[] }[]
  /** By their times, all markets at each. */
  readonly steps: readonly (readonly NamedObservation[])[]
  /** Prices of options at a time of the day. */
  roundAt(engine: LiveEngine, asOf: bigint, spotE8: bigint): LiveRound
}

export const dayNames = ['march2020', 'february2026'] as const
export type DayName = (typeof dayNames)[number]

const HOUR = 3600n
const DAY = 24n * HOUR
const HALF_HOUR = 1800
const chains = join(root, '..', 'shared', 'data', 'options', 'deribit-2026')
/** Expiries of a recorded chain that accounts are in. */
const EXPIRIES = 3

/** Whether what a day is read from is there: one comes with the project, the other lies beside a developer's checkout. */
export const isRecorded = (name: DayName): boolean =>
  name === 'march2020' || (existsSync(chains) && existsSync(februaryFile('btc')))

/** A part of a day: so many hours after its beginning, so many of them. */
export type DayPart = { readonly from: number; readonly hours: number }

export const recordedDay = (name: DayName, part: DayPart): RecordedDay =>
  name === 'march2020' ? march2020(part) : february2026(part)

/** 12 March 2020, by the hour: BTC from 7,934 to 4,857. Volatilities and expiries are those of the example, as far ahead as there. */
function march2020(part: DayPart): RecordedDay {
  const begin = parseTime('2020-03-12 00:00:00') as bigint
  const all = (['BTC-USD', 'ETH-USD'] as const).map((name) => ({ name, rows: readExtract(name).rows }))
  return {
    ...partsOf(all, begin, part),
    roundAt: ({ first }, asOf, spotE8) => {
      const earlier = first.round.asOf - begin
      const surfaces = first.surfaces.map((surface) => ({ ...surface, expiry: surface.expiry - earlier }))
      return movedTo({ ...first, surfaces }, asOf, spotE8)
    },
  }
}

/** 5 February 2026, 7:00, for a day, by the half hour: BTC from 71,000 to 60,000 and back. Surfaces are those of the last whole chain recorded. */
function february2026(part: DayPart): RecordedDay {
  const begin = parseTime('2026-02-05 07:00:00') as bigint
  const read = (asset: string): readonly PriceBar[] => readBars(februaryFile(asset), { barSeconds: HALF_HOUR })
  const all = [
    { name: 'BTC-USD', rows: read('btc') },
    { name: 'ETH-USD', rows: read('eth') },
  ]
  const recorded = chainsFrom(begin, begin + DAY)
  return {
    ...partsOf(all, begin, part),
    roundAt: (_, asOf, spotE8) => {
      const chain = recorded.findLast(({ round }) => round.asOf <= asOf) ?? recorded[0]
      if (chain === undefined) throw new RangeError('No chain was recorded on that day.')
      return movedTo(chain, asOf, spotE8)
    },
  }
}

function partsOf(all: RecordedDay['bars'], begin: bigint, { from, hours }: DayPart): Omit<RecordedDay, 'roundAt'> {
  const after = (start: bigint, some: number): bigint => start + BigInt(Math.round(some * Number(HOUR)))
  const start = after(begin, from)
  const end = after(start, hours)
  const part = (keep: (asOf: bigint) => boolean): RecordedDay['bars'] =>
    all.map(({ name, rows }) => ({ name, rows: rows.filter(({ asOf }) => keep(asOf)) }))
  const bars = part((asOf) => asOf > start && asOf <= end)
  return { warmUps: part((asOf) => asOf <= start), bars, steps: stepsOf(bars) }
}

const februaryFile = (asset: string): string =>
  join(longHistoryFolder, `${asset}usdt-perp-30m-2026-01-15_2026-02-28.csv.gz`)

/** Chains from the last one before a time to another, with those expiries that outlive it and that all of them have. */
function chainsFrom(start: bigint, end: bigint): readonly LiveRound[] {
  const timed = readdirSync(chains)
    .toSorted()
    .flatMap((file) => {
      const [, y, m, d, h, min, s] = /_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(file) ?? []
      const asOf = y === undefined ? undefined : parseTime(`${y}-${m}-${d} ${h}:${min}:${s}`)
      return asOf === undefined ? [] : [{ file: join(chains, file), asOf }]
    })
  const before = timed.findLast(({ asOf }) => asOf <= start)
  const within = timed.filter(({ asOf }) => asOf > start && asOf <= end)
  const found = [...(before === undefined ? [] : [before]), ...within].flatMap(({ file }) =>
    marketsOfChain(file).filter(({ name }) => `${name}-USD` === MARGINS_MARKET),
  )
  const isInAll = (expiry: bigint): boolean =>
    found.every(({ surfaces }) => surfaces.some((surface) => surface.expiry === expiry))
  const expiries = (found[0]?.surfaces ?? [])
    .map(({ expiry }) => expiry)
    .filter((expiry) => expiry > end + DAY && isInAll(expiry))
    .slice(0, EXPIRIES)
  return found.map(({ round, surfaces }) => ({
    round,
    surfaces: surfaces.filter(({ expiry }) => expiries.includes(expiry)),
  }))
}
