/** Fractions of one as people write them, `0.04` or `4%`; what can only be another unit is refused with what was meant. */
import type { WordName } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import type { Decimal } from '../../market/decimal.ts'
import {
  decimalText,
  exactIn,
  type FieldName,
  type FieldRange,
  fieldRange,
  fractionOf,
  grouped,
  nearestTo,
} from './exact.ts'

/** A kind of fraction, and from which size on one without a per cent sign can only be of another unit. */
type FractionKind = {
  readonly words: string
  /** Whole units of one. */
  readonly below: bigint
  /** What it may be without a per cent sign, where that is less. */
  readonly atMost?: bigint
}

const kinds = {
  rate: { words: 'a yearly rate below 100 %', below: 1n },
  volatility: { words: 'a volatility below 500 %', below: 5n },
  factor: { words: 'a factor below 10', below: 10n },
  share: { words: 'a fraction of at most 1', below: 2n, atMost: 1n },
} as const satisfies Record<string, FractionKind>

export type Fraction = keyof typeof kinds

/** Digits of a fraction that decide whether it is plain. */
const FINE = 10n ** 15n

/**
 * A fraction to the nearest unit of a range, halves away from zero.
 *
 * @param text - `0.65` or `65%`; a per cent sign lets any size pass
 * @throws {@link NotDecimalError}, {@link UnitError}, {@link ValueRangeError}
 */
export function exactFraction(kind: Fraction, range: FieldRange, text: string, entry: string): bigint {
  if (text.endsWith('%')) return exactIn(range, text, entry)
  const decimal = fractionOf(text, entry)
  const { atMost }: FractionKind = kinds[kind]
  if (!isPlain(kinds[kind], decimal)) refuse(kind, entry, text, decimal)
  const most = atMost === undefined || atMost * range.scale > range.most ? range.most : atMost * range.scale
  return exactIn({ ...range, most }, text, entry)
}

/** {@link exactFraction} as a field of a word. */
export const fractionField = <W extends WordName>(
  kind: Fraction,
  word: W,
  name: FieldName<W>,
  text: string,
  entry: string,
): bigint => exactFraction(kind, fieldRange(word, name), text, entry)

/** Several of one kind as fields of one word, from an object. @param names - the object's key of each field */
export function fractionFields<W extends WordName, N extends FieldName<W>, S extends string>(
  kind: Fraction,
  word: W,
  source: Readonly<Record<S, string>>,
  entry: string,
  names: Readonly<Record<N, S>>,
): Readonly<Record<N, bigint>> {
  const fields = Object.entries(names) as [N, S][]
  const read = fields.map(([name, key]) => [name, fractionField(kind, word, name, source[key], `${entry}.${key}`)])
  return Object.fromEntries(read) as Record<N, bigint>
}

const isPlain = ({ below }: FractionKind, decimal: Decimal): boolean =>
  nearestTo({ ...decimal, negative: false }, FINE) < below * FINE

/** The decimal over a power of ten. */
const over = (decimal: Decimal, power: number): Decimal => ({ ...decimal, exponent: decimal.exponent - power })

/** What a number that is too large as a fraction would be in per cent, else in basis points. */
function meantBy(kind: Fraction, decimal: Decimal): { readonly unit: string; readonly value: Decimal } | undefined {
  const units = [
    { unit: '%', value: over(decimal, 2) },
    { unit: 'basis points', value: over(decimal, 4) },
  ]
  return units.find(({ value }) => isPlain(kinds[kind], value))
}

const textOf = (decimal: Decimal): string => decimalText(nearestTo(decimal, FINE), FINE, 15)

/** @throws {@link UnitError} */
function refuse(kind: Fraction, entry: string, text: string, decimal: Decimal): never {
  const meant = meantBy(kind, decimal)
  const percent = (each: Decimal): string => textOf({ ...each, exponent: each.exponent + 2 })
  const expected = `${kinds[kind].words}, where 0.04 is 4 % (this would be ${grouped(percent(decimal))} %)`
  if (meant === undefined) throw new UnitError(entry, text, expected)
  throw new UnitError(entry, text, expected, meant.unit, `${textOf(meant.value)} or ${percent(meant.value)}%`)
}

/** A number can only be of another unit than its entry has. */
export class UnitError extends ProverError {
  readonly code = 'portfolio.unit'
  readonly entry: string
  readonly value: string
  /** What was probably meant, in the entry's unit; absent if no unit makes sense of it. */
  readonly meant?: string

  /** @param unit - that the value would make sense in */
  constructor(entry: string, value: string, expected: string, unit?: string, meant?: string) {
    const advice = unit === undefined ? '' : ` Did you mean ${value} ${unit}? Write ${meant}.`
    super(`${entry}: expected ${expected}, got ${value}.${advice}`)
    this.entry = entry
    this.value = value
    if (meant !== undefined) this.meant = meant
  }
}
