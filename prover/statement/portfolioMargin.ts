import { type Build, COLLATERALS, sizeOf } from '../../circuits/statements/index.ts'
import { emptyBook } from '../portfolio/book.ts'
import {
  type AccountMargin,
  type AccountState,
  accountMargin,
  type Holdings,
  type MarginPolicy,
  type RoundMarket,
  unhealthyWitness,
} from '../portfolio/margin.ts'
import { closedBookOpening, closedBookOpenings } from '../portfolio/state.ts'
import type { StatementContext } from './challenge.ts'
import { stateRoot } from './optionBook.ts'
import { scenarioWords } from './riskArray.ts'
import { type CircuitSignals, publicInput, type SectionWords, type Stated, stateOf } from './state.ts'
import { pack, packElements } from './words.ts'

/** A batch of margins and what its proof says. */
export type StatedMargins = {
  readonly stated: Stated
  /** One an account, the empty ones that fill the build's places included. */
  readonly accounts: readonly AccountState[]
  readonly margins: readonly AccountMargin[]
  readonly circuitInput: CircuitSignals
}

/** A witness against one account and what its proof says. */
export type StatedWitness = {
  readonly stated: Stated
  readonly account: AccountState
  readonly scenario: number
  readonly circuitInput: CircuitSignals
}

/** An account that holds nothing: it fills the places that a batch leaves. */
export const emptyAccount: AccountState = {
  book: emptyBook,
  holdings: { perpsE12: 0n, cashE12: 0n, perpPnlE12: 0n, collateralsE12: new Array<bigint>(COLLATERALS).fill(0n) },
}

/** Words of what a round says, arrays aside. */
export function roundWords(round: RoundMarket): SectionWords {
  return {
    roundPrices: [pack('roundPrices', round)],
    roundConfidences: [pack('roundConfidences', round)],
    collateralPrices: packElements('collateralPrice', round.collaterals),
  }
}

/** Words of the policy that margins depend on, the grid among them. */
export function marginPolicyWords(policy: MarginPolicy): SectionWords {
  const { scenarios, lossFactors, contingencies, concentration, collaterals } = policy
  return {
    ...scenarioWords(scenarios),
    scenarioSkew: [pack('scenarioSkew', scenarios)],
    lossFactors: [pack('lossFactors', lossFactors)],
    contingencies: [pack('contingencies', contingencies)],
    collateralPolicy: packElements('collateralPolicy', collaterals),
    concentration: [pack('concentration', concentration)],
    collateralSizes: packElements('collateralSize', collaterals),
  }
}

/** Words of what an account holds besides options. */
export const holdingsWords = (holdings: Holdings): SectionWords => ({
  holdings: [pack('holdings', holdings)],
  collateralAmounts: packElements(
    'collateralAmount',
    holdings.collateralsE12.map((amountE12) => ({ amountE12 })),
  ),
})

/**
 * Margins a batch of accounts and states the proof of it: all that is proven of them, or margins alone, as the build's statement
 * says.
 *
 * @param accounts - at most as many as the build has places; empty ones fill the rest
 */
export async function stateMargins(
  build: Build,
  context: StatementContext,
  accounts: readonly AccountState[],
  round: RoundMarket,
  policy: MarginPolicy,
): Promise<StatedMargins> {
  const filled = Array.from({ length: sizeOf(build, 'accounts') }, (_, i) => accounts[i] ?? emptyAccount)
  const margins = filled.map((account) => accountMargin(account, round, policy))
  const held = filled.map(({ holdings }) => holdingsWords(holdings))
  const { margins: alone = [], ...further } = resultWords(margins)
  const stated = await stateOf(build, context, {
    ...roundWords(round),
    ...marginPolicyWords(policy),
    stateIn: await Promise.all(filled.map(({ book }) => stateRoot(book))),
    holdings: held.flatMap(({ holdings = [] }) => holdings),
    collateralAmounts: held.flatMap(({ collateralAmounts = [] }) => collateralAmounts),
    margins: alone,
    ...(build.statement === 'marginsAlone' ? {} : further),
  })
  const circuitInput = { ...publicInput(stated), ...closedBookOpenings(filled.map(({ book }) => book)) }
  return { stated, accounts: filled, margins, circuitInput }
}

/** Words of all that is proven of accounts. */
export const resultWords = (results: readonly AccountMargin[]): SectionWords => ({
  margins: results.map(({ margins }) => pack('accountMargins', margins)),
  thresholds: results.map(({ thresholds }) => pack('accountThresholds', thresholds)),
  spotGreeks: results.map(({ spotGreeks }) => pack('spotGreeks', spotGreeks)),
  risk: results.map(({ risk }) => pack('accountRisk', risk)),
})

/**
 * States that one scenario shows an account to be below maintenance.
 *
 * @throws what {@link unhealthyWitness} throws, above all if the account is not
 */
export async function stateWitness(
  build: Build,
  context: StatementContext,
  account: AccountState,
  round: RoundMarket,
  policy: MarginPolicy,
  scenario: number,
): Promise<StatedWitness> {
  const bound = unhealthyWitness(account, round, policy, scenario)
  const stated = await stateOf(build, context, {
    ...roundWords(round),
    ...marginPolicyWords(policy),
    stateIn: [await stateRoot(account.book)],
    ...holdingsWords(account.holdings),
    choice: [pack('scenarioChoice', { scenario: BigInt(scenario) })],
    bound: [pack('maintenanceBound', bound)],
  })
  return { stated, account, scenario, circuitInput: { ...publicInput(stated), ...closedBookOpening(account.book) } }
}
