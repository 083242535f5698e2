import { isOneUnit, ONE_UNIT, type Units, unitsJson, unitsWords } from '../../market/priceScale.ts'
import { realValues } from '../../parameters/real.ts'
import type { ReplayPoint } from '../../parameters/replay.ts'
import { price } from '../../portfolio/amount.ts'
import { exactPrice, percent, utcTime } from './figures.ts'

/** Parameters of one publication in plain numbers; what CSV and, with units in its keys, JSON hold. */
export type ParameterRow = {
  /** ISO 8601, UTC. */
  readonly time: string
  readonly asOf: number
  /** Exact decimal. */
  readonly price: string
  readonly volatility: number
  readonly horizonMoveDown: number
  readonly horizonMoveUp: number
  readonly initialMargin: number
  readonly maintenanceMargin: number
  readonly liquidationThreshold: number
  readonly maxLoanToValue: number
  readonly scanRange: number
  readonly multiplierDown: number
  readonly multiplierUp: number
  readonly breach: 'down' | 'up' | ''
}

export type TableOptions = {
  readonly format?: 'table' | 'csv' | 'json' | undefined
  /** Most rows of a table; the rest is thinned out evenly and the extremes stay. Default {@link TABLE_ROWS}. */
  readonly maxRows?: number | undefined
  /** Heading of a table. */
  readonly title?: string | undefined
  /** What the parameters are for; last columns of CSV, last keys of JSON. */
  /** Of the asset, that the points' prices are of: prices are shown of one. */
  readonly units?: Units | undefined
  readonly under?: { readonly volatilityModel: string; readonly policy: string } | undefined
}

/** Rows that fit a screen with its heading. */
const TABLE_ROWS = 32

const SPARKLINE_WIDTH = 64

/**
 * Parameters through time as text: a table for people, or every publication as CSV or JSON.
 *
 * @param points - oldest first; a series' points or a part of them; n ≥ 1
 * @returns text that ends with a line break
 * @example
 * const { points } = replay(readBars('btc.csv'), defaultPolicy)
 * formatParameters(points).includes('maintenance') // → true
 */
export function formatParameters(points: readonly ReplayPoint[], options: TableOptions = {}): string {
  const { units = ONE_UNIT } = options
  const rows = points.map((point) => ({ ...parameterRow(point, units), ...options.under, ...unitsJson(units) }))
  if (options.format === 'json') return `${JSON.stringify(rows.map(namedByUnit), undefined, 2)}\n`
  if (options.format === 'csv') return formatCsv(rows)
  const shown = thin(points, options.maxRows ?? TABLE_ROWS)
  const heading = [options.title ?? 'Risk parameters', ...scaleLines(units), ...overview(points, units)]
  if (shown.length < points.length) heading.push(`${shown.length} of ${points.length} publications:`)
  return `${[
    ...heading,
    '',
    formatTable(
      COLUMNS,
      shown.map((point) => tableCells(point, units)),
    ),
  ].join('\n')}\n`
}

/** What multiplies volatilities has no unit, nor has what is no number. */
const WITHOUT_UNIT: ReadonlySet<string> = new Set([
  'time',
  'asOf',
  'price',
  'multiplierDown',
  'multiplierUp',
  'breach',
  'volatilityModel',
  'policy',
  'priceUnits',
])

/** Keys that say what their numbers are: 0.25 of `initialMarginFraction` is 25 %. */
const namedByUnit = (row: object): object =>
  Object.fromEntries(Object.entries(row).map(([key, value]) => [WITHOUT_UNIT.has(key) ? key : `${key}Fraction`, value]))

/** One publication in plain numbers. */
export function parameterRow(point: ReplayPoint, units: Units = ONE_UNIT): ParameterRow {
  const parameters = realValues(point.parameters)
  const { multiplierDown, multiplierUp } = realValues(point.state.anchor)
  return {
    time: new Date(Number(point.asOf) * 1000).toISOString().replace('.000Z', 'Z'),
    asOf: parameters.asOf,
    price: exactPrice(point.priceE8, units),
    volatility: parameters.volatility,
    horizonMoveDown: parameters.horizonMoveDown,
    horizonMoveUp: parameters.horizonMoveUp,
    initialMargin: parameters.initialMargin,
    maintenanceMargin: parameters.maintenanceMargin,
    liquidationThreshold: parameters.liquidationThreshold,
    maxLoanToValue: parameters.maxLoanToValue,
    scanRange: parameters.scanRange,
    multiplierDown,
    multiplierUp,
    breach: breachOf(point),
  }
}

/** Columns under their headings, right-aligned but for the first. */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(headings), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n')
}

/** A curve of block characters, each standing for the largest value of its share of the series. */
export function sparkline(values: readonly number[], width: number = SPARKLINE_WIDTH): string {
  const blocks = '▁▂▃▄▅▆▇█'
  const [low, high] = extremes(values)
  return buckets(values, width)
    .map((bucket) => extremes(bucket)[1])
    .map((value) => (high === low ? 0 : (value - low) / (high - low)))
    .map((height) => blocks[Math.min(blocks.length - 1, Math.floor(height * blocks.length))])
    .join('')
}

const COLUMNS = [
  'time (UTC)',
  'price',
  'volatility',
  'move down',
  'move up',
  'initial',
  'maintenance',
  'threshold',
  'max LTV',
  'scan range',
  'breach',
]

function tableCells(point: ReplayPoint, units: Units): readonly string[] {
  const row = parameterRow(point, units)
  return [
    utcTime(point.asOf),
    price(Number(row.price)),
    percent(row.volatility, 1),
    percent(row.horizonMoveDown),
    percent(row.horizonMoveUp),
    percent(row.initialMargin),
    percent(row.maintenanceMargin),
    percent(row.liquidationThreshold, 1),
    percent(row.maxLoanToValue, 1),
    percent(row.scanRange, 1),
    row.breach,
  ]
}

/** Of a market whose words hold prices of more or less than one unit. */
const scaleLines = (units: Units): readonly string[] =>
  isOneUnit(units)
    ? []
    : [`Prices are shown of one unit; words hold them of ${unitsWords(units)}, at which a market has to be governed.`]

function overview(points: readonly ReplayPoint[], units: Units): readonly string[] {
  const rows = points.map((point) => parameterRow(point, units))
  const curve = (label: string, values: readonly number[], figure: (value: number) => string): string => {
    const [low, high] = extremes(values)
    return `${label.padEnd(18)}  ${sparkline(values)}  ${figure(low)} to ${figure(high)}`
  }
  return [
    curve(
      'price',
      rows.map((row) => Number(row.price)),
      price,
    ),
    curve(
      'volatility',
      rows.map((row) => row.volatility),
      percent,
    ),
    curve(
      'initial margin',
      rows.map((row) => row.initialMargin),
      percent,
    ),
    curve(
      'maintenance margin',
      rows.map((row) => row.maintenanceMargin),
      percent,
    ),
  ]
}

function formatCsv(rows: readonly ParameterRow[]): string {
  const [first] = rows
  if (first === undefined) return ''
  return `${[Object.keys(first), ...rows.map((row) => Object.values(row))].map((cells) => cells.join(',')).join('\n')}\n`
}

/** At most `count` publications, evenly spread, with the lowest price and the highest margin among them. */
function thin(points: readonly ReplayPoint[], count: number): readonly ReplayPoint[] {
  if (points.length <= count) return points
  const picked = new Set(
    Array.from({ length: count - 2 }, (_, i) => Math.round((i * (points.length - 1)) / (count - 3))),
  )
  const last = points.length - 1
  const best = (isBetter: (a: ReplayPoint, b: ReplayPoint) => boolean): number =>
    points.reduce((best, point, i) => (isBetter(point, points[best] ?? point) ? i : best), last)
  picked.add(best((a, b) => a.priceE8 < b.priceE8))
  picked.add(best((a, b) => a.parameters.maintenanceMarginX24 > b.parameters.maintenanceMarginX24))
  return points.filter((_, i) => picked.has(i))
}

function breachOf({ verdict }: ReplayPoint): 'down' | 'up' | '' {
  if (verdict.breachDown) return 'down'
  return verdict.breachUp ? 'up' : ''
}

function buckets(values: readonly number[], count: number): readonly (readonly number[])[] {
  if (values.length <= count) return values.map((value) => [value])
  const edge = (i: number): number => Math.floor((i * values.length) / count)
  return Array.from({ length: count }, (_, i) => values.slice(edge(i), edge(i + 1)))
}

function extremes(values: readonly number[]): readonly [low: number, high: number] {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ] as readonly [number, number])
}
