/** Pictures of an option chain: every expiry's smile with its fitted surface, and Greeks by strike. */
import type { ChainRow, ExpiryChain, PricedChain } from '../../options/pricedChain.ts'
import type { QuotedGreeks } from '../../options/real.ts'
import { fitWarnings, fittedVolatility } from '../../options/surface.ts'
import { price } from '../text/figures.ts'
import { writeWholeFile } from '../wholeFile.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'
import { page } from './page.ts'
import { drawPlot, type PlotPoint } from './plot.ts'

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
export function renderChainReport({ file, expiries, refused }: PricedChain): string {
  const priced = expiries.reduce((sum, { rows }) => sum + rows.length, 0)
  const lead = [...LEAD, `${file.replace(/^.*[\\/]/, '')}: ${priced} options priced, ${refused.length} refused.`]
  const entries = expiries.map((expiry, i) => ({
    id: `expiry-${i + 1}`,
    title: titleOf(expiry),
    body: drawExpiry(expiry, `expiry-${i + 1}`),
  }))
  return page('Option chain', lead, entries).markup
}

const titleOf = ({ currency, expiry }: ExpiryChain): string =>
  `${currency} ${new Date(Number(expiry) * 1000).toISOString().slice(0, 10)}`

function drawExpiry(expiry: ExpiryChain, id: string): Markup {
  const { forward, timeToExpiry, fit, rows } = expiry
  const quality =
    fit === undefined
      ? 'Too few marks for a surface.'
      : `SVI a ${fit.svi.a.toPrecision(4)}, b ${fit.svi.b.toPrecision(4)}, ρ ${fit.svi.rho.toPrecision(3)}, m ${fit.svi.m.toPrecision(3)}, s ${fit.svi.s.toPrecision(3)}; ` +
        `within ${(100 * fit.maxError).toFixed(2)} points of every mark, rms ${(100 * fit.rootMeanSquareError).toFixed(2)}` +
        (fit.leastDensity < 0 ? '.' : '; no butterfly arbitrage among the strikes.')
  const warnings = fit === undefined ? [] : fitWarnings(fit)
  return html`<section id="${id}">
<h2>${titleOf(expiry)}</h2>
<p class="note">${(365 * timeToExpiry).toFixed(1)} days, forward ${price(forward)}, ${rows.length} options. ${quality}</p>
${warnings.length === 0 ? html`` : html`<p class="warning">${sentence(warnings.join('; '))}</p>`}
${drawSmile(expiry)}
<div class="small-multiples">${(['delta', 'gamma', 'vega', 'theta'] as const).map((name) => drawGreek(expiry, name))}</div>
</section>
`
}

const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`

const strikeOf = ({ quote }: ChainRow): number => Number(quote.strikeE8) / 1e8
const strikeFigure = (strike: number): string => strike.toLocaleString('en-GB', { maximumFractionDigits: 2 })

function drawSmile({ forward, fit, rows }: ExpiryChain): Markup {
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
              kind: fit !== undefined && fitWarnings(fit).length > 0 ? 'down' : 'initial',
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

const greekUnits: Readonly<Record<keyof QuotedGreeks, string>> = {
  delta: 'per unit of forward',
  gamma: 'of delta, per unit of forward',
  vega: 'per volatility point',
  theta: 'per day',
  rho: 'per point of rate',
}

function drawGreek({ forward, rows }: ExpiryChain, name: keyof QuotedGreeks): Markup {
  const side = (isCall: boolean): readonly PlotPoint[] =>
    rows.filter(({ quote }) => quote.isCall === isCall).map((row) => [strikeOf(row), row.deribit[name]])
  // Calls and puts of a strike share gamma and vega
  const isShared = name === 'gamma' || name === 'vega'
  const lines = [
    { label: 'calls', kind: isShared ? 'fast' : 'up', shape: 'line' as const, points: side(true) },
    { label: 'puts', kind: 'down', shape: 'line' as const, points: isShared ? [] : side(false) },
  ]
  return drawPlot({
    title: name[0]?.toUpperCase() + name.slice(1),
    unit: greekUnits[name],
    width: 490,
    height: 210,
    axis: 'logarithmic',
    xFigure: strikeFigure,
    yFigure: (value) => String(Number(value.toPrecision(3))).replace('-', '−'),
    series: lines.filter(({ points }) => points.length > 0),
    lines: [{ label: '', kind: 'ink', x: forward }],
    withZero: true,
  })
}
