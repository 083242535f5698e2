/** Deploys an engine: council, attested feed, registry of models with a verifier each, risk registry, markets. */
import { Contract, type Signer } from 'ethers'
import {
  type Build,
  type Fields,
  modelSizesOf,
  sizeOf,
  type VolatilityModelName,
  volatilityModels as volatilityModelRows,
  words,
} from '../../../circuits/statements/index.ts'
import type { Field } from '../../../circuits/statements/language.ts'
import { ProverError } from '../../errors.ts'
import { marketIdOf } from '../../market/marketId.ts'
import { defaultPlausibility, type Plausibility } from '../../market/plausibility.ts'
import { INITIAL_MULTIPLIER_X18, INITIAL_VOLATILITY_X24 } from '../../parameters/defaultPolicy.ts'
import { initialState, type MarketState } from '../../parameters/marketRisk.ts'
import { volatilityModels } from '../../volatility/models.ts'
import { checkCeremony, type KeyManifest, type VerificationKey } from '../../proof/index.ts'
import { layoutHash } from '../../statement/layout.ts'
import { packState } from '../../statement/marketState.ts'
import { pack, unpack } from '../../statement/words.ts'
import { artifactOf, type ContractName, interfaceOf } from '../artifacts.ts'
import { GUARDIAN_ROLE, selectorsOf } from '../authority.ts'
import { type Deployment, type FreshnessPolicy, manifestHashOf, modelIdOf, sourceOf } from '../deployment.ts'
import { registerLayouts } from '../layouts.ts'
import { attempt, deployContract, SignerOffChainError, transact } from '../transactions.ts'
import { deployVerifier } from '../verifiers.ts'
import { placeToBegin } from './place.ts'

/** A build with its key. */
export type ModelToDeploy = {
  readonly build: Build
  readonly verificationKey: VerificationKey
  readonly manifest: KeyManifest
}

export type DeployOptions = {
  readonly models: readonly ModelToDeploy[]
  /** n signers, of which `threshold` must attest each observation. */
  readonly feed: {
    readonly signers: readonly string[]
    readonly threshold: number
    readonly maxConfidenceBps?: number
    /** What it takes for a market. */
    readonly plausibility?: Plausibility
  }
  readonly policy: {
    readonly learning: Fields<'learningPolicy'>
    readonly margin: Fields<'marginPolicy'>
    readonly freshness?: FreshnessPolicy
  }
  /** May pause models, markets and sources and revoke signers without delay, beside the council. */
  readonly guardian?: string
  readonly onProgress?: (step: string) => void
}

/** A market to add; its first state starts at its source's latest observation. */
export type MarketToAdd = {
  readonly name: string
  readonly policy: Fields<'marketPolicy'>
  /** Name of its source in the deployment, which may be left out if there is only one. */
  readonly source?: string
  /** Family of circuits that may move it; a model of it must be registered for a first proof. */
  readonly volatilityModel: VolatilityModelName
  /** Governed first volatility; what is believed of a market without history by default. */
  readonly volatilityX24?: bigint
  /** Governed first confidence multiplier. */
  readonly multiplierX18?: bigint
  /** A whole first state instead, for instance from the twin over earlier history. */
  readonly state?: MarketState
}

/** An hour of silence is what an hourly engine must bear; liquidations tighten by 1/16 of notional per hour beyond it. */
export const defaultFreshness: FreshnessPolicy = {
  maxObservationAgeSeconds: 120n,
  maxParameterAgeSeconds: 3_900n,
  stalenessAddOnPerHourX24: 1n << 20n,
  maintenanceMarginCapX24: 1n << 23n,
}

/** Builds that may land old observations: they drain a backlog in order. */
const allowsBacklog = (build: Build): boolean => sizeOf(build, 'testEverySlot') === 1

const DEFAULT_CONFIDENCE_BPS = 100

/**
 * Deploys the whole engine; the signer becomes the council's administrator.
 *
 * @throws what {@link checkCeremony} throws, before anything is sent: development keys only on development chains
 * @throws {@link VerifierOutOfDateError} if a compiled verifier was made from another key
 * @throws {@link ContractsNotBuiltError}, {@link ContractRevertError}, {@link RpcError}
 * @example
 * import { Wallet } from 'ethers'
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const council = new Wallet(process.env.COUNCIL_KEY, provider)
 * const { verificationKey, manifest } = await loadVerifyingKeys('marketRiskRange6x2')
 * const deployment = await deployEngine(council, {
 *   models: [{ build: buildOf('marketRiskRange6x2'), verificationKey, manifest }],
 *   feed: { signers: [council.address], threshold: 1 },
 *   policy: encodeEnginePolicy(defaultEnginePolicy),
 * })
 * deployment.models.length // → 1
 */
export async function deployEngine(signer: Signer, options: DeployOptions): Promise<Deployment> {
  const provider = signer.provider
  if (provider === null) throw new SignerOffChainError()
  const say = options.onProgress ?? (() => undefined)
  const chainId = await attempt('Reading the chain id', async () => (await provider.getNetwork()).chainId)
  for (const { verificationKey, manifest } of options.models) {
    const { circuit, kind, contributions, transcript } = manifest
    checkCeremony({ circuit, verificationKey, kind, contributions, transcript }, chainId)
  }
  const block = await attempt('Reading the block number', () => provider.getBlockNumber())
  const { learning, margin, freshness = defaultFreshness } = options.policy
  const { threshold, maxConfidenceBps = DEFAULT_CONFIDENCE_BPS, plausibility = defaultPlausibility } = options.feed
  const signers = [...options.feed.signers].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  const layout = layoutHash('marketRisk')

  const create = (contract: ContractName, ...args: readonly unknown[]): Promise<string> => {
    say(`deploying ${contract}`)
    return deployContract(signer, contract, artifactOf(contract), args)
  }
  const council = await create('RiskCouncil', await signer.getAddress())
  const feed = await create('AttestedFeed', council, signers, threshold, maxConfidenceBps, plausibility)
  const modelRegistry = await create('ModelRegistry', council)
  await registerLayouts(signer, council, modelRegistry, ['marketRisk'])
  const words = [pack('learningPolicy', learning), pack('marginPolicy', margin)]
  const registry = await create('RiskRegistry', council, modelRegistry, ...words, freshness)

  const models: Deployment['models'] = []
  for (const model of options.models) {
    say(`deploying and registering model ${model.build.name}`)
    models.push(await registerModel(signer, modelRegistry, model, layout))
  }
  if (options.guardian !== undefined)
    await appointGuardian(signer, council, { modelRegistry, registry, feed }, options.guardian)
  return {
    format: 'zk-risk-engine/deployment',
    version: 2,
    chainId,
    block,
    layoutHash: layout,
    addresses: { council, modelRegistry, registry },
    sources: [
      { name: 'attested', kind: 'attestedFeed', address: feed, signers, threshold, maxConfidenceBps, plausibility },
    ],
    policy: { learning, margin, freshness },
    models,
    markets: [],
  }
}

/**
 * Sets a market's policy and adds the market right after its source's latest observation.
 *
 * @returns the deployment with the market in it, and the state it starts from
 * @throws {@link NoFirstObservationError} if the source has no observation of the market yet
 * @throws {@link SourceUnknownError} if the deployment has no such source
 * @example
 * import { Wallet } from 'ethers'
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const council = new Wallet(process.env.COUNCIL_KEY, provider)
 * const { verificationKey, manifest } = await loadVerifyingKeys('marketRiskRange6x2')
 * const engine = await deployEngine(council, {
 *   models: [{ build: buildOf('marketRiskRange6x2'), verificationKey, manifest }],
 *   feed: { signers: [council.address], threshold: 1 },
 *   policy: encodeEnginePolicy(defaultEnginePolicy),
 * })
 * const now = BigInt((await provider.getBlock('latest')).timestamp)
 * const { address } = attestedFeedOf(engine)
 * const signed = await attestObservation(feedDomain(engine.chainId, address), [council], {
 *   marketId: marketIdOf('SOL-USD'),
 *   priceE8: 15_000_000_000n,
 *   confidenceE8: 0n,
 *   asOf: now,
 *   impliedVolatilityX16: 0n,
 *   rangeCode: 0n,
 *   deadline: now + 3600n,
 * })
 * await submitObservations(council, address, [signed])
 * const market = { name: 'SOL-USD', policy: encodeMarketPolicy(defaultMarketPolicy), volatilityModel: 'rangeMixture' }
 * const { deployment } = await addMarket(council, engine, market)
 * deployment.markets.length // → 1
 */
export async function addMarket(
  signer: Signer,
  deployment: Deployment,
  market: MarketToAdd,
): Promise<{ readonly deployment: Deployment; readonly state: MarketState }> {
  requireReadable(market)
  const marketId = marketIdOf(market.name)
  const { registry } = deployment.addresses
  const { address: source } = sourceOf(deployment, market.source)
  const { provider } = signer
  if (provider === null) throw new SignerOffChainError()
  const doing = `Adding market ${market.name}`
  const inbox = { source, marketId, fromBlock: deployment.block }
  const begun = await attempt(doing, () => placeToBegin(provider, inbox))
  if (begun === undefined) throw new NoFirstObservationError(market.name, source)
  const registryContract = new Contract(registry, interfaceOf('RiskRegistry'), signer)
  const policy = {
    learning: unpack('learningPolicy', await attempt(doing, () => registryContract.getFunction('learningPolicy')())),
    margin: unpack('marginPolicy', await attempt(doing, () => registryContract.getFunction('marginPolicy')())),
    market: market.policy,
  }
  const { volatilityX24 = INITIAL_VOLATILITY_X24, multiplierX18 = INITIAL_MULTIPLIER_X18 } = market
  const state =
    market.state ??
    initialState(volatilityModels[market.volatilityModel], begun.observation, volatilityX24, multiplierX18, policy)
  await transact(signer, registry, 'RiskRegistry', 'setMarketPolicy', [marketId, pack('marketPolicy', market.policy)])
  const block = await transact(signer, registry, 'RiskRegistry', 'addMarket', [
    marketId,
    source,
    volatilityModelRows[market.volatilityModel].id,
    packState(state),
    begun.place,
  ])
  const { name, volatilityModel } = market
  const added = { name, marketId, source, volatilityModel, block }
  return { deployment: { ...deployment, markets: [...deployment.markets, added] }, state }
}

/**
 * A batch has no witness with a policy word that its model does not read: the market would stand still.
 *
 * @throws {@link PolicyUnreadError}
 */
export function requireReadable({
  name,
  volatilityModel,
  policy,
}: Pick<MarketToAdd, 'name' | 'volatilityModel' | 'policy'>): void {
  if (volatilityModelRows[volatilityModel].readsOptionalPolicy) return
  const fields: readonly Field[] = words.marketPolicy.fields
  const unread = fields.filter((field) => field.optional && policy[field.name as keyof typeof policy] !== 0n)
  if (unread.length > 0)
    throw new PolicyUnreadError(
      name,
      volatilityModel,
      unread.map((field) => field.name),
    )
}

async function registerModel(
  signer: Signer,
  modelRegistry: string,
  { build, verificationKey, manifest }: ModelToDeploy,
  layout: string,
): Promise<Deployment['models'][number]> {
  const { verifier, keyHash } = await deployVerifier(signer, build.name, verificationKey)
  const modelId = modelIdOf(build.name, keyHash, layout)
  const manifestHash = manifestHashOf(manifest)
  await transact(signer, modelRegistry, 'ModelRegistry', 'register', [
    modelId,
    {
      verifier,
      ...modelSizesOf(build),
      status: 0,
      allowsBacklog: allowsBacklog(build),
      layoutHash: layout,
      verificationKeyHash: keyHash,
      manifestHash,
    },
  ])
  return { name: build.name, modelId, verifier, verificationKeyHash: keyHash, manifestHash }
}

async function appointGuardian(
  signer: Signer,
  council: string,
  at: { readonly modelRegistry: string; readonly registry: string; readonly feed: string },
  guardian: string,
): Promise<void> {
  const grants = [
    ['ModelRegistry', at.modelRegistry],
    ['RiskRegistry', at.registry],
    ['AttestedFeed', at.feed],
  ] as const
  for (const [contract, address] of grants) {
    const args = [address, selectorsOf(contract, 'guardian'), GUARDIAN_ROLE]
    await transact(signer, council, 'RiskCouncil', 'setTargetFunctionRole', args)
  }
  for (const account of [guardian, await signer.getAddress()]) {
    await transact(signer, council, 'RiskCouncil', 'grantRole', [GUARDIAN_ROLE, account, 0])
  }
}

/** A market can only be added after its source has reported a first price. */
export class NoFirstObservationError extends ProverError {
  readonly code = 'registry.no-first-observation'
  readonly market: string

  constructor(market: string, source: string) {
    super(`The source ${source} has no observation of ${market} yet. Append one, then add the market.`)
    this.market = market
  }
}

/** A market's policy says what its volatility model does not read. */
export class PolicyUnreadError extends ProverError {
  readonly code = 'registry.policy-unread'
  readonly market: string
  readonly fields: readonly string[]

  constructor(market: string, model: string, fields: readonly string[]) {
    super(
      `Expected ${fields.join(', ')} of ${market} to be 0, since the model ${model} does not read them and could prove nothing. ` +
        'Leave `garch` out of its policy, or bind the market to garch.',
    )
    this.market = market
    this.fields = fields
  }
}
