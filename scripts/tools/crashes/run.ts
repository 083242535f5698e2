/** A crash minute by minute: arbitrage, oracle, engine, round, orders, evidence, auctions, count and hedge; and what it came to. */
import type { RoundWords } from '../../../prover/registry/index.ts'
import { MarketEngine, marketOf } from './engine.ts'
import { BAND, type Hedged } from './hedger.ts'
import { cashAt, e8, exposureOf, type Holder, marginAt, notionalE12, ONE_BPS, type Priced } from './holders.ts'
import { attacked, Forerunner } from './hostile.ts'
import type { Observed } from './oracle.ts'
import type { Outcome } from './outcome.ts'
import type { Evidence } from './roundProofs.ts'
import type { CrashSetting } from './setting.ts'
import { enginePolicyOf, type Variant } from './variants.ts'
import { CASH_UNIT_E12, type CrashVenue, LIQUIDATOR_CASH_E12, mostBps } from './venue.ts'

const MINUTE = 60n
/** The pool is at a minute's price so long before: as if it had gone there evenly. */
const POOL_AHEAD = 30n
/** What a liquidator wants at least, of the notional. */
const LEAST_GAIN = 0.002
const EVIDENCE_MINUTES = 3
const INFORMED_MINUTES = 5
/** Of the assets of all longs, what who knows the next price trades at once. */
const INFORMED = 0.01

type InformedOrder = { readonly order: Awaited<ReturnType<CrashVenue['place']>>; readonly assets: number }

export class CrashRun {
  readonly #at: CrashSetting
  readonly #variant: Variant
  readonly engine: MarketEngine
  readonly #observes: Observed
  readonly #evidence = new Map<string, Evidence>()
  readonly #refused: Record<string, number> = {}
  readonly #forerunner: Forerunner
  #observed: number
  #informed: InformedOrder | undefined
  #sums = { forcedSales: 0, forced: 0, hedger: 0, hedges: 0, unhedged: 0, hostile: 0, liquidators: 0, informed: 0 }
  #most = { pool: 0, observed: 0, maintenance: 0, unhedged: 0 }
  #unobserved = 0

  private constructor(setting: CrashSetting, variant: Variant, engine: MarketEngine, observes: Observed) {
    this.#at = setting
    this.#variant = variant
    this.engine = engine
    this.#observes = observes
    this.#forerunner = new Forerunner(this.#place)
    this.#observed = setting.crash.minutes[0] as number
  }

  get #place() {
    const { contracts, pool, longs } = this.#at
    return { chain: contracts.chain, pool, longs }
  }

  /** With an engine of the variant's own, whose market begins at the first price. */
  static async begin(setting: CrashSetting, variant: Variant): Promise<CrashRun> {
    const { contracts, crash, oracle } = setting
    const observes = variant.without.has('median') ? 'pool' : 'median'
    const [start, priceE8] = [BigInt(crash.start), e8(crash.minutes[0] as number)]
    await contracts.chain.setTime(start)
    await oracle.take(observes, [priceE8, priceE8, priceE8], start)
    const policy = enginePolicyOf(variant)
    const engine = await MarketEngine.open(contracts, policy, crash.before, oracle.feed(observes))
    return new CrashRun(setting, variant, engine, observes)
  }

  #recorded = (minute: number): number => this.#at.crash.minutes[minute] as number

  async step(minute: number): Promise<void> {
    const { chain } = this.#at.contracts
    const asOf = BigInt(this.#at.crash.start) + MINUTE * BigInt(minute)
    if ((await chain.now()) < asOf - POOL_AHEAD) await chain.setTime(asOf - POOL_AHEAD)
    await this.#arbitrage(minute)
    await chain.setTime(asOf)
    const market = await this.#observe(minute, asOf)
    if (this.#informed !== undefined) await this.#fillInformed(market)
    await this.#seekEvidence(market, minute)
    await this.#auction(market)
    await this.#hedge(market)
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
    const observed = await oracle.take(this.#observes, prices, asOf)
    if (observed === undefined) this.#unobserved++
    else {
      await this.engine.land()
      this.#observed = Number(observed) / 1e8
    }
    const priceE8 = observed ?? e8(this.#observed)
    return venue.publish(marketOf(asOf, priceE8, this.engine.inForce, venue.expiry))
  }

  /** Accounts below maintenance are marked, proven and flagged; those that have recovered are proven too. */
  async #seekEvidence(market: Priced, minute: number): Promise<void> {
    const { venue } = this.#at
    const below: string[] = []
    const recovered: string[] = []
    for (const holder of venue.holders.values()) {
      if (isEndowed(holder) || (holder.perpsE12 === 0n && holder.positions.length === 0)) continue
      const isFine = isSurelyFine(holder, market, this.engine.inForce.maintenance)
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

  /** Where the makers' gap is beyond the band, and the agent may trade, their vaults are counted, and the keeper has it trade. */
  async #hedge(market: Priced): Promise<void> {
    const { vaults, hedger, longs } = this.#at
    const target = -vaults.deltaAt(market)
    const gap = target - (await hedger.position())
    if (Math.abs(gap) > BAND * longs) await this.#rebalance(gap)
    const left = target - (await hedger.position())
    const share = Math.abs(left) / longs
    this.#sums.unhedged += share
    this.#most.unhedged = Math.max(this.#most.unhedged, share)
    this.#sums.hostile += await this.#forerunner.close(this.#observed)
    if (this.#variant.hostile === 'forerun' && share > BAND) await this.#forerunner.open(left, this.#observed)
  }

  async #rebalance(gap: number): Promise<void> {
    const { venue, vaults, hedger } = this.#at
    const round = venue.round as RoundWords
    const refusal = await hedger.closedBy(round)
    if (refusal === undefined) await vaults.count()
    const hedged = refusal === undefined ? await this.#amid(gap, () => hedger.rebalance(round)) : { refusal }
    if ('refusal' in hedged) this.#refused[hedged.refusal] = (this.#refused[hedged.refusal] ?? 0) + 1
    else {
      this.#sums.hedges++
      this.#sums.hedger += hedged.cash - hedged.assets * this.#observed
    }
  }

  /** The agent's trade, with somebody hostile about it if there is one. */
  async #amid(gap: number, trade: () => Promise<Hedged>): Promise<Hedged> {
    const { hostile } = this.#variant
    if (hostile !== 'sandwich' && hostile !== 'holdOff') return trade()
    const { hedged, gain } = await attacked(hostile, this.#place, gap, trade)
    this.#sums.hostile += gain
    return hedged
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
    await venue.publish(marketOf(asOf + 40n, e8(this.#observed), this.engine.inForce, venue.expiry))
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
      ...this.#most,
      pool: Math.max(this.#most.pool, 1 - pool.price / recorded),
      observed: Math.max(this.#most.observed, 1 - this.#observed / recorded),
      maintenance: Math.max(this.#most.maintenance, this.engine.inForce.maintenance),
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
      hedges: this.#sums.hedges,
      hedgesRefused: this.#refused,
      unhedged: this.#sums.unhedged / minutes,
      greatestUnhedged: this.#most.unhedged,
      counts: this.#at.vaults.counts,
      liquidatorsGain: this.#sums.liquidators,
      informedGain: this.#sums.informed,
      hostileGain: this.#sums.hostile,
      greatestMaintenance: this.#most.maintenance,
      unobserved: this.#unobserved,
      proofs: venue.proofs.made,
      batches: this.engine.batches,
    }
  }
}

/** Whether somebody has more cash than could be lost: makers, liquidators, and who knows the next price. */
const isEndowed = ({ kind }: Holder): boolean => kind === 'maker' || kind === 'liquidator' || kind === 'informed'

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** Whether perpetuals alone have a tenth more than maintenance takes: then nothing exact need be computed. */
function isSurelyFine(holder: Holder, market: Priced, maintenance: number): boolean {
  if (holder.positions.length > 0) return false
  const cash = Number(cashAt(holder, market.priceE8)) / 1e12
  return cash > (1.1 * maintenance * Number(notionalE12(holder, market.priceE8))) / 1e12
}
