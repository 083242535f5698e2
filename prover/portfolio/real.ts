/**
 * The portfolio margin in floating point, written from the formulas (docs/portfolio.md): the reference that judges the
 * exact integers of this stage. It shares the portfolio's numbers with them and no arithmetic.
 */
import type { Greeks } from '../options/real.ts'
import { blackValue, normalCdf, optionGreeks, sviTotalVariance } from '../options/real.ts'
import { type ContingencyPart, chargesByPart, realCharge } from './contingencies.ts'
import { sviOf } from './input/checks.ts'
import type { ExpirySurface, OptionLeg, Portfolio, PortfolioRules, VolatilityMove } from './portfolio.ts'
import { surfaceOf } from './portfolio.ts'
import { scenarioSlots, slottedScenarios } from './scenarioSlots.ts'

const YEAR_SECONDS = 31_536_000
const MONTH_SECONDS = 30 * 86_400

/** Total variance saturates here: a surface close to expiry can say anything. */
const SATURATED_VARIANCE = 20

/** Index of the basis contingency where a scenario's is expected. */
const BASIS_INDEX = 33

const x40 = (value: bigint): number => Number(value) / 2 ** 40
const e12 = (value: bigint): number => Number(value) / 1e12
const e8 = (value: bigint): number => Number(value) / 1e8

/** What shifts an expiry's values: discounts and volatility moves. */
export type ExpiryFactors = {
  readonly expiry: bigint
  readonly timeToExpiry: number
  readonly forward: number
  readonly discount: number
  /** Scenario values of the whole expiry count at these, if positive and if negative. */
  readonly longFactor: number
  readonly shortFactor: number
  readonly basisFactor: number
  readonly volatilityUp: number
  readonly volatilityDown: number
}

/** One option of the account as it stands, undiscounted per contract. */
export type LegMark = {
  readonly leg: OptionLeg
  readonly impliedVolatility: number
  readonly value: number
  readonly greeks: Greeks
}

export type Thresholds = {
  /** Spot levels; undefined where there is none inside the grid. */
  readonly liquidationDown: number | undefined
  readonly liquidationUp: number | undefined
  readonly defaultDown: number | undefined
  readonly defaultUp: number | undefined
  readonly defaultProbability: number
}

/** Everything that an account's margins are made of; money in quote. */
export type RealMargin = {
  readonly initialMargin: number
  readonly maintenanceMargin: number
  /** 33 in slot order, damped. */
  readonly scenarios: readonly number[]
  readonly basisContingency: number
  /** The least of scenarios and basis contingency, never positive. */
  readonly worstLoss: number
  /** Index of the worst scenario, {@link BASIS_INDEX} for the basis contingency. */
  readonly worst: number
  readonly optionsValue: number
  readonly collateralValue: number
  readonly perpPnl: number
  readonly cash: number
  /** Options, collateral and unrealised PnL, without cash. */
  readonly markToMarket: number
  readonly maintenanceFactor: number
  readonly initialFactor: number
  readonly maintenanceContingency: Contingency
  /** On top of maintenance. */
  readonly initialContingency: Contingency
  readonly confidenceContingency: {
    readonly options: number
    readonly perps: number
    readonly collaterals: number
    readonly total: number
  }
  readonly nakedShorts: number
  readonly expiries: readonly ExpiryFactors[]
  readonly legs: readonly LegMark[]
  readonly greeks: Greeks
  readonly thresholds: Thresholds
}

export type Contingency = Readonly<Record<ContingencyPart, number>> & {
  readonly collaterals: number
  readonly total: number
}

/** Margins of a portfolio in floating point, by the formula: a negative rate counts as 0. @throws {@link UnknownInstrumentError} */
export function realMargin(portfolio: Portfolio): RealMargin {
  const { market } = portfolio
  const expiries = market.expiries.map((each) => (each.rateX40 < 0n ? { ...each, rateX40: 0n } : each))
  return realMarginAtStatedRates({ ...portfolio, market: { ...market, expiries } })
}

/** The same at every rate as it is stated, negative ones too: what the formula leaves out. @throws {@link UnknownInstrumentError} */
export function realMarginAtStatedRates(portfolio: Portfolio): RealMargin {
  const { account, market, rules } = portfolio
  const groups = groupByExpiry(portfolio)
  const grid = slottedScenarios(scenarioSlots(portfolio.scenarios))
  const basisUp = x40(rules.basis.basisUpX40)
  const basisDown = x40(rules.basis.basisDownX40)

  const perpValue = e12(account.perpsE12) * e8(market.perpPriceE8)
  const collaterals = collateralsOf(portfolio)
  const movingCollateral = total(collaterals.filter(({ movesWithSpot }) => movesWithSpot).map(({ value }) => value))
  const linear = perpValue + movingCollateral

  const optionsAt = (group: ExpiryGroup, move: VolatilityMove, shock: number): number => {
    const isSkew = move === 'linear' || move === 'absolute'
    const value = shockedValue(group, move, isSkew ? 1 : shock, rules) // options are skewed where they stand
    const change =
      value * (value >= 0 ? group.factors.longFactor : group.factors.shortFactor) - group.mark * group.factors.discount
    return isSkew ? -Math.abs(change) : change
  }
  const undamped = grid.map(
    ({ spotShockX40, volatility }) =>
      total(groups.map((group) => optionsAt(group, volatility, x40(spotShockX40)))) + linear * (x40(spotShockX40) - 1),
  )
  const scenarios = undamped.map((pnl, i) => pnl * x40(grid[i]?.dampingX40 ?? 0n))
  const basisContingency = total(
    groups.map((group) => {
      const [up, down] = [basisUp, basisDown].map((shock) => shockedValue(group, 'none', shock, rules) - group.mark)
      return Math.min(up ?? 0, down ?? 0, 0) * group.factors.basisFactor
    }),
  )
  const worstLoss = Math.min(basisContingency, ...scenarios)
  const firstWorst = scenarios.indexOf(worstLoss)

  const optionsValue = total(groups.map(({ mark, factors }) => mark * factors.discount))
  const collateralValue = total(collaterals.map(({ value }) => value))
  const perpPnl = e12(account.perpPnlE12)
  const cash = e12(account.cashE12)
  const markToMarket = optionsValue + collateralValue + perpPnl

  const spot = e8(market.spotE8)
  const nakedShorts = nakedShortsOf(account.options)
  const { lossFactors } = rules
  const contingency = (margin: 'maintenance' | 'initial', haircut: (each: HeldCollateral) => number): Contingency => {
    const parts = {
      ...chargesByPart(margin, (field) => realCharge(field, { portfolio, nakedShorts })),
      collaterals: total(collaterals.map((each) => each.value * haircut(each))),
    }
    return { ...parts, total: total(Object.values(parts)) }
  }
  const maintenanceContingency = contingency('maintenance', ({ maintenanceHaircut }) => maintenanceHaircut)
  const initialContingency = contingency('initial', ({ initialHaircut }) => initialHaircut)
  const confidenceContingency = confidenceOf(portfolio, collaterals)

  const maintenanceFactor = x40(lossFactors.maintenanceFactorX40)
  const peg = Math.max(0, x40(lossFactors.pegThresholdX40) - e12(market.stablePriceE12))
  const initialFactor = x40(lossFactors.initialFactorX40) + peg * x40(lossFactors.pegLossX40)
  const equity = markToMarket + cash
  const maintenanceMargin = worstLoss * maintenanceFactor - maintenanceContingency.total + equity
  const initialMargin =
    worstLoss * initialFactor -
    maintenanceContingency.total -
    initialContingency.total -
    confidenceContingency.total +
    equity

  const polyline = grid.flatMap(({ spotShockX40, volatility }, i) =>
    volatility === 'none' ? [{ shock: x40(spotShockX40), pnl: undamped[i] ?? 0 }] : [],
  )
  return {
    initialMargin,
    maintenanceMargin,
    scenarios,
    basisContingency,
    worstLoss,
    worst: firstWorst === -1 ? BASIS_INDEX : firstWorst,
    optionsValue,
    collateralValue,
    perpPnl,
    cash,
    markToMarket,
    maintenanceFactor,
    initialFactor,
    maintenanceContingency,
    initialContingency,
    confidenceContingency,
    nakedShorts,
    expiries: groups.map(({ factors }) => factors),
    legs: groups.flatMap(({ legs }) => legs.map(({ mark }) => mark)),
    greeks: netGreeks(groups.flatMap(({ legs }) => legs.map(({ mark }) => mark))),
    thresholds: thresholdsOf(polyline, maintenanceMargin, equity, spot, x40(market.horizonVolatilityX40)),
  }
}

type PricedLeg = {
  readonly mark: LegMark
  readonly quantity: number
  readonly strike: number
  readonly totalVolatility: number
}
type ExpiryGroup = {
  readonly factors: ExpiryFactors
  readonly surface: ExpirySurface
  readonly legs: readonly PricedLeg[]
  /** Undiscounted value of all legs. */
  readonly mark: number
}

function groupByExpiry({ account, market, rules }: Portfolio): readonly ExpiryGroup[] {
  const expiries = [...new Set(account.options.map(({ expiry }) => expiry))].toSorted((a, b) => Number(a - b))
  return expiries.map((expiry) => {
    const legs = account.options.filter((leg) => leg.expiry === expiry)
    const surface = surfaceOf(market, legs[0] as OptionLeg)
    const factors = factorsOf(surface, rules)
    const priced = legs.map((leg) => priceLeg(leg, surface, factors))
    return { factors, surface, legs: priced, mark: total(priced.map(({ quantity, mark }) => quantity * mark.value)) }
  })
}

function factorsOf(surface: ExpirySurface, rules: PortfolioRules): ExpiryFactors {
  const seconds = Number(surface.expiry - surface.asOf)
  const t = seconds / YEAR_SECONDS
  const rate = x40(surface.rateX40)
  const { longDiscount, shortDiscount, volatilityShocks, basis } = rules
  const discount = Math.exp(-rate * t)
  const tenor = Math.max(seconds, Number(volatilityShocks.tenorFloorSeconds))
  const power = seconds <= MONTH_SECONDS ? volatilityShocks.shortPowerX40 : volatilityShocks.longPowerX40
  const multiple = (MONTH_SECONDS / tenor) ** x40(power)
  const longRate = rate * (1 + x40(longDiscount.rateMultipleX40)) + x40(longDiscount.rateAddX40)
  const shortRate = rate * (x40(shortDiscount.rateMultipleX40) - 1) + x40(shortDiscount.rateAddX40)
  return {
    expiry: surface.expiry,
    timeToExpiry: t,
    forward: e8(surface.forwardVariableE8 + surface.forwardFixedE8),
    discount,
    longFactor: seconds === 0 ? 1 : x40(longDiscount.baseX40) * Math.exp(-t * longRate),
    shortFactor: seconds === 0 ? 1 : Math.min(1, x40(shortDiscount.baseX40) * Math.exp(t * shortRate)),
    basisFactor: discount * (x40(basis.basisAddX40) + x40(shortDiscount.basisSlopeX40) * t),
    volatilityUp: 1 + x40(volatilityShocks.rangeUpX40) * multiple,
    volatilityDown: Math.max(0, 1 - x40(volatilityShocks.rangeDownX40) * multiple),
  }
}

function priceLeg(leg: OptionLeg, surface: ExpirySurface, { timeToExpiry, forward }: ExpiryFactors): PricedLeg {
  const strike = e8(leg.strikeE8)
  const impliedVolatility = surfaceVolatility(surface, strike)
  const totalVolatility = impliedVolatility * Math.sqrt(timeToExpiry)
  const mark: LegMark = {
    leg,
    impliedVolatility,
    value: blackValue(forward, strike, totalVolatility, leg.isCall),
    greeks: optionGreeks({ forward, strike, timeToExpiry, impliedVolatility, isCall: leg.isCall }),
  }
  return { mark, quantity: e12(leg.quantityE12), strike, totalVolatility }
}

/** Implied volatility of a strike on an expiry's surface. */
export function surfaceVolatility(surface: ExpirySurface, strike: number): number {
  const svi = sviOf(surface)
  const reach = 4 * Math.sqrt(Math.max(0, svi.a + svi.b * svi.s))
  const k = Math.max(-reach, Math.min(reach, Math.log(strike / e8(surface.forwardRefE8))))
  const tauRef = Number(surface.tauRefSecondsX20) / 2 ** 20 / YEAR_SECONDS
  return Math.sqrt(Math.min(sviTotalVariance(svi, k), SATURATED_VARIANCE) / tauRef)
}

/** Undiscounted value of an expiry's legs after a shock to the moving part of its forward and to volatility. */
function shockedValue(
  { surface, legs, factors }: ExpiryGroup,
  move: VolatilityMove,
  shock: number,
  rules: PortfolioRules,
): number {
  const forward = e8(surface.forwardVariableE8) * shock + e8(surface.forwardFixedE8)
  return total(
    legs.map(({ mark, quantity, strike, totalVolatility }) => {
      const moved = movedVolatility(move, totalVolatility, strike, factors, rules)
      return quantity * blackValue(forward, strike, moved, mark.leg.isCall)
    }),
  )
}

function movedVolatility(
  move: VolatilityMove,
  totalVolatility: number,
  strike: number,
  factors: ExpiryFactors,
  rules: PortfolioRules,
): number {
  const root = Math.sqrt(factors.timeToExpiry)
  if (move === 'none') return totalVolatility
  if (move === 'up') {
    return Math.max(x40(rules.volatilityShocks.floorUpX40) * root, totalVolatility * factors.volatilityUp)
  }
  if (move === 'down') return totalVolatility * factors.volatilityDown
  const { skewLinear, skewAbsolute } = rules
  const own = move === 'linear' ? skewLinear : skewAbsolute
  const cap = x40(own.capSlopeX40) * root + x40(own.capX40)
  const typical = x40(skewAbsolute.volatilityX40) + root * x40(skewAbsolute.volatilitySlopeX40)
  const width = Math.max(x40(skewLinear.widthFloorX40), root * x40(skewLinear.widthScaleX40) * typical, 2 ** -40)
  const k = Math.log(strike / factors.forward)
  const tilt = Math.min((Math.abs(k) * cap) / width, cap)
  return totalVolatility * Math.max(0, 1 + (move === 'linear' && k < 0 ? -tilt : tilt))
}

type HeldCollateral = {
  readonly value: number
  readonly movesWithSpot: boolean
  readonly maintenanceHaircut: number
  readonly initialHaircut: number
  readonly confidence: number
  readonly confidenceThreshold: number
}

function collateralsOf({ account, market, rules }: Portfolio): readonly HeldCollateral[] {
  return account.collaterals.map(({ asset, amountE12 }) => {
    const price = market.collaterals.find((each) => each.asset === asset)
    const rule = rules.collaterals.find((each) => each.asset === asset)
    return {
      value: (e12(amountE12) * e12(price?.priceE12 ?? 0n)) / e12(market.stablePriceE12),
      movesWithSpot: rule?.movesWithSpot ?? false,
      maintenanceHaircut: x40(rule?.maintenanceHaircutX40 ?? 0n),
      initialHaircut: x40(rule?.initialHaircutX40 ?? 0n),
      confidence: Math.min(x40(price?.confidenceX40 ?? 0n), x40(market.spotConfidenceX40)),
      confidenceThreshold: x40(rule?.confidenceThresholdX40 ?? 0n),
    }
  })
}

/** Options sold beyond those held, per strike, calls and puts together. */
function nakedShortsOf(legs: readonly OptionLeg[]): number {
  const strikes = new Map<string, bigint>()
  for (const { expiry, strikeE8, quantityE12 } of legs) {
    const key = `${expiry} ${strikeE8}`
    strikes.set(key, (strikes.get(key) ?? 0n) + quantityE12)
  }
  return total([...strikes.values()].map((net) => (net < 0n ? -e12(net) : 0)))
}

function confidenceOf({ account, market, rules }: Portfolio, collaterals: readonly HeldCollateral[]) {
  const threshold = x40(rules.lossFactors.confidenceThresholdX40)
  const margin = x40(rules.contingencies.confidenceMarginX40)
  const spotConfidence = x40(market.spotConfidenceX40)
  const spot = e8(market.spotE8)
  const missing = (confidence: number, least: number): number => (confidence < least ? 1 - confidence : 0)
  const options = account.options.map((leg) => {
    const confidence = Math.min(x40(surfaceOf(market, leg).confidenceX40), spotConfidence)
    return Math.abs(e12(leg.quantityE12)) * spot * missing(confidence, threshold) * margin
  })
  const perpConfidence = Math.min(x40(market.perpConfidenceX40), spotConfidence)
  const parts = {
    options: total(options),
    perps: Math.abs(e12(account.perpsE12)) * spot * missing(perpConfidence, threshold) * margin,
    collaterals: total(
      collaterals.map((each) => each.value * missing(each.confidence, each.confidenceThreshold) * margin),
    ),
  }
  return { ...parts, total: parts.options + parts.perps + parts.collaterals }
}

function netGreeks(legs: readonly LegMark[]): Greeks {
  const net = (name: keyof Greeks): number => total(legs.map(({ leg, greeks }) => e12(leg.quantityE12) * greeks[name]))
  return { delta: net('delta'), gamma: net('gamma'), vega: net('vega'), theta: net('theta'), rho: net('rho') }
}

type PolylinePoint = { readonly shock: number; readonly pnl: number }

function thresholdsOf(
  polyline: readonly PolylinePoint[],
  maintenanceMargin: number,
  equity: number,
  spot: number,
  deviation: number,
): Thresholds {
  const middle = (polyline.length - 1) / 2
  const down = polyline.slice(middle)
  const up = polyline.slice(0, middle + 1).toReversed()
  const crossing = (side: readonly PolylinePoint[], level: number): number | undefined => {
    const shock = firstCrossing(side, level)
    return shock === undefined ? undefined : spot * shock
  }
  const [defaultDown, defaultUp] = [crossing(down, equity), crossing(up, equity)]
  const tail = (level: number | undefined, sign: number): number =>
    level === undefined ? 0 : normalCdf((sign * Math.log(level / spot)) / deviation)
  return {
    liquidationDown: crossing(down, maintenanceMargin),
    liquidationUp: crossing(up, maintenanceMargin),
    defaultDown,
    defaultUp,
    defaultProbability: Math.min(1, tail(defaultDown, 1) + tail(defaultUp, -1)),
  }
}

/** Where level + PnL first falls below zero, going outwards from the unshocked spot along straight lines. */
function firstCrossing(side: readonly PolylinePoint[], level: number): number | undefined {
  for (const [i, outer] of side.entries()) {
    const after = level + outer.pnl
    if (after >= 0) continue
    const inner = side[i - 1]
    if (inner === undefined) return outer.shock
    const before = level + inner.pnl
    return inner.shock + ((outer.shock - inner.shock) * before) / (before - after)
  }
  return undefined
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)
