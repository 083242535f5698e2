/** The chain's story told again: what the registry holds before each batch, from the record's events in order. */
import type { Fields } from '../../../circuits/statements/index.ts'
import type { MarketState, Observation } from '../../parameters/marketRisk.ts'
import { extendHead, type InboxPosition } from '../../registry/index.ts'
import { unpack } from '../../statement/words.ts'
import type { BatchRecord, ChainRecord, MarketRecord } from './chainRecord.ts'
import { isBefore, type Place } from '../nodeReads.ts'

/** A market between two batches. */
export type HeldMarket = {
  readonly record: MarketRecord
  readonly volatilityState: bigint
  readonly anchorState: bigint
  readonly inbox: InboxPosition
  readonly sequence: bigint
  readonly parameters: bigint
}

/** An observation's place in its inbox and its word. */
export type InboxEntry = { readonly word: bigint; readonly place: Place }

export class Ledger {
  readonly markets = new Map<string, HeldMarket>()
  private readonly record: ChainRecord
  private readonly policies = new Map<string, bigint>()
  private readonly inboxes = new Map<string, Map<bigint, InboxEntry>>()
  private nextPolicy = 0
  private nextMarket = 0

  constructor(record: ChainRecord) {
    this.record = record
    for (const { source, marketId, count, word, block, logIndex } of record.observations) {
      const key = inboxKey(source, marketId)
      const inbox = this.inboxes.get(key) ?? new Map<bigint, InboxEntry>()
      // The first event of a count stands; a second one is a contradiction that the head will show.
      if (!inbox.has(count)) inbox.set(count, { word, place: { block, logIndex } })
      this.inboxes.set(key, inbox)
    }
  }

  /** Takes over policies and markets up to a place. */
  advanceTo(place: Place): void {
    const { policies, markets } = this.record
    for (; this.nextPolicy < policies.length; this.nextPolicy++) {
      const policy = policies[this.nextPolicy] as ChainRecord['policies'][number]
      if (!isBefore(policy, place)) break
      this.policies.set(`${policy.kind}:${policy.marketId}`, policy.value)
    }
    for (; this.nextMarket < markets.length; this.nextMarket++) {
      const record = markets[this.nextMarket] as MarketRecord
      if (!isBefore(record, place)) break
      this.markets.set(record.marketId, {
        record,
        volatilityState: record.volatilityState,
        anchorState: record.anchorState,
        inbox: { source: record.source, head: record.inboxHead, count: record.inboxCount },
        sequence: 0n,
        parameters: 0n,
      })
    }
  }

  /** Policy word in force. */
  policy(kind: ChainRecord['policies'][number]['kind'], marketId = NO_MARKET): bigint | undefined {
    return this.policies.get(`${kind}:${marketId}`)
  }

  /** Words of an inbox after `count`, as many as there are without a gap, at most `length`. */
  wordsAfter({ source, count }: InboxPosition, marketId: string, length: number): readonly bigint[] {
    const inbox = this.inboxes.get(inboxKey(source, marketId))
    const words: bigint[] = []
    for (let next = count + 1n; words.length < length; next++) {
      const entry = inbox?.get(next)
      if (entry === undefined) break
      words.push(entry.word)
    }
    return words
  }

  /** Puts a batch's result in place of what was held. */
  move(
    marketId: string,
    volatilityState: bigint,
    anchorState: bigint,
    words: readonly bigint[],
    parameters: bigint,
  ): void {
    const held = this.markets.get(marketId)
    if (held === undefined) return
    const { source, head, count } = held.inbox
    this.markets.set(marketId, {
      ...held,
      volatilityState,
      anchorState,
      inbox: { source, head: extendHead(head, words), count: count + BigInt(words.length) },
      sequence: held.sequence + 1n,
      parameters,
    })
  }
}

const NO_MARKET = `0x${'00'.repeat(32)}`

/** A market's held words as the twin takes them. */
export function stateOf({ volatilityState, anchorState }: HeldMarket): MarketState {
  return { volatility: unpack('volatilityState', volatilityState), anchor: unpack('anchorState', anchorState) }
}

export const observationOf = (word: bigint): Observation => unpack('observation', word) as Fields<'observation'>

/** Batches in the order of the chain. */
export function inOrder(batches: readonly BatchRecord[]): readonly BatchRecord[] {
  return [...batches].sort((a, b) => (isBefore(a, b) ? -1 : 1))
}

const inboxKey = (source: string, marketId: string): string => `${source}:${marketId}`
