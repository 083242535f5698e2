/** HTML reports of the demo and of `zkrisk params --html`. */
import { backtest } from '../../parameters/backtest.ts'
import { defaultPolicy } from '../../parameters/defaultPolicy.ts'
import { type ReplaySeries, replay } from '../../parameters/replay.ts'
import type { Units } from '../../market/priceScale.ts'
import type { Circle } from '../development/circle.ts'
import type { MarketHistory } from '../development/engine.ts'
import type { ProvenStep } from './provenReplay.ts'
import { keptCrashSections } from './crashStudies.ts'
import { fixedMargins } from '../report/crashes.ts'
import { type ReportSection, writeReport } from '../report/report.ts'

/** Verdict of the audit on the batch of a transaction. */
export type VerdictOf = (transactionHash: string) => 'pass' | 'fail'

/**
 * Writes the demo's report: the proven hours among those that the twin followed, then the crashes of other years where
 * their prices are at hand.
 *
 * @param circle - what happened in it, where it was run
 */
export function writeDemoReport(
  file: string,
  warmUps: readonly MarketHistory[],
  steps: readonly ProvenStep[],
  verdictOf: VerdictOf,
  circle?: Pick<Circle, 'lines' | 'accepted'>,
): void {
  const proven = warmUps.map((history) => provenSection(history, steps, verdictOf))
  const told =
    circle && ({ kind: 'circle', title: 'The circle', lines: circle.lines, isAccepted: circle.accepted } as const)
  writeReport(file, [...proven, ...(told === undefined ? [] : [told]), ...keptCrashSections(defaultPolicy)])
}

/**
 * Writes a report of one replayed history.
 *
 * @param under - which model and policy, in words
 * @param units - of the asset, that the series' prices are of
 */
export function writeReplayReport(
  file: string,
  market: string,
  series: ReplaySeries,
  under: string,
  units: Units,
): void {
  const result = backtest(series)
  const fixed = fixedMargins(result, series.policy)
  const sections: readonly ReportSection[] = [
    { kind: 'window', title: market, note: `Computed by the twin ${under}; not proven.`, series, fixed, units },
    { kind: 'backtest', title: `${market} backtest`, backtest: result },
  ]
  writeReport(file, sections, { title: `Risk parameters of ${market}` })
}

function provenSection(
  { name, rows }: MarketHistory,
  steps: readonly ProvenStep[],
  verdictOf: VerdictOf,
): ReportSection {
  const mine = steps.flatMap((step) =>
    step.markets.filter((market) => market.name === name).map((market) => ({ step, market })),
  )
  const series = replay([...rows, ...mine.map(({ market }) => market.observation)], defaultPolicy)
  return {
    kind: 'window',
    title: `${name}, proven on chain`,
    note: 'Marked publications were proven, put in force by the registry contract, and audited by this run.',
    series,
    proven: mine.map(({ step, market }) => ({
      asOf: market.observation.asOf,
      sequence: market.sequence,
      transactionHash: step.transactionHash,
      verdict: verdictOf(step.transactionHash),
    })),
  }
}
