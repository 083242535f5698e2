/** What a node tells of one market's arrays, with whatever rounds were published of it, and of calls that carry proofs. Judges nothing. */
import { Contract, type Log, type Provider, toBeHex } from 'ethers'
import { type ContractName, interfaceOf } from '../../registry/artifacts.ts'
import { callsToVerify, SubmissionHiddenError } from '../../registry/calls.ts'
import { logsBetween } from '../../registry/chain.ts'
import { ask } from '../../registry/contractErrors.ts'
import { namedValues } from '../../registry/portfolio/calldata.ts'
import { type CollectOptions, HistoryIncompleteError } from '../history.ts'
import { inTurns, type Place, placeOf } from '../nodeReads.ts'
import type { MarketHistory, PortfolioRecord, ProofEvent, TransactionRecord } from './record.ts'
import { publishCallOf } from './signatures.ts'

export type Gathered = CollectOptions & { readonly end: number }
export type Event = Place & {
  readonly name: string
  readonly log: Log
  readonly args: Readonly<Record<string, unknown>>
}

/** A market's arrays: whose they are, what happened to them, and what they answer at the last block. */
export type CollectedMarket = {
  readonly history: MarketHistory
  readonly marketId: string
  /** Where rounds come from at the last block. */
  readonly source: string
  readonly policy: PortfolioRecord['final']['policy']
  readonly events: readonly Event[]
}

/**
 * @param isWanted which rounds, by their times; by default all
 * @throws {@link HistoryIncompleteError} if the blocks do not reach back to the arrays' deployment
 */
export async function collectMarket(
  gathered: Gathered,
  arrays: string,
  isWanted: (asOf: bigint) => boolean = () => true,
): Promise<CollectedMarket> {
  const { provider, registry, fromBlock, end } = gathered
  const answer = (method: string) => readAt(gathered, 'RiskArrays', arrays, method)
  const [source, marketId] = await Promise.all(['rounds', 'marketId'].map(answer))
  const events = eventsIn('RiskArrays', await logsBetween(provider, { address: arrays }, fromBlock, end))
  const named = (name: string): readonly Event[] => events.filter((event) => event.name === name)
  if (named('PortfolioPolicySet').length === 0) {
    throw new HistoryIncompleteError(registry, `its deployment lies before block ${fromBlock}`)
  }
  const roundSources = named('RoundsSet').map(({ block, logIndex, args }) => ({
    ...{ block, logIndex, source: args.rounds as string, priceScale: args.priceScale as bigint },
  }))
  const sources = [...new Set(roundSources.map((each) => each.source))]
  const topics = interfaceOf('AttestedRounds').encodeFilterTopics('RoundPublished', [marketId])
  const published = await inTurns(sources, (address) => logsBetween(provider, { address, topics }, fromBlock, end))
  const { version, words } = await answer('portfolioPolicy')
  const history: MarketHistory = {
    policies: named('PortfolioPolicySet').map(withPlace) as unknown as MarketHistory['policies'],
    freshness: named('PortfolioFreshnessSet').map(({ block, logIndex, args }) => ({
      ...{ block, logIndex },
      ...(args.current as Omit<MarketHistory['freshness'][number], keyof Place>),
    })),
    priceGaps: named('RoundPriceGapSet').map(({ block, logIndex, args }) => ({
      ...{ block, logIndex, gapBps: args.currentBps as bigint },
    })),
    roundSources,
    rounds: await roundsOf(
      gathered,
      eventsIn('AttestedRounds', published.flat()).filter(({ args }) => isWanted(args.asOf as bigint)),
    ),
  }
  return { history, marketId, source, policy: { version, words: [...words] }, events }
}

/** Rounds with the calls that published them. */
function roundsOf({ provider }: Gathered, events: readonly Event[]): Promise<MarketHistory['rounds']> {
  const isPublishing = (calldata: string): boolean => publishCallOf(calldata) !== undefined
  return inTurns(events, async ({ block, logIndex, log, args: { marketId: _, ...round } }) => {
    const source = log.address
    const place = { block, logIndex, source }
    const calls = await callsOf(provider, [source], log.transactionHash, isPublishing)
    const calldata = calls?.find((call) => publishCallOf(call)?.round.asOf === round.asOf) ?? null
    return { ...place, ...round, calldata } as unknown as MarketHistory['rounds'][number]
  })
}

/** Events in the order of their logs. */
export function eventsIn(contract: ContractName, logs: readonly Log[]): readonly Event[] {
  return logs.flatMap((log) => {
    const parsed = interfaceOf(contract).parseLog(log)
    if (parsed === null) return []
    return [{ ...placeOf(log), name: parsed.name, log, args: namedValues(parsed.fragment.inputs, parsed.args) }]
  })
}

export const withPlace = ({ block, logIndex, args }: Event) => ({ block, logIndex, ...args })

/**
 * The transactions that left some events, with their calls of these contracts.
 *
 * @param events in the order of the chain
 */
export async function transactionsOf<E = ProofEvent>(
  gathered: Gathered,
  contracts: readonly string[],
  events: readonly Event[],
  isProving: (calldata: string) => boolean,
): Promise<readonly TransactionRecord<E>[]> {
  const byHash = Map.groupBy(events, ({ log }) => log.transactionHash)
  let done = 0
  return inTurns([...byHash], async ([hash, found]) => {
    const { block: number } = found[0] as Event
    const block = await ask('Reading a block', () => gathered.provider.getBlock(number))
    const calls = await callsOf(gathered.provider, contracts, hash, isProving)
    gathered.onProgress?.(++done, byHash.size)
    return {
      block: number,
      hash,
      timestamp: block?.timestamp ?? 0,
      calls,
      events: found.map(({ name, logIndex, args }) => ({ name, logIndex, ...args }) as unknown as E),
    }
  })
}

/** Calls of one kind in a transaction; null if the node cannot tell. */
export async function callsOf(
  provider: Provider,
  contracts: readonly string[],
  hash: string,
  isWanted: (calldata: string) => boolean,
): Promise<readonly string[] | null> {
  try {
    const calls = await ask('Reading a submission', () => callsToVerify(provider, contracts, hash, isWanted))
    return calls.map((each) => each.toLowerCase())
  } catch (error) {
    if (error instanceof SubmissionHiddenError) return null
    throw error
  }
}

/** What a contract answered at the last block. @throws {@link RpcError}, {@link ContractRevertError} */
export function readAt(
  { provider, end }: Gathered,
  name: ContractName,
  address: string,
  method: string,
  ...args: readonly unknown[]
) {
  const contract = new Contract(address, interfaceOf(name), provider)
  return ask(`Reading ${method}`, () => contract.getFunction(method)(...args, { blockTag: toBeHex(end) }))
}
