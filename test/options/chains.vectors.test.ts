import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { OptionQuote } from '../../prover/options/chain.ts'
import { byExpiry, readChain } from '../../prover/options/chain.ts'
import { fitQuotes, priceQuote } from '../../prover/options/pricedChain.ts'
import { optionGreeks, optionValue } from '../../prover/options/real.ts'
import { leastTotalVariance } from '../../prover/options/surface.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'options', 'deribit-2026')
const isPresent = existsSync(folder)
if (!isPresent) console.log(`skipped: no ${folder}`)
const files = isPresent ? readdirSync(folder).filter((file) => file.startsWith('deribit_options_snapshot')) : []

/** `npm run campaign:chains` prices every option with the twin and fits every expiry; otherwise a sample. */
const isCampaign = process.env.ZKRISK_CAMPAIGN === 'chains'
const TWIN_EVERY = isCampaign ? 1 : 20
const FIT_EVERY = isCampaign ? 1 : 21

const termsOf = (quote: OptionQuote) => ({
  forward: Number(quote.forwardE8) / 1e8,
  strike: Number(quote.strikeE8) / 1e8,
  timeToExpiry: Math.round(Number(quote.expiry) - quote.asOf) / 31_536_000,
  impliedVolatility: quote.markVolatility,
  isCall: quote.isCall,
})

describe.skipIf(!isPresent)('126 real BTC and ETH chains', () => {
  it('every row is priced, or refused with a name', () => {
    const count = {
      worthless: 0,
      rows: 0,
      priced: 0,
      refused: new Map<string, number>(),
      twin: 0,
      expiries: 0,
      fits: 0,
      butterflies: 0,
    }
    const worst = { twinPrice: 0, twinDelta: 0, coin: 0 }
    const coinErrors: number[] = []
    const fitErrors: number[] = []
    for (const [f, file] of files.entries()) {
      const { quotes, refused } = readChain(join(folder, file))
      count.rows += quotes.length + refused.length
      for (const { code } of refused) count.refused.set(code, (count.refused.get(code) ?? 0) + 1)
      for (const quote of quotes) {
        const terms = termsOf(quote)
        const value = optionValue(terms)
        if (!(value >= -1e-9 * terms.forward)) count.worthless++
        const coin = Math.abs(value / terms.forward - (quote.markPrice ?? 0))
        coinErrors.push(coin)
        worst.coin = Math.max(worst.coin, coin)
        if (count.priced++ % TWIN_EVERY !== 0) continue
        const { value: exact, greeks } = priceQuote(quote)
        worst.twinPrice = Math.max(worst.twinPrice, Math.abs(exact - value) / terms.forward)
        worst.twinDelta = Math.max(worst.twinDelta, Math.abs(greeks.delta - optionGreeks(terms).delta))
        count.twin++
      }
      const expiries = byExpiry(quotes)
      count.expiries += expiries.length
      if (f % FIT_EVERY !== 0) continue
      for (const { currency, expiry, quotes: marks } of expiries) {
        const fit = fitQuotes(marks, marks[0]?.timeToExpiry ?? 0, `${currency} ${expiry}`)
        if (fit === undefined) continue
        count.fits++
        if (fit.leastDensity < 0) count.butterflies++
        fitErrors.push(fit.rootMeanSquareError)
        expect(leastTotalVariance(fit.svi)).toBeGreaterThan(0)
      }
    }
    const sorted = (values: number[]): number[] => values.sort((a, b) => a - b)
    const quantile = (values: number[], q: number): string =>
      (sorted(values)[Math.floor(q * values.length)] ?? 0).toExponential(1)
    const refusals = [...count.refused.values()].reduce((sum, n) => sum + n, 0)
    console.log(
      `${files.length} chains, ${count.expiries} expiries, ${count.rows} rows: ${count.priced} priced, ${refusals} refused`,
      Object.fromEntries(count.refused),
    )
    console.log(
      `marks against Black-76: median ${quantile(coinErrors, 0.5)} coin, p99 ${quantile(coinErrors, 0.99)}, max ${worst.coin.toExponential(1)}`,
    )
    console.log(
      `twin on ${count.twin} rows: price within ${worst.twinPrice.toExponential(1)} of the forward, delta within ${worst.twinDelta.toExponential(1)} of floating point`,
    )
    console.log(
      `${count.fits} SVI fits: rms ${quantile(fitErrors, 0.5)} median, ${quantile(fitErrors, 0.9)} p90; ${count.butterflies} with butterfly arbitrage`,
    )

    expect(count.rows).toBe(201_210)
    expect(count.priced + refusals).toBe(count.rows)
    expect(count.worthless).toBe(0)
    // 2e-12 of the twin itself; the rest is σ and √τ, each to the nearest or lower 2^-40
    expect(worst.twinPrice).toBeLessThan(4e-12)
    expect(worst.twinDelta).toBeLessThan(1e-7)
  })
})
