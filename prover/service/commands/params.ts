import type { Command } from 'commander'
import { Option } from 'commander'
import { action, addCommand, wholeNumber } from './command.ts'
import { addPriceOptions, type PriceFlags, priceOptions } from './priceOptions.ts'

type Options = PriceFlags & {
  format?: 'table' | 'csv' | 'json'
  json?: boolean
  out?: string
  plot?: string
  market: string
  every?: number
  model?: string
  rows?: number
}

export function addParamsCommand(program: Command): void {
  const params = addCommand(
    program,
    'params <prices>',
    'risk parameters through time from a price file (.csv or .csv.gz); no proofs',
    [
      'params btc-hourly.csv --from 2020-03-08 --to 2020-03-16',
      'params btc-hourly.csv.gz --plot report.html',
      'params XBTUSD_60.csv --columns time,open,high,low,close --model ewma',
    ],
  )
    .addOption(new Option('--format <format>', 'of the result').choices(['table', 'csv', 'json']).default('table'))
    .option('-o, --out <file>', 'write the result there instead of printing it')
    .option('--plot <file>', 'also write an HTML report with plots')
    .option('--market <name>', 'name in titles', 'BTC-USD')
    .option('--every <count>', 'publish after this many observations, even if no prediction is due', wholeNumber(1))
    .option(
      '--model <name>',
      'volatility model: rangeMixture (default), which reads columns named high and low, ewma or garch',
    )
    .option('--rows <count>', 'most rows of the table', wholeNumber(3))
  addPriceOptions(params).action(
    action<Options, [string]>(async (terminal, options, prices) => {
      const { parametersOf } = await import('../answers/params.ts')
      const format = options.json === true ? 'json' : options.format
      const text = await parametersOf(prices, {
        ...options,
        format,
        prices: priceOptions(options),
        say: terminal.say,
      })
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
