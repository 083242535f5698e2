import type { RpcAddress } from '../../registry/index.ts'
import type { Command } from 'commander'
import { createInterface } from 'node:readline/promises'
import { EXIT, reportError, type Terminal, toJson } from '../text/terminal.ts'
import { action, addCommand, wholeNumber, rpcAddresses } from './command.ts'

type Options = {
  example?: boolean
  rpc?: RpcAddress
  config?: string
  keyFile?: string
  keys?: string
  deployment: string
  journal?: string
  confirmations: number
  wait: number
  yes?: boolean
}

const HELP = `
Shows what would be deployed, in what order, from which account and for how much; then asks, or goes on with --yes. Each
transaction is in the journal before it is sent: whatever interrupts a run, the same command goes on where it stopped, deploys
nothing twice, and does nothing when all stands. In the end the council governs, after its delay, and the deployer nothing.

Outside the development chains it takes keys from a ceremony only, a council that waits 48 hours at least, and no account
whose key is public. A market begins at the first observation that its source's signers append: without one the run stops
there, with code service.awaiting-observation, or waits with --wait. Where nobody says yes, nothing is sent and the command
ends with 1 and code service.deploy-not-agreed. See docs/deploying.md.`

export function addDeployCommand(program: Command): void {
  addCommand(program, 'deploy', 'put an engine on a chain: plan, transactions, hand-over to the council', [
    'deploy --example > deploy.json',
    'deploy --config deploy.json --rpc http://127.0.0.1:8545 --key-file deployer.key',
    'deploy --config deploy.json --rpc … --key-file deployer.key --deployment deployment.json --yes',
  ])
    .addHelpText('after', HELP)
    .option('--example', 'print a file to begin with, for a development chain')
    .option('--config <file>', 'what is to be deployed')
    .option('--rpc <url>', 'node of the chain', rpcAddresses)
    .option('--key-file <file>', 'private key of the deployer, which pays; by default the variable ZKRISK_KEY')
    .option('--keys <folder>', 'keys of the circuits, instead of the project’s own')
    .option('--deployment <file>', 'deployment to write', 'deployment.json')
    .option('--journal <file>', 'what became of each step; by default the deployment’s name and .journal')
    .option('--confirmations <blocks>', 'after which a step is built on', wholeNumber(1), 1)
    .option('--wait <seconds>', 'for first observations', wholeNumber(0), 0)
    .option('--yes', 'send without asking')
    .action(
      action<Options, []>(async (terminal, options) => {
        if (options.example === true) {
          const { exampleConfig } = await import('../deploying/config.ts')
          terminal.result(exampleConfig(), toJson(exampleConfig()))
          return EXIT.success
        }
        const { config, rpc } = options
        const { OptionMissingError } = await import('../answers/deploying.ts')
        for (const [name, value] of Object.entries({ config, rpc })) {
          if (value !== undefined) continue
          reportError(terminal, new OptionMissingError(`--${name}`))
          return EXIT.usage
        }
        return deploy(terminal, { ...options, config: config ?? '', rpc: rpc ?? '' })
      }),
    )
}

async function deploy(terminal: Terminal, options: Options & { config: string; rpc: RpcAddress }): Promise<number> {
  const [{ NotAgreedError, openPlan }, { formatDeployed, formatPlan, formatStep }] = await Promise.all([
    import('../answers/deploying.ts'),
    import('../text/deployText.ts'),
  ])
  const plan = await openPlan(options)
  try {
    const { summary } = plan
    const mayGoOn = options.yes === true || (await agrees(terminal, formatPlan(summary)))
    if (!mayGoOn) {
      const { code, message } = new NotAgreedError()
      const told = `${formatPlan(summary)}\n${message}\n        code ${code}`
      terminal.result({ plan: summary, carriedOut: false, error: { code, message } }, told)
      return EXIT.failure
    }
    if (options.yes === true) terminal.say(formatPlan(summary))
    const deployed = await plan.carryOut((event) => {
      if (event.state === 'mined') terminal.say(formatStep(event, summary.steps.length))
    })
    const { deployment, file, journal, carriedOut, gasUsed } = deployed
    terminal.result(
      { plan: summary, carriedOut: true, stepsCarriedOut: carriedOut, gasUsed, file, journal, deployment },
      formatDeployed(deployed),
    )
    return EXIT.success
  } finally {
    plan.close()
  }
}

/** Asks whoever sits there; nobody does where input is no terminal, or output is read by a program. */
async function agrees(terminal: Terminal, plan: string): Promise<boolean> {
  if (terminal.json || !process.stdin.isTTY) return false
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    terminal.say(plan)
    return /^y(es)?$/i.test((await lines.question('Send these transactions? [y/N] ')).trim())
  } finally {
    lines.close()
  }
}
