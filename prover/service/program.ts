/** All of the `zkrisk` command but the process that it runs in. */
import { CommanderError } from 'commander'
import { isPackageAlone, packageVersion } from '../config.ts'
import { addAuditCommand } from './commands/audit.ts'
import { addChainCommands } from './commands/chain.ts'
import { addDemoCommand } from './commands/demo.ts'
import { Program } from './commands/command.ts'
import { addDeployCommand } from './commands/deploy.ts'
import { addDeploymentCommand } from './commands/deployment.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addFeedCommands } from './commands/feed.ts'
import { addGreeksCommand } from './commands/greeks.ts'
import { addKeysCommand } from './commands/keys.ts'
import { addMarginCommand } from './commands/margin.ts'
import { addModelsCommand } from './commands/models.ts'
import { addParamsCommand } from './commands/params.ts'
import { addPolicyCommand } from './commands/policy.ts'
import { addPriceCommand } from './commands/price.ts'
import { addProofCommands } from './commands/proofs.ts'
import { addPruneCommand } from './commands/prune.ts'
import { addReadCommand } from './commands/read.ts'
import { addReceiptCommand } from './commands/receipt.ts'
import { addServeCommand } from './commands/serve.ts'
import { addShadowCommands } from './commands/shadows.ts'
import { addWorkerCommands } from './commands/worker.ts'
import { EXIT, openTerminal, ownStreams, type Streams } from './text/terminal.ts'
import { reportUsage } from './text/usage.ts'

const WITHOUT_BUILD =
  '\nHere is the package alone. demo, chain, serve, prove, keys and margin --prove need circuits and keys, which a clone of\nzk-risk-engine builds: set ZKRISK_BUILD to its build folder. A chain and margin --prove need the clone itself.'

function createProgram(isJson: boolean, streams: Streams): Program {
  const program = new Program(streams)
    .description('Risk parameters computed off-chain, proven, and put in force on chain only if the proof verifies.')
    .version(packageVersion)
    .exitOverride()
    .configureOutput({ outputError: (complaint) => reportUsage(openTerminal(isJson, streams), complaint) })
    .showHelpAfterError('(zkrisk <command> --help shows its options and an example)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 refused or failed (message and code on standard error), 2 wrong usage.\nZKRISK_DEBUG=1 adds stacks.',
    )
  if (isPackageAlone) program.addHelpText('after', WITHOUT_BUILD)
  const commands = [
    addDemoCommand,
    addParamsCommand,
    addPolicyCommand,
    addModelsCommand,
    addPriceCommand,
    addGreeksCommand,
    addMarginCommand,
    addProofCommands,
    addDeployCommand,
    addDeploymentCommand,
    addServeCommand,
    addWorkerCommands,
    addPruneCommand,
    addReadCommand,
    addShadowCommands,
    addAuditCommand,
    addReceiptCommand,
    addKeysCommand,
    addDoctorCommand,
    addChainCommands,
    addFeedCommands,
  ]
  for (const add of commands) add(program)
  return program
}

/**
 * Runs a command to its end.
 *
 * @param args - without the names of Node and script
 * @returns the exit code: 0 done, 1 refused or failed (with a typed error), 2 wrong usage
 */
export async function runCommand(args: readonly string[], streams: Streams = ownStreams): Promise<number> {
  const program = createProgram(args.includes('--json'), streams)
  try {
    await program.parseAsync(args, { from: 'user' })
    return program.exitCode
  } catch (error) {
    // The user has been told already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.success : EXIT.usage
    throw error
  }
}
