/** What a registry's events tell of shadows: scores, removals, promotions and the policy of these. */
import type { Log } from 'ethers'
import { interfaceOf } from '../../registry/artifacts.ts'
import { ask } from '../../registry/contractErrors.ts'
import { stateWordsOf } from '../../statement/marketState.ts'
import type { CollectOptions } from '../history.ts'
import { inTurns, placeOf } from '../nodeReads.ts'
import type { ChainRecord, PromotionPolicy } from './chainRecord.ts'

type EventName = 'ShadowScored' | 'ShadowRemoved' | 'ShadowPromoted' | 'PromotionPolicySet'

/** The record's parts that are of shadows alone. */
export async function shadowEvents(
  { provider }: Pick<CollectOptions, 'provider'>,
  logs: readonly Log[],
): Promise<Pick<ChainRecord, 'scores' | 'removals' | 'promotions' | 'promotionPolicies'>> {
  const events = (name: EventName) =>
    logs.flatMap((log) => {
      const parsed = interfaceOf('RiskRegistry').parseLog(log)
      return parsed?.name === name ? [{ place: placeOf(log), args: parsed.args }] : []
    })
  return {
    scores: events('ShadowScored').map(({ place, args: { shadowId, score } }) => ({ ...place, shadowId, score })),
    removals: events('ShadowRemoved').map(({ place, args: { shadowId } }) => ({ ...place, shadowId })),
    promotions: await inTurns(events('ShadowPromoted'), async ({ place, args }) => {
      const block = await ask('Reading a block', () => provider.getBlock(place.block))
      const { marketId, state, inboxHead, inboxCount, score, controlScore } = args
      return {
        ...place,
        timestamp: block?.timestamp ?? 0,
        marketId,
        volatilityModel: Number(args.volatilityModel),
        previousModel: Number(args.previousModel),
        ...stateWordsOf(state),
        ...{ inboxHead, inboxCount, score, controlScore },
      }
    }),
    promotionPolicies: events('PromotionPolicySet').map(({ place, args: { previous, current } }) => ({
      ...place,
      previous: promotionPolicyOf(previous),
      current: promotionPolicyOf(current),
    })),
  }
}

export const promotionPolicyOf = ({ leastPredictions, maxMarginStepX24 }: PromotionPolicy): PromotionPolicy => ({
  leastPredictions,
  maxMarginStepX24,
})
