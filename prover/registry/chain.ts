/** Connections to a chain that fail at once and say why, and event logs in pieces that nodes accept. */
import { type Filter, JsonRpcProvider, type Log, Network, type Provider } from 'ethers'
import { ProverError } from '../errors.ts'
import { RpcError } from './contractErrors.ts'

const TIMEOUT_MS = 10_000
const POLLING_MS = 250
/** Blocks per query of logs; most public nodes allow this many. */
const LOG_BLOCKS = 10_000

/**
 * Connects to a node.
 *
 * @param expectedChainId - refuses any other chain
 * @throws {@link RpcUnreachableError} if nothing sensible answers within ten seconds
 * @throws {@link WrongChainError} if the node serves another chain
 * @example
 * const provider = await connectProvider('http://127.0.0.1:8545', 31337n)
 * (await provider.getNetwork()).chainId // → 31337n
 * provider.destroy()
 */
export async function connectProvider(rpcUrl: string, expectedChainId?: bigint): Promise<JsonRpcProvider> {
  const chainId = await askChainId(rpcUrl)
  checkChainId(expectedChainId, chainId)
  const network = Network.from(chainId)
  // Without a fixed network ethers would retry for ever when the node goes away.
  const provider = new JsonRpcProvider(rpcUrl, network, { staticNetwork: network, batchMaxCount: 1, cacheTimeout: -1 })
  provider.pollingInterval = POLLING_MS
  return provider
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

async function askChainId(rpcUrl: string): Promise<bigint> {
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const { result } = (await response.json()) as { result: string }
    return BigInt(result)
  } catch (error) {
    throw new RpcUnreachableError(originOf(rpcUrl), error)
  }
}

/** Paths and queries of RPC addresses often hold keys. */
function originOf(rpcUrl: string): string {
  return URL.canParse(rpcUrl) ? new URL(rpcUrl).origin : 'the given address'
}

/** No node answers at the RPC address. */
export class RpcUnreachableError extends ProverError {
  readonly code = 'registry.rpc-unreachable'
  readonly origin: string

  constructor(origin: string, cause: unknown) {
    super(`No Ethereum node answers at ${origin}. Start it, or correct the RPC address.`, { cause })
    this.origin = origin
  }
}

/** The node serves another chain than the one meant. */
export class WrongChainError extends ProverError {
  readonly code = 'registry.wrong-chain'
  readonly expected: bigint
  readonly found: bigint

  constructor(expected: bigint, found: bigint) {
    super(`Expected chain ${expected}, but the node serves chain ${found}. Use an RPC address of chain ${expected}.`)
    this.expected = expected
    this.found = found
  }
}
