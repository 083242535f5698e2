/** Of how many units a source's prices are, as its contract says. */
import { Contract, type Provider } from 'ethers'
import { ProverError } from '../../errors.ts'
import { type Units, unitsOfScale, unitsText, unitsWords } from '../../market/priceScale.ts'
import { interfaceOf } from '../artifacts.ts'
import { ContractRevertError, RpcError, typedCallError } from '../contractErrors.ts'

/** k: prices of a market at a source are of 10^k units; 0 of a source that states none. @throws {@link RpcError} */
export async function priceScaleAt(provider: Provider, source: string, marketId: string): Promise<number> {
  const contract = new Contract(source, interfaceOf('ScaledFeed'), provider)
  try {
    return Number(await contract.getFunction('priceScale')(marketId))
  } catch (error) {
    const { code } = error as { code?: unknown }
    const refused = typedCallError(error, 'Reading the scale of prices')
    if (code === 'BAD_DATA' || refused instanceof ContractRevertError) return 0
    throw refused instanceof RpcError ? refused : new RpcError('Reading the scale of prices', error)
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
