/** Deploys what margins of accounts need beside an engine: a source of rounds, their arrays, a portfolio registry, models. */
import { getAddress, type Signer } from 'ethers'
import { type Build, modelSizesOf, type StatementName } from '../../../circuits/statements/index.ts'
import { marketIdOf } from '../../market/marketId.ts'
import { emptyBook } from '../../portfolio/book.ts'
import { checkCeremony, type KeyManifest, type VerificationKey } from '../../proof/index.ts'
import { checkFirstPhase } from '../../proof/keys/ceremony.ts'
import { layoutHash } from '../../statement/layout.ts'
import { joinList } from '../../statement/lists.ts'
import { stateRoot } from '../../statement/optionBook.ts'
import type { SectionWords } from '../../statement/state.ts'
import { artifactOf, type ContractName } from '../artifacts.ts'
import { selectorsOf, VENUE_ROLE } from '../authority.ts'
import { type DeployedModel, manifestHashOf, modelIdOf } from '../deployment.ts'
import { portfolioStatementNames, registerLayouts } from '../layouts.ts'
import { attempt, deployContract, SignerOffChainError, transact } from '../transactions.ts'
import { deployVerifier } from '../verifiers.ts'

/** A build with its key. */
export type PortfolioModelToDeploy = {
  readonly build: Build
  readonly verificationKey: VerificationKey
  readonly manifest: KeyManifest
}

/** How old data may be. */
export type PortfolioFreshness = {
  readonly maxRoundAgeSeconds: bigint
  readonly maxMarginAgeSeconds: bigint
  readonly maxRoundLagSeconds: bigint
}

export type PortfolioDeployOptions = {
  /** Of the engine whose authority and models it shares. */
  readonly council: string
  readonly modelRegistry: string
  /** Name of the market whose rounds it takes. */
  readonly market: string
  /** k: the market's prices and strikes are of 10^k units of its asset, and quantities of it count as many. Default 0. */
  readonly priceScale?: number | undefined
  /** n signers, of which `threshold` must attest each round. */
  readonly rounds: { readonly signers: readonly string[]; readonly threshold: number; readonly maxAgeSeconds?: bigint }
  /** Sections of the policy: those of prices and those of margins. */
  readonly policy: SectionWords
  readonly freshness?: PortfolioFreshness
  /** May report what accounts hold. */
  readonly venue: string
  readonly models: readonly PortfolioModelToDeploy[]
  readonly onProgress?: (step: string) => void
}

export type PortfolioDeployment = {
  readonly chainId: bigint
  /** Block from which on the registry's events are found. */
  readonly block: number
  readonly registry: string
  /** Holds the arrays of the market's rounds, and the policy. */
  readonly arrays: string
  readonly rounds: string
  readonly marketId: string
  readonly models: Readonly<Partial<Record<StatementName, DeployedModel>>>
}

/**
 * A whole option chain is proven in about a minute on two cores, and landing takes some blocks: proofs of a round have two
 * minutes, however many rounds there are by then. Where no other comes they have five, as long as a round may be published
 * late. Margins count for three times that, so that two rounds may fail before trading stops.
 */
export const defaultPortfolioFreshness: PortfolioFreshness = {
  maxRoundAgeSeconds: 300n,
  maxMarginAgeSeconds: 900n,
  maxRoundLagSeconds: 120n,
}

export const DEFAULT_ROUND_AGE_SECONDS = 300n

/**
 * Words of a policy as the contract of arrays keeps them.
 *
 * @example
 * const { provable } = await marginOf(readAccount('portfolio.json', {}))
 * const words = policyWordsOf(policyOf(provable))
 */
export const policyWordsOf = (policy: SectionWords): readonly bigint[] => joinList('portfolioPolicy', policy)

/**
 * Deploys a portfolio registry; the signer must be the council's administrator. Layouts that the registry of models does
 * not know yet are registered.
 *
 * @throws what {@link checkCeremony}, {@link checkFirstPhase} and {@link registerLayouts} throw, before anything is sent;
 * {@link VerifierOutOfDateError}, {@link ContractsNotBuiltError}, {@link ContractRevertError}, {@link RpcError}
 * @example
 * import { Wallet } from 'ethers'
 * const { addresses } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const council = new Wallet(process.env.COUNCIL_KEY, provider)
 * const { provable } = await marginOf(readAccount('portfolio.json', {}))
 * const { registry } = await deployPortfolio(council, {
 *   council: addresses.council,
 *   modelRegistry: addresses.modelRegistry,
 *   market: 'BTC-USD',
 *   rounds: { signers: [council.address], threshold: 1 },
 *   policy: policyOf(provable),
 *   venue: council.address,
 *   models: [],
 * })
 * const client = await PortfolioClient.connect({ registry, provider })
 * (await client.policy()).version // → 1n
 */
export async function deployPortfolio(signer: Signer, options: PortfolioDeployOptions): Promise<PortfolioDeployment> {
  const provider = signer.provider
  if (provider === null) throw new SignerOffChainError()
  const say = options.onProgress ?? (() => undefined)
  const chainId = await attempt('Reading the chain id', async () => (await provider.getNetwork()).chainId)
  checkKeysOf(options.models, chainId)
  const block = await attempt('Reading the block number', () => provider.getBlockNumber())
  const create = (contract: ContractName, ...args: readonly unknown[]): Promise<string> => {
    say(`deploying ${contract}`)
    return deployContract(signer, contract, artifactOf(contract), args)
  }
  const { council, modelRegistry, freshness = defaultPortfolioFreshness } = options
  await registerLayouts(signer, council, modelRegistry, portfolioStatementNames)
  const marketId = marketIdOf(options.market)
  const signers = [...options.rounds.signers].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  const { threshold, maxAgeSeconds = DEFAULT_ROUND_AGE_SECONDS } = options.rounds
  const { priceScale: scale = 0 } = options
  const rounds = await (scale === 0
    ? create('AttestedRounds', council, signers, threshold, maxAgeSeconds)
    : create('ScaledRounds', council, signers, threshold, maxAgeSeconds, [{ marketId, scale }]))
  const words = policyWordsOf(options.policy)
  const arrays = await create('RiskArrays', council, modelRegistry, rounds, marketId, words, freshness)
  const registry = await create('PortfolioRegistry', council, modelRegistry, arrays, await stateRoot(emptyBook))
  await appointVenue(signer, council, { registry, arrays }, options.venue)

  const models: Partial<Record<StatementName, DeployedModel>> = {}
  for (const model of options.models) {
    say(`deploying and registering model ${model.build.name}`)
    models[model.build.statement] = await registerPortfolioModel(signer, modelRegistry, model)
  }
  const place = { registry: getAddress(registry), arrays: getAddress(arrays), rounds: getAddress(rounds) }
  return { chainId, block, ...place, marketId, models }
}

/** Keys that this chain takes, those of joint proofs of one first phase. @throws what {@link checkCeremony} and {@link checkFirstPhase} throw */
export function checkKeysOf(models: readonly PortfolioModelToDeploy[], chainId: bigint): void {
  for (const { verificationKey, manifest } of models) {
    const { circuit, kind, contributions, transcript } = manifest
    checkCeremony({ circuit, verificationKey, kind, contributions, transcript }, chainId)
  }
  checkFirstPhaseOf(models)
}

/** An account's books are verified together with its margin, or with its witness; arrays come by themselves. */
export function checkFirstPhaseOf(models: readonly PortfolioModelToDeploy[]): void {
  const joint = models.filter(({ build }) => build.statement !== 'riskArray')
  checkFirstPhase(joint.map(({ build, verificationKey }) => ({ circuit: build.name, verificationKey })))
}

/** Id of a build's model under a key. */
export const portfolioModelIdOf = (build: Build, keyHash: string): string =>
  modelIdOf(build.name, keyHash, layoutHash(build.statement))

/** Deploys a model's verifier and registers it. */
export async function registerPortfolioModel(
  signer: Signer,
  modelRegistry: string,
  { build, verificationKey, manifest }: PortfolioModelToDeploy,
): Promise<DeployedModel> {
  const { verifier, keyHash } = await deployVerifier(signer, build.name, verificationKey)
  const modelId = portfolioModelIdOf(build, keyHash)
  const manifestHash = manifestHashOf(manifest)
  const model = {
    ...modelSizesOf(build),
    verifier,
    status: 0,
    allowsBacklog: false,
    layoutHash: layoutHash(build.statement),
    verificationKeyHash: keyHash,
    manifestHash,
  }
  await transact(signer, modelRegistry, 'ModelRegistry', 'register', [modelId, model])
  return { name: build.name, modelId, verifier, verificationKeyHash: keyHash, manifestHash }
}

/** A venue reports accounts, and says at which scale. */
async function appointVenue(
  signer: Signer,
  council: string,
  { registry, arrays }: { readonly registry: string; readonly arrays: string },
  venue: string,
): Promise<void> {
  for (const [target, contract] of [
    [registry, 'PortfolioRegistry'],
    [arrays, 'RiskArrays'],
  ] as const) {
    const args = [target, selectorsOf(contract, 'venue'), VENUE_ROLE]
    await transact(signer, council, 'RiskCouncil', 'setTargetFunctionRole', args)
  }
  await transact(signer, council, 'RiskCouncil', 'grantRole', [VENUE_ROLE, venue, 0])
}
