/** Who is below maintenance is taken over in part, by evidence of what was reported, whatever waits and whoever hinders. */
import { beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import { E12, E8, PortfolioEngine, roundAt } from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'
import { EXPIRY, ONE_BPS, option, rules, sumOf, TestVenue } from './venue.ts'

const [HOUSE, ALICE, BOB, CAROL, ANYBODY] = [0, 1, 2, 3, 6]
const CALL = option(110_000n, -2n * E12)
const STEP = rules.stepBps

let at: TestVenue
let snapshot: unknown

beforeAll(async () => {
  at = await TestVenue.open({ engine: await PortfolioEngine.start() })
  for (const [each, cash] of [
    [HOUSE, 1_000_000n],
    [ALICE, 20_000n],
    [BOB, 1_000_000n],
    [CAROL, 1_000_000n],
  ] as const)
    await at.deposit(each, cash)
  // Alice: one perpetual, two calls sold for 4,000.
  await at.trade(ALICE, HOUSE, { perpsE12: E12, options: [CALL] }, -4_000n * E12)
})

let books: ReadonlyMap<string, readonly bigint[]>
let newest: TestVenue['newest']
beforeEach(async () => {
  books = new Map(at.books)
  newest = at.newest
  snapshot = await at.chain.request('evm_snapshot')
})
afterEach(async () => {
  await at.chain.request('evm_revert', snapshot)
  at.books.clear()
  for (const [owner, words] of books) at.books.set(owner, words)
  at.newest = newest
})

/** A fall, Alice marked at it, and evidence of that report. */
async function fall(spot = 95_000n): Promise<void> {
  await at.round(spot * E8)
  await mined(at.mark(ANYBODY, ALICE))
  await at.witness(ALICE)
}

/** What the event of a liquidation says of it. */
async function receiptOf(sent: ReturnType<typeof liquidate>): Promise<Record<string, bigint>> {
  const event = eventsOf(await mined(sent), at.venue).find(({ name }) => name === 'Liquidated')
  return event?.args.receipt.toObject()
}
const liquidate = (by: number, fractionBps: bigint) => at.liquidate(by, ALICE, fractionBps)
const notLiquidatable = (call: Promise<unknown>) => expectRevert(call, at.venue, 'NotLiquidatable')
/** As many seconds of the auction as bring the bonus to this. */
const untilBonus = (bps: bigint): bigint =>
  ((bps + rules.startPayBps) * rules.auctionSeconds) / (rules.startPayBps + rules.endBonusBps)

describe('R142: evidence', () => {
  test('of a report that had the perpetuals marked at its round counts, and goes on to count when they are marked again', async () => {
    await notLiquidatable(liquidate(BOB, STEP))
    await fall()
    await mined(at.call(ANYBODY, 'flag', await at.address(ALICE)))
    await at.round(95_000n * E8)
    await mined(at.mark(ALICE, ALICE)) // as whoever would rather not be liquidated does
    await mined(liquidate(BOB, STEP))
  })

  test('is noted by a mark itself, so that marking hinders nobody', async () => {
    await fall()
    await at.round(95_000n * E8)
    await mined(at.mark(ALICE, ALICE))
    expect((await at.account(ALICE)).flaggedAt).not.toBe(0n)
    await mined(liquidate(BOB, STEP))
  })

  test('of a round that the perpetuals were not marked at does not count, and a mark at it leaves it with the old key', async () => {
    await at.round(120_000n * E8) // Alice has gained 20,000, which no report says
    await at.witness(ALICE)
    await notLiquidatable(liquidate(BOB, STEP))
    const { key } = await at.account(ALICE)
    const receipt = await mined(at.mark(ANYBODY, ALICE))
    expect(eventsOf(receipt, at.venue).map(({ name }) => name)).toContain('KeyReplaced')
    await notLiquidatable(liquidate(BOB, STEP))
    expect(await at.account(ALICE)).toMatchObject({ reports: 1n, cashE12: 44_000n * E12 })
    expect((await at.account(ALICE)).key).not.toBe(key)
    await at.witness(ALICE) // of what is reported now
    await mined(liquidate(BOB, STEP))
  })

  test('of an earlier round stays with the key, as no mark of a later one makes it count', async () => {
    await at.round(120_000n * E8)
    await at.witness(ALICE)
    await at.round(120_000n * E8)
    const { key } = await at.account(ALICE)
    await mined(at.mark(ANYBODY, ALICE))
    expect((await at.account(ALICE)).key).toBe(key)
    await notLiquidatable(liquidate(BOB, STEP))
  })

  test('counts from the second after its round', async () => {
    const ahead = (await at.chain.now()) + 10n
    at.newest = roundAt(ahead, [EXPIRY], 95_000n * E8)
    await at.engine.publish(at.newest)
    await mined(at.mark(ANYBODY, ALICE))
    await at.witness(ALICE)
    await at.chain.undone(async () => {
      await at.chain.setNextTime(ahead)
      await notLiquidatable(liquidate(BOB, STEP))
    })
    await at.chain.setTime(ahead)
    await mined(liquidate(BOB, STEP))
  })

  test('is gone when the registry says so', async () => {
    await fall()
    await mined(at.call(ANYBODY, 'flag', await at.address(ALICE)))
    await at.witness(ALICE, { asOf: 0n })
    await notLiquidatable(liquidate(BOB, STEP))
  })

  test('is of a later round than that of the last liquidation, so that it is of what that left', async () => {
    await fall()
    await mined(liquidate(BOB, STEP))
    at.books.set(await at.address(BOB), [option(110_000n, -E12 / 2n)])
    at.books.set(await at.address(ALICE), [option(110_000n, (-3n * E12) / 2n)])
    await notLiquidatable(liquidate(CAROL, STEP))
    await at.witness(ALICE)
    await notLiquidatable(liquidate(CAROL, STEP))
    await fall()
    await mined(liquidate(CAROL, STEP))
  })
})

describe('R149: a change that waits', () => {
  test('hinders no liquidation of its account, and is no more after it', async () => {
    await at.round(95_000n * E8)
    await mined(at.mark(ANYBODY, ALICE))
    await mined(at.withdraw(ALICE, 1n))
    await at.prove(ALICE)
    await at.witness(ALICE)
    const receipt = await mined(liquidate(BOB, STEP))
    expect(eventsOf(receipt, at.venue).map(({ name }) => name)).toContain('ChangeVoided')
    const own = sumOf(await at.positions(ALICE), [CALL], -1n)
    await expectRevert(at.call(ANYBODY, 'takeEffect', await at.address(ALICE), own, []), at.venue, 'NoChange')
  })

  test('of the liquidator’s own is finished first', async () => {
    await fall()
    await at.trade(BOB, HOUSE, { perpsE12: E12 }, 0n, 95_000n * E8)
    await mined(at.withdraw(BOB, 1n))
    await expectRevert(liquidate(BOB, STEP), at.venue, 'ChangePending')
    await mined(at.call(BOB, 'cancelChange', await at.address(BOB)))
    await at.prove(BOB, { initialE8: 100_000n * E8 })
    await mined(liquidate(BOB, STEP))
  })
})

describe('R143: how much is taken over, and for what', () => {
  test('by a witness a step at a time, of every position and of cash, for most of what was stated at first', async () => {
    await fall()
    await expectRevert(liquidate(BOB, STEP + 1n), at.venue, 'FractionTooLarge', [STEP + 1n, STEP])
    const before = await at.account(ALICE)
    const receipt = await receiptOf(liquidate(BOB, STEP))
    const notional = 2n * 95_000n * E12 + 95_000n * E12 + 10n ** 4n
    const [part, priced] = [notional / 4n, ((notional / 4n) * 2_000n) / ONE_BPS]
    expect(receipt).toMatchObject({
      bonusBps: -2_000n,
      fractionBps: STEP,
      notionalE12: part,
      scenario: 255n,
      badDebtE12: 0n,
    })
    expect(receipt.cashE12).toBe(before.cashE12 / 4n - priced)
    expect(await at.account(ALICE)).toMatchObject({
      perpsE12: (3n * E12) / 4n,
      cashE12: before.cashE12 - (receipt.cashE12 as bigint),
    })
    expect(await at.account(BOB)).toMatchObject({
      perpsE12: E12 / 4n,
      cashE12: 1_000_000n * E12 + (receipt.cashE12 as bigint),
    })
  })

  test('by proven margins as much as restores the initial margin, to the hundredth of a per cent', async () => {
    await at.round(95_000n * E8)
    await mined(at.mark(ANYBODY, ALICE))
    const short = 10_000n
    await at.proveKey((await at.account(ALICE)).key, { initialE8: -short * E8, maintenanceE8: -1n })
    const whole = 3n * 95_000n * E12 + 10n ** 4n
    const paid = (whole * 2_000n) / ONE_BPS
    const most = (short * E12 * ONE_BPS + short * E12 + paid - 1n) / (short * E12 + paid)
    await expectRevert(liquidate(BOB, most + 1n), at.venue, 'FractionTooLarge', [most + 1n, most])
    const receipt = await receiptOf(liquidate(BOB, most))
    expect(receipt).toMatchObject({ scenario: 6n, marginE8: -1n })
    // What is left has its part of the need, and all that was paid.
    const left = -short * E12 * (ONE_BPS - most) + (receipt.notionalE12 as bigint) * 2_000n
    expect(left).toBeGreaterThanOrEqual(0n)
    expect(left).toBeLessThan((short * E12 + paid) * 2n)
  })

  test('for less with every second, until who takes it is paid', async () => {
    await fall()
    await mined(at.call(ANYBODY, 'flag', await at.address(ALICE)))
    const since = (await at.account(ALICE)).flaggedAt
    for (const [seconds, bps] of [
      [0n, -2_000n],
      [rules.auctionSeconds / 2n, -500n],
      [untilBonus(0n), 0n],
      [rules.auctionSeconds, 1_000n],
      [rules.auctionSeconds * 2n, 1_000n],
    ] as const) {
      await at.chain.undone(async () => {
        if (seconds !== 0n) await at.chain.setTime(since + seconds)
        expect(await at.venue.getFunction('bonusBpsOf')(await at.address(ALICE))).toBe(bps)
      })
    }
  })

  test('within a budget a window while liquidators pay, without one when they are paid', async () => {
    const notional = (3n * 95_000n * E12 + 10n ** 4n) / 4n
    const setBudget = (budgetE12: bigint) => mined(at.call(HOUSE, 'setRules', { ...rules, budgetE12 }))
    await fall()
    await setBudget(notional)
    await mined(liquidate(BOB, STEP))
    at.books.set(await at.address(BOB), [option(110_000n, -E12 / 2n)])
    at.books.set(await at.address(ALICE), [option(110_000n, (-3n * E12) / 2n)])
    await fall()
    const next = (3n * (3n * 95_000n * E12 + 10n ** 4n)) / 4n / 10n
    await expectRevert(liquidate(CAROL, 1_000n), at.venue, 'BudgetUsed', [notional + next, notional])
    const since = await at.venue.getFunction('windowSince')()
    await at.chain.undone(async () => {
      await setBudget(notional + next)
      await mined(liquidate(CAROL, 1_000n))
    })
    // The auction of the first evidence goes on; from where liquidators are paid, no budget holds them.
    await at.chain.undone(async () => {
      await at.chain.setTime((await at.account(ALICE)).flaggedAt + untilBonus(0n))
      await at.round(95_000n * E8, 1n)
      await mined(liquidate(CAROL, 1_000n))
    })
    await at.chain.setTime(since + rules.windowSeconds - 60n)
    await at.round(95_000n * E8, 1n)
    await mined(at.mark(ANYBODY, ALICE))
    await at.witness(ALICE)
    await expectRevert(liquidate(CAROL, 1_000n), at.venue, 'BudgetUsed')
    await at.chain.setTime(since + rules.windowSeconds)
    await mined(liquidate(CAROL, 1_000n))
  })

  test('as a whole when liquidators are paid: what the account lacks the fund covers, the rest is bad debt', async () => {
    await mined(at.call(HOUSE, 'fundInsurance', 5_000n * 10n ** 6n))
    await fall(80_000n) // 20,000 + 4,000 - 20,000 in cash
    await mined(at.call(ANYBODY, 'flag', await at.address(ALICE)))
    const since = (await at.account(ALICE)).flaggedAt
    await at.chain.setTime(since + rules.auctionSeconds)
    await at.round(80_000n * E8, 1n)
    const cash = (await at.account(ALICE)).cashE12
    const receipt = await receiptOf(liquidate(BOB, ONE_BPS))
    const bonus = (3n * 80_000n * E12 + 10n ** 4n) / 10n
    expect(receipt).toMatchObject({
      bonusBps: 1_000n,
      cashE12: cash + bonus,
      coveredE12: 5_000n * E12,
      badDebtE12: bonus - 5_000n * E12,
    })
    expect(await at.account(ALICE)).toMatchObject({ cashE12: 0n, perpsE12: 0n, flaggedAt: 0n })
    expect(await at.venue.getFunction('insuranceE12')()).toBe(0n)
    // R145: what comes into the fund pays it.
    const debt = receipt.badDebtE12 as bigint
    expect(await at.venue.getFunction('badDebtE12')()).toBe(debt)
    await mined(at.call(HOUSE, 'fundInsurance', debt / 10n ** 6n + 1n))
    expect(await at.venue.getFunction('badDebtE12')()).toBe(0n)
    expect(await at.venue.getFunction('insuranceE12')()).toBe((debt / 10n ** 6n + 1n) * 10n ** 6n - debt)
  })

  test('and never by oneself, nor nothing of it', async () => {
    await fall()
    await expectRevert(liquidate(ALICE, STEP), at.venue, 'SameAccount')
    await expectRevert(liquidate(BOB, 0n), at.venue, 'NothingChanges')
  })
})

describe('R144: a liquidator', () => {
  test('of cash alone has the bond, to the unit, and needs no proof', async () => {
    await fall()
    const notional = (3n * 95_000n * E12 + 10n ** 4n) / 4n
    const cash = (await at.account(ALICE)).cashE12 / 4n - (notional * 2_000n) / ONE_BPS
    const bond = (notional * rules.bondBps) / ONE_BPS
    const needed = bond - cash
    const enough = (needed + 10n ** 6n - 1n) / 10n ** 6n
    await mined(at.call(4, 'deposit', enough - 1n))
    await expectRevert(liquidate(4, STEP), at.venue, 'BondTooLow', [
      await at.address(4),
      (enough - 1n) * 10n ** 6n + cash,
      bond,
    ])
    await mined(at.call(4, 'deposit', 1n))
    await mined(liquidate(4, STEP))
  })

  test('with positions has it in proven initial margin, of this round', async () => {
    await at.trade(BOB, HOUSE, { perpsE12: E12 })
    await fall()
    await expectRevert(liquidate(BOB, STEP), at.venue, 'MarginOfOtherRound')
    await mined(at.mark(ANYBODY, BOB))
    await expectRevert(liquidate(BOB, STEP), at.registry, 'MarginOfOtherPositions')
    await at.prove(BOB, { initialE8: 0n })
    await expectRevert(liquidate(BOB, STEP), at.venue, 'BondTooLow')
    await at.prove(BOB, { initialE8: 100_000n * E8 })
    await mined(liquidate(BOB, STEP))
    // What it may take over next is proven anew.
    at.books.set(await at.address(BOB), [option(110_000n, -E12 / 2n)])
    at.books.set(await at.address(ALICE), [option(110_000n, (-3n * E12) / 2n)])
    await fall()
    await mined(at.mark(ANYBODY, BOB))
    await expectRevert(liquidate(BOB, STEP), at.registry, 'MarginOfOtherPositions')
  })
})
