/** Whether the service can do its work, asked every few seconds: what cannot be done says why, in words for whoever is called at night. */
import { setTimeout as sleep } from 'node:timers/promises'
import { formatEther } from 'ethers'
import { isDevelopmentChain } from '../../proof/index.ts'
import { ChainClock } from '../chainClock.ts'
import type { RoundBook } from '../daemon/accounts/roundBook.ts'
import type { Fleet } from '../daemon/fleet/openFleet.ts'
import type { JobStore } from '../daemon/jobStore.ts'
import type { RequestStore } from '../daemon/requestStore.ts'
import { duration, isoTime } from '../text/figures.ts'
import { describeError } from '../text/terminal.ts'
import type { Board } from './board.ts'
import type { FeedReading, Figures, Head } from './figures.ts'

export const checkNames = ['store', 'rpc', 'head', 'clock', 'keys', 'feeds', 'lag', 'prover', 'balance'] as const
export type CheckName = (typeof checkNames)[number]

export type Check = {
  readonly name: CheckName
  readonly ok: boolean
  /** What is, or what is wrong. */
  readonly says: string
  /** From when on it has been so. */
  readonly since: string
}

export type Readiness = { readonly ready: boolean; readonly at: string; readonly checks: readonly Check[] }

export type ReadinessLimits = {
  /** Without a new block; on a development chain, which mines what it is sent, none unless one is given. */
  readonly headAgeSeconds: number | undefined
  /** Whether blocks carry the time of day, as they do everywhere but on development chains. */
  readonly hasTimeOfDay: boolean
  /** Without a new observation of a market. */
  readonly feedAgeSeconds: number
  /** That an observation may wait for its proof. */
  readonly lagSeconds: number
  readonly leastBalanceWei: bigint
}

export type ReadinessParts = {
  readonly figures: Figures
  readonly jobs: JobStore
  readonly requests: RequestStore
  readonly board: Board
  readonly rounds: Pick<RoundBook, 'fault'> | undefined
  readonly account: string
  readonly limits: ReadinessLimits
  /** Hash of the verification key that batches of the default model are proven with, by build; what is deployed must be the same. */
  readonly keys: () => Promise<ReadonlyMap<string, string>>
  readonly fleet?: Pick<Fleet, 'faults'> | undefined
}

/** Between two looks: with ten seconds for a node that does not answer, what fails is told within fifteen. */
const LOOK_MS = 2500
/** A service that has not gone round for so long hangs. */
const STALLED_MS = 30_000
/** A node that does not answer for a moment is none of the prover's faults. */
const FAILING_MS = 60_000

type Sight = { readonly value: number; readonly atMs: number }

/** Limits for a chain: those given, and for the rest what suits most. */
export function limitsFor(
  chainId: bigint,
  maxParameterAgeSeconds: bigint,
  given: { readonly [Name in keyof ReadinessLimits]?: ReadinessLimits[Name] | undefined },
): ReadinessLimits {
  return {
    headAgeSeconds: given.headAgeSeconds ?? (isDevelopmentChain(chainId) ? undefined : 60),
    hasTimeOfDay: given.hasTimeOfDay ?? !isDevelopmentChain(chainId),
    feedAgeSeconds: given.feedAgeSeconds ?? Number(maxParameterAgeSeconds),
    lagSeconds: given.lagSeconds ?? 120,
    leastBalanceWei: given.leastBalanceWei ?? 10n ** 16n,
  }
}

export class ReadinessWatch {
  private readonly parts: ReadinessParts
  private checks = new Map<CheckName, Check>()
  private lookedAt = Date.now()
  private headSeen: Sight | undefined
  private readonly clock = new ChainClock()
  private readonly feedsSeen = new Map<string, Sight>()
  private readonly waitingSince = new Map<string, number>()
  /** Seconds that each market's feed has been silent. */
  readonly feedAges = new Map<string, number>()
  balanceWei: bigint | undefined

  constructor(parts: ReadinessParts) {
    this.parts = parts
    for (const name of checkNames) this.keep(name, false, 'not looked at yet')
  }

  now(): Readiness {
    const checks = [...this.checks.values()]
    return { ready: checks.every(({ ok }) => ok), at: new Date(this.lookedAt).toISOString(), checks }
  }

  /** Looks until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look()
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  async look(): Promise<Readiness> {
    await this.lookStore()
    await this.try('prover', async () => [...(await this.judgeProver()), true] as const)
    const head = await this.try('rpc', async () => {
      const found = await this.parts.figures.head()
      return [true, `the node answers with block ${found.number}`, found] as const
    })
    if (head === undefined) {
      for (const name of ['head', 'clock', 'feeds', 'lag', 'balance'] as const) {
        this.keep(name, false, 'not known while the node does not answer')
      }
    } else {
      this.lookHead(head)
      await this.lookChain()
    }
    this.lookedAt = Date.now()
    return this.now()
  }

  private async lookChain(): Promise<void> {
    const feeds = await this.try('feeds', async () => {
      const found = await this.parts.figures.feeds()
      return [...this.judgeFeeds(found), found] as const
    })
    if (feeds === undefined) this.keep('lag', false, 'not known while feeds cannot be read')
    else this.keep('lag', ...this.judgeLag(feeds))
    await this.try('balance', async () => {
      const wei = await this.parts.figures.balance(this.parts.account)
      this.balanceWei = wei
      const least = this.parts.limits.leastBalanceWei
      const says = `${this.parts.account} has ${formatEther(wei)}`
      return [
        wei >= least,
        wei >= least ? says : `${says}, less than ${formatEther(least)}: send it some`,
        wei,
      ] as const
    })
    await this.try('keys', async () => [...(await this.judgeKeys()), true] as const)
  }

  private async lookStore(): Promise<void> {
    try {
      await this.parts.jobs.requireWritable()
      // Words of rounds that were handed on are kept beside it.
      const fault = this.parts.rounds?.fault() ?? (await this.parts.fleet?.faults())?.store
      this.keep('store', fault === undefined, fault ?? 'takes what is written')
    } catch (error) {
      this.keep('store', false, `nothing can be written: ${describeError(error).message}`)
    }
  }

  private async judgeProver(): Promise<readonly [ok: boolean, says: string]> {
    const { board, requests, fleet } = this.parts
    const [failure, pause, idleMs] = [board.proverFailure(), await requests.pause(), requests.idleMs()]
    const failing = requests.failing()
    const wrong =
      failure !== undefined
        ? `the last proof failed: ${failure.detail}`
        : pause !== undefined
          ? `paused by ${pause.by} since ${new Date(pause.since).toISOString()}`
          : idleMs > STALLED_MS
            ? `the service has not gone round for ${duration(idleMs / 1000)}`
            : failing !== undefined && failing.milliseconds > FAILING_MS
              ? `nothing has gone well for ${duration(failing.milliseconds / 1000)}: ${failing.says}`
              : (await fleet?.faults())?.prover
    return [wrong === undefined, wrong ?? 'goes round and nothing has failed']
  }

  private lookHead(head: Head): void {
    const nowMs = performance.now()
    const before = this.headSeen
    if (before?.value !== head.number) this.headSeen = { value: head.number, atMs: nowMs }
    const { headAgeSeconds, hasTimeOfDay } = this.parts.limits
    const still = (nowMs - (this.headSeen?.atMs ?? nowMs)) / 1000
    const behind = Date.now() / 1000 - head.time
    if (headAgeSeconds === undefined) {
      this.keep('head', true, `block ${head.number}; a development chain mines when it is sent something`)
    } else {
      this.keep('head', ...judgeHead(head, hasTimeOfDay ? Math.max(still, behind) : still, headAgeSeconds))
    }
    this.clock.look(head)
    const fault = hasTimeOfDay ? this.clock.fault() : undefined
    const well = hasTimeOfDay
      ? 'this machine’s clock goes with the chain’s'
      : 'a development chain has a clock of its own'
    this.keep('clock', fault === undefined, fault ?? well)
  }

  private judgeFeeds(feeds: readonly FeedReading[]): readonly [ok: boolean, says: string] {
    const nowMs = performance.now()
    const most = this.parts.limits.feedAgeSeconds
    const silent = feeds.filter(({ market, newestAsOf, ageSeconds }) => {
      const newest = Date.parse(newestAsOf)
      const seen = this.feedsSeen.get(market)
      // How old it was when it came, by the chain, and what has passed since, by this machine.
      const since = seen?.value === newest ? seen : { value: newest, atMs: nowMs - 1000 * ageSeconds }
      this.feedsSeen.set(market, since)
      const age = (nowMs - since.atMs) / 1000
      this.feedAges.set(market, age)
      return age > most
    })
    if (silent.length === 0) return [true, `every market has an observation of the last ${duration(most)}`]
    const words = silent.map(({ market }) => `${market} has none since ${duration(this.feedAges.get(market) ?? 0)}`)
    return [false, `${words.join(', ')}: see whoever feeds ${silent.map(({ source }) => source)[0]}`]
  }

  private judgeLag(feeds: readonly FeedReading[]): readonly [ok: boolean, says: string] {
    const nowMs = performance.now()
    for (const { market, waiting } of feeds) {
      if (waiting === 0) this.waitingSince.delete(market)
      else this.waitingSince.set(market, this.waitingSince.get(market) ?? nowMs)
    }
    const most = this.parts.limits.lagSeconds
    const late = [...this.waitingSince].filter(([, since]) => (nowMs - since) / 1000 > most)
    if (late.length === 0) return [true, 'nothing has waited long for its proof']
    const words = late.map(([market, since]) => `${market} since ${duration((nowMs - since) / 1000)}`)
    return [false, `observations wait for a proof: ${words.join(', ')}`]
  }

  private async judgeKeys(): Promise<readonly [ok: boolean, says: string]> {
    const own = await this.parts.keys()
    const models = await this.parts.figures.models()
    const mismatched = [...own].filter(
      ([build, hash]) =>
        !models.some(
          (model) => model.build === build && model.verificationKeyHash === hash && model.status === 'active',
        ),
    )
    if (mismatched.length === 0) return [true, 'the keys here are those of the registered models']
    return [false, `no active model is registered with the key of ${mismatched.map(([build]) => build).join(', ')}`]
  }

  private async try<Value>(
    name: CheckName,
    look: () => Promise<readonly [ok: boolean, says: string, value: Value]>,
  ): Promise<Value | undefined> {
    try {
      const [ok, says, value] = await look()
      this.keep(name, ok, says)
      return value
    } catch (error) {
      this.keep(name, false, describeError(error).message)
      return undefined
    }
  }

  private keep(name: CheckName, ok: boolean, says: string): void {
    const before = this.checks.get(name)
    const since = before?.ok === ok ? before.since : new Date().toISOString()
    this.checks.set(name, { name, ok, says, since })
  }
}

function judgeHead({ number, time }: Head, ageSeconds: number, most: number): readonly [ok: boolean, says: string] {
  const says = `block ${number} of ${isoTime(time)}`
  if (ageSeconds <= most) return [true, says]
  return [false, `${says} is the newest for ${duration(ageSeconds)}: see the node`]
}
