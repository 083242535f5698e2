/** Options of a policy that commands share: a file, a volatility model, and every entry by a flag of its own. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import {
  type PolicyEntry,
  type PolicyUnit,
  policyEntries,
  rangeOf,
  shortNames,
} from '../../parameters/policyEntries.ts'

export type PolicyFlags = {
  policy?: string
  volatilityModel?: string
} & { [entry: string]: unknown }

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** The flags of an entry: `--alpha, --breach-probability`. */
export function flagsOf({ name }: Pick<PolicyEntry, 'name'>): string {
  const short = shortNames[name]
  return short === undefined ? `--${kebab(name)}` : `--${kebab(short)}, --${kebab(name)}`
}

export function addPolicyOptions(command: Command): Command {
  command
    .addOption(new Option('--policy <file>', 'what if: a policy file, as `zkrisk policy --json` prints it'))
    .addOption(
      new Option(
        '--model, --volatility-model <name>',
        'rangeMixture (default), which reads columns named high and low, ewma or garch',
      ),
    )
  for (const entry of policyEntries) {
    command.addOption(
      new Option(`${flagsOf(entry)} <value>`, `${entry.meaning}; ${rangeOf(entry)}`)
        .argParser((text) => valueTyped(entry, text))
        .helpGroup('Policy, on top of --policy or of the default (explained by zkrisk policy explain):'),
    )
  }
  return command
}

/** Entries that were turned by flags. */
export function entriesOfFlags(flags: PolicyFlags): Readonly<Record<string, number>> {
  return Object.fromEntries(
    policyEntries.flatMap(({ name }) => {
      const value = flags[name]
      return typeof value === 'number' ? [[name, value]] : []
    }),
  )
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600, d: 86_400 }

/** A value with or without its unit: `0.005`, `0.5%`, `3600`, `2h`, `90min`. */
function valueTyped(entry: PolicyEntry, text: string): number {
  const [, digits = '', unit = ''] =
    /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?)\s*([a-z%×]*)\s*$/i.exec(text) ?? []
  const factor = factorOf(entry.unit, unit.toLowerCase())
  if (digits === '' || factor === undefined) {
    const advice = text.includes(',') ? ', with a decimal point' : ''
    throw new InvalidArgumentError(`Expected ${examplesOf(entry)}${advice}.`)
  }
  const value = Number((Number(digits) * factor).toPrecision(12))
  // Who says the unit means it: without one the policy guesses what was meant.
  if (unit !== '' && (value < entry.least || value > entry.greatest)) {
    throw new InvalidArgumentError(`Expected ${rangeOf(entry)}.`)
  }
  return value
}

function factorOf(of: PolicyUnit, unit: string): number | undefined {
  if (unit === '') return 1
  if (of === 'seconds') return SECONDS[unit]
  if (of === 'hours') return SECONDS[unit] === undefined ? undefined : (SECONDS[unit] as number) / 3600
  if (of === 'times') return unit === 'x' || unit === '×' ? 1 : undefined
  return unit === '%' ? 0.01 : undefined
}

function examplesOf({ unit, start }: PolicyEntry): string {
  if (unit === 'seconds') return `seconds, or a time such as ${start / 60}min or ${start / 3600}h`
  if (unit === 'hours') return `hours, or a time such as ${start}h`
  if (unit === 'times') return `a number such as ${start}`
  return `a share such as ${start}, or ${Number((100 * start).toPrecision(12))}%`
}
