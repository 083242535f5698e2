/** Brings observations to their sources: attested by the committee's signers, or as the update that a network signed. */
import { Contract, type ContractTransactionReceipt, type Signer } from 'ethers'
import { ProverError } from '../../errors.ts'
import { interfaceOf } from '../../registry/artifacts.ts'
import { ask, ContractRevertError, typedCallError } from '../../registry/contractErrors.ts'
import {
  attestObservation,
  feedDomain,
  type SignedObservation,
  submitObservations,
} from '../../registry/market/feed.ts'
import { type DoorEvent, doorEventsIn } from '../../registry/market/door.ts'
import type { DeployedFeed } from '../../registry/deployment.ts'

/** An observation that is to be brought, of one market. */
export type Carried = {
  readonly market: string
  readonly marketId: string
  readonly priceE8: bigint
  readonly confidenceE8: bigint
  readonly asOf: bigint
  readonly impliedVolatilityX16: bigint
  /** What Pyth's network signed of it. */
  readonly update?: string | undefined
}

/** What became of it: what the door said, that a later one is there already, or what the source reverted with. */
export type CarriedEvent =
  | { readonly kind: 'door'; readonly market: string; readonly event: DoorEvent }
  | { readonly kind: 'passed-over'; readonly market: string; readonly asOf: bigint }
  | { readonly kind: 'reverted'; readonly market: string; readonly asOf: bigint; readonly says: string }

export type Carrier = {
  /** @throws {@link RpcError} and its like: nothing is known of what became of them, and they may be brought again */
  carry(observations: readonly Carried[]): Promise<readonly CarriedEvent[]>
}

/** Signed when it is sent, an observation may be appended until so long after. */
const DEADLINE_SECONDS = 3600n

/** To an attested feed, in the committee's name. */
export class AttestingCarrier implements Carrier {
  private readonly feed: DeployedFeed
  private readonly chainId: bigint
  private readonly signers: readonly Signer[]
  private readonly payer: Signer

  constructor(feed: DeployedFeed, chainId: bigint, signers: readonly Signer[], payer: Signer) {
    this.feed = feed
    this.chainId = chainId
    this.signers = signers
    this.payer = payer
  }

  async carry(observations: readonly Carried[]): Promise<readonly CarriedEvent[]> {
    const signed = await Promise.all(observations.map((each) => this.sign(each)))
    return oneByOneIfRefused(
      observations,
      async (chosen) => {
        const ofChosen = signed.filter((_, i) => chosen.includes(observations[i] as Carried))
        return submitObservations(this.payer, this.feed.address, ofChosen)
      },
      this.feed.address,
    )
  }

  private sign({ marketId, priceE8, confidenceE8, asOf, impliedVolatilityX16 }: Carried): Promise<SignedObservation> {
    const now = BigInt(Math.floor(Date.now() / 1000))
    const deadline = (asOf > now ? asOf : now) + DEADLINE_SECONDS
    const observation = { marketId, priceE8, confidenceE8, asOf, impliedVolatilityX16, rangeCode: 0n, deadline }
    return attestObservation(feedDomain(this.chainId, this.feed.address), this.signers, observation)
  }
}

/** To an adapter of Pyth's, which verifies updates and takes the price that is in them. */
export class PythCarrier implements Carrier {
  private readonly adapter: Contract
  private readonly address: string

  constructor(adapter: string, payer: Signer) {
    this.address = adapter
    this.adapter = new Contract(adapter, interfaceOf('PythAdapter'), payer)
  }

  async carry(observations: readonly Carried[]): Promise<readonly CarriedEvent[]> {
    const events: CarriedEvent[] = []
    // Of two updates with the same price Pyth's contract takes either: one update a transaction.
    for (const [update, ofUpdate] of Map.groupBy(observations, ({ update }) => update ?? '')) {
      if (update === '') throw new UpdateMissingError(ofUpdate[0]?.market ?? '')
      events.push(...(await oneByOneIfRefused(ofUpdate, (chosen) => this.take(chosen, update), this.address)))
    }
    return events
  }

  private async take(chosen: readonly Carried[], update: string): Promise<ContractTransactionReceipt> {
    const doing = `Carrying an update of ${chosen.length} prices`
    const pyth = await ask('Reading the contract that verifies updates', () => this.adapter.getFunction('pyth')())
    const verifier = new Contract(pyth, interfaceOf('PythAccumulator'), this.adapter.runner)
    const value = await ask('Reading the fee of an update', () => verifier.getFunction('getUpdateFee')([update]))
    try {
      const markets = chosen.map(({ marketId }) => marketId)
      const sent = await this.adapter.getFunction('takeAll')(markets, [update], { value })
      const receipt: ContractTransactionReceipt | null = await sent.wait()
      if (receipt === null) throw new UpdateNotMinedError(this.address)
      return receipt
    } catch (error) {
      throw error instanceof ProverError ? error : typedCallError(error, doing)
    }
  }
}

/** All at once; if the source refuses one, each by itself, so that one stops no other. */
async function oneByOneIfRefused(
  observations: readonly Carried[],
  send: (chosen: readonly Carried[]) => Promise<ContractTransactionReceipt>,
  source: string,
): Promise<readonly CarriedEvent[]> {
  try {
    return eventsOf(observations, await send(observations), source)
  } catch (error) {
    if (!(error instanceof ContractRevertError)) throw error
    const [only, ...others] = observations
    if (only === undefined) return []
    if (others.length === 0) return [{ kind: 'reverted', market: only.market, asOf: only.asOf, says: error.message }]
  }
  const events: CarriedEvent[] = []
  for (const each of observations) events.push(...(await oneByOneIfRefused([each], send, source)))
  return events
}

function eventsOf(
  observations: readonly Carried[],
  { logs }: ContractTransactionReceipt,
  source: string,
): readonly CarriedEvent[] {
  const events = doorEventsIn(logs, source)
  return observations.flatMap((each): readonly CarriedEvent[] => {
    const own = events.filter(({ marketId, asOf }) => marketId === each.marketId && asOf === each.asOf)
    const { market, asOf } = each
    if (own.length === 0) return [{ kind: 'passed-over', market, asOf }]
    return own.map((event) => ({ kind: 'door', market, event }))
  })
}

/** A source wants what a network signed, and the feed had none. */
export class UpdateMissingError extends ProverError {
  readonly code = 'service.feed-update-missing'
  readonly market: string

  constructor(market: string) {
    super(`${market}’s source takes updates that Pyth signed, and its prices came without. Feed it from Pyth alone.`)
    this.market = market
  }
}

/** An update was sent and did not make it into a block. */
export class UpdateNotMinedError extends ProverError {
  readonly code = 'service.feed-update-not-mined'

  constructor(adapter: string) {
    super(`An update was sent to ${adapter}, but its transaction was not mined. It is sent again with the next.`)
  }
}
