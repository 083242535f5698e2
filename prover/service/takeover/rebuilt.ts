/**
 * A deployment rebuilt from a chain: whoever has an RPC address and the registry's address needs no file of whoever deployed or
 * served it. Contracts are compared with the code compiled here, models with the keys here; nothing is taken on anybody's word.
 */
import { Contract, getAddress, type Provider, type Result } from 'ethers'
import { type StatementName, volatilityModels } from '../../../circuits/statements/index.ts'
import { isPortfolioRegistry } from '../../audit/index.ts'
import { contractOf, contractWithCode, isOurs } from '../../audit/deployed/code.ts'
import { collectDeployed, type DeployedPlace, firstBlockWithCode } from '../../audit/deployed/collect.ts'
import {
  type ContractReport,
  contractText,
  type DeployedReport,
  type ExpectedPlace,
  judgeDeployed,
} from '../../audit/deployed/judge.ts'
import type { DeployedRecord } from '../../audit/deployed/record.ts'
import { HistoryIncompleteError } from '../../audit/history.ts'
import { inTurns } from '../../audit/nodeReads.ts'
import { isCrossRegistry } from '../../audit/portfolio/crossAudit.ts'
import { claimText } from '../../audit/report.ts'
import { ProverError } from '../../errors.ts'
import { isMarketName, marketNameOf, modelIdOfShadow } from '../../market/marketId.ts'
import { type Plausibility, plausibilityFields } from '../../market/plausibility.ts'
import { type ContractName, interfaceOf } from '../../registry/artifacts.ts'
import { logsBetween } from '../../registry/chain.ts'
import { askWhetherRegistry, NotARegistryError } from '../../registry/connection.ts'
import { ask, RpcError } from '../../registry/contractErrors.ts'
import type { DeployedMarket, DeployedSource, Deployment, FreshnessPolicy } from '../../registry/deployment.ts'
import { PortfolioClient, portfolioStatementNames, RegistryClient } from '../../registry/index.ts'
import { layoutHash } from '../../statement/layout.ts'
import { unpack } from '../../statement/words.ts'
import { modelNames } from '../../volatility/models.ts'
import { type ModelStanding, readModelStandings } from './models.ts'

export type RebuildOptions = {
  readonly provider: Provider
  readonly registry: string
  /** Registry of margins in one market, to be named in the deployment, too. */
  readonly portfolio?: string | undefined
  /** A block before the first of its contracts, for a node that has forgotten the states of then. */
  readonly fromBlock?: number | undefined
  /** Folder of keys; the project's own by default. */
  readonly keys?: string | undefined
}

/** Something that speaks against a contract, or that whoever takes over should know. */
export type RebuildFinding = {
  /** `refused`: a contract that the service would pay into is not the one compiled here. */
  readonly severity: 'refused' | 'note'
  readonly of: string
  readonly says: string
}

export type Rebuilt = {
  readonly deployment: Deployment
  /** Of the registry of models that the registry asks, also those that other registries use. */
  readonly models: readonly ModelStanding[]
  readonly findings: readonly RebuildFinding[]
}

/** The chain, and the block as of which it is read. */
type ReadAt = {
  readonly provider: Provider
  readonly chainId: bigint
  readonly fromBlock: number
  readonly end: number
}

/** A registry's contracts, and what is to be said of them. */
type Contracts = { readonly record: DeployedRecord; readonly judged: DeployedReport }

/** A market as the registry answers. */
type MarketRead = Pick<DeployedMarket, 'name' | 'marketId' | 'source' | 'block'> & {
  /** Id of the family that it is bound to. */
  readonly volatilityModel: number
}

/**
 * @throws {@link RegistryKindError}, {@link NotARegistryError}, {@link RegistryMissingError}
 * @throws {@link FirstBlockUnknownError} if the node does not tell since when the registry stands
 * @throws {@link HistoryIncompleteError} if `fromBlock` lies after the deployment
 */
export async function rebuildDeployment(options: RebuildOptions): Promise<Rebuilt> {
  const { provider } = options
  const registry = getAddress(options.registry)
  const { chainId } = await RegistryClient.connect({ registry, provider })
  await requireMarkets(provider, registry)
  const end = await ask('Reading the block number', () => provider.getBlockNumber())
  const fromBlock = options.fromBlock ?? (await firstBlockOf(provider, registry, end))
  const at = { provider, chainId, fromBlock, end }
  const markets = await readMarkets(at, registry)
  const modelRegistry: string = await readerOf(provider, 'RiskRegistry', registry)('models')
  const contracts = await marketContracts(at, registry, modelRegistry, markets)
  const margins =
    options.portfolio === undefined ? undefined : await readMargins(at, getAddress(options.portfolio), modelRegistry)
  const all = margins === undefined ? [contracts] : [contracts, margins]
  const block = Math.min(fromBlock, ...all.flatMap(({ record }) => beginnings(record)))
  const models = await readModelStandings({ ...at, fromBlock: block }, modelRegistry, options.keys)
  const deployment: Deployment = {
    ...{ format: 'zk-risk-engine/deployment', version: 2, chainId, block },
    layoutHash: layoutHash('marketRisk'),
    addresses: { council: contracts.record.council.address, modelRegistry, registry },
    sources: await inTurns(distinctSources(markets), (source) => deployedSource(provider, contracts.record, source)),
    policy: await policyOf(at, registry),
    models: deployedModels(models, ['marketRisk']),
    ...(margins === undefined
      ? {}
      : { portfolio: { ...margins.place, models: deployedModels(models, portfolioStatementNames) } }),
    markets: markets.flatMap(deployedMarket),
  }
  const findings = [...all.flatMap(findingsOf), ...markets.flatMap(unknownFamily), ...markets.flatMap(untakenName)]
  return { deployment, models, findings: distinct(findings) }
}

/** It holds parameters of markets. @throws {@link RegistryKindError}, {@link NotARegistryError} */
async function requireMarkets(provider: Provider, registry: string): Promise<void> {
  const contract = new Contract(registry, interfaceOf('RiskRegistry'), provider)
  try {
    await askWhetherRegistry(registry, 'risk registry', () => contract.getFunction('learningPolicy')())
  } catch (error) {
    if (!(error instanceof NotARegistryError)) throw error
    const known = contractWithCode(await ask('Reading the code', () => provider.getCode(registry)))
    if (known !== undefined && !isRegistryOfMargins(known))
      throw new RegistryKindError(registry, `is the contract ${known}, and no registry`)
    const holds = (margins: string): string => `holds margins of accounts ${margins}`
    if (await isPortfolioRegistry(provider, registry)) throw new RegistryKindError(registry, holds('in one market'))
    if (await isCrossRegistry(provider, registry)) throw new RegistryKindError(registry, holds('over several markets'))
    throw error
  }
}

async function firstBlockOf(provider: Provider, registry: string, end: number): Promise<number> {
  try {
    return await firstBlockWithCode({ provider, fromBlock: 0, end }, registry)
  } catch (error) {
    if (error instanceof RpcError) throw new FirstBlockUnknownError(registry, error)
    throw error
  }
}

const isRegistryOfMargins = (contract: ContractName): boolean =>
  contract === 'PortfolioRegistry' || contract === 'CrossMarginRegistry'

/** Markets without shadows, where they come from now. @throws {@link HistoryIncompleteError} */
async function readMarkets({ provider, fromBlock, end }: ReadAt, registry: string): Promise<readonly MarketRead[]> {
  const logs = await logsBetween(provider, { address: registry }, fromBlock, end)
  const events = logs.flatMap((log) => {
    const event = interfaceOf('RiskRegistry').parseLog(log)
    return event === null ? [] : [{ name: event.name, args: event.args, block: log.blockNumber }]
  })
  if (!events.some(({ name }) => name === 'LearningPolicySet'))
    throw new HistoryIncompleteError(registry, `its deployment lies before block ${fromBlock}`)
  const read = readerOf(provider, 'RiskRegistry', registry)
  const added = events.filter(({ name, args }) => name === 'MarketAdded' && modelIdOfShadow(args.marketId) === 0)
  return inTurns(added, async ({ args: { marketId }, block }) => ({
    ...{ name: marketNameOf(marketId), marketId, block },
    source: await read<string>('sourceOf', marketId),
    volatilityModel: Number(await read<bigint>('volatilityModelOf', marketId)),
  }))
}

const distinctSources = (markets: readonly MarketRead[]): readonly string[] => [
  ...new Set(markets.map(({ source }) => source)),
]

async function marketContracts(
  at: ReadAt,
  registry: string,
  modelRegistry: string,
  markets: readonly MarketRead[],
): Promise<Contracts> {
  const sources = distinctSources(markets).map((address) => ({ part: 'source' as const, address }))
  return contractsAt(at, { part: 'registry', registry, modelRegistry, sources, questions: [] })
}

async function contractsAt(at: ReadAt, place: DeployedPlace & Pick<ExpectedPlace, 'sources'>): Promise<Contracts> {
  const record = await collectDeployed(at, place)
  const { chainId } = at
  const judged = judgeDeployed(record, { ...place, chainId, reads: [] }, { chainId, registry: place.registry })
  return { record, judged }
}

/** A registry of margins in one market, by its own answers. @throws {@link NotARegistryError}, {@link OtherModelsError} */
async function readMargins(
  at: ReadAt,
  registry: string,
  modelRegistry: string,
): Promise<Contracts & { readonly place: Omit<NonNullable<Deployment['portfolio']>, 'models'> }> {
  const contract = new Contract(registry, interfaceOf('PortfolioRegistry'), at.provider)
  const arrays: string = await askWhetherRegistry(registry, 'portfolio registry', () =>
    contract.getFunction('arrays')(),
  )
  const models: string = await ask('Reading models', () => contract.getFunction('models')())
  if (models !== modelRegistry) throw new OtherModelsError(registry, models, modelRegistry)
  const client = await PortfolioClient.connect({ registry, provider: at.provider })
  const { rounds, marketId } = await client.roundSource()
  const contracts = await contractsAt(at, {
    ...{ part: 'portfolioRegistry', registry, modelRegistry, questions: [], counts: await client.counts() },
    sources: [
      { part: 'riskArrays', address: arrays },
      { part: 'rounds', address: rounds },
    ],
  })
  return { ...contracts, place: { registry, arrays, rounds, market: marketNameOf(marketId) } }
}

/** Blocks in which contracts were created, as far as the node tells. */
const beginnings = ({ contracts }: DeployedRecord): readonly number[] =>
  contracts.flatMap(({ creation }) => (creation === null ? [] : [creation.block]))

const deployedModels = (models: readonly ModelStanding[], statements: readonly StatementName[]): Deployment['models'] =>
  models.flatMap(({ statement, status, deployed }) =>
    deployed !== undefined && status !== 'disabled' && statements.some((each) => each === statement) ? [deployed] : [],
  )

/** None of one that is bound to a family which this version does not have. */
function deployedMarket({ name, marketId, source, volatilityModel, block }: MarketRead): readonly DeployedMarket[] {
  const family = modelNames.find((model) => volatilityModels[model].id === volatilityModel)
  return family === undefined ? [] : [{ name, marketId, source, volatilityModel: family, block }]
}

const unknownFamily = (market: MarketRead): readonly RebuildFinding[] =>
  deployedMarket(market).length > 0
    ? []
    : [
        {
          severity: 'note',
          of: market.name,
          says: `it is bound to the volatility model ${market.volatilityModel}, which this version does not have`,
        },
      ]

const untakenName = ({ name }: MarketRead): readonly RebuildFinding[] =>
  isMarketName(name)
    ? []
    : [{ severity: 'note', of: JSON.stringify(name), says: 'governance gave it a name that nothing here takes' }]

/** A source by what its code is; a name is nobody's but ours. */
async function deployedSource(provider: Provider, record: DeployedRecord, address: string): Promise<DeployedSource> {
  const at = record.contracts.find((each) => each.part === 'source' && each.address === address)
  const contract = at === undefined || !isOurs(at) ? undefined : contractOf(at)
  const name = `${contract ?? 'source'} ${address.slice(0, 10)}`
  if (contract !== 'AttestedFeed' && contract !== 'ScaledFeed') return { name, kind: 'other', address }
  const read = readerOf(provider, 'AttestedFeed', address)
  const bounds = await readerOf(provider, 'IPlausibleInbox', address)<Plausibility>('plausibility')
  const plausibility = Object.fromEntries(plausibilityFields.map((field) => [field, bounds[field]])) as Plausibility
  return {
    ...{ name, kind: 'attestedFeed', address, plausibility },
    signers: [...(await read<Iterable<string>>('signers'))],
    threshold: Number(await read<bigint>('threshold')),
    maxConfidenceBps: Number(await read<bigint>('maxConfidenceBps')),
  }
}

/** Of the engine, as it is in force. */
async function policyOf({ provider }: ReadAt, registry: string): Promise<Deployment['policy']> {
  const read = readerOf(provider, 'RiskRegistry', registry)
  const freshness = (await read<Result>('freshnessPolicy')).toObject() as FreshnessPolicy
  const [learning, margin] = [await read<bigint>('learningPolicy'), await read<bigint>('marginPolicy')]
  return { learning: unpack('learningPolicy', learning), margin: unpack('marginPolicy', margin), freshness }
}

const readerOf = (provider: Provider, contract: ContractName, address: string) => {
  const target = new Contract(address, interfaceOf(contract), provider)
  return <Answer>(method: string, ...args: readonly unknown[]): Promise<Answer> =>
    ask(`Reading ${method}`, () => target.getFunction(method)(...args))
}

/** Code and constructors' choices of our own contracts decide; of whom they ask and who governs them people should know. */
function findingsOf({ record, judged }: Contracts): readonly RebuildFinding[] {
  const { contracts, authority } = judged
  return [
    ...contracts.flatMap((report) => contractFindings(report, record)),
    ...authority.claims
      .filter(({ holds }) => !holds)
      .map((claim) => ({ severity: 'note' as const, of: 'the council', says: claimText(claim) })),
  ]
}

/** Without a node that keeps the states of then nobody can say what a constructor was given: that is told, and refuses nothing. */
function contractFindings(report: ContractReport, { contracts }: DeployedRecord): readonly RebuildFinding[] {
  const record = contracts.find(({ address }) => address === report.address)
  const isOwn = record === undefined || record.part !== 'source'
  const isTold = (record?.creation ?? null) !== null
  return report.claims
    .filter(({ holds }) => !holds)
    .map((claim) => ({
      severity: isOwn && (claim.claim === 'A7' || isTold) ? 'refused' : 'note',
      of: `${contractText(report)} ${report.address}`,
      says: claimText(claim),
    }))
}

/** Two registries share the contracts behind them. */
const distinct = (findings: readonly RebuildFinding[]): readonly RebuildFinding[] =>
  findings.filter(({ of, says }, i) => findings.findIndex((each) => each.of === of && each.says === says) === i)

/** A registry of another kind than was to be served. */
export class RegistryKindError extends ProverError {
  readonly code = 'service.registry-kind'
  readonly registry: string

  constructor(registry: string, what: string) {
    super(
      `Expected --registry with the address of a registry of markets, got ${registry}, which ${what}. ` +
        'Name the registry of markets there, and a registry of margins in one market with --portfolio.',
    )
    this.registry = registry
  }
}

/** A registry of margins asks another registry of models than the registry of markets. */
export class OtherModelsError extends ProverError {
  readonly code = 'service.other-models'
  readonly registry: string
  readonly found: string

  constructor(registry: string, found: string, expected: string) {
    super(
      `Expected the registry of margins ${registry} to take models of ${expected}, as the registry of markets does, but it takes those of ${found}. ` +
        'Check both addresses: they are not of one engine.',
    )
    this.registry = registry
    this.found = found
  }
}

/** The node does not have the states of earlier blocks, by which the first one is found. */
export class FirstBlockUnknownError extends ProverError {
  readonly code = 'service.first-block-unknown'
  readonly registry: string

  constructor(registry: string, cause: unknown) {
    super(
      `Expected a node that knows since when ${registry} stands, but it keeps no earlier states. ` +
        'Ask an archive node, or give a block before its deployment with --from-block: explorers show the one that created it.',
      { cause },
    )
    this.registry = registry
  }
}
