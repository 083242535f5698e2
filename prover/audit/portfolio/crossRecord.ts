/** Everything a chain says about one registry of margins over several markets: what its auditor judges. */
import type { DeployedRecord } from '../deployed/record.ts'
import type { ModelRecord } from '../modelRecord.ts'
import type { Place } from '../nodeReads.ts'
import type { ArrayEvent, MarketHistory, PortfolioRecord, TransactionRecord, OfAccount, OfBatch } from './record.ts'

/** One of its markets, with the transactions that landed arrays. */
export type CrossMarketRecord = MarketHistory & {
  /** Contract of the arrays, and of the policy. */
  readonly arrays: string
  readonly marketId: string
  /** Where rounds come from at the last block. */
  readonly source: string
  /** In force at the last block. */
  readonly policy: PortfolioRecord['final']['policy']
  readonly transactions: readonly TransactionRecord<ArrayEvent>[]
}

export type CrossPolicyWords = { readonly words: readonly bigint[]; readonly maxRoundsApartSeconds: bigint }
export type CrossPolicyRecord = Place & CrossPolicyWords

/** What the venue reported of an account, by market and collateral once. */
export type CrossReportRecord = Place & {
  readonly account: string
  readonly sequence: bigint
  readonly positions: readonly (readonly bigint[])[]
  readonly holdings: readonly bigint[]
  readonly collateralAmounts: readonly bigint[]
}

export type CrossMarginEvent = OfAccount & { readonly name: 'CrossMarginProven'; readonly margins: bigint }
export type CrossSkippedEvent = OfAccount & { readonly name: 'CrossMarginSkipped' }
export type CrossBatchEvent = OfBatch & { readonly name: 'CrossMarginsAccepted' }
export type CrossEvent = CrossMarginEvent | CrossSkippedEvent | CrossBatchEvent

/** Where an account stands at the last block; margins are null if none were proven. */
export type CrossAccountRecord = {
  readonly account: string
  readonly sequence: bigint
  readonly bookHash: string
  readonly margin: {
    readonly asOf: bigint
    readonly sequence: bigint
    readonly initialE8: bigint
    readonly maintenanceE8: bigint
    readonly worstScenarios: bigint
  } | null
}

export type CrossRecord = {
  readonly context: Pick<
    PortfolioRecord['context'],
    'chainId' | 'registry' | 'modelRegistry' | 'emptyState' | 'fromBlock' | 'toBlock' | 'toBlockHash'
  >
  readonly models: readonly ModelRecord[]
  /** In the registry's order: the first one's rounds and policy say what collateral is. */
  readonly markets: readonly CrossMarketRecord[]
  readonly crossPolicies: readonly CrossPolicyRecord[]
  readonly reports: readonly CrossReportRecord[]
  readonly transactions: readonly TransactionRecord<CrossEvent>[]
  readonly final: { readonly crossPolicy: CrossPolicyWords; readonly accounts: readonly CrossAccountRecord[] }
  readonly deployed: DeployedRecord
}
