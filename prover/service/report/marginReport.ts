/** One account's margin as a page: verdict, requirement, losses on the grid, value by spot, legs, thresholds, Greeks. */
import { type ContingencyPart, contingencyParts } from '../../portfolio/contingencies.ts'
import { marginTerms, type NamedScenario } from '../../portfolio/explain.ts'
import { amount, greeksOf, type MarginAnswer } from '../answers/margins.ts'
import { utcTime } from '../text/figures.ts'
import { writeWholeFile } from '../wholeFile.ts'
import type { HeatCell } from './heatMap.ts'
import { drawHeatMap } from './heatMap.ts'
import { type Answer, type Entry, page, tileList } from './page.ts'
import { type Cell, table } from './table.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'
import { drawPlot } from './plot.ts'

/**
 * Writes the pictures as one HTML file that needs nothing else.
 *
 * @throws {@link FileWriteError} if it cannot be written
 */
export function writeMarginReport(file: string, answer: MarginAnswer): void {
  writeWholeFile(file, renderMarginReport(answer))
}

/** The page that {@link writeMarginReport} writes. */
export function renderMarginReport(answer: MarginAnswer): string {
  const { portfolio } = answer
  const entries: readonly Entry[] = [
    { id: 'requirement', title: 'Requirement', body: requirementSection(answer) },
    { id: 'scenarios', title: 'Scenarios', body: scenarioSection(answer) },
    { id: 'legs', title: 'Legs', body: legSection(answer) },
    { id: 'sensitivity', title: 'Thresholds and Greeks', body: sensitivitySection(answer) },
  ]
  return page(
    `Margin of ${portfolio.name}`,
    [
      `Round of ${utcTime(portfolio.market.asOf)} UTC, spot ${amount(Number(portfolio.market.spotE8) / 1e8)}. ` +
        'Computed by the exact integer twin: what a proof would state, word for word.',
    ],
    entries,
    answerOf(answer),
  ).markup
}

const money = (valueE8: bigint): number => Number(valueE8) / 1e8

/** What an account must hold, and what it has. */
function standingOf({ provable }: MarginAnswer) {
  const [equity, initialLeft, maintenanceLeft] = [
    provable.margin.equityE8,
    provable.margin.initialE8,
    provable.margin.maintenanceE8,
  ].map(money) as [number, number, number]
  return { equity, initialLeft, maintenanceLeft, initial: equity - initialLeft, maintenance: equity - maintenanceLeft }
}

function answerOf(answer: MarginAnswer): Answer {
  const { equity, initialLeft, maintenanceLeft, initial, maintenance } = standingOf(answer)
  const used = (requirement: number): string =>
    equity > 0 ? ` (${((100 * requirement) / equity).toFixed(1)} % of equity)` : ''
  return {
    verdict:
      initialLeft >= 0
        ? { kind: 'pass', text: '✓ Healthy: may open positions' }
        : maintenanceLeft >= 0
          ? { kind: 'warn', text: '! Below initial margin: may not open positions' }
          : { kind: 'fail', text: '✗ Below maintenance margin: may be liquidated' },
    tiles: [
      ['Equity', amount(equity)],
      ['Initial margin required', `${amount(initial)}${used(initial)}`],
      ['Initial margin left', amount(initialLeft), initialLeft >= 0 ? 'pass' : maintenanceLeft >= 0 ? 'warn' : 'fail'],
      ['Maintenance margin required', `${amount(maintenance)}${used(maintenance)}`],
      ['Maintenance margin left', amount(maintenanceLeft), maintenanceLeft >= 0 ? 'pass' : 'fail'],
      ['Worst scenario', answer.worst.words],
    ],
  }
}

/** A term of the margins: what it adds to equity, or takes from it, for initial and for maintenance margin. */
type Term = readonly [name: string, initial: number, maintenance: number]

function requirementSection(answer: MarginAnswer): Markup {
  const { equity, initialLeft, maintenanceLeft, initial, maintenance } = standingOf(answer)
  const terms = termsOf(answer)
  const levels = terms.reduce<readonly number[]>((all, [, first]) => all.concat((all.at(-1) ?? 0) + first), [0])
  const most = Math.max(...levels.map(Math.abs), Math.abs(initial), Math.abs(equity), Number.MIN_VALUE)
  const rows = terms.map(([name, first, second], i): readonly Cell[] => [
    name,
    amount(first),
    amount(second),
    stepBar(levels[i] ?? 0, levels[i + 1] ?? 0, most),
  ])
  const total = (name: string, [first, second]: readonly [number, number]): readonly Cell[] => [
    name,
    amount(first),
    amount(second),
    stepBar(0, first, most),
  ]
  return html`<section id="requirement">
<h2>What is required, and what is left</h2>
<p class="note">From what the account has down to what is left of each margin; bars follow the initial margin, the middle is zero.</p>
${table('Requirement, term by term', ['in quote currency', 'initial', 'maintenance', 'level of initial margin'], rows, {
  foot: [total('= required', [-initial, -maintenance]), total('= left', [initialLeft, maintenanceLeft])],
})}
${discountTable(answer)}
</section>
`
}

function termsOf({ provable, worst, portfolio }: MarginAnswer): readonly Term[] {
  const terms = marginTerms(provable)
  const { maintenance, initial, worstLoss, initialFactor, maintenanceFactor } = terms
  const both = (name: string, value: number): Term => [name, value, value]
  const factors = initialFactor === maintenanceFactor ? `${initialFactor}` : `${initialFactor} / ${maintenanceFactor}`
  const parts = Object.entries(contingencyParts) as readonly [ContingencyPart, string][]
  const all: readonly Term[] = [
    both('cash', terms.cash),
    both(`options, marked (${portfolio.account.options.length} legs)`, terms.options),
    both('collateral', terms.collateral),
    both('perpetuals, unrealised', terms.perpPnl),
    [`worst loss × ${factors}: ${worst.words}`, worstLoss * initialFactor, worstLoss * maintenanceFactor],
    ...parts.map(([part, name]): Term => [name, -maintenance[part] - initial[part], -maintenance[part]]),
    ['collateral haircuts', -maintenance.collaterals - initial.collaterals, -maintenance.collaterals],
    ['low confidence of feeds', -terms.confidence, 0],
  ]
  return all.filter(([, first, second]) => first !== 0 || second !== 0)
}

/** A step of a waterfall about zero in the middle. */
function stepBar(from: number, to: number, most: number): Markup {
  const place = (value: number): number => 50 + 50 * Math.max(-1, Math.min(1, value / most))
  const [left, right] = [place(Math.min(from, to)), place(Math.max(from, to))]
  return html`<span class="bar wide"><i class="${to < from ? 'down' : 'up'}" style="margin-left:${left.toFixed(1)}%;width:${Math.max(0.6, right - left).toFixed(1)}%"></i></span>`
}

/** What values of each expiry count at after a shock. */
function discountTable({ reference, portfolio }: MarginAnswer): Markup {
  if (portfolio.account.options.length === 0) return html``
  const share = (value: number): string => `${(100 * value).toFixed(2)} %`
  return table(
    'Discounts by expiry',
    ['discounts by expiry', 'present value', 'shocked gains count', 'shocked debts count', 'volatility up / down'],
    reference.expiries.map(({ expiry, discount, longFactor, shortFactor, volatilityUp, volatilityDown }) => [
      utcTime(expiry),
      share(discount),
      share(longFactor),
      share(shortFactor),
      `${share(volatilityUp)} / ${share(volatilityDown)}`,
    ]),
  )
}

function sensitivitySection(answer: MarginAnswer): Markup {
  const { portfolio, provable } = answer
  const spot = money(portfolio.market.spotE8)
  const { liquidationDownE8, liquidationUpE8, defaultDownE8, defaultUpE8, defaultProbabilityX32 } =
    provable.margin.thresholds
  const at = (levelE8: bigint): Cell => {
    if (levelE8 === 0n || levelE8 === NO_LEVEL_ABOVE) return 'none inside the grid'
    const level = money(levelE8)
    const away = level / spot - 1
    const text = away === 0 ? 'already' : `${away < 0 ? '−' : '+'}${Math.abs(100 * away).toFixed(1)} %`
    const isNear = Math.abs(away) < NEAR
    return { kind: isNear ? 'warn' : '', content: `${amount(level)} (${text})` }
  }
  const { delta, gamma, vega, theta, rho } = greeksOf(answer)
  const probability = Number(defaultProbabilityX32) / 2 ** 32
  return html`<section id="sensitivity">
<h2>Thresholds and Greeks</h2>
${table(
  'Spot levels',
  ['spot level, from the spot now', 'on a fall', 'on a rise'],
  [
    ['liquidation', at(liquidationDownE8), at(liquidationUpE8)],
    ['default', at(defaultDownE8), at(defaultUpE8)],
  ],
)}
<p class="note">Probability of default over the horizon ${Number((100 * probability).toPrecision(3))} %.</p>
${tileList([
  ['Delta of the options, units of the asset', greek(delta)],
  ['Gamma, of delta a unit of spot', greek(gamma)],
  ['Vega, a volatility point', greek(vega / 100)],
  ['Theta, a day', greek(theta / 365)],
  ['Rho, a point of rate', greek(rho / 100)],
])}
</section>
`
}

const NO_LEVEL_ABOVE = (1n << 48n) - 1n
/** A threshold so close to spot is coloured. */
const NEAR = 0.1

const greek = (value: number): string => (value === 0 ? '0' : value.toPrecision(5)).replace('-', '−')

function scenarioSection(answer: MarginAnswer): Markup {
  return html`<section id="scenarios">
<h2>What could happen</h2>
<p class="note">Every scenario of the grid with what the account would gain or lose, damped as the grid says. Worst: ${answer.worst.words}.</p>
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
  rows: ['gain or loss'],
  cells: [others.map(cellOf)],
  most,
})}`
}

const moveLabel = (shock: number): string => {
  const move = Number((100 * (shock - 1)).toFixed(1))
  return move === 0 ? 'spot' : `${move > 0 ? '+' : '−'}${Math.abs(move)} %`
}

/** Equity left under the regular shocks, for each volatility move, with the liquidation and default levels. */
function valueBySpot({ scenarios, provable, portfolio }: MarginAnswer): Markup {
  const spot = Number(portfolio.market.spotE8) / 1e8
  const maintenance = Number(provable.margin.maintenanceE8) / 1e8
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
  const { liquidationDownE8, liquidationUpE8 } = provable.margin.thresholds
  const levels = [liquidationDownE8, liquidationUpE8].filter((level) => level !== 0n && level !== (1n << 48n) - 1n)
  const drawn = series.filter(({ points }) => points.length > 1)
  if (drawn.length === 0) return html``
  return drawPlot({
    title: 'Maintenance margin left',
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

function legSection({ legs, others, worst, provable }: MarginAnswer): Markup {
  const all = [
    ...legs.map(({ leg, contribution, impliedVolatility, shockedVolatility, mark, shocked }) => ({
      name: `${(Number(leg.quantityE12) / 1e12).toLocaleString('en-GB').replace('-', '−')} × ${leg.instrument}`,
      detail: `${(100 * impliedVolatility).toFixed(1)} % → ${(100 * shockedVolatility).toFixed(1)} %, ${amount(mark)} → ${amount(shocked)}`,
      contribution,
    })),
    ...others.map(({ what, contribution }) => ({ name: what, detail: '', contribution })),
  ].toSorted((a, b) => a.contribution - b.contribution)
  const most = Math.max(...all.map(({ contribution }) => Math.abs(contribution)), Number.MIN_VALUE)
  const bar = (contribution: number): Markup =>
    html`<span class="bar plain"><i class="${contribution < 0 ? 'down' : 'up'}" style="width:${((100 * Math.abs(contribution)) / most).toFixed(1)}%"></i></span>`
  return html`<section id="legs">
<h2>What each leg adds to the worst scenario</h2>
<p class="note">${worst.words}. Volatility and discounted value a contract, before and after; the bar is the whole position.</p>
${table(
  'Legs',
  ['leg', 'contribution', 'share', 'volatility, value a contract'],
  all.map(({ name, detail, contribution }) => [name, amount(contribution), bar(contribution), detail]),
  { foot: [['= worst loss', amount(marginTerms(provable).worstLoss), '', '']] },
)}
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
