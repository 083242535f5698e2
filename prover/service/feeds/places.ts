/** Where observations of each market go: its source on the chain, as the deployment names it, and what that takes. */
import { Contract, type Provider } from 'ethers'
import { ProverError } from '../../errors.ts'
import { marketIdOf } from '../../market/marketId.ts'
import { defaultPlausibility, type Plausibility, plausibilityFields } from '../../market/plausibility.ts'
import { type Units, unitsOfScale } from '../../market/priceScale.ts'
import { interfaceOf } from '../../registry/artifacts.ts'
import { ask, ContractRevertError, typedCallError } from '../../registry/contractErrors.ts'
import { type Deployment, type DeployedSource, sourceOf } from '../../registry/deployment.ts'
import { priceScaleAt } from '../../registry/market/scale.ts'
import { unpack } from '../../statement/words.ts'
import type { SamplerOptions } from './sampler.ts'

export type Place = {
  readonly market: string
  readonly marketId: string
  /** None where nothing is sent. */
  readonly source: DeployedSource | undefined
  readonly scale: number
  readonly units: Units
  readonly bounds: Plausibility
  readonly last: SamplerOptions['last']
}

/** A market that is only watched: no chain is asked. */
export const placeWithoutChain = (market: string): Place => ({
  ...{ market, marketId: marketIdOf(market), source: undefined, scale: 0, units: unitsOfScale(0) },
  ...{ bounds: defaultPlausibility, last: undefined },
})

/**
 * Of the source that is named; without a name, of the one that the market has in its registry.
 *
 * @throws {@link FeedMarketUnknownError}, {@link SourceUnknownError}, {@link FeedSourceError}; what the node answers with
 */
export async function placeOf(
  provider: Provider,
  deployment: Deployment,
  market: string,
  named?: string,
): Promise<Place> {
  const marketId = marketIdOf(market)
  const source = named === undefined ? sourceIn(deployment, market) : sourceOf(deployment, named)
  const contract = new Contract(
    source.address,
    interfaceOf(source.kind === 'other' ? 'PythAdapter' : 'AttestedFeed'),
    provider,
  )
  if (source.kind === 'other') await requirePyth(contract, source)
  const scale = await priceScaleAt(provider, source.address, marketId)
  const bounds = await ask(`Reading the door of ${market}’s source`, () => contract.getFunction('plausibility')())
  const latest = await ask(`Reading ${market}’s last observation`, () => contract.getFunction('latest')(marketId))
  return {
    ...{ market, marketId, source, scale, units: unitsOfScale(scale) },
    bounds: Object.fromEntries(plausibilityFields.map((field) => [field, BigInt(bounds[field])])) as Plausibility,
    last: latest.count === 0n ? undefined : unpack('observation', latest.lastWord),
  }
}

function sourceIn({ markets, sources }: Deployment, market: string): DeployedSource {
  const address = markets.find(({ name }) => name === market)?.source
  const source = sources.find((each) => each.address === address)
  if (source !== undefined) return source
  throw new FeedMarketUnknownError(
    market,
    markets.map(({ name }) => name),
  )
}

/** Of sources that no committee signs for, an adapter of Pyth's alone can be brought something. */
async function requirePyth(contract: Contract, { name }: DeployedSource): Promise<void> {
  try {
    await contract.getFunction('pyth')()
  } catch (error) {
    const refused = typedCallError(error, 'Reading what verifies updates')
    const { code } = error as { code?: unknown }
    throw refused instanceof ContractRevertError || code === 'BAD_DATA' ? new FeedSourceError(name) : refused
  }
}

/** What a feed says cannot be brought to a source of this kind. */
export class FeedSourceError extends ProverError {
  readonly code = 'service.feed-source'
  readonly source: string

  constructor(source: string) {
    super(
      `Expected an attested feed or an adapter of Pyth’s to bring prices to, and ${source} is neither. ` +
        'Name one that it takes its prices from: "source" of the market, in a file of feeds.',
    )
    this.source = source
  }
}

/** A feed has prices of a market that the deployment does not know. */
export class FeedMarketUnknownError extends ProverError {
  readonly code = 'service.feed-market'
  readonly market: string

  constructor(market: string, known: readonly string[]) {
    super(
      `Expected markets of the deployment (${known.join(', ') || 'it has none'}) in feeds, got ${market}. Name its "source" in a file of feeds, if the market is yet to be added.`,
    )
    this.market = market
  }
}
