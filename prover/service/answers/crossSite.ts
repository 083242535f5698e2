/** Where margins over several markets are proven: a registry of its own on a development chain, or one that stands already. */
import { getAddress, isAddress, type Provider } from 'ethers'
import { ProverError } from '../../errors.ts'
import { marketNameOf } from '../../market/marketId.ts'
import type { ProvableCross } from '../../portfolio/crossAccount.ts'
import type { PortfolioOverMarkets } from '../../portfolio/portfolio.ts'
import { isDevelopmentChain } from '../../proof/index.ts'
import { connectProvider, readDeployment, roundOf, type RoundWords } from '../../registry/index.ts'
import { CrossClient } from '../../registry/portfolio/crossClient.ts'
import { roundWords } from '../../statement/portfolioMargin.ts'
import { expiryWords } from '../../statement/riskArray.ts'
import { openAccount } from '../daemon/account.ts'
import type { CrossPlace } from '../daemon/portfolios/crossMargins.ts'
import type { Hands } from '../daemon/portfolios/putInForce.ts'
import { startDevelopmentChain } from '../development/chain.ts'
import { deployDevelopmentCross } from '../development/cross.ts'
import type { StatementKeys } from '../development/portfolio.ts'
import { AccountAddressError } from './inForce.ts'
import {
  AccountNotNamedError,
  developmentHands,
  developmentHandsBehind,
  type ExistingRegistry,
  givenHands,
  hasDevelopmentSigners,
  knownModels,
  LEAD_SECONDS,
  marketNameFor,
  SOME_ACCOUNT,
} from './marginSite.ts'

export type CrossSite = Omit<CrossPlace, 'rounds'> & {
  readonly provider: Provider
  readonly hands: Hands
  close(): Promise<void>
}

/** A registry that stands already, by its deployment or its address. */
export type ExistingCross = Omit<ExistingRegistry, 'deployment'> & {
  readonly deployment?: string | undefined
  readonly registry?: string | undefined
}

/** Markets of a portfolio, as engines name them. */
const marketNamesFor = ({ parts }: PortfolioOverMarkets): readonly string[] => parts.map(marketNameFor)

/** A registry of its own, in this process. */
export async function developmentCrossSite(
  keys: StatementKeys,
  portfolio: PortfolioOverMarkets,
  cross: ProvableCross,
): Promise<CrossSite> {
  const chain = await startDevelopmentChain((cross.markets[0]?.round.asOf ?? 0n) - LEAD_SECONDS)
  const close = (): Promise<void> => chain.close()
  try {
    const { registry, block } = await deployDevelopmentCross(chain, keys, marketNamesFor(portfolio), cross)
    const { provider } = chain
    const hands = developmentHands(chain)
    const client = await CrossClient.connect({ registry, provider, signer: hands.carrier, fromBlock: block })
    const models = await knownModels(provider, await client.modelRegistry(), keys)
    return { client, provider, models, account: SOME_ACCOUNT, hands, close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * A registry that stands already. On a development chain whose rounds are signed by the development signers everything is put in
 * force by their public keys, where none are given instead; elsewhere by those that are given, if any.
 *
 * @throws {@link NoCrossRegistryError}, {@link AccountAddressError}, {@link AccountNotNamedError}, {@link MarketsOfOthersError}, {@link ModelUnknownError}, {@link ModelDisabledError}
 */
export async function existingCrossSite(
  keys: StatementKeys,
  existing: ExistingCross,
  portfolio: PortfolioOverMarkets,
): Promise<CrossSite> {
  const deployment = existing.deployment === undefined ? undefined : await readDeployment(existing.deployment)
  const registry = existing.registry ?? deployment?.cross?.registry
  if (registry === undefined) throw new NoCrossRegistryError(existing.deployment ?? 'the deployment')
  for (const address of [registry, existing.account]) {
    if (address !== undefined && !isAddress(address)) throw new AccountAddressError(address)
  }
  const provider = await connectProvider(existing.rpc, deployment?.chainId)
  const close = async (): Promise<void> => provider.destroy()
  try {
    const reader = await CrossClient.connect({ registry, provider, fromBlock: deployment?.block ?? 0 })
    const [wanted, found] = [marketNamesFor(portfolio), reader.markets.map(({ marketId }) => marketNameOf(marketId))]
    if (wanted.join() !== found.join()) throw new MarketsOfOthersError(reader.registry, found, wanted)
    const sources = new Set(reader.markets.map(({ rounds }) => rounds))
    const signed = await Promise.all([...sources].map((rounds) => hasDevelopmentSigners(rounds, provider)))
    const isOpen = isDevelopmentChain(reader.chainId) && signed.every(Boolean)
    const given = givenHands(provider, existing)
    const hands = isOpen
      ? { ...developmentHandsBehind(provider), ...given }
      : { ...given, carrier: given.carrier ?? openAccount(provider, undefined) }
    if (!isOpen && existing.account === undefined) throw new AccountNotNamedError(reader.registry)
    const client = reader.as(hands.carrier)
    const models = await knownModels(provider, await client.modelRegistry(), keys)
    return { client, provider, models, account: getAddress(existing.account ?? SOME_ACCOUNT), hands, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Whole rounds of all markets, with expiries that the account holds nothing of, and prices of the pool's collateral. */
export const crossRoundsAt = (
  { client }: Pick<CrossSite, 'client'>,
  portfolio: PortfolioOverMarkets,
  cross: ProvableCross,
): readonly RoundWords[] =>
  client.markets.map(({ marketId }, m) => {
    const stated = portfolio.parts[m]?.market.expiries ?? []
    const expiries = stated.toSorted((a, b) => Number(a.expiry - b.expiry)).map(expiryWords)
    const { round } = cross.markets[m] as ProvableCross['markets'][number]
    return roundOf(marketId, round.asOf, roundWords(round), expiries)
  })

/** The deployment has no registry of margins over several markets. */
export class NoCrossRegistryError extends ProverError {
  readonly code = 'service.no-cross-registry'
  readonly deployment: string

  constructor(deployment: string) {
    super(
      `Expected ${deployment} to name a registry of margins over several markets, it names none. Name one with --registry, or ` +
        'deploy one: `cross` in the configuration of `zkrisk deploy`.',
    )
    this.deployment = deployment
  }
}

/** The registry is of other markets than the portfolio, or of the same in another order. */
export class MarketsOfOthersError extends ProverError {
  readonly code = 'service.markets-of-others'
  readonly registry: string
  readonly expected: readonly string[]
  readonly found: readonly string[]

  constructor(registry: string, expected: readonly string[], found: readonly string[]) {
    super(
      `Expected a portfolio in the markets of ${registry}, ${expected.join(' and ')} in this order, got one in ${found.join(' and ')}. ` +
        'Use the registry of these markets, or state every one of them in `markets`.',
    )
    this.registry = registry
    this.expected = expected
    this.found = found
  }
}
