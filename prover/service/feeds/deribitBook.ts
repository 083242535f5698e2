/** The best bid and ask of one instrument, followed change by change; one that is missing makes the rest worthless. */
import { type Decimal, scaleDecimal } from '../../market/decimal.ts'
import { positiveIn } from './deribitMessages.ts'
import { entriesOf, listIn, textIn, WireNumber, wholeIn } from './wireJson.ts'

export type BookState =
  | { readonly kind: 'middle'; readonly price: Decimal; readonly asOfMs: number }
  /** There is no bid, no ask, or they cross. */
  | { readonly kind: 'one-sided'; readonly asOfMs: number }
  /** Changes are missing: a new snapshot is needed. */
  | { readonly kind: 'gap'; readonly expected: number; readonly found: number | undefined }
  /** Said before: a change that came twice. */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'unreadable' }
  /** Nothing is followed until a snapshot comes. */
  | { readonly kind: 'waiting' }

/** Prices of books are counted in steps of this, exactly. */
const STEP = 10n ** 12n
const STEP_EXPONENT = -12
/** Levels of a side; the deepest books have some thousands. */
const MOST_LEVELS = 20_000

export class DeribitBook {
  private changeId: number | undefined
  private readonly bids = new Map<bigint, true>()
  private readonly asks = new Map<bigint, true>()

  /** @param data - of a notification of channel `book.…` */
  apply(data: unknown): BookState {
    const { type, change_id, prev_change_id, timestamp, bids, asks } = entriesOf(data)
    const [id, before, asOfMs] = [wholeIn(change_id), wholeIn(prev_change_id), wholeIn(timestamp)]
    const levels = [listIn(bids), listIn(asks)] as const
    if (id === undefined || asOfMs === undefined || levels[0] === undefined || levels[1] === undefined)
      return this.lost({ kind: 'unreadable' })
    if (type === 'snapshot') {
      this.bids.clear()
      this.asks.clear()
    } else {
      if (this.changeId === undefined) return { kind: 'waiting' }
      if (id <= this.changeId) return { kind: 'repeated' }
      if (before !== this.changeId) return this.lost({ kind: 'gap', expected: this.changeId, found: before })
    }
    const isRead = change(this.bids, levels[0]) && change(this.asks, levels[1])
    if (!isRead || Math.max(this.bids.size, this.asks.size) > MOST_LEVELS) return this.lost({ kind: 'unreadable' })
    this.changeId = id
    return this.middle(asOfMs)
  }

  private lost(state: BookState): BookState {
    this.changeId = undefined
    this.bids.clear()
    this.asks.clear()
    return state
  }

  private middle(asOfMs: number): BookState {
    const bid = [...this.bids.keys()].reduce((most, price) => (price > most ? price : most), 0n)
    const ask = [...this.asks.keys()].reduce((least, price) => (least === 0n || price < least ? price : least), 0n)
    if (bid === 0n || ask === 0n || bid >= ask) return { kind: 'one-sided', asOfMs }
    return { kind: 'middle', price: { negative: false, digits: 5n * (bid + ask), exponent: STEP_EXPONENT - 1 }, asOfMs }
  }
}

/** Whether all of the levels could be read. */
function change(side: Map<bigint, true>, levels: readonly unknown[]): boolean {
  return levels.every((level) => {
    const [action, price, amount] = listIn(level) ?? []
    const steps = stepsOf(price)
    if (steps === undefined || !(amount instanceof WireNumber)) return false
    if (textIn(action) === 'delete') side.delete(steps)
    else if (action === 'new' || action === 'change') side.set(steps, true)
    else return false
    return true
  })
}

function stepsOf(price: unknown): bigint | undefined {
  const decimal = positiveIn(price)
  if (decimal === undefined) return undefined
  const { numerator, denominator } = scaleDecimal(decimal, STEP)
  return numerator % denominator === 0n ? numerator / denominator : undefined
}
