/** Feeds as flags state them: the same as a file of feeds, for one provider of each kind. */
import { requireOptions, UsageError } from '../text/usageError.ts'
import { type FeedFile, FeedFileError, parseFeeds } from './feedConfig.ts'

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

/** @throws {@link PairFlagError}, {@link MarketFlagError}, {@link FeedFlagError}, {@link NoFeedError}; of flags that belong to others */
export function feedsOfFlags(flags: FeedFlags): FeedFile {
  requireProviders(flags)
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
  const namesOf = (pairs: readonly (readonly unknown[])[]) => new Set(pairs.map(([market]) => market as string))
  const names = namesOf([...pyth, ...deribit, ...recording])
  requireMarkets('volatility-index', indices, namesOf(deribit), 'deribit')
  requireMarkets('options', currencies, namesOf(deribit), 'deribit')
  requireMarkets('price-units', units, namesOf([...pyth, ...deribit]), 'pyth or --deribit')
  const { leastSources, maxDeviationBps, every: everySeconds } = flags
  const market = defined({ leastSources, maxDeviationBps, everySeconds })
  const markets = Object.fromEntries([...names].map((name) => [name, market]))
  return parsedFlags({ feeds, markets })
}

/** What is said of a provider is refused where the provider is not asked: it would mean nothing, and nobody would be told. */
function requireProviders(flags: FeedFlags): void {
  const { pyth, deribit, recording } = flags
  const { pythEndpoint, pythMode, pythKeyFile, deribitEndpoint, deribitPrice, speed } = flags
  if (pyth === undefined)
    requireOptions(
      { 'pyth-endpoint': pythEndpoint, 'pyth-mode': pythMode, 'pyth-key-file': pythKeyFile },
      { needs: 'pyth' },
    )
  if (deribit === undefined) {
    const { volatilityIndex, options } = flags
    const besides = { 'volatility-index': volatilityIndex, options }
    requireOptions(
      { 'deribit-endpoint': deribitEndpoint, 'deribit-price': deribitPrice, ...besides },
      { needs: 'deribit' },
    )
  }
  if (recording === undefined) requireOptions({ speed }, { needs: 'recording' })
}

function requireMarkets(
  option: string,
  pairs: ReadonlyMap<string, string>,
  known: ReadonlySet<string>,
  provider: string,
): void {
  for (const market of pairs.keys()) if (!known.has(market)) throw new MarketFlagError(option, market, provider)
}

/** Flags that stand for each field of a file of feeds; of one that differs by provider, by its kind. */
const flagsOfFields: Readonly<Record<string, string>> = {
  ...{ id: 'pyth', mode: 'pyth-mode', keyFile: 'pyth-key-file', instrument: 'deribit', price: 'deribit-price' },
  ...{ volatilityIndex: 'volatility-index', options: 'options', file: 'recording', speed: 'speed' },
  ...{ priceUnits: 'price-units', leastSources: 'least-sources', maxDeviationBps: 'max-deviation-bps' },
  ...{ everySeconds: 'every' },
}

type Stated = {
  readonly feeds: readonly { readonly kind?: unknown }[]
  readonly markets: Readonly<Record<string, unknown>>
}

/** Refusals name the flag that was given, not a file's field that nobody wrote. */
function parsedFlags(stated: Stated): FeedFile {
  try {
    return parseFeeds(stated, 'flags')
  } catch (cause) {
    if (!(cause instanceof FeedFileError)) throw cause
    const { field, reason } = cause
    const leaf = field.slice(field.lastIndexOf('.') + 1)
    const kind = stated.feeds[Number(/^feeds\[(\d+)\]/.exec(field)?.[1] ?? 0)]?.kind
    const provider = kind === 'file' ? 'recording' : String(kind)
    const market = Object.keys(stated.markets).find((name) => field.includes(`.${name}`))
    const flag = leaf === 'endpoint' ? `${provider}-endpoint` : (flagsOfFields[leaf] ?? provider)
    throw new FeedFlagError(flag, market, reason)
  }
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

/** A flag speaks of a market of which no provider is asked that it is about. */
export class MarketFlagError extends UsageError {
  readonly code = 'service.feed-flag-market'
  readonly option: string
  readonly market: string

  constructor(option: string, market: string, provider: string) {
    super(
      `--${option} is about ${market}, of which no --${provider} has prices. Name the market there too, or leave it out.`,
    )
    this.option = option
    this.market = market
  }
}

/** A flag has a value that a feed cannot be asked for. */
export class FeedFlagError extends UsageError {
  readonly code = 'service.feed-flag'
  readonly option: string
  readonly market: string | undefined

  constructor(option: string, market: string | undefined, reason: string) {
    super(
      `--${option}${market === undefined ? '' : `, ${market}`}: ${reason}. \`zkrisk feed live --help\` has an example.`,
    )
    this.option = option
    this.market = market
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
