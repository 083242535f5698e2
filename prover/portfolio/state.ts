/**
 * What a book's state is committed as. Twin of `circuits/statement/BookState.circom`; the hash itself belongs to the
 * statement stage and is passed in.
 */
import { type BookState, type BookTotals, headerElements, type OpenExpiry, UNSHOCKED_POINT } from './book.ts'

/** Commitment to a vector: `commit` of prover/statement. */
type Commit = (elements: readonly bigint[]) => Promise<bigint>

/** Elements of an expiry under way: header, sums of calls but that of the mark scenario, other sums; shape [70]. */
export const openElements = (open: OpenExpiry): readonly bigint[] => [
  ...headerElements(open.header),
  ...open.calls.filter((_, point) => point !== UNSHOCKED_POINT),
  open.nd1,
  open.pdf,
  open.gammaN,
  open.thetaN,
  open.putsE12,
  open.strikePutsE20,
]

/** Elements of the totals, signed; shape [43]. */
export const totalElements = (totals: BookTotals): readonly bigint[] => [
  ...totals.scenarioPnlMX40,
  totals.basisMX40,
  totals.markMX40,
  totals.nakedShortE12,
  totals.shortfallE12X40,
  totals.grossE12,
  totals.deltaE12X20,
  totals.gammaE20,
  totals.vegaE20X60,
  totals.thetaE20X20,
  totals.rhoE20X20,
]

/** Elements of a state, signed; shape [45]. The last one stands for the expiry under way and is 0 if there is none. */
export const stateElements = (state: BookState, openDigest: bigint): readonly bigint[] => [
  state.asOf + (state.expiry << 32n),
  ...totalElements(state.totals),
  openDigest,
]

/** The state as one element of the scalar field. */
export async function bookRoot(state: BookState, commit: Commit): Promise<bigint> {
  const openDigest = state.open === undefined ? 0n : await commit(openElements(state.open))
  return commit(stateElements(state, openDigest))
}
