/** `zkrisk models`: volatility models judged by what their horizon moves were worth. */
import type { Command } from 'commander'
import { action, addCommand, wholeNumber } from './command.ts'
import { addPriceOptions, type PriceFlags, priceOptions } from './priceOptions.ts'

type Options = PriceFlags & { asset?: readonly string[]; observeSeconds?: number; closesOnly?: boolean; html?: string }

export function addModelsCommand(program: Command): void {
  const models = addCommand(
    program,
    'models [prices...]',
    'volatility models by asset and year: score, coverage, moves, shortfall, constraints; no proofs',
    [
      'models --html models.html',
      'models btc.csv.gz eth.csv.gz --asset BTC-USD --asset ETH-USD',
      'models btc-minutes.csv --observe-seconds 3600 --json',
    ],
  )
    .addHelpText(
      'after',
      `
Without files: BTC and ETH from the long histories beside the checkout, else the project's extract of March 2020. Columns
named high and low are the range of a row; a file without them has closes only. Files of one asset follow each other, in
whatever order they are named; each may run either way. Predictions are for one hour: of rows further apart only coverage can be judged.`,
    )
    .option('--asset <name...>', 'asset of each price file, in order; by default each file is its own')
    .option(
      '--observe-seconds <seconds>',
      'gather rows to one observation this often, with the highest and lowest between',
      wholeNumber(1),
    )
    .option('--closes-only', 'leave highs and lows out, as a source does that attests no range')
    .option('--html <file>', 'also write a page with pictures: scores through time, margins through a crash')
  addPriceOptions(models).action(
    action<Options, [string[]]>(async (terminal, options, files) => {
      const [{ judgeAssets, readAssets, modelsJson }, { formatModels }] = await Promise.all([
        import('../answers/models.ts'),
        import('../text/modelsTable.ts'),
      ])
      const { asset = [], observeSeconds, closesOnly } = options
      const prices = priceOptions(options)
      const assets = readAssets(files, { names: asset, observeSeconds, closesOnly, prices, say: terminal.say })
      const judged = judgeAssets(assets)
      if (options.html !== undefined) {
        const { writeModelsReport } = await import('../report/modelsReport.ts')
        writeModelsReport(options.html, judged)
        terminal.say(`Pictures: ${options.html}`)
      }
      terminal.result(modelsJson(judged), formatModels(judged))
    }),
  )
}
