/** A portfolio registry on a development chain: deployed for one market and policy, rounds attested by hand. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Wallet } from 'ethers'
import type { PortfolioStatementName } from '../../../circuits/statements/index.ts'
import { projectRoot } from '../../config.ts'
import { ProverError } from '../../errors.ts'
import { type CircuitKeys, KeysMissingError } from '../../proof/index.ts'
import { artifactOf, type ContractName, ContractsNotBuiltError, verifierArtifactOf } from '../../registry/artifacts.ts'
import { deployContract, transact } from '../../registry/transactions.ts'
import {
  attestRound,
  deployPortfolio,
  PortfolioClient,
  type PortfolioDeployment,
  policyWordsOf,
  publishRound,
  roundsDomain,
  type RoundWords,
} from '../../registry/index.ts'
import type { SectionWords } from '../../statement/state.ts'
import { type DevelopmentChain, FEED_SIGNER_KEYS, FEED_THRESHOLD, moveClockTo } from './chain.ts'
import type { PortfolioModel, PortfolioModels } from '../daemon/portfolios/place.ts'
import { CircuitNotBuiltError, loadKeys, portfolioBuildOf } from '../workspace.ts'

export type DevelopmentPortfolio = {
  readonly chain: DevelopmentChain
  readonly deployment: PortfolioDeployment
  readonly models: PortfolioModels
  /** Signs as whoever proves; anyone may. */
  readonly client: PortfolioClient
  /** Signs as the venue, which reports accounts. */
  readonly venue: PortfolioClient
  /** Ids of rounds that were published here. */
  readonly published: Set<string>
}

/** A day: whoever tries things on one machine proves slowly, while the chain's clock runs on. */
export const DEVELOPMENT_AGE_SECONDS = 86_400n
export const DEVELOPMENT_FRESHNESS = {
  maxRoundAgeSeconds: DEVELOPMENT_AGE_SECONDS,
  maxMarginAgeSeconds: DEVELOPMENT_AGE_SECONDS,
  maxRoundLagSeconds: DEVELOPMENT_AGE_SECONDS,
}

/** Keys of any statements of portfolios. */
export type StatementKeys = Partial<Record<PortfolioStatementName, CircuitKeys>>

/** Keys of what is proven, and how long what was missing took to build. */
export type KeysBuilt = { readonly keys: StatementKeys; readonly buildSeconds: number }

/**
 * Keys of statements, after building what is missing of them and of nothing else: the first start builds the circuits of
 * markets only.
 *
 * @throws {@link BuildFailedError}
 */
export async function buildPortfolioKeys(
  statements: readonly PortfolioStatementName[],
  say: (line: string) => void,
): Promise<KeysBuilt> {
  try {
    artifactOf(statements.includes('crossMargins') ? 'CrossMarginRegistry' : 'PortfolioRegistry')
    artifactOf('RiskArrays')
    return { keys: await loadKeysOf(statements), buildSeconds: 0 }
  } catch (error) {
    const build = join(projectRoot, 'scripts', 'build.ts')
    const isMissing = missing.some((kind) => error instanceof kind)
    if (!isMissing || !existsSync(build)) throw error
    const names = statements.map((statement) => portfolioBuildOf(statement).name)
    say(`Building ${names.join(', ')} with development keys, and the contracts: a few minutes, once.`)
    const started = performance.now()
    const child = spawn(process.execPath, [build, '--margins', ...names], {
      cwd: projectRoot,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    createInterface({ input: child.stderr }).on('line', say)
    const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
    if (code !== 0) throw new BuildFailedError(code)
    return { keys: await loadKeysOf(statements), buildSeconds: (performance.now() - started) / 1000 }
  }
}

/** Those of the keys that stand already, which are not worth a build of their own. */
export async function portfolioKeysIfBuilt(statements: readonly PortfolioStatementName[]): Promise<StatementKeys> {
  try {
    return await loadKeysOf(statements)
  } catch (error) {
    if (missing.some((kind) => error instanceof kind)) return {}
    throw error
  }
}

/** What of a build may be missing. */
const missing = [CircuitNotBuiltError, KeysMissingError, ContractsNotBuiltError] as const

async function loadKeysOf(statements: readonly PortfolioStatementName[]): Promise<StatementKeys> {
  const keys = statements.map(async (statement) => {
    const { name } = portfolioBuildOf(statement)
    verifierArtifactOf(name)
    return [statement, await loadKeys(name)] as const
  })
  return Object.fromEntries(await Promise.all(keys))
}

/** Whose authority a registry of margins is under, and where its models are listed. */
export type Authority = { readonly council: string; readonly modelRegistry: string }

/**
 * Deploys a portfolio registry.
 *
 * @param keys - of the statements it is to take
 * @param policy - sections of prices and of margins
 * @param market - whose rounds it takes
 * @param authority - of an engine; its own where there is none
 * @param priceScale - of the market
 */
export async function deployDevelopmentPortfolio(
  chain: DevelopmentChain,
  keys: StatementKeys,
  policy: SectionWords,
  market = 'BTC-USD',
  { authority, priceScale }: { readonly authority?: Authority; readonly priceScale?: number | undefined } = {},
): Promise<DevelopmentPortfolio> {
  const council = chain.account('council')
  const signers = FEED_SIGNER_KEYS.map((key) => new Wallet(key).address)
  const proven = Object.entries(keys) as [PortfolioStatementName, CircuitKeys][]
  const deployment = await deployPortfolio(council, {
    ...(authority ?? (await deployAuthority(council))),
    market,
    priceScale,
    rounds: { signers, threshold: FEED_THRESHOLD, maxAgeSeconds: DEVELOPMENT_AGE_SECONDS },
    policy,
    freshness: DEVELOPMENT_FRESHNESS,
    venue: chain.account('feeder').address,
    models: proven.map(([statement, { verificationKey, manifest }]) => ({
      build: portfolioBuildOf(statement),
      verificationKey,
      manifest,
    })),
  })
  const connect = (role: 'prover' | 'feeder') =>
    PortfolioClient.connect({
      registry: deployment.registry,
      provider: chain.provider,
      signer: chain.account(role),
      expectedChainId: deployment.chainId,
      fromBlock: deployment.block,
    })
  return {
    chain,
    deployment,
    models: Object.fromEntries(proven.map(([statement, own]) => [statement, modelIn(deployment, statement, own)])),
    client: await connect('prover'),
    venue: await connect('feeder'),
    published: new Set(),
  }
}

/** What a registry of margins needs of an engine, whose markets' contracts are as dear to compile as its own. */
export async function deployAuthority(administrator: Wallet): Promise<Authority> {
  const create = (contract: ContractName, ...args: readonly unknown[]): Promise<string> =>
    deployContract(administrator, contract, artifactOf(contract), args)
  const council = await create('RiskCouncil', administrator.address)
  return { council, modelRegistry: await create('ModelRegistry', council) }
}

function modelIn(
  { models }: PortfolioDeployment,
  statement: PortfolioStatementName,
  keys: CircuitKeys,
): PortfolioModel {
  return { build: portfolioBuildOf(statement), keys, modelId: models[statement]?.modelId as string }
}

/** Has the council set another policy, unless it is the one in force. */
export async function setDevelopmentPolicy(
  { chain, client, deployment }: DevelopmentPortfolio,
  policy: SectionWords,
): Promise<void> {
  const words = policyWordsOf(policy)
  const inForce = await client.policy()
  if (inForce.words.every((word, i) => word === words[i])) return
  const council = chain.account('council')
  await transact(council, deployment.arrays, 'RiskArrays', 'setPortfolioPolicy', [words])
}

/** Attests a round with k of the n development signers and publishes it a second after its time, once. */
export async function publishDevelopmentRound(
  { chain, client, deployment, published }: DevelopmentPortfolio,
  round: RoundWords,
): Promise<void> {
  const roundId = await client.roundId(round)
  if (published.has(roundId)) return
  await moveClockTo(chain, round.asOf + 1n)
  const signers = FEED_SIGNER_KEYS.slice(0, FEED_THRESHOLD).map((key) => new Wallet(key))
  const domain = roundsDomain(deployment.chainId, deployment.rounds)
  const signed = await attestRound(domain, signers, round, round.asOf + DEVELOPMENT_AGE_SECONDS)
  await publishRound(chain.account('feeder'), deployment.rounds, signed)
  published.add(roundId)
}

/** What was missing could not be built. */
export class BuildFailedError extends ProverError {
  readonly code = 'service.build-failed'
  readonly exitCode: number | null

  constructor(exitCode: number | null) {
    super(`The build ended with ${exitCode}. Run \`npm run build\` and look at what it says.`)
    this.exitCode = exitCode
  }
}
