/** What feeds and a venue bring to a live engine by the clock: prices that walk, rounds of them, accounts that trade. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { MarketHistory, NamedObservation } from '../../../prover/service/development/engine.ts'
import type { Random } from '../cases/random.ts'
import { type SeededAccount, traded } from '../roundAccounts.ts'
import { addressOf, liveAccounts } from './liveAccounts.ts'
import { type LiveEngine, MARGINS_MARKET, movedTo } from './liveEngine.ts'

/** Of the example's round, from which the prices of options are moved. */
const START = 1_770_265_800n
const FIRST_PRICES = { 'BTC-USD': 70_853.26, 'ETH-USD': 2_095.4 } as const
const WARM_UP_HOURS = 120
const YEAR_SECONDS = 31_536_000
const VOLATILITY = 0.6
/** Seconds between two of a kind, at once the load. */
const SPACING = { observations: 30, rounds: 60, trades: 30 } as const

/** Prices of markets, in a walk that begins where the example's round is. */
export class Walk {
  readonly #random: Random
  readonly #prices = new Map<string, number>(Object.entries(FIRST_PRICES))

  constructor(random: Random) {
    this.#random = random
  }

  move(seconds: number): void {
    const step = VOLATILITY * Math.sqrt(seconds / YEAR_SECONDS)
    for (const [name, price] of this.#prices) this.#prices.set(name, price * Math.exp(step * this.#normal()))
  }

  priceE8(name: string): bigint {
    return BigInt(Math.round((this.#prices.get(name) ?? 0) * 1e8))
  }

  observations(asOf: bigint): readonly NamedObservation[] {
    const bare = { asOf, impliedVolatilityX16: 0n, rangeCode: 0n }
    return [...this.#prices.keys()].map((name) => ({ name, observation: { ...bare, priceE8: this.priceE8(name) } }))
  }

  /** Hours that lead to where it begins, themselves a walk. */
  before(): readonly MarketHistory[] {
    const back = new Walk(this.#random)
    const hours = Array.from({ length: WARM_UP_HOURS + 1 }, (_, hour) => {
      if (hour > 0) back.move(3600)
      return back.observations(START - 3600n * BigInt(hour))
    }).toReversed()
    return [...this.#prices.keys()].map((name, i) => ({
      name,
      rows: hours.flatMap((each) => each[i]?.observation ?? []),
    }))
  }

  /** Nearly normal: a sum of twelve. */
  #normal(): number {
    const parts = Array.from({ length: 12 }, () => Number(this.#random.below(1_000_000n)) / 1e6)
    return parts.reduce((sum, each) => sum + each, -6)
  }
}

/** What was brought. */
export type Brought = { observations: number; rounds: number; reports: number; refused: number }

export class SoakLoad {
  readonly brought: Brought = { observations: 0, rounds: 0, reports: 0, refused: 0 }
  readonly #engine: LiveEngine
  readonly #walk: Walk
  readonly #random: Random
  readonly #accounts: SeededAccount[]
  #observedAt = START
  #publishedAt = START

  constructor(engine: LiveEngine, walk: Walk, random: Random, accounts: number) {
    this.#engine = engine
    this.#walk = walk
    this.#random = random
    this.#accounts = [...liveAccounts(engine.first, engine.example, random, accounts)]
  }

  /** Accounts that nobody knows yet, and their first round. */
  async begin(): Promise<void> {
    for (const at of this.#accounts.keys()) await this.#report(at)
    await this.#publish()
  }

  /** For so many minutes at so many times the pace; all three go on beside each other. */
  async run(minutes: number, times: number): Promise<void> {
    const until = performance.now() + 60_000 * minutes
    const apart = (seconds: number): number => seconds / times
    await Promise.all([
      every(apart(SPACING.observations), until, () => this.#observe(apart(SPACING.observations))),
      every(apart(SPACING.rounds), until, () => this.#publish()),
      every(apart(SPACING.trades), until, () => this.#trade()),
    ])
  }

  /** Rounds go on while what came in last comes in force: margins of a round that grows old are nobody's. */
  async publishUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(1000 * SPACING.rounds, undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) await this.#publish()
    }
  }

  async #observe(seconds: number): Promise<void> {
    this.#walk.move(seconds)
    // Of what lies behind it the chain's clock need not be moved, which blocks that are mined meanwhile would forbid.
    const asOf = (await this.#engine.now()) - 1n
    if (asOf <= this.#observedAt) return
    this.#observedAt = asOf
    const events = await this.#engine.append(this.#walk.observations(asOf))
    this.brought.observations += events.filter(({ kind }) => kind === 'appended').length
    this.brought.refused += events.filter(({ kind }) => kind === 'refused').length
  }

  async #publish(): Promise<void> {
    const asOf = await this.#engine.now()
    if (asOf <= this.#publishedAt) return
    this.#publishedAt = asOf
    await this.#engine.publish(movedTo(this.#engine.first, asOf, this.#walk.priceE8(MARGINS_MARKET)))
    this.brought.rounds++
  }

  async #trade(): Promise<void> {
    const at = Number(this.#random.below(BigInt(this.#accounts.length)))
    this.#accounts[at] = traded(this.#accounts[at] as SeededAccount, this.#random)
    await this.#report(at)
  }

  async #report(at: number): Promise<void> {
    await this.#engine.report(addressOf(at + 1), this.#accounts[at] as SeededAccount)
    this.brought.reports++
  }
}

/** Does something so many seconds apart; what takes longer is followed at once. */
async function every(seconds: number, until: number, work: () => Promise<void>): Promise<void> {
  for (let next = performance.now(); next < until; ) {
    await work()
    next = Math.max(next + 1000 * seconds, performance.now())
    await sleep(Math.max(0, Math.min(next, until) - performance.now()))
  }
}
