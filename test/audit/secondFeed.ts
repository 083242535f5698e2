/** Sources beside the first one of an engine, for markets that change theirs. */
import type { Contract } from 'ethers'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { defaultPlausibility } from '../../prover/market/plausibility.ts'
import { attestObservation, feedDomain, submitObservations } from '../../prover/registry/index.ts'
import { feedSigners, type LiveEngine } from '../registry/liveEngine.ts'

const LASTING_SECONDS = 3_600n

/** Attested by the same signers, under the same council. */
export const deployFeed = ({ chain, deployment }: LiveEngine): Promise<Contract> =>
  chain.deploy(
    'AttestedFeed',
    deployment.addresses.council,
    feedSigners.map(({ address }) => address).toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1)),
    2,
    100,
    defaultPlausibility,
  )

/** A minute passes, at whose end a feed attests a price in dollars. */
export async function appendTo({ target }: Contract, { chain }: LiveEngine, name: string, price: bigint) {
  const asOf = (await chain.now()) + 60n
  await chain.setTime(asOf)
  const address = target as string
  const signed = await attestObservation(feedDomain(31337n, address), feedSigners.slice(0, 2), {
    ...{ marketId: marketIdOf(name), priceE8: price * 10n ** 8n, asOf, impliedVolatilityX16: 0n, rangeCode: 0n },
    ...{ confidenceE8: 0n, deadline: asOf + LASTING_SECONDS },
  })
  await submitObservations(chain.signers[3] as never, address, [signed])
}
