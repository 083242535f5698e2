/** `zkrisk margin`: an account's margin by the twin, its derivation, and what it looks like as JSON and as text. */
import { existsSync, readFileSync } from 'node:fs'
import { type Build, buildsOf, sizeOf } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
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
  worstScenario,
} from '../../portfolio/explain.ts'
import type { Portfolio } from '../../portfolio/portfolio.ts'
import type { RealMargin } from '../../portfolio/real.ts'
import { realMargin } from '../../portfolio/real.ts'
import { readPortfolio } from '../../portfolio/input/schema.ts'
import { utcTime } from '../text/figures.ts'
import { timeOption } from './time.ts'
import { formatTable } from '../text/table.ts'

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
}

/** Sizes of the builds that ship; a proof takes what {@link marginOf} has worked out. */
export const marginSizes: MarginSizes = {
  strikes: sizeOf(buildOf('riskArray'), 'strikes'),
  segments: sizeOf(buildOf('optionBook'), 'segments'),
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
 * Reads a portfolio, or a case in Derive's format.
 *
 * @throws {@link AccountChoiceError} unless exactly one of them is named
 * @throws {@link PortfolioFileMissingError}, {@link TimeOptionError} and the errors of {@link readPortfolio} and {@link readDeriveCase}
 * @example
 * const { name, account } = readAccount('portfolio.json', {})
 * account.options.length // → 4
 */
export function readAccount(portfolio: string | undefined, options: AccountOptions): Portfolio {
  const { deriveCase, allowArbitrage } = options
  const file = portfolio ?? deriveCase
  if (file === undefined || (portfolio !== undefined && deriveCase !== undefined)) throw new AccountChoiceError()
  if (!existsSync(file)) throw new PortfolioFileMissingError(file)
  const text = readFileSync(file, 'utf8')
  if (deriveCase !== undefined) return readDeriveCase(text, file)
  return readPortfolio(text, file, { allowArbitrage, now: timeOption('now', options.now) })
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
  }
}

const E8 = 10n ** 8n
const E12 = 10n ** 12n
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
    asOf: Number(portfolio.market.asOf),
    im: money(margin.initialE8),
    mm: money(margin.maintenanceE8),
    imExact: decimalText(margin.initialE8, E8),
    mmExact: decimalText(margin.maintenanceE8, E8),
    mayOpen: margin.initialE8 >= 0n,
    healthy: margin.maintenanceE8 >= 0n,
    worstScenario: scenarioJson(worst),
    equity: money(margin.equityE8),
    equityExact: decimalText(margin.equityE8, E8),
    terms: marginTerms(provable),
    contributions: [
      ...legs.map(({ leg, ...rest }) => ({
        leg: leg.instrument,
        expiry: Number(leg.expiry),
        strike: money(leg.strikeE8),
        type: leg.isCall ? 'call' : 'put',
        quantity: Number(decimalText(leg.quantityE12, E12)),
        ...rest,
      })),
      ...others.map(({ what, contribution }) => ({ leg: what, contribution })),
    ],
    scenarios: scenarios.filter(({ isUsed }) => isUsed).map(scenarioJson),
    greeks: greeksOf(answer),
    thresholds: thresholdsJson(answer),
    defaultProbability: Number(margin.thresholds.defaultProbabilityX32) / 2 ** 32,
    reference: { im: reference.initialMargin, mm: reference.maintenanceMargin },
    ...(withSteps ? { steps: explainSteps(portfolio, provable) } : {}),
  }
}

/** Net Greeks of the options, in the words' units as plain numbers. */
export function greeksOf({ provable: { margin } }: MarginAnswer) {
  const { spotGreeks, timeGreeks } = margin
  return {
    delta: Number(spotGreeks.deltaE12) / 1e12,
    gamma: Number(spotGreeks.gammaE20) / 1e20,
    vega: Number(spotGreeks.vegaE8) / 1e8,
    theta: Number(timeGreeks.thetaE8) / 1e8,
    rho: Number(timeGreeks.rhoE8) / 1e8,
  }
}

function thresholdsJson({ provable }: MarginAnswer) {
  const { liquidationDownE8, liquidationUpE8, defaultDownE8, defaultUpE8 } = provable.margin.thresholds
  const level = (value: bigint, none: bigint): number | null => (value === none ? null : money(value))
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
 * text.includes('Maintenance margin') // → true
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
    `${portfolio.name}, round of ${utcTime(portfolio.market.asOf)} UTC, spot ${amount(money(portfolio.market.spotE8))}`,
    '',
    `Initial margin      ${amount(money(margin.initialE8))}   ${margin.initialE8 >= 0n ? 'left: may open positions' : 'short: may not open positions'}`,
    `Maintenance margin  ${amount(money(margin.maintenanceE8))}   ${margin.maintenanceE8 >= 0n ? 'left: healthy' : 'short: may be liquidated'}`,
    `Worst scenario      ${answer.worst.words}${worstLoss < 0 ? ` (${amount(worstLoss)})` : ''}`,
    '',
    waterfall(answer),
    '',
    contributions(answer),
    '',
    greeksLine(answer),
    ...thresholdLines(answer),
    '',
    `Float reference: differs by ${difference.toExponential(1)}.`,
    ...(withSteps ? ['', formatSteps(explainSteps(portfolio, provable))] : []),
  ].join('\n')
}

/** From what the account has down to its margins, one line a term. */
function waterfall({ provable, worst, portfolio }: MarginAnswer): string {
  const { margin } = provable
  const terms = marginTerms(provable)
  const { maintenance, initial, worstLoss, initialFactor, maintenanceFactor } = terms
  const parts = Object.entries(contingencyParts) as readonly [ContingencyPart, string][]
  const both = (name: string, value: number): readonly [string, number, number] => [name, value, value]
  const lines: readonly (readonly [string, number, number])[] = [
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
  const rows = lines
    .filter(([, first, second]) => first !== 0 || second !== 0)
    .map(([name, first, second]) => [name, amount(first), amount(second)])
  const sum = ['= margin', amount(money(margin.initialE8)), amount(money(margin.maintenanceE8))]
  return formatTable(['in quote currency', 'initial', 'maintenance'], [...rows, sum])
}

function contributions({ legs, others, worst, provable }: MarginAnswer): string {
  const rows = legs
    .toSorted((a, b) => a.contribution - b.contribution)
    .map(({ leg, impliedVolatility, shockedVolatility, mark, shocked, contribution }) => [
      `${decimalText(leg.quantityE12, E12, 6).replace('-', '−')} × ${leg.instrument}`,
      percent(impliedVolatility),
      percent(shockedVolatility),
      amount(mark),
      amount(shocked),
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
  const { delta, gamma, vega, theta, rho } = greeksOf(answer)
  return `Greeks of the options: delta ${figure(delta)}, gamma ${figure(gamma)}, vega ${figure(vega / 100)} a point, theta ${figure(theta / 365)} a day, rho ${figure(rho / 100)} a point`
}

function thresholdLines(answer: MarginAnswer): readonly string[] {
  const { liquidationDown, liquidationUp, defaultDown, defaultUp } = thresholdsJson(answer)
  const spot = money(answer.portfolio.market.spotE8)
  const at = (level: number | null): string => {
    if (level === null) return 'none inside the grid'
    if (level === spot) return `already (${amount(level)})`
    return `${amount(level)} (${level < spot ? '−' : '+'}${Math.abs(100 * (level / spot - 1)).toFixed(1)} %)`
  }
  const probability = Number(answer.provable.margin.thresholds.defaultProbabilityX32) / 2 ** 32
  return [
    `Liquidation   on a fall: ${at(liquidationDown)}; on a rise: ${at(liquidationUp)}`,
    `Default       on a fall: ${at(defaultDown)}; on a rise: ${at(defaultUp)}; probability over the horizon ${short(100 * probability)} %`,
  ]
}

function formatSteps(steps: readonly Step[]): string {
  const width = (text: (step: Step) => string): number => Math.max(...steps.map((step) => text(step).length))
  const [names, values] = [width(({ name }) => name), width(({ value }) => value)]
  const line = ({ name, value, rounding, formula }: Step): string =>
    `  ${name.padEnd(names)}  ${value.padStart(values)}  ${rounding.padEnd('nearest'.length)}  ${formula}`
  const parts = [...new Set(steps.map(({ part }) => part))]
  return parts.map((part) => [part, ...steps.filter((step) => step.part === part).map(line)].join('\n')).join('\n\n')
}

/** An amount of money: cents, and more where it is small. */
export function amount(value: number): string {
  const decimals = value !== 0 && Math.abs(value) < 1 ? 6 : 2
  const text = Math.abs(value).toLocaleString('en-GB', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  })
  return value < 0 ? `−${text}` : text
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`
const short = (value: number): string => String(Number(value.toPrecision(4)))
const figure = (value: number): string => (value === 0 ? '0' : value.toPrecision(6)).replace('-', '−')

/** Neither a portfolio nor a case is named, or both are. */
export class AccountChoiceError extends ProverError {
  readonly code = 'service.account-choice'

  constructor() {
    super('Expected either a portfolio file or --derive-case <file>.')
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
