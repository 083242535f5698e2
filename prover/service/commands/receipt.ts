import type { Command } from 'commander'
import { requireOptions } from '../text/usageError.ts'
import { action, addCommand, wholeNumber } from './command.ts'

type Options = {
  rpc?: string
  venue?: string
  tx?: string
  account?: string
  file?: string
  save?: string
  deployment?: string
  keys?: string
  fromBlock?: number
  claims?: boolean
}

export function addReceiptCommand(program: Command): void {
  addCommand(
    program,
    'receipt',
    'why an account was liquidated, what would have saved it and what was taken, verified; exit 1 if a claim fails',
    [
      'receipt --rpc http://127.0.0.1:8545 --venue 0x… --account 0x… --save receipt.json',
      'receipt --rpc http://127.0.0.1:8545 --venue 0x… --tx 0x… --json',
      'receipt --file receipt.json',
      'receipt --file receipt.json --venue 0x… --deployment deployment.json --claims',
    ],
  )
    .option('--rpc <url>', 'node of the chain')
    .option('--venue <address>', 'venue that liquidated; beside --file, the one that it must have been')
    .option('--tx <hash>', 'transaction of the liquidation')
    .option('--account <address>', 'owner of the account: the last liquidation, or that of --tx')
    .option('--file <file>', 'explain a receipt that was saved, without a chain')
    .option('--save <file>', 'write a receipt that is explained without a chain')
    .option('--deployment <file>', 'names chain, contracts, signers and first block')
    .option('--keys <folder>', 'keys to trust, instead of the project’s own')
    .option('--from-block <number>', 'block of the deployment, or an earlier one', wholeNumber(0))
    .option('--claims', 'list the ids of the claims that each subject was judged by')
    .action(
      action<Options, []>(async (terminal, options) => {
        const [{ receiptOf }, { explainReceipt, formatReceipt }, { exitCodeOf }] = await Promise.all([
          import('../answers/receipts.ts'),
          import('../../audit/portfolio/receipt/report.ts'),
          import('../../audit/report.ts'),
        ])
        const { file, rpc, tx, account, save, fromBlock } = options
        if (file !== undefined)
          requireOptions({ rpc, tx, account, save, 'from-block': fromBlock }, { excludes: 'file' })
        const began = performance.now()
        const { report, pins } = await receiptOf({ ...options, transaction: tx })
        const elapsedSeconds = (performance.now() - began) / 1000
        const telling = { showClaims: options.claims, pins, elapsedSeconds }
        terminal.result({ ...explainReceipt(report), pins, elapsedSeconds }, formatReceipt(report, telling))
        return exitCodeOf(report)
      }),
    )
}
