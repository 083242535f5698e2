/** Why a margin is what it is: the worst scenario in words, what each leg adds to it, and every step with its rounding. */
import { pointForward } from '../options/grid.ts'
import { isOneUnit, type Units, unitsNumber, unitsWords } from '../market/priceScale.ts'
import type { RiskArray, StrikeLeaf } from '../options/riskArray.ts'
import { CALL_BITS } from '../options/riskArray.ts'
import type { ProvableMargin } from './accountMargin.ts'
import { leafOf } from './accountMargin.ts'
import {
  type ContingencyField,
  type ContingencyPart,
  chargeE20X60,
  chargesByPart,
  contingencies,
  contingencyParts,
  sizeE12,
  type Exposure,
} from './contingencies.ts'
import { decimalText } from './input/exact.ts'
import { BASIS_SCENARIO, roundTerms } from './margin.ts'
import { type OptionLeg, type Portfolio, unitsOfMarket, type VolatilityMove } from './portfolio.ts'
import { slottedScenarios } from './scenarioSlots.ts'

const X40 = 2 ** 40
/** Money of a book, the mark `M`: 2^32·10^-20 of the quote currency. */
const M_PER_QUOTE = 10n ** 20n
const M_BITS = 32n
const BASIS_UP_POINT = 34
const BASIS_DOWN_POINT = 35

/** A scenario of the 34 that may bind, as people say it. */
export type NamedScenario = {
  readonly index: number
  readonly kind: 'spot' | 'skew' | 'basis'
  readonly words: string
  /** Shocked over current spot. */
  readonly spotShock: number
  readonly volatility: VolatilityMove
  readonly damping: number
  /** Whether the grid has it; slots that are left over have no damping. */
  readonly isUsed: boolean
  /** Damped change of value, quote. */
  readonly pnl: number
}

/** What a leg adds to the worst scenario, and how it stands. */
export type LegContribution = {
  readonly leg: OptionLeg
  readonly impliedVolatility: number
  readonly shockedVolatility: number
  /** Discounted, per contract, quote. */
  readonly mark: number
  /** Discounted and with the static discount of its expiry, per contract. */
  readonly shocked: number
  /** Damped, whole position. */
  readonly contribution: number
}

export type Contribution = { readonly what: string; readonly contribution: number }

/** One line of a derivation. */
export type Step = {
  readonly part: string
  readonly name: string
  readonly formula: string
  readonly value: string
  readonly rounding: 'exact' | 'down' | 'up' | 'nearest'
}

/** The 33 scenarios in slot order and the basis contingency, with their results. */
export function namedScenarios({
  margin,
  marginPolicy,
}: Pick<ProvableMargin, 'margin' | 'marginPolicy'>): readonly NamedScenario[] {
  const grid = slottedScenarios(marginPolicy.scenarios)
  const scenarios = grid.map(({ spotShockX40, volatility, dampingX40 }, index): NamedScenario => {
    const spotShock = tidy(spotShockX40)
    const damping = tidy(dampingX40)
    return {
      index,
      kind: volatility === 'linear' || volatility === 'absolute' ? 'skew' : 'spot',
      words: scenarioWords(spotShock, volatility, damping),
      spotShock,
      volatility,
      damping,
      isUsed: dampingX40 !== 0n,
      pnl: moneyMX80(margin.lossesMX80[index] ?? 0n),
    }
  })
  const basis: NamedScenario = {
    index: BASIS_SCENARIO,
    kind: 'basis',
    words: 'forwards move against spot (basis)',
    spotShock: 1,
    volatility: 'none',
    damping: 1,
    isUsed: true,
    pnl: moneyMX80(margin.lossesMX80[BASIS_SCENARIO] ?? 0n),
  }
  return [...scenarios, basis]
}

/** The decimal that an X40 number was rounded from: its unit is 10^-12. */
export const tidy = (value: bigint): number => Number((Number(value) / X40).toFixed(11))

/** The scenario that binds; if none loses anything, its words say so. */
export function worstScenario(provable: ProvableMargin): NamedScenario {
  const worst = namedScenarios(provable)[provable.margin.worstScenario] as NamedScenario
  return provable.margin.minSpanM >= 0n ? { ...worst, words: 'no scenario loses anything' } : worst
}

/** A scenario in words: `spot −18 %, volatility up`. */
function scenarioWords(spotShock: number, volatility: VolatilityMove, damping: number): string {
  const move = Number((100 * (spotShock - 1)).toFixed(4))
  const spot = move === 0 ? 'spot unchanged' : `spot ${move > 0 ? '+' : '−'}${Math.abs(move)} %`
  const hedge = move === 0 ? '' : `, perpetuals and collateral at ${spot}`
  if (volatility === 'linear') return `smile tilts, higher strikes up${hedge}${dampedWords(damping)}`
  if (volatility === 'absolute') return `smile steepens, both wings up${hedge}${dampedWords(damping)}`
  const moves = { up: 'volatility up', none: 'volatility unchanged', down: 'volatility down' }
  return `${spot}, ${moves[volatility]}${dampedWords(damping)}`
}

const dampedWords = (damping: number): string =>
  damping === 1 ? '' : `, counted at ${Number((100 * damping).toPrecision(3))} %`

/** What every option leg adds to the worst scenario; they and {@link otherContributions} sum to it. */
export function legContributions(portfolio: Portfolio, provable: ProvableMargin): readonly LegContribution[] {
  const scenario = namedScenarios(provable)[provable.margin.worstScenario] as NamedScenario
  const expiries = new Map(
    [...new Set(portfolio.account.options.map(({ expiry }) => expiry))].map((expiry) => [
      expiry,
      expiryOutcome(portfolio, provable, scenario, expiry),
    ]),
  )
  const units = unitsNumber(unitsOfMarket(portfolio.market))
  return portfolio.account.options.map((leg) => {
    const { array, leaf } = leafOf(provable.arrays, leg) as { array: RiskArray; leaf: StrikeLeaf }
    const { point, factor, sign } = expiries.get(leg.expiry) as ExpiryOutcome
    const discount = Number(array.header.discountX40) / X40
    const mark = priceAt(array, leaf, leg.isCall, 0)
    const shocked = priceAt(array, leaf, leg.isCall, point)
    const quantity = Number(leg.quantityE12) / 1e12
    const root = Number(array.header.sqrtTauX40) / X40
    const perYear = (total: bigint): number => (root === 0 ? 0 : Number(total) / X40 / root)
    const change = scenario.kind === 'basis' ? (shocked - mark) * factor : shocked * factor - mark * discount
    return {
      leg,
      impliedVolatility: perYear(leaf.volatilityX40.none),
      shockedVolatility: perYear(leaf.volatilityX40[scenario.volatility]),
      mark: (mark * discount) / units,
      shocked: (scenario.kind === 'basis' ? shocked * discount : shocked * factor) / units,
      contribution: quantity * change * sign * scenario.damping,
    }
  })
}

/** What perpetuals and collateral add to the worst scenario. */
export function otherContributions(portfolio: Portfolio, provable: ProvableMargin): readonly Contribution[] {
  const { spotShock, damping } = namedScenarios(provable)[provable.margin.worstScenario] as NamedScenario
  const { account, market, rules } = portfolio
  const move = (spotShock - 1) * damping
  const perps = (Number(account.perpsE12) / 1e12) * (Number(market.perpPriceE8) / 1e8) * move
  const collaterals = account.collaterals.flatMap(({ asset }, i) => {
    const moves = rules.collaterals.find((each) => each.asset === asset)?.movesWithSpot ?? false
    const value = collateralValue(provable, i)
    return moves ? [{ what: `${asset} held as collateral`, contribution: value * move }] : []
  })
  return [...(account.perpsE12 === 0n ? [] : [{ what: 'perpetuals', contribution: perps }]), ...collaterals]
}

type ExpiryOutcome = {
  /** Of the 36 prices of a strike. */
  readonly point: number
  /** What a shocked value of this expiry counts at, discounted. */
  readonly factor: number
  /** Skew scenarios count a gain as a loss. */
  readonly sign: 1 | -1
}

function expiryOutcome(
  portfolio: Portfolio,
  provable: ProvableMargin,
  scenario: NamedScenario,
  expiry: bigint,
): ExpiryOutcome {
  const legs = portfolio.account.options.filter((leg) => leg.expiry === expiry)
  const { array } = leafOf(provable.arrays, legs[0] as OptionLeg) as { array: RiskArray }
  const valueAt = (point: number): number =>
    legs.reduce((sum, leg) => {
      const { leaf } = leafOf(provable.arrays, leg) as { leaf: StrikeLeaf }
      return sum + (Number(leg.quantityE12) / 1e12) * priceAt(array, leaf, leg.isCall, point)
    }, 0)
  const { header } = array
  const mark = valueAt(0)
  if (scenario.kind === 'basis') {
    const [up, down] = [valueAt(BASIS_UP_POINT) - mark, valueAt(BASIS_DOWN_POINT) - mark]
    const factor = Math.min(up, down) < 0 ? Number(header.basisFactorX40) / X40 : 0
    return { point: up < down ? BASIS_UP_POINT : BASIS_DOWN_POINT, factor, sign: 1 }
  }
  const point = scenario.index + 1
  const value = valueAt(point)
  const factor = Number(value < 0 ? header.shortFactorX40 : header.longFactorX40) / X40
  const gains = value * factor - (mark * Number(header.discountX40)) / X40 > 0
  return { point, factor, sign: scenario.kind === 'skew' && gains ? -1 : 1 }
}

/** Undiscounted price of an option at one of the 36 points, quote. */
function priceAt({ header }: RiskArray, leaf: StrikeLeaf, isCall: boolean, point: number): number {
  const call = leaf.calls[point] as bigint
  const parity = leaf.strikeE8 - (header.forwardsE8[pointForward(point)] as bigint)
  const raw = isCall ? call : call + (parity << BigInt(CALL_BITS))
  // Sixty fraction bits are more than a double keeps
  return Number(raw >> BigInt(CALL_BITS - 60)) / 2 ** 60 / 1e8
}

function collateralValue({ margin }: ProvableMargin, index: number): number {
  return Number(margin.collateralValuesE20X20[index] ?? 0n) / 1e20 / 2 ** 20
}

/** What margins are the sum of, each as a number: the terms of the last two lines of the formula. */
export type MarginTerms = {
  readonly cash: number
  readonly options: number
  readonly collateral: number
  readonly perpPnl: number
  /** Of the worst scenario or the basis contingency, never above 0. */
  readonly worstLoss: number
  readonly maintenanceFactor: number
  readonly initialFactor: number
  /** Fractions of notional; those for initial margin come on top of maintenance. */
  readonly maintenance: ContingencyTerms
  readonly initial: ContingencyTerms
  readonly confidence: number
}

export type ContingencyTerms = Readonly<Record<ContingencyPart, number>> & { readonly collaterals: number }

/** The terms of a margin, from the exact integers. */
export function marginTerms(provable: ProvableMargin): MarginTerms {
  const { margin, account, marginPolicy } = provable
  const { lossFactors, collaterals } = marginPolicy
  const quote = (value: bigint, binaryPlaces: bigint): number => Number(decimalText(value, M_PER_QUOTE << binaryPlaces))
  const exposure = exposureOf(provable)
  const charge = (field: ContingencyField): number => quote(chargeE20X60(field, exposure), 60n)
  const haircut = (name: 'maintenanceHaircutX40' | 'initialHaircutX40'): bigint =>
    margin.collateralValuesE20X20.reduce((sum, value, i) => sum + value * (collaterals[i]?.[name] ?? 0n), 0n)
  return {
    cash: Number(decimalText(account.holdings.cashE12, 10n ** 12n)),
    options: quote(account.book.totals.markMX40, 40n - M_BITS),
    collateral: quote(
      margin.collateralValuesE20X20.reduce((sum, value) => sum + value, 0n),
      20n,
    ),
    perpPnl: Number(decimalText(account.holdings.perpPnlE12, 10n ** 12n)),
    worstLoss: quote(margin.minSpanM << M_BITS, 0n),
    maintenanceFactor: tidy(lossFactors.maintenanceFactorX40),
    initialFactor: tidy(margin.initialFactorX40),
    maintenance: {
      ...chargesByPart('maintenance', charge),
      collaterals: quote(haircut('maintenanceHaircutX40'), 60n),
    },
    initial: {
      ...chargesByPart('initial', charge),
      collaterals: quote(haircut('initialHaircutX40'), 60n),
    },
    confidence: quote(margin.confidenceE20X100, 100n),
  }
}

/** What the contingencies of an account are charged on. */
const exposureOf = ({ account: { book, holdings }, round, marginPolicy: policy }: ProvableMargin): Exposure => ({
  totals: book.totals,
  holdings,
  round,
  policy,
  terms: roundTerms(round, policy),
})

/** Every intermediate of the margins in the order of the formula. */
export function explainSteps(portfolio: Portfolio, provable: ProvableMargin): readonly Step[] {
  return [
    ...expirySteps(provable, unitsOfMarket(portfolio.market)),
    ...legSteps(portfolio, provable),
    ...scenarioSteps(provable),
    ...marginSteps(portfolio, provable),
  ]
}

const x40Text = (value: bigint): string => decimalText(value, 1n << 40n)
const e8Text = (value: bigint): string => decimalText(value, 10n ** 8n)

/** Where words hold prices of more or less than one unit, steps say so. */
const wordsOf = (units: Units): string => (isOneUnit(units) ? '' : ` of ${unitsWords(units)}`)

function expirySteps({ arrays }: ProvableMargin, units: Units): readonly Step[] {
  const seen = new Set<bigint>()
  return arrays.flatMap(({ array: { header }, surface }): readonly Step[] => {
    if (seen.has(header.expiry)) return []
    seen.add(header.expiry)
    const part = `expiry ${dateOf(header.expiry)}`
    return [
      {
        part,
        name: 'time to expiry',
        formula: 'expiry − time of the round, seconds',
        value: String(header.secondsToExpiry),
        rounding: 'exact',
      },
      {
        part,
        name: `forward${wordsOf(units)}`,
        formula: 'moving part + part fixed by settlement',
        value: `${e8Text(header.forwardsE8[0] ?? 0n)} (fixed ${e8Text(surface.forwardFixedE8)})`,
        rounding: 'exact',
      },
      { part, name: '√τ', formula: '√(seconds / 31,536,000)', value: x40Text(header.sqrtTauX40), rounding: 'down' },
      { part, name: 'discount', formula: 'e^(−max(rate, 0)·τ)', value: x40Text(header.discountX40), rounding: 'down' },
      {
        part,
        name: 'factor if worth something',
        formula: 'discount × long static discount; 1 at expiry',
        value: x40Text(header.longFactorX40),
        rounding: 'down',
      },
      {
        part,
        name: 'factor if it costs',
        formula: 'min(1, discount × short static discount); 1 at expiry',
        value: x40Text(header.shortFactorX40),
        rounding: 'up',
      },
      {
        part,
        name: 'basis factor',
        formula: 'discount × (add + multiplier·τ)',
        value: x40Text(header.basisFactorX40),
        rounding: 'up',
      },
      {
        part,
        name: 'missing confidence',
        formula: '1 − min(own, spot’s) where that is below the threshold',
        value: x40Text(header.shortfallX40),
        rounding: 'exact',
      },
    ]
  })
}

function legSteps(portfolio: Portfolio, provable: ProvableMargin): readonly Step[] {
  return portfolio.account.options.flatMap((leg): readonly Step[] => {
    const { array, leaf } = leafOf(provable.arrays, leg) as { array: RiskArray; leaf: StrikeLeaf }
    const units = unitsOfMarket(portfolio.market)
    const part = `leg ${quantityText(leg.quantityE12, units)} × ${leg.instrument}`
    const { volatilityX40 } = leaf
    const names = {
      none: 'as it is',
      up: 'up',
      down: 'down',
      linear: 'linear skew',
      absolute: 'absolute skew',
    } as const
    const kinds = Object.entries(names) as readonly [VolatilityMove, string][]
    return [
      ...kinds.map(
        ([kind, name]): Step => ({
          part,
          name: `total volatility, ${name}`,
          formula: kind === 'none' ? '√(SVI variance × τ / fitted τ)' : 'shocked σ·√τ',
          value: x40Text(volatilityX40[kind]),
          rounding: 'down',
        }),
      ),
      {
        part,
        name: `undiscounted value per contract${wordsOf(units)}`,
        formula: leg.isCall ? 'F·N(d1) − K·N(d2)' : 'call − F + K',
        value: rawText(leg, leaf, array),
        rounding: 'exact',
      },
    ]
  })
}

function rawText(leg: OptionLeg, leaf: StrikeLeaf, { header }: RiskArray): string {
  const parity = leg.isCall ? 0n : (leaf.strikeE8 - (header.forwardsE8[0] as bigint)) << BigInt(CALL_BITS)
  return decimalText((leaf.calls[0] as bigint) + parity, (10n ** 8n) << BigInt(CALL_BITS))
}

function scenarioSteps(provable: ProvableMargin): readonly Step[] {
  return namedScenarios(provable)
    .filter(({ isUsed }) => isUsed)
    .map(
      ({ index, words }): Step => ({
        part: 'scenarios',
        name: `${index}: ${words}`,
        formula:
          index === BASIS_SCENARIO
            ? 'Σ least change × basis factor'
            : 'damping × (Σ expiries + (perps + moving collateral)·(shock − 1))',
        value: decimalText(provable.margin.lossesMX80[index] ?? 0n, M_PER_QUOTE << (80n - M_BITS)),
        rounding: 'down',
      }),
    )
}

/** One line a charge: what it is charged on times the policy's fraction. */
function contingencySteps(provable: ProvableMargin): readonly Step[] {
  const exposure = exposureOf(provable)
  return (Object.keys(contingencies) as readonly ContingencyField[]).map((field): Step => {
    const { part, margin, entry, formula, chargedOn } = contingencies[field]
    return {
      part: 'margins',
      name: `${margin} contingency: ${contingencyParts[part]}`,
      formula: `(${formula} = ${decimalText(chargedOn(exposure), M_PER_QUOTE << 20n)}) × ${entry}`,
      value: decimalText(chargeE20X60(field, exposure), M_PER_QUOTE << 60n),
      rounding: 'exact',
    }
  })
}

/** From which sizes on positions are concentrated, in whole units, where that costs anything. */
function sizeSteps({ account, market }: Portfolio, { marginPolicy }: ProvableMargin): readonly Step[] {
  const { concentrationX40, perpSizeQ, optionSizeQ } = marginPolicy.concentration
  if (concentrationX40 === 0n) return []
  const own = wordsOf(unitsOfMarket(market))
  const sizes = [
    [`perpetuals${own}`, perpSizeQ],
    [`naked short options${own}`, optionSizeQ],
    ...account.collaterals.map(({ asset }, i) => {
      const name = asset === market.currency ? `${asset}${own}` : asset
      return [name, marginPolicy.collaterals[i]?.sizeQ ?? 0n] as const
    }),
  ] as const
  return sizes.map(
    ([position, sizeQ]): Step => ({
      part: 'margins',
      name: `size of ${position}`,
      formula: 'policy, down to a multiple of 0.004294967296',
      value: decimalText(sizeE12(sizeQ), 10n ** 12n),
      rounding: 'down',
    }),
  )
}

function marginSteps(portfolio: Portfolio, provable: ProvableMargin): readonly Step[] {
  const { margin, account, marginPolicy } = provable
  const part = 'margins'
  const e20x60 = (value: bigint): string => decimalText(value, M_PER_QUOTE << 60n)
  const { totals } = account.book
  const { lossFactors } = marginPolicy
  return [
    {
      part,
      name: 'worst loss',
      formula: 'least of all scenarios and the basis contingency',
      value: decimalText(margin.minSpanM << M_BITS, M_PER_QUOTE),
      rounding: 'down',
    },
    {
      part,
      name: 'options',
      formula: 'Σ discounted value',
      value: decimalText(totals.markMX40, M_PER_QUOTE << (40n - M_BITS)),
      rounding: 'down',
    },
    ...portfolio.account.collaterals.map(
      ({ asset }, i): Step => ({
        part,
        name: `collateral ${asset}`,
        formula: 'amount × price / stable price',
        value: decimalText(margin.collateralValuesE20X20[i] ?? 0n, M_PER_QUOTE << 20n),
        rounding: 'down',
      }),
    ),
    {
      part,
      name: 'cash',
      formula: 'as held',
      value: decimalText(account.holdings.cashE12, 10n ** 12n),
      rounding: 'exact',
    },
    {
      part,
      name: 'perpetuals’ unrealised PnL',
      formula: 'funding included',
      value: decimalText(account.holdings.perpPnlE12, 10n ** 12n),
      rounding: 'exact',
    },
    {
      part,
      name: 'equity',
      formula: 'options + collateral + PnL + cash',
      value: e20x60(margin.equityE20X60),
      rounding: 'down',
    },
    {
      part,
      name: `naked short options${wordsOf(unitsOfMarket(portfolio.market))}`,
      formula: 'per strike, calls and puts together',
      value: decimalText(totals.nakedShortE12, 10n ** 12n),
      rounding: 'exact',
    },
    ...sizeSteps(portfolio, provable),
    ...contingencySteps(provable),
    {
      part,
      name: 'maintenance contingencies',
      formula: 'those of maintenance, collateral haircuts',
      value: e20x60(margin.maintenanceContingencyE20X60),
      rounding: 'exact',
    },
    {
      part,
      name: 'initial contingencies',
      formula: 'the same, added for initial margin',
      value: e20x60(margin.initialContingencyE20X60),
      rounding: 'exact',
    },
    {
      part,
      name: 'confidence contingency',
      formula: 'notional × missing confidence × margin',
      value: decimalText(margin.confidenceE20X100, M_PER_QUOTE << 100n),
      rounding: 'exact',
    },
    {
      part,
      name: 'maintenance loss factor',
      formula: 'policy',
      value: x40Text(lossFactors.maintenanceFactorX40),
      rounding: 'nearest',
    },
    {
      part,
      name: 'initial loss factor',
      formula: 'policy + peg loss × stable price below its threshold',
      value: x40Text(margin.initialFactorX40),
      rounding: 'up',
    },
    {
      part,
      name: 'maintenance margin',
      formula: 'worst loss × factor − maintenance contingencies + equity',
      value: e8Text(margin.maintenanceE8),
      rounding: 'down',
    },
    {
      part,
      name: 'initial margin',
      formula: 'worst loss × factor − all contingencies + equity',
      value: e8Text(margin.initialE8),
      rounding: 'down',
    },
  ]
}

/** A quantity of so many units each, in units of the asset. */
export const quantityText = (quantityE12: bigint, { count, parts }: Units, decimals = 12): string =>
  decimalText(quantityE12 * count, 10n ** 12n * parts, decimals)

/** Money MX80 as a number. */
function moneyMX80(value: bigint): number {
  return Number(decimalText(value, M_PER_QUOTE << (80n - M_BITS), 12))
}

const dateOf = (time: bigint): string => new Date(Number(time) * 1000).toISOString().replace('T', ' ').slice(0, 16)
