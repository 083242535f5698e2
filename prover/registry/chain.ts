/** Connections to a chain that fail at once and say why, and event logs in pieces that nodes accept. */
import {
  type Filter,
  type JsonRpcPayload,
  JsonRpcProvider,
  type JsonRpcResult,
  type Log,
  Network,
  type Provider,
} from 'ethers'
import { RpcError } from './contractErrors.ts'
import { Endpoints, type EndpointsOptions, WrongChainError } from './endpoints/endpoints.ts'

const POLLING_MS = 250
/** Blocks per query of logs; most public nodes allow this many. */
const LOG_BLOCKS = 10_000

/** One address of a node, or several of nodes of one chain. */
export type RpcAddress = string | readonly string[]

/** Asks one of several endpoints, and another where that one fails. */
export class EndpointsProvider extends JsonRpcProvider {
  readonly endpoints: Endpoints

  constructor(endpoints: Endpoints) {
    const network = Network.from(endpoints.chainId)
    // Without a fixed network ethers would retry for ever when the node goes away.
    super(endpoints.inUse, network, { staticNetwork: network, batchMaxCount: 1, cacheTimeout: -1 })
    this.pollingInterval = POLLING_MS
    this.endpoints = endpoints
  }

  override async _send(payload: JsonRpcPayload | JsonRpcPayload[]): Promise<JsonRpcResult[]> {
    const answers = await Promise.all([payload].flat().map((each) => this.endpoints.ask(each)))
    // Errors among them are what ethers reads next, though its type does not say so.
    return answers as JsonRpcResult[]
  }

  override destroy(): void {
    this.endpoints.close()
    super.destroy()
  }
}

/**
 * Connects to a node, or to several of one chain: http, https, ws or wss. No call takes longer than ten seconds; where an
 * endpoint fails, serves another chain or falls behind, the next one is asked.
 *
 * @param expectedChainId - refuses any other chain
 * @throws {@link RpcUnreachableError} if nothing sensible answers within ten seconds
 * @throws {@link WrongChainError} if the node serves another chain
 * @example
 * const provider = await connectProvider('http://127.0.0.1:8545', 31337n)
 * (await provider.getNetwork()).chainId // → 31337n
 * provider.destroy()
 */
export async function connectProvider(
  rpc: RpcAddress,
  expectedChainId?: bigint,
  options?: EndpointsOptions,
): Promise<EndpointsProvider> {
  return new EndpointsProvider(await Endpoints.open([rpc].flat(), expectedChainId, options))
}

/** @throws {@link WrongChainError} if an expectation is given and not met */
export function checkChainId(expected: bigint | undefined, found: bigint): void {
  if (expected !== undefined && expected !== found) throw new WrongChainError(expected, found)
}

/** Logs of a block range, both ends included, oldest first. */
export async function logsBetween(
  provider: Provider,
  filter: Pick<Filter, 'address' | 'topics'>,
  fromBlock: number,
  toBlock: number,
): Promise<readonly Log[]> {
  const logs: Log[] = []
  for (let from = fromBlock; from <= toBlock; from += LOG_BLOCKS) {
    logs.push(...(await queryLogs(provider, filter, from, Math.min(from + LOG_BLOCKS - 1, toBlock))))
  }
  return logs
}

/** The newest log of a block range, both ends included; searched from the end. */
export async function newestLog(
  provider: Provider,
  filter: Pick<Filter, 'address' | 'topics'>,
  fromBlock: number,
  toBlock: number,
): Promise<Log | undefined> {
  for (let to = toBlock; to >= fromBlock; to -= LOG_BLOCKS) {
    const newest = (await queryLogs(provider, filter, Math.max(fromBlock, to - LOG_BLOCKS + 1), to)).at(-1)
    if (newest !== undefined) return newest
  }
  return undefined
}

async function queryLogs(
  provider: Provider,
  filter: Pick<Filter, 'address' | 'topics'>,
  fromBlock: number,
  toBlock: number,
): Promise<readonly Log[]> {
  try {
    return await provider.getLogs({ ...filter, fromBlock, toBlock })
  } catch (error) {
    throw new RpcError(`Reading events of blocks ${fromBlock} to ${toBlock}`, error)
  }
}
