/** Gathers a {@link PortfolioRecord} from a node: events, calldata, code and the state at the last block. Judges nothing. */
import { Contract, type Log, type Provider, toBeHex } from 'ethers'
import { interfaceOf } from '../../registry/artifacts.ts'
import { callsIn, SubmissionHiddenError } from '../../registry/calls.ts'
import { logsBetween } from '../../registry/chain.ts'
import { ask, ContractRevertError } from '../../registry/contractErrors.ts'
import { decodeRegistryCall, namedValues, type PortfolioContract } from '../../registry/portfolio/calldata.ts'
import { collectDeployed } from '../deployed/collect.ts'
import { type CollectOptions, HistoryIncompleteError, lastBlock } from '../history.ts'
import { collectModels } from '../models.ts'
import { inTurns, isBefore, type Place, placeOf } from '../nodeReads.ts'
import { decodeProvingCall, PROVING_METHODS } from './calls.ts'
import { portfolioQuestions } from './reads.ts'
import { publishCallOf } from './signatures.ts'
import type { AccountRecord, PortfolioRecord, ProofEvent, TransactionRecord } from './record.ts'

type Gathered = CollectOptions & { readonly end: number }
type Event = Place & { readonly name: string; readonly log: Log; readonly args: Readonly<Record<string, unknown>> }

/** What of a history the evidence against one account rests on, and the rounds from its own to another. */
export type Slice = {
  readonly account: string
  /** Round of the evidence. */
  readonly asOf: bigint
  readonly untilAsOf: bigint
}

/** Proofs by which an account is shown to be below maintenance. */
const EVIDENCE_EVENTS: readonly string[] = ['MarginProven', 'MarginProvenAlone', 'AccountUnhealthy']

const PROOF_EVENTS: readonly string[] = [
  'ArrayAccepted',
  'MarginProven',
  'MarginProvenAlone',
  'MarginSkipped',
  'PortfolioAccepted',
  'MarginsAccepted',
  'AccountUnhealthy',
]

/**
 * @param slice by default everything; of a slice there are no counts, no accounts at the end, and no reads of theirs
 * @throws {@link HistoryIncompleteError} if the blocks do not reach back to the registry's deployment
 * @throws {@link RpcError} if the node does not answer
 */
export async function collectPortfolioRecord(options: CollectOptions, slice?: Slice): Promise<PortfolioRecord> {
  const { provider, registry, chainId, fromBlock } = options
  const { end, hash } = await lastBlock(options)
  const gathered: Gathered = { ...options, end }
  const ofRegistry = ['models', 'arrays', 'emptyState'].map((method) => read(gathered, method))
  const [modelRegistry, arrays, emptyState] = await Promise.all(ofRegistry)
  const [rounds, marketId] = await Promise.all(['rounds', 'marketId'].map((each) => readArrays(gathered, arrays, each)))
  const whole = (
    await Promise.all([
      logsBetween(provider, { address: registry }, fromBlock, end).then((logs) => eventsIn('PortfolioRegistry', logs)),
      logsBetween(provider, { address: arrays }, fromBlock, end).then((logs) => eventsIn('RiskArrays', logs)),
    ])
  )
    .flat()
    .toSorted((a, b) => (isBefore(a, b) ? -1 : 1))
  const events = slice === undefined ? whole : await eventsBehind(gathered, [arrays, registry], whole, slice)
  const named = (name: string): readonly Event[] => events.filter((event) => event.name === name)
  const reports = named('AccountReported').map(withPlace) as unknown as PortfolioRecord['reports']
  if (named('PortfolioPolicySet').length === 0) {
    throw new HistoryIncompleteError(registry, `its deployment lies before block ${fromBlock}`)
  }
  const roundSources = named('RoundsSet').map(({ block, logIndex, args }) => ({
    ...{ block, logIndex, source: args.rounds as string, priceScale: args.priceScale as bigint },
  }))
  const sources = [...new Set(roundSources.map(({ source }) => source))]
  const topics = interfaceOf('AttestedRounds').encodeFilterTopics('RoundPublished', [marketId])
  const published = await inTurns(sources, (address) => logsBetween(provider, { address, topics }, fromBlock, end))
  const ofRounds = eventsIn('AttestedRounds', published.flat()).filter(({ args }) => isOfRounds(args, slice))
  const counts: string = await read(gathered, 'counts')
  const ofCounts = slice === undefined ? await logsBetween(provider, { address: counts }, fromBlock, end) : []
  const { version, words } = await readArrays(gathered, arrays, 'portfolioPolicy')
  const accounts = slice === undefined ? [...new Set(reports.map(({ account }) => account))] : []
  return {
    context: {
      chainId,
      registry,
      arrays,
      modelRegistry,
      rounds,
      marketId,
      emptyState,
      fromBlock,
      toBlock: end,
      toBlockHash: hash,
    },
    models: await collectModels(gathered, modelRegistry),
    policies: named('PortfolioPolicySet').map(withPlace) as unknown as PortfolioRecord['policies'],
    freshness: named('PortfolioFreshnessSet').map(({ block, logIndex, args }) => ({
      ...{ block, logIndex },
      ...(args.current as Omit<PortfolioRecord['freshness'][number], keyof Place>),
    })),
    priceGaps: named('RoundPriceGapSet').map(({ block, logIndex, args }) => ({
      ...{ block, logIndex, gapBps: args.currentBps as bigint },
    })),
    roundSources,
    rounds: await roundsOf(gathered, ofRounds),
    reports,
    ...(await countsOf(gathered, eventsIn('OpenInterest', ofCounts))),
    transactions: await transactionsOf(gathered, [arrays, registry], events),
    final: {
      policy: { version, words: [...words] },
      accounts: await accountsOf(gathered, accounts),
    },
    deployed: await collectDeployed(gathered, {
      part: 'portfolioRegistry',
      ...{ registry, modelRegistry },
      sources: [
        { part: 'riskArrays', address: arrays },
        ...sources.map((address) => ({ part: 'rounds' as const, address })),
      ],
      counts,
      questions: slice === undefined ? portfolioQuestions(accounts) : [],
    }),
  }
}

const isOfRounds = ({ asOf }: Event['args'], slice: Slice | undefined): boolean =>
  slice === undefined || ((asOf as bigint) >= slice.asOf && (asOf as bigint) <= slice.untilAsOf)

/** Events that evidence rests on: its own, arrays that it names, reports of whom it is about, and what was governed. */
async function eventsBehind(
  { provider }: Gathered,
  contracts: readonly string[],
  events: readonly Event[],
  { account, asOf }: Slice,
): Promise<readonly Event[]> {
  const evidence = events.filter(
    ({ name, args }) => EVIDENCE_EVENTS.includes(name) && args.account === account && args.asOf === asOf,
  )
  const hashes = new Set(evidence.map(({ log }) => log.transactionHash))
  const calls = await inTurns([...hashes], (hash) => callsOf(provider, contracts, hash, isProving))
  const words = new Set(calls.flatMap((each) => each ?? []).flatMap(wordsOf))
  for (const { name, args, log } of events) {
    const isNamed = name === 'ArrayAccepted' && args.asOf === asOf && words.has(args.arrayRoot as bigint)
    if (isNamed) hashes.add(log.transactionHash)
  }
  const behind = events.filter(({ name, log }) => PROOF_EVENTS.includes(name) && hashes.has(log.transactionHash))
  const reports = reportsBehind(events, evidence, behind, account)
  return events.filter((event) => {
    if (event.name === 'AccountReported') return reports.has(event)
    return !PROOF_EVENTS.includes(event.name) || behind.includes(event)
  })
}

/** Of the account all reports from the one that the evidence is about on, of others in the same proofs the last one before. */
function reportsBehind(
  events: readonly Event[],
  evidence: readonly Event[],
  behind: readonly Event[],
  account: string,
): ReadonlySet<Event> {
  const reported = Map.groupBy(
    events.filter(({ name }) => name === 'AccountReported'),
    ({ args }) => args.account,
  )
  const least = evidence.map(({ args }) => args.sequence as bigint).reduce((a, b) => (a < b ? a : b), 2n ** 64n)
  const own = (reported.get(account) ?? []).filter(({ args }) => (args.sequence as bigint) >= least)
  const others = behind.map((event) =>
    event.args.account === account
      ? undefined
      : reported.get(event.args.account)?.findLast((each) => isBefore(each, event)),
  )
  return new Set([...own, ...others.filter((each) => each !== undefined)])
}

/** Among them roots of the arrays that a proof of an account is over. */
function wordsOf(calldata: string): readonly bigint[] {
  const call = decodeProvingCall(calldata)
  if (call === undefined || call.method === 'submitArrays') return []
  return call.method === 'proveUnhealthyByArrays' ? call.arrayWords : call.bookWords
}

/** Rounds with the calls that published them. */
function roundsOf({ provider }: Gathered, events: readonly Event[]): Promise<PortfolioRecord['rounds']> {
  const isPublishing = (calldata: string): boolean => publishCallOf(calldata) !== undefined
  return inTurns(events, async ({ block, logIndex, log, args: { marketId: _, ...round } }) => {
    const source = log.address
    const place = { block, logIndex, source }
    const calls = await callsOf(provider, [source], log.transactionHash, isPublishing)
    const calldata = calls?.find((call) => publishCallOf(call)?.round.asOf === round.asOf) ?? null
    return { ...place, ...round, calldata } as unknown as PortfolioRecord['rounds'][number]
  })
}

/** Counts that were opened, and the figures of those that are complete. */
async function countsOf(
  { provider }: Gathered,
  events: readonly Event[],
): Promise<Pick<PortfolioRecord, 'counts' | 'openInterests'>> {
  const opened = events.filter(({ name }) => name === 'CountOpened')
  const complete = events.filter(({ name }) => name === 'OpenInterestComplete')
  const counts = await inTurns(opened, async (event) => {
    const block = await ask('Reading a block', () => provider.getBlock(event.block))
    return { ...withPlace(event), timestamp: BigInt(block?.timestamp ?? 0) }
  })
  const openInterests = complete.map(({ block, logIndex, args }) => ({
    ...{ block, logIndex },
    ...(args.figures as Omit<PortfolioRecord['openInterests'][number], keyof Place>),
  }))
  return { counts: counts as unknown as PortfolioRecord['counts'], openInterests }
}

function eventsIn(
  contract: PortfolioContract | 'AttestedRounds' | 'OpenInterest',
  logs: readonly Log[],
): readonly Event[] {
  return logs.flatMap((log) => {
    const parsed = interfaceOf(contract).parseLog(log)
    if (parsed === null) return []
    return [{ ...placeOf(log), name: parsed.name, log, args: namedValues(parsed.fragment.inputs, parsed.args) }]
  })
}

const withPlace = ({ block, logIndex, args }: Event) => ({ block, logIndex, ...args })

async function transactionsOf(
  gathered: Gathered,
  contracts: readonly string[],
  events: readonly Event[],
): Promise<readonly TransactionRecord[]> {
  const byHash = new Map<string, Event[]>()
  for (const event of events) {
    const hash = event.log.transactionHash
    if (PROOF_EVENTS.includes(event.name)) byHash.set(hash, [...(byHash.get(hash) ?? []), event])
  }
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
      events: found.map(({ name, logIndex, args }) => ({ name, logIndex, ...args }) as unknown as ProofEvent),
    }
  })
}

const isProving = (calldata: string): boolean => PROVING_METHODS.includes(decodeRegistryCall(calldata)?.method ?? '')

async function callsOf(
  provider: Provider,
  contracts: readonly string[],
  hash: string,
  isWanted: (calldata: string) => boolean,
): Promise<readonly string[] | null> {
  try {
    const calls = await ask('Reading a submission', () => callsIn(provider, contracts, hash, isWanted))
    return calls.map((each) => each.toLowerCase())
  } catch (error) {
    if (error instanceof SubmissionHiddenError) return null
    throw error
  }
}

function accountsOf(gathered: Gathered, accounts: readonly string[]): Promise<AccountRecord[]> {
  return inTurns(accounts, async (account) => {
    const { sequence, bookHash } = await read(gathered, 'accountOf', account)
    const evidence = await unlessUnproven(read(gathered, 'marginForLiquidation', account))
    const liquidatable = evidence === null ? null : (evidence.liquidatable as boolean)
    return { account, sequence, bookHash, margin: await marginOf(gathered, account), liquidatable }
  })
}

async function marginOf(gathered: Gathered, account: string): Promise<AccountRecord['margin']> {
  const found = await unlessUnproven(read(gathered, 'unsafeMargin', account))
  if (found === null) return null
  const { asOf, sequence, initialE8, maintenanceE8 } = found.proven
  return { asOf, sequence, initialE8, maintenanceE8 }
}

async function unlessUnproven<Answer>(asked: Promise<Answer>): Promise<Answer | null> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ContractRevertError && error.reason === 'MarginNotYetProven') return null
    throw error
  }
}

const read = (gathered: Gathered, method: string, ...args: readonly unknown[]) =>
  readAt(gathered, 'PortfolioRegistry', gathered.registry, method, args)

const readArrays = (gathered: Gathered, arrays: string, method: string) =>
  readAt(gathered, 'RiskArrays', arrays, method, [])

async function readAt(
  { provider, end }: Gathered,
  name: PortfolioContract,
  address: string,
  method: string,
  args: readonly unknown[],
) {
  const contract = new Contract(address, interfaceOf(name), provider)
  return ask(`Reading ${method}`, () => contract.getFunction(method)(...args, { blockTag: toBeHex(end) }))
}
