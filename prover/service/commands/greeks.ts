/** `zkrisk greeks`: a whole option chain. */
import type { Command } from 'commander'
import { addChainOptions, type ChainFlags, chainOptions } from './chainOptions.ts'
import { action, addCommand } from './command.ts'

type Flags = ChainFlags & { currency?: string; expiry?: string; all?: boolean; html?: string }

export function addGreeksCommand(program: Command): void {
  const greeks = addCommand(
    program,
    'greeks <chain>',
    'value and Greeks of every option of a chain (CSV, JSON list or websocket log, plain or .gz), by the exact twin',
    [
      'greeks deribit_options_snapshot.csv.gz --currency BTC --expiry 2026-03',
      'greeks deribit-ws.log.gz --json',
      'greeks chain.csv --html chain.html',
    ],
  )
    .option('--currency <name>', 'only options of this currency, such as BTC or BTC_USDC')
    .option('--expiry <date>', 'only expiries whose date begins so, such as 2026-03 or 2026-03-27')
    .option('--all', 'every strike, not only those nearest the forward')
    .option('--html <file>', 'also write a page with pictures: smiles with their fitted surface, Greeks by strike')
  addChainOptions(greeks).action(
    action<Flags, [string]>(async (terminal, options, file) => {
      const { formatGreeks, greeksJson, greeksOfChain } = await import('../answers/chains.ts')
      const { currency, expiry } = options
      const chain = greeksOfChain(file, { ...chainOptions(options), currency, expiry })
      if (options.html !== undefined) {
        const { writeChainReport } = await import('../report/chainReport.ts')
        writeChainReport(options.html, chain)
        terminal.say(`Pictures: ${options.html}`)
      }
      terminal.result(greeksJson(chain), formatGreeks(chain, options.all === true))
    }),
  )
}
