/** A venue whose fund is less than its accounts are expected to leave unpaid asks more of who takes on risk, and of nobody else. */
import { encodeBytes32String, type Contract } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { E12, E8, PortfolioEngine } from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'
import { option, rules as venueRules, SPOT, sumOf, TestVenue } from './venue.ts'

const [HOUSE, ALICE, BOB, ANYBODY] = [0, 1, 2, 6]
const CALL = option(110_000n, E12)
const ONE_BPS = 10_000n
const TOKEN = 10n ** 6n

const rules = { floorBps: 1_000n, ceilingBps: 11_000n, coverBps: 20_000n, defaultsBps: 100n, maxAgeSeconds: 3_600n }
/** Four accounts that are expected to leave 5,000 unpaid, so that 10,000 are to be in the fund; no defaults to speak of. */
const figures = {
  accounts: 4n,
  defaultProbabilityX32: 0n,
  expectedShortfallE8: 5_000n * E8,
  unhealthy: 0n,
  deltaE12: 0n,
  gammaE20: 0n,
  vegaE8: 0n,
}
/** What the initial margin asks beyond maintenance. */
const BEYOND = 1_000n * E8

let at: TestVenue
let policy: Contract

beforeAll(async () => {
  at = await TestVenue.open({ engine: await PortfolioEngine.start() })
  policy = await at.chain.deploy('VenuePolicy', at.engine.council, at.registry, rules)
  for (const [each, cash] of [
    [HOUSE, 1_000_000n],
    [ALICE, 100_000n],
    [BOB, 1_000_000n],
  ] as const)
    await at.deposit(each, cash)
  await mined(at.call(HOUSE, 'setPolicy', policy))
})

/** Figures of all accounts, of the newest round unless it is said. */
const count = async (change: Partial<typeof figures & { readonly asOf: bigint }> = {}): Promise<void> =>
  void (await mined(at.registry.getFunction('setOpenInterest')({ asOf: at.newest.asOf, ...figures, ...change })))
const fund = (whole: bigint) => mined(at.call(HOUSE, 'fundInsurance', whole * TOKEN))
/** A margin that leaves so much above the initial one, and of which the initial one asks `BEYOND` beyond maintenance. */
const above = (initialE8: bigint, beyondE8 = BEYOND) => ({ initialE8, maintenanceE8: initialE8 + beyondE8 })

/** An order of Alice's that is filled and proven, the house's side with as much as it takes. */
async function filled(initialE8: bigint, beyondE8 = BEYOND) {
  const order = await at.place(ALICE, { options: [CALL] })
  await at.round(SPOT * E8)
  await at.match(order, HOUSE, 2_000n * E12)
  await at.prove(ALICE, above(initialE8, beyondE8))
  await at.prove(HOUSE, above(1_000_000n * E8))
  const own = sumOf(await at.positions(ALICE), order.options)
  const partner = sumOf(await at.positions(HOUSE), order.options, -1n)
  const effect = async () => at.call(ANYBODY, 'takeEffect', await at.address(ALICE), own, partner)
  return { order, effect, take: () => at.takeTrade(order, HOUSE) }
}
const standing = async (): Promise<Record<string, bigint>> =>
  (await policy.getFunction('standingOf')(await at.venue.getFunction('insuranceE12')())).toObject()

describe('R180: the buffer', () => {
  test('is the floor where the fund has what it must, the ceiling where it is empty, and between in proportion, to the unit', async () => {
    await at.undone(async () => {
      for (const [funded, bufferBps] of [
        [0n, 11_000n],
        [2_500n, 8_500n],
        [2_500n, 6_000n],
        [4_999n, 1_001n],
        [1n, 1_000n],
        [1n, 1_000n],
      ] as const) {
        if (funded > 0n) await fund(funded)
        await count()
        expect(await standing()).toMatchObject({
          ...{ isKnown: true, accounts: 4n, bufferBps, asOf: at.newest.asOf },
          ...{ expectedShortfallE12: 5_000n * E12, requirementE12: 10_000n * E12 },
        })
      }
    })
  })

  test('rises with expected defaults alike, and is the greater of both', async () => {
    await at.undone(async () => {
      await fund(7_500n) // 3,500 by the fund
      // A hundredth of four accounts is where it is the greatest.
      const most = (4n * 2n ** 32n) / 100n
      for (const [defaultProbabilityX32, bufferBps] of [
        [0n, 3_500n],
        [most / 10n, 3_500n],
        [most / 2n, 6_000n],
        [most / 2n + 1n, 6_001n],
        [most + 1n, 11_000n],
        [4n * 2n ** 32n, 11_000n],
      ] as const) {
        await count({ defaultProbabilityX32 })
        expect((await standing()).bufferBps, `${defaultProbabilityX32}`).toBe(bufferBps)
      }
    })
  })

  test('is the floor of a venue without accounts, or that is expected to leave nothing unpaid', async () => {
    await at.undone(async () => {
      await count({ accounts: 0n, expectedShortfallE8: 0n })
      expect((await standing()).bufferBps).toBe(1_000n)
      await count({ expectedShortfallE8: 0n })
      expect((await standing()).bufferBps).toBe(1_000n)
    })
  })

  test('is the ceiling where nothing was counted, and from the second at which the last complete count is too old', async () => {
    await at.undone(async () => {
      expect(await standing()).toMatchObject({ isKnown: false, asOf: 0n, bufferBps: 11_000n })
      await fund(10_000n)
      await count()
      const { asOf } = at.newest
      await at.chain.setTime(asOf + rules.maxAgeSeconds)
      expect(await standing()).toMatchObject({ isKnown: true, bufferBps: 1_000n })
      await at.chain.setTime(asOf + rules.maxAgeSeconds + 1n)
      expect(await standing()).toMatchObject({ isKnown: false, asOf, bufferBps: 11_000n })
    })
  })
})

describe('R181: what adds risk', () => {
  test('is refused below the buffer, by figures, requirement and fund, and taken at it', async () => {
    await at.undone(async () => {
      await fund(7_500n)
      const needed = (BEYOND * 3_500n) / ONE_BPS
      const { effect, take } = await filled(needed - 1n)
      await count()
      const owner = await at.address(ALICE)
      const told = Object.values(await standing())
      await expectRevert(effect(), policy, 'BufferTooLow', [owner, needed - 1n, needed, told])
      await at.prove(ALICE, above(needed))
      await take()
    })
  })

  test('waits for no figures where it has what the ceiling asks, and is as before without a policy', async () => {
    await at.undone(async () => {
      const ceiling = (BEYOND * rules.ceilingBps) / ONE_BPS
      const { effect, take } = await filled(ceiling - 1n)
      await expectRevert(effect(), policy, 'BufferTooLow')
      await at.undone(async () => {
        await at.prove(ALICE, above(ceiling))
        await take()
      })
      await mined(at.call(HOUSE, 'setPolicy', `0x${'00'.repeat(20)}`))
      await take()
    })
  })

  test('of a venue that grew past its fund is asked more, by itself: the same order passed before', async () => {
    await at.undone(async () => {
      await fund(10_000n)
      const { effect } = await filled((BEYOND * rules.floorBps) / ONE_BPS)
      await count()
      await at.undone(async () => void (await mined(effect())))
      await count({ accounts: 400n, expectedShortfallE8: 500_000n * E8 })
      await expectRevert(effect(), policy, 'BufferTooLow')
      await fund(990_000n)
      await mined(effect())
    })
  })

  test('is a withdrawal from an account with positions too, or what was asked for would be taken out', async () => {
    await at.undone(async () => {
      const { take } = await filled(BEYOND * 2n)
      await take()
      await at.round(SPOT * E8)
      await mined(at.withdraw(ALICE, 1n))
      await at.prove(ALICE, above(0n))
      const effect = async () => at.call(ANYBODY, 'takeEffect', await at.address(ALICE), [], [])
      await expectRevert(effect(), policy, 'BufferTooLow')
      await at.prove(ALICE, above((BEYOND * rules.ceilingBps) / ONE_BPS))
      await mined(effect())
    })
  })
})

describe('R182: what takes risk away', () => {
  test('is a trade that asks for no more beyond maintenance than the account did: it takes no buffer, and one unit more does', async () => {
    await at.undone(async () => {
      const first = await filled(BEYOND * 2n)
      await first.take()
      const closing = await filled(0n, BEYOND + 1n)
      await at.proveKey((await at.account(ALICE)).key, above(0n))
      await expectRevert(closing.effect(), policy, 'BufferTooLow')
      await at.prove(ALICE, above(0n, BEYOND))
      await closing.take()
    })
  })

  test('is told by a margin of what the account holds: one of an earlier report says nothing of it', async () => {
    await at.undone(async () => {
      const first = await filled(BEYOND * 2n)
      await first.take()
      const closing = await filled(0n)
      await at.deposit(ALICE, 1n)
      await mined(at.mark(ANYBODY, ALICE)) // reports what came in
      await expectRevert(closing.effect(), policy, 'BufferTooLow')
      await at.proveKey((await at.account(ALICE)).key, above(0n))
      await closing.take()
    })
  })

  test('from an account of cash alone, and liquidations, are held to nothing', async () => {
    await at.undone(async () => {
      await mined(at.withdraw(BOB, 1_000n))
      const { take } = await filled(BEYOND * 2n)
      await take()
      await at.round(SPOT * E8)
      await at.witness(ALICE)
      await mined(at.liquidate(BOB, ALICE, venueRules.stepBps))
    })
  })

  test('leaves no less above the initial margin, or a trade at a bad price would take out what a buffer was asked for', async () => {
    await at.undone(async () => {
      const first = await filled(BEYOND * 2n)
      await first.take()
      const closing = await filled(BEYOND - 1n, BEYOND - 1n)
      await at.proveKey((await at.account(ALICE)).key, above(BEYOND))
      await expectRevert(closing.effect(), policy, 'BufferTooLow')
      await at.prove(ALICE, above(BEYOND, BEYOND - 1n))
      await closing.take()
    })
  })

  test('is told by a margin of the same round: in a wilder one before it as much might have been less', async () => {
    await at.undone(async () => {
      const first = await filled(BEYOND * 2n)
      await first.take()
      await at.proveKey((await at.account(ALICE)).key, above(0n))
      const closing = await filled(0n)
      await expectRevert(closing.effect(), policy, 'BufferTooLow')
      await at.proveKey((await at.account(ALICE)).key, above(0n))
      await closing.take()
    })
  })

  test('is refused by no counts that fail', async () => {
    await at.undone(async () => {
      const first = await filled(BEYOND * 2n)
      await first.take()
      const closing = await filled(0n)
      await at.proveKey((await at.account(ALICE)).key, above(0n))
      await closing.take()
      expect((await standing()).isKnown).toBe(false)
    })
  })
})

describe('R183: rules of the buffer', () => {
  const bounds: Readonly<Record<string, readonly [bigint, bigint]>> = {
    floorBps: [0n, 11_000n],
    ceilingBps: [1_000n, 50_000n],
    coverBps: [1_000n, 1_000_000n],
    defaultsBps: [1n, 10_000n],
    maxAgeSeconds: [60n, 604_800n],
  }

  test('are within their bounds, the floor not above the ceiling, and the council’s to set', async () => {
    await at.undone(async () => {
      const set = (by: number, change: object) =>
        at.as(at.signer(by), policy).getFunction('setRules')({ ...rules, ...change })
      for (const [rule, [least, most]] of Object.entries(bounds)) {
        for (const value of [least, most]) await mined(set(HOUSE, { [rule]: value }))
        for (const value of least === 0n ? [most + 1n] : [least - 1n, most + 1n]) {
          const isFloor = rule === 'floorBps' || (rule === 'ceilingBps' && value < least)
          const about = isFloor
            ? [
                encodeBytes32String('floorBps'),
                rule === 'floorBps' ? value : 1_000n,
                0n,
                rule === 'floorBps' ? most : value,
              ]
            : [encodeBytes32String(rule), value, rule === 'ceilingBps' ? 0n : least, most]
          await expectRevert(set(HOUSE, { [rule]: value }), policy, 'RuleOutOfRange', about)
        }
      }
      await expectRevert(set(ALICE, {}), policy, 'AccessManagedUnauthorized')
      await expectRevert(at.call(ALICE, 'setPolicy', policy), at.venue, 'AccessManagedUnauthorized')
    })
  })
})
