import { type Build, COLLATERALS, MOST_MARKETS, sizeOf } from '../../circuits/statements/index.ts'
import { emptyBook } from '../portfolio/book.ts'
import {
  type CrossAccount,
  type CrossMargin,
  type CrossMarket,
  type CrossPolicy,
  crossMargin,
} from '../portfolio/crossMargin.ts'
import { closedBookOpenings } from '../portfolio/state.ts'
import type { StatementContext } from './challenge.ts'
import { stateRoot } from './optionBook.ts'
import { emptyAccount, holdingsWords, marginPolicyWords, roundWords } from './portfolioMargin.ts'
import { type CircuitSignals, publicInput, type SectionWords, type Stated, stateOf } from './state.ts'
import { pack, packElements } from './words.ts'

/** A batch of margins over several markets and what its proof says. */
export type StatedCrossMargins = {
  readonly stated: Stated
  /** One an account, the empty ones that fill the build's places included. */
  readonly accounts: readonly CrossAccount[]
  readonly margins: readonly CrossMargin[]
  readonly circuitInput: CircuitSignals
}

/** An account that holds nothing in any market. */
export const emptyCrossAccount = (markets: number): CrossAccount => {
  const { collateralsE12, ...holdings } = emptyAccount.holdings
  return { parts: Array.from({ length: markets }, () => ({ book: emptyBook, holdings })), collateralsE12 }
}

/** Words of what the council sets of several markets together. */
export function crossPolicyWords({ collateralMarkets, creditsX40 }: CrossPolicy): SectionWords {
  return {
    collateralMarkets: packElements(
      'collateralMarket',
      collateralMarkets.map((market) => ({ market })),
    ),
    spreadCredits: packElements(
      'spreadCredit',
      Array.from({ length: MOST_MARKETS }, (_, m) => ({ creditX40: creditsX40[m] ?? 0n })),
    ),
  }
}

const POOLED = ['collateralPrices', 'collateralPolicy', 'collateralSizes'] as const

/** Words of the markets, section by section, and of the pool, which are the first market's. */
function marketWords(markets: readonly CrossMarket[]): SectionWords {
  const each = markets.map(({ round, policy }) => ({ ...roundWords(round), ...marginPolicyWords(policy) }))
  const [pool = {}] = each
  const names = Object.keys(pool) as readonly (keyof typeof pool)[]
  return Object.fromEntries(
    names.map((name) => {
      const isPooled = POOLED.some((pooled) => pooled === name)
      return [name, isPooled ? (pool[name] ?? []) : each.flatMap((words) => words[name] ?? [])]
    }),
  )
}

/**
 * Margins a batch of accounts over several markets and states the proof of it.
 *
 * @param accounts - at most as many as the build has places; empty ones fill the rest
 * @param markets  - as many as the build has, in the order of the registry
 */
export async function stateCrossMargins(
  build: Build,
  context: StatementContext,
  accounts: readonly CrossAccount[],
  markets: readonly CrossMarket[],
  policy: CrossPolicy,
): Promise<StatedCrossMargins> {
  const filled = Array.from(
    { length: sizeOf(build, 'accounts') },
    (_, i) => accounts[i] ?? emptyCrossAccount(markets.length),
  )
  const margins = filled.map((account) => crossMargin(account, markets, policy))
  const parts = filled.flatMap((account) => account.parts)
  const unused = new Array<bigint>(COLLATERALS).fill(0n)
  const stated = await stateOf(build, context, {
    ...marketWords(markets),
    ...crossPolicyWords(policy),
    stateIn: await Promise.all(parts.map(({ book }) => stateRoot(book))),
    holdings: parts.flatMap(({ holdings }) => holdingsWords({ ...holdings, collateralsE12: unused }).holdings ?? []),
    collateralAmounts: filled.flatMap(({ collateralsE12 }) =>
      packElements(
        'collateralAmount',
        collateralsE12.map((amountE12) => ({ amountE12 })),
      ),
    ),
    margins: margins.map((each) => pack('crossMargins', each.margins)),
  })
  const circuitInput = { ...publicInput(stated), ...closedBookOpenings(parts.map(({ book }) => book)) }
  return { stated, accounts: filled, margins, circuitInput }
}
