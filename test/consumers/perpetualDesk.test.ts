import type { Contract } from 'ethers'
import * as fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import { Engine, freshness, type Market } from '../registry/engine.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'

const PRICE_E8 = 50_000n * 10n ** 8n
const ONE = 10n ** 18n
const ONE_X24 = 1n << 24n
const MAX_MARK_AGE_SECONDS = 3600n
const REWARD_BPS = 50n
const HOUSE_CASH = 10_000_000n * ONE
const CASH = 100_000n * ONE

const cash = (decimals: number) => `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
contract Cash is ERC20 {
    constructor(address[] memory holders) ERC20("Cash", "CASH") {
        for (uint256 i = 0; i < holders.length; ++i) _mint(holders[i], ${HOUSE_CASH});
    }
    function decimals() public pure override returns (uint8) { return ${decimals}; }
}`

let engine: Engine
let market: Market
let token: Contract
let desk: Contract
let addresses: string[]

const signers = { house: 0, alice: 1, bob: 2, carol: 3 } as const
type Name = keyof typeof signers
const names = Object.keys(signers) as Name[]
const addressOf = (name: Name) => addresses[signers[name]] as string
const as = (name: Name, contract: Contract = desk) =>
  contract.connect(engine.chain.signers[signers[name]] as never) as Contract

const deployDesk = (cashToken: Contract) =>
  engine.chain.deploy(
    'PerpetualDesk',
    engine.registry,
    market.feed,
    market.marketId,
    cashToken,
    addressOf('house'),
    MAX_MARK_AGE_SECONDS,
    REWARD_BPS,
  )

beforeAll(async () => {
  engine = await Engine.start(1)
  ;[market] = engine.markets as [Market]
  await engine.observe(market, PRICE_E8)
  await engine.land(engine.batch([market]))
  addresses = await Promise.all(
    names.map((name) => engine.chain.signers[signers[name]]?.getAddress() as Promise<string>),
  )
})

beforeEach(async () => {
  token = await engine.chain.deploy(compileContract('Cash', cash(18)), addresses)
  desk = await deployDesk(token)
  for (const name of names) {
    await mined(as(name, token).getFunction('approve')(desk, HOUSE_CASH))
    await mined(as(name).getFunction('deposit')(name === 'house' ? HOUSE_CASH : CASH))
  }
})

const trade = (name: Name, sizeChange: bigint) => as(name).getFunction('trade')(sizeChange)
const withdraw = (name: Name, amount: bigint) => as(name).getFunction('withdraw')(amount)
const liquidate = (liquidator: Name, account: Name) => as(liquidator).getFunction('liquidate')(addressOf(account))
const equityOf = (name: Name): Promise<bigint> => desk.getFunction('equityOf')(addressOf(name))
const accountOf = async (name: Name): Promise<{ cash: bigint; size: bigint }> =>
  (await desk.getFunction('accountOf')(addressOf(name))).toObject()
const margins = async () => (await engine.registry.getFunction('parameters')(market.marketId)).toObject()

const valueUp = (size: bigint, priceE8: bigint) => (size * priceE8 + 10n ** 8n - 1n) / 10n ** 8n
const requirement = (size: bigint, marginX24: bigint, priceE8 = PRICE_E8) =>
  (size * priceE8 * marginX24 + 10n ** 8n * ONE_X24 - 1n) / (10n ** 8n * ONE_X24)

/** Runs a body at another mark price, without new parameters. */
const atMark = (priceE8: bigint, body: () => Promise<void>) =>
  engine.chain.undone(async () => {
    await engine.observe(market, priceE8)
    market.waiting.pop()
    await body()
  })

describe('R20: a desk opens on proven parameters', () => {
  test('up to the initial margin, and not one unit of size more', async () => {
    const { initialMarginX24 } = await margins()
    // CASH covers valueUp(size) · margin for sizes up to this one.
    let size = (CASH * 10n ** 8n * ONE_X24) / (PRICE_E8 * initialMarginX24)
    while (requirement(size + 1n, initialMarginX24) <= CASH) size++
    await expectRevert(trade('alice', size + 1n), desk, 'MarginTooLow')
    const receipt = await mined(trade('alice', size))
    expect(eventsOf(receipt, desk)[0]?.args.toArray()).toEqual([addressOf('alice'), size, PRICE_E8])
    expect(await accountOf('alice')).toEqual({ cash: CASH - valueUp(size, PRICE_E8), size })
    expect((await accountOf('house')).size).toBe(-size)
    await expectRevert(trade('alice', 1n), desk, 'MarginTooLow')
  })

  test('not when they are stale, while risk may always be reduced', async () => {
    await mined(trade('alice', ONE))
    await engine.chain.undone(async () => {
      const staleFrom = (await margins()).asOf + freshness.maxParameterAgeSeconds + 1n
      await engine.chain.setTime(staleFrom)
      await engine.observe(market, PRICE_E8)
      market.waiting.pop()
      await expectRevert(trade('bob', ONE), engine.registry, 'ParametersStale')
      await expectRevert(trade('alice', 1n), engine.registry, 'ParametersStale')
      await expectRevert(withdraw('alice', 1n), engine.registry, 'ParametersStale')
      await mined(trade('alice', -ONE / 2n))
      await mined(trade('alice', -ONE / 2n))
      await mined(withdraw('bob', CASH)) // flat: nothing is at risk
    })
  })

  test('not across zero on the strength of a position that shrank', async () => {
    await mined(trade('alice', ONE))
    await expectRevert(trade('alice', -100n * ONE), desk, 'MarginTooLow')
    await mined(trade('alice', -2n * ONE))
    expect((await accountOf('alice')).size).toBe(-ONE)
  })

  test('not against a house that lacks the margin itself', async () => {
    await mined(withdraw('house', HOUSE_CASH - 1000n * ONE))
    await expectRevert(trade('alice', ONE), desk, 'MarginTooLow')
    await mined(trade('alice', ONE / 10n))
  })

  test('not on a mark that is too old', async () => {
    const [, , asOf] = await market.feed.getFunction('latest')(market.marketId)
    await engine.chain.undone(async () => {
      await engine.chain.setNextTime(asOf + MAX_MARK_AGE_SECONDS + 1n)
      await expectRevert(trade('alice', 1n), desk, 'MarkStale', [asOf, asOf + 1n])
    })
    await engine.chain.undone(async () => {
      await engine.chain.setNextTime(asOf + MAX_MARK_AGE_SECONDS)
      await mined(trade('alice', 1n))
    })
  })
})

describe('R20: a desk pays out', () => {
  test('what the initial margin does not hold', async () => {
    await mined(trade('alice', ONE))
    const { initialMarginX24 } = await margins()
    const free = CASH - requirement(ONE, initialMarginX24)
    await expectRevert(withdraw('alice', free + 1n), desk, 'MarginTooLow')
    await mined(withdraw('alice', free))
    await expectRevert(withdraw('alice', 1n), desk, 'MarginTooLow')
  })

  test('all of a flat account, and no more', async () => {
    await expectRevert(withdraw('alice', CASH + 1n), desk, 'MarginTooLow', [addressOf('alice'), -1n, 0n])
    const before = await token.getFunction('balanceOf')(addressOf('alice'))
    await mined(withdraw('alice', CASH))
    expect(await token.getFunction('balanceOf')(addressOf('alice'))).toBe(before + CASH)
  })
})

describe('R185: the house of a desk', () => {
  test('leaves the margin of all that others hold, though its own positions come to nothing', async () => {
    await mined(trade('alice', ONE))
    await mined(trade('bob', -ONE))
    expect((await accountOf('house')).size).toBe(0n)
    const { initialMarginX24 } = await margins()
    const needed = requirement(2n * ONE, initialMarginX24)
    const free = HOUSE_CASH - needed
    const house = addressOf('house')
    await expectRevert(withdraw('house', free + 1n), desk, 'MarginTooLow', [house, needed - 1n, needed])
    await expectRevert(withdraw('house', HOUSE_CASH), desk, 'MarginTooLow')
    await mined(withdraw('house', free))
    await mined(trade('alice', -ONE))
    await mined(trade('bob', ONE))
    await mined(withdraw('house', needed))
  })

  test('has the margin for a trade that brings its own position down and all positions up', async () => {
    await mined(trade('alice', ONE))
    const { initialMarginX24 } = await margins()
    await mined(withdraw('house', HOUSE_CASH - requirement(ONE, initialMarginX24)))
    await expectRevert(trade('bob', -ONE), desk, 'MarginTooLow', [
      addressOf('house'),
      requirement(ONE, initialMarginX24),
      requirement(2n * ONE, initialMarginX24),
    ])
    await mined(as('house', token).getFunction('approve')(desk, HOUSE_CASH))
    await mined(as('house').getFunction('deposit')(requirement(ONE, initialMarginX24))) // each rounded up
    await mined(trade('bob', -ONE))
    await mined(trade('alice', -ONE / 2n)) // less at risk needs nothing
  })
})

describe('R20: a desk liquidates', () => {
  /** Alice buys all that her cash allows, then the mark falls until she has lost that share of it. */
  async function underwater(
    lossShare: [bigint, bigint],
    body: (size: bigint, priceE8: bigint) => Promise<void>,
  ): Promise<void> {
    const { initialMarginX24 } = await margins()
    const size = (CASH * 10n ** 8n * ONE_X24) / (PRICE_E8 * initialMarginX24) - 1n
    await mined(trade('alice', size))
    const loss = (CASH * lossShare[0]) / lossShare[1]
    const priceE8 = PRICE_E8 - (loss * 10n ** 8n) / size
    await atMark(priceE8, () => body(size, priceE8))
  }

  test('below the maintenance margin, and not a unit of price above it', async () => {
    const { initialMarginX24, maintenanceMarginX24 } = await margins()
    const size = (CASH * 10n ** 8n * ONE_X24) / (PRICE_E8 * initialMarginX24) - 1n
    await mined(trade('alice', size))
    const held = (await accountOf('alice')).cash
    const isHealthy = (priceE8: bigint) =>
      held + (size * priceE8) / 10n ** 8n >= requirement(size, maintenanceMarginX24, priceE8)
    let priceE8 = PRICE_E8
    for (let step = PRICE_E8 / 2n; step > 0n; step /= 2n) while (isHealthy(priceE8 - step)) priceE8 -= step
    await atMark(priceE8, async () => expectRevert(liquidate('bob', 'alice'), desk, 'AccountHealthy'))
    await atMark(priceE8 - 1n, async () => {
      await mined(as('bob').getFunction('deposit')(CASH * 9n))
      const receipt = await mined(liquidate('bob', 'alice'))
      const event = eventsOf(receipt, desk).find(({ name }) => name === 'Liquidated')
      const reward = (size * (priceE8 - 1n) * REWARD_BPS) / 10n ** 12n
      expect(event?.args.toArray()).toEqual([addressOf('alice'), addressOf('bob'), size, priceE8 - 1n, reward])
      expect((await accountOf('alice')).size).toBe(0n)
      expect((await accountOf('bob')).size).toBe(size)
    })
  })

  test('on stale parameters, which are tighter', async () => {
    await underwater([1n, 4n], async (_, priceE8) => {
      await mined(as('bob').getFunction('deposit')(CASH * 50n))
      await expectRevert(liquidate('bob', 'alice'), desk, 'AccountHealthy')
      await engine.chain.setTime((await margins()).asOf + freshness.maxParameterAgeSeconds + 3n * 3600n)
      await engine.observe(market, priceE8)
      market.waiting.pop()
      await mined(liquidate('bob', 'alice'))
    })
  })

  test('only for a liquidator with the margin to hold the position', async () => {
    await underwater([4n, 5n], async () => {
      await mined(withdraw('bob', CASH / 2n))
      await expectRevert(liquidate('bob', 'alice'), desk, 'MarginTooLow')
      await mined(as('bob').getFunction('deposit')(CASH * 9n))
      await mined(liquidate('bob', 'alice'))
    })
  })

  test('at the house’s loss when nothing is left', async () => {
    await underwater([6n, 5n], async () => {
      await mined(as('bob').getFunction('deposit')(CASH * 9n))
      const [house, bob, alice] = [await equityOf('house'), await equityOf('bob'), await equityOf('alice')]
      expect(alice).toBeLessThan(0n)
      await mined(liquidate('bob', 'alice'))
      expect(await accountOf('alice')).toEqual({ cash: 0n, size: 0n })
      const roundings = 2n // of equity and of a shortfall, a unit each
      expect(await equityOf('house')).toBeLessThanOrEqual(house + alice + roundings)
      expect(await equityOf('bob')).toBeLessThanOrEqual(bob)
    })
  })

  test('others than oneself', async () => {
    await expectRevert(liquidate('alice', 'alice'), desk, 'SameAccount', [addressOf('alice')])
    await expectRevert(trade('house', 1n), desk, 'SameAccount', [addressOf('house')])
  })
})

describe('R20: a desk', () => {
  test('refuses to do nothing, and tokens of other decimals', async () => {
    await expectRevert(trade('alice', 0n), desk, 'NothingChanges')
    await expectRevert(withdraw('alice', 0n), desk, 'NothingChanges')
    await expectRevert(as('alice').getFunction('deposit')(0n), desk, 'NothingChanges')
    const six = await engine.chain.deploy(compileContract('Cash', cash(6)), [])
    await expectRevert(deployDesk(six), desk, 'UnsupportedDecimals', [6n])
  })

  test('holds exactly the cash of all its accounts and as much long as short, whatever happens', async () => {
    const people = ['alice', 'bob', 'carol'] as const
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('trade' as const),
        who: fc.constantFrom(...people),
        amount: fc.bigInt(-8n * ONE, 8n * ONE),
      }),
      fc.record({
        kind: fc.constant('withdraw' as const),
        who: fc.constantFrom(...people),
        amount: fc.bigInt(1n, CASH),
      }),
      fc.record({
        kind: fc.constant('liquidate' as const),
        who: fc.constantFrom(...people),
        whom: fc.constantFrom(...people),
      }),
      fc.record({ kind: fc.constant('mark' as const), priceE8: fc.bigInt(PRICE_E8 / 2n, PRICE_E8 * 2n) }),
    )
    let landed = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 15 }), async (steps) => {
        const waiting = market.waiting.length
        await engine.chain.undone(async () => {
          for (const one of steps) {
            if (one.kind === 'mark') await engine.observe(market, one.priceE8)
            else if (await happens(one)) landed++
            await checkBooks()
          }
        })
        market.waiting.splice(waiting)
      }),
      { numRuns: 15 },
    )
    expect(landed).toBeGreaterThan(20)

    async function happens(one: Exclude<typeof step extends fc.Arbitrary<infer S> ? S : never, { kind: 'mark' }>) {
      const call =
        one.kind === 'trade'
          ? trade(one.who, one.amount)
          : one.kind === 'withdraw'
            ? withdraw(one.who, one.amount)
            : liquidate(one.who, one.whom)
      return call.then(
        () => true,
        () => false,
      )
    }
  })
})

async function checkBooks(): Promise<void> {
  const accounts = await Promise.all(names.map(accountOf))
  const cashOfAll = accounts.reduce((sum, { cash: held }) => sum + held, 0n)
  const sizeOfAll = accounts.reduce((sum, { size }) => sum + size, 0n)
  expect(cashOfAll).toBe(await token.getFunction('balanceOf')(desk))
  expect(sizeOfAll).toBe(0n)
}
