/** `zkrisk audit`: a registry's whole history, judged from chain data alone. */
import { AlarmWatch } from '../../registry/market/alarmWatch.ts'
import type { ChainRecord } from './chainRecord.ts'
import { collectRecord } from './collect.ts'
import { judge } from './judge.ts'
import { type AuditOptions, readAndJudge } from '../target.ts'
import type { AuditReport } from './report.ts'

/** A verdict and what it rests on; the record can be written as an audit bundle. */
export type Audit = { readonly report: AuditReport; readonly record: ChainRecord }

/**
 * Reads a registry's history from a node and judges it.
 *
 * @throws {@link RpcUnreachableError}, {@link WrongChainError}, {@link RpcError} if the node does not answer or is another's
 * @throws {@link RegistryMissingError} if there is no contract at the address
 * @throws {@link HistoryIncompleteError} if `fromBlock` lies after the deployment. A false history does not throw; it is
 * reported
 * @example
 * const { addresses, block } = await readDeployment('deployment.json')
 * const keys = await marketAuditKeys()
 * const { report } = await audit({
 *   rpcUrl: 'http://127.0.0.1:8545',
 *   registry: addresses.registry,
 *   fromBlock: block,
 *   expectedChainId: 31337n,
 *   keys,
 * })
 * report.accepted // → true
 */
export async function audit(options: AuditOptions): Promise<Audit> {
  const { report, record, asked } = await readAndJudge(options, collectRecord, judge)
  const alarms = await new AlarmWatch(asked).look(record.context.toBlock)
  return { report: { ...report, alarms }, record }
}
