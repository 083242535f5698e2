/** `zkrisk params`: parameters through time by the twin alone. */
import { DEFAULT_VOLATILITY_MODEL } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { type PriceOptions, readPriceFile } from '../../market/prices.ts'
import { parseTime } from '../../market/time.ts'
import { defaultPolicy, withStartingWords } from '../../parameters/defaultPolicy.ts'
import { replay } from '../../parameters/replay.ts'
import { volatilityModel } from '../../volatility/models.ts'
import { priceNotes } from '../text/priceNotes.ts'
import { formatParameters, type TableOptions } from '../text/table.ts'

export type ParamsOptions = {
  readonly prices: PriceOptions & { readonly fromText?: string; readonly toText?: string }
  readonly market: string
  readonly every?: number | undefined
  /** Volatility model; the default one unless another is named. */
  readonly model?: string | undefined
  readonly rows?: number | undefined
  readonly format?: TableOptions['format']
  /** HTML report to write. */
  readonly plot?: string | undefined
  /** Hears how the file was read. */
  readonly say: (line: string) => void
}

/**
 * Text of the parameters that proofs over this price history would have published under the default policy.
 *
 * @throws the errors of {@link readPriceFile} and {@link replay}; {@link TimeOptionError}; {@link UnknownModelError}
 */
export async function parametersOf(file: string, options: ParamsOptions): Promise<string> {
  const { fromText, toText, ...prices } = options.prices
  const model = volatilityModel(options.model ?? DEFAULT_VOLATILITY_MODEL)
  // A model that reads no range takes files whose highs and lows are wrong.
  const content = model.name === 'rangeMixture' ? 'bars' : 'closes'
  const wanted = { ...prices, from: timeOption('from', fromText), to: timeOption('to', toText) }
  const read = readPriceFile(file, wanted, content)
  for (const line of priceNotes(file, read)) options.say(line)
  const { rows } = read
  const series = replay(rows, withStartingWords(model, defaultPolicy), { every: options.every, model })
  if (options.plot !== undefined) {
    const { writeReplayReport } = await import('./reports.ts')
    writeReplayReport(options.plot, options.market, series)
  }
  const under = model.name === DEFAULT_VOLATILITY_MODEL ? '' : ` under ${model.name}`
  const title = `Risk parameters of ${options.market}${under} (twin only, not proven)`
  return formatParameters(series.points, { format: options.format, maxRows: options.rows, title })
}

/** A time on the command line, unix seconds. @throws {@link TimeOptionError} */
export function timeOption(option: string, text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined
  const time = parseTime(text)
  if (time === undefined) throw new TimeOptionError(option, text)
  return time
}

/** A time on the command line is none. */
export class TimeOptionError extends ProverError {
  readonly code = 'service.time-option'
  readonly option: string
  readonly value: string

  constructor(option: string, value: string) {
    super(`Expected --${option} as YYYY-MM-DD, YYYY-MM-DD HH:MM:SS or unix seconds, got "${value}".`)
    this.option = option
    this.value = value
  }
}
