/** What a portfolio registry holds before each proof, from the record's events in order. */
import type { PricedSurface } from '../../portfolio/accountMargin.ts'
import { isBefore, type Place } from '../nodeReads.ts'
import type { PolicyRecord, PortfolioRecord, ReportRecord, RoundRecord } from './record.ts'

/** An array that the registry took; `priced` is undefined if it does not follow from its round and policy. */
export type HeldArray = {
  readonly asOf: bigint
  readonly expiry: bigint
  readonly policyVersion: bigint
  readonly priced: PricedSurface | undefined
}

/** Which round and report something is about. */
export type Proven = { readonly asOf: bigint; readonly sequence: bigint }

/** Something that happened, not yet taken over. */
type Pending = { readonly place: Place; readonly apply: (ledger: PortfolioLedger) => unknown }

export class PortfolioLedger {
  policy: PolicyRecord | undefined
  maxRoundAgeSeconds = 0n
  readonly rounds: Map<bigint, RoundRecord>
  readonly reports: Map<string, ReportRecord>
  readonly arrays: Map<bigint, HeldArray>
  readonly margins: Map<string, Proven & { readonly margins: bigint; readonly thresholds: bigint }>
  readonly witnesses: Map<string, Proven>
  /** Latest first. */
  private readonly pending: Pending[]

  private constructor(pending: readonly Pending[], from?: PortfolioLedger) {
    this.pending = [...pending]
    this.policy = from?.policy
    this.maxRoundAgeSeconds = from?.maxRoundAgeSeconds ?? 0n
    this.rounds = new Map(from?.rounds)
    this.reports = new Map(from?.reports)
    this.arrays = new Map(from?.arrays)
    this.margins = new Map(from?.margins)
    this.witnesses = new Map(from?.witnesses)
  }

  static of({ policies, freshness, rounds, reports }: PortfolioRecord): PortfolioLedger {
    const pending: readonly Pending[] = [
      ...policies.map((each) => entry(each, (ledger) => ledger.setPolicy(each))),
      ...freshness.map((each) => entry(each, (ledger) => ledger.setAge(each.maxRoundAgeSeconds))),
      ...rounds.map((each) => entry(each, (ledger) => ledger.rounds.set(each.asOf, each))),
      ...reports.map((each) => entry(each, (ledger) => ledger.reports.set(each.account, each))),
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

  private setPolicy(policy: PolicyRecord): void {
    this.policy = policy
  }

  private setAge(seconds: bigint): void {
    this.maxRoundAgeSeconds = seconds
  }
}

const entry = (place: Place, apply: Pending['apply']): Pending => ({ place, apply })

/** Whether a proof is about a later round than another, or about a later report in the same one. */
export const isLater = (proof: Proven, than: Proven | undefined): boolean =>
  than === undefined || proof.asOf > than.asOf || (proof.asOf === than.asOf && proof.sequence > than.sequence)
