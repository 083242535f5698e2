/** Gathers a {@link PortfolioRecord} from a node: events, calldata, code and the state at the last block. Judges nothing. */
import { ZeroAddress } from 'ethers'
import { logsBetween } from '../../registry/chain.ts'
import { ask, ContractRevertError } from '../../registry/contractErrors.ts'
import { decodeRegistryCall, NOTHING_REPORTED } from '../../registry/portfolio/calldata.ts'
import { collectDeployed } from '../deployed/collect.ts'
import { type CollectOptions, lastBlock } from '../history.ts'
import { collectModels } from '../models.ts'
import { inTurns, isBefore, type Place } from '../nodeReads.ts'
import { decodeProvingCall, PROVING_METHODS } from './calls.ts'
import {
  callsOf,
  collectMarket,
  type Event,
  eventsIn,
  type Gathered,
  readAt,
  transactionsOf,
  withPlace,
} from './collectMarket.ts'
import { portfolioQuestions } from './reads.ts'
import type { AccountRecord, PortfolioRecord, ReportRecord } from './record.ts'

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
  const own = ['models', 'arrays', 'emptyState'].map((method) => read(gathered, method))
  const [modelRegistry, arrays, emptyState] = await Promise.all(own)
  const {
    history,
    marketId,
    source: rounds,
    policy,
    events: ofArrays,
  } = await collectMarket(gathered, arrays, slice && ((asOf) => asOf >= slice.asOf && asOf <= slice.untilAsOf))
  const ofRegistry = eventsIn('PortfolioRegistry', await logsBetween(provider, { address: registry }, fromBlock, end))
  const whole = [...ofRegistry, ...ofArrays].toSorted((a, b) => (isBefore(a, b) ? -1 : 1))
  const events = slice === undefined ? whole : await eventsBehind(gathered, [arrays, registry], whole, slice)
  const reports = reportsIn(events, slice === undefined)
  const counts: string = await read(gathered, 'counts')
  const ofCounts = slice === undefined ? await logsBetween(provider, { address: counts }, fromBlock, end) : []
  const accounts = slice === undefined ? [...new Set(reports.map(({ account }) => account))] : []
  const sources = new Set(history.roundSources.map(({ source }) => source))
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
    ...history,
    reports,
    taken: slice === undefined ? takenIn(events) : [],
    ...(await countsOf(gathered, eventsIn('OpenInterest', ofCounts))),
    transactions: await transactionsOf(
      gathered,
      [arrays, registry],
      events.filter(({ name }) => PROOF_EVENTS.includes(name)),
      isProving,
    ),
    final: {
      policy,
      accounts: await accountsOf(gathered, accounts),
    },
    deployed: await collectDeployed(gathered, {
      part: 'portfolioRegistry',
      ...{ registry, modelRegistry },
      sources: [
        { part: 'riskArrays', address: arrays },
        ...[...sources].map((address) => ({ part: 'rounds' as const, address })),
      ],
      counts,
      questions: slice === undefined ? portfolioQuestions(accounts) : [],
    }),
  }
}

/** Reports in the order of the chain; who was replaced holds nothing by the last of theirs. */
function reportsIn(events: readonly Event[], isWhole: boolean): readonly ReportRecord[] {
  return events.flatMap((event, i) => {
    const { name, args, block, logIndex } = event
    if (name === 'AccountReplaced') {
      const { previous: account, sequence } = args as { readonly previous: string; readonly sequence: bigint }
      const left = { block, logIndex, account, sequence, ...NOTHING_REPORTED }
      return sequence === 0n ? [] : [isWhole ? ({ ...left, standing: 'left' } as const) : left]
    }
    if (name !== 'AccountReported') return []
    const before = events[i - 1]
    const isCandidate = isWhole && before?.name === 'CandidateReported' && before.args.account === args.account
    const report = withPlace(event) as unknown as ReportRecord
    return [isCandidate ? { ...report, standing: 'candidate' } : report]
  })
}

const takenIn = (events: readonly Event[]): PortfolioRecord['taken'] =>
  events
    .filter(({ name, args }) => name === 'AccountReplaced' && args.account !== ZeroAddress)
    .map(({ block, logIndex, args }) => ({ block, logIndex, account: args.account as string }))

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
    if (event.name === 'AccountReported' || event.name === 'CandidateReported') return reports.has(event)
    if (event.name === 'AccountReplaced') return event.args.previous === account
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

const isProving = (calldata: string): boolean => PROVING_METHODS.includes(decodeRegistryCall(calldata)?.method ?? '')

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
  readAt(gathered, 'PortfolioRegistry', gathered.registry, method, ...args)
