/** `zkrisk params`: parameters through time by the twin alone. */
import { encodePolicy, policyLabel, policyWords } from '../../parameters/policyFile.ts'
import { replay } from '../../parameters/replay.ts'
import { volatilityModels } from '../../volatility/models.ts'
import { formatParameters, type TableOptions } from '../text/table.ts'
import { contentFor, type HistoryOptions, readHistory } from './histories.ts'
import { type PolicyAsked, policyAsked } from './policies.ts'

export type ParamsOptions = PolicyAsked & {
  readonly prices: HistoryOptions
  readonly market: string
  readonly every?: number | undefined
  readonly rows?: number | undefined
  readonly format?: TableOptions['format']
  /** HTML report to write. */
  readonly html?: string | undefined
  /** Hears how the file was read. */
  readonly say: (line: string) => void
}

/**
 * Text of the parameters that proofs over this price history would have published under a policy, the default one unless
 * another is asked for.
 *
 * @throws the errors of {@link policyAsked}, {@link readHistory} and {@link replay}
 */
export async function parametersOf(file: string, options: ParamsOptions): Promise<string> {
  const policy = policyAsked(options)
  const { volatilityModel, engine } = policy
  const { say, prices } = options
  const { rows, units } = readHistory(file, prices, {
    say,
    horizonSeconds: engine.horizonSeconds,
    content: contentFor([volatilityModel]),
  })
  const model = volatilityModels[volatilityModel]
  const series = replay(rows, encodePolicy(policy), { every: options.every, model })
  const under = `under ${volatilityModel} and ${policyWords(policy)}`
  if (options.html !== undefined) {
    const { writeReplayReport } = await import('./reports.ts')
    writeReplayReport(options.html, options.market, series, under, units)
  }
  return formatParameters(series.points, {
    format: options.format,
    maxRows: options.rows,
    title: `Risk parameters of ${options.market} ${under} (twin only, not proven)`,
    units,
    under: { volatilityModel, policy: policyLabel(policy) },
  })
}
