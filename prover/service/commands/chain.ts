import type { RpcAddress } from '../../registry/index.ts'
import type { Command } from 'commander'
import { action, addCommand, positiveNumber, wholeNumber, rpcAddresses } from './command.ts'
import { addPriceOptions, type PriceFlags, priceOptions } from './priceOptions.ts'
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
type AttestFlags = {
  rpc: RpcAddress
  deployment: string
  signerKeyFile: string[]
  keyFile?: string
  source?: string
  asOf?: string
}
type FeedOptions = PriceFlags & {
  rpc: RpcAddress
  deployment: string
  market: string[]
  pause: number
  count?: number
}

/** Three terminals, in this order. */
const THREE_TERMINALS = `
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
    .option('--port <number>', 'port on this machine', wholeNumber(0), 8545)
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
          `Chain at ${url}, registry ${deployment.addresses.registry}; ${options.deployment}, ${options.keyFile} and ${options.councilKeyFile} written.${circle === undefined ? '' : `\n${placesText(circle, url)}\n`} Ctrl-C ends it.`,
        )
        await untilStopped()
        await close()
      }),
    )

  const feed = program.command('feed').description('observations for a source of attested prices')
  const doorHelp =
    '\nThe source’s door holds a jump until others confirm it and refuses what no market does (docs/deploying.md); what it' +
    '\nsays of each price is told.'
  const replay = addCommand(
    feed,
    'replay [prices...]',
    'attest prices with the development signers and append them, one time after the other',
    [
      'feed replay --rpc http://127.0.0.1:8545 --deployment deployment.json --pause 5',
      'feed replay btc.csv eth.csv --market BTC-USD --market ETH-USD --rpc http://127.0.0.1:8545 --deployment deployment.json',
    ],
  )
    .addHelpText('after', `${doorHelp}${THREE_TERMINALS}`)
    .requiredOption('--rpc <url>', 'node of the development chain', rpcAddresses)
    .requiredOption('--deployment <file>', 'where the engine lives')
    .option('--market <name...>', 'market of each price file, in order; by default the project’s extract is replayed')
    .option('--pause <seconds>', 'between two times', positiveNumber, 5)
    .option('--count <count>', 'end after this many times', wholeNumber(1))
  addPriceOptions(replay).action(
    action<FeedOptions, [string[]]>(async (terminal, options, files) => {
      const { replayFeed } = await import('../development/tryOut.ts')
      const { times, held, refused } = await replayFeed(files, {
        ...options,
        market: options.market ?? [],
        prices: priceOptions(options),
        say: terminal.say,
      })
      const door = held + refused === 0 ? '' : `; the door held ${held} and refused ${refused} of their prices`
      terminal.result({ times, held, refused }, `${times === 1 ? '1 time' : `${times} times`} attested${door}.`)
    }),
  )

  addCommand(feed, 'attest <market> <price>', 'attest one price with signers’ keys, and append it to their feed', [
    'feed attest BTC-USD 67123.5 --rpc … --deployment deployment.json --signer-key-file a.key b.key --key-file payer.key',
  ])
    .addHelpText('after', doorHelp)
    .requiredOption('--rpc <url>', 'node of the chain', rpcAddresses)
    .requiredOption('--deployment <file>', 'where the engine lives')
    .requiredOption('--signer-key-file <file...>', 'private keys of as many signers as the feed wants')
    .option('--key-file <file>', 'private key that pays; by default the variable ZKRISK_KEY')
    .option('--source <name>', 'feed, where the deployment has several')
    .option('--as-of <time>', 'time of the price, UTC; by default that of the chain’s latest block')
    .action(
      action<AttestFlags, [string, string]>(async (terminal, options, market, price) => {
        const [{ attestPrice }, { thousandsNotes }] = await Promise.all([
          import('../answers/attesting.ts'),
          import('../../portfolio/input/thousands.ts'),
        ])
        // Before anything is signed: a price that was meant a thousand times as high stays on the chain
        for (const note of thousandsNotes('<price>', price)) terminal.say(note)
        const attested = await attestPrice({ ...options, market, price })
        terminal.result(attested, `${attested.says}. Feed ${attested.feed}, block ${attested.block}.`)
      }),
    )
}
