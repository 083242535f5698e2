/** Portfolio files: the JSON that users write (docs/portfolio.md), read exactly and checked before anything is priced. */
import { z } from 'zod'
import { COLLATERALS, type WordName } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { otherKindThan } from '../../market/fileKind.ts'
import {
  GREATEST_PRICE_SCALE,
  LEAST_PRICE_SCALE,
  plainPrice,
  type Units,
  unitsHolding,
  unitsOfScale,
  unitsText,
} from '../../market/priceScale.ts'
import { instrumentCurrency, instrumentName, readInstrument } from '../../options/instrument.ts'
import {
  type Contingency,
  type ContingencyField,
  type ContingencyWord,
  contingencies,
  contingencyFieldsOf,
} from '../contingencies.ts'
import {
  ExpiredLegError,
  expiryName,
  ForwardCrossedError,
  ForwardMissingError,
  iso,
  MixedMarketError,
  requireArbitrageFree,
  requirePricesTogether,
  requireSurfaceShape,
  requireNotAnnual,
  requireTotalVariance,
  StaleSurfaceError,
  UnsettledError,
} from './checks.ts'
import { defaultParameters, defaultScenarios, UNLIMITED_SIZE } from './defaultParameters.ts'
import {
  exactAmount,
  exactField,
  exactFields,
  exactIn,
  exactPrice,
  exactSizeQ,
  type FieldName,
  fieldRange,
  fractionOf,
  nearest,
  nearestTo,
  ValueRangeError,
} from './exact.ts'
import { parseExactJson } from './exactJson.ts'
import { type FormIssue, formIssue } from './formIssue.ts'
import { exactFraction, fractionField, fractionFields, UnitError } from './fractions.ts'
import { expiryOf, timeOf } from './times.ts'
import type {
  CollateralPrice,
  CollateralRule,
  ExpirySurface,
  OptionLeg,
  Portfolio,
  PortfolioAccount,
  PortfolioMarket,
  PortfolioRules,
  Scenario,
} from '../portfolio.ts'
import { splitForward, UnknownInstrumentError, unitsOfMarket } from '../portfolio.ts'

const decimal = z
  .union([z.string().regex(/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$/), z.number()])
  .transform(String)
  .meta({
    id: 'decimal',
    title: 'a decimal number such as 70853.26',
    description: 'decimal number, as a JSON number or as a string; read exactly',
  })
const fraction = z
  .union([z.string().regex(/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?( ?%)?$/), z.number()])
  .transform(String)
  .meta({
    id: 'fraction',
    title: 'a fraction such as 0.04 or 4%',
    description: 'decimal number without a unit: 0.04, or "4%"; read exactly',
  })
const time = z.union([z.string(), z.number()]).transform(String).meta({
  id: 'time',
  title: 'a time such as 2026-03-27T08:00:00Z or unix seconds',
  description: 'unix seconds or ISO 8601, UTC where no offset is given',
})

const sviSchema = z.strictObject({
  a: decimal,
  b: decimal.describe('at least 0'),
  rho: decimal.describe('strictly between -1 and 1'),
  m: decimal,
  s: decimal.describe('above 0'),
  forwardRef: decimal.optional().describe('forward at the fit; default: the forward'),
  tauRef: decimal.optional().describe('years to expiry at the fit; default: seconds to expiry / 31,536,000'),
  variance: z
    .literal('total')
    .optional()
    .describe('says that a and b are of total variance where they come to a volatility above 300 %'),
})

const expirySchema = z.strictObject({
  expiry: time.describe('a date alone means 08:00 UTC'),
  asOf: time
    .optional()
    .describe('time of this expiry’s data; default and only other value allowed: that of the market'),
  forward: z
    .union([
      decimal,
      z.strictObject({ bid: decimal, ask: decimal }).describe('their mean is used'),
      z.strictObject({ variable: decimal, fixed: decimal }).describe('fixed: what the settlement average has fixed'),
    ])
    .optional()
    .describe('within 30 minutes of expiry a single number is split into a moving and a fixed part'),
  settlementPrice: decimal
    .optional()
    .describe('only for an expiry at this very second: options are worth their payoff'),
  rate: fraction.default('0').describe('continuously compounded, per year; 0.04 is 4 %'),
  svi: sviSchema,
  confidence: fraction.default('1').describe('least confidence of forward, rate and surface, 0 to 1'),
})

const currency = z
  .string()
  .regex(/^[A-Z0-9_]+$/)
  .meta({ id: 'currency', title: 'a currency such as BTC' })

const optionSchema = z.union([
  z.strictObject({ instrument: z.string().describe('such as BTC-27MAR26-100000-C'), quantity: decimal }),
  z.strictObject({
    expiry: time.describe('a date alone means 08:00 UTC'),
    strike: decimal,
    type: z.enum(['call', 'put']),
    quantity: decimal,
    currency: currency.optional().describe('needed where there are several markets'),
  }),
])

const perpsSchema = z.strictObject({
  quantity: decimal,
  unrealisedPnl: decimal.default('0'),
  unrealisedFunding: decimal.default('0'),
  currency: currency.optional().describe('needed where there are several markets'),
})

const shape = <T extends Readonly<Record<string, unknown>>>(defaults: T, describe = '') => {
  const entries = Object.entries(defaults).map(([name, value]) => [name, fraction.default(String(value))] as const)
  return z
    .strictObject(Object.fromEntries(entries) as { readonly [Name in keyof T]: z.ZodDefault<typeof fraction> })
    .describe(describe)
    .prefault({} as never)
}

const parametersSchema = z
  .strictObject({
    lossFactor: shape(defaultParameters.lossFactor, 'share of the worst loss that margins cover'),
    volatilityShock: shape(defaultParameters.volatilityShock, 'volatility moves by tenor'),
    skewShock: shape(defaultParameters.skewShock, 'tilts of the smile'),
    staticDiscount: shape(defaultParameters.staticDiscount, 'what shocked values of an expiry are counted at'),
    basis: shape(defaultParameters.basis, 'forwards that move without spot'),
    contingency: shape(defaultParameters.contingency, 'fractions of notional'),
    collaterals: z
      .array(
        z.strictObject({
          asset: z.string(),
          maintenanceHaircut: fraction,
          initialHaircut: fraction.describe('on top of the maintenance haircut'),
          confidenceThreshold: fraction.default('0'),
          movesWithSpot: z.boolean().default(false),
          size: decimal.default(UNLIMITED_SIZE).describe('held beyond this, in units of the asset, it is concentrated'),
        }),
      )
      .default([]),
    spreadCredits: z
      .record(currency, fraction)
      .default({})
      .describe('of its worst loss, what a market may offset where net deltas are opposite, by currency; default 0'),
    horizon: shape(defaultParameters.horizon, 'for the probability of default'),
  })
  .prefault({})

const marketSchema = z.strictObject({
  currency: currency.optional().describe('of options and perpetuals; default: what the names of the options say'),
  asOf: time,
  spot: decimal,
  spotConfidence: fraction.default('1'),
  perpPrice: decimal.optional().describe('default: spot'),
  perpConfidence: fraction.default('1'),
  stablePrice: decimal.default('1'),
  priceUnits: decimal
    .optional()
    .describe(
      'units of the asset that the market’s prices are governed in, a power of ten from 0.000001 to 10^12; prices and quantities are written of one all the same. Default: as many as they take',
    ),
  maxAgeSeconds: decimal.default('120').describe('older data of an expiry is stale'),
  expiries: z.array(expirySchema).default([]),
  collaterals: z
    .array(z.strictObject({ asset: z.string(), price: decimal, confidence: fraction.default('1') }))
    .default([]),
})

/** The form of a portfolio file. */
export const portfolioSchema = z
  .strictObject({
    $schema: z.string().optional(),
    name: z.string().optional(),
    account: z.strictObject({
      cash: decimal.default('0'),
      collaterals: z.array(z.strictObject({ asset: z.string(), amount: decimal })).default([]),
      perps: z
        .union([perpsSchema, z.array(perpsSchema)])
        .prefault([])
        .transform((stated) => (Array.isArray(stated) ? stated : [stated])),
      options: z.array(optionSchema).default([]),
    }),
    market: marketSchema.optional().describe('the only market; either this or markets'),
    markets: z.record(currency, marketSchema).optional().describe('one market a currency; either this or market'),
    parameters: parametersSchema,
    scenarios: z
      .array(
        z.strictObject({
          spotShock: decimal,
          volatility: z.enum(['up', 'none', 'down', 'linear', 'absolute']),
          damping: fraction.default('1'),
        }),
      )
      .default([...defaultScenarios])
      .describe('default: the grid that Derive publishes'),
  })
  .superRefine(({ market, markets }, { addIssue }) => {
    if ((market === undefined) === (markets === undefined || Object.keys(markets).length === 0)) {
      addIssue({
        code: 'custom',
        path: ['market'],
        message: 'expected either market or markets with one entry a currency',
      })
    }
  })

export type PortfolioFile = z.infer<typeof portfolioSchema>
type Account = PortfolioFile['account']
type Market = NonNullable<PortfolioFile['market']>

export type ReadOptions = {
  /** Take surfaces whose butterflies can be arbitraged. */
  readonly allowArbitrage?: boolean | undefined
  /** Judge the market's age at this time, unix seconds; not judged if absent. */
  readonly now?: bigint | undefined
}

/**
 * Reads a portfolio file.
 *
 * @param text - JSON
 * @param file - what errors call it
 * @throws {@link JsonSyntaxError}, {@link PortfolioSchemaError} if the file has another form
 * @throws {@link ValueRangeError}, {@link NotDecimalError} naming the entry
 * @throws the errors of checks.ts and surface.ts, {@link UnknownInstrumentError}, {@link LegSizeError}, naming the leg
 */
export function readPortfolio(text: string, file: string, options: ReadOptions = {}): Portfolio {
  return portfolioOf(parsePortfolio(text, file), file, options)
}

/** A file of the right form; nothing else is checked. @throws {@link JsonSyntaxError}, {@link PortfolioSchemaError} */
export function parsePortfolio(text: string, file: string): PortfolioFile {
  const json = parseExactJson(text, file)
  if (typeof json === 'object' && json !== null && 'Scenario' in json) throw new PortfolioSchemaError(file, DERIVE_CASE)
  const parsed = portfolioSchema.safeParse(json)
  const other = parsed.success ? undefined : otherKindThan('portfolio', json)
  if (other !== undefined)
    throw new PortfolioSchemaError(file, { entry: '', reason: `expected a portfolio, got ${other}` })
  if (!parsed.success) throw new PortfolioSchemaError(file, formIssue(portfolioSchema, json, parsed.error))
  return parsed.data
}

const DERIVE_CASE: FormIssue = {
  entry: '',
  reason: 'expected a portfolio, got a case in the format of Derive’s tests, which --derive-case reads',
}

/** The account of a file in its one market. @param at - where the market stands in the file @throws the errors of {@link readPortfolio} but those of the form */
export function portfolioOf(stated: PortfolioFile, file: string, options: ReadOptions, at = 'market'): Portfolio {
  const { market } = stated
  if (market === undefined) throw new SeveralMarketsError(file, Object.keys(stated.markets ?? {}))
  const reading = (priceUnits: string) => portfolioAtScale(stated, { ...market, priceUnits }, file, options, at)
  const [best = '1', ...others] = unitsHolding(pricesOf(market)).map(unitsText)
  if (market.priceUnits !== undefined) {
    return inStatedUnits(market.priceUnits, `${at}.priceUnits`, reading, [best, ...others])
  }
  try {
    return reading(best)
  } catch (error) {
    const other = isBeyondScale(error) ? firstThatHolds(others, reading) : undefined
    if (other === undefined) throw error
    return other
  }
}

/** @throws {@link StatedUnitsError} where others would hold everything */
function inStatedUnits(
  priceUnits: string,
  entry: string,
  reading: (units: string) => Portfolio,
  others: readonly string[],
): Portfolio {
  try {
    return reading(priceUnits)
  } catch (error) {
    const other = isBeyondScale(error) ? firstThatHolds(others, reading) : undefined
    if (other === undefined) throw error
    const wanted = unitsText(unitsOfScale(other.market.priceScale ?? 0))
    throw new StatedUnitsError(entry, priceUnits, wanted, error as ValueRangeError | LegSizeError)
  }
}

/** Strikes and quantities may need another scale than prices, which they are seldom larger than. */
function firstThatHolds(units: readonly string[], reading: (units: string) => Portfolio): Portfolio | undefined {
  for (const each of units) {
    try {
      return reading(each)
    } catch (error) {
      if (!isBeyondScale(error)) throw error
    }
  }
  return undefined
}

const isBeyondScale = (error: unknown): boolean => error instanceof ValueRangeError || error instanceof LegSizeError

function portfolioAtScale(
  stated: PortfolioFile,
  statedMarket: Market,
  file: string,
  options: ReadOptions,
  at: string,
): Portfolio {
  const { name = nameOf(file), account, parameters, scenarios } = stated
  const market = marketOf(statedMarket, currencyOf(statedMarket, account), parameters, options, at)
  const portfolio: Portfolio = {
    name,
    account: accountOf(account, market),
    market,
    rules: rulesOf(parameters, market),
    scenarios: scenarios.map(({ spotShock, volatility, damping }, index) => ({
      spotShockX40: shockX40('scenarioRegular', 'shockX40', spotShock, `scenarios.${index}.spotShock`),
      volatility,
      dampingX40: fractionField('share', 'scenarioRegular', 'dampingUpX40', damping, `scenarios.${index}.damping`),
    })) satisfies readonly Scenario[],
  }
  if (options.allowArbitrage !== true) requireNoArbitrage(portfolio)
  requireCollateralsKnown(portfolio)
  return portfolio
}

function marketOf(
  stated: Market,
  currency: string | undefined,
  parameters: PortfolioFile['parameters'],
  { now }: ReadOptions,
  at: string,
): PortfolioMarket {
  const asOf = timeOf(stated.asOf, `${at}.asOf`)
  const maxAge = nearest(stated.maxAgeSeconds, 1n, `${at}.maxAgeSeconds`)
  if (now !== undefined && now - asOf > maxAge) throw new StaleSurfaceError(at, asOf, now - asOf, maxAge)
  const spotConfidenceX40 = fractionField(
    'share',
    'roundConfidences',
    'spotConfidenceX40',
    stated.spotConfidence,
    `${at}.spotConfidence`,
  )
  const priceScale = priceScaleOf(stated, at)
  const spotE8 = positive(
    exactPrice('roundPrices', 'spotE8', stated.spot, `${at}.spot`, priceScale),
    stated.spot,
    `${at}.spot`,
  )
  if (stated.collaterals.length > COLLATERALS) throw new TooManyCollateralsError(stated.collaterals.length)
  const market: PortfolioMarket = {
    ...(currency === undefined ? {} : { currency }),
    ...(priceScale === 0 ? {} : { priceScale }),
    asOf,
    spotE8,
    perpPriceE8: stated.perpPrice === undefined ? spotE8 : perpPriceE8(stated.perpPrice, `${at}.perpPrice`, priceScale),
    stablePriceE12: positive(
      exactField('roundPrices', 'stablePriceE12', stated.stablePrice, `${at}.stablePrice`),
      stated.stablePrice,
      `${at}.stablePrice`,
    ),
    spotConfidenceX40,
    perpConfidenceX40: fractionField(
      'share',
      'roundConfidences',
      'perpConfidenceX40',
      stated.perpConfidence,
      `${at}.perpConfidence`,
    ),
    horizonVolatilityX40: horizonVolatilityX40(parameters.horizon),
    expiries: distinct(
      stated.expiries.map((expiry, index) =>
        surfaceOfEntry(expiry, index, { asOf, spotConfidenceX40, maxAge, at, priceScale }),
      ),
      ({ expiry }) => iso(expiry),
      `${at}.expiries`,
    ),
    collaterals: distinct(
      stated.collaterals.map((each) => collateralPrice(each, at, each.asset === currency ? priceScale : 0)),
      ({ asset }) => asset,
      `${at}.collaterals`,
    ),
  }
  requirePricesTogether(market, at)
  return market
}

const perpPriceE8 = (text: string, entry: string, priceScale: number): bigint =>
  positive(exactPrice('roundPrices', 'perpPriceE8', text, entry, priceScale), text, entry)

/** What scales are chosen by: not spot alone, which may be what is wrong. */
function pricesOf({ spot, perpPrice = spot, expiries }: Market): readonly string[] {
  const forwards = expiries.flatMap(({ forward = spot }) => {
    if (typeof forward === 'string') return [forward]
    return 'bid' in forward ? [forward.bid, forward.ask] : []
  })
  return [spot, perpPrice, ...forwards]
}

/** k of the power of ten that a market says. @throws {@link PriceUnitsError} */
function priceScaleOf({ priceUnits = '1' }: Market, at: string): number {
  const { count, parts } = unitsStated(priceUnits, `${at}.priceUnits`)
  return String(count).length - String(parts).length
}

function unitsStated(text: string, entry: string): Units {
  const powers = Array.from({ length: GREATEST_PRICE_SCALE - LEAST_PRICE_SCALE + 1 }, (_, i) => i + LEAST_PRICE_SCALE)
  const statedE20 = nearest(text, 10n ** 20n, entry)
  const units = powers.map(unitsOfScale).find(({ count, parts }) => (count * 10n ** 20n) / parts === statedE20)
  if (units === undefined) throw new PriceUnitsError(entry, text)
  return units
}

/** Collateral in the market's own asset is counted as its price is told. */
function collateralPrice(
  { asset, price, confidence }: Market['collaterals'][number],
  at: string,
  priceScale: number,
): CollateralPrice {
  return {
    asset,
    priceE12: exactPrice('collateralPrice', 'priceE12', price, `${at}.collaterals.${asset}.price`, priceScale),
    ...fractionFields('share', 'collateralPrice', { confidence }, `${at}.collaterals.${asset}`, {
      confidenceX40: 'confidence',
    }),
  }
}

/** σ·√(horizon in years): the one place where a file's numbers meet a square root, in double precision. */
function horizonVolatilityX40({ volatility, hours }: PortfolioFile['parameters']['horizon']): bigint {
  const entry = 'parameters.horizon'
  const checked = exactFraction('volatility', VOLATILITIES, volatility, `${entry}.volatility`)
  positive(checked, volatility, `${entry}.volatility`)
  positive(nearest(hours, 10n ** 12n, `${entry}.hours`), hours, `${entry}.hours`)
  const plain = volatility.endsWith('%') ? Number(checked) / 2 ** 40 : Number(volatility)
  const move = plain * Math.sqrt(Number(hours) / 8760)
  return positive(exactField('roundConfidences', 'horizonVolatilityX40', String(move), entry), String(move), entry)
}

/** Below 3,200 %, as quotes are. */
const VOLATILITIES = { scale: 1n << 40n, least: 0n, most: (32n << 40n) - 1n }

const ONE_X40 = 1n << 40n

/** A price after over the price before. @throws {@link ShockError} */
function shockX40<W extends WordName>(
  word: W,
  name: FieldName<W>,
  text: string,
  entry: string,
  { atLeast = 1n, atMost }: { readonly atLeast?: bigint; readonly atMost?: bigint } = {},
): bigint {
  const { scale, most } = fieldRange(word, name)
  const value = nearestTo(fractionOf(text, entry), scale)
  if (value < atLeast || value > (atMost ?? most)) throw new ShockError(entry, text, atLeast, atMost)
  return value
}

type Round = {
  readonly asOf: bigint
  readonly spotConfidenceX40: bigint
  readonly maxAge: bigint
  /** Where the market stands in the file. */
  readonly at: string
  readonly priceScale: number
}

function surfaceOfEntry(stated: Market['expiries'][number], index: number, round: Round): ExpirySurface {
  const expiry = expiryOf(stated.expiry, `${round.at}.expiries.${index}.expiry`)
  const leg = expiryName(expiry, round.at)
  const asOf = stated.asOf === undefined ? round.asOf : timeOf(stated.asOf, `${leg}.asOf`)
  if (round.asOf - asOf > round.maxAge) throw new StaleSurfaceError(leg, asOf, round.asOf - asOf, round.maxAge)
  if (asOf !== round.asOf) throw new MixedMarketError(leg, round.asOf, asOf)
  const secondsToExpiry = expiry - asOf
  const isSettled = secondsToExpiry === 0n && stated.settlementPrice !== undefined
  if (secondsToExpiry <= 0n && !isSettled) throw new ExpiredLegError(leg, expiry, asOf)
  if (stated.settlementPrice !== undefined && !isSettled) throw new UnsettledError(leg, expiry, asOf)
  const forward = forwardOf(stated, leg, secondsToExpiry, round.priceScale)
  const { svi } = stated
  const surface: ExpirySurface = {
    expiry,
    asOf,
    ...forward,
    ...fractionFields('share', 'expiryForward', stated, leg, { confidenceX40: 'confidence' }),
    spotConfidenceX40: round.spotConfidenceX40,
    rateX40: fractionField('rate', 'expirySurface', 'rateX40', stated.rate, `${leg}.rate`),
    ...exactFields('expirySurface', svi, `${leg}.svi`, { sviAX48: 'a', sviBX48: 'b' }),
    tauRefSecondsX20:
      svi.tauRef === undefined ? (isSettled ? 1n : secondsToExpiry) << 20n : tauRefSeconds(svi.tauRef, leg),
    ...exactFields('expirySurfaceShape', svi, `${leg}.svi`, { sviRhoX40: 'rho', sviMX40: 'm', sviSX40: 's' }),
    forwardRefE8:
      svi.forwardRef === undefined
        ? forward.forwardVariableE8 + forward.forwardFixedE8
        : exactPrice('expirySurfaceShape', 'forwardRefE8', svi.forwardRef, `${leg}.svi.forwardRef`, round.priceScale),
  }
  requireSurfaceShape(surface, leg)
  requireTotalVariance(surface, leg)
  if (svi.variance === undefined) requireNotAnnual(surface, leg)
  return surface
}

function forwardOf(
  { forward, settlementPrice }: Market['expiries'][number],
  leg: string,
  secondsToExpiry: bigint,
  priceScale: number,
): Pick<ExpirySurface, 'forwardVariableE8' | 'forwardFixedE8'> {
  const price = (text: string, entry: string): bigint =>
    exactPrice('expiryForward', 'forwardVariableE8', text, `${leg}.${entry}`, priceScale)
  if (secondsToExpiry === 0n && settlementPrice !== undefined) {
    return { forwardVariableE8: 0n, forwardFixedE8: price(settlementPrice, 'settlementPrice') }
  }
  if (forward === undefined) throw new ForwardMissingError(leg)
  if (typeof forward === 'string') return splitForward(price(forward, 'forward'), secondsToExpiry)
  if ('variable' in forward) {
    return {
      forwardVariableE8: price(forward.variable, 'forward.variable'),
      forwardFixedE8: price(forward.fixed, 'forward.fixed'),
    }
  }
  const [bid, ask] = [price(forward.bid, 'forward.bid'), price(forward.ask, 'forward.ask')]
  if (bid === 0n || ask === 0n) throw new ForwardMissingError(leg)
  if (bid > ask) throw new ForwardCrossedError(leg, forward.bid, forward.ask)
  return splitForward((bid + ask) / 2n, secondsToExpiry)
}

/** Years, as seconds. @throws {@link UnitError} if they can only be days or seconds */
function tauRefSeconds(years: string, leg: string): bigint {
  const { most } = fieldRange('expirySurface', 'tauRefSecondsX20')
  const entry = `${leg}.svi.tauRef`
  if (Number(years) > LONGEST_FIT_YEARS) {
    const [unit, meant] = Number(years) < 1000 ? ['days', Number(years) / 365] : ['seconds', Number(years) / 31_536_000]
    throw new UnitError(
      entry,
      years,
      `the years that a fit is made for, at most ${LONGEST_FIT_YEARS}`,
      unit,
      String(meant),
    )
  }
  return exactIn({ scale: 31_536_000n << 20n, least: 1n, most }, years, entry)
}

/** No option that can be priced has as long. */
const LONGEST_FIT_YEARS = 3

function accountOf(stated: Account, market: PortfolioMarket): PortfolioAccount {
  if (stated.collaterals.length > COLLATERALS) throw new TooManyCollateralsError(stated.collaterals.length)
  const perps = perpsOf(stated.perps, market)
  return {
    cashE12: exactField('holdings', 'cashE12', stated.cash, 'account.cash'),
    perpsE12: exactAmount('holdings', 'perpsE12', perps.quantity, 'account.perps.quantity', market.priceScale),
    perpPnlE12:
      exactField('holdings', 'perpPnlE12', perps.unrealisedPnl, 'account.perps.unrealisedPnl') +
      exactField('holdings', 'perpPnlE12', perps.unrealisedFunding, 'account.perps.unrealisedFunding'),
    collaterals: distinct(
      stated.collaterals.map(({ asset, amount }) => ({
        asset,
        amountE12: exactAmount(
          'collateralAmount',
          'amountE12',
          amount,
          `account.collaterals.${asset}`,
          scaleOfAsset(asset, market),
        ),
      })),
      ({ asset }) => asset,
      'account.collaterals',
    ),
    options: stated.options.map((option, index) => legOf(option, index, market)),
  }
}

/** What is counted as its price is told: the market's own asset, and nothing else. */
const scaleOfAsset = (asset: string, { currency, priceScale = 0 }: PortfolioMarket): number =>
  asset === currency ? priceScale : 0

/** The perpetuals of the market, none if none are stated. @throws {@link UnknownInstrumentError}, {@link RepeatedEntryError} */
function perpsOf(stated: Account['perps'], market: PortfolioMarket): Account['perps'][number] {
  const [perps = { quantity: '0', unrealisedPnl: '0', unrealisedFunding: '0' }] = distinct(
    stated,
    () => 'perpetuals of one market',
    'account.perps',
  )
  if (perps.currency !== undefined) requireCurrency(`${perps.currency} perpetuals`, perps.currency, market)
  return perps
}

/** Of what a market's options and perpetuals are: as it says, or as most of the account's names do. */
function currencyOf({ currency }: Market, { options, perps }: Account): string | undefined {
  if (currency !== undefined) return currency
  const named = [...options.map(currencyOfOption), ...perps.map((each) => each.currency)]
  const counts = new Map<string, number>()
  for (const each of named) if (each !== undefined) counts.set(each, (counts.get(each) ?? 0) + 1)
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0]
}

/** What an option of a file is on; undefined if it does not say, or has no name that can be read. */
export const currencyOfOption = (stated: Account['options'][number]): string | undefined =>
  'instrument' in stated ? instrumentCurrency(stated.instrument) : stated.currency

/** @throws {@link UnknownInstrumentError} */
function requireCurrency(instrument: string, currency: string | undefined, market: PortfolioMarket): void {
  if (currency === undefined || market.currency === undefined || currency === market.currency) return
  throw new UnknownInstrumentError(
    instrument,
    `the market is of ${market.currency}`,
    'State one market a currency under markets.',
  )
}

function legOf(stated: Account['options'][number], index: number, market: PortfolioMarket): OptionLeg {
  const { priceScale = 0 } = market
  const terms = 'instrument' in stated ? named(stated.instrument, priceScale) : described(stated, index, priceScale)
  const instrument =
    'instrument' in stated
      ? stated.instrument
      : instrumentName({ currency: stated.currency ?? '', ...terms }, priceScale).replace(/^-/, '')
  requireCurrency(instrument, currencyOfOption(stated), market)
  const surface = market.expiries.find(({ expiry }) => expiry === terms.expiry)
  if (surface === undefined) {
    if (terms.expiry <= market.asOf) throw new ExpiredLegError(instrument, terms.expiry, market.asOf)
    throw new UnknownInstrumentError(instrument, noSuchExpiry(terms.expiry, market))
  }
  const { scale, least, most } = fieldRange('optionPosition', 'callsE12')
  const { count, parts } = unitsOfMarket(market)
  const quantityE12 = nearest(stated.quantity, (scale * parts) / count, `${instrument}.quantity`)
  if (quantityE12 <= least || quantityE12 > most)
    throw new LegSizeError(instrument, stated.quantity, unitsOfMarket(market))
  const { expiry, strikeE8, isCall } = terms
  return { instrument, expiry, strikeE8, isCall, quantityE12 }
}

/** An expiry of the same day at another time is the likeliest mistake. */
function noSuchExpiry(expiry: bigint, market: PortfolioMarket): string {
  const has = market.expiries.map((each) => iso(each.expiry)).join(', ')
  return `it expires at ${iso(expiry)}, the market has ${has === '' ? 'no expiry' : has}`
}

type Terms = Pick<OptionLeg, 'expiry' | 'strikeE8' | 'isCall'>

function named(instrument: string, priceScale: number): Terms {
  const terms = readInstrument(instrument, priceScale)
  if (terms === undefined) {
    requireStrikeHeld(instrument, priceScale)
    const capitals = instrument.trim().toUpperCase()
    const meant = readInstrument(capitals, priceScale) === undefined ? 'BTC-27MAR26-100000-C' : capitals
    const reason = `expected currency, date of expiry, strike and C or P, as in ${meant}`
    throw new UnknownInstrumentError(instrument, reason, 'Correct the name.')
  }
  return terms
}

/** Refuses a name that could be read at another scale. @throws {@link ValueRangeError} */
function requireStrikeHeld(instrument: string, priceScale: number): void {
  for (const scale of [LEAST_PRICE_SCALE, 0, GREATEST_PRICE_SCALE]) {
    const other = readInstrument(instrument, scale)
    if (other === undefined) continue
    const [strike, units] = [plainPrice(other.strikeE8, unitsOfScale(scale)), unitsOfScale(priceScale)]
    const { least, most } = fieldRange('optionPosition', 'strikeE8')
    const range = [plainPrice(least + 1n, units), plainPrice(most, units)] as const
    throw new ValueRangeError(`${instrument}, strike`, strike, ...range, '')
  }
}

function described(
  { expiry, strike, type }: Extract<Account['options'][number], { strike: string }>,
  index: number,
  priceScale: number,
): Terms {
  const entry = `account.options.${index}`
  const strikeE8 = exactPrice('optionPosition', 'strikeE8', strike, `${entry}.strike`, priceScale)
  return {
    expiry: expiryOf(expiry, `${entry}.expiry`),
    strikeE8: positive(strikeE8, strike, `${entry}.strike`),
    isCall: type === 'call',
  }
}

function rulesOf(parameters: PortfolioFile['parameters'], market: PortfolioMarket): PortfolioRules {
  const { lossFactor, volatilityShock, skewShock, staticDiscount, basis, contingency } = parameters
  const [loss, shock, skew, discount, notional] = [
    'lossFactor',
    'volatilityShock',
    'skewShock',
    'staticDiscount',
    'contingency',
  ].map((name) => `parameters.${name}`) as [string, string, string, string, string]
  const tenorFloor = { ...fieldRange('volatilityShocks', 'tenorFloorSeconds'), scale: 86_400n }
  const confidence = fractionFields('share', 'lossFactors', contingency, notional, {
    confidenceThresholdX40: 'confidenceThreshold',
  })
  return {
    lossFactors: {
      ...fractionFields('factor', 'lossFactors', lossFactor, loss, {
        maintenanceFactorX40: 'maintenance',
        initialFactorX40: 'initial',
      }),
      ...exactFields('lossFactors', contingency, notional, { pegThresholdX40: 'pegThreshold', pegLossX40: 'pegLoss' }),
      ...confidence,
    },
    contingencies: {
      ...exactContingencies('contingencies', contingency, notional),
      ...exactFields('contingencies', contingency, notional, { confidenceMarginX40: 'confidenceMargin' }),
    },
    concentration: {
      ...exactContingencies('concentration', contingency, notional),
      perpSizeQ: exactSizeQ(contingency.perpSize, `${notional}.perpSize`, market.priceScale),
      optionSizeQ: exactSizeQ(contingency.optionSize, `${notional}.optionSize`, market.priceScale),
    },
    volatilityShocks: {
      ...fractionFields('factor', 'volatilityShocks', volatilityShock, shock, {
        rangeUpX40: 'rangeUp',
        rangeDownX40: 'rangeDown',
        shortPowerX40: 'shortTermPower',
        longPowerX40: 'longTermPower',
      }),
      ...fractionFields('volatility', 'volatilityShocks', volatilityShock, shock, { floorUpX40: 'leastUp' }),
      tenorFloorSeconds: exactIn(tenorFloor, volatilityShock.tenorFloorDays, `${shock}.tenorFloorDays`),
    },
    skewLinear: exactFields('skewLinear', skewShock, skew, {
      capX40: 'linearCap',
      capSlopeX40: 'linearBase',
      widthFloorX40: 'leastWidth',
      widthScaleX40: 'width',
    }),
    skewAbsolute: {
      ...exactFields('skewAbsolute', skewShock, skew, {
        capX40: 'absoluteCap',
        capSlopeX40: 'absoluteBase',
        volatilitySlopeX40: 'volatilityScale',
      }),
      ...fractionFields('volatility', 'skewAbsolute', skewShock, skew, { volatilityX40: 'volatilityStatic' }),
    },
    longDiscount: exactFields('longDiscount', staticDiscount, discount, {
      baseX40: 'longBase',
      rateMultipleX40: 'longRateMultiplier',
      rateAddX40: 'longRateAdd',
    }),
    shortDiscount: {
      ...exactFields('shortDiscount', staticDiscount, discount, {
        baseX40: 'shortBase',
        rateMultipleX40: 'shortRateMultiplier',
        rateAddX40: 'shortRateAdd',
      }),
      ...exactFields('shortDiscount', basis, 'parameters.basis', { basisSlopeX40: 'multiplier' }),
      ...confidence,
    },
    basis: {
      basisUpX40: shockX40('basisShocks', 'basisUpX40', basis.shockUp, 'parameters.basis.shockUp', {
        atLeast: ONE_X40,
      }),
      basisDownX40: shockX40('basisShocks', 'basisDownX40', basis.shockDown, 'parameters.basis.shockDown', {
        atMost: ONE_X40,
      }),
      ...fractionFields('factor', 'basisShocks', basis, 'parameters.basis', { basisAddX40: 'add' }),
    },
    collaterals: distinct(
      parameters.collaterals.map((each) => ruleOf(each, scaleOfAsset(each.asset, market))),
      ({ asset }) => asset,
      'parameters.collaterals',
    ),
  }
}

function ruleOf(stated: PortfolioFile['parameters']['collaterals'][number], priceScale: number): CollateralRule {
  const { asset, maintenanceHaircut, initialHaircut, confidenceThreshold, movesWithSpot, size } = stated
  const source = { maintenanceHaircut, initialHaircut, confidenceThreshold }
  const fields = fractionFields('share', 'collateralPolicy', source, `parameters.collaterals.${asset}`, {
    initialHaircutX40: 'initialHaircut',
    maintenanceHaircutX40: 'maintenanceHaircut',
    confidenceThresholdX40: 'confidenceThreshold',
  })
  return {
    asset,
    initialHaircutX40: fields.initialHaircutX40,
    maintenanceHaircutX40: fields.maintenanceHaircutX40,
    confidenceThresholdX40: fields.confidenceThresholdX40,
    movesWithSpot,
    sizeQ: exactSizeQ(size, `parameters.collaterals.${asset}.size`, priceScale),
  }
}

/** Each contingency's fraction of a word, at most what its row allows. */
function exactContingencies<W extends ContingencyWord>(
  word: W,
  stated: PortfolioFile['parameters']['contingency'],
  entry: string,
): Readonly<Record<ContingencyField<W>, bigint>> {
  const read = contingencyFieldsOf(word).map((field) => {
    const { entry: name } = contingencies[field]
    const { atMost }: Contingency = contingencies[field]
    const range = fieldRange<ContingencyWord>(word, field)
    const most = atMost === undefined ? range.most : atMost * range.scale
    return [field, exactFraction('share', { ...range, most }, stated[name], `${entry}.${name}`)]
  })
  return Object.fromEntries(read) as Record<ContingencyField<W>, bigint>
}

function requireNoArbitrage({ account, market }: Portfolio): void {
  for (const surface of market.expiries) {
    const legs = account.options.filter(({ expiry }) => expiry === surface.expiry)
    // Settled options have no smile
    if (legs.length === 0 || surface.expiry === surface.asOf) continue
    const leg = `${legs[0]?.instrument ?? ''} (its expiry)`
    requireArbitrageFree(
      surface,
      legs.map(({ strikeE8 }) => strikeE8),
      leg,
    )
  }
}

function requireCollateralsKnown({ account, market, rules }: Portfolio): void {
  for (const { asset } of account.collaterals) {
    if (!market.collaterals.some((each) => each.asset === asset))
      throw new UnknownAssetError(asset, 'market.collaterals')
    if (!rules.collaterals.some((each) => each.asset === asset))
      throw new UnknownAssetError(asset, 'parameters.collaterals')
  }
}

/** What an account without a name is called: its file, without folders and ending. */
export const nameOf = (file: string): string => file.replace(/^.*[\\/]/, '').replace(/\.json$/, '')

function positive(value: bigint, text: string, entry: string): bigint {
  if (value <= 0n) throw new NotPositiveError(entry, text)
  return value
}

function distinct<T>(entries: readonly T[], key: (entry: T) => string, list: string): readonly T[] {
  const repeated = entries.find((entry, i) => entries.findIndex((other) => key(other) === key(entry)) < i)
  if (repeated !== undefined) throw new RepeatedEntryError(list, key(repeated))
  return entries
}

/** A file has another form than the schema. */
export class PortfolioSchemaError extends ProverError {
  readonly code = 'portfolio.schema'
  readonly file: string
  readonly entry: string
  /** What an entry was probably meant to be called. */
  readonly meant?: string

  constructor(file: string, { entry, reason, meant }: FormIssue) {
    const end = reason.endsWith('?') ? '' : '.'
    super(`${file}${entry === '' ? '' : `, at ${entry}`}: ${reason}${end} docs/portfolio.md describes the form.`)
    this.file = file
    this.entry = entry
    if (meant !== undefined) this.meant = meant
  }
}

/** A shock is no ratio of two prices, or goes the wrong way. */
export class ShockError extends ProverError {
  readonly code = 'portfolio.shock'
  readonly entry: string
  readonly value: string

  constructor(entry: string, value: string, atLeast: bigint, atMost: bigint | undefined) {
    const least = atLeast === 1n ? 'above 0' : 'of at least 1'
    const most = atMost === undefined ? 'below 8' : 'of at most 1'
    super(
      `${entry}: expected the price after over the price before, ${least} and ${most} (0.82 is a fall of 18 %), got ${value}.`,
    )
    this.entry = entry
    this.value = value
  }
}

/** An entry must be above zero, also after rounding to its unit. */
export class NotPositiveError extends ProverError {
  readonly code = 'portfolio.not-positive'
  readonly entry: string
  readonly value: string

  constructor(entry: string, value: string) {
    super(`${entry}: expected a number above 0, got ${value}.`)
    this.entry = entry
    this.value = value
  }
}

/** A leg is larger than the engine can hold. */
export class LegSizeError extends ProverError {
  readonly code = 'portfolio.leg-size'
  readonly leg: string
  readonly quantity: string

  constructor(leg: string, quantity: string, units: Units) {
    const most = ((1_152_921.5 * Number(units.count)) / Number(units.parts)).toLocaleString('en-GB')
    super(
      `${leg}: expected a quantity strictly between -${most} and ${most} contracts, got ${quantity}. Split the leg or the account.`,
    )
    this.leg = leg
    this.quantity = quantity
  }
}

/** A market's prices are of no power of ten of its asset. */
export class PriceUnitsError extends ProverError {
  readonly code = 'portfolio.price-units'
  readonly entry: string
  readonly value: string

  constructor(entry: string, value: string) {
    super(`${entry}: expected a power of ten from 0.000001 to 1,000,000,000,000, got ${value}.`)
    this.entry = entry
    this.value = value
  }
}

/** A market's prices are stated to be of units that hold not all of the account; others do. */
export class StatedUnitsError extends ProverError {
  readonly code = 'portfolio.price-units-misfit'
  readonly entry: string
  readonly value: string
  readonly wanted: string
  /** What does not fit: an entry or a leg. */
  readonly misfit: string

  constructor(entry: string, value: string, wanted: string, cause: ValueRangeError | LegSizeError) {
    const misfit = 'entry' in cause ? cause.entry : cause.leg
    const given = 'entry' in cause ? cause.value : cause.quantity
    super(
      `${entry}: expected units that hold every price, strike and quantity, got ${value}, of which ${misfit} (${given}) does not fit. ` +
        `State ${wanted}, or leave it out: then they are chosen.`,
      { cause },
    )
    this.entry = entry
    this.value = value
    this.wanted = wanted
    this.misfit = misfit
  }
}

/** A file has several markets where one is needed. */
export class SeveralMarketsError extends ProverError {
  readonly code = 'portfolio.several-markets'
  readonly file: string
  readonly currencies: readonly string[]

  constructor(file: string, currencies: readonly string[]) {
    super(
      `${file}: expected one market, got ${currencies.length} (${currencies.join(', ')}). Split the account by currency.`,
    )
    this.file = file
    this.currencies = currencies
  }
}

/** An account or a market has more collateral assets than a round prices. */
export class TooManyCollateralsError extends ProverError {
  readonly code = 'portfolio.too-many-collaterals'
  readonly count: number

  constructor(count: number) {
    super(`Expected at most ${COLLATERALS} collateral assets, got ${count}. Split the account.`)
    this.count = count
  }
}

/** An account holds collateral that has no price or no rule. */
export class UnknownAssetError extends ProverError {
  readonly code = 'portfolio.unknown-asset'
  readonly asset: string

  constructor(asset: string, list: string) {
    super(`Unknown collateral ${asset}: expected an entry in ${list}.`)
    this.asset = asset
  }
}

/** A list names the same thing twice. */
export class RepeatedEntryError extends ProverError {
  readonly code = 'portfolio.repeated-entry'
  readonly list: string
  readonly key: string

  constructor(list: string, key: string) {
    super(`${list}: expected every entry once, got ${key} twice.`)
    this.list = list
    this.key = key
  }
}
