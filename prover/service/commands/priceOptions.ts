/** Options of every command that reads price files. */
import type { Command } from 'commander'
import type { PriceOptions } from '../../market/prices.ts'
import { wholeNumber } from './command.ts'

export type PriceFlags = {
  timeColumn?: string
  priceColumn?: string
  impliedVolatilityColumn?: string
  barSeconds?: number
  maxGapSeconds?: number
  newestFirst?: boolean
  roundPrices?: boolean
  from?: string
  to?: string
}

export function addPriceOptions(command: Command): Command {
  return command
    .option('--time-column <name>', 'header of the time column')
    .option('--price-column <name>', 'header of the price column')
    .option('--implied-volatility-column <name>', 'header of a column of implied volatilities (0.65 = 65 %)')
    .option('--bar-seconds <seconds>', 'times are openings of bars this long', wholeNumber(0))
    .option('--max-gap-seconds <seconds>', 'longest pause allowed', wholeNumber(1))
    .option('--newest-first', 'the file runs from the newest row to the oldest')
    .option('--round-prices', 'round prices with more than 8 decimals')
    .option('--from <time>', 'first time to keep, UTC')
    .option('--to <time>', 'first time to leave out, UTC')
}

/** Times stay text: what reads them says which option is wrong. */
export type PriceReading = PriceOptions & { readonly fromText?: string; readonly toText?: string }

export function priceOptions(options: PriceFlags): PriceReading {
  const { timeColumn, priceColumn, impliedVolatilityColumn, barSeconds, maxGapSeconds, newestFirst, roundPrices } =
    options
  return {
    timeColumn,
    priceColumn,
    impliedVolatilityColumn,
    barSeconds,
    maxGapSeconds,
    newestFirst,
    roundPrices,
    ...(options.from === undefined ? {} : { fromText: options.from }),
    ...(options.to === undefined ? {} : { toText: options.to }),
  }
}
