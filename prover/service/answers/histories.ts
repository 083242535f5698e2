/** Price histories of files that a command names. */
import { type PriceBar, type PriceContent, type PriceOptions, readPriceFile } from '../../market/prices.ts'
import { present } from '../../market/time.ts'
import { type ModelName, volatilityModels } from '../../volatility/models.ts'
import type { Units } from '../../market/priceScale.ts'
import { priceNotes, spacingNotes } from '../text/priceNotes.ts'
import { timeOption } from './time.ts'

/** Times stay text: what reads them says which option is wrong. */
export type HistoryOptions = PriceOptions & { readonly fromText?: string; readonly toText?: string }

export type HistoryReading = {
  /** Hears how the file was read. */
  readonly say: (line: string) => void
  /** Of predictions, which rows should not be far from; left out where rows are not yet observations. */
  readonly horizonSeconds?: number | undefined
  readonly content?: PriceContent | undefined
}

/** Prices of a file, and of how many units of the asset they are. */
export type History = { readonly rows: readonly PriceBar[]; readonly units: Units }

/**
 * Prices of a file, with low and high unless closes are wanted; of as many units as they take, unless it is said of how many.
 *
 * @throws the errors of {@link readPriceFile}; {@link TimeOptionError}
 */
export function readHistory(
  file: string,
  { fromText, toText, ...prices }: HistoryOptions,
  { say, horizonSeconds, content }: HistoryReading,
): History {
  const range = { from: timeOption('from', fromText) ?? prices.from, to: timeOption('to', toText) ?? prices.to }
  const read = readPriceFile(file, { ...prices, ...range, units: prices.units ?? 'auto' }, content)
  const spacing = horizonSeconds === undefined ? [] : spacingNotes(file, spacingSeconds(read.rows), horizonSeconds)
  for (const line of [...priceNotes(file, read, prices.now ?? present()), ...spacing]) say(line)
  return { rows: read.rows, units: read.layout.units }
}

/** What models want of a file: one that reads no range takes files whose highs and lows are wrong. */
export const contentFor = (models: readonly ModelName[]): PriceContent =>
  models.some((name) => volatilityModels[name].readsRange) ? 'bars' : 'closes'

/** Median time between two rows. */
export function spacingSeconds(rows: readonly { readonly asOf: bigint }[]): number {
  const gaps = rows.slice(1).map(({ asOf }, i) => Number(asOf - (rows[i]?.asOf ?? asOf)))
  return gaps.toSorted((a, b) => a - b)[gaps.length >> 1] ?? 0
}
