/** Attested observations: signed by a feed's signers (EIP-712), carried by anybody. */
import {
  Contract,
  type ContractTransactionReceipt,
  type Signer,
  type TypedDataDomain,
  type TypedDataField,
} from 'ethers'
import { ProverError } from '../../errors.ts'
import type { Observation } from '../../parameters/marketRisk.ts'
import { interfaceOf } from '../artifacts.ts'
import { type Attestation, attest } from '../attestation.ts'
import { typedCallError } from '../contractErrors.ts'

/** What a signer attests. */
export type AttestedObservation = Observation & {
  readonly marketId: string
  /** Half-width of the price's confidence interval. */
  readonly confidenceE8: bigint
  /** Last second at which it may be appended. */
  readonly deadline: bigint
}

/** An observation with as many signatures as its feed wants. */
export type SignedObservation = {
  readonly observation: AttestedObservation
  readonly signatures: readonly Attestation[]
}

/** The EIP-712 type, as `AttestedFeed.sol` hashes it. */
export const observationTypes: Record<string, TypedDataField[]> = {
  Observation: [
    { name: 'marketId', type: 'bytes32' },
    { name: 'priceE8', type: 'uint256' },
    { name: 'confidenceE8', type: 'uint256' },
    { name: 'asOf', type: 'uint256' },
    { name: 'impliedVolatilityX16', type: 'uint256' },
    { name: 'rangeCode', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
}

/**
 * EIP-712 domain of one feed on one chain.
 *
 * @example
 * const deployment = await readDeployment('deployment.json')
 * feedDomain(deployment.chainId, attestedFeedOf(deployment).address).version // → '1'
 */
export function feedDomain(chainId: bigint, feed: string): TypedDataDomain {
  return { name: 'zk-risk-engine AttestedFeed', version: '1', chainId, verifyingContract: feed }
}

/**
 * Has signers attest an observation.
 *
 * @param signers - exactly as many as the feed's threshold, in any order
 * @returns signatures by strictly increasing signer, as the feed wants them
 * @example
 * import { Wallet } from 'ethers'
 * const deployment = await readDeployment('deployment.json')
 * const domain = feedDomain(deployment.chainId, attestedFeedOf(deployment).address)
 * const signers = [Wallet.createRandom(), Wallet.createRandom()]
 * const { signatures } = await attestObservation(domain, signers, {
 *   marketId: marketIdOf('BTC-USD'),
 *   priceE8: 795_000_000_000n,
 *   confidenceE8: 100_000_000n,
 *   asOf: 1_584_000_000n,
 *   impliedVolatilityX16: 0n,
 *   rangeCode: 0n,
 *   deadline: 1_584_000_120n,
 * })
 * signatures.length // → 2
 */
export async function attestObservation(
  domain: TypedDataDomain,
  signers: readonly Signer[],
  observation: AttestedObservation,
): Promise<SignedObservation> {
  const { marketId, priceE8, confidenceE8, asOf, impliedVolatilityX16, rangeCode, deadline } = observation
  const message = { marketId, priceE8, confidenceE8, asOf, impliedVolatilityX16, rangeCode, deadline }
  return { observation: message, signatures: await attest(domain, observationTypes, signers, message) }
}

/**
 * Appends attested observations in one transaction, all or none, and waits until it is mined.
 *
 * @param carrier - pays; needs no right of any kind
 * @throws {@link ContractRevertError} if the feed refuses one, {@link RpcError} if the node does not answer
 * @example
 * import { Wallet } from 'ethers'
 * const deployment = await readDeployment('deployment.json')
 * const { address } = attestedFeedOf(deployment)
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const now = BigInt((await provider.getBlock('latest')).timestamp)
 * // On the development chain the signers' keys are 1 and 2; two of three are enough.
 * const signers = [1, 2].map((key) => new Wallet(`0x${String(key).padStart(64, '0')}`))
 * const observation = {
 *   marketId: marketIdOf('BTC-USD'),
 *   priceE8: 795_000_000_000n,
 *   confidenceE8: 0n,
 *   asOf: now,
 *   impliedVolatilityX16: 0n,
 *   rangeCode: 0n,
 *   deadline: now + 3600n,
 * }
 * const signed = await attestObservation(feedDomain(deployment.chainId, address), signers, observation)
 * const { status } = await submitObservations(new Wallet(process.env.ZKRISK_KEY, provider), address, [signed])
 * status // → 1
 */
export async function submitObservations(
  carrier: Signer,
  feed: string,
  observations: readonly SignedObservation[],
): Promise<ContractTransactionReceipt> {
  const contract = new Contract(feed, interfaceOf('AttestedFeed'), carrier)
  const doing = `Appending ${observations.length} observations`
  try {
    const sent = await contract.getFunction('submitBatch')(
      observations.map(({ observation }) => observation),
      observations.map(({ signatures }) => signatures),
    )
    const receipt: ContractTransactionReceipt | null = await sent.wait()
    if (receipt === null) throw new ObservationsNotMinedError(feed)
    return receipt
  } catch (error) {
    throw typedCallError(error, doing)
  }
}

/** Observations were sent and did not make it into a block. */
export class ObservationsNotMinedError extends ProverError {
  readonly code = 'registry.observations-not-mined'
  readonly feed: string

  constructor(feed: string) {
    super(`Observations were sent to ${feed}, but their transaction was not mined. Send them again.`)
    this.feed = feed
  }
}
