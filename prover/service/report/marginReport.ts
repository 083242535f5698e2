/** Pictures of one account's margin: losses on the scenario grid, value by spot, what each leg adds. */
import type { NamedScenario } from '../../portfolio/explain.ts'
import type { AccountAnswer } from '../answers/accountMargins.ts'
import { amount, type MarginAnswer, notesOn, type Standing } from '../answers/margins.ts'
import { utcTime } from '../text/figures.ts'
import { writeWholeFile } from '../wholeFile.ts'
import type { HeatCell } from './heatMap.ts'
import { drawHeatMap } from './heatMap.ts'
import type { Entry } from './page.ts'
import { page } from './page.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'
import { drawPlot } from './plot.ts'

/**
 * Writes the pictures as one HTML file that needs nothing else.
 *
 * @throws {@link FileWriteError} if it cannot be written
 */
export function writeMarginReport(file: string, answer: AccountAnswer): void {
  writeWholeFile(file, renderMarginReport(answer))
}

/** The page that {@link writeMarginReport} writes. */
export function renderMarginReport(answer: AccountAnswer): string {
  const { name, asOf, markets } = answer
  const isOne = markets.length === 1
  const spots = markets.map(
    ({ portfolio: { market } }) => `${isOne ? '' : `${market.currency} `}spot ${amount(Number(market.spotE8) / 1e8)}`,
  )
  const entries = markets.flatMap((market): readonly Entry[] => {
    const of = isOne ? '' : `${market.portfolio.market.currency}`
    return [
      { id: `${of}scenarios`, title: `${of} Scenarios`.trim(), body: scenarioSection(market, of) },
      { id: `${of}legs`, title: `${of} Legs`.trim(), body: legSection(market, of) },
    ]
  })
  const total: Entry = { id: 'account', title: 'Account', body: accountSection(answer) }
  return page(
    `Margin of ${name}`,
    [
      `Round of ${utcTime(asOf)} UTC, ${spots.join(', ')}. ` +
        'Computed by the exact integer twin: what a proof would state, word for word.',
    ],
    isOne ? entries : [total, ...entries],
  ).markup
}

function accountSection({ standing, cashE12 }: AccountAnswer): Markup {
  return html`<section id="account">
<h2>All markets</h2>
<p class="note">Each market is margined by itself and what is left is added up: nothing offsets between currencies. Cash of ${amount(Number(cashE12) / 1e12)} is in none of them.</p>
<dl class="tiles">${standingTiles(standing)}</dl>
</section>
`
}

function standingTiles({ equityE8, initialE8, maintenanceE8 }: Standing): Markup {
  const tile = (label: string, value: bigint): Markup =>
    html`<div><dt>${label}</dt><dd>${amount(Number(value) / 1e8)}</dd></div>`
  return html`${tile('Equity', equityE8)}${tile('Initial requirement', equityE8 - initialE8)}${tile('Initial margin left', initialE8)}
${tile('Maintenance requirement', equityE8 - maintenanceE8)}${tile('Maintenance margin left', maintenanceE8)}`
}

const headingOf = (market: string, heading: string): string => (market === '' ? heading : `${market}: ${heading}`)

function scenarioSection(answer: MarginAnswer, market: string): Markup {
  const { worst, provable } = answer
  return html`<section id="${market}scenarios">
<h2>${headingOf(market, 'What could happen')}</h2>
<p class="note">Every scenario of the grid with what the account would gain or lose, damped as the grid says. Worst: ${worst.words}.</p>
<dl class="tiles">${standingTiles(provable.margin)}
<div><dt>Worst scenario</dt><dd>${worst.words}</dd></div></dl>
${notesOn(answer).map((note) => html`<p class="warning">${note}</p>`)}
${scenarioMap(answer)}
${valueBySpot(answer)}
</section>
`
}

const ROWS = [
  { label: 'volatility up', volatility: 'up' },
  { label: 'unchanged', volatility: 'none' },
  { label: 'volatility down', volatility: 'down' },
] as const

function scenarioMap({ scenarios, worst, provable }: MarginAnswer): Markup {
  const used = scenarios.filter(({ isUsed }) => isUsed)
  const isMarked = ({ index }: NamedScenario): boolean => index === worst.index && provable.margin.minSpanM < 0n
  const cellOf = (scenario: NamedScenario | undefined): HeatCell | undefined =>
    scenario && {
      value: scenario.pnl,
      figure: compact(scenario.pnl),
      title: `${scenario.words}: ${amount(scenario.pnl)}`,
      isMarked: isMarked(scenario),
    }
  const spot = used.filter(({ kind }) => kind === 'spot')
  const shocks = [...new Set(spot.map(({ spotShock }) => spotShock))].toSorted((a, b) => a - b)
  const at = (shock: number, volatility: NamedScenario['volatility']): NamedScenario | undefined =>
    spot
      .filter((each) => each.spotShock === shock && each.volatility === volatility)
      .reduce<NamedScenario | undefined>(
        (least, each) => (least === undefined || each.pnl < least.pnl ? each : least),
        undefined,
      )
  const others = used.filter(({ kind }) => kind !== 'spot')
  const most = Math.max(...used.map(({ pnl }) => Math.abs(pnl)), Number.MIN_VALUE)
  return html`${drawHeatMap({
    title: 'Gain or loss',
    unit: 'by spot move and volatility',
    columns: shocks.map(moveLabel),
    rows: ROWS.map(({ label }) => label),
    cells: ROWS.map(({ volatility }) => shocks.map((shock) => cellOf(at(shock, volatility)))),
    most,
  })}
${drawHeatMap({
  title: 'Without a spot move',
  unit: 'smile and basis',
  columns: others.map(({ kind, volatility }) =>
    kind === 'basis' ? 'basis' : volatility === 'linear' ? 'smile tilts' : 'smile steepens',
  ),
  rows: [''],
  cells: [others.map(cellOf)],
  most,
})}`
}

const moveLabel = (shock: number): string => {
  const move = Number((100 * (shock - 1)).toFixed(1))
  return move === 0 ? 'spot' : `${move > 0 ? '+' : '−'}${Math.abs(move)} %`
}

/** Equity left under the regular shocks, for each volatility move, with the liquidation and default levels. */
function valueBySpot({ scenarios, provable, portfolio, rest, thresholds }: MarginAnswer): Markup {
  const spot = Number(portfolio.market.spotE8) / 1e8
  const maintenance = Number(provable.margin.maintenanceE8 + (rest?.maintenanceE8 ?? 0n)) / 1e8
  const kinds = { up: 'initial', none: 'ink', down: 'fast' } as const
  const labels = { up: 'volatility up', none: 'unchanged', down: 'volatility down' } as const
  const regular = scenarios.filter(({ index, damping }) => index < 21 && damping === 1)
  const series = (['up', 'none', 'down'] as const).map((volatility) => ({
    label: labels[volatility],
    kind: kinds[volatility],
    shape: 'line' as const,
    points: regular
      .filter((each) => each.volatility === volatility)
      .map(({ spotShock, pnl }) => [spot * spotShock, maintenance + pnl] as const)
      .toSorted((a, b) => a[0] - b[0]),
  }))
  const { liquidationDownE8, liquidationUpE8 } = thresholds
  const levels = [liquidationDownE8, liquidationUpE8].filter((level) => level !== 0n && level !== (1n << 48n) - 1n)
  const drawn = series.filter(({ points }) => points.length > 1)
  if (drawn.length === 0) return html``
  return drawPlot({
    title: rest === undefined ? 'Maintenance margin left' : 'Maintenance margin left of the whole account',
    unit: 'after a move of spot: below zero the account may be liquidated',
    width: 1000,
    height: 280,
    axis: 'linear',
    xFigure: (value) => value.toLocaleString('en-GB', { maximumFractionDigits: 0 }),
    yFigure: compact,
    series: drawn,
    lines: [
      { label: 'spot', kind: 'ink', x: spot },
      ...[...new Set(levels)].map((level) => ({ label: 'liquidation', kind: 'down', x: Number(level) / 1e8 })),
    ],
    withZero: true,
  })
}

function legSection({ legs, others, worst }: MarginAnswer, market: string): Markup {
  const all = [
    ...legs.map(({ leg, contribution, impliedVolatility, shockedVolatility, mark, shocked }) => ({
      name: `${(Number(leg.quantityE12) / 1e12).toLocaleString('en-GB').replace('-', '−')} × ${leg.instrument}`,
      detail: `${(100 * impliedVolatility).toFixed(1)} % → ${(100 * shockedVolatility).toFixed(1)} %, ${amount(mark)} → ${amount(shocked)}`,
      contribution,
    })),
    ...others.map(({ what, contribution }) => ({ name: what, detail: '', contribution })),
  ].toSorted((a, b) => a.contribution - b.contribution)
  const most = Math.max(...all.map(({ contribution }) => Math.abs(contribution)), Number.MIN_VALUE)
  return html`<section id="${market}legs" class="backtest">
<h2>${headingOf(market, 'What each leg adds to the worst scenario')}</h2>
<p class="note">${worst.words}. Volatility and discounted value a contract, before and after; the bar is the whole position.</p>
<table><thead><tr><th>leg</th><th>volatility, value a contract</th><th>contribution</th><th></th></tr></thead><tbody>
${all.map(
  ({ name, detail, contribution }) => html`<tr><td>${name}</td><td>${detail}</td><td>${amount(contribution)}</td>
<td><span class="bar plain"><i class="${contribution < 0 ? 'down' : 'up'}" style="width:${((100 * Math.abs(contribution)) / most).toFixed(1)}%"></i></span></td></tr>
`,
)}</tbody></table>
</section>
`
}

/** An amount in few letters: −1.23M. */
export function compact(value: number): string {
  const magnitude = Math.abs(value)
  const [scale, suffix] = magnitude >= 1e6 ? [1e6, 'M'] : magnitude >= 1e4 ? [1e3, 'k'] : [1, '']
  const digits = Number((magnitude / scale).toPrecision(3))
  return `${value < 0 && digits !== 0 ? '−' : ''}${magnitude < 0.005 ? '0' : digits}${suffix}`
}
