/** Follows a registry and its sources on their chain, as far as alarms need it. */
import { Contract, type Log, type Provider } from 'ethers'
import type { Fields } from '../../../circuits/statements/index.ts'
import { marketNameOf, modelIdOfShadow, ownMarketOf } from '../../market/marketId.ts'
import { type Plausibility, plausibilityFields } from '../../market/plausibility.ts'
import { type Units, unitsOfScale } from '../../market/priceScale.ts'
import { priceScaleNoted } from './scale.ts'
import { unpack, wordBits } from '../../statement/words.ts'
import { interfaceOf } from '../artifacts.ts'
import { logsBetween } from '../chain.ts'
import { ask, ContractRevertError, RpcError } from '../contractErrors.ts'
import {
  type Alarm,
  alarmsOf,
  type Committee,
  type MarketMove,
  type MarketTrack,
  noneRefused,
  trackBatch,
  trackDoor,
  untracked,
} from './alarms.ts'
import { decodeSubmit, submissionsIn, type UpdateCall } from './calldata.ts'
import { doorEventsIn } from './door.ts'

export type WatchOptions = {
  readonly provider: Provider
  readonly registry: string
  /** At or before the registry's deployment. */
  readonly fromBlock: number
  /** Markets to watch; all by default. */
  readonly markets?: readonly string[] | undefined
  /** Names of sources, where they have one. */
  readonly sourceNames?: ReadonlyMap<string, string>
}

/** Batches of a market that a first look reads, the newest: more than any streak needs. */
const FIRST_LOOK_BATCHES = 512
const PARAMETERS_BITS = BigInt(wordBits('parameters'))

/**
 * Alarms of a registry, block after block; each look reads what has happened since the one before.
 *
 * @example
 * const { addresses, block } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const watch = new AlarmWatch({ provider, registry: addresses.registry, fromBlock: block })
 * (await watch.look()).filter(({ kind }) => kind === 'held').length // → 0
 */
export class AlarmWatch {
  private readonly options: WatchOptions
  private readonly tracks = new Map<string, MarketTrack>()
  private readonly sources = new Map<string, { readonly address: string; nextBlock: number }>()
  private readonly bounds = new Map<string, Plausibility | undefined>()
  /** By source and market. */
  private readonly units = new Map<string, Units>()
  private nextBlock: number
  private last: { readonly block: number; readonly alarms: readonly Alarm[] } | undefined
  private learning: Fields<'learningPolicy'> | undefined
  private margin: Fields<'marginPolicy'> | undefined

  constructor(options: WatchOptions) {
    this.options = options
    this.nextBlock = options.fromBlock
  }

  /**
   * The alarms at a block, the latest by default; looks go forward.
   *
   * @throws {@link RpcError} if the node does not answer
   */
  async look(toBlock?: number): Promise<readonly Alarm[]> {
    const { provider, registry } = this.options
    const block = await ask('Reading a block', () => provider.getBlock(toBlock ?? 'latest'))
    if (block === null) throw new RpcError('Reading a block', new Error(`block ${toBlock} does not exist`))
    if (this.last?.block === block.number) return this.last.alarms
    const logs = await this.logsOf(registry, this.nextBlock, block.number)
    for (const log of this.last === undefined ? recent(logs) : logs) await this.followRegistry(log)
    this.nextBlock = Math.max(this.nextBlock, block.number + 1)
    await this.followSources(block.number)
    const read = new Contract(registry, interfaceOf('RiskRegistry'), provider)
    const { maxParameterAgeSeconds } = await ask('Reading the freshness policy', () =>
      read.getFunction('freshnessPolicy')({ blockTag: block.number }),
    )
    const alarms = alarmsOf({
      tracks: [...this.tracks.values()],
      committees: await this.committees(block.number),
      now: BigInt(block.timestamp),
      maxParameterAgeSeconds,
      bounds: await this.boundsByMarket(),
      units: await this.unitsByMarket(),
    })
    this.last = { block: block.number, alarms }
    return alarms
  }

  private logsOf(address: string, from: number, to: number): Promise<readonly Log[]> {
    return logsBetween(this.options.provider, { address }, from, to)
  }

  private async followRegistry(log: Log): Promise<void> {
    const parsed = interfaceOf('RiskRegistry').parseLog(log)
    if (parsed === null) return
    const { name, args } = parsed
    if (name === 'LearningPolicySet') this.learning = unpack('learningPolicy', args.current)
    if (name === 'MarginPolicySet') this.margin = unpack('marginPolicy', args.current)
    if (name === 'MarketAdded' && this.isWatched(args.marketId)) {
      this.tracks.set(args.marketId, untracked(marketNameOf(args.marketId)))
    }
    const track = name === 'ParametersUpdated' ? this.tracks.get(args.marketId) : undefined
    if (track === undefined) return
    const move = await this.moveOf(log, args.marketId, args.parametersAndSequence >> PARAMETERS_BITS)
    this.tracks.set(args.marketId, trackBatch(track, move))
  }

  private isWatched(marketId: string): boolean {
    const { markets } = this.options
    return modelIdOfShadow(marketId) === 0 && (markets?.includes(marketNameOf(marketId)) ?? true)
  }

  /** The step that an event tells the end of, from the calldata that the registry took. */
  private async moveOf(log: Log, marketId: string, sequence: bigint): Promise<MarketMove> {
    const { provider, registry } = this.options
    const submissions = await ask('Reading a batch', () => submissionsIn(provider, registry, log.transactionHash))
    const update = submissions
      .flatMap((calldata): readonly UpdateCall[] => decodeSubmit(calldata)?.updates ?? [])
      .find((each) => each.marketId === marketId && each.sequence === sequence)
    const { learning, margin } = this
    if (update === undefined || learning === undefined || margin === undefined) {
      throw new RpcError('Reading a batch', new Error(`transaction ${log.transactionHash} has no such update`))
    }
    const state = (volatility: bigint, anchor: bigint): MarketMove['before'] => ({
      anchor: unpack('anchorState', anchor),
      asOf: unpack('volatilityState', volatility).asOf,
    })
    return {
      before: state(update.previousVolatilityState, update.previousAnchorState),
      after: state(update.volatilityState, update.anchorState),
      ...{ learning, margin },
    }
  }

  private async followSources(toBlock: number): Promise<void> {
    const { provider, registry } = this.options
    const contract = new Contract(registry, interfaceOf('RiskRegistry'), provider)
    const found = new Map<string, string[]>()
    for (const marketId of this.tracks.keys()) {
      const address: string = await ask('Reading a source', () =>
        contract.getFunction('sourceOf')(marketId, { blockTag: toBlock }),
      )
      if (this.sources.get(marketId)?.address !== address) this.startSource(marketId, address)
      found.set(address, [...(found.get(address) ?? []), marketId])
    }
    for (const [address, marketIds] of found) await this.followSource(address, marketIds, toBlock)
  }

  /** What another source held or refused before is nobody's business any more. */
  private startSource(marketId: string, address: string): void {
    this.sources.set(marketId, { address, nextBlock: this.options.fromBlock })
    const track = this.tracks.get(marketId)
    if (track !== undefined) {
      this.tracks.set(marketId, { ...track, ...noneRefused, held: undefined, leftOut: undefined })
    }
  }

  private async followSource(address: string, marketIds: readonly string[], toBlock: number): Promise<void> {
    const from = (marketId: string): number => this.sources.get(marketId)?.nextBlock ?? this.options.fromBlock
    const logs = await this.logsOf(address, Math.min(...marketIds.map(from)), toBlock)
    for (const marketId of marketIds) {
      const own = logs.filter(({ blockNumber }) => blockNumber >= from(marketId))
      for (const event of doorEventsIn(own, address).filter((each) => each.marketId === marketId)) {
        const track = this.tracks.get(marketId)
        if (track !== undefined) this.tracks.set(marketId, trackDoor(track, event))
      }
      this.sources.set(marketId, { address, nextBlock: Math.max(from(marketId), toBlock + 1) })
    }
  }

  private addresses(): readonly string[] {
    return [...new Set([...this.sources.values()].map(({ address }) => address))]
  }

  private async committees(blockTag: number): Promise<readonly Committee[]> {
    const found = await Promise.all(this.addresses().map((address) => this.committeeOf(address, blockTag)))
    return found.filter((committee) => committee !== undefined)
  }

  /** None of a source that signers do not attest. */
  private async committeeOf(address: string, blockTag: number): Promise<Committee | undefined> {
    const { provider, sourceNames } = this.options
    const contract = new Contract(address, interfaceOf('AttestedFeed'), provider)
    const read = <Answer>(method: string): Promise<Answer | undefined> =>
      orNone(ask(`Reading ${method}`, () => contract.getFunction(method)({ blockTag })))
    const [signers, threshold] = await Promise.all([read<readonly string[]>('signers'), read<bigint>('threshold')])
    if (signers === undefined || threshold === undefined) return undefined
    return { source: sourceNames?.get(address) ?? address, signers: signers.length, threshold: Number(threshold) }
  }

  private async boundsByMarket(): Promise<ReadonlyMap<string, Plausibility>> {
    const byMarket = new Map<string, Plausibility>()
    for (const [marketId, { address }] of this.sources) {
      if (!this.bounds.has(address)) this.bounds.set(address, await readPlausibility(this.options.provider, address))
      const bounds = this.bounds.get(address)
      const name = this.tracks.get(marketId)?.name
      if (bounds !== undefined && name !== undefined) byMarket.set(name, bounds)
    }
    return byMarket
  }

  private async unitsByMarket(): Promise<ReadonlyMap<string, Units>> {
    const { provider, registry } = this.options
    const byMarket = new Map<string, Units>()
    for (const [marketId, { address }] of this.sources) {
      const place = `${address} ${marketId}`
      const units =
        this.units.get(place) ?? unitsOfScale(await priceScaleNoted(provider, registry, address, ownMarketOf(marketId)))
      this.units.set(place, units)
      byMarket.set(this.tracks.get(marketId)?.name ?? '', units)
    }
    return byMarket
  }
}

/** Logs without the batches that lie too far back. */
function recent(logs: readonly Log[]): readonly Log[] {
  const updated = interfaceOf('RiskRegistry').getEvent('ParametersUpdated')?.topicHash
  const isBatch = ({ topics }: Log): boolean => topics[0] === updated
  const kept = new Map<string, number>()
  const wanted = logs.toReversed().filter((log) => {
    const market = log.topics[1] ?? ''
    if (isBatch(log)) kept.set(market, (kept.get(market) ?? 0) + 1)
    return !isBatch(log) || (kept.get(market) ?? 0) <= FIRST_LOOK_BATCHES
  })
  return wanted.toReversed()
}

/** What a source takes for a market; none of a source without a door. */
async function readPlausibility(provider: Provider, source: string): Promise<Plausibility | undefined> {
  const contract = new Contract(source, interfaceOf('IPlausibleInbox'), provider)
  const read = await orNone(ask('Reading a source', () => contract.getFunction('plausibility')()))
  if (read === undefined) return undefined
  return Object.fromEntries(plausibilityFields.map((field) => [field, read[field]])) as Plausibility
}

/** A contract that is asked what it does not know reverts, or answers nothing that can be read. */
async function orNone<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ContractRevertError || isNoAnswer(error)) return undefined
    throw error
  }
}

const isNoAnswer = (error: unknown): boolean =>
  error instanceof RpcError && (error.cause as { code?: unknown } | undefined)?.code === 'BAD_DATA'
