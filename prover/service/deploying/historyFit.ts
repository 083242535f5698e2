/** Whether a market's history leads up to its first observation: a state that does not follow from it would be paid for in vain. */
import { ProverError } from '../../errors.ts'
import { isoTime } from '../text/figures.ts'

type Priced = { readonly asOf: bigint; readonly priceE8: bigint }

/** What is known of a first observation before there is one: it is not earlier than this, and its price if somebody has named it. */
export type FirstKnown = { readonly asOf: bigint; readonly priceE8: bigint | undefined }

/** As price files are read: a longer pause than so many of its steps is none of the history's own. */
const MOST_STEPS = 6n

/** From one row of a history to the next no price doubles or halves; another unit or asset does. */
const MOST_RATIO = 2n

/**
 * What does not fit between a history and the first observation after it; undefined if all does.
 *
 * @throws {@link HistoryAfterError} if no row of it is earlier
 */
export function misfitOf(market: string, history: readonly Priced[], first: FirstKnown): string | undefined {
  const before = history.filter(({ asOf }) => asOf < first.asOf)
  const last = before.at(-1)
  const earliest = history[0]?.asOf ?? 0n
  if (last === undefined) throw new HistoryAfterError(market, earliest, first.asOf)
  const steps = before
    .slice(1)
    .map(({ asOf }, i) => asOf - (before[i]?.asOf ?? asOf))
    .toSorted((a, b) => Number(a - b))
  const step = steps[steps.length >> 1] ?? 0n
  const pause = first.asOf - last.asOf
  if (step > 0n && pause > MOST_STEPS * step) {
    return `a pause of ${pause} s from its last row of ${isoTime(last.asOf)} to the first observation, in steps of ${step} s`
  }
  const { priceE8 } = first
  if (priceE8 === undefined) return undefined
  const isApart = priceE8 > MOST_RATIO * last.priceE8 || MOST_RATIO * priceE8 < last.priceE8
  return isApart ? `a jump from ${Number(last.priceE8) / 1e8} to ${Number(priceE8) / 1e8}` : undefined
}

/** Every row of a history is later than the observation that it is to lead up to. */
export class HistoryAfterError extends ProverError {
  readonly code = 'service.history-after'
  readonly market: string
  readonly earliest: bigint
  readonly first: bigint

  constructor(market: string, earliest: bigint, first: bigint) {
    super(
      `Expected a history of ${market} before its first observation of ${isoTime(first)}, got one from ${isoTime(earliest)} on. ` +
        'Cut it to earlier prices, or leave `history` out.',
    )
    this.market = market
    this.earliest = earliest
    this.first = first
  }
}

/** A history breaks off before the first observation, or is of other prices. */
export class HistoryMisfitError extends ProverError {
  readonly code = 'service.history-misfit'
  readonly market: string
  readonly misfit: string

  constructor(market: string, misfit: string) {
    super(
      `Expected the history of ${market} to lead up to its first observation, found ${misfit}. ` +
        'Append what is missing, correct its unit, or leave `history` out.',
    )
    this.market = market
    this.misfit = misfit
  }
}
