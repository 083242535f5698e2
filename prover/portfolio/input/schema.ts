/** Portfolio files: the JSON that users write (docs/portfolio.md), read exactly and checked before anything is priced. */
import { z } from 'zod'
import { COLLATERALS } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { parseTime } from '../../market/time.ts'
import { instrumentName, readInstrument } from '../../options/instrument.ts'
import {
  type Contingency,
  type ContingencyField,
  type ContingencyWord,
  contingencies,
  contingencyFieldsOf,
} from '../contingencies.ts'
import {
  ExpiredLegError,
  ForwardCrossedError,
  ForwardMissingError,
  MixedMarketError,
  requireArbitrageFree,
  requireSurfaceShape,
  StaleSurfaceError,
} from './checks.ts'
import { defaultParameters, defaultScenarios, UNLIMITED_SIZE } from './defaultParameters.ts'
import { exactField, exactFields, exactIn, exactSizeQ, fieldRange, nearest } from './exact.ts'
import { parseExactJson } from './exactJson.ts'
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
import { splitForward, UnknownInstrumentError } from '../portfolio.ts'

const decimal = z
  .union([z.string().regex(/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$/), z.number()])
  .transform(String)
  .meta({ id: 'decimal', description: 'decimal number, as a JSON number or as a string; read exactly' })
const time = z
  .union([z.string(), z.number()])
  .transform(String)
  .meta({ id: 'time', description: 'unix seconds or ISO 8601, UTC where no offset is given' })

const sviSchema = z.strictObject({
  a: decimal,
  b: decimal.describe('at least 0'),
  rho: decimal.describe('strictly between -1 and 1'),
  m: decimal,
  s: decimal.describe('above 0'),
  forwardRef: decimal.optional().describe('forward at the fit; default: the forward'),
  tauRef: decimal.optional().describe('years to expiry at the fit; default: seconds to expiry / 31,536,000'),
})

const expirySchema = z.strictObject({
  expiry: time,
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
  rate: decimal.default('0').describe('continuously compounded, per year'),
  svi: sviSchema,
  confidence: decimal.default('1').describe('least confidence of forward, rate and surface, 0 to 1'),
})

const optionSchema = z.union([
  z.strictObject({ instrument: z.string().describe('such as BTC-27MAR26-100000-C'), quantity: decimal }),
  z.strictObject({ expiry: time, strike: decimal, type: z.enum(['call', 'put']), quantity: decimal }),
])

const shape = <T extends Readonly<Record<string, unknown>>>(defaults: T, describe = '') => {
  const entries = Object.entries(defaults).map(([name, value]) => [name, decimal.default(String(value))] as const)
  return z
    .strictObject(Object.fromEntries(entries) as { readonly [Name in keyof T]: z.ZodDefault<typeof decimal> })
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
          maintenanceHaircut: decimal,
          initialHaircut: decimal.describe('on top of the maintenance haircut'),
          confidenceThreshold: decimal.default('0'),
          movesWithSpot: z.boolean().default(false),
          size: decimal.default(UNLIMITED_SIZE).describe('held beyond this, in units of the asset, it is concentrated'),
        }),
      )
      .default([]),
    horizon: shape(defaultParameters.horizon, 'for the probability of default'),
  })
  .prefault({})

/** The form of a portfolio file. */
export const portfolioSchema = z.strictObject({
  $schema: z.string().optional(),
  name: z.string().optional(),
  account: z.strictObject({
    cash: decimal.default('0'),
    collaterals: z.array(z.strictObject({ asset: z.string(), amount: decimal })).default([]),
    perps: z
      .strictObject({
        quantity: decimal,
        unrealisedPnl: decimal.default('0'),
        unrealisedFunding: decimal.default('0'),
      })
      .prefault({ quantity: '0' }),
    options: z.array(optionSchema).default([]),
  }),
  market: z.strictObject({
    asOf: time,
    spot: decimal,
    spotConfidence: decimal.default('1'),
    perpPrice: decimal.optional().describe('default: spot'),
    perpConfidence: decimal.default('1'),
    stablePrice: decimal.default('1'),
    maxAgeSeconds: decimal.default('120').describe('older data of an expiry is stale'),
    expiries: z.array(expirySchema).default([]),
    collaterals: z
      .array(z.strictObject({ asset: z.string(), price: decimal, confidence: decimal.default('1') }))
      .default([]),
  }),
  parameters: parametersSchema,
  scenarios: z
    .array(
      z.strictObject({
        spotShock: decimal,
        volatility: z.enum(['up', 'none', 'down', 'linear', 'absolute']),
        damping: decimal.default('1'),
      }),
    )
    .default([...defaultScenarios])
    .describe('default: the grid that Derive publishes'),
})

type PortfolioFile = z.infer<typeof portfolioSchema>

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
  const parsed = portfolioSchema.safeParse(parseExactJson(text, file))
  if (!parsed.success) throw new PortfolioSchemaError(file, ...issueOf(parsed.error), parsed.error)
  const { name = nameOf(file), account, market: stated, parameters, scenarios } = parsed.data
  const market = marketOf(stated, parameters, options)
  const portfolio: Portfolio = {
    name,
    account: accountOf(account, market),
    market,
    rules: rulesOf(parameters),
    scenarios: scenarios.map(({ spotShock, volatility, damping }, index) => ({
      spotShockX40: exactField('scenarioRegular', 'shockX40', spotShock, `scenarios.${index}.spotShock`),
      volatility,
      dampingX40: exactField('scenarioRegular', 'dampingUpX40', damping, `scenarios.${index}.damping`),
    })) satisfies readonly Scenario[],
  }
  if (options.allowArbitrage !== true) requireNoArbitrage(portfolio)
  requireCollateralsKnown(portfolio)
  return portfolio
}

function marketOf(
  stated: PortfolioFile['market'],
  parameters: PortfolioFile['parameters'],
  { now }: ReadOptions,
): PortfolioMarket {
  const asOf = timeOf(stated.asOf, 'market.asOf')
  const maxAge = nearest(stated.maxAgeSeconds, 1n, 'market.maxAgeSeconds')
  if (now !== undefined && now - asOf > maxAge) throw new StaleSurfaceError('market', asOf, now - asOf, maxAge)
  const spotConfidenceX40 = exactField(
    'roundConfidences',
    'spotConfidenceX40',
    stated.spotConfidence,
    'market.spotConfidence',
  )
  const spotE8 = positive(exactField('roundPrices', 'spotE8', stated.spot, 'market.spot'), stated.spot, 'market.spot')
  if (stated.collaterals.length > COLLATERALS) throw new TooManyCollateralsError(stated.collaterals.length)
  return {
    asOf,
    spotE8,
    perpPriceE8:
      stated.perpPrice === undefined
        ? spotE8
        : exactField('roundPrices', 'perpPriceE8', stated.perpPrice, 'market.perpPrice'),
    stablePriceE12: positive(
      exactField('roundPrices', 'stablePriceE12', stated.stablePrice, 'market.stablePrice'),
      stated.stablePrice,
      'market.stablePrice',
    ),
    spotConfidenceX40,
    perpConfidenceX40: exactField(
      'roundConfidences',
      'perpConfidenceX40',
      stated.perpConfidence,
      'market.perpConfidence',
    ),
    horizonVolatilityX40: horizonVolatilityX40(parameters.horizon),
    expiries: distinct(
      stated.expiries.map((expiry, index) => surfaceOfEntry(expiry, index, { asOf, spotConfidenceX40, maxAge })),
      ({ expiry }) => String(expiry),
      'market.expiries',
    ),
    collaterals: distinct(stated.collaterals.map(collateralPrice), ({ asset }) => asset, 'market.collaterals'),
  }
}

function collateralPrice({
  asset,
  price,
  confidence,
}: PortfolioFile['market']['collaterals'][number]): CollateralPrice {
  return {
    asset,
    priceE12: exactField('collateralPrice', 'priceE12', price, `market.collaterals.${asset}.price`),
    confidenceX40: exactField('collateralPrice', 'confidenceX40', confidence, `market.collaterals.${asset}.confidence`),
  }
}

/** σ·√(horizon in years): the one place where a file's numbers meet a square root, in double precision. */
function horizonVolatilityX40({ volatility, hours }: PortfolioFile['parameters']['horizon']): bigint {
  const move = Number(volatility) * Math.sqrt(Number(hours) / 8760)
  const entry = 'parameters.horizon'
  return positive(exactField('roundConfidences', 'horizonVolatilityX40', String(move), entry), String(move), entry)
}

type Round = { readonly asOf: bigint; readonly spotConfidenceX40: bigint; readonly maxAge: bigint }

function surfaceOfEntry(
  stated: PortfolioFile['market']['expiries'][number],
  index: number,
  round: Round,
): ExpirySurface {
  const expiry = timeOf(stated.expiry, `market.expiries.${index}.expiry`)
  const leg = `expiry ${new Date(Number(expiry) * 1000).toISOString().slice(0, 10)}`
  const asOf = stated.asOf === undefined ? round.asOf : timeOf(stated.asOf, `${leg}.asOf`)
  if (round.asOf - asOf > round.maxAge) throw new StaleSurfaceError(leg, asOf, round.asOf - asOf, round.maxAge)
  if (asOf !== round.asOf) throw new MixedMarketError(leg, round.asOf, asOf)
  const secondsToExpiry = expiry - asOf
  const isSettled = secondsToExpiry === 0n && stated.settlementPrice !== undefined
  if (secondsToExpiry <= 0n && !isSettled) throw new ExpiredLegError(leg, expiry, asOf)
  const forward = forwardOf(stated, leg, secondsToExpiry)
  const { svi } = stated
  const surface: ExpirySurface = {
    expiry,
    asOf,
    ...forward,
    confidenceX40: exactField('expiryForward', 'confidenceX40', stated.confidence, `${leg}.confidence`),
    spotConfidenceX40: round.spotConfidenceX40,
    rateX40: exactField('expirySurface', 'rateX40', stated.rate, `${leg}.rate`),
    ...exactFields('expirySurface', svi, `${leg}.svi`, { sviAX48: 'a', sviBX48: 'b' }),
    tauRefSecondsX20:
      svi.tauRef === undefined ? (isSettled ? 1n : secondsToExpiry) << 20n : tauRefSeconds(svi.tauRef, leg),
    ...exactFields('expirySurfaceShape', svi, `${leg}.svi`, { sviRhoX40: 'rho', sviMX40: 'm', sviSX40: 's' }),
    forwardRefE8:
      svi.forwardRef === undefined
        ? forward.forwardVariableE8 + forward.forwardFixedE8
        : exactField('expirySurfaceShape', 'forwardRefE8', svi.forwardRef, `${leg}.svi.forwardRef`),
  }
  requireSurfaceShape(surface, leg)
  return surface
}

function forwardOf(
  { forward, settlementPrice }: PortfolioFile['market']['expiries'][number],
  leg: string,
  secondsToExpiry: bigint,
): Pick<ExpirySurface, 'forwardVariableE8' | 'forwardFixedE8'> {
  const price = (text: string, entry: string): bigint =>
    exactField('expiryForward', 'forwardVariableE8', text, `${leg}.${entry}`)
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

function tauRefSeconds(years: string, leg: string): bigint {
  const { most } = fieldRange('expirySurface', 'tauRefSecondsX20')
  return exactIn({ scale: 31_536_000n << 20n, least: 1n, most }, years, `${leg}.svi.tauRef`)
}

function accountOf(stated: PortfolioFile['account'], market: PortfolioMarket): PortfolioAccount {
  if (stated.collaterals.length > COLLATERALS) throw new TooManyCollateralsError(stated.collaterals.length)
  const { perps } = stated
  return {
    cashE12: exactField('holdings', 'cashE12', stated.cash, 'account.cash'),
    perpsE12: exactField('holdings', 'perpsE12', perps.quantity, 'account.perps.quantity'),
    perpPnlE12:
      exactField('holdings', 'perpPnlE12', perps.unrealisedPnl, 'account.perps.unrealisedPnl') +
      exactField('holdings', 'perpPnlE12', perps.unrealisedFunding, 'account.perps.unrealisedFunding'),
    collaterals: distinct(
      stated.collaterals.map(({ asset, amount }) => ({
        asset,
        amountE12: exactField('collateralAmount', 'amountE12', amount, `account.collaterals.${asset}`),
      })),
      ({ asset }) => asset,
      'account.collaterals',
    ),
    options: stated.options.map((option, index) => legOf(option, index, market)),
  }
}

function legOf(stated: PortfolioFile['account']['options'][number], index: number, market: PortfolioMarket): OptionLeg {
  const terms = 'instrument' in stated ? named(stated.instrument) : described(stated, index)
  const instrument = 'instrument' in stated ? stated.instrument : instrumentName({ currency: '', ...terms }).slice(1)
  const surface = market.expiries.find(({ expiry }) => expiry === terms.expiry)
  if (surface === undefined) {
    if (terms.expiry <= market.asOf) throw new ExpiredLegError(instrument, terms.expiry, market.asOf)
    throw new UnknownInstrumentError(instrument, 'the market has no such expiry')
  }
  const { scale, least, most } = fieldRange('optionPosition', 'callsE12')
  const quantityE12 = nearest(stated.quantity, scale, `${instrument}.quantity`)
  if (quantityE12 <= least || quantityE12 > most) throw new LegSizeError(instrument, stated.quantity)
  const { expiry, strikeE8, isCall } = terms
  return { instrument, expiry, strikeE8, isCall, quantityE12 }
}

type Terms = Pick<OptionLeg, 'expiry' | 'strikeE8' | 'isCall'>

function named(instrument: string): Terms {
  const terms = readInstrument(instrument)
  if (terms === undefined) throw new UnknownInstrumentError(instrument, 'expected a name such as BTC-27MAR26-100000-C')
  return terms
}

function described(
  { expiry, strike, type }: Extract<PortfolioFile['account']['options'][number], { strike: string }>,
  index: number,
): Terms {
  const entry = `account.options.${index}`
  const strikeE8 = exactField('optionPosition', 'strikeE8', strike, `${entry}.strike`)
  return {
    expiry: timeOf(expiry, `${entry}.expiry`),
    strikeE8: positive(strikeE8, strike, `${entry}.strike`),
    isCall: type === 'call',
  }
}

function rulesOf(parameters: PortfolioFile['parameters']): PortfolioRules {
  const { lossFactor, volatilityShock, skewShock, staticDiscount, basis, contingency } = parameters
  const [loss, shock, skew, discount, notional] = [
    'lossFactor',
    'volatilityShock',
    'skewShock',
    'staticDiscount',
    'contingency',
  ].map((name) => `parameters.${name}`) as [string, string, string, string, string]
  const tenorFloor = { ...fieldRange('volatilityShocks', 'tenorFloorSeconds'), scale: 86_400n }
  const confidence = exactFields('lossFactors', contingency, notional, {
    confidenceThresholdX40: 'confidenceThreshold',
  })
  return {
    lossFactors: {
      ...exactFields('lossFactors', lossFactor, loss, {
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
      perpSizeQ: exactSizeQ(contingency.perpSize, `${notional}.perpSize`),
      optionSizeQ: exactSizeQ(contingency.optionSize, `${notional}.optionSize`),
    },
    volatilityShocks: {
      ...exactFields('volatilityShocks', volatilityShock, shock, {
        rangeUpX40: 'rangeUp',
        rangeDownX40: 'rangeDown',
        shortPowerX40: 'shortTermPower',
        longPowerX40: 'longTermPower',
        floorUpX40: 'leastUp',
      }),
      tenorFloorSeconds: exactIn(tenorFloor, volatilityShock.tenorFloorDays, `${shock}.tenorFloorDays`),
    },
    skewLinear: exactFields('skewLinear', skewShock, skew, {
      capX40: 'linearCap',
      capSlopeX40: 'linearBase',
      widthFloorX40: 'leastWidth',
      widthScaleX40: 'width',
    }),
    skewAbsolute: exactFields('skewAbsolute', skewShock, skew, {
      capX40: 'absoluteCap',
      capSlopeX40: 'absoluteBase',
      volatilityX40: 'volatilityStatic',
      volatilitySlopeX40: 'volatilityScale',
    }),
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
    basis: exactFields('basisShocks', basis, 'parameters.basis', {
      basisUpX40: 'shockUp',
      basisDownX40: 'shockDown',
      basisAddX40: 'add',
    }),
    collaterals: distinct(parameters.collaterals.map(ruleOf), ({ asset }) => asset, 'parameters.collaterals'),
  }
}

function ruleOf(stated: PortfolioFile['parameters']['collaterals'][number]): CollateralRule {
  const { asset, maintenanceHaircut, initialHaircut, confidenceThreshold, movesWithSpot, size } = stated
  const source = { maintenanceHaircut, initialHaircut, confidenceThreshold }
  const fields = exactFields('collateralPolicy', source, `parameters.collaterals.${asset}`, {
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
    sizeQ: exactSizeQ(size, `parameters.collaterals.${asset}.size`),
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
    return [field, exactIn({ ...range, most }, stated[name], `${entry}.${name}`)]
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

function timeOf(text: string, entry: string): bigint {
  const seconds = parseTime(text)
  if (seconds === undefined || seconds >= 1n << 32n) throw new NotTimeError(entry, text)
  return seconds
}

function positive(value: bigint, text: string, entry: string): bigint {
  if (value <= 0n) throw new NotPositiveError(entry, text)
  return value
}

function distinct<T>(entries: readonly T[], key: (entry: T) => string, list: string): readonly T[] {
  const repeated = entries.find((entry, i) => entries.findIndex((other) => key(other) === key(entry)) < i)
  if (repeated !== undefined) throw new RepeatedEntryError(list, key(repeated))
  return entries
}

/** Where a file departs from its form, and how; unions say what each alternative would want. */
export function issueOf(error: z.ZodError): readonly [entry: string, reason: string] {
  const [issue] = error.issues
  return [issue?.path.join('.') ?? '', issue?.message ?? 'invalid']
}

/** A file has another form than the schema. */
export class PortfolioSchemaError extends ProverError {
  readonly code = 'portfolio.schema'
  readonly file: string
  readonly entry: string

  constructor(file: string, entry: string, reason: string, cause: unknown) {
    super(`${file}${entry === '' ? '' : `, at ${entry}`}: ${reason}. docs/portfolio.md describes the form.`, { cause })
    this.file = file
    this.entry = entry
  }
}

/** An entry is no point in time. */
export class NotTimeError extends ProverError {
  readonly code = 'portfolio.not-time'
  readonly entry: string
  readonly value: string

  constructor(entry: string, value: string) {
    super(`${entry}: expected unix seconds or ISO 8601 before the year 2106, got "${value}".`)
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

  constructor(leg: string, quantity: string) {
    super(
      `${leg}: expected a quantity strictly between -1,152,921.5 and 1,152,921.5 (2^60 units of 1e-12), got ${quantity}.`,
    )
    this.leg = leg
    this.quantity = quantity
  }
}

/** An account or a market has more collateral assets than a round prices. */
export class TooManyCollateralsError extends ProverError {
  readonly code = 'portfolio.too-many-collaterals'
  readonly count: number

  constructor(count: number) {
    super(`Expected at most ${COLLATERALS} collateral assets, got ${count}.`)
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
