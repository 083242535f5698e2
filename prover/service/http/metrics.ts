/** What Prometheus scrapes. Counters and times follow the service's events; gauges are what was last looked at. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { packageVersion } from '../../config.ts'
import { isAccountJob } from '../daemon/accounts/lane.ts'
import type { Fleet } from '../daemon/fleet/openFleet.ts'
import type { JobStore } from '../daemon/jobStore.ts'
import type { HeapCare } from '../daemon/heapCare.ts'
import type { RequestStore } from '../daemon/requestStore.ts'
import type { ServeEvent } from '../daemon/serve.ts'
import type { Board, Stages } from './board.ts'
import type { Figures } from './figures.ts'
import { FleetGauges } from './fleet.ts'
import type { ReadinessWatch } from './readiness.ts'

export type MetricsParts = {
  readonly figures: Figures
  readonly jobs: JobStore
  readonly requests: RequestStore
  readonly board: Board
  readonly readiness: ReadinessWatch
  readonly fleet: Pick<Fleet, 'standing'> | undefined
  readonly heap: Pick<HeapCare, 'live'>
}

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
const REQUEST_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]

/** Stages of a batch, each from the one before. */
const steps = [
  ['prove', 'planned', 'proven'],
  ['sign', 'proven', 'signed'],
  ['send', 'signed', 'sent'],
  ['land', 'sent', 'confirmed'],
] as const

/** How long each step took, in seconds, of those that were seen. */
export const stepSeconds = (stages: Stages): Readonly<Partial<Record<(typeof steps)[number][0], number>>> =>
  Object.fromEntries(
    steps.flatMap(([name, from, to]) => {
      const [began, ended] = [stages[from], stages[to]]
      return began === undefined || ended === undefined ? [] : [[name, (ended.steady - began.steady) / 1000]]
    }),
  )

export class Metrics {
  readonly registry = new Registry()
  private readonly parts: MetricsParts
  private readonly proofSeconds = this.histogram('zkrisk_proof_seconds', 'From call to verified proof', SECONDS, [
    'backend',
    'build',
  ])
  private readonly stageSeconds = this.histogram('zkrisk_batch_stage_seconds', 'A step of a batch', SECONDS, ['stage'])
  private readonly requestSeconds = this.histogram(
    'zkrisk_http_request_seconds',
    'Answering a request',
    REQUEST_SECONDS,
    ['method', 'route', 'status'],
  )
  private readonly accountStageSeconds = this.histogram(
    'zkrisk_account_stage_seconds',
    'A step of a transaction about accounts',
    SECONDS,
    ['stage'],
  )
  private readonly waited = this.histogram(
    'zkrisk_account_wait_seconds',
    'From when the service saw that an account needs a proof until it is in force',
    SECONDS,
    ['outcome'],
  )
  private readonly accountJobs = this.counter(
    'zkrisk_account_jobs_total',
    'Transactions about accounts that ended, by how',
    ['build', 'outcome'],
  )
  private readonly triggers = this.counter('zkrisk_triggers_total', 'Work that was begun, by what asked for it', [
    'trigger',
  ])
  private readonly dropped = this.counter('zkrisk_account_dropped_total', 'Work on accounts that was dropped, by why', [
    'reason',
  ])
  private readonly leftOut = this.counter(
    'zkrisk_accounts_left_out_total',
    'Accounts that could not be proven, once a report',
    [],
  )
  private readonly batches = this.counter('zkrisk_batches_total', 'Batches that ended, by how', ['outcome'])
  private readonly retries = this.counter('zkrisk_retries_total', 'Failures after which the service tried again', [
    'code',
  ])
  private readonly gas = this.counter('zkrisk_gas_total', 'Gas of confirmed batches', [])
  private readonly told = this.counter('zkrisk_alarms_total', 'Alarms that were raised, by kind', ['kind'])
  private readonly ofMarkets = {
    block: this.gauge('zkrisk_head_block', 'Newest block of the chain', []),
    initialMargin: this.ofMarket('zkrisk_initial_margin_ratio', 'Initial margin in force'),
    maintenanceMargin: this.ofMarket('zkrisk_maintenance_margin_ratio', 'Maintenance margin in force'),
    volatility: this.ofMarket('zkrisk_volatility_ratio', 'Annualised volatility behind what is in force'),
    age: this.ofMarket('zkrisk_parameters_age_seconds', 'Age of what is in force, by the chain’s clock'),
    feedAge: this.ofMarket('zkrisk_feed_age_seconds', 'Since the newest observation'),
    waiting: this.ofMarket('zkrisk_observations_waiting', 'Observations that wait for a proof'),
  }

  private readonly ofFleet: FleetGauges | undefined

  constructor(parts: MetricsParts) {
    this.parts = parts
    this.ofFleet = parts.fleet && new FleetGauges(this.registry, parts.fleet)
    collectDefaultMetrics({ register: this.registry })
    const version = this.gauge('zkrisk_build_info', 'Always 1; the version is a label', ['version'])
    version.set({ version: packageVersion }, 1)
    this.addServiceGauges()
  }

  /** All of them as Prometheus reads them. */
  async text(): Promise<string> {
    // What the node does not tell keeps its last value; zkrisk_check_ok says that it does not.
    await Promise.all([this.lookAtMarkets().catch(() => undefined), this.ofFleet?.look().catch(() => undefined)])
    return this.registry.metrics()
  }

  /** Follows an event of the service. */
  record(event: ServeEvent): void {
    const { step, job, build, proof, gasUsed, code, alarm, account } = event
    const { board } = this.parts
    if (account !== undefined)
      this.waited.observe({ outcome: account.isUnhealthy ? 'unhealthy' : 'healthy' }, account.waitedSeconds)
    if (step === 'left-out') this.leftOut.inc()
    if (step === 'statement-proven' && proof !== undefined)
      this.proofSeconds.observe({ backend: proof.backend, build: build ?? 'unknown' }, proof.milliseconds / 1000)
    if (step === 'planned' && event.trigger !== undefined) this.triggers.inc({ trigger: event.trigger })
    const of = build ?? board.buildOf(job ?? '') ?? 'unknown'
    if (isAccountJob({ build: of })) {
      this.recordAccountJob(of, event)
      return
    }
    if (step === 'proven' && proof !== undefined && job !== undefined) {
      const labels = { backend: proof.backend, build: board.buildOf(job) ?? 'unknown' }
      this.proofSeconds.observe(labels, proof.milliseconds / 1000)
    }
    if (step === 'confirmed' || step === 'superseded') this.batches.inc({ outcome: step })
    if (step === 'confirmed' && job !== undefined) {
      for (const [stage, seconds] of Object.entries(stepSeconds(board.stagesOf(job)))) {
        this.stageSeconds.observe({ stage }, seconds)
      }
    }
    if (gasUsed !== undefined) this.gas.inc(gasUsed)
    if (step === 'retrying') this.retries.inc({ code: code ?? 'unknown' })
    if (step === 'alarm' && alarm !== undefined) this.told.inc({ kind: alarm.kind })
  }

  /** A transaction about accounts is none of a batch. */
  private recordAccountJob(build: string, { step, job = '', gasUsed, code = 'refused' }: ServeEvent): void {
    if (step === 'confirmed' || step === 'superseded') this.accountJobs.inc({ build, outcome: step })
    if (step === 'superseded') this.dropped.inc({ reason: code })
    if (gasUsed !== undefined) this.gas.inc(gasUsed)
    if (step !== 'confirmed') return
    for (const [stage, seconds] of Object.entries(stepSeconds(this.parts.board.stagesOf(job)))) {
      this.accountStageSeconds.observe({ stage }, seconds)
    }
  }

  answered(method: string, route: string, status: number, seconds: number): void {
    this.requestSeconds.observe({ method, route, status: String(status) }, seconds)
  }

  private addServiceGauges(): void {
    const { jobs, requests, board, readiness, heap } = this.parts
    this.gauge('zkrisk_ready', '1 if every check passes', [], (gauge) => gauge.set(Number(readiness.now().ready)))
    this.gauge('zkrisk_check_ok', '1 if the check passes', ['check'], (gauge) => {
      for (const { name, ok } of readiness.now().checks) gauge.set({ check: name }, Number(ok))
    })
    // A store that does not answer leaves the last value; zkrisk_check_ok says that it does not.
    this.gauge('zkrisk_paused', '1 while no batch is begun on request', [], async (gauge) => {
      const isPaused = await requests.isPaused().catch(() => undefined)
      if (isPaused !== undefined) gauge.set(Number(isPaused))
    })
    this.gauge('zkrisk_jobs', 'Batches in the store, by status', ['status'], async (gauge) => {
      const counts = await jobs.counts().catch(() => ({}))
      for (const [status, count] of Object.entries(counts)) gauge.set({ status }, count)
    })
    this.gauge('zkrisk_alarms', 'Alarms that are raised', ['kind'], (gauge) => {
      gauge.reset()
      for (const { kind } of board.alarms()) gauge.inc({ kind })
    })
    this.gauge('zkrisk_accounts_due', 'Accounts that are worth a proof, by why', ['reason'], (gauge) => {
      gauge.reset()
      for (const { reason } of board.accounts()?.due ?? []) gauge.inc({ reason })
    })
    this.gauge('zkrisk_accounts_waiting', 'Proven transactions about accounts that wait to be sent', [], (gauge) =>
      gauge.set(board.accounts()?.waiting ?? 0),
    )
    this.gauge('zkrisk_idle_seconds', 'Since the service last went round', [], (gauge) =>
      gauge.set(requests.idleMs() / 1000),
    )
    this.gauge('zkrisk_live_heap_bytes', 'In use after the last full collection', ['kind'], (gauge) => {
      for (const [kind, bytes] of Object.entries(heap.live ?? {})) gauge.set({ kind }, bytes)
    })
    this.gauge('zkrisk_account_balance_ether', 'Of the account that pays', [], (gauge) => {
      if (readiness.balanceWei !== undefined) gauge.set(Number(readiness.balanceWei) / 1e18)
    })
  }

  private async lookAtMarkets(): Promise<void> {
    const { figures, readiness } = this.parts
    const { block, initialMargin, maintenanceMargin, volatility, age, feedAge, waiting } = this.ofMarkets
    for (const [market, seconds] of readiness.feedAges) feedAge.set({ market }, seconds)
    block.set((await figures.head()).number)
    for (const { market, parameters, ageSeconds } of await figures.markets()) {
      if (parameters === null) continue
      initialMargin.set({ market }, parameters.initialMarginPercent / 100)
      maintenanceMargin.set({ market }, parameters.maintenanceMarginPercent / 100)
      volatility.set({ market }, parameters.volatilityPercent / 100)
      if (ageSeconds !== null) age.set({ market }, ageSeconds)
    }
    for (const feed of await figures.feeds()) waiting.set({ market: feed.market }, feed.waiting)
  }

  private ofMarket(name: string, help: string): Gauge {
    return this.gauge(name, help, ['market'])
  }

  private gauge(
    name: string,
    help: string,
    labelNames: readonly string[],
    collect?: (gauge: Gauge) => Promise<void> | void,
  ): Gauge {
    const gauge: Gauge = new Gauge({
      ...{ name, help, labelNames: [...labelNames], registers: [this.registry] },
      ...(collect === undefined ? {} : { collect: () => collect(gauge) }),
    })
    return gauge
  }

  private counter(name: string, help: string, labelNames: readonly string[]): Counter {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] })
  }

  private histogram(name: string, help: string, buckets: readonly number[], labelNames: readonly string[]): Histogram {
    const options = { name, help, labelNames: [...labelNames], registers: [this.registry] }
    return new Histogram({ ...options, buckets: [...buckets] })
  }
}
