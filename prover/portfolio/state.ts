/**
 * What a book's state, and the arrays that it runs through, are committed as. Twin of `circuits/statement/BookState.circom`
 * and `circuits/statement/ArrayRoot.circom`; the hash itself belongs to the statement stage and is passed in.
 */
import { ProverError } from '../errors.ts'
import { LEAF_POINTS, leafElements } from '../options/riskArray.ts'
import {
  type ArrayHeader,
  type BookSegment,
  type BookState,
  type BookTotals,
  headerElements,
  type OpenExpiry,
  type PricedArray,
} from './book.ts'

/** Commitment to a vector: `commitSigned` of prover/statement. */
type Commit = (elements: readonly bigint[]) => Promise<bigint>

/** Columns of an array that are committed to together. */
const GROUP_COLUMNS = 3
/** Elements of a leaf that stand at the array's root: strike and mark. */
const TOP_ELEMENTS = 2

/** What an array's root commits to, besides its header: strikes, marks, and the other columns by threes. */
function arrayColumns({ leaves }: PricedArray) {
  const rows = leaves.map(leafElements)
  const column = (i: number): readonly bigint[] => rows.map((row) => row[i] as bigint)
  const groups: (readonly (readonly bigint[])[])[] = []
  for (let from = TOP_ELEMENTS; from < (rows[0]?.length ?? 0); from += GROUP_COLUMNS) {
    groups.push(Array.from({ length: GROUP_COLUMNS }, (_, i) => column(from + i)))
  }
  return { strikesE8: column(0), marks: column(1), groups }
}

const columnRootsOf = (groups: readonly (readonly (readonly bigint[])[])[], commit: Commit): Promise<bigint[]> =>
  Promise.all(groups.map((columns) => commit(columns.flat())))

/**
 * A risk array as one element of the scalar field: header, strikes, marks, and the other columns by threes, so that one
 * scenario can be opened without the others.
 */
export async function arrayRoot(array: PricedArray, commit: Commit): Promise<bigint> {
  const { expiry, asOf, shortfallX40 } = array.header
  const { strikesE8, marks, groups } = arrayColumns(array)
  const shared = [await headerRoot(array.header, commit), expiry, asOf, shortfallX40]
  return commit([...shared, ...strikesE8, ...marks, ...(await columnRootsOf(groups, commit))])
}

const headerRoot = (header: ArrayHeader, commit: Commit): Promise<bigint> => commit(headerElements(header))

/** Sums of an expiry under way: calls in the order of leaves, other sums; shape [41]. */
const sumElements = (open: OpenExpiry): readonly bigint[] => [
  ...LEAF_POINTS.map((point) => open.calls[point] as bigint),
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
export async function bookRoot({ open, ...state }: BookState, commit: Commit): Promise<bigint> {
  const openDigest =
    open === undefined ? 0n : await commit([await headerRoot(open.header, commit), ...sumElements(open)])
  return commit(stateElements({ ...state, open }, openDigest))
}

/** Private inputs of a book's proof: what its roots commit to. Signed where money is. */
export type BookOpenings = {
  readonly asOf: bigint
  readonly headerRoots: readonly bigint[]
  readonly expiries: readonly bigint[]
  readonly shortfallsX40: readonly bigint[]
  readonly leaves: readonly (readonly (readonly bigint[])[])[]
  /** Of the expiries that end, in order; of the first segment where fewer do. */
  readonly headers: readonly (readonly bigint[])[]
  readonly openIn: bigint
  readonly headerRootIn: bigint
  readonly sumsIn: readonly bigint[]
  readonly asOfIn: bigint
  readonly expiryIn: bigint
  readonly totalsIn: readonly bigint[]
}

const SUM_ELEMENTS = 41

/**
 * @param expiries - how many may end in the proof
 * @throws {@link ClosingCountError} if more do
 */
export async function bookOpenings(
  before: BookState,
  segments: readonly BookSegment[],
  expiries: number,
  commit: Commit,
): Promise<BookOpenings> {
  const { open } = before
  return {
    asOf: segments[0]?.array.header.asOf ?? 0n,
    ...(await arrayOpenings(segments, expiries, commit)),
    openIn: open === undefined ? 0n : 1n,
    headerRootIn: open === undefined ? 0n : await headerRoot(open.header, commit),
    sumsIn: open === undefined ? new Array<bigint>(SUM_ELEMENTS).fill(0n) : sumElements(open),
    asOfIn: before.asOf,
    expiryIn: before.expiry,
    totalsIn: totalElements(before.totals),
  }
}

/** Private inputs of what opens whole arrays: what their roots commit to. */
export type ArrayOpenings = HeaderOpenings & Pick<BookOpenings, 'leaves'>

/**
 * @param expiries - how many may end in the proof
 * @throws {@link ClosingCountError} if more do
 */
export async function arrayOpenings(
  segments: readonly BookSegment[],
  expiries: number,
  commit: Commit,
): Promise<ArrayOpenings> {
  const leaves = segments.map(({ array }) => array.leaves.map(leafElements))
  return { ...(await headerOpenings(segments, expiries, commit)), leaves }
}

type HeaderOpenings = Pick<BookOpenings, 'headerRoots' | 'expiries' | 'shortfallsX40' | 'headers'>

async function headerOpenings(
  segments: readonly BookSegment[],
  expiries: number,
  commit: Commit,
): Promise<HeaderOpenings> {
  const headers = segments.map(({ array }) => array.header)
  return {
    headerRoots: await Promise.all(headers.map((header) => headerRoot(header, commit))),
    expiries: headers.map(({ expiry }) => expiry),
    shortfallsX40: headers.map(({ shortfallX40 }) => shortfallX40),
    headers: closedHeaders(segments, expiries).map(headerElements),
  }
}

function closedHeaders(segments: readonly BookSegment[], expiries: number): readonly ArrayHeader[] {
  const closed = segments.filter(({ continues }) => !continues).map(({ array }) => array.header)
  if (closed.length > expiries) throw new ClosingCountError(closed.length, expiries)
  const unused = segments[0]?.array.header as ArrayHeader
  return Array.from({ length: expiries }, (_, i) => closed[i] ?? unused)
}

/** Private inputs of a witness from arrays: what their roots commit to, of the leaves one scenario's group alone. */
export type ScenarioOpenings = HeaderOpenings & {
  readonly strikesE8: readonly (readonly bigint[])[]
  readonly marks: readonly (readonly bigint[])[]
  readonly columnRoots: readonly (readonly bigint[])[]
  readonly columns: readonly (readonly (readonly bigint[])[])[]
}

/**
 * @param expiries - how many may end in the proof
 * @param scenario - 0 to 33, the last one the basis contingency
 * @throws {@link ClosingCountError} if more do
 */
export async function scenarioOpenings(
  segments: readonly BookSegment[],
  expiries: number,
  scenario: number,
  commit: Commit,
): Promise<ScenarioOpenings> {
  const arrays = segments.map(({ array }) => arrayColumns(array))
  const opened = groupOf(scenario)
  return {
    ...(await headerOpenings(segments, expiries, commit)),
    strikesE8: arrays.map(({ strikesE8 }) => strikesE8),
    marks: arrays.map(({ marks }) => marks),
    columnRoots: await Promise.all(arrays.map(({ groups }) => columnRootsOf(groups, commit))),
    columns: arrays.map(({ groups }) => groups[opened] ?? []),
  }
}

/** Which group of columns has a scenario's prices; the unshocked one's are the marks, and the first group is opened. */
function groupOf(scenario: number): number {
  const column = LEAF_POINTS.indexOf(scenario + 1) + 1 - TOP_ELEMENTS
  return Math.max(0, Math.floor(column / GROUP_COLUMNS))
}

/** Private inputs that open a finished book; shape [43] and scalars. */
export type ClosedBookOpening = Pick<BookOpenings, 'asOfIn' | 'expiryIn' | 'totalsIn'>

export const closedBookOpening = ({ asOf, expiry, totals }: BookState): ClosedBookOpening => ({
  asOfIn: asOf,
  expiryIn: expiry,
  totalsIn: totalElements(totals),
})

/** The same of many finished books, input by input. */
export function closedBookOpenings(books: readonly BookState[]) {
  const openings = books.map(closedBookOpening)
  return {
    asOfIn: openings.map(({ asOfIn }) => asOfIn),
    expiryIn: openings.map(({ expiryIn }) => expiryIn),
    totalsIn: openings.map(({ totalsIn }) => totalsIn),
  }
}

/** More expiries end in one proof of a book than its circuit closes. */
export class ClosingCountError extends ProverError {
  readonly code = 'portfolio.closing-count'
  readonly count: number
  readonly limit: number

  constructor(count: number, limit: number) {
    super(`Expected at most ${limit} expiries to end in one proof of a book, got ${count}. Cut the book before.`)
    this.count = count
    this.limit = limit
  }
}
