import type { Backtest, Coverage, Distribution, FixedParameter, SideCoverage } from '../../parameters/backtest.ts'
import { percent, utcTime } from './figures.ts'
import { formatTable } from './table.ts'

/** A backtest as text for a terminal; ends with a line break. */
export function formatBacktest(title: string, result: Backtest): string {
  const horizon =
    result.horizonSeconds % 3600 === 0 ? `${result.horizonSeconds / 3600} h` : `${result.horizonSeconds} s`
  return `${[
    title,
    `${utcTime(result.from)} to ${utcTime(result.to)} UTC, ${result.publications} publications; a move holds for ${horizon} ` +
      `and may be exceeded in ${percent(result.alpha)} of them, on either side`,
    '',
    formatTable(COVERAGE_COLUMNS, periodsOf(result).flatMap(coverageRows)),
    '',
    formatTable(DISTRIBUTION_COLUMNS, [
      distributionRow('horizon move down', result.moveDown),
      distributionRow('horizon move up', result.moveUp),
      distributionRow('initial margin', result.initialMargin),
      distributionRow('maintenance margin', result.maintenanceMargin),
      distributionRow('multiplier down', result.multiplierDown, (value) => value.toFixed(2)),
      distributionRow('multiplier up', result.multiplierUp, (value) => value.toFixed(2)),
    ]),
    '',
    'A fixed parameter of the same worst year',
    formatTable(FIXED_COLUMNS, [
      fixedRow('horizon move', result.fixedMove),
      fixedRow('horizon move, every year within α', result.fixedMoveWithinAlpha),
      fixedRow('maintenance margin', result.fixedMaintenanceMargin),
    ]),
    '',
    ...stepLines(result),
  ].join('\n')}\n`
}

/** Every year and the whole, or the one year there is. */
export function periodsOf({ years, whole }: Backtest): readonly Coverage[] {
  return years.length === 1 ? [whole] : [...years, whole]
}

const COVERAGE_COLUMNS = [
  'period',
  'predictions',
  'side',
  'breaches',
  'rate',
  'Kupiec p',
  'independence p',
  'conditional p',
  'Basel',
]
const DISTRIBUTION_COLUMNS = ['', 'least', '5 %', 'median', 'mean', '95 %', 'greatest', 'peak / trough']
const FIXED_COLUMNS = ['', 'fixed', 'its worst year', 'learned worst year', 'learned median is lower by']

function coverageRows(coverage: Coverage): readonly (readonly string[])[] {
  const row = (side: string, { breaches, breachRate, ...tests }: SideCoverage): readonly string[] => [
    coverage.period,
    String(coverage.predictions),
    side,
    String(breaches),
    percent(breachRate, 3),
    tests.kupiec.pValue.toFixed(3),
    tests.independence.pValue.toFixed(3),
    tests.conditionalCoverage.pValue.toFixed(3),
    tests.trafficLight,
  ]
  return [row('down', coverage.down), row('up', coverage.up)]
}

function distributionRow(
  label: string,
  of: Distribution,
  figure: (value: number) => string = percent,
): readonly string[] {
  const figures = [of.least, of.percentile5, of.median, of.mean, of.percentile95, of.greatest].map((v) => figure(v))
  return [label, ...figures, of.peakToTrough.toFixed(1)]
}

function fixedRow(label: string, fixed: FixedParameter): readonly string[] {
  return [
    label,
    percent(fixed.value),
    percent(fixed.worstYearRate, 3),
    percent(fixed.learnedWorstYearRate, 3),
    percent(fixed.saving, 0),
  ]
}

function stepLines({ steps }: Backtest): readonly string[] {
  return [
    'Largest change from one publication to the next, in fractions of notional',
    `  initial margin      +${percent(steps.initialMarginRise)}  −${percent(steps.initialMarginFall)}`,
    `  maintenance margin  +${percent(steps.maintenanceMarginRise)}  −${percent(steps.maintenanceMarginFall)}`,
    `  every change within the policy's speed limits: ${steps.withinSpeedLimits ? 'yes' : 'NO'}`,
  ]
}
