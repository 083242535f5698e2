/** Gathers a {@link CrossRecord} from a node. Judges nothing. */
import { logsBetween } from '../../registry/chain.ts'
import { ContractRevertError } from '../../registry/contractErrors.ts'
import { decodeRegistryCall } from '../../registry/portfolio/calldata.ts'
import { collectDeployed } from '../deployed/collect.ts'
import { type CollectOptions, HistoryIncompleteError, lastBlock } from '../history.ts'
import { collectModels } from '../models.ts'
import { inTurns } from '../nodeReads.ts'
import { collectMarket, eventsIn, type Gathered, readAt, transactionsOf, withPlace } from './collectMarket.ts'
import { decodeCrossCall } from './crossCalls.ts'
import { crossQuestions } from './crossReads.ts'
import type { CrossAccountRecord, CrossEvent, CrossMarketRecord, CrossRecord } from './crossRecord.ts'
import type { ArrayEvent } from './record.ts'

const PROOF_EVENTS: readonly string[] = ['CrossMarginProven', 'CrossMarginSkipped', 'CrossMarginsAccepted']

/**
 * @throws {@link HistoryIncompleteError} if the blocks do not reach back to the deployment of the registry and its arrays
 * @throws {@link RpcError} if the node does not answer
 */
export async function collectCrossRecord(options: CollectOptions): Promise<CrossRecord> {
  const { provider, registry, chainId, fromBlock } = options
  const { end, hash } = await lastBlock(options)
  const gathered: Gathered = { ...options, end }
  const own = ['models', 'emptyState', 'marketArrays', 'crossPolicy'].map((method) => read(gathered, method))
  const [modelRegistry, emptyState, arrays, crossPolicy] = await Promise.all(own)
  const events = eventsIn('CrossMarginRegistry', await logsBetween(provider, { address: registry }, fromBlock, end))
  const named = (name: string) => events.filter((event) => event.name === name).map(withPlace)
  const crossPolicies = named('CrossPolicySet') as unknown as CrossRecord['crossPolicies']
  if (crossPolicies.length === 0) {
    throw new HistoryIncompleteError(registry, `its deployment lies before block ${fromBlock}`)
  }
  const markets: CrossMarketRecord[] = []
  for (const address of arrays) markets.push(await marketOf(gathered, address))
  const reports = named('CrossAccountReported') as unknown as CrossRecord['reports']
  const accounts = [...new Set(reports.map(({ account }) => account))]
  const context = { chainId, registry, modelRegistry, emptyState, fromBlock, toBlock: end, toBlockHash: hash }
  const ofMarkets = markets.map(({ arrays: at, marketId }) => ({ arrays: at, marketId }))
  return {
    context,
    models: await collectModels(gathered, modelRegistry),
    markets,
    crossPolicies,
    reports,
    transactions: await transactionsOf<CrossEvent>(
      gathered,
      [registry],
      events.filter(({ name }) => PROOF_EVENTS.includes(name)),
      (calldata) => decodeCrossCall(calldata) !== undefined,
    ),
    final: {
      crossPolicy: { words: [...crossPolicy.words], maxRoundsApartSeconds: crossPolicy.maxRoundsApartSeconds },
      accounts: await inTurns(accounts, (account) => accountOf(gathered, account)),
    },
    deployed: await collectDeployed(gathered, {
      part: 'crossRegistry',
      ...{ registry, modelRegistry },
      sources: sourcesOf(markets),
      questions: crossQuestions(ofMarkets, accounts),
    }),
  }
}

/** Arrays of every market, and every source that rounds of one came from, once. */
export function sourcesOf(markets: readonly CrossMarketRecord[]) {
  const rounds = new Set(markets.flatMap(({ roundSources }) => roundSources.map(({ source }) => source)))
  return [
    ...markets.map(({ arrays }) => ({ part: 'riskArrays' as const, address: arrays })),
    ...[...rounds].map((address) => ({ part: 'rounds' as const, address })),
  ]
}

async function marketOf(gathered: Gathered, arrays: string): Promise<CrossMarketRecord> {
  const { history, events, ...market } = await collectMarket(gathered, arrays)
  const accepted = events.filter(({ name }) => name === 'ArrayAccepted')
  const isArrays = (calldata: string): boolean => decodeRegistryCall(calldata)?.method === 'submitArrays'
  const transactions = await transactionsOf<ArrayEvent>(gathered, [arrays], accepted, isArrays)
  return { ...history, arrays, ...market, transactions }
}

async function accountOf(gathered: Gathered, account: string): Promise<CrossAccountRecord> {
  const { sequence, bookHash } = await read(gathered, 'crossAccountOf', account)
  return { account, sequence, bookHash, margin: await marginOf(gathered, account) }
}

async function marginOf(gathered: Gathered, account: string): Promise<CrossAccountRecord['margin']> {
  try {
    const { proven } = await read(gathered, 'unsafeCrossMargin', account)
    const { asOf, sequence, initialE8, maintenanceE8, worstScenarios } = proven
    return { asOf, sequence, initialE8, maintenanceE8, worstScenarios }
  } catch (error) {
    if (error instanceof ContractRevertError && error.reason === 'CrossMarginNotYetProven') return null
    throw error
  }
}

const read = (gathered: Gathered, method: string, ...args: readonly unknown[]) =>
  readAt(gathered, 'CrossMarginRegistry', gathered.registry, method, ...args)
