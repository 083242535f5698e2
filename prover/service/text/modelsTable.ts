import { DEFAULT_VOLATILITY_MODEL } from '../../../circuits/statements/index.ts'
import { againstEwma, bestByScore, type JudgedModel } from '../../parameters/compareModels.ts'
import { type PeriodScore, WORST } from '../../parameters/score.ts'
import { percent, utcTime } from './figures.ts'
import { type JudgedAsset, rangedShare } from '../answers/models.ts'
import { formatTable } from './table.ts'

const COLUMNS = [
  'model',
  'period',
  'predictions',
  'score down',
  'up',
  'breaches down',
  'up',
  'mean move down',
  'up',
  'median down',
  'up',
  `${WORST} worst down`,
  'up',
  'peak / trough',
  'rows',
]

/** The comparison as text for a terminal; ends with a line break. */
export function formatModels(assets: readonly JudgedAsset[]): string {
  const best = bestByScore(assets.map(({ judged }) => judged))
  return `${[
    ...assets.map(formatAsset),
    `Best by score: ${best.name} (${best.title}). Markets are bound to ${DEFAULT_VOLATILITY_MODEL} unless governance says otherwise.`,
  ].join('\n\n')}\n`
}

function formatAsset({ name, rows, judged, ewma }: JudgedAsset): string {
  const [first, last] = [rows[0]?.asOf ?? 0n, rows.at(-1)?.asOf ?? 0n]
  const share = rangedShare(rows)
  return [
    `${name}: ${utcTime(first)} to ${utcTime(last)} UTC, ${rows.length} observations, ${percent(share, 0)} with high and low`,
    `α = ${percent(ewma.score.alpha)} a side; score: mean of move + what the return exceeded it by / α, lower is better; ${WORST} worst: mean of what moves fell short in the ${WORST} worst horizons`,
    '',
    formatTable(
      COLUMNS,
      periodsOf(ewma).flatMap((period) => judged.map((each) => row(each, period))),
    ),
    '',
    'Against EWMA, on the whole',
    formatTable(
      ['model', 'score down', 'up', 'worst coverage of a year', 'shortfall down', 'up'],
      judged.map((each) => {
        const aim = againstEwma(each, ewma)
        return [
          each.model.name,
          signed(aim.scoreDown, 1),
          signed(aim.scoreUp, 1),
          `α ± ${percent(aim.worstCoverage, 3)}`,
          signed(aim.shortfallDown, 3),
          signed(aim.shortfallUp, 3),
        ]
      }),
    ),
  ].join('\n')
}

/** Names of the years and of the whole, which one year alone is. */
function periodsOf({ score }: JudgedModel): readonly string[] {
  return score.years.length === 1
    ? [score.whole.period]
    : [...score.years.map(({ period }) => period), score.whole.period]
}

function row({ model, score }: JudgedModel, period: string): readonly string[] {
  const found = [...score.years, score.whole].find((each) => each.period === period) as PeriodScore
  const { down, up } = found
  return [
    model.name,
    period,
    String(found.predictions),
    percent(down.score, 3),
    percent(up.score, 3),
    percent(down.breachRate, 3),
    percent(up.breachRate, 3),
    percent(down.meanMove),
    percent(up.meanMove),
    percent(down.medianMove),
    percent(up.medianMove),
    percent(down.shortfall),
    percent(up.shortfall),
    found.peakToTrough.toFixed(0),
    model.constraints === 0 ? '–' : String(model.constraints),
  ]
}

const signed = (fraction: number, decimals: number): string =>
  `${fraction > 0 ? '+' : ''}${percent(fraction, decimals)}`
