/** From an account over several markets to its proven numbers: a book a market, one pool of collateral, margins. */
import { COLLATERALS } from '../../circuits/statements/index.ts'
import type { ProvableMargin } from './accountMargin.ts'
import { type CrossAccount, type CrossMargin, type CrossMarket, type CrossPolicy, crossMargin } from './crossMargin.ts'
import type { PortfolioOverMarkets } from './portfolio.ts'

/** All that the proofs of an account over several markets say and use. */
export type ProvableCross = {
  /** By market: arrays, books, and margins as if the market were alone. */
  readonly parts: readonly ProvableMargin[]
  /** The first one's round and policy have the pool of collateral. */
  readonly markets: readonly CrossMarket[]
  readonly policy: CrossPolicy
  readonly account: CrossAccount
  readonly margin: CrossMargin
}

/**
 * Margins of an account over several markets from those of its parts, exactly as circuits compute them.
 *
 * @param parts - in the order of the account's
 * @throws the errors of {@link crossMargin}
 */
export function crossOf(portfolio: PortfolioOverMarkets, parts: readonly ProvableMargin[]): ProvableCross {
  const places = portfolio.parts.flatMap(({ account }, m) => account.collaterals.map((_, i) => [m, i] as const))
  /** Of every place what it says in its part; the places after the last are those of a part after its last. */
  const placed = <T>(of: (part: ProvableMargin) => readonly T[]): readonly T[] =>
    Array.from({ length: COLLATERALS }, (_, i) => {
      const [m, at] = places[i] ?? [0, portfolio.parts[0]?.account.collaterals.length ?? 0]
      return of(parts[m] as ProvableMargin)[at] as T
    })
  const collaterals = {
    prices: placed(({ round }) => round.collaterals),
    policies: placed(({ marginPolicy }) => marginPolicy.collaterals),
  }
  const markets = parts.map(({ round, marginPolicy }) => ({
    round: { ...round, collaterals: collaterals.prices },
    policy: { ...marginPolicy, collaterals: collaterals.policies },
  }))
  const policy = {
    collateralMarkets: Array.from({ length: COLLATERALS }, (_, i) => BigInt(places[i]?.[0] ?? 0)),
    creditsX40: portfolio.spreadCreditsX40,
  }
  const account = {
    parts: parts.map(({ account: { book, holdings } }, m) => {
      const { perpsE12, perpPnlE12 } = holdings
      return { book, holdings: { perpsE12, perpPnlE12, cashE12: m === 0 ? portfolio.cashE12 : 0n } }
    }),
    collateralsE12: placed(({ account: { holdings } }) => holdings.collateralsE12),
  }
  return { parts, markets, policy, account, margin: crossMargin(account, markets, policy) }
}
