/** What is in force of markets: the three reads that consumers have, at one block, with what they rest on. */
import { Contract, type Provider, type Result } from 'ethers'
import { type Build, marketBuilds } from '../../../circuits/statements/index.ts'
import { isMarketName, marketIdOf, marketNameOf, modelIdOfShadow, ownMarketOf } from '../../market/marketId.ts'
import type { Parameters } from '../../parameters/marketRisk.ts'
import { layoutHash } from '../../statement/layout.ts'
import { unpack, wordBits } from '../../statement/words.ts'
import { interfaceOf } from '../artifacts.ts'
import { ask, ContractRevertError } from '../contractErrors.ts'
import { askWhetherRegistry } from '../connection.ts'
import { type FreshnessPolicy, modelIdOf } from '../deployment.ts'
import { readModelById } from '../models.ts'
import { MarketUnknownError, type RegistryClient } from './client.ts'

/** The batch that last moved a market, and the build that proved it. */
export type LastBatch = {
  readonly modelId: string
  /** Undefined where none of this engine's builds has the id. */
  readonly build: string | undefined
  readonly block: number
  readonly transactionHash: string
}

/** A market or shadow as a registry holds it. */
export type HeldMarket = {
  readonly name: string
  readonly source: string
  /** Id of the family that it is bound to, or that it is tried under. */
  readonly volatilityModel: number
  readonly sequence: bigint
  /** Undefined before the first proof. */
  readonly parameters: Parameters | undefined
  readonly ageSeconds: bigint
  /** What liquidations read; a shadow is read by nobody. */
  readonly forLiquidation: { readonly parameters: Parameters; readonly isStale: boolean } | undefined
  readonly lastBatch: LastBatch | undefined
}

export type InForce = {
  readonly block: number
  /** The block's time, unix seconds: ages are counted to it. */
  readonly time: bigint
  readonly council: string
  readonly modelRegistry: string
  readonly freshness: FreshnessPolicy
  readonly markets: readonly HeldMarket[]
  /** Names of markets and shadows that nothing here takes: they are not read. None where names were given. */
  readonly untaken: readonly string[]
}

/**
 * Reads markets and shadows, by default all whose names are taken here.
 *
 * @throws {@link MarketUnknownError} naming those that there are
 */
export async function readInForce(client: RegistryClient, names?: readonly string[]): Promise<InForce> {
  const { provider, registry } = client
  const contract = new Contract(registry, interfaceOf('RiskRegistry'), provider)
  const modelRegistry: string = await askWhetherRegistry(registry, 'risk registry', () =>
    contract.getFunction('models')(),
  )
  const all = [...(await client.markets()), ...(await client.shadows())].map(({ name }) => name)
  const listed = all.filter(isMarketName)
  for (const name of names ?? []) {
    marketIdOf(name)
    if (!listed.includes(name)) throw new MarketUnknownError(name, registry, listed)
  }
  const block = await ask('Reading the latest block', () => provider.getBlock('latest'))
  const blockTag = block?.number ?? 'latest'
  const read: Read = (method, ...args) =>
    ask(`Reading ${method}`, () => contract.getFunction(method)(...args, { blockTag }))
  const [council, freshness] = await Promise.all([read<string>('authority'), read('freshnessPolicy')])
  const time = BigInt(block?.timestamp ?? 0)
  const markets: HeldMarket[] = []
  for (const name of names ?? listed) markets.push(await readMarket(client, read, modelRegistry, name, time))
  return {
    block: block?.number ?? 0,
    time,
    council,
    modelRegistry,
    freshness: freshness.toObject() as FreshnessPolicy,
    markets,
    untaken: names === undefined ? all.filter((name) => !isMarketName(name)) : [],
  }
}

type Read = <Answer = Result>(method: string, ...args: readonly unknown[]) => Promise<Answer>

async function readMarket(
  client: RegistryClient,
  read: Read,
  modelRegistry: string,
  name: string,
  time: bigint,
): Promise<HeldMarket> {
  const marketId = marketIdOf(name)
  const [source, volatilityModel, batch] = await Promise.all([
    read<string>('sourceOf', marketId),
    read<bigint>('volatilityModelOf', marketId),
    client.lastBatch(marketId),
  ])
  const { parameters, sequence, forLiquidation } = await readParameters(read, marketId)
  return {
    name: marketNameOf(marketId),
    source,
    volatilityModel: Number(volatilityModel),
    sequence,
    parameters,
    ageSeconds: parameters === undefined || parameters.asOf > time ? 0n : time - parameters.asOf,
    forLiquidation,
    lastBatch: batch && { ...batch, build: await buildNamed(client.provider, modelRegistry, batch.modelId) },
  }
}

async function readParameters(
  read: Read,
  marketId: string,
): Promise<Pick<HeldMarket, 'parameters' | 'sequence' | 'forLiquidation'>> {
  const model = modelIdOfShadow(marketId)
  if (model !== 0) {
    const [, stored] = await read<[unknown, bigint]>('shadowOf', ownMarketOf(marketId), model)
    const word = BigInt.asUintN(wordBits('parameters'), stored)
    const parameters = word === 0n ? undefined : unpack('parameters', word)
    return { parameters, sequence: stored >> BigInt(wordBits('parameters')), forLiquidation: undefined }
  }
  try {
    const [[proven], [tightened, isStale]] = await Promise.all([
      read<[Result]>('unsafeParameters', marketId),
      read<[Result, boolean]>('parametersForLiquidation', marketId),
    ])
    const { sequence, ...parameters } = proven.toObject()
    const { sequence: _, ...tight } = tightened.toObject()
    return {
      parameters: parameters as Parameters,
      sequence,
      forLiquidation: { parameters: tight as Parameters, isStale },
    }
  } catch (error) {
    if (!(error instanceof ContractRevertError) || error.reason !== 'NotYetProven') throw error
    return { parameters: undefined, sequence: 0n, forLiquidation: undefined }
  }
}

/** The build whose id a model has, by the key that the registry of models says it has. */
async function buildNamed(provider: Provider, modelRegistry: string, modelId: string): Promise<string | undefined> {
  const { verificationKeyHash } = await ask('Reading a model', () => readModelById(provider, modelRegistry, modelId))
  const layout = layoutHash('marketRisk')
  const isIt = ({ name }: Build): boolean => modelIdOf(name, verificationKeyHash, layout) === modelId
  return (marketBuilds as readonly Build[]).find(isIt)?.name
}
