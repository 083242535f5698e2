/** The `zkrisk` command. Exit codes: 0 done, 1 refused or failed (with a typed error), 2 wrong usage. */
import { Command, CommanderError } from 'commander'
import { addAuditCommand } from './commands/audit.ts'
import { addChainCommands } from './commands/chain.ts'
import { addDemoCommand } from './commands/demo.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addGreeksCommand } from './commands/greeks.ts'
import { addKeysCommand } from './commands/keys.ts'
import { addMarginCommand } from './commands/margin.ts'
import { addModelsCommand } from './commands/models.ts'
import { addParamsCommand } from './commands/params.ts'
import { addPriceCommand } from './commands/price.ts'
import { addProofCommands } from './commands/proofs.ts'
import { addServeCommand } from './commands/serve.ts'
import { addShadowCommands } from './commands/shadows.ts'
import { EXIT } from './text/terminal.ts'
import { reportUsage } from './text/usage.ts'
import { packageVersion } from './workspace.ts'

function createProgram(isJson: boolean): Command {
  const program = new Command('zkrisk')
    .description('Risk parameters computed off-chain, proven, and put in force on chain only if the proof verifies.')
    .version(packageVersion)
    .exitOverride()
    .configureOutput({ outputError: (complaint) => reportUsage(complaint, isJson) })
    .showHelpAfterError('(zkrisk <command> --help shows its options and an example)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 refused or failed (message and code on standard error), 2 wrong usage.\nZKRISK_DEBUG=1 adds stacks.',
    )
  const commands = [
    addDemoCommand,
    addParamsCommand,
    addModelsCommand,
    addPriceCommand,
    addGreeksCommand,
    addMarginCommand,
    addProofCommands,
    addServeCommand,
    addShadowCommands,
    addAuditCommand,
    addKeysCommand,
    addDoctorCommand,
    addChainCommands,
  ]
  for (const add of commands) add(program)
  return program
}

async function main(args: readonly string[]): Promise<number> {
  try {
    await createProgram(args.includes('--json')).parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? EXIT.success)
  } catch (error) {
    // The user has been told already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.success : EXIT.usage
    throw error
  }
}

// What a command leaves running (a provider's poll, an idle child) must not keep the shell waiting.
process.exit(await main(process.argv.slice(2)))
