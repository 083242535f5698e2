/** An account's margins in its one market or over several, and what they come to together. */
import { ProverError } from '../../errors.ts'
import { amount } from '../../portfolio/amount.ts'
import { decimalText } from '../../portfolio/input/exact.ts'
import type { Portfolio, PortfolioOverMarkets } from '../../portfolio/portfolio.ts'
import { formatTable } from '../text/table.ts'
import { utcTime } from '../text/figures.ts'
import {
  besideRest,
  formatMargin,
  formatStanding,
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
}

/**
 * Margins of an account. Over several markets each is margined by itself, as if all of their worst scenarios came at once, and
 * what is left is added up: nothing offsets between currencies, as venues do it that margin by underlying.
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
  const sum = (of: keyof Standing): bigint =>
    markets.reduce((total, { provable: { margin } }) => total + margin[of], floorE8(cashE12))
  const standing = { initialE8: sum('initialE8'), maintenanceE8: sum('maintenanceE8'), equityE8: sum('equityE8') }
  const asOf = markets[0]?.portfolio.market.asOf ?? 0n
  const beside = markets.map((each) => besideRest(each, without(standing, each)))
  return { name, asOf, standing, cashE12, markets: beside, notes }
}

const without = (all: Standing, { provable: { margin } }: MarginAnswer): Standing => ({
  initialE8: all.initialE8 - margin.initialE8,
  maintenanceE8: all.maintenanceE8 - margin.maintenanceE8,
  equityE8: all.equityE8 - margin.equityE8,
})

/** Rounded down, as an account's own is. */
const floorE8 = (amountE12: bigint): bigint => amountE12 / 10_000n - (amountE12 % 10_000n < 0n ? 1n : 0n)

/** The only market of an account; undefined if there are several. */
const onlyMarket = ({ markets }: AccountAnswer): MarginAnswer | undefined =>
  markets.length === 1 ? markets[0] : undefined

/** @throws {@link ProveOverMarketsError} if the account has several markets */
export function provableMarket(answer: AccountAnswer): MarginAnswer {
  const only = onlyMarket(answer)
  if (only === undefined) throw new ProveOverMarketsError(currenciesOf(answer))
  return only
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
  const { name, asOf, standing, cashE12, markets, notes } = answer
  const sum = (of: (market: MarginAnswer) => number): number =>
    markets.reduce((total, market) => total + of(market), Number(cashE12) / 1e12)
  return {
    name,
    asOf: Number(asOf),
    ...standingJson(standing),
    cash: Number(decimalText(cashE12, 10n ** 12n)),
    reference: {
      im: sum(({ reference }) => reference.initialMargin),
      mm: sum(({ reference }) => reference.maintenanceMargin),
    },
    notes,
    markets: Object.fromEntries(markets.map((market) => [currencyOf(market), marginJson(market, withSteps)])),
  }
}

export const MARKET_HEADINGS = ['market', 'equity', 'initial left', 'maintenance left', 'worst scenario'] as const
export const NO_OFFSETS =
  'Each market is margined by itself and what is left is added up: nothing offsets between currencies.'

/** What each market adds to an account, then its cash, in the order of {@link MARKET_HEADINGS}. */
export function marketRows({ cashE12, markets }: AccountAnswer): readonly (readonly string[])[] {
  const cash = amount(Number(cashE12) / 1e12)
  const rows = markets.map((market) => {
    const { initialE8, maintenanceE8, equityE8 } = market.provable.margin
    const figures = [equityE8, initialE8, maintenanceE8].map((value) => amount(Number(value) / 1e8))
    return [currencyOf(market), ...figures, market.worst.words]
  })
  return [...rows, ['cash', cash, cash, cash, '']]
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
    '',
    NO_OFFSETS,
    ...notes.map((note) => `Note: ${note}`),
    ...markets.flatMap((market) => ['', '', formatMargin(market, withSteps)]),
  ].join('\n')
}

/** Only margins of one market are proven yet. */
export class ProveOverMarketsError extends ProverError {
  readonly code = 'service.prove-over-markets'
  readonly currencies: readonly string[]

  constructor(currencies: readonly string[]) {
    super(
      `Expected an account in one market to prove, got one over ${currencies.join(', ')}. Prove each market's part as a portfolio of its own; margins add up.`,
    )
    this.currencies = currencies
  }
}
