/** An audit of margins over several markets: every proven margin of a registry derived again from chain data alone. */
import type { Provider } from 'ethers'
import { refusesAs } from '../registryKind.ts'
import { type AuditOptions, readAndJudge } from '../target.ts'
import { collectCrossRecord } from './crossCollect.ts'
import { judgeCross } from './crossJudge.ts'
import type { CrossRecord } from './crossRecord.ts'
import type { CrossAuditReport } from './crossReport.ts'

/** A verdict and what it rests on. */
export type CrossAudit = { readonly report: CrossAuditReport; readonly record: CrossRecord }

/**
 * Reads the history of a registry of margins over several markets from a node and judges it.
 *
 * @throws as {@link auditPortfolio} does
 */
export async function auditCross(options: AuditOptions): Promise<CrossAudit> {
  const { report, record } = await readAndJudge(options, collectCrossRecord, judgeCross)
  return { report, record }
}

/** Whether the contract at an address is a registry of margins over several markets: only that kind refuses the margin of nobody so. */
export async function isCrossRegistry(provider: Provider, registry: string): Promise<boolean> {
  return refusesAs(provider, registry, 'cross')
}
