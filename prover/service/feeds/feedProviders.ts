/** Feeds as a file states them: each with its provider. */
import { type ConnectionLimits, usualLimits } from './connection.ts'
import { DeribitFeed } from './deribit.ts'
import { parseEndpoint, readProviderKey } from './endpoint.ts'
import type { FeedEntry, FeedFile } from './feedConfig.ts'
import { HermesFeed } from './hermes.ts'
import type { PriceFeed } from './priceFeed.ts'
import { RecordingFeed } from './recordingFeed.ts'

const PYTH_ENDPOINT = 'https://hermes.pyth.network'
const DERIBIT_ENDPOINT = 'wss://www.deribit.com/ws/api/v2'
const PYTH_DECIMALS = 8
const POLL_SECONDS = 2
/** Waited for what is on its way when a step is closed. */
const GRACE_SECONDS = 3

export type Making = {
  readonly limits: Partial<ConnectionLimits>
  /** Hears how files were read. */
  readonly say: (line: string) => void
  /** Of a market, what recordings begin with; all of them by default. */
  readonly from: (market: string) => bigint | undefined
}

/** @throws {@link EndpointError}, {@link ProviderKeyError}, {@link KeyFileModeError} */
export const feedsOf = ({ feeds }: FeedFile, making: Making): readonly PriceFeed[] =>
  feeds.map((entry) => feedOf(entry, making))

function feedOf(entry: FeedEntry, { limits: given, say, from }: Making): PriceFeed {
  const { name } = entry
  if (entry.kind === 'file') {
    const files = Object.entries(entry.prices).map(([market, { file }]) => ({ market, file, from: from(market) }))
    return new RecordingFeed({ name, files, speed: entry.speed ?? 1, say })
  }
  const stall = entry.stallSeconds === undefined ? {} : { stallMs: 1000 * entry.stallSeconds }
  const limits = { ...usualLimits, ...stall, ...given }
  if (entry.kind === 'pyth') return pythOf(entry, limits)
  return new DeribitFeed({
    ...{ name, limits },
    endpoint: parseEndpoint(entry.endpoint ?? DERIBIT_ENDPOINT, ['wss:', 'ws:'], entry.plain === true),
    heartbeatSeconds: entry.heartbeatSeconds ?? 10,
    optionsMs: 1000 * (entry.optionsSeconds ?? 30),
    markets: Object.entries(entry.prices).map(
      ([market, { instrument, price = 'index', volatilityIndex, options, priceUnits }]) => ({
        ...{ market, instrument, price, volatilityIndex, options },
        unitsExponent: exponentOf(priceUnits),
      }),
    ),
  })
}

function pythOf(entry: Extract<FeedEntry, { kind: 'pyth' }>, limits: ConnectionLimits): PriceFeed {
  const { name, endpoint, plain, mode, pollSeconds = POLL_SECONDS, keyFile, prices } = entry
  const pollMs = mode === 'poll' ? 1000 * pollSeconds : undefined
  return new HermesFeed({
    ...{ name, pollMs },
    // Between two questions it is silent.
    limits: {
      ...limits,
      stallMs: limits.stallMs + (pollMs ?? 0),
      readingStallMs: limits.readingStallMs + (pollMs ?? 0),
    },
    endpoint: parseEndpoint(endpoint ?? PYTH_ENDPOINT, ['https:', 'http:'], plain === true),
    key: keyFile === undefined ? undefined : readProviderKey(keyFile),
    prices: Object.entries(prices).map(([market, { id, decimals = PYTH_DECIMALS, priceUnits }]) => ({
      ...{ market, id: id.toLowerCase(), decimals },
      unitsExponent: exponentOf(priceUnits),
    })),
  })
}

const exponentOf = (units: number | undefined): number => Math.round(Math.log10(units ?? 1))

/** How long a step waits for readings that are on their way: as long as a question for them may be behind. */
export function graceSecondsOf({ feeds }: FeedFile): number {
  const polls = feeds.map((feed) =>
    feed.kind === 'pyth' && feed.mode === 'poll' ? (feed.pollSeconds ?? POLL_SECONDS) : 0,
  )
  return Math.ceil(GRACE_SECONDS + Math.max(...polls))
}

/** Where options are written, by feed and market. */
export const optionsFilesOf = ({ feeds }: FeedFile): ReadonlyMap<string, string> =>
  new Map(
    feeds.flatMap((feed) =>
      feed.kind !== 'deribit'
        ? []
        : Object.entries(feed.prices).flatMap(([market, { optionsFile }]) =>
            optionsFile === undefined ? [] : [[`${feed.name} ${market}`, optionsFile] as const],
          ),
    ),
  )
