/** What a registry's events tell of sources: which were replaced, and who stands in which. */
import type { Log, Provider } from 'ethers'
import { interfaceOf } from '../../registry/artifacts.ts'
import { stateWordsOf } from '../../statement/marketState.ts'
import { inTurns, stampOf } from '../nodeReads.ts'
import type { ChainRecord } from './chainRecord.ts'
import { isShadow } from './judgeShadows.ts'

const eventsIn = (logs: readonly Log[]) =>
  logs.flatMap((log) => {
    const parsed = interfaceOf('RiskRegistry').parseLog(log)
    return parsed === null ? [] : [{ log, name: parsed.name, args: parsed.args }]
  })

/** The record's parts that are of sources alone. */
export async function sourceEvents(
  provider: Provider,
  logs: readonly Log[],
): Promise<Pick<ChainRecord, 'rotations' | 'followings'>> {
  const events = (name: string) => eventsIn(logs).filter((event) => event.name === name)
  return {
    rotations: await inTurns(events('SourceRotated'), async ({ log, args: { marketId, source, previous } }) => ({
      ...(await stampOf(provider, log)),
      ...{ marketId, source, previous },
    })),
    followings: await inTurns(events('SourceFollowed'), async ({ log, args }) => {
      const { marketId, source, state, inboxHead, inboxCount } = args
      return {
        ...(await stampOf(provider, log)),
        ...{ marketId, source, ...stateWordsOf(state), inboxHead, inboxCount },
      }
    }),
  }
}

/** The source in which each market and shadow stands after these logs, or stood last. */
export function standingIn(logs: readonly Log[]): ReadonlyMap<string, string> {
  const inForce = new Map<string, string>()
  const standing = new Map<string, string>()
  for (const { name, args } of eventsIn(logs)) {
    const { marketId, source } = args
    if (name === 'SourceRotated' || (name === 'MarketAdded' && !isShadow(marketId))) inForce.set(marketId, source)
    if (name === 'MarketAdded' || name === 'SourceFollowed') standing.set(marketId, source)
    if (name === 'ShadowPromoted') standing.set(marketId, inForce.get(marketId) ?? source)
  }
  return standing
}
