/** R44: sources that were replaced, and whether markets and shadows went on in the new one at the one place there is. R41: pauses. */
import { marketStateWords } from '../../../circuits/statements/index.ts'
import { marketNameOf, ownMarketOf } from '../../market/marketId.ts'
import { PriceBeyondScaleError, rescaleState } from '../../market/priceScale.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { extendHead } from '../../registry/market/calldata.ts'
import { idOfSource } from '../../registry/market/place.ts'
import { packState, type StateWords, stateWordsOf, unpackState } from '../../statement/marketState.ts'
import { unpack } from '../../statement/words.ts'
import { judgeLastPauses } from '../pauses.ts'
import type { ChainRecord, FollowingRecord, RotationRecord } from './chainRecord.ts'
import { isShadow } from './judgeShadows.ts'
import { type Ledger, observationOf } from './ledger.ts'
import { sourcesOf } from './reads.ts'

/** What of a registry can be paused: markets, and sources by their addresses; and whatever was. */
export const pausableIn = (told: Pick<ChainRecord, 'markets' | 'rotations' | 'pauses'>): readonly string[] => [
  ...new Set([
    ...told.markets.flatMap(({ marketId }) => (isShadow(marketId) ? [] : [marketId])),
    ...sourcesOf(told).map(({ address }) => idOfSource(address)),
    ...told.pauses.map(({ id }) => id),
  ]),
]

export const judgePausesInForce = (record: ChainRecord): readonly ClaimResult[] =>
  judgeLastPauses('inForce.pauses', record.pauses, record.inForce.pauses, pausableIn(record))

/** The market is there, comes from where the event says, and the new source has an observation of it. */
export function judgeRotation(event: RotationRecord, ledger: Ledger): readonly ClaimResult[] {
  const { marketId, source, previous } = event
  const start = ledger.startIn(source, marketId)
  const isThere = start.count > 0n || ledger.wordsAfter(start, marketId, 1, event).length > 0
  return [
    compare('R44', 'rotated.previous', ledger.sources.get(marketId) ?? 'the source of a market', previous),
    compare('R44', 'rotated.source', 'with an observation', isThere ? 'with an observation' : 'without one'),
  ]
}

/** The state that it stood at, told at the new source's scale. */
function judgeFollowedState(
  { marketId, source, ...state }: FollowingRecord,
  held: StateWords & { readonly inbox: { readonly source: string } },
  ledger: Ledger,
): readonly ClaimResult[] {
  const own = ownMarketOf(marketId)
  const steps = ledger.priceScale(source, own) - ledger.priceScale(held.inbox.source, own)
  const expected = steps === 0 ? held : rescaledWords(held, steps)
  if (expected === undefined) return [compare('R111', 'followed.state', 'a price that the scale has', 'none')]
  const claim = steps === 0 ? 'R44' : 'R111'
  return marketStateWords.map((word) => compare(claim, `followed.${word}`, expected[word], state[word]))
}

function rescaledWords(held: StateWords, steps: number): StateWords | undefined {
  try {
    return packState(rescaleState(unpackState(stateWordsOf(held)), steps))
  } catch (error) {
    if (error instanceof PriceBeyondScaleError) return undefined
    throw error
  }
}

/** It goes on from the state in force, behind the last observation of the new source that is not later. */
export function judgeFollowing(event: FollowingRecord, ledger: Ledger): readonly ClaimResult[] {
  const { marketId, source } = event
  const held = ledger.markets.get(marketId)
  if (held === undefined) {
    return [compare('R44', 'followed.marketId', 'a market or a shadow', marketNameOf(marketId))]
  }
  const { asOf } = unpack('volatilityState', held.volatilityState)
  const start = ledger.startIn(source, marketId)
  const words = ledger.wordsAfter(start, marketId, Number.POSITIVE_INFINITY, event)
  const later = words.findIndex((word) => observationOf(word).asOf > asOf)
  const before = later === -1 ? words : words.slice(0, later)
  const another = 'another than before'
  return [
    compare('R44', 'followed.source', ledger.sources.get(ownMarketOf(marketId)), source),
    compare('R44', 'followed.source', another, held.inbox.source === source ? source : another),
    ...judgeFollowedState(event, held, ledger),
    compare('R44', 'followed.inboxCount', start.count + BigInt(before.length), event.inboxCount),
    compare('R44', 'followed.inboxHead', extendHead(start.head, before), event.inboxHead),
  ]
}
