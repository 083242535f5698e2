/** What a contract reverted with, by name and arguments. */
import { type ErrorDescription, isError } from 'ethers'
import { ProverError } from '../errors.ts'
import { type ContractName, interfaceOf } from './artifacts.ts'
import { EndpointError } from './endpoints/channel.ts'
import { revertAdvice } from './revertAdvice.ts'

/** A registry call may end in its own errors or in those of what it calls. */
const contracts: readonly ContractName[] = [
  'RiskRegistry',
  'PortfolioRegistry',
  'CrossMarginRegistry',
  'RiskArrays',
  'OpenInterest',
  'ModelRegistry',
  'IObservationSource',
  'AttestedFeed',
  'AttestedRounds',
  'ScaledFeed',
  'ScaledRounds',
  'RiskCouncil',
  'OptionsVenue',
  'VenueOrders',
  'HedgingAgent',
]

/** Bytes a call reverted with; libraries and nodes put them under a `data` key at different depths. */
export function revertDataOf(error: unknown, depth = 0): string | undefined {
  if (typeof error !== 'object' || error === null || depth > 8) return undefined
  const { data, error: inner, info, cause } = error as Record<string, unknown>
  if (typeof data === 'string' && /^0x[0-9a-fA-F]*$/.test(data)) return data
  return [data, inner, info, cause].map((next) => revertDataOf(next, depth + 1)).find((found) => found !== undefined)
}

/**
 * Turns whatever a call threw into a typed error.
 *
 * @returns a {@link ContractRevertError} for a revert, a {@link RpcError} for everything else that is not ours already
 */
export function typedCallError(error: unknown, doing: string): ProverError {
  if (error instanceof EndpointError) return new RpcError(doing, error)
  if (error instanceof ProverError) return error
  const data = revertDataOf(error)
  if (data !== undefined) return revertError(data, doing, error)
  if (isOfFunds(error)) return new InsufficientFundsError(doing, error)
  const { code } = error as { code?: unknown }
  if (code === 'CALL_EXCEPTION') return new ContractRevertError(doing, 'unknown', {}, error)
  return new RpcError(doing, error)
}

/** What the node itself said, below what a library made of it. */
export function nodesWords(error: unknown): string {
  const { info } = (error ?? {}) as { info?: { error?: { message?: unknown } } }
  return `${String(info?.error?.message ?? '')} ${error instanceof Error ? error.message : String(error)}`
}

const isOfFunds = (error: unknown): boolean =>
  isError(error, 'INSUFFICIENT_FUNDS') || /insufficient (funds|balance)|enough funds/i.test(nodesWords(error))

/** Asks the chain. @throws {@link RpcError} or {@link ContractRevertError} for whatever the action throws */
export async function ask<Result>(doing: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action()
  } catch (error) {
    throw typedCallError(error, doing)
  }
}

function revertError(data: string, doing: string, cause: unknown): ContractRevertError {
  for (const contract of contracts) {
    const parsed = parse(contract, data)
    if (parsed !== null) return new ContractRevertError(doing, parsed.name, argumentsOf(parsed), cause)
  }
  return new ContractRevertError(doing, data === '0x' ? NO_REASON : data.slice(0, 10), {}, cause)
}

function parse(contract: ContractName, data: string): ErrorDescription | null {
  try {
    return interfaceOf(contract).parseError(data)
  } catch {
    return null
  }
}

function argumentsOf({ fragment, args }: ErrorDescription): Readonly<Record<string, unknown>> {
  return Object.fromEntries(fragment.inputs.map(({ name }, i) => [name === '' ? `${i}` : name, args[i]]))
}

/** What a contract says that says nothing, and what to do about it. */
const NO_REASON = 'no reason'
const NO_REASON_ADVICE =
  'A contract without such a function refuses so: check that its address is that of the contract that is meant.'

/** A contract refused a call. */
export class ContractRevertError extends ProverError {
  readonly code = 'registry.reverted'
  /** Name of the contract's custom error, or the selector of an unknown one. */
  readonly reason: string
  /** Arguments of the custom error by name. */
  readonly arguments: Readonly<Record<string, unknown>>

  constructor(doing: string, reason: string, args: Readonly<Record<string, unknown>>, cause: unknown) {
    const listed = Object.entries(args).map(([name, value]) => `${name} ${String(value)}`)
    const isSaid = reason !== NO_REASON
    const refused = isSaid ? `${reason}(${listed.join(', ')})` : reason
    const advice = isSaid ? (revertAdvice[reason] ?? '') : NO_REASON_ADVICE
    super(`${doing}: refused with ${refused}. ${advice}`.trim(), { cause })
    this.reason = reason
    this.arguments = args
  }
}

/** Why a library failed, without the paths of addresses: they often hold keys. */
function reasonOf(cause: unknown): string {
  const { shortMessage } = (cause ?? {}) as { shortMessage?: string }
  const reason = shortMessage ?? (cause instanceof Error ? cause.message : String(cause))
  return reason.replace(/\b(https?|wss?):\/\/([^\s/"]+)[^\s"]*/g, '$1://$2').slice(0, 300)
}

/** The node did not answer, or not sensibly. */
export class RpcError extends ProverError {
  readonly code = 'registry.rpc'
  readonly doing: string

  constructor(doing: string, cause: unknown) {
    super(`${doing}: the node did not answer as it should (${reasonOf(cause)}). Check the RPC address and try again.`, {
      cause,
    })
    this.doing = doing
  }
}

/** Whoever pays does not have what the transaction may cost. */
export class InsufficientFundsError extends ProverError {
  readonly code = 'registry.insufficient-funds'
  readonly doing: string

  constructor(doing: string, cause: unknown) {
    super(`${doing}: the account that pays does not have what the transaction may cost. Send it coins of this chain.`, {
      cause,
    })
    this.doing = doing
  }
}
