/** What the service has told since it started: its last events, and when each batch reached which stage. */
import type { AccountNow, AccountsLane, AccountsState } from '../daemon/accounts/lane.ts'
import type { ServeEvent } from '../daemon/serve.ts'
import type { Submitter, SubmitterState } from '../daemon/submitter.ts'

/** Of a market, a source, or of what sends. */
type RaisedAlarm = NonNullable<ServeEvent['alarm']>

/** An event as streams tell it. */
export type ToldEvent = ServeEvent & {
  /** Counts up from 1. */
  readonly id: number
  readonly time: string
}

export const stageNames = ['planned', 'proven', 'signed', 'sent', 'confirmed'] as const
export type StageName = (typeof stageNames)[number]

/** Of the clock of the day, in unix milliseconds, and of the one that never steps, by which times between them are told. */
export type Moment = { readonly at: number; readonly steady: number }
/** When a batch reached each stage. */
export type Stages = Partial<Record<StageName, Moment>>

/** What the prover last failed with, and since when it has not proven anything. */
export type ProverFailure = { readonly code: string; readonly detail: string; readonly since: number }

const MOST_EVENTS = 1000
const MOST_JOBS = 1000
const MOST_ACCOUNTS = 200

/** An account of a transaction that landed. */
export type AccountTold = Omit<AccountNow, 'aboveInitialMarginQuote' | 'aboveMaintenanceMarginQuote'> & {
  readonly aboveInitialMarginQuote: string | null
  readonly aboveMaintenanceMarginQuote: string | null
  readonly job: string
  readonly time: string
}

export class Board {
  private readonly told: ToldEvent[] = []
  private readonly stages = new Map<string, Stages>()
  private readonly builds = new Map<string, string>()
  private readonly raised = new Map<string, RaisedAlarm>()
  private readonly listeners = new Set<(event: ToldEvent) => void>()
  private failure: ProverFailure | undefined
  private submitter: Pick<Submitter, 'state'> | undefined
  private lane: Pick<AccountsLane, 'state'> | undefined
  private ofAccounts: readonly AccountTold[] = []
  private left: readonly { readonly says: string; readonly time: string }[] = []
  private lastId = 0

  record(event: ServeEvent): ToldEvent {
    const now = Date.now()
    const told = { ...event, id: ++this.lastId, time: new Date(now).toISOString() }
    this.told.push(told)
    if (this.told.length > MOST_EVENTS) this.told.shift()
    this.keepStage(event, now)
    this.keepAlarm(event)
    this.keepFailure(event, now)
    this.keepAccount(told)
    for (const listen of this.listeners) listen(told)
    return told
  }

  /** Events after one of them, oldest first. */
  after(id: number): readonly ToldEvent[] {
    return this.told.filter((event) => event.id > id)
  }

  /** @returns what ends it */
  listen(listener: (event: ToldEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Who sends batches, from when there is somebody. */
  follow(submitter: Pick<Submitter, 'state'>): void {
    this.submitter = submitter
  }

  /** What proves accounts, from when it does. */
  followAccounts(accounts: Pick<AccountsLane, 'state'>): void {
    this.lane = accounts
  }

  /** What was put in force of accounts since the start, newest first. */
  accountsInForce(limit: number): readonly AccountTold[] {
    return this.ofAccounts.slice(0, limit)
  }

  /** Accounts that nothing could be proven of, newest first. */
  leftOut(limit: number): readonly { readonly says: string; readonly time: string }[] {
    return this.left.slice(0, limit)
  }

  /** Undefined where no margins of accounts are proven. */
  accounts(): AccountsState | undefined {
    return this.lane?.state
  }

  sending(): SubmitterState | undefined {
    return this.submitter?.state
  }

  stagesOf(job: string): Stages {
    return this.stages.get(job) ?? {}
  }

  buildOf(job: string): string | undefined {
    return this.builds.get(job)
  }

  alarms(): readonly RaisedAlarm[] {
    return [...this.raised.values()]
  }

  /** Undefined once something was proven again. */
  proverFailure(): ProverFailure | undefined {
    return this.failure
  }

  private keepStage({ step, job, build }: ServeEvent, now: number): void {
    const stage = stageNames.find((name) => name === step)
    if (job === undefined || stage === undefined) return
    const known = this.stages.get(job) ?? {}
    // A transaction that is sent again was sent at first when it was.
    this.stages.set(job, { ...known, [stage]: known[stage] ?? { at: now, steady: performance.now() } })
    if (build !== undefined) this.builds.set(job, build)
    for (const old of this.stages.keys()) {
      if (this.stages.size <= MOST_JOBS) break
      this.stages.delete(old)
      this.builds.delete(old)
    }
  }

  private keepAlarm({ step, alarm }: ServeEvent): void {
    if (alarm === undefined) return
    const key = `${alarm.kind} ${alarm.of} ${alarm.kind === 'margin-steps' ? alarm.says.split(' ')[1] : ''}`
    if (step === 'alarm') this.raised.set(key, alarm)
    else this.raised.delete(key)
  }

  private keepAccount({ step, job, account, detail = '', time }: ToldEvent): void {
    if (step === 'left-out') this.left = [{ says: detail, time }, ...this.left].slice(0, MOST_ACCOUNTS)
    if (account === undefined || job === undefined) return
    const { aboveInitialMarginQuote, aboveMaintenanceMarginQuote, ...rest } = account
    const money = {
      aboveInitialMarginQuote: aboveInitialMarginQuote ?? null,
      aboveMaintenanceMarginQuote: aboveMaintenanceMarginQuote ?? null,
    }
    this.ofAccounts = [{ ...rest, ...money, job, time }, ...this.ofAccounts].slice(0, MOST_ACCOUNTS)
  }

  private keepFailure({ step, code, detail = '' }: ServeEvent, now: number): void {
    if (step === 'proven' || step === 'statement-proven') this.failure = undefined
    const isOfWorkers = code === 'service.proof-parked' || code === 'service.answer-late'
    if (step === 'retrying' && (code?.startsWith('proof.') || isOfWorkers))
      this.failure = { code, detail, since: this.failure?.since ?? now }
  }
}
