import type { RpcAddress } from '../../registry/index.ts'
import type { Command } from 'commander'
import { EXIT } from '../text/terminal.ts'
import { action, addCommand, rpcAddresses, wholeNumber } from './command.ts'

type Options = {
  rpc: RpcAddress
  registry: string
  portfolio?: string
  fromBlock?: number
  keys?: string
  published?: string
  out?: string
}

const HELP = `
Nothing is taken on anybody's word: contracts are compared with those compiled here, models with the keys here, and a published file
with the chain. Exit 1 if a contract is not ours, or a published file says otherwise. To go on with an engine that nobody serves any
more: zkrisk serve --rpc … --registry 0x… (docs/takeover.md).`

export function addDeploymentCommand(program: Command): void {
  addCommand(program, 'deployment', 'rebuild a deployment file from a chain, and say what of it can be proven here', [
    'deployment --rpc http://127.0.0.1:8545 --registry 0x… -o deployment.json',
    'deployment --rpc … --registry 0x… --portfolio 0x… -o deployment.json',
    'deployment --rpc … --registry 0x… --published theirs.json --json',
  ])
    .addHelpText('after', HELP)
    .requiredOption('--rpc <url>', 'node of the chain', rpcAddresses)
    .requiredOption('--registry <address>', 'registry of markets')
    .option('--portfolio <address>', 'registry of margins in one market, to be named in the file, too')
    .option(
      '--from-block <block>',
      'a block before the deployment, where the node keeps no earlier states',
      wholeNumber(0),
    )
    .option('--keys <folder>', 'keys, instead of the project’s own')
    .option('--published <file>', 'a deployment file of somebody else’s, to be compared with the chain')
    .option('-o, --out <file>', 'deployment to write')
    .action(
      action<Options, []>(async (terminal, { out, ...place }) => {
        const [{ writeEngine }, { formatEngine }] = await Promise.all([
          import('../takeover/takeOver.ts'),
          import('../text/engineText.ts'),
        ])
        const found = await writeEngine(place, out)
        terminal.result({ ...found, written: out ?? null }, formatEngine(found, out))
        const isRefused = found.findings.some(({ severity }) => severity === 'refused')
        return isRefused || found.differences.length > 0 ? EXIT.failure : EXIT.success
      }),
    )
}
