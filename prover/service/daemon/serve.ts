/**
 * `zkrisk serve`: watches a registry's inboxes, and proves and lands a batch whenever a trigger says that it is worth it.
 *
 * A batch's steps are stored, each before the next begins: planned, proven, signed, confirmed. Whatever the moment at which
 * the process dies, the next one takes up from the last stored step and asks the chain about the rest. Batches of different
 * markets overlap: while one is proven, sent or waited for, the next is stated and its witness computed.
 */
import { ProverError } from '../../errors.ts'
import { CALLS_UNDER_WAY, type CircuitKeys, type Prover } from '../../proof/index.ts'
import { formatBundle, parseBundle } from '../../registry/market/bundle.ts'
import type { NextBatch, NothingToDo, RegistryClient } from '../../registry/market/client.ts'
import { type MarketRiskStatement, stateBatch } from '../../statement/marketRisk.ts'
import { type Job, type JobStore, jobIdOf } from './jobStore.ts'
import { keyHashOf, proveStatement } from './proving.ts'
import { type Landing, Sender, type SenderOptions } from './sender.ts'
import { describeError } from '../text/terminal.ts'
import { firedTrigger, type TriggerPolicy, type WaitingMarket } from './triggers.ts'
import { buildOf } from '../workspace.ts'

/** A step that was just stored, or begun. */
export type ServeEvent = {
  readonly step:
    | 'started'
    | 'planned'
    | 'proven'
    | 'signed'
    | 'sent'
    | 'confirmed'
    | 'superseded'
    | 'retrying'
    | 'unserved'
    | 'stopped'
  readonly job?: string
  readonly detail?: string
}

/** Keys of circuits that estimate volatility alike. */
export type CircuitFamily = {
  readonly live: CircuitKeys
  /** Of the circuit that drains a backlog, where the family has one. */
  readonly catchUp?: CircuitKeys | undefined
}

export type ServeOptions = Pick<SenderOptions, 'client' | 'account' | 'store'> &
  Partial<Pick<SenderOptions, 'confirmations' | 'bumpAfterMs'>> & {
    readonly prover: Prover
    /**
     * For each family of circuits what loads its keys, which is asked only when something is to be proven by it; none if it is
     * not built here. What nobody can prove is reported.
     */
    readonly families: readonly (() => Promise<CircuitFamily | undefined>)[]
    readonly triggers: TriggerPolicy
    /** Markets to serve, with their shadows; all by default. */
    readonly markets?: readonly string[] | undefined
    readonly pollMs?: number
    /** Ends the service: what is under way is finished, nothing new is begun. */
    readonly signal: AbortSignal
    readonly onEvent: (event: ServeEvent) => Promise<void> | void
  }

/** A batch that is worth proving, and why. */
type Found = { readonly next: NextBatch; readonly keys: CircuitKeys; readonly trigger: string }

type Planned = { readonly next: NextBatch; readonly statement: MarketRiskStatement; readonly keys: CircuitKeys }

const POLL_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** A batch that was refused is not made again at once: the chain's clock or state must have moved. */
const REFUSED_PAUSE_MS = 5_000
/** Time that a stopped service takes to finish its job. */
const FINISH_MS = 60_000

/** Conditions that no waiting mends. */
const FATAL: ReadonlySet<string> = new Set([
  'registry.model-not-registered',
  'registry.model-disabled',
  'registry.unknown-market',
  'registry.wrong-chain',
  'registry.registry-missing',
  'proof.corrupt-key-file',
  'proof.self-verification',
])

/**
 * Serves until the signal.
 *
 * @throws errors that no waiting mends; every other one is reported and tried again after a pause
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { signal, onEvent, pollMs = POLL_MS } = options
  const service = new Service(options)
  await onEvent({ step: 'started', detail: `account ${options.account.address}` })
  let pause = pollMs
  let stopBy = Number.POSITIVE_INFINITY
  while (true) {
    if (signal.aborted) {
      stopBy = Math.min(stopBy, Date.now() + FINISH_MS)
      if (Date.now() > stopBy || !service.hasOpenJob()) break
    }
    try {
      const worked = await service.advance(!signal.aborted)
      pause = pollMs
      if (!worked) await service.idle(pause)
    } catch (error) {
      const { code, message } = describeError(error)
      if (!(error instanceof ProverError) || FATAL.has(code)) throw error
      await onEvent({ step: 'retrying', detail: `${message} (${code}); again in ${pause / 1000} s` })
      await sleep(pause, signal)
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS)
      if (signal.aborted) break
    }
  }
  await onEvent({ step: 'stopped' })
}

class Service {
  private readonly options: ServeOptions
  private readonly client: RegistryClient
  private readonly store: JobStore
  private readonly sender: Sender
  private readonly planned = new Map<string, Planned>()
  /** Of the planned batches, those that are being proven. */
  private readonly proofs = new Map<string, Promise<void>>()
  private failures: unknown[] = []
  private lastBuild: string | undefined
  /** What was last reported as nobody's to prove. */
  private unserved = ''

  constructor(options: ServeOptions) {
    this.options = options
    this.client = options.client
    this.store = options.store
    this.sender = new Sender({ confirmations: 1, bumpAfterMs: 30_000, ...options })
  }

  hasOpenJob(): boolean {
    return this.store.openJobs().some(({ status, id }) => status !== 'planned' || this.planned.has(id))
  }

  /**
   * One step of an open job, or a new job; false if there is nothing to do but wait.
   *
   * @throws what a proof under way failed with
   */
  async advance(mayPlan: boolean): Promise<boolean> {
    if (this.failures.length > 0) throw this.failures.shift()
    const signed = this.store.openJobs().find(({ status }) => status === 'signed')
    if (signed !== undefined && (await this.ended(signed, await this.sender.settle(signed)))) return true
    // Read again after the wait, for a proof may have ended meanwhile. One transaction at a time: nonces follow each other.
    const proven = this.store.openJobs().find(({ status }) => status === 'proven')
    if (signed === undefined && proven !== undefined) return this.sign(proven)
    return mayPlan && this.planned.size < CALLS_UNDER_WAY ? this.plan() : false
  }

  /** Waits so long, or until a proof is finished or the service is stopped. */
  async idle(milliseconds: number): Promise<void> {
    const awake = new AbortController()
    await Promise.race([
      sleep(milliseconds, AbortSignal.any([this.options.signal, awake.signal])),
      ...this.proofs.values(),
    ])
    awake.abort()
  }

  private async plan(): Promise<boolean> {
    const found = await this.nextBatch(await this.freeMarkets())
    if (found === undefined) {
      const leftBehind = this.store.openJobs().filter(({ status, id }) => status === 'planned' && !this.planned.has(id))
      for (const job of leftBehind) {
        await this.ended(job, { status: 'superseded', reason: 'nothing waits for it any more' })
      }
      return false
    }
    const { next, keys, trigger } = found
    const statement = await stateBatch(next.batch)
    const id = jobIdOf(next.batch.build.name, statement.publicSignals)
    const summary = next.batch.markets.map(({ sequence }, i) => `${next.names[i]} #${sequence}`).join(', ')
    let job = this.store.plan({ id, build: next.batch.build.name, trigger, summary })
    if (job.status === 'superseded') {
      if (Date.now() - job.updatedAt < REFUSED_PAUSE_MS) return false
      job = this.store.reopen(id)
    }
    if (job.status === 'confirmed') return false
    this.lastBuild = next.batch.build.name
    await this.report({ step: 'planned', job: id, detail: `${summary} (${trigger})` })
    if (job.status === 'planned') {
      this.planned.set(id, { next, statement, keys })
      this.beginProof(job)
    }
    return true
  }

  /** Markets and shadows that no open batch moves. */
  private async freeMarkets(): Promise<readonly string[]> {
    const served = this.options.markets ?? (await this.client.markets()).map(({ name }) => name)
    const shadows = (await this.client.shadows()).filter(({ market }) => served.includes(market))
    const busy = new Set(this.store.openJobs().flatMap((job) => this.marketsOf(job)))
    return [...served, ...shadows.map(({ name }) => name)].filter((name) => !busy.has(name))
  }

  private marketsOf({ id, bundle }: Job): readonly string[] {
    const planned = this.planned.get(id)?.next.names
    if (planned !== undefined || bundle === undefined) return planned ?? []
    return parseBundle(Buffer.from(bundle), `job ${id}`).markets.map(({ name }) => name)
  }

  /** The next batch of any family; markets whose proof nobody has the keys for are reported. */
  private async nextBatch(markets: readonly string[]): Promise<Found | undefined> {
    let rest = markets
    let found: Found | undefined
    for (const load of this.options.families) {
      if (found !== undefined || rest.length === 0) break
      const family = await load()
      if (family === undefined) continue
      const next = await this.client.nextBatch(buildOf(family.live.circuit), keyHashOf(family.live), rest)
      rest = next.leftOut.filter(({ reason }) => reason === 'bound-to-another-model').map(({ name }) => name)
      found = await this.nextOfFamily(family, next)
    }
    if (found === undefined) await this.reportUnserved(rest)
    return found
  }

  /** Live batches as triggers ask for them; between two of them a catch-up batch for a market that fell behind. */
  private async nextOfFamily(
    { live, catchUp }: CircuitFamily,
    next: NextBatch | NothingToDo,
  ): Promise<Found | undefined> {
    const behind = next.leftOut.filter(({ reason }) => reason === 'behind').map(({ name }) => name)
    const isTurnOfBacklog = this.lastBuild !== catchUp?.circuit || next.batch === undefined
    if (catchUp !== undefined && behind.length > 0 && isTurnOfBacklog) {
      const drain = await this.client.nextBatch(buildOf(catchUp.circuit), keyHashOf(catchUp), behind)
      if (drain.batch !== undefined)
        return { next: drain, keys: catchUp, trigger: `backlog of ${drain.names.join(', ')}` }
    }
    if (next.batch === undefined) return undefined
    const fired = await this.firedTrigger(next)
    return fired === undefined ? undefined : { next, keys: live, trigger: fired }
  }

  /** Says it once, and again when it is of others. */
  private async reportUnserved(names: readonly string[]): Promise<void> {
    const list = names.join(', ')
    if (list === this.unserved) return
    this.unserved = list
    const detail = `no keys for the volatility model of ${list}: run \`npm run build\` where its model is registered`
    if (list !== '') await this.report({ step: 'unserved', detail })
  }

  private async firedTrigger({ batch, names }: NextBatch): Promise<string | undefined> {
    const waiting = await Promise.all(
      names.map(async (name): Promise<WaitingMarket> => {
        const { state } = await this.client.market(name)
        return { name, state, waiting: await this.client.waiting(name) }
      }),
    )
    const fired = firedTrigger(waiting, this.options.triggers, batch.learning.horizonSeconds)
    return fired === undefined ? undefined : `${fired.name}: ${fired.reason}`
  }

  private beginProof(job: Job): void {
    const proof = this.prove(job)
      .catch((error: unknown) => {
        // Planned again, from what the chain says by then.
        this.planned.delete(job.id)
        this.failures.push(error)
      })
      .finally(() => this.proofs.delete(job.id))
    this.proofs.set(job.id, proof)
  }

  private async prove(job: Job): Promise<void> {
    const { next, statement, keys } = this.planned.get(job.id) as Planned
    const { bundle, timings } = await proveStatement(this.options.prover, keys, next, statement)
    this.store.proven(job.id, formatBundle(bundle))
    this.planned.delete(job.id)
    await this.report({ step: 'proven', job: job.id, detail: `${(timings.total / 1000).toFixed(1)} s` })
  }

  private async sign(job: Job): Promise<boolean> {
    const landing = await this.sender.sign(job)
    if (landing !== undefined) return this.ended(job, landing)
    await this.report({ step: 'signed', job: job.id })
    return true
  }

  /** Stores how a job ended; false while it is pending. */
  private async ended(job: Job, landing: Landing): Promise<boolean> {
    if (landing.status === 'pending') {
      if (landing.sent) await this.report({ step: 'sent', job: job.id })
      return landing.sent
    }
    if (landing.status === 'superseded') {
      this.store.end(job.id, 'superseded', landing.reason)
      await this.report({ step: 'superseded', job: job.id, detail: landing.reason })
      return true
    }
    this.store.end(job.id, 'confirmed')
    const cost = landing.gasUsed === undefined ? '' : `, ${landing.gasUsed.toLocaleString('en')} gas`
    await this.report({ step: 'confirmed', job: job.id, detail: `${job.summary}${cost}` })
    return true
  }

  private async report(event: ServeEvent): Promise<void> {
    await this.options.onEvent(event)
  }
}

/** Ends early when the service is stopped. */
function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    if (!signal.aborted) signal.addEventListener('abort', done)
  })
}
