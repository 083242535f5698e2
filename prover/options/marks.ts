/** Units of a chain: what its volatilities and marks are in, as the two tell by agreeing with each other. */
import { ChainFileError, type VolatilityUnit } from './chainRows.ts'
import { optionValue } from './real.ts'

/** Marks are in the base currency (inverse options) or in the quote currency (linear ones). */
export type MarkUnit = 'base' | 'quote'

/** What of an option is compared. */
export type MarkedQuote = {
  readonly row: number
  readonly instrument: string
  readonly currency: string
  readonly forward: number
  readonly strike: number
  /** Years. */
  readonly timeToExpiry: number
  readonly isCall: boolean
  /** As written. */
  readonly volatility: number
  readonly mark: number | undefined
}

export type ChainUnits = {
  readonly volatilityUnit: VolatilityUnit
  /** By currency. */
  readonly markUnits: ReadonlyMap<string, MarkUnit>
  /** What was found to be otherwise than names say. */
  readonly notes: readonly string[]
}

const DIVISORS: Readonly<Record<VolatilityUnit, number>> = { fraction: 1, percent: 100 }

/** Value and mark of an option agree within this share of the mark; exchanges' own differ by up to 0.07. */
const TOLERANCE = 0.25

/** So do they if the mark implies a volatility within this factor: far from the forward, prices double for a few points. */
const VOLATILITY_FACTOR = 1.75

/** Of the forward: what marks are rounded by or polled late. */
const MARK_NOISE = 0.002

/** Volatilities beyond these, in the middle of a file, are of another unit: 500 % as a fraction, 3 % as per cent. */
const MOST_FRACTION = 5
const LEAST_PERCENT = 3

/** A volatility as a fraction. */
export const volatilityIn = (stated: number, unit: VolatilityUnit): number => stated / DIVISORS[unit]

/** `wrong`: the mark implies another volatility altogether; `apart`: the option is worth visibly more or less than its mark. */
export type Disagreement = 'none' | 'apart' | 'wrong'

/** How a volatility and a mark disagree; without a mark they do not. */
export function disagreementOf(quote: MarkedQuote, volatility: number, unit: MarkUnit): Disagreement {
  const mark = markIn(quote, unit)
  if (mark === undefined) return 'none'
  const value = optionValue({ ...quote, impliedVolatility: volatility })
  if (Math.abs(value - mark) <= TOLERANCE * (mark + MARK_NOISE * quote.forward)) return 'none'
  const factor = (impliedVolatility(quote, unit) ?? 0) / volatility
  return factor * VOLATILITY_FACTOR >= 1 && factor <= VOLATILITY_FACTOR ? 'apart' : 'wrong'
}

/**
 * Finds the units in which volatilities and marks of a chain agree: those that its headers and names say, unless more options
 * agree in others.
 *
 * @param labelled - unit that the header says
 * @param chosen - unit that the user says, which is not doubted
 * @throws {@link VolatilityUnitError} if no option agrees in any unit, or volatilities without marks can only be of another
 */
export function unitsOf(
  file: string,
  quotes: readonly MarkedQuote[],
  labelled: VolatilityUnit,
  chosen: VolatilityUnit | undefined,
): ChainUnits {
  const stated = chosen ?? labelled
  const groups = [...Map.groupBy(quotes, ({ currency }) => currency)]
  const units: readonly VolatilityUnit[] =
    chosen === undefined && isPlausible(quotes, otherThan(stated)) ? [stated, otherThan(stated)] : [stated]
  const ways = units.map((unit) => {
    const best = groups.map(([currency, group]) => [currency, bestMarkUnit(group, currency, unit)] as const)
    return { unit, best, agreeing: best.reduce((sum, [, { agreeing }]) => sum + agreeing, 0) }
  })
  const way = ways.reduce((a, b) => (b.agreeing > a.agreeing ? b : a))
  const compared = way.best.reduce((sum, [, each]) => sum + each.compared, 0)
  if (compared > 0 && way.agreeing === 0) throw new VolatilityUnitError(file, contradiction(quotes, stated))
  if (compared === 0 && chosen === undefined) requirePlausible(file, quotes, stated)
  const converted = `Volatilities are taken as ${inWords(way.unit)}: so ${way.agreeing} of ${compared} agree with their marks, as ${inWords(stated)} ${ways[0]?.agreeing ?? 0}.`
  const turned = way.best
    .filter(([currency, { unit }]) => unit !== namedMarkUnit(currency))
    .map(
      ([currency, { unit }]) =>
        `Marks of ${currency} options are in ${unitName(currency, unit)}: so they agree with their volatilities.`,
    )
  return {
    volatilityUnit: way.unit,
    markUnits: new Map(way.best.map(([currency, { unit }]) => [currency, unit])),
    notes: [...(way.unit === stated ? [] : [converted]), ...turned],
  }
}

/** Options named `BTC_USDC-…` are linear, `BTC-…` inverse. */
export const namedMarkUnit = (currency: string): MarkUnit => (currency.includes('_') ? 'quote' : 'base')

/** What a value is in: BTC, or USDC; USD where the quote currency has no name. */
export function unitName(currency: string, unit: MarkUnit): string {
  const [base = currency, quote = 'USD'] = currency.split('_')
  return unit === 'base' ? base : quote
}

const inWords = (unit: VolatilityUnit): string =>
  unit === 'fraction' ? 'fractions (0.65 is 65 %)' : 'per cent (65 is 65 %)'

type Agreement = { readonly unit: MarkUnit; readonly agreeing: number; readonly compared: number }

function bestMarkUnit(quotes: readonly MarkedQuote[], currency: string, volatilityUnit: VolatilityUnit): Agreement {
  const named = namedMarkUnit(currency)
  const units: readonly MarkUnit[] = [named, named === 'base' ? 'quote' : 'base']
  const agreements = units.map((unit): Agreement => {
    const telling = quotes.filter((quote) => tells(quote, unit))
    const agreeing = telling.filter(
      (quote) => disagreementOf(quote, volatilityIn(quote.volatility, volatilityUnit), unit) !== 'wrong',
    )
    return { unit, agreeing: agreeing.length, compared: telling.length }
  })
  return agreements.reduce((a, b) => (b.agreeing > a.agreeing ? b : a))
}

/** Deep in the money a mark is nearly all intrinsic value and agrees with any volatility. */
function tells(quote: MarkedQuote, unit: MarkUnit): boolean {
  const { forward, strike, isCall } = quote
  const mark = markIn(quote, unit) ?? 0
  const intrinsic = Math.max(isCall ? forward - strike : strike - forward, 0)
  return mark - intrinsic > TOLERANCE * (mark + MARK_NOISE * forward)
}

function markIn({ mark, forward }: MarkedQuote, unit: MarkUnit): number | undefined {
  if (mark === undefined || !(mark > 0)) return undefined
  return unit === 'base' ? mark * forward : mark
}

/** The first option that tells, with the volatility that its mark implies. */
function contradiction(quotes: readonly MarkedQuote[], stated: VolatilityUnit): string {
  const quote = quotes.find((each) => tells(each, namedMarkUnit(each.currency)))
  if (quote === undefined) return ''
  const { row, instrument, volatility, currency, mark } = quote
  const unit = namedMarkUnit(currency)
  const implied = impliedVolatility(quote, unit)
  return (
    `row ${row}, ${instrument}: expected a volatility that its mark of ${mark} ${unitName(currency, unit)} agrees with` +
    `${implied === undefined ? '' : ` (about ${percentOf(implied)})`}, got ${volatility}, which is ${percentOf(volatilityIn(volatility, stated))} as ${inWords(stated)} ` +
    `and ${percentOf(volatilityIn(volatility, otherThan(stated)))} otherwise. Correct the column, or the marks.`
  )
}

const percentOf = (fraction: number): string => `${Number((100 * fraction).toPrecision(4))} %`

/** By bisection; undefined where no volatility gives the mark. */
function impliedVolatility(quote: MarkedQuote, unit: MarkUnit): number | undefined {
  const mark = markIn(quote, unit) ?? 0
  const valueAt = (volatility: number): number => optionValue({ ...quote, impliedVolatility: volatility })
  let [low, high] = [1e-4, 32]
  if (!(valueAt(low) < mark && mark < valueAt(high))) return undefined
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    ;[low, high] = valueAt(middle) < mark ? [middle, high] : [low, middle]
  }
  return low
}

const otherThan = (unit: VolatilityUnit): VolatilityUnit => (unit === 'fraction' ? 'percent' : 'fraction')

function medianVolatility(quotes: readonly MarkedQuote[]): number {
  const sorted = quotes.map(({ volatility }) => volatility).toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}

/** Whether volatilities can be in a unit at all. */
function isPlausible(quotes: readonly MarkedQuote[], unit: VolatilityUnit): boolean {
  const median = medianVolatility(quotes)
  return unit === 'fraction' ? median <= MOST_FRACTION : median >= LEAST_PERCENT
}

function requirePlausible(file: string, quotes: readonly MarkedQuote[], stated: VolatilityUnit): void {
  if (quotes.length === 0 || isPlausible(quotes, stated)) return
  const [median, meant] = [medianVolatility(quotes), otherThan(stated)]
  throw new VolatilityUnitError(
    file,
    `expected volatilities as ${inWords(stated)}, got ${median} in the middle; ${percentOf(volatilityIn(median, meant))} was probably meant: --volatility-unit ${meant}.`,
  )
}

/** Volatilities are not in the unit that their header says, and no other is certain. */
export class VolatilityUnitError extends ChainFileError {
  readonly code = 'options.volatility-unit'
}
