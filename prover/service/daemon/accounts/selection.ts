/**
 * What of accounts is proven next: of whom, of which round, over which arrays.
 *
 * An account is looked at by the twin at the newest round whose words are known. Who is below maintenance there is shown first.
 * Margins of the others are of a round that they were promised, once its arrays were begun for them, so that rounds that come
 * faster than arrays are proven starve nobody; else of the newest round whose arrays have their strikes already and whose spot
 * is where it is now; else of the newest.
 */
import { keepNewest } from '../../keepNewest.ts'
import { describeError } from '../../text/terminal.ts'
import { sizeOf } from '../../../../circuits/statements/index.ts'
import { RpcError } from '../../../registry/contractErrors.ts'
import type { ReportedAccount, ReportWords } from '../../../registry/portfolio/calldata.ts'
import type { PortfolioClient } from '../../../registry/portfolio/client.ts'
import { hasPositions } from '../../../registry/portfolio/openInterest.ts'
import { ARRAYS_PER_TRANSACTION } from '../portfolios/arrays.ts'
import { placesOf } from '../portfolios/margins.ts'
import { marginModelOf, type PortfolioModels, type PortfolioPlace } from '../portfolios/place.ts'
import { coverInOrder } from './cover.ts'
import { byUrgency, type Due, type DuePolicy, dueOf, type Looked } from './due.ts'
import type { AccountOnChain, AccountsOnChain, PublishedRound, Terms } from './ledger.ts'
import type { RoundBook } from './roundBook.ts'
import { type ArrayAt, positionsIn, RoundPrices, type Strikes } from './roundPrices.ts'
import { type AccountToMargin, arraysUnit, countUnit, marginsUnit, type Unit, witnessUnit } from './units.ts'

export type SelectionOptions = {
  readonly client: PortfolioClient
  readonly models: PortfolioModels
  readonly ledger: AccountsOnChain
  readonly rounds: RoundBook
  readonly policy: DuePolicy
  /** Spot may be so far from an earlier round's, as a fraction, that its arrays still serve. */
  readonly carryFraction: number
  /** A count is opened when the last one is so much older than the newest round; never by default. */
  readonly countEverySeconds?: number | undefined
  /** Is told of accounts that nothing can be proven of, once a report and reason. */
  readonly onLeftOut: (account: string, reason: string) => Promise<void> | void
}

/** What is on its way already. */
export type UnderWay = {
  readonly accounts: ReadonlySet<string>
  /** By the time of the round. */
  readonly arrays: ReadonlyMap<bigint, readonly Strikes[]>
  readonly isCountOpening: boolean
}

export type Queue = {
  /** Time of the newest round whose words are at hand; undefined without any. */
  readonly asOf: bigint | undefined
  /** Of a newer one whose words are not. */
  readonly wordless: bigint | undefined
  readonly due: readonly Pick<Due, 'reason'>[]
  readonly notLooked: number
}

/** Why work ends that did not land: in a word, for metrics, and for people. */
export type Dropped = { readonly code: string; readonly says: string }

/** Of the age and lag that a round may have, what is left for proving and landing when something is begun. */
const RESERVE = 4n
/** Rounds that are looked through for words. */
const RECENT = 16
/** Accounts that are looked through for those that may go along with the first. */
const MOST_ALONG = 64
const MOST_PRICED = 4
/** Looking goes on in the next turn after this time, and lets others run after every slice of it. */
const LOOKING_MS = 400
const SLICE_MS = 25

/** Reports of accounts about which something is remembered. */
const MOST_REMEMBERED = 100_000

type LookedAt = { readonly roundId: string; readonly sequence: bigint; readonly looked: Looked }

export class Selection {
  private readonly options: SelectionOptions
  private readonly priced = new Map<string, RoundPrices>()
  private readonly looks = new Map<string, LookedAt>()
  /** Rounds whose arrays were begun for an account, by its report. */
  private readonly promised = new Map<string, bigint>()
  /** Reports that nothing can be proven of in a round, and what was last told of each. */
  private readonly leftOut = new Map<string, string>()
  private readonly told = new Map<string, string>()
  /** Proven alone, for a batch with them has failed. */
  private readonly alone = new Set<string>()
  /** Accounts that go into one piece of work. */
  private most = Number.POSITIVE_INFINITY
  private readonly counted = new Set<string>()
  /** Reports that the count under way needs, and what had landed of its round when the chain was asked. */
  private readonly asked = new Map<string, { readonly sequence: bigint; readonly batches: string }>()
  private countedOf = 0n
  private countedIn = 0
  private takesArrayMargins = false
  private last: Queue = { asOf: undefined, wordless: undefined, due: [], notLooked: 0 }

  constructor(options: SelectionOptions) {
    this.options = options
  }

  /** As it stood when something was last chosen. */
  get queue(): Queue {
    return this.last
  }

  /** The next piece of work; undefined if nothing is worth one. */
  async next(terms: Terms, underWay: UnderWay): Promise<Unit | undefined> {
    const { ledger, rounds } = this.options
    this.takesArrayMargins = terms.takesArrayMargins
    const known = this.knownRounds(terms)
    const [newest] = known
    const [latest] = ledger.rounds
    const wordless = latest !== undefined && rounds.wordsOf(latest) === undefined ? latest.asOf : undefined
    if (newest === undefined) {
      this.last = { asOf: undefined, wordless, due: [], notLooked: 0 }
      return this.countedUnit(terms, underWay)
    }
    const notLooked = await this.lookAtAll(newest)
    const due = this.dueAt(newest, terms)
    this.last = { asOf: newest.round.asOf, wordless, due, notLooked }
    const free = due.filter(({ account }) => !underWay.accounts.has(account.account))
    return (
      (await this.unitOf(free, known, terms, underWay)) ??
      (await this.countedUnit(terms, underWay)) ??
      this.opening(newest, terms, underWay)
    )
  }

  /** Why a piece of work is not worth going on with; undefined if it is. */
  reasonToDrop(
    { prices, kind, accounts }: Pick<Unit, 'prices' | 'kind' | 'accounts'>,
    terms: Terms,
  ): Dropped | undefined {
    if (prices.policyVersion !== terms.policyVersion) return { code: 'policy', says: 'another policy is in force' }
    const { ledger } = this.options
    const isOfCount = prices.round.asOf === this.countedOf
    if (!isOfCount && !this.isFresh(prices.round.asOf, terms, 0n))
      return { code: 'overtaken', says: 'later rounds have overtaken its own' }
    const isOld = ({ account, sequence }: Unit['accounts'][number]) => ledger.account(account)?.sequence !== sequence
    if (kind === 'margins' && !isOfCount && accounts.every(isOld))
      return { code: 'reported-anew', says: 'its accounts were reported anew' }
    return undefined
  }

  /** Later rounds came before these margins were proven: fewer of them are proven sooner. */
  tookTooLong(accounts: Unit['accounts']): void {
    this.most = Math.max(1, Math.floor(accounts.length / 2))
  }

  /** Margins of as many landed together: one more is tried again. */
  landed(accounts: Unit['accounts']): void {
    if (accounts.length >= this.most) this.most = accounts.length + 1
  }

  /** A batch with these has failed: each is tried by itself, and left out until it is reported anew if it fails there. */
  async suspect(accounts: Unit['accounts'], { round }: RoundPrices, reason: string): Promise<void> {
    const [first] = accounts
    for (const { account } of accounts) this.alone.add(account)
    if (first === undefined || accounts.length > 1) return
    await this.leave(first, this.roundIdOf(round.asOf), reason)
  }

  private roundIdOf(asOf: bigint): string {
    return this.options.ledger.rounds.find((each) => each.asOf === asOf)?.roundId ?? ''
  }

  /** Fresh rounds whose words are at hand, newest first. */
  private knownRounds(terms: Terms): readonly RoundPrices[] {
    const recent = this.options.ledger.rounds.slice(0, RECENT)
    return recent
      .filter(({ asOf }) => this.isFresh(asOf, terms, RESERVE))
      .flatMap((round) => this.pricesOf(round, terms) ?? [])
  }

  /** @param reserve - share of age and lag that must be left; 0: none */
  private isFresh(asOf: bigint, { time, freshness }: Terms, reserve: bigint): boolean {
    const { maxRoundAgeSeconds: age, maxRoundLagSeconds: lag } = freshness
    const newest = this.options.ledger.rounds[0]?.asOf ?? 0n
    const left = (limit: bigint): bigint => (reserve === 0n ? limit : limit - limit / reserve)
    return asOf + left(age) >= time && asOf + left(lag) >= newest
  }

  private pricesOf(published: PublishedRound, terms: Terms): RoundPrices | undefined {
    const key = `${published.roundId} ${terms.policyVersion}`
    const known = this.priced.get(key)
    if (known !== undefined) return known
    const round = this.options.rounds.wordsOf(published)
    if (round === undefined) return undefined
    const prices = new RoundPrices(round, terms)
    this.priced.set(key, prices)
    keepNewest(this.priced, MOST_PRICED)
    return prices
  }

  /** Those with positions, whoever may be nearest to liquidation first. */
  private exposed(): readonly AccountOnChain[] {
    return this.options.ledger.accounts.filter(({ words }) => hasPositions(words))
  }

  /** Looks at whom nobody has looked at in this round; how many are left for the next turn. */
  private async lookAtAll(prices: RoundPrices): Promise<number> {
    const roundId = this.roundIdOf(prices.round.asOf)
    const isNew = ({ account, sequence }: AccountOnChain): boolean => {
      const known = this.looks.get(account)
      return known?.roundId !== roundId || known.sequence !== sequence
    }
    const waiting = this.exposed().filter((each) => isNew(each) && !this.isLeftOut(each, roundId))
    const before = (each: AccountOnChain): number => Number(this.looks.get(each.account)?.looked.maintenanceE8 ?? 0n)
    const sorted = waiting.toSorted((a, b) => before(a) - before(b))
    const began = performance.now()
    let slice = began
    for (const [i, account] of sorted.entries()) {
      await this.lookAt(account, prices, roundId)
      const now = performance.now()
      if (now - began > LOOKING_MS) return sorted.length - i - 1
      if (now - slice < SLICE_MS) continue
      slice = now
      await new Promise((resolve) => setImmediate(resolve))
    }
    return 0
  }

  private async lookAt(account: AccountOnChain, prices: RoundPrices, roundId: string): Promise<void> {
    try {
      const { maintenanceE8 } = prices.look(account.words).margin
      this.looks.set(account.account, { roundId, sequence: account.sequence, looked: { maintenanceE8 } })
    } catch (error) {
      await this.leave(account, roundId, describeError(error).message)
    }
  }

  private isLeftOut({ account, sequence }: ReportedAccount, roundId: string): boolean {
    return this.leftOut.has(`${account} ${sequence} ${roundId}`)
  }

  private async leave({ account, sequence }: ReportedAccount, roundId: string, reason: string): Promise<void> {
    const report = `${account} ${sequence}`
    const isTold = this.told.get(report) === reason
    this.leftOut.set(`${report} ${roundId}`, reason)
    this.told.set(report, reason)
    for (const each of [this.leftOut, this.told]) keepNewest(each, MOST_REMEMBERED)
    if (!isTold) await this.options.onLeftOut(account, reason)
  }

  /** Of work for these nothing came; it may be for one that went along. @throws what a node is to blame for */
  private async blame([first, ...along]: readonly Due[], { round }: RoundPrices, error: unknown): Promise<void> {
    if (first === undefined || error instanceof RpcError) throw error
    const { account } = first
    const wasAlone = this.alone.has(account.account) || along.length === 0
    this.alone.add(account.account)
    if (wasAlone) await this.leave(account, this.roundIdOf(round.asOf), describeError(error).message)
  }

  /** Accounts that are worth a proof, the most urgent first. */
  private dueAt(newest: RoundPrices, terms: Terms): readonly Due[] {
    const { policy } = this.options
    const { asOf } = newest.round
    const roundId = this.roundIdOf(asOf)
    const { maxMarginAgeSeconds } = terms.freshness
    const given = { time: terms.time, maxMarginAgeSeconds, asOf, spotE8: newest.market.spotE8, policy }
    const due = this.exposed().flatMap((account): readonly Due[] => {
      if (this.isLeftOut(account, roundId)) return []
      const at = this.looks.get(account.account)
      const looked = at?.roundId === roundId && at.sequence === account.sequence ? at.looked : undefined
      if (looked !== undefined && looked.maintenanceE8 < 0n && !account.isUnhealthy) {
        const says = 'it is below maintenance'
        return [{ account, reason: 'unhealthy', says, order: Number(looked.maintenanceE8) }]
      }
      const one = dueOf(account, looked, given)
      return one === undefined ? [] : [one]
    })
    return due.toSorted(byUrgency)
  }

  /** The first account that something can be begun for, with others that go along. */
  private async unitOf(
    due: readonly Due[],
    known: readonly RoundPrices[],
    terms: Terms,
    underWay: UnderWay,
  ): Promise<Unit | undefined> {
    for (const first of due) {
      const prices = this.roundFor(first, known, underWay)
      if (!(await this.isAtScale(first.account, prices, terms))) continue
      const others = due.filter((each) => each !== first).slice(0, MOST_ALONG)
      // Whom nobody had time to look at may hold what the round does not list.
      const along = others.filter(
        (each) => prices.lists(each.account.words) && this.roundFor(each, known, underWay) === prices,
      )
      const together = [first, ...along]
      try {
        return await this.unitAt(prices, together, underWay)
      } catch (error) {
        await this.blame(prices.lists(first.account.words) ? together : [first], prices, error)
      }
    }
    return undefined
  }

  private async isAtScale(account: AccountOnChain, { round }: RoundPrices, { priceScale }: Terms): Promise<boolean> {
    const reported = await this.options.client.account(account.account)
    if (reported.priceScale === priceScale) return true
    await this.leave(account, this.roundIdOf(round.asOf), 'it was reported at another scale of prices')
    return false
  }

  /** See the head of this file. */
  private roundFor({ account, reason }: Due, known: readonly RoundPrices[], underWay: UnderWay): RoundPrices {
    const [newest] = known as [RoundPrices, ...RoundPrices[]]
    const { margin, sequence, words } = account
    const isLater = ({ round: { asOf } }: RoundPrices): boolean =>
      margin === undefined || asOf > margin.asOf || (asOf === margin.asOf && sequence > margin.sequence)
    const promised = this.promised.get(`${account.account} ${sequence}`)
    const kept = known.find((prices) => prices.round.asOf === promised && isLater(prices))
    if (reason === 'unhealthy') return kept !== undefined && isBelow(kept, words) ? kept : newest
    if (kept !== undefined) return kept
    const spot = Number(newest.market.spotE8)
    const serves = (prices: RoundPrices): boolean => {
      const isNear = Math.abs(Number(prices.market.spotE8) / spot - 1) <= this.options.carryFraction
      return isLater(prices) && isNear && this.coverAt(prices, [words], underWay).missing.length === 0
    }
    return known.find(serves) ?? newest
  }

  private strikes(): number {
    const { riskArray } = this.options.models
    return riskArray === undefined ? 1 : sizeOf(riskArray.build, 'strikes')
  }

  private coverAt({ round }: RoundPrices, wanted: readonly ReportWords[], underWay: UnderWay, others = false) {
    const inForce = this.options.ledger.arraysOf(round.asOf).flatMap(({ expiry, strikesE8 }): readonly Strikes[] => {
      return strikesE8 === undefined ? [] : [{ expiry, strikesE8 }]
    })
    const atHand = [...inForce, ...(underWay.arrays.get(round.asOf) ?? [])]
    const rest = others ? this.exposed().flatMap(({ words }) => positionsIn(words)) : []
    return coverInOrder(wanted.map(positionsIn), atHand, rest, this.strikes())
  }

  /** Arrays that the first account lacks, or its witness, or its margins with those of others. */
  private async unitAt(prices: RoundPrices, due: readonly Due[], underWay: UnderWay): Promise<Unit | undefined> {
    const [first] = due as readonly [Due, ...Due[]]
    const place = this.placeAt(prices)
    if (this.coverAt(prices, [first.account.words], underWay).missing.length > 0)
      return this.arraysFor(place, prices, due, underWay)
    const own = await this.toMargin(first.account, prices, underWay)
    if (first.reason === 'unhealthy') {
      const scenario = prices.look(first.account.words).margin.worstScenario
      const shown = witnessUnit(place, prices, own, scenario, toldOf([first]))
      if (shown !== undefined) return shown
    }
    const batch = await this.batchOf(prices, due, underWay)
    const given = await Promise.all(batch.map(({ account }) => this.toMargin(account, prices, underWay)))
    return marginsUnit(place, prices, given, toldOf(batch))
  }

  private placeAt({ round }: RoundPrices): PortfolioPlace {
    const { client, models } = this.options
    const { arrayMargin, ...others } = models
    return { client, models: this.takesArrayMargins ? models : others, round }
  }

  /** As many arrays as a transaction takes, for the most urgent accounts; the round is theirs from here on. */
  private async arraysFor(
    place: PortfolioPlace,
    prices: RoundPrices,
    due: readonly Due[],
    underWay: UnderWay,
  ): Promise<Unit> {
    const taken: Due[] = []
    let cover = this.coverAt(prices, [], underWay)
    for (const each of due) {
      const wanted = [...taken, each].map(({ account }) => account.words)
      const more = this.coverAt(prices, wanted, underWay, true)
      if (taken.length > 0 && more.missing.length > ARRAYS_PER_TRANSACTION) break
      cover = more
      taken.push(each)
    }
    for (const { account } of taken) this.promised.set(`${account.account} ${account.sequence}`, prices.round.asOf)
    keepNewest(this.promised, MOST_REMEMBERED)
    const arrays = await Promise.all(cover.missing.map((strikes) => prices.array(strikes)))
    const summary = `${arrays.length} array${arrays.length === 1 ? '' : 's'}`
    return arraysUnit(place, prices, arrays, { ...toldOf(taken), summary })
  }

  private async toMargin(account: AccountOnChain, prices: RoundPrices, underWay: UnderWay): Promise<AccountToMargin> {
    const { words, sequence } = account
    const { arrays } = this.coverAt(prices, [words], underWay)
    const priced: readonly ArrayAt[] = await Promise.all(arrays.map((strikes) => prices.array(strikes)))
    return { account: account.account, sequence, words, arrays: priced }
  }

  /** Accounts that are proven together: of the first one's round, over arrays that are at hand. */
  private async batchOf(prices: RoundPrices, due: readonly Due[], underWay: UnderWay): Promise<readonly Due[]> {
    const [first] = due as readonly [Due, ...Due[]]
    if (this.alone.has(first.account.account)) return [first]
    const places = Math.min(placesOf(marginModelOf(this.options)), this.most)
    const batch: Due[] = [first]
    for (const each of due.slice(1)) {
      if (batch.length >= places) break
      if (each.reason === 'unhealthy' || this.alone.has(each.account.account)) continue
      if (this.coverAt(prices, [each.account.words], underWay).missing.length > 0) continue
      const reported = await this.options.client.account(each.account.account)
      const of = await this.options.client.account(first.account.account)
      if (reported.priceScale === of.priceScale) batch.push(each)
    }
    return batch
  }

  /** Of the count under way, accounts that it still needs. */
  private async countedUnit(terms: Terms, underWay: UnderWay): Promise<Unit | undefined> {
    const { client, ledger, models } = this.options
    const count = models.portfolioMargin && (await client.countUnderWay())
    if (count === undefined || count.policyVersion !== terms.policyVersion) return undefined
    // A reorganisation may have undone what had been counted, and bring the same count anew.
    if (count.asOf !== this.countedOf || ledger.readings !== this.countedIn) {
      this.counted.clear()
      this.asked.clear()
    }
    this.countedOf = count.asOf
    this.countedIn = ledger.readings
    const published = ledger.rounds.find(({ asOf }) => asOf === count.asOf)
    const prices = published && this.pricesOf(published, terms)
    if (prices === undefined) return undefined
    const needed = await this.neededOf(prices, underWay)
    if (needed.length === 0) return undefined
    const due = needed.map((account): Due => {
      return { account, reason: 'count', says: 'the count under way needs it', order: account.reportedIn }
    })
    try {
      return await this.unitAt(prices, due, underWay)
    } catch (error) {
      await this.blame(due, prices, error)
      return undefined
    }
  }

  /** As many as are proven together, of those of which anything can be. */
  private async neededOf(prices: RoundPrices, underWay: UnderWay): Promise<readonly AccountOnChain[]> {
    const { ledger } = this.options
    const { asOf } = prices.round
    const roundId = this.roundIdOf(asOf)
    const needed: AccountOnChain[] = []
    for (const account of this.options.ledger.accounts) {
      const { account: address } = account
      if (this.counted.has(address) || underWay.accounts.has(address)) continue
      const sequence = await this.askedOf(account, asOf, roundId)
      const words = ledger.report(address, sequence)
      if (sequence === 0n) this.counted.add(address)
      else if (words !== undefined) {
        const wanted = { ...account, sequence, words }
        if (await this.isProvable(wanted, prices, roundId)) needed.push(wanted)
      }
      if (needed.length === placesOf(marginModelOf(this.options))) break
    }
    return needed
  }

  /**
   * Report of an account that the count needs, 0 if none. The chain is asked of each that may have had positions, and again only where a
   * batch of the round has landed since, which may have counted it.
   */
  private async askedOf({ account }: AccountOnChain, asOf: bigint, roundId: string): Promise<bigint> {
    const { client, ledger } = this.options
    if (!ledger.mayBeCounted(account)) return 0n
    const known = this.asked.get(account)
    const batches = ledger.batchesOf(asOf)
    // Of one of which nothing can be proven nobody has counted anything.
    if (known !== undefined && (known.batches === batches || this.isLeftOut({ account, ...known }, roundId)))
      return known.sequence
    const sequence = await client.reportToCount(account)
    this.asked.set(account, { sequence, batches })
    return sequence
  }

  private async isProvable(account: AccountOnChain, prices: RoundPrices, roundId: string): Promise<boolean> {
    if (this.isLeftOut(account, roundId)) return false
    try {
      prices.look(account.words)
      return true
    } catch (error) {
      await this.leave(account, roundId, describeError(error).message)
      return false
    }
  }

  private async opening(newest: RoundPrices, terms: Terms, { isCountOpening }: UnderWay): Promise<Unit | undefined> {
    const { client, countEverySeconds, models } = this.options
    if (countEverySeconds === undefined || models.portfolioMargin === undefined || isCountOpening) return undefined
    const { asOf } = newest.round
    if ((await client.countUnderWay()) !== undefined) return undefined
    if (asOf < (await client.lastCounted()) + BigInt(countEverySeconds)) return undefined
    if (!this.isFresh(asOf, terms, RESERVE)) return undefined
    const told = {
      trigger: `count: every ${countEverySeconds} s`,
      summary: 'a count of all accounts',
      since: Date.now(),
    }
    return countUnit(this.placeAt(newest), newest, told)
  }
}

const isBelow = (prices: RoundPrices, words: ReportWords): boolean => prices.look(words).margin.maintenanceE8 < 0n

function toldOf(due: readonly Due[]): Pick<Unit, 'trigger' | 'summary' | 'since'> {
  const [first] = due as readonly [Due, ...Due[]]
  const others = due.length === 1 ? '' : ` and ${due.length - 1} more`
  return {
    trigger: `${first.reason}: ${first.account.account}: ${first.says}`,
    summary: `${first.account.account}${others}`,
    since: Math.min(...due.map(({ account }) => account.seenAt)),
  }
}
