/** `zkrisk price`: one option by the exact twin, with the float reference beside it. */
import { ProverError } from '../../errors.ts'
import { parseTime } from '../../market/time.ts'
import { type ExactOption, exactOption } from '../../options/exactOption.ts'
import { type Greeks, optionGreeks, optionValue } from '../../options/real.ts'
import { nearest, NotDecimalError } from '../../portfolio/input/exact.ts'
import { formatTable } from '../text/table.ts'

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
  readonly exact: ExactOption
  readonly reference: { readonly forwardValue: number; readonly value: number; readonly greeks: Greeks }
}

const SECONDS_PER_DAY = 86_400n
const YEAR_SECONDS = 31_536_000

/**
 * Value and Greeks of one option.
 *
 * @param now - unix seconds, where the request states an expiry and no time
 * @throws {@link NotDecimalError}, {@link OptionTermError}, {@link ExpiryChoiceError}, {@link AlreadyExpiredError}
 * @example
 * const { exact } = priceOption({ forward: '100', strike: '100', days: '30', vol: '50%' }, 0n)
 * Number(exact.greeks.delta.toFixed(6)) // → 0.528569
 */
export function priceOption(request: PriceRequest, now: bigint): PriceAnswer {
  const isCall = request.put !== true
  const terms = {
    forwardE8: nearest(request.forward, 10n ** 8n, '--forward'),
    strikeE8: nearest(request.strike, 10n ** 8n, '--strike'),
    secondsToExpiry: secondsOf(request, now),
    impliedVolatilityX40: fraction(request.vol, '--vol'),
    rateX40: fraction(request.rate ?? '0', '--rate'),
    isCall,
  }
  const exact = exactOption(terms)
  const real = {
    forward: Number(terms.forwardE8) / 1e8,
    strike: Number(terms.strikeE8) / 1e8,
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
    exact,
    reference: {
      forwardValue,
      value: forwardValue * Math.exp(-Math.max(rate, 0) * real.timeToExpiry),
      greeks: optionGreeks(real),
    },
  }
}

function secondsOf({ days, expiry, asOf }: PriceRequest, now: bigint): bigint {
  if ((days === undefined) === (expiry === undefined)) throw new ExpiryChoiceError()
  if (days !== undefined) return nearest(days, SECONDS_PER_DAY, '--days')
  const [start, end] = [asOf === undefined ? now : timeOf('--as-of', asOf), timeOf('--expiry', expiry ?? '')]
  if (end < start) throw new AlreadyExpiredError(end, start)
  return end - start
}

function timeOf(option: string, text: string): bigint {
  // Options expire at 08:00 UTC unless a time is given
  const time = parseTime(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text} 08:00` : text)
  if (time === undefined) throw new NotDecimalError(option, text)
  return time
}

/** `0.65` or `65%` at X40. */
function fraction(text: string, option: string): bigint {
  const isPercentage = text.endsWith('%')
  const value = nearest(isPercentage ? text.slice(0, -1).trim() : text, 1n << 40n, option)
  return isPercentage ? value / 100n : value
}

/** What `--json` prints. */
export function priceJson({ exact, reference, ...terms }: PriceAnswer): object {
  const { forwardValue, value, greeks } = exact
  return { ...terms, price: value, forwardValue, ...greeks, discount: Number(exact.discountX40) / 2 ** 40, reference }
}

/** The answer as people read it. */
export function formatPrice(answer: PriceAnswer): string {
  const { exact, reference, type } = answer
  const days = answer.secondsToExpiry / Number(SECONDS_PER_DAY)
  const rows: readonly (readonly [string, number, number])[] = [
    ['value today', exact.value, reference.value],
    ['value at expiry’s money (undiscounted)', exact.forwardValue, reference.forwardValue],
    ['delta', exact.greeks.delta, reference.greeks.delta],
    ['gamma, per unit of forward', exact.greeks.gamma, reference.greeks.gamma],
    ['vega, per volatility point', exact.greeks.vega / 100, reference.greeks.vega / 100],
    ['theta, per day', exact.greeks.theta / 365, reference.greeks.theta / 365],
    ['rho, per point of rate', exact.greeks.rho / 100, reference.greeks.rho / 100],
  ]
  return [
    `${type === 'call' ? 'Call' : 'Put'} struck at ${answer.strike}, forward ${answer.forward}, ${Number(days.toFixed(4))} days, ` +
      `volatility ${(100 * answer.impliedVolatility).toFixed(2)} %, rate ${(100 * answer.rate).toFixed(2)} %`,
    '',
    formatTable(
      ['', 'twin (what is proven)', 'float reference', 'difference'],
      rows.map(([name, twin, real]) => [name, figure(twin), figure(real), (twin - real).toExponential(1)]),
    ),
  ].join('\n')
}

const figure = (value: number): string =>
  value === 0
    ? '0'
    : value
        .toPrecision(12)
        .replace(/(\.\d*?)0+(e|$)/, '$1$2')
        .replace(/\.(e|$)/, '$1')

/** Neither a number of days nor an expiry is given, or both are. */
export class ExpiryChoiceError extends ProverError {
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
