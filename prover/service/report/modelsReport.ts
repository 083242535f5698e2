/** Pictures of volatility models side by side: their scores through time, and margins through a crash. */
import { ONE_UNIT, unitPrice } from '../../market/priceScale.ts'
import { DEFAULT_VOLATILITY_MODEL } from '../../../circuits/statements/index.ts'
import { parseTime } from '../../market/time.ts'
import { againstEwma, bestByScore, type JudgedModel } from '../../parameters/compareModels.ts'
import { realValues } from '../../parameters/real.ts'
import type { Prediction } from '../../parameters/score.ts'
import { predictionsOf, quantileScore } from '../../parameters/score.ts'
import { modelNames } from '../../volatility/models.ts'
import { price } from '../../portfolio/amount.ts'
import { percent, utcTime } from '../text/figures.ts'
import type { JudgedAsset } from '../answers/models.ts'
import { writeWholeFile } from '../wholeFile.ts'
import type { Chart, ChartGroup, ChartPoint } from './chart.ts'
import { chartGroup } from './chart.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'
import type { Answer, Entry, Tile } from './page.ts'
import { page } from './page.ts'

/** Days that a point of the score's curve is the mean of. */
const SCORE_DAYS = 90
const DAY = 86_400
/** More points than this are not told apart on a screen. */
const MAX_POINTS = 600

/** Colour classes of pages, one a model in the order of the table; the constant is in ink. */
const KINDS = ['fast', 'slow', 'initial', 'maintenance', 'up', 'down'] as const
export const kindOf = (name: string): string => {
  const place = (modelNames as readonly string[]).indexOf(name)
  return place < 0 ? 'ink' : (KINDS[place % KINDS.length] ?? 'ink')
}

const LEAD = [
  `Scores are quantile scores: the price of margin and of what it fell short, in one number, lower is better; means of ${SCORE_DAYS} days ` +
    'of both sides. Margins are those that each model would have published, as the exact integer twin computes them.',
  `Statements prove every model of the table. Markets are bound to ${DEFAULT_VOLATILITY_MODEL} unless governance says otherwise.`,
]

/**
 * Writes the pictures as one HTML file that needs nothing else.
 *
 * @throws {@link FileWriteError} if it cannot be written
 */
export function writeModelsReport(file: string, assets: readonly JudgedAsset[]): void {
  writeWholeFile(file, renderModelsReport(assets))
}

/** The page that {@link writeModelsReport} writes. */
export function renderModelsReport(assets: readonly JudgedAsset[]): string {
  const entries = assets.flatMap((asset, i): readonly Entry[] => [
    section(`${asset.name}, scores through time`, `scores-${i + 1}`, scoreCharts(asset)),
    section(`${asset.name}, margins through ${crashOf(asset).title}`, `crash-${i + 1}`, crashCharts(asset)),
  ])
  return page('Volatility models side by side', LEAD, entries, answerOf(assets)).markup
}

/** The best model by score, and what it is better or worse than EWMA by. */
function answerOf(assets: readonly JudgedAsset[]): Answer {
  const best = bestByScore(assets.map(({ judged }) => judged))
  const signed = (fraction: number): string => `${fraction > 0 ? '+' : ''}${percent(fraction, 1)}`
  const tiles = assets.flatMap(({ name, judged, ewma }): readonly Tile[] => {
    const mine = judged.find(({ model }) => model.name === best.name) ?? ewma
    const { scoreDown, scoreUp, worstCoverage } = againstEwma(mine, ewma)
    return [
      [`${name}: score against EWMA, down / up`, `${signed(scoreDown)} / ${signed(scoreUp)}`],
      [`${name}: furthest from α in a year`, percent(worstCoverage, 3)],
    ]
  })
  return { tiles: [['Best by score', best.name], ...tiles] }
}

function section(title: string, id: string, group: ChartGroup): Entry {
  const body: Markup = html`<section class="window" id="${id}">
<h2>${title}</h2>
${chartGroup(group)}
</section>
`
  return { id, title, body }
}

function scoreCharts({ judged, ewma }: JudgedAsset): ChartGroup {
  const curves = judged.map((each) => ({ name: each.model.name, points: scoreCurve(each) }))
  const base = curves.find(({ name }) => name === ewma.model.name)?.points ?? []
  const span = { from: base[0]?.[0] ?? 0, to: base.at(-1)?.[0] ?? 1 }
  const relative = curves.map(({ name, points }) => ({
    name,
    // Against a score of nothing there is no fraction
    points: points.flatMap(([time, score], i): readonly ChartPoint[] => {
      const other = base[i]?.[1] ?? score
      return other > 0 ? [[time, score / other - 1]] : []
    }),
  }))
  const series = (of: typeof curves) =>
    of.map(({ name, points }) => ({ label: name, kind: kindOf(name), shape: 'line' as const, points }))
  const charts: readonly Chart[] = [
    {
      title: 'Score',
      unit: `fraction of price, mean of ${SCORE_DAYS} days and both sides`,
      height: 260,
      ...span,
      figure: percent,
      fromZero: true,
      series: series(curves),
    },
    {
      title: 'Score against EWMA',
      unit: 'below 0 is better',
      height: 230,
      ...span,
      figure: (value) => percent(value, 1),
      series: series(relative),
    },
  ]
  const moments = base.map(([time], i) => {
    const figures = curves.map(({ name, points }) => `${name} ${percent(points[i]?.[1] ?? 0, 3)}`)
    return [time, [`${utcTime(time)} UTC`, ...figures].join(' · ')] as const
  })
  return { charts, moments }
}

/** Trailing means of the score of both sides; points at which {@link SCORE_DAYS} are complete, or one of all there is. */
function scoreCurve({ series, score }: JudgedModel): readonly ChartPoint[] {
  const predictions = predictionsOf(series)
  const scores = predictions.map(({ moveDown, moveUp, realised }) => {
    return (quantileScore(moveDown, -realised, score.alpha) + quantileScore(moveUp, realised, score.alpha)) / 2
  })
  const start = predictions[0]?.madeAt ?? 0
  const step = Math.max(1, Math.ceil(predictions.length / MAX_POINTS))
  const points: ChartPoint[] = []
  let sum = 0
  let oldest = 0
  for (const [i, value] of scores.entries()) {
    sum += value
    const { madeAt } = predictions[i] as Prediction
    while ((predictions[oldest] as Prediction).madeAt <= madeAt - SCORE_DAYS * DAY) sum -= scores[oldest++] as number
    const isLast = i === scores.length - 1
    const isComplete = madeAt - start >= SCORE_DAYS * DAY
    if ((isComplete && i % step === 0) || isLast) points.push([madeAt, sum / (i + 1 - oldest)])
  }
  return points
}

type Crash = { readonly title: string; readonly from: number; readonly to: number }

/** March 2020 where the history has it, else four days on either side of the deepest fall within one horizon. */
function crashOf({ rows, ewma }: JudgedAsset): Crash {
  const march = { title: 'March 2020', from: Number(parseTime('2020-03-08')), to: Number(parseTime('2020-03-17')) }
  const [first, last] = [Number(rows[0]?.asOf), Number(rows.at(-1)?.asOf)]
  if (first <= march.from && march.to - DAY <= last) return march
  const deepest = predictionsOf(ewma.series).reduce((worst, each) => (each.realised < worst.realised ? each : worst))
  const day = utcTime(deepest.madeAt).slice(0, 10)
  const [from, to] = [Math.max(first, deepest.madeAt - 4 * DAY), Math.min(last, deepest.madeAt + 4 * DAY)]
  return { title: `the days about ${day}`, from, to }
}

function crashCharts(asset: JudgedAsset): ChartGroup {
  const { from, to } = crashOf(asset)
  const shown = asset.judged.map(({ model, series }) => {
    const points = series.points.filter(({ asOf }) => from <= asOf && asOf <= to)
    return { name: model.name, points: points.map((point) => ({ point, real: realValues(point.parameters) })) }
  })
  const [reference] = shown
  const times = reference?.points.map(({ point }) => Number(point.asOf)) ?? []
  const span = { from: times[0] ?? from, to: times.at(-1) ?? to }
  type Real = (typeof shown)[number]['points'][number]['real']
  const lines = (value: (real: Real) => number, shape: 'line' | 'steps') =>
    shown.map(({ name, points }) => ({
      label: name,
      kind: kindOf(name),
      shape,
      points: points.map(({ real }, i): ChartPoint => [times[i] ?? 0, value(real)]),
    }))
  const fraction = { unit: 'fraction of notional', figure: percent, fromZero: true, ...span }
  const prices =
    reference?.points.map(
      ({ point }, i): ChartPoint => [times[i] ?? 0, unitPrice(point.priceE8, asset.units ?? ONE_UNIT)],
    ) ?? []
  const charts: readonly Chart[] = [
    {
      title: 'Price',
      unit: 'quote per base',
      height: 230,
      ...span,
      figure: price,
      series: [{ label: 'price', kind: 'ink', shape: 'line', points: prices }],
    },
    { title: 'Predicted move down', height: 260, ...fraction, series: lines((real) => real.horizonMoveDown, 'steps') },
    { title: 'Maintenance margin', height: 260, ...fraction, series: lines((real) => real.maintenanceMargin, 'steps') },
    { title: 'Initial margin', height: 260, ...fraction, series: lines((real) => real.initialMargin, 'steps') },
  ]
  const moments = times.map((time, i) => {
    const figures = shown.map(({ name, points }) => {
      const real = points[i]?.real
      return `${name} ${percent(real?.maintenanceMargin ?? 0)} / ${percent(real?.initialMargin ?? 0)}`
    })
    return [time, [`${utcTime(time)} UTC`, price(prices[i]?.[1] ?? 0), ...figures].join(' · ')] as const
  })
  return { charts, moments }
}
