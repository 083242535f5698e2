import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../config.ts'
import type { PriceBar, PriceOptions, PriceRow } from './prices.ts'
import { joinPrices, readBars } from './prices.ts'
import { parseTime } from './time.ts'

/** Markets whose history comes with the project. */
export type HistoryMarket = 'BTC-USD' | 'ETH-USD'

export const historyMarkets: readonly HistoryMarket[] = ['BTC-USD', 'ETH-USD']

export type PriceHistory<Row extends PriceRow = PriceRow> = {
  readonly market: HistoryMarket
  readonly rows: readonly Row[]
  /** File names, in the order in which they follow each other. */
  readonly sources: readonly string[]
}

type Source = { readonly file: string; readonly options: PriceOptions }

const utc = (text: string): bigint => parseTime(text) ?? 0n
const hourly = (file: string, options: PriceOptions = {}): Source => ({
  file,
  options: { barSeconds: 3600, ...options },
})

/**
 * Hourly bars 2019/2020 to June 2024 as they lie beside a developer's checkout. Each market passes from one source to
 * the next where the better one begins: the early ETH source is a venue of its own, with days missing from November 2020.
 */
const longSources: Readonly<Record<HistoryMarket, readonly Source[]>> = {
  'BTC-USD': [
    hourly('btcusdt-1h-2019-01_2022-02.csv.gz', { newestFirst: true, to: utc('2022-01-01 00:00:01') }),
    hourly('btcusdt-1h-spot-2022-01_2024-06.csv.gz'),
  ],
  'ETH-USD': [
    hourly('ethusd-1h-premium-venue-2020-01_2021-05.csv.gz', { timeColumn: 'date', to: utc('2020-10-23 09:00:00') }),
    hourly('ethusdt-perp-1h-2020-10_2024-06.csv.gz', { to: utc('2022-01-01 00:00:01') }),
    hourly('ethusdt-1h-spot-2022-01_2024-06.csv.gz'),
  ],
}

const extracts: Readonly<Record<HistoryMarket, Source>> = {
  'BTC-USD': { file: 'btc-usd-2020-03.csv', options: {} },
  'ETH-USD': { file: 'eth-usd-2020-03.csv', options: {} },
}

/** Where a checkout keeps the long histories: beside itself. */
export const longHistoryFolder = join(projectRoot, '..', 'shared', 'data', 'prices')

const extractFolder = join(import.meta.dirname, 'extracts')

/** Years of hourly bars, or undefined where they are not beside the checkout. */
export function readLongHistory(
  market: HistoryMarket,
  folder: string = longHistoryFolder,
): PriceHistory<PriceBar> | undefined {
  const sources = longSources[market]
  if (!sources.every(({ file }) => existsSync(join(folder, file)))) return undefined
  return {
    market,
    rows: joinPrices(...sources.map(({ file, options }) => readBars(join(folder, file), options))),
    sources: sources.map(({ file }) => file),
  }
}

/** The project's own extract: hourly bars of 8 to 16 March 2020. */
export function readExtract(market: HistoryMarket): PriceHistory<PriceBar> {
  const { file, options } = extracts[market]
  return { market, rows: readBars(join(extractFolder, file), options), sources: [file] }
}
