/**
 * `zkrisk serve`: watches a registry's inboxes, and proves and lands a batch whenever a trigger says that it is worth it.
 *
 * A batch's steps are stored, each before the next begins: planned, proven, signed, confirmed. Whatever the moment at which
 * the process dies, the next one takes up from the last stored step and asks the chain about the rest. Batches of different
 * markets overlap: while one is proven, sent or waited for, the next is stated and its witness computed.
 */
import { volatilityModelOf } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import type { Backend, CircuitKeys, Prover } from '../../proof/index.ts'
import { CALLS_UNDER_WAY } from '../../proof/backends/workerProver.ts'
import { formatBundle, parseBundle } from '../../registry/market/bundle.ts'
import {
  type CurrentMarket,
  MarketUnknownError,
  type NextBatch,
  type NothingToDo,
  type RegistryClient,
} from '../../registry/market/client.ts'
import { isMarketName, isShadowName, whyUntaken } from '../../market/marketId.ts'
import { type Parameters, updateMarket } from '../../parameters/marketRisk.ts'
import { type MarketRiskBatch, type MarketRiskStatement, stateBatch } from '../../statement/marketRisk.ts'
import { volatilityModelOfId } from '../../volatility/models.ts'
import { type Job, type JobStore, jobIdOf, NO_PROOF, takeUp } from './jobStore.ts'
import { keyHashOf, proveStatement } from './proving.ts'
import { WEI_PER_GWEI } from './fees.ts'
import type { Landing } from './sender.ts'
import { Submitter, type SubmitterAlarm, type SubmitterOptions } from './submitter.ts'
import { type MarginsPercent, marginsOf } from '../answers/inForce.ts'
import { isoTime } from '../text/figures.ts'
import { describeError } from '../text/terminal.ts'
import type { Alarm } from '../../registry/market/alarms.ts'
import type { AlarmWatch } from '../../registry/market/alarmWatch.ts'
import { revertAdvice } from '../../registry/revertAdvice.ts'
import { type AccountNow, AccountsLane, type AccountsOptions, isAccountJob } from './accounts/lane.ts'
import { type AlarmEvent, reportAlarms } from './alarms.ts'
import { marketCargo } from './cargo.ts'
import { JustEnded } from './justEnded.ts'
import { type Pause, Pauses } from './pauses.ts'
import { Settling } from './settling.ts'
import {
  defaultTriggerPolicy,
  firedTrigger,
  type TriggerName,
  type TriggerPolicy,
  type WaitingMarket,
} from './triggers.ts'
import { buildOf } from '../workspace.ts'

/** A step that was just stored, or begun. */
export type ServeEvent = {
  readonly step:
    | 'rebuilt'
    | 'started'
    | 'planned'
    | 'proven'
    | 'signed'
    | 'sent'
    | 'confirmed'
    | 'in-force'
    | 'superseded'
    | 'unsigned'
    | 'reorganised'
    | 'endpoint'
    | 'retrying'
    | 'unserved'
    | 'workers'
    | 'worker-fault'
    | 'followed'
    | 'paused'
    | 'resumed'
    | 'stopped'
    | 'statement-proven'
    | 'account'
    | 'left-out'
    | 'counted'
    | AlarmEvent['step']
  readonly job?: string
  readonly detail?: string
  /** Of `retrying`: of the error. Of `superseded` work on accounts: why, in a word. */
  readonly code?: string
  /** Of a job, and of `statement-proven`: which circuit proves it. */
  readonly build?: string
  /** Of `planned`: what asked for it, by name. */
  readonly trigger?: string
  /** Of `planned`: when the service began to look for it, unix milliseconds, and what it moves. */
  readonly plan?: {
    readonly beganAt: number
    readonly modelId: string
    readonly markets: readonly { readonly name: string; readonly sequence: number; readonly asOf: number }[]
  }
  /** Of `proven` and `statement-proven`; the witness is part of all of it. */
  readonly proof?: {
    readonly milliseconds: number
    readonly witnessMilliseconds: number
    readonly backend: Backend
  }
  /** Of `confirmed`, where its transaction is known. */
  readonly gasUsed?: number
  /** Of `paused` and `resumed`: who said so, by name of a key. Of the former also since when. */
  readonly by?: string
  readonly since?: string
  /** Of `alarm` and `alarm-cleared`. */
  readonly alarm?: Alarm | SubmitterAlarm
  /** Of `in-force`: what the batch that was just confirmed put in force of one market. */
  readonly market?: InForceNow
  /** Of `account`: what a transaction that was just confirmed put in force of one account. */
  readonly account?: AccountNow
}

/** A market or shadow after its batch was confirmed. */
export type InForceNow = Pick<MarginsPercent, 'initialMarginPercent' | 'maintenanceMarginPercent'> & {
  readonly name: string
  readonly sequence: number
  readonly asOf: string
}

/** Keys of circuits that estimate volatility alike. */
export type CircuitFamily = {
  readonly live: CircuitKeys
  /** Of the circuit that drains a backlog, where the family has one. */
  readonly catchUp?: CircuitKeys | undefined
}

/** A family of circuits that the deployment has models of. */
export type ServedFamily = {
  /** Its id. */
  readonly volatilityModel: number
  /** Loads its keys, which is asked only when something is to be proven by them; none if it is not built here. */
  readonly load: () => Promise<CircuitFamily | undefined>
}

export type ServeOptions = Pick<SubmitterOptions, 'client' | 'account' | 'store'> &
  Partial<Pick<SubmitterOptions, 'confirmations' | 'bumpAfterMs' | 'maxFeePerGas' | 'leastBatches'>> & {
    readonly prover: Prover
    /** What nobody can prove is reported. */
    readonly families: readonly ServedFamily[]
    /** What is not said is as {@link defaultTriggerPolicy} has it. */
    readonly triggers: Partial<TriggerPolicy>
    /** Margins of accounts, where the engine has a registry of them. */
    readonly accounts?: AccountsOptions | undefined
    /** Is handed what proves accounts, whose state may be read at any time. */
    readonly onAccounts?: (accounts: Pick<AccountsLane, 'state'>) => void
    /** Markets to serve, with their shadows; all by default. */
    readonly markets?: readonly string[] | undefined
    /** Whose alarms are told; none by default. */
    readonly watch?: Pick<AlarmWatch, 'look'>
    /** What people ask of the running service; nothing by default. */
    readonly control?: ServeControl
    /** Is handed who sends batches, whose state may be read at any time. */
    readonly onSubmitter?: (submitter: Pick<Submitter, 'state'>) => void
    /** Batches being proven at once; as many as keep one machine busy, by default. */
    readonly proofsUnderWay?: number
    readonly pollMs?: number
    /** A batch waits so long for markets that have not moved yet. */
    readonly settleMs?: number | undefined
    /** Ends the service: what is under way is finished, nothing new is begun. */
    readonly signal: AbortSignal
    readonly onEvent: (event: ServeEvent) => Promise<void> | void
  }

/** People's wishes, as the service asks for them and tells what became of them. */
export type ServeControl = {
  /** The service goes round once more. */
  round(): void
  /** How that ended: undefined, or what it failed with. */
  ended(failure: string | undefined): void
  /** Whether no batch is begun for now; those under way are finished. */
  pause(): Promise<Pause | undefined>
  /** Whoever last ended a pause, as long as this process knows. */
  resumedBy(): string | undefined
  /** Markets that somebody wants proven whatever triggers say. */
  wanted(): Promise<readonly string[]>
  /** A batch of these was begun. */
  begun(names: readonly string[], job: string): Promise<void>
}

/** A batch that is worth proving, and why. */
type Found = {
  readonly next: NextBatch
  readonly keys: CircuitKeys
  /** Of the trigger. */
  readonly name: string
  /** For people. */
  readonly trigger: string
}

type Planned = { readonly next: NextBatch; readonly statement: MarketRiskStatement; readonly keys: CircuitKeys }

const POLL_MS = 500
/** A node that is paid by the question is not asked what its newest block has told; what time alone changes is seen by then. */
export const LOOK_ANEW_MS = 2_000
const LOOKS_A_BLOCK = 2
/** For a look at alarms that is under way. */
const WATCH_ENDS_MS = 1_000
/** Blocks of chains that settle fast are as far apart; a quarter of a second is little of what a proof takes. */
const SETTLE_MS = 250
const LONGEST_PAUSE_MS = 30_000
/** Time that a stopped service takes to finish its jobs: whoever stops it kills it after half a minute. */
const FINISH_MS = 25_000

/** A shadow that a circuit refuses by itself is tried again after this time: the council may have mended its policy. */
const REFUSED_SHADOW_PAUSE_MS = 60_000

/** What a service does that was told nothing else. */
const usualSending = {
  confirmations: 1,
  bumpAfterMs: 30_000,
  maxFeePerGas: 500n * WEI_PER_GWEI,
  leastBatches: 20,
} as const satisfies Partial<SubmitterOptions>

/** What keeps all that is bound to a family from being proven. */
const OF_FAMILY: ReadonlySet<string> = new Set([
  'registry.model-not-registered',
  'registry.model-disabled',
  'proof.corrupt-key-file',
])

/** Conditions that no waiting mends. */
const FATAL: ReadonlySet<string> = new Set([
  'registry.model-not-registered',
  'registry.model-disabled',
  'registry.unknown-market',
  'registry.wrong-chain',
  'registry.registry-missing',
  'proof.corrupt-key-file',
  'proof.self-verification',
  'proof.keys-missing',
  'service.circuit-not-built',
  'service.circuit-unreadable',
  'service.key-in-use',
  'service.store-in-use',
  'service.store-scope',
  'service.store-unusable',
  'service.store-damaged',
])

/**
 * Serves until the signal.
 *
 * @throws {@link BalanceTooLowError} at once if the account cannot pay for a batch, unless one is on its way
 * @throws errors that no waiting mends; every other one is reported and tried again after a pause
 * @example
 * import { Wallet } from 'ethers'
 * const { addresses } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const account = new Wallet(process.env.ZKRISK_KEY, provider)
 * const client = await RegistryClient.connect({ registry: addresses.registry, provider, signer: account })
 * const store = await SqliteJobStore.open('serve.sqlite', { chainId: client.chainId, registry: client.registry })
 * const prover = createProver()
 * // A signal that has come already: it looks once and ends.
 * const signal = AbortSignal.abort()
 * await serve({ client, account, store, prover, families: [], triggers: defaultTriggerPolicy, signal, onEvent: console.error })
 * await prover.close()
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { signal, onEvent, pollMs = POLL_MS } = options
  const service = new Service(options)
  await service.begin()
  const { watch } = options
  const over = new AbortController()
  const watching = watch && reportAlarms({ watch, pollMs, signal: AbortSignal.any([signal, over.signal]), onEvent })
  try {
    await goRound(service, options)
  } finally {
    over.abort()
    // A node that hangs holds up nothing that ends.
    const ended = new AbortController()
    await Promise.race([watching, sleep(WATCH_ENDS_MS, ended.signal)])
    ended.abort()
  }
  await onEvent({ step: 'stopped' })
}

async function goRound(service: Service, options: ServeOptions): Promise<void> {
  const { signal, onEvent, pollMs = POLL_MS } = options
  const pauses = options.control && new Pauses(options.control)
  let pause = pollMs
  let stopBy = Number.POSITIVE_INFINITY
  while (true) {
    if (signal.aborted) {
      stopBy = Math.min(stopBy, performance.now() + FINISH_MS)
      if (performance.now() > stopBy || !(await service.hasOpenJob().catch(() => false))) break
    }
    try {
      options.control?.round()
      const isPaused = (await pauses?.look(onEvent)) ?? false
      const worked = await service.advance(!signal.aborted && !isPaused)
      options.control?.ended(undefined)
      pause = pollMs
      if (!worked) await service.idle(pause)
    } catch (error) {
      const { code, message } = describeError(error)
      if (!(error instanceof ProverError) || (FATAL.has(code) && !isOfRemovedShadow(error, options))) throw error
      options.control?.ended(`${message} (${code})`)
      await onEvent({ step: 'retrying', code, detail: `${message} (${code}); again in ${pause / 1000} s` })
      await sleep(pause, signal)
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS)
      if (signal.aborted) break
    }
  }
}

/** Shadows come and go while they are listed and read; those that the service was asked for by name do not. */
const isOfRemovedShadow = (error: ProverError, { markets = [] }: ServeOptions): boolean =>
  error instanceof MarketUnknownError && isShadowName(error.market) && !markets.includes(error.market)

const isOfFamily = (error: unknown): boolean => OF_FAMILY.has(describeError(error).code)

class Service {
  private readonly options: ServeOptions
  private readonly client: RegistryClient
  private readonly store: JobStore
  private readonly submitter: Submitter
  private readonly accounts: AccountsLane | undefined
  private alarmed = new Map<string, SubmitterAlarm>()
  private readonly planned = new Map<string, Planned>()
  /** Of the planned batches, those that are being proven. */
  private readonly proofs = new Map<string, Promise<void>>()
  private failures: unknown[] = []
  /** A market goes on with its new source as soon as no transaction is on its way. */
  private isToFollow = false
  private readonly triggers: TriggerPolicy
  private readonly settling: Settling
  /** A batch waits so long yet for markets that have not moved. */
  private settlesInMs = Number.POSITIVE_INFINITY
  /** At this block nothing was worth a batch; undefined once the service has done anything since. */
  private fruitless: { readonly at: string; readonly looks: number; readonly until: number } | undefined
  private lastBuild: string | undefined
  private readonly justEnded = new JustEnded()
  /** Shadows of batches that a circuit refused or that came too late, and when each is tried again, by itself. */
  private readonly suspects = new Map<string, number>()
  /** What was last reported as nobody's to prove. */
  private unserved = ''

  constructor(options: ServeOptions) {
    this.options = options
    this.client = options.client
    this.store = options.store
    this.triggers = { ...defaultTriggerPolicy, ...options.triggers }
    this.settling = new Settling(options.settleMs ?? SETTLE_MS)
    this.accounts = options.accounts && this.laneOf(options.accounts)
    const cargoOf = (job: Job) => {
      return isAccountJob(job) && this.accounts ? this.accounts.cargoOf(job) : marketCargo(options.client, job)
    }
    this.submitter = new Submitter({ ...usualSending, ...options, cargoOf })
    options.onSubmitter?.(this.submitter)
  }

  private laneOf(accounts: AccountsOptions): AccountsLane {
    const { prover, store, account, signal, proofsUnderWay } = this.options
    const report = (event: ServeEvent): Promise<void> => this.report(event)
    const lane = new AccountsLane({
      ...{ ...accounts, prover, store, proofsUnderWay, from: account.address, signal, report },
      justEnded: this.justEnded,
    })
    this.options.onAccounts?.(lane)
    return lane
  }

  /** @throws {@link BalanceTooLowError} */
  async begin(): Promise<void> {
    const isOnItsWay = (await this.store.openJobs()).some(({ status }) => status === 'signed')
    if (isOnItsWay) await this.submitter.funds.read()
    else await this.submitter.funds.require()
    const { account, endpoint, balance } = this.submitter.state
    const through = endpoint === undefined ? '' : ` through ${endpoint}`
    const lasts = `its coins last for about ${balance?.batchesLeft.toLocaleString('en')} batches`
    await this.report({ step: 'started', detail: `account ${account}${through}; ${lasts}` })
  }

  /** Whether something is on its way to the chain, or to be sent when a proof is made. */
  async hasOpenJob(): Promise<boolean> {
    // A proof may end while the store is asked.
    const planned = new Set([...this.planned.keys(), ...(this.accounts?.planned ?? [])])
    const open = (await this.store.openJobs()).filter(({ status, id }) => status !== 'planned' || planned.has(id))
    return open.some((job) => job.status !== 'proven' || !isAccountJob(job)) || (this.accounts?.maySend(open) ?? false)
  }

  /**
   * One step of an open job, or a new job; false if there is nothing to do but wait.
   *
   * @throws what a proof under way failed with
   */
  async advance(mayPlan: boolean): Promise<boolean> {
    if (this.failures.length > 0) {
      this.fruitless = undefined
      throw this.failures.shift()
    }
    const { sender } = this.submitter
    for (const { job, block } of await sender.reorganised()) {
      await this.report({ step: 'reorganised', job: job.id, detail: `${job.summary}: block ${block} is gone` })
    }
    const signed = await this.signedJobs()
    for (const job of signed) if (await this.ended(job, await sender.settle(job))) return true
    await this.reportAlarms()
    // Read again after the wait, for a proof may have ended meanwhile. One transaction at a time: nonces follow each other.
    const proven = signed.length === 0 ? await this.nextToSend() : undefined
    if (proven !== undefined) return this.sign(proven)
    const mostUnderWay = this.options.proofsUnderWay ?? CALLS_UNDER_WAY
    // A proof that nobody can send is of no use.
    if (!mayPlan || !(await this.submitter.canPay())) return false
    if (this.planned.size < mostUnderWay && (await this.plan())) return true
    return (await this.accounts?.plan()) ?? false
  }

  /** Batches of markets first: margins of accounts wait for rounds anyway. */
  private async nextToSend(): Promise<Job | undefined> {
    const proven = (await this.store.openJobs()).filter(({ status }) => status === 'proven')
    const ofMarkets = proven.find((job) => !isAccountJob(job))
    if (ofMarkets !== undefined || this.isToFollow) return ofMarkets
    return this.accounts?.toSend(proven.filter(isAccountJob))
  }

  /** In the order of their nonces: more than one only after a reorganisation. */
  private async signedJobs(): Promise<readonly Job[]> {
    const signed = (await this.store.openJobs()).filter(({ status }) => status === 'signed')
    const nonced = await Promise.all(
      signed.map(async (job) => ({ job, nonce: (await this.store.transactions(job.id))[0]?.nonce ?? 0 })),
    )
    return nonced.toSorted((a, b) => a.nonce - b.nonce).map(({ job }) => job)
  }

  /** Of the account and what it pays, as they are raised and cleared. */
  private async reportAlarms(): Promise<void> {
    const now = new Map(this.submitter.alarms().map((alarm) => [alarm.kind, alarm]))
    for (const [kind, alarm] of now) {
      if (!this.alarmed.has(kind))
        await this.report({ step: 'alarm', alarm, detail: `${kind} of ${alarm.of}: ${alarm.says}` })
    }
    for (const [kind, alarm] of this.alarmed) {
      if (!now.has(alarm.kind))
        await this.report({ step: 'alarm-cleared', alarm, detail: `${kind} of ${alarm.of} is over` })
    }
    this.alarmed = now
  }

  /** Waits so long, or until a proof is finished or the service is stopped. */
  async idle(milliseconds: number): Promise<void> {
    const awake = new AbortController()
    const settled = Math.min(milliseconds, this.settlesInMs)
    this.settlesInMs = Number.POSITIVE_INFINITY
    await Promise.race([
      sleep(settled, AbortSignal.any([this.options.signal, awake.signal])),
      ...this.proofs.values(),
      ...(this.accounts?.underWay ?? []),
    ])
    awake.abort()
  }

  private async plan(): Promise<boolean> {
    const at = await this.whereItStands()
    if (at !== undefined && this.isFruitless(at)) return false
    const beganAt = Date.now()
    const found = await this.find()
    if (found === undefined) {
      const planned = new Set(this.planned.keys())
      const leftBehind = (await this.store.openJobs()).filter(
        (job) => job.status === 'planned' && !planned.has(job.id) && !isAccountJob(job),
      )
      for (const job of leftBehind) {
        await this.ended(job, { status: 'superseded', reason: 'nothing waits for it any more' })
      }
      if (at !== undefined && this.settlesInMs === Number.POSITIVE_INFINITY) {
        const looks = 1 + (this.fruitless?.at === at ? this.fruitless.looks : 0)
        this.fruitless = { at, looks, until: performance.now() + LOOK_ANEW_MS }
      }
      return false
    }
    const { next, keys, name, trigger } = found
    const statement = await stateBatch(next.batch).catch((error: unknown) => {
      this.suspect(next)
      throw error
    })
    const id = jobIdOf(next.batch.build.name, statement.publicSignals)
    const summary = next.batch.markets.map(({ sequence }, i) => `${next.names[i]} #${sequence}`).join(', ')
    const isKnown = (await this.store.find(id)) !== undefined
    let job = await this.store.plan({ id, build: next.batch.build.name, trigger, summary })
    // A proof that cannot be kept is of no use, and a job that is there already has not shown that anything can.
    if (isKnown) await this.store.requireWritable()
    // One that had landed waits again where the chain was reorganised deeper than it is watched.
    if (job.status === 'superseded' || job.status === 'confirmed') {
      if (this.justEnded.left(id) > 0) return false
      job = await takeUp(this.store, job)
    }
    this.lastBuild = next.batch.build.name
    await this.options.control?.begun(next.names, id)
    const plan = planOf(next, beganAt)
    await this.report({
      ...{ step: 'planned', job: id, build: job.build, trigger: name, plan },
      detail: `${summary} (${trigger})`,
    })
    if (job.status === 'planned') {
      this.planned.set(id, { next, statement, keys })
      this.beginProof(job)
    }
    return true
  }

  /** The newest block and what people want; undefined where that is not known. */
  private async whereItStands(): Promise<string | undefined> {
    const { tip } = this.submitter.sender
    return tip && JSON.stringify([tip.hash, ...((await this.options.control?.wanted()) ?? [])])
  }

  /** Whether a look would find what the last ones did; behind one address nodes differ by a block for a moment, and one looks twice. */
  private isFruitless(at: string): boolean {
    const { fruitless } = this
    return fruitless?.at === at && fruitless.looks >= LOOKS_A_BLOCK && performance.now() <= fruitless.until
  }

  /** Markets and shadows that no open batch moves. */
  private async freeMarkets(unserved: string[]): Promise<readonly string[]> {
    const listed = this.options.markets ?? (await this.client.markets()).map(({ name }) => name)
    const served = listed.filter(isMarketName)
    unserved.push(...listed.filter((name) => !isMarketName(name)).map(whyUntaken))
    const shadows = (await this.client.shadows()).filter(({ market }) => served.includes(market))
    // Before the store is asked: what a proof that ends meanwhile moves is in one or the other.
    const planned = new Map(this.planned)
    const all = await this.store.openJobs()
    const open = all.filter((job) => !isAccountJob(job))
    const busy = new Set(open.flatMap((job) => planned.get(job.id)?.next.names ?? this.marketsOf(job)))
    const free = [...new Set([...served, ...shadows.map(({ name }) => name)])].filter((name) => !busy.has(name))
    const rotated = await this.client.toFollow(free)
    // A batch on its way from the old source lands first, and transactions follow each other.
    this.isToFollow = rotated.length > 0
    if (this.isToFollow && open.length === 0 && !all.some(({ status }) => status === 'signed')) {
      for (const name of rotated) await this.report({ step: 'followed', detail: `${name}: ${await this.follow(name)}` })
      return free
    }
    return free.filter((name) => !rotated.includes(name))
  }

  private async follow(name: string): Promise<string> {
    const hash = await this.client.followSource(name)
    return `goes on with its new source (transaction ${hash})`
  }

  /** What is worth proving next; shadows under suspicion come last and alone, lest they stop their market. */
  private async find(): Promise<Found | undefined> {
    const unserved: string[] = []
    const free = await this.freeMarkets(unserved)
    const found = await this.nextBatch(
      free.filter((name) => !this.suspects.has(name)),
      unserved,
    )
    if (found !== undefined) return found
    const due = free.find((name) => (this.suspects.get(name) ?? Number.POSITIVE_INFINITY) <= performance.now())
    const alone = due === undefined ? undefined : await this.nextBatch([due], unserved)
    if (alone === undefined) await this.reportUnserved(unserved.join('; '))
    return alone
  }

  /** A batch could not be proven, or did not land: it may be for one of its shadows. */
  private suspect({ names }: Pick<NextBatch, 'names'>): void {
    const until = performance.now() + (names.length === 1 ? REFUSED_SHADOW_PAUSE_MS : 0)
    for (const name of names.filter(isShadowName)) this.suspects.set(name, until)
  }

  private marketsOf({ id, bundle }: Job): readonly string[] {
    const planned = this.planned.get(id)?.next.names
    if (planned !== undefined || bundle === undefined) return planned ?? []
    return parseBundle(Buffer.from(bundle), `job ${id}`).markets.map(({ name }) => name)
  }

  /**
   * The next batch of any family, one with a market rather than one of shadows alone: transactions follow each other.
   *
   * @param unserved - takes whom nobody here can prove, and why
   */
  private async nextBatch(markets: readonly string[], unserved: string[]): Promise<Found | undefined> {
    let rest = markets
    let ofShadows: Found | undefined
    for (const { volatilityModel, load } of this.options.families) {
      if (rest.every(isShadowName) && ofShadows !== undefined) return ofShadows
      if (rest.length === 0) return undefined
      const before = rest
      try {
        const family = await load()
        if (family === undefined) continue
        const next = await this.client.nextBatch(buildOf(family.live.circuit), keyHashOf(family.live), rest)
        rest = next.leftOut.filter(({ reason }) => reason === 'bound-to-another-model').map(({ name }) => name)
        const found = await this.nextOfFamily(family, next, unserved)
        if (found !== undefined && !found.next.names.every(isShadowName)) return found
        ofShadows ??= found
      } catch (error) {
        const bound = await this.boundTo(volatilityModel, before)
        // What keeps shadows from being proven keeps no market.
        if (!(isOfFamily(error) && bound.every(isShadowName))) throw error
        rest = before.filter((name) => !bound.includes(name))
        if (bound.length > 0) unserved.push(`${bound.join(', ')}: ${describeError(error).message}`)
      }
    }
    const list = rest.join(', ')
    if (list !== '') {
      unserved.push(`no keys for the volatility model of ${list}: run \`npm run build\` where its model is registered`)
    }
    return ofShadows
  }

  private async boundTo(volatilityModel: number, names: readonly string[]): Promise<readonly string[]> {
    const markets: readonly CurrentMarket[] = await Promise.all(names.map((name) => this.client.market(name)))
    return markets.filter((market) => market.volatilityModel === volatilityModel).map(({ name }) => name)
  }

  /** Live batches as triggers ask for them; between two of them a catch-up batch for a market that fell behind. */
  private async nextOfFamily(
    { live, catchUp }: CircuitFamily,
    next: NextBatch | NothingToDo,
    unserved: string[],
  ): Promise<Found | undefined> {
    const behind = next.leftOut.filter(({ reason }) => reason === 'behind').map(({ name }) => name)
    const isTurnOfBacklog = this.lastBuild !== catchUp?.circuit && !behind.every(isShadowName)
    const drained =
      isTurnOfBacklog || next.batch === undefined ? await this.drain(catchUp, behind, unserved) : undefined
    if (drained !== undefined) return drained
    const fired = next.batch && (await this.firedTrigger(next))
    if (fired === undefined) this.settling.forget(live.circuit)
    if (next.batch !== undefined && fired !== undefined) {
      const left = this.settling.left(live.circuit, fired.name === 'asked for' || isWhole(next))
      if (left === 0) return { next, keys: live, ...fired }
      this.settlesInMs = Math.min(left, this.settlesInMs)
      return undefined
    }
    // A backlog of shadows waits until nothing else does.
    return isTurnOfBacklog || next.batch === undefined ? undefined : this.drain(catchUp, behind, unserved)
  }

  private async drain(
    catchUp: CircuitKeys | undefined,
    behind: readonly string[],
    unserved: string[],
  ): Promise<Found | undefined> {
    if (behind.length === 0) return undefined
    const next =
      catchUp &&
      (await this.client.nextBatch(buildOf(catchUp.circuit), keyHashOf(catchUp), behind).catch((error: unknown) => {
        if (isOfFamily(error) && behind.every(isShadowName)) return undefined
        throw error
      }))
    if (catchUp !== undefined && next?.batch !== undefined)
      return { next, keys: catchUp, name: 'backlog', trigger: `backlog of ${next.names.join(', ')}` }
    unserved.push(
      `${behind.join(', ')}: behind, and no circuit of its volatility model takes what waits. ` +
        'A shadow is added anew; a market needs such a model, or a greater maxObservationAgeSeconds',
    )
    return undefined
  }

  /** Says it once, and again when it is of others. */
  private async reportUnserved(detail: string): Promise<void> {
    if (detail === this.unserved) return
    this.unserved = detail
    if (detail !== '') await this.report({ step: 'unserved', detail })
  }

  private async firedTrigger({ batch, names }: NextBatch): Promise<Pick<Found, 'name' | 'trigger'> | undefined> {
    const asked = (await this.options.control?.wanted()) ?? []
    const wanted = names.filter((name) => asked.includes(name))
    if (wanted.length > 0) return { name: 'asked for', trigger: `asked for: ${wanted.join(', ')}` }
    const { triggers } = this
    const isAsked = (name: TriggerName): boolean => triggers.triggers.includes(name)
    const waiting = await Promise.all(
      names.map(async (name, i): Promise<WaitingMarket> => {
        const { state, parameters } = await this.client.market(name)
        const own = { name, state, waiting: await this.client.waiting(name) }
        return {
          ...own,
          volatility: isAsked('volatility') ? volatilityOf(batch, i, parameters) : undefined,
          ...(isAsked('liquidations') ? { liquidations: await this.liquidationsOf(name) } : {}),
        }
      }),
    )
    const fired = firedTrigger(waiting, triggers, batch.learning.horizonSeconds)
    return fired && { name: fired.name, trigger: `${fired.name}: ${fired.reason}` }
  }

  private async liquidationsOf(market: string): Promise<number> {
    if (this.options.accounts?.rounds.market !== market) return 0
    return (await this.accounts?.shownWithin(this.triggers.liquidationWindowSeconds)) ?? 0
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
    const { bundle, timings, backend } = await proveStatement(this.options.prover, keys, next, statement).catch(
      (error: unknown) => {
        if (describeError(error).code === 'proof.unsatisfied') this.suspect(next)
        throw error
      },
    )
    for (const name of next.names) this.suspects.delete(name)
    await this.store.proven(job.id, formatBundle(bundle))
    this.planned.delete(job.id)
    const proof = { milliseconds: timings.total, witnessMilliseconds: timings.witness, backend }
    await this.report({ step: 'proven', job: job.id, proof, detail: `${(timings.total / 1000).toFixed(1)} s` })
  }

  private async sign(job: Job): Promise<boolean> {
    const landing = await this.submitter.sender.sign(job)
    if (landing !== undefined) return this.ended(job, landing)
    await this.report({ step: 'signed', job: job.id, build: job.build })
    return true
  }

  /** Stores how a job ended; false while it is pending. */
  private async ended(job: Job, landing: Landing): Promise<boolean> {
    if (landing.status === 'pending') {
      if (landing.sent) await this.report({ step: 'sent', job: job.id, build: job.build })
      return landing.sent
    }
    if (landing.status === 'unsigned') {
      await this.store.unsigned(job.id)
      await this.report({ step: 'unsigned', job: job.id, detail: `${landing.reason}: it is signed anew` })
      return true
    }
    if (landing.status === 'superseded') {
      await this.store.end(job.id, 'superseded', landing.reason)
      this.justEnded.add(job.id)
      if (isAccountJob(job)) this.accounts?.refusedNow(job)
      // It may have been for one of its shadows.
      const names = isAccountJob(job) || landing.reason.startsWith(NO_PROOF) ? [] : this.marketsOf(job)
      if (!names.every(isShadowName)) this.suspect({ names })
      // A contract's own word for it, and what it means.
      const advice = revertAdvice[landing.reason]
      const detail = advice === undefined ? landing.reason : `${landing.reason}: ${advice}`
      await this.report({ step: 'superseded', job: job.id, build: job.build, detail })
      return true
    }
    const { mined } = landing
    await this.store.end(job.id, 'confirmed', undefined, mined)
    this.justEnded.add(job.id)
    const cost = mined === undefined ? '' : `, ${mined.gasUsed.toLocaleString('en')} gas`
    const others = isAccountJob(job) ? 'not put in force' : 'moved by another batch before'
    const skipped = landing.skipped.length === 0 ? '' : `, ${landing.skipped.join(', ')} ${others}`
    const spent = mined === undefined ? {} : { gasUsed: Number(mined.gasUsed) }
    await this.report({
      step: 'confirmed',
      job: job.id,
      build: job.build,
      ...spent,
      detail: `${job.summary}${cost}${skipped}`,
    })
    if (isAccountJob(job)) {
      await this.accounts?.landed(job, landing.skipped)
      return true
    }
    for (const market of inForceOf(job).filter(({ name }) => !landing.skipped.includes(name))) {
      await this.report({ step: 'in-force', job: job.id, detail: inForceText(market), market })
    }
    return true
  }

  private async report(event: ServeEvent): Promise<void> {
    this.fruitless = undefined
    await this.submitter.look()
    await this.options.onEvent(event)
  }
}

/** Whether all markets have moved that it could take, or it is full. */
const isWhole = ({ leftOut }: NextBatch): boolean =>
  leftOut.every(({ name, reason }) => reason !== 'nothing-waiting' || isShadowName(name)) ||
  leftOut.some(({ reason }) => reason === 'no-place')

/** Of a market of a batch, before and after; undefined before its first. */
function volatilityOf(batch: MarketRiskBatch, i: number, inForce: Parameters | undefined): WaitingMarket['volatility'] {
  const { learning, margin, markets } = batch
  const { previous, observations, policy } = markets[i] as MarketRiskBatch['markets'][number]
  const model = volatilityModelOfId(volatilityModelOf(batch.build))
  const { parameters } = updateMarket(model, previous, observations, { learning, margin, market: policy })
  return inForce && { inForceX24: inForce.volatilityX24, nowX24: parameters.volatilityX24 }
}

const planOf = ({ batch, names }: NextBatch, beganAt: number): NonNullable<ServeEvent['plan']> => ({
  ...{ beganAt, modelId: batch.modelId },
  markets: batch.markets.map(({ sequence, observations }, i) => ({
    ...{ name: names[i] ?? '', sequence: Number(sequence) },
    asOf: Number(observations.at(-1)?.asOf ?? 0n),
  })),
})

/** What a job's batch proved of each market. */
function inForceOf({ id, bundle }: Job): readonly InForceNow[] {
  if (bundle === undefined) return []
  return parseBundle(Buffer.from(bundle), `job ${id}`).markets.map(({ name, sequence, parameters }) => {
    const { initialMarginPercent, maintenanceMarginPercent } = marginsOf(parameters)
    const asOf = isoTime(parameters.asOf)
    return { name, sequence: Number(sequence), initialMarginPercent, maintenanceMarginPercent, asOf }
  })
}

function inForceText({ name, sequence, initialMarginPercent, maintenanceMarginPercent, asOf }: InForceNow): string {
  const read = isShadowName(name) ? ' (a shadow, which nobody reads)' : ''
  const margins = `initial margin ${initialMarginPercent.toFixed(2)} %, maintenance margin ${maintenanceMarginPercent.toFixed(2)} %`
  return `${name} #${sequence}${read}: ${margins}, as of ${asOf}`
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
