/** Gathers a {@link ChainRecord} from a node: events, calldata, code and the state at the last block. Judges nothing. */
import { Contract, type Log, toBeHex } from 'ethers'
import { interfaceOf } from '../../registry/artifacts.ts'
import { SubmissionHiddenError } from '../../registry/calls.ts'
import { submissionsIn } from '../../registry/market/calldata.ts'
import { logsBetween } from '../../registry/chain.ts'
import { parseLog } from '../../registry/market/client.ts'
import { ask, ContractRevertError } from '../../registry/contractErrors.ts'
import { modelIdOfShadow, ownMarketOf } from '../../market/marketId.ts'
import { stateWordsOf } from '../../statement/marketState.ts'
import { priceScaleNoted, PriceScaleUnknownError } from '../../registry/market/scale.ts'
import { pack, wordBits } from '../../statement/words.ts'
import type { BatchRecord, ChainRecord, MarketRecord } from './chainRecord.ts'
import { chainRecordSchema, freshnessFields } from './chainRecord.ts'
import { collectDeployed, type DeployedPlace } from '../deployed/collect.ts'
import { type CollectOptions, HistoryIncompleteError, lastBlock } from '../history.ts'
import { collectModels } from '../models.ts'
import { inTurns, placeOf } from '../nodeReads.ts'
import { lastPausesOf, pausesIn } from '../pauses.ts'
import { pausableIn } from './judgeSources.ts'
import { marketQuestions, sourcesOf } from './reads.ts'
import { promotionPolicyOf, shadowEvents } from './shadowEvents.ts'
import { sourceEvents, standingIn } from './sourceEvents.ts'

const NO_MARKET = `0x${'00'.repeat(32)}`

type Gathered = CollectOptions & { readonly end: number }

/**
 * @throws {@link HistoryIncompleteError} if the blocks do not reach back to the registry's deployment
 * @throws {@link RpcError} if the node does not answer
 */
export async function collectRecord(options: CollectOptions): Promise<ChainRecord> {
  const { provider, registry, chainId, fromBlock } = options
  const { end, hash } = await lastBlock(options)
  const gathered: Gathered = { ...options, end }

  const modelRegistry: string = await callRegistry(gathered, 'models')
  const logs = await logsBetween(provider, { address: registry }, fromBlock, end)
  const policies = policiesOf(logs)
  if (!policies.some(({ kind }) => kind === 'learning')) {
    throw new HistoryIncompleteError(registry, `its deployment lies before block ${fromBlock}`)
  }
  const markets = await marketsOf(gathered, logs)
  const sources = await sourceEvents(provider, logs)
  const deployed = await collectDeployed(gathered, deployedPlace(registry, modelRegistry, { markets, ...sources }))
  const pauses = await pausesIn(provider, 'RiskRegistry', logs)
  const pausable = pausableIn({ markets, ...sources, pauses })
  const record: ChainRecord = {
    context: { chainId, registry, modelRegistry, fromBlock, toBlock: end, toBlockHash: hash },
    models: await collectModels(gathered, modelRegistry),
    policies,
    markets,
    observations: await observationsOf(gathered, { markets, ...sources, deployed }),
    batches: await batchesOf(gathered, logs),
    ...(await shadowEvents(gathered, logs)),
    ...sources,
    priceScales: await priceScalesOf(gathered, { markets, ...sources }),
    pauses,
    inForce: {
      promotionPolicy: promotionPolicyOf(await callRegistry(gathered, 'promotionPolicy')),
      maxParameterAgeSeconds: (await callRegistry(gathered, 'freshnessPolicy')).maxParameterAgeSeconds,
      pauses: await lastPausesOf(gathered, 'RiskRegistry', registry, pausable),
    },
    deployed,
  }
  return chainRecordSchema.parse(JSON.parse(JSON.stringify(record, decimal)))
}

/** Sources' scales of the markets that have come from them, where they are not of one unit. */
async function priceScalesOf(
  { provider, registry }: Gathered,
  { markets, rotations }: Pick<ChainRecord, 'markets' | 'rotations'>,
): Promise<ChainRecord['priceScales']> {
  const places = new Map(
    [...markets, ...rotations].map(({ source, marketId }) => {
      const ownId = ownMarketOf(marketId)
      return [`${source} ${ownId}`, { source, marketId: ownId }] as const
    }),
  )
  const scales = await inTurns([...places.values()], async ({ source, marketId }) => ({
    ...{ source, marketId },
    scale: await priceScaleNoted(provider, registry, source, marketId).catch(unlessUnknown),
  }))
  return scales.filter(({ scale }) => scale !== 0)
}

/** No market ever went on at a source that nothing was noted of: whatever it would say decides nothing. */
function unlessUnknown(error: unknown): number {
  if (error instanceof PriceScaleUnknownError) return 0
  throw error
}

const deployedPlace = (
  registry: string,
  modelRegistry: string,
  told: Pick<ChainRecord, 'markets' | 'rotations'>,
): DeployedPlace => ({
  part: 'registry',
  ...{ registry, modelRegistry },
  sources: sourcesOf(told),
  questions: marketQuestions(told.markets.map(({ marketId }) => marketId)),
})

function eventOf(log: Log): { readonly name: string; readonly args: ReturnType<typeof parseLog> } | undefined {
  const parsed = interfaceOf('RiskRegistry').parseLog(log)
  return parsed === null ? undefined : { name: parsed.name, args: parsed.args }
}

function policiesOf(logs: readonly Log[]): ChainRecord['policies'] {
  return logs.flatMap((log): ChainRecord['policies'] => {
    const event = eventOf(log)
    const entry = (kind: ChainRecord['policies'][number]['kind'], marketId: string, value: bigint) => [
      { ...placeOf(log), kind, marketId, value },
    ]
    if (event?.name === 'LearningPolicySet') return entry('learning', NO_MARKET, event.args.current)
    if (event?.name === 'MarginPolicySet') return entry('margin', NO_MARKET, event.args.current)
    if (event?.name === 'MarketPolicySet') return entry('market', event.args.marketId, event.args.current)
    if (event?.name === 'FreshnessPolicySet') {
      const { current } = event.args
      return freshnessFields.flatMap((field) => entry(field, NO_MARKET, current[field]))
    }
    return []
  })
}

async function marketsOf(gathered: Gathered, logs: readonly Log[]): Promise<MarketRecord[]> {
  const added = logs.filter((log) => eventOf(log)?.name === 'MarketAdded')
  const standing = standingIn(logs)
  return inTurns(added, async (log) => {
    const { marketId, source, volatilityModel, state, inboxHead, inboxCount } = parseLog('RiskRegistry', log)
    return {
      ...placeOf(log),
      marketId,
      source,
      volatilityModel: Number(volatilityModel),
      ...stateWordsOf(state),
      inboxHead,
      inboxCount,
      final: await finalOf(gathered, marketId, standing.get(marketId) ?? source),
    }
  })
}

async function finalOf(gathered: Gathered, marketId: string, source: string): Promise<MarketRecord['final']> {
  const feed = new Contract(source, interfaceOf('IObservationSource'), gathered.provider)
  const latest = await ask('Reading an inbox', () =>
    feed.getFunction('latest')(ownMarketOf(marketId), { blockTag: gathered.end }),
  )
  const held = modelIdOfShadow(marketId) === 0 ? undefined : await heldShadow(gathered, marketId)
  return {
    volatilityModel: Number(await callRegistry(gathered, 'volatilityModelOf', marketId)),
    stateHash: await callRegistry(gathered, 'stateHash', marketId),
    parametersAndSequence: held?.parametersAndSequence ?? (await finalParameters(gathered, marketId)),
    inboxHead: latest.head,
    inboxCount: latest.count,
    shadow: held?.shadow ?? null,
  }
}

type HeldShadow = Pick<MarketRecord['final'], 'parametersAndSequence' | 'shadow'>

/** Of a shadow that was removed nothing is held but its count of batches. */
async function heldShadow(gathered: Gathered, shadowId: string): Promise<HeldShadow> {
  try {
    const [shadow, parametersAndSequence] = await callRegistry(
      gathered,
      'shadowOf',
      ownMarketOf(shadowId),
      modelIdOfShadow(shadowId),
    )
    const { state, ...held } = shadow.toObject()
    return { parametersAndSequence, shadow: { ...stateWordsOf(state), ...held } }
  } catch (error) {
    if (!(error instanceof ContractRevertError && error.reason === 'UnknownMarket')) throw error
    const sequence: bigint = await callRegistry(gathered, 'sequence', shadowId)
    return { parametersAndSequence: sequence << BigInt(wordBits('parameters')), shadow: null }
  }
}

async function finalParameters(gathered: Gathered, marketId: string): Promise<bigint> {
  try {
    const { proven } = await callRegistry(gathered, 'unsafeParameters', marketId)
    const { sequence, ...fields } = proven.toObject()
    return pack('parameters', fields) | (sequence << BigInt(wordBits('parameters')))
  } catch (error) {
    if (error instanceof ContractRevertError && error.reason === 'NotYetProven') return 0n
    throw error
  }
}

/**
 * Observations after the first one that a market or a shadow of it started at; that one and earlier ones are behind governed
 * first states. Of a source that replaced another, all from its creation on. Shadows take those of their markets.
 */
async function observationsOf(
  { provider, fromBlock, end }: Gathered,
  { markets, rotations, deployed }: Pick<ChainRecord, 'markets' | 'rotations' | 'deployed'>,
): Promise<ChainRecord['observations']> {
  const found: ChainRecord['observations'] = []
  for (const { address: source } of sourcesOf({ markets, rotations })) {
    const added = markets.filter((market) => market.source === source)
    const rotated = rotations.filter((rotation) => rotation.source === source)
    const created = deployed.contracts.find(({ address }) => address === source)?.creation?.block ?? fromBlock
    const firstCounts = new Map(rotated.map(({ marketId }) => [marketId, 0n]))
    for (const { marketId, inboxCount } of added) {
      const own = ownMarketOf(marketId)
      const first = firstCounts.get(own)
      if (first === undefined || inboxCount < first) firstCounts.set(own, inboxCount)
    }
    const topics = interfaceOf('IObservationSource').encodeFilterTopics('ObservationAppended', [
      [...firstCounts.keys()],
    ])
    const from = rotated.length === 0 ? fromBlock : Math.min(fromBlock, created)
    for (const log of await logsBetween(provider, { address: source, topics }, from, end)) {
      const { marketId, count, word } = parseLog('IObservationSource', log)
      if (count > (firstCounts.get(marketId) ?? 0n)) found.push({ ...placeOf(log), source, marketId, count, word })
    }
  }
  return found
}

/** A batch's events: one ParametersUpdated per market, then BatchAccepted, all in one transaction. */
async function batchesOf(gathered: Gathered, logs: readonly Log[]): Promise<BatchRecord[]> {
  const accepted: { log: Log; updates: BatchRecord['updates']; indexInTransaction: number }[] = []
  let updates: BatchRecord['updates'] = []
  for (const log of logs) {
    const event = eventOf(log)
    if (event?.name === 'ParametersUpdated') {
      updates.push({ marketId: event.args.marketId, parametersAndSequence: event.args.parametersAndSequence })
    }
    if (event?.name !== 'BatchAccepted') continue
    const before = accepted.filter((batch) => batch.log.transactionHash === log.transactionHash)
    accepted.push({ log, updates, indexInTransaction: before.length })
    updates = []
  }
  let done = 0
  return inTurns(accepted, async ({ log, updates: moved, indexInTransaction }) => {
    const { modelId, commitment, submitter } = parseLog('RiskRegistry', log)
    const block = await ask('Reading a block', () => gathered.provider.getBlock(log.blockNumber))
    const calldata = await calldataOf(gathered, log.transactionHash, indexInTransaction)
    gathered.onProgress?.(++done, accepted.length)
    return {
      ...placeOf(log),
      transactionHash: log.transactionHash,
      timestamp: block?.timestamp ?? 0,
      submitter,
      modelId,
      commitment,
      calldata,
      updates: moved,
    }
  })
}

async function calldataOf({ provider, registry }: Gathered, hash: string, index: number): Promise<string | null> {
  try {
    const submissions = await ask('Reading a batch', () => submissionsIn(provider, registry, hash))
    return submissions[index]?.toLowerCase() ?? null
  } catch (error) {
    if (error instanceof SubmissionHiddenError) return null
    throw error
  }
}

async function callRegistry({ provider, registry, end }: Gathered, method: string, ...args: readonly unknown[]) {
  const contract = new Contract(registry, interfaceOf('RiskRegistry'), provider)
  return ask(`Reading ${method}`, () => contract.getFunction(method)(...args, { blockTag: toBeHex(end) }))
}

function decimal(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
