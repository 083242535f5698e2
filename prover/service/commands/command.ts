/** What all commands share: options, help with an example, numbers, errors and exit codes. */
import { Command, InvalidArgumentError } from 'commander'
import type { RpcAddress } from '../../registry/index.ts'
import { isMarketName, MarketNameError } from '../../market/marketId.ts'
import { MOST_TIMER_MS } from '../../timers.ts'
import { shortened } from '../text/foreign.ts'
import { OptionValueMissingError } from '../text/usageError.ts'
import { EXIT, openTerminal, reportError, type Streams, type Terminal } from '../text/terminal.ts'

/** The root of all commands, for one run: where it speaks, and what it ended with. */
export class Program extends Command {
  readonly streams: Streams
  exitCode: number = EXIT.success

  constructor(streams: Streams) {
    super('zkrisk')
    this.streams = streams
    this.configureOutput({ writeOut: streams.out, writeErr: streams.err })
  }
}

/** Returns the exit code, 0 if nothing. */
export type Work<Options, Args extends readonly unknown[]> = (
  terminal: Terminal,
  options: Options,
  ...args: Args
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands simply end
) => Promise<number | void>

/** Adds a command with `--json` and examples in its help. */
export function addCommand(parent: Command, usage: string, summary: string, examples: readonly string[]): Command {
  return parent
    .command(usage)
    .description(summary)
    .option('--json', 'result as JSON on standard output')
    .addHelpText('after', `\nExample:\n${examples.map((line) => `  $ zkrisk ${line}`).join('\n')}`)
}

/** Wraps a command's work for commander: typed errors become messages and exit codes, never stacks. */
export function action<Options, Args extends readonly unknown[]>(
  work: Work<Options, Args>,
): (...all: readonly unknown[]) => Promise<void> {
  return async (...all) => {
    const command = all.at(-1) as Command
    const args = all.slice(0, -2) as unknown as Args
    const options = command.optsWithGlobals() as Options & { json?: boolean }
    const program = programOf(command)
    const terminal = openTerminal(options.json === true, program.streams)
    const run = async () => {
      requireValues(command)
      return work(terminal, options, ...args)
    }
    program.exitCode = await run().then(
      (code) => code ?? EXIT.success,
      (error: unknown) => reportError(terminal, error),
    )
  }
}

function programOf(command: Command): Program {
  let root = command
  while (root.parent !== null) root = root.parent
  return root as Program
}

/** A whole number from `least` up, for an option. */
export function wholeNumber(least: number, greatest = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least || value > greatest) {
      const most = greatest === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${greatest}`
      throw new InvalidArgumentError(`Expected a whole number of at least ${least}${most}.`)
    }
    return value
  }
}

/** A positive decimal number, for an option. */
export const positiveNumber = (text: string): number => positiveUpTo(Number.POSITIVE_INFINITY)(text)

const positiveUpTo =
  (greatest: number) =>
  (text: string): number => {
    const value = Number(text)
    const most = greatest === Number.POSITIVE_INFINITY ? '' : ` of at most ${greatest}`
    if (!/^\d*\.?\d+$/.test(text) || !(value > 0 && value <= greatest))
      throw new InvalidArgumentError(`Expected a positive number${most}, in digits.`)
    return value
  }

/** Seconds that a timer runs, for an option. */
export const timerSeconds: (text: string) => number = positiveUpTo(Math.floor(MOST_TIMER_MS / 1000))

/** A share above 0 and below 1, or the same in per cent, for an option. */
export function fraction(text: string): number {
  const [, digits = '', unit] = /^(\d*\.?\d+)(%?)$/.exec(text) ?? []
  const value = Number(digits) / (unit === '%' ? 100 : 1)
  if (digits === '' || !(value > 0 && value < 1))
    throw new InvalidArgumentError('Expected a share above 0 and below 1, such as 0.02, or 2% in per cent.')
  return value
}

/** What something is called, for an option. */
export function visibleName(text: string): string {
  if (text !== shortened(text) || text.trim() === '')
    throw new InvalidArgumentError('Expected a name of 1 to 120 characters that can be seen.')
  return text
}

/** Markets, or shadows of them, of an option that takes several. */
export function marketNames(text: string, before: readonly string[] | undefined): readonly string[] {
  // What came is told of every option alike.
  if (!isMarketName(text)) throw new InvalidArgumentError(new MarketNameError(text).message.replace(/, got .*$/, '.'))
  return [...(before ?? []), text]
}

/**
 * Refuses an option's value that is itself an option of the command: whoever wrote `--market --check` forgot the value.
 *
 * @throws {@link OptionValueMissingError}
 */
function requireValues(command: Command): void {
  const flags = new Set(command.options.map(({ long }) => long))
  for (const option of command.options.filter(({ required }) => required)) {
    const value: unknown = command.getOptionValue(option.attributeName())
    const flag = [value].flat().find((each) => typeof each === 'string' && flags.has(each))
    if (flag !== undefined) throw new OptionValueMissingError(option.long ?? option.flags, String(flag))
  }
}

/** Addresses of `--rpc`, which may be given several times. */
export function rpcAddresses(text: string, before: RpcAddress | undefined): RpcAddress {
  return before === undefined ? text : [before, text].flat()
}
