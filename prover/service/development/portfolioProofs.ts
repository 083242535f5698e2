/** Margins proven on a development chain, where council, oracle and venue do what the proofs then rest on. */
import { toBeHex } from 'ethers'
import type { ProvableMargin } from '../../portfolio/accountMargin.ts'
import type { RoundWords } from '../../registry/index.ts'
import { positionWord } from '../../statement/optionBook.ts'
import { holdingsWords } from '../../statement/portfolioMargin.ts'
import type { AccountToProve } from '../daemon/portfolios/place.ts'
import { type PortfolioLanded, provePortfolios } from '../daemon/portfolios/portfolios.ts'
import type { PortfolioProver } from '../daemon/portfolios/proofMaker.ts'
import { policyOf, roundWordsOf } from '../daemon/portfolios/sharedRound.ts'
import { type DevelopmentPortfolio, publishDevelopmentRound, setDevelopmentPolicy } from './portfolio.ts'

/** What was proven, and of which round. */
export type DevelopmentLanded = PortfolioLanded & { readonly round: RoundWords }

/**
 * Puts the accounts' policy, round and reports in force and proves their margins.
 *
 * @param firstAccount - address of the first account, as a number; the others follow it
 * @throws {@link AccountsDifferError} if the accounts are of different rounds or policies
 * @throws what {@link provePortfolios} throws
 */
export async function proveDevelopmentPortfolios(
  development: DevelopmentPortfolio,
  proving: PortfolioProver,
  provables: readonly ProvableMargin[],
  firstAccount = 1n,
): Promise<DevelopmentLanded> {
  const { client, deployment, models } = development
  const round = roundWordsOf(deployment.marketId, provables)
  await setDevelopmentPolicy(development, policyOf(provables[0] as ProvableMargin))
  const accounts = provables.map((provable, i) => ({ account: toBeHex(firstAccount + BigInt(i), 20), provable }))
  await reportAccounts(development, accounts) // before the round, in which an option may expire
  await publishDevelopmentRound(development, round)
  return { round, ...(await provePortfolios({ client, models, round }, proving, accounts)) }
}

/** The venue says what each account holds. */
export async function reportAccounts(
  { venue }: DevelopmentPortfolio,
  accounts: readonly AccountToProve[],
): Promise<void> {
  for (const { account, provable } of accounts) {
    const { holdings = [], collateralAmounts = [] } = holdingsWords(provable.account.holdings)
    const positions = provable.positions.map(positionWord)
    await venue.reportAccount(account, positions, holdings[0] as bigint, collateralAmounts)
  }
}
