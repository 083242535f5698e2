/** The chain's story told again: what the registry holds before each batch, from the record's events in order. */
import type { Fields, WordName } from '../../../circuits/statements/index.ts'
import { modelIdOfShadow, ownMarketOf } from '../../market/marketId.ts'
import type { Observation } from '../../parameters/marketRisk.ts'
import { NO_SCORE, type Score } from '../../parameters/shadowScore.ts'
import type { InboxPosition } from '../../registry/index.ts'
import { extendHead } from '../../registry/market/calldata.ts'
import { startHead } from '../../registry/market/place.ts'
import { type StateWords, stateWordsOf } from '../../statement/marketState.ts'
import { unpack, wordBits } from '../../statement/words.ts'
import type {
  ChainRecord,
  FollowingRecord,
  MarketRecord,
  PromotionPolicy,
  PromotionRecord,
  RotationRecord,
} from './chainRecord.ts'
import { isBefore, type Place } from '../nodeReads.ts'

/** A market, or a shadow of one, between two batches. */
export type HeldMarket = StateWords & {
  readonly marketId: string
  readonly volatilityModel: number
  readonly inbox: InboxPosition
  readonly sequence: bigint
  readonly parameters: bigint
  /** Of a shadow's predictions; a market has none. */
  readonly score: Score
  /** Where it was added, which scores that are compared have in common: a head binds source and count. */
  readonly beginning: { readonly inboxHead: string; readonly anchorAsOf: bigint }
}

/** What a registry starts with: Shadows.sol. */
export const FIRST_PROMOTION_POLICY: PromotionPolicy = { leastPredictions: 168n, maxMarginStepX24: 838_861n }

/** An observation's place in its inbox and its word. */
export type InboxEntry = { readonly word: bigint; readonly place: Place }

export class Ledger {
  readonly markets = new Map<string, HeldMarket>()
  /** Where observations of markets come from, by the council's word; markets and shadows go over to it one by one. */
  readonly sources = new Map<string, string>()
  /** Where the market, not its shadows, stood before, and when it went over; 0 until then. */
  readonly rotations = new Map<string, { readonly previous: string; readonly followedAt: bigint }>()
  private readonly ordered: Pick<ChainRecord, 'policies' | 'promotionPolicies'>
  private readonly told: Pick<ChainRecord, 'context' | 'markets' | 'priceScales'>
  /** The source in which each market and shadow stands, or stood last. */
  private readonly standing = new Map<string, string>()
  private readonly policies = new Map<string, bigint>()
  private readonly inboxes = new Map<string, Map<bigint, InboxEntry>>()
  private nextPolicy = 0
  private nextPromotionPolicy = 0
  /** Counts of shadows that were removed: one that is added again goes on from there. */
  private readonly sequences = new Map<string, bigint>()
  promotionPolicy = FIRST_PROMOTION_POLICY

  constructor(record: ChainRecord) {
    this.told = record
    this.ordered = {
      policies: [...inOrder(record.policies)],
      promotionPolicies: [...inOrder(record.promotionPolicies)],
    }
    for (const { source, marketId, count, word, block, logIndex } of record.observations) {
      const key = inboxKey(source, marketId)
      const inbox = this.inboxes.get(key) ?? new Map<bigint, InboxEntry>()
      // The first event of a count stands; a second one is a contradiction that the head will show.
      if (!inbox.has(count)) inbox.set(count, { word, place: { block, logIndex } })
      this.inboxes.set(key, inbox)
    }
  }

  /** Takes over policies up to a place. */
  advanceTo(place: Place): void {
    const { policies, promotionPolicies } = this.ordered
    for (; this.nextPolicy < policies.length; this.nextPolicy++) {
      const policy = policies[this.nextPolicy] as ChainRecord['policies'][number]
      if (!isBefore(policy, place)) break
      this.policies.set(`${policy.kind}:${policy.marketId}`, policy.value)
    }
    for (; this.nextPromotionPolicy < promotionPolicies.length; this.nextPromotionPolicy++) {
      const policy = promotionPolicies[this.nextPromotionPolicy] as ChainRecord['promotionPolicies'][number]
      if (!isBefore(policy, place)) break
      this.promotionPolicy = policy.current
    }
  }

  /** A market or a shadow begins. */
  add(added: MarketRecord): void {
    const { marketId, source, volatilityModel, anchorState, inboxHead, inboxCount } = added
    if (modelIdOfShadow(marketId) === 0) this.sources.set(marketId, source)
    this.standing.set(marketId, source)
    this.markets.set(marketId, {
      ...{ marketId, volatilityModel, ...stateWordsOf(added) },
      inbox: { source, head: inboxHead, count: inboxCount },
      sequence: this.sequenceOf(marketId),
      parameters: 0n,
      score: NO_SCORE,
      beginning: { inboxHead, anchorAsOf: fittingFields('anchorState', anchorState).anchorAsOf },
    })
  }

  /** A shadow is gone, and its score with it. */
  remove(shadowId: string): void {
    this.sequences.set(shadowId, this.sequenceOf(shadowId))
    this.markets.delete(shadowId)
  }

  /** Observations of a market come from another source; one that has not followed the last rotation stands where it stood. */
  rotate({ marketId, source, previous }: RotationRecord): void {
    this.sources.set(marketId, source)
    if (this.rotations.get(marketId)?.followedAt !== 0n) this.rotations.set(marketId, { previous, followedAt: 0n })
  }

  /** A market or a shadow goes over to another source, where the event says. */
  follow({ marketId, source, inboxHead, inboxCount, timestamp, ...state }: FollowingRecord): void {
    const held = this.markets.get(marketId)
    if (held === undefined) return
    const inbox = { source, head: inboxHead, count: inboxCount }
    this.markets.set(marketId, { ...held, ...stateWordsOf(state), inbox })
    this.standing.set(marketId, source)
    this.noteFollowed(marketId, timestamp)
  }

  /** Once a rotation: by following, or by a promotion. */
  private noteFollowed(marketId: string, timestamp: number): void {
    const rotation = this.rotations.get(marketId)
    if (rotation?.followedAt !== 0n) return
    this.rotations.set(marketId, { ...rotation, followedAt: BigInt(timestamp) })
  }

  /** The source that a market's parameters come from: the one before until something later than its following is proven. */
  sourceInForce(marketId: string): string | undefined {
    const rotation = this.rotations.get(marketId)
    const { asOf } = fittingFields('parameters', this.markets.get(marketId)?.parameters ?? 0n)
    if (rotation === undefined) return this.sources.get(marketId)
    const isOfBefore = rotation.followedAt === 0n || asOf <= rotation.followedAt
    return isOfBefore ? rotation.previous : this.sources.get(marketId)
  }

  /** k: a source's prices of a market are of 10^k units. */
  priceScale(source: string, marketId: string): number {
    return this.told.priceScales.find((each) => each.source === source && each.marketId === marketId)?.scale ?? 0
  }

  /** The source in which a market or a shadow stands, or stood last. */
  sourceOf(marketId: string): string | undefined {
    return this.standing.get(marketId)
  }

  /** Where a record's observations of a market begin in a source: where the market began there, or before the first of all. */
  startIn(source: string, marketId: string): InboxPosition {
    const own = ownMarketOf(marketId)
    const added = this.told.markets.find((market) => market.marketId === own && market.source === source)
    if (added !== undefined) return { source, head: added.inboxHead, count: added.inboxCount }
    return { source, head: startHead(source, this.told.context.chainId, own), count: 0n }
  }

  /** A market goes on as a promotion says, in its source; its parameters and its count of batches stay. */
  promote(promotion: PromotionRecord): void {
    const { marketId, volatilityModel, inboxHead, inboxCount, timestamp } = promotion
    const held = this.markets.get(marketId)
    if (held === undefined) return
    const source = this.sources.get(marketId) ?? held.inbox.source
    const inbox = { source, head: inboxHead, count: inboxCount }
    this.standing.set(marketId, source)
    this.markets.set(marketId, { ...held, volatilityModel, ...stateWordsOf(promotion), inbox })
    this.noteFollowed(marketId, timestamp)
  }

  /** How many batches have moved a market or a shadow, also one that was removed. */
  sequenceOf(marketId: string): bigint {
    return this.markets.get(marketId)?.sequence ?? this.sequences.get(marketId) ?? 0n
  }

  /** Policy word in force. */
  policy(kind: ChainRecord['policies'][number]['kind'], marketId = NO_MARKET): bigint | undefined {
    return this.policies.get(`${kind}:${marketId}`)
  }

  /** Policy of learning in force; {@link fittingFields} of it. */
  learning(): Fields<'learningPolicy'> {
    return fittingFields('learningPolicy', this.policy('learning') ?? 0n)
  }

  /**
   * Words of a market's inbox after `count`, as many as there are without a gap, at most `length`; of a shadow those of its
   * market's.
   *
   * @param until - only those that were there before this place
   */
  wordsAfter({ source, count }: InboxPosition, marketId: string, length: number, until?: Place): readonly bigint[] {
    const inbox = this.inboxes.get(inboxKey(source, ownMarketOf(marketId)))
    const words: bigint[] = []
    for (let next = count + 1n; words.length < length; next++) {
      const entry = inbox?.get(next)
      if (entry === undefined || (until !== undefined && !isBefore(entry.place, until))) break
      words.push(entry.word)
    }
    return words
  }

  /** Puts a batch's result in place of what was held. */
  move(
    { marketId, parameters, ...state }: StateWords & { readonly marketId: string; readonly parameters: bigint },
    words: readonly bigint[],
    score: Score,
  ): void {
    const held = this.markets.get(marketId)
    if (held === undefined) return
    const { source, head, count } = held.inbox
    this.markets.set(marketId, {
      ...held,
      ...stateWordsOf(state),
      inbox: { source, head: extendHead(head, words), count: count + BigInt(words.length) },
      sequence: held.sequence + 1n,
      parameters,
      score,
    })
  }
}

const NO_MARKET = `0x${'00'.repeat(32)}`

/** Fields of a word, of one that no registry takes those of its lower bits: for what is told, not for what is judged. */
export const fittingFields = <W extends WordName>(word: W, value: bigint): Fields<W> =>
  unpack(word, BigInt.asUintN(wordBits(word), value))

export const observationOf = (word: bigint): Observation => unpack('observation', word) as Fields<'observation'>

/** In the order of the chain. */
export function inOrder<Event extends Place>(events: readonly Event[]): readonly Event[] {
  return [...events].sort((a, b) => (isBefore(a, b) ? -1 : isBefore(b, a) ? 1 : 0))
}

const inboxKey = (source: string, marketId: string): string => `${source}:${marketId}`
