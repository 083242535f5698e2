/** What a liquidation took, computed again from what was reported, rules, clock and round: contracts/consumers/VenueLiquidation.sol. */
import type { Fields } from '../../../../circuits/statements/index.ts'
import { interfaceOf } from '../../../registry/artifacts.ts'
import { type ClaimResult, compare } from '../../../registry/claims.ts'
import { namedCall } from '../../../registry/portfolio/namedCall.ts'
import { pack, unpack } from '../../../statement/words.ts'
import { isBefore, type Place } from '../../nodeReads.ts'
import { decodeProvingCall, isWitness, type RoundArgument } from '../calls.ts'
import { compareLists, holdsIf, unpackSafely } from '../comparisons.ts'
import type { ReportRecord } from '../record.ts'
import type { Liquidation, ReceiptRecord, VenueEvent } from './record.ts'

/** The arguments of the call that liquidated. */
export type LiquidateCall = {
  readonly owner: string
  readonly fractionBps: bigint
  readonly round: RoundArgument
  readonly positions: readonly bigint[]
  readonly ownPositions: readonly bigint[]
  /** That it brings along. */
  readonly witness?: string
}

/** @returns undefined if it is no such call */
export function liquidateCallOf(calldata: string | null): LiquidateCall | undefined {
  if (calldata === null) return undefined
  const call = namedCall(interfaceOf('OptionsVenue'), calldata)
  if (call?.method === 'liquidate') return call.args as LiquidateCall
  if (call?.method !== 'liquidateByWitness') return undefined
  // Its round is that of the witness that it brings along.
  const witness = decodeProvingCall(call.args.witness as string)
  return witness === undefined || !isWitness(witness)
    ? undefined
    : ({ ...call.args, round: witness.round } as LiquidateCall)
}

/** Units of E12 in a lot. */
const LOT = 10n ** 8n
const ONE_BPS = 10_000n
/** Stands for the scenario of a witness in the venue's event. */
const BY_WITNESS = 255n
const CASH_DECIMALS = 12

type Position = Fields<'optionPosition'>
type Book = readonly Position[]
type Named<Name extends VenueEvent['name']> = Extract<VenueEvent, { name: Name }>

/** What the venue's event says was taken, and what it follows from. */
export type Taken = {
  readonly claims: readonly ClaimResult[]
  /** Of the account, before: cash as reported, and with what came since. */
  readonly reportedCashE12: bigint | undefined
  readonly cashBeforeE12: bigint | undefined
  /** Seconds that the auction had run. */
  readonly auctionSeconds: number | undefined
  readonly part: Book
  readonly partPerpsE12: bigint
}

/** What was found of the evidence: what the venue's event must say of it. */
export type Shown = {
  readonly perpPriceE8: bigint
  /** Whether it is about the report that was taken over. */
  readonly isOfReport: boolean
  /** Of margins: what the account was short of. */
  readonly shortE12: bigint | undefined
}

/** A25: every field of the venue's event, but those of the evidence. */
export function judgeTaken(record: ReceiptRecord, shown: Shown | undefined): Taken {
  const { liquidation, portfolio } = record
  const { receipt } = liquidation
  const call = liquidateCallOf(liquidation.calldata)
  const reportOf = (account: string, sequence: bigint): ReportRecord | undefined =>
    portfolio.reports.find((each) => each.account === account && each.sequence === sequence)
  const before = reportOf(receipt.key, receipt.sequence)
  const after = reportOf(receipt.key, receipt.sequence + 1n)
  const nothing = {
    reportedCashE12: undefined,
    cashBeforeE12: undefined,
    auctionSeconds: undefined,
    part: [],
    partPerpsE12: 0n,
  }
  if (call === undefined || before === undefined || after === undefined) {
    const found = call === undefined ? 'calldata' : 'reports before and after it'
    return { ...nothing, claims: [compare('A25', found, 'what the liquidation follows from', 'none')] }
  }
  const prices = unpackSafely('roundPrices', call.round.marketWords[0] ?? 0n)
  const [held, left] = [unpackSafely('holdings', before.holdings), unpackSafely('holdings', after.holdings)]
  if (prices === undefined || held === undefined || left === undefined) {
    return { ...nothing, claims: [compare('A25', 'round.marketWords', 'words of a round', 'other words')] }
  }
  const scene: Scene = { record, call, before, after, held, left, prices }
  const part = shareOf(booksOf(before.positions), call.fractionBps)
  const partPerpsE12 = lotsOf(held.perpsE12, call.fractionBps)
  const debtE12 = receipt.coveredE12 + receipt.badDebtE12
  const cashBeforeE12 = left.cashE12 - debtE12 + receipt.cashE12
  const bonus = bonusOf(record)
  const notionalE12 = notionalOf(part, prices.spotE8) + magnitude(partPerpsE12 / LOT) * prices.perpPriceE8
  return {
    reportedCashE12: held.cashE12,
    cashBeforeE12,
    auctionSeconds: bonus.seconds,
    part,
    partPerpsE12,
    claims: [
      ...judgeCall(scene),
      ...judgeMoves(scene, part, partPerpsE12),
      compare('A25', 'receipt.notionalE12', notionalE12, receipt.notionalE12),
      ...bonus.claims,
      ...judgeFraction(scene, shown),
      compare('A25', 'receipt.cashE12', shareOfCash(cashBeforeE12, receipt, notionalE12), receipt.cashE12),
      ...judgeDebt(scene, cashBeforeE12, debtE12),
      ...judgeCash(scene, shown, cashBeforeE12),
    ],
  }
}

type Scene = {
  readonly record: ReceiptRecord
  readonly call: LiquidateCall
  readonly before: ReportRecord
  readonly after: ReportRecord
  readonly held: Fields<'holdings'>
  readonly left: Fields<'holdings'>
  readonly prices: Fields<'roundPrices'>
}

/** The call is about this account as it was last reported, both reports stand before the event, and a witness that it brings was taken. */
function judgeCall({ record, call, before, after }: Scene): readonly ClaimResult[] {
  const { liquidation, portfolio } = record
  const { receipt, owner } = liquidation
  const landed = portfolio.transactions.find(({ hash }) => hash === liquidation.transactionHash)?.calls ?? []
  const { witness } = call
  return [
    ...(witness === undefined
      ? []
      : [holdsIf(landed.includes(witness), 'A25', 'calldata.witness', 'the call that the registry took', witness)]),
    compare('A25', 'calldata.owner', owner, call.owner),
    compare('A25', 'receipt.fractionBps', call.fractionBps, receipt.fractionBps),
    ...compareLists('A25', 'calldata.positions', before.positions, call.positions),
    holdsIf(isBefore(before, after), 'A25', 'reports', 'one after the other', 'another order'),
    compare('A25', 'report.block', liquidation.block, after.block),
    holdsIf(isBefore(after, liquidation), 'A25', 'report.logIndex', `below ${liquidation.logIndex}`, after.logIndex),
  ]
}

/** The account is reported without what was taken, and nothing else of it changed. */
function judgeMoves({ before, after, held, left }: Scene, part: Book, partPerpsE12: bigint): readonly ClaimResult[] {
  return [
    ...compareLists('A25', 'report.positions', sumOf(booksOf(before.positions), negated(part)), after.positions),
    compare('A25', 'report.perpsE12', held.perpsE12 - partPerpsE12, left.perpsE12),
    compare('A25', 'report.perpPnlE12', 0n, left.perpPnlE12),
    ...compareLists('A25', 'report.collateralAmounts', before.collateralAmounts, after.collateralAmounts),
  ]
}

/** The auction's price follows from rules, the evidence's flag and the block's clock. */
function bonusOf({ events, liquidation }: ReceiptRecord): {
  readonly claims: readonly ClaimResult[]
  readonly seconds: number | undefined
} {
  const { receipt, timestamp } = liquidation
  const rules = lastOf(events, 'RulesSet')
  const flagged = lastOf(events, 'Flagged')
  if (rules === undefined || flagged === undefined) {
    return { claims: [compare('A25', 'events', 'rules and a flag', 'none')], seconds: undefined }
  }
  const passed = BigInt(timestamp) - flagged.since
  const counted = passed < rules.auctionSeconds ? passed : rules.auctionSeconds
  const rise = (rules.startPayBps + rules.endBonusBps) * counted
  const bonus = rise / rules.auctionSeconds - rules.startPayBps
  const isStepped = receipt.scenario === BY_WITNESS && bonus < 0n
  return {
    seconds: Number(passed),
    claims: [
      compare('A25', 'Flagged.key', receipt.key, flagged.key),
      compare('A25', 'Flagged.asOf', receipt.asOf, flagged.asOf),
      holdsIf(passed >= 0n, 'A25', 'Flagged.since', `at most ${timestamp}`, flagged.since),
      compare('A25', 'receipt.bonusBps', bonus, receipt.bonusBps),
      holdsIf(
        !isStepped || receipt.fractionBps <= rules.stepBps,
        'A25',
        'receipt.fractionBps',
        `at most ${rules.stepBps} by a witness`,
        receipt.fractionBps,
      ),
    ],
  }
}

/** While a liquidator pays, margins are restored and no more: contracts/consumers/VenueLiquidation.sol, _restoringBps. */
function judgeFraction({ record, before, held, prices }: Scene, shown: Shown | undefined): readonly ClaimResult[] {
  const { fractionBps, bonusBps } = record.liquidation.receipt
  const shortE12 = shown?.shortE12
  if (bonusBps >= 0n || shortE12 === undefined || shortE12 <= 0n) return []
  const ofPerps = magnitude(held.perpsE12 / LOT) * prices.perpPriceE8
  const paidE12 = ((notionalOf(booksOf(before.positions), prices.spotE8) + ofPerps) * -bonusBps) / ONE_BPS
  const mostBps = (shortE12 * ONE_BPS + shortE12 + paidE12 - 1n) / (shortE12 + paidE12)
  const most = `at most ${mostBps}, which restores the initial margin`
  return [holdsIf(fractionBps <= mostBps, 'A25', 'receipt.fractionBps', most, fractionBps)]
}

const shareOfCash = (cashE12: bigint, { fractionBps, bonusBps }: Liquidation['receipt'], notionalE12: bigint): bigint =>
  (cashE12 * fractionBps) / ONE_BPS + (notionalE12 * bonusBps) / ONE_BPS

/** Only an account of nothing has its debt covered, and then all of it. */
function judgeDebt({ record, left, after }: Scene, cashBeforeE12: bigint, debtE12: bigint): readonly ClaimResult[] {
  const owedE12 = record.liquidation.receipt.cashE12 - cashBeforeE12
  const isFlat = left.perpsE12 === 0n && after.positions.length === 0
  return [compare('A25', 'receipt.coveredE12 + badDebtE12', isFlat && owedE12 > 0n ? owedE12 : 0n, debtE12)]
}

/** Since its last report an account's cash moves by what its perpetuals gain and by what comes in. */
function judgeCash(
  { record, before, held, prices }: Scene,
  shown: Shown | undefined,
  cashBeforeE12: bigint,
): readonly ClaimResult[] {
  const since = record.events.filter((each) => isBefore(before, each))
  const deposited = since.reduce(
    (sum, each) => (each.name === 'Deposited' ? sum + cashOf(record, each.amount) : sum),
    0n,
  )
  const markE8 = markOf(since, before, shown)
  const marks = since.filter((each) => each.name === 'Marked')
  const ofKey = marks.map(({ key }) => compare('A25', 'Marked.key', before.account, key))
  if (held.perpsE12 !== 0n && markE8 === undefined) return ofKey
  const gain = (held.perpsE12 * (prices.perpPriceE8 - (markE8 ?? 0n))) / LOT
  return [
    ...ofKey,
    compare('A25', 'cash before', held.cashE12 + deposited + (held.perpsE12 === 0n ? 0n : gain), cashBeforeE12),
  ]
}

/** Price that a report's perpetuals were marked at, if it is known: by the mark that made it, or by the evidence about it. */
function markOf(since: readonly VenueEvent[], { block, account }: ReportRecord & Place, shown: Shown | undefined) {
  const mark = since.find((each) => each.name === 'Marked' && each.block === block && each.key === account)
  if (mark?.name === 'Marked') return mark.priceE8
  return shown?.isOfReport === true ? shown.perpPriceE8 : undefined
}

function cashOf({ venue }: ReceiptRecord, amount: bigint): bigint {
  const { decimals } = venue
  return decimals < CASH_DECIMALS
    ? amount * 10n ** BigInt(CASH_DECIMALS - decimals)
    : amount / 10n ** BigInt(decimals - CASH_DECIMALS)
}

function lastOf<Name extends VenueEvent['name']>(events: readonly VenueEvent[], name: Name): Named<Name> | undefined {
  return events.findLast((each): each is Named<Name> => each.name === name)
}

const booksOf = (words: readonly bigint[]): Book => words.map((word) => unpack('optionPosition', word))

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value)

/** Whole lots, cut towards zero. */
const lotsOf = (quantityE12: bigint, fractionBps: bigint): bigint =>
  (((quantityE12 / LOT) * fractionBps) / ONE_BPS) * LOT

const shareOf = (book: Book, fractionBps: bigint): Book =>
  book
    .map(({ callsE12, putsE12, ...name }) => ({
      ...name,
      callsE12: lotsOf(callsE12, fractionBps),
      putsE12: lotsOf(putsE12, fractionBps),
    }))
    .filter(isHeld)

const isHeld = ({ callsE12, putsE12 }: Position): boolean => callsE12 !== 0n || putsE12 !== 0n

const negated = (book: Book): Book =>
  book.map((each) => ({ ...each, callsE12: -each.callsE12, putsE12: -each.putsE12 }))

/** Words of two books together, by expiry and strike. */
function sumOf(one: Book, other: Book): readonly bigint[] {
  const byName = Map.groupBy([...one, ...other], ({ expiry, strikeE8 }) => (expiry << 48n) | strikeE8)
  return [...byName]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, same]) => ({
      ...(same[0] as Position),
      callsE12: same.reduce((sum, { callsE12 }) => sum + callsE12, 0n),
      putsE12: same.reduce((sum, { putsE12 }) => sum + putsE12, 0n),
    }))
    .filter(isHeld)
    .map((fields) => pack('optionPosition', fields))
}

function notionalOf(book: Book, spotE8: bigint): bigint {
  const total = book.reduce(
    (sum, { callsE12, putsE12, strikeE8 }) => sum + magnitude(callsE12) * spotE8 + magnitude(putsE12) * strikeE8,
    0n,
  )
  return total / LOT
}
