/** What a contract reverted with, by name and arguments. */
import { type ErrorDescription, isError } from 'ethers'
import { ProverError } from '../errors.ts'
import { type ContractName, interfaceOf } from './artifacts.ts'
import { EndpointError } from './endpoints/channel.ts'

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

/** What a contract says that says nothing. */
const NO_REASON = 'no reason'

/** What to do about the errors people meet; the others are for developers. */
const advice: Readonly<Record<string, string>> = {
  ObservationStale: 'Take in newer observations, or drain the backlog with the catch-up model.',
  ObservationInFuture: 'Wait until the chain has caught up with the observation.',
  StateMismatch: 'Another batch has moved this market since: make the batch again.',
  NothingToApply: 'All its markets have been moved since: make the batch again.',
  SequenceAhead: 'Land the batch before this one first, or make it again.',
  InboxMismatch: 'The observations are not the next ones of the inbox: make the batch again.',
  ModelNotActive: 'Use a model that the model registry lists as active.',
  ModelOfAnotherLayout: 'Use a model whose proofs are about what is submitted.',
  LayoutUnknown: 'Have the council register the layout, or use the version of this software that the registry knows.',
  ProofRejected: 'The proof is for another chain, registry, model, sequence or policy: make the batch again.',
  FirstPhaseDiffers:
    'Have the council register models of books and margins whose keys come from the same powers of tau, and use those.',
  RoundUnknown: 'The round was not published with these words: take the one that was.',
  [NO_REASON]:
    'A contract without such a function refuses so: check that its address is that of the contract that is meant.',
  RoundStale: 'Prove a newer round.',
  RoundOvertaken: 'Prove the newest round: a newer one has been published for longer than this one may lag behind.',
  RoundPricesApart: 'Wait for a round whose spot, perpetual and forwards are near each other.',
  AccountChanged: 'Prove the last report: the account may be better off by more than it was short of.',
  ReportUnknown: 'Name a report that the venue has made.',
  PositionExpired: 'Settle what has expired: report its payoff in cash, and the option no more.',
  PositionTooLong: 'List options that expire within 776 days.',
  ArrayUnknown: 'Submit the arrays of this round under the policy in force first.',
  BookMismatch: 'The account holds something else by now: prove its last report.',
  MarginNotNewer: 'These margins, or later ones, are in force already, and no count needs them.',
  CountUnderWay: 'Prove the accounts that the count under way still needs; another is opened once it is complete.',
  CountNotLater: 'Open a count of a round later than the last one’s.',
  OpenInterestNotComplete: 'Open a count, and prove every account with positions of its round.',
  OpenInterestStale: 'Wait for the count of a newer round, or open one.',
  MarginStale: 'Wait for the margins of a newer round.',
  MarginOfOtherPositions: 'Wait for the margins of the positions last reported.',
  ThresholdsNotProven: 'Wait for margins with thresholds, or prove them: the last ones were proven alone.',
  MarketBoundToAnotherModel: 'Prove the market with a model of the family that the council has bound it to.',
  UnknownMarket: 'Add the market, or name one the registry has.',
  AccessManagedUnauthorized: 'Only the council may do this.',
  AccessManagerNotScheduled: 'Schedule the call with the council first, and execute it after its delay.',
  AccessManagerNotReady: 'Execute the call when the council’s delay is over.',
  NoActiveModel: 'Have the council register a model of this volatility family first.',
  ShadowUnproven: 'Prove the shadow through more predictions first.',
  ShadowStale: 'Prove the shadow up to its market’s newest observation first.',
  ScoresNotComparable:
    'Prove both shadows up to the same observation; if they began at different ones, add them anew together.',
  ScoreNotBetter: 'The model in force has the better score: leave the market with it.',
  PromotionMovesMargin: 'Wait until margins are closer, or have the council set another greatest step.',
  ShadowPolicyDiffers: 'Set the shadow’s policy to its market’s, but for what its model alone reads.',
  ShadowNotInForce: 'Read the market’s own parameters.',
}

/** A contract refused a call. */
export class ContractRevertError extends ProverError {
  readonly code = 'registry.reverted'
  /** Name of the contract's custom error, or the selector of an unknown one. */
  readonly reason: string
  /** Arguments of the custom error by name. */
  readonly arguments: Readonly<Record<string, unknown>>

  constructor(doing: string, reason: string, args: Readonly<Record<string, unknown>>, cause: unknown) {
    const listed = Object.entries(args).map(([name, value]) => `${name} ${String(value)}`)
    const refused = reason === NO_REASON ? '' : `(${listed.join(', ')})`
    super(`${doing}: refused with ${reason}${refused}. ${advice[reason] ?? ''}`.trim(), { cause })
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
