/** Statements that one scenario shows an account to be below maintenance, straight from arrays. */
import { type Build, sizeOf } from '../../circuits/statements/index.ts'
import { type BookSegment, emptyBook, foldBook } from '../portfolio/book.ts'
import { type Holdings, type MarginPolicy, type RoundMarket, unhealthyWitness } from '../portfolio/margin.ts'
import { scenarioOpenings } from '../portfolio/state.ts'
import type { StatementContext } from './challenge.ts'
import { commitSigned } from './commitment.ts'
import { flagsWord, positionWord } from './optionBook.ts'
import { holdingsWords, marginPolicyWords, roundWords } from './portfolioMargin.ts'
import { type CircuitSignals, publicInput, type Stated, stateOf } from './state.ts'
import { pack } from './words.ts'

/** An account as such a witness sees it: positions in arrays that fill the places of its build, and the rest. */
export type AccountInArrays = {
  readonly segments: readonly BookSegment[]
  /** Of the array of each segment. */
  readonly arrayRoots: readonly bigint[]
  readonly holdings: Holdings
}

/** A witness from arrays and what its proof says. */
export type StatedScenarioWitness = { readonly stated: Stated; readonly circuitInput: CircuitSignals }

/**
 * States that one scenario shows an account to be below maintenance, without its book.
 *
 * @param scenario - 0 to 33, the last one the basis contingency
 * @throws what {@link unhealthyWitness} throws, above all if the account is not
 * @throws {@link ClosingCountError} if the arrays are of more expiries than the build closes
 */
export async function stateScenarioWitness(
  build: Build,
  context: StatementContext,
  { segments, arrayRoots, holdings }: AccountInArrays,
  round: RoundMarket,
  policy: MarginPolicy,
  scenario: number,
): Promise<StatedScenarioWitness> {
  const bound = unhealthyWitness({ book: foldBook(emptyBook, segments), holdings }, round, policy, scenario)
  const stated = await stateOf(build, context, {
    ...roundWords(round),
    ...marginPolicyWords(policy),
    arrayRoots,
    positions: segments.flatMap(({ positions }) => positions.map(positionWord)),
    flags: [flagsWord(segments)],
    ...holdingsWords(holdings),
    choice: [pack('scenarioChoice', { scenario: BigInt(scenario) })],
    bound: [pack('maintenanceBound', bound)],
  })
  const openings = await scenarioOpenings(segments, sizeOf(build, 'expiries'), scenario, commitSigned)
  return { stated, circuitInput: { ...publicInput(stated), ...openings } }
}
