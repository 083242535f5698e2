/** Which calls of a contract of ours a transaction made: by itself, or through contracts of others. */
import type { Provider } from 'ethers'
import { ProverError } from '../errors.ts'

const WORD_BYTES = 32
/** No calldata is longer than these say. */
const LENGTH_BYTES = 4
const SELECTOR_BYTES = 4

type TracingProvider = Provider & { send?(method: string, params: unknown[]): Promise<unknown> }

type CallFrame = {
  /** CALL, or a way to run somebody's code in the place of somebody else. */
  readonly type?: string
  readonly to?: string
  readonly input?: string
  readonly error?: string
  readonly calls?: readonly CallFrame[]
}

/**
 * Calldata of successful calls of one kind, of any of these contracts, within a transaction, in order.
 *
 * Usually the transaction itself is the call. If somebody submitted through a contract of theirs, the node is asked for a
 * trace.
 *
 * @throws {@link SubmissionHiddenError} if the node cannot trace it
 */
export async function callsIn(
  provider: TracingProvider,
  contracts: readonly string[],
  transactionHash: string,
  isWanted: (calldata: string) => boolean,
): Promise<readonly string[]> {
  const ours = contracts.map((address) => address.toLowerCase())
  const transaction = await provider.getTransaction(transactionHash)
  if (ours.includes(transaction?.to?.toLowerCase() ?? '')) return [transaction?.data ?? '0x']
  const found = callsBelow(await traceOf(provider, transactionHash), ours, isWanted)
  if (found.length === 0) {
    throw new SubmissionHiddenError(transactionHash, new Error('the trace has no call of the registry'))
  }
  return found
}

/**
 * The same for whoever verifies what the calls say: where the node cannot trace, those that the transaction carries whole in its
 * calldata, as venues, wallets and batches of calls do. Nothing says that these were made.
 *
 * @throws {@link SubmissionHiddenError} if the node cannot trace it, and it carries none
 */
export async function callsToVerify(
  provider: TracingProvider,
  contracts: readonly string[],
  transactionHash: string,
  isWanted: (calldata: string) => boolean,
): Promise<readonly string[]> {
  try {
    return await callsIn(provider, contracts, transactionHash, isWanted)
  } catch (error) {
    if (!(error instanceof SubmissionHiddenError) || !(error.cause instanceof NotTracedError)) throw error
    const carried = callsCarried((await provider.getTransaction(transactionHash))?.data ?? '0x', isWanted)
    if (carried.length === 0) throw error
    return carried
  }
}

async function traceOf(provider: TracingProvider, transactionHash: string): Promise<CallFrame> {
  try {
    if (provider.send === undefined) throw new Error('this provider cannot trace')
    return (await provider.send('debug_traceTransaction', [transactionHash, { tracer: 'callTracer' }])) as CallFrame
  } catch (error) {
    throw new SubmissionHiddenError(transactionHash, new NotTracedError(error))
  }
}

/** Bytes of a length that stands before them, wherever they begin: what is packed, or within other calldata, is in no whole words. */
function callsCarried(calldata: string, isWanted: (calldata: string) => boolean): readonly string[] {
  const bytes = Buffer.from(calldata.slice(2), 'hex')
  const found: string[] = []
  for (let at = WORD_BYTES; at + SELECTOR_BYTES <= bytes.length; at++) {
    const length = bytes.readUInt32BE(at - LENGTH_BYTES)
    if (length < SELECTOR_BYTES || at + length > bytes.length) continue
    if (bytes.subarray(at - WORD_BYTES, at - LENGTH_BYTES).some((byte) => byte !== 0)) continue
    const carried = `0x${bytes.toString('hex', at, at + length)}`
    if (!isWanted(carried)) continue
    found.push(carried)
    at += length - 1
  }
  return found
}

function callsBelow(
  { type, to, input, error, calls = [] }: CallFrame,
  ours: readonly string[],
  isWanted: (calldata: string) => boolean,
): readonly string[] {
  if (error !== undefined) return []
  // A DELEGATECALL of our code moves what the caller holds, not what our contract does.
  const isOurs = type === 'CALL' && ours.includes(to?.toLowerCase() ?? '')
  const isCall = isOurs && input !== undefined && isWanted(input)
  return isCall ? [input] : calls.flatMap((call) => callsBelow(call, ours, isWanted))
}

/** A batch came through another contract, and the node cannot say with which calldata. */
export class SubmissionHiddenError extends ProverError {
  readonly code = 'registry.submission-hidden'
  readonly transactionHash: string

  constructor(transactionHash: string, cause: unknown) {
    super(
      `Transaction ${transactionHash} moved the registry through another contract, and the node cannot trace it. ` +
        'Use a node that offers debug_traceTransaction with the callTracer.',
      { cause },
    )
    this.transactionHash = transactionHash
  }
}

/** The node was asked for a trace, and did not give one. */
class NotTracedError extends Error {
  constructor(cause: unknown) {
    super('the node gave no trace', { cause })
  }
}
