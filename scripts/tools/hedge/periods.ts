/** Recorded crashes, and a seeded book of options that a venue has sold through each. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { longHistoryFolder, readExtract } from '../../../prover/market/histories.ts'
import { type PriceBar, readBars } from '../../../prover/market/prices.ts'
import { type OptionQuote, readChain } from '../../../prover/options/chain.ts'
import { Random } from '../cases/random.ts'
import { root } from '../sources.ts'

/** An option of the book; quantities are negative: sold. */
export type BookOption = {
  readonly strikeE8: bigint
  readonly expiry: bigint
  readonly isCall: boolean
  readonly quantity: number
  /** Name in recorded chains. */
  readonly instrument?: string
}

/** A price, and what each option of the book is said to be worth by: its forward over spot, and its implied volatility. */
export type Step = {
  readonly asOf: bigint
  readonly priceE8: bigint
  readonly options: readonly { readonly basis: number; readonly volatility: number }[]
}

export type Period = {
  readonly name: string
  /** Where implied volatilities come from. */
  readonly volatilities: string
  readonly book: readonly BookOption[]
  readonly steps: readonly Step[]
}

type Source = {
  readonly name: string
  readonly file: string
  readonly from: string
  readonly to: string
  /** What implied volatilities are of, where something beside it recorded them. */
  readonly recorded?: 'chains' | 'index'
}

const sources: readonly Source[] = [
  {
    name: 'March 2020',
    file: 'btcusdt-1h-2019-01_2022-02.csv.gz',
    from: '2020-03-09T00:00:00Z',
    to: '2020-03-16T00:00:00Z',
  },
  {
    name: 'May 2021',
    file: 'btcusdt-1h-2019-01_2022-02.csv.gz',
    from: '2021-05-17T00:00:00Z',
    to: '2021-05-24T00:00:00Z',
  },
  {
    name: 'November 2022',
    file: 'btcusdt-1h-spot-2022-01_2024-06.csv.gz',
    from: '2022-11-07T00:00:00Z',
    to: '2022-11-14T00:00:00Z',
    recorded: 'index',
  },
  {
    name: 'February 2026',
    file: 'btcusdt-perp-30m-2026-01-15_2026-02-28.csv.gz',
    from: '2026-02-02T05:00:00Z',
    to: '2026-02-09T05:00:00Z',
    recorded: 'chains',
  },
]
/** The one that comes with the project. */
const extract = { name: 'March 2020, extract', from: '2020-03-09T00:00:00Z', to: '2020-03-16T00:00:00Z' }

const OPTIONS = 24
const DAY_SECONDS = 86_400n
/** Strikes are so far from the first price at most. */
const REACH = 0.25
/** Realised volatility stands for implied where nobody recorded that: of so long before each price. */
const REALISED_SECONDS = 30n * DAY_SECONDS
const YEAR_SECONDS = 31_536_000
const dataFolder = join(root, '..', 'shared', 'data')
const chainFolder = join(dataFolder, 'options', 'deribit-2026')
/** Deribit's index of 30 days' implied volatility, a close a day, in points. */
const indexFile = join(dataFolder, 'vol', 'btc-dvol-1d-2022-11_2024-06.csv')

const secondsOf = (time: string): bigint => BigInt(Date.parse(time) / 1000)

/**
 * Periods whose prices are at hand: those beside a checkout, or the extract of March 2020 that comes with the project.
 *
 * @param folder - of price files
 */
export function readPeriods(seed: bigint, folder: string = longHistoryFolder): readonly Period[] {
  const beside = { chains: chainFolder, index: indexFile }
  const found = sources.filter(
    ({ file, recorded }) => existsSync(join(folder, file)) && (recorded === undefined || existsSync(beside[recorded])),
  )
  if (found.length === 0) return [flatSmile(extract, readExtract('BTC-USD').rows, seed)]
  return found.map((source) => {
    const rows = readBars(join(folder, source.file))
    return source.recorded === 'chains' ? ofChains(source, rows, seed) : flatSmile(source, rows, seed)
  })
}

/** Options of any strikes, all at one volatility: the recorded index's last close, or what was realised. */
function flatSmile(
  { name, from, to, recorded }: Omit<Source, 'file'>,
  rows: readonly PriceBar[],
  seed: bigint,
): Period {
  const [start, end] = [secondsOf(from), secondsOf(to)]
  const bars = rows.filter(({ asOf }) => asOf >= start && asOf < end)
  const first = bars[0]
  if (first === undefined) throw new Error(`${name} has no prices from ${from}.`)
  const book = seededBook(new Random(seed), Number(first.priceE8) / 1e8, end)
  const index = recorded === 'index' ? indexCloses() : []
  const steps = bars.map(({ asOf, priceE8 }) => {
    const volatility = recorded === 'index' ? between(index, asOf) : realised(rows, asOf)
    return { asOf, priceE8, options: book.map(() => ({ basis: 1, volatility })) }
  })
  const volatilities = recorded === 'index' ? 'Deribit’s index, by its daily closes' : 'realised in 30 days before'
  return { name, volatilities, book, steps }
}

/** Closes are known a day after the time that they are filed under. */
function indexCloses(): readonly { readonly asOf: bigint; readonly volatility: number }[] {
  const [, ...lines] = readFileSync(indexFile, 'utf8').trim().split('\n')
  return lines.map((line) => {
    const [time = '', points = ''] = line.split(',')
    return { asOf: BigInt(time) / 1_000n + DAY_SECONDS, volatility: Number(points) / 100 }
  })
}

/** Between two closes the index moves evenly. */
function between(closes: ReturnType<typeof indexCloses>, asOf: bigint): number {
  const next = closes.find((close) => close.asOf > asOf)
  const last = closes.findLast((close) => close.asOf <= asOf)
  if (next === undefined || last === undefined) throw new Error(`The volatility index has no closes around ${asOf}.`)
  const share = Number(asOf - last.asOf) / Number(next.asOf - last.asOf)
  return last.volatility + share * (next.volatility - last.volatility)
}

function realised(rows: readonly PriceBar[], asOf: bigint): number {
  const window = rows.filter((row) => row.asOf <= asOf && row.asOf > asOf - REALISED_SECONDS)
  const squares = window.slice(1).map((row, i) => Math.log(Number(row.priceE8) / Number(window[i]?.priceE8)) ** 2)
  const years = Number((window.at(-1)?.asOf ?? 0n) - (window[0]?.asOf ?? 0n)) / YEAR_SECONDS
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / years)
}

function seededBook(random: Random, spot: number, end: bigint): readonly BookOption[] {
  return Array.from({ length: OPTIONS }, (_, i) => {
    const moneyness = 1 + REACH * (Number(random.between(-1_000n, 1_000n)) / 1_000)
    return {
      strikeE8: BigInt(Math.round((spot * moneyness) / 100)) * 100n * 10n ** 8n,
      expiry: end + random.between(1n, 45n) * DAY_SECONDS,
      isCall: i % 2 === 0,
      quantity: -quantity(random),
    }
  })
}

/** Half an asset to two. */
const quantity = (random: Random): number => Number(random.between(5n, 20n)) / 10

/** Options that recorded chains quote, by the volatility and the forward that the last chain before each price has of them. */
function ofChains(source: Source, rows: readonly PriceBar[], seed: bigint): Period {
  const [start, end] = [secondsOf(source.from), secondsOf(source.to)]
  const bars = rows.filter(({ asOf }) => asOf >= start && asOf < end)
  const chains = chainsBetween(start - DAY_SECONDS, end)
  const first = chains.findLast(({ asOf }) => asOf <= start)
  if (first === undefined) throw new Error(`No recorded chain is older than ${source.from}.`)
  const book = bookOf(first.quotes, end, new Random(seed))
  const known = new Map(book.map(({ instrument = '' }) => [instrument, first.quotes.get(instrument) as OptionQuote]))
  let next = chains.indexOf(first)
  const steps = bars.map(({ asOf, priceE8 }) => {
    for (; (chains[next]?.asOf ?? asOf + 1n) <= asOf; next++) {
      for (const name of known.keys()) {
        const quote = chains[next]?.quotes.get(name)
        if (quote !== undefined) known.set(name, quote)
      }
    }
    return { asOf, priceE8, options: book.map(({ instrument = '' }) => termsOf(known.get(instrument) as OptionQuote)) }
  })
  return { name: source.name, volatilities: 'recorded chains’, every six hours', book, steps }
}

const termsOf = ({ forwardE8, indexPrice, markVolatility }: OptionQuote) => ({
  basis: Number(forwardE8) / 1e8 / (indexPrice ?? Number(forwardE8) / 1e8),
  volatility: markVolatility,
})

type Chain = { readonly asOf: bigint; readonly quotes: ReadonlyMap<string, OptionQuote> }

function chainsBetween(from: bigint, to: bigint): readonly Chain[] {
  return readdirSync(chainFolder)
    .filter((file) => file.startsWith('deribit_options_snapshot_'))
    .map((file) => ({ file, asOf: timeOf(file) }))
    .filter(({ asOf }) => asOf >= from && asOf < to)
    .toSorted((a, b) => Number(a.asOf - b.asOf))
    .map(({ file, asOf }) => {
      const quotes = readChain(join(chainFolder, file)).quotes.filter(({ currency }) => currency === 'BTC')
      return { asOf, quotes: new Map(quotes.map((quote) => [quote.instrument, quote])) }
    })
}

/** Of a file's name: …_20260205T042952Z.csv.gz. */
function timeOf(file: string): bigint {
  const [, y, mo, d, h, mi, s] = file.match(/_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/) ?? []
  return secondsOf(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`)
}

function bookOf(quotes: ReadonlyMap<string, OptionQuote>, end: bigint, random: Random): readonly BookOption[] {
  const near = [...quotes.values()].filter(({ expiry, strikeE8, indexPrice = 0, openInterest = 0 }) => {
    const moneyness = Number(strikeE8) / 1e8 / indexPrice
    return expiry > end + DAY_SECONDS && Math.abs(moneyness - 1) < REACH && openInterest > 0
  })
  const pick = (isCall: boolean): OptionQuote => {
    const some = near.filter((quote) => quote.isCall === isCall)
    return some[Number(random.below(BigInt(some.length)))] as OptionQuote
  }
  return Array.from({ length: OPTIONS }, (_, i) => {
    const { strikeE8, expiry, isCall, instrument } = pick(i % 2 === 0)
    return { strikeE8, expiry, isCall, instrument, quantity: -quantity(random) }
  })
}
