/** What a registry of margins over several markets holds before each proof, from the record's events in order. */
import { isBefore, type Place } from '../nodeReads.ts'
import type { CrossPolicyRecord, CrossRecord, CrossReportRecord } from './crossRecord.ts'
import { isLater, PortfolioLedger, type Proven } from './ledger.ts'
import type { RoundSourceRecord } from './record.ts'

export class CrossLedger {
  /** What each market's arrays hold. */
  readonly markets: readonly PortfolioLedger[]
  policy: CrossPolicyRecord | undefined
  readonly reports = new Map<string, CrossReportRecord>()
  /** Of prices of each market, when the venue last reported an account. */
  readonly priceScales = new Map<string, readonly bigint[]>()
  readonly margins = new Map<string, Proven & { readonly margins: bigint }>()
  private readonly sources: readonly (readonly RoundSourceRecord[])[]
  private readonly policies: readonly CrossPolicyRecord[]
  /** Not yet taken over, in order. */
  private readonly pending: CrossReportRecord[]

  constructor({ markets, crossPolicies, reports }: Pick<CrossRecord, 'markets' | 'crossPolicies' | 'reports'>) {
    this.markets = markets.map((market) => PortfolioLedger.of({ ...market, reports: [], taken: [], counts: [] }))
    this.sources = markets.map(({ roundSources }) => roundSources.toSorted(inOrder))
    this.policies = crossPolicies.toSorted(inOrder)
    this.pending = reports.toSorted(inOrder)
  }

  /** Takes over policies, rounds and reports up to a place. */
  advanceTo(place: Place): void {
    for (let next = this.pending[0]; next !== undefined && isBefore(next, place); next = this.pending[0]) {
      this.reports.set(next.account, next)
      this.priceScales.set(next.account, this.scalesAt(next))
      this.pending.shift()
    }
    for (const market of this.markets) market.advanceTo(place)
    this.policy = this.policies.findLast((each) => isBefore(each, place))
  }

  /** Whether margins of a report would be put in force: of the last one, and later than those that are. */
  isNext(account: string, proven: Proven): boolean {
    return proven.sequence === this.reports.get(account)?.sequence && isLater(proven, this.margins.get(account))
  }

  /** Of each market at a place, which arrays may have taken a market's ledger beyond. */
  private scalesAt(place: Place): readonly bigint[] {
    return this.sources.map((ofMarket) => ofMarket.findLast((each) => isBefore(each, place))?.priceScale ?? 0n)
  }
}

const inOrder = (a: Place, b: Place): number => (isBefore(a, b) ? -1 : 1)
