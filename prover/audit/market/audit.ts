/** `zkrisk audit`: a registry's whole history, judged from chain data alone. */
import { getAddress } from 'ethers'
import { AlarmWatch } from '../../registry/market/alarmWatch.ts'
import type { ChainRecord } from './chainRecord.ts'
import { collectRecord } from './collect.ts'
import { judge } from './judge.ts'
import { pinsOfKeys } from '../models.ts'
import { type AuditOptions, connectTo } from '../target.ts'
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
  const { provider, chainId } = await connectTo(options)
  const registry = getAddress(options.registry)
  const { keys, fromBlock = 0, toBlock, onProgress } = options
  const record = await collectRecord({
    provider,
    chainId,
    registry,
    fromBlock,
    ...(toBlock === undefined ? {} : { toBlock }),
    keys,
    onProgress: (done, total) => onProgress?.('reading', done, total),
  })
  const pins = { ...options.pins, ...pinsOfKeys(keys), chainId, registry }
  const judged = await judge(record, pins, (done, total) => onProgress?.('verifying', done, total))
  const alarms = await new AlarmWatch({ provider, registry, fromBlock }).look(record.context.toBlock)
  return { report: { ...judged, alarms }, record }
}
