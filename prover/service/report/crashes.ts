import type { HistoryMarket, PriceHistory } from '../../market/histories.ts'
import { historyMarkets, readExtract, readLongHistory } from '../../market/histories.ts'
import { parseTime } from '../../market/time.ts'
import type { Backtest } from '../../parameters/backtest.ts'
import { backtest } from '../../parameters/backtest.ts'
import type { Policy } from '../../parameters/marketRisk.ts'
import { realValues } from '../../parameters/real.ts'
import { replay } from '../../parameters/replay.ts'
import type { ReportSection, WindowSection } from './report.ts'

const utc = (text: string): bigint => parseTime(text) ?? 0n

/** Stretches in which risk parameters were tested hardest. */
const windows = [
  { title: 'March 2020', from: utc('2020-03-08'), to: utc('2020-03-17') },
  { title: 'May 2021', from: utc('2021-05-12'), to: utc('2021-05-26') },
  { title: 'November 2022', from: utc('2022-11-04'), to: utc('2022-11-16') },
]

/**
 * Sections of a report on the crashes of March 2020, May 2021 and November 2022, and the backtest by year, for BTC and
 * ETH; March 2020 alone, from the project's extract, where the long histories are not beside the checkout.
 */
export function crashSections(policy: Policy): readonly ReportSection[] {
  const histories = historyMarkets.map((market) => readLongHistory(market))
  if (histories.some((history) => history === undefined)) return historyMarkets.map((m) => extractSection(m, policy))

  const studies = histories.filter((history) => history !== undefined).map((history) => study(history, policy))
  return [
    ...windows.flatMap((window) =>
      studies.map(({ market, series, result }) => ({
        kind: 'window' as const,
        title: `${market}, ${window.title}`,
        series,
        from: window.from,
        to: window.to,
        fixed: fixedMargins(result, policy),
      })),
    ),
    ...studies.map(({ market, result }) => ({
      kind: 'backtest' as const,
      title: `${market} backtest`,
      backtest: result,
    })),
  ]
}

function study(history: PriceHistory, policy: Policy) {
  const series = replay(history.rows, policy)
  return { market: history.market, series, result: backtest(series) }
}

function extractSection(market: HistoryMarket, policy: Policy): WindowSection {
  const { series, result } = study(readExtract(market), policy)
  return {
    kind: 'window',
    title: `${market}, March 2020`,
    note:
      'From the project’s own extract: the model starts on 8 March knowing nothing, and the fixed margin is one chosen with ' +
      'hindsight for these nine days alone.',
    series,
    fixed: fixedMargins(result, policy),
  }
}

/** Margins that a venue with fixed parameters would have asked for, with as much protection in its worst year. */
export function fixedMargins(
  { fixedMaintenanceMargin }: Backtest,
  policy: Policy,
): { readonly initialMargin: number; readonly maintenanceMargin: number } {
  const maintenanceMargin = fixedMaintenanceMargin.value
  const { initialMarginBuffer } = realValues(policy.margin)
  return { maintenanceMargin, initialMargin: maintenanceMargin * (1 + initialMarginBuffer) }
}
