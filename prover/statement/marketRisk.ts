import { toBeHex } from 'ethers'
import {
  type Build,
  type Fields,
  marketStateWords,
  previousOf,
  sizeOf,
  volatilityModelOf,
} from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import type { MarketState, MarketUpdate, Observation, Policy } from '../parameters/marketRisk.ts'
import { batchLength, updateMarket } from '../parameters/marketRisk.ts'
import { volatilityModelOfId } from '../volatility/models.ts'
import type { StatementContext } from './challenge.ts'
import { type CircuitSignals, publicInput, type SectionWords, type Stated, stateOf } from './state.ts'
import { asPrevious, packState, type PreviousWords, type StateWords, wordsBy } from './marketState.ts'
import { joinElements, pack } from './words.ts'

/** One market of a batch, as the chain holds it, with the observations that it is to take in. */
export type MarketBatch = {
  readonly marketId: string
  /** Number of the update; the registry's last one plus 1. */
  readonly sequence: bigint
  readonly previous: MarketState
  /** Oldest first, n ≥ 1. */
  readonly observations: readonly Observation[]
  readonly policy: Fields<'marketPolicy'>
}

/** A batch of markets under one engine policy, for one build of the circuit. */
export type MarketRiskBatch = {
  readonly build: Build
  readonly chainId: bigint
  readonly registry: string
  readonly modelId: string
  readonly learning: Fields<'learningPolicy'>
  readonly margin: Fields<'marginPolicy'>
  /** In the order of the batch: ascending ids, each once. */
  readonly markets: readonly MarketBatch[]
}

/** What a batch says, ready to be proven and submitted. */
export type MarketRiskStatement = Stated & {
  readonly batch: MarketRiskBatch
  readonly updates: readonly MarketUpdate[]
  /** Packed words per market of the batch. */
  readonly packed: readonly PackedMarket[]
  readonly circuitInput: CircuitSignals
}

/** Words of one market by section. */
export type PackedMarket = PreviousWords &
  StateWords & {
    readonly marketPolicy: bigint
    readonly observations: readonly bigint[]
    readonly parameters: bigint
  }

/**
 * Observation words of one market: the newest observation in the last slot, unused slots first and zero.
 *
 * @param observations - oldest first, shape [n], n ≤ slots
 * @returns shape [⌈slots / 2⌉]
 */
export const packObservations = (observations: readonly Observation[], slots: number): readonly bigint[] =>
  joinElements('observation', [
    ...new Array<bigint>(slots - observations.length).fill(0n),
    ...observations.map((observation) => pack('observation', observation)),
  ])

/**
 * Computes every word of a batch with the twin and binds it to its place.
 *
 * @throws {@link BatchSizeError} if there is no market or more than the build takes
 * @throws {@link MarketOrderError} if ids do not ascend strictly
 * @throws {@link BatchSlotsError} if a market brings more observations than the build can take at once
 * @throws the errors of {@link updateMarket}
 * @example
 * const { batch } = await readBatchFile('batch.json', { verificationKeyHash: `0x${'00'.repeat(32)}` })
 * const { updates } = await stateBatch(batch)
 * updates.length // → 2
 */
export async function stateBatch(batch: MarketRiskBatch): Promise<MarketRiskStatement> {
  checkBatch(batch)
  const model = volatilityModelOfId(volatilityModelOf(batch.build))
  const updates = batch.markets.map((market) =>
    updateMarket(model, market.previous, market.observations, policyOf(batch, market)),
  )
  const slots = sizeOf(batch.build, 'observations')
  const packed = batch.markets.map((market, i) => packMarket(market, updates[i] as MarketUpdate, slots))
  const shared = [pack('learningPolicy', batch.learning), pack('marginPolicy', batch.margin)]
  const stated = await stateOf(batch.build, contextOf(batch), sectionsOf(shared, packed, batch.build))
  return { ...stated, batch, updates, packed, circuitInput: publicInput(stated) }
}

/**
 * Words of every section. A smaller batch repeats its first market, which the circuit simply proves again.
 *
 * @param shared - learning and margin policy
 */
export function sectionsOf(
  [learningPolicy = 0n, marginPolicy = 0n]: readonly bigint[],
  packed: readonly PackedMarket[],
  build: Build,
): SectionWords {
  const first = packed[0] as PackedMarket
  const filled = Array.from({ length: sizeOf(build, 'markets') }, (_, i) => packed[i] ?? first)
  const each = (name: Exclude<keyof PackedMarket, 'observations'>) => filled.map((market) => market[name])
  return {
    learningPolicy: [learningPolicy],
    marginPolicy: [marginPolicy],
    ...Object.fromEntries(marketStateWords.map((word) => [previousOf(word), each(previousOf(word))])),
    marketPolicy: each('marketPolicy'),
    observations: filled.flatMap((market) => market.observations),
    ...wordsBy(each),
    parameters: each('parameters'),
  }
}

function contextOf({ chainId, registry, modelId, markets }: MarketRiskBatch): StatementContext {
  const subject = markets.flatMap(({ marketId, sequence }) => [marketId, toBeHex(sequence, 32)])
  return { chainId, registry, modelId, subject }
}

function policyOf(batch: MarketRiskBatch, market: MarketBatch): Policy {
  return { learning: batch.learning, margin: batch.margin, market: market.policy }
}

function packMarket(market: MarketBatch, update: MarketUpdate, slots: number): PackedMarket {
  return {
    ...asPrevious(packState(market.previous)),
    marketPolicy: pack('marketPolicy', market.policy),
    observations: packObservations(market.observations, slots),
    ...packState(update.state),
    parameters: pack('parameters', update.parameters),
  }
}

function checkBatch({ build, markets, learning }: MarketRiskBatch): void {
  const places = sizeOf(build, 'markets')
  const slots = sizeOf(build, 'observations')
  if (markets.length === 0 || markets.length > places) throw new BatchSizeError(markets.length, places)
  for (const [i, market] of markets.entries()) {
    const before = markets[i - 1]
    if (before !== undefined && BigInt(market.marketId) <= BigInt(before.marketId)) {
      throw new MarketOrderError(before.marketId, market.marketId)
    }
    const { observations, previous } = market
    const testsEverySlot = sizeOf(build, 'testEverySlot') === 1
    const fits = batchLength(previous, observations, slots, testsEverySlot, learning.horizonSeconds)
    if (observations.length > fits) throw new BatchSlotsError(market.marketId, observations.length, fits)
  }
}

/** A batch has no market, or more than its build has places. */
export class BatchSizeError extends ProverError {
  readonly code = 'statement.batch-size'
  readonly size: number
  readonly limit: number

  constructor(size: number, limit: number) {
    super(`Expected 1 to ${limit} markets in a batch, got ${size}.`)
    this.size = size
    this.limit = limit
  }
}

/** Market ids do not ascend, or one comes twice. */
export class MarketOrderError extends ProverError {
  readonly code = 'statement.market-order'
  readonly before: string
  readonly after: string

  constructor(before: string, after: string) {
    super(`Expected ascending market ids, each once, got ${after} after ${before}.`)
    this.before = before
    this.after = after
  }
}

/** A market brings more observations than its build can take in one batch. */
export class BatchSlotsError extends ProverError {
  readonly code = 'statement.batch-slots'
  readonly marketId: string
  readonly count: number
  readonly limit: number

  constructor(marketId: string, count: number, limit: number) {
    super(
      `Expected at most ${limit} observations of market ${marketId} in this batch, got ${count}. ` +
        'A batch of the live build ends at the first observation that tries the running prediction.',
    )
    this.marketId = marketId
    this.count = count
    this.limit = limit
  }
}
