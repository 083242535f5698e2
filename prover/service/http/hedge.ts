/** What a hedging agent holds against the proven open interest, and what it has traded; from its answers and events. */
import { Contract, type Provider } from 'ethers'
import { interfaceOf } from '../../registry/artifacts.ts'
import { ask } from '../../registry/contractErrors.ts'
import type { Deployment } from '../../registry/deployment.ts'
import { PortfolioClient } from '../../registry/index.ts'
import { readOpenInterest } from '../../registry/portfolio/inForce.ts'
import { decimalText } from '../../portfolio/input/exact.ts'
import { type OpenInterestReading, openInterestReading } from '../answers/inForce.ts'
import { isoTime } from '../text/figures.ts'
import { EventTail, type TailEvent } from './eventTail.ts'

/** A trade, in units of the asset and of the quote currency. */
export type HedgeTrade = {
  readonly block: number
  readonly transactionHash: string
  /** Round of the open interest that it followed. */
  readonly figuresAsOf: string
  /** Bought; negative: sold. */
  readonly bought: string
  /** Came in; negative: went out. */
  readonly cashQuote: string
  /** What was held, and what was wanted more, before it. */
  readonly targetDelta: string
  readonly gapDelta: string
  readonly bandDelta: string
}

export type HedgeReading = Pick<OpenInterestReading, 'market' | 'status' | 'asOf' | 'netDelta'> & {
  readonly wantedDelta: number | null
  readonly agent: string | null
  /** Why nothing is known of a hedge; null where an agent is named. */
  readonly says: string | null
  /** Held beyond what is held against no delta. */
  readonly positionDelta: string | null
  readonly lastTradeAt: string | null
  /** Newest first. */
  readonly trades: readonly HedgeTrade[]
}

const NO_AGENT =
  'The deployment names no hedging agent: name a HedgingAgent under `hedge` (docs/operations.md). What would hedge is proven all the same.'
const E12 = 10n ** 12n

/** Fixed when the agent was made. */
type Terms = {
  readonly registry: string
  readonly assetUnit: bigint
  readonly cashUnit: bigint
  /** Units of the asset in a quantity of one, as a fraction. */
  readonly scale: readonly [bigint, bigint]
}

/** What would hedge an open interest of which nobody trades the hedge. */
export const unhedged = ({ market, status, asOf, netDelta }: OpenInterestReading): HedgeReading => ({
  ...{ market, status, asOf, netDelta, wantedDelta: wanted(netDelta) },
  ...{ agent: null, says: NO_AGENT, positionDelta: null, lastTradeAt: null, trades: [] },
})

const wanted = (netDelta: number | null): number | null => (netDelta === null ? null : 0 - netDelta)

export class HedgeBook {
  private readonly provider: Provider
  private readonly agent: string
  private readonly tail: EventTail
  private readonly fromBlock: number
  private terms: Promise<Terms> | undefined

  constructor(provider: Provider, { agent, block }: NonNullable<Deployment['hedge']>, fromBlock: number) {
    this.provider = provider
    this.agent = agent
    this.fromBlock = block ?? fromBlock
    this.tail = new EventTail(provider, {
      ...{ contract: 'HedgingAgent', event: 'Rebalanced', address: agent },
      fromBlock: this.fromBlock,
    })
  }

  /** @throws {@link RpcError}, {@link ContractRevertError} */
  async read(): Promise<HedgeReading> {
    this.terms ??= this.readTerms()
    const terms = await this.terms.catch((error: unknown) => {
      this.terms = undefined
      throw error
    })
    const { provider, fromBlock } = this
    const client = await PortfolioClient.connect({ registry: terms.registry, provider, fromBlock })
    const { market, status, asOf, netDelta } = openInterestReading(await readOpenInterest(client))
    const ofAgent = this.reader('HedgingAgent', this.agent)
    const { assetHeld = 0n, neutralAmount = 0n }: Record<string, bigint> = (await ofAgent('holdings')).toObject()
    const lastTradeAt: bigint = await ofAgent('lastTradeAt')
    return {
      ...{ market, status, asOf, netDelta, wantedDelta: wanted(netDelta), agent: this.agent, says: null },
      positionDelta: decimalText(assetHeld - neutralAmount, terms.assetUnit),
      lastTradeAt: lastTradeAt === 0n ? null : isoTime(lastTradeAt),
      trades: (await this.tail.read()).map((event) => tradeOf(event, terms)),
    }
  }

  private async readTerms(): Promise<Terms> {
    const ofAgent = this.reader('HedgingAgent', this.agent)
    const registry = await this.reader('OpenInterest', await ofAgent('counts'))('registry')
    const unitOf = async (token: 'asset' | 'cash'): Promise<bigint> => {
      const erc20 = new Contract(await ofAgent(token), ['function decimals() view returns (uint8)'], this.provider)
      return 10n ** (await ask('Reading decimals', () => erc20.getFunction('decimals')()))
    }
    const scale = Number(await ofAgent('priceScale'))
    const power = 10n ** BigInt(Math.abs(scale))
    return {
      ...{ registry, assetUnit: await unitOf('asset'), cashUnit: await unitOf('cash') },
      scale: scale < 0 ? [1n, power] : [power, 1n],
    }
  }

  private reader(contract: 'HedgingAgent' | 'OpenInterest', address: string) {
    const target = new Contract(address, interfaceOf(contract), this.provider)
    return (method: string) => ask(`Reading ${method}`, () => target.getFunction(method)())
  }
}

function tradeOf({ args, block, transactionHash }: TailEvent, { assetUnit, cashUnit, scale }: Terms): HedgeTrade {
  const { figuresAsOf, targetE12, gapE12, bandE12, assetAmount, cashAmount } = args.toObject() as Record<string, bigint>
  const delta = (valueE12 = 0n): string => decimalText(valueE12 * scale[0], E12 * scale[1])
  return {
    ...{ block, transactionHash, figuresAsOf: isoTime(figuresAsOf ?? 0n) },
    ...{ bought: decimalText(assetAmount ?? 0n, assetUnit), cashQuote: decimalText(cashAmount ?? 0n, cashUnit) },
    ...{ targetDelta: delta(targetE12), gapDelta: delta(gapE12), bandDelta: delta(bandE12) },
  }
}
