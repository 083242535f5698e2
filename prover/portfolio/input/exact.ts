/** Decimals of files become the exact integers of statement words here, and nowhere else. */
import { type WordName, words } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { type Decimal, parseDecimal, scaleDecimal } from '../../market/decimal.ts'
import { UNLIMITED_SIZE } from './defaultParameters.ts'

/** Name of a field of a packed word. */
export type FieldName<W extends WordName> = (typeof words)[W]['fields'][number]['name']

/** A field's scale, width and range, from its declaration. */
export type FieldRange = { readonly scale: bigint; readonly least: bigint; readonly most: bigint }

/** Range of a field; its scale is the suffix of its name. */
export function fieldRange<W extends WordName>(word: W, name: FieldName<W>): FieldRange {
  const fields: readonly { readonly name: string; readonly bits: number; readonly signed?: true }[] = words[word].fields
  const field = fields.find((each) => each.name === name)
  if (field === undefined) throw new TypeError(`${word} has no field ${name}`)
  const bits = BigInt(field.bits)
  const [least, end] = field.signed === true ? [-(1n << (bits - 1n)), 1n << (bits - 1n)] : [0n, 1n << bits]
  return { scale: scaleOf(name), least, most: end - 1n }
}

/** `priceE12` → 10^12, `rateX40` → 2^40, `expiry` → 1. */
function scaleOf(name: string): bigint {
  const [, kind, digits = '0'] = /([EX])(\d+)$/.exec(name) ?? []
  if (kind === undefined) return 1n
  return kind === 'E' ? 10n ** BigInt(digits) : 1n << BigInt(digits)
}

/**
 * A decimal number as a field of a word, to the nearest unit, halves away from zero.
 *
 * @param entry - where it stands, such as `market.spot`; what errors call it
 * @throws {@link NotDecimalError}, {@link ValueRangeError}
 */
export function exactField<W extends WordName>(word: W, name: FieldName<W>, text: string, entry: string): bigint {
  return exactIn(fieldRange(word, name), text, entry)
}

/**
 * Several fields of one word from an object of decimals.
 *
 * @param names - the object's key of each field
 */
export function exactFields<W extends WordName, N extends FieldName<W>, S extends string>(
  word: W,
  source: Readonly<Record<S, string>>,
  entry: string,
  names: Readonly<Record<N, S>>,
): Readonly<Record<N, bigint>> {
  const fields = Object.entries(names) as [N, S][]
  const read = fields.map(([name, key]) => [name, exactField(word, name, source[key], `${entry}.${key}`)] as const)
  return Object.fromEntries(read) as Record<N, bigint>
}

/** {@link exactField} of a price of one unit, in a word that holds prices of 10^priceScale. */
export function exactPrice<W extends WordName>(
  word: W,
  name: FieldName<W>,
  text: string,
  entry: string,
  priceScale = 0,
): bigint {
  return exactIn(scaledBy(fieldRange(word, name), priceScale), text, entry)
}

/** {@link exactField} of a number of units, in a word that counts 10^priceScale as one. */
export const exactAmount = <W extends WordName>(
  word: W,
  name: FieldName<W>,
  text: string,
  entry: string,
  priceScale = 0,
): bigint => exactPrice(word, name, text, entry, -priceScale)

const scaledBy = ({ scale, ...range }: FieldRange, power: number): FieldRange => ({
  ...range,
  scale: power < 0 ? scale / 10n ** BigInt(-power) : scale * 10n ** BigInt(power),
})

/** Sizes reach as far as amounts do. */
const sizes: FieldRange = { scale: 10n ** 12n, least: 0n, most: (1n << 62n) - 1n }

/** From which size on a position is concentrated, down to whole units of 2^32·10^-12. */
export function exactSizeQ(text: string, entry: string, priceScale = 0): bigint {
  // No size at all is none of fewer units either.
  const range = text === UNLIMITED_SIZE ? sizes : scaledBy(sizes, -priceScale)
  const decimal = decimalOf(text, entry)
  const { numerator, denominator } = scaleDecimal(decimal, range.scale)
  // Not to the nearest 10^-12 first, which may be a whole unit above.
  const sizeE12 = decimal.negative ? -((numerator + denominator - 1n) / denominator) : numerator / denominator
  return within(range, sizeE12, text, entry) >> 32n
}

/** {@link exactField} with a range of its own; what has no unit may be stated in per cent, `4%`. */
export function exactIn(range: FieldRange, text: string, entry: string): bigint {
  const { scale } = range
  const hasNoUnit = (scale & (scale - 1n)) === 0n && scale > 1n
  const value = hasNoUnit ? nearestTo(fractionOf(text, entry), scale) : nearest(text, scale, entry)
  return within(range, value, text, entry)
}

/** A price has 48 bits, wherever it stands. */
const GREATEST_PRICE = (1n << 48n) - 1n
const IN_THOUSANDS =
  ' State all prices, strikes and amounts of money in thousands of the quote currency: the margins are in thousands then, too.'

function within({ scale, least, most }: FieldRange, value: bigint, text: string, entry: string): bigint {
  if (value < least || value > most) {
    const isPrice = most === GREATEST_PRICE && value > most
    const range = [grouped(decimalText(least, scale)), grouped(decimalText(most, scale))] as const
    throw new ValueRangeError(entry, text, ...range, isPrice ? IN_THOUSANDS : '')
  }
  return value
}

/** A number that may be stated in per cent. @throws {@link NotDecimalError} */
export function fractionOf(text: string, entry: string): Decimal {
  if (!text.endsWith('%')) return decimalOf(text, entry)
  const decimal = parseDecimal(text.slice(0, -1).trimEnd())
  if (decimal === undefined) throw new NotDecimalError(entry, text)
  return { ...decimal, exponent: decimal.exponent - 2 }
}

/** Thousands separated: `2814749.76` → `2,814,749.76`. */
export const grouped = (decimal: string): string =>
  decimal.replace(/\d+/, (whole) => BigInt(whole).toLocaleString('en-GB'))

/** A decimal number times a scale, to the nearest integer, halves away from zero. @throws {@link NotDecimalError} */
export const nearest = (text: string, scale: bigint, entry: string): bigint => nearestTo(decimalOf(text, entry), scale)

function decimalOf(text: string, entry: string): Decimal {
  const decimal = parseDecimal(text)
  if (decimal === undefined) throw new NotDecimalError(entry, text)
  return decimal
}

/** {@link nearest} of a number that has been read. */
export function nearestTo(decimal: Decimal, scale: bigint): bigint {
  const { numerator, denominator } = scaleDecimal(decimal, scale)
  const magnitude = (2n * numerator + denominator) / (2n * denominator)
  return decimal.negative ? -magnitude : magnitude
}

/** An exact value as a decimal of at most `decimals` digits after the point, rounded down (towards minus infinity). */
export function decimalText(value: bigint, scale: bigint, decimals = 12): string {
  const unit = 10n ** BigInt(decimals)
  const product = value * unit
  const whole = product / scale - (product % scale < 0n ? 1n : 0n)
  const digits = (whole < 0n ? -whole : whole).toString().padStart(decimals + 1, '0')
  const text = decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`
  const short = text.includes('.') ? text.replace(/\.?0+$/, '') : text
  return whole < 0n ? `-${short}` : short
}

/** An entry is no decimal number. */
export class NotDecimalError extends ProverError {
  readonly code = 'portfolio.not-decimal'
  readonly entry: string
  readonly value: string

  constructor(entry: string, value: string) {
    const advice = value.includes(',') ? ' Write it without thousands separators, with a decimal point.' : ''
    super(`${entry}: expected a decimal number, got "${value}".${advice}`)
    this.entry = entry
    this.value = value
  }
}

/** An entry lies outside what the engine can hold. */
export class ValueRangeError extends ProverError {
  readonly code = 'portfolio.value-range'
  readonly entry: string
  readonly value: string

  constructor(entry: string, value: string, least: string, most: string, advice: string) {
    super(`${entry}: expected a number from ${least} to ${most}, got ${value}.${advice}`)
    this.entry = entry
    this.value = value
  }
}
