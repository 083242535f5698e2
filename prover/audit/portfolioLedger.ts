/** What a portfolio registry holds before each proof, from the record's events in order. */
import type { PricedSurface } from '../portfolio/accountMargin.ts'
import { isBefore, type Place } from './nodeReads.ts'
import type { PolicyRecord, PortfolioRecord, ReportRecord, RoundRecord } from './portfolioRecord.ts'

/** An array that the registry took; `priced` is undefined if it does not follow from its round and policy. */
export type HeldArray = {
  readonly asOf: bigint
  readonly expiry: bigint
  readonly policyVersion: bigint
  readonly priced: PricedSurface | undefined
}

/** Which round and report something is about. */
export type Proven = { readonly asOf: bigint; readonly sequence: bigint }

export class PortfolioLedger {
  policy: PolicyRecord | undefined
  maxRoundAgeSeconds = 0n
  readonly rounds = new Map<bigint, RoundRecord>()
  readonly reports = new Map<string, ReportRecord>()
  readonly arrays = new Map<bigint, HeldArray>()
  readonly margins = new Map<string, Proven & { readonly margins: bigint }>()
  readonly witnesses = new Map<string, Proven>()
  private readonly pending: { readonly place: Place; readonly apply: () => unknown }[]

  constructor({ policies, freshness, rounds, reports }: PortfolioRecord) {
    const pending = [
      ...policies.map((each) => entry(each, () => this.setPolicy(each))),
      ...freshness.map((each) => entry(each, () => this.setAge(each.maxRoundAgeSeconds))),
      ...rounds.map((each) => entry(each, () => this.rounds.set(each.asOf, each))),
      ...reports.map((each) => entry(each, () => this.reports.set(each.account, each))),
    ]
    this.pending = pending.sort((a, b) => (isBefore(a.place, b.place) ? 1 : -1))
  }

  /** Takes over policies, rounds and reports up to a place. */
  advanceTo(place: Place): void {
    for (
      let next = this.pending.at(-1);
      next !== undefined && isBefore(next.place, place);
      next = this.pending.at(-1)
    ) {
      next.apply()
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

const entry = (place: Place, apply: () => unknown) => ({ place, apply })

/** Whether a proof is about a later round than another, or about a later report in the same one. */
export const isLater = (proof: Proven, than: Proven | undefined): boolean =>
  than === undefined || proof.asOf > than.asOf || (proof.asOf === than.asOf && proof.sequence > than.sequence)
