/** Where readings of all feeds come together: judged, put in order, and made observations of each market. */
import type { Place } from './places.ts'
import type { Carried } from './carrier.ts'
import { volatilityAt } from './deribitSurfaces.ts'
import { type JudgedPrice, judgePrice, judgeTime } from './judge.ts'
import { type FeedEvent, type FeedReading, refusal, type RefusalName } from './priceFeed.ts'
import { Sampler, type Step } from './sampler.ts'
import { exactPrice } from '../text/figures.ts'

export type DeskMarket = {
  readonly place: Place
  readonly leastSources: number
  readonly maxDeviationBps: bigint
  readonly maxConfidenceBps: bigint
  /** Of the grid. */
  readonly everySeconds: number
  readonly inForceSeconds: number
  /** From one signed price to the next, where the source is an adapter. */
  readonly spacingSeconds: number
}

/** What a step of a market came to, beside what is to be sent. */
export type DeskEvent =
  | {
      readonly kind: 'observed'
      readonly market: string
      readonly asOf: number
      readonly price: string
      readonly feeds: readonly string[]
      readonly impliedVolatility?: number
    }
  | {
      readonly kind: 'too-few'
      readonly market: string
      readonly asOf: number
      readonly found: number
      readonly wanted: number
      /** How many steps in a row, this the last of them. */
      readonly steps: number
    }

/** Readings are taken up to this age. */
const OLDEST_SECONDS = 120
/** An implied volatility is in force for so long. */
const IMPLIED_SECONDS = 600
const DAYS_30 = 30 / 365
const ONE_X16 = 2 ** 16
/** As many words hold below. */
const MOST_IMPLIED_X16 = 2 ** 20 - 1

type Desk = {
  readonly market: DeskMarket
  readonly sampler: Sampler
  readonly implied: Map<number, Implied>
  lastSigned: number
}
type Implied = { readonly asOfMs: number; readonly volatility: number }

export type Taken = { readonly outcome: 'taken' | 'repeated' | 'none'; readonly refused: readonly FeedEvent[] }

export class FeedDesk {
  private readonly desks: ReadonlyMap<string, Desk>
  private readonly isRecorded: boolean
  /** Newest time of any price that was taken. */
  newestMs = 0

  /** @param isRecorded - times are of a recording, and this machine's clock is not looked at */
  constructor(markets: readonly DeskMarket[], isRecorded: boolean) {
    this.isRecorded = isRecorded
    this.desks = new Map(
      markets.map((market) => {
        const { place, everySeconds: gridSeconds, inForceSeconds, leastSources, maxDeviationBps } = market
        const { bounds, last } = place
        const sampler = new Sampler({ gridSeconds, inForceSeconds, leastSources, maxDeviationBps, bounds, last })
        return [place.market, { market, sampler, implied: new Map(), lastSigned: Number(last?.asOf ?? 0n) }]
      }),
    )
  }

  /** @param nowMs - by this machine's clock */
  take(reading: FeedReading, nowMs: number): Taken {
    const desk = this.desks.get(reading.market)
    if (desk === undefined) return { outcome: 'none', refused: [refusal(reading.feed, 'unknown-id', reading.market)] }
    const oldestSeconds = this.isRecorded ? undefined : OLDEST_SECONDS
    if (reading.kind !== 'price') return takeImplied(desk, reading, oldestSeconds, nowMs)
    const { place, maxConfidenceBps } = desk.market
    const judged = judgePrice(reading, { scale: place.scale, maxConfidenceBps, oldestSeconds }, nowMs)
    if ('kind' in judged) return { outcome: 'none', refused: [judged] }
    const outcome = desk.sampler.take(judged)
    if (outcome === 'late') {
      const found = `${new Date(reading.asOfMs).toISOString()} for ${reading.market}`
      return { outcome: 'none', refused: [refusal(reading.feed, 'late', found)] }
    }
    this.newestMs = Math.max(this.newestMs, reading.asOfMs)
    return { outcome, refused: [] }
  }

  /** Closes all steps up to a time. @param until - unix seconds */
  close(until: number): {
    readonly observations: readonly Carried[]
    readonly events: readonly (DeskEvent | FeedEvent)[]
  } {
    const observations: Carried[] = []
    const events: (DeskEvent | FeedEvent)[] = []
    for (const desk of this.desks.values()) {
      for (const step of desk.sampler.close(until)) {
        events.push(...step.left.map((left) => leftEvent(desk, left)))
        const { event, observation } = outcomeOf(desk, step)
        if (event !== undefined) events.push(event)
        if (observation !== undefined) observations.push(observation)
      }
      for (const slot of desk.implied.keys()) if (slot < until - 2 * IMPLIED_SECONDS) desk.implied.delete(slot)
    }
    return { observations: observations.toSorted((a, b) => Number(a.asOf - b.asOf)), events }
  }
}

function takeImplied(
  { implied, market }: Desk,
  reading: Exclude<FeedReading, { readonly kind: 'price' }>,
  oldestSeconds: number | undefined,
  nowMs: number,
): Taken {
  const untimely = judgeTime(reading, oldestSeconds, nowMs)
  if (untimely !== undefined) return { outcome: 'none', refused: [untimely] }
  const volatility = reading.kind === 'volatility' ? reading.volatility : volatilityAt(reading.surfaces, DAYS_30)
  if (volatility === undefined) return { outcome: 'taken', refused: [] }
  const { everySeconds } = market
  const slot = Math.ceil(reading.asOfMs / 1000 / everySeconds) * everySeconds
  const before = implied.get(slot)
  const isLater = before === undefined || reading.asOfMs > before.asOfMs
  const isOther = before?.asOfMs === reading.asOfMs && volatility > before.volatility
  if (isLater || isOther) implied.set(slot, { asOfMs: reading.asOfMs, volatility })
  return { outcome: isLater || isOther ? 'taken' : 'repeated', refused: [] }
}

/** The latest implied volatility that is in force; 0 if none is. */
function impliedX16At({ implied, market }: Desk, asOf: number): bigint {
  for (
    let slot = Math.ceil(asOf / market.everySeconds) * market.everySeconds;
    slot > asOf - IMPLIED_SECONDS;
    slot -= market.everySeconds
  ) {
    const found = implied.get(slot)
    if (found !== undefined && found.asOfMs <= 1000 * asOf)
      return BigInt(Math.min(MOST_IMPLIED_X16, Math.round(found.volatility * ONE_X16)))
  }
  return 0n
}

function leftEvent({ market: { place } }: Desk, left: Step['left'][number]): FeedEvent {
  const condition: RefusalName = left.condition
  return refusal(left.feed, condition, `${exactPrice(left.priceE8, place.units)} for ${place.market}`)
}

function outcomeOf(desk: Desk, step: Step): { readonly event?: DeskEvent; readonly observation?: Carried } {
  const { place, leastSources: wanted } = desk.market
  const { market, marketId, units } = place
  if (step.kind === 'too-few') {
    const { asOf, found, steps } = step
    return { event: { kind: 'too-few', market, asOf, found, wanted, steps } }
  }
  const { asOf, priceE8, feeds } = step
  const isAdapter = place.source?.kind === 'other'
  const impliedVolatilityX16 = isAdapter ? 0n : impliedX16At(desk, asOf)
  const implied = impliedVolatilityX16 === 0n ? {} : { impliedVolatility: Number(impliedVolatilityX16) / ONE_X16 }
  const event: DeskEvent = { kind: 'observed', market, asOf, price: exactPrice(priceE8, units), feeds, ...implied }
  if (isAdapter) return ofSigned(desk, step.signed, event)
  const { confidenceE8 } = step
  return { event, observation: { market, marketId, priceE8, confidenceE8, asOf: BigInt(asOf), impliedVolatilityX16 } }
}

/** An adapter takes the price that the network signed, at its own time; not sooner than its door allows. */
function ofSigned(
  desk: Desk,
  signed: JudgedPrice | undefined,
  event: DeskEvent,
): { readonly event?: DeskEvent; readonly observation?: Carried } {
  const { place, spacingSeconds } = desk.market
  const { market, marketId, units } = place
  if (signed === undefined) return {}
  const { priceE8, confidenceE8, update } = signed
  const asOf = Math.floor(signed.asOfMs / 1000)
  if (asOf < desk.lastSigned + spacingSeconds) return {}
  desk.lastSigned = asOf
  const observation = { market, marketId, priceE8, confidenceE8, asOf: BigInt(asOf), impliedVolatilityX16: 0n, update }
  return { event: { ...event, asOf, price: exactPrice(priceE8, units) } as DeskEvent, observation }
}
