/** A crash minute by minute: arbitrage, oracle, engine, round, orders, evidence, auctions, hedge; and what it came to. */
import { MarketEngine, marketOf } from './engine.ts'
import { cashAt, e8, exposureOf, type Holder, marginAt, notionalE12, ONE_BPS, type Priced } from './holders.ts'
import type { Outcome } from './outcome.ts'
import type { CrashSetting } from './setting.ts'
import { enginePolicyOf, type Variant } from './variants.ts'
import { CASH_UNIT_E12, type CrashVenue, type Evidence, LIQUIDATOR_CASH_E12, mostBps } from './venue.ts'

const MINUTE = 60n
/** What a liquidator wants at least, of the notional. */
const LEAST_GAIN = 0.002
const EVIDENCE_MINUTES = 3
const INFORMED_MINUTES = 5
/** Of the assets of all longs: what who knows the next price trades at once, the hedger's band, and its most in a minute. */
const [INFORMED, BAND, MOST_HEDGED] = [0.01, 0.005, 0.02]

type InformedOrder = { readonly order: Awaited<ReturnType<CrashVenue['place']>>; readonly assets: number }

export class CrashRun {
  readonly #at: CrashSetting
  readonly #variant: Variant
  readonly #engine: MarketEngine
  readonly #evidence = new Map<string, Evidence>()
  #observed: number
  #hedge: number
  #informed: InformedOrder | undefined
  #sums = { forcedSales: 0, forced: 0, hedger: 0, liquidators: 0, informed: 0 }
  #most = { pool: 0, observed: 0, maintenance: 0 }
  #unobserved = 0

  constructor(setting: CrashSetting, variant: Variant) {
    this.#at = setting
    this.#variant = variant
    this.#engine = new MarketEngine(enginePolicyOf(variant), setting.crash.before)
    this.#observed = setting.crash.minutes[0] as number
    this.#hedge = -exposureOf(this.#house, setting.venue.market as Priced).delta
  }

  get #house(): Holder {
    return this.#at.venue.holder(this.#at.venue.house)
  }

  #recorded = (minute: number): number => this.#at.crash.minutes[minute] as number

  async step(minute: number): Promise<void> {
    const { chain } = this.#at.contracts
    const asOf = BigInt(this.#at.crash.start) + MINUTE * BigInt(minute)
    await this.#arbitrage(minute)
    await chain.setTime(asOf)
    const market = await this.#observe(minute, asOf)
    if (this.#informed !== undefined) await this.#fillInformed(market)
    await this.#seekEvidence(market, minute)
    await this.#auction(market)
    await this.#rebalance(market)
    if (minute % INFORMED_MINUTES === 0 && minute + 1 < this.#at.crash.minutes.length)
      await this.#orderInformed(minute, asOf)
    this.#look(minute)
  }

  /** The pool follows the recorded price at once, and what forced sales did to it wears off. */
  async #arbitrage(minute: number): Promise<void> {
    const { pool, supposed } = this.#at
    const gap = Math.log(pool.price / this.#recorded(minute - 1))
    const left = gap * 2 ** (-Number(MINUTE) / supposed.recoverySeconds)
    await pool.moveTo(this.#recorded(minute) * Math.exp(left))
  }

  async #observe(minute: number, asOf: bigint): Promise<Priced> {
    const { pool, oracle, supposed, venue } = this.#at
    const recorded = this.#recorded(minute)
    const elsewhere = recorded * Math.exp(supposed.contagion * Math.log(pool.price / recorded))
    const prices = [elsewhere * 1.0001, elsewhere * 0.9999, pool.price].map(e8)
    const observed = this.#variant.without.has('median') ? prices[2] : await oracle.take(prices, asOf)
    const priceE8 = observed ?? e8(this.#observed)
    if (observed === undefined) this.#unobserved++
    else {
      const before = e8(this.#observed)
      const range = { lowE8: before < priceE8 ? before : priceE8, highE8: before < priceE8 ? priceE8 : before }
      this.#engine.observe(asOf, priceE8, range)
      this.#observed = Number(priceE8) / 1e8
    }
    return venue.publish(marketOf(asOf, priceE8, this.#engine.inForce, venue.expiry))
  }

  /** Accounts below maintenance are marked, proven and flagged; those that have recovered are proven too. */
  async #seekEvidence(market: Priced, minute: number): Promise<void> {
    const { venue } = this.#at
    const below: string[] = []
    const recovered: string[] = []
    for (const holder of venue.holders.values()) {
      if (isEndowed(holder) || (holder.perpsE12 === 0n && holder.positions.length === 0)) continue
      const isFine = isSurelyFine(holder, market, this.#engine.inForce.maintenance)
      const isBelow = !isFine && marginAt(holder, market).margin.maintenanceE8 < 0n
      const isFlagged = this.#evidence.has(holder.owner)
      if (!isBelow && isFlagged) recovered.push(holder.owner)
      if (isBelow && (!isFlagged || minute % EVIDENCE_MINUTES === 0)) below.push(holder.owner)
    }
    for (const [owner, evidence] of await venue.flag(below)) this.#evidence.set(owner, evidence)
    await venue.clear(recovered)
    for (const owner of recovered) this.#evidence.delete(owner)
  }

  /** Liquidators take what pays, in the order in which it was flagged, and sell it. */
  async #auction(market: Priced): Promise<void> {
    const { venue } = this.#at
    for (const owner of [...this.#evidence.keys()]) {
      const holder = venue.holder(owner)
      const bid = await this.#bidFor(holder, market)
      if (bid === undefined) continue
      const liquidator = await venue.enter('liquidator', LIQUIDATOR_CASH_E12)
      const taken = await venue.liquidate(owner, liquidator, bid.fractionBps)
      const cost = await this.#at.pool.trade(bid.assets)
      this.#sums.forcedSales++
      this.#sums.forced += Number(taken.notionalE12) / 1e12
      this.#sums.liquidators += bid.worth - (cost - bid.assets * this.#observed)
      this.#evidence.delete(owner)
    }
  }

  /** The greatest part that pays, of those that the venue lets go. */
  async #bidFor(holder: Holder, market: Priced) {
    const { venue, pool } = this.#at
    const bonusBps = await venue.bonusBpsOf(holder.owner)
    const whole = notionalE12(holder, market.priceE8)
    const most = mostBps(this.#evidence.get(holder.owner) as Evidence, whole, bonusBps)
    const budget = bonusBps < 0n ? await venue.budgetLeftE12() : whole
    const { delta, optionsValue } = exposureOf(holder, market)
    const cash = Number(cashAt(holder, market.priceE8)) / 1e12
    for (const cut of [1n, 2n, 4n]) {
      const affordable = (budget * ONE_BPS) / whole
      const fractionBps = min(most, affordable) / cut
      if (fractionBps < 100n && fractionBps < most) return undefined
      const part = Number(fractionBps) / 10_000
      const notional = (part * Number(whole)) / 1e12
      const worth = part * (cash + optionsValue) + (notional * Number(bonusBps)) / 10_000
      const assets = -part * delta
      const slip = pool.costOf(assets) - assets * this.#observed
      if (worth - slip >= LEAST_GAIN * notional) return { fractionBps, assets, worth }
    }
    return undefined
  }

  /** The house holds minus its delta in assets, within a band. */
  async #rebalance(market: Priced): Promise<void> {
    const { longs, pool } = this.#at
    const gap = -exposureOf(this.#house, market).delta - this.#hedge
    if (Math.abs(gap) < BAND * longs) return
    const assets = Math.sign(gap) * Math.min(Math.abs(gap), MOST_HEDGED * longs)
    const cost = await pool.trade(assets)
    this.#sums.hedger += cost - assets * this.#observed
    this.#hedge += assets
  }

  /** Who knows the next price orders as it will move; without the damper a round with the price of now fills it. */
  async #orderInformed(minute: number, asOf: bigint): Promise<void> {
    const { venue, longs, contracts } = this.#at
    const rises = this.#recorded(minute + 1) > this.#recorded(minute)
    const lots = BigInt(Math.round(INFORMED * longs * 10_000))
    const owner = [...venue.holders.values()].find(({ kind }) => kind === 'informed') as Holder
    const perpsE12 = (rises ? lots : -lots) * 10n ** 8n
    const order = await venue.place(owner.owner, { perpsE12, options: [], premiumE12: 0n })
    this.#informed = { order, assets: Number(perpsE12) / 1e12 }
    if (!this.#variant.without.has('nextObservation')) return
    await contracts.chain.setTime(asOf + 40n)
    await venue.publish(marketOf(asOf + 40n, e8(this.#observed), this.#engine.inForce, venue.expiry))
    await venue.fill(order)
    this.#filledAt = this.#observed
  }

  #filledAt: number | undefined

  /** Fills an order that waits, and says what it has gained by the price of this round. */
  async #fillInformed(market: Priced): Promise<void> {
    const { order, assets } = this.#informed as InformedOrder
    const price = Number(market.priceE8) / 1e8
    if (this.#filledAt === undefined) await this.#at.venue.fill(order)
    this.#sums.informed += assets * (price - (this.#filledAt ?? price))
    this.#filledAt = undefined
    this.#informed = undefined
  }

  #look(minute: number): void {
    const recorded = this.#recorded(minute)
    const { pool } = this.#at
    this.#most = {
      pool: Math.max(this.#most.pool, 1 - pool.price / recorded),
      observed: Math.max(this.#most.observed, 1 - this.#observed / recorded),
      maintenance: Math.max(this.#most.maintenance, this.#engine.inForce.maintenance),
    }
  }

  /** What the run has come to; debt and insurance as the venue's contract has them. */
  async outcome(minutes: number): Promise<Outcome> {
    const { venue, crash, contracts, insuranceE12 } = this.#at
    const names = ['badDebtE12', 'insuranceE12', 'clearingE12']
    const [debtE12 = 0n, leftE12 = 0n, clearingE12 = 0n]: readonly bigint[] = await Promise.all(
      names.map((name) => contracts.venue.getFunction(name)()),
    )
    const tokens: bigint = await contracts.cash.getFunction('balanceOf')(contracts.venue)
    const cashE12 = [...venue.holders.values()].reduce((sum, holder) => sum + holder.cashE12, 0n)
    const unaccountedE12 = tokens * CASH_UNIT_E12 - (cashE12 + leftE12 + clearingE12 - debtE12)
    const market = venue.market as Priced
    const owed = [...venue.holders.values()]
      .filter((holder) => !isEndowed(holder))
      .map((holder) => Number(cashAt(holder, market.priceE8)) / 1e12 + exposureOf(holder, market).optionsValue)
      .reduce((sum, equity) => sum + Math.max(0, -equity), 0)
    return {
      crash: crash.name,
      variant: this.#variant.name,
      minutes,
      openInterest: Number(this.#at.notionalE12) / 1e12,
      forcedSales: this.#sums.forcedSales,
      forcedNotional: this.#sums.forced,
      badDebt: Number(debtE12) / 1e12,
      insuranceUsed: Number(insuranceE12 - leftE12) / 1e12,
      unaccounted: Number(unaccountedE12) / 1e12,
      owed,
      poolOvershoot: this.#most.pool,
      observedOvershoot: this.#most.observed,
      hedgerCost: this.#sums.hedger,
      liquidatorsGain: this.#sums.liquidators,
      informedGain: this.#sums.informed,
      greatestMaintenance: this.#most.maintenance,
      unobserved: this.#unobserved,
      proofs: venue.proofs,
    }
  }
}

/** Whether somebody has more cash than could be lost: house, liquidators, and who knows the next price. */
const isEndowed = ({ kind }: Holder): boolean => kind === 'house' || kind === 'liquidator' || kind === 'informed'

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** Whether perpetuals alone have a tenth more than maintenance takes: then nothing exact need be computed. */
function isSurelyFine(holder: Holder, market: Priced, maintenance: number): boolean {
  if (holder.positions.length > 0) return false
  const cash = Number(cashAt(holder, market.priceE8)) / 1e12
  return cash > (1.1 * maintenance * Number(notionalE12(holder, market.priceE8))) / 1e12
}
