/** Of how many units a source's prices are, as its contract says. */
import { AbiCoder, Contract, keccak256, type Provider, ZeroHash } from 'ethers'
import { ProverError } from '../../errors.ts'
import { marketNameOf } from '../../market/marketId.ts'
import { LEAST_PRICE_SCALE, type Units, unitsOfScale, unitsText, unitsWords } from '../../market/priceScale.ts'
import { interfaceOf } from '../artifacts.ts'
import { ask, ContractRevertError, RpcError, typedCallError } from '../contractErrors.ts'

/**
 * k: prices of a market at a source are of 10^k units; 0 of a source that has no such function.
 *
 * @throws {@link PriceScaleUnknownError} of one that has it and refuses to say, as when it is paused
 * @throws {@link RpcError}
 */
export async function priceScaleAt(provider: Provider, source: string, marketId: string): Promise<number> {
  const contract = new Contract(source, interfaceOf('ScaledFeed'), provider)
  try {
    return Number(await contract.getFunction('priceScale')(marketId))
  } catch (error) {
    const { code, data } = error as { code?: unknown; data?: unknown }
    const refused = typedCallError(error, 'Reading the scale of prices')
    // An empty failure alone is that of a contract without the function: contracts/market/PriceScale.sol.
    const isSilent = data === undefined || data === null || data === '0x'
    if (code === 'BAD_DATA' || (refused instanceof ContractRevertError && isSilent)) return 0
    if (refused instanceof ContractRevertError) throw new PriceScaleUnknownError(source, marketId, refused)
    throw refused instanceof RpcError ? refused : new RpcError('Reading the scale of prices', error)
  }
}

/**
 * k of a market at a source that a registry's market began or went on at, as the registry noted it then: the source may be
 * broken by now. Where nothing was noted, as {@link priceScaleAt}.
 *
 * @throws as {@link priceScaleAt}
 */
export async function priceScaleNoted(
  provider: Provider,
  registry: string,
  source: string,
  marketId: string,
): Promise<number> {
  const contract = new Contract(registry, interfaceOf('RiskRegistry'), provider)
  const places: string = await ask('Reading where scales are noted', () => contract.getFunction('inboxPlaces')())
  const noted = await ask('Reading a scale that was noted', () =>
    provider.getStorage(places, notedAt(registry, source, marketId)),
  )
  return BigInt(noted) === 0n ? priceScaleAt(provider, source, marketId) : Number(BigInt(noted)) + LEAST_PRICE_SCALE - 1
}

/** Slot of `InboxPlaces._scales[registry][source][marketId]`, the contract's only and first variable. */
function notedAt(registry: string, source: string, marketId: string): string {
  const below = (type: 'address' | 'bytes32', key: string, slot: string): string =>
    keccak256(AbiCoder.defaultAbiCoder().encode([type, 'bytes32'], [key, slot]))
  return below('bytes32', marketId, below('address', source, below('address', registry, ZeroHash)))
}

/** A source tells prices at a scale of its own, and cannot say now at which. */
export class PriceScaleUnknownError extends ProverError {
  readonly code = 'registry.price-scale-unknown'
  readonly source: string
  readonly market: string

  constructor(source: string, marketId: string, cause: ContractRevertError) {
    const market = marketNameOf(marketId)
    super(
      `Expected the source ${source} to say of how many units its prices of ${market} are, it refused with ${cause.reason}. ` +
        'Wait until it answers again, or have the council set another source.',
      { cause },
    )
    this.source = source
    this.market = market
  }
}

/** A batch was proven of prices at another scale than the market's by now. */
export class BatchAtAnotherScaleError extends ProverError {
  readonly code = 'registry.batch-at-another-scale'
  readonly market: string
  readonly units: string
  readonly unitsInForce: string

  constructor(market: string, scale: number, inForce: number, cause: unknown) {
    const [given, wanted] = [scale, inForce].map(unitsOfScale) as [Units, Units]
    super(
      `Expected prices of ${market} of ${unitsWords(wanted)}, as its source tells them by now, the batch has prices of ${unitsWords(given)}. ` +
        'The market has followed a source of another scale since: make the batch again.',
      { cause },
    )
    this.market = market
    this.units = unitsText(given)
    this.unitsInForce = unitsText(wanted)
  }
}
