import type { Command } from 'commander'
import { EXIT } from '../text/terminal.ts'
import { action, addCommand, wholeNumber } from './command.ts'

type Options = { rpc?: string; registry?: string; port?: number; keys?: string }

export function addDoctorCommand(program: Command): void {
  addCommand(program, 'doctor', 'say what is missing here and how to mend it; exit 1 if anything is', [
    'doctor',
    'doctor --rpc http://127.0.0.1:8545 --registry 0x…',
  ])
    .option('--rpc <url>', 'also ask this node for its chain')
    .option('--registry <address>', 'also look for the registry there')
    .option('--port <number>', 'port that `zkrisk chain` would use', wholeNumber(0))
    .option('--keys <folder>', 'keys to check instead of the project’s own')
    .action(
      action<Options, []>(async (terminal, options) => {
        const { examine, formatFindings } = await import('../answers/doctor.ts')
        const findings = await examine(options)
        terminal.result(findings, formatFindings(findings))
        return findings.some(({ status }) => status === 'missing') ? EXIT.failure : EXIT.success
      }),
    )
}
