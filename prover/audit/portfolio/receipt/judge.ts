/**
 * Judges a {@link ReceiptRecord}: the evidence is verified again from its calldata, the account margined again under every scenario
 * by the twin, what was taken computed again, and what of it differs is named first.
 */
import { buildsOf, sizeOf } from '../../../../circuits/statements/index.ts'
import {
  marginInArrays,
  type MarginSizes,
  type PricedSurface,
  type ProvableMargin,
} from '../../../portfolio/accountMargin.ts'
import { namedScenarios } from '../../../portfolio/explain.ts'
import { accountMargin, unhealthyWitness } from '../../../portfolio/margin.ts'
import { emptyBook } from '../../../portfolio/book.ts'
import { VENUE_ROLE } from '../../../registry/authority.ts'
import { type ClaimResult, compare } from '../../../registry/claims.ts'
import { stateRoot } from '../../../statement/optionBook.ts'
import { unpack } from '../../../statement/words.ts'
import { judgeCode, judgeCreation, judgeImmutables, madeIn } from '../../deployed/code.ts'
import { deployedSubjects, judgeDeployed } from '../../deployed/judge.ts'
import { failed, type Failure, firstFailureOf, type Judged, summarise } from '../../findings.ts'
import { isBefore } from '../../nodeReads.ts'
import { type AuditPins, isPinned, judgePlace } from '../../pins.ts'
import { decodeProvingCall, holdingsOf, isWitness, marginPolicyOf, pricingPolicyOf, roundMarketOf } from '../calls.ts'
import { compareLists, holdsIf } from '../comparisons.ts'
import { beginAudit, judgePolicies, judgeRounds, judgeTransaction, placeIn, placeOf, subjectsOf } from '../judge.ts'
import type { MarginReport, WitnessReport } from '../report.ts'
import { type Audited, judgeScope } from '../scene.ts'
import { judgeSignatures } from '../signatures.ts'
import { judgeTaken, liquidateCallOf, type Shown, type Taken } from './liquidation.ts'
import type { ReceiptRecord } from './record.ts'

/** Stands for the scenario of a witness in the venue's event. */
const BY_WITNESS = 255n
/** Units of cash, E12, in one of a margin, E8. */
const CASH_PER_MARGIN = 10n ** 4n

/** What is known beforehand besides what {@link AuditPins} has. */
export type ReceiptPins = AuditPins & { readonly venue?: string }

/** What showed the account to be below maintenance, and how it stood. */
export type Evidence = Judged & {
  readonly kind: 'margins' | 'witness'
  readonly asOf: bigint
  /** Report that it is about. */
  readonly sequence: bigint
  readonly block: number
  readonly transactionHash: string
  readonly scenario: { readonly index: number; readonly words: string }
  /** Maintenance margin as proven; of a witness what it is at most. */
  readonly shownE8: bigint
  /** The same account by the twin, under all scenarios. */
  readonly provable: ProvableMargin
  /** Least cash that would have kept it at maintenance, to the unit. */
  readonly cashNeededE12: bigint
}

export type ReceiptReport = {
  readonly kind: 'receipt'
  readonly accepted: boolean
  readonly pinned: boolean
  readonly chainId: bigint
  readonly venue: string
  readonly registry: string
  readonly liquidation: ReceiptRecord['liquidation']
  readonly priceScale: number
  /** Undefined if it cannot be derived. */
  readonly evidence: Evidence | undefined
  readonly taken: Judged & Omit<Taken, 'claims'>
  /** Who may report accounts besides the venue. */
  readonly otherReporters: readonly string[]
  /** Transactions whose calls the node could not tell. */
  readonly hidden: readonly string[]
  /** Everything that was judged, in order. */
  readonly subjects: readonly (Judged & { readonly of: string })[]
  readonly failure?: Failure
}

/** Judges a receipt. Never throws for a false one; says what is false first. */
export async function judgeReceipt(record: ReceiptRecord, pins: ReceiptPins = {}): Promise<ReceiptReport> {
  const { portfolio, liquidation, venue } = record
  const { context } = portfolio
  const { models, audited } = beginAudit(portfolio, pins)
  const transactions = [...portfolio.transactions].sort((a, b) => (isBefore(placeIn(a), placeIn(b)) ? -1 : 1))
  for (const each of transactions) await judgeTransaction(each, audited)
  const { claims, evidence } = judgeEvidence(record, audited)
  audited.ledger.advanceTo(liquidation)
  const priceScale = Number(audited.ledger.priceScale)
  const isOfReport = evidence?.sequence === liquidation.receipt.sequence
  const shown = evidence && { ...shortOf(evidence), perpPriceE8: evidence.provable.round.perpPriceE8, isOfReport }
  const { claims: takenClaims, ...taken } = judgeTaken(record, shown)
  const deployed = judgeDeployed(portfolio.deployed, { ...placeOf(portfolio, audited.ledger), reads: [] }, pins)
  const emptyState = compare('R28', 'context.emptyState', await stateRoot(emptyBook), context.emptyState)
  const { arrays, margins, witnesses } = audited.found
  const subjects = [
    {
      of: 'the record',
      claims: [...judgePlace(context, pins), emptyState, ...judgeVenuePin(record, pins), ...audited.unexplained],
    },
    ...models.map((model) => ({ of: `model ${model.name}`, claims: model.claims })),
    { of: 'policy', claims: judgePolicies(portfolio) },
    { of: 'rounds', claims: judgeAllRounds(record) },
    { of: 'reports', claims: judgeReports(record) },
    ...arrays.map(({ number, claims: own }) => ({ of: `array ${number}`, claims: own })),
    ...[...margins, ...witnesses].filter(isOf(record)).flatMap((each) => subjectsOf('evidence against', each)),
    { of: 'the evidence', claims },
    { of: 'the round of the liquidation', claims: judgeRoundTaken(record, audited) },
    { of: 'what was taken', claims: takenClaims },
    ...deployedSubjects(deployed),
    { of: `OptionsVenue ${venue.contract.address}`, claims: judgeVenue(record, priceScale) },
  ].map(({ of, claims: own }) => ({ of, ...summarise(own.filter(({ claim }) => claim !== COUNTED)) }))
  const failure = firstFailureOf(subjects)
  return {
    kind: 'receipt',
    accepted: failure === undefined && evidence !== undefined,
    pinned: isPinned(pins) && pins.venue !== undefined,
    chainId: context.chainId,
    venue: venue.contract.address,
    registry: context.registry,
    ...{ liquidation, priceScale, evidence, subjects },
    taken: { ...taken, ...summarise(takenClaims) },
    otherReporters: reportersOf(record).filter((each) => each !== venue.contract.address),
    hidden: hiddenIn(record),
    ...(failure === undefined ? {} : { failure }),
  }
}

function hiddenIn({ liquidation: { calldata, transactionHash }, portfolio }: ReceiptRecord): readonly string[] {
  const proving = portfolio.transactions.filter(({ calls }) => calls === null).map(({ hash }) => hash)
  return [...new Set([...proving, ...(calldata === null ? [transactionHash] : [])])]
}

/** Whether an account was counted in the open interest is nothing that its liquidation rests on, and takes all accounts. */
const COUNTED = 'R91'

const isOf =
  ({ liquidation: { receipt } }: ReceiptRecord) =>
  ({ account, asOf }: Pick<MarginReport | WitnessReport, 'account' | 'asOf'>): boolean =>
    account === receipt.key && asOf === receipt.asOf

const judgeVenuePin = ({ venue, liquidation, portfolio }: ReceiptRecord, { venue: pinned }: ReceiptPins) => [
  compare('A3', 'venue.address', pinned ?? venue.contract.address, venue.contract.address),
  compare('A24', 'context.toBlock', liquidation.block, portfolio.context.toBlock),
]

const judgeAllRounds = ({ portfolio }: ReceiptRecord): readonly ClaimResult[] => [
  ...judgeRounds(portfolio),
  ...portfolio.rounds.flatMap((round, i) => judgeSignatures(round, i, portfolio)),
]

/** From the one that the evidence is about to the one that the liquidation left, none is missing. */
function judgeReports({ portfolio, liquidation }: ReceiptRecord): readonly ClaimResult[] {
  const { key, sequence } = liquidation.receipt
  const own = portfolio.reports.filter(({ account }) => account === key)
  const first = own[0]?.sequence ?? 0n
  return [
    ...own.map((each, i) => compare('R27', `reports[${i}].sequence`, first + BigInt(i), each.sequence)),
    compare('R27', 'reports.length', sequence + 1n - first + 1n, BigInt(own.length)),
  ]
}

/** A24: the venue's event names evidence that the registry took before, and says of it what was proven. */
function judgeEvidence(
  record: ReceiptRecord,
  { ledger, found }: Audited,
): { readonly claims: readonly ClaimResult[]; readonly evidence: Evidence | undefined } {
  const { receipt } = record.liquidation
  const kind = receipt.scenario === BY_WITNESS ? 'witness' : 'margins'
  const proofs: readonly (MarginReport | WitnessReport)[] = kind === 'witness' ? found.witnesses : found.margins
  const proof = proofs.findLast(isOf(record))
  const said = proof && saidIn(record, proof)
  const report = record.portfolio.reports.find(
    (each) => each.account === receipt.key && each.sequence === proof?.sequence,
  )
  const { policy } = ledger
  if (proof === undefined || said === undefined || report === undefined || policy === undefined) {
    const expected = `${kind} that show ${receipt.key} below maintenance at round ${receipt.asOf}`
    return { claims: [compare('A24', 'receipt.asOf', expected, 'none')], evidence: undefined }
  }
  const claims: ClaimResult[] = [
    compare('A24', 'receipt.scenario', kind === 'witness' ? BY_WITNESS : said.scenario, receipt.scenario),
    compare('A24', 'receipt.marginE8', kind === 'witness' ? 0n : said.shownE8, receipt.marginE8),
    compare('A24', 'receipt.sequence', true, proof.sequence <= receipt.sequence && receipt.sequence > 0n),
    compare('A24', 'evidence.block', true, proof.block <= record.liquidation.block),
    holdsIf(said.shownE8 < 0n, 'A24', 'evidence.maintenanceE8', 'below 0', said.shownE8),
  ]
  try {
    const parts = {
      pricingPolicy: pricingPolicyOf(policy.words),
      marginPolicy: marginPolicyOf(policy.words),
      round: roundMarketOf(said.marketWords),
      positions: report.positions.map((word) => unpack('optionPosition', word)),
      holdings: holdingsOf(report),
    }
    const provable = marginInArrays(parts, pricedAt(ledger, receipt.asOf), sizes)
    claims.push(...judgeStanding(provable, kind, said))
    const scenario = {
      index: Number(said.scenario),
      words: namedScenarios(provable)[Number(said.scenario)]?.words ?? '',
    }
    const { asOf, sequence, block, transactionHash } = proof
    const shown = { kind, asOf, sequence, block, transactionHash, scenario, shownE8: said.shownE8 } as const
    const evidence = { ...shown, provable, cashNeededE12: cashNeeded(provable), ...summarise(claims) }
    return { claims, evidence }
  } catch (error) {
    claims.push(failed('A24', 'account', error))
    return { claims, evidence: undefined }
  }
}

/** What restores the initial margin, or maintenance where that is less; a witness does not say. */
function shortOf({ kind, provable: { margin } }: Evidence): Pick<Shown, 'shortE12'> {
  if (kind === 'witness') return { shortE12: undefined }
  const { initialE8, maintenanceE8 } = margin
  return { shortE12: -(initialE8 < maintenanceE8 ? initialE8 : maintenanceE8) * CASH_PER_MARGIN }
}

/** As margins were proven with. */
const sizes: MarginSizes = {
  strikes: sizeOf(buildsOf('riskArray')[0] as ReturnType<typeof buildsOf>[number], 'strikes'),
  segments: sizeOf(buildsOf('optionBook')[0] as ReturnType<typeof buildsOf>[number], 'segments'),
  expiries: sizeOf(buildsOf('optionBook')[0] as ReturnType<typeof buildsOf>[number], 'expiries'),
}

const pricedAt = ({ arrays }: Audited['ledger'], asOf: bigint): readonly PricedSurface[] =>
  [...arrays.values()].flatMap((each) => (each.asOf === asOf && each.priced !== undefined ? [each.priced] : []))

/** What a proof says of an account, in its calldata. */
type Said = { readonly scenario: bigint; readonly shownE8: bigint; readonly marketWords: readonly bigint[] }

function saidIn({ portfolio, liquidation }: ReceiptRecord, proof: MarginReport | WitnessReport): Said | undefined {
  const { key, asOf } = liquidation.receipt
  const calls = portfolio.transactions.find(({ hash }) => hash === proof.transactionHash)?.calls ?? []
  for (const call of calls.map(decodeProvingCall)) {
    if (call === undefined || call.method === 'submitArrays' || call.round.asOf !== asOf) continue
    const { marketWords } = call.round
    if (isWitness(call)) {
      const { account, scenario, bound } = call.witness
      if (account === key) return { scenario, shownE8: unpack('maintenanceBound', bound).maintenanceE8, marketWords }
    } else {
      const own = call.accounts.find(({ held }) => held.account === key)
      const margins = own && unpack('accountMargins', own.margins)
      if (margins !== undefined) {
        return { scenario: margins.worstScenario, shownE8: margins.maintenanceE8, marketWords }
      }
    }
  }
  return undefined
}

/** The twin's account is the one that was proven. */
function judgeStanding(
  { account, round, marginPolicy, margin }: ProvableMargin,
  kind: Evidence['kind'],
  { scenario, shownE8 }: Said,
): readonly ClaimResult[] {
  if (kind === 'margins') {
    return [
      compare('L9', 'evidence.maintenanceE8', margin.maintenanceE8, shownE8),
      compare('L8', 'evidence.worstScenario', BigInt(margin.worstScenario), scenario),
    ]
  }
  const bound = unhealthyWitness(account, round, marginPolicy, Number(scenario))
  return [compare('L12', 'evidence.maintenanceE8', bound.maintenanceE8, shownE8)]
}

/** Least cash that brings maintenance to 0: what is short of it, and less than a unit of a margin below that. */
function cashNeeded({ account, round, marginPolicy, margin }: ProvableMargin): bigint {
  const isEnough = (cashE12: bigint): boolean => {
    const holdings = { ...account.holdings, cashE12: account.holdings.cashE12 + cashE12 }
    return accountMargin({ ...account, holdings }, round, marginPolicy).maintenanceE8 >= 0n
  }
  if (isEnough(0n)) return 0n
  const shortE12 = -margin.maintenanceE8 * CASH_PER_MARGIN
  let [below, enough] = [shortE12 - CASH_PER_MARGIN, shortE12]
  while (enough - below > 1n) {
    const middle = (below + enough) / 2n
    if (isEnough(middle)) enough = middle
    else below = middle
  }
  return enough
}

/** The liquidation was priced at the newest round that was published. */
function judgeRoundTaken({ liquidation }: ReceiptRecord, audited: Audited): readonly ClaimResult[] {
  const round = liquidateCallOf(liquidation.calldata)?.round
  if (round === undefined) return [compare('A25', 'calldata', 'the call that liquidated', 'none')]
  const { block, timestamp, transactionHash: hash } = liquidation
  const transaction = { block, hash, timestamp, calls: null, events: [] }
  const scene = { ...audited, transaction, place: liquidation }
  const { claims, freshness } = judgeScope(scene, round.asOf, round.marketWords, round.expiriesHash)
  return [...claims, ...freshness, compare('A25', 'round.asOf', audited.ledger.newestRound, round.asOf)]
}

const reportersOf = ({ portfolio }: ReceiptRecord): readonly string[] =>
  portfolio.deployed.council.roles
    .filter(({ id }) => id === VENUE_ROLE)
    .flatMap(({ members }) => members.map(({ account }) => account))

/** The venue is the one compiled here, of this registry and a token of these decimals, and may report. */
function judgeVenue(record: ReceiptRecord, priceScale: number): readonly ClaimResult[] {
  const { venue, portfolio } = record
  const { chainId, registry, arrays, marketId } = portfolio.context
  const { contract, orders, decimals } = venue
  const [perUnit, perCash] = [10n ** BigInt(Math.max(0, 12 - decimals)), 10n ** BigInt(Math.max(0, decimals - 12))]
  const made = madeIn('OptionsVenue', contract.code).map(({ address }) => address)
  const [registryWord, arraysWord] = [BigInt(registry), BigInt(arrays)]
  const may = reportersOf(record).includes(contract.address) ? 'may report' : 'may not report'
  return [
    judgeCode('venue', 'OptionsVenue', contract),
    ...judgeCreation('venue', 'OptionsVenue', contract),
    ...judgeImmutables('venue', 'OptionsVenue', contract, chainId, {
      'VenueAccounts.registry': registryWord,
      'VenueAccounts.arrays': arraysWord,
      'VenueAccounts.marketId': BigInt(marketId),
      'VenueAccounts.priceScale': BigInt.asUintN(256, BigInt(priceScale)),
      'VenueAccounts._cashPerUnit': perUnit,
      'VenueAccounts._unitsPerCash': perCash,
    }),
    ...compareLists('A8', 'venue.orders', made, [orders.address]),
    judgeCode('orders', 'VenueOrders', orders),
    ...judgeImmutables('orders', 'VenueOrders', orders, chainId, {
      'VenueOrders.venue': BigInt(contract.address),
      'VenueOrders.arrays': arraysWord,
    }),
    compare('A11', 'venue', 'may report', may),
  ]
}
