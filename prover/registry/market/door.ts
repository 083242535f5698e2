/** What sources' doors said: events of what was appended, held, refused or left out, and what they mean in words. */
import type { Log, LogDescription } from 'ethers'
import type { Fields } from '../../../circuits/statements/index.ts'
import { marketNameOf } from '../../market/marketId.ts'
import { type LeftOut, type Plausibility, type Refusal, refusals } from '../../market/plausibility.ts'
import { ONE_UNIT, plainPrice, type Units } from '../../market/priceScale.ts'
import { rangeOfCode } from '../../market/range.ts'
import { unpack } from '../../statement/words.ts'
import { interfaceOf } from '../artifacts.ts'

type Observation = Fields<'observation'>
type Priced = Pick<Observation, 'priceE8' | 'asOf'>

/** What became of one observation, or of a part of one. */
export type DoorEvent = { readonly marketId: string } & (
  | ({ readonly kind: 'appended'; readonly count: bigint } & Observation)
  | ({ readonly kind: 'held'; readonly lastPriceE8: bigint; readonly confirmations: bigint } & Priced)
  | ({ readonly kind: 'refused'; readonly reason: Refusal } & Priced)
  /** The observation that is appended next came without these; 0 of what it has. */
  | ({ readonly kind: 'left-out'; readonly asOf: bigint } & LeftOut)
)

/** Events of one source among logs, in their order; of a source that is none of ours, what it appended. */
export function doorEventsIn(logs: readonly Log[], source: string): readonly DoorEvent[] {
  return logs.flatMap((log): readonly DoorEvent[] => {
    const parsed = log.address === source ? interfaceOf('IPlausibleInbox').parseLog(log) : null
    return parsed === null ? [] : eventOf(parsed)
  })
}

function eventOf({ name, args }: LogDescription): readonly DoorEvent[] {
  const { marketId, asOf, priceE8 } = args
  switch (name) {
    case 'ObservationAppended':
      return [{ kind: 'appended', marketId, count: args.count, ...unpack('observation', args.word) }]
    case 'ObservationHeld': {
      const { lastPriceE8, confirmations } = args
      return [{ kind: 'held', marketId, asOf, priceE8, lastPriceE8, confirmations }]
    }
    case 'ObservationRefused':
      return [{ kind: 'refused', marketId, asOf, priceE8, reason: refusals[Number(args.reason)] as Refusal }]
    case 'AttestedLeftOut': {
      const { impliedVolatilityX16, rangeCode } = args
      return [{ kind: 'left-out', marketId, asOf, impliedVolatilityX16, rangeCode }]
    }
    default:
      return []
  }
}

/**
 * One of them in words: of a held price with what confirms it, of a refused one with why.
 *
 * @param bounds - of the source's door, where they are known
 * @param units - of the asset, that the source's prices are of
 */
export function doorWords(event: DoorEvent, bounds?: Plausibility, units?: Units): string {
  return `${marketNameOf(event.marketId)} ${pricedWords(event, bounds, units)}`
}

/** As {@link doorWords}, where the market is named already. */
export function pricedWords(event: DoorEvent, bounds?: Plausibility, units: Units = ONE_UNIT): string {
  const time = timeText(event.asOf)
  const priceText = (priceE8: bigint): string => plainPrice(priceE8, units)
  switch (event.kind) {
    case 'appended':
      return `${priceText(event.priceE8)} as of ${time} is appended`
    case 'held': {
      const ratio = `${ratioText(event.priceE8, event.lastPriceE8)} the last price, ${priceText(event.lastPriceE8)}`
      return `${priceText(event.priceE8)} as of ${time} is held: ${ratio}. ${confirmText(event.confirmations, bounds)}`
    }
    case 'refused':
      return `${priceText(event.priceE8)} as of ${time} is refused: ${refusalText(event.reason, bounds)}`
    case 'left-out':
      return `as of ${time}: ${leftOutText(event)}`
  }
}

function confirmText(confirmations: bigint, bounds: Plausibility | undefined): string {
  if (bounds === undefined) return `${confirmations} have confirmed it`
  const { confirmations: wanted, agreementBps, windowSeconds, leastSpacingSeconds } = bounds
  const within = `within ${percentAbove(agreementBps)} % of it`
  const times = `${leastSpacingSeconds} to ${windowSeconds} s after the one before`
  return (
    `It enters with the last of ${wanted} that confirm it, each ${within} and ${times}; ${confirmations} ${confirmations === 1n ? 'has' : 'have'} so far. ` +
    'One near the last price drops it'
  )
}

function refusalText(reason: Refusal, bounds: Plausibility | undefined): string {
  const factor = bounds === undefined ? '' : `, ${Number(bounds.greatestFactorBps) / 10_000},`
  const spacing = bounds === undefined ? 'the least spacing' : `${bounds.leastSpacingSeconds} s`
  return {
    NoPrice: 'it is 0, or more than an observation can hold',
    Uncertain: 'its confidence interval is wider than the source takes',
    TooSoon: `it comes less than ${spacing} after the last one`,
    BeyondFactor:
      `it is more than the greatest factor${factor} from the last price. If the market really is another one now, as after a ` +
      'redenomination, the council gives it another source',
  }[reason]
}

function leftOutText({ impliedVolatilityX16, rangeCode }: LeftOut): string {
  const implied = `its implied volatility of ${((100 * Number(impliedVolatilityX16)) / 65_536).toFixed(0)} %`
  const range = `its range, highest ${Math.exp(Number(rangeOfCode(rangeCode)) / 2 ** 26).toFixed(2)} times lowest,`
  const what = [...(impliedVolatilityX16 === 0n ? [] : [implied]), ...(rangeCode === 0n ? [] : [range])].join(' and ')
  return `the price was taken without ${what} which no market has, or which others have to confirm`
}

/** Unix seconds, UTC, as `2020-03-12 10:00:00`. */
export const timeText = (asOf: bigint): string =>
  new Date(Number(asOf) * 1000).toISOString().slice(0, 19).replace('T', ' ')

const ratioText = (priceE8: bigint, lastE8: bigint): string =>
  lastE8 === 0n ? 'not comparable to' : `${(Number(priceE8) / Number(lastE8)).toPrecision(3)} times`

const percentAbove = (bps: bigint): number => (Number(bps) - 10_000) / 100
