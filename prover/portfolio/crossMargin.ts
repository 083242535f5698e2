/**
 * Margins of one account over several markets: what each market leaves, added up, and what markets offset. Twin of
 * `circuits/portfolio/CrossPart.circom` and `CrossSum.circom`, bit for bit.
 *
 * Each market has its round, its policy and the account's options and perpetuals in it; collateral and the settlement currency
 * are of one pool, which the first market's round and policy say. Units are those of {@link accountMargin}.
 */
import { COLLATERALS, type Fields } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import type { BookState } from './book.ts'
import {
  type AccountState,
  BASIS_SCENARIO,
  type MarginPolicy,
  requireRange,
  requireSpread,
  type RoundMarket,
  toE8,
  type UnroundedMargin,
  unroundedMargin,
} from './margin.ts'

/** A market as accounts over several are margined in it. */
export type CrossMarket = { readonly round: RoundMarket; readonly policy: MarginPolicy }

/** What the council sets of several markets together. */
export type CrossPolicy = {
  /** In which market a collateral counts, by its place among them; shape [16]. */
  readonly collateralMarkets: readonly bigint[]
  /** Of its loss, what a market may offset; one each. */
  readonly creditsX40: readonly bigint[]
}

/** An account over several markets: what it holds in each, and its collateral once. */
export type CrossAccount = {
  readonly parts: readonly { readonly book: BookState; readonly holdings: Fields<'holdings'> }[]
  /** Shape [16]. */
  readonly collateralsE12: readonly bigint[]
}

/** What a market leaves of an account, and what it has to offset others with. */
export type CrossPart = UnroundedMargin & {
  /** Of all that moves with spot, in money. */
  readonly netDeltaE20X20: bigint
  /** Of the worst loss, what the net delta makes of it; never negative. */
  readonly countedM: bigint
  /** The governed fraction of that at the lesser of the two loss factors; never negative. */
  readonly legMX80: bigint
  /** Whether its worst scenario is a fall of spot. */
  readonly isDown: boolean
}

export type CrossMargin = {
  readonly parts: readonly CrossPart[]
  readonly creditMX80: bigint
  readonly equityE8: bigint
  readonly margins: Fields<'crossMargins'>
}

const ONE = 1n << 40n

/** A market's round and policy, with what the pool says of collateral and the settlement currency. */
export function pooled({ round, policy }: CrossMarket, { round: pool, policy: poolPolicy }: CrossMarket): CrossMarket {
  const { pegThresholdX40, pegLossX40 } = poolPolicy.lossFactors
  return {
    round: { ...round, stablePriceE12: pool.stablePriceE12, collaterals: pool.collaterals },
    policy: {
      ...policy,
      lossFactors: { ...policy.lossFactors, pegThresholdX40, pegLossX40 },
      collaterals: poolPolicy.collaterals,
    },
  }
}

/**
 * Margins of an account over several markets.
 *
 * @param markets - the first one's round and policy are the pool's
 * @throws {@link MarketCountError} unless account, markets and policy are of as many markets
 * @throws {@link CollateralMarketError} if a collateral counts in a market that is not there
 * @throws the errors of {@link accountMargin}
 */
export function crossMargin(
  { parts, collateralsE12 }: CrossAccount,
  markets: readonly CrossMarket[],
  { collateralMarkets, creditsX40 }: CrossPolicy,
): CrossMargin {
  const [pool] = markets
  const counts = [parts.length, creditsX40.length, markets.length]
  if (pool === undefined || new Set(counts).size > 1) throw new MarketCountError(counts)
  for (let i = 0; i < COLLATERALS; i++) {
    if ((collateralMarkets[i] ?? 0n) >= BigInt(markets.length)) throw new CollateralMarketError(i, markets.length)
  }
  const left = parts.map(({ book, holdings }, m) => {
    const counted = collateralsE12.map((amount, i) => (collateralMarkets[i] === BigInt(m) ? amount : 0n))
    const { round, policy } = pooled(markets[m] as CrossMarket, pool)
    const account: AccountState = { book, holdings: { ...holdings, collateralsE12: counted } }
    return crossPart(account, round, policy, creditsX40[m] ?? 0n)
  })
  const creditMX80 = spreadCredit(left)
  const sum = (of: (part: CrossPart) => bigint): bigint => left.reduce((total, part) => total + of(part), 0n)
  const initialE8 = toE8(sum(({ initialE20X100 }) => initialE20X100) + (creditMX80 << 52n), 100n)
  const maintenanceE8 = toE8(sum(({ maintenanceE20X60 }) => maintenanceE20X60) + (creditMX80 << 12n), 60n)
  const equityE8 = toE8(
    sum(({ equityE20X60 }) => equityE20X60),
    60n,
  )
  for (const margin of [initialE8, maintenanceE8, equityE8]) requireRange(margin)
  const worstScenarios = left.reduce((all, { worstScenario }, m) => all | (BigInt(worstScenario) << BigInt(6 * m)), 0n)
  return { parts: left, creditMX80, equityE8, margins: { initialE8, maintenanceE8, worstScenarios } }
}

/** Twin of `circuits/portfolio/CrossPart.circom` and `SpreadLeg`. */
function crossPart(account: AccountState, round: RoundMarket, policy: MarginPolicy, creditX40: bigint): CrossPart {
  const left = unroundedMargin(account, round, policy)
  const { hedgeM, worstScenario, minSpanM, terms } = left
  requireSpread(left.lossesMX80, worstScenario)
  const netDeltaE20X20 = (hedgeM << 52n) + account.book.totals.deltaE12X20 * round.spotE8
  // Under the basis contingency spot does not move.
  const moveX40 = worstScenario === BASIS_SCENARIO ? 0n : (terms.shocksX40[worstScenario] as bigint) - ONE
  const deltaLossM = (-netDeltaE20X20 * moveX40 * (terms.dampingX40[worstScenario] ?? 0n)) >> 132n
  const countedM = lesser(-minSpanM, deltaLossM > 0n ? deltaLossM : 0n)
  const legMX80 = countedM * lesser(policy.lossFactors.maintenanceFactorX40, terms.initialFactorX40) * creditX40
  return { ...left, netDeltaE20X20, countedM, legMX80, isDown: moveX40 < 0n }
}

/** What markets that lose by a fall and those that lose by a rise offset of each other. Twin of `SpreadCredit`. */
export function spreadCredit(parts: readonly Pick<CrossPart, 'legMX80' | 'isDown'>[]): bigint {
  const side = (down: boolean): bigint =>
    parts.reduce((sum, { legMX80, isDown }) => (isDown === down ? sum + legMX80 : sum), 0n)
  return lesser(side(true), side(false))
}

const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** Account, markets and policy are of different numbers of markets. */
export class MarketCountError extends ProverError {
  readonly code = 'portfolio.market-count'
  readonly counts: readonly number[]

  constructor(counts: readonly number[]) {
    const [parts, credits, markets] = counts
    super(`Expected an account, credits and rounds of as many markets, got ${parts}, ${credits} and ${markets}.`)
    this.counts = counts
  }
}

/** A collateral counts in no market of the account. */
export class CollateralMarketError extends ProverError {
  readonly code = 'portfolio.collateral-market'
  readonly collateral: number

  constructor(collateral: number, markets: number) {
    super(`Expected collateral ${collateral + 1} to count in one of ${markets} markets, got one that is not there.`)
    this.collateral = collateral
  }
}
