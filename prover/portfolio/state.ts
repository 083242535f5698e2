/**
 * What a book's state is committed as. Twin of `circuits/statement/BookState.circom`; the hash itself belongs to the
 * statement stage and is passed in.
 */
import {
  type ArrayHeader,
  type BookSegment,
  type BookState,
  type BookTotals,
  headerElements,
  type OpenExpiry,
  type PricedStrike,
  UNSHOCKED_POINT,
} from './book.ts'

/** Commitment to a vector: `commit` of prover/statement. */
type Commit = (elements: readonly bigint[]) => Promise<bigint>

/** Fields of a header that share an element: forwards by fours, factors, and the rest, with their widths. */
const FORWARD_BITS = 52n
const FACTOR_BITS = 44n

/** Values side by side, the first in the least significant bits; each stays below its width. */
const sideBySide = (values: readonly bigint[], bits: bigint): bigint =>
  values.reduceRight((packed, value) => (packed << bits) + value, 0n)

/** A header in few elements, injectively; shape [7]. Twin of `circuits/portfolio/PackHeader.circom`. */
function packHeader(header: ArrayHeader): readonly bigint[] {
  const fours = [0, 4, 8, 12, 16].map((from) => header.forwardsE8.slice(from, from + 4))
  const { discountX40, longFactorX40, shortFactorX40, shortfallX40, sqrtTauX40 } = header
  const { expiry, asOf, secondsToExpiry, basisFactorX40 } = header
  return [
    ...fours.map((four) => sideBySide(four, FORWARD_BITS)),
    sideBySide([discountX40, longFactorX40, shortFactorX40, shortfallX40, sqrtTauX40], FACTOR_BITS),
    sideBySide([expiry, asOf, secondsToExpiry, basisFactorX40], FORWARD_BITS),
  ]
}

/** Elements of an expiry under way: header, sums of calls but that of the unshocked point, other sums; shape [48]. */
const openElements = (open: OpenExpiry): readonly bigint[] => [
  ...packHeader(open.header),
  ...open.calls.filter((_, point) => point !== UNSHOCKED_POINT),
  open.nd1,
  open.pdf,
  open.gammaN,
  open.thetaN,
  open.putsE12,
  open.strikePutsE20,
]

/** Elements of the totals, signed; shape [43]. */
const totalElements = (totals: BookTotals): readonly bigint[] => [
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

/** Private inputs of a book's proof: what its roots commit to. Signed where money is. */
export type BookOpenings = {
  readonly headers: readonly (readonly bigint[])[]
  readonly leaves: readonly (readonly (readonly bigint[])[])[]
  readonly openIn: bigint
  readonly headerIn: readonly bigint[]
  readonly sumsIn: readonly bigint[]
  readonly asOfIn: bigint
  readonly expiryIn: bigint
  readonly totalsIn: readonly bigint[]
}

const HEADER_ELEMENTS = 7
const SUM_ELEMENTS = 41

/** A leaf's elements in the order of its commitment; shape [42]. */
export const leafElements = (leaf: PricedStrike): readonly bigint[] => [
  leaf.strikeE8,
  ...leaf.calls,
  leaf.nd1,
  leaf.pdf,
  leaf.gammaN,
  leaf.thetaN,
  leaf.kNd2,
]

export function bookOpenings(before: BookState, segments: readonly BookSegment[]): BookOpenings {
  const open = before.open === undefined ? undefined : openElements(before.open)
  const nothing = new Array<bigint>(HEADER_ELEMENTS + SUM_ELEMENTS).fill(0n)
  return {
    headers: segments.map(({ array }) => headerElements(array.header)),
    leaves: segments.map(({ array }) => array.leaves.map(leafElements)),
    openIn: open === undefined ? 0n : 1n,
    headerIn: (open ?? nothing).slice(0, HEADER_ELEMENTS),
    sumsIn: (open ?? nothing).slice(HEADER_ELEMENTS),
    asOfIn: before.asOf,
    expiryIn: before.expiry,
    totalsIn: totalElements(before.totals),
  }
}

/** Private inputs that open a finished book; shape [43] and scalars. */
export type ClosedBookOpening = Pick<BookOpenings, 'asOfIn' | 'expiryIn' | 'totalsIn'>

export const closedBookOpening = ({ asOf, expiry, totals }: BookState): ClosedBookOpening => ({
  asOfIn: asOf,
  expiryIn: expiry,
  totalsIn: totalElements(totals),
})
