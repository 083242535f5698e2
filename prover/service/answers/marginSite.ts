/** Where a margin is proven: a registry of its own on a development chain, or one that stands already. */
import { Contract, getAddress, isAddress, type JsonRpcProvider, type Provider, toBeHex, Wallet } from 'ethers'
import type { PortfolioStatementName } from '../../../circuits/statements/index.ts'
import { AccountAddressError } from './inForce.ts'
import { ProverError } from '../../errors.ts'
import { marketIdOf } from '../../market/marketId.ts'
import type { Portfolio } from '../../portfolio/portfolio.ts'
import type { ProvableMargin } from '../../portfolio/accountMargin.ts'
import { type CircuitKeys, isDevelopmentChain } from '../../proof/index.ts'
import { interfaceOf } from '../../registry/artifacts.ts'
import { ask } from '../../registry/contractErrors.ts'
import {
  type RpcAddress,
  connectProvider,
  ModelDisabledError,
  ModelUnknownError,
  PortfolioClient,
  readDeployment,
} from '../../registry/index.ts'
import { isModelActive, readModelById } from '../../registry/models.ts'
import { portfolioModelIdOf } from '../../registry/portfolio/deploy.ts'
import { openAccount } from '../daemon/account.ts'
import type { PortfolioModels } from '../daemon/portfolios/place.ts'
import type { Hands } from '../daemon/portfolios/putInForce.ts'
import { policyOf } from '../daemon/portfolios/sharedRound.ts'
import {
  type DevelopmentChain,
  developmentChainBehind,
  FEED_SIGNER_KEYS,
  FEED_THRESHOLD,
  moveClockTo,
  passTime,
  startDevelopmentChain,
} from '../development/chain.ts'
import { deployDevelopmentPortfolio, type StatementKeys } from '../development/portfolio.ts'
import { type PortfolioKeys, portfolioBuildOf } from '../workspace.ts'

export type MarginSite = {
  readonly client: PortfolioClient
  readonly rounds: string
  /** Name of the market whose rounds the registry takes. */
  readonly market: string
  readonly account: string
  readonly models: PortfolioModels
  readonly hands: Hands
  close(): Promise<void>
}

/** A registry that stands already, and whose keys are at hand. */
export type ExistingRegistry = {
  readonly rpc: RpcAddress
  readonly deployment: string
  /** Holds the positions; on a development chain one is made up where none is named. */
  readonly account?: string | undefined
  readonly keyFile?: string | undefined
  readonly signerKeyFile?: readonly string[] | undefined
  readonly venueKeyFile?: string | undefined
}

/** Whose account it is where nobody says. */
export const SOME_ACCOUNT = toBeHex(1n, 20)

/** The chain starts this long before the round, so that there is time to deploy. */
export const LEAD_SECONDS = 600n

/** Market of a portfolio's rounds, as engines name it. */
export const marketNameFor = ({ market }: Portfolio): string => `${market.currency ?? 'BTC'}-USD`

/** A registry of its own, in this process. */
export async function developmentSite(
  keys: Partial<PortfolioKeys>,
  provable: ProvableMargin,
  market: string,
): Promise<MarginSite> {
  const chain = await startDevelopmentChain(provable.round.asOf - LEAD_SECONDS)
  const { deployment, models, client } = await deployDevelopmentPortfolio(chain, keys, policyOf(provable), market, {
    priceScale: provable.priceScale,
  })
  const hands = developmentHands(chain)
  return { client, rounds: deployment.rounds, market, account: SOME_ACCOUNT, models, hands, close: () => chain.close() }
}

/** Everybody's keys are public there. */
export function developmentHands(chain: DevelopmentChain): Hands {
  return {
    carrier: chain.account('prover'),
    signers: FEED_SIGNER_KEYS.slice(0, FEED_THRESHOLD).map((key) => new Wallet(key)),
    venue: chain.account('feeder'),
    council: chain.account('council'),
    waitUntil: async (time) => {
      await moveClockTo(chain, time)
    },
  }
}

/** The same where somebody else may move the clock meanwhile. */
export function developmentHandsBehind(provider: JsonRpcProvider): Hands {
  const chain = developmentChainBehind(provider)
  return { ...developmentHands(chain), waitUntil: (time) => passTime(chain, time) }
}

/**
 * The registry of a deployment. On a development chain whose rounds are signed by the development signers everything is put in force
 * by their public keys, where none are given instead; elsewhere by those that are given, if any.
 *
 * @throws {@link NoPortfolioRegistryError}, {@link AccountAddressError}, {@link MarketOfOthersError}, {@link ModelUnknownError}, {@link ModelDisabledError}
 */
export async function existingSite(
  keys: Partial<PortfolioKeys>,
  existing: ExistingRegistry,
  market: string,
): Promise<MarginSite> {
  const { chainId, block, portfolio, addresses } = await readDeployment(existing.deployment)
  if (portfolio === undefined) throw new NoPortfolioRegistryError(existing.deployment)
  if (portfolio.market !== market) throw new MarketOfOthersError(portfolio.market, market)
  if (existing.account !== undefined && !isAddress(existing.account)) throw new AccountAddressError(existing.account)
  const { registry, rounds } = portfolio
  const provider = await connectProvider(existing.rpc, chainId)
  const close = async (): Promise<void> => provider.destroy()
  try {
    const isOpen = isDevelopmentChain(chainId) && (await hasDevelopmentSigners(rounds, provider))
    const given = givenHands(provider, existing)
    const hands = isOpen
      ? { ...developmentHandsBehind(provider), ...given }
      : { ...given, carrier: given.carrier ?? openAccount(provider, undefined) }
    if (!isOpen && existing.account === undefined) throw new AccountNotNamedError(registry)
    const account = getAddress(existing.account ?? SOME_ACCOUNT)
    const common = { registry, provider, expectedChainId: chainId, fromBlock: block }
    const client = await PortfolioClient.connect({ ...common, signer: hands.carrier })
    const models = await knownModels(provider, addresses.modelRegistry, keys)
    return { client, rounds, market, account, models, hands, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Models of these keys in a registry of models. @throws {@link ModelUnknownError}, {@link ModelDisabledError} */
export async function knownModels(
  provider: Provider,
  modelRegistry: string,
  keys: StatementKeys,
): Promise<PortfolioModels> {
  const proven = Object.entries(keys) as [PortfolioStatementName, CircuitKeys][]
  const models = proven.map(async ([statement, own]) => {
    const build = portfolioBuildOf(statement)
    const modelId = portfolioModelIdOf(build, `0x${own.manifest.verificationKeySha256}`)
    const { status } = await ask('Reading a model', () => readModelById(provider, modelRegistry, modelId))
    if (status === 'disabled') throw new ModelDisabledError(build.name, modelId)
    if (status === 'none') throw new ModelUnknownError(build.name, modelId)
    return [statement, { build, keys: own, modelId }] as const
  })
  return Object.fromEntries(await Promise.all(models))
}

/** Whether a registry that stands takes proofs of a statement, by the model that its deployment names: listed, active and not paused. */
export async function takesProofsOf(
  { rpc, deployment }: Pick<ExistingRegistry, 'rpc' | 'deployment'>,
  statement: PortfolioStatementName,
): Promise<boolean> {
  const { chainId, portfolio, addresses } = await readDeployment(deployment)
  const { name } = portfolioBuildOf(statement)
  const model = portfolio?.models.find((each) => each.name === name)
  if (model === undefined) return false
  const provider = await connectProvider(rpc, chainId)
  try {
    return await isModelActive(provider, addresses.modelRegistry, model.modelId, statement)
  } finally {
    provider.destroy()
  }
}

export async function hasDevelopmentSigners(rounds: string, provider: Awaited<ReturnType<typeof connectProvider>>) {
  const source = new Contract(rounds, interfaceOf('AttestedRounds'), provider)
  const read = (method: string, ...args: readonly unknown[]) =>
    ask('Reading who signs rounds', () => source.getFunction(method)(...args))
  const signers = FEED_SIGNER_KEYS.slice(0, FEED_THRESHOLD).map((key) => new Wallet(key).address)
  const known: boolean[] = await Promise.all(signers.map((signer) => read('isSigner', signer)))
  return known.every(Boolean) && (await read('threshold')) === BigInt(FEED_THRESHOLD)
}

/** Of the keys that files hold, those that were named. */
export function givenHands(
  provider: Awaited<ReturnType<typeof connectProvider>>,
  { keyFile, signerKeyFile, venueKeyFile }: Omit<ExistingRegistry, 'deployment'>,
): Partial<Hands> {
  return {
    ...(keyFile === undefined ? {} : { carrier: openAccount(provider, keyFile) }),
    ...(signerKeyFile === undefined ? {} : { signers: signerKeyFile.map((file) => openAccount(provider, file)) }),
    ...(venueKeyFile === undefined ? {} : { venue: openAccount(provider, venueKeyFile) }),
  }
}

/** Id of a site's market. */
export const marketIdAt = ({ market }: MarginSite): string => marketIdOf(market)

/** The deployment has no registry of margins. */
export class NoPortfolioRegistryError extends ProverError {
  readonly code = 'service.no-portfolio-registry'
  readonly deployment: string

  constructor(deployment: string) {
    super(
      `Expected ${deployment} to name a portfolio registry, it names none. Deploy one: \`portfolio\` in the configuration ` +
        'of `zkrisk deploy`, or `zkrisk chain` in a clone where `npm run build` has run.',
    )
    this.deployment = deployment
  }
}

/** The registry takes rounds of another market than the portfolio's. */
export class MarketOfOthersError extends ProverError {
  readonly code = 'service.market-of-others'
  readonly expected: string
  readonly found: string

  constructor(expected: string, found: string) {
    super(
      `Expected a portfolio in market ${expected}, whose rounds the registry takes, got one in ${found}. Use its own registry.`,
    )
    this.expected = expected
    this.found = found
  }
}

/** A registry holds margins of accounts that its venue knows. */
export class AccountNotNamedError extends ProverError {
  readonly code = 'service.account-not-named'
  readonly registry: string

  constructor(registry: string) {
    super(`Expected --account with the address under which the venue reports the account to ${registry}, got none.`)
    this.registry = registry
  }
}
