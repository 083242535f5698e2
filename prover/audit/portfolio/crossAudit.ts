/** An audit of margins over several markets: every proven margin of a registry derived again from chain data alone. */
import { Contract, type Provider } from 'ethers'
import { ask, ContractRevertError } from '../../registry/contractErrors.ts'
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

/** Whether the contract at an address is a registry of margins over several markets: only that kind has arrays of several. */
export async function isCrossRegistry(provider: Provider, registry: string): Promise<boolean> {
  const contract = new Contract(registry, ['function marketArrays() view returns (address[])'], provider)
  try {
    await ask('Asking what the registry is', () => contract.getFunction('marketArrays')())
    return true
  } catch (error) {
    if (error instanceof ContractRevertError) return false
    throw error
  }
}
