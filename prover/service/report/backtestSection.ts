import type { Backtest, Coverage, SideCoverage } from '../../parameters/backtest.ts'
import { periodsOf } from '../text/backtestTable.ts'
import { percent, utcTime } from '../text/figures.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'
import { type Cell, table } from './table.ts'

/** What years of replay say about one market. */
export type BacktestSection = {
  readonly kind: 'backtest'
  readonly title: string
  readonly backtest: Backtest
}

/** Draws a backtest as a table by year, with breach rates as bars about α. */
export function drawBacktest({ title, backtest }: BacktestSection, id: string): Markup {
  const { fixedMove, fixedMaintenanceMargin, moveDown, moveUp, maintenanceMargin, steps } = backtest
  return html`<section class="backtest" id="${id}">
<h2>${title}</h2>
<p class="note">${utcTime(backtest.from)} to ${utcTime(backtest.to)} UTC, ${backtest.whole.predictions.toLocaleString('en-GB')} predictions.
A move may be exceeded in ${percent(backtest.alpha)} of horizons on either side.</p>
<dl class="tiles">
<div><dt>Median move down / up, fixed move of the same worst year</dt><dd>${percent(moveDown.median)} / ${percent(moveUp.median)}, ${percent(fixedMove.value)}</dd></div>
<div><dt>Median maintenance margin, fixed one of the same worst year</dt><dd>${percent(maintenanceMargin.median)}, ${percent(fixedMaintenanceMargin.value)}</dd></div>
<div><dt>Margin, highest over lowest</dt><dd>${maintenanceMargin.peakToTrough.toFixed(1)}</dd></div>
<div><dt>Largest rise of the maintenance margin at once</dt><dd>${percent(steps.maintenanceMarginRise)}</dd></div>
</dl>
${table(
  title,
  [
    'period',
    'predictions',
    'breaches down',
    'rate',
    'breaches up',
    'rate',
    'Kupiec p',
    'Christoffersen p',
    'traffic light',
  ],
  periodsOf(backtest).map((coverage) => row(coverage, backtest.alpha)),
)}
<p class="note">Bars show the breach rate, the line in them is α. Kupiec asks whether breaches are as many as promised,
Christoffersen (conditional coverage) also whether they come independently of each other: below 0.05 they do not; down / up.</p>
</section>
`
}

function row({ period, predictions, down, up }: Coverage, alpha: number): readonly Cell[] {
  const pair = (figure: (side: SideCoverage) => string): string => `${figure(down)} / ${figure(up)}`
  return [
    period,
    predictions.toLocaleString('en-GB'),
    down.breaches,
    bar(down.breachRate, alpha, 'down'),
    up.breaches,
    bar(up.breachRate, alpha, 'up'),
    pair((side) => side.kupiec.pValue.toFixed(2)),
    pair((side) => side.conditionalCoverage.pValue.toFixed(2)),
    { kind: lightKind(down, up), content: pair((side) => side.trafficLight) },
  ]
}

function lightKind(...sides: readonly SideCoverage[]): string {
  const lights = sides.map(({ trafficLight }) => trafficLight)
  return lights.includes('red') ? 'fail' : lights.includes('yellow') ? 'warn' : 'pass'
}

/** A bar whose full width is twice α, with α marked in its middle. */
function bar(rate: number, alpha: number, kind: string): Markup {
  const width = Math.min(100, (50 * rate) / alpha).toFixed(1)
  return html`<span class="bar"><i class="${kind}" style="width:${width}%"></i></span> ${percent(rate, 3)}`
}
