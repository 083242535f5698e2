/**
 * Whatever a registry holds, in whatever order anybody calls: what stands in Aave's pool keeps to every rule of the gate, and a call
 * that is refused changes nothing. Random cases come from fixed seeds.
 */
import { expect, test } from 'vitest'
import { Random } from '../../scripts/tools/cases/random.ts'
import type { Collateral } from '../../prover/service/development/aaveMarket.ts'
import { E18, first, firstPriceE8, GatedMarket, HOUR, rules } from '../../scripts/tools/aave/gatedMarket.ts'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import { revertDataOf } from '../reverts.ts'

const STEPS = 120
const BORROWERS = 6

type Seen = {
  moved: number
  refused: number
  liquidatable: number
}

/** A triple that could be proven, near those before it more often than not. */
function anyHeld(random: Random): Collateral {
  const thresholdBps = random.boolean() ? random.between(8_050n, 8_450n) : random.between(6_500n, 8_800n)
  const ltvBps = thresholdBps - random.between(0n, 600n)
  const bonusBps = 10_500n + (random.below(4n) === 0n ? random.below(400n) : 0n)
  return { ltvBps, thresholdBps, bonusBps }
}

const healths = async (at: GatedMarket): Promise<readonly bigint[]> =>
  Promise.all(Array.from({ length: BORROWERS }, (_, i) => at.healthOf(2 + i)))

const isBetween = (value: bigint, one: bigint, other: bigint): boolean =>
  one <= other ? value >= one && value <= other : value <= one && value >= other

/** Calls, and holds the pool to what a call may do. */
async function called(at: GatedMarket, held: Collateral, sent: () => Parameters<typeof mined>[0], seen: Seen) {
  const [before, healthBefore] = [await at.inPool(), await healths(at)]
  const receipt = await mined(sent()).catch((error: unknown) => {
    const data = revertDataOf(error)
    expect(data && at.gate.interface.parseError(data)?.name, String(error)).toBeTruthy()
    return undefined
  })
  const after = await at.inPool()
  if (receipt === undefined) {
    seen.refused += 1
    expect(after).toEqual(before)
    return
  }
  const event = eventsOf(receipt, at.gate).find(({ name }) => name === 'CollateralMoved')
  if (event === undefined) return
  seen.moved += 1
  expect(after.ltvBps).toBeLessThanOrEqual(held.ltvBps)
  expect(after.ltvBps).toBeLessThanOrEqual(after.thresholdBps)
  expect(after.thresholdBps * after.bonusBps).toBeLessThanOrEqual(100_000_000n)
  expect(isBetween(after.thresholdBps, before.thresholdBps, held.thresholdBps)).toBe(true)
  const healthAfter = await healths(at)
  const hit = healthBefore.filter((health, i) => health >= E18 && (healthAfter[i] as bigint) < E18).length
  const window = await at.gate.getFunction('windowOf')(at.asset)
  expect(window.liquidatable <= rules.mostLiquidatable).toBe(true)
  // Interest of the second between may take an account with it that nobody has moved.
  expect(hit - Number(event.args.liquidatable)).toBeGreaterThanOrEqual(0)
  expect(hit - Number(event.args.liquidatable)).toBeLessThanOrEqual(1)
  expect(window.loweredBps <= rules.lowerBps && window.raisedBps <= rules.raiseBps).toBe(true)
  expect(window.bonusMovedBps <= rules.bonusBps && window.loanToValueRaisedBps <= rules.raiseBps).toBe(true)
  seen.liquidatable += hit
}

test.each([1n, 2n, 3n])(
  'R173, R174: joint rules, steps and the count hold through random updates, lists, prices and times, seed %i',
  async (seed) => {
    const random = new Random(seed)
    const at = await GatedMarket.open()
    for (let i = 0; i < BORROWERS; i++) await at.borrower(2 + i, (19_900n - 100n * BigInt(i)) * E18)
    const seen: Seen = { moved: 0, refused: 0, liquidatable: 0 }
    let held: Collateral = first
    for (let step = 0; step < STEPS; step++) {
      if (random.below(3n) === 0n) {
        held = anyHeld(random)
        await at.hold(held)
      }
      if (random.below(6n) === 0n) {
        await at.market.setPrice('WETH', (firstPriceE8 * random.between(9_800n, 11_000n)) / 10_000n)
      }
      await at.wait([1n, rules.delaySeconds, 6n * HOUR, rules.windowSeconds][Number(random.below(4n))] as bigint)
      const list = at.accounts().filter(() => random.below(20n) !== 0n)
      const calls = [() => at.announce(), () => at.apply(list), () => at.apply(), () => at.lowerLoanToValue()]
      await called(at, held, calls[Number(random.below(4n))] as (typeof calls)[number], seen)
    }
    expect(seen.moved).toBeGreaterThan(8)
    expect(seen.refused).toBeGreaterThan(8)
  },
)
