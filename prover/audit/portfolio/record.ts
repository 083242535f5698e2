/** Everything a chain says about one portfolio registry and its arrays: what the auditor of margins judges. */
import type { DeployedRecord } from '../deployed/record.ts'
import type { ModelRecord } from '../modelRecord.ts'
import type { OpenInterest } from '../../registry/portfolio/openInterest.ts'
import type { Place } from '../nodeReads.ts'

export type PolicyRecord = Place & { readonly version: bigint; readonly words: readonly bigint[] }

/** Governance had rounds come from a source, whose scale of prices is the market's from then on; the first was so from the beginning. */
export type RoundSourceRecord = Place & { readonly source: string; readonly priceScale: bigint }

export type RoundRecord = Place & {
  /** Contract that published it. */
  readonly source: string
  readonly asOf: bigint
  readonly roundId: string
  readonly marketHash: string
  readonly expiryHashes: readonly string[]
  /** Of the call that published it, with its signatures; null if it came through another contract and the node cannot trace. */
  readonly calldata: string | null
}

/** What was reported would be held, so that no count has it; or nothing is, as another address took the account's place. */
export type Standing = 'candidate' | 'left'

/** What the venue reported of an account. */
export type ReportRecord = Place & {
  /** None of what is held, nor in a slice of a history. */
  readonly standing?: Standing | undefined
  readonly account: string
  readonly sequence: bigint
  readonly positions: readonly bigint[]
  readonly holdings: bigint
  readonly collateralAmounts: readonly bigint[]
}

export type ArrayEvent = {
  readonly name: 'ArrayAccepted'
  readonly logIndex: number
  readonly arrayRoot: bigint
  readonly asOf: bigint
  readonly expiry: bigint
  readonly policyVersion: bigint
}
/** What an event says of the account that it is about. */
export type OfAccount = {
  readonly logIndex: number
  readonly account: string
  readonly asOf: bigint
  readonly sequence: bigint
}
/** What an event says of the batch that landed. */
export type OfBatch = {
  readonly logIndex: number
  readonly asOf: bigint
  readonly subject: string
  readonly submitter: string
}
export type MarginEvent = OfAccount & {
  readonly name: 'MarginProven'
  readonly margins: bigint
  readonly thresholds: bigint
  readonly spotGreeks: bigint
  readonly risk: bigint
}
/** Margins of an account that were proven alone. */
export type AloneEvent = Omit<MarginEvent, 'name' | 'thresholds' | 'spotGreeks' | 'risk'> & {
  readonly name: 'MarginProvenAlone'
}
/** A candidate took an account's place: from here on counts have it. */
export type TakenRecord = Place & { readonly account: string }

/** A count of the open interest was opened. */
export type CountRecord = Place & {
  readonly asOf: bigint
  readonly accounts: bigint
  readonly policyVersion: bigint
  /** Of its block. */
  readonly timestamp: bigint
}

/** Figures that the registry told of a complete count. */
export type OpenInterestRecord = Place & OpenInterest

/** No margins of this account were put in force: they were already, or later ones, or its report or its round is too old. */
export type MarginSkippedEvent = OfAccount & { readonly name: 'MarginSkipped' }
export type BatchEvent = OfBatch & {
  readonly name: 'PortfolioAccepted'
  /** Bit i: account i was counted. */
  readonly counted: bigint
}
/** A batch of margins alone. */
export type MarginsEvent = OfBatch & { readonly name: 'MarginsAccepted' }
export type WitnessEvent = OfAccount & { readonly name: 'AccountUnhealthy'; readonly bound: bigint }
export type ProofEvent =
  | ArrayEvent
  | MarginEvent
  | AloneEvent
  | MarginSkippedEvent
  | BatchEvent
  | MarginsEvent
  | WitnessEvent

/** A transaction that moved the registry by proof. */
export type TransactionRecord<E = ProofEvent> = {
  readonly block: number
  readonly hash: string
  readonly timestamp: number
  /** Calldata of the registry's calls in order; null if they came through another contract and the node cannot trace. */
  readonly calls: readonly string[] | null
  readonly events: readonly E[]
}

/** Where an account stands at the record's last block; margins are null if none were proven. */
export type AccountRecord = {
  readonly account: string
  readonly sequence: bigint
  readonly bookHash: string
  readonly margin: {
    readonly asOf: bigint
    readonly sequence: bigint
    readonly initialE8: bigint
    readonly maintenanceE8: bigint
  } | null
  /** Null if there is no evidence about it. */
  readonly liquidatable: boolean | null
}

/** What happened to one market: what governance set of it, and its rounds. */
export type MarketHistory = {
  readonly policies: readonly PolicyRecord[]
  readonly freshness: readonly (Place & {
    readonly maxRoundAgeSeconds: bigint
    readonly maxMarginAgeSeconds: bigint
    readonly maxRoundLagSeconds: bigint
  })[]
  /** Changes of how far a round's prices may be apart, of which there may be none. */
  readonly priceGaps: readonly (Place & { readonly gapBps: bigint })[]
  readonly roundSources: readonly RoundSourceRecord[]
  readonly rounds: readonly RoundRecord[]
}

export type PortfolioRecord = MarketHistory & {
  readonly context: {
    readonly chainId: bigint
    readonly registry: string
    /** Contract of the arrays, and of the policy. */
    readonly arrays: string
    readonly modelRegistry: string
    /** Where rounds come from at the last block. */
    readonly rounds: string
    readonly marketId: string
    readonly emptyState: bigint
    readonly fromBlock: number
    readonly toBlock: number
    readonly toBlockHash: string
  }
  readonly models: readonly ModelRecord[]
  readonly reports: readonly ReportRecord[]
  readonly taken: readonly TakenRecord[]
  readonly counts: readonly CountRecord[]
  readonly openInterests: readonly OpenInterestRecord[]
  readonly transactions: readonly TransactionRecord[]
  readonly final: {
    readonly policy: { readonly version: bigint; readonly words: readonly bigint[] }
    readonly accounts: readonly AccountRecord[]
  }
  /** The contracts themselves. */
  readonly deployed: DeployedRecord
}
