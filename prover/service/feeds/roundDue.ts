/** When a round is published: each costs whoever proves arrays of it, so only when something moved, or the last one gets old. */
import type { FittedMarket } from './roundOfOptions.ts'
import { volatilityAtForward } from './deribitSurfaces.ts'

export type RoundLimits = {
  /** heartbeat: the last one is so old. */
  readonly everySeconds: number
  /** spot: it has moved by such a log return. */
  readonly spotMove: number
  /** surface: the volatility at the forward of an expiry has moved by such a log ratio. */
  readonly volatilityMove: number
}

/** As `serve` carries arrays: half of what they may be carried by. */
export const defaultRoundLimits: RoundLimits = { everySeconds: 60, spotMove: 0.00125, volatilityMove: 0.02 }

export type RoundReason = 'first' | 'heartbeat' | 'spot' | 'surface' | 'expiries'

/** Why a round of what was fitted now is due after the last that was published; undefined if it is not. */
export function roundDue(
  last: FittedMarket | undefined,
  now: FittedMarket,
  { everySeconds, spotMove, volatilityMove }: RoundLimits,
): RoundReason | undefined {
  if (last === undefined) return 'first'
  if (Number(now.asOf) <= Number(last.asOf)) return undefined
  if (Math.abs(Math.log(Number(now.spot) / Number(last.spot))) >= spotMove) return 'spot'
  const before = new Map(last.expiries.map((each) => [each.expiry, volatilityAtForward(each, Number(last.asOf))]))
  for (const each of now.expiries) {
    const known = before.get(each.expiry)
    if (known === undefined) return 'expiries'
    if (Math.abs(Math.log(volatilityAtForward(each, Number(now.asOf)) / known)) >= volatilityMove) return 'surface'
  }
  return Number(now.asOf) - Number(last.asOf) >= everySeconds ? 'heartbeat' : undefined
}
