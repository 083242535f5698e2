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

/** EIP-712 domain of one feed on one chain. */
export function feedDomain(chainId: bigint, feed: string): TypedDataDomain {
  return { name: 'zk-risk-engine AttestedFeed', version: '1', chainId, verifyingContract: feed }
}

/**
 * Has signers attest an observation.
 *
 * @param signers - exactly as many as the feed's threshold, in any order
 * @returns signatures by strictly increasing signer, as the feed wants them
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
