/** Pictures of an option chain: every expiry's smile with its fitted surface, and Greeks by strike. */
import type { ChainRow, ExpiryChain, PricedChain } from '../../options/pricedChain.ts'
import type { DeribitGreeks } from '../../options/real.ts'
import { fittedVolatility } from '../../options/surface.ts'
import { surfaceWarnings } from '../answers/chains.ts'
import { refusalLines } from '../text/chainNotes.ts'
import { price } from '../../portfolio/amount.ts'
import { writeWholeFile } from '../wholeFile.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'
import { type Answer, type Entry, page, type Tile } from './page.ts'
import { drawPlot, type PlotPoint } from './plot.ts'
import { type Cell, table } from './table.ts'

const LEAD = [
  'Volatilities that the chain states (dots: marks; rings: bid and ask), the SVI surface fitted to them, and Greeks by ' +
    'strike as the exact integer twin computes them: what a proof of the same chain would state.',
]

/** Points of a fitted curve. */
const CURVE_POINTS = 120

/**
 * Writes the pictures as one HTML file that needs nothing else.
 *
 * @throws {@link FileWriteError} if it cannot be written
 */
export function writeChainReport(file: string, chain: PricedChain): void {
  writeWholeFile(file, renderChainReport(chain))
}

/** The page that {@link writeChainReport} writes. */
export function renderChainReport({ file, expiries, refused, notes }: PricedChain): string {
  const name = file.replace(/^.*[\\/]/, '')
  const entries: readonly Entry[] = [
    { id: 'expiries', title: 'All expiries', body: overview(expiries, refusalLines(refused)) },
    ...expiries.map((expiry, i) => ({ id: idOf(i), title: titleOf(expiry), body: drawExpiry(expiry, idOf(i)) })),
  ]
  return page(`Option chain ${name}`, [...LEAD, ...notes], entries, answerOf(expiries, refused.length)).markup
}

const idOf = (index: number): string => `expiry-${index + 1}`

const titleOf = ({ currency, expiry }: ExpiryChain): string =>
  `${currency} ${new Date(Number(expiry) * 1000).toISOString().slice(0, 10)}`

/** Words that a filter finds an expiry by. */
const wordsOf = (expiry: ExpiryChain): string =>
  `${titleOf(expiry)} ${warningOf(expiry) === undefined ? 'fine' : 'warning'}`.toLowerCase()

function answerOf(expiries: readonly ExpiryChain[], refused: number): Answer {
  const warned = expiries.filter((expiry) => warningOf(expiry) !== undefined).length
  const priced = expiries.reduce((sum, { rows }) => sum + rows.length, 0)
  const byCurrency = [...Map.groupBy(expiries, ({ currency }) => currency)]
  return {
    verdict:
      warned + refused === 0
        ? { kind: 'pass', text: '✓ Every option priced, every surface sound' }
        : { kind: 'warn', text: `! ${warned} of ${expiries.length} surfaces to look at, ${refused} rows refused` },
    tiles: [
      ['Options priced', priced.toLocaleString('en-GB')],
      ['Rows refused', refused.toLocaleString('en-GB'), refused > 0 ? 'warn' : undefined],
      ['Expiries', String(expiries.length)],
      ['Surfaces to look at', String(warned), warned > 0 ? 'warn' : undefined],
      ...byCurrency.flatMap(([currency, all]): readonly Tile[] => {
        const open = all.flatMap((expiry) => openInterestOf(expiry) ?? [])
        const total = open.reduce((sum, { calls, puts }) => sum + calls + puts, 0)
        return open.length === 0 ? [] : [[`Open interest, contracts of ${currency}`, contracts(total)]]
      }),
    ],
  }
}

type Warning = { readonly kind: 'warn' | 'fail'; readonly text: string }

function warningOf(expiry: ExpiryChain): Warning | undefined {
  const warnings = surfaceWarnings(expiry)
  if (warnings.length === 0) return undefined
  const canBeArbitraged = expiry.fit !== undefined && expiry.fit.leastDensity < 0
  return { kind: canBeArbitraged ? 'fail' : 'warn', text: warnings.join('; ') }
}

type OpenInterest = { readonly calls: number; readonly puts: number }

/** Contracts that are open; undefined where the chain does not say. */
function openInterestOf({ rows }: ExpiryChain): OpenInterest | undefined {
  if (rows.every(({ quote }) => quote.openInterest === undefined)) return undefined
  const side = (isCall: boolean): number =>
    rows.reduce((sum, { quote }) => sum + (quote.isCall === isCall ? (quote.openInterest ?? 0) : 0), 0)
  return { calls: side(true), puts: side(false) }
}

const contracts = (count: number): string => count.toLocaleString('en-GB', { maximumFractionDigits: 1 })

function overview(expiries: readonly ExpiryChain[], refusals: readonly string[]): Markup {
  return html`<section id="expiries">
<h2>All expiries</h2>
<p><label>Filter <input type="search" placeholder="BTC, 2026-03, warning"></label> <span class="note"><span class="filter-count" aria-live="polite">${expiries.length}</span> expiries</span></p>
${table(
  'All expiries',
  ['expiry', 'days', 'forward', 'at the money', 'options', 'open calls', 'open puts', 'surface'],
  expiries.map((expiry, i) => ({ words: wordsOf(expiry), cells: overviewCells(expiry, i) })),
)}
${refusals.length === 0 ? [] : html`<details><summary>Rows refused</summary>${refusals.map((line) => html`<p class="note">${line}</p>`)}</details>`}
</section>
`
}

function overviewCells(expiry: ExpiryChain, index: number): readonly Cell[] {
  const { forward, timeToExpiry, fit, rows } = expiry
  const interest = openInterestOf(expiry)
  const warning = warningOf(expiry)
  return [
    html`<a href="#${idOf(index)}">${titleOf(expiry)}</a>`,
    (365 * timeToExpiry).toFixed(1),
    price(forward),
    fit === undefined ? '–' : `${(100 * fittedVolatility(fit, 0)).toFixed(1)} %`,
    rows.length,
    interest === undefined ? '–' : contracts(interest.calls),
    interest === undefined ? '–' : contracts(interest.puts),
    { kind: warning?.kind ?? 'pass', content: warning?.text ?? 'sound' },
  ]
}

function drawExpiry(expiry: ExpiryChain, id: string): Markup {
  const { forward, timeToExpiry, fit, rows } = expiry
  const warning = warningOf(expiry)
  const quality =
    fit === undefined
      ? ''
      : `SVI a ${fit.svi.a.toPrecision(4)}, b ${fit.svi.b.toPrecision(4)}, ρ ${fit.svi.rho.toPrecision(3)}, m ${fit.svi.m.toPrecision(3)}, s ${fit.svi.s.toPrecision(3)}; ` +
        `within ${(100 * fit.maxError).toFixed(2)} points of every mark, rms ${(100 * fit.rootMeanSquareError).toFixed(2)}.` +
        (fit.leastDensity < 0 ? '' : ' No butterfly arbitrage among the strikes.')
  return html`<section id="${id}" data-words="${wordsOf(expiry)}">
<h2>${titleOf(expiry)}</h2>
${warning === undefined ? [] : [html`<p class="${warning.kind}">! ${warning.text}.</p>`]}
<p class="note">${(365 * timeToExpiry).toFixed(1)} days, forward ${price(forward)}, ${rows.length} options. ${quality}</p>
${drawSmile(expiry)}
<div class="small-multiples">${(['delta', 'gamma', 'vega', 'theta'] as const).map((name) => drawGreek(expiry, name))}</div>
${drawOpenInterest(expiry)}
</section>
`
}

function drawOpenInterest(expiry: ExpiryChain): Markup {
  if (openInterestOf(expiry) === undefined) return html``
  const { forward, rows } = expiry
  const side = (isCall: boolean): readonly PlotPoint[] =>
    rows.filter(({ quote }) => quote.isCall === isCall).map((row) => [strikeOf(row), row.quote.openInterest ?? 0])
  return drawPlot({
    title: 'Open interest',
    unit: 'contracts by strike',
    width: 1000,
    height: 180,
    axis: 'logarithmic',
    xFigure: strikeFigure,
    yFigure: contracts,
    series: [
      { label: 'calls', kind: 'up', shape: 'bars' as const, points: side(true) },
      { label: 'puts', kind: 'down', shape: 'bars' as const, points: side(false) },
    ].filter(({ points }) => points.length > 0),
    lines: [{ label: 'forward', kind: 'ink', x: forward }],
    withZero: true,
  })
}

const strikeOf = ({ quote }: ChainRow): number => Number(quote.strikeE8) / 1e8
const strikeFigure = (strike: number): string => strike.toLocaleString('en-GB', { maximumFractionDigits: 2 })

function drawSmile(expiry: ExpiryChain): Markup {
  const { forward, fit, rows } = expiry
  const strikes = rows.map(strikeOf)
  const [low, high] = [Math.min(...strikes), Math.max(...strikes)]
  const curve: readonly PlotPoint[] =
    fit === undefined
      ? []
      : Array.from({ length: CURVE_POINTS + 1 }, (_, i) => {
          const strike = low * (high / low) ** (i / CURVE_POINTS)
          return [strike, 100 * fittedVolatility(fit, Math.log(strike / forward))]
        })
  const quotes = rows.flatMap((row) =>
    [row.quote.bidVolatility, row.quote.askVolatility].flatMap((value): readonly PlotPoint[] =>
      // Bids of nothing and asks of anything are no volatility
      value === undefined || value > 3 * row.quote.markVolatility ? [] : [[strikeOf(row), 100 * value]],
    ),
  )
  return drawPlot({
    title: 'Smile',
    unit: 'implied volatility by strike',
    width: 1000,
    height: 300,
    axis: 'logarithmic',
    xFigure: strikeFigure,
    yFigure: (value) => `${value.toFixed(0)} %`,
    series: [
      ...(quotes.length === 0 ? [] : [{ label: 'bid, ask', kind: 'slow', shape: 'rings' as const, points: quotes }]),
      ...(curve.length === 0
        ? []
        : [
            {
              label: 'fitted SVI',
              kind: warningOf(expiry) === undefined ? 'initial' : 'down',
              shape: 'line' as const,
              points: curve,
            },
          ]),
      {
        label: 'marks',
        kind: 'fast',
        shape: 'dots',
        points: rows.map((row) => [strikeOf(row), 100 * row.quote.markVolatility]),
      },
    ],
    lines: [{ label: 'forward', kind: 'ink', x: forward }],
  })
}

const greekUnits: Readonly<Record<keyof DeribitGreeks, string>> = {
  delta: 'per unit of forward',
  gamma: 'of delta, per unit of forward',
  vega: 'per volatility point',
  theta: 'per day',
  rho: 'per point of rate',
}

function drawGreek({ forward, rows }: ExpiryChain, name: keyof DeribitGreeks): Markup {
  const side = (isCall: boolean): readonly PlotPoint[] =>
    rows.filter(({ quote }) => quote.isCall === isCall).map((row) => [strikeOf(row), row.deribit[name]])
  // Calls and puts of a strike share gamma and vega
  const isShared = name === 'gamma' || name === 'vega'
  const shared = [...new Map([...side(false), ...side(true)])].toSorted(([a], [b]) => a - b)
  const lines = isShared
    ? [{ label: 'options', kind: 'fast', shape: 'line' as const, points: shared }]
    : [
        { label: 'calls', kind: 'up', shape: 'line' as const, points: side(true) },
        { label: 'puts', kind: 'down', shape: 'line' as const, points: side(false) },
      ]
  return drawPlot({
    title: name[0]?.toUpperCase() + name.slice(1),
    unit: greekUnits[name],
    width: 400,
    height: 210,
    axis: 'logarithmic',
    xFigure: strikeFigure,
    yFigure: (value) => String(Number(value.toPrecision(3))).replace('-', '−'),
    series: lines.filter(({ points }) => points.length > 0),
    lines: [{ label: '', kind: 'ink', x: forward }],
    withZero: true,
  })
}
