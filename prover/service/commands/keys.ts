import { type Command, InvalidArgumentError } from 'commander'
import { action, addCommand, wholeNumber } from './command.ts'
import { UsageError } from '../text/usageError.ts'

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
    'keys verify marketRiskRange6x2 --zkey final.zkey --ptau powers.ptau',
  ])
    .option('--keys <folder>', 'where keys lie, instead of the project’s own folder')
    .option('--zkey <file>', 'a key that was not taken in yet, with --ptau: every point of it')
    .option('--ptau <file>', 'powers of tau of the first phase, prepared for the second')
    .action(
      action<Options & { zkey?: string; ptau?: string }, [string[]]>(async (terminal, options, circuits) => {
        const { formatKeys, formatStep, verifyCeremony, verifyKeys } = await import('../answers/keyCommands.ts')
        const { keys, zkey, ptau } = options
        const [circuit, another] = circuits
        if (zkey === undefined || ptau === undefined) {
          if (zkey !== undefined || ptau !== undefined) throw new FlagsTogetherError('--zkey', '--ptau')
          const reports = await verifyKeys(terminal, circuits, keys)
          return terminal.result(reports, formatKeys(reports))
        }
        if (circuit === undefined || another !== undefined) throw new FlagsTogetherError('one circuit', '--zkey')
        const verified = await verifyCeremony(circuit, zkey, ptau)
        terminal.result(verified, `${formatStep(verified)}\n  verified whole: transcript, and every point of the key`)
      }),
    )

  addCeremonyCommands(group)

  addCommand(group, 'import <circuit> <zkey>', 'take in the proving key that a ceremony ended with', [
    'keys import marketRiskRange6x2 final.zkey --keys ceremony',
  ])
    .addHelpText(
      'after',
      '\nVerify the ceremony first: `zkrisk keys verify <circuit> --zkey … --ptau …`. Development keys of the circuit give way.\n`zkrisk deploy --keys` and `zkrisk serve --keys` take the folder; in the project’s own, `npm run build` makes the verifier anew.',
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

/** A second phase: begun by one, contributed to by others in turn, each on a machine of their own, and ended by a beacon. */
function addCeremonyCommands(group: Command): void {
  addCommand(
    group,
    'begin <circuit> <ptau> <out>',
    'begin a ceremony from powers of tau: a key that nobody contributed to',
    ['keys begin marketRiskRange6x2 powers.ptau 0.zkey'],
  ).action(
    action<object, [string, string, string]>(async (terminal, _, circuit, ptau, out) => {
      const { beginCeremony, formatStep } = await import('../answers/keyCommands.ts')
      const step = await beginCeremony(circuit, ptau, out)
      terminal.result(step, formatStep(step))
    }),
  )
  addCommand(group, 'contribute <zkey> <out>', 'add a secret of this machine to a ceremony’s key; it is forgotten', [
    'keys contribute 0.zkey 1.zkey --name "Ada"',
  ])
    .requiredOption('--name <name>', 'whose contribution it is, as the key will say')
    .action(
      action<{ name: string }, [string, string]>(async (terminal, { name }, zkey, out) => {
        const { contributeTo, formatStep } = await import('../answers/keyCommands.ts')
        const step = await contributeTo(zkey, out, name)
        terminal.result(step, formatStep(step))
      }),
    )
  addCommand(group, 'beacon <zkey> <out>', 'end a ceremony with a public value that nobody knew before', [
    'keys beacon 3.zkey final.zkey --value 0102…20 --iterations 10',
  ])
    .requiredOption('--value <hex>', '32 bytes as hexadecimal digits: of a block, a drand round', beaconValue)
    .option('--iterations <exponent>', 'hashed 2^exponent times, 10 to 24', wholeNumber(10, 24), 10)
    .action(
      action<{ value: string; iterations: number }, [string, string]>(async (terminal, options, zkey, out) => {
        const { applyBeacon, formatStep } = await import('../answers/keyCommands.ts')
        const step = await applyBeacon(zkey, out, options.value, options.iterations)
        terminal.result(step, formatStep(step))
      }),
    )
  addCommand(
    group,
    'export <circuit> <folder>',
    'write what auditors need of a key: verification key, manifest, transcript',
    ['keys export marketRiskRange6x2 auditors --keys ceremony'],
  )
    .option('--keys <folder>', 'where keys lie, instead of the project’s own folder')
    .action(
      action<Options, [string, string]>(async (terminal, { keys }, circuit, folder) => {
        const { exportKeys, formatKeys } = await import('../answers/keyCommands.ts')
        const report = await exportKeys(circuit, folder, keys)
        terminal.result(report, formatKeys([report]))
      }),
    )
}

function beaconValue(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase()
  throw new InvalidArgumentError('expected 64 hexadecimal digits')
}

/** One of two things was said that only make sense together. */
class FlagsTogetherError extends UsageError {
  readonly code = 'service.flags-together'

  constructor(one: string, other: string) {
    super(`Expected ${one} and ${other} together, got only one of them. Say both, or neither.`)
  }
}
