/** What a process of feeds says: a line an event, and of what repeats itself the first and how often. */
import { duration, isoTime } from '../text/figures.ts'
import type { LiveEvent } from './runFeeds.ts'

/** Between two lines about the same refusals of a feed. */
const REPEAT_MS = 60_000

type Repeated = { saidAt: number; since: number }

/** Knows what was said a moment ago. */
export class FeedLog {
  private readonly refusals = new Map<string, Repeated>()

  /** @returns a line, if there is something new to say */
  line(event: LiveEvent, nowMs: number = Date.now()): string | undefined {
    const more = this.passedOver(event, nowMs)
    if (more === undefined) return undefined
    const again = more > 0 ? ` (and ${more} more since it was last said)` : ''
    return `${new Date(nowMs).toISOString()}  ${wordsOf(event).join('  ')}${again}`
  }

  /** How many like it were passed over since one was said; undefined if this is another to pass over. */
  passedOver(event: LiveEvent, nowMs: number = Date.now()): number | undefined {
    const key = keyOf(event)
    if (key === undefined) return 0
    const known = this.refusals.get(key)
    // A clock that was put back is none to wait for.
    if (known === undefined || nowMs < known.saidAt || nowMs - known.saidAt >= REPEAT_MS) {
      this.refusals.set(key, { saidAt: nowMs, since: 0 })
      return known?.since ?? 0
    }
    known.since++
    return undefined
  }
}

/** Of what repeats itself; undefined of what does not. */
function keyOf(event: LiveEvent): string | undefined {
  switch (event.kind) {
    case 'too-few':
      return `${event.market} too-few`
    case 'round-refused':
    case 'round-fails':
      return `${event.market} ${event.code}`
    case 'flooded':
      return `${event.feed} flooded`
    case 'refused':
      return `${event.feed} ${event.condition}`
    default:
      return undefined
  }
}

type Words = readonly [level: 'info' | 'warn', ...parts: string[]]

function wordsOf(event: LiveEvent): Words {
  switch (event.kind) {
    case 'listening':
      return ['info', event.kind, `metrics at ${event.url}/metrics, readiness at ${event.url}/readyz`]
    case 'file':
      return ['info', event.kind, event.says]
    case 'clock-off':
      return ['warn', event.kind, `${event.says} (${event.code})`]
    case 'clock-right':
      return ['info', event.kind, 'the clock goes with the chain’s: observations and rounds are published again']
    case 'connected':
    case 'ended':
      return ['info', event.kind, event.feed]
    case 'disconnected':
      return ['warn', event.kind, event.feed, `${event.says}; again in ${(event.retryMs / 1000).toFixed(1)} s`]
    case 'stalled':
      return ['warn', event.kind, event.feed, `no ${event.of} for ${duration(event.silentMs / 1000)}`]
    case 'flooded':
      return ['warn', event.kind, event.feed, `${event.dropped} messages were left out, the newest are kept`]
    case 'gap':
      return ['warn', event.kind, event.feed, event.says]
    case 'refused':
      return ['warn', event.kind, event.feed, event.condition, event.says]
    case 'round': {
      const { market, asOf, reason, spot, expiries, leftOut } = event
      const without = leftOut.length === 0 ? '' : `; left out: ${leftOut.join(' ')}`
      return ['info', event.kind, market, `${isoTime(asOf)}, spot ${spot}, ${expiries} expiries (${reason})${without}`]
    }
    case 'round-refused':
    case 'round-fails':
      return ['warn', event.kind, event.market, `${event.says} (${event.code})`]
    case 'price':
    case 'volatility':
    case 'options':
      return ['info', event.kind, event.feed, event.market]
    default:
      return wordsOfObservation(event)
  }
}

type ObservationEvent = Extract<
  LiveEvent,
  { kind: 'observed' | 'too-few' | 'door' | 'passed-over' | 'reverted' | 'sending-fails' | 'sending-again' | 'unsent' }
>

function wordsOfObservation(event: ObservationEvent): Words {
  switch (event.kind) {
    case 'observed': {
      const { market, price, feeds, asOf, impliedVolatility } = event
      const implied =
        impliedVolatility === undefined ? '' : `, implied volatility ${(100 * impliedVolatility).toFixed(1)} %`
      return ['info', 'observed', market, `${price} as of ${isoTime(asOf)} by ${feeds.join(', ')}${implied}`]
    }
    case 'too-few': {
      const { market, found, wanted, steps, asOf } = event
      const times = steps === 1 ? `as of ${isoTime(asOf)}` : `${steps} times until ${isoTime(asOf)}`
      return ['warn', 'too-few', market, `no observation ${times}: ${found} of ${wanted} feeds that must agree`]
    }
    case 'door': {
      const level = event.event.kind === 'appended' ? 'info' : 'warn'
      return [level, event.event.kind, event.market, event.says]
    }
    case 'passed-over':
      return ['info', event.kind, event.market, `the source has one of ${isoTime(event.asOf)}, or a later one`]
    case 'reverted':
      return ['warn', event.kind, event.market, event.says]
    case 'sending-fails':
      return ['warn', event.kind, `${event.waiting} wait: ${event.says}`]
    case 'sending-again':
      return ['info', event.kind, event.waiting === 0 ? 'nothing waits' : `${event.waiting} wait`]
    case 'unsent':
      return ['warn', event.kind, `${event.observations} observations were not sent, or not mined`]
  }
}
