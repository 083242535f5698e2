import type { RpcAddress } from '../../registry/index.ts'
import type { Command } from 'commander'
import { setTimeout as sleep } from 'node:timers/promises'
import { ProverError } from '../../errors.ts'
import { EXIT, reportError } from '../text/terminal.ts'
import { action, addCommand, timerSeconds, wholeNumber, rpcAddresses } from './command.ts'
import { stopSignal } from './stop.ts'

type Options = {
  rpc: RpcAddress
  deployment?: string
  registry?: string
  portfolio?: string
  cross?: string
  fromBlock?: number
  account?: string[]
  openInterest?: boolean
  watch?: boolean
  poll: number
}

export function addReadCommand(program: Command): void {
  addCommand(program, 'read [markets...]', 'what a registry has in force: parameters, ages, models, sources, roles', [
    'read --rpc http://127.0.0.1:8545 --deployment deployment.json',
    'read BTC-USD BTC-USD~garch --rpc … --registry 0x… --json',
    'read --rpc … --deployment deployment.json --account 0x… --watch',
    'read --rpc … --deployment deployment.json --open-interest --json',
  ])
    .addHelpText(
      'after',
      '\nA market that is stale is shown with what liquidations read. --watch prints anew whenever something changes, with --json a line each.',
    )
    .requiredOption('--rpc <url>', 'node of the chain', rpcAddresses)
    .option('--deployment <file>', 'where the engine lives')
    .option('--registry <address>', 'the registry itself, without a deployment file')
    .option('--portfolio <address>', 'portfolio registry, where the deployment names none')
    .option('--from-block <block>', 'block before which there was no registry', wholeNumber(0))
    .option('--cross <address>', 'registry of margins over several markets, where the deployment names none')
    .option('--account <address...>', 'margins of these accounts, in one market and over several')
    .option('--open-interest', 'what all accounts of the portfolio registry come to, and the count under way')
    .option('--watch', 'go on until Ctrl-C')
    .option('--poll <seconds>', 'between two looks while watching', timerSeconds, 2)
    .action(
      action<Options, [string[]]>(async (terminal, options, markets) => {
        const [{ openReader, PlaceMissingError }, { formatReading }] = await Promise.all([
          import('../answers/inForce.ts'),
          import('../text/inForceTable.ts'),
        ])
        if (options.deployment === undefined && options.registry === undefined) {
          reportError(terminal, new PlaceMissingError())
          return EXIT.usage
        }
        const reader = await openReader(options, markets, options.account ?? [])
        try {
          if (options.watch !== true) {
            const reading = await reader.read()
            terminal.result(reading, formatReading(reading))
            return EXIT.success
          }
          await watch(options.poll, terminal.say, async (last) => {
            const reading = await reader.read()
            const { block: _, time: __, ...held } = reading
            // Ages go on by themselves; what is worth a line is what somebody did, or what became stale.
            const seen = JSON.stringify(held, (key, value: unknown) => (key === 'ageSeconds' ? undefined : value))
            if (seen !== last) terminal.line(reading, formatReading(reading))
            return seen
          })
          return EXIT.success
        } finally {
          reader.close()
        }
      }),
    )
}

/** Looks again and again until the signal; each look is told what the last one saw. */
async function watch(
  pollSeconds: number,
  say: (line: string) => void,
  look: (last: string | undefined) => Promise<string>,
): Promise<void> {
  const signal = stopSignal()
  let complaint = ''
  for (let last: string | undefined; !signal.aborted; ) {
    last = await look(last).catch((error: unknown) => {
      // A node that is away for a moment comes back; what it had said may have changed meanwhile.
      if (!(error instanceof ProverError)) throw error
      if (error.message !== complaint) say(`zkrisk: ${error.message} (${error.code})`)
      complaint = error.message
      return undefined
    })
    await sleep(1000 * pollSeconds, undefined, { signal }).catch(() => undefined)
  }
}
