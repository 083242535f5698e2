/** One option priced by the exact integers that circuits prove, without a surface or a scenario grid. */
import { ProverError } from '../errors.ts'
import { expFineDown, mulDown, sqrtDown } from '../math/index.ts'
import { CALL_BITS, GAMMA_BITS, greeks, PDF_BITS, priceCall, THETA_BITS } from './black.ts'
import type { Greeks } from './real.ts'
import { YEAR_SECONDS } from './tenor.ts'

export type ExactTerms = {
  readonly forwardE8: bigint
  readonly strikeE8: bigint
  /** 0 prices the payoff. */
  readonly secondsToExpiry: bigint
  /** Annualised. */
  readonly impliedVolatilityX40: bigint
  /** Continuously compounded, per year. Margins, and so proofs, count a negative rate as 0; it is counted here. */
  readonly rateX40: bigint
  readonly isCall: boolean
}

export type ExactOption = {
  readonly sqrtTauX40: bigint
  readonly totalVolatilityX40: bigint
  readonly discountX40: bigint
  /** Undiscounted, E8 × 2^CALL_BITS; may lie below 0 by its error. */
  readonly valueRaw: bigint
  /** Undiscounted, quote. */
  readonly forwardValue: number
  /** Discounted, quote. */
  readonly value: number
  readonly greeks: Greeks
}

const percentOf = (value: bigint): string => `${plain(value, 2 ** 40 / 100)} %`

/** What each term may be, and how people say it. */
const LIMITS = {
  forwardE8: { words: 'a forward', least: 1n, limit: 1n << 48n, inUnits: (value: bigint) => plain(value, 1e8) },
  strikeE8: { words: 'a strike', least: 1n, limit: 1n << 48n, inUnits: (value: bigint) => plain(value, 1e8) },
  secondsToExpiry: {
    words: 'a time to expiry',
    least: 0n,
    limit: 1n << 26n,
    inUnits: (value: bigint) => `${plain(value, 86_400)} days`,
  },
  impliedVolatilityX40: {
    words: 'an implied volatility',
    least: 0n,
    limit: 1n << 45n,
    inUnits: percentOf,
  },
  // Times the longest time to expiry this is just below 16, what exponentials take
  rateX40: { words: 'a rate', least: -15n << 39n, limit: 15n << 39n, inUnits: percentOf },
} as const

const plain = (value: bigint, unit: number): string =>
  (Number(value) / unit).toLocaleString('en-GB', { maximumFractionDigits: 8 })

/**
 * Value and Greeks of one option.
 *
 * @throws {@link OptionTermError} naming the term that is out of range
 * @example
 * const option = exactOption({
 *   forwardE8: 10_000_000_000n,
 *   strikeE8: 10_000_000_000n,
 *   secondsToExpiry: 2_592_000n,
 *   impliedVolatilityX40: 1n << 39n,
 *   rateX40: 0n,
 *   isCall: true,
 * })
 * Number(option.value.toFixed(6)) // → 5.713768
 */
export function exactOption(terms: ExactTerms): ExactOption {
  for (const name of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) {
    const { least, limit } = LIMITS[name]
    if (terms[name] < least || terms[name] >= limit) throw new OptionTermError(name, terms[name])
  }
  const { forwardE8, strikeE8, secondsToExpiry, isCall } = terms
  const tauX80 = (secondsToExpiry << 80n) / YEAR_SECONDS
  const sqrtTauX40 = sqrtDown(tauX80)
  const totalVolatilityX40 = mulDown(terms.impliedVolatilityX40, sqrtTauX40, 40)
  const discountX40 = expFineDown(-((tauX80 >> 40n) * terms.rateX40) >> 40n)
  const call = priceCall(forwardE8, strikeE8, totalVolatilityX40)
  const valueRaw = isCall ? call : call + ((strikeE8 - forwardE8) << BigInt(CALL_BITS))
  const forwardValue = toReal(valueRaw, CALL_BITS) / 1e8
  return {
    sqrtTauX40,
    totalVolatilityX40,
    discountX40,
    valueRaw,
    forwardValue,
    value: (forwardValue * Number(discountX40)) / 2 ** 40,
    greeks: exactGreeks(terms, sqrtTauX40, totalVolatilityX40),
  }
}

/** Greeks in plain numbers, from the raw ones that circuits prove. */
function exactGreeks(
  { forwardE8, strikeE8, secondsToExpiry, isCall }: ExactTerms,
  sqrtTauX40: bigint,
  totalVolatilityX40: bigint,
): Greeks {
  const raw = greeks(forwardE8, strikeE8, totalVolatilityX40)
  const forward = Number(forwardE8) / 1e8
  const strike = Number(strikeE8) / 1e8
  const timeToExpiry = Number(secondsToExpiry) / Number(YEAR_SECONDS)
  const delta = toReal(raw.nd1, CALL_BITS)
  const exercise = toReal(raw.kNd2, CALL_BITS) / 1e8
  return {
    delta: isCall ? delta : delta - 1,
    gamma: toReal(raw.gammaN, GAMMA_BITS) / forward,
    vega: (forward * Number(sqrtTauX40) * toReal(raw.pdf, PDF_BITS)) / 2 ** 40,
    theta: secondsToExpiry === 0n ? 0 : (-forward * toReal(raw.thetaN, THETA_BITS)) / (2 * timeToExpiry),
    rho: timeToExpiry * (isCall ? exercise : exercise - strike),
  }
}

/** A raw number as a double: its scale is beyond what a double's exponent and 53 bits should meet at once. */
function toReal(raw: bigint, fractionBits: number): number {
  const kept = 60
  const excess = Math.max(0, fractionBits - kept)
  return Number(raw >> BigInt(excess)) / 2 ** (fractionBits - excess)
}

/** A term of an option is outside what prices are defined for. */
export class OptionTermError extends ProverError {
  readonly code = 'options.term-out-of-range'
  readonly term: keyof ExactTerms
  readonly value: bigint

  constructor(term: keyof typeof LIMITS, value: bigint) {
    const { words, least, limit, inUnits } = LIMITS[term]
    super(
      `Expected ${words} of at least ${inUnits(least)} and below ${inUnits(limit)}, got ${inUnits(value)}. Nothing else can be priced, or proven.`,
    )
    this.term = term
    this.value = value
  }
}
