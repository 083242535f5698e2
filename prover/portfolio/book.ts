/**
 * An account's option positions, folded into a state array by array: what they are worth under every scenario, and their
 * Greeks. Twin of `circuits/portfolio/BookSegment.circom` and `circuits/portfolio/CloseExpiry.circom`, bit for bit.
 *
 * Money inside a book is counted in units of 2^32·10^-20 of the quote currency (about 4·10^-11), the mark `M` in
 * comments; MX40 is that times 2^-40.
 */
import { ProverError } from '../errors.ts'
import { signedDivDown } from '../math/index.ts'
import { BASIS_UP, POINTS, pointForward, SCENARIOS, UNSHOCKED_POINT } from '../options/grid.ts'
import { CALL_BITS, GAMMA_BITS, type Header, PDF_BITS, type StrikeLeaf, THETA_BITS } from '../options/riskArray.ts'

const SKEW_SCENARIOS_FROM = SCENARIOS - 2

/** |quantity| of a position is at most 2^60, and calls and puts of a book together stay below 2^62 (4.6 million). */
export const QUANTITY_BITS = 60n
const GROSS_BITS = 62n

/** Header of a risk array: what a book needs of one expiry. */
export type ArrayHeader = Omit<Header, 'elements'>

/** Leaf of a risk array: one strike, untruncated. */
export type PricedStrike = Omit<StrikeLeaf, 'elements' | 'volatilityX40'>

export type PricedArray = { readonly header: ArrayHeader; readonly leaves: readonly PricedStrike[] }

/** What an account holds of one strike: the fields of a position word. */
export type OptionPosition = {
  readonly expiry: bigint
  readonly strikeE8: bigint
  readonly callsE12: bigint
  readonly putsE12: bigint
}

/** An expiry that goes on in the next array: its header, and sums over its strikes so far. */
export type OpenExpiry = {
  readonly header: ArrayHeader
  /** Σ (calls + puts)·call at each point, shape [36]; that of {@link UNSHOCKED_POINT} is the mark's. */
  readonly calls: readonly bigint[]
  readonly nd1: bigint
  readonly pdf: bigint
  readonly gammaN: bigint
  readonly thetaN: bigint
  /** Σ puts, E12. */
  readonly putsE12: bigint
  /** Σ puts·strike, E20. */
  readonly strikePutsE20: bigint
}

/** What the closed expiries of a book add up to, and what needs no expiry to be closed. */
export type BookTotals = {
  /** Change of value in each scenario, MX40; shape [33]. */
  readonly scenarioPnlMX40: readonly bigint[]
  /** Least effect of a shock to all forwards, never positive, MX40. */
  readonly basisMX40: bigint
  /** Discounted mark-to-market value, MX40. */
  readonly markMX40: bigint
  /** Options sold beyond those held, per strike, calls and puts together. */
  readonly nakedShortE12: bigint
  /** Σ |quantity|·(1 - confidence of its expiry) where that confidence is low. */
  readonly shortfallE12X40: bigint
  /** Σ |quantity|. */
  readonly grossE12: bigint
  readonly deltaE12X20: bigint
  readonly gammaE20: bigint
  readonly vegaE20X60: bigint
  readonly thetaE20X20: bigint
  /** Times seconds of a year. */
  readonly rhoE20X20: bigint
}

export type BookState = {
  /** Time of the round; 0 while nothing has been folded. */
  readonly asOf: bigint
  /** The last expiry folded; 0 while there is none. Expiries ascend, so each is closed once. */
  readonly expiry: bigint
  readonly open: OpenExpiry | undefined
  readonly totals: BookTotals
}

const zeros = (n: number): readonly bigint[] => new Array<bigint>(n).fill(0n)

export const emptyBook: BookState = {
  asOf: 0n,
  expiry: 0n,
  open: undefined,
  totals: {
    scenarioPnlMX40: zeros(SCENARIOS),
    basisMX40: 0n,
    markMX40: 0n,
    nakedShortE12: 0n,
    shortfallE12X40: 0n,
    grossE12: 0n,
    deltaE12X20: 0n,
    gammaE20: 0n,
    vegaE20X60: 0n,
    thetaE20X20: 0n,
    rhoE20X20: 0n,
  },
}

/**
 * Adds the positions in one array to a book.
 *
 * @param positions - one for each leaf, in order; an unused one has quantities 0
 * @param continues - whether the next array is of the same expiry
 * @throws {@link BookOrderError} if the array is of another round, or its expiry is out of order
 * @throws {@link PositionMismatchError} if a position is not of its leaf's expiry and strike
 * @throws {@link SizeOutOfRangeError} if a quantity or their sum is out of range
 */
function foldSegment(
  state: BookState,
  { header, leaves }: PricedArray,
  positions: readonly OptionPosition[],
  continues: boolean,
): BookState {
  requireOrder(state, header)
  requirePositions(header, leaves, positions)
  const sums = addPositions(state.open ?? emptyExpiry(header), leaves, positions)
  const totals = addQuantities(state.totals, header, positions)
  if (totals.grossE12 >= 1n << GROSS_BITS) throw new SizeOutOfRangeError('the book', totals.grossE12, GROSS_BITS)
  const { asOf, expiry } = header
  if (continues) return { asOf, expiry, open: sums, totals }
  return { asOf, expiry, open: undefined, totals: addExpiry(totals, closeExpiry(sums)) }
}

/** One array with its positions. */
export type BookSegment = {
  readonly array: PricedArray
  readonly positions: readonly OptionPosition[]
  readonly continues: boolean
}

/** Folds the segments of one proof. */
export function foldBook(state: BookState, segments: readonly BookSegment[]): BookState {
  return segments.reduce(
    (before, { array, positions, continues }) => foldSegment(before, array, positions, continues),
    state,
  )
}

/** What one expiry adds to a book's totals, every step named. */
type ExpiryResult = {
  readonly expiry: bigint
  /** Undiscounted value at each point, M, floored; shape [36]. */
  readonly valuesM: readonly bigint[]
  readonly scenarioPnlMX40: readonly bigint[]
  readonly basisMX40: bigint
  readonly markMX40: bigint
  readonly deltaE12X20: bigint
  readonly gammaE20: bigint
  readonly vegaE20X60: bigint
  readonly thetaE20X20: bigint
  readonly rhoE20X20: bigint
}

/** Twin of `circuits/portfolio/CloseExpiry.circom`. */
function closeExpiry(sums: OpenExpiry): ExpiryResult {
  const { header } = sums
  const valuesM = sums.calls.map((callSum, point) => {
    const forwardE8 = header.forwardsE8[pointForward(pricedAt(point))] as bigint
    const parity = sums.strikePutsE20 - forwardE8 * sums.putsE12
    return (callSum + (parity << callBits)) >> (callBits + 32n)
  })
  const valueM = (point: number): bigint => valuesM[point] as bigint
  const markMX40 = valueM(0) * header.discountX40
  const scenarioPnlMX40 = Array.from({ length: SCENARIOS }, (_, scenario) => {
    const value = valueM(scenario + 1)
    const change = value * (value < 0n ? header.shortFactorX40 : header.longFactorX40) - markMX40
    return scenario < SKEW_SCENARIOS_FROM || change < 0n ? change : -change
  })
  const fall = least(valueM(BASIS_UP) - valueM(0), valueM(BASIS_UP + 1) - valueM(0), 0n)
  return {
    expiry: header.expiry,
    valuesM,
    scenarioPnlMX40,
    basisMX40: fall * header.basisFactorX40,
    markMX40,
    ...expiryGreeks(sums, valueM(0)),
  }
}

const YEAR_SECONDS = 31_536_000n
const callBits = BigInt(CALL_BITS)
const pdfBits = BigInt(PDF_BITS)
const gammaBits = BigInt(GAMMA_BITS)
const thetaBits = BigInt(THETA_BITS)

/**
 * Greeks of an expiry, floored once each. Rho uses K·N(d2) = F·N(d1) - call, so the prices' own precision carries over.
 * An expiry in its last second has its payoff's Greeks; theta then counts as one second from expiry.
 */
function expiryGreeks(sums: OpenExpiry, markM: bigint) {
  const { header, putsE12 } = sums
  const forwardE8 = header.forwardsE8[0] as bigint
  const seconds = header.secondsToExpiry
  const deltaE12X20 = (sums.nd1 - (putsE12 << callBits)) >> (callBits - 20n)
  const pdfE12X20 = sums.pdf >> (pdfBits - 20n)
  const gammaE12X20 = sums.gammaN >> (gammaBits - 20n)
  const thetaE12X20 = sums.thetaN >> (thetaBits - 20n)
  return {
    deltaE12X20,
    gammaE20: signedDivDown(gammaE12X20 * 10n ** 16n, forwardE8 << 20n),
    vegaE20X60: pdfE12X20 * forwardE8 * header.sqrtTauX40,
    thetaE20X20: signedDivDown(-thetaE12X20 * forwardE8 * YEAR_SECONDS, 2n * (seconds === 0n ? 1n : seconds)),
    rhoE20X20: seconds * (forwardE8 * deltaE12X20 - (markM << 52n)),
  }
}

const least = (...values: readonly bigint[]): bigint => values.reduce((a, b) => (b < a ? b : a))
const magnitude = (value: bigint): bigint => (value < 0n ? -value : value)

function emptyExpiry(header: ArrayHeader): OpenExpiry {
  const sums = { nd1: 0n, pdf: 0n, gammaN: 0n, thetaN: 0n, putsE12: 0n, strikePutsE20: 0n }
  return { header, calls: zeros(POINTS), ...sums }
}

function addPositions(
  sums: OpenExpiry,
  leaves: readonly PricedStrike[],
  positions: readonly OptionPosition[],
): OpenExpiry {
  return leaves.reduce((before, leaf, slot) => {
    const { callsE12, putsE12 } = positions[slot] as OptionPosition
    const net = callsE12 + putsE12
    return {
      header: before.header,
      calls: before.calls.map((sum, point) => sum + net * (leaf.calls[pricedAt(point)] as bigint)),
      nd1: before.nd1 + net * leaf.nd1,
      pdf: before.pdf + net * leaf.pdf,
      gammaN: before.gammaN + net * leaf.gammaN,
      thetaN: before.thetaN + net * leaf.thetaN,
      putsE12: before.putsE12 + putsE12,
      strikePutsE20: before.strikePutsE20 + putsE12 * leaf.strikeE8,
    }
  }, sums)
}

/** The scenario without any shock is the mark: its own price is never looked at. */
const pricedAt = (point: number): number => (point === UNSHOCKED_POINT ? 0 : point)

function addQuantities(totals: BookTotals, header: ArrayHeader, positions: readonly OptionPosition[]): BookTotals {
  const gross = positions.reduce((sum, each) => sum + magnitude(each.callsE12) + magnitude(each.putsE12), 0n)
  const naked = positions.reduce((sum, { callsE12, putsE12 }) => sum - least(callsE12 + putsE12, 0n), 0n)
  return {
    ...totals,
    nakedShortE12: totals.nakedShortE12 + naked,
    shortfallE12X40: totals.shortfallE12X40 + gross * header.shortfallX40,
    grossE12: totals.grossE12 + gross,
  }
}

function addExpiry(totals: BookTotals, expiry: ExpiryResult): BookTotals {
  return {
    ...totals,
    scenarioPnlMX40: totals.scenarioPnlMX40.map((sum, s) => sum + (expiry.scenarioPnlMX40[s] as bigint)),
    basisMX40: totals.basisMX40 + expiry.basisMX40,
    markMX40: totals.markMX40 + expiry.markMX40,
    deltaE12X20: totals.deltaE12X20 + expiry.deltaE12X20,
    gammaE20: totals.gammaE20 + expiry.gammaE20,
    vegaE20X60: totals.vegaE20X60 + expiry.vegaE20X60,
    thetaE20X20: totals.thetaE20X20 + expiry.thetaE20X20,
    rhoE20X20: totals.rhoE20X20 + expiry.rhoE20X20,
  }
}

function requireOrder(state: BookState, header: ArrayHeader): void {
  const { asOf, expiry, open } = state
  if (asOf !== 0n && asOf !== header.asOf) throw new MixedRoundsError(asOf, header.asOf, header.expiry)
  if (open === undefined ? header.expiry <= expiry : !sameHeader(open.header, header)) {
    throw new BookOrderError(expiry, header.expiry, open !== undefined)
  }
}

/** Header elements in the order of their commitment; shape [29]. */
export const headerElements = (header: ArrayHeader): readonly bigint[] => [
  header.expiry,
  header.asOf,
  ...header.forwardsE8,
  header.discountX40,
  header.longFactorX40,
  header.shortFactorX40,
  header.basisFactorX40,
  header.shortfallX40,
  header.sqrtTauX40,
  header.secondsToExpiry,
]

function sameHeader(a: ArrayHeader, b: ArrayHeader): boolean {
  const other = headerElements(b)
  return headerElements(a).every((element, i) => element === other[i])
}

function requirePositions(
  header: ArrayHeader,
  leaves: readonly PricedStrike[],
  positions: readonly OptionPosition[],
): void {
  if (positions.length !== leaves.length) throw new SlotCountError(positions.length, leaves.length)
  for (const [slot, position] of positions.entries()) {
    const strikeE8 = leaves[slot]?.strikeE8
    if (position.expiry !== header.expiry || position.strikeE8 !== strikeE8) {
      throw new PositionMismatchError(slot, position, header.expiry, strikeE8 ?? 0n)
    }
    for (const quantity of [position.callsE12, position.putsE12]) {
      if (quantity < -(1n << QUANTITY_BITS) || quantity >= 1n << QUANTITY_BITS) {
        throw new SizeOutOfRangeError(nameOf(position), quantity, QUANTITY_BITS)
      }
    }
  }
}

/** A position in words: its expiry as a time, its strike in quote. */
export function nameOf({ expiry, strikeE8 }: Pick<OptionPosition, 'expiry' | 'strikeE8'>): string {
  const time = new Date(Number(expiry) * 1000).toISOString().slice(0, 16)
  return `expiry ${time}Z strike ${Number(strikeE8) / 1e8}`
}

/** An array of another round than the arrays before it. */
export class MixedRoundsError extends ProverError {
  readonly code = 'portfolio.mixed-rounds'
  readonly asOf: bigint
  readonly otherAsOf: bigint
  readonly expiry: bigint

  constructor(asOf: bigint, otherAsOf: bigint, expiry: bigint) {
    super(`Expected every array to be of the round at ${asOf}, got one of expiry ${expiry} at ${otherAsOf}.`)
    this.asOf = asOf
    this.otherAsOf = otherAsOf
    this.expiry = expiry
  }
}

/** An expiry comes before or with one that is closed, or an open one is not continued by an array of the same header. */
export class BookOrderError extends ProverError {
  readonly code = 'portfolio.book-order'
  readonly before: bigint
  readonly expiry: bigint

  constructor(before: bigint, expiry: bigint, isOpen: boolean) {
    const expected = isOpen ? `to go on with expiry ${before} under the same header` : `an expiry after ${before}`
    super(`Expected ${expected}, got expiry ${expiry}. Arrays of one expiry stand together, expiries ascend.`)
    this.before = before
    this.expiry = expiry
  }
}

/** A position stands in the slot of another strike or expiry. */
export class PositionMismatchError extends ProverError {
  readonly code = 'portfolio.position-mismatch'
  readonly slot: number
  readonly position: OptionPosition

  constructor(slot: number, position: OptionPosition, expiry: bigint, strikeE8: bigint) {
    super(`Expected ${nameOf({ expiry, strikeE8 })} in slot ${slot}, got ${nameOf(position)}.`)
    this.slot = slot
    this.position = position
  }
}

/** Not one position for each strike of an array. */
export class SlotCountError extends ProverError {
  readonly code = 'portfolio.slot-count'
  readonly count: number

  constructor(count: number, expected: number) {
    super(`Expected one position for each of ${expected} strikes, got ${count}.`)
    this.count = count
  }
}

/** A quantity, or the sum of all, is beyond what circuits can hold. */
export class SizeOutOfRangeError extends ProverError {
  readonly code = 'portfolio.size-out-of-range'
  readonly what: string
  readonly quantityE12: bigint

  constructor(what: string, quantityE12: bigint, bits: bigint) {
    const inUnits = (value: bigint): string => (Number(value) / 1e12).toLocaleString('en-GB')
    super(`Expected a size below ${inUnits(1n << bits)} for ${what}, got ${inUnits(quantityE12)}. Split the account.`)
    this.what = what
    this.quantityE12 = quantityE12
  }
}
