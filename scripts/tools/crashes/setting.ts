/** A venue before a crash: contracts, everybody in, a pool at the price; every variant runs from here. */
import { provableMargin } from '../../../prover/portfolio/accountMargin.ts'
import type { Portfolio } from '../../../prover/portfolio/portfolio.ts'
import type { RoundWords } from '../../../prover/registry/index.ts'
import { marginSizes } from '../../../prover/service/answers/margins.ts'
import { policyOf } from '../../../prover/service/daemon/portfolios/sharedRound.ts'
import { GAS_LIMIT, mined, startChain } from '../chains/chain.ts'
import { type Contracts, deployContracts, type Rules } from './contracts.ts'
import { governed, type InForce, marketOf } from './engine.ts'
import { Hedger } from './hedger.ts'
import { E8, e8 } from './holders.ts'
import { Oracle } from './oracle.ts'
import type { Outcome, Suppositions } from './outcome.ts'
import { CrashPool } from './pool.ts'
import { applicants, strikesAround } from './population.ts'
import type { Proofs } from './proving.ts'
import type { Crash } from './recorded.ts'
import { CrashRun } from './run.ts'
import { enginePolicyOf, type Variant, variants } from './variants.ts'
import { Vaults } from './vaults.ts'
import { CrashVenue, LIQUIDATOR_CASH_E12 } from './venue.ts'

/** Before a crash: the chain begins, accounts place orders, are filled, and their makers hedge in a pool that is as old as its mean by then. */
const [BEGINS, PLACED, FILLED, HEDGED] = [1_800n, 1_500n, 1_260n, 900n] as const
/** How much deeper the pool is in calm hours, in which the first hedge is built. */
const CALM_TIMES = 4n
const EXPIRY_SECONDS = 7n * 86_400n
const NO_BUDGET = 2n ** 128n - 1n

const rulesOf = (budgetE12: bigint): Rules => ({
  changeSeconds: 600n,
  settlementSeconds: 300n,
  auctionSeconds: 600n,
  windowSeconds: 600n,
  startPayBps: 300n,
  endBonusBps: 1_500n,
  bondBps: 5_000n,
  stepBps: 2_500n,
  bandBps: 500n,
  budgetE12,
})

/** A venue before a crash, with everybody in; each variant begins from here. */
export class CrashSetting {
  readonly crash: Crash
  readonly supposed: Suppositions
  readonly contracts: Contracts
  readonly venue: CrashVenue
  readonly pool: CrashPool
  readonly oracle: Oracle
  readonly vaults: Vaults
  readonly hedger: Hedger
  /** Assets of all longs, and perpetuals' notional. */
  readonly longs: number
  readonly notionalE12: bigint
  readonly insuranceE12: bigint

  private constructor(
    parts: Pick<
      CrashSetting,
      | 'crash'
      | 'supposed'
      | 'contracts'
      | 'venue'
      | 'pool'
      | 'oracle'
      | 'vaults'
      | 'hedger'
      | 'longs'
      | 'notionalE12'
      | 'insuranceE12'
    >,
  ) {
    this.crash = parts.crash
    this.supposed = parts.supposed
    this.contracts = parts.contracts
    this.venue = parts.venue
    this.pool = parts.pool
    this.oracle = parts.oracle
    this.vaults = parts.vaults
    this.hedger = parts.hedger
    this.longs = parts.longs
    this.notionalE12 = parts.notionalE12
    this.insuranceE12 = parts.insuranceE12
  }

  /** @param inForce - what accounts open under; see {@link openedUnder} */
  static async open(
    crash: Crash,
    supposed: Suppositions,
    proofs: Proofs,
    inForce = openedUnder(crash, variants[0] as Variant),
  ): Promise<CrashSetting> {
    const price = crash.minutes[0] as number
    const [start, expiry] = [BigInt(crash.start), BigInt(crash.start) + EXPIRY_SECONDS]
    const chain = await startChain(new Date(Number(start - BEGINS) * 1000), true)
    const before = marketOf(start - PLACED, e8(price), inForce, expiry)
    const policy = policyOf(provableMargin(before, marginSizes))
    const contracts = await deployContracts(chain, proofs, policy, rulesOf(NO_BUDGET))
    const terms = { expiry, strikesE8: strikesAround(price), makerCash: LIQUIDATOR_CASH_E12 }
    const venue = await CrashVenue.open(contracts, terms)
    await seat(venue, supposed, before, start)
    const perps = [...venue.holders.values()].map(({ perpsE12, kind }) => (kind === 'maker' ? 0n : perpsE12))
    const longs = Number(perps.reduce((sum, each) => (each > 0n ? sum + each : sum), 0n)) / 1e12
    const whole = perps.reduce((sum, each) => sum + (each < 0n ? -each : each), 0n)
    const notionalE12 = (whole * e8(price)) / E8
    await venue.insure(partOf(notionalE12, supposed.insurance))
    const insuranceE12: bigint = await contracts.venue.getFunction('insuranceE12')()
    const pool = await CrashPool.open(contracts, { price, assets: longs, impact: supposed.impact })
    const [oracle, vaults] = [await Oracle.deploy(chain), new Vaults(contracts, venue)]
    const hedger = await Hedger.open(contracts, pool, longs)
    await venue.publish(atTime(before, start - HEDGED))
    await vaults.count()
    await pool.deepened(CALM_TIMES, () => hedger.build(venue.round as RoundWords))
    const parts = { crash, supposed, contracts, venue, pool, oracle, vaults, hedger }
    return new CrashSetting({ ...parts, longs, notionalE12, insuranceE12 })
  }

  /** Runs a variant and puts everything back. */
  run(variant: Variant, minutes = this.crash.minutes.length - 1): Promise<Outcome> {
    const { venue: contract } = this.contracts
    return this.undone(async () => {
      const budget = partOf(this.notionalE12, this.supposed.budget)
      const rules = rulesOf(variant.without.has('budget') ? NO_BUDGET : budget)
      await mined(contract.getFunction('setRules')(rules, { gasLimit: GAS_LIMIT }))
      this.venue.proofs.made = 0
      this.vaults.counts = 0
      const run = await CrashRun.begin(this, variant)
      for (let minute = 1; minute <= minutes; minute++) await run.step(minute)
      return run.outcome(minutes)
    })
  }

  /** Runs a body and puts everything back, on the chain and beside it. */
  async undone<T>(body: () => Promise<T>): Promise<T> {
    const [recall, price] = [this.venue.remembered(), this.pool.price]
    try {
      return await this.contracts.chain.undone(body)
    } finally {
      recall()
      this.pool.price = price
    }
  }
}

/** What a variant's engine has in force when a crash begins: without the stress floor, accounts open with less. */
export const openedUnder = (crash: Crash, variant: Variant): InForce =>
  governed(enginePolicyOf(variant), crash.before).inForce

/** A share of an amount, to the millionth. */
const partOf = (amount: bigint, share: number): bigint => (amount * BigInt(Math.round(1e6 * share))) / 1_000_000n

/** Lets everybody in and opens what they want, at one round. */
async function seat(
  venue: CrashVenue,
  { accounts, seed }: Suppositions,
  before: Portfolio,
  start: bigint,
): Promise<void> {
  const market = await venue.publish(before)
  const placed = []
  for (const { kind, cashE12, wanted } of applicants(accounts, seed, market, venue.expiry)) {
    const { owner } = await venue.enter(kind, cashE12)
    placed.push(await venue.place(owner, wanted))
  }
  await venue.enter('informed', LIQUIDATOR_CASH_E12)
  await venue.publish(atTime(before, start - FILLED))
  for (const order of placed) await venue.fill(order)
}

/** The same market later. */
const atTime = (portfolio: Portfolio, asOf: bigint): Portfolio => ({
  ...portfolio,
  market: { ...portfolio.market, asOf, expiries: portfolio.market.expiries.map((each) => ({ ...each, asOf })) },
})
