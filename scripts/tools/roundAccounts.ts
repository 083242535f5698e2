/**
 * Seeded accounts of realistic books in one market of a recorded chain: sellers of volatility, spreads, calendars, hedgers and
 * market makers, of 4 to 127 legs, most of them far from liquidation and a few below maintenance.
 */
import { COLLATERALS } from '../../circuits/statements/index.ts'
import type { OptionPosition } from '../../prover/portfolio/book.ts'
import type { Holdings, MarginPolicy, RoundMarket } from '../../prover/portfolio/margin.ts'
import { marginInArrays, type PricedSurface, type ProvableMargin } from '../../prover/portfolio/accountMargin.ts'
import type { PricingPolicy } from '../../prover/options/riskArray.ts'
import { marginSizes } from '../../prover/service/answers/margins.ts'
import type { Random } from './cases/random.ts'

/** What accounts of one round share. */
export type SharedRound = {
  readonly pricingPolicy: PricingPolicy
  readonly marginPolicy: MarginPolicy
  readonly round: RoundMarket
  /** Of every strike that is listed. */
  readonly arrays: readonly PricedSurface[]
}

/** What an account holds, whatever the round. */
export type SeededAccount = {
  readonly kind: (typeof kinds)[number]['name']
  readonly legs: number
  readonly positions: readonly OptionPosition[]
  readonly holdings: Holdings
}

const LEAST_LEGS = 4n
const MOST_LEGS = 127n
/** A hundredth of a coin. */
const LOT_E12 = 10n ** 10n

/** Of 100 accounts: how many, legs, expiries they are in, whether what they hold is sold mostly, and how far from the money. */
const kinds = [
  { name: 'seller of strangles', of100: 35, legs: [4n, 16n], expiries: [1n, 2n], sold: 95n, reach: 0.25 },
  { name: 'spreads', of100: 25, legs: [4n, 12n], expiries: [1n, 2n], sold: 50n, reach: 0.15 },
  { name: 'calendars', of100: 15, legs: [6n, 20n], expiries: [2n, 4n], sold: 50n, reach: 0.1 },
  { name: 'hedger', of100: 15, legs: [4n, 10n], expiries: [1n, 3n], sold: 20n, reach: 0.3 },
  { name: 'market maker', of100: 10, legs: [40n, MOST_LEGS], expiries: [4n, 8n], sold: 60n, reach: 0.4 },
] as const

/** Requirement over equity, in per cent; 3 of 100 accounts are below maintenance. */
const utilisationOf = (random: Random): bigint =>
  random.below(100n) < 3n ? random.between(101n, 140n) : random.between(15n, 95n)

/**
 * Accounts that hold what the round prices.
 *
 * @throws the errors of the portfolio stage
 */
export function seededAccounts(shared: SharedRound, random: Random, count: number): readonly SeededAccount[] {
  return Array.from({ length: count }, () => seededAccount(shared, random))
}

/** The margin of an account in a round. */
export const marginIn = (shared: SharedRound, { positions, holdings }: SeededAccount): ProvableMargin =>
  marginInArrays({ ...shared, positions, holdings }, shared.arrays, marginSizes)

/** The same account after a trade: one position grew or turned. */
export function traded(account: SeededAccount, random: Random): SeededAccount {
  const at = Number(random.below(BigInt(account.positions.length)))
  const more = (1n + random.below(50n)) * LOT_E12
  const positions = account.positions.map((position, i) =>
    i === at
      ? { ...position, callsE12: position.callsE12 + (position.callsE12 === -more ? 2n * more : more) }
      : position,
  )
  return { ...account, positions }
}

function seededAccount(shared: SharedRound, random: Random): SeededAccount {
  const kind = pick(random)
  const wanted = Number(random.between(kind.legs[0] < LEAST_LEGS ? LEAST_LEGS : kind.legs[0], kind.legs[1]))
  const strikes = strikesNear(shared, random, Number(random.between(kind.expiries[0], kind.expiries[1])), kind.reach)
  const held = new Map<string, OptionPosition>()
  let legs = 0
  // Listed strikes may be fewer than the legs wanted; then both sides of each are all there is.
  for (let tries = 0; legs < wanted && tries < 20 * wanted; tries++) {
    const strike = strikes[Number(random.below(BigInt(strikes.length)))] as Strike
    const key = `${strike.expiry} ${strike.strikeE8}`
    const before = held.get(key) ?? { ...strike, callsE12: 0n, putsE12: 0n }
    const side = random.boolean() ? 'callsE12' : 'putsE12'
    if (before[side] !== 0n) continue
    const size = (1n + random.below(300n)) * LOT_E12
    held.set(key, { ...before, [side]: random.below(100n) < kind.sold ? -size : size })
    legs++
  }
  const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)
  const positions = [...held.values()].toSorted(
    (a, b) => ascending(a.expiry, b.expiry) || ascending(a.strikeE8, b.strikeE8),
  )
  const perpsE12 = random.below(100n) < 40n ? random.between(-300n, 300n) * LOT_E12 : 0n
  const bare = { cashE12: 0n, perpsE12, perpPnlE12: 0n, collateralsE12: Array.from({ length: COLLATERALS }, () => 0n) }
  const account = { kind: kind.name, legs, positions, holdings: bare }
  return { ...account, holdings: { ...bare, cashE12: cashFor(marginIn(shared, account), utilisationOf(random)) } }
}

function pick(random: Random): (typeof kinds)[number] {
  let left = Number(random.below(100n))
  for (const kind of kinds) {
    if (left < kind.of100) return kind
    left -= kind.of100
  }
  return kinds[0]
}

type Strike = Pick<OptionPosition, 'expiry' | 'strikeE8'>

/** Listed strikes of some expiries, near ones more often, within a reach of spot. */
function strikesNear(
  { round, arrays }: SharedRound,
  random: Random,
  expiries: number,
  reach: number,
): readonly Strike[] {
  const listed = [...new Set(arrays.map(({ surface }) => surface.expiry))].toSorted((a, b) => Number(a - b))
  const chosen = new Set<bigint>()
  while (chosen.size < Math.min(expiries, listed.length)) {
    const [one, two] = [random.below(BigInt(listed.length)), random.below(BigInt(listed.length))]
    chosen.add(listed[Number(one < two ? one : two)] as bigint)
  }
  const spot = Number(round.spotE8)
  const all = arrays.flatMap(({ surface: { expiry }, strikesE8 }) =>
    chosen.has(expiry) ? [...new Set(strikesE8)].map((strikeE8) => ({ expiry, strikeE8 })) : [],
  )
  const near = all.filter(({ strikeE8 }) => Math.abs(Number(strikeE8) / spot - 1) < reach)
  return near.length < 4 ? all : near
}

/** Cash that makes the maintenance requirement so many per cent of equity; a margin without cash is given. */
function cashFor({ margin }: ProvableMargin, utilisation: bigint): bigint {
  const equityE12 = (margin.equityE20X60 >> 60n) / 10n ** 8n
  const requirementE12 = equityE12 - margin.maintenanceE8 * 10n ** 4n
  return (requirementE12 * 100n) / utilisation - equityE12
}
