/** Feeds as flags state them: the same as a file of feeds, for one provider of each kind. */
import { UsageError } from '../text/usageError.ts'
import { type FeedFile, parseFeeds } from './feedConfig.ts'

export type FeedFlags = {
  readonly pyth?: readonly string[]
  readonly pythEndpoint?: string
  readonly pythMode?: string
  readonly pythKeyFile?: string
  readonly deribit?: readonly string[]
  readonly deribitEndpoint?: string
  readonly deribitPrice?: string
  readonly volatilityIndex?: readonly string[]
  readonly options?: readonly string[]
  readonly recording?: readonly string[]
  readonly speed?: number | 'max'
  readonly leastSources?: number
  readonly maxDeviationBps?: number
  readonly every?: number
  readonly priceUnits?: readonly string[]
}

/** Names of all of them, as `--help` has them. */
export const feedFlagNames = [
  'pyth',
  'pyth-endpoint',
  'pyth-mode',
  'pyth-key-file',
  'deribit',
  'deribit-endpoint',
  'deribit-price',
  'volatility-index',
  'options',
  'recording',
  'speed',
  'least-sources',
  'max-deviation-bps',
  'every',
  'price-units',
] as const

/** @throws {@link PairFlagError}, {@link FeedFileError} */
export function feedsOfFlags(flags: FeedFlags): FeedFile {
  const [indices, currencies] = [pairsOf('volatility-index', flags.volatilityIndex), pairsOf('options', flags.options)]
  const units = pairsOf('price-units', flags.priceUnits)
  const ofUnits = (market: string) => (units.has(market) ? { priceUnits: Number(units.get(market)) } : {})
  const pyth = [...pairsOf('pyth', flags.pyth)].map(([market, id]) => [market, { id, ...ofUnits(market) }])
  const deribit = [...pairsOf('deribit', flags.deribit)].map(([market, instrument]) => [
    market,
    defined({
      ...{ instrument, price: flags.deribitPrice, ...ofUnits(market) },
      ...{ volatilityIndex: indices.get(market), options: currencies.get(market) },
    }),
  ])
  const recording = [...pairsOf('recording', flags.recording)].map(([market, file]) => [market, { file }])
  const { pythEndpoint, pythMode, pythKeyFile, deribitEndpoint, speed } = flags
  const feeds = [
    { name: 'pyth', kind: 'pyth', endpoint: pythEndpoint, mode: pythMode, keyFile: pythKeyFile, prices: pyth },
    { name: 'deribit', kind: 'deribit', endpoint: deribitEndpoint, prices: deribit },
    { name: 'recording', kind: 'file', speed, prices: recording },
  ]
    .filter(({ prices }) => prices.length > 0)
    .map((feed) => defined({ ...feed, prices: Object.fromEntries(feed.prices) }))
  if (feeds.length === 0) throw new NoFeedError()
  const names = new Set([...pyth, ...deribit, ...recording].map(([market]) => market as string))
  const { leastSources, maxDeviationBps, every: everySeconds } = flags
  const market = defined({ leastSources, maxDeviationBps, everySeconds })
  return parseFeeds({ feeds, markets: Object.fromEntries([...names].map((name) => [name, market])) }, 'flags')
}

const defined = (fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

function pairsOf(option: string, texts: readonly string[] = []): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>()
  for (const text of texts) {
    const [, market, value] = /^([^=\s]+)=(\S+)$/.exec(text) ?? []
    if (market === undefined || value === undefined || pairs.has(market)) throw new PairFlagError(option, text)
    pairs.set(market, value)
  }
  return pairs
}

/** A flag is none of a market and what the provider calls it, or a market stands twice. */
export class PairFlagError extends UsageError {
  readonly code = 'service.feed-pair'
  readonly option: string
  readonly value: string

  constructor(option: string, value: string) {
    super(`Expected --${option} as MARKET=NAME, each market once, such as BTC-USD=BTC-PERPETUAL, got "${value}".`)
    this.option = option
    this.value = value
  }
}

/** Nothing was named that could be heard. */
export class NoFeedError extends UsageError {
  readonly code = 'service.no-feed'

  constructor() {
    super(
      'Expected a feed: --feeds feeds.json, --pyth BTC-USD=0x…, --deribit BTC-USD=BTC-PERPETUAL or --recording BTC-USD=btc.csv.',
    )
  }
}
