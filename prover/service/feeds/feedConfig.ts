/** The file of feeds: which provider has prices of which markets, and how many must agree. */
import { z } from 'zod'
import { ProverError } from '../../errors.ts'
import { otherKindThan } from '../../market/fileKind.ts'
import { readJsonFile } from '../../market/jsonFile.ts'
import { closestName } from '../../portfolio/input/closestName.ts'
import { firstIssue } from '../../registry/wordSchemas.ts'

/** Fields that say what they expect in words of ours. */
const numberFrom = (least: number, most: number) => {
  const error = `expected a number from ${least} to ${most}`
  return z.number({ error }).min(least, { error }).max(most, { error })
}
const wholeFrom = (least: number, most: number) => {
  const error = `expected a whole number from ${least} to ${most}`
  return z.int({ error }).min(least, { error }).max(most, { error })
}
const textLike = (pattern: RegExp, error: string) => z.string({ error }).regex(pattern, { error })
const fileName = textLike(/^.{1,4096}$/, 'expected a file’s path')

const marketName = textLike(/^.{1,31}$/, 'expected a market’s name of at most 31 characters')
const feedName = textLike(/^[a-z][a-z0-9-]{0,31}$/, 'expected a name of at most 32 small letters, digits and dashes')
const priceUnits = z
  .literal(
    [0.000001, 0.00001, 0.0001, 0.001, 0.01, 0.1, 1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12],
    {
      error: 'expected a power of ten from 0.000001 to 1000000000000',
    },
  )
  .optional()
  .describe('of how many units of the asset the provider’s price is, a power of ten such as 1000; 1 by default')
const endpoint = textLike(/^\S{1,2048}$/, 'expected an address')
const plain = z
  .boolean()
  .optional()
  .describe('whether an address without encryption beyond this machine is meant: the network between is your own')
const stallSeconds = numberFrom(1, 3600)
  .optional()
  .describe('without any message until the connection is given up; 25 by default')

const pythSchema = z.strictObject({
  name: feedName,
  kind: z.literal('pyth'),
  endpoint: endpoint.optional().describe('of Hermes; https://hermes.pyth.network by default'),
  plain,
  mode: z
    .enum(['stream', 'poll'], { error: 'expected stream or poll' })
    .optional()
    .describe('server-sent events, or latest prices again and again; stream by default'),
  pollSeconds: numberFrom(1, 60).optional().describe('of mode poll; 2 by default'),
  keyFile: fileName.optional().describe('holds the provider’s key, one line, mode 600; sent as a bearer’s'),
  stallSeconds,
  prices: z
    .record(
      marketName,
      z.strictObject({
        id: textLike(/^0x[0-9a-fA-F]{64}$/, 'expected 0x and 64 hexadecimal digits').describe('Pyth’s id of the price'),
        decimals: wholeFrom(0, 18).optional().describe('its exponent without the sign; 8 by default'),
        priceUnits,
      }),
    )
    .describe('by market'),
})

const deribitSchema = z.strictObject({
  name: feedName,
  kind: z.literal('deribit'),
  endpoint: endpoint.optional().describe('wss://www.deribit.com/ws/api/v2 by default'),
  plain,
  heartbeatSeconds: wholeFrom(10, 60).optional().describe('between signs of life; 10 by default'),
  optionsSeconds: numberFrom(5, 3600).optional().describe('between two questions for all options; 30 by default'),
  stallSeconds,
  prices: z
    .record(
      marketName,
      z.strictObject({
        instrument: textLike(/^[A-Z0-9_-]{3,40}$/, 'expected an instrument such as BTC-PERPETUAL').describe(
          'such as BTC-PERPETUAL',
        ),
        price: z
          .enum(['index', 'mark', 'middle'], { error: 'expected index, mark or middle' })
          .optional()
          .describe('the index, the instrument’s mark, or the middle of its book; index by default'),
        volatilityIndex: textLike(/^[a-z0-9_]{3,20}$/, 'expected an index such as btc_usd')
          .optional()
          .describe('such as btc_usd; attested as implied volatility'),
        options: textLike(/^[A-Z0-9]{2,10}$/, 'expected a currency such as BTC')
          .optional()
          .describe('currency whose options are asked for, such as BTC'),
        optionsFile: fileName
          .optional()
          .describe('where they are written, for zkrisk margin --chain and zkrisk greeks'),
        priceUnits,
      }),
    )
    .describe('by market'),
})

const fileSchema = z.strictObject({
  name: feedName,
  kind: z.literal('file'),
  speed: z
    .union([z.number().min(0.01).max(1_000_000), z.literal('max')], {
      error: 'expected a number from 0.01 to 1000000, or "max"',
    })
    .optional()
    .describe('how many times as fast as it was recorded; 1 by default'),
  prices: z
    .record(marketName, z.strictObject({ file: fileName.describe('as zkrisk params reads it') }))
    .describe('by market'),
})

const positive = (error: string) => z.number({ error }).positive({ error }).max(1e12, { error })
const roundsSchema = z.strictObject({
  everySeconds: wholeFrom(5, 86_400).optional().describe('a round is published at least so often; 60 by default'),
  spotMove: numberFrom(0.000001, 1)
    .optional()
    .describe('or when spot has moved by this log return; 0.00125 by default'),
  volatilityMove: numberFrom(0.000001, 10)
    .optional()
    .describe('or when the volatility at the forward of an expiry has moved by this log ratio; 0.02 by default'),
  stablePrice: positive('expected a price of the settlement currency')
    .optional()
    .describe('of the settlement currency itself; 1 by default'),
  collateralPrices: z
    .array(z.union([positive('expected a price'), z.null()], { error: 'expected a price, or null' }))
    .max(16, { error: 'expected at most 16 prices' })
    .optional()
    .describe('of the collaterals of the policy, by their places; null for one that moves with spot'),
})

const marketSchema = z.strictObject({
  source: textLike(/^.{1,64}$/, 'expected the name of a source')
    .optional()
    .describe('of the deployment; by default the one that the market has'),
  leastSources: wholeFrom(1, 15).optional().describe('feeds that must have a price and agree; 1 by default'),
  maxDeviationBps: wholeFrom(1, 9_999).optional().describe('of a price from the median, in 1/10,000; 100 by default'),
  maxConfidenceBps: wholeFrom(1, 10_000)
    .optional()
    .describe('of a provider’s interval, in 1/10,000 of the price; 50 by default'),
  everySeconds: wholeFrom(1, 3600)
    .optional()
    .describe('between observations; the least spacing of the market’s source by default'),
  inForceSeconds: wholeFrom(1, 3600)
    .optional()
    .describe('how long a price counts after its time; 15 by default, or everySeconds if that is less'),
  rounds: roundsSchema.optional().describe('how rounds of it are published, with --rounds'),
})

/** The form of a file of feeds. */
export const feedFileSchema = z.strictObject({
  $schema: z.string().optional(),
  feeds: z
    .array(
      z.discriminatedUnion('kind', [pythSchema, deribitSchema, fileSchema], {
        error: 'expected pyth, deribit or file',
      }),
      { error: 'expected a list of feeds' },
    )
    .min(1, { error: 'expected at least one feed' })
    .max(15, { error: 'expected at most 15 feeds' }),
  markets: z.record(marketName, marketSchema).optional().describe('what is not as by default'),
})

export type FeedFile = z.infer<typeof feedFileSchema>
export type FeedEntry = FeedFile['feeds'][number]
export type MarketEntry = z.infer<typeof marketSchema>

/** @throws {@link FeedFileError} naming the field that is missing, unknown or malformed */
export const readFeedFile = (file: string): FeedFile =>
  parseFeeds(
    readJsonFile(file, (reason) => new FeedFileError(file, '', reason)),
    file,
  )

/** @throws {@link FeedFileError} */
export function parseFeeds(input: unknown, file: string): FeedFile {
  const parsed = feedFileSchema.safeParse(input)
  if (!parsed.success) {
    const other = otherKindThan('feeds', input)
    if (other !== undefined) throw new FeedFileError(file, '', `expected a file of feeds, got ${other}`)
    const { path, reason } = firstIssue(parsed.error)
    throw new FeedFileError(file, path, `${reason}${suggestionFor(parsed.error)}`)
  }
  const { feeds, markets = {} } = parsed.data
  const twice = feeds.find(({ name }, i) => feeds.findIndex((other) => other.name === name) !== i)
  if (twice !== undefined) throw new FeedFileError(file, 'feeds', `two feeds are called ${twice.name}`)
  for (const { name, prices } of feeds)
    if (Object.keys(prices).length === 0) throw new FeedFileError(file, `feeds.${name}.prices`, 'it has no market')
  for (const [market, { leastSources = 1 }] of Object.entries(markets)) {
    const count = feeds.filter(({ prices }) => prices[market] !== undefined).length
    if (count === 0) throw new FeedFileError(file, `markets.${market}`, 'no feed has prices of it')
    if (count < leastSources)
      throw new FeedFileError(
        file,
        `markets.${market}.leastSources`,
        `${leastSources} feeds must agree, and ${count === 1 ? 'one has' : `${count} have`} prices of it`,
      )
  }
  return parsed.data
}

/** Of a field that is unknown, which one may have been meant: most may be left out, so none is missing. */
function suggestionFor({ issues: [issue] }: z.ZodError): string {
  const [key] = issue?.code === 'unrecognized_keys' ? issue.keys : []
  const meant = key === undefined ? undefined : closestName(key, fieldNames)
  return meant === undefined ? '' : `: did you mean \`${meant}\`?`
}

const pricesOf = (schema: {
  readonly shape: { readonly prices: { readonly valueType: { readonly shape: object } } }
}) => Object.keys(schema.shape.prices.valueType.shape)
const fieldNames = [
  ...[feedFileSchema, pythSchema, deribitSchema, fileSchema, marketSchema, roundsSchema].flatMap(({ shape }) =>
    Object.keys(shape),
  ),
  ...[pythSchema, deribitSchema, fileSchema].flatMap(pricesOf),
]

/** A file of feeds cannot be used. */
export class FeedFileError extends ProverError {
  readonly code = 'service.feed-file'
  readonly file: string
  readonly field: string
  readonly reason: string

  constructor(file: string, field: string, reason: string) {
    super(
      `${file}${field === '' ? '' : `, ${field}`}: ${reason}${reason.endsWith('?') ? '' : '.'} docs/feeds.md has an example.`,
    )
    this.file = file
    this.field = field
    this.reason = reason
  }
}
