import type { Command } from 'commander'
import { action, addCommand, wholeNumber } from './command.ts'
import { requireOptions } from '../text/usageError.ts'
import { untilStopped } from './stop.ts'

type ChainOptions = {
  port: number
  deployment: string
  keyFile: string
  councilKeyFile: string
  start: string
  margins?: string
  circle?: boolean
}

/** Three terminals, in this order. */
export const THREE_TERMINALS = `
Try the service in three terminals:
  $ zkrisk chain
  $ zkrisk serve --rpc http://127.0.0.1:8545 --deployment deployment.json --key-file prover.key
  $ zkrisk feed replay --rpc http://127.0.0.1:8545 --deployment deployment.json`

export function addChainCommands(program: Command): void {
  addCommand(
    program,
    'chain',
    'serve a development chain with an engine on it, and write deployment.json, prover.key and council.key',
    ['chain --port 8545', 'chain --margins portfolio.json'],
  )
    .addHelpText('after', THREE_TERMINALS)
    .option('--port <number>', 'port on this machine', wholeNumber(0, 65_535), 8545)
    .option('--deployment <file>', 'deployment to write', 'deployment.json')
    .option('--key-file <file>', 'key of a funded development account to write, for `serve`', 'prover.key')
    .option('--council-key-file <file>', 'key of the development council to write, for `shadows`', 'council.key')
    .option(
      '--margins <portfolio>',
      'with a registry of margins too, in the market, or over the markets, and under the parameters of this file; margins count for 24 h there',
    )
    .option(
      '--circle',
      'with a venue, a liquidation to ask `receipt` about, a hedged book and a market of Aave’s, all of them run once',
    )
    .option('--start <time>', 'the chain’s first time, UTC, within the project’s extract', '2020-03-12 09:00:00')
    .action(
      action<ChainOptions, []>(async (terminal, options) => {
        if (options.circle) requireOptions({ margins: options.margins }, { excludes: 'circle' })
        const [{ openChain }, { circleJson, placesText }] = await Promise.all([
          import('../development/tryOut.ts'),
          import('../text/circleText.ts'),
        ])
        const { url, deployment, circle, close } = await openChain({ ...options, say: terminal.say })
        terminal.result(
          {
            url,
            deployment: options.deployment,
            keyFile: options.keyFile,
            councilKeyFile: options.councilKeyFile,
            registry: deployment.addresses.registry,
            ...(circle === undefined ? {} : { circle: circleJson(circle) }),
          },
          `Chain at ${url}, registry ${deployment.addresses.registry}; ${options.deployment}, ${options.keyFile} and ${options.councilKeyFile} written.${circle === undefined ? ' ' : `\n${placesText(circle, url)}\n`}Ctrl-C ends it.`,
        )
        await untilStopped()
        await close()
      }),
    )
}
