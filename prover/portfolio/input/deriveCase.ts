/** Reads a case in the format of Derive's own tests of its portfolio margin (PMRM_2). */
import { z } from 'zod'
import { COLLATERALS } from '../../../circuits/statements/index.ts'
import { deriveContingencies, uncharged } from '../contingencies.ts'
import { requireSurfaceShape } from './checks.ts'
import { instrumentName } from '../../options/instrument.ts'
import { exactField, exactFields, exactIn, fieldRange, nearest } from './exact.ts'
import { parseExactJson } from './exactJson.ts'
import type {
  CollateralRule,
  ExpirySurface,
  OptionLeg,
  Portfolio,
  PortfolioMarket,
  PortfolioRules,
  Scenario,
  VolatilityMove,
} from '../portfolio.ts'
import { splitForward, UnknownInstrumentError } from '../portfolio.ts'
import { formIssue } from './formIssue.ts'
import { nameOf, PortfolioSchemaError, TooManyCollateralsError } from './schema.ts'

/** Numbers arrive as their own text ({@link parseExactJson}). */
const decimal = z.string()
const flag = z.union([z.boolean(), z.enum(['0', '1'])]).transform((value) => value === true || value === '1')

const contingencyShape = Object.fromEntries(
  Object.values(deriveContingencies).map((name) => [name, decimal]),
) as Readonly<Record<(typeof deriveContingencies)[keyof typeof deriveContingencies], typeof decimal>>

const caseSchema = z.object({
  Scenario: z.object({
    Cash: decimal,
    Collaterals: z.array(
      z.object({
        Name: z.string(),
        Amount: decimal,
        Price: decimal,
        Confidence: decimal,
        IsRiskCancelling: flag,
        IMHaircut: decimal,
        MMHaircut: decimal,
        ConfidenceFactor: decimal,
      }),
    ),
    SpotPrice: decimal,
    SpotConfidence: decimal,
    NumPerps: decimal,
    PerpPrice: decimal,
    PerpConfidence: decimal,
    UnrealisedPerpPNL: decimal,
    UnrealisedFunding: decimal,
    StablePrice: decimal,
    Options: z.array(
      z.object({ Expiry: decimal, ExiryTs: decimal.optional(), Strike: decimal, IsCall: flag, Amount: decimal }),
    ),
    OptionFeeds: z.array(
      z.object({
        FeedExpiry: decimal,
        Forward: decimal,
        ForwardConfidence: decimal,
        Rate: decimal,
        RateConfidence: decimal,
        SVIparam: z.tuple([decimal, decimal, decimal, decimal, decimal, decimal, decimal]),
        OptionVolConfidences: decimal,
      }),
    ),
  }),
  Parameters: z.object({
    Scenarios: z.array(
      z.object({
        SpotShock: decimal,
        VolShockDirection: z.enum(['Up', 'None', 'Down', 'LINEAR', 'ABS']),
        DampeningFactor: decimal,
      }),
    ),
    SkewShock: z.object({
      LINEAR_SCALE_CAP: decimal,
      LINEAR_CBASE: decimal,
      ABS_SCALE_CAP: decimal,
      ABS_CBASE: decimal,
      MIN_K_STAR: decimal,
      MIN_WIDTH_SCALE: decimal,
      VOL_PARAM_STATIC: decimal,
      VOL_PARAM_SCALE: decimal,
    }),
    VolShock: z.object({
      VOLRANGEUP: decimal,
      VOLRANGEDOWN: decimal,
      MIN_VOL_EVAL_SHOCKED: decimal,
      SHORTTERMPOWER: decimal,
      LONGTERMPOWER: decimal,
      DTE_FLOOR: decimal,
    }),
    Margin: z.object({
      MM_LOSS_FACTOR: decimal,
      IM_LOSS_FACTOR: decimal,
      SHORT_RATE_MULTSCALE: decimal,
      LONG_RATE_MULTSCALE: decimal,
      SHORT_RATE_ADDSCALE: decimal,
      LONG_RATE_ADDSCALE: decimal,
      BASE_STATIC_DISCOUNT: decimal,
      BASE_STATIC_DISCOUNT_NEG: decimal,
    }),
    BasisContingency: z.object({
      SCENARIO_SPOT_UP: decimal,
      SCENARIO_SPOT_DOWN: decimal,
      BASIS_CONT_ADD_FACTOR: decimal,
      BASIS_CONT_MULT_FACTOR: decimal,
    }),
    OtherContingency: z.object({
      PEG_LOSS_THRESHOLD: decimal,
      PEG_LOSS_FACTOR: decimal,
      CONF_THRESHOLD: decimal,
      CONF_MARGIN: decimal,
      ...contingencyShape,
    }),
  }),
})

type DeriveCase = z.infer<typeof caseSchema>
type Feed = DeriveCase['Scenario']['OptionFeeds'][number]
type Option = DeriveCase['Scenario']['Options'][number]

/** When a case without options takes place: 2025-01-01 08:00 UTC. The formula does not use it. */
const TIME_WITHOUT_OPTIONS = 1_735_718_400n

/** Judged by this volatility over one day; the format has no word on default. */
const HORIZON_VOLATILITY = String(0.6 / Math.sqrt(365))

/**
 * Reads a case; its `Result`, if any, is ignored.
 *
 * @param text - the file's content
 * @param file - what errors call it
 * @throws {@link JsonSyntaxError}, {@link PortfolioSchemaError} if the file has another form
 * @throws {@link ValueRangeError}, {@link ScenarioGridError} and the errors of options, naming the leg or entry
 */
export function readDeriveCase(text: string, file: string): Portfolio {
  const stated = parseExactJson(text, file)
  if (typeof stated === 'object' && stated !== null && 'account' in stated) {
    const reason =
      'expected a case in the format of Derive’s tests, got a portfolio, which is read without --derive-case'
    throw new PortfolioSchemaError(file, { entry: '', reason })
  }
  const parsed = caseSchema.safeParse(stated)
  if (!parsed.success) throw new PortfolioSchemaError(file, formIssue(caseSchema, stated, parsed.error))
  const { Scenario, Parameters: parameters } = parsed.data
  const scenario = { ...Scenario, Collaterals: Scenario.Collaterals.map(named) }
  if (scenario.Collaterals.length > COLLATERALS) throw new TooManyCollateralsError(scenario.Collaterals.length)

  const asOf = timeOf(scenario.Options)
  const confidence = (word: 'spotConfidenceX40' | 'perpConfidenceX40', value: string, entry: string): bigint =>
    exactField('roundConfidences', word, value, `Scenario.${entry}`)
  const spotConfidenceX40 = confidence('spotConfidenceX40', scenario.SpotConfidence, 'SpotConfidence')
  const market: PortfolioMarket = {
    asOf,
    spotE8: exactField('roundPrices', 'spotE8', scenario.SpotPrice, 'Scenario.SpotPrice'),
    perpPriceE8: perpPriceOf(scenario),
    stablePriceE12: exactField('roundPrices', 'stablePriceE12', scenario.StablePrice, 'Scenario.StablePrice'),
    spotConfidenceX40,
    perpConfidenceX40: confidence('perpConfidenceX40', scenario.PerpConfidence, 'PerpConfidence'),
    horizonVolatilityX40: exactField('roundConfidences', 'horizonVolatilityX40', HORIZON_VOLATILITY, 'horizon'),
    expiries: scenario.OptionFeeds.map((feed) => surfaceOfFeed(feed, scenario, asOf, spotConfidenceX40)),
    collaterals: scenario.Collaterals.map(({ Name, Price, Confidence }) => ({
      asset: Name,
      priceE12: exactField('collateralPrice', 'priceE12', Price, `${Name}.Price`),
      confidenceX40: exactField('collateralPrice', 'confidenceX40', Confidence, `${Name}.Confidence`),
    })),
  }
  return {
    name: nameOf(file),
    account: {
      cashE12: exactField('holdings', 'cashE12', scenario.Cash, 'Scenario.Cash'),
      perpsE12: exactField('holdings', 'perpsE12', scenario.NumPerps, 'Scenario.NumPerps'),
      perpPnlE12:
        exactField('holdings', 'perpPnlE12', scenario.UnrealisedPerpPNL, 'Scenario.UnrealisedPerpPNL') +
        exactField('holdings', 'perpPnlE12', scenario.UnrealisedFunding, 'Scenario.UnrealisedFunding'),
      collaterals: scenario.Collaterals.map(({ Name, Amount }) => ({
        asset: Name,
        amountE12: exactField('collateralAmount', 'amountE12', Amount, `${Name}.Amount`),
      })),
      options: scenario.Options.map((option) => legOf(option, asOf, market.expiries)),
    },
    market,
    rules: rulesOf(parameters, scenario.Collaterals),
    scenarios: parameters.Scenarios.map(scenarioOf),
  }
}

/** Where nobody holds perpetuals a case states 0: spot, which a contract takes, changes nothing. */
function perpPriceOf({ NumPerps, PerpPrice, SpotPrice }: DeriveCase['Scenario']): bigint {
  const stated = exactField('roundPrices', 'perpPriceE8', PerpPrice, 'Scenario.PerpPrice')
  return stated === 0n && Number(NumPerps) === 0
    ? exactField('roundPrices', 'spotE8', SpotPrice, 'Scenario.SpotPrice')
    : stated
}

/** An asset that is held twice gets a number: `ETH`, `ETH (2)`. */
function named<T extends { readonly Name: string }>(collateral: T, index: number, all: readonly T[]): T {
  const before = all.slice(0, index).filter(({ Name }) => Name === collateral.Name).length
  return before === 0 ? collateral : { ...collateral, Name: `${collateral.Name} (${before + 1})` }
}

/** A case states seconds to expiry and the time of expiry: the round is their difference. */
function timeOf(options: readonly Option[]): bigint {
  const [first] = options
  if (first?.ExiryTs === undefined) return TIME_WITHOUT_OPTIONS
  return nearest(first.ExiryTs, 1n, 'Options.0.ExiryTs') - nearest(first.Expiry, 1n, 'Options.0.Expiry')
}

function surfaceOfFeed(
  feed: Feed,
  { NumPerps, PerpConfidence }: DeriveCase['Scenario'],
  asOf: bigint,
  spotConfidenceX40: bigint,
): ExpirySurface {
  const leg = `OptionFeeds ${feed.FeedExpiry} s`
  const secondsToExpiry = exactIn(
    { scale: 1n, least: 0n, most: (1n << 26n) - 1n },
    feed.FeedExpiry,
    `${leg}.FeedExpiry`,
  )
  const forwardE8 = exactField('expiryForward', 'forwardVariableE8', feed.Forward, `${leg}.Forward`)
  const [a, b, rho, m, s, forwardRef, tauRef] = feed.SVIparam
  // Derive counts the perpetual's confidence against the options of an account that holds perpetuals
  const ofPerps = Number(NumPerps) === 0 ? [] : [PerpConfidence]
  const confidences = [feed.ForwardConfidence, feed.RateConfidence, feed.OptionVolConfidences, ...ofPerps].map((text) =>
    exactField('expiryForward', 'confidenceX40', text, `${leg}.Confidence`),
  )
  const surface: ExpirySurface = {
    expiry: asOf + secondsToExpiry,
    asOf,
    ...splitForward(forwardE8, secondsToExpiry),
    confidenceX40: confidences.reduce((least, each) => (each < least ? each : least)),
    spotConfidenceX40,
    rateX40: exactField('expirySurface', 'rateX40', feed.Rate, `${leg}.Rate`),
    sviAX48: exactField('expirySurface', 'sviAX48', a, `${leg}.SVIparam a`),
    sviBX48: exactField('expirySurface', 'sviBX48', b, `${leg}.SVIparam b`),
    sviRhoX40: exactField('expirySurfaceShape', 'sviRhoX40', rho, `${leg}.SVIparam rho`),
    sviMX40: exactField('expirySurfaceShape', 'sviMX40', m, `${leg}.SVIparam m`),
    sviSX40: exactField('expirySurfaceShape', 'sviSX40', s, `${leg}.SVIparam s`),
    forwardRefE8: exactField('expirySurfaceShape', 'forwardRefE8', forwardRef, `${leg}.SVIparam forward`),
    tauRefSecondsX20: tauRefSecondsX20(tauRef, `${leg}.SVIparam tau`),
  }
  requireSurfaceShape(surface, leg)
  return surface
}

/** A year fraction as seconds X20. */
function tauRefSecondsX20(years: string, entry: string): bigint {
  const { most } = fieldRange('expirySurface', 'tauRefSecondsX20')
  return exactIn({ scale: 31_536_000n << 20n, least: 1n, most }, years, entry)
}

function legOf(
  { Expiry, Strike, IsCall, Amount }: Option,
  asOf: bigint,
  surfaces: readonly ExpirySurface[],
): OptionLeg {
  const kind = IsCall ? 'C' : 'P'
  const name = `${Expiry} s ${Strike} ${kind}`
  const expiry = asOf + nearest(Expiry, 1n, `${name}.Expiry`)
  const strikeE8 = exactField('optionPosition', 'strikeE8', Strike, `${name}.Strike`)
  const quantityE12 = exactField('optionPosition', 'callsE12', Amount, `${name}.Amount`)
  if (strikeE8 === 0n) throw new UnknownInstrumentError(name, 'its strike is 0')
  if (!surfaces.some((surface) => surface.expiry === expiry)) {
    throw new UnknownInstrumentError(name, 'no entry of OptionFeeds has its expiry')
  }
  // The format does not say of what the option is
  const instrument = instrumentName({ currency: '', expiry, strikeE8, isCall: IsCall }).slice(1)
  return { instrument, expiry, strikeE8, isCall: IsCall, quantityE12 }
}

const moves: Readonly<Record<DeriveCase['Parameters']['Scenarios'][number]['VolShockDirection'], VolatilityMove>> = {
  Up: 'up',
  None: 'none',
  Down: 'down',
  LINEAR: 'linear',
  ABS: 'absolute',
}

function scenarioOf(
  { SpotShock, VolShockDirection, DampeningFactor }: DeriveCase['Parameters']['Scenarios'][number],
  index: number,
): Scenario {
  const entry = `Parameters.Scenarios.${index}`
  return {
    spotShockX40: exactField('scenarioRegular', 'shockX40', SpotShock, `${entry}.SpotShock`),
    volatility: moves[VolShockDirection],
    dampingX40: exactField('scenarioRegular', 'dampingUpX40', DampeningFactor, `${entry}.DampeningFactor`),
  }
}

function rulesOf(
  { SkewShock, VolShock, Margin, BasisContingency, OtherContingency }: DeriveCase['Parameters'],
  collaterals: DeriveCase['Scenario']['Collaterals'],
): PortfolioRules {
  const tenorFloor = { ...fieldRange('volatilityShocks', 'tenorFloorSeconds'), scale: 86_400n }
  const confidence = exactFields('lossFactors', OtherContingency, 'OtherContingency', {
    confidenceThresholdX40: 'CONF_THRESHOLD',
  })
  return {
    lossFactors: {
      ...exactFields('lossFactors', Margin, 'Margin', {
        maintenanceFactorX40: 'MM_LOSS_FACTOR',
        initialFactorX40: 'IM_LOSS_FACTOR',
      }),
      ...exactFields('lossFactors', OtherContingency, 'OtherContingency', {
        pegThresholdX40: 'PEG_LOSS_THRESHOLD',
        pegLossX40: 'PEG_LOSS_FACTOR',
      }),
      ...confidence,
    },
    contingencies: {
      ...uncharged('contingencies'),
      ...exactFields('contingencies', OtherContingency, 'OtherContingency', {
        ...deriveContingencies,
        confidenceMarginX40: 'CONF_MARGIN',
      }),
    },
    volatilityShocks: {
      ...exactFields('volatilityShocks', VolShock, 'VolShock', {
        rangeUpX40: 'VOLRANGEUP',
        rangeDownX40: 'VOLRANGEDOWN',
        shortPowerX40: 'SHORTTERMPOWER',
        longPowerX40: 'LONGTERMPOWER',
        floorUpX40: 'MIN_VOL_EVAL_SHOCKED',
      }),
      tenorFloorSeconds: exactIn(tenorFloor, VolShock.DTE_FLOOR, 'VolShock.DTE_FLOOR'),
    },
    skewLinear: exactFields('skewLinear', SkewShock, 'SkewShock', {
      capX40: 'LINEAR_SCALE_CAP',
      capSlopeX40: 'LINEAR_CBASE',
      widthFloorX40: 'MIN_K_STAR',
      widthScaleX40: 'MIN_WIDTH_SCALE',
    }),
    skewAbsolute: exactFields('skewAbsolute', SkewShock, 'SkewShock', {
      capX40: 'ABS_SCALE_CAP',
      capSlopeX40: 'ABS_CBASE',
      volatilityX40: 'VOL_PARAM_STATIC',
      volatilitySlopeX40: 'VOL_PARAM_SCALE',
    }),
    longDiscount: exactFields('longDiscount', Margin, 'Margin', {
      baseX40: 'BASE_STATIC_DISCOUNT',
      rateMultipleX40: 'LONG_RATE_MULTSCALE',
      rateAddX40: 'LONG_RATE_ADDSCALE',
    }),
    shortDiscount: {
      ...exactFields('shortDiscount', Margin, 'Margin', {
        baseX40: 'BASE_STATIC_DISCOUNT_NEG',
        rateMultipleX40: 'SHORT_RATE_MULTSCALE',
        rateAddX40: 'SHORT_RATE_ADDSCALE',
      }),
      ...exactFields('shortDiscount', BasisContingency, 'BasisContingency', {
        basisSlopeX40: 'BASIS_CONT_MULT_FACTOR',
      }),
      ...confidence,
    },
    basis: exactFields('basisShocks', BasisContingency, 'BasisContingency', {
      basisUpX40: 'SCENARIO_SPOT_UP',
      basisDownX40: 'SCENARIO_SPOT_DOWN',
      basisAddX40: 'BASIS_CONT_ADD_FACTOR',
    }),
    concentration: { ...uncharged('concentration'), perpSizeQ: 0n, optionSizeQ: 0n },
    collaterals: collaterals.map(ruleOf),
  }
}

function ruleOf(collateral: DeriveCase['Scenario']['Collaterals'][number]): CollateralRule {
  const { IMHaircut, MMHaircut, ConfidenceFactor } = collateral
  const fields = exactFields('collateralPolicy', { IMHaircut, MMHaircut, ConfidenceFactor }, collateral.Name, {
    initialHaircutX40: 'IMHaircut',
    maintenanceHaircutX40: 'MMHaircut',
    confidenceThresholdX40: 'ConfidenceFactor',
  })
  return {
    asset: collateral.Name,
    initialHaircutX40: fields.initialHaircutX40,
    maintenanceHaircutX40: fields.maintenanceHaircutX40,
    confidenceThresholdX40: fields.confidenceThresholdX40,
    movesWithSpot: collateral.IsRiskCancelling,
    sizeQ: 0n,
  }
}
