/**
 * Margins of accounts in `zkrisk serve`, beside its markets:
 *
 *  1. Reports, rounds, policy, arrays and margins are followed on the chain; words of rounds come from a folder or over HTTP.
 *  2. {@link Selection} says what is worth a proof: witnesses of who is below maintenance, then whoever is near a threshold, whose
 *     margin is soon too old, who was reported anew; last what a count still needs.
 *  3. One piece of work is one transaction: up to 16 arrays, margins of as many accounts as a proof has places, one witness.
 *     Arrays and books in force are not proven again.
 *  4. Margins are proven while their arrays are on their way, and sent when these have landed.
 *  5. Two pieces are proven at once, statement by statement, so little is held; while {@link MOST_WAITING} wait to be sent, none begins.
 *  6. Between two proofs it is asked whether the work is still wanted: overtaken rounds, another policy, newer reports end it. What later
 *     rounds have overtaken is begun again for fewer accounts, until something lands.
 *  7. The store has each piece as a job, planned, proven, signed, as batches of markets: one sender, one row of nonces.
 *  8. A planned job that nobody proves is planned again or ended, a proven one sent, a signed one settled: whenever the process dies.
 *  9. What fails for an account is tried without others, then left out until it is reported anew, and told.
 * 10. What fails otherwise is tried again after a pause that grows, and keeps no market from being proven.
 */
import { ProverError } from '../../../errors.ts'
import { decodeProvingCall, strikesOf, strikeWordCount } from '../../../audit/portfolio/calls.ts'
import { CALLS_UNDER_WAY } from '../../../proof/backends/workerProver.ts'
import type { Prover } from '../../../proof/index.ts'
import type { OpenInterest } from '../../../registry/portfolio/openInterest.ts'
import type { PortfolioClient } from '../../../registry/portfolio/client.ts'
import { unpack } from '../../../statement/words.ts'
import { exactMoney, isoTime } from '../../text/figures.ts'
import { describeError } from '../../text/terminal.ts'
import type { Cargo } from '../cargo.ts'
import { type Job, type JobStore, takeUp } from '../jobStore.ts'
import type { JustEnded } from '../justEnded.ts'
import type { PortfolioModels } from '../portfolios/place.ts'
import { proveStatement } from '../portfolios/proofMaker.ts'
import type { ServeEvent } from '../serve.ts'
import { portfolioBuilds, sizeOf } from '../../../../circuits/statements/index.ts'
import { type AccountJob, accountCargo, accountJobOf, callOf, countBuild, formatAccountJob } from './accountJob.ts'
import type { DuePolicy } from './due.ts'
import { AccountsOnChain, type Terms } from './ledger.ts'
import { Refusals } from './refusals.ts'
import type { RoundBook } from './roundBook.ts'
import type { Strikes } from './roundPrices.ts'
import { type Dropped, type Queue, Selection, type UnderWay } from './selection.ts'
import type { Unit } from './units.ts'

export type AccountsOptions = {
  readonly client: PortfolioClient
  /** Of the circuits that are built here. */
  readonly models: PortfolioModels
  /** Block from which on the registry's events are found. */
  readonly fromBlock: number
  readonly rounds: RoundBook
  readonly policy: DuePolicy
  /** See {@link Selection}. */
  readonly carryFraction: number
  readonly countEverySeconds?: number | undefined
}

type Parts = AccountsOptions & {
  readonly prover: Prover
  readonly store: JobStore
  /** Pieces of work being proven at once; as many as keep one machine busy, by default. */
  readonly proofsUnderWay?: number | undefined
  /** Who sends. */
  readonly from: string
  readonly signal: AbortSignal
  readonly report: (event: ServeEvent) => Promise<void>
  /** Of this service, whatever they are about. */
  readonly justEnded: JustEnded
}

/** How the pipeline stands, for whoever watches. */
export type AccountsState = Queue & {
  readonly underWay: readonly Pick<Unit, 'id' | 'kind' | 'trigger' | 'summary'>[]
  /** Proven, and not sent yet. */
  readonly waiting: number
  /** Why nothing is begun for now. */
  readonly pausedFor: string | undefined
}

/** Proven ones that wait to be sent: their proofs are held in the store, and rounds run out while they wait. */
const MOST_WAITING = 8
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000
/** A piece of work that the registry refused so often is of accounts that are left out. */
const MOST_REFUSED = 3
/** Nodes may be behind: arrays that nobody brings any more are waited for so long. */
const ARRAYS_MISSING_MS = 30_000

/** Failures for which an account of the work is to blame, or its circuit. */
const OF_ACCOUNTS: ReadonlySet<string> = new Set(['proof.unsatisfied', 'service.circuit-differs'])

const kindOrder: readonly AccountJob['kind'][] = ['witness', 'arrays', 'margins', 'count']

const accountBuilds: ReadonlySet<string> = new Set([...portfolioBuilds.map(({ name }) => name), countBuild])

/** Whether a job is about accounts, not markets. */
export const isAccountJob = ({ build }: Pick<Job, 'build'>): boolean => accountBuilds.has(build)

export class AccountsLane {
  private readonly parts: Parts
  private readonly ledger: AccountsOnChain
  private readonly selection: Selection
  private readonly units = new Map<string, Unit>()
  private readonly proofs = new Map<string, Promise<void>>()
  private readonly refused = new Refusals()
  private readonly missingSince = new Map<string, number>()
  /** Accounts whose last work ended a moment ago; this and the other moments are of the clock that never steps. */
  private readonly heldUntil = new Map<string, number>()
  /** What no pause mends. */
  private readonly broken: unknown[] = []
  private pause = FIRST_PAUSE_MS
  private pausedUntil = 0
  private pausedFor: string | undefined
  private waiting = 0
  private wordless: bigint | undefined
  private counted: OpenInterest | undefined
  private terms: Terms | undefined

  constructor(parts: Parts) {
    this.parts = parts
    const { client, models, fromBlock, rounds, policy, carryFraction, countEverySeconds } = parts
    const { riskArray, arrayMargin } = models
    this.ledger = new AccountsOnChain({
      ...{ client, fromBlock, onWords: (shown) => rounds.learn(shown), arrayMarginModelId: arrayMargin?.modelId },
      arrayModel: riskArray && { modelId: riskArray.modelId, strikes: sizeOf(riskArray.build, 'strikes') },
    })
    this.selection = new Selection({
      ...{ client, models, ledger: this.ledger, rounds, policy, carryFraction, countEverySeconds },
      onLeftOut: (account, reason) => parts.report({ step: 'left-out', detail: `${account}: ${reason}` }),
    })
  }

  get state(): AccountsState {
    const underWay = [...this.units.values()].map(({ id, kind, trigger, summary }) => ({ id, kind, trigger, summary }))
    const isPaused = performance.now() < this.pausedUntil
    return {
      ...this.selection.queue,
      underWay,
      waiting: this.waiting,
      pausedFor: isPaused ? this.pausedFor : undefined,
    }
  }

  /** Jobs that are proven here and now. */
  get planned(): ReadonlySet<string> {
    return new Set(this.units.keys())
  }

  /** Each ends with its piece of work. */
  get underWay(): readonly Promise<void>[] {
    return [...this.proofs.values()]
  }

  cargoOf(job: Job): Cargo {
    const { client, from } = this.parts
    const lastReport = (account: string) => this.ledger.account(account)
    return accountCargo({ client, from, lastReport }, job)
  }

  /** Begins a piece of work; false if nothing is to be begun now. What fails is told, and tried again after a pause. */
  async plan(): Promise<boolean> {
    if (this.broken.length > 0) throw this.broken.shift()
    if (performance.now() < this.pausedUntil) return false
    try {
      return await this.begin()
    } catch (error) {
      await this.failed(error)
      return false
    }
  }

  private async begin(): Promise<boolean> {
    const { store, rounds } = this.parts
    const terms = await this.ledger.follow()
    this.terms = terms
    rounds.look()
    rounds.forget(this.ledger.rounds)
    await this.tellOfChain()
    // Before the store is asked: what a proof that ends meanwhile is of is in one or the other.
    const units = new Map(this.units)
    const open = (await store.openJobs()).filter(isAccountJob)
    this.waiting = open.filter(({ status }) => status === 'proven').length
    if (this.units.size >= (this.parts.proofsUnderWay ?? CALLS_UNDER_WAY) || this.waiting >= MOST_WAITING) return false
    const unit = await this.selection.next(terms, this.underWayIn(open, units))
    if (unit !== undefined) return this.start(unit)
    // Those of another process: what was under way here when the store was asked may have been proven since.
    for (const job of open.filter(({ id, status }) => status === 'planned' && !units.has(id))) {
      await this.end(job, { code: 'left-behind', says: 'nothing waits for it any more' })
    }
    return this.selection.queue.notLooked > 0
  }

  private async tellOfChain(): Promise<void> {
    const { wordless } = this.selection.queue
    if (wordless !== undefined && wordless !== this.wordless) {
      const detail = `the words of the round of ${isoTime(wordless)} are not at hand: nothing of accounts is proven of it until they are`
      await this.parts.report({ step: 'unserved', detail })
    }
    this.wordless = wordless
    const { openInterest } = this.ledger
    if (openInterest === undefined || openInterest.asOf === this.counted?.asOf) return
    const isFirst = this.counted === undefined && this.units.size === 0
    this.counted = openInterest
    const { asOf, accounts, unhealthy, expectedShortfallE8 } = openInterest
    const detail =
      `all ${accounts} accounts of the round of ${isoTime(asOf)} are in: ${unhealthy} below maintenance, ` +
      `expected shortfall ${exactMoney(expectedShortfallE8)}`
    if (!isFirst || this.parts.countEverySeconds !== undefined) await this.parts.report({ step: 'counted', detail })
  }

  private underWayIn(open: readonly Job[], units: ReadonlyMap<string, Unit>): UnderWay {
    for (const [account, until] of this.heldUntil) if (until < performance.now()) this.heldUntil.delete(account)
    const accounts = new Set<string>(this.heldUntil.keys())
    const arrays = new Map<bigint, readonly Strikes[]>()
    let isCountOpening = false
    const add = (kind: AccountJob['kind'], of: Of, brings: readonly Strikes[]) => {
      for (const { account } of of.accounts) accounts.add(account)
      arrays.set(of.asOf, [...(arrays.get(of.asOf) ?? []), ...brings])
      isCountOpening ||= kind === 'count'
    }
    for (const { kind, prices, accounts: of, brings } of units.values()) {
      add(kind, { asOf: prices.round.asOf, accounts: of }, brings)
    }
    for (const job of open.filter(({ id, status }) => status !== 'planned' && !units.has(id))) {
      const own = accountJobOf(job)
      add(own.kind, own, this.strikesIn(own))
    }
    return { accounts, arrays, isCountOpening }
  }

  /** Of arrays that a job brings. */
  private strikesIn({ kind, data }: AccountJob): readonly Strikes[] {
    const { riskArray } = this.parts.models
    const call = kind === 'arrays' ? decodeProvingCall(data) : undefined
    if (riskArray === undefined || call?.method !== 'submitArrays') return []
    const strikes = sizeOf(riskArray.build, 'strikes')
    const words = strikeWordCount(strikes)
    return call.arrays.map(({ expiryWords }, i) => ({
      expiry: unpack('expiryForward', expiryWords[0] ?? 0n).expiry,
      strikesE8: strikesOf(call.strikeWords.slice(words * i, words * (i + 1)), strikes),
    }))
  }

  private async start(unit: Unit): Promise<boolean> {
    const { store, report } = this.parts
    const { id, build, trigger, summary } = unit
    if (this.refused.of(id) >= MOST_REFUSED) {
      await this.selection.suspect(unit.accounts, unit.prices, 'the registry refuses what is proven of it')
      return false
    }
    const round = isoTime(unit.prices.round.asOf)
    const said = `${unit.kind} of the round of ${round}: ${summary}`
    const isKnown = (await store.find(id)) !== undefined
    let job = await store.plan({ id, build, trigger, summary: said })
    // As of batches: what cannot be kept is not proven.
    if (isKnown) await store.requireWritable()
    if (job.status === 'superseded' || job.status === 'confirmed') {
      const left = this.parts.justEnded.left(id)
      if (left > 0) {
        // Others need not wait with them.
        for (const { account } of unit.accounts) this.heldUntil.set(account, performance.now() + left)
        return unit.accounts.length > 0
      }
      job = await takeUp(store, job)
    }
    const name = trigger.slice(0, trigger.indexOf(':'))
    await report({ step: 'planned', job: id, build, trigger: name, detail: `${said} (${trigger})` })
    if (job.status !== 'planned') return true
    this.units.set(id, unit)
    const proof = this.prove(unit, job).finally(() => {
      this.units.delete(id)
      this.proofs.delete(id)
    })
    this.proofs.set(id, proof)
    return true
  }

  /** Never throws: what fails is told here. */
  private async prove(unit: Unit, job: Job): Promise<void> {
    const { client, store, report } = this.parts
    const made = { milliseconds: 0, backend: 'none' as ServeProof['backend'] }
    try {
      const call = await unit.prove(async (model, statement) => {
        this.requireWanted(unit)
        const { proven, timings, backend } = await proveStatement(this.parts.prover, model, statement)
        const proof: ServeProof = {
          ...{ milliseconds: timings.total, witnessMilliseconds: timings.witness },
          backend: backend as ServeProof['backend'],
        }
        made.milliseconds += proof.milliseconds
        made.backend = proof.backend
        const { name } = model.build
        const detail = `${name}, ${(proof.milliseconds / 1000).toFixed(1)} s`
        await report({ step: 'statement-proven', job: job.id, build: name, proof, detail })
        return proven
      })
      this.requireWanted(unit)
      await store.proven(job.id, formatAccountJob({ ...ofUnit(unit), ...(await callOf(client, call)) }))
      this.pause = FIRST_PAUSE_MS
      await report({
        step: 'proven',
        job: job.id,
        build: job.build,
        detail: `${(made.milliseconds / 1000).toFixed(1)} s`,
      })
    } catch (error) {
      // The next service begins it again; what fails because this one ends is no failure.
      if (this.parts.signal.aborted) return
      if (error instanceof WorkDropped) {
        if (error.reason.code === 'overtaken' && unit.kind === 'margins') this.selection.tookTooLong(unit.accounts)
        return this.end(job, error.reason)
      }
      const { code, message } = describeError(error)
      if (!(error instanceof ProverError)) return void this.broken.push(error)
      if (!OF_ACCOUNTS.has(code)) return this.failed(error)
      await this.selection.suspect(unit.accounts, unit.prices, message)
      await this.end(job, { code: 'failed', says: message })
    }
  }

  /** @throws {@link WorkDropped} */
  private requireWanted(unit: Unit): void {
    if (this.parts.signal.aborted) throw new WorkDropped({ code: 'stopped', says: 'the service ends' })
    const reason = this.terms && this.selection.reasonToDrop(unit, this.terms)
    if (reason !== undefined) throw new WorkDropped(reason)
  }

  private async failed(error: unknown): Promise<void> {
    if (!(error instanceof ProverError)) throw error
    const { code, message } = error
    this.pausedUntil = performance.now() + this.pause
    this.pausedFor = `${message} (${code})`
    const detail = `accounts: ${this.pausedFor}; again in ${this.pause / 1000} s`
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE_MS)
    await this.parts.report({ step: 'retrying', code, detail })
  }

  private async end(job: Job, { code, says }: Dropped): Promise<void> {
    this.missingSince.delete(job.id)
    await this.parts.store.end(job.id, 'superseded', says)
    this.parts.justEnded.add(job.id)
    const told = { step: 'superseded', job: job.id, build: job.build, code } as const
    await this.parts.report({ ...told, detail: `${job.summary}: ${says}` })
  }

  /** Of proven jobs the one to send next; those that can never land are ended, those whose arrays are on their way wait. */
  async toSend(proven: readonly Job[]): Promise<Job | undefined> {
    if (proven.length === 0) return undefined
    const terms = await this.ledger.follow()
    this.terms = terms
    const jobs = proven.map((job) => ({ job, own: accountJobOf(job) }))
    const sorted = jobs.toSorted((a, b) => kindOrder.indexOf(a.own.kind) - kindOrder.indexOf(b.own.kind))
    const brought = new Set(jobs.flatMap(({ own }) => (own.kind === 'arrays' ? own.arrayRoots : [])))
    for (const { job, own } of sorted) {
      if (own.policyVersion !== terms.policyVersion) {
        await this.end(job, { code: 'policy', says: 'another policy is in force' })
        continue
      }
      const missing =
        own.kind === 'arrays' ? [] : own.arrayRoots.filter((root) => !this.ledger.isArrayHeld(root, own.asOf))
      if (missing.length === 0) return job
      if (missing.every((root) => brought.has(root)) || this.isBrought(missing)) continue
      const since = this.missingSince.get(job.id) ?? performance.now()
      this.missingSince.set(job.id, since)
      if (performance.now() - since < ARRAYS_MISSING_MS) continue
      await this.end(job, { code: 'arrays-missing', says: 'arrays that it rests on did not land' })
    }
    return undefined
  }

  /** Whether one of the proven jobs can land once those that are open have. */
  maySend(open: readonly Job[]): boolean {
    const jobs = open.filter((job) => isAccountJob(job) && job.bundle !== undefined).map(accountJobOf)
    const brought = new Set(jobs.flatMap(({ kind, arrayRoots }) => (kind === 'arrays' ? arrayRoots : [])))
    return jobs.some(({ arrayRoots, asOf }) => {
      return arrayRoots.every((root) => brought.has(root) || this.ledger.isArrayHeld(root, asOf))
    })
  }

  /** Whether arrays are being proven here. */
  private isBrought(roots: readonly bigint[]): boolean {
    const units = [...this.units.values()].filter(({ kind }) => kind === 'arrays')
    return roots.every((root) => units.some(({ arrayRoots }) => arrayRoots.includes(root)))
  }

  /** Accounts that were shown to be below maintenance within so many seconds of the chain's clock. */
  shownWithin(seconds: number): Promise<number> {
    return this.ledger.shownSince((this.terms?.time ?? 0n) - BigInt(seconds))
  }

  /** The registry refused it. */
  refusedNow({ id }: Job): void {
    this.missingSince.delete(id)
    this.refused.add(id)
  }

  /** Tells what a job that landed put in force. */
  async landed(job: Job, skipped: readonly string[]): Promise<void> {
    this.missingSince.delete(job.id)
    this.refused.forget(job.id)
    const own = accountJobOf(job)
    if (own.kind === 'margins') this.selection.landed(own.accounts)
    for (const account of inForceOf(own).filter(({ account: address }) => !skipped.includes(address))) {
      // Since another process perhaps, and so by the clock of the day, which may have been put back.
      const waitedSeconds = Math.max(0, (Date.now() - own.since) / 1000)
      await this.parts.report({
        step: 'account',
        job: job.id,
        account: { ...account, waitedSeconds },
        detail: textOf(account),
      })
    }
  }
}

type Of = { readonly asOf: bigint; readonly accounts: Unit['accounts'] }
type ServeProof = NonNullable<ServeEvent['proof']>

/** What was proven of an account, and is in force by now. */
export type AccountNow = {
  readonly account: string
  readonly sequence: number
  readonly asOf: string
  /** Left above each requirement; undefined where only that it is below maintenance was shown. */
  readonly aboveInitialMarginQuote: string | undefined
  readonly aboveMaintenanceMarginQuote: string | undefined
  readonly isUnhealthy: boolean
  /** Since this service saw that it is needed. */
  readonly waitedSeconds: number
}

function inForceOf({ kind, data, asOf, accounts }: AccountJob): readonly Omit<AccountNow, 'waitedSeconds'>[] {
  const call = decodeProvingCall(data)
  const at = { asOf: isoTime(asOf) }
  if (kind === 'witness') {
    const none = { aboveInitialMarginQuote: undefined, aboveMaintenanceMarginQuote: undefined, isUnhealthy: true }
    return accounts.map(({ account, sequence }) => ({ account, sequence: Number(sequence), ...at, ...none }))
  }
  if (call === undefined || !('accounts' in call)) return []
  return call.accounts.map(({ held, margins }) => {
    const { initialE8, maintenanceE8 } = unpack('accountMargins', margins)
    return {
      ...{ account: held.account, sequence: Number(held.sequence), ...at, isUnhealthy: maintenanceE8 < 0n },
      aboveInitialMarginQuote: exactMoney(initialE8),
      aboveMaintenanceMarginQuote: exactMoney(maintenanceE8),
    }
  })
}

function textOf(now: Omit<AccountNow, 'waitedSeconds'>): string {
  const { account, sequence, asOf, aboveInitialMarginQuote, aboveMaintenanceMarginQuote } = now
  if (aboveMaintenanceMarginQuote === undefined)
    return `${account} #${sequence}: shown to be below maintenance as of ${asOf}`
  return (
    `${account} #${sequence}: ${aboveMaintenanceMarginQuote} above maintenance margin, ` +
    `${aboveInitialMarginQuote} above initial margin, as of ${asOf}`
  )
}

const ofUnit = ({ kind, prices, arrayRoots, accounts, isFull, since }: Unit): Omit<AccountJob, 'to' | 'data'> => ({
  ...{ kind, asOf: prices.round.asOf, policyVersion: prices.policyVersion, isFull, since },
  arrayRoots: [...arrayRoots],
  accounts: [...accounts],
})

/** The work is not wanted any more. */
class WorkDropped extends Error {
  readonly reason: Dropped

  constructor(reason: Dropped) {
    super(reason.says)
    this.reason = reason
  }
}
