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

/** What stands before the fraction of a number: 93,855.79 or 93.855,79. */
export type DecimalMark = 'point' | 'comma'

/** Between groups of three digits, whatever the decimal mark: blank, no-break blanks, apostrophes. */
const NEUTRAL_GROUPS = " \u00a0\u202f'’"

/**
 * Which decimal mark numbers of one file were written with, as far as they tell: `1,0834` has a comma, `93,855.79` a
 * point, `8,889` could be either.
 *
 * @returns `either` where commas, or more than one point a number, are all that could be both; undefined where no number
 *   has a comma or point. Where numbers contradict each other the first decides, and {@link parseGrouped} refuses the others
 */
export function decimalMarkOf(
  texts: Iterable<string>,
): DecimalMark | 'comma or groups' | 'point or groups' | undefined {
  let found: 'comma or groups' | 'point or groups' | undefined
  for (const text of texts) {
    const marks = text.replace(/[^.,]/g, '')
    if (marks === '') continue
    const last = marks.at(-1) === ',' ? 'comma' : 'point'
    const isOne = new Set(marks).size === 1
    if (!isOne) return last
    if (marks.length > 1) return last === 'comma' ? 'point' : 'comma'
    if (!/^[+-]?[1-9]\d{0,2}[.,]\d{3}$/.test(text)) return last
    if (found !== 'comma or groups') found = `${last} or groups`
  }
  return found
}

/**
 * Whether whole numbers of at most three digits stand there, as they do between numbers like 1.234 if these have groups; a longer
 * one without groups says that the others have none either.
 */
export function hasShortWhole(texts: readonly string[]): boolean {
  const whole = texts.filter((text) => /^[+-]?\d+$/.test(text))
  return whole.length > 0 && whole.every((text) => text.replace(/^[+-]/, '').length <= 3)
}

/** {@link parseDecimal} of a number with the decimal mark that its file has, with or without groups of three digits. */
export function parseGrouped(text: string, mark: DecimalMark): Decimal | undefined {
  return parseDecimal(plainNumber(text, mark))
}

/** A number as {@link parseDecimal} reads it: groups joined, the decimal mark a point. What is no number stays none. */
export function plainNumber(text: string, mark: DecimalMark): string {
  const [point, group] = mark === 'point' ? ['.', ','] : [',', '.']
  const grouped = new RegExp(`^[+-]?\\d{1,3}([\\${group}${NEUTRAL_GROUPS}])\\d{3}(?:\\1\\d{3})*(?:\\${point}\\d*)?$`)
  const joined = grouped.test(text) ? text.replace(new RegExp(`[\\${group}${NEUTRAL_GROUPS}]`, 'g'), '') : text
  if (mark === 'point') return joined
  return joined.includes('.') ? '' : joined.replace(',', '.')
}
