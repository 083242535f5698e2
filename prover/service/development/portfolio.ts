/** A portfolio registry on a development chain: deployed for one market and policy, rounds attested by hand. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Wallet } from 'ethers'
import type { PortfolioStatementName } from '../../../circuits/statements/index.ts'
import { projectRoot } from '../../config.ts'
import { ProverError } from '../../errors.ts'
import { defaultPolicy } from '../../parameters/defaultPolicy.ts'
import { type CircuitKeys, KeysMissingError } from '../../proof/index.ts'
import { deployEngine } from '../../registry/market/deploy.ts'
import { transact } from '../../registry/transactions.ts'
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
import { type DevelopmentChain, FEED_SIGNER_KEYS, FEED_THRESHOLD } from './chain.ts'
import type { PortfolioModel, PortfolioModels } from '../daemon/portfolios/place.ts'
import { CircuitNotBuiltError, loadPortfolioKeys, type PortfolioKeys, portfolioBuildOf } from '../workspace.ts'

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

/** Attested rounds may be this late; here they are signed and published at once. */
const DEADLINE_SECONDS = 3600n

/** A day: whoever tries things on one machine proves slowly, while the chain's clock runs on. */
const FRESHNESS = { maxRoundAgeSeconds: 86_400n, maxMarginAgeSeconds: 86_400n, maxRoundLagSeconds: 86_400n }

/**
 * Keys of portfolios, after building what is missing: the first start builds the circuits of markets only.
 *
 * @throws {@link BuildFailedError}
 */
export async function buildPortfolioKeys(say: (line: string) => void): Promise<PortfolioKeys> {
  try {
    return await loadPortfolioKeys()
  } catch (error) {
    const build = join(projectRoot, 'scripts', 'build.ts')
    const isMissing = error instanceof CircuitNotBuiltError || error instanceof KeysMissingError
    if (!isMissing || !existsSync(build)) throw error
    say('Building the circuits of options and portfolios and making their development keys: a few minutes, once.')
    const child = spawn(process.execPath, [build], { cwd: projectRoot, stdio: ['ignore', 'ignore', 'pipe'] })
    createInterface({ input: child.stderr }).on('line', say)
    const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
    if (code !== 0) throw new BuildFailedError(code)
    return loadPortfolioKeys()
  }
}

/**
 * Deploys a portfolio registry beside an engine without markets.
 *
 * @param keys - of the statements it is to take
 * @param policy - sections of prices and of margins
 * @param market - whose rounds it takes
 */
export async function deployDevelopmentPortfolio(
  chain: DevelopmentChain,
  keys: Partial<PortfolioKeys>,
  policy: SectionWords,
  market = 'BTC-USD',
): Promise<DevelopmentPortfolio> {
  const council = chain.account('council')
  const signed = { signers: FEED_SIGNER_KEYS.map((key) => new Wallet(key).address), threshold: FEED_THRESHOLD }
  const { learning, margin } = defaultPolicy
  const engine = await deployEngine(council, { models: [], feed: signed, policy: { learning, margin } })
  const proven = Object.entries(keys) as [PortfolioStatementName, CircuitKeys][]
  const deployment = await deployPortfolio(council, {
    council: engine.addresses.council,
    modelRegistry: engine.addresses.modelRegistry,
    market,
    rounds: signed,
    policy,
    freshness: FRESHNESS,
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
  await transact(council, deployment.registry, 'PortfolioRegistry', 'setPortfolioPolicy', [words])
}

/** Attests a round with k of the n development signers and publishes it a second after its time, once. */
export async function publishDevelopmentRound(
  { chain, client, deployment, published }: DevelopmentPortfolio,
  round: RoundWords,
): Promise<void> {
  const roundId = await client.roundId(round)
  if (published.has(roundId)) return
  if ((await chain.now()) <= round.asOf) await chain.setNextTime(round.asOf + 1n)
  const signers = FEED_SIGNER_KEYS.slice(0, FEED_THRESHOLD).map((key) => new Wallet(key))
  const domain = roundsDomain(deployment.chainId, deployment.rounds)
  const signed = await attestRound(domain, signers, round, round.asOf + DEADLINE_SECONDS)
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
