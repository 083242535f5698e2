/** The registry's `submit`, to and from its calldata. */
import { AbiCoder, keccak256, type Provider, solidityPackedKeccak256 } from 'ethers'
import { marketStateWords, sizeOf } from '../../../circuits/statements/index.ts'
import type { MarketState, Observation } from '../../parameters/marketRisk.ts'
import { encodeProofCalldata } from '../../proof/index.ts'
import { marketIdOf } from '../../market/marketId.ts'
import { packObservations } from '../../statement/marketRisk.ts'
import { asPrevious, packState, type PreviousWords, type StateWords } from '../../statement/marketState.ts'
import { pack, unpackElements } from '../../statement/words.ts'
import { interfaceOf } from '../artifacts.ts'
import { callsIn } from '../calls.ts'
import { type Bundle, buildOf, type InboxPosition, proofPointsOf } from './bundle.ts'

/** One market of a submitted batch: words as the contract takes them. */
export type UpdateCall = PreviousWords &
  StateWords & {
    readonly marketId: string
    readonly inboxHead: string
    readonly inboxCount: bigint
    readonly source: string
    readonly observationCount: bigint
    readonly sequence: bigint
    readonly parameters: bigint
  }

/** Arguments of `RiskRegistry.submit`. */
export type SubmitCall = {
  readonly modelId: string
  readonly commitment: bigint
  readonly proof: readonly bigint[]
  readonly updates: readonly UpdateCall[]
  readonly observationWords: readonly bigint[]
}

/** The call that submits a bundle. */
export function submitCallOf(bundle: Bundle): SubmitCall {
  const build = buildOf(bundle.context.build)
  return {
    modelId: bundle.context.modelId,
    commitment: bundle.commitment,
    proof: encodeProofCalldata(proofPointsOf(bundle)),
    updates: bundle.markets.map(({ name, sequence, inbox, previous, observations, state, parameters }) => ({
      marketId: marketIdOf(name),
      ...asPrevious(packState(previous)),
      inboxHead: inbox.head,
      inboxCount: inbox.count,
      source: inbox.source,
      observationCount: BigInt(observations.length),
      sequence,
      ...packState(state),
      parameters: pack('parameters', parameters),
    })),
    observationWords: bundle.markets.flatMap(({ observations }) =>
      packObservations(observations, sizeOf(build, 'observations')),
    ),
  }
}

/** Calldata of a call. */
export function encodeSubmit({ modelId, commitment, proof, updates, observationWords }: SubmitCall): string {
  const args = [modelId, commitment, proof, updates, observationWords]
  return interfaceOf('RiskRegistry').encodeFunctionData('submit', args)
}

/**
 * The call whose calldata this is.
 *
 * @returns undefined if it is no call of `submit`
 */
export function decodeSubmit(calldata: string): SubmitCall | undefined {
  const registry = interfaceOf('RiskRegistry')
  if (!calldata.startsWith(registry.getFunction('submit')?.selector ?? '')) return undefined
  try {
    const [modelId, commitment, proof, updates, observationWords] = registry.decodeFunctionData('submit', calldata)
    return {
      modelId,
      commitment,
      proof: [...proof],
      updates: updates.map((update: { toObject(): UpdateCall }) => update.toObject()),
      observationWords: [...observationWords],
    }
  } catch {
    return undefined
  }
}

/**
 * Observations in a market's words, oldest first.
 *
 * @param words - shape [⌈slots / 2⌉]
 * @throws {@link WordOutOfRangeError} if a bit outside the slots is set
 */
export const unpackObservations = (words: readonly bigint[], slots: number, count: number): readonly Observation[] =>
  unpackElements('observation', words, slots).slice(slots - count)

/**
 * What the registry stores of a market: the hash of its states, of its place in the inbox, and of the volatility model that it
 * is bound to.
 *
 * @param volatilityModel - id of the family, see circuits/statements/index.ts
 */
export function stateHashOf(state: MarketState, inbox: InboxPosition, volatilityModel: number): string {
  return stateHashOfWords(packState(state), inbox, volatilityModel)
}

export function stateHashOfWords(state: StateWords, inbox: InboxPosition, volatilityModel: number): string {
  const types = [...marketStateWords.map(() => 'uint256'), 'bytes32', 'uint256', 'address', 'uint256']
  const words = marketStateWords.map((word) => state[word])
  const values = [...words, inbox.head, inbox.count, inbox.source, volatilityModel]
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, values))
}

/** An inbox's head after more observation words. */
export function extendHead(head: string, words: readonly bigint[]): string {
  return words.reduce((last, word) => solidityPackedKeccak256(['bytes32', 'uint256'], [last, word]), head)
}

/** An inbox position after more observations. */
export function advanceInbox(inbox: InboxPosition, observations: readonly Observation[]): InboxPosition {
  const words = observations.map((observation) => pack('observation', observation))
  return { ...inbox, head: extendHead(inbox.head, words), count: inbox.count + BigInt(words.length) }
}

/** Calldata of the registry's successful `submit` calls within a transaction; see {@link callsIn}. */
export const submissionsIn = (provider: Provider, registry: string, transactionHash: string) =>
  callsIn(provider, [registry], transactionHash, (calldata) => decodeSubmit(calldata) !== undefined)
