/** Options of every command that reads option chains. */
import { type Command, Option } from 'commander'
import type { DecimalMark } from '../../market/decimal.ts'
import type { DateOrder } from '../../market/time.ts'
import type { VolatilityUnit } from '../../options/chainRows.ts'
import type { PricingOptions } from '../../options/pricedChain.ts'
import { wholeNumber } from './command.ts'

export type ChainFlags = {
  volatilityUnit?: VolatilityUnit
  dateOrder?: DateOrder
  decimalMark?: DecimalMark
  maxAgeSeconds?: number
  columns?: string
}

export function addChainOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--volatility-unit <unit>', 'of a chain, where headers and marks do not tell').choices([
        'fraction',
        'percent',
      ]),
    )
    .option(
      '--columns <names>',
      'columns of a chain without header, in order, such as timestamp,instrument_name,mark_iv',
    )
    .addOption(new Option('--date-order <order>', 'of dates such as 03/02/2026').choices(['day-first', 'month-first']))
    .addOption(new Option('--decimal-mark <mark>', 'of numbers such as 8,889').choices(['point', 'comma']))
    .option('--max-age-seconds <seconds>', 'how much older than the newest a quote of a surface may be', wholeNumber(0))
}

/** How a chain is read at this moment. */
export function chainOptions(flags: ChainFlags): Omit<PricingOptions, 'isWanted'> {
  const { volatilityUnit, dateOrder, decimalMark, maxAgeSeconds } = flags
  const columns = flags.columns?.split(',').map((name) => name.trim())
  return { volatilityUnit, dateOrder, decimalMark, columns, maxAgeSeconds, now: Date.now() / 1000 }
}
