/** What an endpoint's answer says: an answer, or that the endpoint cannot answer. */
import { type JsonRpcPayload, keccak256 } from 'ethers'
import type { RpcAnswer } from './channel.ts'

/** `unsupported`: another endpoint may know the method. */
export type Judgement =
  | { readonly kind: 'answer' | 'unsupported' }
  | { readonly kind: 'fault'; readonly reason: string; readonly isBusy: boolean }

const ANSWER: Judgement = { kind: 'answer' }

/** Methods whose answer is a number, or bytes. */
const QUANTITIES: ReadonlySet<string> = new Set([
  'eth_blockNumber',
  'eth_chainId',
  'eth_estimateGas',
  'eth_gasPrice',
  'eth_getBalance',
  'eth_getTransactionCount',
  'eth_maxPriorityFeePerGas',
])
const BYTES: ReadonlySet<string> = new Set(['eth_call', 'eth_getCode', 'eth_getStorageAt'])

/** Codes of JSON-RPC and of EIP-1474. */
const UNSUPPORTED_CODES: readonly unknown[] = [-32601, -32004]
const REVERTED = 3
const FAULT_CODES: readonly unknown[] = [-32700, -32603, -32002]
const LIMIT_EXCEEDED = -32005

/** What nodes say of a transaction or of what it ran into; never the endpoint's fault. */
const OF_TRANSACTION =
  /revert|opcode|out of gas|stack|nonce|underpriced|insufficient|funds|base ?fee|fee cap|max fee|gas|already|known|imported/i

/** What nodes and their gateways say when they cannot answer now. */
const OF_ENDPOINT =
  /rate.?limit|too many|limit exceeded|capacity|throttl|time(d)?.?out|temporar|unavailable|overload|header not found|missing trie|unknown block|block not found|not synced|syncing|internal/i

export function judge({ method, params }: JsonRpcPayload, answer: RpcAnswer): Judgement {
  if ('result' in answer) {
    if (isPlausible(method, params, answer.result)) return ANSWER
    return { kind: 'fault', reason: 'what it answered makes no sense', isBusy: false }
  }
  const { code, message, data } = answer.error as { code?: unknown; message?: unknown; data?: unknown }
  const text = typeof message === 'string' ? message : ''
  if (UNSUPPORTED_CODES.includes(code) || /method.*(not (found|supported)|does not exist)/i.test(text))
    return { kind: 'unsupported' }
  const isLimited = code === LIMIT_EXCEEDED || /rate.?limit|too many req/i.test(text)
  if (!isLimited && (code === REVERTED || data !== undefined || OF_TRANSACTION.test(text))) return ANSWER
  if (isLimited) return { kind: 'fault', reason: reasonIn(text), isBusy: true }
  if (FAULT_CODES.includes(code) || OF_ENDPOINT.test(text))
    return { kind: 'fault', reason: reasonIn(text), isBusy: false }
  return ANSWER
}

/** Whether asking again changes nothing: everything that Ethereum's nodes have in common, but for accounts of the node's own. */
export const mayAskAgain = (method: string): boolean =>
  /^(eth|net|web3|debug|txpool)_/.test(method) && method !== 'eth_sendTransaction'

/** Whether a node says that it holds this very transaction already. */
export const saysKnown = (text: string): boolean =>
  /already known|known transaction|already imported|already exists|already in (the )?(mem|tx)?pool/i.test(text)

function isPlausible(method: string, params: JsonRpcPayload['params'], result: unknown): boolean {
  if (QUANTITIES.has(method)) return typeof result === 'string' && /^0x[0-9a-fA-F]+$/.test(result)
  if (BYTES.has(method)) return typeof result === 'string' && /^0x([0-9a-fA-F]{2})*$/.test(result)
  if (method === 'eth_getLogs') return Array.isArray(result)
  if (
    method === 'eth_getTransactionReceipt' ||
    method === 'eth_getTransactionByHash' ||
    method.startsWith('eth_getBlockBy')
  )
    return result === null || (typeof result === 'object' && !Array.isArray(result))
  if (method === 'eth_sendRawTransaction') return result === keccak256((params as readonly string[])[0] ?? '0x')
  return true
}

/** Without addresses, which often hold keys. */
const reasonIn = (text: string): string => {
  const short = text.replace(/\b(https?|wss?):\/\/([^\s/"]+)[^\s"]*/g, '$1://$2').slice(0, 120)
  return short === '' ? 'it answered with an error' : `it answered "${short}"`
}
