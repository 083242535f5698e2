/** What an audit of markets finds, and how people read it. */
import type { ClaimResult } from '../../registry/index.ts'
import { alignColumns, claimText, type ModelReport, timeText, verdictCells } from '../report.ts'

/** Claims about one batch; each claim id once, in the order they were checked. */
export type BatchReport = {
  /** From 1, in the order of the chain. */
  readonly number: number
  readonly block: number
  readonly transactionHash: string
  readonly model: string
  readonly markets: readonly string[]
  /** Time of the newest observation. */
  readonly asOf: bigint
  readonly observations: number
  readonly accepted: boolean
  readonly claims: readonly ClaimResult[]
}

/** Claims about one market at the record's last block. */
export type MarketReport = {
  readonly name: string
  readonly sequence: bigint
  /** Observations that no batch has consumed yet. */
  readonly waiting: number
  readonly accepted: boolean
  readonly claims: readonly ClaimResult[]
}

export type AuditReport = {
  readonly accepted: boolean
  readonly chainId: bigint
  readonly registry: string
  readonly fromBlock: number
  readonly toBlock: number
  /** Whether keys, registry and chain were pinned from outside. A bundle that pins itself proves consistency only. */
  readonly pinned: boolean
  readonly models: readonly ModelReport[]
  readonly batches: readonly BatchReport[]
  readonly markets: readonly MarketReport[]
  /** The first claim that does not hold, and of what. */
  readonly failure?: { readonly of: string; readonly claim: ClaimResult }
}

/** The report as a plain table: one line per model, batch and market, then the verdict. */
export function formatAudit(report: AuditReport): string {
  const { models, batches, markets } = report
  const rows = [
    ...models.map((model) => [`model ${model.name}`, '', '', ...verdictCells(model)]),
    ...batches.map((batch) => [
      `batch ${batch.number}`,
      `block ${batch.block}`,
      `${batch.markets.join(' ')} at ${timeText(batch.asOf)}`,
      ...verdictCells(batch),
    ]),
    ...markets.map((market) => [
      `market ${market.name}`,
      `moved ${market.sequence} times`,
      `${market.waiting} waiting`,
      ...verdictCells(market),
    ]),
  ]
  return `${alignColumns(rows)}\n${verdictText(report)}\n`
}

function verdictText(report: AuditReport): string {
  const { batches, chainId, registry, fromBlock, toBlock, failure } = report
  const place = `Registry ${registry} on chain ${chainId}, blocks ${fromBlock} to ${toBlock}`
  const count = batches.filter(({ accepted }) => accepted).length
  const pins = report.pinned
    ? ''
    : '\nNothing was pinned from outside: this shows only that the record agrees with itself.'
  if (failure === undefined) return `${place}: ACCEPTED, ${count} of ${batches.length} batches.${pins}`
  return `${place}: REJECTED, ${count} of ${batches.length} batches accepted.\nFirst failure: ${failure.of}, ${claimText(failure.claim)}${pins}`
}
