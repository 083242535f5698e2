/** An account's margin as a page: verdict, requirement, losses on the grid, value by spot, legs, thresholds, Greeks; by market. */
import { unitPrice } from '../../market/priceScale.ts'
import { amount, price, priceWords } from '../../portfolio/amount.ts'
import { marginTerms, type NamedScenario, quantityText } from '../../portfolio/explain.ts'
import { unitsOfMarket } from '../../portfolio/portfolio.ts'
import { type AccountAnswer, MARKET_HEADINGS, marketRows, additionWords } from '../answers/accountMargins.ts'
import {
  type MarginAnswer,
  netGreeksOf,
  notesOn,
  requirementOf,
  spotOf,
  type Standing,
  termsOf,
  thresholdsJson,
} from '../answers/margins.ts'
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
export function writeMarginReport(file: string, answer: AccountAnswer): void {
  writeWholeFile(file, renderMarginReport(answer))
}

/** The page that {@link writeMarginReport} writes. */
export function renderMarginReport(answer: AccountAnswer): string {
  const { name, asOf, markets } = answer
  const isOne = markets.length === 1
  const spots = markets.map(
    (market) => `${isOne ? '' : `${market.portfolio.market.currency} `}spot ${priceWords(spotOf(market))}`,
  )
  const ofMarkets = markets.flatMap((market) =>
    entriesOf(market, isOne ? '' : (market.portfolio.market.currency ?? '')),
  )
  return page(
    `Margin of ${name}`,
    [
      `Round of ${utcTime(asOf)} UTC, ${spots.join(', ')}. ` +
        'Computed by the exact integer twin: what a proof would state, word for word.',
    ],
    isOne ? ofMarkets : [{ id: 'account', title: 'All markets', body: accountSection(answer) }, ...ofMarkets],
    answerOf(answer),
  ).markup
}

/** Parts of one market; its currency stands before their headings where there are several. */
function entriesOf(answer: MarginAnswer, market: string): readonly Entry[] {
  const entry = (part: string, title: string, body: Markup): Entry => ({
    id: idOf(part, market),
    title: headingOf(market, title),
    body,
  })
  return [
    entry('requirement', 'Requirement', requirementSection(answer, market)),
    entry('scenarios', 'Scenarios', scenarioSection(answer, market)),
    entry('legs', 'Legs', legSection(answer, market)),
    entry('sensitivity', 'Thresholds and Greeks', sensitivitySection(answer, market)),
  ]
}

const idOf = (part: string, market: string): string => (market === '' ? part : `${market}-${part}`)
const headingOf = (market: string, heading: string): string => (market === '' ? heading : `${market}: ${heading}`)
const money = (valueE8: bigint): number => Number(valueE8) / 1e8

function answerOf({ standing, markets }: AccountAnswer): Answer {
  const { equityE8, initialE8, maintenanceE8 } = standing
  const [only] = markets
  return {
    verdict:
      initialE8 >= 0n
        ? { kind: 'pass', text: '✓ Healthy: may open positions' }
        : maintenanceE8 >= 0n
          ? { kind: 'warn', text: '! Below initial margin: may not open positions' }
          : { kind: 'fail', text: '✗ Below maintenance margin: may be liquidated' },
    tiles: [
      ['Equity', amount(money(equityE8))],
      ['Initial requirement', requirementWords(standing, initialE8)],
      [
        'Initial margin left',
        amount(money(initialE8)),
        initialE8 >= 0n ? 'pass' : maintenanceE8 >= 0n ? 'warn' : 'fail',
      ],
      ['Maintenance requirement', requirementWords(standing, maintenanceE8)],
      ['Maintenance margin left', amount(money(maintenanceE8)), maintenanceE8 >= 0n ? 'pass' : 'fail'],
      markets.length === 1
        ? ['Worst scenario', only?.worst.words ?? '']
        : ['Markets', markets.map(({ portfolio: { market } }) => market.currency).join(', ')],
    ],
  }
}

function requirementWords(standing: Standing, leftE8: bigint): string {
  const { requirement, utilisation } = requirementOf(standing, leftE8)
  return utilisation === undefined
    ? `${amount(requirement)} (no equity)`
    : `${amount(requirement)} (utilisation ${(100 * utilisation).toFixed(1)} %)`
}

/** What each market adds to the account. */
function accountSection(answer: AccountAnswer): Markup {
  const { equityE8, initialE8, maintenanceE8 } = answer.standing
  const total = [equityE8, initialE8, maintenanceE8].map((value) => amount(money(value)))
  return html`<section id="account">
<h2>All markets</h2>
<p class="note">${additionWords(answer)}</p>
${answer.notes.map((note) => html`<p class="warn">! ${note}</p>`)}
${table('Markets', MARKET_HEADINGS, marketRows(answer), { foot: [['= account', ...total, '']] })}
</section>
`
}

function requirementSection(answer: MarginAnswer, market: string): Markup {
  const { equityE8, initialE8, maintenanceE8 } = answer.provable.margin
  const [equity, initialLeft, maintenanceLeft] = [money(equityE8), money(initialE8), money(maintenanceE8)]
  const [initial, maintenance] = [equity - initialLeft, equity - maintenanceLeft]
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
  const what = market === '' ? 'the account has' : `the account has in this market, without cash,`
  return html`<section id="${idOf('requirement', market)}">
<h2>${headingOf(market, 'What is required, and what is left')}</h2>
<p class="note">From what ${what} down to what is left of each margin; bars follow the initial margin, the middle is zero.</p>
${notesOn(answer).map((note) => html`<p class="warn">! ${note}</p>`)}
${table('Requirement, term by term', ['in quote currency', 'initial', 'maintenance', 'level of initial margin'], rows, {
  foot: [total('= required', [-initial, -maintenance]), total('= left', [initialLeft, maintenanceLeft])],
})}
${discountTable(answer)}
</section>
`
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

function sensitivitySection(answer: MarginAnswer, market: string): Markup {
  const spot = spotOf(answer)
  const { liquidationDown, liquidationUp, defaultDown, defaultUp } = thresholdsJson(answer)
  const at = (level: number | null): Cell => {
    if (level === null) return 'none inside the grid'
    const away = level / spot - 1
    const text = away === 0 ? 'already' : `${away < 0 ? '−' : '+'}${Math.abs(100 * away).toFixed(1)} %`
    const isNear = Math.abs(away) < NEAR
    return { kind: isNear ? 'warn' : '', content: `${priceWords(level)} (${text})` }
  }
  const { delta, deltaOf, gamma, vegaPerPoint, thetaPerDay, rhoPerPoint } = netGreeksOf(answer)
  const parts = Object.entries(deltaOf).filter(([, part]) => part !== 0)
  const of = parts.length > 1 ? `: ${parts.map(([name, part]) => `${name} ${greek(part)}`).join(', ')}` : ''
  const probability = Number(answer.thresholds.defaultProbabilityX32) / 2 ** 32
  return html`<section id="${idOf('sensitivity', market)}">
<h2>${headingOf(market, 'Thresholds and Greeks')}</h2>
${table(
  'Spot levels',
  [market === '' ? 'spot level, from the spot now' : 'spot level, if only this market moves', 'on a fall', 'on a rise'],
  [
    ['liquidation', at(liquidationDown), at(liquidationUp)],
    ['default', at(defaultDown), at(defaultUp)],
  ],
)}
<p class="note">Probability of default over the horizon ${Number((100 * probability).toPrecision(3))} %.</p>
${tileList([
  [`Net delta, units of the asset${of}`, greek(delta)],
  ['Gamma, of delta a unit of spot', greek(gamma)],
  ['Vega, a volatility point', greek(vegaPerPoint)],
  ['Theta, a day', greek(thetaPerDay)],
  ['Rho, a point of rate', greek(rhoPerPoint)],
])}
</section>
`
}

/** A threshold so close to spot is coloured. */
const NEAR = 0.1

const greek = (value: number): string => (value === 0 ? '0' : value.toPrecision(5)).replace('-', '−')

function scenarioSection(answer: MarginAnswer, market: string): Markup {
  return html`<section id="${idOf('scenarios', market)}">
<h2>${headingOf(market, 'What could happen')}</h2>
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
function valueBySpot({ scenarios, provable, portfolio, rest, thresholds }: MarginAnswer): Markup {
  const spot = spotOf({ portfolio })
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
    xFigure: (value) =>
      spot < SMALLEST_WHOLE ? price(value) : value.toLocaleString('en-GB', { maximumFractionDigits: 0 }),
    yFigure: compact,
    series: drawn,
    lines: [
      { label: 'spot', kind: 'ink', x: spot },
      ...[...new Set(levels)].map((level) => ({
        label: 'liquidation',
        kind: 'down',
        x: unitPrice(level, unitsOfMarket(portfolio.market)),
      })),
    ],
    withZero: true,
  })
}

/** Below it a spot has digits behind the point that matter. */
const SMALLEST_WHOLE = 100

function legSection({ legs, others, worst, provable, portfolio }: MarginAnswer, market: string): Markup {
  const all = [
    ...legs.map(({ leg, contribution, impliedVolatility, shockedVolatility, mark, shocked }) => ({
      name: `${Number(quantityText(leg.quantityE12, unitsOfMarket(portfolio.market)))
        .toLocaleString('en-GB')
        .replace('-', '−')} × ${leg.instrument}`,
      detail: `${(100 * impliedVolatility).toFixed(1)} % → ${(100 * shockedVolatility).toFixed(1)} %, ${priceWords(mark)} → ${priceWords(shocked)}`,
      contribution,
    })),
    ...others.map(({ what, contribution }) => ({ name: what, detail: '', contribution })),
  ].toSorted((a, b) => a.contribution - b.contribution)
  const most = Math.max(...all.map(({ contribution }) => Math.abs(contribution)), Number.MIN_VALUE)
  const bar = (contribution: number): Markup =>
    html`<span class="bar plain"><i class="${contribution < 0 ? 'down' : 'up'}" style="width:${((100 * Math.abs(contribution)) / most).toFixed(1)}%"></i></span>`
  return html`<section id="${idOf('legs', market)}">
<h2>${headingOf(market, 'What each leg adds to the worst scenario')}</h2>
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
