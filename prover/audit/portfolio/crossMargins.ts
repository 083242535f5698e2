/** Margins over several markets, derived again: books of each market, then the account over all of them. */
import { ZeroHash } from 'ethers'
import { COLLATERALS, sizeOf } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { marketNameOf } from '../../market/marketId.ts'
import type { ProvableMargin } from '../../portfolio/accountMargin.ts'
import {
  type CrossAccount,
  type CrossMargin,
  type CrossMarket,
  type CrossPolicy,
  pooled,
} from '../../portfolio/crossMargin.ts'
import { type AccountMargin, accountMargin, type AccountState } from '../../portfolio/margin.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { crossSubjectOf, partSubjectOf } from '../../registry/portfolio/cross.ts'
import { stateCrossMargins } from '../../statement/crossMargins.ts'
import { unpack } from '../../statement/words.ts'
import { failed, summarise } from '../findings.ts'
import type { UsableKey } from '../models.ts'
import type { Place } from '../nodeReads.ts'
import { type FoldedBooks, foldBooks, judgeBookCount, readBooks, type Reader } from './books.ts'
import { holdingsOf, marginPolicyOf, pricingPolicyOf, roundMarketOf } from './calls.ts'
import { compareLists, compareWord, holdsIf } from './comparisons.ts'
import { type CrossItem, type CrossMarginsCall, crossPolicyOf } from './crossCalls.ts'
import type { CrossLedger } from './crossLedger.ts'
import type { CrossEvent, CrossRecord } from './crossRecord.ts'
import type { CrossMarginReport, CrossPartReport } from './crossReport.ts'
import { auditedLegs, worstOf } from './legs.ts'
import type { TransactionRecord } from './record.ts'
import { type Audited, judgeRound, judgeStatement, type Scene, type UsedModel, useModel } from './scene.ts'

/** One submission at its place. */
export type CrossScene = {
  readonly record: CrossRecord
  readonly ledger: CrossLedger
  readonly keys: ReadonlyMap<string, UsableKey>
  /** By market. */
  readonly markets: readonly Audited[]
  readonly margins: CrossMarginReport[]
  readonly transaction: Pick<TransactionRecord, 'block' | 'hash' | 'timestamp'>
  readonly place: Place
}

/** What an account's books fold to in one market. */
type Part = FoldedBooks & { readonly holdings: bigint }

/** One account of a submission: what was said of it, and what follows. */
type Item = {
  readonly item: CrossItem
  readonly claims: readonly ClaimResult[]
  readonly parts: readonly Part[]
  /** Undefined if it cannot be derived. */
  readonly account: CrossAccount | undefined
  readonly event: CrossEvent | undefined
}

/** Of a submission, what all its accounts share. */
type Scope = {
  readonly claims: ClaimResult[]
  /** One scene a market. */
  readonly scenes: readonly Scene[]
  readonly roundIds: readonly string[]
  /** Time of the oldest round. */
  readonly oldest: bigint
}

/** Margins every account of a submission again, and explains each market leg by leg. */
export async function judgeCrossMargins(
  scene: CrossScene,
  call: CrossMarginsCall,
  events: readonly CrossEvent[],
): Promise<void> {
  const { ledger } = scene
  const { accounts, batch } = call
  const scope = scopeOf(scene, call)
  const [first] = scope.scenes
  if (first === undefined) return
  const model = useModel(first, batch.marginModelId, 'crossMargins')
  const reader = readBooks(first, call, batch.bookModelId)
  const items: Item[] = []
  for (const [i, item] of accounts.entries()) items.push(await itemOf(scene, call, scope, reader, item, events[i]))
  const subject = crossSubjectOf(scope.roundIds, accounts)
  scope.claims.push(
    ...model.claims,
    ...judgeBookCount(reader),
    ...accounts.slice(1).map(({ account }, i) => {
      const before = accounts[i]?.account ?? ''
      return holdsIf(BigInt(account) > BigInt(before), 'R105', `accounts[${i + 1}]`, `above ${before}`, account)
    }),
    ...judgeBatchEvent(events[accounts.length], scope.oldest, subject),
  )
  const margins = await stateBatch(scene, call, { ...scope, items, model, subject })
  const isNext = ({ item: { account, sequence } }: Item) => ledger.isNext(account, { asOf: scope.oldest, sequence })
  // A batch that puts nothing in force is refused: of a record that has one each account is told of.
  const applied = items.some(isNext) ? items.filter(isNext) : items
  for (const each of items.filter((one) => !applied.includes(one))) {
    scope.claims.push(...judgeSkipped(each, scope.oldest, margins?.[items.indexOf(each)]))
  }
  for (const each of applied)
    tellMargin(scene, call, scope, each, { isNext: isNext(each), margin: margins?.[items.indexOf(each)] })
  for (const { item } of applied) {
    const { account, sequence, margins: word } = item
    ledger.margins.set(account, { asOf: scope.oldest, sequence, margins: word })
  }
}

/** Rounds of all markets, each as its market asks, and near each other. */
function scopeOf(scene: CrossScene, { marketRounds }: CrossMarginsCall): Scope {
  const { markets, ledger, transaction, place } = scene
  const scenes = markets.map((market): Scene => ({ ...market, transaction, place }))
  const rounds = scenes.flatMap((each, m) => {
    const round = marketRounds[m]
    return round === undefined ? [] : [judgeRound(each, round)]
  })
  const times = marketRounds.map(({ asOf }) => asOf)
  const ascending = times.toSorted((a, b) => (a < b ? -1 : 1))
  const [oldest = 0n, newest = 0n] = [ascending[0], ascending.at(-1)]
  const most = ledger.policy?.maxRoundsApartSeconds ?? 0n
  return {
    scenes,
    roundIds: rounds.map(({ roundId }) => roundId),
    oldest,
    claims: [
      compare('R102', 'marketRounds.length', markets.length, marketRounds.length),
      holdsIf(ledger.policy !== undefined, 'R100', 'crossPolicy', 'a policy in force', 'none'),
      ...rounds.flatMap(({ claims, freshness }) => [...claims, ...freshness]),
      holdsIf(
        newest - oldest <= most,
        'R102',
        'marketRounds',
        `within ${most} s of each other`,
        `${newest - oldest} s`,
      ),
    ],
  }
}

/** Folds an account's books market by market, and holds them to the venue's report. */
async function itemOf(
  { ledger, markets }: CrossScene,
  call: CrossMarginsCall,
  { scenes, roundIds }: Scope,
  reader: Reader,
  item: CrossItem,
  event: CrossEvent | undefined,
): Promise<Item> {
  const report = ledger.reports.get(item.account)
  const scales = ledger.priceScales.get(item.account) ?? []
  const parts: Part[] = []
  const claims: ClaimResult[] = [
    compare('R103', 'arrays.length', markets.length, item.arrays.length),
    compare('R103', 'holdings.length', markets.length, item.holdings.length),
    ...ledger.markets.map(({ priceScale }, m) => compare('R101', `priceScales[${m}]`, priceScale, scales[m])),
  ]
  for (const [m, scene] of scenes.entries()) {
    const arrayCount = item.arrays[m] ?? 0n
    const subject = partSubjectOf(roundIds[m] ?? ZeroHash, item)
    const folded = await foldBooks(scene, { arrayCount, subject, asOf: call.marketRounds[m]?.asOf ?? 0n, reader })
    claims.push(...folded.claims)
    parts.push({ ...folded, holdings: item.holdings[m] ?? 0n })
  }
  // Of an earlier report nothing is put in force, and the contract has nothing left to compare with.
  if (item.sequence === (report?.sequence ?? 0n)) {
    claims.push(
      ...parts.flatMap(({ met }, m) => compareLists('R103', `positions[${m}]`, report?.positions[m] ?? [], met)),
      ...compareLists('R101', 'holdings', report?.holdings ?? [], item.holdings),
      ...compareLists('R101', 'collateralAmounts', report?.collateralAmounts ?? [], item.collateralAmounts),
    )
  }
  return { item, claims, parts, account: accountOf(item, parts, claims), event }
}

function accountOf(item: CrossItem, parts: readonly Part[], claims: ClaimResult[]): CrossAccount | undefined {
  try {
    const { collateralAmounts } = item
    const { collateralsE12 } = holdingsOf({ holdings: item.holdings[0] ?? 0n, collateralAmounts })
    const held = parts.flatMap(({ state, holdings }) =>
      state === undefined ? [] : [{ book: state, holdings: unpack('holdings', holdings) }],
    )
    return held.length < parts.length ? undefined : { parts: held, collateralsE12 }
  } catch (error) {
    claims.push(failed('R101', 'holdings', error))
    return undefined
  }
}

/** Rounds and policies of the markets. @throws {@link WordOutOfRangeError} */
const marketsOf = ({ ledger }: CrossScene, { marketRounds }: CrossMarginsCall): readonly CrossMarket[] =>
  ledger.markets.map(({ policy }, m) => ({
    round: roundMarketOf(marketRounds[m]?.marketWords ?? []),
    policy: marginPolicyOf(policy?.words ?? []),
  }))

/** @throws {@link WordOutOfRangeError} */
const policyOf = ({ ledger, markets }: CrossScene): CrossPolicy =>
  crossPolicyOf(ledger.policy?.words ?? [], markets.length)

type Batch = Scope & { readonly items: readonly Item[]; readonly model: UsedModel; readonly subject: string }

/** States the batch with the twin, and holds what belongs to no single account to it; undefined if it cannot be stated. */
async function stateBatch(
  scene: CrossScene,
  call: CrossMarginsCall,
  { claims, items, model: { build, verificationKey }, subject }: Batch,
): Promise<readonly CrossMargin[] | undefined> {
  const { batch, marketRounds, marginProof } = call
  const accounts = items.flatMap(({ account }) => (account === undefined ? [] : [account]))
  const isWhole = accounts.length === items.length && marketRounds.length === scene.markets.length
  if (build === undefined || verificationKey === undefined || !isWhole) {
    claims.push(compare('J1', 'margins', 'margins that can be derived', 'an account without a book, key or round'))
    return undefined
  }
  try {
    const { chainId, registry } = scene.record.context
    const context = { chainId, registry, modelId: batch.marginModelId, subject: [subject] }
    claims.push(compare('R102', 'model.markets', sizeOf(build, 'markets'), scene.markets.length))
    const { stated, margins } = await stateCrossMargins(
      build,
      context,
      accounts,
      marketsOf(scene, call),
      policyOf(scene),
    )
    const empty = stated.sections.margins?.[items.length]
    if (empty !== undefined) claims.push(compare('L30', 'emptyMargins', empty, batch.emptyMargins))
    claims.push(...(await judgeStatement('batch', stated, batch.commitment, marginProof, verificationKey)))
    return margins
  } catch (error) {
    claims.push(failed('L30', 'margins', error))
    return undefined
  }
}

function judgeBatchEvent(event: CrossEvent | undefined, asOf: bigint, subject: string): readonly ClaimResult[] {
  const found = event?.name === 'CrossMarginsAccepted' ? event : undefined
  return [
    compare('J1', 'CrossMarginsAccepted.asOf', asOf, found?.asOf),
    compare('J1', 'CrossMarginsAccepted.subject', subject, found?.subject),
  ]
}

const compareMargin = ({ item }: Item, margin: CrossMargin | undefined): readonly ClaimResult[] =>
  margin === undefined ? [] : compareWord('L30', 'margins', 'crossMargins', margin.margins, item.margins)

/** Of an account that had these margins already, or later ones, or was reported anew: a part of what was proven all the same. */
function judgeSkipped(each: Item, asOf: bigint, margin: CrossMargin | undefined): readonly ClaimResult[] {
  const { item, claims, event } = each
  const found = event?.name === 'CrossMarginSkipped' ? event : undefined
  return [
    ...claims,
    compare('R105', 'CrossMarginSkipped.account', item.account, found?.account),
    compare('R105', 'CrossMarginSkipped.asOf', asOf, found?.asOf),
    compare('R105', 'CrossMarginSkipped.sequence', item.sequence, found?.sequence),
    ...compareMargin(each, margin),
  ]
}

function judgeMarginEvent({ item, event }: Item, asOf: bigint): readonly ClaimResult[] {
  const found = event?.name === 'CrossMarginProven' ? event : undefined
  return [
    compare('J1', 'CrossMarginProven.account', item.account, found?.account),
    compare('J1', 'CrossMarginProven.margins', item.margins, found?.margins),
    compare('J1', 'CrossMarginProven.asOf', asOf, found?.asOf),
    compare('R105', 'CrossMarginProven.sequence', item.sequence, found?.sequence),
  ]
}

function tellMargin(
  scene: CrossScene,
  call: CrossMarginsCall,
  { claims: shared, oldest }: Scope,
  each: Item,
  { isNext, margin }: { readonly isNext: boolean; readonly margin: CrossMargin | undefined },
): void {
  const { item, parts, claims } = each
  const { account, sequence } = item
  const names = scene.record.markets.map(({ marketId }) => marketNameOf(marketId))
  scene.margins.push({
    ...{ account, sequence, asOf: oldest, block: scene.transaction.block, transactionHash: scene.transaction.hash },
    books: parts.flatMap(({ books }, m) => books.map((book) => ({ ...book, market: names[m] ?? '' }))),
    ...summarise([
      ...claims,
      holdsIf(isNext, 'R105', 'margin', 'a later one', sequence),
      ...judgeMarginEvent(each, oldest),
      ...shared,
      ...compareMargin(each, margin),
    ]),
    ...(margin === undefined
      ? { parts: [] }
      : {
          initialE8: margin.margins.initialE8,
          maintenanceE8: margin.margins.maintenanceE8,
          spreadCredit: creditOf(margin),
          parts: partReports(scene, call, each, names),
        }),
  })
}

/** Of M, which are 2^32 units of 1e-20, times 2^80. */
const creditOf = ({ creditMX80 }: CrossMargin): number => Number(creditMX80 >> 48n) / 1e20

/** Each market's worst scenario, and what its legs add to it. */
function partReports(
  scene: CrossScene,
  call: CrossMarginsCall,
  { parts, account }: Item,
  names: readonly string[],
): readonly CrossPartReport[] {
  const [markets, policy] = [marketsOf(scene, call), policyOf(scene)]
  return parts.map((part, m) => {
    const named = { market: names[m] ?? '' }
    const market = pooled(markets[m] as CrossMarket, markets[0] as CrossMarket)
    const words = scene.ledger.markets[m]?.policy?.words ?? []
    const counted = Array.from({ length: COLLATERALS }, (_, i) =>
      policy.collateralMarkets[i] === BigInt(m) ? (account?.collateralsE12[i] ?? 0n) : 0n,
    )
    const state = account?.parts[m] as CrossAccount['parts'][number]
    const own = { book: state.book, holdings: { ...state.holdings, collateralsE12: counted } }
    const margin = marginAlone(own, market)
    if (margin === undefined) return { ...named, legs: [] }
    const derived: ProvableMargin = {
      pricingPolicy: pricingPolicyOf(words),
      marginPolicy: market.policy,
      round: market.round,
      arrays: part.arrays,
      positions: part.positions,
      chain: { shards: part.shards, final: state.book },
      account: own,
      margin,
    }
    const scale = Number(scene.ledger.markets[m]?.priceScale ?? 0n)
    return { ...named, ...worstOf(derived), legs: auditedLegs(named.market, derived, scale) }
  })
}

/** As if a market were all of the account; undefined where that is out of what a margin can say, which the whole need not be. */
function marginAlone(state: AccountState, { round, policy }: CrossMarket): AccountMargin | undefined {
  try {
    return accountMargin(state, round, policy)
  } catch (error) {
    if (error instanceof ProverError || error instanceof RangeError) return undefined
    throw error
  }
}
