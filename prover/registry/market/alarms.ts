/**
 * What is not as it should be, though nothing is wrong by any claim: one definition for the service, which reports it, and the
 * auditor, who lists it. Each alarm follows from what is on the chain, and ends when that does.
 */
import type { Fields } from '../../../circuits/statements/index.ts'
import { dampen, type Margins } from '../../parameters/margins.ts'
import { type DoorEvent, pricedWords, timeText } from './door.ts'
import type { Units } from '../../market/priceScale.ts'
import type { Plausibility } from '../../market/plausibility.ts'

export type AlarmKind = 'breaches' | 'margin-steps' | 'refused' | 'held' | 'left-out' | 'stale' | 'signers'

/** Something that somebody should look at. */
export type Alarm = {
  readonly kind: AlarmKind
  /** Market, or of `signers` the source. */
  readonly of: string
  readonly says: string
}

/** Predictions in a row that were breached, and batches in a row that moved a margin as far as policy lets one. */
const STREAK = 3
/** Signers that may be lost while as many are left as must sign. */
const LEAST_SPARE_SIGNERS = 1
/** Refused observations of which it is known whether one is carried again; each later one counts. */
const MOST_REFUSED = 1000

/** One market, as far as alarms know it. */
export type MarketTrack = {
  readonly name: string
  /** Predictions that were breached, one after the other, up to the last one. */
  readonly breaches: number
  readonly steps: Readonly<Record<MarginName, MarginSteps>>
  /** Since the last observation: the newest that were refused, in their order, how many there were before these, and what is held. */
  readonly refused: readonly Extract<DoorEvent, { kind: 'refused' }>[]
  readonly refusedBefore: number
  readonly held: Extract<DoorEvent, { kind: 'held' }> | undefined
  /** Of the last observation. */
  readonly leftOut: Extract<DoorEvent, { kind: 'left-out' }> | undefined
  /** Newest time behind what is in force; none before the first proof. */
  readonly asOf: bigint | undefined
}

type MarginName = keyof Margins
type MarginSteps = { readonly direction: 'up' | 'down'; readonly count: number }

const NO_STEPS: MarginSteps = { direction: 'down', count: 0 }

/** Of a track that begins, or whose source was replaced. */
export const noneRefused = { refused: [], refusedBefore: 0 } as const

export const untracked = (name: string): MarketTrack => ({
  ...{ name, breaches: 0, ...noneRefused, held: undefined, leftOut: undefined, asOf: undefined },
  steps: { initialMarginX24: NO_STEPS, maintenanceMarginX24: NO_STEPS },
})

/** A market's states before and after a batch, and the policy that it was proven under. */
export type MarketMove = {
  readonly before: { readonly anchor: Fields<'anchorState'>; readonly asOf: bigint }
  readonly after: { readonly anchor: Fields<'anchorState'>; readonly asOf: bigint }
  readonly learning: Pick<Fields<'learningPolicy'>, 'multiplierFloorX18'>
  readonly margin: Fields<'marginPolicy'>
}

type Side = 'down' | 'up'

/** A track after one more batch. A batch that tried several predictions counts as one: breached if a multiplier rose. */
export function trackBatch(track: MarketTrack, move: MarketMove): MarketTrack {
  const { before, after } = move
  const isDue = before.anchor.anchorAsOf !== after.anchor.anchorAsOf
  return {
    ...track,
    breaches: !isDue ? track.breaches : isBreached(move) ? track.breaches + 1 : 0,
    steps: {
      initialMarginX24: stepsAfter(track.steps.initialMarginX24, move, 'initialMarginX24'),
      maintenanceMarginX24: stepsAfter(track.steps.maintenanceMarginX24, move, 'maintenanceMarginX24'),
    },
    asOf: after.asOf,
  }
}

const isBreached = (move: MarketMove): boolean => breachedSides(move).length > 0

/** A multiplier that does not fall at a trial has met its ceiling, unless it lay on its floor. */
export function breachedSides({ before, after, learning: { multiplierFloorX18 } }: MarketMove): readonly Side[] {
  if (before.anchor.anchorAsOf === after.anchor.anchorAsOf) return []
  const sides = { down: 'multiplierDownX18', up: 'multiplierUpX18' } as const
  return (['down', 'up'] as const).filter((side) => {
    const [was, is] = [before.anchor[sides[side]], after.anchor[sides[side]]]
    return is > was || (is === was && is > multiplierFloorX18)
  })
}

function stepsAfter(steps: MarginSteps, { before, after, margin }: MarketMove, name: MarginName): MarginSteps {
  const elapsed = after.asOf - before.asOf
  const [was, is] = [before.anchor[name], after.anchor[name]]
  // How far the dampers let it go: toward nothing asked for, and toward everything.
  const lowest = dampen(before.anchor, { initialMarginX24: 0n, maintenanceMarginX24: 0n }, elapsed, margin)[name]
  const most = { initialMarginX24: was, maintenanceMarginX24: 1n << 25n }
  const highest = dampen(before.anchor, most, elapsed, margin)[name]
  const direction = is < was && is === lowest ? 'down' : is > was && is === highest ? 'up' : undefined
  if (direction === undefined) return { ...steps, count: 0 }
  return { direction, count: direction === steps.direction ? steps.count + 1 : 1 }
}

/** A track after one more event of its source's door. */
export function trackDoor(track: MarketTrack, event: DoorEvent): MarketTrack {
  if (event.kind === 'held') return { ...track, held: event }
  if (event.kind === 'left-out') return { ...track, leftOut: event }
  if (event.kind === 'appended') {
    const leftOut = track.leftOut?.asOf === event.asOf ? track.leftOut : undefined
    return { ...track, ...noneRefused, held: undefined, leftOut }
  }
  // Who carries the same one again raises nothing new.
  const others = track.refused.filter(({ asOf, priceE8 }) => asOf !== event.asOf || priceE8 !== event.priceE8)
  const refused = [...others, event].slice(-MOST_REFUSED)
  return { ...track, refused, refusedBefore: track.refusedBefore + others.length + 1 - refused.length }
}

/** A source whose observations signers attest. */
export type Committee = { readonly source: string; readonly signers: number; readonly threshold: number }

export type AlarmScene = {
  readonly tracks: readonly MarketTrack[]
  readonly committees: readonly Committee[]
  /** The chain's time. */
  readonly now: bigint
  readonly maxParameterAgeSeconds: bigint
  /** Bounds of each market's door, by the market's name, where its source has one. */
  readonly bounds: ReadonlyMap<string, Plausibility>
  /** Of the asset, that a market's source tells prices of, by the market's name; one where nothing is said. */
  readonly units: ReadonlyMap<string, Units>
}

/** The alarms of a moment, markets in order. */
export function alarmsOf(scene: AlarmScene): readonly Alarm[] {
  return [...scene.tracks.flatMap((track) => ofMarket(track, scene)), ...scene.committees.flatMap(ofCommittee)]
}

function ofMarket(track: MarketTrack, scene: AlarmScene): readonly Alarm[] {
  const { now, maxParameterAgeSeconds } = scene
  const { name, breaches, steps, refused, refusedBefore, held, leftOut, asOf } = track
  const [door, units] = [scene.bounds.get(name), scene.units.get(name)]
  const alarm = (kind: AlarmKind, isRaised: boolean, says: () => string): readonly Alarm[] =>
    isRaised ? [{ kind, of: name, says: says() }] : []
  const last = refused.at(-1)
  return [
    ...alarm('breaches', breaches >= STREAK, () => `${breaches} predictions in a row were breached`),
    ...(Object.entries(steps) as readonly (readonly [MarginName, MarginSteps])[]).flatMap(
      ([margin, { direction, count }]) =>
        alarm('margin-steps', count >= STREAK, () => stepsText(margin, direction, count)),
    ),
    ...alarm('refused', last !== undefined, () => refusedText(refused, refusedBefore, door, units)),
    ...alarm('held', held !== undefined, () => (held === undefined ? '' : pricedWords(held, door, units))),
    ...alarm('left-out', leftOut !== undefined, () => (leftOut === undefined ? '' : pricedWords(leftOut, door, units))),
    ...alarm(
      'stale',
      asOf !== undefined && now > asOf + maxParameterAgeSeconds,
      () => `what is in force is as of ${timeText(asOf ?? 0n)}, more than ${maxParameterAgeSeconds} s ago`,
    ),
  ]
}

const stepsText = (margin: MarginName, direction: 'up' | 'down', count: number): string =>
  `the ${margin === 'initialMarginX24' ? 'initial' : 'maintenance'} margin went ${direction} as far as its speed limit lets it, ${count} batches in a row`

function refusedText(
  refused: MarketTrack['refused'],
  refusedBefore: number,
  bounds: Plausibility | undefined,
  units: Units | undefined,
): string {
  const last = refused.at(-1)
  if (last === undefined) return ''
  const others = refusedBefore + refused.length - 1
  const before = others === 0 ? '' : `; ${others} more since the last one that was appended`
  return `${pricedWords(last, bounds, units)}${before}`
}

function ofCommittee({ source, signers, threshold }: Committee): readonly Alarm[] {
  const spare = signers - threshold
  if (spare >= LEAST_SPARE_SIGNERS) return []
  const says =
    spare < 0
      ? `${threshold} signers must attest and ${signers} are left: nothing can be attested`
      : `${threshold} of ${signers} signers must attest: with the loss of one nothing can be`
  return [{ kind: 'signers', of: source, says }]
}
