import type { Build } from '../../circuits/builds.ts'
import { OBSERVATIONS_PER_WORD } from '../../circuits/statements.ts'
import type { Fields } from '../../circuits/statements.ts'
import { ProverError } from '../errors.ts'
import type { MarketState, MarketUpdate, Observation, Policy } from '../parameters/marketRisk.ts'
import { batchLength, updateMarket } from '../parameters/marketRisk.ts'
import type { StatementContext } from './challenge.ts'
import { challengeOf, evaluate } from './challenge.ts'
import { commit } from './commitment.ts'
import { layoutHash } from './layout.ts'
import { pack, wordBits } from './words.ts'

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
export type MarketRiskStatement = {
  readonly batch: MarketRiskBatch
  readonly updates: readonly MarketUpdate[]
  /** Packed words per market of the batch. */
  readonly packed: readonly PackedMarket[]
  readonly words: readonly bigint[]
  readonly commitment: bigint
  readonly challenge: bigint
  readonly evaluation: bigint
  /** In the verifier's order. */
  readonly publicSignals: readonly [commitment: bigint, evaluation: bigint, challenge: bigint]
  readonly circuitInput: Readonly<Record<string, bigint | readonly bigint[] | readonly (readonly bigint[])[]>>
}

export type PackedMarket = {
  readonly previousVolatilityState: bigint
  readonly previousAnchorState: bigint
  readonly marketPolicy: bigint
  readonly observations: readonly bigint[]
  readonly volatilityState: bigint
  readonly anchorState: bigint
  readonly parameters: bigint
}

/**
 * Observation words of one market: the newest observation in the last slot, unused slots first and zero.
 *
 * @param observations - oldest first, shape [n], n ≤ slots
 * @returns shape [⌈slots / 2⌉]
 */
export function packObservations(observations: readonly Observation[], slots: number): readonly bigint[] {
  const width = BigInt(wordBits('observation'))
  const unused = slots - observations.length
  const words = new Array<bigint>(Math.ceil(slots / OBSERVATIONS_PER_WORD)).fill(0n)
  for (const [i, observation] of observations.entries()) {
    const slot = unused + i
    const word = Math.floor(slot / OBSERVATIONS_PER_WORD)
    const shift = width * BigInt(slot % OBSERVATIONS_PER_WORD)
    words[word] = (words[word] ?? 0n) | (pack('observation', observation) << shift)
  }
  return words
}

/**
 * Computes every word of a batch with the twin and binds it to its place.
 *
 * @throws {@link BatchSizeError} if there is no market or more than the build takes
 * @throws {@link MarketOrderError} if ids do not ascend strictly
 * @throws {@link BatchSlotsError} if a market brings more observations than the build can take at once
 * @throws the errors of {@link updateMarket}
 */
export async function stateBatch(batch: MarketRiskBatch): Promise<MarketRiskStatement> {
  checkBatch(batch)
  const updates = batch.markets.map((market) =>
    updateMarket(market.previous, market.observations, policyOf(batch, market)),
  )
  const packed = batch.markets.map((market, i) =>
    packMarket(market, updates[i] as MarketUpdate, batch.build.observations),
  )
  const shared = [pack('learningPolicy', batch.learning), pack('marginPolicy', batch.margin)]
  const { inputWords, words } = assembleWords(shared, packed, batch.build.markets)

  const commitment = await commit(inputWords)
  const challenge = challengeOf(contextOf(batch), commitment, words)
  const evaluation = evaluate(words, challenge)
  const filled = fill(packed, batch.build.markets)
  return {
    batch,
    updates,
    packed,
    words,
    commitment,
    challenge,
    evaluation,
    publicSignals: [commitment, evaluation, challenge],
    circuitInput: {
      challenge,
      learningPolicy: shared[0] as bigint,
      marginPolicy: shared[1] as bigint,
      previousVolatilityState: filled.map((market) => market.previousVolatilityState),
      previousAnchorState: filled.map((market) => market.previousAnchorState),
      marketPolicy: filled.map((market) => market.marketPolicy),
      observations: filled.map((market) => market.observations),
    },
  }
}

/**
 * The statement vector: shared words, every market's inputs, every market's outputs. A smaller batch repeats its first
 * market, which the circuit simply proves again.
 */
export function assembleWords(
  shared: readonly bigint[],
  packed: readonly PackedMarket[],
  markets: number,
): { readonly inputWords: readonly bigint[]; readonly words: readonly bigint[] } {
  const filled = fill(packed, markets)
  const inputWords = [
    ...shared,
    ...filled.flatMap((market) => [
      market.previousVolatilityState,
      market.previousAnchorState,
      market.marketPolicy,
      ...market.observations,
    ]),
  ]
  const outputWords = filled.flatMap((market) => [market.volatilityState, market.anchorState, market.parameters])
  return { inputWords, words: [...inputWords, ...outputWords] }
}

export function contextOf(batch: MarketRiskBatch): StatementContext {
  return {
    layoutHash: layoutHash('marketRisk'),
    chainId: batch.chainId,
    registry: batch.registry,
    modelId: batch.modelId,
    markets: batch.markets.map(({ marketId, sequence }) => ({ marketId, sequence })),
  }
}

function policyOf(batch: MarketRiskBatch, market: MarketBatch): Policy {
  return { learning: batch.learning, margin: batch.margin, market: market.policy }
}

function packMarket(market: MarketBatch, update: MarketUpdate, slots: number): PackedMarket {
  return {
    previousVolatilityState: pack('volatilityState', market.previous.volatility),
    previousAnchorState: pack('anchorState', market.previous.anchor),
    marketPolicy: pack('marketPolicy', market.policy),
    observations: packObservations(market.observations, slots),
    volatilityState: pack('volatilityState', update.state.volatility),
    anchorState: pack('anchorState', update.state.anchor),
    parameters: pack('parameters', update.parameters),
  }
}

function fill(packed: readonly PackedMarket[], markets: number): readonly PackedMarket[] {
  const first = packed[0] as PackedMarket
  return Array.from({ length: markets }, (_, i) => packed[i] ?? first)
}

function checkBatch({ build, markets, learning }: MarketRiskBatch): void {
  if (markets.length === 0 || markets.length > build.markets) throw new BatchSizeError(markets.length, build.markets)
  for (const [i, market] of markets.entries()) {
    const before = markets[i - 1]
    if (before !== undefined && BigInt(market.marketId) <= BigInt(before.marketId)) {
      throw new MarketOrderError(before.marketId, market.marketId)
    }
    const { observations, previous } = market
    const { horizonSeconds } = learning
    const fits = batchLength(previous, observations, build.observations, build.testEverySlot === 1, horizonSeconds)
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
