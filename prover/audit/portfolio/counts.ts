/** Counts of the open interest, added up again: which accounts each one needs, which were counted, what they come to. */
import { type ClaimResult, compare } from '../../registry/claims.ts'
import {
  addAccount,
  type CountedWords,
  hasPositions,
  nothingCounted,
  type OpenInterest,
} from '../../registry/portfolio/openInterest.ts'
import { compareLists, holdsIf } from './comparisons.ts'
import type { CountRecord, OpenInterestRecord, ReportRecord } from './record.ts'

/** How much longer than a margin a count may take. */
export const COUNT_AGES = 4n

/** A count that is not complete. */
type UnderWay = {
  readonly opened: CountRecord
  /** Accounts that it needs, with the reports that they stood with when it was opened. */
  readonly needed: ReadonlyMap<string, ReportRecord>
  /** Whether it lost one of them, and so is never complete. */
  readonly isBroken: boolean
  readonly sums: OpenInterest
  /** Of the round's prices. */
  readonly priceScale: bigint
}

/** A count that is, and the scale that its Greeks are at. */
type Complete = OpenInterest & { readonly priceScale: bigint }

/** What a registry knows when a count is opened. */
export type Standing = {
  readonly reports: ReadonlyMap<string, ReportRecord>
  /** Of them, what would be held and is not. */
  readonly waiting: ReadonlySet<string>
  readonly policyVersion: bigint
  readonly priceScale: bigint
  readonly maxRoundAgeSeconds: bigint
  readonly maxRoundLagSeconds: bigint
  readonly maxMarginAgeSeconds: bigint
  readonly newestRound: bigint
  readonly isPublished: (asOf: bigint) => boolean
}

/** Counts as they follow from a history; each change makes another. */
export class Counts {
  readonly underWay: UnderWay | undefined
  /** The last one's round. */
  readonly lastAsOf: bigint
  readonly complete: readonly Complete[]
  /** Of how they were opened. */
  readonly claims: readonly ClaimResult[]

  constructor(from: Partial<Counts> = {}) {
    this.underWay = from.underWay
    this.lastAsOf = from.lastAsOf ?? 0n
    this.complete = from.complete ?? []
    this.claims = from.claims ?? []
  }

  /** A count was opened; whatever is wrong with that is among the claims. */
  open(opened: CountRecord, standing: Standing): Counts {
    const { priceScale } = standing
    const exposed = [...standing.reports].filter(
      ([account, report]) => !standing.waiting.has(account) && hasPositionsSafely(report),
    )
    const begun = new Counts({
      underWay: { opened, needed: new Map(exposed), isBroken: false, sums: nothingCounted(opened.asOf), priceScale },
      lastAsOf: opened.asOf,
      complete: this.complete,
      claims: [...this.claims, ...this.judgeOpening(opened, standing, exposed.length)],
    })
    return begun.completed()
  }

  private judgeOpening(opened: CountRecord, standing: Standing, accounts: number): readonly ClaimResult[] {
    const { asOf, timestamp } = opened
    const at = `counts(${asOf})`
    const oldest = timestamp - standing.maxRoundAgeSeconds
    const leastLagging = standing.newestRound - standing.maxRoundLagSeconds
    const before = this.underWay?.opened
    const isOver =
      before === undefined ||
      before.policyVersion !== standing.policyVersion ||
      timestamp > before.asOf + COUNT_AGES * standing.maxMarginAgeSeconds
    return [
      holdsIf(isOver, 'R90', at, 'no other count under way', `one of ${before?.asOf}`),
      holdsIf(standing.isPublished(asOf), 'R90', `${at}.asOf`, 'a published round', asOf),
      holdsIf(asOf > this.lastAsOf, 'R90', `${at}.asOf`, `after ${this.lastAsOf}`, asOf),
      holdsIf(asOf >= oldest && asOf >= leastLagging, 'R90', `${at}.asOf`, 'a fresh round', asOf),
      compare('R90', `${at}.policyVersion`, standing.policyVersion, opened.policyVersion),
      compare('R91', `${at}.accounts`, BigInt(accounts), opened.accounts),
    ]
  }

  /** The report of an account that the count under way needs, if it is of this round and policy. */
  needs(account: string, asOf: bigint, policyVersion: bigint | undefined): ReportRecord | undefined {
    const { underWay } = this
    const isOfIt = underWay?.opened.asOf === asOf && underWay.opened.policyVersion === policyVersion
    return isOfIt ? underWay.needed.get(account) : undefined
  }

  /** An account that it needs was counted. */
  add(account: string, words: CountedWords): Counts {
    const { underWay } = this
    if (underWay === undefined) return this
    const needed = new Map(underWay.needed)
    needed.delete(account)
    return new Counts({ ...this, underWay: { ...underWay, needed, sums: addAccount(underWay.sums, words) } })
  }

  /**
   * An account is reported at another scale of prices: what it held until then means something else in a round of now. As the registry
   * has it, only the first report since the count was opened loses its account.
   */
  rescale(account: string, before: ReportRecord | undefined): Counts {
    const { underWay } = this
    if (underWay === undefined || before === undefined || underWay.needed.get(account) !== before) return this
    const needed = new Map(underWay.needed)
    needed.delete(account)
    return new Counts({ ...this, underWay: { ...underWay, needed, isBroken: true } })
  }

  /** The same once a submission is over: complete if it needs nobody any more. */
  completed(): Counts {
    const { underWay } = this
    if (underWay === undefined || underWay.isBroken || underWay.needed.size > 0) return this
    return new Counts({
      ...this,
      underWay: undefined,
      complete: [...this.complete, { ...underWay.sums, priceScale: underWay.priceScale }],
    })
  }
}

/** A report whose words cannot be read is none that a registry takes; its own claims say so. */
function hasPositionsSafely(report: ReportRecord): boolean {
  try {
    return hasPositions(report)
  } catch {
    return true
  }
}

const FIGURES = [
  'asOf',
  'accounts',
  'defaultProbabilityX32',
  'expectedShortfallE8',
  'unhealthy',
  'deltaE12',
  'gammaE20',
  'vegaE8',
] as const

/** What the registry told of complete counts against what follows: none too early, none left out, every figure. */
export function judgeComplete(expected: readonly OpenInterest[], told: readonly OpenInterestRecord[]) {
  return [
    ...compareLists('R91', 'openInterests.asOf', expected.map(asOfOf), told.map(asOfOf)),
    ...expected.slice(0, told.length).flatMap((each, i) =>
      FIGURES.slice(1).map((name) => {
        const claim = name === 'accounts' ? 'R91' : 'R94'
        return compare(claim, `openInterests(${each.asOf}).${name}`, each[name], told[i]?.[name])
      }),
    ),
  ]
}

const asOfOf = ({ asOf }: OpenInterest): bigint => asOf
