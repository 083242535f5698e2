/** Options pay at expiry by the first round after it, and what some get others give. */
import { beforeAll, describe, expect, test } from 'vitest'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import { E12, E8, PortfolioEngine, roundAt } from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'
import { EXPIRY, option, roundArgument, rules, TestVenue } from './venue.ts'

const [HOUSE, ALICE, BOB, ANYBODY] = [0, 1, 2, 6]
const LATER = EXPIRY + 604_800n
const LAST = EXPIRY + rules.settlementSeconds
const OPTIONS = [
  option(90_000n, E12),
  option(110_000n, -2n * E12, 3n * E12),
  option(120_000n, 0n, -E12),
  option(90_000n, E12, 0n, LATER),
]

let at: TestVenue

beforeAll(async () => {
  at = await TestVenue.open({ engine: await PortfolioEngine.start() })
  await at.deposit(HOUSE, 1_000_000n)
  await at.deposit(ALICE, 100_000n)
  await at.chain.setTime(EXPIRY - 1_000n)
  await at.trade(ALICE, HOUSE, { options: OPTIONS, perpsE12: E12 }, 30_000n * E12)
  await at.deposit(BOB, 1_000n)
  await at.trade(BOB, HOUSE, { options: [option(110_000n, -E12)] }, -2_000n * E12)
  await at.chain.setTime(EXPIRY)
})

/** A round of a time, published at it. */
async function roundOf(asOf: bigint, spotE8: bigint) {
  if (asOf > (await at.chain.now())) await at.chain.setTime(asOf)
  const round = roundAt(asOf, [LATER], spotE8)
  await at.engine.publish(round)
  at.newest = round
  return round
}
const fix = (round: Parameters<typeof roundArgument>[0], by = ANYBODY) =>
  at.call(by, 'fixSettlement', EXPIRY, roundArgument(round))
const settle = async (i: number) => at.call(ANYBODY, 'settle', await at.address(i), await at.positions(i))
const settlement = async () => (await at.venue.getFunction('settlementOf')(EXPIRY)).toArray()

describe('R141: the settlement of an expiry', () => {
  test('is by the first round at or after it, whoever brings a later one first', async () => {
    await at.undone(async () => {
      const before = await roundOf(EXPIRY - 1n, 99n * E8)
      await expectRevert(fix(before), at.venue, 'RoundBeforeExpiry', [EXPIRY - 1n, EXPIRY])
      const first = await roundOf(EXPIRY, 100_000n * E8)
      const second = await roundOf(EXPIRY + 60n, 130_000n * E8)
      await mined(fix(second))
      expect(await settlement()).toEqual([130_000n * E8, EXPIRY + 60n, false])
      await expectRevert(fix(second), at.venue, 'SettlementStands', [EXPIRY, EXPIRY + 60n])
      await expectRevert(settle(ALICE), at.venue, 'NothingChanges')
      await at.chain.setNextTime(LAST)
      await mined(fix(first))
      expect(await settlement()).toEqual([100_000n * E8, EXPIRY, false])
      await at.chain.setTime(LAST + 1n)
      expect(await settlement()).toEqual([100_000n * E8, EXPIRY, true])
    })
  })

  test('is final after the window, and rules that change then do not open it again', async () => {
    await at.undone(async () => {
      const first = await roundOf(EXPIRY, 100_000n * E8)
      const second = await roundOf(EXPIRY + 60n, 130_000n * E8)
      await mined(fix(second))
      await at.chain.setTime(LAST + 1n)
      await mined(at.call(HOUSE, 'setRules', { ...rules, settlementSeconds: 3_600n }))
      await expectRevert(fix(first), at.venue, 'SettlementStands', [EXPIRY, EXPIRY + 60n])
      expect((await settlement())[2]).toBe(true)
    })
  })

  test('is by the newest round if nobody brought one in the window, and by no other', async () => {
    await at.undone(async () => {
      const first = await roundOf(EXPIRY, 100_000n * E8)
      const newest = await roundOf(LAST + 1n, 101_000n * E8)
      await expectRevert(fix(first), at.venue, 'RoundNotNewest', [EXPIRY, LAST + 1n])
      await mined(fix(newest))
      expect(await settlement()).toEqual([101_000n * E8, LAST + 1n, true])
    })
  })

  test('is by a round that was published with these words, whose prices are near each other', async () => {
    await at.undone(async () => {
      const round = await roundOf(EXPIRY, 100_000n * E8)
      await expectRevert(fix({ ...round, expiries: [] }), at.venue, 'RoundNotPublished')
      await expectRevert(fix(roundAt(EXPIRY + 1n, [LATER], 100_000n * E8)), at.venue, 'RoundNotPublished')
      await mined(fix(round))
    })
    await at.undone(async () => {
      const far = roundAt(EXPIRY, [LATER], 1n) // the perpetual at 2: a factor of 2, and no more
      await at.engine.publish(far)
      await mined(fix(far))
    })
    await at.undone(async () => {
      const { market, ...rest } = roundAt(EXPIRY, [LATER], 1n)
      const far = { ...rest, market: [(market[0] as bigint) + (1n << 48n), ...market.slice(1)] } // at 3
      await at.engine.publish(far)
      await expectRevert(fix(far), at.venue, 'RoundPricesApart', [1n, 3n, 10_000n])
    })
  })
})

describe('R141: an account', () => {
  test('gets what its expired options pay, gives what they cost, and keeps the others; together that is nothing', async () => {
    await at.undone(async () => {
      const round = await roundOf(EXPIRY, 114_000n * E8)
      await mined(fix(round))
      await at.chain.setTime(LAST + 1n)
      const cash = async (i: number): Promise<bigint> => (await at.account(i)).cashE12
      const [own, house] = [await cash(ALICE), await cash(HOUSE)]
      await mined(settle(ALICE))
      // 24,000 of the call, 2 × -4,000 of those sold, nothing of the puts bought, -6,000 of the put sold.
      const payoff = 10_000n * E12
      expect((await cash(ALICE)) - own).toBe(payoff)
      expect(await at.venue.getFunction('clearingE12')()).toBe(-payoff)
      await mined(settle(HOUSE))
      expect((await cash(HOUSE)) - house).toBe(-payoff + 4_000n * E12)
      await mined(settle(BOB))
      expect(await at.venue.getFunction('clearingE12')()).toBe(0n)
      at.books.set(await at.address(ALICE), [option(90_000n, E12, 0n, LATER)])
      await expectRevert(settle(ALICE), at.venue, 'NothingChanges')
      await at.round(114_000n * E8)
      await mined(at.mark(ANYBODY, ALICE))
    })
  })

  test('loses no time: what waits is void, as it is of options that are no more', async () => {
    await at.undone(async () => {
      const round = await roundOf(EXPIRY, 114_000n * E8)
      await mined(at.withdraw(ALICE, 1n))
      await mined(fix(round))
      await at.chain.setTime(LAST + 1n)
      await mined(settle(ALICE))
      expect(BigInt((await at.change(ALICE)).candidate)).toBe(0n)
    })
  })
})

describe('R145: an account that its options left in debt', () => {
  test('owes nothing any more: the fund covers what it can, the rest is bad debt', async () => {
    for (const [fund, covered, bad] of [
      [0n, 0n, 7_000n],
      [5_000n, 5_000n, 2_000n],
      [9_000n, 7_000n, 0n],
    ] as const) {
      await at.undone(async () => {
        const round = await roundOf(EXPIRY, 120_000n * E8)
        await mined(fix(round))
        if (fund > 0n) await mined(at.call(HOUSE, 'fundInsurance', fund * 10n ** 6n))
        await at.chain.setTime(LAST + 1n)
        const events = eventsOf(await mined(settle(BOB)), at.venue)
        expect(events.find(({ name }) => name === 'DebtCovered')?.args.toArray()).toEqual([
          await at.address(BOB),
          covered * E12,
          bad * E12,
        ])
        expect((await at.account(BOB)).cashE12).toBe(0n)
        expect(await at.venue.getFunction('badDebtE12')()).toBe(bad * E12)
        expect(await at.venue.getFunction('insuranceE12')()).toBe((fund - covered) * E12)
      })
    }
  })
})

describe('R141: who else', () => {
  test('has no part in it: an account without such options has nothing to settle', async () => {
    await at.undone(async () => {
      await at.deposit(3, 1n)
      await expectRevert(settle(3), at.venue, 'NothingChanges')
    })
  })
})
