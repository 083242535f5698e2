/** Accounts that are proven together: of one round, under one policy. */
import { ProverError } from '../../../errors.ts'
import type { ProvableMargin } from '../../../portfolio/accountMargin.ts'
import type { ExpirySurface } from '../../../portfolio/portfolio.ts'
import { roundOf, type RoundWords } from '../../../registry/index.ts'
import type { SectionWords } from '../../../statement/state.ts'
import { marginPolicyWords, roundWords } from '../../../statement/portfolioMargin.ts'
import { expiryWords, pricingWords } from '../../../statement/riskArray.ts'

/**
 * Sections of the policy that a margin was computed under.
 *
 * @example
 * const { provable } = await marginOf(readAccount('portfolio.json', {}))
 * policyWordsOf(policyOf(provable)).length > 0 // → true
 */
export const policyOf = ({
  pricingPolicy,
  marginPolicy,
}: Pick<ProvableMargin, 'pricingPolicy' | 'marginPolicy'>): SectionWords => ({
  ...pricingWords(pricingPolicy),
  ...marginPolicyWords(marginPolicy),
})

/**
 * The round that accounts share: the market's words, and those of every expiry that one of them holds.
 *
 * @throws {@link AccountsDifferError} if the accounts are of different rounds or policies, or if there are none
 * @example
 * const { provable } = await marginOf(readAccount('portfolio.json', {}))
 * roundWordsOf(marketIdOf('BTC-USD'), [provable]).expiries.length // → 2
 */
export function roundWordsOf(marketId: string, provables: readonly ProvableMargin[]): RoundWords {
  const words = provables.map(({ round, arrays }) => {
    const surfaces = new Map<bigint, ExpirySurface>(arrays.map(({ surface }) => [surface.expiry, surface]))
    return { market: roundWords(round), surfaces, asOf: round.asOf }
  })
  const [first] = words
  if (first === undefined) throw new AccountsDifferError('at least one account', 'none')
  const surfaces = new Map(words.flatMap((each) => [...each.surfaces]))
  const expiries = [...surfaces.values()].toSorted((a, b) => Number(a.expiry - b.expiry)).map(expiryWords)
  const round = roundOf(marketId, first.asOf, first.market, expiries)
  for (const [i, each] of words.entries()) {
    const own = roundOf(marketId, each.asOf, each.market, [...each.surfaces.values()].map(expiryWords))
    const isSame =
      own.asOf === round.asOf &&
      own.market.every((word, w) => word === round.market[w]) &&
      own.expiries.every((expiry) => round.expiries.some((other) => other.every((word, w) => word === expiry[w])))
    if (!isSame) throw new AccountsDifferError('accounts of one round', `account ${i + 1} of another`)
  }
  const policies = provables.map((each) =>
    JSON.stringify(policyOf(each), (_, v) => (typeof v === 'bigint' ? `${v}` : v)),
  )
  const other = policies.findIndex((policy) => policy !== policies[0])
  if (other !== -1) throw new AccountsDifferError('accounts under one policy', `account ${other + 1} under another`)
  return round
}

/** Accounts that were to be proven together do not go together. */
export class AccountsDifferError extends ProverError {
  readonly code = 'service.accounts-differ'

  constructor(expected: string, found: string) {
    super(`Expected ${expected}, got ${found}. Prove them apart.`)
  }
}
