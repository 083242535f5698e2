/** `zkrisk greeks`: a whole chain priced by the exact twin, by expiry and strike. */
import { ProverError } from '../../errors.ts'
import type { ExpiryQuotes } from '../../options/chain.ts'
import { type MarkUnit, unitName } from '../../options/marks.ts'
import {
  type ChainRow,
  type ExpiryChain,
  priceChain,
  type PricedChain,
  type PricingOptions,
} from '../../options/pricedChain.ts'
import { fitWarnings } from '../../options/surface.ts'
import { quotedGreeks } from '../text/figures.ts'
import { refusalLines, refusalsJson } from '../text/chainNotes.ts'
import { formatTable } from '../text/table.ts'

/** Rows of a table that are shown of each expiry: those nearest the forward. */
const SHOWN_STRIKES = 9

export type GreeksOptions = Omit<PricingOptions, 'isWanted'> & {
  /** Only options of this currency: BTC, or BTC_USDC. */
  readonly currency?: string | undefined
  /** Only expiries whose date begins so, such as 2026-03. */
  readonly expiry?: string | undefined
}

/**
 * A chain of a file, priced; options that the file cannot price are named.
 *
 * @throws the errors of {@link readChain}; {@link NoOptionsChosenError}
 */
export function greeksOfChain(file: string, options: GreeksOptions): PricedChain {
  const { currency: wanted, expiry: begins = '' } = options
  const isWanted = ({ currency, expiry }: ExpiryQuotes): boolean =>
    (wanted === undefined || currency.toUpperCase() === wanted.toUpperCase()) && dateOf(expiry).startsWith(begins)
  const chain = priceChain(file, { ...options, isWanted })
  if (chain.expiries.length > 0) return chain
  const found = chain.known.map(({ currency, expiry }) => `${currency} ${dateOf(expiry)}`)
  throw new NoOptionsChosenError(file, [wanted, begins].filter(Boolean).join(' '), found)
}

const dateOf = (expiry: bigint): string => new Date(Number(expiry) * 1000).toISOString().slice(0, 10)

/** What `--json` prints: every expiry with its fitted surface, every option with value and Greeks. */
export function greeksJson({ file, expiries, perps, refused, skipped, notes }: PricedChain): object {
  return {
    file,
    priced: expiries.reduce((sum, { rows }) => sum + rows.length, 0),
    refused: refusalsJson(refused),
    skipped,
    notes,
    perps: perps.map(({ row, currency, price }) => ({ row, currency, price, unit: unitName(currency, 'quote') })),
    expiries: expiries.map(({ currency, expiry, unit, forward, timeToExpiry, fit, stale, rows }) => ({
      currency,
      markUnit: unit,
      quoteUnit: unitName(currency, 'quote'),
      expiry: new Date(Number(expiry) * 1000).toISOString(),
      forward,
      timeToExpiry,
      stale: stale === undefined ? null : { code: 'options.stale-surface', ...stale },
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
      options: rows.map(({ quote, value, valueInUnit, greeks, deribit }) => ({
        instrument: quote.instrument,
        strike: Number(quote.strikeE8) / 1e8,
        type: quote.isCall ? 'call' : 'put',
        forward: Number(quote.forwardE8) / 1e8,
        markVolatility: quote.markVolatility,
        value,
        valueInBase: value / (Number(quote.forwardE8) / 1e8),
        valueInMarkUnit: valueInUnit,
        markPrice: quote.markPrice ?? null,
        markUnit: unit,
        ...quotedGreeks(greeks),
        deribit,
      })),
    })),
  }
}

/** A table an expiry: all strikes, or those nearest the forward. */
export function formatGreeks(chain: PricedChain, all: boolean): string {
  const { file, expiries, perps, refused, skipped, notes } = chain
  const priced = expiries.reduce((sum, { rows }) => sum + rows.length, 0)
  return [
    `${file}: ${priced} options priced, ${refused.length} refused${skipped === 0 ? '' : `, ${skipped} other lines`}`,
    ...notes,
    ...perps.map(({ currency, price }) => `${currency} perpetuals ${price} ${unitName(currency, 'quote')}.`),
    ...refusalLines(refused),
    'Values and marks in the unit of each expiry; delta, gamma per unit of forward; vega a point, theta a day, rho a point, as Deribit quotes them.',
    ...expiries.flatMap((expiry) => ['', formatExpiry(expiry, all)]),
  ].join('\n')
}

function formatExpiry(expiryChain: ExpiryChain, all: boolean): string {
  const { currency, expiry, unit, forward, timeToExpiry, rows } = expiryChain
  const date = dateOf(expiry)
  const shown = all ? rows : nearestStrikes(rows, forward)
  const left = shown.length === rows.length ? '' : `; ${shown.length} of ${rows.length} options`
  return [
    `${currency} ${date}, ${(365 * timeToExpiry).toFixed(1)} days, forward ${forward.toLocaleString('en-GB')}, values in ${unit}; ${surfaceWords(expiryChain)}${left}`,
    formatTable(
      ['option', 'mark vol', 'fitted', 'value', 'mark', 'delta', 'gamma', 'vega', 'theta', 'rho'],
      shown.map(cells),
    ),
  ].join('\n')
}

/** What must be known before an expiry's surface is relied on, in words; none of a good one. */
export function surfaceWarnings({ fit, stale }: ExpiryChain): readonly string[] {
  if (stale !== undefined) {
    return [
      `no surface (stale-surface): ${stale.count} quotes are older than the newest by up to ${stale.ageSeconds.toLocaleString('en-GB')} s`,
    ]
  }
  return fit === undefined ? ['too few marks for a surface'] : fitWarnings(fit)
}

function surfaceWords(expiryChain: ExpiryChain): string {
  const { fit } = expiryChain
  const warnings = surfaceWarnings(expiryChain)
  if (fit === undefined) return warnings.join('; ')
  const [most, mean] = [fit.maxError, fit.rootMeanSquareError].map((error) => (100 * error).toFixed(2))
  return `SVI within ${most} points of the marks (rms ${mean})${warnings.map((warning) => `; ! ${warning}`).join('')}`
}

function cells({ quote, fittedVolatility, valueInUnit, deribit }: ChainRow): readonly string[] {
  const { delta, gamma, vega, theta, rho } = deribit
  return [
    quote.instrument,
    `${(100 * quote.markVolatility).toFixed(2)}`,
    fittedVolatility === undefined ? '' : `${(100 * fittedVolatility).toFixed(2)}`,
    inUnit(valueInUnit, quote.markUnit),
    quote.markPrice === undefined ? '' : inUnit(quote.markPrice, quote.markUnit),
    delta.toFixed(5),
    gamma.toPrecision(4),
    vega.toFixed(4),
    theta.toFixed(4),
    rho.toFixed(4),
  ]
}

/** Money to cents, coins to six decimals. */
const inUnit = (value: number, unit: MarkUnit): string => value.toFixed(unit === 'base' ? 6 : 2)

function nearestStrikes(rows: readonly ChainRow[], forward: number): readonly ChainRow[] {
  const strikes = [...new Set(rows.map(({ quote }) => Number(quote.strikeE8) / 1e8))]
  const kept = new Set(
    strikes.toSorted((a, b) => Math.abs(a - forward) - Math.abs(b - forward)).slice(0, SHOWN_STRIKES),
  )
  return rows.filter(({ quote }) => kept.has(Number(quote.strikeE8) / 1e8))
}

/** No option of the file is of the currency and expiry that were asked for. */
export class NoOptionsChosenError extends ProverError {
  readonly code = 'service.no-options'
  readonly file: string
  readonly found: readonly string[]

  constructor(file: string, wanted: string, found: readonly string[]) {
    super(
      `${file}: expected options of ${wanted}, found ${found.join(', ')}. Name one of them with --currency and --expiry.`,
    )
    this.file = file
    this.found = found
  }
}
