/** What adds risk at the venue is proven before it takes effect, and nothing that waits changes what stands. */
import { beforeAll, describe, expect, test } from 'vitest'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import { E12, E8, PortfolioEngine } from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'
import { option, rules, SPOT, sumOf, TestVenue } from './venue.ts'

const [HOUSE, ALICE, BOB, ANYBODY] = [0, 1, 2, 6]
const CALL = option(110_000n, E12)

let at: TestVenue

beforeAll(async () => {
  at = await TestVenue.open({ engine: await PortfolioEngine.start() })
  await at.deposit(HOUSE, 1_000_000n)
  await at.deposit(ALICE, 100_000n)
  await at.deposit(BOB, 100_000n)
})

const cashOf = async (i: number): Promise<bigint> => (await at.account(i)).cashE12
const balance = async (i: number): Promise<bigint> => at.token.getFunction('balanceOf')(await at.address(i))
const effect = async (i: number, own: readonly bigint[] = [], partner: readonly bigint[] = []) =>
  at.call(ANYBODY, 'takeEffect', await at.address(i), own, partner)

describe('R135: an account of cash alone', () => {
  test('is paid at once, to its last unit and not one more', async () => {
    await at.undone(async () => {
      const before = await balance(ALICE)
      await expectRevert(at.withdraw(ALICE, 100_001n), at.venue, 'MarginTooLow')
      await mined(at.withdraw(ALICE, 100_000n))
      expect((await balance(ALICE)) - before).toBe(100_000n * 10n ** 6n)
      expect(await cashOf(ALICE)).toBe(0n)
      await expectRevert(at.withdraw(ALICE, 1n), at.venue, 'MarginTooLow')
      const { key, reports } = await at.account(ALICE)
      expect((await at.registry.getFunction('accountOf')(key)).sequence).toBe(reports)
    })
  })

  test('is nobody’s that never deposited', async () => {
    await expectRevert(at.withdraw(4, 1n), at.venue, 'AccountUnknown', [await at.address(4)])
    await expectRevert(at.mark(ANYBODY, 4), at.venue, 'AccountUnknown')
    await expectRevert(at.call(ANYBODY, 'flag', await at.address(4)), at.venue, 'AccountUnknown')
  })
})

describe('R135: a change', () => {
  test('waits for the margin of its candidate, of this round, at least 0, and fresh', async () => {
    await at.undone(async () => {
      const order = await at.place(ALICE, { perpsE12: E12, options: [CALL] })
      await at.round(SPOT * E8)
      await at.match(order, HOUSE, 2_000n * E12)
      const [own, partner] = [sumOf([], order.options), sumOf([], order.options, -1n)]
      const owner = await at.address(ALICE)
      await expectRevert(effect(ALICE, own, partner), at.registry, 'MarginNotYetProven')
      await at.prove(ALICE, { initialE8: -1n })
      await expectRevert(effect(ALICE, own, partner), at.venue, 'MarginTooLow', [owner, -1n])
      const { asOf } = at.newest
      for (const other of [asOf - 1n, asOf + 1n]) {
        await at.prove(ALICE, { asOf: other })
        await expectRevert(effect(ALICE, own, partner), at.venue, 'MarginOfOtherRound', [owner, other, asOf])
      }
      await at.prove(ALICE, { sequence: 2n })
      await expectRevert(effect(ALICE, own, partner), at.registry, 'MarginOfOtherPositions')
      await at.prove(ALICE)
      // One side alone changes nothing.
      await expectRevert(effect(ALICE, own, partner), at.registry, 'MarginNotYetProven')
      expect(await cashOf(ALICE)).toBe(100_000n * E12)
      await at.prove(HOUSE)
      const before = (await at.account(ALICE)).key
      const receipt = await at.takeTrade(order, HOUSE)
      expect(eventsOf(receipt, at.venue).filter(({ name }) => name === 'ChangeTaken')).toHaveLength(2)
      const after = await at.account(ALICE)
      expect(after).toMatchObject({ cashE12: 98_000n * E12, perpsE12: E12, reports: 1n, isReported: true })
      expect(after.key).not.toBe(before)
      expect(await cashOf(HOUSE)).toBe(1_002_000n * E12)
      expect((await at.account(HOUSE)).perpsE12).toBe(-E12)
      // The margin that was proven of the candidate is in force for the account.
      expect((await at.registry.getFunction('marginOf')(after.key)).initialE8).toBe(0n)
    })
  })

  test('of options alone takes a margin of a later round too, and none of an earlier one', async () => {
    await at.undone(async () => {
      const order = await at.place(ALICE, { options: [CALL] })
      await at.round(SPOT * E8)
      await at.match(order, HOUSE, 2_000n * E12)
      const of = at.newest.asOf
      await at.prove(HOUSE)
      await at.prove(ALICE, { asOf: of - 1n })
      await expectRevert(effect(ALICE, order.options, sumOf([], order.options, -1n)), at.venue, 'MarginOfOtherRound')
      await at.prove(ALICE, { asOf: of + 1n })
      await at.takeTrade(order, HOUSE)
    })
  })

  test('is one at a time, and no longer than its time', async () => {
    await at.undone(async () => {
      await at.trade(ALICE, HOUSE, { perpsE12: E12 })
      await mined(at.withdraw(ALICE, 10n))
      const { candidate, expiresAt } = await at.change(ALICE)
      const owner = await at.address(ALICE)
      await expectRevert(at.withdraw(ALICE, 10n), at.venue, 'ChangePending', [owner, candidate])
      await at.prove(ALICE)
      await at.undone(async () => {
        await at.chain.setNextTime(expiresAt)
        await mined(effect(ALICE))
      })
      await at.chain.setNextTime(expiresAt + 1n)
      await expectRevert(effect(ALICE), at.venue, 'ChangeExpired', [owner, expiresAt])
      await mined(at.call(ANYBODY, 'cancelChange', owner))
      await expectRevert(effect(ALICE), at.venue, 'NoChange', [owner])
      await expectRevert(at.call(ANYBODY, 'cancelChange', owner), at.venue, 'NoChange')
    })
  })

  test('leaves the account’s own margin in force until it takes effect, and pays out then', async () => {
    await at.undone(async () => {
      await at.trade(ALICE, HOUSE, { perpsE12: E12 })
      const { key } = await at.account(ALICE)
      const before = await balance(ALICE)
      const candidate = eventsOf(await mined(at.withdraw(ALICE, 1_000n)), at.venue).find(
        ({ name }) => name === 'ChangeProposed',
      )?.args.candidate as string
      expect((await at.account(ALICE)).key).toBe(key)
      expect((await at.registry.getFunction('marginOf')(key)).initialE8).toBe(0n)
      expect(await cashOf(ALICE)).toBe(100_000n * E12)
      await at.proveKey(candidate)
      await mined(effect(ALICE))
      expect((await at.account(ALICE)).key).toBe(candidate)
      expect(await cashOf(ALICE)).toBe(99_000n * E12)
      expect((await balance(ALICE)) - before).toBe(1_000n * 10n ** 6n)
    })
  })

  test('takes along what came in meanwhile, and what perpetuals gained or lost', async () => {
    await at.undone(async () => {
      await at.trade(ALICE, HOUSE, { perpsE12: E12 })
      const order = await at.place(ALICE, { perpsE12: E12 })
      await at.round(SPOT * E8)
      await at.match(order, HOUSE)
      for (const each of [ALICE, HOUSE]) await at.prove(each)
      await at.deposit(ALICE, 5n)
      await at.round((SPOT - 1_000n) * E8)
      await mined(at.mark(ANYBODY, ALICE))
      expect(await cashOf(ALICE)).toBe(99_005n * E12)
      await at.takeTrade(order, HOUSE)
      // A thousand of each of the two, and the house is not marked yet.
      expect(await at.account(ALICE)).toMatchObject({ cashE12: 98_005n * E12, perpsE12: 2n * E12, isReported: true })
      await mined(at.mark(ANYBODY, HOUSE))
      expect(await cashOf(HOUSE)).toBe(1_002_000n * E12)
      expect(await at.venue.getFunction('clearingE12')()).toBe(0n)
    })
  })
})

describe('R139: a trade', () => {
  test('is cancelled by neither side while it can take effect, nor a withdrawal by others', async () => {
    await at.undone(async () => {
      const order = await at.place(ALICE, { perpsE12: E12 })
      await at.round(SPOT * E8)
      await at.match(order, HOUSE)
      const { expiresAt } = await at.change(ALICE)
      for (const [by, of] of [
        [ALICE, ALICE],
        [HOUSE, HOUSE],
        [ANYBODY, ALICE],
      ] as const) {
        await expectRevert(at.call(by, 'cancelChange', await at.address(of)), at.venue, 'TradeBinding', [
          await at.address(of),
          expiresAt,
        ])
      }
      await at.chain.setNextTime(expiresAt + 1n)
      await mined(at.call(ANYBODY, 'cancelChange', await at.address(ALICE)))
      // Whose other side is gone is free.
      await mined(at.call(ANYBODY, 'cancelChange', await at.address(HOUSE)))
    })
    await at.undone(async () => {
      await at.trade(ALICE, HOUSE, { perpsE12: E12 })
      await mined(at.withdraw(ALICE, 1n))
      const owner = await at.address(ALICE)
      await expectRevert(at.call(ANYBODY, 'cancelChange', owner), at.venue, 'NotOwner')
      await mined(at.call(ALICE, 'cancelChange', owner))
    })
  })

  test('takes effect for both or for neither: a side whose partner was liquidated is refused', async () => {
    await at.undone(async () => {
      await at.trade(ALICE, HOUSE, { perpsE12: E12 })
      const order = await at.place(ALICE, { perpsE12: E12 })
      await at.round(SPOT * E8)
      await at.match(order, HOUSE)
      for (const each of [ALICE, HOUSE]) await at.prove(each)
      await mined(at.mark(ANYBODY, ALICE))
      await at.witness(ALICE)
      await mined(at.liquidate(BOB, ALICE, rules.stepBps))
      const owner = await at.address(ALICE)
      await expectRevert(effect(ALICE), at.venue, 'NoChange', [owner])
      await expectRevert(effect(HOUSE), at.venue, 'PartnerGone', [await at.address(HOUSE), owner])
      await mined(at.call(ANYBODY, 'cancelChange', await at.address(HOUSE)))
    })
  })
})

describe('R149: an account that was shown to be below maintenance', () => {
  test('changes on margins of that round or a later one, not on earlier ones', async () => {
    await at.undone(async () => {
      await at.trade(ALICE, HOUSE, { perpsE12: E12 })
      await at.round(SPOT * E8)
      await mined(at.withdraw(ALICE, 1n))
      await at.prove(ALICE)
      const { asOf } = at.newest
      await at.witness(ALICE, { asOf: asOf + 1n })
      const owner = await at.address(ALICE)
      await expectRevert(effect(ALICE), at.venue, 'AccountFlagged', [owner, asOf + 1n, asOf])
      await at.witness(ALICE)
      await mined(effect(ALICE))
    })
  })
})

describe('R152: what waited in vain', () => {
  test('leaves nothing that the registry would count, whether it was cancelled or overtaken', async () => {
    const none = async (): Promise<string> => {
      const { bookHash } = await at.registry.getFunction('accountOf')(emptied)
      return bookHash
    }
    let emptied = ''
    await at.undone(async () => {
      await at.trade(ALICE, HOUSE, { perpsE12: E12, options: [CALL] }, 2_000n * E12)
      emptied = (await at.account(ALICE)).key
      await at.trade(ALICE, HOUSE, { perpsE12: E12 })
      const nothing = await none() // of a key that was left
      await mined(at.withdraw(ALICE, 1n))
      emptied = (await at.change(ALICE)).candidate
      expect(await none()).not.toBe(nothing)
      await at.undone(async () => {
        await mined(at.call(ALICE, 'cancelChange', await at.address(ALICE)))
        expect(await none()).toBe(nothing)
      })
      await at.witness(ALICE) // marked at the round of the trade
      await mined(at.liquidate(BOB, ALICE, rules.stepBps))
      expect(await none()).toBe(nothing)
    })
  })
})

describe('R140: perpetuals', () => {
  test('gain in cash what the price rose by, exactly, once a round, and the report says it', async () => {
    await at.undone(async () => {
      const size = 3n * 10n ** 8n
      await at.trade(ALICE, HOUSE, { perpsE12: size })
      const start = (await at.account(ALICE)).markE8
      await at.round(SPOT * E8 + 12_345n)
      const receipt = await mined(at.mark(ANYBODY, ALICE))
      const gain = 3n * (SPOT * E8 + 12_346n - start)
      expect(await cashOf(ALICE)).toBe(100_000n * E12 + gain)
      expect(eventsOf(receipt, at.venue)[0]?.args.cashE12).toBe(100_000n * E12 + gain)
      expect(await at.venue.getFunction('clearingE12')()).toBe(-gain)
      await expectRevert(at.mark(ANYBODY, ALICE), at.venue, 'NothingChanges')
      await at.deposit(ALICE, 1n) // is said in a report of its own
      await mined(at.mark(ANYBODY, ALICE))
      await mined(at.mark(ANYBODY, HOUSE))
      expect(await at.venue.getFunction('clearingE12')()).toBe(0n)
    })
  })

  test('come in whole lots, so that nothing is rounded', async () => {
    const order = await at.order(ALICE, { perpsE12: 10n ** 8n + 1n })
    await expectRevert(at.callOrders(ALICE, 'placeOrder', order), at.orders, 'NotInLots', [10n ** 8n + 1n, 10n ** 8n])
    const other = await at.order(ALICE, { options: [option(110_000n, 10n ** 8n, -1n)] })
    await expectRevert(at.callOrders(ALICE, 'placeOrder', other), at.orders, 'NotInLots', [-1n, 10n ** 8n])
    await at.undone(() =>
      at.place(ALICE, { perpsE12: 10n ** 8n, options: [option(110_000n, 10n ** 8n, -(10n ** 8n))] }),
    )
  })

  test('are marked at the newest round alone, with its own words', async () => {
    await at.undone(async () => {
      await at.trade(ALICE, HOUSE, { perpsE12: E12 })
      const before = at.newest
      await at.round(SPOT * E8)
      const after = at.newest
      at.newest = before
      await expectRevert(at.mark(ANYBODY, ALICE), at.venue, 'RoundNotNewest', [before.asOf, after.asOf])
      at.newest = { ...after, expiries: [] }
      await expectRevert(at.mark(ANYBODY, ALICE), at.engine.arrays, 'RoundUnknown')
      at.newest = after
      await mined(at.mark(ANYBODY, ALICE))
    })
  })
})

describe('R135: what is brought along', () => {
  test('is what the account holds', async () => {
    await at.undone(async () => {
      await at.trade(ALICE, HOUSE, { options: [CALL] }, 2_000n * E12)
      at.books.set(await at.address(ALICE), [option(110_000n, 2n * E12)])
      await expectRevert(at.withdraw(ALICE, 1n), at.venue, 'PositionsDiffer')
      at.books.set(await at.address(ALICE), [CALL])
      await mined(at.withdraw(ALICE, 1n))
    })
  })
})
