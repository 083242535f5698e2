import type { RpcAddress } from '../../registry/index.ts'
import type { Command } from 'commander'
import { Option } from 'commander'
import type { TriggerName } from '../daemon/triggers.ts'
import { action, addCommand, positiveNumber, wholeNumber, rpcAddresses } from './command.ts'
import { stopSignal } from './stop.ts'

type Options = {
  rpc: RpcAddress
  deployment: string
  keyFile?: string
  passwordFile?: string
  signer?: string
  maxFeeGwei: number
  leastBatches: number
  store: string
  market?: string[]
  trigger: TriggerName[]
  heartbeat: number
  spotMove: number
  confirmations: number
  poll: number
  keys?: string
}

export function addServeCommand(program: Command): void {
  addCommand(program, 'serve', 'watch the inboxes, prove batches as triggers ask for them, and put them in force', [
    'serve --rpc http://127.0.0.1:8545 --deployment deployment.json --key-file prover.key',
    'serve --rpc … --deployment deployment.json --trigger prediction spot --spot-move 0.01',
  ])
    .addHelpText(
      'after',
      '\nEnds with SIGTERM or Ctrl-C after the job under way. Whenever it dies, the next one takes up from its store.' +
        '\nAlarms are told when they are raised and when they are over: breaches, margins at their speed limit, observations' +
        '\nthat a source held, refused or took in part, staleness, too few signers (docs/deploying.md).',
    )
    .requiredOption(
      '--rpc <url>',
      'node of the chain: http(s) or ws(s); several times, for others that stand by',
      rpcAddresses,
    )
    .requiredOption('--deployment <file>', 'where the engine lives')
    .option('--key-file <file>', 'private key that pays, or a keystore with one; by default the variable ZKRISK_KEY')
    .option('--password-file <file>', 'password of a keystore; by default the variable ZKRISK_PASSWORD')
    .addOption(
      new Option('--signer <module>', 'signs with a key kept elsewhere (docs/sending.md)').conflicts('keyFile'),
    )
    .option('--max-fee-gwei <gwei>', 'most that a transaction offers for a unit of gas', positiveNumber, 500)
    .option('--least-batches <count>', 'alarm when the balance lasts for fewer', wholeNumber(0), 20)
    .option('--store <file>', 'what must not be forgotten', 'state/serve.sqlite')
    .option('--market <name...>', 'markets to serve; all by default')
    .addOption(
      new Option('--trigger <name...>', 'what a batch is made for; any of them is enough')
        .choices(['observations', 'heartbeat', 'spot', 'prediction'])
        .default(['observations']),
    )
    .option('--heartbeat <seconds>', 'heartbeat: the data in force is this old', wholeNumber(1), 3600)
    .option('--spot-move <fraction>', 'spot: the price has moved by this log return', positiveNumber, 0.005)
    .option('--confirmations <blocks>', 'after which a batch is believed; it is watched for 64', wholeNumber(1), 1)
    .option('--poll <milliseconds>', 'between two looks at the chain', wholeNumber(10), 500)
    .option('--keys <folder>', 'keys, instead of the project’s own')
    .action(
      action<Options, []>(async (terminal, options) => {
        const { runServe } = await import('../daemon/serving.ts')
        const events = await runServe({
          ...options,
          triggers: {
            triggers: options.trigger,
            heartbeatSeconds: options.heartbeat,
            spotMove: options.spotMove,
          },
          pollMs: options.poll,
          signal: stopSignal(),
          onEvent: (event) => {
            const time = new Date().toISOString()
            if (terminal.json) terminal.result({ time, ...event }, '')
            else
              terminal.say([time, event.step, event.job?.slice(0, 12), event.detail].filter((part) => part).join('  '))
          },
        })
        if (!terminal.json)
          terminal.result(
            undefined,
            `${events.confirmed} ${events.confirmed === 1 ? 'batch' : 'batches'} confirmed, ${events.superseded} superseded.`,
          )
      }),
    )
}
