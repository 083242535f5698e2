/** A market of a name that nothing here takes, on a real chain. */
import { Contract, encodeBytes32String, type Signer, Wallet } from 'ethers'
import { DEFAULT_VOLATILITY_MODEL, volatilityModels } from '../../circuits/statements/index.ts'
import type { PriceRow } from '../../prover/market/prices.ts'
import { defaultPolicy } from '../../prover/parameters/defaultPolicy.ts'
import type { MarketState } from '../../prover/parameters/marketRisk.ts'
import { attestedFeedOf, type Deployment, interfaceOf } from '../../prover/registry/index.ts'
import { attestObservation, feedDomain, submitObservations } from '../../prover/registry/market/feed.ts'
import { placeToBegin } from '../../prover/registry/market/place.ts'
import { FEED_SIGNER_KEYS, FEED_THRESHOLD } from '../../prover/service/development/chain.ts'
import { packState } from '../../prover/statement/marketState.ts'
import { pack } from '../../prover/statement/words.ts'

export type UntakenPlace = {
  readonly deployment: Deployment
  /** Both with a provider. */
  readonly council: Signer
  readonly carrier: Signer
  /** It begins in this state, at this observation. */
  readonly state: MarketState
  readonly observation: PriceRow
}

/** As the council may with calls of its own: a market is 32 bytes to the contracts. */
export async function addUntaken(name: string, place: UntakenPlace): Promise<void> {
  const { deployment, council, carrier, state, observation } = place
  const { provider } = council
  if (provider === null) throw new Error('The council has no provider.')
  const marketId = encodeBytes32String(name)
  const { address: feed } = attestedFeedOf(deployment)
  const signers = FEED_SIGNER_KEYS.slice(0, FEED_THRESHOLD).map((key) => new Wallet(key))
  const now = BigInt((await provider.getBlock('latest'))?.timestamp ?? 0)
  const attested = { ...observation, marketId, confidenceE8: 0n, deadline: now + 3600n }
  const signed = await attestObservation(feedDomain(deployment.chainId, feed), signers, attested)
  await submitObservations(carrier, feed, [signed])
  const begun = await placeToBegin(provider, { source: feed, marketId, fromBlock: deployment.block })
  if (begun === undefined) throw new Error('The source has no observation to begin at.')
  const registry = new Contract(deployment.addresses.registry, interfaceOf('RiskRegistry'), council)
  const send = async (method: string, ...args: readonly unknown[]) =>
    (await registry.getFunction(method)(...args)).wait()
  const model = volatilityModels[DEFAULT_VOLATILITY_MODEL].id
  await send('setMarketPolicy', marketId, pack('marketPolicy', defaultPolicy.market))
  await send('addMarket', marketId, feed, model, packState(state), begun.place)
}
