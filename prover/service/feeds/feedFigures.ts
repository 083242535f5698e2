/** What a process of feeds shows of itself: counters and ages for Prometheus, and whether it is ready, with the reason. */
import { Counter, Gauge, Registry } from 'prom-client'
import { duration, isoTime } from '../text/figures.ts'
import type { FeedEvent, RefusalName } from './priceFeed.ts'
import type { RoundEvent } from './roundDesk.ts'
import type { Unmined } from './turns.ts'

export type FeedCheck = { readonly name: string; readonly ok: boolean; readonly says: string }

/** A feed as it was last heard. */
type Heard = {
  connected: boolean
  endedAt: number | undefined
  messageAt: number | undefined
  /** Why it is not connected, in words. */
  lost: string | undefined
  readonly readingAt: Map<string, number>
}

export type FigureLimits = {
  /** Without a reading of a market from a feed. */
  readonly readingSeconds: number
  /** Without an observation of a market. */
  readonly observationSeconds: number
}

/** A transaction that has waited for longer keeps what comes after it. */
const UNMINED_SECONDS = 60

const seconds = (since: number | undefined, now: number, from: number): number => (now - (since ?? from)) / 1000

export class FeedFigures {
  readonly registry = new Registry()
  private readonly feeds: ReadonlyMap<string, Heard>
  private readonly limits: FigureLimits
  private readonly beganAt = performance.now()
  private readonly observedAt = new Map<string, number | undefined>()
  private sending: string | undefined
  private unminedNow: () => Unmined | undefined = () => undefined
  private clock: string | undefined
  /** Of rounds: when one was last published, how long it may be ago, and why the last quotes made none. */
  private readonly roundsOf = new Map<string, { at: number | undefined; why?: string; readonly seconds: number }>()
  private readonly readings = this.counter('readings', 'Readings that were taken', ['feed', 'market'])
  private readonly refused = this.counter('refused', 'Messages or prices that were refused, by why', ['feed', 'reason'])
  private readonly repeated = this.counter('repeated', 'Readings that had come before', ['feed'])
  private readonly dropped = this.counter('dropped', 'Messages left out since more came than were read', ['feed'])
  private readonly reconnects = this.counter('disconnected', 'Connections that ended, by why', ['feed', 'reason'])
  private readonly stalls = this.counter('stalled', 'Connections given up since they were silent', ['feed', 'of'])
  private readonly gaps = this.counter('gaps', 'Messages or times that are missing', ['feed'])
  private readonly steps = this.counter('steps', 'Steps of the grid, by what they came to', ['market', 'outcome'])
  private readonly rounds = this.counter('rounds', 'Rounds of options, by what became of them and why', [
    'market',
    'outcome',
    'reason',
  ])
  private readonly carried = this.counter('observations', 'Observations that were sent, by what became of them', [
    'market',
    'outcome',
  ])

  /** @param feeds - markets of each, by name */
  constructor(feeds: ReadonlyMap<string, readonly string[]>, limits: FigureLimits) {
    this.limits = limits
    this.feeds = new Map(
      [...feeds].map(([name]) => [
        name,
        { connected: false, endedAt: undefined, messageAt: undefined, lost: undefined, readingAt: new Map() },
      ]),
    )
    for (const market of new Set([...feeds.values()].flat())) this.observedAt.set(market, undefined)
    for (const [feed, markets] of feeds)
      for (const market of markets) this.feeds.get(feed)?.readingAt.set(market, Number.NaN)
    this.addGauges()
  }

  /** Follows an event of a feed. */
  event(event: FeedEvent): void {
    const { feed } = event
    const heard = this.feeds.get(feed)
    if (heard === undefined) return
    if (event.kind === 'connected') Object.assign(heard, { connected: true, lost: undefined })
    else if (event.kind === 'disconnected') {
      Object.assign(heard, { connected: false, lost: event.says })
      this.reconnects.inc({ feed, reason: event.code })
    } else if (event.kind === 'stalled') this.stalls.inc({ feed, of: event.of })
    else if (event.kind === 'gap') this.gaps.inc({ feed })
    else if (event.kind === 'flooded') this.dropped.inc({ feed }, event.dropped)
    else if (event.kind === 'ended') heard.endedAt = performance.now()
    else heard.messageAt = performance.now()
    if (event.kind === 'refused') this.refuse(feed, event.condition)
  }

  refuse(feed: string, condition: RefusalName): void {
    this.refused.inc({ feed, reason: condition })
  }

  /** A reading counts. */
  taken(feed: string, market: string): void {
    this.readings.inc({ feed, market })
    this.feeds.get(feed)?.readingAt.set(market, performance.now())
  }

  again(feed: string): void {
    this.repeated.inc({ feed })
  }

  step(market: string, outcome: 'observed' | 'too-few', count = 1): void {
    this.steps.inc({ market, outcome }, count)
  }

  /** @param outcome - as the source's door, or what kept it from there */
  landed(market: string, outcome: string): void {
    this.carried.inc({ market, outcome })
    if (outcome === 'appended' || outcome === 'watched') this.observedAt.set(market, performance.now())
  }

  /** Rounds of a market are to be published, one within so many seconds. */
  expectRounds(market: string, seconds: number): void {
    this.roundsOf.set(market, { at: undefined, seconds })
  }

  round(event: RoundEvent): void {
    const { kind, market } = event
    const reason = kind === 'round' ? event.reason : event.code
    const outcome = { round: 'published', 'round-refused': 'refused', 'round-fails': 'failed' }[kind]
    this.rounds.inc({ market, outcome, reason })
    const known = this.roundsOf.get(market)
    if (known === undefined) return
    if (kind === 'round') Object.assign(known, { at: performance.now(), why: undefined })
    else known.why = `${event.says} (${event.code})`
  }

  /** What keeps observations from being sent; nothing once they are again. */
  sendingFails(says: string | undefined): void {
    this.sending = says
  }

  /** Where the transaction that waits to be mined is asked for. */
  watchSending(unmined: () => Unmined | undefined): void {
    this.unminedNow = unmined
  }

  /** In which way this machine's clock is apart from the chain's; nothing once it goes with it. */
  clockIsOff(says: string | undefined): void {
    this.clock = says
  }

  ready(): { readonly ready: boolean; readonly checks: readonly FeedCheck[] } {
    const now = performance.now()
    const checks = [
      ...[...this.feeds].map(([name, heard]) => this.checkOf(name, heard, now)),
      ...this.marketChecks(now),
      ...this.roundChecks(now),
    ]
    checks.push(this.sendingCheck())
    checks.push({ name: 'clock', ok: this.clock === undefined, says: this.clock ?? 'nothing is known against it' })
    return { ready: checks.every(({ ok }) => ok), checks }
  }

  private sendingCheck(): FeedCheck {
    const unmined = this.unminedNow()
    const isLate = unmined !== undefined && Date.now() - unmined.sinceMs > 1000 * UNMINED_SECONDS
    const ok = this.sending === undefined && !isLate
    return { name: 'sending', ok, says: this.sending ?? this.waiting() ?? 'observations are sent' }
  }

  /** That a transaction waits, in words. */
  private waiting(): string | undefined {
    const { hash, sinceMs } = this.unminedNow() ?? {}
    if (hash === undefined || sinceMs === undefined) return undefined
    return `transaction ${hash} waits to be mined since ${isoTime(Math.floor(sinceMs / 1000))}`
  }

  private checkOf(name: string, heard: Heard, now: number): FeedCheck {
    const check = (ok: boolean, says: string): FeedCheck => ({ name: `feed ${name}`, ok, says })
    if (heard.endedAt !== undefined) return check(true, 'the recording is over')
    if (!heard.connected) return check(false, `not connected: ${heard.lost ?? 'it has not answered yet'}`)
    const silent = [...heard.readingAt].filter(([, at]) => this.ageOf(at, now) > this.limits.readingSeconds)
    if (silent.length === 0) return check(true, 'every market has a reading')
    return check(
      false,
      silent.map(([market, at]) => `no reading of ${market} for ${duration(this.ageOf(at, now))}`).join(', '),
    )
  }

  private marketChecks(now: number): readonly FeedCheck[] {
    return [...this.observedAt].map(([market, at]) => {
      const age = seconds(at, now, this.beganAt)
      const ok = age <= this.limits.observationSeconds
      const well = at === undefined ? 'it waits for its first observation' : 'it has observations'
      const says = ok ? well : `no observation for ${duration(age)}: see what is said of its steps`
      return { name: `market ${market}`, ok, says }
    })
  }

  private roundChecks(now: number): readonly FeedCheck[] {
    return [...this.roundsOf].map(([market, { at, why, seconds: most }]) => {
      const age = seconds(at, now, this.beganAt)
      const ok = age <= most
      const last = why === undefined ? 'it has rounds' : `the last quotes made none: ${why}`
      const reason = this.waiting() ?? why ?? 'no quotes of options have come that make one'
      const says = ok ? last : `no round for ${duration(age)}: ${reason}`
      return { name: `rounds ${market}`, ok, says }
    })
  }

  private readonly ageOf = (at: number, now: number): number =>
    seconds(Number.isNaN(at) ? undefined : at, now, this.beganAt)

  private addGauges(): void {
    const gauge = (name: string, help: string, labelNames: string[], collect: (own: Gauge) => void): Gauge => {
      const made: Gauge = new Gauge({
        name: `zkrisk_feed_${name}`,
        help,
        labelNames,
        registers: [this.registry],
        collect: () => collect(made),
      })
      return made
    }
    gauge('connected', '1 while a feed is connected', ['feed'], (own) => {
      for (const [feed, { connected }] of this.feeds) own.set({ feed }, Number(connected))
    })
    gauge('message_age_seconds', 'Since a message of a feed was last read', ['feed'], (own) => {
      for (const [feed, { messageAt }] of this.feeds)
        own.set({ feed }, seconds(messageAt, performance.now(), this.beganAt))
    })
    gauge('reading_age_seconds', 'Since a feed last had a price of a market', ['feed', 'market'], (own) => {
      for (const [feed, { readingAt }] of this.feeds)
        for (const [market, at] of readingAt) own.set({ feed, market }, this.ageOf(at, performance.now()))
    })
    gauge('observation_age_seconds', 'Since an observation of a market was appended', ['market'], (own) => {
      for (const [market, at] of this.observedAt) own.set({ market }, seconds(at, performance.now(), this.beganAt))
    })
    gauge('round_age_seconds', 'Since a round of a market was published', ['market'], (own) => {
      for (const [market, { at }] of this.roundsOf) own.set({ market }, seconds(at, performance.now(), this.beganAt))
    })
    gauge('clock_ok', '0 while this machine’s clock is off the chain’s', [], (own) =>
      own.set(Number(this.clock === undefined)),
    )
    gauge('ready', '1 while all that must be is well', [], (own) => own.set(Number(this.ready().ready)))
  }

  private counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name: `zkrisk_feed_${name}_total`, help, labelNames, registers: [this.registry] })
  }
}
