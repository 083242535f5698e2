/** Accounts over several markets: a file is taken apart into one file a market. */
import { MixedMarketError } from './checks.ts'
import { exactField, nearest } from './exact.ts'
import { fractionField } from './fractions.ts'
import { COLLATERALS } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import {
  type Portfolio,
  type PortfolioMarket,
  type PortfolioOverMarkets,
  UnknownInstrumentError,
} from '../portfolio.ts'
import {
  currencyOfOption,
  nameOf,
  parsePortfolio,
  type PortfolioFile,
  portfolioOf,
  type ReadOptions,
  RepeatedEntryError,
  TooManyCollateralsError,
  UnknownAssetError,
} from './schema.ts'
import { thousandsNotesOf } from './thousands.ts'
import { timeOf } from './times.ts'

/**
 * Reads a portfolio file of one market or of several.
 *
 * @param text - JSON
 * @param file - what errors call it
 * @throws the errors of {@link readPortfolio}
 * @throws {@link MixedMarketError} if markets are of different times
 * @throws {@link StablePricesError}, {@link SpreadCreditError}
 */
export function readPortfolioOverMarkets(
  text: string,
  file: string,
  options: ReadOptions = {},
): Portfolio | PortfolioOverMarkets {
  return withNotes(portfolioOverMarketsOf(parsePortfolio(text, file), file, options), thousandsNotesOf(text))
}

/** What is to be said of how a file was read, with what was read. */
export const withNotes = <T extends Portfolio | PortfolioOverMarkets>(portfolio: T, notes: readonly string[]): T =>
  notes.length === 0 ? portfolio : { ...portfolio, notes: [...(portfolio.notes ?? []), ...notes] }

/** {@link readPortfolioOverMarkets} of a file of the right form, without notes. */
export function portfolioOverMarketsOf(
  stated: PortfolioFile,
  file: string,
  options: ReadOptions,
): Portfolio | PortfolioOverMarkets {
  const { markets, name = nameOf(file) } = stated
  if (markets === undefined) return portfolioOf(stated, file, options)
  const currencies = Object.keys(markets).toSorted()
  requireOneTime(markets)
  requireAllPlaced(stated, currencies)
  const partOf = (currency: string): PortfolioFile => oneMarket({ ...stated, markets }, currency, currencies)
  const [only = '', ...others] = currencies
  if (others.length === 0) {
    const { account, ...part } = partOf(only)
    return portfolioOf({ ...part, name, account: { ...account, cash: stated.account.cash } }, file, options)
  }
  const { collaterals, cash } = stated.account
  if (collaterals.length > COLLATERALS) throw new TooManyCollateralsError(collaterals.length)
  const parts = currencies.map((currency) =>
    portfolioOf({ ...partOf(currency), name: `${name}, ${currency}` }, file, options, `markets.${currency}`),
  )
  requireOneStablePrice(parts)
  return {
    name,
    cashE12: exactField('holdings', 'cashE12', cash, 'account.cash'),
    parts,
    spreadCreditsX40: spreadCreditsOf(stated.parameters.spreadCredits, currencies),
  }
}

/** A market's margin is of one settlement currency, in which cash and collateral are counted once. @throws {@link StablePricesError} */
function requireOneStablePrice(parts: readonly Portfolio[]): void {
  const [first, ...others] = parts
  const other = others.find(({ market }) => market.stablePriceE12 !== first?.market.stablePriceE12)
  if (first !== undefined && other !== undefined) throw new StablePricesError(first.market, other.market)
}

/** The most that governance may let a market offset, four fifths to the nearest unit: contracts/registry/CrossPolicy.sol. */
const MOST_CREDIT_X40 = ((4n << 40n) + 2n) / 5n

/** @throws {@link SpreadCreditError} */
function spreadCreditsOf(stated: Readonly<Record<string, string>>, currencies: readonly string[]): readonly bigint[] {
  const entry = (currency: string): string => `parameters.spreadCredits.${currency}`
  for (const currency of Object.keys(stated)) {
    if (!currencies.includes(currency))
      throw new SpreadCreditError(entry(currency), `one of ${currencies.join(', ')}`, currency)
  }
  return currencies.map((currency) => {
    const text = stated[currency] ?? '0'
    const creditX40 = fractionField('share', 'spreadCredit', 'creditX40', text, entry(currency))
    if (creditX40 > MOST_CREDIT_X40) throw new SpreadCreditError(entry(currency), 'at most 0.8', text)
    return creditX40
  })
}

type Markets = NonNullable<PortfolioFile['markets']>

function requireOneTime(markets: Markets): void {
  const times = Object.entries(markets).map(
    ([currency, { asOf }]) => [currency, timeOf(asOf, `markets.${currency}.asOf`)] as const,
  )
  const [, first = 0n] = times[0] ?? []
  for (const [currency, asOf] of times) {
    if (asOf !== first) throw new MixedMarketError(`market ${currency}`, first, asOf)
  }
}

/** What of a file is in one market, without cash. */
function oneMarket(
  { markets, account, ...rest }: PortfolioFile & { readonly markets: Markets },
  currency: string,
  currencies: readonly string[],
): PortfolioFile {
  const market = markets[currency] as Markets[string]
  if (market.currency !== undefined && market.currency !== currency) {
    throw new UnknownInstrumentError(
      `market ${currency}`,
      `it says that it is of ${market.currency}`,
      'Correct one of them.',
    )
  }
  return {
    ...rest,
    markets: undefined,
    market: { ...market, currency },
    account: {
      cash: '0',
      collaterals: account.collaterals.filter(({ asset }) => homeOf(asset, markets, currencies) === currency),
      perps: account.perps.filter((each) => (each.currency ?? only(currencies)) === currency),
      options: account.options.filter((each) => (currencyOfOption(each) ?? only(currencies)) === currency),
    },
  }
}

const only = (currencies: readonly string[]): string | undefined =>
  currencies.length === 1 ? currencies[0] : undefined

/** A collateral counts in the market of its own currency, else in the first that prices it. @throws {@link UnknownAssetError}, {@link RepeatedEntryError} */
function homeOf(asset: string, markets: Markets, currencies: readonly string[]): string {
  const priceIn = (currency: string): string | undefined =>
    markets[currency]?.collaterals.find((each) => each.asset === asset)?.price
  const pricing = currencies.filter((currency) => priceIn(currency) !== undefined)
  const [first] = pricing
  if (first === undefined) throw new UnknownAssetError(asset, 'markets.….collaterals')
  const prices = new Set(
    pricing.map((currency) =>
      nearest(priceIn(currency) ?? '', 10n ** 12n, `markets.${currency}.collaterals.${asset}.price`),
    ),
  )
  if (prices.size > 1) throw new RepeatedEntryError('markets.….collaterals', `${asset} at different prices`)
  return pricing.includes(asset) ? asset : first
}

/** @throws {@link UnknownInstrumentError} naming what is in no market */
function requireAllPlaced({ account }: PortfolioFile, currencies: readonly string[]): void {
  const held = [
    ...account.options.map(
      (each) =>
        [
          'instrument' in each ? each.instrument : `${each.expiry} ${each.strike} ${each.type}`,
          currencyOfOption(each),
        ] as const,
    ),
    ...account.perps.map(({ currency }) => [`${currency ?? ''} perpetuals`.trim(), currency] as const),
  ]
  for (const [what, currency] of held) {
    const advice = `State its currency, one of ${currencies.join(', ')}.`
    if (currency === undefined && currencies.length === 1) continue
    if (currency === undefined) throw new UnknownInstrumentError(what, 'of which market it is cannot be told', advice)
    if (!currencies.includes(currency))
      throw new UnknownInstrumentError(
        what,
        `no market of ${currency} is stated`,
        `Add it to markets, beside ${currencies.join(', ')}.`,
      )
  }
}

/** Two markets price the settlement currency differently. */
export class StablePricesError extends ProverError {
  readonly code = 'portfolio.stable-prices'
  readonly currencies: readonly [string, string]

  constructor(first: PortfolioMarket, other: PortfolioMarket) {
    const [one, another] = [first.currency ?? '', other.currency ?? '']
    const price = ({ stablePriceE12 }: PortfolioMarket): number => Number(stablePriceE12) / 1e12
    super(
      `Expected one stablePrice in all markets, since cash and collateral are in one settlement currency, got ${price(first)} in ${one} and ${price(other)} in ${another}. State the same.`,
    )
    this.currencies = [one, another]
  }
}

/** A spread credit is of no market, or more than may be governed. */
export class SpreadCreditError extends ProverError {
  readonly code = 'portfolio.spread-credit'
  readonly entry: string

  constructor(entry: string, expected: string, got: string) {
    super(`${entry}: expected ${expected}, got ${got}. Correct it, or leave it out: 0 is the default.`)
    this.entry = entry
  }
}
