/** Statements of one account's margins, straight from the arrays that its options are in. */
import { type Build, sizeOf } from '../../circuits/statements/index.ts'
import { emptyBook, foldBook } from '../portfolio/book.ts'
import { accountMargin, type MarginPolicy, type RoundMarket } from '../portfolio/margin.ts'
import { arrayOpenings } from '../portfolio/state.ts'
import type { StatementContext } from './challenge.ts'
import { commitSigned } from './commitment.ts'
import { flagsWord, positionWord } from './optionBook.ts'
import { holdingsWords, marginPolicyWords, resultWords, roundWords, type StatedMargins } from './portfolioMargin.ts'
import type { AccountInArrays } from './scenarioWitness.ts'
import { publicInput, stateOf } from './state.ts'

/**
 * Margins one account and states the proof of all that is proven of it, without its book.
 *
 * @throws what {@link foldBook} and {@link accountMargin} throw
 * @throws {@link ClosingCountError} if the arrays are of more expiries than the build closes
 */
export async function stateArrayMargin(
  build: Build,
  context: StatementContext,
  { segments, arrayRoots, holdings }: AccountInArrays,
  round: RoundMarket,
  policy: MarginPolicy,
): Promise<StatedMargins> {
  const account = { book: foldBook(emptyBook, segments), holdings }
  const margins = [accountMargin(account, round, policy)]
  const stated = await stateOf(build, context, {
    ...roundWords(round),
    ...marginPolicyWords(policy),
    arrayRoots,
    positions: segments.flatMap(({ positions }) => positions.map(positionWord)),
    flags: [flagsWord(segments)],
    ...holdingsWords(holdings),
    ...resultWords(margins),
  })
  const openings = await arrayOpenings(segments, sizeOf(build, 'expiries'), commitSigned)
  return { stated, accounts: [account], margins, circuitInput: { ...publicInput(stated), ...openings } }
}
