/** Options of every command that reads price files. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { DecimalMark } from '../../market/decimal.ts'
import type { DateOrder } from '../../market/time.ts'
import type { HistoryOptions } from '../answers/histories.ts'
import { wholeNumber } from './command.ts'

export type PriceFlags = {
  timeColumn?: string
  priceColumn?: string
  lowColumn?: string
  highColumn?: string
  impliedVolatilityColumn?: string
  columns?: string
  dateOrder?: DateOrder
  decimalMark?: DecimalMark
  priceUnits?: number
  skipBadRows?: boolean
  barSeconds?: number
  maxGapSeconds?: number
  newestFirst?: boolean
  roundPrices?: boolean
  from?: string
  to?: string
}

/** A whole number of units, or a part of one that is a power of ten. */
function priceUnits(text: string): number {
  if (/^0?\.0{0,8}1$/.test(text)) return Number(text)
  if (/^[1-9]\d*$/.test(text) && Number(text) <= 1e12) return Number(text)
  throw new InvalidArgumentError('Expected a whole number from 1 to 1000000000000, or a part such as 0.001.')
}

export function addPriceOptions(command: Command): Command {
  return command
    .option('--time-column <name>', 'header of the time column, or its number from 1')
    .option('--price-column <name>', 'header of the price column, or its number from 1')
    .option('--low-column <name>', 'header of the column of lows, or its number from 1')
    .option('--high-column <name>', 'header of the column of highs, or its number from 1')
    .option('--implied-volatility-column <name>', 'header of a column of implied volatilities (0.65 = 65 %)')
    .option('--columns <names>', 'columns of a file without header, in order, such as time,open,high,low,close')
    .addOption(new Option('--date-order <order>', 'of dates such as 03/02/2026').choices(['day-first', 'month-first']))
    .addOption(new Option('--decimal-mark <mark>', 'of numbers such as 8,889').choices(['point', 'comma']))
    .option(
      '--price-units <count>',
      'take prices of this many units, for those below 0.00001, or of a part such as 0.001, for those above 2.8 million',
      priceUnits,
    )
    .option('--skip-bad-rows', 'leave rows out that cannot be read, and name them, instead of refusing the file')
    .option('--bar-seconds <seconds>', 'times are openings of bars this long; 0: they are not', wholeNumber(0))
    .option('--max-gap-seconds <seconds>', 'longest pause allowed', wholeNumber(1))
    .option('--newest-first', 'refuse a file that does not run from the newest row to the oldest')
    .option('--round-prices', 'round prices with more than 8 decimals')
    .option('--from <time>', 'first time to keep, UTC')
    .option('--to <time>', 'first time to leave out, UTC')
}

export function priceOptions({ from, to, columns, priceUnits, ...flags }: PriceFlags): HistoryOptions {
  const {
    timeColumn,
    priceColumn,
    lowColumn,
    highColumn,
    impliedVolatilityColumn,
    dateOrder,
    decimalMark,
    skipBadRows,
  } = flags
  const { barSeconds, maxGapSeconds, newestFirst, roundPrices } = flags
  return {
    timeColumn,
    priceColumn,
    lowColumn,
    highColumn,
    impliedVolatilityColumn,
    columns: columns?.split(',').map((name) => name.trim()),
    dateOrder,
    decimalMark,
    units: priceUnits,
    skipBadRows,
    barSeconds,
    maxGapSeconds,
    newestFirst,
    roundPrices,
    ...(from === undefined ? {} : { fromText: from }),
    ...(to === undefined ? {} : { toText: to }),
  }
}
