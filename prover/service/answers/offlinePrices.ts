/** Prices of one expiry proven without a chain: who has the same key, terms and proof needs nobody else to believe them. */
import { type Build, builds, sizeOf } from '../../../circuits/statements/index.ts'
import type { ExpiryMarket, PricingPolicy, RiskArray } from '../../options/riskArray.ts'
import {
  type CircuitKeys,
  type Groth16Proof,
  type ProofTimings,
  type Prover,
  type Verdict,
  type VerifyingKeys,
  verifyProof,
} from '../../proof/index.ts'
import { offlineContext } from '../../registry/offlineContext.ts'
import { type StatedRiskArray, stateRiskArray } from '../../statement/riskArray.ts'
import { UnknownBuildError } from '../workspace.ts'

/** Terms of the prices: all that they follow from. */
export type PricesToProve = {
  /** Forward, rate and surface of the expiry. */
  readonly surface: ExpiryMarket
  /** Scenarios, shocks and discounts. */
  readonly policy: PricingPolicy
  /** Ascending, from one to as many as the build has places. */
  readonly strikesE8: readonly bigint[]
}

export type OfflinePrices = {
  /** Every price, and the Greeks of the marks. */
  readonly array: RiskArray
  /** Commitment to them. */
  readonly arrayRoot: bigint
  readonly proof: Groth16Proof
  readonly timings: ProofTimings
}

/**
 * Proves prices in the place that {@link offlineContext} says, so that no id is made up and no contract can take the proof.
 *
 * @param keys - of a build of risk arrays, such as `riskArray5`
 * @throws what pricing and the prover throw
 * @example
 * const { provable } = await marginOf(readAccount('portfolio.json', {}))
 * const prices = { ...provable.arrays[0], policy: provable.pricingPolicy }
 * const keys = await loadKeys('riskArray5')
 * const prover = createProver()
 * const { proof } = await provePricesOffline(prover, keys, prices)
 * await prover.close()
 * (await verifyPricesOffline(keys, prices, proof)).accepted // → true
 */
export async function provePricesOffline(
  prover: Prover,
  keys: CircuitKeys,
  prices: PricesToProve,
): Promise<OfflinePrices> {
  const { array, arrayRoot, circuitInput } = await stateOffline(keys, prices)
  const { proof, timings } = await prover.prove(keys, circuitInput)
  return { array, arrayRoot, proof, timings }
}

/**
 * Whether a proof is of exactly these prices: the statement is made again from their terms, and the proof verified against it.
 *
 * @example
 * const { provable } = await marginOf(readAccount('portfolio.json', {}))
 * const prices = { ...provable.arrays[0], policy: provable.pricingPolicy }
 * const keys = await loadKeys('riskArray5')
 * const prover = createProver()
 * const { proof } = await provePricesOffline(prover, keys, prices)
 * await prover.close()
 * const others = { ...prices, surface: { ...prices.surface, forwardVariableE8: 7_000_000_000_000n } }
 * (await verifyPricesOffline(keys, others, proof)).accepted // → false
 */
export async function verifyPricesOffline(
  keys: VerifyingKeys,
  prices: PricesToProve,
  proof: unknown,
): Promise<Verdict> {
  const { stated } = await stateOffline(keys, prices)
  return verifyProof(keys.verificationKey, { proof, publicSignals: stated.publicSignals.map(String) })
}

function stateOffline(keys: VerifyingKeys, { surface, policy, strikesE8 }: PricesToProve): Promise<StatedRiskArray> {
  const build = (builds as readonly Build[]).find(({ name }) => name === keys.circuit)
  if (build === undefined) throw new UnknownBuildError(keys.circuit)
  const places = sizeOf(build, 'strikes')
  const spare = strikesE8.length === 0 ? 0 : Math.max(0, places - strikesE8.length)
  const filled = [...strikesE8, ...Array<bigint>(spare).fill(strikesE8.at(-1) ?? 0n)]
  return stateRiskArray(build, offlineContext(keys), surface, policy, filled)
}
