/** How much clients may ask: so many requests a second, some more at once, so many that are not answered. */
import { TooBusyError } from './problems.ts'

export type RateLimit = {
  /** That a client may go on with. */
  readonly perSecond: number
  /** That it may begin with. */
  readonly burst: number
}

type Bucket = { tokens: number; at: number }

/** Clients that are remembered; whoever comes after so many others starts anew. */
const MOST_CLIENTS = 10_000

export class RateLimiter {
  private readonly limit: RateLimit
  private readonly buckets = new Map<string, Bucket>()

  constructor(limit: RateLimit) {
    this.limit = limit
  }

  /**
   * @param nowMs - of a clock that never steps
   * @returns whole seconds after which it may ask again, 0 if this is taken; not thrown, for a flood asks as fast as it can
   */
  take(client: string, nowMs: number = performance.now()): number {
    const { perSecond, burst } = this.limit
    const before = this.buckets.get(client) ?? { tokens: burst, at: nowMs }
    const tokens = Math.min(burst, before.tokens + (perSecond * (nowMs - before.at)) / 1000)
    this.buckets.delete(client)
    this.buckets.set(client, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: nowMs })
    if (this.buckets.size > MOST_CLIENTS) this.buckets.delete(this.buckets.keys().next().value as string)
    return tokens >= 1 ? 0 : Math.max(1, Math.ceil((1 - tokens) / perSecond))
  }
}

/** Counts what is open at once. */
export class Gate {
  private readonly most: number
  private readonly what: string
  private open = 0

  constructor(most: number, what: string) {
    this.most = most
    this.what = what
  }

  /** @throws {@link TooBusyError} */
  enter(): void {
    if (this.open >= this.most) throw new TooBusyError(this.most, this.what)
    this.open++
  }

  leave(): void {
    this.open--
  }
}

/** What is held at once: by all, and by one client. */
export class Places {
  private readonly most: number
  private readonly mostOfOne: number
  private readonly held = new Map<string, number>()
  private all = 0

  constructor(most: number, mostOfOne: number) {
    this.most = most
    this.mostOfOne = mostOfOne
  }

  /** @returns whose are all held, undefined if there was one */
  enter(client: string): 'all' | 'own' | undefined {
    const own = this.held.get(client) ?? 0
    if (own >= this.mostOfOne) return 'own'
    if (this.all >= this.most) return 'all'
    this.held.set(client, own + 1)
    this.all++
    return undefined
  }

  leave(client: string): void {
    const own = (this.held.get(client) ?? 0) - 1
    if (own > 0) this.held.set(client, own)
    else this.held.delete(client)
    this.all--
  }
}
