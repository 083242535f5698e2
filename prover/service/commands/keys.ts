import type { Command } from 'commander'
import { action, addCommand } from './command.ts'

type Options = { keys?: string }

export function addKeysCommand(program: Command): void {
  const group = program.command('keys').description('proving and verification keys of the circuits compiled here')

  addCommand(group, 'setup [circuits...]', 'make development keys where there are none (insecure: local chains only)', [
    'keys setup',
    'keys setup marketRiskRange6x2',
  ])
    .option('--keys <folder>', 'where keys lie, instead of the project’s own folder')
    .action(
      action<Options, [string[]]>(async (terminal, { keys }, circuits) => {
        const { formatKeys, setUpKeys } = await import('../answers/keyCommands.ts')
        const reports = await setUpKeys(terminal, circuits, keys)
        terminal.result(reports, formatKeys(reports))
      }),
    )

  addCommand(group, 'verify [circuits...]', 'check hashes, ceremony gate and that keys belong to these circuits', [
    'keys verify',
  ])
    .option('--keys <folder>', 'where keys lie, instead of the project’s own folder')
    .action(
      action<Options, [string[]]>(async (terminal, { keys }, circuits) => {
        const { formatKeys, verifyKeys } = await import('../answers/keyCommands.ts')
        const reports = await verifyKeys(terminal, circuits, keys)
        terminal.result(reports, formatKeys(reports))
      }),
    )

  addCommand(group, 'import <circuit> <zkey>', 'take in the proving key that a ceremony ended with', [
    'keys import marketRiskRange6x2 final.zkey --keys ceremony',
  ])
    .addHelpText(
      'after',
      '\nVerify the ceremony first: snarkjs zkey verify, with the powers of tau it names. Development keys of the circuit give way.\n`zkrisk deploy --keys` and `zkrisk serve --keys` take the folder; in the project’s own, `npm run build` makes the verifier anew.',
    )
    .option('--keys <folder>', 'where keys lie, instead of the project’s own folder')
    .action(
      action<Options, [string, string]>(async (terminal, { keys }, circuit, zkey) => {
        const { formatKeys, importKeys } = await import('../answers/keyCommands.ts')
        const report = await importKeys(circuit, zkey, keys)
        terminal.result(report, formatKeys([report]))
      }),
    )
}
