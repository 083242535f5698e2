/** `zkrisk greeks`: a whole option chain. */
import type { Command } from 'commander'
import type { GreeksOptions } from '../answers/chains.ts'
import { action, addCommand } from './command.ts'

export function addGreeksCommand(program: Command): void {
  addCommand(
    program,
    'greeks <chain>',
    'value and Greeks of every option of a chain (CSV or websocket log, plain or .gz), by the exact twin',
    [
      'greeks deribit_options_snapshot.csv.gz --currency BTC --expiry 2026-03',
      'greeks deribit-ws.log.gz --json',
      'greeks chain.csv --html chain.html',
    ],
  )
    .option('--currency <name>', 'only options on this currency')
    .option('--expiry <date>', 'only expiries whose date begins so, such as 2026-03 or 2026-03-27')
    .option('--all', 'every strike, not only those nearest the forward')
    .option('--html <file>', 'also write a page with pictures: smiles with their fitted surface, Greeks by strike')
    .action(
      action<GreeksOptions & { html?: string }, [string]>(async (terminal, options, file) => {
        const { formatGreeks, greeksJson, greeksOfChain } = await import('../answers/chains.ts')
        const chain = greeksOfChain(file, options)
        if (options.html !== undefined) {
          const { writeChainReport } = await import('../report/chainReport.ts')
          writeChainReport(options.html, chain)
          terminal.say(`Pictures: ${options.html}`)
        }
        terminal.result(greeksJson(chain), formatGreeks(chain, options))
      }),
    )
}
