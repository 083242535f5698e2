/**
 * Observations of one market from readings of several feeds: at every step of a grid the median of the prices that are in
 * force then, if enough feeds have one and agree.
 *
 * What comes of a set of readings depends on the set alone: not on their order, nor on how often each came, as long as they
 * come before their step is closed.
 */
import { type Door, emptyDoor, offer, type Plausibility } from '../../market/plausibility.ts'
import type { JudgedPrice } from './judge.ts'

export type SamplerOptions = {
  readonly gridSeconds: number
  /** A price is in force for so long. */
  readonly inForceSeconds: number
  readonly leastSources: number
  readonly maxDeviationBps: bigint
  /** Of the source's door: what that refuses for ever does not count, and no step is sooner than its least spacing. */
  readonly bounds: Plausibility
  /** What the source has last, if anything. */
  readonly last?: Door['last']
}

/** What a step of the grid came to. */
export type Step = {
  readonly asOf: number
  /** Feeds whose price did not count, and why. */
  readonly left: readonly { readonly feed: string; readonly condition: 'jump' | 'apart'; readonly priceE8: bigint }[]
} & (
  | {
      readonly kind: 'observed'
      readonly priceE8: bigint
      readonly confidenceE8: bigint
      readonly feeds: readonly string[]
      /** The latest of them that came with what a network signed, for sources that take that. */
      readonly signed: JudgedPrice | undefined
    }
  | { readonly kind: 'too-few'; readonly found: number; readonly steps: number }
)

const ONE_BPS = 10_000n

export class Sampler {
  private readonly options: SamplerOptions
  /** By step, then by feed, the latest reading. */
  private readonly slots = new Map<number, Map<string, JudgedPrice>>()
  /** What the source's door remembers by now, as its twin does. */
  private door: Door
  private readonly earliest: number
  private closed = 0

  constructor(options: SamplerOptions) {
    this.options = options
    this.door = { ...emptyDoor, last: options.last }
    this.earliest = options.last === undefined ? 1 : Number(options.last.asOf + options.bounds.leastSpacingSeconds)
  }

  /** @returns whether it can still count, or why not */
  take(reading: JudgedPrice): 'taken' | 'repeated' | 'late' {
    const slot = this.slotOf(reading.asOfMs)
    // What the source has by now, or what would be sooner than it takes.
    if (slot < this.earliest) return 'repeated'
    if (slot <= this.closed) return 'late'
    const known = this.slots.get(slot) ?? new Map<string, JudgedPrice>()
    this.slots.set(slot, known)
    const before = known.get(reading.feed)
    if (before !== undefined && !isLater(reading, before)) return 'repeated'
    known.set(reading.feed, reading)
    return 'taken'
  }

  /** Closes steps up to a time, oldest first. @param until - unix seconds */
  close(until: number): readonly Step[] {
    const { gridSeconds, inForceSeconds } = this.options
    const reach = Math.ceil(inForceSeconds / gridSeconds) - 1
    const reached = [...this.slots.keys()].flatMap((slot) =>
      Array.from({ length: reach + 1 }, (_, i) => slot + i * gridSeconds),
    )
    const due = [...new Set(reached)]
      .filter((at) => at <= until && at > this.closed && at >= this.earliest)
      .toSorted((a, b) => a - b)
    const steps = due.flatMap((at): readonly Step[] => {
      const missing = this.missingBefore(at)
      const step = this.step(at)
      this.closed = at
      return [...missing, step]
    })
    this.forget()
    return steps
  }

  /** Steps that nothing was in force at, as one. */
  private missingBefore(at: number): readonly Step[] {
    const { gridSeconds } = this.options
    const steps = this.closed === 0 ? 0 : (at - this.closed) / gridSeconds - 1
    return steps <= 0 ? [] : [{ kind: 'too-few', asOf: at - gridSeconds, found: 0, steps, left: [] }]
  }

  private step(asOf: number): Step {
    const { leastSources, maxDeviationBps, bounds } = this.options
    const inForce = this.inForceAt(asOf)
    const { last } = this.door
    const isNear = ({ priceE8 }: JudgedPrice): boolean =>
      last === undefined || isWithin(priceE8, last.priceE8, bounds.greatestFactorBps)
    const possible = inForce.filter(isNear)
    const jumps = inForce.filter((price) => !isNear(price)).map(leftOut('jump'))
    if (possible.length < leastSources || possible.length === 0)
      return { kind: 'too-few', asOf, found: possible.length, steps: 1, left: jumps }
    const median = medianDown(possible.map(({ priceE8 }) => priceE8))
    const agrees = ({ priceE8 }: JudgedPrice): boolean =>
      (priceE8 > median ? priceE8 - median : median - priceE8) * ONE_BPS <= median * maxDeviationBps
    const agreeing = possible.filter(agrees)
    const left = [...jumps, ...possible.filter((price) => !agrees(price)).map(leftOut('apart'))]
    if (agreeing.length < leastSources) return { kind: 'too-few', asOf, found: agreeing.length, steps: 1, left }
    const observation = { priceE8: median, asOf: BigInt(asOf), impliedVolatilityX16: 0n, rangeCode: 0n }
    this.door = offer(this.door, observation, observation.asOf, bounds).door
    const confidenceE8 = agreeing.reduce((most, each) => (each.confidenceE8 > most ? each.confidenceE8 : most), 0n)
    const signed = agreeing
      .filter(({ update }) => update !== undefined)
      .reduce<JudgedPrice | undefined>(
        (newest, each) => (newest === undefined || isLater(each, newest) ? each : newest),
        undefined,
      )
    const feeds = agreeing.map(({ feed }) => feed)
    return { kind: 'observed', asOf, priceE8: median, confidenceE8, feeds, signed, left }
  }

  /** Of each feed the latest price that is not too old, by the feed's name. */
  private inForceAt(asOf: number): readonly JudgedPrice[] {
    const { gridSeconds, inForceSeconds } = this.options
    const found = new Map<string, JudgedPrice>()
    for (let slot = asOf; slot > asOf - inForceSeconds - gridSeconds; slot -= gridSeconds) {
      for (const [feed, price] of this.slots.get(slot) ?? []) {
        const isInForce = price.asOfMs > 1000 * (asOf - inForceSeconds)
        if (isInForce && !found.has(feed)) found.set(feed, price)
      }
    }
    return [...found.values()].toSorted((a, b) => (a.feed < b.feed ? -1 : 1))
  }

  /** The first step at or after a time. */
  private slotOf(asOfMs: number): number {
    const { gridSeconds } = this.options
    return Math.ceil(asOfMs / 1000 / gridSeconds) * gridSeconds
  }

  private forget(): void {
    const { inForceSeconds, gridSeconds } = this.options
    const needed = this.closed - inForceSeconds - gridSeconds
    for (const slot of this.slots.keys()) if (slot <= needed) this.slots.delete(slot)
  }
}

/** Two readings of one feed and time that differ are ordered by price, so that the order in which they came does not matter. */
function isLater(reading: JudgedPrice, before: JudgedPrice): boolean {
  if (reading.asOfMs !== before.asOfMs) return reading.asOfMs > before.asOfMs
  if (reading.priceE8 !== before.priceE8) return reading.priceE8 > before.priceE8
  return reading.confidenceE8 > before.confidenceE8
}

const leftOut =
  (condition: 'jump' | 'apart') =>
  ({ feed, priceE8 }: JudgedPrice) => ({ feed, condition, priceE8 })

const isWithin = (value: bigint, other: bigint, ratioBps: bigint): boolean =>
  value * ONE_BPS <= other * ratioBps && other * ONE_BPS <= value * ratioBps

/** Of two middle ones the mean, rounded down, as `MedianFeed.sol` takes it. */
function medianDown(values: readonly bigint[]): bigint {
  const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const [low = 0n, high = 0n] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return (low + high) / 2n
}
