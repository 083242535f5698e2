import type { PortfolioBuild } from '../../circuits/builds.ts'
import { emptyBook } from '../portfolio/book.ts'
import {
  type AccountMargin,
  type AccountState,
  accountMargin,
  type BatchAggregates,
  batchAggregates,
  COLLATERAL_SLOTS,
  type Holdings,
  type MarginPolicy,
  type RoundMarket,
  unhealthyWitness,
} from '../portfolio/margin.ts'
import { closedBookOpening } from '../portfolio/state.ts'
import { stateRoot } from './optionBook.ts'
import {
  type CircuitSignals,
  type PortfolioContext,
  type SectionWords,
  type StatedPortfolio,
  publicInput,
  statePortfolio,
} from './portfolio.ts'
import { pairs, scenarioWords } from './riskArray.ts'
import { pack } from './words.ts'

/** A batch of margins and what its proof says. */
export type StatedMargins = {
  readonly stated: StatedPortfolio
  /** One an account, the empty ones that fill the build's places included. */
  readonly accounts: readonly AccountState[]
  readonly margins: readonly AccountMargin[]
  readonly aggregates: BatchAggregates
  readonly circuitInput: CircuitSignals
}

/** A witness against one account and what its proof says. */
export type StatedWitness = {
  readonly stated: StatedPortfolio
  readonly account: AccountState
  readonly scenario: number
  readonly circuitInput: CircuitSignals
}

/** An account that holds nothing: it fills the places that a batch leaves. */
export const emptyAccount: AccountState = {
  book: emptyBook,
  holdings: { perpsE12: 0n, cashE12: 0n, perpPnlE12: 0n, collateralsE12: new Array<bigint>(COLLATERAL_SLOTS).fill(0n) },
}

/** Words of what a round says, arrays aside. */
export function roundWords(round: RoundMarket): SectionWords {
  return {
    roundPrices: [pack('roundPrices', round)],
    roundConfidences: [pack('roundConfidences', round)],
    collateralPrices: pairs(round.collaterals).map(([first, second]) =>
      pack('collateralPricePair', {
        firstPriceE12: first.priceE12,
        firstConfidenceX40: first.confidenceX40,
        secondPriceE12: second.priceE12,
        secondConfidenceX40: second.confidenceX40,
      }),
    ),
  }
}

/** Words of the policy that margins depend on, the grid among them. */
export function marginPolicyWords({ scenarios, lossFactors, contingencies, collaterals }: MarginPolicy): SectionWords {
  return {
    ...scenarioWords(scenarios),
    lossFactors: [pack('lossFactors', lossFactors)],
    contingencies: [pack('contingencies', contingencies)],
    collateralPolicy: pairs(collaterals).map(([first, second]) =>
      pack('collateralPolicyPair', {
        firstInitialHaircutX40: first.initialHaircutX40,
        firstMaintenanceHaircutX40: first.maintenanceHaircutX40,
        firstConfidenceThresholdX40: first.confidenceThresholdX40,
        firstMovesWithSpot: first.movesWithSpot,
        secondInitialHaircutX40: second.initialHaircutX40,
        secondMaintenanceHaircutX40: second.maintenanceHaircutX40,
        secondConfidenceThresholdX40: second.confidenceThresholdX40,
        secondMovesWithSpot: second.movesWithSpot,
      }),
    ),
  }
}

/** Words of what an account holds besides options. */
export function holdingsWords(holdings: Holdings): SectionWords {
  const names = ['firstE12', 'secondE12', 'thirdE12', 'fourthE12'] as const
  const amounts = [0, names.length].map((from) => {
    const fields = names.map((name, i) => [name, holdings.collateralsE12[from + i] ?? 0n])
    return pack('collateralAmounts', Object.fromEntries(fields) as never)
  })
  return { holdings: [pack('holdings', holdings)], collateralAmounts: amounts }
}

/**
 * Margins a batch of accounts and states the proof of it.
 *
 * @param accounts - at most as many as the build has places; empty ones fill the rest
 */
export async function stateMargins(
  build: PortfolioBuild,
  context: PortfolioContext,
  accounts: readonly AccountState[],
  round: RoundMarket,
  policy: MarginPolicy,
): Promise<StatedMargins> {
  const filled = Array.from({ length: build.sizes.accounts ?? 0 }, (_, i) => accounts[i] ?? emptyAccount)
  const margins = filled.map((account) => accountMargin(account, round, policy))
  const aggregates = batchAggregates(margins)
  const held = filled.map(({ holdings }) => holdingsWords(holdings))
  const stated = await statePortfolio(build, context, {
    ...roundWords(round),
    ...marginPolicyWords(policy),
    stateIn: await Promise.all(filled.map(({ book }) => stateRoot(book))),
    holdings: held.flatMap(({ holdings = [] }) => holdings),
    collateralAmounts: held.flatMap(({ collateralAmounts = [] }) => collateralAmounts),
    margins: margins.map((each) => pack('accountMargins', each.margins)),
    thresholds: margins.map(({ thresholds }) => pack('accountThresholds', thresholds)),
    spotGreeks: margins.map(({ spotGreeks }) => pack('spotGreeks', spotGreeks)),
    timeGreeks: margins.map(({ timeGreeks }) => pack('timeGreeks', timeGreeks)),
    batchRisk: [pack('batchRisk', aggregates.batchRisk)],
    batchSpotGreeks: [pack('spotGreeks', aggregates.spotGreeks)],
    batchTimeGreeks: [pack('timeGreeks', aggregates.timeGreeks)],
  })
  const openings = filled.map(({ book }) => closedBookOpening(book))
  const circuitInput = {
    ...publicInput(stated),
    asOfIn: openings.map(({ asOfIn }) => asOfIn),
    expiryIn: openings.map(({ expiryIn }) => expiryIn),
    totalsIn: openings.map(({ totalsIn }) => totalsIn),
  }
  return { stated, accounts: filled, margins, aggregates, circuitInput }
}

/**
 * States that one scenario shows an account to be below maintenance.
 *
 * @throws what {@link unhealthyWitness} throws, above all if the account is not
 */
export async function stateWitness(
  build: PortfolioBuild,
  context: PortfolioContext,
  account: AccountState,
  round: RoundMarket,
  policy: MarginPolicy,
  scenario: number,
): Promise<StatedWitness> {
  const bound = unhealthyWitness(account, round, policy, scenario)
  const stated = await statePortfolio(build, context, {
    ...roundWords(round),
    ...marginPolicyWords(policy),
    stateIn: [await stateRoot(account.book)],
    ...holdingsWords(account.holdings),
    choice: [pack('scenarioChoice', { scenario: BigInt(scenario) })],
    bound: [pack('maintenanceBound', bound)],
  })
  return { stated, account, scenario, circuitInput: { ...publicInput(stated), ...closedBookOpening(account.book) } }
}
