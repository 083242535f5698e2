/** A registry of margins over several markets on a development chain. */
import { Wallet } from 'ethers'
import type { PortfolioStatementName } from '../../../circuits/statements/index.ts'
import type { ProvableCross } from '../../portfolio/crossAccount.ts'
import type { CircuitKeys } from '../../proof/index.ts'
import { type CrossDeployment, deployCross } from '../../registry/portfolio/crossDeploy.ts'
import { crossPolicyWords } from '../../statement/crossMargins.ts'
import { joinList } from '../../statement/lists.ts'
import { policyOf } from '../daemon/portfolios/sharedRound.ts'
import { portfolioBuildOf } from '../workspace.ts'
import { type DevelopmentChain, FEED_SIGNER_KEYS, FEED_THRESHOLD } from './chain.ts'
import {
  type Authority,
  deployAuthority,
  DEVELOPMENT_AGE_SECONDS,
  DEVELOPMENT_FRESHNESS,
  type StatementKeys,
} from './portfolio.ts'

/** Rounds of a portfolio file are of one second. */
const ROUNDS_APART_SECONDS = 60n

/**
 * Deploys a registry under an account's parameters.
 *
 * @param markets - names, in the order of the account's
 * @param authority - of an engine; its own where there is none
 */
export async function deployDevelopmentCross(
  chain: DevelopmentChain,
  keys: StatementKeys,
  markets: readonly string[],
  cross: ProvableCross,
  authority?: Authority,
): Promise<CrossDeployment> {
  const council = chain.account('council')
  const proven = Object.entries(keys) as [PortfolioStatementName, CircuitKeys][]
  return deployCross(council, {
    ...(authority ?? (await deployAuthority(council))),
    markets: markets.map((market, m) => {
      const { pricingPolicy, priceScale } = cross.parts[m] as ProvableCross['parts'][number]
      const { policy } = cross.markets[m] as ProvableCross['markets'][number]
      return { market, policy: policyOf({ pricingPolicy, marginPolicy: policy }), priceScale }
    }),
    rounds: {
      signers: FEED_SIGNER_KEYS.map((key) => new Wallet(key).address),
      threshold: FEED_THRESHOLD,
      maxAgeSeconds: DEVELOPMENT_AGE_SECONDS,
    },
    freshness: DEVELOPMENT_FRESHNESS,
    venue: chain.account('feeder').address,
    crossPolicy: joinList('crossPolicy', crossPolicyWords(cross.policy)),
    maxRoundsApartSeconds: ROUNDS_APART_SECONDS,
    models: proven.map(([statement, { verificationKey, manifest }]) => ({
      build: portfolioBuildOf(statement),
      verificationKey,
      manifest,
    })),
  })
}
