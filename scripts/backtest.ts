/**
 * Backtests the starting policy on years of hourly closes and prints what came of it.
 *
 *   node scripts/backtest.ts [--json]
 *
 * Without the long histories beside the checkout it says so and takes the project's own extract of March 2020.
 */
import { parseArgs } from 'node:util'
import type { HistoryMarket, PriceHistory } from '../prover/market/histories.ts'
import { historyMarkets, longHistoryFolder, readExtract, readLongHistory } from '../prover/market/histories.ts'
import { backtest } from '../prover/parameters/backtest.ts'
import { defaultPolicy } from '../prover/parameters/defaultPolicy.ts'
import { replay } from '../prover/parameters/replay.ts'
import { formatBacktest } from '../prover/service/backtestTable.ts'

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })

const results = historyMarkets.map((market) => {
  const { sources, rows } = historyOf(market)
  return { market, sources, backtest: backtest(replay(rows, defaultPolicy)) }
})

if (values.json) {
  const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value)
  process.stdout.write(`${JSON.stringify(results, plain, 2)}\n`)
} else {
  for (const { market, sources, backtest } of results) {
    process.stdout.write(`${formatBacktest(`${market} (${sources.join(', ')})`, backtest)}\n`)
  }
}

function historyOf(market: HistoryMarket): PriceHistory {
  const history = readLongHistory(market)
  if (history !== undefined) return history
  process.stderr.write(
    `${market}: no price histories in ${longHistoryFolder}; this is the extract of March 2020 alone, too short to judge by.\n`,
  )
  return readExtract(market)
}
