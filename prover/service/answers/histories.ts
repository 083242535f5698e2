/** Price histories of files that a command names. */
import { type PriceBar, type PriceContent, type PriceOptions, readPriceFile } from '../../market/prices.ts'
import { type ModelName, volatilityModels } from '../../volatility/models.ts'
import { priceNotes } from '../text/priceNotes.ts'
import { timeOption } from './time.ts'

/** Times stay text: what reads them says which option is wrong. */
export type HistoryOptions = PriceOptions & { readonly fromText?: string; readonly toText?: string }

/**
 * Prices of a file.
 *
 * @param say - hears how the file was read
 * @throws the errors of {@link readPriceFile}; {@link TimeOptionError}
 */
export function readHistory(
  file: string,
  { fromText, toText, ...prices }: HistoryOptions,
  say: (line: string) => void,
  content: PriceContent = 'bars',
): readonly PriceBar[] {
  const range = { from: timeOption('from', fromText) ?? prices.from, to: timeOption('to', toText) ?? prices.to }
  const read = readPriceFile(file, { ...prices, ...range }, content)
  for (const line of priceNotes(file, read)) say(line)
  return read.rows
}

/** What models want of a file: one that reads no range takes files whose highs and lows are wrong. */
export const contentFor = (models: readonly ModelName[]): PriceContent =>
  models.some((name) => volatilityModels[name].readsRange) ? 'bars' : 'closes'

/** Median time between two rows. */
export function spacingSeconds(rows: readonly { readonly asOf: bigint }[]): number {
  const gaps = rows.slice(1).map(({ asOf }, i) => Number(asOf - (rows[i]?.asOf ?? asOf)))
  return gaps.toSorted((a, b) => a - b)[gaps.length >> 1] ?? 0
}
