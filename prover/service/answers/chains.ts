/** `zkrisk greeks`: a whole chain priced by the exact twin, by expiry and strike. */
import { type ChainRow, type ExpiryChain, priceChain, type PricedChain } from '../../options/pricedChain.ts'
import { fitWarnings } from '../../options/surface.ts'
import { formatTable } from '../text/table.ts'

/** Rows of a table that are shown of each expiry: those nearest the forward. */
const SHOWN_STRIKES = 9

export type GreeksOptions = {
  /** Only expiries of this currency, such as BTC. */
  readonly currency?: string | undefined
  /** Only expiries whose date begins so, such as 2026-03. */
  readonly expiry?: string | undefined
  /** Every strike instead of those nearest the forward. */
  readonly all?: boolean | undefined
}

/** A chain of a file, priced; options that the file cannot price are named. @throws the errors of {@link readChain} */
export function greeksOfChain(file: string, options: GreeksOptions): PricedChain {
  return priceChain(file, ({ currency, expiry }) => {
    const date = new Date(Number(expiry) * 1000).toISOString()
    return currency.startsWith(options.currency ?? '') && date.startsWith(options.expiry ?? '')
  })
}

/** What `--json` prints: every expiry with its fitted surface, every option with value and Greeks. */
export function greeksJson({ file, expiries, refused, skipped }: PricedChain): object {
  return {
    file,
    priced: expiries.reduce((sum, { rows }) => sum + rows.length, 0),
    refused: refused.map(({ code, row, instrument, value }) => ({ code, row, instrument, value })),
    skipped,
    expiries: expiries.map(({ currency, expiry, forward, timeToExpiry, fit, rows }) => ({
      currency,
      expiry: new Date(Number(expiry) * 1000).toISOString(),
      forward,
      timeToExpiry,
      svi:
        fit === undefined
          ? null
          : {
              ...fit.svi,
              rootMeanSquareError: fit.rootMeanSquareError,
              maxError: fit.maxError,
              leastDensity: fit.leastDensity,
              warnings: fitWarnings(fit),
            },
      options: rows.map(({ quote, value, greeks, deribit }) => ({
        instrument: quote.instrument,
        strike: Number(quote.strikeE8) / 1e8,
        type: quote.isCall ? 'call' : 'put',
        forward: Number(quote.forwardE8) / 1e8,
        markVolatility: quote.markVolatility,
        value,
        valueInBase: value / (Number(quote.forwardE8) / 1e8),
        markPrice: quote.markPrice ?? null,
        ...greeks,
        deribit,
      })),
    })),
  }
}

/** A table a expiry, strikes nearest the forward. */
export function formatGreeks({ file, expiries, refused, skipped }: PricedChain, { all }: GreeksOptions): string {
  const priced = expiries.reduce((sum, { rows }) => sum + rows.length, 0)
  const reasons = new Map<string, number>()
  for (const { code } of refused) reasons.set(code, (reasons.get(code) ?? 0) + 1)
  const refusals = [...reasons].map(([code, count]) => `${count} ${code}`).join(', ')
  return [
    `${file}: ${priced} options priced, ${refused.length} refused${refusals === '' ? '' : ` (${refusals})`}${skipped === 0 ? '' : `, ${skipped} other lines`}`,
    'Values in the base currency; delta, gamma per unit of forward; vega a point, theta a day, rho a point, as Deribit quotes them.',
    ...expiries.flatMap((expiry) => ['', formatExpiry(expiry, all === true)]),
  ].join('\n')
}

function formatExpiry({ currency, expiry, forward, timeToExpiry, fit, rows }: ExpiryChain, all: boolean): string {
  const date = new Date(Number(expiry) * 1000).toISOString().slice(0, 10)
  const surface =
    fit === undefined
      ? 'too few marks for a surface'
      : `SVI within ${(100 * fit.maxError).toFixed(2)} points of the marks (rms ${(100 * fit.rootMeanSquareError).toFixed(2)})${fitWarnings(
          fit,
        )
          .map((warning) => `; ! ${warning}`)
          .join('')}`
  const shown = all ? rows : nearestStrikes(rows, forward)
  const left = shown.length === rows.length ? '' : `; ${shown.length} of ${rows.length} options`
  return [
    `${currency} ${date}, ${(365 * timeToExpiry).toFixed(1)} days, forward ${forward.toLocaleString('en-GB')}; ${surface}${left}`,
    formatTable(
      ['option', 'mark vol', 'fitted', 'value', 'mark', 'delta', 'gamma', 'vega', 'theta', 'rho'],
      shown.map(cells),
    ),
  ].join('\n')
}

function cells({ quote, fittedVolatility, value, deribit }: ChainRow): readonly string[] {
  const { delta, gamma, vega, theta, rho } = deribit
  return [
    quote.instrument,
    `${(100 * quote.markVolatility).toFixed(2)}`,
    fittedVolatility === undefined ? '' : `${(100 * fittedVolatility).toFixed(2)}`,
    (value / (Number(quote.forwardE8) / 1e8)).toFixed(6),
    quote.markPrice?.toFixed(6) ?? '',
    delta.toFixed(5),
    gamma.toPrecision(4),
    vega.toFixed(4),
    theta.toFixed(4),
    rho.toFixed(4),
  ]
}

function nearestStrikes(rows: readonly ChainRow[], forward: number): readonly ChainRow[] {
  const strikes = [...new Set(rows.map(({ quote }) => Number(quote.strikeE8) / 1e8))]
  const kept = new Set(
    strikes.toSorted((a, b) => Math.abs(a - forward) - Math.abs(b - forward)).slice(0, SHOWN_STRIKES),
  )
  return rows.filter(({ quote }) => kept.has(Number(quote.strikeE8) / 1e8))
}
