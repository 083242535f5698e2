import { basename } from 'node:path'
import type { Command } from 'commander'
import { Option } from 'commander'
import { action, addCommand, wholeNumber } from './command.ts'
import { addPolicyOptions, entriesOfFlags, type PolicyFlags } from './policyOptions.ts'
import { addPriceOptions, type PriceFlags, priceOptions } from './priceOptions.ts'

type Options = PriceFlags &
  PolicyFlags & {
    format?: 'table' | 'csv' | 'json'
    json?: boolean
    out?: string
    html?: string
    market?: string
    every?: number
    rows?: number
  }

export function addParamsCommand(program: Command): void {
  const params = addCommand(
    program,
    'params <prices>',
    'risk parameters through time from a price file (CSV or JSON as exchanges write them, plain or gzipped); no proofs',
    [
      'params btc-hourly.csv --from 2020-03-08 --to 2020-03-16',
      'params btc-hourly.csv.gz --html report.html',
      'params XBTUSD_60.csv --columns time,open,high,low,close --volatility-model ewma',
      'params btc-hourly.csv --alpha 1% --horizon 2h --format csv -o what-if.csv',
      'params btc-hourly.csv --policy policy.json',
    ],
  )
    .addOption(new Option('--format <format>', 'of the result').choices(['table', 'csv', 'json']).default('table'))
    .option('-o, --out <file>', 'write the result there instead of printing it')
    .option('--plot, --html <file>', 'also write an HTML report with plots')
    .option('--market <name>', 'name in titles, by default that of the file')
    .option('--every <count>', 'publish after this many observations, even if no prediction is due', wholeNumber(1))
    .option('--rows <count>', 'most rows of the table', wholeNumber(3))
  addPriceOptions(params)
  addPolicyOptions(params).action(
    action<Options, [string]>(async (terminal, options, prices) => {
      const { parametersOf } = await import('../answers/params.ts')
      const format = options.json === true ? 'json' : options.format
      const text = await parametersOf(prices, {
        ...options,
        market: options.market ?? nameOfFile(prices),
        format,
        prices: priceOptions(options),
        entries: entriesOfFlags(options),
        say: terminal.say,
      })
      if (options.html !== undefined) terminal.say(`Plots: ${options.html}`)
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

/** `btc-hourly` of `data/btc-hourly.csv.gz`. */
const nameOfFile = (file: string): string => basename(file).replace(/(?<=.)\..*$/, '')
