/** Every boundary of the example consumer to the unit and the second; it fails closed, and liquidates whatever happens. */
import type { Contract, Signer } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Chain, eventsOf, GAS_LIMIT, mined } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import { Engine, freshness, type Market } from '../registry/engine.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'

const PRICE = 50_000n
const SIZE = 10n ** 16n // a hundredth of a coin, 500 in cash
const PLENTY = 1_000n * 10n ** 18n
const MAX_MARK_AGE_SECONDS = 60n
const REWARD_BPS = 50n
const HOUR = 3_600n

/** Cash of fewer decimals than the desk counts in. */
const coinOfSixDecimals = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
contract CoinOfSixDecimals is ERC20("Coin", "COIN") {
    function decimals() public pure override returns (uint8) { return 6; }
}`

let engine: Engine
let chain: Chain
let registry: Contract
let btc: Market
let unproven: Market
let cash: Contract
let desk: Contract
let house: Signer
let trader: Signer
let liquidator: Signer
let initialMarginX24: bigint
let maintenanceMarginX24: bigint
let asOf: bigint

beforeAll(async () => {
  engine = await Engine.start(2)
  ;({ chain, registry } = engine)
  ;[btc, unproven] = engine.markets as [Market, Market]
  ;[, house, trader, liquidator] = chain.signers as unknown as [Signer, Signer, Signer, Signer]
  await engine.observe(btc, e8(PRICE))
  await engine.land(engine.batch([btc]))
  ;({ initialMarginX24, maintenanceMarginX24, asOf } = await registry.getFunction('parameters')(btc.marketId))
  cash = await chain.deploy('WETH')
  desk = await openDesk(btc)
  await deposit(house, PLENTY)
})

const e8 = (price: bigint) => price * 10n ** 8n
const addressOf = (signer: Signer) => signer.getAddress()

/** A desk at which the house, the trader and the liquidator may deposit. */
async function openDesk(market: Market, token: Contract = cash): Promise<Contract> {
  const made = await chain.deploy(
    'PerpetualDesk',
    registry,
    market.feed,
    market.marketId,
    token,
    house,
    MAX_MARK_AGE_SECONDS,
    REWARD_BPS,
  )
  for (const signer of [house, trader, liquidator]) {
    await mined((cash.connect(signer) as Contract).getFunction('approve')(made, 2n ** 256n - 1n))
  }
  return made
}

const call = (signer: Signer, name: string, ...args: readonly unknown[]) =>
  (desk.connect(signer) as Contract).getFunction(name)(...args, { gasLimit: GAS_LIMIT })

/** Wraps as much as is deposited. */
async function deposit(signer: Signer, amount: bigint) {
  await mined((cash.connect(signer) as Contract).getFunction('deposit')({ value: amount }))
  return mined(call(signer, 'deposit', amount))
}
const withdraw = (signer: Signer, amount: bigint) => call(signer, 'withdraw', amount)
const trade = (signer: Signer, sizeChange: bigint) => call(signer, 'trade', sizeChange)
const liquidate = async (signer: Signer, account: Signer) => call(signer, 'liquidate', await addressOf(account))

async function accountOf(signer: Signer): Promise<[bigint, bigint]> {
  return (await desk.getFunction('accountOf')(await addressOf(signer))).toArray()
}

/** Cash that `size` needs at a price, rounded up. */
function required(size: bigint, price: bigint, marginX24: bigint): bigint {
  return (size * price * marginX24 + (1n << 24n) - 1n) >> 24n
}

/** A fresh mark; the registry hears nothing of it. */
const mark = (price: bigint, secondsLater = 1n) => engine.observe(btc, e8(price), secondsLater)

/** A fresh mark at the price so far, and the next transaction at this time. */
async function standAt(time: bigint, price = PRICE): Promise<void> {
  await mark(price, time - (await chain.now()) - 10n)
  await chain.setNextTime(time)
}

const refused = (sent: Promise<unknown>, error: string, args?: readonly unknown[]) =>
  expectRevert(sent, desk, error, args)

async function marginTooLow(sent: Promise<unknown>, who: Signer, equity: bigint, needed: bigint): Promise<void> {
  await refused(sent, 'MarginTooLow', [await addressOf(who), equity, needed])
}

/** A test that leaves the chain as it found it. */
const scene = (name: string, body: () => Promise<void>) =>
  test(name, () => chain.undone(async () => void (await body())))

describe('cash', () => {
  scene('comes in and, from a flat account, goes out to the last unit', async () => {
    const [deposited] = eventsOf(await deposit(trader, 5n), desk)
    expect([deposited?.name, deposited?.args.toArray()]).toEqual(['Deposited', [await addressOf(trader), 5n]])
    await marginTooLow(withdraw(trader, 6n), trader, -1n, 0n)
    const [withdrawn] = eventsOf(await mined(withdraw(trader, 5n)), desk)
    expect([withdrawn?.name, withdrawn?.args.toArray()]).toEqual(['Withdrawn', [await addressOf(trader), 5n]])
    expect(await accountOf(trader)).toEqual([0n, 0n])
    expect(await cash.getFunction('balanceOf')(trader)).toBe(5n)
  })

  scene('moves by more than nothing, and so do positions', async () => {
    for (const name of ['deposit', 'withdraw', 'trade']) await refused(call(trader, name, 0n), 'NothingChanges')
  })

  scene('has 18 decimals', async () => {
    const coin = await chain.deploy(compileContract('CoinOfSixDecimals', coinOfSixDecimals))
    await refused(openDesk(btc, coin), 'UnsupportedDecimals', [6n])
  })
})

describe('opening', () => {
  for (const [side, sizeChange] of [
    ['long', SIZE],
    ['short', -SIZE],
  ] as const) {
    scene(`${side} needs the initial margin, to the unit`, async () => {
      const least = required(SIZE, PRICE, initialMarginX24)
      await deposit(trader, least - 1n)
      await mark(PRICE)
      await marginTooLow(trade(trader, sizeChange), trader, least - 1n, least)
      await deposit(trader, 1n)
      const [traded] = eventsOf(await mined(trade(trader, sizeChange)), desk)
      expect([traded?.name, traded?.args.toArray()]).toEqual([
        'Traded',
        [await addressOf(trader), sizeChange, e8(PRICE)],
      ])
      expect(await accountOf(trader)).toEqual([least - sizeChange * PRICE, sizeChange])
      expect(await accountOf(house)).toEqual([PLENTY + sizeChange * PRICE, -sizeChange])
    })
  }

  scene('needs the initial margin of the house too', async () => {
    const least = required(SIZE, PRICE, initialMarginX24)
    await deposit(trader, PLENTY)
    await mined(withdraw(house, PLENTY - least + 1n))
    await mark(PRICE)
    await marginTooLow(trade(trader, SIZE), house, least - 1n, least)
    await deposit(house, 1n)
    await mined(trade(trader, SIZE))
  })

  scene('is not for the house, which would trade with itself', async () => {
    await refused(trade(house, SIZE), 'SameAccount', [await addressOf(house)])
  })

  scene('through zero to the other side needs the margin of the other side', async () => {
    const least = required(SIZE, PRICE, initialMarginX24)
    await deposit(trader, least)
    await mark(PRICE)
    await mined(trade(trader, SIZE))
    const wider = required(SIZE + 1n, PRICE, initialMarginX24)
    await marginTooLow(trade(trader, -2n * SIZE - 1n), trader, least, wider)
    await mined(trade(trader, -2n * SIZE))
    expect((await accountOf(trader))[1]).toBe(-SIZE)
  })

  scene('and closing at one price rounds against the trader each time', async () => {
    await deposit(trader, PLENTY)
    await engine.observe(btc, e8(PRICE) - 1n) // no whole unit of cash for any small size
    for (const sizeChange of [1n, -1n, 7n, -7n]) {
      const [before] = await accountOf(trader)
      await mined(trade(trader, sizeChange))
      expect(await desk.getFunction('equityOf')(trader)).toBe(before - 1n)
      await mined(trade(trader, -sizeChange))
      expect(await accountOf(trader)).toEqual([before - 1n, 0n])
    }
  })
})

describe('closing', () => {
  scene(
    'needs no margin of the trader, nor of the house though its position grows by it: less stands open',
    async () => {
      // The liquidator's short leaves the house long; what the trader sells adds to it.
      const houseLeast = required(3n * SIZE, 45_000n, initialMarginX24)
      const houseLoss = SIZE * 5_000n
      await deposit(liquidator, PLENTY)
      await deposit(trader, required(SIZE, PRICE, initialMarginX24))
      await mark(PRICE)
      await mined(trade(liquidator, -2n * SIZE))
      await mined(trade(trader, SIZE))
      await mark(45_000n)
      const [equity, needed] = [await desk.getFunction('equityOf')(trader), required(SIZE, 45_000n, initialMarginX24)]
      expect(equity).toBeLessThan(needed)
      const free = PLENTY - houseLoss - houseLeast
      await marginTooLow(withdraw(house, free + 1n), house, houseLeast - 1n, houseLeast)
      await mined(withdraw(house, free))
      await mined(trade(trader, -SIZE))
      expect(await accountOf(trader)).toEqual([equity, 0n])
    },
  )
})

describe('withdrawing', () => {
  scene('leaves the initial margin of an open position, to the unit', async () => {
    const least = required(SIZE, PRICE, initialMarginX24)
    await deposit(trader, least + 5n)
    await mark(PRICE)
    await mined(trade(trader, SIZE))
    await marginTooLow(withdraw(trader, 6n), trader, least - 1n, least)
    await mined(withdraw(trader, 5n))
    expect(await desk.getFunction('equityOf')(trader)).toBe(least)
  })
})

describe('when the parameters are stale', () => {
  const lastMoment = () => asOf + freshness.maxParameterAgeSeconds

  /** Does it in the last second in which it can be done, and is refused in the next. */
  async function stops(attempt: () => Promise<unknown>): Promise<void> {
    await chain.undone(async () => {
      await standAt(lastMoment() + 1n)
      await expectRevert(attempt(), registry, 'ParametersStale', [asOf, asOf + 1n])
    })
    await standAt(lastMoment())
    await mined(attempt() as ReturnType<typeof trade>)
  }

  scene('opening stops', async () => {
    await deposit(trader, PLENTY)
    await stops(() => trade(trader, SIZE))
  })

  scene('withdrawing from an open position stops', async () => {
    await deposit(trader, PLENTY)
    await mark(PRICE)
    await mined(trade(trader, SIZE))
    await stops(() => withdraw(trader, 1n))
  })

  scene('deposits, smaller positions and withdrawals of the flat go on', async () => {
    await deposit(trader, PLENTY)
    await mark(PRICE)
    await mined(trade(trader, SIZE))
    await standAt(lastMoment() + 1n)
    await deposit(trader, 1n)
    await mined(trade(trader, -SIZE / 2n))
    await mined(trade(trader, -SIZE / 2n))
    await mined(withdraw(trader, PLENTY + 1n))
    expect(await accountOf(trader)).toEqual([0n, 0n])
  })

  scene('liquidation goes on, at a maintenance margin that rises by the hour, to the unit', async () => {
    const hours = 2n
    const tightenedX24 = maintenanceMarginX24 + hours * freshness.stalenessAddOnPerHourX24
    expect(tightenedX24).toBeGreaterThan(initialMarginX24)
    const least = required(SIZE, PRICE, tightenedX24)
    await deposit(liquidator, PLENTY)
    await deposit(trader, least)
    await mark(PRICE)
    await mined(trade(trader, SIZE))
    await chain.undone(async () => {
      await standAt(lastMoment() + hours * HOUR)
      await refused(liquidate(liquidator, trader), 'AccountHealthy', [await addressOf(trader), least, least])
    })
    await mined(withdraw(trader, 1n))
    await chain.undone(async () => {
      await standAt(lastMoment() + hours * HOUR - 1n)
      await refused(liquidate(liquidator, trader), 'AccountHealthy')
    })
    await standAt(lastMoment() + hours * HOUR)
    await mined(liquidate(liquidator, trader))
    expect((await accountOf(trader))[1]).toBe(0n)
  })

  scene('whoever takes a position over needs the tightened margin', async () => {
    const hours = 2n
    const tightenedX24 = maintenanceMarginX24 + hours * freshness.stalenessAddOnPerHourX24
    const least = required(SIZE, PRICE, tightenedX24)
    const reward = (SIZE * PRICE * REWARD_BPS) / 10_000n
    await deposit(trader, least - 1n)
    await deposit(liquidator, least - reward - 1n)
    await mark(PRICE)
    await mined(trade(trader, SIZE))
    await chain.undone(async () => {
      await standAt(lastMoment() + hours * HOUR)
      await marginTooLow(liquidate(liquidator, trader), liquidator, least - 1n, least)
    })
    await deposit(liquidator, 1n)
    await standAt(lastMoment() + hours * HOUR)
    await mined(liquidate(liquidator, trader))
  })
})

describe('liquidation', () => {
  for (const [side, sizeChange, price] of [
    ['long', SIZE, 45_000n],
    ['short', -SIZE, 55_000n],
  ] as const) {
    const loss = SIZE * (price > PRICE ? price - PRICE : PRICE - price)
    const reward = (SIZE * price * REWARD_BPS) / 10_000n

    scene(`of a ${side} position starts one unit below the maintenance margin`, async () => {
      const least = required(SIZE, price, maintenanceMarginX24)
      await deposit(liquidator, PLENTY)
      await deposit(trader, least + loss)
      await mark(PRICE)
      await mined(trade(trader, sizeChange))
      await chain.undone(async () => {
        await mark(price)
        await refused(liquidate(liquidator, trader), 'AccountHealthy', [await addressOf(trader), least, least])
      })
      await mined(withdraw(trader, 1n))
      await mark(price)
      const [event] = eventsOf(await mined(liquidate(liquidator, trader)), desk)
      const [account, by] = [await addressOf(trader), await addressOf(liquidator)]
      expect([event?.name, event?.args.toArray()]).toEqual(['Liquidated', [account, by, sizeChange, e8(price), reward]])
      expect(await accountOf(trader)).toEqual([least - 1n - reward, 0n])
      expect(await accountOf(liquidator)).toEqual([PLENTY - sizeChange * price + reward, sizeChange])
    })

    scene(`of a ${side} position needs the liquidator's initial margin, reward included, to the unit`, async () => {
      const needed = required(SIZE, price, initialMarginX24)
      await deposit(liquidator, needed - reward - 1n)
      await deposit(trader, required(SIZE, price, maintenanceMarginX24) + loss - 1n)
      await mark(PRICE)
      await mined(trade(trader, sizeChange))
      await mark(price)
      await marginTooLow(liquidate(liquidator, trader), liquidator, needed - 1n, needed)
      await deposit(liquidator, 1n)
      await mined(liquidate(liquidator, trader))
    })
  }

  scene('is impossible while healthy, of the flat, and of oneself', async () => {
    const equity = required(SIZE, PRICE, initialMarginX24)
    const needed = required(SIZE, PRICE, maintenanceMarginX24)
    await deposit(liquidator, PLENTY)
    await deposit(trader, equity)
    await mark(PRICE)
    await refused(liquidate(liquidator, trader), 'AccountHealthy', [await addressOf(trader), equity, 0n])
    await mined(trade(trader, SIZE))
    await refused(liquidate(liquidator, trader), 'AccountHealthy', [await addressOf(trader), equity, needed])
    await refused(liquidate(trader, trader), 'SameAccount', [await addressOf(trader)])
  })

  scene('leaves a shortfall to the house, pays nothing for it, and loses no cash', async () => {
    const equity = required(SIZE, PRICE, initialMarginX24)
    await deposit(liquidator, PLENTY)
    await deposit(trader, equity)
    await mark(PRICE)
    await mined(trade(trader, SIZE))
    // Half the price is a jump, which two more confirm.
    for (let i = 0; i < 3; i++) await mark(PRICE / 2n)
    const [houseBefore] = await accountOf(house)
    const shortfall = (SIZE * PRICE) / 2n - equity
    expect(shortfall).toBeGreaterThan(0n)
    const [event] = eventsOf(await mined(liquidate(liquidator, trader)), desk)
    expect(event?.args.reward).toBe(0n)
    const accounts = await Promise.all([house, trader, liquidator].map(accountOf))
    expect(accounts[1]).toEqual([0n, 0n])
    expect(accounts[0]?.[0]).toBe(houseBefore - shortfall)
    const held = await cash.getFunction('balanceOf')(desk)
    expect(accounts.reduce((sum, [amount]) => sum + amount, 0n)).toBe(held)
    expect(accounts.reduce((sum, [, size]) => sum + size, 0n)).toBe(0n)
  })

  scene('pays a reward only out of what is left', async () => {
    await deposit(liquidator, PLENTY)
    const equity = required(SIZE, PRICE, initialMarginX24)
    await deposit(trader, equity)
    await mark(PRICE)
    await mined(trade(trader, SIZE))
    // A price in whole units at which less is left than the reward would be.
    const price = PRICE - equity / SIZE
    await mark(price)
    const left = equity - SIZE * (PRICE - price)
    expect(left).toBeLessThan((SIZE * price * REWARD_BPS) / 10_000n)
    const [event] = eventsOf(await mined(liquidate(liquidator, trader)), desk)
    expect(event?.args.reward).toBe(left)
    expect(await accountOf(trader)).toEqual([0n, 0n])
  })
})

describe('a mark price', () => {
  scene('is at most so old, for trades and liquidations alike', async () => {
    await deposit(trader, PLENTY)
    await mark(PRICE)
    const [, , marked] = await btc.feed.getFunction('latest')(btc.marketId)
    const attempts = [() => trade(trader, SIZE), () => liquidate(liquidator, trader)]
    for (const attempt of attempts) {
      await chain.undone(async () => {
        await chain.setNextTime(marked + MAX_MARK_AGE_SECONDS + 1n)
        await refused(attempt(), 'MarkStale', [marked, marked + 1n])
      })
    }
    await chain.setNextTime(marked + MAX_MARK_AGE_SECONDS)
    await mined(trade(trader, SIZE))
  })
})

describe('before the first proof', () => {
  scene('nothing opens and nothing is liquidated', async () => {
    const proven = desk
    desk = await openDesk(unproven)
    try {
      await deposit(trader, PLENTY)
      await engine.observe(unproven, e8(PRICE))
      for (const attempt of [() => trade(trader, SIZE), () => liquidate(liquidator, trader)]) {
        await expectRevert(attempt(), registry, 'NotYetProven', [unproven.marketId])
      }
      await mined(withdraw(trader, PLENTY))
    } finally {
      desk = proven
    }
  })
})
