/** What an audit finds, and how people read it. */
import type { ClaimResult } from '../registry/index.ts'

/** Claims about one model: its key and its verifier. */
export type ModelReport = {
  readonly modelId: string
  /** Name of the build; the id itself if no key for it is at hand. */
  readonly name: string
  readonly accepted: boolean
  readonly claims: readonly ClaimResult[]
}

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

/** 0 if everything holds, 1 otherwise. */
export function exitCodeOf(report: { readonly accepted: boolean }): 0 | 1 {
  return report.accepted ? 0 : 1
}

/** The report as JSON; bigints as decimal strings. */
export function auditToJson(report: { readonly accepted: boolean }): string {
  const decimal = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)
  return JSON.stringify(report, decimal, 2)
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

export function claimText({ claim, field, expected, found }: ClaimResult): string {
  const values = expected === undefined ? (found ?? '') : `expected ${expected}, found ${found}`
  return `claim ${claim}${field === undefined ? '' : ` at ${field}`}: ${values}`
}

export function verdictCells({ accepted, claims }: { accepted: boolean; claims: readonly ClaimResult[] }): string[] {
  const failed = claims.find(({ holds }) => !holds)
  const held = claims.filter(({ holds }) => holds).map(({ claim }) => claim)
  return [accepted ? 'accepted' : 'REJECTED', failed === undefined ? held.join(' ') : claimText(failed)]
}

export function alignColumns(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length - 1))
  const widths = Array.from({ length: columns }, (_, i) => Math.max(0, ...rows.map((row) => (row[i] ?? '').length)))
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function timeText(unixSeconds: bigint): string {
  return new Date(Number(unixSeconds) * 1000).toISOString().slice(0, 16).replace('T', ' ')
}
