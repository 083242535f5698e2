/** R41: what was paused and until when, from the events of a registry, and what that spares a clock of staleness. */
import { Contract, type Log, type Provider, toBeHex } from 'ethers'
import { interfaceOf } from '../registry/artifacts.ts'
import { type ClaimResult, compare } from '../registry/claims.ts'
import { ask } from '../registry/contractErrors.ts'
import type { LastPause, PauseEvent } from './modelRecord.ts'
import { inTurns, isBefore, type Place, stampOf } from './nodeReads.ts'
import { timeText } from './report.ts'

/** Pauses.sol. */
const PAUSE_SECONDS = 3n * 86_400n
const REST_SECONDS = 7n * 86_400n
const HELD = 2n ** 40n - 1n

/** The last pause of something; zeros if there was none. */
type Pause = Omit<LastPause, 'id'>

type Pausing = 'RiskRegistry' | 'ModelRegistry'
const kinds = { Paused: 'paused', PauseHeld: 'held', PauseLifted: 'lifted' } as const

/** Pauses among the logs of a registry. */
export async function pausesIn(provider: Provider, contract: Pausing, logs: readonly Log[]): Promise<PauseEvent[]> {
  const events = logs.flatMap((log) => {
    const parsed = interfaceOf(contract).parseLog(log)
    const kind = parsed === null ? undefined : kinds[parsed.name as keyof typeof kinds]
    return kind === undefined ? [] : [{ log, kind, args: parsed?.args.toObject() ?? {} }]
  })
  return inTurns(events, async ({ log, kind, args: { id, until = null } }) => ({
    ...(await stampOf(provider, log)),
    ...{ kind, id, until },
  }))
}

/** What a registry answers of the last pause of each. */
export function lastPausesOf(
  { provider, end }: { readonly provider: Provider; readonly end: number },
  contract: Pausing,
  address: string,
  ids: readonly string[],
): Promise<LastPause[]> {
  const registry = new Contract(address, interfaceOf(contract), provider)
  const blockTag = toBeHex(end)
  return inTurns(ids, async (id) => {
    const { since, until } = await ask('Reading a pause', () => registry.getFunction('pauseOf')(id, { blockTag }))
    return { id, since, until }
  })
}

/** The last pause of something before a place of the chain. */
export function pauseAt(events: readonly PauseEvent[], id: string, place: Place): Pause {
  let pause: Pause = { since: 0n, until: 0n }
  for (const event of events.toSorted((a, b) => (isBefore(a, b) ? -1 : 1))) {
    if (event.id !== id || !isBefore(event, place)) continue
    const time = BigInt(event.timestamp)
    if (event.kind === 'paused') pause = { since: time, until: event.until ?? 0n }
    else pause = { ...pause, until: event.kind === 'held' ? HELD : time }
  }
  return pause
}

/** When pauses end, as people read it. */
export const untilText = (until: bigint): string =>
  until === HELD ? 'until the council lifts it' : `until ${timeText(until)}`

/** Something was not paused when a batch used it. */
export function judgeNotPaused(
  field: string,
  events: readonly PauseEvent[],
  id: string,
  { timestamp, ...place }: Place & { readonly timestamp: number },
): ClaimResult {
  const { until } = pauseAt(events, id, place)
  return compare('R41', field, 'not paused', BigInt(timestamp) < until ? `paused ${untilText(until)}` : 'not paused')
}

/** A pause lasts as long as it may and does not follow too soon; held or lifted is only what is paused. */
export function judgePause(event: PauseEvent, events: readonly PauseEvent[]): readonly ClaimResult[] {
  const before = pauseAt(events, event.id, event)
  const time = BigInt(event.timestamp)
  if (event.kind !== 'paused') return [compare('R41', `${event.kind}.id`, true, time < before.until)]
  const from = before.until === 0n ? 0n : before.until + REST_SECONDS
  const early = `at least ${timeText(from)}`
  return [
    compare('R41', 'paused.until', time + PAUSE_SECONDS, event.until),
    compare('R41', 'paused.timestamp', early, time < from ? timeText(time) : early),
  ]
}

const END: Place = { block: Number.POSITIVE_INFINITY, logIndex: 0 }

/** The last pauses are those that the events tell of. */
export function judgeLastPauses(
  at: string,
  events: readonly PauseEvent[],
  last: readonly LastPause[],
  ids: Iterable<string>,
): readonly ClaimResult[] {
  return [...new Set([...ids, ...events.map(({ id }) => id)])].flatMap((id) => {
    const expected = pauseAt(events, id, END)
    const found = last.find((each) => each.id === id)
    return (['since', 'until'] as const).map((field) =>
      compare('R41', `${at}.${field} of ${id}`, expected[field], found?.[field]),
    )
  })
}

/**
 * Seconds since `from` that lie in a pause or the grace after it. One that was over by then counts for nothing, and so does one that
 * ends before it begins: of a source that the market had left.
 */
export function pausedSeconds(
  pauses: readonly Pause[],
  { from, now, graceSeconds }: { readonly from: bigint; readonly now: bigint; readonly graceSeconds: bigint },
): bigint {
  const spans = pauses
    .filter(({ since, until }) => until > from && until > since)
    .map(({ since, until }) => ({ since, end: until + graceSeconds }))
    .toSorted((a, b) => (a.since < b.since ? -1 : a.since > b.since ? 1 : 0))
  let [total, reached] = [0n, from]
  for (const { since, end } of spans) {
    const [begin, stop] = [since > reached ? since : reached, end < now ? end : now]
    if (stop <= begin) continue
    total += stop - begin
    reached = stop
  }
  return total
}
