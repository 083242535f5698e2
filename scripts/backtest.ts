/**
 * Backtests the starting policy on years of hourly bars and prints what came of it.
 *
 *   npm run backtest -- [--json] [--model rangeMixture]
 *   npm run backtest -- [--json] [--model rangeMixture] [--bar-seconds 3600] [--newest-first] [--max-gap-seconds 86400] prices.csv …
 *
 * Without files: BTC and ETH from the long histories beside the checkout; where they are missing it says so and takes the
 * project's own extract of March 2020.
 */
import { parseArgs } from 'node:util'
import { DEFAULT_VOLATILITY_MODEL } from '../circuits/statements/index.ts'
import { ProverError } from '../prover/errors.ts'
import type { HistoryMarket } from '../prover/market/histories.ts'
import { historyMarkets, longHistoryFolder, readExtract, readLongHistory } from '../prover/market/histories.ts'
import type { PriceBar } from '../prover/market/prices.ts'
import { readHistory } from '../prover/service/answers/histories.ts'
import { backtest } from '../prover/parameters/backtest.ts'
import { defaultPolicy, withStartingWords } from '../prover/parameters/defaultPolicy.ts'
import { replay } from '../prover/parameters/replay.ts'
import { formatBacktest } from '../prover/service/text/backtestTable.ts'
import { volatilityModel } from '../prover/volatility/models.ts'

const { values, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    model: { type: 'string', default: DEFAULT_VOLATILITY_MODEL },
    'bar-seconds': { type: 'string' },
    'newest-first': { type: 'boolean', default: false },
    'max-gap-seconds': { type: 'string' },
  },
})

type History = { readonly name: string; readonly rows: readonly PriceBar[] }

function historyOf(market: HistoryMarket): History {
  const history = readLongHistory(market)
  if (history === undefined) {
    process.stderr.write(
      `${market}: no price histories in ${longHistoryFolder}; this is the extract of March 2020 alone, too short to judge by.\n`,
    )
  }
  const { sources, rows } = history ?? readExtract(market)
  return { name: `${market} (${sources.join(', ')})`, rows }
}

function historyIn(file: string): History {
  const wholeNumber = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text))
  const options = {
    barSeconds: wholeNumber(values['bar-seconds']),
    newestFirst: values['newest-first'] || undefined,
    maxGapSeconds: wholeNumber(values['max-gap-seconds']),
  }
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  const { rows } = readHistory(file, options, { say, horizonSeconds: Number(defaultPolicy.learning.horizonSeconds) })
  return { name: file, rows }
}

try {
  const histories = files.length === 0 ? historyMarkets.map(historyOf) : files.map(historyIn)
  const model = volatilityModel(values.model)
  const results = histories.map(({ name, rows }) => ({
    name,
    backtest: backtest(replay(rows, withStartingWords(model, defaultPolicy), { model })),
  }))
  const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value)
  process.stdout.write(
    values.json
      ? `${JSON.stringify(results, plain, 2)}\n`
      : results.map(({ name, backtest }) => formatBacktest(name, backtest)).join('\n\n'),
  )
} catch (error) {
  if (!(error instanceof ProverError)) throw error
  process.stderr.write(`${error.message} [${error.code}]\n`)
  process.exitCode = 1
}
