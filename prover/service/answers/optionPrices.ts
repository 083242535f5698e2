/** `zkrisk price`: one option by the exact twin, with the float reference beside it. */
import { ProverError } from '../../errors.ts'
import { isOneUnit, type Units, unitPrice, unitsFor, unitsJson, unitsWords } from '../../market/priceScale.ts'
import { type ExactOption, exactOption } from '../../options/exactOption.ts'
import { type Greeks, optionGreeks, optionValue } from '../../options/real.ts'
import { percent, quotedGreeks } from '../text/figures.ts'
import { nearest } from '../../portfolio/input/exact.ts'
import { exactFraction } from '../../portfolio/input/fractions.ts'
import { thousandsNotes } from '../../portfolio/input/thousands.ts'
import { aheadNotes, expiryOf } from '../../portfolio/input/times.ts'
import { formatTable } from '../text/table.ts'
import { UsageError } from '../text/usageError.ts'

/** Terms as they are typed; percentages may be written `65%`. */
export type PriceRequest = {
  readonly forward: string
  readonly strike: string
  readonly vol: string
  readonly days?: string | undefined
  readonly expiry?: string | undefined
  readonly asOf?: string | undefined
  readonly rate?: string | undefined
  readonly put?: boolean | undefined
}

export type PriceAnswer = {
  readonly type: 'call' | 'put'
  readonly forward: number
  readonly strike: number
  readonly secondsToExpiry: number
  readonly impliedVolatility: number
  readonly rate: number
  /** Of the asset, that the words of a proof would tell prices of; all numbers here are of one. */
  readonly units: Units
  /** On terms that somebody could read otherwise. */
  readonly readings: readonly string[]
  readonly exact: ExactOption
  readonly reference: { readonly forwardValue: number; readonly value: number; readonly greeks: Greeks }
}

const SECONDS_PER_DAY = 86_400n
const YEAR_SECONDS = 31_536_000
/** What an option may have is for {@link exactOption} to say. */
const ANY_FRACTION = { scale: 1n << 40n, least: -(1n << 100n), most: 1n << 100n }

/**
 * Value and Greeks of one option.
 *
 * @param now - unix seconds: the time where the request states an expiry and none, and what a time of its own should not be ahead of
 * @throws {@link NotDecimalError}, {@link UnitError}, {@link NotTimeError}, {@link OptionTermError}, {@link ExpiryChoiceError}, {@link AlreadyExpiredError}
 * @example
 * const { exact } = priceOption({ forward: '100', strike: '100', days: '30', vol: '50%' }, 0n)
 * Number(exact.greeks.delta.toFixed(6)) // → 0.528569
 */
export function priceOption(request: PriceRequest, now: bigint): PriceAnswer {
  const isCall = request.put !== true
  const units = unitsFor([request.forward, request.strike])
  const terms = {
    forwardE8: priceWord(request.forward, units, '--forward'),
    strikeE8: priceWord(request.strike, units, '--strike'),
    secondsToExpiry: secondsOf(request, now),
    impliedVolatilityX40: exactFraction('volatility', ANY_FRACTION, request.vol, '--vol'),
    rateX40: exactFraction('rate', ANY_FRACTION, request.rate ?? '0', '--rate'),
    isCall,
  }
  const exact = exactOption(terms)
  const real = {
    forward: unitPrice(terms.forwardE8, units),
    strike: unitPrice(terms.strikeE8, units),
    timeToExpiry: Number(terms.secondsToExpiry) / YEAR_SECONDS,
    impliedVolatility: Number(terms.impliedVolatilityX40) / 2 ** 40,
    isCall,
  }
  const rate = Number(terms.rateX40) / 2 ** 40
  const forwardValue = optionValue(real)
  return {
    type: isCall ? 'call' : 'put',
    forward: real.forward,
    strike: real.strike,
    secondsToExpiry: Number(terms.secondsToExpiry),
    impliedVolatility: real.impliedVolatility,
    rate,
    units,
    readings: [
      ...(['forward', 'strike', 'days'] as const).flatMap((name) => thousandsNotes(`--${name}`, request[name])),
      ...(request.asOf === undefined ? [] : aheadNotes('--as-of', expiryOf(request.asOf, '--as-of'), now)),
    ],
    exact: ofOneUnit(exact, units),
    reference: {
      forwardValue,
      value: forwardValue * Math.exp(-rate * real.timeToExpiry),
      greeks: optionGreeks(real),
    },
  }
}

const priceWord = (text: string, { count, parts }: Units, entry: string): bigint =>
  nearest(text, (10n ** 8n * count) / parts, entry)

/** Value and Greeks of an option on one unit, from those of one on as many as words tell prices of. */
function ofOneUnit(exact: ExactOption, { count, parts }: Units): ExactOption {
  const units = Number(count) / Number(parts)
  const { delta, gamma, vega, theta, rho } = exact.greeks
  return {
    ...exact,
    forwardValue: exact.forwardValue / units,
    value: exact.value / units,
    greeks: { delta, gamma: gamma * units, vega: vega / units, theta: theta / units, rho: rho / units },
  }
}

function secondsOf({ days, expiry, asOf }: PriceRequest, now: bigint): bigint {
  if ((days === undefined) === (expiry === undefined)) throw new ExpiryChoiceError()
  if (days !== undefined) return nearest(days, SECONDS_PER_DAY, '--days')
  const [start, end] = [asOf === undefined ? now : expiryOf(asOf, '--as-of'), expiryOf(expiry ?? '', '--expiry')]
  if (end < start) throw new AlreadyExpiredError(end, start)
  return end - start
}

/** What `--json` prints: `price` is discounted, all else is not. */
export function priceJson(answer: PriceAnswer): object {
  const { exact, reference, units, readings: _, ...terms } = answer
  const { forwardValue, value, greeks } = exact
  return {
    ...terms,
    ...unitsJson(units),
    price: value,
    forwardValue,
    discount: Number(exact.discountX40) / 2 ** 40,
    ...quotedGreeks(greeks),
    notes: remarks(answer),
    reference: { value: reference.value, forwardValue: reference.forwardValue, ...quotedGreeks(reference.greeks) },
  }
}

/** The answer as people read it. */
export function formatPrice(answer: PriceAnswer): string {
  const { exact, reference, type } = answer
  const days = answer.secondsToExpiry / Number(SECONDS_PER_DAY)
  const [twin, real] = [quotedGreeks(exact.greeks), quotedGreeks(reference.greeks)]
  const rows: readonly (readonly [string, number, number])[] = [
    ['value today, discounted', exact.value, reference.value],
    ['value on the forward, undiscounted', exact.forwardValue, reference.forwardValue],
    ['delta', twin.delta, real.delta],
    ['gamma, per unit of forward', twin.gamma, real.gamma],
    ['vega, per volatility point', twin.vegaPerPoint, real.vegaPerPoint],
    ['theta, per day', twin.thetaPerDay, real.thetaPerDay],
    ['rho, per point of rate', twin.rhoPerPoint, real.rhoPerPoint],
  ]
  return [
    `${type === 'call' ? 'Call' : 'Put'} struck at ${answer.strike}, forward ${answer.forward}, ${Number(days.toFixed(4))} days, ` +
      `volatility ${percent(answer.impliedVolatility)}, rate ${percent(answer.rate)}`,
    '',
    formatTable(
      ['', 'twin', 'float reference', 'difference'],
      rows.map(([name, exactly, really]) => [
        name,
        figure(exactly),
        figure(really),
        (exactly - really).toExponential(1),
      ]),
    ),
    '',
    ...remarks(answer),
  ].join('\n')
}

/** What the numbers do not say of themselves. */
function remarks({ exact, rate, readings, forward, strike, impliedVolatility, units }: PriceAnswer): readonly string[] {
  const isTiny = impliedVolatility > 0 && impliedVolatility < TINY_VOLATILITY
  return [
    ...readings,
    ...(isTiny
      ? [
          `A volatility of ${percent(impliedVolatility)} is next to none: did you mean ${percent(100 * impliedVolatility, 0)}?`,
        ]
      : []),
    ...(isOneUnit(units)
      ? []
      : [`Priced as an option on ${unitsWords(units)}, which the words of a proof hold; all numbers are of one.`]),
    'Only the value today is discounted: Greeks are those of the undiscounted value on the forward. The twin’s undiscounted numbers are what circuits prove.',
    ...(rate < 0 ? ['Margins and their proofs count a negative rate as 0.'] : []),
    ...(exact.totalVolatilityX40 === 0n && forward === strike
      ? ['At the money without time or volatility a call counts as exercised: its delta is 1, a put’s 0.']
      : []),
  ]
}

/** Less than any currency's that has options: likelier a fraction that was written with a per cent sign. */
const TINY_VOLATILITY = 0.01

const figure = (value: number): string =>
  value === 0
    ? '0'
    : value
        .toPrecision(12)
        .replace(/(\.\d*?)0+(e|$)/, '$1$2')
        .replace(/\.(e|$)/, '$1')

/** Neither a number of days nor an expiry is given, or both are. */
export class ExpiryChoiceError extends UsageError {
  readonly code = 'service.expiry-choice'

  constructor() {
    super('Expected either --days <number> or --expiry <time>.')
  }
}

/** The option expired before the time it is to be priced at. */
export class AlreadyExpiredError extends ProverError {
  readonly code = 'service.already-expired'
  readonly expiry: bigint
  readonly asOf: bigint

  constructor(expiry: bigint, asOf: bigint) {
    const iso = (time: bigint): string => new Date(Number(time) * 1000).toISOString().replace('.000Z', 'Z')
    super(`Expected an expiry at or after ${iso(asOf)}, got ${iso(expiry)}. State another --as-of to price the past.`)
    this.expiry = expiry
    this.asOf = asOf
  }
}
