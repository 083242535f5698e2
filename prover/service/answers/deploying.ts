/** `zkrisk deploy`: a plan from a file, shown; then the plan on a chain, and where everything is. */
import { Contract, formatEther, type Provider } from 'ethers'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Build, StatementName } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { provableMargin } from '../../portfolio/accountMargin.ts'
import { readPortfolio } from '../../portfolio/input/schema.ts'
import { type CircuitKeys, isDevelopmentChain, verificationKeyHash } from '../../proof/index.ts'
import { firstPhaseHash } from '../../proof/keys/verificationKey.ts'
import {
  type RpcAddress,
  connectProvider,
  type DeployedModel,
  type Deployment,
  interfaceOf,
  modelIdOf,
  portfolioStatementNames,
  writeDeployment,
} from '../../registry/index.ts'
import { manifestHashOf } from '../../registry/deployment.ts'
import { crossStatementNames } from '../../registry/portfolio/crossDeploy.ts'
import { ask } from '../../registry/contractErrors.ts'
import { marketIdOf } from '../../market/marketId.ts'
import { readBars } from '../../market/prices.ts'
import { layoutHash } from '../../statement/layout.ts'
import type { SectionWords } from '../../statement/state.ts'
import { openAccount } from '../daemon/account.ts'
import { policyOf } from '../daemon/portfolios/sharedRound.ts'
import { carryOut, type DeployEvent, feesOf, headerOf, type Standing, stepsDone } from '../deploying/carryOut.ts'
import {
  checkGovernance,
  type DeployConfig,
  PublicKeyError,
  publicSignersOf,
  readConfig,
  type SourceToDeploy,
} from '../deploying/config.ts'
import { HistoryMisfitError, misfitOf } from '../deploying/historyFit.ts'
import { DeployJournal, type JournalEntry } from '../deploying/journal.ts'
import {
  arraysStep,
  type DeployPlan,
  marginStatementsOf,
  type ModelWithVerifier,
  observationIfAny,
  planDeployment,
  unitsOption,
} from '../deploying/plan.ts'
import { verifierFor } from '../deploying/verifier.ts'
import { loadKeys, portfolioBuildOf } from '../workspace.ts'
import { UsageError } from '../text/usageError.ts'

export type DeployPlace = {
  readonly rpc: RpcAddress
  readonly config: string
  readonly keyFile?: string | undefined
  readonly keys?: string | undefined
  readonly deployment: string
  readonly journal?: string | undefined
  readonly confirmations?: number | undefined
  readonly wait?: number | undefined
}

/** A plan in figures. */
export type PlanSummary = {
  readonly chainId: string
  readonly isDevelopmentChain: boolean
  readonly deployer: string
  readonly council: { readonly account: string; readonly delayHours: number; readonly hasCode: boolean }
  readonly models: readonly {
    readonly build: string
    readonly kind: string
    readonly contributions: number
    readonly verificationKeySha256: string
    readonly firstPhaseSha256: string
  }[]
  readonly steps: readonly { readonly id: string; readonly says: string; readonly estimatedGas: number }[]
  readonly stepsDone: number
  readonly estimatedGas: number
  /** In the chain's own coin, at the fee that the node names now; and what the deployer has. */
  readonly estimatedCost: string
  readonly balance: string
  /** What a chain that may hold money refuses, and a development chain takes. */
  readonly warnings: readonly string[]
}

export type OpenPlan = {
  readonly summary: PlanSummary
  /** Carries out what does not stand yet. */
  carryOut(onEvent: (event: DeployEvent) => Promise<void> | void): Promise<Deployed>
  close(): void
}

export type Deployed = {
  readonly deployment: Deployment
  readonly file: string
  readonly journal: string
  readonly carriedOut: number
  readonly steps: number
  readonly gasUsed: bigint
}

/**
 * Reads, checks and prices a plan; sends nothing.
 *
 * @throws {@link WrongChainError} if the node serves another chain than the file is for; what {@link checkGovernance} and
 * {@link planDeployment} throw; {@link FundsError}, {@link DeploymentExistsError}
 */
export async function openPlan(place: DeployPlace): Promise<OpenPlan> {
  const config = await readConfig(place.config)
  const provider = await connectProvider(place.rpc, config.chainId)
  try {
    const account = openAccount(provider, place.keyFile)
    checkGovernance(config, account.address)
    await checkSources(config, provider)
    const journal = resolve(place.journal ?? `${place.deployment}.journal`)
    const entries = DeployJournal.peek(journal, await headerOf(provider, config.chainId, account.address)) ?? []
    const warnings = await checkHistories(config, provider, entries)
    const plan = await planDeployment({ config, deployer: account.address, ...(await partsOf(config, place.keys)) })
    if (existsSync(place.deployment) && !existsSync(journal)) throw new DeploymentExistsError(place.deployment, journal)
    const summary = { ...(await summarise(plan, provider, account.address, entries)), warnings }
    const { confirmations = 1, wait: waitSeconds = 0, deployment: file } = place
    return {
      summary,
      carryOut: async (onEvent) => {
        const onPlace = (standing: Standing) => writeDeployment(file, deploymentOf(plan, standing))
        const options = { plan, account, journal, confirmations, waitSeconds, onEvent, onPlace }
        const standing = await carryOut(options)
        const { carriedOut, gasUsed } = standing
        return {
          deployment: deploymentOf(plan, standing),
          file,
          journal,
          carriedOut,
          steps: plan.steps.length,
          gasUsed,
        }
      },
      close: () => provider.destroy(),
    }
  } catch (error) {
    provider.destroy()
    throw error
  }
}

/**
 * Histories lead up to the first observations of their markets, as far as these are known: that a source has them, that its first
 * price is named, or that it cannot be earlier than now.
 *
 * @returns what a development chain takes all the same
 * @throws {@link HistoryAfterError}; {@link HistoryMisfitError} on other chains
 */
async function checkHistories(
  { chainId, sources, markets }: DeployConfig,
  provider: Provider,
  entries: readonly JournalEntry[],
): Promise<readonly string[]> {
  const warnings: string[] = []
  const latest = await ask('Reading the latest block', () => provider.getBlock('latest'))
  const now = BigInt(latest?.timestamp ?? 0)
  for (const market of markets) {
    const { name, history, source, firstPriceE8 } = market
    const isAdded = entries.findLast(({ step }) => step === `market ${name}`)?.state === 'mined'
    if (history === undefined || isAdded) continue
    const standing = sources.find((each) => each.name === source)
    const observed = standing?.kind === 'other' ? await observationIfAny(provider, name, standing.address) : undefined
    const misfit = misfitOf(
      name,
      readBars(history, unitsOption(market)),
      observed ?? { asOf: now, priceE8: firstPriceE8 },
    )
    if (misfit === undefined) continue
    const error = new HistoryMisfitError(name, misfit)
    if (!isDevelopmentChain(chainId)) throw error
    warnings.push(error.message)
  }
  return warnings
}

/** Sources that stand already must answer for the markets that begin there, before anything is paid for. */
async function checkSources({ chainId, sources, markets }: DeployConfig, provider: Provider): Promise<void> {
  for (const source of sources) {
    if (source.kind !== 'other') continue
    const code = await ask('Reading the code of a source', () => provider.getCode(source.address))
    if (code === '0x') throw new SourceUnfitError(source.name, source.address)
    const [known] = isDevelopmentChain(chainId) ? [] : await publicSignersOf(provider, source.address)
    if (known !== undefined) throw new PublicKeyError(chainId, `signer of source ${source.name}`, known)
    const contract = new Contract(source.address, interfaceOf('IObservationSource'), provider)
    for (const { name } of markets.filter((market) => market.source === source.name)) {
      await contract
        .getFunction('latest')(marketIdOf(name))
        .catch((cause: unknown) => {
          throw new SourceUnfitError(source.name, source.address, cause)
        })
    }
  }
}

async function partsOf(config: DeployConfig, folder: string | undefined) {
  const withVerifier = (build: Build, { verificationKey, manifest }: CircuitKeys): ModelWithVerifier => ({
    ...{ build, verificationKey, manifest },
    verifier: verifierFor(build.name, verificationKey),
  })
  const models: ModelWithVerifier[] = []
  for (const { build } of config.models) models.push(withVerifier(build, await loadKeys(build.name, folder)))
  const portfolioModels: ModelWithVerifier[] = []
  for (const build of marginStatementsOf(config).map(portfolioBuildOf))
    portfolioModels.push(withVerifier(build, await loadKeys(build.name, folder)))
  if (portfolioModels.length === 0) return { models, portfolioModels, portfolioPolicy: undefined }
  return { models, portfolioModels, portfolioPolicy: defaultPortfolioPolicy() }
}

/** What a portfolio file states that leaves its parameters out; of an account that holds nothing. */
function defaultPortfolioPolicy(): SectionWords {
  const nothing = { account: { cash: 0 }, market: { asOf: 1_600_000_000, spot: 1 } }
  const sizes = { strikes: 1, segments: 1, expiries: 1 }
  return policyOf(provableMargin(readPortfolio(JSON.stringify(nothing), 'the default policy of margins'), sizes))
}

async function summarise(
  plan: DeployPlan,
  provider: Provider,
  deployer: string,
  entries: readonly JournalEntry[],
): Promise<Omit<PlanSummary, 'warnings'>> {
  const { config, steps } = plan
  const done = stepsDone(plan, entries)
  const isDone = (id: string): boolean => entries.findLast(({ step }) => step === id)?.state === 'mined'
  const gas = steps.filter(({ id }) => !isDone(id)).reduce((sum, step) => sum + step.gas, 0n)
  const { maxFeePerGas } = await feesOf(provider)
  const balance = await ask('Reading the balance', () => provider.getBalance(deployer))
  if (balance < gas * maxFeePerGas) throw new FundsError(deployer, balance, gas * maxFeePerGas)
  const code = await ask('Reading the code of the council’s account', () => provider.getCode(config.council))
  return {
    chainId: config.chainId.toString(),
    isDevelopmentChain: isDevelopmentChain(config.chainId),
    deployer,
    council: { account: config.council, delayHours: config.councilDelaySeconds / 3600, hasCode: code !== '0x' },
    models: [...plan.models, ...plan.portfolioModels].map(({ build, manifest, verificationKey }) => ({
      build: build.name,
      kind: manifest.kind,
      contributions: manifest.contributions,
      verificationKeySha256: verificationKeyHash(verificationKey),
      firstPhaseSha256: firstPhaseHash(verificationKey),
    })),
    steps: steps.map(({ id, says, gas: each }) => ({ id, says, estimatedGas: Number(each) })),
    stepsDone: done,
    estimatedGas: Number(gas),
    estimatedCost: formatEther(gas * maxFeePerGas),
    balance: formatEther(balance),
  }
}

/** Where everything is, as the other commands read it. */
function deploymentOf({ config, models, portfolioModels }: DeployPlan, standing: Standing): Deployment {
  const at = (step: string): string => standing.addresses.get(step) ?? ''
  const deployed = ({ build, verificationKey, manifest }: ModelWithVerifier): DeployedModel => {
    const keyHash = `0x${verificationKeyHash(verificationKey)}`
    return {
      name: build.name,
      modelId: modelIdOf(build.name, keyHash, layoutHash(build.statement)),
      verifier: at(`verifier ${build.name}`),
      verificationKeyHash: keyHash,
      manifestHash: manifestHashOf(manifest),
    }
  }
  const addressOf = (source: SourceToDeploy): string =>
    source.kind === 'other' ? source.address : at(`source ${source.name}`)
  const { learning, margin, freshness, portfolio, cross } = config
  const modelsOf = (statements: readonly StatementName[]): DeployedModel[] =>
    portfolioModels.filter(({ build }) => statements.includes(build.statement)).map(deployed)
  return {
    format: 'zk-risk-engine/deployment',
    version: 2,
    chainId: config.chainId,
    block: standing.blocks.get('council') ?? 0,
    layoutHash: layoutHash('marketRisk'),
    addresses: { council: at('council'), modelRegistry: at('model registry'), registry: at('registry') },
    // Its scales a source says itself.
    sources: config.sources.map((source) => ({
      ...{ ...source, scales: undefined },
      address: addressOf(source),
    })) as Deployment['sources'],
    policy: { learning, margin, freshness },
    models: models.map(deployed),
    ...(portfolio === undefined
      ? {}
      : {
          portfolio: {
            registry: at('portfolio registry'),
            arrays: at('risk arrays'),
            rounds: at('rounds'),
            market: portfolio.market,
            models: modelsOf(portfolioStatementNames),
          },
        }),
    ...(cross === undefined
      ? {}
      : {
          cross: {
            registry: at('cross registry'),
            rounds: at('cross rounds'),
            markets: cross.markets.map(({ market }) => ({ market, arrays: at(arraysStep(market)) })),
            models: modelsOf(crossStatementNames),
          },
        }),
    markets: config.markets.flatMap(({ name, source, volatilityModel }) => {
      const block = standing.blocks.get(`market ${name}`)
      const from = config.sources.find((each) => each.name === source)
      if (block === undefined || from === undefined) return []
      return [{ name, marketId: marketIdOf(name), source: addressOf(from), volatilityModel, block }]
    }),
  }
}

/** Nobody agreed to the plan: the answer was no, or there is no terminal to ask at. */
export class NotAgreedError extends ProverError {
  readonly code = 'service.deploy-not-agreed'

  constructor() {
    super('Nothing was sent: expected the answer yes, or --yes where there is no terminal to ask at.')
  }
}

/** The deployer cannot pay for the plan. */
export class FundsError extends ProverError {
  readonly code = 'service.deploy-funds'
  readonly deployer: string
  readonly balance: string
  readonly needed: string

  constructor(deployer: string, balance: bigint, needed: bigint) {
    super(
      `The deployer ${deployer} has ${formatEther(balance)} of the chain's coin; the plan may cost up to ${formatEther(needed)}. ` +
        'Fund it: nothing was sent.',
    )
    this.deployer = deployer
    this.balance = formatEther(balance)
    this.needed = formatEther(needed)
  }
}

/** A source that is to stand already does not, or is something else. */
export class SourceUnfitError extends ProverError {
  readonly code = 'service.source-unfit'
  readonly source: string
  readonly address: string

  constructor(source: string, address: string, cause?: unknown) {
    super(
      `Expected an observation source ${source} at ${address} on this chain, found ${cause === undefined ? 'no contract' : 'a contract that is none'}. Correct the address.`,
      { cause },
    )
    this.source = source
    this.address = address
  }
}

/** Where everything is of another deployment would be written over. */
export class DeploymentExistsError extends ProverError {
  readonly code = 'service.deployment-exists'
  readonly file: string

  constructor(file: string, journal: string) {
    super(
      `${file} is of another deployment: it has no journal ${journal}. Name another file with --deployment, or its journal with --journal.`,
    )
    this.file = file
  }
}

/** An option that only `--example` does without. */
export class OptionMissingError extends UsageError {
  readonly code = 'service.option-missing'
  readonly option: string

  constructor(option: string) {
    super(`Expected ${option}. \`zkrisk deploy --help\` shows an example.`)
    this.option = option
  }
}
