/** A registry of margins over several markets on a development chain of its own, with everything in force that an account needs. */
import { type Provider, toBeHex, Wallet } from 'ethers'
import type { PortfolioStatementName } from '../../../circuits/statements/index.ts'
import type { ProvableCross } from '../../portfolio/crossAccount.ts'
import type { PortfolioOverMarkets } from '../../portfolio/portfolio.ts'
import type { CircuitKeys } from '../../proof/index.ts'
import { attestRound, publishRound, roundOf, roundsDomain, type RoundWords } from '../../registry/index.ts'
import type { CrossReportWords } from '../../registry/portfolio/cross.ts'
import { CrossClient } from '../../registry/portfolio/crossClient.ts'
import { type CrossDeployment, deployCross } from '../../registry/portfolio/crossDeploy.ts'
import { crossPolicyWords } from '../../statement/crossMargins.ts'
import { joinList } from '../../statement/lists.ts'
import { positionWord } from '../../statement/optionBook.ts'
import { holdingsWords, roundWords } from '../../statement/portfolioMargin.ts'
import { expiryWords } from '../../statement/riskArray.ts'
import type { PortfolioModels } from '../daemon/portfolios/place.ts'
import { policyOf } from '../daemon/portfolios/sharedRound.ts'
import { portfolioBuildOf } from '../workspace.ts'
import { type DevelopmentChain, FEED_SIGNER_KEYS, FEED_THRESHOLD, startDevelopmentChain } from './chain.ts'
import { deployAuthority, DEVELOPMENT_AGE_SECONDS, DEVELOPMENT_FRESHNESS, type StatementKeys } from './portfolio.ts'

/** Where an account over several markets is proven. */
export type CrossSite = {
  readonly client: CrossClient
  readonly provider: Provider
  readonly models: PortfolioModels
  readonly account: string
  /** Published, one a market. */
  readonly rounds: readonly RoundWords[]
  close(): Promise<void>
}

const SOME_ACCOUNT = toBeHex(1n, 20)
/** The chain starts this long before the rounds, so that there is time to deploy. */
const LEAD_SECONDS = 600n
/** Rounds of a portfolio file are of one second. */
const ROUNDS_APART_SECONDS = 60n

/** Deploys a registry under the account's parameters, publishes its markets' rounds, and reports it. */
export async function developmentCrossSite(
  keys: StatementKeys,
  portfolio: PortfolioOverMarkets,
  cross: ProvableCross,
): Promise<CrossSite> {
  const asOf = cross.markets[0]?.round.asOf ?? 0n
  const chain = await startDevelopmentChain(asOf - LEAD_SECONDS)
  try {
    const deployment = await deploy(chain, keys, portfolio, cross)
    const rounds = portfolio.parts.map((_, m) => roundAt(deployment, portfolio, cross, m))
    await publish(chain, deployment, rounds)
    const venue = new CrossClient(deployment, chain.account('feeder'))
    await venue.report(SOME_ACCOUNT, reportOf(cross))
    const models = Object.fromEntries(
      entriesOf(keys).map(([statement, own]) => [
        statement,
        { build: portfolioBuildOf(statement), keys: own, modelId: deployment.models[statement]?.modelId as string },
      ]),
    )
    const client = new CrossClient(deployment, chain.account('prover'))
    const { provider } = chain
    return { client, provider, models, account: SOME_ACCOUNT, rounds, close: () => chain.close() }
  } catch (error) {
    await chain.close()
    throw error
  }
}

const entriesOf = (keys: StatementKeys) => Object.entries(keys) as [PortfolioStatementName, CircuitKeys][]

async function deploy(
  chain: DevelopmentChain,
  keys: StatementKeys,
  portfolio: PortfolioOverMarkets,
  cross: ProvableCross,
): Promise<CrossDeployment> {
  const council = chain.account('council')
  return deployCross(council, {
    ...(await deployAuthority(council)),
    markets: portfolio.parts.map(({ market }, m) => ({
      market: `${market.currency ?? ''}-USD`,
      policy: policyOf({
        pricingPolicy: (cross.parts[m] as ProvableCross['parts'][number]).pricingPolicy,
        marginPolicy: (cross.markets[m] as ProvableCross['markets'][number]).policy,
      }),
    })),
    rounds: {
      signers: FEED_SIGNER_KEYS.map((key) => new Wallet(key).address),
      threshold: FEED_THRESHOLD,
      maxAgeSeconds: DEVELOPMENT_AGE_SECONDS,
    },
    freshness: DEVELOPMENT_FRESHNESS,
    venue: chain.account('feeder').address,
    crossPolicy: joinList('crossPolicy', crossPolicyWords(cross.policy)),
    maxRoundsApartSeconds: ROUNDS_APART_SECONDS,
    models: entriesOf(keys).map(([statement, { verificationKey, manifest }]) => ({
      build: portfolioBuildOf(statement),
      verificationKey,
      manifest,
    })),
  })
}

/** A market's whole round, with expiries that the account holds nothing of, and prices of the pool's collateral. */
function roundAt(
  { marketIds }: CrossDeployment,
  portfolio: PortfolioOverMarkets,
  cross: ProvableCross,
  m: number,
): RoundWords {
  const stated = portfolio.parts[m]?.market.expiries ?? []
  const expiries = stated.toSorted((a, b) => Number(a.expiry - b.expiry)).map(expiryWords)
  const { round } = cross.markets[m] as ProvableCross['markets'][number]
  return roundOf(marketIds[m] ?? '', round.asOf, roundWords(round), expiries)
}

async function publish(
  chain: DevelopmentChain,
  { chainId, rounds: source }: CrossDeployment,
  rounds: readonly RoundWords[],
): Promise<void> {
  const signers = FEED_SIGNER_KEYS.slice(0, FEED_THRESHOLD).map((key) => new Wallet(key))
  const domain = roundsDomain(chainId, source)
  for (const round of rounds) {
    if ((await chain.now()) <= round.asOf) await chain.setNextTime(round.asOf + 1n)
    const signed = await attestRound(domain, signers, round, round.asOf + DEVELOPMENT_AGE_SECONDS)
    await publishRound(chain.account('feeder'), source, signed)
  }
}

/** What the venue says of the account. */
function reportOf({ parts, account }: ProvableCross): CrossReportWords {
  const words = account.parts.map(({ holdings }) =>
    holdingsWords({ ...holdings, collateralsE12: account.collateralsE12 }),
  )
  return {
    positions: parts.map(({ positions }) => positions.map(positionWord)),
    holdings: words.map(({ holdings: [word = 0n] = [] }) => word),
    collateralAmounts: words[0]?.collateralAmounts ?? [],
  }
}
