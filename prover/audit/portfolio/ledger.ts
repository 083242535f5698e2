/** What a portfolio registry holds before each proof, from the record's events in order. */
import type { PricedSurface } from '../../portfolio/accountMargin.ts'
import { isBefore, type Place } from '../nodeReads.ts'
import { unpackSafely } from './comparisons.ts'
import { Counts } from './counts.ts'
import type {
  CountRecord,
  PolicyRecord,
  PortfolioRecord,
  ReportRecord,
  RoundRecord,
  RoundSourceRecord,
} from './record.ts'

/** An array that the registry took; `priced` is undefined if it does not follow from its round and policy. */
export type HeldArray = {
  readonly asOf: bigint
  readonly expiry: bigint
  readonly policyVersion: bigint
  readonly modelId: string
  readonly priced: PricedSurface | undefined
}

/** Which round and report something is about. */
export type Proven = { readonly asOf: bigint; readonly sequence: bigint }

/** What stands for the thresholds of margins that were proven alone: no proof says so, for one of a rise is at least spot. */
export const NO_THRESHOLDS = 0n

/** What a registry takes without a proof. */
type History = Pick<
  PortfolioRecord,
  'policies' | 'freshness' | 'priceGaps' | 'roundSources' | 'rounds' | 'reports' | 'taken' | 'counts'
>

/** Something that happened, not yet taken over. */
type Pending = { readonly place: Place; readonly apply: (ledger: PortfolioLedger) => unknown }

export class PortfolioLedger {
  policy: PolicyRecord | undefined
  maxRoundAgeSeconds = 0n
  maxRoundLagSeconds = 0n
  maxMarginAgeSeconds = 0n
  /** Where nothing else was set, a factor of 2. */
  priceGapBps = 10_000n
  counts = new Counts()
  /** Where rounds come from, and at which scale its prices are. */
  roundSource = ''
  priceScale = 0n
  private readonly rounds: Map<string, RoundRecord>
  private readonly newestRounds: Map<string, bigint>
  readonly reports: Map<string, ReportRecord>
  /** Candidates, which are in no count. */
  readonly waiting: Set<string>
  /** Of each account's last report. */
  readonly priceScales: Map<string, bigint>
  readonly arrays: Map<bigint, HeldArray>
  readonly margins: Map<string, Proven & { readonly margins: bigint; readonly thresholds: bigint }>
  /** Accounts that were shown to be below maintenance and have not been shown healthy since. */
  readonly unhealthy: Map<string, Proven>
  readonly witnesses: Map<string, Proven>
  /** Latest first. */
  private readonly pending: Pending[]

  private constructor(pending: readonly Pending[], from?: PortfolioLedger) {
    this.pending = [...pending]
    this.policy = from?.policy
    if (from !== undefined) {
      this.maxRoundAgeSeconds = from.maxRoundAgeSeconds
      this.maxRoundLagSeconds = from.maxRoundLagSeconds
      this.maxMarginAgeSeconds = from.maxMarginAgeSeconds
      this.priceGapBps = from.priceGapBps
      this.counts = from.counts
      this.roundSource = from.roundSource
      this.priceScale = from.priceScale
    }
    this.rounds = new Map(from?.rounds)
    this.newestRounds = new Map(from?.newestRounds)
    this.reports = new Map(from?.reports)
    this.waiting = new Set(from?.waiting)
    this.priceScales = new Map(from?.priceScales)
    this.arrays = new Map(from?.arrays)
    this.margins = new Map(from?.margins)
    this.unhealthy = new Map(from?.unhealthy)
    this.witnesses = new Map(from?.witnesses)
  }

  static of(record: History): PortfolioLedger {
    const { policies, freshness, priceGaps, roundSources, rounds, reports, taken, counts } = record
    const pending: readonly Pending[] = [
      ...policies.map((each) => entry(each, (ledger) => ledger.setPolicy(each))),
      ...freshness.map((each) => entry(each, (ledger) => ledger.setFreshness(each))),
      ...priceGaps.map((each) => entry(each, (ledger) => ledger.setPriceGap(each.gapBps))),
      ...roundSources.map((each) => entry(each, (ledger) => ledger.setRounds(each))),
      ...rounds.map((each) => entry(each, (ledger) => ledger.addRound(each))),
      ...reports.map((each) => entry(each, (ledger) => ledger.takeReport(each))),
      ...taken.map((each) => entry(each, (ledger) => ledger.waiting.delete(each.account))),
      ...counts.map((each) => entry(each, (ledger) => ledger.openCount(each))),
    ]
    return new PortfolioLedger(pending.toSorted((a, b) => (isBefore(a.place, b.place) ? 1 : -1)))
  }

  /** A ledger that holds the same and goes its own way from here. */
  copy(): PortfolioLedger {
    return new PortfolioLedger(this.pending, this)
  }

  /** Takes over policies, rounds and reports up to a place. */
  advanceTo(place: Place): void {
    for (
      let next = this.pending.at(-1);
      next !== undefined && isBefore(next.place, place);
      next = this.pending.at(-1)
    ) {
      next.apply(this)
      this.pending.pop()
    }
  }

  /** Of the source in force, at a time. */
  roundOf(asOf: bigint): RoundRecord | undefined {
    return this.rounds.get(placeOfRound(this.roundSource, asOf))
  }

  /** Time of the newest round of the source in force. */
  get newestRound(): bigint {
    return this.newestRounds.get(this.roundSource) ?? 0n
  }

  private setRounds({ source, priceScale }: RoundSourceRecord): void {
    this.roundSource = source
    this.priceScale = priceScale
  }

  private setPolicy(policy: PolicyRecord): void {
    this.policy = policy
  }

  private setFreshness(freshness: PortfolioRecord['freshness'][number]): void {
    const { maxRoundAgeSeconds, maxRoundLagSeconds, maxMarginAgeSeconds } = freshness
    this.maxRoundAgeSeconds = maxRoundAgeSeconds
    this.maxMarginAgeSeconds = maxMarginAgeSeconds
    this.maxRoundLagSeconds = maxRoundLagSeconds
  }

  private setPriceGap(gapBps: bigint): void {
    this.priceGapBps = gapBps
  }

  /** Takes over margins, and what they say of the account's health. */
  accept(account: string, proven: Proven & { readonly margins: bigint; readonly thresholds: bigint }): void {
    const { asOf, sequence, margins, thresholds } = proven
    this.margins.set(account, { asOf, sequence, margins, thresholds })
    if (!isLater({ asOf, sequence }, this.unhealthy.get(account))) return
    const maintenanceE8 = unpackSafely('accountMargins', margins)?.maintenanceE8 ?? 0n
    if (maintenanceE8 < 0n) this.unhealthy.set(account, { asOf, sequence })
    else this.unhealthy.delete(account)
  }

  /** A witness has shown an account to be below maintenance. */
  mark(account: string, { asOf, sequence }: Proven): void {
    this.witnesses.set(account, { asOf, sequence })
    this.unhealthy.set(account, { asOf, sequence })
  }

  private takeReport(report: ReportRecord): void {
    const before = this.reports.get(report.account)
    this.reports.set(report.account, report)
    if (report.standing === 'candidate') this.waiting.add(report.account)
    else this.waiting.delete(report.account)
    const isRescaled = (this.priceScales.get(report.account) ?? 0n) !== this.priceScale
    if (isRescaled && report.standing !== 'left') {
      this.priceScales.set(report.account, this.priceScale)
      this.counts = this.counts.rescale(report.account, before)
      const proven = this.margins.get(report.account)
      if (proven !== undefined) this.margins.set(report.account, { ...proven, thresholds: NO_THRESHOLDS })
    }
    if (holdsCashAlone(report)) this.unhealthy.delete(report.account)
  }

  private openCount(opened: CountRecord): void {
    this.counts = this.counts.open(opened, {
      ...this,
      newestRound: this.newestRound,
      policyVersion: this.policy?.version ?? 0n,
      isPublished: (asOf) => this.roundOf(asOf) !== undefined,
    })
  }

  private addRound(round: RoundRecord): void {
    this.rounds.set(placeOfRound(round.source, round.asOf), round)
    this.newestRounds.set(round.source, round.asOf)
  }
}

const placeOfRound = (source: string, asOf: bigint): string => `${source} ${asOf}`

/** Cash that is not owed, and nothing else: what clears an account without a proof. */
function holdsCashAlone({ positions, holdings, collateralAmounts }: ReportRecord): boolean {
  const held = unpackSafely('holdings', holdings)
  if (held === undefined || positions.length > 0 || collateralAmounts.some((word) => word !== 0n)) return false
  return held.perpsE12 === 0n && held.cashE12 + held.perpPnlE12 >= 0n
}

const entry = (place: Place, apply: Pending['apply']): Pending => ({ place, apply })

/** Whether prices of a round are as near to each other as the registry takes them. */
export const areTogether = ({ priceGapBps }: PortfolioLedger, spotE8: bigint, otherE8: bigint): boolean => {
  const [low, high] = spotE8 < otherE8 ? [spotE8, otherE8] : [otherE8, spotE8]
  return low > 0n && low * (10_000n + priceGapBps) >= high * 10_000n
}

/** Whether a proof is about a later round than another, or about a later report in the same one. */
export const isLater = (proof: Proven, than: Proven | undefined): boolean =>
  than === undefined || proof.asOf > than.asOf || (proof.asOf === than.asOf && proof.sequence > than.sequence)
