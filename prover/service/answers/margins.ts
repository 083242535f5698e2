/** `zkrisk margin`: an account's margin by the twin, its derivation, and what it looks like as JSON and as text. */
import { existsSync } from 'node:fs'
import { type Build, buildsOf, sizeOf } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { isOneUnit, unitPrice, unitsJson, unitsNumber, unitsText, unitsWords } from '../../market/priceScale.ts'
import { readTextFile } from '../../market/textFile.ts'
import { present } from '../../market/time.ts'
import { amount, priceWords } from '../../portfolio/amount.ts'
import type { MarginSizes, ProvableMargin } from '../../portfolio/accountMargin.ts'
import { provableMargin } from '../../portfolio/accountMargin.ts'
import { readDeriveCase } from '../../portfolio/input/deriveCase.ts'
import { type ContingencyPart, contingencyParts } from '../../portfolio/contingencies.ts'
import { decimalText } from '../../portfolio/input/exact.ts'
import type { Contribution, LegContribution, NamedScenario, Step } from '../../portfolio/explain.ts'
import {
  explainSteps,
  legContributions,
  marginTerms,
  namedScenarios,
  otherContributions,
  quantityText,
  worstScenario,
} from '../../portfolio/explain.ts'
import type { AccountMargin } from '../../portfolio/margin.ts'
import { type Portfolio, type PortfolioOverMarkets, unitsOfMarket } from '../../portfolio/portfolio.ts'
import type { RealMargin } from '../../portfolio/real.ts'
import { realMargin, realMarginAtStatedRates } from '../../portfolio/real.ts'
import { readPortfolioOverMarkets, withNotes } from '../../portfolio/input/markets.ts'
import { SeveralMarketsError } from '../../portfolio/input/schema.ts'
import { aheadNotes } from '../../portfolio/input/times.ts'
import { quotedGreeks, type QuotedGreeks, utcTime } from '../text/figures.ts'
import { timeOption } from './time.ts'
import { formatTable } from '../text/table.ts'
import { UsageError } from '../text/usageError.ts'

/** Everything that is said of one account. */
export type MarginAnswer = {
  readonly portfolio: Portfolio
  /** The twin's numbers: what proofs state, word for word. */
  readonly provable: ProvableMargin
  /** The same in floating point, from the formulas. */
  readonly reference: RealMargin
  readonly worst: NamedScenario
  readonly scenarios: readonly NamedScenario[]
  readonly legs: readonly LegContribution[]
  readonly others: readonly Contribution[]
  /** As spot of this market moves, whatever else the account has staying as it is. */
  readonly thresholds: AccountMargin['thresholds']
  /** What else the account has; absent if that is nothing. */
  readonly rest?: Standing
}

/** Sizes of the builds that ship; a proof takes what {@link marginOf} has worked out. */
export const marginSizes: MarginSizes = {
  strikes: sizeOf(buildOf('riskArray'), 'strikes'),
  segments: sizeOf(buildOf('optionBook'), 'segments'),
  expiries: sizeOf(buildOf('optionBook'), 'expiries'),
}

/** The build that a statement is proven with unless another one is named. */
function buildOf(statement: 'riskArray' | 'optionBook'): Build {
  const [build] = buildsOf(statement)
  if (build === undefined) throw new TypeError(`No build of ${statement}.`)
  return build
}

export type AccountOptions = {
  /** A case in Derive's format, instead of a portfolio. */
  readonly deriveCase?: string | undefined
  readonly allowArbitrage?: boolean | undefined
  /** Time at which the market must not be stale. */
  readonly now?: string | undefined
}

/**
 * Reads a portfolio of one market, or a case in Derive's format.
 *
 * @throws {@link SeveralMarketsError} and the errors of {@link readAccountOverMarkets}
 * @example
 * const { name, account } = readAccount('portfolio.json', {})
 * account.options.length // → 4
 */
export function readAccount(portfolio: string | undefined, options: AccountOptions): Portfolio {
  const read = readAccountOverMarkets(portfolio, options)
  if (!('parts' in read)) return read
  const currencies = read.parts.map(({ market }) => market.currency ?? '')
  throw new SeveralMarketsError(portfolio ?? '', currencies)
}

/**
 * Reads a portfolio of one market or several, or a case in Derive's format.
 *
 * @throws {@link AccountChoiceError} unless exactly one of them is named
 * @throws {@link PortfolioFileMissingError}, {@link TimeOptionError} and the errors of {@link readPortfolioOverMarkets} and {@link readDeriveCase}
 * @example
 * const account = readAccountOverMarkets('portfolio.json', {})
 * 'parts' in account // → false
 */
export function readAccountOverMarkets(
  portfolio: string | undefined,
  options: AccountOptions,
): Portfolio | PortfolioOverMarkets {
  const { deriveCase, allowArbitrage } = options
  const file = portfolio ?? deriveCase
  if (file === undefined || (portfolio !== undefined && deriveCase !== undefined)) throw new AccountChoiceError()
  const text = portfolioText(file)
  const now = timeOption('now', options.now)
  const read =
    deriveCase === undefined
      ? readPortfolioOverMarkets(text, file, { allowArbitrage, now })
      : readDeriveCase(text, file)
  const { asOf } = 'parts' in read ? (read.parts[0] ?? { market: { asOf: 0n } }).market : read.market
  return withNotes(read, aheadNotes('market.asOf', asOf, now ?? present(), '--now'))
}

/** A portfolio file's text. @throws {@link PortfolioFileMissingError}, {@link PortfolioUnreadableError} */
export function portfolioText(file: string): string {
  if (!existsSync(file)) throw new PortfolioFileMissingError(file)
  try {
    return readTextFile(file)
  } catch (cause) {
    if (cause instanceof ProverError) throw cause
    throw new PortfolioUnreadableError(file, cause)
  }
}

/**
 * An account's margin with all that explains it. @throws the errors of {@link provableMargin}
 *
 * @example
 * const { provable } = await marginOf(readAccount('portfolio.json', {}))
 * provable.margin.initialE8 // → -204_877_541_730n
 */
export async function marginOf(portfolio: Portfolio): Promise<MarginAnswer> {
  const provable = provableMargin(portfolio, marginSizes)
  return {
    portfolio,
    provable,
    reference: realMargin(portfolio),
    worst: worstScenario(provable),
    scenarios: namedScenarios(provable),
    legs: legContributions(portfolio, provable),
    others: otherContributions(portfolio, provable),
    thresholds: provable.margin.thresholds,
  }
}

/** The answer for a part of an account whose rest stands as it does. */
export function besideRest(answer: MarginAnswer, rest: Standing): MarginAnswer {
  const { portfolio } = answer
  const thresholdsWith = (restE8: bigint): AccountMargin['thresholds'] => {
    const account = { ...portfolio.account, cashE12: portfolio.account.cashE12 + restE8 * 10_000n }
    return provableMargin({ ...portfolio, account }, marginSizes).margin.thresholds
  }
  const { liquidationDownE8, liquidationUpE8 } = thresholdsWith(rest.maintenanceE8)
  return { ...answer, rest, thresholds: { ...thresholdsWith(rest.equityE8), liquidationDownE8, liquidationUpE8 } }
}

const E8 = 10n ** 8n
const NO_THRESHOLD = { down: 0n, up: (1n << 48n) - 1n }

/** A money word as a number; its exact decimals stand beside it as text. */
const money = (valueE8: bigint): number => Number(decimalText(valueE8, E8))

/**
 * The answer in plain numbers; docs/portfolio.md says what each is.
 *
 * @example
 * const { im, mm, healthy } = marginJson(await marginOf(readAccount('portfolio.json', {})), false)
 * healthy // → true
 */
export function marginJson(answer: MarginAnswer, withSteps: boolean): object {
  const { portfolio, provable, reference, worst, scenarios, legs, others } = answer
  const { margin } = provable
  const { market } = portfolio
  const units = unitsOfMarket(market)
  const scenarioJson = ({ index, kind, words, spotShock, volatility, damping, pnl }: NamedScenario) => ({
    index,
    kind,
    words,
    spotShock,
    volatility,
    damping,
    pnl,
  })
  return {
    name: portfolio.name,
    asOf: Number(market.asOf),
    ...(market.currency === undefined ? {} : { currency: market.currency }),
    spot: unitPrice(market.spotE8, units),
    ...unitsJson(units),
    ...(answer.rest === undefined ? standingJson(margin) : partJson(margin)),
    worstScenario: scenarioJson(worst),
    terms: marginTerms(provable),
    contributions: [
      ...legs.map(({ leg, ...rest }) => ({
        leg: leg.instrument,
        expiry: Number(leg.expiry),
        strike: unitPrice(leg.strikeE8, units),
        type: leg.isCall ? 'call' : 'put',
        quantity: Number(quantityText(leg.quantityE12, units)),
        ...rest,
      })),
      ...others.map(({ what, contribution }) => ({ leg: what, contribution })),
    ],
    scenarios: scenarios.filter(({ isUsed }) => isUsed).map(scenarioJson),
    greeks: netGreeksOf(answer),
    thresholds: thresholdsJson(answer),
    defaultProbability: Number(answer.thresholds.defaultProbabilityX32) / 2 ** 32,
    reference: { im: reference.initialMargin, mm: reference.maintenanceMargin },
    notes: notesOn(answer),
    ...(withSteps ? { steps: explainSteps(portfolio, provable) } : {}),
  }
}

/** What of an account is left, of one market or of all. */
export type Standing = Pick<AccountMargin, 'initialE8' | 'maintenanceE8' | 'equityE8'>

/** A requirement: what of equity it takes, what is left, and the share that it takes, undefined without equity. */
type Requirement = {
  readonly requirement: number
  readonly left: number
  readonly utilisation: number | undefined
}

export function requirementOf({ equityE8 }: Standing, leftE8: bigint): Requirement {
  const requirementE8 = equityE8 - leftE8
  return {
    requirement: money(requirementE8),
    left: money(leftE8),
    utilisation: equityE8 > 0n ? Number(requirementE8) / Number(equityE8) : undefined,
  }
}

/** Both margins as JSON has them. */
export function standingJson(standing: Standing): object {
  const { initialE8, maintenanceE8 } = standing
  const json = (leftE8: bigint): object => {
    const { utilisation = null, ...rest } = requirementOf(standing, leftE8)
    return { ...rest, utilisation }
  }
  return {
    ...partJson(standing),
    initial: json(initialE8),
    maintenance: json(maintenanceE8),
    mayOpen: initialE8 >= 0n,
    healthy: maintenanceE8 >= 0n,
  }
}

/** The same of a part, by which alone nothing is judged. */
function partJson(standing: Standing): object {
  const { initialE8, maintenanceE8, equityE8 } = standing
  const json = (leftE8: bigint): object => {
    const { requirement, left } = requirementOf(standing, leftE8)
    return { requirement, left }
  }
  return {
    im: money(initialE8),
    mm: money(maintenanceE8),
    imExact: decimalText(initialE8, E8),
    mmExact: decimalText(maintenanceE8, E8),
    equity: money(equityE8),
    equityExact: decimalText(equityE8, E8),
    initial: json(initialE8),
    maintenance: json(maintenanceE8),
  }
}

/** Both margins as people read them. */
export function formatStanding(standing: Standing): string {
  const { initialE8, maintenanceE8, equityE8 } = standing
  const row = (name: string, leftE8: bigint, words: string): readonly string[] => {
    const { requirement, left, utilisation } = requirementOf(standing, leftE8)
    return [
      name,
      amount(requirement),
      amount(left),
      utilisation === undefined ? 'no equity' : percent(utilisation),
      words,
    ]
  }
  return formatTable(
    [`equity ${amount(money(equityE8))}`, 'requirement', 'left', 'utilisation', ''],
    [
      row('initial margin', initialE8, initialE8 >= 0n ? 'may open positions' : 'may not open positions'),
      row('maintenance margin', maintenanceE8, maintenanceE8 >= 0n ? 'healthy' : 'may be liquidated'),
    ],
  )
}

/** The same of a part. */
function formatPart(standing: Standing): string {
  const row = (name: string, leftE8: bigint): readonly string[] => {
    const { requirement, left } = requirementOf(standing, leftE8)
    return [name, amount(requirement), amount(left)]
  }
  return formatTable(
    [`equity ${amount(money(standing.equityE8))}, without cash`, 'requirement', 'left'],
    [row('initial margin', standing.initialE8), row('maintenance margin', standing.maintenanceE8)],
  )
}

/** Net Greeks in the units that their names say, and what its delta is of. */
export type NetGreeks = QuotedGreeks & {
  readonly deltaOf: { readonly options: number; readonly perpetuals: number; readonly collateral: number }
}

/** Greeks of options, perpetuals, and collateral that moves with spot. The latter two have delta alone. */
export function netGreeksOf({ portfolio: { account, rules, market }, provable }: MarginAnswer): NetGreeks {
  const { spotGreeks, risk, collateralValuesE20X20 } = provable.margin
  const units = unitsOfMarket(market)
  const perUnit = unitsNumber(units)
  const options = quotedGreeks({
    delta: (Number(spotGreeks.deltaE12) / 1e12) * perUnit,
    gamma: (Number(spotGreeks.gammaE20) / 1e20) * perUnit ** 2,
    vega: Number(spotGreeks.vegaE8) / 1e8,
    theta: Number(risk.thetaE8) / 1e8,
    rho: Number(risk.rhoE8) / 1e8,
  })
  const perpetuals = (Number(account.perpsE12) / 1e12) * perUnit
  const collateral = account.collaterals.reduce((sum, { asset }, i) => {
    const moves = rules.collaterals.find((each) => each.asset === asset)?.movesWithSpot ?? false
    const value = Number(collateralValuesE20X20[i] ?? 0n) / 1e20 / 2 ** 20
    return moves ? sum + value / unitPrice(market.spotE8, units) : sum
  }, 0)
  const deltaOf = { options: options.delta, perpetuals, collateral }
  return { ...options, delta: options.delta + perpetuals + collateral, deltaOf }
}

/** What the numbers do not say of themselves, a sentence each. */
export function notesOn({ portfolio, legs }: MarginAnswer): readonly string[] {
  const held = portfolio.market.expiries.filter(({ expiry }) =>
    portfolio.account.options.some((leg) => leg.expiry === expiry),
  )
  const negative = held.filter(({ rateX40 }) => rateX40 < 0n)
  const wild = legs.filter(({ impliedVolatility }) => impliedVolatility > WILD_VOLATILITY)
  const dates = negative.map(({ expiry, rateX40 }) => `${utcTime(expiry)} at ${percent(Number(rateX40) / 2 ** 40)}`)
  const atRates = negative.length === 0 ? undefined : realMarginAtStatedRates(portfolio)
  return [
    ...(atRates === undefined
      ? []
      : [
          `Negative rates (${dates.join(', ')}) count as 0, here and in proofs. Discounted at them, ${amount(atRates.initialMargin)} would be left above the initial requirement and ${amount(atRates.maintenanceMargin)} above maintenance.`,
        ]),
    ...(portfolio.notes ?? []),
    ...unmoved(portfolio),
    ...wild.map(
      ({ leg, impliedVolatility }) =>
        `${leg.instrument} is marked at a volatility of ${percent(impliedVolatility)}: a surface close to expiry, or one whose svi is no total variance (volatility² × years).`,
    ),
    ...farStrikes(portfolio),
  ]
}

/** Strikes further from their forward than any that is listed: more likely a point that was to group thousands. */
function farStrikes({ account, market }: Portfolio): readonly string[] {
  return account.options.flatMap(({ instrument, expiry, strikeE8 }) => {
    const surface = market.expiries.find((each) => each.expiry === expiry)
    if (surface === undefined) return []
    const forwardE8 = surface.forwardVariableE8 + surface.forwardFixedE8
    const [low, high] = strikeE8 < forwardE8 ? [strikeE8, forwardE8] : [forwardE8, strikeE8]
    if (low * FAR_STRIKE >= high) return []
    const [strike, forward] = [strikeE8, forwardE8].map((priceE8) =>
      priceWords(unitPrice(priceE8, unitsOfMarket(market))),
    )
    return [
      `${instrument} is struck at ${strike}, beside a forward of ${forward}. Numbers are read with a decimal point: 90.000 is 90.`,
    ]
  })
}

/** Strikes are listed within a factor of 30 of the forward or so; a thousands separator that is taken for a point is a factor of 1,000. */
const FAR_STRIKE = 50n

/** Collateral in the market's own asset that its rule holds still while spot falls. */
function unmoved({ account, market, rules }: Portfolio): readonly string[] {
  return rules.collaterals
    .filter(({ asset, movesWithSpot }) => !movesWithSpot && asset === market.currency)
    .filter(({ asset }) => account.collaterals.some((held) => held.asset === asset && held.amountE12 > 0n))
    .map(
      ({ asset }) => `Collateral in ${asset} keeps its value in every scenario, since its rule has no movesWithSpot.`,
    )
}

/** Seen of majors only in the last hours before expiry. */
const WILD_VOLATILITY = 1.5

export function thresholdsJson({ thresholds, portfolio }: MarginAnswer) {
  const { liquidationDownE8, liquidationUpE8, defaultDownE8, defaultUpE8 } = thresholds
  const units = unitsOfMarket(portfolio.market)
  const level = (value: bigint, none: bigint): number | null => (value === none ? null : unitPrice(value, units))
  return {
    liquidationDown: level(liquidationDownE8, NO_THRESHOLD.down),
    liquidationUp: level(liquidationUpE8, NO_THRESHOLD.up),
    defaultDown: level(defaultDownE8, NO_THRESHOLD.down),
    defaultUp: level(defaultUpE8, NO_THRESHOLD.up),
  }
}

/**
 * The answer as people read it; with every step if they ask for it.
 *
 * @example
 * const text = formatMargin(await marginOf(readAccount('portfolio.json', {})), false)
 * text.includes('maintenance margin') // → true
 */
export function formatMargin(answer: MarginAnswer, withSteps: boolean): string {
  const { portfolio, provable, reference } = answer
  const { margin } = provable
  const { worstLoss } = marginTerms(provable)
  const difference = Math.max(
    Math.abs(money(margin.initialE8) - reference.initialMargin),
    Math.abs(money(margin.maintenanceE8) - reference.maintenanceMargin),
  )
  return [
    `${portfolio.name}, round of ${utcTime(portfolio.market.asOf)} UTC, spot ${priceWords(spotOf(answer))}`,
    ...scaleLine(answer),
    '',
    answer.rest === undefined ? formatStanding(margin) : formatPart(margin),
    '',
    `Worst scenario: ${answer.worst.words}${worstLoss < 0 ? ` (${amount(worstLoss)})` : ''}`,
    '',
    waterfall(answer),
    '',
    contributions(answer),
    '',
    greeksLine(answer),
    ...thresholdLines(answer),
    '',
    `Float reference: differs by ${difference.toExponential(1)}.`,
    ...notesOn(answer).map((note) => `Note: ${note}`),
    ...(withSteps ? ['', formatSteps(explainSteps(portfolio, provable))] : []),
  ].join('\n')
}

/** A term of the margins: what it adds to what is left, or takes from it. */
export type Term = readonly [name: string, initial: number, maintenance: number]

/** From what the account has down to its margins; what comes to nothing is left out. */
export function termsOf({ provable, worst, portfolio }: MarginAnswer): readonly Term[] {
  const terms = marginTerms(provable)
  const { maintenance, initial, worstLoss, initialFactor, maintenanceFactor } = terms
  const parts = Object.entries(contingencyParts) as readonly [ContingencyPart, string][]
  const both = (name: string, value: number): Term => [name, value, value]
  const all: readonly Term[] = [
    both('cash', terms.cash),
    both(`options, marked (${portfolio.account.options.length} legs)`, terms.options),
    both('collateral', terms.collateral),
    both('perpetuals, unrealised PnL and funding', terms.perpPnl),
    [
      `worst loss × ${short(initialFactor)} / ${short(maintenanceFactor)}: ${worst.words}`,
      worstLoss * initialFactor,
      worstLoss * maintenanceFactor,
    ],
    ...parts.map(([part, name]) => [name, -maintenance[part] - initial[part], -maintenance[part]] as const),
    ['collateral haircuts', -maintenance.collaterals - initial.collaterals, -maintenance.collaterals],
    ['low confidence of feeds', -terms.confidence, 0],
  ]
  return all.filter(([, first, second]) => first !== 0 || second !== 0)
}

/** {@link termsOf}, one line a term. */
function waterfall(answer: MarginAnswer): string {
  const { margin } = answer.provable
  const rows = termsOf(answer).map(([name, first, second]) => [name, amount(first), amount(second)])
  const sum = ['= left', amount(money(margin.initialE8)), amount(money(margin.maintenanceE8))]
  return formatTable(['in quote currency', 'initial', 'maintenance'], [...rows, sum])
}

function contributions({ legs, others, worst, provable, portfolio }: MarginAnswer): string {
  const units = unitsOfMarket(portfolio.market)
  const rows = legs
    .toSorted((a, b) => a.contribution - b.contribution)
    .map(({ leg, impliedVolatility, shockedVolatility, mark, shocked, contribution }) => [
      `${quantityText(leg.quantityE12, units, 6).replace('-', '−')} × ${leg.instrument}`,
      percent(impliedVolatility),
      percent(shockedVolatility),
      priceWords(mark),
      priceWords(shocked),
      amount(contribution),
    ])
  const rest = others.map(({ what, contribution }) => [what, '', '', '', '', amount(contribution)])
  const { worstLoss } = marginTerms(provable)
  return [
    `What each leg adds to the worst scenario (${worst.words}):`,
    formatTable(
      ['leg', 'vol', 'shocked', 'mark', 'shocked', 'contribution'],
      [...rows, ...rest, ['= worst loss', '', '', '', '', amount(worstLoss)]],
    ),
  ].join('\n')
}

function greeksLine(answer: MarginAnswer): string {
  const { delta, deltaOf, gamma, vegaPerPoint, thetaPerDay, rhoPerPoint } = netGreeksOf(answer)
  const parts = Object.entries(deltaOf).filter(([, part]) => part !== 0)
  const of = parts.length > 1 ? ` (${parts.map(([name, part]) => `${name} ${figure(part)}`).join(', ')})` : ''
  return `Net Greeks: delta ${figure(delta)}${of}, gamma ${figure(gamma)}, vega ${figure(vegaPerPoint)} a point, theta ${figure(thetaPerDay)} a day, rho ${figure(rhoPerPoint)} a point`
}

function thresholdLines(answer: MarginAnswer): readonly string[] {
  const { liquidationDown, liquidationUp, defaultDown, defaultUp } = thresholdsJson(answer)
  const spot = spotOf(answer)
  const at = (level: number | null): string => {
    if (level === null) return 'none inside the grid'
    if (level === spot) return `already (${priceWords(level)})`
    return `${priceWords(level)} (${level < spot ? '−' : '+'}${Math.abs(100 * (level / spot - 1)).toFixed(1)} %)`
  }
  const probability = Number(answer.thresholds.defaultProbabilityX32) / 2 ** 32
  return [
    ...(answer.rest === undefined ? [] : ['If only this market moves:']),
    `Liquidation   on a fall: ${at(liquidationDown)}; on a rise: ${at(liquidationUp)}`,
    `Default       on a fall: ${at(defaultDown)}; on a rise: ${at(defaultUp)}; probability over the horizon ${short(100 * probability)} %`,
  ]
}

/** A derivation as people read it, part by part. */
export function formatSteps(steps: readonly Step[]): string {
  const width = (text: (step: Step) => string): number => Math.max(...steps.map((step) => text(step).length))
  const [names, values] = [width(({ name }) => name), width(({ value }) => value)]
  const line = ({ name, value, rounding, formula }: Step): string =>
    `  ${name.padEnd(names)}  ${value.padStart(values)}  ${rounding.padEnd('nearest'.length)}  ${formula}`
  const parts = [...new Set(steps.map(({ part }) => part))]
  return parts.map((part) => [part, ...steps.filter((step) => step.part === part).map(line)].join('\n')).join('\n\n')
}

/** Spot of an answer's market, of one unit. */
export const spotOf = ({ portfolio: { market } }: Pick<MarginAnswer, 'portfolio'>): number =>
  unitPrice(market.spotE8, unitsOfMarket(market))

/** Said where words hold prices of more or less than one unit. */
function scaleLine({ portfolio: { market } }: MarginAnswer): readonly string[] {
  const units = unitsOfMarket(market)
  if (isOneUnit(units)) return []
  return [
    `Prices and quantities are of one unit; words hold them of ${unitsWords(units)}, which the market has to be governed in (priceUnits ${unitsText(units)}).`,
  ]
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`
const short = (value: number): string => String(Number(value.toPrecision(4)))
const figure = (value: number): string => (value === 0 ? '0' : value.toPrecision(6)).replace('-', '−')

/** Neither a portfolio nor a case is named, or both are. */
export class AccountChoiceError extends UsageError {
  readonly code = 'service.account-choice'

  constructor() {
    super('Expected either a portfolio file or --derive-case <file>.')
  }
}

/** There is such a thing, but no file that can be read. */
export class PortfolioUnreadableError extends ProverError {
  readonly code = 'service.portfolio-unreadable'
  readonly file: string

  constructor(file: string, cause: unknown) {
    const isFolder = (cause as { readonly code?: unknown }).code === 'EISDIR'
    const got = isFolder ? 'got a folder. Name the file in it' : 'it cannot be read. Check its permissions'
    super(`${file}: expected a portfolio as JSON, ${got}.`, { cause })
    this.file = file
  }
}

/** There is no such file. */
export class PortfolioFileMissingError extends ProverError {
  readonly code = 'service.portfolio-missing'
  readonly file: string

  constructor(file: string) {
    super(`${file}: expected a portfolio as JSON, found no file. Check the path; docs/portfolio.md has an example.`)
    this.file = file
  }
}
