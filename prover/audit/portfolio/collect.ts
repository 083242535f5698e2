/** Gathers a {@link PortfolioRecord} from a node: events, calldata, code and the state at the last block. Judges nothing. */
import { logsBetween } from '../../registry/chain.ts'
import { ask, ContractRevertError } from '../../registry/contractErrors.ts'
import { decodeRegistryCall } from '../../registry/portfolio/calldata.ts'
import { collectDeployed } from '../deployed/collect.ts'
import { type CollectOptions, lastBlock } from '../history.ts'
import { collectModels } from '../models.ts'
import { inTurns, isBefore, type Place } from '../nodeReads.ts'
import { PROVING_METHODS } from './calls.ts'
import {
  collectMarket,
  type Event,
  eventsIn,
  type Gathered,
  readAt,
  transactionsOf,
  withPlace,
} from './collectMarket.ts'
import { portfolioQuestions } from './reads.ts'
import type { AccountRecord, PortfolioRecord } from './record.ts'

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
 * @throws {@link HistoryIncompleteError} if the blocks do not reach back to the registry's deployment
 * @throws {@link RpcError} if the node does not answer
 */
export async function collectPortfolioRecord(options: CollectOptions): Promise<PortfolioRecord> {
  const { provider, registry, chainId, fromBlock } = options
  const { end, hash } = await lastBlock(options)
  const gathered: Gathered = { ...options, end }
  const own = ['models', 'arrays', 'emptyState'].map((method) => read(gathered, method))
  const [modelRegistry, arrays, emptyState] = await Promise.all(own)
  const { history, marketId, source: rounds, policy, events: ofArrays } = await collectMarket(gathered, arrays)
  const ofRegistry = eventsIn('PortfolioRegistry', await logsBetween(provider, { address: registry }, fromBlock, end))
  const events = [...ofRegistry, ...ofArrays].toSorted((a, b) => (isBefore(a, b) ? -1 : 1))
  const reported = events.filter(({ name }) => name === 'AccountReported')
  const reports = reported.map(withPlace) as unknown as PortfolioRecord['reports']
  const counts: string = await read(gathered, 'counts')
  const ofCounts = eventsIn('OpenInterest', await logsBetween(provider, { address: counts }, fromBlock, end))
  const accounts = [...new Set(reports.map(({ account }) => account))]
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
    ...(await countsOf(gathered, ofCounts)),
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
      questions: portfolioQuestions(accounts),
    }),
  }
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
