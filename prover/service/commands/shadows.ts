/** `zkrisk shadows`: markets tried under other volatility models. */
import type { RpcAddress } from '../../registry/index.ts'
import type { Command } from 'commander'
import { action, addCommand, positiveNumber, wholeNumber, rpcAddresses } from './command.ts'

type Place = { rpc: RpcAddress; deployment: string }
type CouncilFlags = Place & { keyFile?: string; calldata?: boolean }

const HELP = `
A shadow proves what a market's parameters would be under another volatility model, from the same observations: \`zkrisk
serve\` proves it beside the market. Every prediction that comes due adds its quantile loss to a score that the registry
keeps. Add the model in force as well, at the same observation: it is what the others are compared with. Only the council
adds, removes and promotes; where it has a delay, --calldata says what to schedule. A shadow begins at the observation that its
first state stands at, which may be days old by the time the call is made: what came after it is proven as well.`

export function addShadowCommands(program: Command): void {
  const shadows = program.command('shadows').description('markets tried under other volatility models, and promoted')
  withPlace(
    addCommand(shadows, 'list', 'shadows of all markets with their scores', [
      'shadows list --rpc http://127.0.0.1:8545 --deployment deployment.json',
    ]),
  )
    .addHelpText('after', HELP)
    .action(
      action<Place, []>(async (terminal, options) => {
        const [{ listShadows }, { formatShadows }] = await Promise.all([
          import('../answers/shadows.ts'),
          import('../text/shadowsTable.ts'),
        ])
        const list = await listShadows(options)
        terminal.result(list, formatShadows(list))
      }),
    )
  addWork(shadows, 'add', 'have a market tried under a model, from its latest observation on')
  addWork(shadows, 'remove', 'give up a shadow and its score')
  addWork(shadows, 'promote', 'let a market go on from a shadow, under the shadow’s model')
  withCouncil(
    addCommand(shadows, 'policy', 'when a shadow may take its market over', [
      'shadows policy --least-predictions 168 --max-margin-step 0.05 --rpc … --deployment deployment.json --key-file council.key',
    ]),
  )
    .requiredOption(
      '--least-predictions <count>',
      'predictions that must have been tried, 24 at least',
      wholeNumber(24, 2 ** 32 - 1),
    )
    .requiredOption('--max-margin-step <fraction>', 'how far its margins may be from those in force', positiveNumber)
    .action(
      action<CouncilFlags & { leastPredictions: number; maxMarginStep: number }, []>((terminal, options) => {
        const { leastPredictions, maxMarginStep } = options
        return work(terminal, options, { do: 'policy', leastPredictions, maxMarginStep })
      }),
    )
}

function addWork(shadows: Command, name: 'add' | 'remove' | 'promote', summary: string): void {
  withCouncil(
    addCommand(shadows, `${name} <market> <model>`, summary, [
      `shadows ${name} BTC-USD rangeMixture --rpc http://127.0.0.1:8545 --deployment deployment.json --key-file council.key`,
      `shadows ${name} BTC-USD rangeMixture --rpc … --deployment deployment.json --calldata`,
    ]),
  )
    .addHelpText('after', HELP)
    .action(
      action<CouncilFlags, [string, string]>(async (terminal, options, market, model) => {
        const { modelName } = await import('../../volatility/models.ts')
        return work(terminal, options, { do: name, market, model: modelName(model) })
      }),
    )
}

async function work(
  terminal: Parameters<Parameters<typeof action>[0]>[0],
  options: CouncilFlags,
  asked: import('../answers/shadows.ts').CouncilWork,
): Promise<void> {
  const { workOfCouncil } = await import('../answers/shadows.ts')
  const calldataOnly = options.calldata === true
  const calls = await workOfCouncil(options, asked, { keyFile: options.keyFile, calldataOnly })
  const said = calls.map(({ target, method, calldata }) =>
    calldataOnly
      ? `${method}: schedule, then execute with the council\n  target ${target}\n  data   ${calldata}`
      : `${method}: done`,
  )
  terminal.result({ done: !calldataOnly, calls }, said.join('\n'))
}

const withPlace = (command: Command): Command =>
  command
    .requiredOption('--rpc <url>', 'node of the chain', rpcAddresses)
    .requiredOption('--deployment <file>', 'where the engine lives')

const withCouncil = (command: Command): Command =>
  withPlace(command)
    .option('--key-file <file>', 'private key of the council; by default the variable ZKRISK_KEY')
    .option('--calldata', 'send nothing; say what to schedule with the council')
