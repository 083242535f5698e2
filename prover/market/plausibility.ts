/** What a source takes for a market: bounds of its door, and what the door does. Twin of `PlausibleInbox.sol`. */
import type { Fields } from '../../circuits/statements/index.ts'
import { rangeCodeUp } from './range.ts'

type Observation = Fields<'observation'>

/** Bounds of a source's door, as `IPlausibleInbox.Plausibility`; ratios in 1/10,000. */
export type Plausibility = {
  readonly leastSpacingSeconds: bigint
  readonly jumpBps: bigint
  readonly greatestFactorBps: bigint
  readonly agreementBps: bigint
  readonly confirmations: bigint
  readonly windowSeconds: bigint
  readonly greatestImpliedX16: bigint
  readonly impliedJumpBps: bigint
  readonly greatestRangeCode: bigint
}

/** Names in the order of the contract's structure. */
export const plausibilityFields = [
  'leastSpacingSeconds',
  'jumpBps',
  'greatestFactorBps',
  'agreementBps',
  'confirmations',
  'windowSeconds',
  'greatestImpliedX16',
  'impliedJumpBps',
  'greatestRangeCode',
] as const satisfies readonly (keyof Plausibility)[]

const ONE_BPS = 10_000n
const ONE_X16 = 1n << 16n
const MOST_PRICE_E8 = (1n << 48n) - 1n

/**
 * What a source starts with, measured on the prices of BTC and ETH from 2019 to 2026 that `npm run campaign:door` reads: of
 * 213,042 honest observations none is refused; by the hour or sooner one is held, of a venue that took its price back within
 * the hour, and by the day 14.
 */
export const defaultPlausibility: Plausibility = {
  // A quarter of what an observation may be old: four wait at most, which is two live batches.
  leastSpacingSeconds: 30n,
  // The greatest hourly move was by 1.21, BTC on 12 March 2020; on a venue that stood apart by 1.26.
  jumpBps: 12_500n,
  // The greatest daily move was by 1.76; a wrong decimal place that meets a halving is still by 5.
  greatestFactorBps: 50_000n,
  // Of a reading that jumps about no two agree; a minute moved by 1.02 at most.
  agreementBps: 11_000n,
  // Three alike in a row: a minute, for a source that speaks every half of one.
  confirmations: 2n,
  // An hourly source may miss one.
  windowSeconds: 7_200n,
  // 3.5 times the greatest 30-day volatility of the data, 115 % on 9 November 2022.
  greatestImpliedX16: 4n * ONE_X16,
  // The greatest rise of it was by 1.496, from the day before to that one.
  impliedJumpBps: 15_000n,
  // The widest hour was by 1.87, a wick of ETH on 19 May 2021, the widest day by 1.94.
  greatestRangeCode: rangeCodeUp(2n, 1n),
}

/** What a source brings. */
export type Offered = Pick<Observation, 'priceE8' | 'asOf' | 'impliedVolatilityX16' | 'rangeCode'>

/** Why an observation was refused, in the order of the contract's `Refusal`; `Uncertain` is the feed's own. */
export const refusals = ['NoPrice', 'Uncertain', 'TooSoon', 'BeyondFactor'] as const
export type Refusal = (typeof refusals)[number]

type Waiting = {
  readonly value: bigint
  readonly asOf: bigint
  readonly countedAt: bigint
  readonly confirmations: bigint
}

/** What the door remembers of a market. */
export type Door = {
  readonly last: Observation | undefined
  /** A jump after the last observation. */
  readonly held: Waiting | undefined
  /** The last implied volatility that was accepted, and one that was left out since. */
  readonly acceptedImpliedX16: bigint
  readonly waitingImplied: Waiting | undefined
}

export const emptyDoor: Door = { last: undefined, held: undefined, acceptedImpliedX16: 0n, waitingImplied: undefined }

/** What became of an observation. */
export type Outcome =
  | { readonly kind: 'appended'; readonly observation: Observation; readonly leftOut: LeftOut }
  | { readonly kind: 'held'; readonly confirmations: bigint }
  | { readonly kind: 'refused'; readonly reason: Refusal }

/** 0 of what was not left out. */
export type LeftOut = Pick<Observation, 'impliedVolatilityX16' | 'rangeCode'>

/**
 * What a source's door does with an observation that is later than the last one.
 *
 * @param carriedAt - time of the block that it is carried in
 */
export function offer(
  door: Door,
  offered: Offered,
  carriedAt: bigint,
  bounds: Plausibility,
): { readonly door: Door; readonly outcome: Outcome } {
  const refused = (reason: Refusal) => ({ door, outcome: { kind: 'refused', reason } as const })
  const { priceE8, asOf } = offered
  const { last } = door
  if (priceE8 === 0n || priceE8 > MOST_PRICE_E8) return refused('NoPrice')
  if (last === undefined) return appended(door, offered, carriedAt, bounds)
  if (asOf < last.asOf + bounds.leastSpacingSeconds) return refused('TooSoon')
  if (isWithin(priceE8, last.priceE8, bounds.jumpBps)) return appended(door, offered, carriedAt, bounds)
  if (!isWithin(priceE8, last.priceE8, bounds.greatestFactorBps)) return refused('BeyondFactor')
  if (door.held !== undefined && asOf < door.held.asOf + bounds.leastSpacingSeconds) return refused('TooSoon')
  const held = after(door.held, priceE8, asOf, carriedAt, bounds)
  if (held.confirmations === bounds.confirmations) return appended(door, offered, carriedAt, bounds)
  return { door: { ...door, held }, outcome: { kind: 'held', confirmations: held.confirmations } }
}

function appended(door: Door, offered: Offered, carriedAt: bigint, bounds: Plausibility) {
  const implied = keptImplied(door, offered, carriedAt, bounds)
  const rangeCode = offered.rangeCode > bounds.greatestRangeCode ? 0n : offered.rangeCode
  const observation = { ...offered, impliedVolatilityX16: implied.kept, rangeCode }
  const leftOut = {
    impliedVolatilityX16: offered.impliedVolatilityX16 - implied.kept,
    rangeCode: offered.rangeCode - rangeCode,
  }
  const { acceptedImpliedX16, waitingImplied } = implied
  return {
    door: { last: observation, held: undefined, acceptedImpliedX16, waitingImplied },
    outcome: { kind: 'appended', observation, leftOut } as const,
  }
}

type KeptImplied = Pick<Door, 'acceptedImpliedX16' | 'waitingImplied'> & { readonly kept: bigint }

function keptImplied(door: Door, offered: Offered, carriedAt: bigint, bounds: Plausibility): KeptImplied {
  const { impliedVolatilityX16: given, asOf } = offered
  const taken = { kept: given, acceptedImpliedX16: given, waitingImplied: undefined }
  const isAbsurd = given > bounds.greatestImpliedX16
  if (door.last === undefined) return isAbsurd ? { ...taken, kept: 0n, acceptedImpliedX16: 0n } : taken
  // What waits does so only while words have none.
  const waiting = door.last.impliedVolatilityX16 === 0n ? door.waitingImplied : undefined
  const { acceptedImpliedX16 } = door
  if (given === 0n || isAbsurd) return { kept: 0n, acceptedImpliedX16, waitingImplied: waiting }
  if (isWithin(given, acceptedImpliedX16, bounds.impliedJumpBps)) return taken
  const waitingImplied = after(waiting, given, asOf, carriedAt, bounds)
  if (waitingImplied.confirmations === bounds.confirmations) return taken
  return { kept: 0n, acceptedImpliedX16, waitingImplied }
}

/** What waits after one more observation: alike, and carried late enough to count, or another. */
function after(
  waiting: Waiting | undefined,
  value: bigint,
  asOf: bigint,
  carriedAt: bigint,
  { windowSeconds, agreementBps, leastSpacingSeconds }: Plausibility,
): Waiting {
  const isAlike =
    waiting !== undefined && asOf <= waiting.asOf + windowSeconds && isWithin(value, waiting.value, agreementBps)
  if (!isAlike) return { value, asOf, countedAt: carriedAt, confirmations: 0n }
  const counts = carriedAt >= waiting.countedAt + leastSpacingSeconds
  return counts
    ? { value, asOf, countedAt: carriedAt, confirmations: waiting.confirmations + 1n }
    : { ...waiting, value, asOf }
}

const isWithin = (value: bigint, other: bigint, ratioBps: bigint): boolean =>
  value * ONE_BPS <= other * ratioBps && other * ONE_BPS <= value * ratioBps
