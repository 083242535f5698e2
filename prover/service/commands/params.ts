import type { Command } from 'commander'
import { Option } from 'commander'
import type { PriceOptions } from '../../market/prices.ts'
import { action, addCommand, wholeNumber } from './command.ts'

type Options = {
  format?: 'table' | 'csv' | 'json'
  json?: boolean
  out?: string
  plot?: string
  market: string
  every?: number
  rows?: number
  timeColumn?: string
  priceColumn?: string
  impliedVolatilityColumn?: string
  barSeconds?: number
  maxGapSeconds?: number
  newestFirst?: boolean
  roundPrices?: boolean
  from?: string
  to?: string
}

export function addParamsCommand(program: Command): void {
  addCommand(
    program,
    'params <prices>',
    'risk parameters through time from a price file (.csv or .csv.gz); no proofs',
    [
      'params btc-hourly.csv --from 2020-03-08 --to 2020-03-16',
      'params btc-hourly.csv.gz --bar-seconds 3600 --newest-first --plot report.html',
    ],
  )
    .addOption(new Option('--format <format>', 'of the result').choices(['table', 'csv', 'json']).default('table'))
    .option('-o, --out <file>', 'write the result there instead of printing it')
    .option('--plot <file>', 'also write an HTML report with plots')
    .option('--market <name>', 'name in titles', 'BTC-USD')
    .option('--every <count>', 'publish after this many observations, even if no prediction is due', wholeNumber(1))
    .option('--rows <count>', 'most rows of the table', wholeNumber(3))
    .option('--time-column <name>', 'header of the time column')
    .option('--price-column <name>', 'header of the price column')
    .option('--implied-volatility-column <name>', 'header of a column of implied volatilities (0.65 = 65 %)')
    .option('--bar-seconds <seconds>', 'times are openings of bars this long', wholeNumber(0))
    .option('--max-gap-seconds <seconds>', 'longest pause allowed', wholeNumber(1))
    .option('--newest-first', 'the file runs from the newest row to the oldest')
    .option('--round-prices', 'round prices with more than 8 decimals')
    .option('--from <time>', 'first time to keep, UTC')
    .option('--to <time>', 'first time to leave out, UTC')
    .action(
      action<Options, [string]>(async (terminal, options, prices) => {
        const { parametersOf } = await import('../params.ts')
        const format = options.json === true ? 'json' : options.format
        const text = await parametersOf(prices, { ...options, format, prices: priceOptions(options) })
        if (options.plot !== undefined) terminal.say(`Plots: ${options.plot}`)
        if (options.out === undefined) {
          terminal.result(options.json === true ? JSON.parse(text) : undefined, text)
        } else {
          const { writeWholeFile } = await import('../wholeFile.ts')
          writeWholeFile(options.out, text)
          terminal.result({ written: options.out }, `Written to ${options.out}`)
        }
      }),
    )
}

function priceOptions(options: Options): PriceOptions & { readonly fromText?: string; readonly toText?: string } {
  const { timeColumn, priceColumn, impliedVolatilityColumn, barSeconds, maxGapSeconds, newestFirst, roundPrices } =
    options
  return {
    timeColumn,
    priceColumn,
    impliedVolatilityColumn,
    barSeconds,
    maxGapSeconds,
    newestFirst,
    roundPrices,
    ...(options.from === undefined ? {} : { fromText: options.from }),
    ...(options.to === undefined ? {} : { toText: options.to }),
  }
}
