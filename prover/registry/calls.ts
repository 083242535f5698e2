/** Which calls of a contract of ours a transaction made: by itself, or through contracts of others. */
import type { Provider } from 'ethers'
import { ProverError } from '../errors.ts'

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
  provider: Provider & { send?(method: string, params: unknown[]): Promise<unknown> },
  contracts: readonly string[],
  transactionHash: string,
  isWanted: (calldata: string) => boolean,
): Promise<readonly string[]> {
  const ours = contracts.map((address) => address.toLowerCase())
  const transaction = await provider.getTransaction(transactionHash)
  if (ours.includes(transaction?.to?.toLowerCase() ?? '')) return [transaction?.data ?? '0x']
  try {
    if (provider.send === undefined) throw new Error('this provider cannot trace')
    const trace = await provider.send('debug_traceTransaction', [transactionHash, { tracer: 'callTracer' }])
    const found = callsBelow(trace as CallFrame, ours, isWanted)
    if (found.length === 0) throw new Error('the trace has no call of the registry')
    return found
  } catch (error) {
    throw new SubmissionHiddenError(transactionHash, error)
  }
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
