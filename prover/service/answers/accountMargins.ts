/** An account's margins in its one market or over several, and what they come to together. */
import { ProverError } from '../../errors.ts'
import { amount } from '../../portfolio/amount.ts'
import { crossOf, type ProvableCross } from '../../portfolio/crossAccount.ts'
import { crossSteps, spreadCreditOf, type SpreadLeg, spreadLegs } from '../../portfolio/explainCross.ts'
import { decimalText } from '../../portfolio/input/exact.ts'
import type { Portfolio, PortfolioOverMarkets } from '../../portfolio/portfolio.ts'
import { type RealCross, realCross } from '../../portfolio/realCross.ts'
import { formatTable } from '../text/table.ts'
import { utcTime } from '../text/figures.ts'
import {
  besideRest,
  formatMargin,
  formatStanding,
  formatSteps,
  type MarginAnswer,
  marginJson,
  marginOf,
  type Standing,
  standingJson,
} from './margins.ts'

/** An account as a whole. */
export type AccountAnswer = {
  readonly name: string
  readonly asOf: bigint
  /** Over all markets, cash included. */
  readonly standing: Standing
  /** Of an account over several markets, in none of them. */
  readonly cashE12: bigint
  /** By currency where there are several. */
  readonly markets: readonly MarginAnswer[]
  /** On the file of an account over several markets; of one in one market they are its market's. */
  readonly notes: readonly string[]
  /** What markets come to together; absent of an account in one. */
  readonly together?: CrossAnswer
}

/** What is said of several markets together. */
export type CrossAnswer = {
  readonly portfolio: PortfolioOverMarkets
  /** The twin's numbers: what proofs state, word for word. */
  readonly provable: ProvableCross
  /** The same in floating point, from the formulas. */
  readonly reference: RealCross
  readonly legs: readonly SpreadLeg[]
  /** Added to both margins, quote. */
  readonly spreadCredit: number
}

/**
 * Margins of an account. Over several markets each is margined by itself, as if all of their worst scenarios came at once, and
 * what is left is added up, with what governance lets markets offset of each other: nothing by default.
 *
 * @throws the errors of {@link marginOf}
 * @example
 * const { standing, markets } = await accountAnswer(readAccountOverMarkets('portfolio.json', {}))
 * standing.initialE8 // → -204_877_541_730n
 */
export async function accountAnswer(portfolio: Portfolio | PortfolioOverMarkets): Promise<AccountAnswer> {
  if (!('parts' in portfolio)) {
    const answer = await marginOf(portfolio)
    const { asOf } = portfolio.market
    return { name: portfolio.name, asOf, standing: answer.provable.margin, cashE12: 0n, markets: [answer], notes: [] }
  }
  const { name, cashE12, parts, notes = [] } = portfolio
  const markets: MarginAnswer[] = []
  for (const part of parts) markets.push(await marginOf(part))
  const provable = crossOf(
    portfolio,
    markets.map((each) => each.provable),
  )
  const { margins, equityE8 } = provable.margin
  const standing = { initialE8: margins.initialE8, maintenanceE8: margins.maintenanceE8, equityE8 }
  const asOf = markets[0]?.portfolio.market.asOf ?? 0n
  const together: CrossAnswer = {
    portfolio,
    provable,
    reference: realCross(portfolio),
    legs: spreadLegs(portfolio, provable),
    spreadCredit: spreadCreditOf(provable),
  }
  const beside = markets.map((each) => besideRest(each, without(standing, each)))
  return { name, asOf, standing, cashE12, markets: beside, notes, together }
}

const without = (all: Standing, { provable: { margin } }: MarginAnswer): Standing => ({
  initialE8: all.initialE8 - margin.initialE8,
  maintenanceE8: all.maintenanceE8 - margin.maintenanceE8,
  equityE8: all.equityE8 - margin.equityE8,
})

/** The only market of an account; undefined if there are several. */
const onlyMarket = ({ markets }: AccountAnswer): MarginAnswer | undefined =>
  markets.length === 1 ? markets[0] : undefined

/** @throws {@link ProveOverMarketsError} if the account has several markets */
export function provableMarket(answer: AccountAnswer): MarginAnswer {
  const only = onlyMarket(answer)
  if (only === undefined) throw new ProveOverMarketsError(currenciesOf(answer))
  return only
}

/** @throws {@link ProveOverMarketsError} if an option of proofs comes with an account over several markets */
export function requireOneMarket(answer: AccountAnswer, option: string): void {
  if (onlyMarket(answer) === undefined) throw new ProveOverMarketsError(currenciesOf(answer), option)
}

const currencyOf = ({ portfolio: { market } }: MarginAnswer): string => market.currency ?? ''
const currenciesOf = ({ markets }: AccountAnswer): readonly string[] => markets.map(currencyOf)

/**
 * The answer in plain numbers; over several markets each market's own stands under its currency.
 *
 * @example
 * const { mayOpen } = accountJson(await accountAnswer(readAccountOverMarkets('portfolio.json', {})), false)
 * mayOpen // → false
 */
export function accountJson(answer: AccountAnswer, withSteps: boolean): object {
  const only = onlyMarket(answer)
  if (only !== undefined) return marginJson(only, withSteps)
  const { name, asOf, standing, cashE12, markets, notes, together } = answer
  return {
    name,
    asOf: Number(asOf),
    ...standingJson(standing),
    cash: Number(decimalText(cashE12, 10n ** 12n)),
    ...(together === undefined ? {} : togetherJson(together, withSteps)),
    notes,
    markets: Object.fromEntries(markets.map((market) => [currencyOf(market), marginJson(market, withSteps)])),
  }
}

/** What markets come to together, in plain numbers. */
function togetherJson({ portfolio, provable, reference, legs, spreadCredit }: CrossAnswer, withSteps: boolean): object {
  const { initialMargin: im, maintenanceMargin: mm } = reference
  return {
    spreadCredit: {
      credited: spreadCredit,
      markets: Object.fromEntries(legs.map(({ currency, ...leg }) => [currency, leg])),
    },
    reference: { im, mm, spreadCredit: reference.spreadCredit },
    ...(withSteps ? { steps: crossSteps(portfolio, provable) } : {}),
  }
}

export const MARKET_HEADINGS = ['market', 'equity', 'initial left', 'maintenance left', 'worst scenario'] as const

/** How an account over several markets is added up. */
export const additionWords = ({ together }: AccountAnswer): string =>
  together?.legs.some(({ credit }) => credit > 0) === true
    ? 'Each market is margined by itself and what is left is added up; where net deltas are opposite, markets offset of each other what their spread credits allow.'
    : 'Each market is margined by itself and what is left is added up: nothing offsets between currencies.'

const LEG_HEADINGS = ['spread credit', 'net delta', 'its loss', 'factor', 'credit', 'may offset', 'worst by'] as const
const SIDES = { fall: 'a fall', rise: 'a rise', none: '' } as const

/** What each market has to offset others with, where anything may offset. */
function formatLegs({ together }: AccountAnswer): readonly string[] {
  if (together === undefined || together.legs.every(({ credit }) => credit === 0)) return []
  const rows = together.legs.map(({ currency, netDelta, counted, factor, credit, offered, side }) => [
    currency,
    amount(netDelta),
    amount(-counted),
    String(factor),
    `${Number((100 * credit).toFixed(6))} %`,
    amount(offered),
    SIDES[side],
  ])
  return ['', formatTable(LEG_HEADINGS, rows)]
}

/** What each market adds to an account, then its cash and what markets offset, in the order of {@link MARKET_HEADINGS}. */
export function marketRows({ cashE12, markets, together }: AccountAnswer): readonly (readonly string[])[] {
  const cash = amount(Number(cashE12) / 1e12)
  const rows = markets.map((market) => {
    const { initialE8, maintenanceE8, equityE8 } = market.provable.margin
    const figures = [equityE8, initialE8, maintenanceE8].map((value) => amount(Number(value) / 1e8))
    return [currencyOf(market), ...figures, market.worst.words]
  })
  const credited = together?.spreadCredit ?? 0
  const credit = credited === 0 ? [] : [['spread credit', '', amount(credited), amount(credited), '']]
  return [...rows, ['cash', cash, cash, cash, ''], ...credit]
}

/**
 * The answer as people read it.
 *
 * @example
 * const text = formatAccount(await accountAnswer(readAccountOverMarkets('portfolio.json', {})), false)
 * text.includes('utilisation') // → true
 */
export function formatAccount(answer: AccountAnswer, withSteps: boolean): string {
  const only = onlyMarket(answer)
  if (only !== undefined) return formatMargin(only, withSteps)
  const { name, asOf, standing, markets, notes } = answer
  return [
    `${name}, round of ${utcTime(asOf)} UTC, over ${markets.length} markets`,
    '',
    formatStanding(standing),
    '',
    formatTable(MARKET_HEADINGS, marketRows(answer)),
    ...formatLegs(answer),
    '',
    additionWords(answer),
    ...notes.map((note) => `Note: ${note}`),
    ...(withSteps ? formatCrossSteps(answer) : []),
    ...markets.flatMap((market) => ['', '', formatMargin(market, withSteps)]),
  ].join('\n')
}

const formatCrossSteps = ({ together }: AccountAnswer): readonly string[] =>
  together === undefined ? [] : ['', formatSteps(crossSteps(together.portfolio, together.provable))]

/** An option of proofs is for accounts in one market. */
export class ProveOverMarketsError extends ProverError {
  readonly code = 'service.prove-over-markets'
  readonly currencies: readonly string[]

  /** @param option - without dashes; absent where proofs of one market were asked for */
  constructor(currencies: readonly string[], option?: string) {
    const [where, advice] =
      option === undefined
        ? ['to prove', 'Prove it over all its markets.']
        : [`with --${option}`, 'Leave the option out: `--prove` reports and proves it over all its markets.']
    super(`Expected an account in one market ${where}, got one over ${currencies.join(', ')}. ${advice}`)
    this.currencies = currencies
  }
}
