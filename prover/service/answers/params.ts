/** `zkrisk params`: parameters through time by the twin alone. */
import type { PriceRow } from '../../market/prices.ts'
import { encodePolicy, policyLabel, policyWords, type StatedPolicy } from '../../parameters/policyFile.ts'
import { replay } from '../../parameters/replay.ts'
import { volatilityModels } from '../../volatility/models.ts'
import { formatParameters, type TableOptions } from '../text/table.ts'
import { spacingSeconds } from './models.ts'
import { type HistoryOptions, type PolicyAsked, policyAsked, readHistory } from './policies.ts'

export type ParamsOptions = PolicyAsked & {
  readonly prices: HistoryOptions
  readonly market: string
  readonly every?: number | undefined
  readonly rows?: number | undefined
  readonly format?: TableOptions['format']
  /** HTML report to write. */
  readonly html?: string | undefined
}

/**
 * Text of the parameters that proofs over this price history would have published under a policy, the default one unless
 * another is asked for.
 *
 * @throws the errors of {@link policyAsked}, {@link readHistory} and {@link replay}
 */
export async function parametersOf(file: string, options: ParamsOptions): Promise<string> {
  const policy = policyAsked(options)
  const { volatilityModel } = policy
  const rows = readHistory(file, options.prices, [volatilityModel])
  const model = volatilityModels[volatilityModel]
  const series = replay(rows, encodePolicy(policy), { every: options.every, model })
  const under = `under ${volatilityModel} and ${policyWords(policy)}${spacingRemark(rows, policy)}`
  if (options.html !== undefined) {
    const { writeReplayReport } = await import('./reports.ts')
    writeReplayReport(options.html, options.market, series, under)
  }
  return formatParameters(series.points, {
    format: options.format,
    maxRows: options.rows,
    title: `Risk parameters of ${options.market} ${under} (twin only, not proven)`,
    under: { volatilityModel, policy: policyLabel(policy) },
  })
}

/** Where rows are further apart than a horizon, predictions are tried later than they are for. */
function spacingRemark(rows: readonly PriceRow[], { engine: { horizonSeconds } }: StatedPolicy): string {
  const spacing = spacingSeconds(rows)
  if (spacing <= horizonSeconds) return ''
  return `; rows are ${spacing} s apart and predictions for ${horizonSeconds} s, so each is tried ${spacing} s later`
}
