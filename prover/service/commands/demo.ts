import type { Command } from 'commander'
import { action, addCommand, positiveNumber, wholeNumber } from './command.ts'

type Options = { batches?: number; seconds?: number; report?: string }

export function addDemoCommand(program: Command): void {
  addCommand(program, 'demo', 'deploy, attest, prove, submit, read back and audit the crash of March 2020, here and now', [
    'demo',
    'demo --batches 60 --seconds 600',
  ])
    .option('--batches <count>', 'most hours to prove (default 12)', wholeNumber(1))
    .option('--seconds <seconds>', 'begin no further proof after this time (default 32)', positiveNumber)
    .option('--report <file>', 'HTML report to write')
    .action(
      action<Options, []>(async (terminal, { batches, seconds }) => {
        const { runDemo } = await import('../demo.ts')
        const { formatProven, provenRows } = await import('../provenTable.ts')
        const result = await runDemo({ batches, proveSeconds: seconds, say: terminal.say })
        terminal.result({ parameters: provenRows(result.steps), seconds: result.seconds }, formatProven(result.steps))
      }),
    )
}
