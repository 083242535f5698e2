/** A decimal number as it was written: (−1)^negative · digits · 10^exponent. */
export type Decimal = { readonly negative: boolean; readonly digits: bigint; readonly exponent: number }

/** Longer exponents are no price of anything and would only cost memory. */
const MAX_EXPONENT = 400

/**
 * Reads a decimal number exactly, with or without an exponent: `9312.5`, `.5`, `6.1e-05`.
 *
 * @returns undefined for anything else, among it `NaN`, `inf`, an empty cell and thousands separators
 */
export function parseDecimal(text: string): Decimal | undefined {
  const match = /^([+-]?)(?:(\d+)\.?(\d*)|\.(\d+))(?:[eE]([+-]?\d{1,4}))?$/.exec(text)
  if (match === null) return undefined
  const [, sign, whole = '', fraction = match[4] ?? '', , power = '0'] = match
  const exponent = Number(power) - fraction.length
  if (Math.abs(exponent) > MAX_EXPONENT || whole.length + fraction.length > MAX_EXPONENT) return undefined
  return { negative: sign === '-', digits: BigInt(whole + fraction), exponent }
}

/** |decimal| · scale as a fraction of integers, so that the caller chooses how to round. */
export function scaleDecimal(
  { digits, exponent }: Decimal,
  scale: bigint,
): { readonly numerator: bigint; readonly denominator: bigint } {
  const power = 10n ** BigInt(Math.abs(exponent))
  return exponent < 0
    ? { numerator: digits * scale, denominator: power }
    : { numerator: digits * scale * power, denominator: 1n }
}
