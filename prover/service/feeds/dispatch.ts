/** Observations on their way to sources: sent in order, kept while the chain does not answer, sent again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describeError } from '../text/terminal.ts'
import type { Carried, CarriedEvent, Carrier } from './carrier.ts'
import { LAST_MS } from './within.ts'

export type DispatchEvent =
  | CarriedEvent
  /** The chain cannot be reached, or refuses what it is not refusing as a contract: all is kept and tried again. */
  | { readonly kind: 'sending-fails'; readonly code: string; readonly says: string; readonly waiting: number }
  | { readonly kind: 'sending-again'; readonly waiting: number }
  /** More waited than is kept, or it was stopped: these were not sent, or their transaction was not mined. */
  | { readonly kind: 'unsent'; readonly observations: number }

/** Kept while the chain does not answer: two hours of eight markets, each half minute. */
const MOST_WAITING = 2048
/** In one transaction. */
const AT_ONCE = 16
const LEAST_PAUSE_MS = 1000
const MOST_PAUSE_MS = 30_000

/** When a carrier that failed is tried again. */
type Pause = { readonly ms: number; readonly until: number }

/** One at a time, whichever source it is for: they are paid by one account, whose transactions have an order. */
export class Dispatch {
  private waiting: readonly Carried[] = []
  private readonly carrierOf: (market: string) => Carrier
  private readonly onEvent: (event: DispatchEvent) => void
  private readonly pauses = new Map<Carrier, Pause>()
  private isStopped = false
  private readonly givenUp = new AbortController()
  private wake = new AbortController()
  private patience: NodeJS.Timeout | undefined

  constructor(carrierOf: (market: string) => Carrier, onEvent: (event: DispatchEvent) => void) {
    this.carrierOf = carrierOf
    this.onEvent = onEvent
  }

  send(observations: readonly Carried[]): void {
    const all = [...this.waiting, ...observations]
    this.waiting = all.slice(-MOST_WAITING)
    const over = all.length - this.waiting.length
    if (over > 0) this.onEvent({ kind: 'unsent', observations: over })
    this.wake.abort()
  }

  /** What waits is tried for a little longer, and {@link run} ends. */
  stop(): void {
    this.isStopped = true
    this.wake.abort()
    this.patience ??= setTimeout(() => {
      this.givenUp.abort()
      this.wake.abort()
    }, LAST_MS)
  }

  /** Sends until it is stopped. */
  async run(): Promise<void> {
    while (!this.givenUp.signal.aborted && !(this.isStopped && this.waiting.length === 0)) {
      this.wake = new AbortController()
      const carrier = this.next()
      if (carrier === undefined)
        await sleep(this.pauseMs(), undefined, { signal: this.wake.signal }).catch(() => undefined)
      else await this.unlessGivenUp(this.sendSome(carrier))
    }
    clearTimeout(this.patience)
    if (this.waiting.length > 0) this.onEvent({ kind: 'unsent', observations: this.waiting.length })
  }

  /** A transaction that nobody mines is waited for no longer than the rest. */
  private unlessGivenUp(work: Promise<void>): Promise<void> {
    const { signal } = this.givenUp
    return new Promise((resolve, reject) => {
      const leave = (): void => resolve()
      signal.addEventListener('abort', leave)
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
    })
  }

  /** Of the oldest that waits for no pause. */
  private next(): Carrier | undefined {
    const now = performance.now()
    return this.waiting
      .map(({ market }) => this.carrierOf(market))
      .find((carrier) => (this.pauses.get(carrier)?.until ?? 0) <= now)
  }

  private pauseMs(): number {
    const until = this.waiting.map(({ market }) => this.pauses.get(this.carrierOf(market))?.until ?? 0)
    return until.length === 0 ? MOST_PAUSE_MS : Math.max(1, Math.min(...until) - performance.now())
  }

  private async sendSome(carrier: Carrier): Promise<void> {
    const chosen = this.waiting.filter(({ market }) => this.carrierOf(market) === carrier).slice(0, AT_ONCE)
    const pause = this.pauses.get(carrier)
    try {
      const events = await carrier.carry(chosen)
      if (this.givenUp.signal.aborted) return
      const done = new Set(chosen)
      this.waiting = this.waiting.filter((each) => !done.has(each))
      for (const event of events) this.onEvent(event)
      this.pauses.delete(carrier)
      if (pause !== undefined) this.onEvent({ kind: 'sending-again', waiting: this.waiting.length })
    } catch (error) {
      if (this.givenUp.signal.aborted) return
      const ms = Math.min(MOST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, 2 * (pause?.ms ?? 0)))
      this.pauses.set(carrier, { ms, until: performance.now() + ms })
      const { code, message: says } = describeError(error)
      if (pause === undefined) this.onEvent({ kind: 'sending-fails', code, says, waiting: this.waiting.length })
    }
  }
}
