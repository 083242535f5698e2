/** What audits of both kinds say alike: of models, of claims, in columns. */
import type { ClaimResult } from '../registry/index.ts'
import { claimName } from './claimTitles.ts'

/** Claims about one model: its key and its verifier. */
export type ModelReport = {
  readonly modelId: string
  /** Name of the build; the id itself if no key for it is at hand. */
  readonly name: string
  readonly accepted: boolean
  readonly claims: readonly ClaimResult[]
}

/**
 * 0 if everything holds, 1 otherwise.
 *
 * @example
 * exitCodeOf({ accepted: false }) // → 1
 */
export function exitCodeOf(report: { readonly accepted: boolean }): 0 | 1 {
  return report.accepted ? 0 : 1
}

/**
 * The report as JSON; bigints as decimal strings.
 *
 * @example
 * JSON.parse(auditToJson(await auditOffline('audit.json'))).accepted // → true
 */
export function auditToJson(report: { readonly accepted: boolean }): string {
  const decimal = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)
  return JSON.stringify(report, decimal, 2)
}

export function claimText({ claim, field, expected, found }: ClaimResult): string {
  const values = expected === undefined ? (found ?? '') : `expected ${expected}, found ${found}`
  return `claim ${claimName(claim)}${field === undefined ? '' : ` at ${field}`}: ${values}`
}

export function verdictCells({ accepted, claims }: { accepted: boolean; claims: readonly ClaimResult[] }): string[] {
  const failed = claims.find(({ holds }) => !holds)
  const held = claims.filter(({ holds }) => holds).map(({ claim }) => claimName(claim))
  return [accepted ? 'accepted' : 'REJECTED', failed === undefined ? held.join(', ') : claimText(failed)]
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
