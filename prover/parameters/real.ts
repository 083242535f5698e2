/** Name of a fixed-point value without its scale: `initialMarginX24` → `initialMargin`, `priceE8` → `price`. */
type WithoutScale<Name extends string> = Name extends `${infer Stem}X${number}`
  ? Stem
  : Name extends `${infer Stem}E8`
    ? Stem
    : Name

/** Fixed-point values as plain numbers, under their names without scale. */
export type RealValues<W> = { readonly [Name in keyof W & string as WithoutScale<Name>]: number }

/**
 * Fixed-point values as plain numbers, for people, plots and statistics; the scale is read from each name's suffix.
 *
 * Doubles hold 53 bits, so every field narrower than that keeps its exact value.
 *
 * @example
 * realValues({ initialMarginX24: 1n << 22n }) // → { initialMargin: 0.25 }
 */
export function realValues<W extends Readonly<Record<string, bigint>>>(word: W): RealValues<W> {
  const values: Record<string, number> = {}
  for (const name of Object.keys(word)) {
    const { stem, unit } = scaleOf(name)
    values[stem] = Number(word[name]) / unit
  }
  return values as RealValues<W>
}

type Scale = { readonly stem: string; readonly unit: number }
const scales = new Map<string, Scale>()

function scaleOf(name: string): Scale {
  const known = scales.get(name)
  if (known !== undefined) return known
  const [, stem = name, power] = /^(.+?)(?:X(\d+)|E8)$/.exec(name) ?? []
  const isDecimal = stem !== name && power === undefined
  const scale = { stem, unit: isDecimal ? 1e8 : 2 ** Number(power ?? 0) }
  scales.set(name, scale)
  return scale
}
