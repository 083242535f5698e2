/** Parameters of a registry's markets through time, from the batches that it took: whoever proved them. */
import { type Block, Contract, type Log, type Provider } from 'ethers'
import type { Fields } from '../../../circuits/statements/index.ts'
import { marketNameOf, ownMarketOf } from '../../market/marketId.ts'
import { realValues } from '../../parameters/real.ts'
import { interfaceOf } from '../../registry/artifacts.ts'
import { logsBetween } from '../../registry/chain.ts'
import { ask, RpcError } from '../../registry/contractErrors.ts'
import { breachedSides, type MarketMove } from '../../registry/market/alarms.ts'
import { decodeSubmit, submissionsIn, type UpdateCall } from '../../registry/market/calldata.ts'
import { priceScaleAt } from '../../registry/market/scale.ts'
import { unpack, wordBits } from '../../statement/words.ts'
import { isoTime } from '../text/figures.ts'

/** One batch of a market. Fractions: 0.05 is 5 %. */
export type SeriesPoint = {
  readonly asOf: string
  readonly sequence: number
  /** Of one unit of the asset. */
  readonly price: number
  readonly volatility: number
  readonly initialMargin: number
  readonly maintenanceMargin: number
  /** Predicted band that the price was held against. */
  readonly bandLow: number
  readonly bandHigh: number
  /** A prediction that fell due in this batch was breached on this side; null where none was, or none fell due. */
  readonly breach: 'down' | 'up' | null
  readonly block: number
  readonly transactionHash: string
}

/** Points that are kept of a market, and batches that a first look reads. */
const MOST_POINTS = 2000
const FIRST_LOOK_BATCHES = 400
const PARAMETERS_BITS = BigInt(wordBits('parameters'))

export class MarketSeries {
  private readonly provider: Provider
  private readonly registry: string
  private readonly fromBlock: number
  private points = new Map<string, SeriesPoint[]>()
  private readonly scales = new Map<string, number>()
  private last: { readonly number: number; readonly hash: string | null } | undefined

  constructor(provider: Provider, registry: string, fromBlock: number) {
    this.provider = provider
    this.registry = registry
    this.fromBlock = fromBlock
  }

  /** Points of a market or shadow up to the latest block, oldest first. @throws {@link RpcError} */
  async of(name: string): Promise<readonly SeriesPoint[]> {
    await this.follow()
    return this.points.get(name) ?? []
  }

  private async follow(): Promise<void> {
    const head = await this.block('latest')
    if (this.last?.hash === head.hash) return
    await this.forgetUndone()
    const updated = interfaceOf('RiskRegistry').getEvent('ParametersUpdated')?.topicHash ?? ''
    const from = (this.last?.number ?? this.fromBlock - 1) + 1
    const logs = await logsBetween(this.provider, { address: this.registry, topics: [updated] }, from, head.number)
    const wanted = this.last === undefined ? logs.slice(-FIRST_LOOK_BATCHES) : logs
    const { learning, margin } = await this.policies()
    const calls = new Map<string, readonly UpdateCall[]>()
    for (const log of wanted) {
      const { transactionHash: hash } = log
      calls.set(hash, calls.get(hash) ?? (await this.updatesIn(hash)))
      await this.add(log, calls.get(hash) ?? [], { learning, margin })
    }
    this.last = { number: head.number, hash: head.hash }
  }

  /** A chain that went back tells another story: it is read anew. */
  private async forgetUndone(): Promise<void> {
    if (this.last === undefined) return
    const same = await ask('Reading a block', () => this.provider.getBlock(this.last?.number ?? 0))
    if (same?.hash === this.last.hash) return
    this.points = new Map()
    this.last = undefined
  }

  private async block(tag: 'latest'): Promise<Block> {
    const block = await ask('Reading the latest block', () => this.provider.getBlock(tag))
    if (block === null) throw new RpcError('Reading the latest block', new Error('the node has none'))
    return block
  }

  private async policies(): Promise<Pick<MarketMove, 'learning' | 'margin'>> {
    const read = new Contract(this.registry, interfaceOf('RiskRegistry'), this.provider)
    const [learning, margin] = await ask('Reading the policy', () =>
      Promise.all([read.getFunction('learningPolicy')(), read.getFunction('marginPolicy')()]),
    )
    return { learning: unpack('learningPolicy', learning), margin: unpack('marginPolicy', margin) }
  }

  private async updatesIn(hash: string): Promise<readonly UpdateCall[]> {
    const submissions = await ask('Reading a batch', () => submissionsIn(this.provider, this.registry, hash))
    return submissions.flatMap((calldata) => decodeSubmit(calldata)?.updates ?? [])
  }

  private async add(
    log: Log,
    updates: readonly UpdateCall[],
    policies: Pick<MarketMove, 'learning' | 'margin'>,
  ): Promise<void> {
    const parsed = interfaceOf('RiskRegistry').parseLog(log)
    if (parsed === null) return
    const marketId: string = parsed.args.marketId
    const parametersAndSequence: bigint = parsed.args.parametersAndSequence
    const sequence = parametersAndSequence >> PARAMETERS_BITS
    const update = updates.find((each) => each.marketId === marketId && each.sequence === sequence)
    if (update === undefined) return
    const name = marketNameOf(marketId)
    const scale = await this.scaleOf(update.source, marketId)
    const place = { block: log.blockNumber, transactionHash: log.transactionHash }
    const parameters = unpack('parameters', BigInt.asUintN(Number(PARAMETERS_BITS), parametersAndSequence))
    const own = [...(this.points.get(name) ?? []), { ...pointOf(update, parameters, policies, scale), ...place }]
    this.points.set(name, own.slice(-MOST_POINTS))
  }

  private async scaleOf(source: string, marketId: string): Promise<number> {
    const key = `${source} ${marketId}`
    const scale = this.scales.get(key) ?? (await priceScaleAt(this.provider, source, ownMarketOf(marketId)))
    this.scales.set(key, scale)
    return scale
  }
}

function pointOf(
  update: UpdateCall,
  parameters: Fields<'parameters'>,
  policies: Pick<MarketMove, 'learning' | 'margin'>,
  scale: number,
): Omit<SeriesPoint, 'block' | 'transactionHash'> {
  const before = unpack('anchorState', update.previousAnchorState)
  const volatility = unpack('volatilityState', update.volatilityState)
  const move = {
    before: { anchor: before, asOf: unpack('volatilityState', update.previousVolatilityState).asOf },
    after: { anchor: unpack('anchorState', update.anchorState), asOf: volatility.asOf },
    ...policies,
  }
  const price = (ln: number): number => Math.exp(ln) / 1e8 / 10 ** scale
  const { anchorLnPrice, anchorMoveDown, anchorMoveUp } = realValues(before)
  const real = realValues(parameters)
  return {
    asOf: isoTime(parameters.asOf),
    sequence: Number(update.sequence),
    price: price(realValues(volatility).lnPrice),
    volatility: real.volatility,
    initialMargin: real.initialMargin,
    maintenanceMargin: real.maintenanceMargin,
    bandLow: price(anchorLnPrice - anchorMoveDown),
    bandHigh: price(anchorLnPrice + anchorMoveUp),
    breach: breachedSides(move)[0] ?? null,
  }
}
