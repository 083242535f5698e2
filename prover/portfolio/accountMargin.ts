/** From a portfolio to its proven numbers: arrays, book, margin, in the exact integers that statements are made of. */
import { COLLATERALS } from '../../circuits/statements/index.ts'
import type { PricingPolicy, RiskArray, StrikeLeaf } from '../options/riskArray.ts'
import { riskArray } from '../options/riskArray.ts'
import type { OptionPosition } from './book.ts'
import type { AccountMargin, AccountState, CollateralPolicy, Holdings, MarginPolicy, RoundMarket } from './margin.ts'
import { accountMargin } from './margin.ts'
import type { ExpirySurface, Portfolio } from './portfolio.ts'
import { surfaceOf } from './portfolio.ts'
import { scenarioSlots } from './scenarioSlots.ts'
import type { BookChain } from './sharding.ts'
import { shardBook, UnknownInstrumentError } from './sharding.ts'

/** Sizes of the builds that margins are proven with. */
export type MarginSizes = {
  /** Strikes of an array. */
  readonly strikes: number
  /** Arrays of a book. */
  readonly segments: number
  /** Expiries that may end in a book's proof. */
  readonly expiries: number
}

/** An array as it is proven: what the round says of its expiry, its strikes, and what the circuit makes of them. */
export type PricedSurface = {
  readonly surface: ExpirySurface
  /** As many as the build has, ascending, the last one repeated where there are fewer. */
  readonly strikesE8: readonly bigint[]
  readonly array: RiskArray
}

/** All that a portfolio's proofs say and use. */
export type ProvableMargin = {
  readonly pricingPolicy: PricingPolicy
  readonly marginPolicy: MarginPolicy
  readonly round: RoundMarket
  readonly arrays: readonly PricedSurface[]
  /** Ascending by expiry and strike, each once. */
  readonly positions: readonly OptionPosition[]
  readonly chain: BookChain
  readonly account: AccountState
  readonly margin: AccountMargin
  /** k: prices and strikes are of 10^k units of the asset, and quantities of it count as many; absent: 0. */
  readonly priceScale?: number | undefined
}

/**
 * Margins of a portfolio, exactly as circuits compute them.
 *
 * @throws the errors of pricing and of the portfolio stage, each naming its leg
 */
export function provableMargin(portfolio: Portfolio, sizes: MarginSizes): ProvableMargin {
  const { market, rules } = portfolio
  const scenarios = { ...scenarioSlots(portfolio.scenarios), ...rules.basis }
  const { priceScale } = market
  const provable = marginOfParts(
    {
      pricingPolicy: { scenarios, ...rules },
      marginPolicy: { scenarios, ...rules, collaterals: collateralPolicies(portfolio) },
      round: { ...market, collaterals: collateralPrices(portfolio) },
      surfaces: new Map(portfolio.account.options.map((leg) => [leg.expiry, surfaceOf(market, leg)])),
      positions: netPositions(portfolio),
      holdings: holdingsOf(portfolio),
    },
    sizes,
  )
  return { ...provable, priceScale }
}

/** What a margin follows from, as a chain holds it. */
export type MarginParts = Pick<ProvableMargin, 'pricingPolicy' | 'marginPolicy' | 'round' | 'positions'> & {
  /** By expiry, those of the positions at least. */
  readonly surfaces: ReadonlyMap<bigint, ExpirySurface>
  readonly holdings: Holdings
}

/**
 * The same from what a chain holds of policy, round and account.
 *
 * @throws the errors of pricing and of the portfolio stage
 */
export function marginOfParts(parts: MarginParts, sizes: MarginSizes): ProvableMargin {
  return marginInArrays(parts, arraysOf(parts.surfaces, parts.positions, parts.pricingPolicy, sizes.strikes), sizes)
}

/**
 * The same over arrays that accounts share, so that each is proven once for all of them.
 *
 * @param arrays - of the round, in any order; only those that the account is in become its own
 * @throws the errors of the portfolio stage
 */
export function marginInArrays(
  { pricingPolicy, marginPolicy, round, positions, holdings }: Omit<MarginParts, 'surfaces'>,
  shared: readonly PricedSurface[],
  sizes: MarginSizes,
): ProvableMargin {
  const held = new Set(positions.map(({ expiry, strikeE8 }) => `${expiry} ${strikeE8}`))
  const arrays = shared.filter(({ surface, strikesE8 }) =>
    strikesE8.some((strikeE8) => held.has(`${surface.expiry} ${strikeE8}`)),
  )
  const chain = shardBook(
    positions,
    arrays.map(({ array }) => array),
    sizes,
  )
  const account: AccountState = { book: chain.final, holdings }
  const margin = accountMargin(account, round, marginPolicy)
  return { pricingPolicy, marginPolicy, round, arrays, positions, chain, account, margin }
}

/** Leaf of a strike in whichever array has it. */
export function leafOf(
  arrays: readonly PricedSurface[],
  { expiry, strikeE8 }: Pick<OptionPosition, 'expiry' | 'strikeE8'>,
): { readonly array: RiskArray; readonly leaf: StrikeLeaf } | undefined {
  for (const { array } of arrays) {
    const leaf = array.header.expiry === expiry ? array.leaves.find((each) => each.strikeE8 === strikeE8) : undefined
    if (leaf !== undefined) return { array, leaf }
  }
  return undefined
}

/** Legs of one strike together, in the order in which books run through them. */
function netPositions({ account }: Portfolio): readonly OptionPosition[] {
  const byStrike = new Map<string, OptionPosition>()
  for (const { expiry, strikeE8, isCall, quantityE12 } of account.options) {
    const key = `${expiry} ${strikeE8}`
    const { callsE12, putsE12 } = byStrike.get(key) ?? { callsE12: 0n, putsE12: 0n }
    byStrike.set(key, {
      expiry,
      strikeE8,
      callsE12: isCall ? callsE12 + quantityE12 : callsE12,
      putsE12: isCall ? putsE12 : putsE12 + quantityE12,
    })
  }
  const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)
  return [...byStrike.values()].toSorted((a, b) => ascending(a.expiry, b.expiry) || ascending(a.strikeE8, b.strikeE8))
}

function arraysOf(
  surfaces: ReadonlyMap<bigint, ExpirySurface>,
  positions: readonly OptionPosition[],
  policy: PricingPolicy,
  strikes: number,
): readonly PricedSurface[] {
  return [...Map.groupBy(positions, ({ expiry }) => expiry)].flatMap(([expiry, held]) => {
    const surface = surfaces.get(expiry)
    if (surface === undefined) throw new UnknownInstrumentError(held[0] as OptionPosition)
    const groups = Array.from({ length: Math.ceil(held.length / strikes) }, (_, i) =>
      held.slice(i * strikes, (i + 1) * strikes).map(({ strikeE8 }) => strikeE8),
    )
    return groups.map((group) => {
      const strikesE8 = Array.from({ length: strikes }, (_, i) => group[i] ?? (group.at(-1) as bigint))
      return { surface, strikesE8, array: riskArray(surface, policy, strikesE8) }
    })
  })
}

/** The account's collateral assets have the slots; what the market prices besides them stays out. */
const slots = <T>(portfolio: Portfolio, entry: (asset: string, amountE12: bigint) => T, unused: T): readonly T[] =>
  Array.from({ length: COLLATERALS }, (_, i) => {
    const held = portfolio.account.collaterals[i]
    return held === undefined ? unused : entry(held.asset, held.amountE12)
  })

function holdingsOf(portfolio: Portfolio): Holdings {
  const { cashE12, perpsE12, perpPnlE12 } = portfolio.account
  return { cashE12, perpsE12, perpPnlE12, collateralsE12: slots(portfolio, (_, amountE12) => amountE12, 0n) }
}

const collateralPrices = (portfolio: Portfolio): RoundMarket['collaterals'] =>
  slots(
    portfolio,
    (asset) => portfolio.market.collaterals.find((each) => each.asset === asset) ?? { priceE12: 0n, confidenceX40: 0n },
    { priceE12: 0n, confidenceX40: 0n },
  )

function collateralPolicies(portfolio: Portfolio): readonly CollateralPolicy[] {
  const unused = {
    initialHaircutX40: 0n,
    maintenanceHaircutX40: 0n,
    confidenceThresholdX40: 0n,
    movesWithSpot: 0n,
    sizeQ: 0n,
  }
  return slots(
    portfolio,
    (asset) => {
      const rule = portfolio.rules.collaterals.find((each) => each.asset === asset)
      return rule === undefined ? unused : { ...rule, movesWithSpot: rule.movesWithSpot ? 1n : 0n }
    },
    unused,
  )
}
