/**
 * A crash through the gate, hour by hour: parameters as the twin would have published them, prices in Aave's own market, and every
 * borrower's health factor before and after the gate moved.
 */
import { defaultPolicy } from '../../../prover/parameters/defaultPolicy.ts'
import { replay, type ReplayPoint } from '../../../prover/parameters/replay.ts'
import type { PriceBar } from '../../../prover/market/prices.ts'
import { GAS_LIMIT, eventsOf, mined } from '../chains/chain.ts'
import { E18, E8, first, GatedMarket, HOUR, marketId, type Rules, rules } from './gatedMarket.ts'

export type CrashHour = {
  readonly asOf: number
  readonly price: number
  /** What the registry held, and what the pool had after the gate. */
  readonly heldThresholdBps: number
  readonly thresholdBps: number
  readonly heldLoanToValueBps: number
  readonly loanToValueBps: number
  /** Lowest health factor of an account with debt and collateral, at this hour's price, before and after the gate; 100 at most. */
  readonly healthBefore: number
  readonly healthAfter: number
  /** Accounts that the price made liquidatable, and that the gate did. */
  readonly byPrice: number
  readonly byGate: number
  /** What the gate refused this hour. */
  readonly refused: readonly string[]
}

/** Borrowers of loans from 25 % to 75 % of their collateral. */
const LOANS_BPS = [2_500n, 3_000n, 3_500n, 4_000n, 4_500n, 5_000n, 5_500n, 6_000n, 6_500n, 7_000n, 7_300n, 7_500n]
const DAY = 24

/** Steps of 5 points in six hours, two accounts of twelve, and a quarter of an hour's notice. */
const crashRules: Rules = {
  ...rules,
  ...{ delaySeconds: 900n, validSeconds: 6n * HOUR, windowSeconds: 6n * HOUR, lowerBps: 500n },
}

/**
 * The hours about the deepest fall within a day.
 *
 * @param bars  - hourly; the twin learns from all before
 * @param hours - before the end of that fall, and after it
 */
export async function replayCrash(bars: readonly PriceBar[], hours = 48): Promise<readonly CrashHour[]> {
  const { points } = replay(bars as never, defaultPolicy)
  const deepest = deepestFall(points)
  const [opening, ...followed] = points.slice(Math.max(0, deepest - hours), deepest + hours)
  if (opening === undefined) throw new Error('Expected hourly prices of two days or more.')
  const at = await GatedMarket.open(crashRules)
  await at.market.setPrice('WETH', opening.priceE8)
  await begin(at, opening)
  const told: CrashHour[] = []
  for (const hour of followed) told.push(await oneHour(at, hour))
  return told
}

/** Where the greatest fall within a day ends. */
function deepestFall(points: readonly ReplayPoint[]): number {
  const falls = points.map(({ priceE8 }, i) => Number(priceE8) / Number(points[Math.max(0, i - DAY)]?.priceE8))
  return falls.indexOf(Math.min(...falls))
}

/** The pool has what the registry holds, and borrowers stand in it. */
async function begin(at: GatedMarket, opening: ReplayPoint): Promise<void> {
  await put(at, opening)
  const { held } = await at.gate.getFunction('standingOf')(at.asset)
  const [ltvBps, thresholdBps, bonusBps] = held as readonly [bigint, bigint, bigint]
  await at.market.configure('WETH', first)
  for (const [i, share] of LOANS_BPS.entries()) {
    await at.borrower(2 + i, (10n * E18 * opening.priceE8 * share) / (E8 * 10_000n))
  }
  await at.market.configure('WETH', { ltvBps, thresholdBps, bonusBps })
  await at.market.fund(at.signer(1), 'USD', 10_000_000n * E18)
}

async function put(at: GatedMarket, point: ReplayPoint): Promise<void> {
  const { asOf: _, ...parameters } = point.parameters as unknown as Record<string, bigint>
  const values = { ...parameters, asOf: await at.chain.now(), sequence: point.asOf }
  await mined(at.registry.getFunction('setParameters')(marketId, values, { gasLimit: GAS_LIMIT }))
}

async function oneHour(at: GatedMarket, hour: ReplayPoint): Promise<CrashHour> {
  const healthyBefore = await healthy(at)
  await at.market.setPrice('WETH', hour.priceE8)
  const byPrice = Math.max(0, healthyBefore - (await healthy(at)))
  await liquidateAll(at)
  await put(at, hour)
  const healthBefore = await lowest(at)
  const refused: string[] = []
  await attempt(at, refused, () => at.lowerLoanToValue())
  const byGate = (await attempt(at, refused, () => at.apply())) ?? 0
  await attempt(at, refused, () => at.announce())
  const healthAfter = await lowest(at)
  await liquidateAll(at)
  const { current, held } = await at.gate.getFunction('standingOf')(at.asset)
  await at.wait(HOUR - 60n)
  return {
    asOf: Number(hour.asOf),
    price: Number(hour.priceE8) / 1e8,
    heldThresholdBps: Number(held.thresholdBps),
    thresholdBps: Number(current.thresholdBps),
    heldLoanToValueBps: Number(held.loanToValueBps),
    loanToValueBps: Number(current.loanToValueBps),
    ...{ healthBefore, healthAfter, byPrice, byGate, refused },
  }
}

/** Does what the gate lets it do; what it refuses is told by name, and that is part of an ordinary hour. */
async function attempt(
  at: GatedMarket,
  refused: string[],
  call: () => Parameters<typeof mined>[0],
): Promise<number | undefined> {
  try {
    const moved = eventsOf(await mined(call()), at.gate).find(({ name }) => name === 'CollateralMoved')
    return moved === undefined ? undefined : Number(moved.args.liquidatable)
  } catch (error) {
    const name = /custom error '(\w+)/.exec(error instanceof Error ? error.message : '')?.[1]
    if (name === undefined) throw error
    refused.push(name)
    return undefined
  }
}

/** Accounts that owe something and have something. */
async function atRisk(at: GatedMarket): Promise<readonly { readonly account: string; readonly health: bigint }[]> {
  const all = await Promise.all(
    at.accounts().map(async (account) => {
      const { totalCollateralBase, totalDebtBase, healthFactor } =
        await at.market.pool.getFunction('getUserAccountData')(account)
      const isAtRisk = totalCollateralBase > E8 && totalDebtBase > E8
      return { account, isAtRisk, health: healthFactor as bigint }
    }),
  )
  return all.filter(({ isAtRisk }) => isAtRisk)
}

const healthy = async (at: GatedMarket): Promise<number> =>
  (await atRisk(at)).filter(({ health }) => health >= E18).length

async function lowest(at: GatedMarket): Promise<number> {
  const healths = (await atRisk(at)).map(({ health }) => health)
  return Number(healths.reduce((low, one) => (one < low ? one : low), 100n * E18)) / 1e18
}

/** Again: Aave lets half of a debt be repaid at once while health is above 0.95. */
async function liquidateAll(at: GatedMarket): Promise<void> {
  for (let again = 0; again < 3; again++) {
    for (const { account, health } of await atRisk(at)) {
      if (health < E18) await at.market.liquidate(at.signer(1), 'WETH', 'USD', account)
    }
  }
}
